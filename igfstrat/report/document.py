"""What a report says, in the order in which it says it; page, PDF, Word and Excel are renderings of it.

A section's module makes blocks out of frozen results; no format knows what a hazard ratio is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure as Drawing

from igfstrat.errors import ExitCode, IgfstratError
from igfstrat.report.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One or more sentences.

    Parameters
    ----------
    text : str
        Plain text; formats escape it.
    kind : str
        ``plain``; ``lead`` for what is read first; ``caution`` for what must not be missed; ``item`` of a list.
    """

    text: str
    kind: Literal["plain", "lead", "caution", "item"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureBlock:
    """A figure, drawn where a format needs it.

    Parameters
    ----------
    name : str
        Stem of its files, without size or suffix: letters, digits and underscores.
    caption : str
        What it shows and how.
    alternative : str
        What there is to see, in words, for those who can't.
    draw : callable
        From whether it is narrow (85 mm, else 170 mm wide) to a figure that is attached to no window.
    data_header : tuple of str
        Headings of the numbers that were drawn.
    data : tuple of tuple
        The numbers themselves, at full precision; None where there is none.
    masked : callable, optional
        From the smallest count that may be shown to the same figure without smaller ones; None where it shows no counts.
    """

    name: str
    caption: str
    alternative: str
    draw: Callable[[bool], Drawing]
    data_header: tuple[str, ...]
    data: tuple[tuple[float | int | str | None, ...], ...]
    masked: Callable[[int], FigureBlock] | None = None


Block = Paragraph | Table | FigureBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it.

    Parameters
    ----------
    key : str
        Anchor: letters, digits and underscores, unique in a document.
    title : str
        Heading.
    blocks : tuple of Paragraph, Table or FigureBlock
        In reading order.
    level : int
        2 for a chapter, 3 for a part of the chapter before it.
    methods : tuple of str
        Sentences for the methods paragraph: how what stands here was computed.
    references : tuple of str
        Papers behind these methods, in full.
    limitations : tuple of str
        What this section can't show.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    level: Literal[2, 3] = 2
    methods: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report.

    Parameters
    ----------
    title : str
        Heading of the whole.
    subtitle : tuple of str
        Lines below it: the file, the plan, the rule.
    sections : tuple of Section
        In reading order.
    footer : str
        Last line of every format: what made it.
    """

    title: str
    subtitle: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str = "every number at full precision is in report.json · research use only"

    @property
    def figures(self) -> tuple[FigureBlock, ...]:
        """All figures in reading order."""
        return tuple(b for section in self.sections for b in section.blocks if isinstance(b, FigureBlock))


class FormatUnavailableError(IgfstratError):
    """A format whose library isn't installed on this machine."""

    exit_code = ExitCode.ENVIRONMENT
