"""What a design takes in expectation, in closed form: patients, screenings, time and cost."""

from __future__ import annotations

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials._costs import spent
from igfstrat.trials._power import closed_power, look_times
from igfstrat.trials._trial import make_trial, positive_share
from igfstrat.trials.assay import make_assay
from igfstrat.trials.closed_form import group_sequential_power, logrank_moments
from igfstrat.trials.designs import Rules, make_rules
from igfstrat.trials.scenario import Scenario


def expected_course(scenario: Scenario, design: str) -> dict[str, float]:
    """Power, and what a design takes until it ends, with looks at their expected times.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with sizes.
    design : str
        Name under `designs`.

    Returns
    -------
    dict of float
        `power`, `cost`, `duration`, `randomized`, `screened`; empty where the power has no closed form.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> scenario = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.25}}, "control": {"median": 12},
    ...     "accrual": {"randomized_uniformly_over": 24}, "designs": {"enrichment": {"n": 100, "events": 60}}})
    >>> round(expected_course(scenario, "enrichment")["screened"])
    400
    """
    rules = make_rules(scenario, design, seed=0)
    found = closed_power(scenario, design, rules)
    times = np.array(look_times(scenario, design))
    if found is None or (len(rules.hypotheses) > 1 and len(times) > 1):
        return {}
    ends = _ends(scenario, design, rules, times)
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    randomized = make_trial(scenario, design, assay).n_randomized(times)
    share = positive_share(scenario, design, assay)
    eligible = assay.with_result * min(assay.test_positive / max(share, 1e-300), 1.0)
    course = {"randomized": randomized, "screened": randomized / eligible, "duration": times}
    return {
        "power": float(found["power"]),
        "cost": float(ends @ spent(scenario, course)),
        **{name: float(ends @ values) for name, values in course.items()},
    }


def _ends(scenario: Scenario, design: str, rules: Rules, times: FloatArray) -> FloatArray:
    """Probability that each look is the last."""
    if len(times) == 1:
        return np.ones(1)
    trial = make_trial(scenario, design, population=rules.hypotheses[0])  # type: ignore[arg-type]
    crossing, _ = group_sequential_power(
        [logrank_moments(trial, time) for time in times],
        efficacy=rules.efficacy[:, 0],
        futility=np.append(rules.futility[:-1, 0], rules.efficacy[-1, 0]),
    )
    return np.asarray(crossing.reach - np.append(crossing.reach[1:], 0.0))
