"""A cut of a marker that the data choose, with what the choice costs: corrected p-values, stability, optimism.

The search and its tests are those of `igfstrat.survival`; here they are put beside each other, so that a
p-value which ignores the search never stands alone, and beside the effect without any cut.

References
----------
.. [1] Hothorn T, Lausen B. On the exact distribution of maximally selected rank statistics. Comput Stat Data
   Anal 2003;43:121-137.
.. [2] Lausen B, Schumacher M. Maximally selected rank statistics. Biometrics 1992;48:73-85.
.. [3] Lausen B, Sauerbrei W, Schumacher M. Classification and regression trees (CART) used for the
   exploration of prognostic factors measured on different scales. In: Computational Statistics. Physica 1994.
.. [4] Harrell FE, Lee KL, Mark DB. Multivariable prognostic models. Stat Med 1996;15:361-387.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.analysis._continuous import (
    ContinuousEffect,
    Measured,
    SplineCurve,
    analyse_continuous,
    measured_patients,
)
from igfstrat.analysis._cutpoint_results import CutGroup, CutpointResult, CutScan, CutStability
from igfstrat.analysis._estimating import LEVEL, SEED, attempt, cox_fit, finite, ratio_estimate
from igfstrat.analysis.results import Estimate
from igfstrat.analysis.settings import CutpointSettings
from igfstrat.cohort import Endpoint
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import MaximallySelectedLogrank, cutpoint_stability, maximally_selected_logrank
from igfstrat.survival._inputs import read_sample
from igfstrat.survival.cutpoint import _permute, order_scores

__all__ = [
    "ContinuousEffect",
    "CutGroup",
    "CutScan",
    "CutStability",
    "CutpointResult",
    "SplineCurve",
    "analyse_continuous",
    "analyse_cutpoint",
]

MIN_PROPORTION: Final = 0.1
NEAR: Final = 0.05
BOOTSTRAP: Final = 500


def analyse_cutpoint(
    endpoint: Endpoint,
    *,
    title: str,
    values: NDArray[np.float64],
    settings: CutpointSettings,
    unit: str = "",
    included: NDArray[np.bool_] | None = None,
    alpha: float = 0.05,
    seed: int = SEED,
    n_bootstrap: int = BOOTSTRAP,
) -> CutpointResult:
    """Search for a cut of a marker, and say what the search costs.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months and events.
    title : str
        What people call the marker.
    values : ndarray of float64, shape (n_rows,)
        The marker, in `unit`; NaN where it is not measured.
    settings : CutpointSettings
        The plan's: name of the marker and number of permutations.
    unit : str
        Unit of the marker; "" where it has none.
    included : ndarray of bool, shape (n_rows,), optional
        Rows that are patients; all by default.
    alpha : float
        Two-sided error rate of the thresholds, between 0 and 1.
    seed : int
        Of permutations and bootstrap samples.
    n_bootstrap : int
        Bootstrap samples, at least 50; 0 leaves stability and optimism out.

    Returns
    -------
    CutpointResult
        With reasons where something can't be estimated.

    Notes
    -----
    Optimism is Harrell's [4]_: in each bootstrap sample the search is repeated, and the log hazard ratio of the cut
    found there is compared with that of the same cut in the original patients; the mean difference is taken off.
    """
    data = measured_patients(endpoint, values, included)
    permuted, drawn = np.random.SeedSequence(seed).spawn(2)
    found, why = _search(data, settings.permutations, permuted)
    return CutpointResult(
        marker=settings.marker,
        title=title,
        unit=unit,
        endpoint=endpoint.name,
        endpoint_title=endpoint.title,
        n=len(data.time),
        n_events=int(data.event.sum()),
        n_missing=data.n_missing,
        alpha=alpha,
        level=LEVEL,
        min_proportion=MIN_PROPORTION,
        n_permutations=settings.permutations,
        seed=seed,
        **_numbers(found),
        scan=_scan(data, found, alpha, settings.permutations, permuted) if found else None,
        groups=_groups(data, found.cutpoint) if found else (),
        hazard_ratio_naive=_naive_ratio(data, found.cutpoint) if found else Estimate(not_estimable=why),
        stability=_stability(data, found, why, n_bootstrap, drawn),
        continuous=analyse_continuous(
            endpoint, marker=settings.marker, title=title, values=values, unit=unit, included=included
        ),
        not_estimable=why,
    )


def _search(
    data: Measured, n_permutations: int, stream: np.random.SeedSequence
) -> tuple[MaximallySelectedLogrank | None, str | None]:
    if data.why_not:
        return None, data.why_not
    found = maximally_selected_logrank(
        time=data.time, event=data.event, marker=data.marker, min_proportion=MIN_PROPORTION,
        rng=np.random.default_rng(stream), n_permutations=n_permutations,
    )  # fmt: skip
    return (None, found.not_estimable) if found.not_estimable else (found, None)


def _numbers(found: MaximallySelectedLogrank | None) -> dict[str, Any]:
    return {
        "cutpoint": finite(found.cutpoint) if found else None,
        "statistic": finite(found.statistic) if found else None,
        "p_permutation": finite(found.p_value) if found else None,
        "p_permutation_mc_error": finite(found.p_value_mc_error) if found else None,
        "p_lausen_1992": finite(found.p_value_1992) if found else None,
        "p_lausen_1994": finite(found.p_value_1994) if found else None,
        "p_naive": finite(found.p_value_naive) if found else None,
        "high_is_worse": found.high_is_worse if found else None,
    }


def _scan(
    data: Measured, found: MaximallySelectedLogrank, alpha: float, n: int, stream: np.random.SeedSequence
) -> CutScan:
    # the same stream draws the same permutations as those of the p-value, so that line and p agree
    sample = read_sample(time=data.time, event=data.event)
    ordered = order_scores(sample, data.marker, np.zeros(sample.n, np.int64), MIN_PROPORTION)
    maxima = np.sort(_permute(ordered, np.random.default_rng(stream), n))[::-1]
    # p = (1 + number of maxima at or above) / (n + 1) is at most alpha for a statistic beyond this one
    allowed = max(int(np.floor(alpha * (n + 1) + 1e-9)) - 1, 0)
    return CutScan(
        cuts=found.candidates,
        statistics=found.statistics,
        threshold_naive=NormalDist().inv_cdf(1 - alpha / 2),
        threshold_corrected=float(maxima[allowed]),
    )


def _groups(data: Measured, cut: float) -> tuple[CutGroup, ...]:
    high = data.marker > cut
    return tuple(
        CutGroup(label=label, n=int(side.sum()), n_events=int(data.event[side].sum()))
        for label, side in (("low", ~high), ("high", high))
    )


def _naive_ratio(data: Measured, cut: float) -> Estimate:
    high, everyone = (data.marker > cut).astype(np.float64), np.ones(len(data.time), dtype=np.bool_)
    fit = cox_fit(data.time, data.event)
    return attempt(lambda: ratio_estimate(fit(everyone, high[:, None], ["high"])))


def _no_stability(why: str | None, n_bootstrap: int) -> CutStability:
    nothing = Estimate(not_estimable=why)
    return CutStability(
        n_bootstrap=n_bootstrap, n_failed=0, cut=nothing, cuts=np.empty(0), selection_frequency=np.empty(0), near=NEAR,
        share_near=None, optimism=None, optimism_mc_error=None, hazard_ratio_corrected=nothing, not_estimable=why,
    )  # fmt: skip


def _stability(
    data: Measured,
    found: MaximallySelectedLogrank | None,
    why: str | None,
    n_bootstrap: int,
    stream: np.random.SeedSequence,
) -> CutStability:
    if found is None or n_bootstrap == 0:
        return _no_stability(why or "no bootstrap was asked for", n_bootstrap)
    try:
        result = cutpoint_stability(
            time=data.time, event=data.event, marker=data.marker, min_proportion=MIN_PROPORTION,
            rng=np.random.default_rng(stream), n_bootstrap=n_bootstrap, level=LEVEL,
        )  # fmt: skip
    except (EstimationError, DomainError) as error:
        return _no_stability(str(error), n_bootstrap)
    ranked = np.sort(data.marker)
    below = np.searchsorted(ranked, result.cutpoints, side="right") / len(ranked)
    chosen = np.searchsorted(ranked, found.cutpoint, side="right") / len(ranked)
    return CutStability(
        n_bootstrap=n_bootstrap,
        n_failed=result.n_failed,
        cut=Estimate(value=found.cutpoint, ci_lower=result.ci_lower, ci_upper=result.ci_upper),
        cuts=result.values,
        selection_frequency=result.selection_frequency,
        near=NEAR,
        share_near=float((np.abs(below - chosen) <= NEAR + 1e-12).mean()),
        optimism=result.optimism,
        optimism_mc_error=result.optimism_mc_error,
        hazard_ratio_corrected=Estimate(value=finite(result.hazard_ratio_corrected)),
    )
