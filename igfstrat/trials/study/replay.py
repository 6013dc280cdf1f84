"""A trial of the past, held again and again, and where its observed numbers lie among those of trials under a truth.

The design, its patients and its number of events are those of the preset; hazard ratios, medians and shares free of the
event are estimated in each simulated trial as they were in the real one. A number inside the 95 % range of a truth doesn't
make that truth true, and several truths often hold it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from igfstrat.errors import UsageError
from igfstrat.parallel import map_replicates
from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials.scenario.history import HistorySettings, ObservedArms
from igfstrat.trials.scenario.outcome import TreatmentSettings
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import draw_patients, simulate_trials
from igfstrat.trials.study.progress import Tell, in_parts

NULL: Final = "null"
_BLOCK: Final = 100
_RANGE: Final = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedNumber:
    """An observed number among simulated ones.

    Parameters
    ----------
    quantity : str
        ``hazard_ratio``, ``median`` or ``event_free``.
    population : str
        ``overall``, ``positive`` or ``negative``, by the test.
    arm : str
        ``control`` or ``experimental``; empty for a hazard ratio.
    observed : float
        As reported.
    median : float
        Of the simulated trials.
    lower, upper : float
        Simulated 95 % range; infinite where the trials at that end have no finite value.
    inside : bool
        Whether the observed number lies in it.
    at_most : dict
        Share of the trials whose number is at most the observed one, with its Monte-Carlo standard error.
    """

    quantity: str
    population: str
    arm: str
    observed: float
    median: float
    lower: float
    upper: float
    inside: bool
    at_most: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A preset under one truth.

    Parameters
    ----------
    truth : str
        ``null``, or a name under `history.truths`.
    hazard_ratio : dict of str to float
        What was true among positives and negatives.
    design : str
        That was held.
    replicates : int
        Trials.
    numbers : tuple of ReplayedNumber
        Every observed number.
    """

    truth: str
    hazard_ratio: dict[str, float]
    design: str
    replicates: int
    numbers: tuple[ReplayedNumber, ...]

    @property
    def all_inside(self) -> bool:
        """Whether every observed number lies in its 95 % range."""
        return all(number.inside for number in self.numbers)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in `results.json`.

        Returns
        -------
        dict
            What is infinite is None.
        """
        plain = asdict(self)
        for number in plain["numbers"]:
            number |= {k: None for k in ("median", "lower", "upper") if not math.isfinite(number[k])}
        return plain | {"numbers": list(plain["numbers"])}


def replay_history(
    scenario: Scenario,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    n_jobs: int = 1,
    progress: Tell | None = None,
) -> tuple[Replay, ...]:
    """Hold a preset's trial again under the null and under each truth of its history.

    Parameters
    ----------
    scenario : Scenario
        With the section `history`.
    replicates, seed : int, optional
        Those of the scenario where left out.
    n_jobs : int
        Worker threads; no number depends on it.
    progress : callable, optional
        Called with the trials done and to do.

    Returns
    -------
    tuple of Replay
        The null first; empty where the history observed nothing.

    Raises
    ------
    UsageError
        If the scenario has no history, or its design isn't there.
    """
    history = scenario.history
    if history is None:
        message = "the scenario has no section `history`: there is nothing to replay"
        raise UsageError(message)
    design = history.design or next(iter(scenario.designs))
    if design not in scenario.designs:
        message = f"history.design: there is no design named {design!r}"
        raise UsageError(message)
    if not any(True for _ in _quantities(history)):
        return ()
    total = replicates or scenario.simulation.replicates
    key = scenario.simulation.seed if seed is None else seed
    truths = {NULL: TreatmentSettings()} | history.truths
    tells = in_parts(progress, each=total, parts=len(truths))
    return tuple(
        _replay(scenario.model_copy(update={"treatment": treatment}), name, design, total, key, n_jobs, tell)
        for (name, treatment), tell in zip(truths.items(), tells, strict=True)
    )


Quantity = tuple[str, str, str, float]


def _quantities(history: HistorySettings) -> Iterator[Quantity]:
    """(quantity, population, arm, observed) in the order in which they are reported."""
    for who, ratio in history.observed.hazard_ratio.items():
        yield "hazard_ratio", who, "", ratio.value
    for quantity, by_who in (
        ("median", history.observed.median),
        ("event_free", history.observed.event_free),
    ):
        for who, arms in by_who.items():
            yield from _arms(quantity, who, arms)


def _arms(quantity: str, who: str, arms: ObservedArms) -> Iterator[Quantity]:
    for arm, value in (("control", arms.control), ("experimental", arms.experimental)):
        if value is not None:
            yield quantity, who, arm, value


def _replay(
    scenario: Scenario, truth: str, design: str, total: int, seed: int, n_jobs: int, tell: Tell
) -> Replay:
    assert scenario.history is not None
    wanted = tuple(_quantities(scenario.history))
    work = partial(_replay_rows, scenario=scenario, design=design, seed=seed, wanted=wanted)
    blocks = map_replicates(work, total, block=_BLOCK, n_jobs=n_jobs, backend="threads", progress=tell)
    values = np.concatenate([block.rows["values"] for block in blocks])
    effect = scenario.treatment.hazard_ratio
    return Replay(
        truth=truth,
        hazard_ratio={
            "positive": effect.positive[0].hazard_ratio,
            "negative": effect.negative[0].hazard_ratio,
        },
        design=design,
        replicates=total,
        numbers=tuple(_number(q, values[:, j]) for j, q in enumerate(wanted)),
    )


def _number(wanted: Quantity, values: FloatArray) -> ReplayedNumber:
    quantity, who, arm, observed = wanted
    told = values[~np.isnan(values)]
    if len(told) == 0:
        message = f"no simulated trial has a {quantity.replace('_', ' ')} in {who}"
        raise UsageError(message)
    # values that occur: between two infinite ones there is none
    low, middle, high = (
        float(np.quantile(told, q, method="inverted_cdf")) for q in (_RANGE[0], 0.5, _RANGE[1])
    )
    hits = int((told <= observed).sum())
    q = (hits + 0.5) / (len(told) + 1)  # half a trial more of each kind: a share of 0 has an error too
    return ReplayedNumber(
        quantity=quantity,
        population=who,
        arm=arm,
        observed=observed,
        median=middle,
        lower=low,
        upper=high,
        inside=low <= observed <= high,
        at_most={"value": hits / len(told), "mc_standard_error": math.sqrt(q * (1 - q) / len(told))},
    )


def _replay_rows(
    start: int, stop: int, *, scenario: Scenario, design: str, seed: int, wanted: tuple[Quantity, ...]
) -> dict[str, FloatArray]:
    names = tuple(dict.fromkeys(who for _, who, _, _ in wanted))
    trials = simulate_trials(
        scenario, design, seed=seed, first=start, replicates=stop - start, populations=names
    )
    values = np.full((stop - start, len(wanted)), np.nan)
    ratios = _ratios(trials.log_hazard_ratio[:, -1], trials.events[:, -1], trials.events_experimental[:, -1])
    curves = [(j, q) for j, q in enumerate(wanted) if q[0] != "hazard_ratio"]
    for j, (quantity, who, _, _) in enumerate(wanted):
        if quantity == "hazard_ratio":
            values[:, j] = ratios[:, names.index(who)]
    for i in range(stop - start) if curves else ():
        patients = draw_patients(scenario, design, seed=seed, replicate=start + i)
        for j, q in curves:
            values[i, j] = _of_curve(patients, float(trials.cut[i, -1]), q, scenario)
    return {"values": values}


def _ratios(logs: FloatArray, events: FloatArray, ours: FloatArray) -> FloatArray:
    """Hazard ratios; 0 and infinite where all events are in one arm, which has no finite estimate."""
    found = np.exp(logs)
    found = np.where((events > 0) & (ours == 0), 0.0, found)
    return np.where((events > 0) & (ours == events), np.inf, found)


def _of_curve(patients: dict[str, Any], cut: float, wanted: Quantity, scenario: Scenario) -> float:
    """Median, or share free of the event, of one arm at the cut; an infinite median was not reached."""
    from igfstrat.survival.curves import kaplan_meier

    quantity, who, arm, _ = wanted
    chosen: BoolArray = patients["experimental"] == (arm == "experimental")
    if who != "overall":
        chosen &= patients["test_positive"] == (who == "positive")
    left = cut - patients["entry"]
    chosen &= left >= 0
    if not chosen.any():
        return math.nan
    time = np.minimum(patients["time"], left)[chosen]
    curve = kaplan_meier(time=time, event=(patients["event"] & (patients["time"] <= left))[chosen])
    if quantity == "median":
        value = curve.median.value
        return math.inf if math.isnan(value) else float(value)
    assert scenario.history is not None
    at = scenario.history.observed.event_free[who].at  # type: ignore[index]
    return float(curve.at([at]).survival[0])
