"""A document as a tagged PDF, from the same page as the screen's, laid out for A4.

Nothing is fetched: figures are part of the page.
"""

from __future__ import annotations

from typing import Any

from igfstrat.report.document import Document, FormatUnavailableError
from igfstrat.report.html import render_html

_REMEDY = (
    "--formats pdf: WeasyPrint or its system library Pango is missing. "
    "Install pip install 'igfstrat[pdf]' and Pango (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0; "
    "macOS: brew install pango), or print report.html from a browser"
)


def render_pdf(document: Document) -> bytes:
    """A document as PDF with structure tags, language and title.

    Parameters
    ----------
    document : Document
        The report.

    Returns
    -------
    bytes
        A PDF file.

    Raises
    ------
    FormatUnavailableError
        If WeasyPrint or Pango isn't installed.
    """
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise FormatUnavailableError(_REMEDY) from error

    class Refusing(URLFetcher):  # type: ignore[misc]  # ships no types
        def fetch(self, url: str, headers: Any = None) -> Any:
            message = f"a report asks nothing of a network, but its page names {url[:80]}"
            raise ValueError(message)

    page = weasyprint.HTML(string=render_html(document, paged=True), url_fetcher=Refusing())
    return bytes(page.write_pdf(pdf_tags=True))
