"""Score and variance of Gray's test for one cause in one stratum.

The risk set of a group is enlarged by those lost to other causes: Y (1 - F(t-)) / S(t-). Tied events reduce
the variance by a finite-population factor.

References
----------
.. [1] Gray RJ. A class of k-sample tests for comparing the cumulative incidence of a competing risk. Ann
   Stat 1988;16:1141-1154.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from igfstrat.survival._inputs import Sample
from igfstrat.survival._risk import block_sums
from igfstrat.survival._types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Groups:
    """Per group (k) and time (m): at risk, events of the cause and of others, left and right limits."""

    at_risk: FloatArray
    own: FloatArray
    other: FloatArray
    survival_before: FloatArray
    survival: FloatArray
    incidence_before: FloatArray


def gray_scores(
    sample: Sample, own: BoolArray, group: IntArray, k: int, rho: float
) -> tuple[FloatArray, FloatArray]:
    """Score of each group and their covariance.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data of one stratum; its event is an event of any cause.
    own : ndarray of bool, shape (n,)
        True = event of the cause.
    group : ndarray of int, shape (n,)
        Code of each row's group.
    k : int
        Number of groups.
    rho : float
        Power of 1 - F(t-) in the weight.

    Returns
    -------
    score : ndarray of float, shape (k,)
        Weighted observed minus expected events.
    variance : ndarray of float, shape (k, k)
        Their covariance.
    """
    g = _count(sample, own, group, k)
    present = g.at_risk > 0
    base = np.where(present, g.at_risk / np.where(present, g.survival_before, 1.0), 0.0)
    enlarged = base * (1 - g.incidence_before)
    events = g.own.sum(axis=0)
    total, pool = enlarged.sum(axis=0), base.sum(axis=0)
    some = pool > 0
    jumps = np.where(some, events / np.where(some, pool, 1.0), 0.0)
    pooled = np.cumsum(jumps)  # common incidence under equality
    pooled_before = pooled - jumps
    weight = (1 - pooled_before) ** rho
    share = np.where(total > 0, enlarged / np.where(total > 0, total, 1.0), 0.0)
    score = (weight * (g.own - events * share)).sum(axis=1)
    return score, _variance(g, base, pool, jumps, pooled, pooled_before, weight)


def _variance(
    g: _Groups,
    base: FloatArray,
    pool: FloatArray,
    jumps: FloatArray,
    pooled: FloatArray,
    pooled_before: FloatArray,
    weight: FloatArray,
) -> FloatArray:
    k = len(base)
    safe = np.where(pool > 0, pool, 1.0)
    # a[i, r, t]: how an event of group r moves the score of group i
    a = weight * (np.eye(k)[:, :, None] * base - base[:, None] * base[None, :] / safe)
    c = np.cumsum(a * (jumps / np.where(pooled_before < 1, 1 - pooled_before, 1.0)), axis=2)
    ahead = c[:, :, -1:] - c
    present = (base > 0) & (pool > 0)
    alive = g.survival > 0
    ratio = np.where(alive, (1 - pooled) / np.where(alive, g.survival, 1.0), 0.0)
    events = g.own.sum(axis=0)
    exposed = pool * g.survival_before - 1
    tied_own = np.where(events > 1, 1 - (events - 1) / np.where(exposed > 0, exposed, 1.0), 1.0)
    spread_own = np.where(
        present, tied_own * g.survival_before * jumps / np.where(present, g.at_risk, 1.0), 0.0
    )
    move_own = a + np.where(alive, 1 - ratio, 1.0) * ahead
    tied_other = np.where(g.other > 1, 1 - (g.other - 1) / np.maximum(g.at_risk - 1, 1), 1.0)
    spread_other = tied_other * g.survival_before**2 * g.other / np.maximum(g.at_risk, 1) ** 2
    move_other = ratio * ahead
    variance: FloatArray = np.einsum("irt,jrt,rt->ij", move_own, move_own, spread_own)
    variance += np.einsum("irt,jrt,rt->ij", move_other, move_other, spread_other)
    return variance


def _count(sample: Sample, own: BoolArray, group: IntArray, k: int) -> _Groups:
    size = np.diff(sample.first, append=sample.n)
    shape = (k, len(size))
    at_risk, mine, other = np.empty(shape), np.empty(shape), np.empty(shape)
    for code in range(k):
        member = group == code
        here = block_sums(member, sample.first)
        at_risk[code] = member.sum() - np.cumsum(here) + here
        mine[code] = block_sums(member & own, sample.first)
        other[code] = block_sums(member & sample.event, sample.first) - mine[code]
    some = at_risk > 0
    exposed = np.where(some, at_risk, 1.0)
    survival = np.cumprod(1 - (mine + other) / exposed, axis=1, dtype=np.float64)
    before = np.column_stack((np.ones(k), survival[:, :-1]))
    incidence = np.cumsum(before * mine / exposed, axis=1)
    return _Groups(
        at_risk=at_risk,
        own=mine,
        other=other,
        survival_before=before,
        survival=survival,
        incidence_before=np.column_stack((np.zeros(k), incidence[:, :-1])),
    )
