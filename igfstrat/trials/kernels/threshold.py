"""Trials whose cut is chosen among candidates: every candidate's statistics at one look, and the error of their maximum.

The code of a patient holds the interval of the measured marker in the places of a stratum, so that the patients at or above a
cut are those whose code is large enough: nested, and still in the order of their times.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.adaptive import pack_range
from igfstrat.trials.kernels.jit import bits_of, compiled, float_of
from igfstrat.trials.kernels.look import evaluate
from igfstrat.trials.kernels.normal import below
from igfstrat.trials.kernels.order import fill_buckets, kth_smallest, sort_keys
from igfstrat.trials.kernels.patients import enrol, fill_outcomes, randomize
from igfstrat.trials.kernels.permutation import sort_with_places
from igfstrat.trials.kernels.random import fill_words, mix, stream
from igfstrat.trials.kernels.statistics import DEATHS, RISK, TIME, event_table
from igfstrat.trials.kernels.trial import (
    CUT,
    RANDOMIZED,
    REACHED,
    SCREENED,
    TIE_TOLERANCE,
    count_screened,
    fill_calendar,
    make_work,
)

EVERYBODY, LEARNING, TESTING = 0, 1, 2  # parts of a trial that are analysed
_EQUAL = 1e-9  # statistics that differ less are equal
INTERVAL, INTERVALS = 3, 31  # place of the marker's interval in a key
MARKER = 4  # the bit of a key that says positive by the marker's own cut

_X, _W = (np.ascontiguousarray(a) for a in np.polynomial.legendre.leggauss(8))
_FAR = 8.0  # standard deviations of a step beyond which nothing is left to integrate
_LOWEST = -8.0  # below lies less than 1e-15
_LEAST = 1e-3  # correlation that is told from none
_SAME = 1 - 1e-6  # statistics of a larger share of information are one


@compiled
def simulate_cuts(
    seed: np.uint64,
    first: int,
    screening: Any,
    outcomes: Any,
    looks: Any,
    test: Any,
    cuts: IntArray,
    learners: int,
    most_reached: IntArray,
    look_out: FloatArray,
    found: FloatArray,
    nesting: FloatArray,
    p_value: FloatArray,
) -> None:
    """One look at as many trials as the output has rows.

    `found` holds for each part of the trial everybody, then those at or above each cut, ascending, and where it has room the
    positives and the negatives by the marker's own cut. `nesting` gets the information that gives the correlations, `p_value` the permutation p-values of everybody and of the
    largest statistic of the cuts.
    """
    work = make_work(screening.n, screening.most_screened, 1, 1)
    for r in range(len(look_out)):
        m, screened = enrol(seed, first + r, screening, screening.cumulative[0], work)
        fill_outcomes(seed, first + r, m, outcomes, work)
        cut, reached = _find_cut(m, looks, work)
        entered = int(np.searchsorted(work.entry[:m], cut, side="right"))
        look_out[r, CUT], look_out[r, REACHED], look_out[r, RANDOMIZED] = cut, reached, entered
        look_out[r, SCREENED] = count_screened(cut, entered, screened, screening.uniform, work)
        evaluate_cuts(0, m, cut, test, cuts, work, found[r, EVERYBODY])
        if len(found[r]) > 1:
            evaluate_cuts(0, min(learners, m), cut, test, cuts, work, found[r, LEARNING])
            evaluate_cuts(min(learners, m), m, cut, test, cuts, work, found[r, TESTING])
        else:
            nest(cut, m, cuts, work, nesting[r])
        if test.permutations > 0:
            permute_cuts(cut, m, screening, test, cuts, most_reached, work, p_value[r])


@compiled
def _find_cut(m: int, looks: Any, work: Any) -> tuple[float, bool]:
    """Calendar time of the look, and whether it comes as planned."""
    end = fill_calendar(m, looks, work)
    if len(looks.events) > 0:
        fill_buckets(work.calendar, m, end, work.seen_place, work.seen_count)
        cut = kth_smallest(work.calendar, m, looks.events[0], work.seen_place, work.seen_count, work.few)
    else:
        cut = looks.times[0]
    if cut <= looks.latest and cut < np.inf:
        return cut, True
    return min(looks.latest, max(end, work.entry[m - 1] if m > 0 else 0.0)), False


@compiled
def evaluate_cuts(
    low: int, stop: int, cut: float, test: Any, cuts: IntArray, work: Any, out: FloatArray
) -> None:
    """Statistics of the patients from low to stop: all of them, those at or above each cut, and by the marker's own cut."""
    left, longest, total = pack_range(low, stop, cut, work)
    sort_keys(work.keys, left, longest, work.ordered, work.place, work.count)
    tolerance = TIE_TOLERANCE * max(1.0, total / max(left, 1))
    keys = work.ordered
    evaluate(keys, left, tolerance, 0, 0, test, work, out[0])
    if len(out) > len(cuts) + 1:
        evaluate(keys, left, tolerance, MARKER, MARKER, test, work, out[len(cuts) + 1])
        evaluate(keys, left, tolerance, MARKER, 0, test, work, out[len(cuts) + 2])
    for k in range(len(cuts)):
        left = keep_from(cuts[k], keys, left)
        evaluate(keys, left, tolerance, 0, 0, test, work, out[k + 1])


