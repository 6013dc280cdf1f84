"""From a file to a `Cohort`: sniff, read, lay out, bind, decode, check.

The content decides what a file is, not its name. Every reader hands over text cells, and one path
decodes them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from igfstrat.cohort.binding import bind_columns
from igfstrat.cohort.cohort import Cohort
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.container import read_grids
from igfstrat.cohort.decoding import decode_sheet
from igfstrat.cohort.joining import join_tables, read_beside
from igfstrat.cohort.layout import choose_sheet, find_table
from igfstrat.cohort.limits import LIMITS, Limits
from igfstrat.cohort.merging import filter_rows, merge_patients
from igfstrat.cohort.redcap import apply_dictionary, parse_dictionary
from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.errors import safe_text


def read_cohort(
    path: str | Path,
    *,
    map: str | Path | CohortMap | None = None,  # noqa: A002 - the word that its users know
    sheet: str | None = None,
    header_row: int | None = None,
    encoding: str | None = None,
    limits: Limits = LIMITS,
) -> Cohort:
    """Read a cohort spreadsheet.

    Parameters
    ----------
    path : str or Path
        A file of text (csv, tsv), a workbook (xlsx, xls), or a table of parquet, SAS, SPSS or Stata; its content
        decides which.
    map : str, Path or CohortMap, optional
        How to read it, where its headers don't follow the convention.
    sheet, header_row, encoding : optional
        Sheet name, header row (from 1) and text encoding; they come before what the map says.
    limits : Limits
        How much of the machine the file may take before it is refused.

    Returns
    -------
    Cohort
        Table, endpoints, problems. Columns in doubt are in `unusable`, and only the jobs that need them refuse.

    Raises
    ------
    CohortError
        If there is no table, or the patients can't be told apart.
    ConfigError
        If the map is not one.
    UnsafeFileError
        If the file could do harm.
    StorageError
        If the file may not be read.
    """
    path = Path(path)
    cohort_map = load_map(map)
    by_map = cohort_map or CohortMap()
    name, known = safe_text(path.name), by_map.source_headers
    grids = read_grids(
        path, encoding=encoding or by_map.file.encoding, delimiter=by_map.file.delimiter, limits=limits
    )
    joined = {join.sheet for join in by_map.join if join.file is None}
    own = [grid for grid in grids if grid.name not in joined or grid.name is None]
    grid = choose_sheet(own or grids, name, wanted=sheet or by_map.file.sheet, known=known)
    header = header_row if header_row is not None else by_map.file.header_row
    table = find_table(grid, name, header_row=header, known=known)
    if by_map.dictionary is not None:
        fields = parse_dictionary(read_beside(path, by_map.dictionary, limits))
        table = apply_dictionary(table, fields)
    table = join_tables(table, by_map.join, grids=grids, path=path, known=known, limits=limits)
    table, n_filtered = filter_rows(table, by_map.rows)
    bindings = bind_columns(table, cohort_map)
    table, n_merged = merge_patients(table, by_map, bindings)
    cohort = decode_sheet(table, bindings, by_map, n_filtered=n_filtered + n_merged)
    beside = [*(join.file for join in by_map.join), by_map.dictionary]
    joined_files = [path.parent / name for name in beside if name is not None]
    map_file = [config_path(str(map), "maps")] if isinstance(map, str | Path) else []
    return replace(cohort, files=(path, *joined_files, *map_file))


def load_map(source: str | Path | CohortMap | None) -> CohortMap | None:
    """A cohort map.

    Parameters
    ----------
    source : str, Path, CohortMap or None
        A file, or the bare name of a packaged one.

    Returns
    -------
    CohortMap or None
        None where none is named.

    Raises
    ------
    ConfigError
        If the file is no map.
    """
    if source is None or isinstance(source, CohortMap):
        return source
    return make_config(CohortMap, read_yaml(config_path(str(source), "maps")))
