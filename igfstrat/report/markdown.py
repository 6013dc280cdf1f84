"""A document as Markdown: words and tables; of a figure its caption."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from igfstrat.report.document import Block, Document, FigureBlock, Paragraph

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~!$&])")


def markdown_text(text: str) -> str:
    r"""Text that Markdown shows as it is.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        In one line; what would be a mark or a tag is escaped.

    Examples
    --------
    >>> print(markdown_text("a|b <script>"))
    a\|b \<script\>
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def render_markdown(document: Document) -> str:
    """A document of words and tables as Markdown.

    Parameters
    ----------
    document : Document
        Figures are told by their captions only.

    Returns
    -------
    str
        Text from data is escaped.
    """
    lines = [f"# {markdown_text(document.title)}", ""]
    lines += [line for text in document.subtitle for line in (markdown_text(text), "")]
    lines += ["**Research use only. Not for the care of a patient.**", ""]
    for section in document.sections:
        lines += [f"{'#' * section.level} {markdown_text(section.title)}", ""]
        for block in section.blocks:
            lines += [*_markdown(block), ""]
    return "\n".join([*lines, f"*{markdown_text(document.footer)}*", ""])


def _markdown(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        mark = {"item": "- ", "caution": "> "}.get(block.kind, "")
        return [mark + markdown_text(block.text)]
    if isinstance(block, FigureBlock):
        return [f"*{markdown_text(block.caption)}*"]
    head = [
        f"**{markdown_text(block.caption)}**",
        "",
        _row(block.header),
        _row(["---"] * len(block.header), plain=True),
    ]
    notes = [line for note in block.footnotes for line in ("", markdown_text(note))]
    return [*head, *(_row(row) for row in block.rows), *notes]


def _row(cells: Sequence[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else markdown_text(cell) for cell in cells) + " |"
