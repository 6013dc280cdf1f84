"""Trials that choose their cut at an interim: what follows it, and what both stages say together.

A trial is drawn again from its start with the cut that it chose, so that the patients before the switch are the very same
ones. It goes on where its first stage doesn't reject yet; a trial whose interim never came ends there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.threads import share_out
from igfstrat.trials.threshold.intervals import MarkerIntervals
from igfstrat.trials.threshold.nested import nested_p_values
from igfstrat.trials.threshold.rules import CutDecisions, CutRules

_Z, _INFORMATION = 0, 4  # columns of a population, see `kernels.look`


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CutTrials:
    """Trials that chose a cut, r of them, with k candidates.

    Parameters
    ----------
    looks : ndarray of float64, shape (r, 4)
        Cut-off date, patients randomized, screened, whether the look came as planned, when the trial ended.
    found : ndarray of float64, shape (r, parts, k + 1 or k + 3, 8)
        Statistics of everybody, of those at or above each cut, and where hazard ratios are estimated of the positives and
        negatives by the marker's own cut, when the cut was chosen; parts are everybody, and with a split those who choose and
        those who test.
    whole : ndarray of float64, shape (r, 1 or 3, 8)
        Everybody, and the positives and negatives by the marker's own cut, when the trial ended.
    above : ndarray of float64, shape (r, 8)
        Those who test the chosen cut, at or above it, when the trial ended; NaN where none was chosen.
    nesting : ndarray of float64, shape (r, k + 1)
        Information that gives the correlations when the cut was chosen, see `rules.CutStatistics`; NaN with a split.
    decisions : CutDecisions
        What followed.
    """

    looks: FloatArray
    found: FloatArray
    nesting: FloatArray
    whole: FloatArray
    above: FloatArray
    decisions: CutDecisions


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rest:
    """What the rest of a block of trials is drawn with.

    Parameters
    ----------
    seed, first, threads : int
        Which trials, and threads of this process.
    screening, outcomes, test : Any
        Arguments of the kernels; the results of the categories are those of the marker's own cut.
    interval : ndarray of int64, shape (c,)
        Interval of each category.
    """

    seed: int
    first: int
    threads: int
    screening: Any
    outcomes: Any
    test: Any
    interval: IntArray


def go_on(
    scenario: Scenario,
    design: str,
    rules: CutRules,
    intervals: MarkerIntervals,
    interim: CutTrials,
    rest: Rest,
) -> CutTrials:
    """Take trials from their interim to their end.

    Parameters
    ----------
    scenario, design : Scenario, str
        What is simulated.
    rules : CutRules
        With a combination.
    intervals : MarkerIntervals
        Of the design.
    interim : CutTrials
        With the chosen cuts; nothing rejected yet.
    rest : Rest
        How the rest is drawn.

    Returns
    -------
    CutTrials
        When they ended.
    """
    assert rules.combination is not None
    chosen, k = interim.decisions.chosen, len(intervals.candidates)
    first = interim.found[:, 0, 1 : k + 1]
    p = np.full((len(chosen), 2), np.nan)
    p[:, 0] = nested_p_values(first[..., _Z], interim.nesting[:, 1:])
    early = rules.combination.crosses(p[:, :1])[:, 0]
    goes_on = ~early & (chosen >= 0) & (interim.looks[:, 3] == 1)
    lowest = np.where(goes_on, intervals.first[np.maximum(chosen, 0)], 0)
    looks, found = _simulate_rest(scenario, design, interim, rest, lowest)
    p[:, 1] = ndtr(-_gain(found[:, 0], interim.above))
    rejected = early | (goes_on & rules.combination.crosses(p)[:, 1])
    on = goes_on[:, None]
    return replace(
        interim,
        looks=np.where(on, looks, interim.looks),
        whole=np.where(on[:, None], found[:, 1:], interim.whole),
        above=np.where(on, found[:, 0], interim.above),
        decisions=CutDecisions(chosen=chosen, rejected=rejected[:, None], last_look=goes_on.astype(np.int64)),
    )


def _simulate_rest(
    scenario: Scenario, design: str, interim: CutTrials, rest: Rest, lowest: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Last look, and the statistics of those above, everybody, and by the marker's own cut."""
    settings = scenario.designs[design]
    events = settings.events or (0, 0)
    looks = np.full(interim.looks.shape, np.nan)
    found = np.full((len(lowest), interim.whole.shape[1] + 1, 8), np.nan)
    # 2 stands for a sample without a result
    codes = np.where(rest.screening.result == 2, 2, rest.interval + (rest.interval >= 2))
    screening = rest.screening._replace(result=codes)

    def work(rows: slice) -> None:
        from igfstrat.trials.kernels.restricted import simulate_restricted

        simulate_restricted(
            np.uint64(rest.seed % 2**64),
            rest.first + rows.start,
            screening,
            rest.outcomes,
            rest.test,
            float(settings.max_duration or np.inf),
            np.ascontiguousarray(interim.looks[rows, 0]),
            lowest[rows],
            int(events[1] - events[0]),
            looks[rows],
            found[rows],
        )

    share_out(work, len(lowest), rest.threads)
    return looks, found


def _gain(last: FloatArray, first: FloatArray) -> FloatArray:
    """What the log-rank test gained between two looks; NaN without information."""
    information = last[:, _INFORMATION] - first[:, _INFORMATION]
    score = last[:, _Z] * np.sqrt(last[:, _INFORMATION]) - first[:, _Z] * np.sqrt(first[:, _INFORMATION])
    enough = information > 1e-9
    return np.asarray(np.where(enough, score / np.sqrt(np.where(enough, information, 1.0)), np.nan))