@compiled
def keep_from(lowest: int, keys: IntArray, n: int) -> int:
    """Leave only keys of intervals from the lowest on, in their order; returns how many."""
    m = 0
    for i in range(n):
        key = keys[i]
        keys[m] = key
        m += int(((key >> INTERVAL) & INTERVALS) >= lowest)
    return m


@compiled
def nest(cut: float, m: int, cuts: IntArray, work: Any, out: FloatArray) -> None:
    """Information, that of the highest cut 1, whose ratios are the squared correlations of neighbouring statistics.

    Under no effect the arms are drawn at random, and the covariance of two log-rank scores is that of their patients' scores.
    Of a marker without prognosis it is the information itself; of a prognostic one the risk sets of the larger part differ from
    those of the smaller, and the correlation is less.
    """
    scores, entered = _scores(cut, m, cuts, work)
    out[len(cuts)] = 1.0
    for k in range(len(cuts) - 1, -1, -1):
        both = squares = 0.0
        for i in range(entered):
            both += scores[k, i] * scores[k + 1, i]
            squares += scores[k + 1, i] * scores[k + 1, i]
        correlation = min(max(both, _LEAST), 1.0) if squares > 0.0 else 1.0
        out[k] = out[k + 1] / (correlation * correlation)


@compiled
def permute_cuts(
    cut: float,
    m: int,
    screening: Any,
    test: Any,
    cuts: IntArray,
    most_reached: IntArray,
    work: Any,
    p_value: FloatArray,
) -> None:
    """P-values from randomizing the arms anew as the design does it, while the times and the markers stay.

    A statistic is the log-rank score over the root of its patients' squared scores, which no arrangement changes; its
    maximum is taken over the cuts. Draws end as soon as neither can be rejected any more.
    """
    kept_arm, kept_bits = work.arm[:m].copy(), work.bits[:m].copy()
    scores, entered = _scores(cut, m, cuts, work)
    seen_all, seen_most = _largest(scores, work.arm, entered)
    start, step = stream(mix(work.key[0] ^ np.uint64(bits_of(cut))), int(work.key[1]))
    reached, drawn = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for b in range(test.permutations):
        if reached[0] >= most_reached[0] and reached[1] >= most_reached[1]:
            break
        fill_words(start, step, b * m, m, 0, work.bits)
        randomize(m, screening, work)
        of_all, of_most = _largest(scores, work.arm, entered)
        if reached[0] < most_reached[0]:
            drawn[0] += 1
            reached[0] += int(of_all >= seen_all - _EQUAL)
        if reached[1] < most_reached[1]:
            drawn[1] += 1
            reached[1] += int(of_most >= seen_most - _EQUAL)
    for j in range(2):
        if reached[j] >= most_reached[j]:
            p_value[j] = reached[j] / max(drawn[j], 1)
        else:
            p_value[j] = (reached[j] + 1) / (drawn[j] + 1)
    work.arm[:m], work.bits[:m] = kept_arm, kept_bits


@compiled
def _scores(cut: float, m: int, cuts: IntArray, work: Any) -> tuple[FloatArray, int]:
    """Log-rank scores of each patient among everybody and above each cut, of squares that sum to 1."""
    entered, longest, total = pack_range(0, m, cut, work)
    keys, patient = np.empty(entered, np.int64), np.empty(entered, np.int64)
    sort_with_places(work.keys, entered, longest, keys, patient, work.place, work.count)
    tolerance = TIE_TOLERANCE * max(1.0, total / max(entered, 1))
    scores, left = np.zeros((len(cuts) + 1, entered)), entered
    for k in range(len(cuts) + 1):
        if k > 0:
            kept = 0
            for i in range(left):
                key = keys[i]
                keys[kept], patient[kept] = key, patient[i]
                kept += int(((key >> INTERVAL) & INTERVALS) >= cuts[k - 1])
            left = kept
        row = event_table(keys, left, 0, 0, tolerance, work.table, 0) - 1
        hazard = squares = 0.0
        for i in range(left):
            time = float_of(keys[i])
            while row >= 0 and work.table[TIME, row] <= time:
                hazard += work.table[DEATHS, row] / work.table[RISK, row]
                row -= 1
            scores[k, patient[i]] = (keys[i] & 1) - hazard
            squares += ((keys[i] & 1) - hazard) ** 2
        scores[k] *= 1.0 / math.sqrt(squares) if squares > 0.0 else 0.0
    return scores, entered


