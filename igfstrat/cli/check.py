"""`igfstrat check`: what would be read of a cohort, how, and every problem."""

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
    LimitsOption,
    MapOption,
    PlanOption,
    SheetOption,
    read,
    run,
    say,
    show_problems,
)
from igfstrat.errors import ExitCode, Severity, safe_text

if TYPE_CHECKING:
    from igfstrat.workflows.check_cohort import CheckResult


@run
def check(
    cohort: CohortArgument,
    write_map: Annotated[
        Path | None, typer.Option("--write-map", help="Write a draft of the cohort map here.")
    ] = None,
    map: MapOption = None,  # noqa: A002
    plan: PlanOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    limits: LimitsOption = None,
    force: ForceOption = False,
    debug: DebugOption = False,
) -> int:
    """Show what would be read, how, and every problem; write nothing but the draft of a map.

    Parameters
    ----------
    cohort, write_map, map, plan, sheet, header_row, encoding, limits, force, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code: 2 where questions must be answered first, 3 where something is flagged.
    """
    from igfstrat.files import check_output_file, write_bytes
    from igfstrat.workflows.check_cohort import check_cohort, draft_map
    from igfstrat.workflows.plan import choose_plan

    del debug
    if write_map is not None:
        check_output_file(write_map, force=force, inputs=[cohort])
    table = read(cohort, map=map, sheet=sheet, header_row=header_row, encoding=encoding, limits=limits)
    result = check_cohort(table)
    say(result.place)
    say()
    _show_columns(result)
    show_problems(table.problems, wanted=Severity.NOTICE, title="To know:")
    show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
    show_problems(table.problems, wanted=Severity.ERROR, title="In the way:")
    say(f"Plan: {choose_plan(plan, table).origin}.")
    if write_map is not None:
        draft = draft_map(table, result)
        write_bytes(write_map, draft.encode())
        say(
            f"Wrote {write_map}: answer its {draft.count('   # ?')} lines marked '# ?', then use it with --map {write_map}"
        )
    n = len(result.questions)
    if n:
        hint = (
            ""
            if write_map
            else f" A draft map with them marked: igfstrat check {cohort} --write-map map.yaml"
        )
        say(f"{n} question{'s' if n != 1 else ''} to answer before scoring.{hint}")
        return ExitCode.USAGE
    return ExitCode.FLAGGED if any(p.severity is Severity.FLAG for p in table.problems) else ExitCode.OK


def _show_columns(result: CheckResult) -> None:
    rows = [("read as", "from", "unit", "")] + [(c.name, c.source, c.unit, c.content) for c in result.columns]
    widths = [min(max(len(row[i]) for row in rows), 34) for i in range(3)]
    questions = [""] + [c.question for c in result.columns]
    for row, question in zip(rows, questions, strict=True):
        line = (
            "  "
            + "  ".join(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True))
            + "  "
            + row[3]
        )
        say(line.rstrip() + (f"   ← {question}" if question else ""))
    say()
    if result.unused:
        more = f" and {len(result.unused) - 12} more" if len(result.unused) > 12 else ""
        say(f"Not used: {', '.join(result.unused[:12])}{more}.")
    if result.suggestions:
        near = [f"{safe_text(header)!r} ({name}?)" for name, header in list(result.suggestions.items())[:12]]
        say(f"Near misses: {', '.join(near)}.")
