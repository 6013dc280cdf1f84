"""What is counted over the trials of an adaptive design: its rows, who was selected, why trials were infeasible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.adaptive.after_selection import EstimatorCounts, estimates_after_selection
from igfstrat.trials.adaptive.go_no_go import go_no_go
from igfstrat.trials.adaptive.patients import AdaptiveTrials, rules_of, simulate_adaptive
from igfstrat.trials.adaptive.selection import Rule
from igfstrat.trials.adaptive.stages import AdaptiveRules
from igfstrat.trials.designs.rules import Rules
from igfstrat.trials.numerics.sums import Share
from igfstrat.trials.results.counts import Counts
from igfstrat.trials.results.study import DesignResults
from igfstrat.trials.scenario.scenario import Scenario

# why a trial ended without what was planned, and what would cure it
CAUSES: Final = {
    "interim_not_reached": "plan the interim at fewer events, or with more patients or a longer trial",
    "first_stage_incomplete": "take fewer events of the first stage (first_stage_events), or follow the first stage for longer",
    "too_few_patients_after_selection": "the selected come too slowly: screen more a month, or allow a longer trial",
    "too_few_events_after_selection": "the selected run out of events: take more patients, fewer events or a longer trial",
    "no_statistic_after_selection": "the selected part is too small to be tested: give it patients or events of its own",
}
NOT_SELECTED: Final = (
    "of a design that selects, the truth is that of patients as they are screened, and the estimates are of whom each trial enrolled:"
    " of everybody only where it went on with all, as in after_selection"
)
_PARTS: Final = ("nobody", "negative", "positive", "everybody")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EnrichmentRules(Rules):
    """Rules of an adaptive design in the form of the others'; the boundaries are those of the combination.

    Parameters
    ----------
    adaptive : AdaptiveRules
        What decides.
    """

    adaptive: AdaptiveRules


def enrichment_rules(
    scenario: Scenario, design: str, *, seed: int, rule: Rule | None = None
) -> EnrichmentRules:
    """The rules of an adaptive enrichment design.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study.
    rule : callable, optional
        A rule in Python instead of that of `selection`.

    Returns
    -------
    EnrichmentRules
        Made before any of its trials is looked at.
    """
    rules = rules_of(scenario, design, seed=seed, rule=rule)
    m = len(rules.hypotheses)
    fractions = np.cumsum(rules.events) / rules.events.sum()
    futility = np.append(rules.futility, -np.inf)
    return EnrichmentRules(
        hypotheses=rules.hypotheses,
        alpha=rules.alpha,
        method=rules.closure.method,
        information=np.repeat(fractions[:, None], m, axis=1),
        efficacy=np.repeat(rules.combination.critical[:, None], m, axis=1),
        futility=np.repeat(futility[:, None], m, axis=1),
        correlation=float("nan"),
        levels=np.array([rules.alpha]),
        table=np.zeros((m, rules.n_stages, 1)),
        adaptive=rules,
    )


def enrichment_rows(
    start: int, stop: int, *, scenario: Scenario, design: str, rules: EnrichmentRules, seed: int, null: bool
) -> dict[str, Any]:
    """Simulate and judge a range of replicates, see `operating.trial_rows`.

    Parameters
    ----------
    start, stop : int
        The range, `stop` not included.
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.
    rules : EnrichmentRules
        Of the design.
    seed : int
        Of the study.
    null : bool
        Whether the experimental arm does nothing.

    Returns
    -------
    dict of ndarray, one row a replicate
        Decisions, what there was when the trial ended, the selection and the estimates after it.
    """
    r = stop - start
    trials = simulate_adaptive(
        scenario,
        design,
        seed=seed,
        rules=rules.adaptive,
        first=start,
        replicates=r,
        null=null,
        estimate=not null,
    )
    courses = trials.courses
    gone = {"parts": courses.parts[:, 1:], "kept": courses.kept[:, 1:].reshape(r, -1)}
    if null:
        return {"rejected": courses.rejected, **gone}
    end = trials.looks[np.arange(r), courses.last_stage]
    cause = _causes(scenario, design, rules.adaptive, trials)
    return {
        "rejected": courses.rejected,
        "last_look": courses.last_stage,
        "futile": courses.futile,
        "infeasible": cause > 0,
        "unfilled": cause == 1 + list(CAUSES).index("too_few_patients_after_selection"),
        "events": end[:, 4],
        "randomized": end[:, 1],
        "screened": end[:, 2],
        "duration": end[:, 0],
        "log_hazard_ratio": trials.pooled[..., 5],
        "std_error": trials.pooled[..., 6],
        "cause": cause,
        **gone,
        "planned_events": courses.events.sum(axis=1),
        "estimates": estimates_after_selection(rules.adaptive, trials).reshape(r, -1),
    }


def _causes(scenario: Scenario, design: str, rules: AdaptiveRules, trials: AdaptiveTrials) -> IntArray:
    """Place among `CAUSES` from 1, the first that holds; 0 for a trial that had all that it needed."""
    courses, looks, r = trials.courses, trials.looks, len(trials.looks)
    at = np.arange(r), courses.last_stage
    short = looks[at][:, 3] != 1
    on = courses.last_stage > 0
    full = looks[at][:, 1] >= (scenario.designs[design].n or 0)
    by_patient = rules.increments == "stage_by_patient"
    kept, z = courses.kept[at], courses.stage_z[at]
    tested = (on | (not by_patient)) & ~courses.futile
    found = [
        trials.interim_reached != 1,
        by_patient & ~courses.futile & (looks[:, 0, 3] != 1),
        on & short & ~full,
        on & short & full,
        tested & (kept & np.isnan(z)).any(axis=1),
    ]
    return np.select(found, list(range(1, len(CAUSES) + 1)), 0)


class EnrichmentCounts(Counts):
    """The counts of an adaptive design: those of all designs, the selection, the causes and the estimators."""

    def __init__(self, scenario: Scenario, design: str, rules: EnrichmentRules, truth: FloatArray) -> None:
        super().__init__(scenario, design, rules, truth)
        self.adaptive = rules.adaptive
        interims, m = rules.adaptive.n_stages - 1, len(rules.hypotheses)
        self.parts = [[Share() for _ in _PARTS] for _ in range(interims)]
        self.kept = [[Share() for _ in range(m)] for _ in range(interims)]
        self.causes = {name: Share() for name in CAUSES}
        self.more_events = Share()
        self.planned = float(rules.adaptive.events.sum())
        self.estimators = EstimatorCounts(rules.hypotheses, truth[:m])

    def add(self, rows: dict[str, Any]) -> None:
        """Count a block.

        Parameters
        ----------
        rows : dict of ndarray, shape (r, ...)
            Of `enrichment_rows`.
        """
        super().add(rows)
        r, m = len(rows["kept"]), len(self.rules.hypotheses)
        kept = rows["kept"].reshape(r, -1, m)
        for k, (parts, hypotheses) in enumerate(zip(self.parts, self.kept, strict=True)):
            for code, share in enumerate(parts):
                share.add(rows["parts"][:, k] == code)
            for i, share in enumerate(hypotheses):
                share.add(kept[:, k, i])
        if "cause" not in rows:
            return
        for code, share in enumerate(self.causes.values(), start=1):
            share.add(rows["cause"] == code)
        self.more_events.add(rows["planned_events"] > self.planned + 0.5)
        self.estimators.add(rows["estimates"].reshape(r, m, -1, 2))

    def interims(self) -> list[dict[str, Any]]:
        """With whom the trials went on after each interim.

        Returns
        -------
        list of dict
            Probabilities of the parts that are enrolled (`goes_on_in`), and of each hypothesis to be kept (`hypotheses`).
        """
        return [
            {
                "goes_on_in": {name: share.estimate() for name, share in zip(_PARTS, parts, strict=True)},
                "hypotheses": {
                    name: share.estimate() for name, share in zip(self.rules.hypotheses, kept, strict=True)
                },
            }
            for parts, kept in zip(self.parts, self.kept, strict=True)
        ]


def with_selection(found: DesignResults, counts: Counts, null: Counts | None = None) -> DesignResults:
    """The results of a design with what an adaptive one has beside them.

    Parameters
    ----------
    found : DesignResults
        As of any design.
    counts : Counts
        Of the same trials.
    null : Counts, optional
        Of trials in which the experimental arm does nothing.

    Returns
    -------
    DesignResults
        Under `selected` the interims (`interims`, and where `null` is given `interims_without_effect`) and what a Bayesian
        go or no-go rests on (`go_no_go`). Unchanged for a design without adaptation.
    """
    if not isinstance(counts, EnrichmentCounts):
        return found
    selection: dict[str, Any] = {
        "interims": counts.interims(),
        "more_events_than_planned": counts.more_events.estimate(),
    }
    if isinstance(null, EnrichmentCounts):
        selection["interims_without_effect"] = null.interims()
    if counts.adaptive.rule is None:  # else a function in Python decided
        rules = counts.adaptive
        selection |= go_no_go(rules.selection, rules.hypotheses, per_event=rules.per_event)
    return replace(
        found,
        selected=found.selected | selection,
        hazard_ratio=found.hazard_ratio
        | {
            "definition": f"{found.hazard_ratio['definition']}; {NOT_SELECTED}",
            "after_selection": counts.estimators.summary(),
        },
        infeasible_because={name: share.estimate() for name, share in counts.causes.items()},
    )


def cures(found: DesignResults) -> list[str]:
    """What would cure the infeasible trials of an adaptive design, by cause.

    Parameters
    ----------
    found : DesignResults
        Of any design.

    Returns
    -------
    list of str
        A sentence for each cause that came up.
    """
    return [
        f"{found.name}: {100 * share['value']:.1f} % of the trials: {cause.replace('_', ' ')}; {CAUSES[cause]}"
        for cause, share in found.infeasible_because.items()
        if cause in CAUSES and share["value"] > 0
    ]
