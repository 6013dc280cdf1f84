"""What may be shown of few people: counts from 1 to below the minimum are hidden, and curves made coarser.

A curve that steps at each event tells when each person had it; where small counts are hidden it is shown only at every
`minimum`-th event, and only while that many are at risk.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from igfstrat.survival import SurvivalCurve

HIDDEN = "hidden"
_ROUNDS = 50
_COUNTED = "patients?|events?|rows?|people|persons?|women|men|deaths?|cases|controls|have|has|with|censored|missing|excluded"
_AFTER = re.compile(rf"(?<![\d.,–−-])(\d+)(?= (?:{_COUNTED})\b)")
_BEFORE_N = re.compile(r"(?<=n = )(\d+)(?![\d.])")
_BEFORE_EVENTS = re.compile(r"(?<=events )(\d+)(?![\d.])")
_REASON = re.compile(r"(?<=: )(\d+)(?=[;,)]|$)")


def is_small(n: int | None, minimum: int) -> bool:
    """Whether a count may not be shown: fewer than the minimum, but not none."""
    return n is not None and 0 < n < minimum


def mask_count(n: int, minimum: int) -> str:
    """A count as text, hidden where it is small."""
    return f"<{minimum}" if is_small(n, minimum) else f"{n}"


def mask_counts(counts: Sequence[int], minimum: int) -> list[str]:
    """Counts whose sum is known elsewhere: small ones hidden, and others so that none can be computed."""
    cells: Counts = {(0, j): n for j, n in enumerate(counts)}
    line: Line = ([(cell, 1) for cell in cells], sum(counts))
    hidden = hidden_cells(cells, [line], minimum) if minimum else set()
    return [
        mask_count(n, minimum) if cell not in hidden or is_small(n, minimum) else HIDDEN
        for cell, n in cells.items()
    ]


def mask_text(text: str, minimum: int) -> str:
    """A sentence with its small numbers of people hidden.

    Numbers are taken for people by the words around them (``n = 3``, ``3 events``, ``reason: 3``). Where one number among
    several of a kind would be hidden alone, the smallest other goes with it: their total stands in the same sentence.
    """
    for pattern in (_AFTER, _BEFORE_N, _BEFORE_EVENTS, _REASON):
        found = [int(match[1]) for match in pattern.finditer(text)]
        small = [n for n in found if is_small(n, minimum)]
        others = sorted(n for n in found if n >= minimum)
        protecting = others[0] if len(small) == 1 and len(others) > 1 else None

        def shown(match: re.Match[str], protecting: int | None = protecting) -> str:
            n = int(match[1])
            return HIDDEN if n == protecting else mask_count(n, minimum)

        text = pattern.sub(shown, text)
    return text


Cell = tuple[int, int]
Counts = dict[Cell, int]
Line = tuple[list[tuple[Cell, int]], int]  # cells with their signs, and what they add up to


def hidden_cells(number: Counts, lines: Sequence[Line], minimum: int) -> set[Cell]:
    """Small cells, and as many others as keep every small one from being computed from the sums."""
    hidden = {cell for cell, n in number.items() if is_small(n, minimum)}
    while True:
        bounds = _bounds(number, lines, hidden, minimum)
        fixed = [c for c in hidden if is_small(number[c], minimum) and bounds[c][0] == bounds[c][1]]
        if not fixed:
            return hidden
        near = {
            c for signed, _ in lines for c, _ in signed if any(f in {x for x, _ in signed} for f in fixed)
        }
        candidates = (
            [c for c in near - hidden if number[c] > 0] or [*near - hidden] or [*number.keys() - hidden]
        )
        if not candidates:
            return hidden
        hidden.add(min(candidates, key=lambda c: (number[c], c)))


def _bounds(
    number: Counts, lines: Sequence[Line], hidden: set[Cell], minimum: int
) -> dict[Cell, tuple[float, float]]:
    """What a reader can conclude of each cell: the smallest and the largest number that it can hold."""
    bounds: dict[Cell, tuple[float, float]] = {}
    for cell, n in number.items():
        small, kept_back = (1.0, minimum - 1.0), (float(min(n, minimum)), math.inf)
        bounds[cell] = (n, n) if cell not in hidden else small if is_small(n, minimum) else kept_back
    for _ in range(_ROUNDS):
        changed = False
        for signed, total in lines:
            for cell, sign in signed:
                rest = [(bounds[c], -s * sign) for c, s in signed if c != cell]
                low = sign * total + sum(b[0] if s > 0 else -b[1] for b, s in rest)
                high = sign * total + sum(b[1] if s > 0 else -b[0] for b, s in rest)
                tighter = (max(bounds[cell][0], low), min(bounds[cell][1], high))
                changed |= tighter != bounds[cell]
                bounds[cell] = tighter
        if not changed:
            break
    return bounds


def published_points(curve: SurvivalCurve, minimum: int) -> NDArray[np.int64]:
    """Rows of a curve that may be shown."""
    batches = np.cumsum(curve.n_events) // max(minimum, 1)
    shown = (np.diff(batches, prepend=0) > 0) & (curve.n_at_risk - curve.n_events >= minimum)
    return np.flatnonzero(shown)
