"""What a design takes in expectation, in closed form: patients, screenings, time and cost."""

from __future__ import annotations

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials.closed_form.logrank import group_sequential_power, logrank_moments
from igfstrat.trials.closed_form.trial import make_trial, positive_share
from igfstrat.trials.designs.costs import spent
from igfstrat.trials.designs.power import look_times
from igfstrat.trials.designs.rules import make_rules
from igfstrat.trials.patients.assay import make_assay
from igfstrat.trials.scenario.scenario import Scenario


def expected_course(scenario: Scenario, design: str) -> dict[str, float]:
    """What a design takes until it ends, with looks at their expected times.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with sizes.
    design : str
        Name under `designs`, of one hypothesis or one look: its power has a closed form.

    Returns
    -------
    dict of float
        `cost`, `duration`, `randomized`, `screened`.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> scenario = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.25}}, "control": {"median": 12},
    ...     "accrual": {"randomized_uniformly_over": 24}, "designs": {"enrichment": {"n": 100, "events": 60}}})
    >>> round(expected_course(scenario, "enrichment")["screened"])
    400
    """
    times = np.array(look_times(scenario, design))
    ends = np.ones(1) if len(times) == 1 else _ends(scenario, design, times)
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    randomized = make_trial(scenario, design, assay).n_randomized(times)
    share = positive_share(scenario, design, assay)
    eligible = assay.with_result * min(assay.test_positive / max(share, 1e-300), 1.0)
    course = {"randomized": randomized, "screened": randomized / eligible, "duration": times}
    return {
        "cost": float(ends @ spent(scenario, course)),
        **{name: float(ends @ values) for name, values in course.items()},
    }


def _ends(scenario: Scenario, design: str, times: FloatArray) -> FloatArray:
    """Probability that each look is the last."""
    rules = make_rules(scenario, design, seed=0)  # of one hypothesis, planned without a draw
    trial = make_trial(scenario, design, population=rules.hypotheses[0])  # type: ignore[arg-type]
    crossing, _ = group_sequential_power(
        [logrank_moments(trial, time) for time in times],
        efficacy=rules.efficacy[:, 0],
        futility=np.append(rules.futility[:-1, 0], rules.efficacy[-1, 0]),
    )
    return np.asarray(crossing.reach - np.append(crossing.reach[1:], 0.0))
