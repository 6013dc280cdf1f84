"""Operating characteristics of the designs of a scenario: simulate, judge, count, and compare with the closed form.

Every number carries its Monte-Carlo standard error. Blocks of a fixed size are simulated in any order by threads,
processes or a cluster and counted in their order, so that the same scenario gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat._version import __version__
from igfstrat.errors import UsageError
from igfstrat.parallel import Backend, content_key, map_replicates
from igfstrat.survival._types import FloatArray
from igfstrat.trials.adaptive.selection import Rule
from igfstrat.trials.closed_form.logrank import cox_limit
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.nulls import average_is_asked, false_on_average, make_average_one, n_runs
from igfstrat.trials.designs.power import look_times
from igfstrat.trials.designs.rules import Rules, decide, make_rules
from igfstrat.trials.designs.sizing import solve_sizes
from igfstrat.trials.patients.assay import make_assay
from igfstrat.trials.results.adaptive import (
    EnrichmentCounts,
    EnrichmentRules,
    cures,
    enrichment_rows,
    enrichment_rules,
    with_selection,
)
from igfstrat.trials.results.counts import Counts
from igfstrat.trials.results.design import design_results
from igfstrat.trials.results.study import DesignResults, StudyResults
from igfstrat.trials.results.threshold import (
    ThresholdCounts,
    ThresholdRules,
    error_warnings,
    threshold_rows,
    threshold_rules,
    with_chosen_cut,
)
from igfstrat.trials.scenario.design import CHOOSE_CUT, StatisticSettings
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import check_simulable, populations_of, simulate_trials
from igfstrat.trials.study.progress import in_parts

BLOCK = 500
_EXCESS = 0.002  # type I error above the nominal one that is reported
_DISAGREEMENT = 4.0  # standard errors between simulation and closed form that are reported


def simulate_scenario(
    scenario: Scenario,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    n_jobs: int = 1,
    backend: Backend = "threads",
    cluster: str | None = None,
    checkpoints: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    type_i_error: bool = True,
    selection_rules: Mapping[str, Rule] | None = None,
) -> StudyResults:
    """Simulate all designs of a scenario.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, see `expand_vary`.
    replicates, seed : int, optional
        Those of the scenario where left out.
    n_jobs : int
        Workers; the kernels let go of the interpreter's lock, so threads are enough on one machine.
    backend, cluster : str
        See `igfstrat.parallel.map_replicates`.
    checkpoints : Path, optional
        Folder in which finished blocks are kept; a later run takes up what it finds there.
    progress : callable, optional
        Called with the trials done and the trials to do, over all designs.
    type_i_error : bool
        Whether the designs are simulated once more under each null that is asked for.
    selection_rules : mapping, optional
        By the name of an adaptive design a rule in Python (`selection.Rule`) that is taken instead of its `selection`; it
        can't be told apart in checkpoints, and so goes without them.

    Returns
    -------
    StudyResults
        Frozen.

    Raises
    ------
    UsageError
        If a design can't be simulated as it stands; all of the reasons for it.
    """
    if selection_rules and checkpoints:
        message = "a selection rule in Python leaves no mark in checkpoints; run without them"
        raise UsageError(message)
    scenario = solve_sizes(scenario)
    total = replicates or scenario.simulation.replicates
    key = scenario.simulation.seed if seed is None else seed
    for name in scenario.designs:
        check_simulable(scenario, name)
    settings = {"n_jobs": n_jobs, "backend": backend, "cluster": cluster, "checkpoints": checkpoints}
    total_runs = sum(n_runs(scenario, name) if type_i_error else 1 for name in scenario.designs)
    tells = in_parts(progress, each=total, parts=total_runs)
    found: dict[str, DesignResults] = {}
    said: list[str] = []
    for name in scenario.designs:
        rules = design_rules(scenario, name, key, (selection_rules or {}).get(name))

        def simulated(truth: Scenario, null: bool, name: str = name, rules: Rules = rules) -> Counts:
            return _run(truth, name, rules, total, key, null, settings | {"progress": next(tells)})

        counted = simulated(scenario, False)
        null = simulated(scenario, True) if type_i_error else None
        plain = design_results(scenario, name, rules, counted, null)
        found[name] = with_chosen_cut(with_selection(plain, counted, null), counted)
        said += cures(found[name]) + error_warnings(scenario, found[name])
        if type_i_error and average_is_asked(scenario, name):
            balanced, ratio = make_average_one(scenario, name)
            error = _average_error(simulated(balanced, False), ratio)
            found[name] = replace(found[name], errors={**(found[name].errors or {}), "average_is_one": error})
        said += _unreachable(scenario, name, rules)
    return StudyResults(
        scenario=scenario.model_dump(mode="json", exclude_unset=True),
        replicates=total,
        seed=key,
        designs=found,
        warnings=(*said, *_warnings(found, scenario.test)),
    )


def _average_error(counts: Counts, ratio: float) -> dict[str, Any]:
    """How often false claims are made where the average hazard ratio is 1: any of them, and each."""
    false = false_on_average(counts.rules.hypotheses, ratio)
    each = dict(zip(counts.rules.hypotheses, counts.each, strict=True))
    return {
        "any": counts.any_of(false),
        "hypotheses": {name: each[name].estimate() for name in false},
        "negative_hazard_ratio": ratio,
    }


def design_rules(scenario: Scenario, design: str, seed: int, rule: Rule | None) -> Rules:
    """The rules of a design of any kind.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study.
    rule : callable or None
        Selection by a function of Python, of adaptive enrichment.

    Returns
    -------
    Rules
        Those of the design's kind.
    """
    kind = scenario.kind_of(design)
    if kind == "adaptive_enrichment":
        return enrichment_rules(scenario, design, seed=seed, rule=rule)
    if kind in CHOOSE_CUT:
        return threshold_rules(scenario, design)
    return make_rules(scenario, design, seed=seed)


def _unreachable(scenario: Scenario, design: str, rules: Rules) -> list[str]:
    """Looks whose level is below the smallest p-value that the permutations can show."""
    if scenario.test.critical_values == "normal":
        return []
    smallest = 1 / (scenario.test.permutations + 1)
    hidden = [k + 1 for k, bound in enumerate(rules.efficacy.min(axis=1)) if ndtr(-bound) < smallest]
    levels = ", ".join(f"look {k} ({ndtr(-rules.efficacy[k - 1].min()):.2g})" for k in hidden)
    return [f"{design}: {levels} needs more than {scenario.test.permutations} permutations"] if hidden else []


def _warnings(designs: dict[str, DesignResults], test: StatisticSettings) -> list[str]:
    said, alpha = [], test.one_sided_alpha
    offer = "; `test: {critical_values: permutation}` holds it" if test.critical_values == "normal" else ""
    for name, found in designs.items():
        gap = found.closed_form["gap_in_standard_errors"] if found.closed_form else 0.0
        if abs(gap) > _DISAGREEMENT:
            said.append(f"{name}: simulation and closed form differ by {gap:.1f} standard errors")
        errors = {"without any effect": found.type_i_error}
        if found.errors and "average_is_one" in found.errors:
            errors["where the average hazard ratio is 1,"] = found.errors["average_is_one"]["any"]
        for where, error in errors.items():
            if error is not None and error["value"] - 3 * error["mc_standard_error"] > alpha + _EXCESS:
                said.append(
                    f"{name}: {where} {100 * error['value']:.2f} % of the trials claim what is false, above the nominal {100 * alpha:g} %{offer}"
                )
        share = found.infeasible["value"]
        if share > 0 and not cures(found):  # which say it with the cause
            said.append(f"{name}: {100 * share:.1f} % of the trials end without what was planned")
    return said


def trial_rows(
    start: int, stop: int, *, scenario: Scenario, design: str, rules: Rules, seed: int, null: bool
) -> dict[str, Any]:
    """Simulate and judge a range of replicates.

    Parameters
    ----------
    start, stop : int
        The range, `stop` not included.
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.
    rules : Rules
        Of the design.
    seed : int
        Of the study.
    null : bool
        Whether the experimental arm does nothing.

    Returns
    -------
    dict of ndarray, one row a replicate
        Decisions, and what there was when the trial ended.
    """
    if isinstance(rules, EnrichmentRules):
        return enrichment_rows(
            start, stop, scenario=scenario, design=design, rules=rules, seed=seed, null=null
        )
    if isinstance(rules, ThresholdRules):
        return threshold_rows(start, stop, scenario=scenario, design=design, seed=seed, null=null)
    trials = simulate_trials(
        scenario,
        design,
        seed=seed,
        first=start,
        replicates=stop - start,
        null=null,
        # without effect only a rule of harm asks for a hazard ratio
        estimate=not null or (rules.harm is not None and rules.harm.hazard_ratio_above is not None),
    )
    settings = scenario.designs[design]
    decisions = decide(rules, trials, weights=settings.weights, transitions=settings.transitions)
    rows: dict[str, Any] = {"rejected": decisions.rejected}
    if rules.harm is not None:
        rows["harmed"] = decisions.harmed
    if null:
        return rows
    at = (np.arange(stop - start), decisions.last_look)
    whole = trials.populations.index("overall") if "overall" in trials.populations else 0
    if trials.deaths is not None:
        rows |= {"deaths": trials.deaths.events[at], "death_log_ratio": trials.deaths.log_hazard_ratio[at]}
    return rows | {
        "last_look": decisions.last_look,
        "futile": decisions.futile,
        "infeasible": decisions.infeasible,
        "unfilled": decisions.infeasible & (trials.randomized[at] < (settings.n or 0)),
        "events": trials.events[at][:, whole],
        "randomized": trials.randomized[at],
        "screened": trials.screened[at],
        "duration": trials.cut[at],
        "log_hazard_ratio": trials.log_hazard_ratio[at],
        "std_error": trials.std_error[at],
    }


def _run(
    scenario: Scenario, design: str, rules: Rules, total: int, seed: int, null: bool, settings: dict[str, Any]
) -> Counts:
    truth = _truth(scenario, design, rules)
    if isinstance(rules, EnrichmentRules):
        counts: Counts = EnrichmentCounts(scenario, design, rules, truth)
    elif isinstance(rules, ThresholdRules):
        counts = ThresholdCounts(scenario, design, rules, truth)
    else:
        counts = Counts(scenario, design, rules, truth)
    work = partial(trial_rows, scenario=scenario, design=design, rules=rules, seed=seed, null=null)
    name = content_key(_content(scenario, design, seed, null)) if settings["checkpoints"] else None
    wanted = scenario.simulation.precision
    for block in map_replicates(work, total, block=BLOCK, key=name, **settings):
        counts.add(block.rows)
        errors = [share.estimate()["mc_standard_error"] for share in (counts.any, *counts.each)]
        if wanted is not None and max(errors) <= wanted:
            settings["progress"](total, total)  # what is left is not needed
            break
    return counts


def _content(scenario: Scenario, design: str, seed: int, null: bool) -> dict[str, Any]:
    """Everything that decides the rows, and nothing else."""
    settings = scenario.model_dump(mode="json")
    for key in ("name", "designs", "simulation", "vary", "compare_at", "costs", "label", "history", "search"):
        settings.pop(key)
    chosen = scenario.designs[design].model_dump(mode="json")
    return {
        "version": __version__,
        "settings": settings,
        "kind": scenario.kind_of(design),
        "design": chosen,
        "seed": seed,
        "null": null,
    }


def _truth(scenario: Scenario, design: str, rules: Rules) -> FloatArray:
    """Large-sample Cox hazard ratio of each population at the design's last look; NaN where there is none."""
    names = populations_of(scenario, design)
    time = look_times(scenario, design)[-1] if scenario.response is None else float("inf")
    if not np.isfinite(time):
        return np.full(len(names), np.nan)
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    share = {"positive": assay.test_positive, "negative": 1 - assay.test_positive}
    return np.array(
        [
            cox_limit(make_trial(scenario, design, assay, population=name), time)  # type: ignore[arg-type]
            if share.get(name, 1.0) > 0
            else np.nan
            for name in names
        ]
    )
