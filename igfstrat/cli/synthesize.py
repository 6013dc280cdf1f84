"""`igfstrat synthesize`: a synthetic cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from igfstrat.cli.common import DebugOption, ForceOption, SeedOption, command_line, run, say
from igfstrat.errors import ExitCode


@run
def synthesize(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="Cohort configuration (a file, or a packaged name such as breast_early).",
            show_default=False,
        ),
    ],
    n: Annotated[int, typer.Option("--n", min=1, max=10_000_000, help="Patients.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Result: a .csv or .xlsx file.", show_default=False)],
    seed: SeedOption = 1,
    force: ForceOption = False,
    debug: DebugOption = False,
) -> int:
    """Draw a synthetic cohort; nobody in it is real.

    Parameters
    ----------
    config, n, out, seed, force, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.cohort.writing import check_suffix
    from igfstrat.files import check_output_file
    from igfstrat.workflows import synthesize as job

    del debug
    check_suffix(out)
    check_output_file(out, force=force)
    written = job.synthesize(config, n=n, seed=seed, out=out, command=command_line())
    say(f"{n} synthetic patients, seed {seed}. Wrote {written[0]}, {written[1].name}.")
    return ExitCode.OK
