"""Closed testing of populations over several stages: intersection hypotheses, their stage-wise p-values, rejections.

A hypothesis is rejected when every intersection that holds it is [1]_. An intersection is tested in each stage through
those of its members that the stage still tests: once a population was selected, the p-value of an intersection
is that of its selected members [2]_, [3]_, which is conditionally valid whatever chose them.

Hierarchical takes the first member in the order of the hypotheses; graphical the weights that the graph leaves to the
members; Spiessens–Debois the largest statistic under the joint normal distribution of a population and its parts [4]_, which
are independent. Overall is tied to a part by the root of its share of the information, or more loosely where an unstratified
test meets a prognostic marker (`closed_form.correlation`).

References
----------
.. [1] Marcus R, Peritz E, Gabriel KR. On closed testing procedures with special reference to ordered analysis of
   variance. Biometrika 1976;63:655-660.
.. [2] Brannath W, Zuber E, Branson M, Bretz F, Gallo P, Posch M, Racine-Poon A. Confirmatory adaptive designs with
   Bayesian decision tools for a targeted therapy in oncology. Stat Med 2009;28:1445-1463.
.. [3] Jenkins M, Stone A, Jennison C. An adaptive seamless phase II/III design for oncology trials with subpopulation
   selection using correlated survival endpoints. Pharm Stat 2011;10:347-356.
.. [4] Spiessens B, Debois M. Adjusted significance levels for subgroup analyses in clinical trials. Contemp Clin
   Trials 2010;31:647-656.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from igfstrat.errors import DomainError, UsageError
from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.trials.numerics.bivariate import both_below
from igfstrat.trials.rejection.combination import Combination
from igfstrat.trials.rejection.multiplicity import graph_without

TESTS: Final = ("bonferroni", "simes", "spiessens_debois", "hierarchical", "graphical")
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
Members = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Closure:
    """A family of hypotheses and the test of their intersections.

    Parameters
    ----------
    hypotheses : tuple of str
        In their order, among ``overall``, ``positive``, ``negative`` for Spiessens–Debois.
    method : str
        One of `TESTS`; of no account for one hypothesis.
    weights : mapping of str to float, optional
        Shares of alpha, of bonferroni and graphical; equal ones where left out.
    transitions : mapping, optional
        Of graphical: where the share of a hypothesis goes that is out.
    """

    hypotheses: tuple[str, ...]
    method: str
    weights: Mapping[str, float] | None = None
    transitions: Mapping[str, Mapping[str, float]] | None = None

    def __post_init__(self) -> None:
        if self.method not in TESTS:
            message = f"no test of intersections is named {self.method!r}; there are {', '.join(TESTS)}"
            raise UsageError(message)
        if self.method == "graphical" and self.transitions is None:
            message = "a graphical test needs transitions between the hypotheses"
            raise DomainError(message)

    @property
    def intersections(self) -> tuple[Members, ...]:
        """Members of each intersection by their places, the hypotheses themselves first."""
        m = len(self.hypotheses)
        return tuple(members for size in range(1, m + 1) for members in combinations(range(m), size))


def intersection_p_values(
    closure: Closure,
    z: npt.ArrayLike,
    *,
    tested: npt.ArrayLike | None = None,
    correlation: npt.ArrayLike = (0.5**0.5, 0.5**0.5),
) -> FloatArray:
    """P-values of all intersections in one stage.

    Parameters
    ----------
    closure : Closure
        The family and its test.
    z : array-like of float, shape (r, m)
        Statistics of the stage, a row a trial; NaN counts as p = 1 where it is tested.
    tested : array-like of bool, shape (r, m), optional
        Hypotheses that the stage still tests; all where left out.
    correlation : array-like of float, shape (2,) or (r, 2)
        Of overall with positives and with negatives in the stage, >= 0, squares of a sum <= 1; for Spiessens–Debois.

    Returns
    -------
    ndarray of float64, shape (r, 2^m - 1)
        In the order of `Closure.intersections`; NaN where no member is tested.

    Examples
    --------
    >>> pair = Closure(hypotheses=("overall", "positive"), method="bonferroni")
    >>> intersection_p_values(pair, [[1.0, 2.0]]).round(4).tolist()
    [[0.1587, 0.0228, 0.0455]]
    >>> intersection_p_values(pair, [[1.0, 2.0]], tested=[[False, True]]).round(4).tolist()
    [[nan, 0.0228, 0.0228]]
    """
    values = np.asarray(z, dtype=np.float64)
    chosen = np.ones(values.shape, bool) if tested is None else np.asarray(tested, dtype=bool)
    values = np.where(np.isnan(values), -np.inf, values)
    tie = np.broadcast_to(np.asarray(correlation, dtype=np.float64), (len(values), 2))
    found = np.full((len(values), len(closure.intersections)), np.nan)
    patterns: IntArray = chosen @ (1 << np.arange(chosen.shape[1]))
    for pattern in np.unique(patterns):
        rows = np.flatnonzero(patterns == pattern)
        known: dict[Members, FloatArray] = {}
        for j, members in enumerate(closure.intersections):
            left = tuple(i for i in members if pattern >> i & 1)
            if left and left not in known:
                known[left] = _p_value(closure, left, values[rows], tie[rows])
            if left:
                found[rows, j] = known[left]
    return found


def _p_value(closure: Closure, members: Members, z: FloatArray, correlation: FloatArray) -> FloatArray:
    """P-value of one intersection by its tested members."""
    chosen = z[:, members]
    if len(members) == 1 or closure.method == "hierarchical":
        return np.asarray(ndtr(-chosen[:, 0]))
    if closure.method == "spiessens_debois":
        names = {closure.hypotheses[i] for i in members}
        return _largest_p_value(names, chosen.max(axis=1), correlation)
    p = ndtr(-chosen)
    if closure.method == "simes":
        size = len(members)
        return np.asarray((np.sort(p, axis=1) * (size / np.arange(1, size + 1))).min(axis=1))
    weights = intersection_weights(closure, members)
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(np.where(weights > 0, p / weights, np.inf).min(axis=1), 1.0))


def intersection_weights(closure: Closure, members: Members) -> FloatArray:
    """Shares of alpha that the members of an intersection have in its weighted Bonferroni test.

    Parameters
    ----------
    closure : Closure
        The family.
    members : tuple of int
        Places of the members.

    Returns
    -------
    ndarray of float64, shape (number of members,)
        Sum to 1 at the most: by the graph, else in the proportion of the weights.

    Examples
    --------
    >>> pair = Closure(hypotheses=("overall", "positive"), method="graphical", weights={"overall": 0.8, "positive": 0.2},
    ...                transitions={"overall": {"positive": 1.0}, "positive": {"overall": 0.5}})
    >>> intersection_weights(pair, (0, 1)).tolist(), intersection_weights(pair, (0,)).tolist()
    ([0.8, 0.2], [0.9])
    """
    names = closure.hypotheses
    m = len(names)
    level = np.array([(closure.weights or {}).get(name, 0.0) for name in names]) if closure.weights else None
    shares = np.full(m, 1 / m) if level is None else level
    if closure.method != "graphical":
        kept = shares[list(members)]
        return np.asarray(kept / kept.sum() if kept.sum() > 0 else np.full(len(members), 1 / len(members)))
    table = closure.transitions or {}
    graph = np.array([[table.get(a, {}).get(b, 0.0) for b in names] for a in names])
    for j in range(m):
        if j not in members:
            shares, graph = graph_without(j, shares, graph)
    return np.asarray(shares[list(members)])


def _largest_p_value(names: set[str], largest: FloatArray, correlation: FloatArray) -> FloatArray:
    """Probability under the null that the largest of the populations' statistics is as large."""
    if len(names) == 3:
        below = _all_three_below(largest, correlation)
    else:
        with_part = correlation[:, 0 if "positive" in names else 1]
        below = both_below(largest, largest, with_part if "overall" in names else 0.0)
    # one statistic alone is a lower bound, which the difference to 1 misses far out
    return np.asarray(np.maximum(1 - below, ndtr(-largest)))


