"""What `simulate` and `search` share: options, and the folder of a run that can be stopped and gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from igfstrat.cli.common import refuse

SeedOption = Annotated[
    int | None, typer.Option("--seed", min=0, max=2**63 - 1, help="Seed; by default the scenario's.")
]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", help="Address of a dask scheduler, whose workers are used.")
]
StudyFormatsOption = Annotated[
    str,
    typer.Option("--formats", help="Of html, pdf, docx, xlsx, svg, png; table and results.json always come."),
]


def wanted_formats(formats: str) -> list[str]:
    """The formats that are asked for.

    Parameters
    ----------
    formats : str
        Names with commas between them.

    Returns
    -------
    list of str
        In their order.

    Raises
    ------
    UsageError
        If one is not known.
    """
    from igfstrat.report import check_formats

    wanted = [name.strip() for name in formats.split(",") if name.strip()]
    check_formats(wanted)
    return wanted


def check_room(out: Path, *, resume: bool, force: bool) -> Path:
    """Make sure that an earlier result or a stopped run is not overwritten by mistake.

    Parameters
    ----------
    out : Path
        Folder of the results.
    resume, force : bool
        As on the command line.

    Returns
    -------
    Path
        Where the checkpoints are.

    Raises
    ------
    UsageError
        If there is something, and neither is said.
    StorageError
        If another run holds the folder: told before anything is planned.
    """
    from igfstrat.files import check_output_folder, folder_lock
    from igfstrat.workflows.checkpoint_files import checkpoint_files

    check_output_folder(out, force=force or resume)
    if out.is_dir():
        with folder_lock(out):
            pass
    checkpoints = out / "checkpoints"
    if checkpoint_files(checkpoints) and not (resume or force):
        refuse(f"{out} holds a stopped run; go on with --resume, or start again with --force")
    return checkpoints


@contextmanager
def room(out: Path, checkpoints: Path, *, fresh: bool) -> Iterator[None]:
    """The output folder for this run alone; who stops it, wherever it is, is told how to go on.

    Parameters
    ----------
    out, checkpoints : Path
        Folders of the results, and of what is done.
    fresh : bool
        Whether what was done before is forgotten.

    Yields
    ------
    None
        While the folder is held.

    Raises
    ------
    StorageError
        If another run holds it.
    """
    from igfstrat.files import folder_lock
    from igfstrat.workflows.checkpoint_files import clear_checkpoints

    with folder_lock(out):
        if fresh:
            clear_checkpoints(checkpoints)
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            typer.echo(
                f"Go on with the same command and --resume; {checkpoints} holds what is done.", err=True
            )
            raise