@compiled
def _largest(scores: FloatArray, arm: IntArray, n: int) -> tuple[float, float]:
    """Statistic of everybody and the largest of the cuts: few events on the experimental arm are large."""
    everybody, most = 0.0, -np.inf
    for k in range(len(scores)):
        total = 0.0
        for i in range(n):
            total -= arm[i] * scores[k, i]
        if k == 0:
            everybody = total
        else:
            most = max(most, total)
    return everybody, most


@compiled
def any_exceeds(limits: FloatArray, information: FloatArray) -> float:
    """Probability that any of nested standard normal statistics reaches its limit.

    Information ascends; the correlation of two statistics is the root of their ratio. The density of the statistic where none
    before has reached its limit is carried from one to the next on panels of eight nodes, none wider than two standard
    deviations of the steps beside it.
    """
    last = len(limits) - 1
    if last < 0:
        return 0.0
    x, mass = np.empty(0), np.empty(0)
    ratio, begun = 1.0, False
    at = 0
    limit = limits[0]
    for k in range(1, last + 1):
        share = information[at] / information[k]
        if share > _SAME:  # one statistic: what reaches the lower limit is enough
            limit = min(limit, limits[k])
            continue
        # below its limit a density bends over the step before it, and the next step's kernel over its own
        nodes, weights = _panels(limit, math.sqrt(1.0 - (max(share, ratio) if begun else share)))
        density = _carried(nodes, x, mass, ratio, begun)
        x, mass = nodes, density * weights
        ratio, begun, at, limit = share, True, k, limits[k]
    if not begun:
        return 1.0 - below(limit)
    root, spread = math.sqrt(ratio), math.sqrt(1.0 - ratio)
    left = 0.0
    for i in range(len(x)):
        left += mass[i] * below((limit - root * x[i]) / spread)
    return max(1.0 - left, 0.0)


@compiled
def _panels(limit: float, spread: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights below a limit."""
    high = min(limit, _FAR)
    panels = max(math.ceil((high - _LOWEST) / min(2.0 * spread, 1.0)), 1)
    half = max(high - _LOWEST, 0.0) / (2 * panels)
    nodes, weights = np.empty(8 * panels), np.empty(8 * panels)
    for j in range(panels):
        centre = _LOWEST + (2 * j + 1) * half
        nodes[8 * j : 8 * j + 8] = centre + half * _X
        weights[8 * j : 8 * j + 8] = half * _W
    return nodes, weights


@compiled
def _carried(nodes: FloatArray, x: FloatArray, mass: FloatArray, ratio: float, begun: bool) -> FloatArray:
    """Density of the next statistic at its nodes."""
    scale = 1.0 / math.sqrt(2.0 * math.pi)
    density = np.zeros(len(nodes))
    if not begun:
        for i in range(len(nodes)):
            density[i] = scale * math.exp(-0.5 * nodes[i] * nodes[i])
        return density
    root, spread = math.sqrt(ratio), math.sqrt(1.0 - ratio)
    for i in range(len(nodes)):
        low = np.searchsorted(x, (nodes[i] - _FAR * spread) / root)
        high = np.searchsorted(x, (nodes[i] + _FAR * spread) / root)
        total = 0.0
        for j in range(low, high):
            apart = (nodes[i] - root * x[j]) / spread
            total += mass[j] * math.exp(-0.5 * apart * apart)
        density[i] = total * scale / spread
    return density


@compiled
def largest_is_rare(
    z: FloatArray, information: FloatArray, whole: FloatArray, alpha: float, out: FloatArray
) -> None:
    """P-value of the largest of nested statistics for each row, ascending cuts; decided by bounds where they are enough for
    the level (NaN: nowhere).

    Without `whole` limits the p-value is that of the maximum; with one for each row it is the probability that the maximum or
    the statistic of everybody, the last column of the information, reaches its limit.
    """
    for r in range(len(z)):
        most, count = -np.inf, 0
        for k in range(z.shape[1]):
            if not np.isnan(z[r, k]):
                most, count = max(most, z[r, k]), count + 1
        out[r] = np.nan
        if count == 0:
            continue
        joint = len(whole) > 0
        least, beside = below(-most), below(-whole[r]) if joint else 0.0
        if max(least, beside) > alpha:
            out[r] = max(least, beside)  # no more than the p-value
        elif count * least + beside <= alpha:
            out[r] = count * least + beside  # no less than the p-value
        else:
            limits, inside = np.empty(count + joint), np.empty(count + joint)
            j = 0
            for k in range(z.shape[1] - 1, -1, -1):
                if not np.isnan(z[r, k]):
                    limits[j], inside[j] = most, information[r, k]
                    j += 1
            if joint:
                limits[j], inside[j] = whole[r], max(information[r, z.shape[1]], inside[j - 1])
            # far out the sum of a density close to 1 knows less than the bounds
            out[r] = min(max(any_exceeds(limits, inside), least), count * least + beside)
