"""Covariance of the log-rank scores of all patients and of a part of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from igfstrat.trials.closed_form._integrals import Flow, divided, flow_at
from igfstrat.trials.closed_form.trial import Trial

FloatArray = npt.NDArray[np.float64]


def score_covariance(whole: Trial, part: slice, time: float) -> float:
    """Covariance of the log-rank score in all patients with that in some kinds of them.

    Parameters
    ----------
    whole : Trial
        All patients.
    part : slice
        The kinds that make up the others.
    time : float
        Calendar time of the look.

    Returns
    -------
    float
        0 for no kinds. A patient adds ``w(X) 1{event} - W(X)`` to a score, with w the arm minus the share of the
        experimental arm at risk and W the integral of w over the hazard of all; the mean of the product of both such
        terms is integrated by parts. Arms are taken as allocated independently of the kind.
    """
    flow = flow_at(whole, time)
    chosen = np.zeros(len(whole.strata), dtype=bool)
    chosen[part] = True
    rate = flow.at_risk * flow.hazard
    found = 0.0
    for stratum in np.unique(whole.strata):
        here = whole.strata == stratum
        all_share, all_hazard = _pooled(flow.at_risk[:, here], rate[:, here])
        share, hazard = _pooled(flow.at_risk[:, here & chosen], rate[:, here & chosen])
        for arm in (0, 1):
            a, b = arm - all_share, arm - share
            behind_a, behind_b = _behind(flow, a * all_hazard), _behind(flow, b * hazard)
            for kind in np.flatnonzero(here & chosen):
                h = flow.hazard[arm, kind]
                product = a * b * h - a * behind_b * (h - all_hazard) - b * behind_a * (h - hazard)
                found += float(flow.weight @ (flow.at_risk[arm, kind] * product))
    return found


def _pooled(at_risk: FloatArray, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of the experimental arm at risk, and the hazard of both arms."""
    total = at_risk.sum(axis=(0, 1))
    return divided(at_risk[1].sum(axis=0), total), divided(rate.sum(axis=(0, 1)), total)


def _behind(flow: Flow, values: FloatArray) -> FloatArray:
    """Integral until each node."""
    step = flow.weight * values
    return np.cumsum(step) - step / 2
