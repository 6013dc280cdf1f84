"""One population at one look: its events, information, hazard ratio and test statistic from sorted keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.jit import compiled
from igfstrat.trials.kernels.normal import all_below
from igfstrat.trials.kernels.statistics import (
    cox_estimate,
    event_table,
    logrank_scores,
    milestone,
    restricted_mean,
    weighted_scores,
)

# what a look yields for each population
Z, EVENTS, EVENTS1, PATIENTS, INFORMATION, LOG_RATIO, STD_ERROR, P_VALUE = 0, 1, 2, 3, 4, 5, 6, 7
POPULATION_COLUMNS = 8

LOGRANK, WEIGHTED, RMST, MILESTONE, PROPORTIONS, COX = 0, 1, 2, 3, 4, 5
_ARM = 2  # the bit of a key that says experimental


@compiled
def evaluate(
    keys: IntArray, n: int, tolerance: float, mask: int, wanted: int, test: Any, work: Any, out: FloatArray
) -> None:
    """Fill one population's row: the patients whose key, under the mask, is as wanted."""
    table, bounds = work.table, work.bounds
    chosen = test.strata_mask if test.strata > 1 else 0
    for s in range(test.strata):
        code = (s << 3) & chosen
        bounds[s + 1] = event_table(keys, n, mask | chosen, wanted | code, tolerance, table, bounds[s])
    rows = bounds[test.strata]
    score, variance = logrank_scores(table, rows)
    _count(keys, n, mask, wanted, out)
    out[INFORMATION] = variance
    out[LOG_RATIO] = out[STD_ERROR] = out[P_VALUE] = np.nan
    if test.estimate or test.statistic == COX:
        out[LOG_RATIO], out[STD_ERROR] = cox_estimate(table, rows, score, variance)
    if test.statistic == LOGRANK:
        out[Z] = -score / math.sqrt(variance) if variance > 0.0 else np.nan
    elif test.statistic == COX:
        out[Z] = -out[LOG_RATIO] / out[STD_ERROR]
    elif test.statistic == WEIGHTED:
        _weighted(test, work, out)
    elif test.statistic == PROPORTIONS:
        _proportions(keys, n, mask, wanted, out)
    else:
        _curves(keys, n, tolerance, mask, wanted, test, table, out)


@compiled
def _count(keys: IntArray, n: int, mask: int, wanted: int, out: FloatArray) -> None:
    """Events, those on the experimental arm, and patients."""
    events = events1 = members = 0
    for i in range(n):
        member = int(keys[i] & mask == wanted)
        event = keys[i] & member
        members += member
        events += event
        events1 += event & (keys[i] >> 1)
    out[EVENTS], out[EVENTS1], out[PATIENTS] = events, events1, members


@compiled
def _weighted(test: Any, work: Any, out: FloatArray) -> None:
    """The largest Z of the weights, and its p-value under their joint normal distribution."""
    weighted_scores(work.table, work.bounds, test.strata, test.powers, work.score, work.covariance)
    k = len(test.powers)
    largest = -np.inf
    out[Z] = np.nan
    for a in range(k):
        if work.covariance[a, a] <= 0.0:
            return  # a weight without an event that it counts: no test
        largest = max(largest, -work.score[a] / math.sqrt(work.covariance[a, a]))
    out[Z] = largest
    if k == 1:
        return
    spread = np.sqrt(np.diag(work.covariance))
    out[P_VALUE] = max(1.0 - all_below(largest, work.covariance / np.outer(spread, spread)), 0.0)


@compiled
def _curves(
    keys: IntArray,
    n: int,
    tolerance: float,
    mask: int,
    wanted: int,
    test: Any,
    table: FloatArray,
    out: FloatArray,
) -> None:
    """Difference of restricted means or of survival at a milestone, by the Wald test."""
    middle = event_table(keys, n, mask | _ARM, wanted, tolerance, table, 0)
    stop = event_table(keys, n, mask | _ARM, wanted | _ARM, tolerance, table, middle)
    if test.statistic == RMST:
        # beyond the shorter follow-up of the two arms nothing is known: the horizon ends there
        tau = min(
            test.at, _longest(keys, n, mask | _ARM, wanted), _longest(keys, n, mask | _ARM, wanted | _ARM)
        )
        value0, variance0 = restricted_mean(table, 0, middle, tau)
        value1, variance1 = restricted_mean(table, middle, stop, tau)
    else:
        value0, variance0 = milestone(table, 0, middle, test.at)
        value1, variance1 = milestone(table, middle, stop, test.at)
    variance = variance0 + variance1
    out[Z] = (value1 - value0) / math.sqrt(variance) if variance > 0.0 else np.nan


@compiled
def _longest(keys: IntArray, n: int, mask: int, wanted: int) -> float:
    times = keys.view(np.float64)
    for i in range(n - 1, -1, -1):
        if keys[i] & mask == wanted:
            return float(times[i])
    return 0.0


@compiled
def _proportions(keys: IntArray, n: int, mask: int, wanted: int, out: FloatArray) -> None:
    """Difference of response rates with the pooled variance; an event is a response."""
    n0 = n1 = d0 = d1 = 0.0
    for i in range(n):
        if keys[i] & mask == wanted:
            arm, event = (keys[i] >> 1) & 1, keys[i] & 1
            n0 += 1 - arm
            n1 += arm
            d0 += event * (1 - arm)
            d1 += event * arm
    out[Z] = np.nan
    if n0 > 0.0 and n1 > 0.0:
        pooled = (d0 + d1) / (n0 + n1)
        variance = pooled * (1.0 - pooled) * (1.0 / n0 + 1.0 / n1)
        out[INFORMATION] = 1.0 / variance if variance > 0.0 else 0.0
        if variance > 0.0:
            out[Z] = (d1 / n1 - d0 / n0) / math.sqrt(variance)
