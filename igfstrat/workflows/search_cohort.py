"""What the cohort behind a search leaves open: the power of the best design, and the prevalence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from igfstrat.trials.from_cohort.facts import CohortPoint
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.scenario.search import SearchSettings
from igfstrat.trials.search.cheapest import SearchResults
from igfstrat.trials.search.sensitivity import sized_scenario
from igfstrat.trials.study.progress import Progress, named
from igfstrat.workflows.cohort_open import RESAMPLING, power_left
from igfstrat.workflows.cohort_scenario import CohortScenario


def with_cohort_prior(results: SearchResults, cohort: CohortScenario | None) -> SearchResults:
    """Results in which the share of positives is as uncertain as a cohort's patients leave it.

    Parameters
    ----------
    results : SearchResults
        Of a search.
    cohort : CohortScenario or None
        Behind its scenario.

    Returns
    -------
    SearchResults
        With a prior of the prevalence; as they are without a cohort.
    """
    prevalence = results.scenario.marker.prevalence
    if cohort is None or prevalence is None or prevalence.value is None or not 0 < prevalence.value < 1:
        return results
    fit, counts = cohort.fit, cohort.facts
    error = math.sqrt(fit.test_positive * (1 - fit.test_positive) / counts.n_with_result)
    if prevalence.of == "truth":
        error /= fit.sensitivity + fit.specificity - 1
    prior = prevalence.model_copy(update={"mean": prevalence.value, "sd": error, "value": None})
    marker = results.scenario.marker.model_copy(update={"prevalence": prior})
    return replace(results, scenario=results.scenario.model_copy(update={"marker": marker}))


def best_left_open(
    cohort: CohortScenario | None, results: SearchResults, *, n_jobs: int, cluster: str | None, progress: Progress | None
) -> CohortPoint | None:  # fmt: skip
    """What the cohort leaves open of the best design.

    Parameters
    ----------
    cohort : CohortScenario or None
        Behind the scenario.
    results : SearchResults
        Of the search.
    n_jobs, cluster, progress : as in `search_designs`
        How it is computed.

    Returns
    -------
    CohortPoint or None
        None without a cohort, or a best design.
    """
    if cohort is None or results.best is None:
        return None
    scenario = sized_scenario(results, results.best)
    left = power_left(
        cohort, scenario, seed=results.seed, chosen=_chosen(results, results.best), n_jobs=n_jobs, cluster=cluster,
        progress=named(progress, RESAMPLING),
    )  # fmt: skip
    return CohortPoint(values={}, scenario=scenario, left=left)


def _chosen(results: SearchResults, index: int) -> dict[str, Any]:
    """Value by path of what a candidate chose beside its sizes."""
    found: dict[str, Any] = {}
    for name, value in results.space.candidate(index).choices.items():
        if isinstance(value, Mapping) and name.split(".")[0] not in Scenario.model_fields:
            found |= {path: what for path, what in value.items() if path != "name"}
        elif name not in SearchSettings.model_fields:
            found[name] = value
    return found
