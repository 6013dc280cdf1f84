"""Operating characteristics of the designs of a scenario: simulate, judge, count, and compare with the closed form.

Every number carries its Monte-Carlo standard error. Blocks of a fixed size are simulated in any order by threads,
processes or a cluster and counted in their order, so that the same scenario gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from igfstrat._version import __version__
from igfstrat.parallel import Backend, content_key, map_replicates
from igfstrat.survival._types import FloatArray
from igfstrat.trials._accumulate import Share
from igfstrat.trials._counts import CLAIMS, LABELS, SIZES, Counts
from igfstrat.trials._power import closed_power, look_times
from igfstrat.trials.assay import make_assay
from igfstrat.trials.closed_form import cox_limit, make_trial
from igfstrat.trials.designs import Rules, decide, make_rules
from igfstrat.trials.engine import check_simulable, populations_of, simulate_trials
from igfstrat.trials.results import DesignResults, StudyResults
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.sizing import solve_sizes

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
        Whether the designs are simulated once more without any effect.

    Returns
    -------
    StudyResults
        Frozen.

    Raises
    ------
    UsageError
        If a design can't be simulated as it stands; all of the reasons for it.
    """
    scenario = solve_sizes(scenario)
    total = replicates or scenario.simulation.replicates
    key = scenario.simulation.seed if seed is None else seed
    for name in scenario.designs:
        check_simulable(scenario, name)
    settings = {"n_jobs": n_jobs, "backend": backend, "cluster": cluster, "checkpoints": checkpoints}
    runs = 2 if type_i_error else 1
    found: dict[str, DesignResults] = {}
    for index, name in enumerate(scenario.designs):
        before = index * runs * total

        def told(done: int, _all: int, base: int = before) -> None:
            if progress:
                progress(base + done, runs * total * len(scenario.designs))

        def told_null(done: int, _all: int, base: int = before + total) -> None:
            if progress:
                progress(base + done, runs * total * len(scenario.designs))

        rules = make_rules(scenario, name, seed=key)
        counted = _run(scenario, name, rules, total, key, False, settings | {"progress": told})
        null = (
            _run(scenario, name, rules, total, key, True, settings | {"progress": told_null})
            if type_i_error
            else None
        )
        found[name] = _results(scenario, name, rules, counted, null)
    return StudyResults(
        scenario=scenario.model_dump(mode="json", exclude_unset=True),
        replicates=total,
        seed=key,
        designs=found,
        warnings=tuple(_warnings(found, scenario.test.one_sided_alpha)),
    )


def _warnings(designs: dict[str, DesignResults], alpha: float) -> list[str]:
    said = []
    for name, found in designs.items():
        gap = found.closed_form["gap_in_standard_errors"] if found.closed_form else 0.0
        if abs(gap) > _DISAGREEMENT:
            said.append(f"{name}: simulation and closed form differ by {gap:.1f} standard errors")
        error = found.type_i_error
        if error is not None and error["value"] - 3 * error["mc_standard_error"] > alpha + _EXCESS:
            said.append(
                f"{name}: without any effect {100 * error['value']:.2f} % of the trials reject, above the nominal {100 * alpha:g} %"
            )
        share = found.infeasible["value"]
        if share > 0:
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
    trials = simulate_trials(
        scenario, design, seed=seed, first=start, replicates=stop - start, null=null, estimate=not null
    )
    settings = scenario.designs[design]
    decisions = decide(rules, trials, weights=settings.weights, transitions=settings.transitions)
    rows: dict[str, Any] = {"rejected": decisions.rejected}
    if null:
        return rows
    at = (np.arange(stop - start), decisions.last_look)
    whole = trials.populations.index("overall") if "overall" in trials.populations else 0
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
    counts = Counts(scenario, design, rules, truth)
    work = partial(trial_rows, scenario=scenario, design=design, rules=rules, seed=seed, null=null)
    name = content_key(_content(scenario, design, seed, null)) if settings["checkpoints"] else None
    wanted = scenario.simulation.precision
    for block in map_replicates(work, total, block=BLOCK, key=name, **settings):
        counts.add(block.rows)
        errors = [share.estimate()["mc_standard_error"] for share in (counts.any, *counts.each)]
        if wanted is not None and max(errors) <= wanted:
            break
    return counts


