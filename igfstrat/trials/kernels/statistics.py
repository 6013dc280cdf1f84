"""Statistics of one look from sorted keys: risk tables, weighted log-rank, Cox, restricted means, milestones.

A table has one row for each distinct event time, the latest first: at risk, at risk on the experimental arm,
events, events on the experimental arm, time; then what a test works out from them. Several strata stand one after another in one table. Conventions
are those of `igfstrat.survival`, ties within its tolerance included; z > 0 says that the experimental arm is better.
"""

from __future__ import annotations

import math

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.jit import compiled

RISK, RISK1, DEATHS, DEATHS1, TIME, SURVIVAL, EXCESS, SPREAD = 0, 1, 2, 3, 4, 5, 6, 7
TABLE_ROWS = 8
_NEWTON_STEPS = 30
_LARGEST_LOG_RATIO = 20.0  # beyond this an estimate is on its way to infinity


@compiled
def event_table(
    keys: IntArray, n: int, mask: int, wanted: int, tolerance: float, table: FloatArray, first: int
) -> int:
    """Risk table of the patients whose key, under the mask, is as wanted; returns the row after its last."""
    times = keys.view(np.float64)
    row, opened, last = first, False, np.inf
    at_risk = at_risk1 = 0
    for i in range(n - 1, -1, -1):
        key = keys[i]
        if key & mask != wanted:
            continue
        event, arm = key & 1, (key >> 1) & 1
        at_risk += 1
        at_risk1 += arm
        if last - times[i] > tolerance:
            # written in any case and kept by the step: a branch on the event can't be foreseen
            table[RISK, row] = at_risk
            table[RISK1, row] = at_risk1
            table[DEATHS, row] = 1.0
            table[DEATHS1, row] = arm
            table[TIME, row] = times[i]
            row += event
            opened = event == 1
        elif opened or event:
            if not opened:
                row += 1
                opened = True
                table[DEATHS, row - 1] = table[DEATHS1, row - 1] = 0.0
            table[RISK, row - 1] = at_risk
            table[RISK1, row - 1] = at_risk1
            table[DEATHS, row - 1] += event
            table[DEATHS1, row - 1] += event * arm
            table[TIME, row - 1] = times[i]
        last = times[i]
    return row


@compiled
def logrank_scores(table: FloatArray, rows: int) -> tuple[float, float]:
    """Observed minus expected events on the experimental arm, and the hypergeometric variance."""
    for r in range(rows):
        n, d = table[RISK, r], table[DEATHS, r]
        share = table[RISK1, r] / n
        spread = share * (1.0 - share)
        table[EXCESS, r] = table[DEATHS1, r] - share * d
        table[SPREAD, r] = spread if d == 1.0 else spread * d * (n - d) / max(n - 1.0, 1.0)
    return sum_of(table[EXCESS], rows), sum_of(table[SPREAD], rows)


@compiled
def sum_of(values: FloatArray, n: int) -> float:
    """Sum of the first n values in four strands: one alone would wait for each addition."""
    a = b = c = d = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
    for i in range(whole, n):
        a += values[i]
    return (a + b) + (c + d)


@compiled
def weighted_scores(
    table: FloatArray,
    bounds: IntArray,
    strata: int,
    powers: FloatArray,
    score: FloatArray,
    covariance: FloatArray,
) -> None:
    """Scores of Fleming–Harrington weights S(t-)^rho (1 - S(t-))^gamma and their covariance; weights within strata."""
    score[:] = 0.0
    covariance[:, :] = 0.0
    k = len(powers)
    weight = np.empty(k)
    for s in range(strata):
        survival = 1.0
        for r in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            n, d = table[RISK, r], table[DEATHS, r]
            share = table[RISK1, r] / n
            spread = share * (1.0 - share) * d * (n - d) / max(n - 1.0, 1.0)
            excess = table[DEATHS1, r] - share * d
            for a in range(k):
                weight[a] = _weight(survival, powers[a, 0], powers[a, 1])
                score[a] += weight[a] * excess
                for b in range(a + 1):
                    covariance[a, b] += weight[a] * weight[b] * spread
            survival *= 1.0 - d / n
    for a in range(k):
        for b in range(a):
            covariance[b, a] = covariance[a, b]


@compiled
def _weight(survival: float, rho: float, gamma: float) -> float:
    w = 1.0
    if rho == 1.0:  # the usual powers without a call of pow
        w = survival
    elif rho != 0.0:
        w = survival**rho
    if gamma == 1.0:
        w *= 1.0 - survival
    elif gamma != 0.0:
        w *= (1.0 - survival) ** gamma
    return w


@compiled
def cox_estimate(table: FloatArray, rows: int, score: float, variance: float) -> tuple[float, float]:
    """Log hazard ratio and its standard error, Efron ties, by Newton from the one-step estimate; NaN without one."""
    deaths = deaths1 = 0.0
    for r in range(rows):
        deaths += table[DEATHS, r]
        deaths1 += table[DEATHS1, r]
    if variance <= 0.0 or deaths1 == 0.0 or deaths1 == deaths:
        return np.nan, np.nan
    beta, information = score / variance, variance
    for _ in range(_NEWTON_STEPS):
        gradient, information = _cox_derivatives(table, rows, math.exp(beta), deaths1)
        if information <= 0.0 or abs(beta) > _LARGEST_LOG_RATIO:
            return np.nan, np.nan
        step = gradient / information
        beta += min(max(step, -2.0), 2.0)
        if abs(step) < 1e-9:
            break
    return beta, 1.0 / math.sqrt(information)


@compiled
def _cox_derivatives(table: FloatArray, rows: int, ratio: float, deaths1: float) -> tuple[float, float]:
    gradient, information = deaths1, 0.0
    for r in range(rows):
        d, d1 = table[DEATHS, r], table[DEATHS1, r]
        n1 = table[RISK1, r]
        n0 = table[RISK, r] - n1
        for k in range(int(d)):
            gone = k / d
            hazard1 = ratio * (n1 - gone * d1)
            share = hazard1 / (hazard1 + n0 - gone * (d - d1))
            gradient -= share
            information += share * (1.0 - share)
    return gradient, information


@compiled
def restricted_mean(table: FloatArray, first: int, stop: int, tau: float) -> tuple[float, float]:
    """Restricted mean survival time of one arm and its Greenwood-form variance."""
    survival = 1.0
    for r in range(stop - 1, first - 1, -1):
        survival *= 1.0 - table[DEATHS, r] / table[RISK, r]
        table[SURVIVAL, r] = survival
    until, behind, variance = tau, 0.0, 0.0
    for r in range(first, stop):
        t = table[TIME, r]
        if t > tau:
            continue
        behind += table[SURVIVAL, r] * (until - t)
        until = t
        n, d = table[RISK, r], table[DEATHS, r]
        # where the curve falls to 0 no area is left behind it
        variance += behind * behind * d / (n * (n - d)) if n > d else 0.0
    return behind + until, variance


@compiled
def milestone(table: FloatArray, first: int, stop: int, at: float) -> tuple[float, float]:
    """Kaplan–Meier survival of one arm at a time and its Greenwood variance."""
    survival, increments = 1.0, 0.0
    for r in range(stop - 1, first - 1, -1):
        if table[TIME, r] > at:
            break
        n, d = table[RISK, r], table[DEATHS, r]
        survival *= 1.0 - d / n
        increments += d / (n * (n - d)) if n > d else 0.0
    return survival, survival * survival * increments
