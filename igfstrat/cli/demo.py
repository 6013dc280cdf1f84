"""`igfstrat demo`: every job on a synthetic cohort, in a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from igfstrat.cli.common import DebugOption, ForceOption, command_line, run, say
from igfstrat.errors import ExitCode


@run
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of the results.")] = Path("igfstrat_demo"),
    force: ForceOption = False,
    debug: DebugOption = False,
) -> int:
    """Draw a cohort, score it and report on it.

    Parameters
    ----------
    out, force, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.files import check_output_folder
    from igfstrat.workflows.demo import run_demo

    del debug
    check_output_folder(out, force=force)
    for line in run_demo(out, command=command_line()):
        say(line)
    return ExitCode.OK
