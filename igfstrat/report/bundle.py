"""One report as files: pages, workbook, figures, and `report.json` with every number."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from igfstrat.analysis import SurvivalReport
from igfstrat.errors import UsageError, safe_text
from igfstrat.files import write_bytes, write_json
from igfstrat.report.document import Document, FigureBlock, FormatUnavailableError
from igfstrat.report.docx import render_docx
from igfstrat.report.figures import figure_png, figure_svg
from igfstrat.report.html import render_html
from igfstrat.report.pdf import render_pdf
from igfstrat.report.survival_section import survival_document
from igfstrat.report.xlsx import render_xlsx

FORMATS: Final = ("html", "pdf", "docx", "xlsx", "svg", "png")
DEFAULT_FORMATS: Final = ("html", "svg", "png")
_SIZES: Final = {"170mm": False, "85mm": True}
_PAGES: Final[dict[str, Callable[[Document], bytes]]] = {
    "html": lambda document: render_html(document).encode(errors="backslashreplace"),
    "pdf": render_pdf,
    "docx": render_docx,
    "xlsx": render_xlsx,
}
_LIBRARIES: Final = {"pdf": "weasyprint", "docx": "docx"}


def check_formats(formats: Sequence[str]) -> None:
    """Make sure, before any computing, that every format can be made here.

    Parameters
    ----------
    formats : sequence of str
        Of `FORMATS`.

    Raises
    ------
    UsageError
        If a format is not known.
    FormatUnavailableError
        If its library isn't installed.
    """
    for name in formats:
        if name not in FORMATS:
            message = f"--formats {safe_text(name)} is none of {', '.join(FORMATS)}"
            raise UsageError(message)
        library = _LIBRARIES.get(name)
        if library and importlib.util.find_spec(library) is None:
            message = (
                f"--formats {name} needs a library that is not installed: pip install 'igfstrat[{name}]'"
            )
            raise FormatUnavailableError(message)


def write_document(
    document: Document, results: dict[str, Any], folder: Path, formats: Sequence[str] = DEFAULT_FORMATS
) -> list[Path]:
    """Write a document in every format asked for, and its numbers.

    Parameters
    ----------
    document : Document
        The report.
    results : dict
        Every number that the document shows, at full precision: the content of `report.json`, which always comes.
    folder : Path
        An existing folder.
    formats : sequence of str
        Of `FORMATS`.

    Returns
    -------
    list of Path
        What was written, pages first.
    """
    check_formats(formats)
    # everything is made before anything is written: a library that fails leaves no half bundle
    pages = render_files(document, formats)
    written = [folder / name for name in pages]
    for path, content in zip(written, pages.values(), strict=True):
        write_bytes(path, content)
    first = sum(path.stem == "report" for path in written)
    written.insert(first, folder / "report.json")
    write_json(folder / "report.json", results)
    return written


def render_files(document: Document, formats: Sequence[str]) -> dict[str, bytes]:
    """A document in every format asked for, not written yet.

    Parameters
    ----------
    document : Document
        The report.
    formats : sequence of str
        Of `FORMATS`.

    Returns
    -------
    dict of bytes
        By name of the file, pages (``report.html``, …) before figures.
    """
    document = _drawn_once(document)
    pages = {f"report.{name}": render(document) for name, render in _PAGES.items() if name in formats}
    return pages | _figures(document, formats)


def _drawn_once(document: Document) -> Document:
    """Every format shows the same figures: each is drawn once a width."""
    sections = [
        replace(
            section,
            blocks=tuple(
                replace(b, draw=functools.cache(b.draw)) if isinstance(b, FigureBlock) else b
                for b in section.blocks
            ),
        )
        for section in document.sections
    ]
    return replace(document, sections=tuple(sections))


def _figures(document: Document, formats: Sequence[str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if not {"svg", "png"} & set(formats):
        return files
    for block in document.figures:
        for size, narrow in _SIZES.items():
            drawing = block.draw(narrow)
            if "svg" in formats:
                files[f"{block.name}_{size}.svg"] = figure_svg(drawing, title=block.caption).encode()
            if "png" in formats:
                files[f"{block.name}_{size}.png"] = figure_png(drawing)
    return files


def write_bundle(
    report: SurvivalReport, folder: Path, *, formats: Sequence[str] = DEFAULT_FORMATS
) -> list[Path]:
    """Write a survival report without further sections into a folder.

    Parameters
    ----------
    report : SurvivalReport
        The results.
    folder : Path
        An existing folder.
    formats : sequence of str
        Of `FORMATS`; `report.json` always comes.

    Returns
    -------
    list of Path
        What was written, the page first.
    """
    return write_document(survival_document(report), report.to_dict(), folder, formats)


def page_html(report: SurvivalReport) -> str:
    """The report as one page that asks nothing of any network.

    Parameters
    ----------
    report : SurvivalReport
        The results.

    Returns
    -------
    str
        HTML with inline styles and figures; text from data is escaped.
    """
    return render_html(survival_document(report))
