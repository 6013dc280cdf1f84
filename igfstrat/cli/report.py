"""`igfstrat report`: Kaplan–Meier report of one or more endpoints by a group."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from igfstrat.cli.common import (
    CohortArgument,
    DebugOption,
    EncodingOption,
    ForceOption,
    HeaderRowOption,
    LimitsOption,
    MapOption,
    PlanOption,
    SheetOption,
    StrictOption,
    command_line,
    read,
    refuse,
    run,
    say,
    show_problems,
)
from igfstrat.errors import ExitCode, Severity


@run
def report(
    cohort: CohortArgument,
    endpoint: Annotated[
        list[str],
        typer.Option("--endpoint", help="dfs, pfs, os … ; may be given several times.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.", show_default=False)],
    by: Annotated[
        str, typer.Option("--by", help="Status, subtype, stratum, or a coded column.")
    ] = "igf1r_status",
    formats: Annotated[
        str, typer.Option("--formats", help="Of html, pdf, docx, xlsx, svg, png; report.json always comes.")
    ] = "html,svg,png",
    min_cell: Annotated[
        int, typer.Option("--min-cell", min=0, help="Hide counts below this; 5 is common.")
    ] = 0,
    map: MapOption = None,  # noqa: A002
    plan: PlanOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    limits: LimitsOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
    debug: DebugOption = False,
) -> int:
    """Compare survival between groups: curves, tests and hazard ratios on one page.

    Parameters
    ----------
    cohort, endpoint, out, by, formats, min_cell, map, plan, sheet, header_row, encoding, limits, force, strict, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.files import check_output_folder, folder_lock
    from igfstrat.report import check_formats
    from igfstrat.report.sentences import key_sentences
    from igfstrat.workflows.survival_report import survival_report, write_report

    del debug
    wanted = [name.strip() for name in formats.split(",") if name.strip()]
    check_formats(wanted)
    check_output_folder(out, force=force)
    table = read(cohort, map=map, sheet=sheet, header_row=header_row, encoding=encoding, limits=limits)
    result = survival_report(table, endpoint=endpoint, by=by, plan=plan)
    if strict and result.is_flagged:
        show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
        refuse("--strict: something would be flagged, so no report was written")
    with folder_lock(out):
        written = write_report(result, out, formats=wanted, command=command_line(), min_cell=min_cell)
    say(
        f"{table.n_rows} rows read · {result.chosen.origin} · groups by {result.report.grouping.title}: {result.report.grouping.rule}"
    )
    for analysed in result.report.endpoints:
        for sentence in key_sentences(result.report, analysed):
            say(f"  {sentence}")
    for note in table.notes:
        say(f"  Note: {note}")
    show_problems(table.problems, wanted=Severity.NOTICE, title="To know:")
    show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
    say(f"Open {written[0]}   ({len(written)} files in {out})   Research use only.")
    return ExitCode.FLAGGED if result.is_flagged else ExitCode.OK
