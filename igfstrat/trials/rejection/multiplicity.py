"""Which of several hypotheses are rejected: procedures on p-values, one row a trial.

All control the family-wise error strongly where their assumption holds: Bonferroni, hierarchical, fallback and graphical
always; Simes and Hochberg for independent or positively dependent statistics, as those of a population and a part
of it are; Spiessens–Debois for the two hypotheses of a population and a part of it with a known correlation. A missing
p-value (NaN: the test could not be done) counts as 1. Looks over time are no business of this module.

References
----------
.. [1] Hochberg Y. A sharper Bonferroni procedure for multiple tests of significance. Biometrika 1988;75:800-802.
.. [2] Simes RJ. An improved Bonferroni procedure for multiple tests of significance. Biometrika 1986;73:751-754.
.. [3] Spiessens B, Debois M. Adjusted significance levels for subgroup analyses in clinical trials. Contemp Clin
   Trials 2010;31:647-656.
.. [4] Wiens BL. A fixed sequence Bonferroni procedure for testing multiple endpoints. Pharm Stat 2003;2:211-215.
.. [5] Bretz F, Maurer W, Brannath W, Posch M. A graphical approach to sequentially rejective multiple test
   procedures. Stat Med 2009;28:586-604.
.. [6] Marcus R, Peritz E, Gabriel KR. On closed testing procedures with special reference to ordered analysis of
   variance. Biometrika 1976;63:655-660.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from igfstrat.errors import DomainError, UsageError
from igfstrat.trials.rejection.correlated_levels import correlated_levels

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

METHODS: Final = (
    "none",
    "bonferroni",
    "hochberg",
    "simes",
    "spiessens_debois",
    "hierarchical",
    "fallback",
    "graphical",
)


def reject(
    p_value: npt.ArrayLike,
    *,
    method: str,
    alpha: float,
    hypotheses: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
    transitions: Mapping[str, Mapping[str, float]] | None = None,
    correlation: float | None = None,
) -> BoolArray:
    """Rejections by a named procedure.

    Parameters
    ----------
    p_value : array-like of float, shape (n, m) or (m,)
        One-sided p-values, a row a trial, the hypotheses in their order; NaN counts as 1.
    method : str
        One of `METHODS`.
    alpha : float
        Family-wise level.
    hypotheses : sequence of str
        Names of the columns; needed with `weights` and `transitions`.
    weights : mapping of str to float, optional
        Share of alpha by name, equal ones where left out; of bonferroni, fallback, graphical and spiessens_debois.
    transitions : mapping, optional
        Of graphical: where the share of a rejected hypothesis goes.
    correlation : float, optional
        Of the two statistics, for spiessens_debois.

    Returns
    -------
    ndarray of bool, the shape of `p_value`
        True = rejected.

    Raises
    ------
    UsageError
        If there is no such method.
    DomainError
        If weights, transitions or the number of hypotheses don't fit.

    Examples
    --------
    >>> reject([[0.02, 0.02], [0.03, 0.01]], method="hochberg", alpha=0.025).tolist()
    [[True, True], [False, True]]
    """
    values = np.asarray(p_value, dtype=np.float64)
    p = np.where(np.isnan(values), 1.0, np.atleast_2d(values))
    m = p.shape[1]
    shares = _shares(weights, hypotheses, m)
    if method == "none":
        found = p <= alpha
    elif method == "bonferroni":
        found = p <= alpha * shares
    elif method == "hochberg":
        found = reject_hochberg(p, alpha=alpha)
    elif method == "simes":
        found = reject_simes(p, alpha=alpha)
    elif method == "spiessens_debois":
        found = reject_spiessens_debois(p, alpha=alpha, correlation=correlation, weights=shares)
    elif method == "hierarchical":
        found = np.logical_and.accumulate(p <= alpha, axis=1)
    elif method == "fallback":
        found = reject_fallback(p, alpha=alpha, weights=shares)
    elif method == "graphical":
        found = reject_graphical(
            p, alpha=alpha, weights=shares, transitions=_matrix(transitions, hypotheses, m)
        )
    else:
        message = f"no procedure is named {method!r}; there are {', '.join(METHODS)}"
        raise UsageError(message)
    return np.asarray(found.reshape(values.shape))


def _shares(weights: Mapping[str, float] | None, hypotheses: Sequence[str], m: int) -> FloatArray:
    if weights is None:
        return np.full(m, 1 / m)
    if len(hypotheses) != m or set(weights) != set(hypotheses):
        message = f"weights for {', '.join(weights)} and hypotheses {', '.join(hypotheses)} of {m} p-values"
        raise DomainError(message)
    shares = np.array([weights[name] for name in hypotheses], dtype=np.float64)
    _check_shares(shares)
    return shares


def _check_shares(shares: FloatArray) -> None:
    if np.any(shares < 0) or shares.sum() > 1 + 1e-9:
        message = f"shares of alpha are >= 0 and sum to 1 at the most; found {shares.tolist()}"
        raise DomainError(message)


def _matrix(
    transitions: Mapping[str, Mapping[str, float]] | None, names: Sequence[str], m: int
) -> FloatArray:
    if transitions is None or len(names) != m:
        message = "a graphical procedure needs transitions between named hypotheses"
        raise DomainError(message)
    return np.array([[transitions.get(a, {}).get(b, 0.0) for b in names] for a in names], dtype=np.float64)


def reject_hochberg(p_value: npt.ArrayLike, *, alpha: float) -> BoolArray:
    """Hochberg's step-up procedure [1]_.

    Parameters
    ----------
    p_value : array-like of float, shape (n, m)
        One row a trial.
    alpha : float
        Family-wise level.

    Returns
    -------
    ndarray of bool, shape (n, m)
        True = rejected.

    Examples
    --------
    >>> reject_hochberg([[0.010, 0.024, 0.012]], alpha=0.025).tolist()
    [[True, True, True]]
    """
    p = np.asarray(p_value, dtype=np.float64)
    m = p.shape[1]
    ordered = np.sort(p, axis=1)
    passes = ordered <= alpha / np.arange(m, 0, -1)
    limit = np.where(passes, ordered, -1.0).max(axis=1, keepdims=True)
    return np.asarray(p <= limit)


def reject_simes(p_value: npt.ArrayLike, *, alpha: float) -> BoolArray:
    """Closed testing [6]_ with Simes' test [2]_ of each intersection (for two hypotheses this is Hochberg's).

    Parameters
    ----------
    p_value : array-like of float, shape (n, m)
        One row a trial.
    alpha : float
        Family-wise level.

    Returns
    -------
    ndarray of bool, shape (n, m)
        True = rejected.

    Examples
    --------
    >>> reject_simes([[0.024, 0.02], [0.03, 0.02]], alpha=0.025).tolist()
    [[True, True], [False, False]]
    """
    p = np.asarray(p_value, dtype=np.float64)
    m = p.shape[1]
    found = np.ones(p.shape, dtype=bool)
    for size in range(1, m + 1):
        for members in combinations(range(m), size):
            ordered = np.sort(p[:, members], axis=1)
            found[:, members] &= (ordered <= alpha * np.arange(1, size + 1) / size).any(axis=1, keepdims=True)
    return found


def reject_spiessens_debois(
    p_value: npt.ArrayLike, *, alpha: float, correlation: float | None, weights: npt.ArrayLike = (0.5, 0.5)
) -> BoolArray:
    """Two correlated hypotheses; whoever is rejected first leaves all of alpha to the other.

    The intersection is rejected at the levels of `correlated_levels`. Closed testing [6]_ then makes the level of each
    hypothesis alpha, which [3]_ didn't yet do.

    Parameters
    ----------
    p_value : array-like of float, shape (n, 2)
        One row a trial.
    alpha : float
        Family-wise one-sided level.
    correlation : float or None
        Of the two statistics, between 0 and 1.
    weights : array-like of float, shape (2,)
        Ratio of the two levels.

    Returns
    -------
    ndarray of bool, shape (n, 2)
        True = rejected.

    Raises
    ------
    DomainError
        If there are not two hypotheses, or no correlation.

    Examples
    --------
    >>> reject_spiessens_debois([[0.014, 0.02], [0.02, 0.02]], alpha=0.025, correlation=0.5**0.5).tolist()
    [[True, True], [False, False]]
    """
    p, shares = np.asarray(p_value, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if p.shape[1] != 2 or correlation is None or not 0 <= correlation <= 1 or shares.sum() <= 0:
        message = "Spiessens–Debois needs two hypotheses, weights and the correlation of their statistics"
        raise DomainError(message)
    levels = correlated_levels(alpha=alpha, correlation=correlation, weights=shares)
    intersection = (p <= levels).any(axis=1, keepdims=True)
    return np.asarray((p <= alpha) & intersection)


def reject_fallback(p_value: npt.ArrayLike, *, alpha: float, weights: npt.ArrayLike) -> BoolArray:
    """The fallback procedure [4]_: in order, each with its own share and what was rejected before passes on.

    Parameters
    ----------
    p_value : array-like of float, shape (n, m)
        One row a trial, in the order of testing.
    alpha : float
        Family-wise level.
    weights : array-like of float, shape (m,)
        Shares of alpha.

    Returns
    -------
    ndarray of bool, shape (n, m)
        True = rejected.

    Examples
    --------
    >>> reject_fallback([[0.019, 0.02], [0.021, 0.02]], alpha=0.025, weights=[0.8, 0.2]).tolist()
    [[True, True], [False, False]]
    """
    p, shares = np.asarray(p_value, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    found = np.zeros(p.shape, dtype=bool)
    carried = np.zeros(len(p))
    for j, share in enumerate(shares):
        level = carried + alpha * share
        found[:, j] = p[:, j] <= level
        carried = np.where(found[:, j], level, 0.0)
    return found


def reject_graphical(
    p_value: npt.ArrayLike, *, alpha: float, weights: npt.ArrayLike, transitions: npt.ArrayLike
) -> BoolArray:
    """The graphical procedure of Bretz, Maurer, Brannath and Posch [5]_, algorithm 1.

    Parameters
    ----------
    p_value : array-like of float, shape (n, m)
        One row a trial.
    alpha : float
        Family-wise level.
    weights : array-like of float, shape (m,)
        Shares of alpha at the start.
    transitions : array-like of float, shape (m, m)
        Row i: the shares of a rejected hypothesis i that go to the others; zeros on the diagonal.

    Returns
    -------
    ndarray of bool, shape (n, m)
        True = rejected; the order of rejection makes no difference.

    Raises
    ------
    DomainError
        If shares or transitions can't be.

    Examples
    --------
    >>> p, holm = [[0.012, 0.02], [0.02, 0.013]], [[0, 1], [1, 0]]
    >>> reject_graphical(p, alpha=0.025, weights=[0.5, 0.5], transitions=holm).tolist()
    [[True, True], [False, False]]
    """
    p = np.asarray(p_value, dtype=np.float64)
    graph: Any = np.asarray(transitions, dtype=np.float64)
    shares = np.asarray(weights, dtype=np.float64)
    _check_shares(shares)
    if np.any(graph < 0) or np.any(np.diag(graph)) or np.any(graph.sum(axis=1) > 1 + 1e-9):
        message = f"transitions are >= 0, 0 to itself, and sum to 1 at the most; found {graph.tolist()}"
        raise DomainError(message)
    found = np.zeros(p.shape, dtype=bool)
    # trials with the same rejections so far share one graph, so that there are few
    waiting: list[tuple[Any, FloatArray, FloatArray, tuple[int, ...]]] = [
        (np.arange(len(p)), shares, graph, ())
    ]
    while waiting:
        rows, level, graph, gone = waiting.pop()
        passed = (p[rows] <= alpha * level) & ~np.isin(np.arange(p.shape[1]), gone) & (level > 0)
        first = np.where(passed.any(axis=1), passed.argmax(axis=1), -1)
        for j in np.unique(first[first >= 0]):
            chosen = rows[first == j]
            found[chosen, j] = True
            waiting.append((chosen, *graph_without(int(j), level, graph), (*gone, int(j))))
    return found


def graph_without(j: int, level: FloatArray, graph: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The graph that a hypothesis leaves behind: after its rejection, or when it is no member of an intersection.

    Parameters
    ----------
    j : int
        Place of the hypothesis.
    level : ndarray of float64, shape (m,)
        Shares of alpha.
    graph : ndarray of float64, shape (m, m)
        Transitions, zeros on the diagonal.

    Returns
    -------
    tuple of ndarray, shapes (m,) and (m, m)
        The same of the others; zeros at j.
    """
    moved = level + level[j] * graph[j]
    back = graph[:, j] * graph[j]  # what would come back to itself through j
    with np.errstate(divide="ignore", invalid="ignore"):
        rewired = (graph + np.outer(graph[:, j], graph[j])) / (1 - back)[:, None]
    rewired = np.where((back < 1 - 1e-12)[:, None], rewired, 0.0)
    np.fill_diagonal(rewired, 0.0)
    moved[j], rewired[j], rewired[:, j] = 0.0, 0.0, 0.0
    return moved, rewired
