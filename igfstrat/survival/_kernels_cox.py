"""Sweeps over the risk sets of a Cox model, from the latest time to the earliest.

Rows come sorted by stratum and time; a block is a run of rows with one time in one stratum. A sweep keeps
the sum of the risks and of risk times covariates; rows that had not entered yet (left truncation) leave it
at the block that `Blocks` names.

References
----------
.. [1] Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc
   1977;72:557-565.
"""

from __future__ import annotations

import numpy as np

from igfstrat.survival._blocks import Blocks
from igfstrat.survival._jit import compiled
from igfstrat.survival._types import BoolArray, FloatArray, IntArray

# of the largest sum since the last count: below it, what late entrants left behind is mostly rounding
_LOST = 1e-4


@compiled
def _enter(
    x: FloatArray,
    risk: FloatArray,
    weight: FloatArray,
    event: BoolArray,
    low: int,
    high: int,
    s1: FloatArray,
    s1d: FloatArray,
) -> tuple[float, float, float, int]:
    """Add rows low to high; returns their risk, that of the dead, the weight of the dead and their number."""
    added, of_dead, weight_of_dead, dead = 0.0, 0.0, 0.0, 0
    for i in range(low, high):
        r = risk[i]
        added += r
        for j in range(len(s1)):
            s1[j] += r * x[i, j]
        if event[i]:
            if dead == 0:
                s1d[:] = 0.0
            dead += 1
            of_dead += r
            weight_of_dead += weight[i]
            for j in range(len(s1)):
                s1d[j] += r * x[i, j]
    return added, of_dead, weight_of_dead, dead


@compiled
def _leave(x: FloatArray, risk: FloatArray, rows: IntArray, s1: FloatArray) -> float:
    """Take rows out of `s1`; returns their risk."""
    gone = 0.0
    for i in rows:
        gone += risk[i]
        for j in range(len(s1)):
            s1[j] -= risk[i] * x[i, j]
    return gone


@compiled
def _rebuild(x: FloatArray, risk: FloatArray, blocks: Blocks, b: int, s1: FloatArray) -> float:
    """Sums over the risk set of block b from scratch: `s1`, and the risk that is returned."""
    s1[:] = 0.0
    total = 0.0
    for i in range(blocks.first[b], blocks.stop[b]):
        if blocks.entry_block[i] <= b:
            total += risk[i]
            for j in range(len(s1)):
                s1[j] += risk[i] * x[i, j]
    return total


@compiled
def _spend(
    s1: FloatArray,
    s1d: FloatArray,
    s0: float,
    s0d: float,
    weight: float,
    steps: int,
    mean: FloatArray,
    outer: FloatArray,
) -> tuple[float, float, float]:
    """Hazards of one block and its log denominators; adds the products of means to `outer`, lower triangle."""
    share = weight / steps
    hazard, of_dead, loss = 0.0, 0.0, 0.0
    for step in range(steps):
        c = step / steps
        denominator = s0 - c * s0d
        loss += share * np.log(denominator)
        hazard += share / denominator
        of_dead += (1 - c) * share / denominator
        for j in range(len(s1)):
            mean[j] = (s1[j] - c * s1d[j]) / denominator
        for j in range(len(s1)):
            scaled = share * mean[j]
            for k in range(j + 1):
                outer[j, k] += scaled * mean[k]
    return hazard, of_dead, loss


