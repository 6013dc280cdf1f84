"""Correlation of the tests of all patients and of a part of them, where no treatment does anything.

Usually it is taken for the root of the ratio of their events. An unstratified test of all patients is tied more
loosely to that of the positives where the marker is prognostic: by chance one arm has more of those who die sooner,
which moves the one statistic and not the other. Who splits the level by the usual value then errs too often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from igfstrat.trials._covariance import score_covariance
from igfstrat.trials._scenario_outcome import TreatmentSettings
from igfstrat.trials.closed_form import logrank_moments, make_trial
from igfstrat.trials.scenario import Scenario


def correlation_without_effect(
    scenario: Scenario, design: str, hypotheses: Sequence[str], *, time: float, usual: float
) -> float:
    """Correlation of two log-rank statistics by the covariance of their scores, at most the usual one.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    hypotheses : sequence of str
        `overall` and a part of it, in any order.
    time : float
        Calendar time of the last look.
    usual : float
        Root of the ratio of the events.

    Returns
    -------
    float
        The usual one where the scores have no such form (other statistics, death after progression).
    """
    known = scenario.test.statistic in ("logrank", "stratified_logrank") and scenario.response is None
    if not known or scenario.overall_survival is not None or not math.isfinite(time):
        return usual
    null = scenario.model_copy(update={"treatment": TreatmentSettings()})
    other = next(name for name in hypotheses if name != "overall")
    whole, part = (make_trial(null, design, population=name) for name in ("overall", other))  # type: ignore[arg-type]
    size = len(part.weights)
    # a trial lists its kinds with a positive test first
    kinds = slice(0, size) if other == "positive" else slice(-size, None)
    scale = math.sqrt(logrank_moments(whole, time).variance * logrank_moments(part, time).variance)
    return min(score_covariance(whole, kinds, time) / scale, usual) if scale > 0 else usual
