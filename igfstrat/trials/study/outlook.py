"""What stands beside the operating characteristics of a study: its timeline, frontier, power surface and open truths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.power import look_times
from igfstrat.trials.results.study import DesignResults, StudyResults
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.study.open_truths import OpenTruth, conclude_under_truths
from igfstrat.trials.study.power_surface import PowerSurface, power_surface
from igfstrat.trials.study.progress import Progress, named


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """When a design is expected to enrol and to look, if it isn't stopped before.

    Parameters
    ----------
    accrual_end : float
        Calendar time of the last patient's randomization, in the scenario's unit, from the first screening on; infinite
        where the patients never come.
    looks : tuple of float
        Calendar times at which the planned events are expected; infinite where they never come.
    events : tuple of int
        Planned at the looks; empty where these come at calendar times.
    """

    accrual_end: float
    looks: tuple[float, ...]
    events: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what never comes is None.

        Returns
        -------
        dict
            As in `results.json`.
        """
        looks = [t if math.isfinite(t) else None for t in self.looks]
        end = self.accrual_end if math.isfinite(self.accrual_end) else None
        return {"accrual_end": end, "looks": looks, "events": list(self.events)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOutlook:
    """What stands beside the operating characteristics of one point.

    Parameters
    ----------
    timelines : dict of Timeline
        By design; without those that have no expected times (response).
    frontier : tuple of str
        Designs that none other beats or equals in power, mean cost and duration together, see `frontier_of`.
    surface : PowerSurface or None
        Power over effect and prevalence.
    truths : tuple of OpenTruth
        What each design would conclude under each.
    """

    timelines: dict[str, Timeline]
    frontier: tuple[str, ...]
    surface: PowerSurface | None
    truths: tuple[OpenTruth, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values.

        Returns
        -------
        dict
            Part of `results.json`.
        """
        return {
            "timeline": {name: found.to_dict() for name, found in self.timelines.items()},
            "frontier": list(self.frontier),
            "power_over_effect_and_prevalence": self.surface.to_dict() if self.surface else None,
            "open_truths": [truth.to_dict() for truth in self.truths],
        }


def study_outlook(
    scenario: Scenario, results: StudyResults, *, n_jobs: int = 1, progress: Progress | None = None
) -> StudyOutlook:
    """Timeline, frontier, power surface and open truths of one point.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with its sizes.
    results : StudyResults
        Of this point.
    n_jobs : int
        Workers; no number depends on it.
    progress : callable, optional
        Called with what is simulated, its trials done and to do.

    Returns
    -------
    StudyOutlook
        Frozen.
    """
    timelines = {name: expected_timeline(scenario, name) for name in scenario.designs}
    return StudyOutlook(
        timelines={name: found for name, found in timelines.items() if found is not None},
        frontier=frontier_of(results.designs),
        surface=power_surface(
            scenario, results, n_jobs=n_jobs, progress=named(progress, "power over effect and prevalence")
        ),
        truths=conclude_under_truths(
            scenario, results, n_jobs=n_jobs, progress=named(progress, "what if the truth is another")
        ),
    )


def expected_timeline(scenario: Scenario, design: str) -> Timeline | None:
    """When a design is expected to enrol and to look.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with its sizes.
    design : str
        Name under `designs`.

    Returns
    -------
    Timeline or None
        None for a response, whose looks come with the patients.

    Examples
    --------
    500 patients over 24 months, control median 12, hazard ratio 0.75, 5 % dropout a year: 300 events come at 32.688 months.

    >>> from igfstrat.trials import make_scenario
    >>> made = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.5}}, "control": {"median": 12},
    ...     "treatment": {"hazard_ratio": 0.75}, "accrual": {"randomized_uniformly_over": 24},
    ...     "dropout": {"probability_per_year": 0.05}, "designs": {"all_comers": {"n": 500, "events": 300}}})
    >>> found = expected_timeline(made, "all_comers")
    >>> found.accrual_end, round(found.looks[0], 3)
    (24.0, 32.688)
    """
    if scenario.response is not None:
        return None
    end = make_trial(scenario, design).entry_end
    times = tuple(float(t) for t in look_times(scenario, design))
    return Timeline(accrual_end=end, looks=times, events=scenario.designs[design].events or ())


def frontier_of(designs: Mapping[str, DesignResults]) -> tuple[str, ...]:
    """Designs that none other beats or equals in power, mean cost and mean duration together.

    Parameters
    ----------
    designs : mapping of str to DesignResults
        In their order. Where nothing costs anything, randomized patients stand for the cost.

    Returns
    -------
    tuple of str
        Of two designs that are equal in all three, the first.
    """
    price = "cost" if any(d.cost["mean"] > 0 for d in designs.values()) else "n_randomized"
    worth = {
        n: (-d.power["value"], getattr(d, price)["mean"], d.duration["mean"]) for n, d in designs.items()
    }
    order = {name: i for i, name in enumerate(worth)}

    def beaten(name: str) -> bool:
        mine = worth[name]
        return any(
            all(a <= b for a, b in zip(other, mine, strict=True))
            and (other != mine or order[n] < order[name])
            for n, other in worth.items()
            if n != name
        )

    return tuple(name for name in worth if not beaten(name))
