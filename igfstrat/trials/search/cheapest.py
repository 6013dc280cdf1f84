"""The cheapest design of a power: every candidate sized, the hopeless left out, the others simulated, the best told.

Closed forms size the candidates and leave out those that another one beats clearly in cost and in time; simulation
decides among the rest. Designs without a closed form are sized by simulation and never left out. What a candidate is
worth is its expected cost, or its patients where the scenario has no costs.

The frontier holds the candidates that no other one beats or equals in power, cost and time together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from igfstrat._version import __version__
from igfstrat.errors import UsageError
from igfstrat.parallel import content_key, map_replicates
from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.scenario.search import SearchSettings
from igfstrat.trials.search.rows import (
    ESTIMATES,
    INFEASIBLE,
    REASONS,
    SIZED,
    Sizes,
    simulation_rows,
    size_rows,
)
from igfstrat.trials.search.space import SearchSpace, make_space
from igfstrat.trials.study.progress import Progress

FINALISTS: Final = 8
_MARGIN: Final = 0.03  # by which a closed form must be worse in cost and in time to be left out
_BLOCK: Final = 8
_MOSTLY: Final = 0.5  # share of infeasible trials from which on a candidate is no candidate
LEFT_OUT: Final = 4  # a state beside those of `rows`


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SearchResults:
    """All candidates of a search, c of them.

    Parameters
    ----------
    scenario : Scenario
        What was searched.
    space : SearchSpace
        The candidates.
    power : float
        The power asked for.
    replicates, final_replicates, seed : int
        Trials of each simulated candidate, of each finalist, and the seed of all.
    objective : str
        ``cost``, or ``randomized`` where the scenario has no costs.
    state : ndarray of int64, shape (c,)
        0 simulated, 1 no size gives the power, 2 choices that can't be had together, 3 mostly infeasible, 4 left out
        because another one beats it clearly.
    closed, simulated : dict of ndarray of float64, shape (c,)
        `power`, `cost`, `duration`, `randomized`, `screened` in closed form and by simulation (there with `…_se`); NaN
        where there is none. `closed` holds `n` and `last_events` too.
    frontier : ndarray of bool, shape (c,)
        Whether no other candidate within the limits beats or equals it in power, objective and time together.
    finalists : tuple of int
        Indices of those that were simulated once more, the best first.
    best : int or None
        Index of the cheapest one that has the power; None where none has.
    """

    scenario: Scenario
    space: SearchSpace
    power: float
    replicates: int
    final_replicates: int
    seed: int
    objective: str
    state: IntArray
    closed: Mapping[str, FloatArray]
    simulated: Mapping[str, FloatArray]
    frontier: BoolArray
    finalists: tuple[int, ...]
    best: int | None
    reasons: Mapping[int, str] = field(
        default_factory=lambda: REASONS | {LEFT_OUT: "left out: another one is clearly cheaper and quicker"}
    )

    @property
    def counts(self) -> dict[str, int]:
        """Number of candidates by what became of them, `simulated` first."""
        words = {SIZED: "simulated"} | dict(self.reasons)
        return {words[code]: int((self.state == code).sum()) for code in words if (self.state == code).any()}


def search_designs(
    scenario: Scenario,
    *,
    power: float,
    replicates: int = 2_000,
    seed: int | None = None,
    n_jobs: int = 1,
    cluster: str | None = None,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> SearchResults:
    """Find the design that has a power at the least cost.

    Parameters
    ----------
    scenario : Scenario
        Its designs are the candidates, with the choices of its section `search`.
    power : float
        The power asked for, in (alpha, 1).
    replicates : int
        Trials of each candidate; the finalists get those of the scenario where these are more.
    seed : int, optional
        That of the scenario where left out.
    n_jobs : int
        Processes; -1 for one a processor. No number depends on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    checkpoints : Path, optional
        Folder in which finished blocks are kept; a later run takes up what it finds there.
    progress : callable, optional
        Called with what is being done, how many candidates are done, and of how many.

    Returns
    -------
    SearchResults
        The same for any workers.

    Raises
    ------
    UsageError
        If the power is no power.
    ConfigError
        If the candidates can't be made.
    """
    job = _job(
        scenario,
        power,
        scenario.simulation.seed if seed is None else seed,
        {"n_jobs": n_jobs, "cluster": cluster, "checkpoints": checkpoints},
        progress,
    )
    space = job.space
    closed = job.run("sizing", size_rows, len(space))
    state = closed.pop("state").astype(np.int64)
    objective = "cost" if _has_costs(scenario) else "randomized"
    search = scenario.search or SearchSettings()
    if search.prune:
        state[_beaten(space, closed, objective, state)] = LEFT_OUT
    chosen = np.flatnonzero(state == SIZED)
    simulated = _simulated(job, "simulating", chosen, closed, replicates, len(space))
    state[np.flatnonzero(simulated["infeasible"] > _MOSTLY)] = INFEASIBLE
    fits = (state == SIZED) & _within(search, simulated)
    final = max(replicates, scenario.simulation.replicates)
    finalists, fits = _decide(job, search, simulated, closed, objective, fits, final)
    return SearchResults(
        scenario=scenario,
        space=space,
        power=power,
        replicates=replicates,
        final_replicates=final,
        seed=job.common["seed"],
        objective=objective,
        state=state,
        closed=closed,
        simulated=simulated,
        frontier=_frontier(simulated, objective, fits),
        finalists=tuple(int(i) for i in finalists),
        best=int(finalists[0]) if len(finalists) else None,
    )


def _decide(
    job: _Job,
    search: SearchSettings,
    simulated: dict[str, FloatArray],
    closed: Mapping[str, FloatArray],
    objective: str,
    fits: BoolArray,
    replicates: int,
) -> tuple[IntArray, BoolArray]:
    """The cheapest candidates, simulated longer, which replaces their numbers; and who is still within the limits."""
    space, power = job.space, job.common["power"]
    finalists = _cheapest(space, simulated, objective, fits, power)[:FINALISTS]
    if not len(finalists):
        return finalists, fits
    again = _simulated(job, "deciding", np.sort(finalists), closed, replicates, len(space))
    for name, values in again.items():
        simulated[name] = np.where(np.isfinite(again["power"]), values, simulated[name])
    fits = fits & _within(search, simulated)
    held = np.isin(np.arange(len(space)), finalists)
    return _cheapest(space, simulated, objective, fits & held, power), fits


def _job(
    scenario: Scenario, power: float, seed: int, settings: dict[str, Any], progress: Progress | None
) -> _Job:
    if not scenario.test.one_sided_alpha < power < 1:
        message = f"a power lies between the level {scenario.test.one_sided_alpha:g} and 1; found {power:g}"
        raise UsageError(message)
    return _Job(
        space=make_space(scenario, power=power),
        common={"text": _text(scenario), "power": power, "seed": seed},
        settings=settings,
        progress=progress or (lambda *_: None),
    )


def _has_costs(scenario: Scenario) -> bool:
    return any((scenario.costs.screen, scenario.costs.patient, scenario.costs.month))


def _text(scenario: Scenario) -> str:
    """Everything that decides the numbers of a candidate."""
    content = scenario.model_dump(mode="json", exclude_unset=True)
    for name in ("name", "vary", "simulation", "history"):
        content.pop(name, None)
    return json.dumps(content)  # the order of designs and choices is that of the candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """How the candidates of one search are worked through."""

    space: SearchSpace
    common: dict[str, Any]
    settings: dict[str, Any]
    progress: Progress

    def run(self, name: str, work: Callable[..., Any], number: int, **more: Any) -> dict[str, FloatArray]:
        """Rows of all ranges together."""
        content = {"version": __version__, "search": name, **self.common, **_plain(more)}
        blocks = map_replicates(
            partial(work, **self.common, **more),
            number,
            block=_BLOCK,
            key=content_key(content) if self.settings["checkpoints"] else None,
            progress=partial(self.progress, name),
            **self.settings,
        )
        rows = [block.rows for block in blocks]
        return {column: np.concatenate([row[column] for row in rows]) for column in rows[0]}


def _plain(more: Mapping[str, Any]) -> dict[str, Any]:
    return {k: [list(v.index), list(v.events)] if isinstance(v, Sizes) else v for k, v in more.items()}


def _simulated(
    job: _Job, name: str, chosen: IntArray, closed: Mapping[str, FloatArray], replicates: int, number: int
) -> dict[str, FloatArray]:
    """Simulated numbers of the chosen candidates, NaN for the others."""
    columns = [*ESTIMATES, *(f"{estimate}_se" for estimate in ESTIMATES), "infeasible"]
    found = {column: np.full(number, np.nan) for column in columns}
    if len(chosen):
        sizes = Sizes(tuple(chosen.tolist()), tuple(closed["last_events"][chosen].astype(int).tolist()))
        rows = job.run(name, simulation_rows, len(chosen), sizes=sizes, replicates=replicates)
        for column in columns:
            found[column][chosen] = rows[column]
    return found


def _beaten(
    space: SearchSpace, closed: Mapping[str, FloatArray], objective: str, state: IntArray
) -> BoolArray:
    """Candidates of the same power than which another is cheaper and quicker by more than the closed forms may err."""
    beaten = np.zeros(len(state), dtype=bool)
    known = (state == SIZED) & np.isfinite(closed[objective])
    for at in range(len(space.powers)):
        here = np.flatnonzero(known & (np.arange(len(state)) % len(space.powers) == at))
        order = here[np.argsort(closed[objective][here], kind="stable")]
        worth, time = closed[objective][order], closed["duration"][order]
        quickest = np.minimum.accumulate(time)
        # of those whose worth is below by the margin, the quickest
        rivals = np.searchsorted(worth, worth * (1 - _MARGIN), side="left") - 1
        beaten[order] = (rivals >= 0) & (quickest[np.maximum(rivals, 0)] < time * (1 - _MARGIN))
    return beaten


def _within(search: SearchSettings, simulated: Mapping[str, FloatArray]) -> BoolArray:
    fits = np.isfinite(simulated["power"])
    for name, most in search.limits.model_dump().items():
        if most is not None:
            fits &= simulated[name] <= most
    return fits


def _cheapest(
    space: SearchSpace, simulated: Mapping[str, FloatArray], objective: str, fits: BoolArray, power: float
) -> IntArray:
    """Candidates that were sized for the power and have it within two standard errors, the cheapest first."""
    place = np.arange(len(fits)) % len(space.powers) == space.powers.index(power)
    has = simulated["power"] + 2 * simulated["power_se"] >= power
    found = np.flatnonzero(fits & place & has)
    order = np.lexsort((simulated["duration"][found], simulated[objective][found]))
    return found[order]


def _frontier(simulated: Mapping[str, FloatArray], objective: str, fits: BoolArray) -> BoolArray:
    found = np.flatnonzero(fits)
    points = np.column_stack([-simulated["power"], simulated[objective], simulated["duration"]])[found]
    # sorted by all three, a point can only be beaten by one before it
    order = np.lexsort(points.T[::-1])
    kept: list[int] = []
    for i in order:
        front = points[kept]
        if not len(kept) or not np.any((front <= points[i]).all(axis=1)):
            kept.append(int(i))
    frontier = np.zeros(len(fits), dtype=bool)
    frontier[found[kept]] = True
    return frontier
