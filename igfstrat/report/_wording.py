"""Words that several sections share; numbers go through `formatting` here as everywhere."""

from __future__ import annotations

import math

from igfstrat.analysis import Estimate
from igfstrat.report.formatting import DASH, format_interval, format_number, format_p


def p_words(p: float | None) -> str:
    """A p-value with its sign of relation."""
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def marker_number(value: float | None, sd: float | None) -> str:
    """A value of a marker with as many decimals as it has, at most three significant ones of its spread."""
    if value is None:
        return DASH
    most = min(max(2 - math.floor(math.log10(sd)), 0), 8) if sd else 3
    return format_number(value, next((d for d in range(most) if round(value, d) == value), most))


def effect_text(estimate: Estimate, digits: int = 2, *, scale: float = 1.0, interval: bool = True) -> str:
    """An estimate for a cell: with its interval where it has one, else its reason."""
    if estimate.value is None:
        return f"not estimable: {estimate.not_estimable}" if estimate.not_estimable else DASH
    if not interval or (estimate.ci_lower is None and estimate.ci_upper is None):
        return format_number(estimate.value * scale, digits)
    return format_interval(estimate, digits, scale=scale)


def people(n: int, noun: str) -> str:
    """A number of something, in the singular for one."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def sentence(text: str) -> str:
    """A reason as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def title_words(text: str) -> str:
    """A name as a heading: with a capital, unless its first word has one of its own (pCR, iPFS)."""
    first, _, _ = text.partition(" ")
    return f"{text[:1].upper()}{text[1:]}" if first == first.lower() else text


def rule_words(rule: str) -> str:
    """What makes a group, as people read it: codes of the data without their underscores."""
    return rule.replace("_", " ")
