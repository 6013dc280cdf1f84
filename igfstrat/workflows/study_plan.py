"""What a study of trial designs is to simulate, what it would take, and what its designs can't reach."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from igfstrat.cohort import Cohort
from igfstrat.errors import UsageError, safe_text
from igfstrat.trials.designs.sizing import solve_sizes
from igfstrat.trials.scenario import Point, Scenario, check_built, expand_vary
from igfstrat.trials.scenario.design import ADAPTIVE
from igfstrat.trials.study.feasibility import feasibility_concerns
from igfstrat.workflows.cohort_scenario import CohortScenario, CohortSource
from igfstrat.workflows.history import check_retracted
from igfstrat.workflows.scenario_source import fill_from_cohort, open_scenario

MOST_REPLICATES: Final = 10**12
LONG_SECONDS: Final = 3600.0
LARGE_DISK: Final = 2 * 10**9  # bytes
LARGE_MEMORY: Final = 4 * 10**9

_PILOT: Final = 20  # trials that are timed
_PILOT_POINTS: Final = 4  # of a grid
_PATIENT_BYTES: Final = 250  # of one trial under way
_FILE_BYTES: Final = 4_000  # that a checkpoint takes beside its numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """What is to be simulated, checked as a whole.

    Parameters
    ----------
    scenario : Scenario
        As read, with its grid.
    points : tuple of (dict, Scenario)
        The grid spread out, sizes solved where a power is asked for; one point without a grid.
    replicates, seed : int
        Trials of each design at each point, and the seed of all.
    source : Path or None
        The file that was read.
    concerns : tuple of str
        What designs can't be expected to reach.
    from_cohort : CohortScenario or None
        The cohort that decides some of it.
    """

    scenario: Scenario
    points: tuple[tuple[Point, Scenario], ...]
    replicates: int
    seed: int
    source: Path | None
    concerns: tuple[str, ...]
    from_cohort: CohortScenario | None = None

    @property
    def trials(self) -> int:
        """Trials in all: each design with its effect, and once more under each null."""
        from igfstrat.trials.designs.nulls import n_runs

        runs = (n_runs(scenario, name) for _, scenario in self.points for name in scenario.designs)
        return self.replicates * sum(runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEffort:
    """What a run would take.

    Parameters
    ----------
    trials : int
        To be simulated.
    seconds : float or None
        From timing a few trials; None where even these would take too much memory.
    disk, memory : int
        Bytes of the checkpoints, and of the trials under way.
    """

    trials: int
    seconds: float | None
    disk: int
    memory: int

    @property
    def is_large(self) -> bool:
        """Whether somebody should agree to it first: over an hour, 2 GB of disk or 4 GB of memory."""
        long = self.seconds is None or self.seconds > LONG_SECONDS
        return long or self.disk > LARGE_DISK or self.memory > LARGE_MEMORY

    def sentence(self) -> str:
        """Trials, time, disk and memory in words.

        Returns
        -------
        str
            One line.

        Examples
        --------
        >>> StudyEffort(trials=10**7, seconds=5400.0, disk=10**9, memory=10**8).sentence()
        '10,000,000 trials: about 1.5 hours, 1.0 GB on disk, 0.1 GB of memory'
        """
        took = "time not known" if self.seconds is None else f"about {time_words(self.seconds)}"
        disk, memory = _gigabytes(self.disk), _gigabytes(self.memory)
        return f"{self.trials:,} trials: {took}, {disk} on disk, {memory} of memory"


def _gigabytes(size: int) -> str:
    if size < 1e8:
        return f"{size / 1e6:,.0f} MB"
    return f"{size / 1e9:,.1f} GB" if size < 1e12 else f"{size / 1e12:,.1f} TB"


def time_words(seconds: float) -> str:
    """A time in the unit that fits it.

    Parameters
    ----------
    seconds : float
        At least 0.

    Returns
    -------
    str
        Such as ``4 seconds``, ``2.5 hours``, ``3 years``.

    Examples
    --------
    >>> time_words(4.2), time_words(9000), time_words(1e8)
    ('4 seconds', '2.5 hours', '3.2 years')
    """
    if seconds < 90:
        return f"{seconds:.0f} second{'' if round(seconds) == 1 else 's'}"
    for size, unit, up_to in ((60, "minutes", 5400), (3600, "hours", 172_800), (86_400, "days", 3e7)):
        if seconds < up_to:
            return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds / 31_557_600:,.1f} years".replace(".0 ", " ")


def point_prefix(values: Mapping[str, Any]) -> str:
    """A point of the grid in front of what is said about it.

    Parameters
    ----------
    values : mapping
        Value by path.

    Returns
    -------
    str
        Empty without a grid.

    Examples
    --------
    >>> point_prefix({"marker.assay.sensitivity": 0.8})
    'marker.assay.sensitivity 0.8: '
    """
    return "".join(f"{path} {safe_text(value)}: " for path, value in values.items())


def plan_study(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    retracted: bool = False,
    cohort: CohortSource | Cohort | str | Path | None = None,
) -> StudyPlan:
    """Read a scenario and find out, before any simulation, what can't be run or reached.

    Parameters
    ----------
    scenario : str, Path, mapping or Scenario
        A file, the bare name of a packaged one, its content, or what was read.
    replicates, seed : int, optional
        Those of the scenario where left out.
    retracted : bool
        Whether a preset from retracted sources may be run, with a warning.
    cohort : CohortSource, Cohort, str or Path, optional
        The cohort beside it, which then decides prevalence, error of the test and times on control.

    Returns
    -------
    StudyPlan
        Ready to be run.

    Raises
    ------
    ConfigError
        If the scenario is not valid, with every fault.
    UsageError
        If it asks for what is not built, or for no trials or too many.
    EvidenceError
        If a source was retracted and `retracted` is off.
    CohortError
        If what it takes from the cohort is missing or in doubt.
    """
    read, source = open_scenario(scenario)
    check_retracted(read.history, retracted=retracted)
    wanted = read.simulation.replicates if replicates is None else replicates
    if not 1 <= wanted <= MOST_REPLICATES:
        message = f"replicates must be from 1 to {MOST_REPLICATES:,}; found {wanted:,}"
        raise UsageError(message)
    whole, filled = fill_from_cohort(read, cohort, source=source, outcome="Nothing was simulated.")
    points = tuple(expand_vary(whole))
    _check_points(points)
    points = tuple((values, solve_sizes(point)) for values, point in points)
    concerns = dict.fromkeys(
        point_prefix(v) + text for v, point in points for text in feasibility_concerns(point)
    )
    return StudyPlan(
        scenario=whole,
        points=points,
        replicates=wanted,
        seed=whole.simulation.seed if seed is None else seed,
        source=source,
        concerns=tuple(concerns),
        from_cohort=filled,
    )


def _check_points(points: Sequence[tuple[Point, Scenario]]) -> None:
    """All that isn't built, of every design and point, in one error."""
    from igfstrat.trials.simulation.engine import check_simulable

    said: dict[str, None] = {}
    for _, scenario in points:
        # what isn't built yet stops the other check: it is asked once more as if it were
        plain = {n: d.model_copy(update={"design": "all_comers"}) for n, d in scenario.designs.items()}
        checks: list[Callable[[], None]] = [partial(check_built, scenario)]
        checks += [partial(check_simulable, scenario, name) for name in scenario.designs]
        if not any(scenario.kind_of(name) in ADAPTIVE for name in scenario.designs):
            checks.append(partial(_check_sizes, scenario))
        checks += [
            partial(check_simulable, scenario.model_copy(update={"designs": plain}), name) for name in plain
        ]
        for check in checks:
            try:
                check()
            except UsageError as error:
                said |= dict.fromkeys(str(error).splitlines())
    if said:
        raise UsageError("\n".join(said))


