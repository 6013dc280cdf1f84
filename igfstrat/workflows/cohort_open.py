"""What a cohort leaves open of a scenario that it fills: intervals of the power over resamples of its patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from igfstrat.parallel import map_replicates
from igfstrat.trials.designs.power import no_closed_power
from igfstrat.trials.designs.rules import make_rules
from igfstrat.trials.from_cohort.facts import CohortPower, interval
from igfstrat.trials.from_cohort.power import power_of, resample_rows, screened_for, share_beyond
from igfstrat.trials.scenario import Point, Scenario
from igfstrat.trials.study.progress import in_parts
from igfstrat.workflows.cohort_scenario import CohortScenario, chooses_assay

RESAMPLING: Final = "resampling the cohort"  # as the stage of a job
MOST_COHORT_POINTS: Final = 60  # of a grid, whose powers get an interval

_BLOCK: Final = 20  # resamples of a piece of work
_ESTIMATES: Final = ("test_positive", "hazard_ratio", "sensitivity", "specificity")


def power_left(
    found: CohortScenario, scenario: Scenario, *, seed: int, chosen: Mapping[str, Any] = MappingProxyType({}),
    n_jobs: int = 1, cluster: str | None = None, progress: Callable[[int, int], None] | None = None,
) -> CohortPower:  # fmt: skip
    """Intervals of the power over resamples of the cohort.

    Parameters
    ----------
    found : CohortScenario
        The cohort.
    scenario : Scenario
        One point, filled, with sizes.
    seed : int
        Of the study.
    chosen : mapping
        Value by path of what a point of a grid, or a search, decides instead of the cohort.
    n_jobs : int
        Workers; no number depends on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    progress : callable, optional
        Called with the resamples done and to do.

    Returns
    -------
    CohortPower
        By design.
    """
    total = found.model.settings.bootstrap
    work = partial(
        resample_rows, model=found.model, data=scenario.model_dump(exclude_unset=True), seed=seed,
        # sizes stand in the scenario, where they may have been solved
        chosen={path: value for path, value in chosen.items() if not path.startswith("designs.")},
        of_truth=chooses_assay(found.scenario),
    )  # fmt: skip
    blocks = list(
        map_replicates(work, total, block=_BLOCK, n_jobs=n_jobs, cluster=cluster, progress=progress)
    )
    rows = {key: np.concatenate([b.rows[key] for b in blocks]) for key in blocks[0].rows}
    values = {name: float(getattr(found.fit, name)) for name in _ESTIMATES}
    designs = list(scenario.designs)
    highest = np.argmax([rows[f"power:{d}"] for d in designs], axis=0)
    return CohortPower(
        resamples=total,
        estimates={name: interval(value, rows[name]) for name, value in values.items()},
        power={d: interval(power_of(scenario, d, seed=seed), rows[f"power:{d}"]) for d in designs},
        screened={d: interval(screened_for(scenario, d), rows[f"screened:{d}"]) for d in designs},
        best={d: float((highest == i).mean()) for i, d in enumerate(designs)},
        simulated=tuple(d for d in designs if _is_simulated(scenario, d, seed)),
        beyond={d: share_beyond(scenario, d, found.facts.known_until) for d in designs},
    )


def powers_left(
    found: CohortScenario, points: Sequence[tuple[Point, Scenario]], *, seed: int, n_jobs: int = 1,
    cluster: str | None = None, progress: Callable[[int, int], None] | None = None,
) -> tuple[CohortPower, ...]:  # fmt: skip
    """Intervals at the points of a grid, the same resamples at each.

    Parameters
    ----------
    found : CohortScenario
        The cohort.
    points : sequence of (dict, Scenario)
        With sizes; one without a grid.
    seed, n_jobs, cluster, progress : as in `power_left`
        How it is computed.

    Returns
    -------
    tuple of CohortPower
        Of the first `MOST_COHORT_POINTS`.
    """
    shown = points[:MOST_COHORT_POINTS]
    tells = in_parts(progress, each=found.model.settings.bootstrap, parts=len(shown))
    return tuple(
        power_left(found, scenario, seed=seed, chosen=values, n_jobs=n_jobs, cluster=cluster, progress=tell)
        for (values, scenario), tell in zip(shown, tells, strict=True)
    )


def _is_simulated(scenario: Scenario, design: str, seed: int) -> bool:
    if scenario.kind_of(design).startswith("adaptive"):
        return True
    return no_closed_power(scenario, design, make_rules(scenario, design, seed=seed)) is not None
