"""Marginal hazard ratios: what a Cox model without strata finds in the large-sample limit.

The configured hazard ratios are conditional. Left out of a model, what shapes the baseline (subtype, stage, age)
both confounds, where IGF-1R depends on it, and pulls ratios towards 1. The limit of the Cox estimate solves the
expected score equation (Struthers and Kalbfleisch 1986, Biometrika 73:363); it depends on the follow-up, and is
given for that of the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.optimize import brentq

from igfstrat.errors import UsageError
from igfstrat.synthetic.config import CohortConfig, Effects, Ratio
from igfstrat.synthetic.hazards import Floats, cumulative_hazard
from igfstrat.synthetic.numbers import Number
from igfstrat.synthetic.prognosis import cell_hazards, make_prognosis

_STEPS: Final = 400
_WIDEST: Final = 3.0  # log hazard ratio


def marginal_hazard_ratio(config: CohortConfig, *, endpoint: str, groups: Sequence[str] = ()) -> float:
    """Hazard ratio of IGF-1R high against low without strata or covariates, in the large-sample limit.

    Parameters
    ----------
    config : CohortConfig
        Its main effects are used; see ``with_preset``.
    endpoint : str
        ``first`` (dfs or pfs) or ``os``.
    groups : sequence of str
        Groups to look at; all when left out.

    Returns
    -------
    float
        Under the configured accrual, follow-up and loss.

    Raises
    ------
    UsageError
        If there is no such endpoint or group.
    """
    if endpoint not in {"first", "os"} or set(groups) - set(config.groups):
        message = f"endpoint is first or os, and groups are of {', '.join(config.groups)}"
        raise UsageError(message)
    made = make_prognosis(config, check_order=False)  # each endpoint is looked at alone
    cells = tuple(axis.ravel() for axis in np.indices(made.weights.shape))
    rates = cell_hazards(made, cells)[0 if endpoint == "first" else 1]
    chosen = np.array([not groups or name in groups for name in config.groups])[cells[0]]
    width = (config.follow_up.accrual_months.value + config.follow_up.follow_up_months.value) / _STEPS
    times: Floats = (np.arange(_STEPS, dtype=np.float64) + 0.5) * width
    piece = np.searchsorted(made.starts, times, side="right") - 1
    survival = np.exp(-np.stack([cumulative_hazard(times, starts=made.starts, rates=r) for r in rates]))
    at_risk = (made.weights.ravel() * chosen)[:, np.newaxis] * survival * _observed(config, times)
    return float(np.exp(_limit(at_risk, at_risk * rates[:, piece], cells[2] == 1)))


def _observed(config: CohortConfig, times: Floats) -> Floats:
    """Share of the patients still observed, were nobody to have an event."""
    how = config.follow_up
    accrual, total = how.accrual_months.value, how.accrual_months.value + how.follow_up_months.value
    kept = (1 - how.lost_per_year.value / 100) ** (times / 12)
    within = np.clip((total - times) / accrual, 0, 1) if accrual else (times <= total).astype(np.float64)
    return np.asarray(kept * within)


def _limit(at_risk: Floats, events: Floats, high: np.ndarray) -> float:
    """Log hazard ratio at which the expected score is 0; rows are kinds of patients, columns are times."""
    risk_high, risk_low = at_risk[high].sum(axis=0), at_risk[~high].sum(axis=0)
    events_high, every = events[high].sum(axis=0), events.sum(axis=0)

    def score(log_ratio: float) -> float:
        share = risk_high * np.exp(log_ratio) / (risk_high * np.exp(log_ratio) + risk_low)
        return float((events_high - every * share).sum())

    return float(brentq(score, -2 * _WIDEST, 2 * _WIDEST, xtol=1e-10))


def solve_rest(config: CohortConfig, *, within: Sequence[str], unknown: Sequence[str]) -> float:
    """Hazard ratio of some groups at which the marginal one over more groups is 1.

    Parameters
    ----------
    config : CohortConfig
        With the effects of the other groups.
    within : sequence of str
        Groups over which there is to be no effect.
    unknown : sequence of str
        Those of them whose common hazard ratio for the first endpoint is solved for.

    Returns
    -------
    float
        The hazard ratio.
    """

    def excess(log_ratio: float) -> float:
        number = Ratio(first=Number(value=float(np.exp(log_ratio)), assumed=True))
        igf1r = config.effects.igf1r | dict.fromkeys(unknown, number)
        changed = config.model_copy(update={"effects": Effects(igf1r=igf1r)})
        return float(np.log(marginal_hazard_ratio(changed, endpoint="first", groups=within)))

    return float(np.exp(brentq(excess, -_WIDEST, _WIDEST, xtol=1e-8)))
