"""The demonstration: a synthetic cohort through every job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from igfstrat.cohort import read_cohort
from igfstrat.files import make_folder
from igfstrat.report import DEFAULT_FORMATS
from igfstrat.workflows.plan import choose_plan
from igfstrat.workflows.score_cohort import score_cohort
from igfstrat.workflows.score_tables import write_scores
from igfstrat.workflows.survival_report import survival_report, write_report
from igfstrat.workflows.synthesize import synthesize

_N: Final = 300
_SEED: Final = 7


def run_demo(out: Path, *, command: Sequence[str]) -> Iterator[str]:
    """Draw, score, report.

    Parameters
    ----------
    out : Path
        The folder; it is made.
    command : sequence of str
        The command line.

    Yields
    ------
    str
        What was done, line by line, with the paths to open.
    """
    make_folder(out)
    made = synthesize(
        "breast_early", n=_N, seed=_SEED, out=out / "cohort.xlsx", command=command, realism=True
    )
    cohort_file = made[0]
    yield f"1. A synthetic cohort of {_N} breast cancers (nobody in it is real): {cohort_file}"
    cohort = read_cohort(cohort_file)
    chosen = choose_plan("breast", cohort)
    scores = score_cohort(cohort, chosen)
    written = write_scores(scores, out / "scored.xlsx", command=command)
    counts = scores.counts
    yield (
        f"2. Scored: {counts['scored']} scored, {counts['flagged']} with flags, {counts['not_scored']} not scored"
        f" (all {cohort.n_rows} are in the output): {written[0]}"
    )
    report = survival_report(cohort, endpoint=["dfs", "pfs"], by="igf1r_status", plan=chosen)
    pages = write_report(report, out, formats=DEFAULT_FORMATS, command=command)
    for result in report.report.endpoints:
        yield f"3. {result.title}: {result.n} patients, {result.n_events} events"
    yield f"Open {pages[0]}"
    yield f"Open {written[0]}"
    yield "Research use only."
