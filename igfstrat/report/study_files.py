"""A study or a search as files: pages, workbook and figures of one document, beside its tables and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from igfstrat.files import write_bytes, write_json
from igfstrat.report.bundle import check_formats, render_files
from igfstrat.report.document import Document

STUDY_FORMATS: Final = ("html",)


def write_study_files(
    document: Document,
    folder: Path,
    *,
    formats: Sequence[str],
    table: tuple[str, bytes],
    results: dict[str, Any],
) -> list[Path]:
    """Write a document in every format asked for, its table and every number.

    Parameters
    ----------
    document : Document
        The page.
    folder : Path
        An existing folder.
    formats : sequence of str
        Of `igfstrat.report.FORMATS`.
    table : tuple of str and bytes
        Name and content of the CSV table.
    results : dict
        Content of `results.json`.

    Returns
    -------
    list of Path
        What was written, pages first.

    Raises
    ------
    UsageError
        If a format is not known.
    FormatUnavailableError
        If its library isn't installed.
    """
    check_formats(formats)
    # everything is made before anything is written: a library that fails leaves no half result
    pages = render_files(document, formats)
    texts = {name: content for name, content in pages.items() if name.startswith("report.")}
    figures = {name: content for name, content in pages.items() if name not in texts}
    files = texts | dict([table])
    for name, content in (files | figures).items():
        write_bytes(folder / name, content)
    write_json(folder / "results.json", results)
    return [folder / name for name in (*files, "results.json", *figures)]