def _all_three_below(limit: FloatArray, correlation: FloatArray) -> FloatArray:
    """Probability that overall, positives and negatives stay below a limit: over the positives, the other two given them."""
    a, c = correlation.T
    b = np.sqrt(np.maximum(1 - a * a, 1e-300))
    rest = np.minimum(c / b, 1.0)  # correlation of overall and negatives given the positives
    is_sum = bool(np.all(rest > 1 - 1e-9))  # overall is the weighted sum of its parts: the lower limit binds
    # beyond (limit (1 - b)) / a overall binds before the negatives do
    kink = np.clip(limit * (1 - b) / np.maximum(a, 1e-300), -9.0, None)
    total = np.zeros_like(limit)
    for low, high in ((np.full_like(limit, -9.0), np.minimum(kink, limit)), (np.minimum(kink, limit), limit)):
        half = np.maximum(high - low, 0.0) / 2
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            x = low + half * (node + 1)
            overall = (limit - a * x) / b
            others = ndtr(np.minimum(limit, overall)) if is_sum else both_below(limit, overall, rest)
            total += half * weight * np.exp(-x * x / 2) * others
    return np.asarray(total / np.sqrt(2 * np.pi))


def reject_closed(closure: Closure, combination: Combination, p_value: npt.ArrayLike) -> BoolArray:
    """Hypotheses that closed testing rejects by the end of each stage.

    Parameters
    ----------
    closure : Closure
        The family.
    combination : Combination
        Of the stages.
    p_value : array-like of float, shape (r, k, 2^m - 1)
        Of `intersection_p_values` in each stage; NaN from where an intersection is no longer tested.

    Returns
    -------
    ndarray of bool, shape (r, k, m)
        An intersection once rejected stays so.

    Examples
    --------
    >>> from igfstrat.trials.rejection.combination import make_combination
    >>> pair = Closure(hypotheses=("overall", "positive"), method="simes")
    >>> rule = make_combination(method="inverse_normal", information=[1.0], alpha=0.025)
    >>> reject_closed(pair, rule, intersection_p_values(pair, [[2.5, 2.0], [1.0, 2.1]])[:, None]).tolist()
    [[[True, True]], [[False, False]]]
    """
    p = np.asarray(p_value, dtype=np.float64)
    crossed = combination.crosses(np.moveaxis(p, 1, 2))
    gone = np.moveaxis(np.logical_or.accumulate(crossed, axis=2), 2, 1)
    found = [
        gone[:, :, [j for j, members in enumerate(closure.intersections) if i in members]].all(axis=2)
        for i in range(len(closure.hypotheses))
    ]
    return np.stack(found, axis=2)


