"""Writing a synthetic cohort with its manifest, as it is drawn, disturbed, or as people would keep it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.errors import UsageError
from igfstrat.files import check_output_file, neutral_csv_text, write_bytes, write_manifest
from igfstrat.synthetic import CohortConfig
from igfstrat.synthetic.calibration import calibrate, render_calibration
from igfstrat.synthetic.messy import (
    MAX_MESSY_ROWS,
    MESSY_LEVELS,
    Fault,
    Level,
    make_messy,
    messy_stream,
    write_messy,
)
from igfstrat.synthetic.realism_settings import RealismSettings, standard_realism
from igfstrat.synthetic.stream import check_format, draw_block, draw_cohort, write_cohort


def check_request(out: Path, *, n: int, messy: str | None, force: bool) -> None:
    """Make sure, before any drawing, that what is asked for can be written.

    Parameters
    ----------
    out : Path
        The file to come.
    n : int
        Patients.
    messy : str or None
        Level of a messy sheet.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    UsageError
        If the format, the level or the number of rows can't be, or a file exists and `force` is off.
    """
    check_format(out, n)
    check_output_file(out, force=force)
    if messy is None:
        return
    if messy not in MESSY_LEVELS:
        message = f"--messy {messy}: write {', '.join(MESSY_LEVELS)}"
        raise UsageError(message)
    if out.suffix.lower() == ".parquet" or n > MAX_MESSY_ROWS:
        message = f"--messy: a sheet kept by hand is a .csv or .xlsx file of at most {MAX_MESSY_ROWS:,} rows"
        raise UsageError(message)
    check_output_file(_beside(out, "faults.csv"), force=force)


def synthesize(
    config: str | Path,
    *,
    n: int,
    seed: int,
    out: Path,
    command: Sequence[str],
    preset: str | None = None,
    realism: bool = False,
    messy: str | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Draw a cohort and write it.

    Parameters
    ----------
    config : str or Path
        A cohort configuration, or the bare name of a packaged one.
    n : int
        Patients.
    seed : int
        Of the random streams.
    out : Path
        A .csv, .xlsx or .parquet file.
    command : sequence of str
        The command line.
    preset : str, optional
        Named effects in place of the configuration's own.
    realism : bool
        Whether the table is disturbed: as the configuration's `realism:` says, or by standard settings where it
        says nothing.
    messy : str, optional
        One of `MESSY_LEVELS`: the sheet as people keep it, with the list of faults beside it.
    n_jobs : int
        Workers; they don't show in the result.
    progress : callable, optional
        Called with the rows written so far and `n`.

    Returns
    -------
    list of Path
        The cohort, its manifest, and the list of faults of a messy sheet.
    """
    path = config_path(str(config), "cohorts")
    drawn = make_config(CohortConfig, read_yaml(path))
    drawn = drawn if preset is None else drawn.with_preset(preset)
    disturbance = _realism_of(drawn, seed) if realism else RealismSettings()
    faults: tuple[Fault, ...] = ()
    if messy is None:
        write_cohort(drawn, n=n, seed=seed, path=out, realism=disturbance, n_jobs=n_jobs, progress=progress)
    else:
        table = draw_cohort(drawn, n=n, seed=seed, realism=disturbance)
        sheet = make_messy(table, messy_stream(seed), cast(Level, messy))
        write_messy(sheet, out)
        faults = sheet.faults
    content = {
        "config": path.stem,
        "preset": preset or "default",
        "seed": seed,
        "rows": n,
        "realism": None if disturbance.is_off else disturbance.model_dump(),
        "messy": messy,
        "faults": len(faults),
        "note": "synthetic: nobody in it is real",
    }
    manifest = _beside(out, "manifest.json")
    inputs = [path, *(config_path(name, "cohorts/shared") for name in drawn.base)]
    write_manifest(manifest, command=command, inputs=inputs, content=content)
    return [out, manifest, *([_write_faults(_beside(out, "faults.csv"), faults)] if messy else [])]


def calibration_lines(config: str | Path, *, seed: int) -> list[str]:
    """Hold the claims of a configuration against very large cohorts drawn from it.

    Parameters
    ----------
    config : str or Path
        A cohort configuration, or the bare name of a packaged one.
    seed : int
        Of the random streams.

    Returns
    -------
    list of str
        Each claim with its target, what was found, and the verdict; then the marginal hazard ratios of the presets.
    """
    path = config_path(str(config), "cohorts")
    claimed = make_config(CohortConfig, read_yaml(path))
    results = {path.stem: calibrate(claimed, seed=seed)}
    return render_calibration(results, {path.stem: claimed}).splitlines()


def _realism_of(config: CohortConfig, seed: int) -> RealismSettings:
    if not config.realism.is_off:
        return config.realism
    return standard_realism(map(str, draw_block(config, seed=seed, block=0)))


def _beside(out: Path, end: str) -> Path:
    return out.with_name(f"{out.stem}.{end}")


def _write_faults(path: Path, faults: Sequence[Fault]) -> Path:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["row", "column", "kind", "old", "new"])
    for fault in sorted(faults, key=lambda f: (f.row or 0, f.column or "", f.kind)):
        cells = (fault.row, fault.column, fault.kind, fault.old, fault.new)
        writer.writerow([neutral_csv_text("" if cell is None else str(cell)) for cell in cells])
    write_bytes(path, buffer.getvalue().encode("utf-8-sig"))
    return path