def _check_sizes(scenario: Scenario) -> None:
    solve_sizes(scenario)


def estimate_effort(plan: StudyPlan, *, n_jobs: int = 1) -> StudyEffort:
    """Time a few trials of each design, and say what all of them will take.

    Parameters
    ----------
    plan : StudyPlan
        What is to be simulated.
    n_jobs : int
        Workers; negative for one a processor.

    Returns
    -------
    StudyEffort
        For all points of the grid.
    """
    from igfstrat.trials.designs.nulls import n_runs
    from igfstrat.trials.designs.rules import make_rules
    from igfstrat.trials.study.operating import BLOCK, trial_rows

    workers = n_jobs if n_jobs > 0 else os.cpu_count() or 1
    most = max(design.n or 0 for _, scenario in plan.points for design in scenario.designs.values())
    memory = most * _PATIENT_BYTES * workers
    if memory > LARGE_MEMORY:
        return StudyEffort(trials=plan.trials, seconds=None, disk=0, memory=memory)
    tried = plan.points[:: max(1, len(plan.points) // _PILOT_POINTS)]
    seconds = size = 0.0
    for _, scenario in tried:
        for name in scenario.designs:
            rules = make_rules(scenario, name, seed=plan.seed)
            work = partial(trial_rows, scenario=scenario, design=name, rules=rules, seed=plan.seed)
            work(0, 1, null=False)  # compiles
            for null in (False, True, *[False] * (n_runs(scenario, name) - 2)):
                start = time.perf_counter()
                rows = work(0, _PILOT, null=null)
                seconds += time.perf_counter() - start
                size += sum(column.nbytes for column in rows.values())
    share = plan.replicates / _PILOT * len(plan.points) / len(tried)
    return StudyEffort(
        trials=plan.trials,
        seconds=seconds * share / min(workers, os.cpu_count() or 1),
        disk=int(size * share + -(-plan.replicates // BLOCK) * plan.trials / plan.replicates * _FILE_BYTES),
        memory=memory,
    )