@compiled
def sweep(
    x: FloatArray,
    risk: FloatArray,
    weight: FloatArray,
    event: BoolArray,
    blocks: Blocks,
    efron: bool,
    factor: FloatArray,
    hazard: FloatArray,
    hazard_of_dead: FloatArray,
    outer: FloatArray,
) -> float:
    """One pass over all risk sets.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Covariates.
    risk, weight : ndarray of float, shape (n,)
        Weight times exp(linear predictor), and the weight.
    event : ndarray of bool, shape (n,)
        True = event.
    blocks : Blocks
        Where blocks begin and who leaves.
    efron : bool
        Whether tied deaths share their risk (Efron) or not (Breslow).
    factor : ndarray of float, shape (b,)
        Multiplier of what each block adds.
    hazard, hazard_of_dead : ndarray of float, shape (b,)
        Filled with the hazard of each block for those who survive it and those who do not.
    outer : ndarray of float, shape (p, p)
        Gains the sum over events of products of risk-set means, lower triangle.

    Returns
    -------
    float
        Sum over events of the log denominators.
    """
    p = x.shape[1]
    s1, s1d, mean, own = np.zeros(p), np.zeros(p), np.zeros(p), np.zeros((p, p))
    s0, peak, at_risk, total = 0.0, 0.0, 0, 0.0
    stop = len(risk)
    for b in range(len(blocks.first) - 1, -1, -1):
        start = blocks.first[b]
        added, s0d, wd, dead = _enter(x, risk, weight, event, start, stop, s1, s1d)
        gone = blocks.leave_rows[blocks.leave_first[b] : blocks.leave_first[b + 1]]
        s0 += added
        peak = max(peak, s0)
        if len(gone) > 0:
            s0 -= _leave(x, risk, gone, s1)
            if s0 < _LOST * peak:
                s0 = peak = _rebuild(x, risk, blocks, b, s1)
        at_risk += stop - start - len(gone)
        stop = start
        hazard[b] = 0.0
        hazard_of_dead[b] = 0.0
        if dead > 0:
            target = outer if factor[b] == 1.0 else own
            h, hd, loss = _spend(s1, s1d, s0, s0d, wd, dead if efron else 1, mean, target)
            hazard[b] = factor[b] * h
            hazard_of_dead[b] = factor[b] * hd
            total += factor[b] * loss
            if factor[b] != 1.0:
                outer += factor[b] * own
                own[:] = 0.0
        if blocks.new_stratum[b] or at_risk == 0:  # an empty risk set must not leave rounding behind
            s0, peak, at_risk = 0.0, 0.0, 0
            s1[:] = 0.0
    return total


@compiled
def accrue(
    event: BoolArray, blocks: Blocks, hazard: FloatArray, hazard_of_dead: FloatArray, total: FloatArray
) -> None:
    """Hazard that each row lives through, from the hazards of the blocks.

    Parameters
    ----------
    event : ndarray of bool, shape (n,)
        True = event.
    blocks : Blocks
        Where blocks begin and who leaves.
    hazard, hazard_of_dead : ndarray of float, shape (b,)
        Hazard of each block for those who survive it and those who do not.
    total : ndarray of float, shape (n,)
        Filled with the hazards.
    """
    late = len(blocks.entry_block) > 0
    summed = np.zeros(len(blocks.first) + 1)  # hazard of the stratum before each block
    for b in range(len(blocks.first)):
        if blocks.new_stratum[b]:
            summed[b] = 0.0
        summed[b + 1] = summed[b] + hazard[b]
        stop = blocks.first[b + 1] if b + 1 < len(blocks.first) else len(event)
        for i in range(blocks.first[b], stop):
            lived = _lived(summed, hazard, blocks.entry_block[i], b) if late else summed[b + 1]
            total[i] = lived - (hazard[b] - hazard_of_dead[b] if event[i] else 0.0)


@compiled
def _lived(summed: FloatArray, hazard: FloatArray, start: int, b: int) -> float:
    """Hazard of the blocks start to b; summed again where the difference would be mostly rounding."""
    lived = summed[b + 1] - summed[start]
    if lived < _LOST * summed[b + 1]:
        lived = hazard[start : b + 1].sum()
    return float(lived)


