"""`igfstrat cutpoint`: a data-driven cut of one marker, corrected for the search."""

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
    SeedOption,
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
def cutpoint(
    cohort: CohortArgument,
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="dfs, pfs, os … ; one.", show_default=False)
    ],
    marker: Annotated[
        str,
        typer.Option("--marker", help="A number: igf1r_h_score, igf1, igf1_sds …", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.", show_default=False)],
    formats: Annotated[
        str, typer.Option("--formats", help="Of html, pdf, docx, xlsx, svg, png; report.json always comes.")
    ] = "html,svg,png",
    permutations: Annotated[
        int | None,
        typer.Option("--permutations", min=100, help="Permutations of the corrected p; the plan's, or 10000."),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=50, help="Bootstrap samples of stability and optimism.")
    ] = 500,
    seed: SeedOption = 20261120,
    map: MapOption = None,  # noqa: A002
    plan: PlanOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    limits: LimitsOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
    debug: DebugOption = False,
) -> int:  # fmt: skip
    """Search for the cut of a marker that separates an endpoint most, and say what the search costs.

    Parameters
    ----------
    cohort, endpoint, marker, out, formats, permutations, bootstrap, seed, map, plan, sheet, header_row, encoding, limits : as on the command line
        The help of each option says what it does.
    force, strict, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.files import check_output_folder
    from igfstrat.report import check_formats
    from igfstrat.report.document import Paragraph
    from igfstrat.workflows.cutpoint_report import cutpoint_report, write_cutpoint

    del debug
    wanted = [name.strip() for name in formats.split(",") if name.strip()]
    check_formats(wanted)
    check_output_folder(out, force=force)
    table = read(cohort, map=map, sheet=sheet, header_row=header_row, encoding=encoding, limits=limits)
    report = cutpoint_report(
        table, endpoint=endpoint, marker=marker, plan=plan, permutations=permutations, n_bootstrap=bootstrap, seed=seed
    )  # fmt: skip
    if strict and report.is_flagged:
        show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
        refuse("--strict: something would be flagged, so no report was written")
    written = write_cutpoint(report, out, formats=wanted, command=command_line())
    say(
        f"{table.n_rows} rows read · {report.chosen.origin} · {report.result.title} and {report.result.endpoint_title}"
    )
    for block in report.document.sections[0].blocks:
        if isinstance(block, Paragraph):
            say(f"  {block.text}")
    for note in table.notes:
        say(f"  Note: {note}")
    show_problems([*table.problems, *report.notices], wanted=Severity.NOTICE, title="To know:")
    show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
    say(f"Open {written[0]}   ({len(written)} files in {out})   Research use only.")
    return ExitCode.FLAGGED if report.is_flagged else ExitCode.OK
