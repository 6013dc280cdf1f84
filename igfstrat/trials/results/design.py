"""The results of one design: what was counted over its trials, beside the truth and the closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from igfstrat.trials.closed_form.logrank import cox_limit
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.power import closed_power, look_times, no_closed_power
from igfstrat.trials.designs.rules import Rules
from igfstrat.trials.numerics.sums import Share
from igfstrat.trials.results.counts import CLAIMS, LABELS, SIZES, Counts
from igfstrat.trials.results.study import DesignResults
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import populations_of


def design_results(
    scenario: Scenario, design: str, rules: Rules, counts: Counts, null: Counts | None
) -> DesignResults:
    """The results of one design, from what was counted with its effect and, where simulated, without any.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    rules : Rules
        By which its trials were judged.
    counts : Counts
        Over trials with the effect.
    null : Counts or None
        Over trials without any.

    Returns
    -------
    DesignResults
        Beside the truth and the closed form.
    """
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
        errors={"none_in_either": _errors(rules, null)} if null is not None else None,
        **{name: counts.sizes[name].summary() for name in SIZES},
        hazard_ratio=_ratios(scenario, design, counts),
        selected={label: share.estimate() for label, share in counts.labels.items()},
        right_label=_right_label(scenario, design, rules, counts),
        stopped_at=tuple(
            {"look": k + 1, "ends": ends.estimate(), "futility": futile.estimate()}
            for k, (ends, futile) in enumerate(zip(counts.ends, counts.futile, strict=True))
        ),
        overall_survival=_survival(scenario, design, counts, null),
        infeasible=infeasible.estimate(),
        infeasible_because={"too_few_events": short.estimate(), "too_few_patients": unfilled.estimate()},
        closed_form=_closed_form(scenario, design, rules, power),
        no_closed_form=no_closed_power(scenario, design, rules),
        boundaries={
            name: {
                "information": rules.information[:, j].tolist(),
                "efficacy": rules.efficacy[:, j].tolist(),
                "futility": rules.futility[:, j].tolist(),
            }
            for j, name in enumerate(rules.hypotheses)
        },
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


def _errors(rules: Rules, null: Counts) -> dict[str, Any]:
    each = {name: share.estimate() for name, share in zip(rules.hypotheses, null.each, strict=True)}
    return {"any": null.any.estimate(), "hypotheses": each}


def _survival(scenario: Scenario, design: str, counts: Counts, null: Counts | None) -> dict[str, Any] | None:
    """Death beside the endpoint: what the trials find, and how often they stop for harm."""
    if counts.deaths.n == 0:
        return None
    found: dict[str, Any] = {
        "n_deaths": counts.deaths.summary(),
        "hazard_ratio": {
            "true": _true_death_ratio(scenario, design),
            "definition": "large-sample limit of the Cox estimate for death in everybody randomized, at the expected"
            " calendar time of the design's last look",
            "mean_estimate": counts.death_ratios.summary(),
        },
    }
    if counts.rules.harm is None:
        return found
    without = {"harm_without_effect": null.harmed.estimate()} if null is not None else {}
    by_look = [share.estimate() for share in counts.harmed_at]
    return found | {"harm": counts.harmed.estimate(), "harm_ends_at": by_look, **without}


def _true_death_ratio(scenario: Scenario, design: str) -> float:
    time = look_times(scenario, design)[-1]
    if not np.isfinite(time):
        return float("nan")
    dying = scenario.model_copy(update={"endpoint": "os", "scans": None})
    return cox_limit(make_trial(dying, design), time)


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
