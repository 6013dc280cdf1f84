"""A document as one page that asks nothing of any network: inline styles, inline figures, no script.

The page for the screen holds every figure in two sizes, wide and for a telephone; the page for print holds the wide
one alone.
"""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from igfstrat.report._fit import ems
from igfstrat.report.document import Document, FigureBlock, Paragraph, Section
from igfstrat.report.figures import figure_svg
from igfstrat.report.tables import Table

_TOC_FROM = 3  # sections; fewer need no list of contents
_LONG_WORD = 24  # letters
_SHORT = 12  # rows of a table that print keeps on one page
_PAGE = 178.0  # mm between the margins of print
_EM, _GAP = 2.6, 3.0  # mm of an em of a table's type as `ems` counts it, and between columns
_WRAPS = 30  # letters from which on a cell may break anywhere
_TIED = re.compile(r"(?<=\d) (?=%)|(?<=[\w)]) (?=[=<] [\d−])|(?<=[=<]) (?=[\d−])")


def render_html(document: Document, *, paged: bool = False) -> str:
    """A document as one HTML page.

    Parameters
    ----------
    document : Document
        The report.
    paged : bool
        For print: figures in one size only.

    Returns
    -------
    str
        HTML; text from data is escaped.
    """
    contents = [section for section in document.sections if section.level == 2]
    return _template().render(
        has_long_words=_has_long_words(document),
        document=document,
        contents=contents if len(contents) >= _TOC_FROM else [],
        kind=_kind,
        look=_look,
        groups=_groups,
        figure=_inline,
        sizes=(("wide", False),) if paged else (("wide", False), ("narrow", True)),
        paged=paged,
    )


def _has_long_words(document: Document) -> bool:
    """Whether a table has a word that would not fit into its column."""
    tables = [b for section in document.sections for b in section.blocks if isinstance(b, Table)]
    cells = (cell for table in tables for row in (table.header, *table.rows) for cell in row)
    return any(len(word) > _LONG_WORD for cell in cells for word in cell.split())


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("igfstrat.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_tie,
    )
    return environment.get_template("document.html.j2")


def _tie(value: object) -> object:
    """Text whose numbers keep their sign of percent and their "p =" on one line."""
    return _TIED.sub("\N{NO-BREAK SPACE}", value) if type(value) is str else value


def _look(table: Table) -> str:
    """What print may do with a table: keep a short one on one page, and numbers with their error on one line where all fit."""
    columns = zip(table.header, *table.rows, strict=True)
    room = sum(_EM * _least(heading, cells) + _GAP for heading, *cells in columns)
    return ("short " if len(table.rows) <= _SHORT else "") + ("fits" if room <= _PAGE else "")


def _least(heading: str, cells: list[str]) -> float:
    """The least width of a column in ems whose shorter cells don't break."""
    words = [word for text in (heading, *(c for c in cells if len(c) > _WRAPS)) for word in text.split()]
    return max(map(ems, (*words, *(c for c in cells if len(c) <= _WRAPS))), default=0.0)


def _kind(block: Paragraph | Table | FigureBlock) -> str:
    if isinstance(block, Paragraph):
        return block.kind
    return "table" if isinstance(block, Table) else "figure"


def _groups(section: Section) -> list[tuple[str, list[Paragraph | Table | FigureBlock]]]:
    """Blocks in runs of one kind: items make a list, leading sentences one box."""
    runs: list[tuple[str, list[Paragraph | Table | FigureBlock]]] = []
    for block in section.blocks:
        kind = _kind(block)
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(block)
        else:
            runs.append((kind, [block]))
    return runs


def _inline(block: FigureBlock, narrow: bool) -> Markup:
    """A figure inside the page: ids made its own, size left to the page."""
    prefix = f"{block.name}-{'n' if narrow else 'w'}-"
    svg = figure_svg(block.draw(narrow), title=block.caption)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # the label says it; a title would show as a tip wherever the mouse rests
    svg = re.sub(r"<title>.*?</title>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<[^<>]+>", lambda tag: _own_ids(tag[0], prefix), svg)
    label = Markup.escape(f"{block.caption} {block.alternative}".strip())
    opening = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-label="{label}" '
    )
    svg = re.sub(
        r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", lambda found: f"{opening}{found[1]}>", svg, count=1
    )
    return Markup(svg)  # noqa: S704 - drawn by matplotlib, which escapes text from data; the label is escaped here


def _own_ids(tag: str, prefix: str) -> str:
    """One element's ids and what points to them; text of the data stays as it is."""
    tag = re.sub(r'(?<=\s)id="', f'id="{prefix}', tag)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", tag)
