"""A scored cohort as tables: the scores, and the sheets that explain them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from igfstrat._version import __version__
from igfstrat.cohort import Cohort
from igfstrat.cohort.piece_sources import FIRST_RECORD, arrow_cells, is_parquet, own_values
from igfstrat.cohort.writing import ScoreTables, write_score_tables
from igfstrat.errors import Severity
from igfstrat.features import REGISTRY, evidence_text
from igfstrat.features.present import look_up
from igfstrat.files import write_manifest, write_problems
from igfstrat.schema import FLAG_CODES
from igfstrat.workflows.row_flags import in_row_order
from igfstrat.workflows.score_cohort import ScoreResult

RESEARCH_ONLY: Final = "research use only"


def score_table(result: ScoreResult) -> pd.DataFrame:
    """The result as a table: the input columns as read, then what was computed.

    Parameters
    ----------
    result : ScoreResult
        A scored cohort.

    Returns
    -------
    DataFrame, one row a patient row
        In the order of the input. A computed column whose name the input also has gets the suffix ``_igfstrat``.
    """
    cohort = result.cohort
    source = cohort.sheet.cells.set_axis(pd.Index(source_headers(cohort)), axis=1)
    columns = added_columns(result)
    assert len(source) == cohort.n_rows
    return pd.concat([source.reset_index(drop=True), pd.DataFrame(columns)], axis=1)


def source_headers(cohort: Cohort) -> list[str]:
    """Headers of the input's columns in the output.

    Parameters
    ----------
    cohort : Cohort
        As read.

    Returns
    -------
    list of str
        As found; a column without one gets its number.
    """
    return [header or f"column {i + 1}" for i, header in enumerate(cohort.sheet.headers)]


def added_columns(result: ScoreResult) -> dict[str, Any]:
    """What was computed, beside the columns of the input.

    Parameters
    ----------
    result : ScoreResult
        A scored cohort.

    Returns
    -------
    dict of str to ndarray, shape (n_rows,)
        By the header in the output.
    """
    cohort = result.cohort
    added: dict[str, Any] = {str(name): result.features[name].to_numpy() for name in result.features}
    for header in (b.column.header for b in cohort.bindings.columns.values()):
        if header in cohort.units and header in cohort.table:
            added[header] = cohort.table[header].to_numpy()
    added |= {
        "stratum": result.stratum,
        "stratum_evidence": look_up(result.stratum, _evidence_lines(result)),
        "row_status": result.row_status,
        "not_scored_because": result.reasons,
        "flags": result.flags,
        "purpose": np.array([RESEARCH_ONLY], dtype=object).repeat(cohort.n_rows),
    }
    taken = set(cohort.sheet.headers)
    return {name if name not in taken else f"{name}_igfstrat": values for name, values in added.items()}


def _evidence_lines(result: ScoreResult) -> dict[str, str]:
    return {name: evidence_text(found) for name, found in result.evidence.items()}


def write_scores(result: ScoreResult, out: Path, *, command: Sequence[str]) -> list[Path]:
    """Write the scores, their manifest, and the problems where there are any.

    Parameters
    ----------
    result : ScoreResult
        A scored cohort.
    out : Path
        A .csv, .xlsx or .parquet file.
    command : sequence of str
        The command line.

    Returns
    -------
    list of Path
        What was written.
    """
    table = score_table(result)
    tables = ScoreTables(
        scores=table,
        n_source_columns=len(result.cohort.sheet.headers),
        flags=_problem_table(result),
        summary=_summary_table(result),
        dictionary=_dictionary_table(result, list(table.columns)),
        provenance=_provenance_table(result),
    )
    typed = typed_columns(result.cohort) if out.suffix.lower() == ".parquet" else {}
    write_score_tables(tables, out, typed=typed)
    written = [out, out.with_name(f"{out.stem}.manifest.json")]
    content = {
        "plan": result.chosen.to_dict(),
        "read": result.cohort.to_dict(),
        "features": result.descriptions,
        "rows": {"read": result.cohort.n_rows, **result.counts, "not_scored_because": result.count_reasons()},
        "strata": result.count_strata(),
        "evidence": {name: found.records() for name, found in result.evidence.items()},
        "flags": result.count_flags(),
        "notices": [p.remedy for p in result.noticed if p.severity is Severity.NOTICE],
    }
    write_manifest(
        written[1], command=command, inputs=result.chosen.files_with(result.cohort), content=content
    )
    if result.has_flags:
        written.append(out.with_name(f"{out.stem}.problems.csv"))
        problems = in_row_order(result.noticed, result.row_problems())
        write_problems(
            written[-1], problems, source=result.cohort.sheet.source, sheet=result.cohort.sheet.name
        )
    return written


def typed_columns(cohort: Cohort) -> dict[int, Any]:
    """Columns of a parquet file in their own types, for a parquet file of scores.

    Parameters
    ----------
    cohort : Cohort
        As read.

    Returns
    -------
    dict of int to pyarrow.Array
        By place; only columns whose cells are those of the file, not what a map made of them. Empty for other files.
    """
    if not cohort.files or not cohort.files[0].is_file() or not is_parquet(cohort.files[0]):
        return {}
    import pyarrow.parquet as pq

    rows = cohort.row_numbers - FIRST_RECORD
    table = pq.read_table(cohort.files[0]).take(rows).combine_chunks()
    typed = {}
    for i, column in enumerate(table.columns):
        array = column.combine_chunks()
        if np.array_equal(arrow_cells(array).text(), cohort.sheet.cells[i].to_numpy(dtype=object)):
            typed[i] = own_values(array)
    return typed


def _problem_table(result: ScoreResult) -> pd.DataFrame:
    rows = [
        (p.row, p.cell, p.column, FLAG_CODES.get(p.code, p.code.replace("_", " ")), p.value, p.remedy)
        for p in result.problems
    ]
    return pd.DataFrame(
        rows, columns=["row", "cell", "column", "flag", "found", "what it means"], dtype=object
    )


def _summary_table(result: ScoreResult) -> pd.DataFrame:
    rows: list[tuple[str, str, int]] = [("rows", "read", result.cohort.n_rows)]
    rows += [("rows", status, n) for status, n in result.counts.items()]
    rows += [("not scored", reason, n) for reason, n in result.count_reasons().items()]
    rows += [("stratum", name, n) for name, n in result.count_strata().items()]
    rows += [("flag", flag, n) for flag, n in result.count_flags().items()]
    return pd.DataFrame(rows, columns=["what", "which", "n"])


def _dictionary_table(result: ScoreResult, columns: list[str]) -> pd.DataFrame:
    own = {
        "stratum": "first stratum of the plan whose rule the patient meets",
        "stratum_evidence": "what the registry reports on the outcome of patients of this stratum, for the high level of each marker: no forecast for a patient",
        "row_status": "scored, flagged or not_scored",
        "not_scored_because": "what is missing",
        "flags": "code:column, joined by ;",
        "purpose": "research use only; not for the care of a patient",
    }
    rows = []
    for name in columns[len(result.cohort.sheet.headers) :]:
        base = name.removesuffix("_igfstrat")
        spec = REGISTRY.get(base)
        text = result.descriptions.get(base) or own.get(base) or result.cohort.units.get(base, "")
        rows.append(
            (
                name,
                spec.title if spec else "",
                spec.unit if spec else "",
                text,
                ", ".join(spec.evidence) if spec else "",
            )
        )
    return pd.DataFrame(rows, columns=["column", "title", "unit", "how", "evidence"])


def _provenance_table(result: ScoreResult) -> pd.DataFrame:
    rows = [
        ("igfstrat", __version__),
        ("purpose", "research use only; not for the care of a patient"),
        ("file", result.cohort.sheet.source),
        ("sheet", result.cohort.sheet.name or ""),
        ("header row", str(result.cohort.sheet.header_row)),
        ("plan", result.chosen.origin),
    ]
    rows += [(f"unit of {header}", text) for header, text in result.cohort.units.items()]
    rows += [(f"evidence on {name}", text) for name, text in _evidence_lines(result).items()]
    rows += [("note", note) for note in result.cohort.notes]
    rows += [("notice", p.remedy) for p in result.noticed if p.severity is Severity.NOTICE]
    return pd.DataFrame(rows, columns=["what", "value"])
