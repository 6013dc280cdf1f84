"""Permutation p-values of one look: the arms are randomized anew as the design does it, the times stay.

Every re-randomization serves all populations of the look. A population is done as soon as so many re-randomized
statistics reach its own that it can't be rejected any more [1]_, so that trials without an effect cost little.
The log-rank test is taken by its score, a sum over patients that needs no new risk sets; other statistics are worked
out anew.

References
----------
.. [1] Besag J, Clifford P. Sequential Monte Carlo p-values. Biometrika 1991;78:301-304.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.jit import bits_of, compiled, float_of
from igfstrat.trials.kernels.look import LOGRANK, P_VALUE, POPULATION_COLUMNS, Z, evaluate
from igfstrat.trials.kernels.patients import randomize
from igfstrat.trials.kernels.random import fill_words, mix, stream
from igfstrat.trials.kernels.statistics import DEATHS, RISK, TIME, event_table

_EQUAL = 1e-9  # statistics that differ less are equal
_ARM = np.int64(2)  # the bit of a key that says experimental


@compiled
def permute(
    cut: float,
    m: int,
    entered: int,
    longest: float,
    tolerance: float,
    screening: Any,
    test: Any,
    work: Any,
    out: FloatArray,
) -> None:
    """P-values of the populations that are tested, from work.keys that are packed for this look."""
    kept_arm, kept_bits = work.arm[:m].copy(), work.bits[:m].copy()
    patient, base = np.empty(entered, np.int64), np.empty(entered, np.int64)
    sort_with_places(work.keys, entered, longest, base, patient, work.place, work.count)
    start, step = stream(mix(work.key[0] ^ np.uint64(bits_of(cut))), int(work.key[1]))
    # who isn't tested is done from the start
    reached = np.where(test.tested, 0, test.most_reached)
    drawn = np.zeros(len(reached), np.int64)
    linear = test.statistic == LOGRANK
    scores, seen = np.zeros((len(reached), entered)), np.zeros(len(reached))
    for p in range(len(reached) if linear else 0):
        _fill_scores(base, patient, entered, tolerance, test, p, work, scores[p])
        seen[p] = _excess(work.arm, scores[p], entered)
    for b in range(test.permutations):
        if reached.min() >= test.most_reached:
            break
        fill_words(start, step, b * m, m, 0, work.bits)
        randomize(m, screening, work)
        if linear:
            _compare_scores(scores, seen, entered, test, work.arm, reached, drawn)
        else:
            for i in range(entered):
                work.ordered[i] = (base[i] & ~_ARM) | (work.arm[patient[i]] << 1)
            _compare_statistics(entered, tolerance, test, work, out, reached, drawn)
    _fill_p_values(test, reached, drawn, out)
    work.arm[:m] = kept_arm
    work.bits[:m] = kept_bits


@compiled
def _compare_scores(
    scores: FloatArray,
    seen: FloatArray,
    n: int,
    test: Any,
    arm: IntArray,
    reached: IntArray,
    drawn: IntArray,
) -> None:
    """Count a re-randomization: whether its experimental arm has as few events beyond those expected."""
    for p in range(len(reached)):
        if reached[p] < test.most_reached:
            drawn[p] += 1
            reached[p] += _excess(arm, scores[p], n) <= seen[p] + _EQUAL


@compiled
def _compare_statistics(
    n: int, tolerance: float, test: Any, work: Any, out: FloatArray, reached: IntArray, drawn: IntArray
) -> None:
    """Count a re-randomization: whether its statistic is as large."""
    found = np.empty(POPULATION_COLUMNS)
    for p in range(len(reached)):
        if reached[p] < test.most_reached:
            evaluate(work.ordered, n, tolerance, test.masks[p], test.wanted[p], test, work, found)
            drawn[p] += 1
            reached[p] += found[Z] >= out[p, Z] - _EQUAL


@compiled
def _fill_p_values(test: Any, reached: IntArray, drawn: IntArray, out: FloatArray) -> None:
    for p in range(len(reached)):
        if not test.tested[p]:
            continue
        if np.isnan(out[p, Z]):
            out[p, P_VALUE] = np.nan
        elif reached[p] >= test.most_reached:
            out[p, P_VALUE] = reached[p] / drawn[p]
        else:
            out[p, P_VALUE] = (reached[p] + 1) / (drawn[p] + 1)


@compiled
def _fill_scores(
    keys: IntArray,
    patient: IntArray,
    n: int,
    tolerance: float,
    test: Any,
    p: int,
    work: Any,
    out: FloatArray,
) -> None:
    """Log-rank score of each patient: event minus the cumulative hazard of both arms until the own time."""
    table, times = work.table, keys.view(np.float64)
    chosen = test.strata_mask if test.strata > 1 else 0
    for s in range(test.strata):
        mask, wanted = test.masks[p] | chosen, test.wanted[p] | ((s << 3) & chosen)
        row = event_table(keys, n, mask, wanted, tolerance, table, 0) - 1
        hazard = 0.0
        for i in range(n):
            if keys[i] & mask != wanted:
                continue
            while row >= 0 and table[TIME, row] <= times[i]:
                hazard += table[DEATHS, row] / table[RISK, row]
                row -= 1
            out[patient[i]] = (keys[i] & 1) - hazard


@compiled
def _excess(arm: IntArray, scores: FloatArray, n: int) -> float:
    """Observed minus expected events of the experimental arm: the sum of its scores."""
    total = 0.0
    for i in range(n):
        total += arm[i] * scores[i]
    return total


@compiled
def sort_with_places(
    keys: IntArray,
    n: int,
    longest: float,
    out: IntArray,
    origin: IntArray,
    place: NDArray[np.uint32],
    count: NDArray[np.uint32],
) -> None:
    """The first n keys ascending, times between 0 and `longest`, and where each of them stood."""
    buckets = len(count) - 1
    scale = (buckets - 1) / longest if longest > 0.0 else 0.0
    count[:] = 0
    for i in range(n):
        place[i] = np.uint32(float_of(keys[i]) * scale)
        count[place[i] + 1] += 1
    for b in range(buckets):
        count[b + 1] += count[b]
    for i in range(n):
        b = place[i]
        j = int(count[b])
        out[j], origin[j] = keys[i], i
        count[b] += 1
    for i in range(1, n):
        key, source = out[i], origin[i]
        j = i - 1
        while j >= 0 and out[j] > key:
            out[j + 1], origin[j + 1] = out[j], origin[j]
            j -= 1
        out[j + 1], origin[j + 1] = key, source
