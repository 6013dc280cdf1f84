"""What a trial costs: its screenings, its patients and its months."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials.patients.assay import make_assay
from igfstrat.trials.scenario.scenario import Scenario

MONTHS: Final = {"days": 12 / 365.25, "weeks": 12 * 7 / 365.25, "months": 1.0, "years": 12.0}


def spent(scenario: Scenario, course: Mapping[str, Any]) -> FloatArray:
    """Cost of trials.

    Parameters
    ----------
    scenario : Scenario
        With its `costs`.
    course : mapping of ndarray of float64, shape (r,)
        `screened` and `randomized` patients, `duration` in the scenario's unit.

    Returns
    -------
    ndarray of float64, shape (r,)
        In `costs.currency`; a sample without a result is paid for again where it is drawn again.
    """
    costs = scenario.costs
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    return np.asarray(
        costs.screen * assay.tests_per_patient * course["screened"]
        + costs.patient * course["randomized"]
        + costs.month * course["duration"] * MONTHS[scenario.time_unit]
    )