def _content(scenario: Scenario, design: str, seed: int, null: bool) -> dict[str, Any]:
    """Everything that decides the rows, and nothing else."""
    settings = scenario.model_dump(mode="json")
    for key in ("name", "designs", "simulation", "vary", "compare_at", "costs", "label"):
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


def _closed_form(
    scenario: Scenario, design: str, rules: Rules, power: dict[str, float]
) -> dict[str, Any] | None:
    """Power by the drift integral, and how far the simulated one is from it."""
    found = closed_power(scenario, design, rules)
    if found is None:
        return None
    gap = power["value"] - found["power"]
    return found | {"gap": gap, "gap_in_standard_errors": gap / power["mc_standard_error"]}


def _results(
    scenario: Scenario, design: str, rules: Rules, counts: Counts, null: Counts | None
) -> DesignResults:
    power = counts.any.estimate()
    infeasible, unfilled = counts.infeasible, counts.unfilled
    short = Share()
    short.hits, short.trials = infeasible.hits - unfilled.hits, infeasible.trials
    return DesignResults(
        name=design,
        kind=scenario.kind_of(design),
        replicates=counts.any.trials,
        power=power,
        conjunctive_power=counts.all.estimate(),
        hypotheses={
            name: {"power": share.estimate()["value"], **share.estimate()}
            for name, share in zip(rules.hypotheses, counts.each, strict=True)
        },
        type_i_error=null.any.estimate() if null is not None else None,
        **{name: counts.sizes[name].summary() for name in SIZES},
        hazard_ratio=_ratios(scenario, design, counts),
        selected={label: share.estimate() for label, share in counts.labels.items()},
        right_label=_right_label(scenario, design, rules, counts),
        stopped_at=tuple(
            {"look": k + 1, "ends": ends.estimate(), "futility": futile.estimate()}
            for k, (ends, futile) in enumerate(zip(counts.ends, counts.futile, strict=True))
        ),
        infeasible=infeasible.estimate(),
        infeasible_because={"too_few_events": short.estimate(), "too_few_patients": unfilled.estimate()},
        closed_form=_closed_form(scenario, design, rules, power),
        boundaries={
            name: {
                "information": rules.information[:, j].tolist(),
                "efficacy": rules.efficacy[:, j].tolist(),
                "futility": rules.futility[:, j].tolist(),
            }
            for j, name in enumerate(rules.hypotheses)
        },
    )


def _ratios(scenario: Scenario, design: str, counts: Counts) -> dict[str, Any]:
    names = populations_of(scenario, design)
    found = {
        name: {
            "true": float(counts.truth[j]),
            "mean_estimate": counts.ratios[j].summary(),
            "mean_log_bias": counts.logs[j].mean - float(np.log(counts.truth[j])),
            "mean_when_rejected": counts.rejected_ratios[j].summary(),
            "coverage": counts.covered[j].estimate(),
        }
        for j, name in enumerate(names)
    }
    main = found[names[0]]
    return {
        **main,
        "definition": "large-sample limit of the Cox estimate in the analysed population (by the test), at the expected "
        "calendar time of the design's last look",
        "by_stratum": {name: found[name] for name in ("positive", "negative") if name in found},
        "by_population": found,
    }


def _right_label(scenario: Scenario, design: str, rules: Rules, counts: Counts) -> dict[str, Any]:
    names = populations_of(scenario, design)
    truth = dict(zip(names, counts.truth, strict=True))
    benefit = tuple(
        s for s in ("negative", "positive") if truth.get(s, np.inf) < scenario.label.benefit_below
    )
    right = counts.labels[LABELS[benefit]]
    claims = dict(zip(rules.hypotheses, counts.each, strict=True))
    apart = {
        f"{name}_claim": {"right": set(CLAIMS[name]) <= set(benefit), **share.estimate()}
        for name, share in claims.items()
    }
    return {"all": right.estimate(), "right_label_is": LABELS[benefit], **apart, **right.estimate()}
