"""Frozen results of a data-driven cut of a marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.analysis._continuous import ContinuousEffect
from igfstrat.analysis._estimating import to_plain
from igfstrat.analysis.results import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class CutScan:
    """The statistic over every cut that was tried.

    Parameters
    ----------
    cuts : ndarray of float64, shape (m,)
        Largest value of the low group, ascending.
    statistics : ndarray of float64, shape (m,)
        Standardized log-rank score statistic at each, absolute.
    threshold_naive : float
        What one cut chosen beforehand would have to exceed.
    threshold_corrected : float
        What the largest of all has to exceed, by permutation.
    """

    cuts: NDArray[np.float64]
    statistics: NDArray[np.float64]
    threshold_naive: float
    threshold_corrected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CutGroup:
    """One side of the cut.

    Parameters
    ----------
    label : str
        ``low`` (at most the cut) or ``high``.
    n, n_events : int
        Patients and events.
    """

    label: str
    n: int
    n_events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutStability:
    """The whole search repeated in bootstrap samples.

    Parameters
    ----------
    n_bootstrap, n_failed : int
        Samples drawn, and those without a cut.
    cut : Estimate
        The chosen cut with the percentiles of the bootstrapped ones.
    cuts, selection_frequency : ndarray of float64, shape (m,)
        Distinct cuts found, ascending, and the share of the samples that chose each.
    near : float
        What counts as near: the shares of patients at or below both cuts differ by at most this.
    share_near : float or None
        Share of the samples whose cut is near the chosen one.
    optimism, optimism_mc_error : float or None
        Mean excess of the log hazard ratio due to the search, with its Monte-Carlo standard error.
    hazard_ratio_corrected : Estimate
        High against low with the optimism taken off; it has no interval, and may cross 1.
    not_estimable : str or None
        Why there is no bootstrap.
    """

    n_bootstrap: int
    n_failed: int
    cut: Estimate
    cuts: NDArray[np.float64]
    selection_frequency: NDArray[np.float64]
    near: float
    share_near: float | None
    optimism: float | None
    optimism_mc_error: float | None
    hazard_ratio_corrected: Estimate
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutpointResult:
    """A data-driven cut of a marker on one endpoint.

    Parameters
    ----------
    marker, title, unit : str
        Canonical name, what people call it, and its unit; "" where it has none.
    endpoint, endpoint_title : str
        Endpoint.
    n, n_events, n_missing : int
        Patients analysed, their events, and patients with the endpoint whose marker is not measured.
    alpha, level : float
        Two-sided error rate, and coverage of the intervals.
    min_proportion : float
        Smallest share of the patients on each side of a cut.
    n_permutations, seed : int
        Permutations drawn, and the seed of all random numbers.
    cutpoint : float or None
        Largest value of the low group.
    statistic : float or None
        Standardized statistic at the cut.
    p_permutation, p_permutation_mc_error : float or None
        Corrected for the search: the p-value to report, and its Monte-Carlo standard error.
    p_lausen_1992, p_lausen_1994 : float or None
        Corrected by approximation, over the share of patients and over the cuts that exist.
    p_naive : float or None
        As if the cut had been chosen beforehand: wrong, for comparison only.
    high_is_worse : bool or None
        Whether the high group has more events than expected.
    scan : CutScan or None
        Every cut that was tried.
    groups : tuple of CutGroup
        Low and high.
    hazard_ratio_naive : Estimate
        High against low as if the cut had not been searched for.
    stability : CutStability
        How much the cut moves, and how much of the hazard ratio is search.
    continuous : ContinuousEffect
        The effect without any cut.
    not_estimable : str or None
        Why there is no cut.
    """

    marker: str
    title: str
    unit: str
    endpoint: str
    endpoint_title: str
    n: int
    n_events: int
    n_missing: int
    alpha: float
    level: float
    min_proportion: float
    n_permutations: int
    seed: int
    cutpoint: float | None
    statistic: float | None
    p_permutation: float | None
    p_permutation_mc_error: float | None
    p_lausen_1992: float | None
    p_lausen_1994: float | None
    p_naive: float | None
    high_is_worse: bool | None
    scan: CutScan | None
    groups: tuple[CutGroup, ...]
    hazard_ratio_naive: Estimate
    stability: CutStability
    continuous: ContinuousEffect
    not_estimable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name.
        """
        found: dict[str, Any] = to_plain(self)
        return found