@compiled
def block_means(
    x: FloatArray,
    risk: FloatArray,
    weight: FloatArray,
    event: BoolArray,
    blocks: Blocks,
    efron: bool,
    mean: FloatArray,
    drift: FloatArray,
    drift_of_dead: FloatArray,
) -> None:
    """Risk-set mean of the covariates at each block and its product with the hazard.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Covariates.
    risk, weight : ndarray of float, shape (n,)
        Weight times exp(linear predictor), and the weight.
    event : ndarray of bool, shape (n,)
        True = event.
    blocks : Blocks
        Where blocks begin and who leaves.
    efron : bool
        Whether tied deaths share their risk.
    mean : ndarray of float, shape (b, p)
        Gains the mean, averaged over the tied deaths.
    drift, drift_of_dead : ndarray of float, shape (b, p)
        Gain the sum over tied deaths of hazard times mean, for those who survive the block and those who
        do not.
    """
    p = x.shape[1]
    s1, s1d = np.zeros(p), np.zeros(p)
    s0, peak, at_risk = 0.0, 0.0, 0
    stop = len(risk)
    for b in range(len(blocks.first) - 1, -1, -1):
        added, s0d, wd, dead = _enter(x, risk, weight, event, blocks.first[b], stop, s1, s1d)
        gone = blocks.leave_rows[blocks.leave_first[b] : blocks.leave_first[b + 1]]
        s0 += added
        peak = max(peak, s0)
        if len(gone) > 0:
            s0 -= _leave(x, risk, gone, s1)
            if s0 < _LOST * peak:
                s0 = peak = _rebuild(x, risk, blocks, b, s1)
        at_risk += stop - blocks.first[b] - len(gone)
        stop = blocks.first[b]
        steps = dead if efron else min(dead, 1)
        for step in range(steps):
            c = step / steps
            denominator = s0 - c * s0d
            h = wd / steps / denominator
            here = (s1 - c * s1d) / denominator
            mean[b] += here / steps
            drift[b] += h * here
            drift_of_dead[b] += (1 - c) * h * here
        if blocks.new_stratum[b] or at_risk == 0:
            s0, peak, at_risk = 0.0, 0.0, 0
            s1[:] = 0.0


@compiled
def _range_of_block(
    score: FloatArray, event: BoolArray, low: int, high: int, exact: bool
) -> tuple[float, float, float, float]:
    """Lowest score of the dead, highest of those they compete with, highest and lowest of all."""
    lowest_dead, rivals, highest, lowest = np.inf, -np.inf, -np.inf, np.inf
    for i in range(low, high):
        highest, lowest = max(highest, score[i]), min(lowest, score[i])
        if event[i]:
            lowest_dead = min(lowest_dead, score[i])
        if not (exact and event[i]):
            rivals = max(rivals, score[i])
    return lowest_dead, rivals, highest, lowest


@compiled
def _range_at_risk(
    score: FloatArray, entry_block: IntArray, block: int, low: int, high: int
) -> tuple[float, float]:
    """Highest and lowest score of the rows low to high that have entered."""
    highest, lowest = -np.inf, np.inf
    for i in range(low, high):
        if entry_block[i] <= block:
            highest, lowest = max(highest, score[i]), min(lowest, score[i])
    return highest, lowest


@compiled
def separates(
    score: FloatArray,
    event: BoolArray,
    blocks: Blocks,
    truncated: bool,
    exact: bool,
    tolerance: float,
) -> bool:
    """Whether every event has the highest score of its risk set, and some risk set is not level.

    Then the likelihood rises for ever in the direction of the score and no finite estimate exists. With the
    exact likelihood a tied event only has to reach the highest score of the survivors.

    Parameters
    ----------
    score : ndarray of float, shape (n,)
        A linear combination of the covariates, of width 1.
    event : ndarray of bool, shape (n,)
        True = event.
    blocks : Blocks
        Where blocks begin.
    truncated : bool
        Whether some rows enter late.
    exact : bool
        Whether ties are exact.
    tolerance : float
        Difference of scores that is rounding.

    Returns
    -------
    bool
        True = separated.
    """
    strict = False
    highest, lowest = -np.inf, np.inf
    stop = len(score)
    for b in range(len(blocks.first) - 1, -1, -1):
        dead, rivals, top, bottom = _range_of_block(score, event, blocks.first[b], stop, exact)
        if dead < np.inf:
            high, low = highest, lowest
            if truncated:
                high, low = _range_at_risk(score, blocks.entry_block, b, stop, blocks.stop[b])
            if dead < max(high, rivals) - tolerance:
                return False
            strict = strict or dead > min(low, bottom) + 1e3 * tolerance
        highest, lowest = max(highest, top), min(lowest, bottom)
        stop = blocks.first[b]
        if blocks.new_stratum[b]:
            highest, lowest = -np.inf, np.inf
    return strict
