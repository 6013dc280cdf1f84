"""What a chosen design becomes where the truth is not as assumed, and what it is worth to know the prevalence first.

The sizes stay as chosen, the truth is moved one assumption at a time (a tornado). Knowing the prevalence before choosing
is worth the difference between two expected costs over its prior: of the one design that is best on the average, and
of the design that is best at each prevalence. In both the size follows the prevalence, which screening reveals; only
the kind of design, cut, looks and assay are committed to. This is the expected value of perfect information [1]_.

References
----------
.. [1] Raiffa H, Schlaifer R. Applied statistical decision theory. Harvard University 1961.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import beta

from igfstrat.errors import IgfstratError
from igfstrat.survival._types import FloatArray
from igfstrat.trials.designs.costs import spent
from igfstrat.trials.designs.expected import expected_course
from igfstrat.trials.scenario.scenario import Scenario, with_values
from igfstrat.trials.scenario.search import SearchSettings
from igfstrat.trials.search.cheapest import SearchResults
from igfstrat.trials.search.rows import simulated_rows, solve_events, with_events
from igfstrat.trials.search.space import Candidate
from igfstrat.trials.study.progress import Progress

PREVALENCES: Final = "knowing the prevalence first"  # a stage of the progress
_NODES: Final = 7  # equally likely prevalences of the prior
_STEP: Final = 1.25  # factor by which rates, medians and log hazard ratios are moved where no range is given
_SHARE_STEP: Final = 0.1  # by which sensitivity and specificity are moved
_COARSE, _FINE = (
    500,
    2_000,
)  # trials that size a design without a closed form, and again where it comes near the best
_NEAR: Final = 0.15  # three standard errors of a cost from sizing by 500 trials at a power of 0.9
_LEAST_SHARE, _MOST_SHARE = 0.02, 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """A design at both ends of the range of one assumption.

    Parameters
    ----------
    path : str
        What is moved, such as ``marker.assay.sensitivity``.
    assumed, low, high : object
        As assumed, and both ends.
    power, power_se, cost, duration : tuple of float
        At the low and the high end; NaN where such a scenario can't be.
    """

    path: str
    assumed: Any
    low: Any
    high: Any
    power: tuple[float, float]
    power_se: tuple[float, float]
    cost: tuple[float, float]
    duration: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrevalenceValue:
    """What knowing the prevalence before choosing the design is worth.

    Parameters
    ----------
    prevalence : tuple of float
        Equally likely values of its prior.
    committed : str
        Design that is the cheapest over the prior.
    committed_cost, informed_cost : float
        Expected cost of that design, and of the cheapest one at each prevalence.
    best_at : tuple of str
        Design that is the cheapest at each prevalence.
    """

    prevalence: tuple[float, ...]
    committed: str
    committed_cost: float
    informed_cost: float
    best_at: tuple[str, ...]

    @property
    def value(self) -> float:
        """Expected saving, >= 0."""
        return self.committed_cost - self.informed_cost


def swing_designs(results: SearchResults, *, replicates: int = 2_000) -> tuple[Swing, ...]:
    """Move each assumption of the best design to both ends of its range.

    Parameters
    ----------
    results : SearchResults
        With a best candidate; without one there is nothing to move.
    replicates : int
        Trials at each end.

    Returns
    -------
    tuple of Swing
        The widest swing of the power first. Ranges are those of `search.sensitivity`, else usual ones.
    """
    if results.best is None:
        return ()
    candidate = results.space.candidate(results.best)
    scenario = sized_scenario(results, results.best)
    search = results.scenario.search or SearchSettings()
    ranges = search.sensitivity or usual_ranges(scenario)
    found = []
    for path, (low, high) in ranges.items():
        ends = [_at(scenario, candidate.design, path, v, replicates, results.seed) for v in (low, high)]
        found.append(
            Swing(
                path=path,
                assumed=_value_at(scenario, path),
                low=low,
                high=high,
                power=(ends[0]["power"], ends[1]["power"]),
                power_se=(ends[0]["power_se"], ends[1]["power_se"]),
                cost=(ends[0]["cost"], ends[1]["cost"]),
                duration=(ends[0]["duration"], ends[1]["duration"]),
            )
        )
    return tuple(sorted(found, key=lambda swing: -abs(np.nan_to_num(swing.power[1] - swing.power[0]))))


def sized_scenario(results: SearchResults, index: int) -> Scenario:
    """The scenario of a candidate, with its sizes.

    Parameters
    ----------
    results : SearchResults
        Of a search.
    index : int
        Of a candidate that has sizes.

    Returns
    -------
    Scenario
        Ready to be simulated.
    """
    candidate = results.space.candidate(index)
    events = int(results.closed["last_events"][index])
    return with_events(results.space.scenario(candidate), candidate.design, events)


def usual_ranges(scenario: Scenario) -> dict[str, tuple[float, float]]:
    """Ranges of what is commonly wrong: prevalence, assay, the control's median and the effects.

    Parameters
    ----------
    scenario : Scenario
        One design, no grid.

    Returns
    -------
    dict
        Low and high by path: prevalence and median by a quarter, the log of hazard ratios by a quarter, sensitivity and
        specificity by 0.1.
    """
    found: dict[str, tuple[float, float]] = {}
    for path in ("marker.prevalence.value", "marker.prevalence.mean", "control.median"):
        value = _value_at(scenario, path)
        if isinstance(value, float | int):
            most = _MOST_SHARE if path.startswith("marker") else np.inf
            found[path] = (value / _STEP, float(min(value * _STEP, most)))
    for path in ("marker.assay.sensitivity", "marker.assay.specificity"):
        value = _value_at(scenario, path)
        if isinstance(value, float | int):
            found[path] = (max(value - _SHARE_STEP, _LEAST_SHARE), min(value + _SHARE_STEP, 1.0))
    for path in (
        "treatment.hazard_ratio.positive",
        "treatment.hazard_ratio.negative",
        "treatment.hazard_ratio",
    ):
        value = _value_at(scenario, path)
        if isinstance(value, float | int) and value != 1:
            found[path] = (float(value**_STEP), float(value ** (1 / _STEP)))
    return found


def _value_at(scenario: Scenario, path: str) -> Any:
    node: Any = scenario.model_dump(exclude_unset=True)
    for key in path.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return None
        node = node[key]
    single = isinstance(node, list | tuple) and len(node) == 1 and isinstance(node[0], Mapping)
    return node[0].get("hazard_ratio", node) if single else node


def _moved(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    data = scenario.model_dump(exclude_unset=True)
    return Scenario.model_validate(with_values(data, values))


def _at(
    scenario: Scenario, design: str, path: str, value: Any, replicates: int, seed: int
) -> dict[str, float]:
    try:
        rows = simulated_rows(
            _moved(scenario, {path: value}), design, seed=seed, first=0, replicates=replicates
        )
    except (IgfstratError, KeyError, ValueError):
        return dict.fromkeys(("power", "power_se", "cost", "duration"), float("nan"))
    won = rows["rejected"].any(axis=1)
    share = float(won.mean())
    return {
        "power": share,
        "power_se": float(np.sqrt(share * (1 - share) / replicates)),
        "cost": float(spent(scenario, rows).mean()),
        "duration": float(rows["duration"].mean()),
    }


def value_of_prevalence(
    results: SearchResults, *, candidates: Sequence[int] | None = None, progress: Progress | None = None
) -> PrevalenceValue | None:
    """What knowing the prevalence before choosing would save.

    Designs without a closed form are sized by a few trials; who comes near the cheapest at any prevalence, by more.

    Parameters
    ----------
    results : SearchResults
        Of a scenario whose prevalence is a prior (`mean`, `sd`).
    candidates : sequence of int, optional
        Among which would be chosen; the finalists and the cheapest of each design where left out.
    progress : callable, optional
        Called with `PREVALENCES`, how many sizes are done, and of how many.

    Returns
    -------
    PrevalenceValue or None
        None where the prevalence is taken as known, or no candidate has the power at every prevalence.
    """
    prevalence = results.scenario.marker.prevalence
    if prevalence is None or prevalence.mean is None or prevalence.sd is None:
        return None
    nodes = _prior_nodes(prevalence.mean, prevalence.sd)
    chosen = list(dict.fromkeys(candidates if candidates is not None else _rivals(results)))
    costs = _costs_at(results, chosen, nodes, progress)
    usable = np.isfinite(costs).all(axis=1)
    if not usable.any():
        return None
    means = np.where(usable, np.where(np.isfinite(costs), costs, 0).mean(axis=1), np.inf)
    labels = [results.space.candidate(i).label for i in chosen]
    best = np.argmin(costs, axis=0)
    return PrevalenceValue(
        prevalence=tuple(float(p) for p in nodes),
        committed=labels[int(np.argmin(means))],
        committed_cost=float(means.min()),
        informed_cost=float(np.mean(costs[best, np.arange(len(nodes))])),
        best_at=tuple(labels[int(i)] for i in best),
    )


def _prior_nodes(mean: float, sd: float) -> FloatArray:
    size = mean * (1 - mean) / sd**2 - 1
    middles = (np.arange(_NODES) + 0.5) / _NODES
    return np.asarray(beta.ppf(middles, mean * size, (1 - mean) * size))


def _rivals(results: SearchResults) -> list[int]:
    """The finalists, and of each design the candidate that looks cheapest at the power asked for."""
    worth = np.where(np.isnan(results.closed[results.objective]), np.inf, results.closed[results.objective])
    number = len(results.space)
    place = np.arange(number) % len(results.space.powers) == results.space.powers.index(results.power)
    names = np.array([results.space.candidate(i).design for i in range(number)])
    found = list(results.finalists)
    for name in results.space.designs:
        here = np.flatnonzero(place & (names == name) & np.isfinite(worth))
        if len(here):
            found.append(int(here[np.argmin(worth[here])]))
    return found


def _costs_at(
    results: SearchResults, chosen: Sequence[int], nodes: FloatArray, progress: Progress | None
) -> FloatArray:
    """Expected worth, a row a candidate; infinite where no size gives the power at a prevalence."""
    tell = progress or (lambda *_: None)
    places = [(i, k) for i in range(len(chosen)) for k in range(len(nodes))]
    costs, events = np.full((len(chosen), len(nodes)), np.inf), np.zeros((len(chosen), len(nodes)), np.int64)
    for done, (i, k) in enumerate(places):
        tell(PREVALENCES, done, 2 * len(places))
        costs[i, k], events[i, k] = _cost_at(results, chosen[i], float(nodes[k]))
    near = (costs <= (1 + _NEAR) * costs.min(axis=0)).any(axis=1)
    for done, (i, k) in enumerate(places):
        tell(PREVALENCES, len(places) + done, 2 * len(places))
        if near[i] and events[i, k]:
            costs[i, k], _ = _cost_at(results, chosen[i], float(nodes[k]), start=int(events[i, k]))
    tell(PREVALENCES, 2 * len(places), 2 * len(places))
    return costs


def _cost_at(
    results: SearchResults, index: int, value: float, *, start: int | None = None
) -> tuple[float, int]:
    """Expected worth of a candidate, sized for the power at one prevalence, and its events where trials found them."""
    candidate: Candidate = results.space.candidate(index)
    of = results.scenario.marker.prevalence.of if results.scenario.marker.prevalence else "truth"
    begun = np.nan_to_num(results.closed["last_events"][index])
    trials = min(results.replicates, _FINE if start else _COARSE)
    steps = (_FINE,) if start else (_COARSE, _COARSE)
    try:
        scenario = results.space.scenario(candidate)
        known = _moved(scenario, {"marker.prevalence": {"value": value, "of": of}})
        events, power = solve_events(
            known,
            candidate.design,
            results.power,
            results.seed,
            start=start or int(begun) or None,
            steps=steps,
        )
        sized = with_events(known, candidate.design, events)
        if power is not None:
            return expected_course(sized, candidate.design)[results.objective], 0
        rows = simulated_rows(sized, candidate.design, seed=results.seed, first=0, replicates=trials)
    except (IgfstratError, ValueError):
        return float("inf"), 0
    found = spent(sized, rows) if results.objective == "cost" else rows["randomized"]
    return float(np.mean(found)), events
