"""When a design looks and what it tests, as the kernels take them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.population import Population

# column of a key and its value among the members, see `kernels.order`
_MEMBERS = {"overall": (0, 0), "positive": (4, 4), "negative": (4, 0)}


def make_looks(scenario: Scenario, design: str) -> Any:
    """When a design looks, for the kernel.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Returns
    -------
    Looks
        Named tuple of the kernel.
    """
    from igfstrat.trials.kernels.trial import Looks

    settings = scenario.designs[design]
    mask, wanted = _MEMBERS[settings.events_in]
    events: tuple[int, ...] = settings.events or ()
    if scenario.response is not None:
        events = (int(settings.n or 0) + 1,)  # never reached: everybody is awaited
    return Looks(
        events=np.array(events, dtype=np.int64),
        times=np.array(settings.analysis_times or (), dtype=np.float64),
        latest=float(settings.max_duration or np.inf),
        event_mask=mask,
        event_wanted=wanted,
    )


def make_test(
    scenario: Scenario,
    populations: Sequence[str],
    population: Population,
    estimate: bool,
    *,
    tested: Sequence[str] = (),
) -> Any:
    """The statistic and the populations, for the kernel.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    populations : sequence of str
        Populations to analyse.
    population : Population
        The patients.
    estimate : bool
        Whether hazard ratios are estimated.
    tested : sequence of str
        Populations of the hypotheses, which alone get permutation p-values.

    Returns
    -------
    Test
        Named tuple of the kernel.
    """
    from igfstrat.trials.kernels import look as kernel
    from igfstrat.trials.kernels.trial import Test

    test = scenario.test
    code = {
        "fleming_harrington": kernel.WEIGHTED,
        "maxcombo": kernel.WEIGHTED,
        "rmst": kernel.RMST,
        "milestone": kernel.MILESTONE,
        "proportions": kernel.PROPORTIONS,
        "cox": kernel.COX,
    }.get(test.statistic, kernel.LOGRANK)
    powers = ((test.rho or 0.0, test.gamma or 0.0),) if test.weights is None else test.weights
    if test.statistic == "maxcombo" and test.weights is None:
        powers = ((0.0, 0.0), (0.0, 1.0))
    members = [_MEMBERS[name] for name in populations]
    permutations = test.permutations if test.critical_values == "permutation" else 0
    return Test(
        statistic=code,
        powers=np.array(powers, dtype=np.float64),
        at=float(test.at or test.tau or np.inf),
        strata=population.n_test_strata,
        strata_mask=31 << 3,
        masks=np.array([mask for mask, _ in members]),
        wanted=np.array([wanted for _, wanted in members]),
        estimate=estimate and test.statistic != "proportions",
        tested=np.array([name in tested for name in populations]),
        permutations=permutations,
        most_reached=math.ceil(test.one_sided_alpha * (permutations + 1) - 1e-9),
    )
