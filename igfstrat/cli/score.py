"""`igfstrat score`: features, status, strata and flags for every row of a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from igfstrat.cli.common import (
    CohortArgument,
    DebugOption,
    EncodingOption,
    ForceOption,
    HeaderRowOption,
    MapOption,
    PlanOption,
    SheetOption,
    StrictOption,
    command_line,
    counted,
    read,
    run,
    say,
    show_problems,
)
from igfstrat.errors import ExitCode, Severity, safe_text

if TYPE_CHECKING:
    from igfstrat.workflows.score_cohort import ScoreResult


@run
def score(
    cohort: CohortArgument,
    out: Annotated[Path, typer.Option("--out", help="Result: a .csv or .xlsx file.", show_default=False)],
    map: MapOption = None,  # noqa: A002
    plan: PlanOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
    debug: DebugOption = False,
) -> int:
    """Score a cohort: every row with its features, stratum, status and flags.

    Parameters
    ----------
    cohort, out, map, plan, sheet, header_row, encoding, force, strict, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.cohort.writing import check_suffix
    from igfstrat.files import check_output_file
    from igfstrat.workflows.plan import choose_plan
    from igfstrat.workflows.score_cohort import refuse_flagged, score_cohort
    from igfstrat.workflows.score_tables import write_scores

    del debug
    check_suffix(out)
    check_output_file(out, force=force, inputs=[cohort])
    table = read(cohort, map=map, sheet=sheet, header_row=header_row, encoding=encoding)
    result = score_cohort(table, choose_plan(plan, table))
    if strict:
        refuse_flagged(result)
    written = write_scores(result, out, command=command_line())
    _show_scores(result)
    what = " (sheets scores, flags, summary, dictionary, provenance)" if out.suffix.lower() == ".xlsx" else ""
    say(f"Wrote {written[0]}{what}, {', '.join(path.name for path in written[1:])}.   Research use only.")
    return ExitCode.FLAGGED if result.is_flagged else ExitCode.OK


def _show_scores(result: ScoreResult) -> None:
    table, n = result.cohort, result.counts
    say(
        f"{table.n_rows} rows read · {n['scored']} scored · {n['flagged']} scored with flags · "
        f"{n['not_scored']} not scored (all {table.n_rows} are in the output)"
    )
    if table.n_filtered:
        say(f"  {table.n_filtered} more rows of the file are left out by the map")
    say(f"  plan         {result.chosen.origin}")
    said = {
        "not scored": result.count_reasons(),
        "flags": result.count_flags(),
        "strata": result.count_strata(),
    }
    for title, counts in said.items():
        if counts:
            say(f"  {title:<12} {counted(counts)}")
    for name, text in {**table.units, **result.descriptions}.items():
        say(f"  {name:<24} {text}")
    show_problems(result.problems, wanted=Severity.NOTICE, title="To know:")
    show_problems(result.problems, wanted=Severity.FLAG, title="Flagged:")
    ignored = [safe_text(table.sheet.headers[i], limit=30) for i in table.bindings.ignored]
    if ignored:
        more = f" and {len(ignored) - 8} more" if len(ignored) > 8 else ""
        say(f"Not used, carried through: {', '.join(ignored[:8])}{more}")
