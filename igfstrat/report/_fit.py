"""Text that fits: complete labels, broken into lines where one is too long for its place."""

from __future__ import annotations

import unicodedata
from typing import Final

_BROAD: Final = frozenset("WM@%mw—")


def ems(text: str) -> float:
    """Width of a line in ems, a little on the safe side for DejaVu Sans."""
    return sum(
        1.0 if c in _BROAD or unicodedata.east_asian_width(c) in "WF" else 0.7 if c.isupper() else 0.6
        for c in text
    )


def wrap(text: str, width: float) -> str:
    """All of a text in lines of at most `width` ems; a longer word is broken."""
    lines: list[str] = []
    for word in text.split() or [""]:
        if lines and ems(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines += _pieces(word, width)
    return "\n".join(lines)


def _pieces(word: str, width: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and ems(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces
