"""The cut-point of a marker that separates survival most, and how little to believe it.

The statistic at each cut is the sum of the log-rank scores of the patients at or below it, standardized by
its permutation variance, as in R's `maxstat`. It is close to, but not, the square root of the ordinary
log-rank chi-square at that cut, which is given beside it. A p-value that ignores the search is never given
alone. The permutation test assumes that censoring does not depend on the marker.

References
----------
.. [1] Hothorn T, Lausen B. On the exact distribution of maximally selected rank statistics. Comput Stat Data
   Anal 2003;43:121-137.
.. [2] Lausen B, Schumacher M. Maximally selected rank statistics. Biometrics 1992;48:73-85.
.. [3] Lausen B, Sauerbrei W, Schumacher M. Classification and regression trees (CART) used for the
   exploration of prognostic factors measured on different scales. In: Computational Statistics. Physica 1994.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import Sample, read_codes, read_numbers, read_sample
from igfstrat.survival._risk import block_sums, rows_of
from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.survival.logrank import LogrankResult, logrank

_BATCH = 4_000_000  # uniform numbers drawn at once, 32 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class MaximallySelectedLogrank:
    """A maximally selected log-rank test.

    Parameters
    ----------
    cutpoint : float
        Largest marker value of the low group (low: <=); NaN when not estimable.
    statistic : float
        Standardized score statistic at the cut, absolute.
    p_value : float
        Corrected for the search, by permutation: the one to report.
    p_value_mc_error : float
        Its Monte-Carlo standard error.
    p_value_1992, p_value_1994 : float
        Corrected by the approximations of Lausen and Schumacher and of Lausen, Sauerbrei and Schumacher.
    p_value_naive : float
        Not corrected: as if the cut had been chosen beforehand.
    logrank_at_cutpoint : LogrankResult or None
        Ordinary log-rank test at the cut, not corrected either.
    candidates, statistics : ndarray of float, shape (m,)
        Cuts that were tried and their statistics, absolute.
    n_low, n_high : int
        Patients in each group.
    n_permutations : int
        Permutations drawn.
    high_is_worse : bool or None
        Whether the high group has more events than expected.
    not_estimable : str or None
        Why there is no cut-point, or None.
    """

    cutpoint: float
    statistic: float
    p_value: float
    p_value_mc_error: float
    p_value_1992: float
    p_value_1994: float
    p_value_naive: float
    logrank_at_cutpoint: LogrankResult | None
    candidates: FloatArray
    statistics: FloatArray
    n_low: int
    n_high: int
    n_permutations: int
    high_is_worse: bool | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Log-rank scores in the order of the marker, and the cuts between them.

    Parameters
    ----------
    scores : ndarray of float, shape (n,)
        Scores centred within strata, by ascending marker.
    member : ndarray of int, shape (n,)
        Stratum of each.
    marker : ndarray of float, shape (n,)
        Marker, ascending.
    places : ndarray of int, shape (m,)
        Size of the low group at each cut tried.
    error : ndarray of float, shape (m,)
        Permutation standard error at each cut.
    """

    scores: FloatArray
    member: IntArray
    marker: FloatArray
    places: IntArray
    error: FloatArray

    @property
    def statistics(self) -> FloatArray:
        """Signed standardized statistics, shape (m,): > 0 when the low group has more events than expected."""
        signed: FloatArray = np.cumsum(self.scores)[self.places - 1] / self.error
        return signed


def maximally_selected_logrank(
    *,
    time: Any,
    event: Any,
    marker: Any,
    min_proportion: float = 0.1,
    strata: Any = None,
    rng: np.random.Generator | None = None,
    n_permutations: int = 10_000,
) -> MaximallySelectedLogrank:
    """Find the cut-point of a marker and test it with correction for the search.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    marker : array-like of float, shape (n,)
        Marker, finite.
    min_proportion : float
        Smallest share of the patients in a group, in (0, 0.5).
    strata : array-like of str, int or bool, shape (n,), optional
        Scores and permutations stay within strata.
    rng : numpy.random.Generator, optional
        Source of the permutations; a generator with a fixed seed when left out.
    n_permutations : int
        Permutations, at least 100.

    Returns
    -------
    MaximallySelectedLogrank
        The cut-point with its corrected p-values.

    Raises
    ------
    DomainError
        Arguments that cannot be.
    """
    if n_permutations < 100:
        msg = f"n_permutations must be at least 100, found {n_permutations}; 10,000 is usual"
        raise DomainError(msg)
    sample = read_sample(time=time, event=event)
    values = read_numbers(marker, "marker", sample.n)
    codes = np.zeros(sample.n, np.int64) if strata is None else read_codes(strata, "strata", sample.n)[0]
    ordered = order_scores(sample, values, codes, min_proportion)
    why = _why_not(sample, ordered)
    if why is not None:
        return _nothing(why)
    signed = ordered.statistics
    best = int(np.argmax(np.abs(signed) >= np.abs(signed).max() * (1 - 1e-12)))
    top, place = float(abs(signed[best])), int(ordered.places[best])
    cutpoint = float(ordered.marker[place - 1])
    maxima = _permute(ordered, np.random.default_rng(0) if rng is None else rng, n_permutations)
    # sums in another order differ by rounding; a tie counts against the marker
    p_value = (1 + int(np.count_nonzero(maxima >= top * (1 - 1e-10)))) / (n_permutations + 1)
    return MaximallySelectedLogrank(
        cutpoint=cutpoint,
        statistic=top,
        p_value=p_value,
        p_value_mc_error=float(np.sqrt(p_value * (1 - p_value) / n_permutations)),
        p_value_1992=_lausen_1992(top, min_proportion),
        p_value_1994=_lausen_1994(top, sample.n, ordered.places),
        p_value_naive=float(2 * ndtr(-top)),
        logrank_at_cutpoint=logrank(time=time, event=event, groups=values > cutpoint, strata=strata),
        candidates=ordered.marker[ordered.places - 1],
        statistics=np.abs(signed),
        n_low=place,
        n_high=sample.n - place,
        n_permutations=n_permutations,
        high_is_worse=bool(signed[best] < 0),
    )


def logrank_scores(sample: Sample) -> FloatArray:
    """Log-rank scores: events minus the hazard lived through, at most about 1 each.

    Tied times share the smallest number at risk among them, as in R's `maxstat`.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.

    Returns
    -------
    ndarray of float, shape (n,)
        Scores, in the order of the sample.
    """
    last = np.append(sample.first[1:], sample.n)  # patients with this time or an earlier one
    hazard = np.cumsum(block_sums(sample.event, sample.first) / (sample.n - last + 1))
    scores: FloatArray = sample.event - np.repeat(hazard, np.diff(sample.first, append=sample.n))
    return scores


def order_scores(sample: Sample, marker: FloatArray, strata: IntArray, min_proportion: float) -> Ordered:
    """Bring the scores into the order of the marker and find the cuts.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    marker : ndarray of float, shape (n,)
        Marker, in the caller's order.
    strata : ndarray of int, shape (n,)
        Stratum codes 0..s-1, in the caller's order.
    min_proportion : float
        Smallest share of the patients in a group.

    Returns
    -------
    Ordered
        Scores and cuts; no cuts when none is admissible.

    Raises
    ------
    DomainError
        A proportion outside (0, 0.5).
    """
    if not 0 < min_proportion < 0.5:
        msg = f"min_proportion must lie between 0 and 0.5, found {min_proportion}; 0.1 is usual"
        raise DomainError(msg)
    n = sample.n
    scores, codes = np.empty(n), strata[sample.order]
    sizes = np.bincount(strata)
    variance = np.zeros(len(sizes))
    for s, rows in enumerate(np.split(np.argsort(codes, kind="stable"), np.cumsum(sizes)[:-1])):
        own = logrank_scores(rows_of(sample, rows))
        own -= own.mean()
        scores[rows] = own
        variance[s] = own @ own / max(len(rows) - 1, 1)
    by_marker = np.argsort(marker[sample.order], kind="stable")
    values, member = marker[sample.order][by_marker], codes[by_marker]
    last = np.flatnonzero(values[1:] != values[:-1]) + 1  # a group ends where the next value begins
    low, high = max(1, int(np.floor(n * min_proportion))), int(np.floor(n * (1 - min_proportion)))
    places = last[(last >= low) & (last <= high)]
    spread = np.zeros(len(places))
    for s, size in enumerate(sizes):
        inside = np.cumsum(member == s)[places - 1] if len(places) else np.empty(0)
        spread += variance[s] * inside * (size - inside) / size
    usable = spread > 1e-12 * max(float(spread.max(initial=0.0)), 1e-300)
    return Ordered(
        scores=scores[by_marker],
        member=member,
        marker=values,
        places=places[usable],
        error=np.sqrt(spread[usable]),
    )


def _why_not(sample: Sample, ordered: Ordered) -> str | None:
    if not sample.event.any():
        return "no events: nothing can be separated"
    if ordered.marker[0] == ordered.marker[-1]:
        return "the marker is constant: there is no cut"
    if len(ordered.places) == 0:
        return "no cut leaves the smallest share of the patients in both groups, or the scores do not vary"
    return None


def _nothing(why: str) -> MaximallySelectedLogrank:
    nan, none = float("nan"), np.empty(0)
    return MaximallySelectedLogrank(
        cutpoint=nan,
        statistic=nan,
        p_value=nan,
        p_value_mc_error=nan,
        p_value_1992=nan,
        p_value_1994=nan,
        p_value_naive=nan,
        logrank_at_cutpoint=None,
        candidates=none,
        statistics=none,
        n_low=0,
        n_high=0,
        n_permutations=0,
        high_is_worse=None,
        not_estimable=why,
    )


def _permute(ordered: Ordered, rng: np.random.Generator, n_permutations: int) -> FloatArray:
    from igfstrat.survival._kernels_cutpoint import permuted_maxima

    n = len(ordered.scores)
    by_stratum = np.argsort(ordered.member, kind="stable")
    stratum_first = np.concatenate(([0], np.cumsum(np.bincount(ordered.member))))
    cut = np.full(n, -1)
    cut[ordered.places - 1] = np.arange(len(ordered.places))
    maxima = np.empty(n_permutations)
    batch = max(1, _BATCH // n)
    for start in range(0, n_permutations, batch):
        part = maxima[start : start + batch]
        uniform = rng.random((len(part), n))
        permuted_maxima(
            ordered.scores[by_stratum], stratum_first, ordered.member, cut, 1 / ordered.error, uniform, part
        )
    return maxima


def _lausen_1992(b: float, epsilon: float) -> float:
    """Improved approximation over a share of the patients, here symmetric."""
    if b < 1:
        return 1.0
    density = np.exp(-b * b / 2) / np.sqrt(2 * np.pi)
    return float(np.clip(4 * density / b + density * (b - 1 / b) * 2 * np.log((1 - epsilon) / epsilon), 0, 1))


def _lausen_1994(b: float, n: int, places: Sequence[int] | IntArray) -> float:
    """Improved Bonferroni inequality over the cuts that exist."""
    m = np.asarray(places, dtype=np.float64)
    step = np.sqrt(1 - m[:-1] * (n - m[1:]) / ((n - m[:-1]) * m[1:]))
    added = np.exp(-b * b / 2) / np.pi * (step - (b * b / 4 - 1) * step**3 / 6)
    return float(np.clip(2 * ndtr(-b) + added.sum(), 0, 1))
