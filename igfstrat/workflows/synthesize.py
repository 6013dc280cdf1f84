"""Writing a synthetic cohort with its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from igfstrat.cohort.writing import write_plain_table
from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.files import write_manifest
from igfstrat.synthetic import CohortConfig, simulate_cohort


def synthesize(config: str | Path, *, n: int, seed: int, out: Path, command: Sequence[str]) -> list[Path]:
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
        A .csv or .xlsx file.
    command : sequence of str
        The command line.

    Returns
    -------
    list of Path
        The cohort and its manifest.
    """
    path = config_path(str(config), "cohorts")
    table = simulate_cohort(make_config(CohortConfig, read_yaml(path)), n=n, seed=seed)
    write_plain_table(table, out)
    manifest = out.with_name(f"{out.stem}.manifest.json")
    content = {"config": path.stem, "seed": seed, "rows": n, "note": "synthetic: nobody in it is real"}
    write_manifest(manifest, command=command, inputs=[path], content=content)
    return [out, manifest]