def needed_alone(closure: Closure, combination: Combination, p_value: npt.ArrayLike) -> FloatArray:
    """Normal statistic that each hypothesis needs from the rest of the trial if it goes on alone.

    All intersections that hold it then share the later stages, so that the neediest of them decides.

    Parameters
    ----------
    closure : Closure
        The family.
    combination : Combination
        Of the stages.
    p_value : array-like of float, shape (r, k, 2^m - 1)
        Of `intersection_p_values` in the first k stages.

    Returns
    -------
    ndarray of float64, shape (r, m)
        NaN where the hypothesis has dropped out.

    Examples
    --------
    >>> from igfstrat.trials.rejection.combination import make_combination
    >>> pair = Closure(hypotheses=("overall", "positive"), method="bonferroni")
    >>> rule = make_combination(method="inverse_normal", information=[0.5, 1.0], alpha=0.025)
    >>> needed_alone(pair, rule, intersection_p_values(pair, [[1.0, 2.0]])[:, None]).round(3).tolist()
    [[1.784, 1.094]]
    """
    wanted = combination.needed(np.moveaxis(np.asarray(p_value, dtype=np.float64), 1, 2))
    found = [
        wanted[:, [j for j, members in enumerate(closure.intersections) if i in members]].max(axis=1)
        for i in range(len(closure.hypotheses))
    ]
    return np.stack(found, axis=1)
