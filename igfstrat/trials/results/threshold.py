"""What is counted over the trials of a design that chooses a cut: which cut, whom it leaves, and the effect above it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.special import ndtri

from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials.designs.power import look_times
from igfstrat.trials.designs.rules import Rules
from igfstrat.trials.numerics.sums import Mean, Share
from igfstrat.trials.results.counts import Counts
from igfstrat.trials.results.study import DesignResults
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import populations_of
from igfstrat.trials.threshold.intervals import MarkerIntervals, make_intervals, true_ratios
from igfstrat.trials.threshold.patients import cut_rules, simulate_threshold
from igfstrat.trials.threshold.rules import CutRules
from igfstrat.trials.threshold.switched_enrolment import enrolled_ratios

_LOG_RATIO, _STD_ERROR, _EVENTS, _PATIENTS = 5, 6, 1, 3  # columns of a population, see `kernels.look`
_Z95: Final = 1.959963984540054
DEFINITION: Final = (
    "patients at or above the chosen cut by the measured marker; true: large-sample limit of the Cox estimate in them, at"
    " the expected calendar time of the design's look; estimate: of all of them, or with a split of those who test"
)


ENROLLED: Final = (
    "of a design that chooses its cut at an interim: those whom it enrolled, all comers until the interim and from then on those at"
    " or above the chosen cut; true: large-sample limit of the Cox estimate in that very mixture at its expected end, as geometric"
    " mean over the trials; positive and negative by the marker's own cut"
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ThresholdRules(Rules):
    """Rules of a design that chooses a cut in the form of the others'; the boundary of the cut is that of one candidate.

    Parameters
    ----------
    cuts : CutRules
        What decides.
    intervals : MarkerIntervals
        Of the marker.
    """

    cuts: CutRules
    intervals: MarkerIntervals


def threshold_rules(scenario: Scenario, design: str) -> ThresholdRules:
    """The rules of a design that chooses a cut.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.

    Returns
    -------
    ThresholdRules
        Made before any of its trials is looked at.
    """
    rules = cut_rules(scenario, design)
    h = len(rules.hypotheses)
    events = np.array(scenario.designs[design].events or (1,), dtype=np.float64)
    bounds = -ndtri(rules.levels)[None, :]
    if rules.combination is not None:
        bounds = rules.combination.critical[:, None]
    return ThresholdRules(
        hypotheses=rules.hypotheses,
        alpha=rules.alpha,
        method="spiessens_debois" if rules.joint else "bonferroni" if h == 2 else "none",
        information=np.repeat((events / events[-1])[:, None], h, axis=1),
        efficacy=bounds,
        futility=np.full((len(events), h), -np.inf),
        correlation=float("nan"),
        levels=np.array([rules.alpha]),
        table=np.zeros((h, len(events), 1)),
        cuts=rules,
        intervals=make_intervals(scenario, design),
    )


def threshold_rows(
    start: int, stop: int, *, scenario: Scenario, design: str, seed: int, null: bool
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
    seed : int
        Of the study.
    null : bool
        Whether the experimental arm does nothing.

    Returns
    -------
    dict of ndarray, one row a replicate
        Decisions, what there was when the trial ended, the chosen cut and the estimate above it.
    """
    r = stop - start
    trials = simulate_threshold(
        scenario, design, seed=seed, first=start, replicates=r, null=null, estimate=not null
    )
    rejected, chosen = trials.decisions.rejected, trials.decisions.chosen
    if null:
        return {"rejected": rejected, "chosen": chosen}
    looks, whole, above = trials.looks, trials.whole, trials.above
    order = [("overall", "positive", "negative").index(name) for name in populations_of(scenario, design)]
    infeasible = (looks[:, 3] != 1) | (chosen < 0)
    return {
        "rejected": rejected,
        "chosen": chosen,
        "above_log_ratio": above[:, _LOG_RATIO],
        "above_std_error": above[:, _STD_ERROR],
        "above_patients": above[:, _PATIENTS],
        "above_events": above[:, _EVENTS],
        "last_look": trials.decisions.last_look,
        "futile": np.zeros(r, bool),
        "infeasible": infeasible,
        "unfilled": infeasible & (looks[:, 1] < (scenario.designs[design].n or 0)),
        "events": whole[:, 0, _EVENTS],
        "randomized": looks[:, 1],
        "screened": looks[:, 2],
        "duration": looks[:, 0],
        "log_hazard_ratio": whole[:, order, _LOG_RATIO],
        "std_error": whole[:, order, _STD_ERROR],
    }


class _Chosen:
    """Sums over trials that chose: shares of the cuts, of the patients above, and the hazard ratio there."""

    def __init__(self, candidates: int) -> None:
        self.cuts = [Share() for _ in range(candidates)]
        self.share, self.patients, self.events = Mean(whole=False), Mean(), Mean()
        self.truth, self.estimate = Mean(whole=False), Mean(whole=False)
        self.gap, self.square, self.covered = Mean(whole=False), Mean(whole=False), Share()

    def add(self, rows: dict[str, Any], of: BoolArray, truth: FloatArray, share: FloatArray) -> None:
        """Count the trials that are asked for."""
        chosen = rows["chosen"][of]
        for k, kept in enumerate(self.cuts):
            kept.add(chosen == k)
        known = chosen >= 0
        index = chosen[known]
        self.share.add(share[index])
        self.truth.add(truth[index])
        self.patients.add(rows["above_patients"][of][known])
        self.events.add(rows["above_events"][of][known])
        log_ratio, error = rows["above_log_ratio"][of][known], rows["above_std_error"][of][known]
        gap = log_ratio - np.log(truth[index])
        self.estimate.add(np.exp(log_ratio))
        self.gap.add(gap)
        self.square.add(gap**2)
        finite = np.isfinite(gap)
        self.covered.add(np.abs(gap[finite]) <= _Z95 * error[finite])

    def summary(self) -> dict[str, Any]:
        """Of the share of patients, and of the hazard ratio true and estimated."""
        gap, square = self.gap.summary(), self.square.summary()
        return {
            "chosen": [share.estimate() for share in self.cuts],
            "share_at_or_above": self.share.summary(),
            "patients_who_test": self.patients.summary(),
            "events_of_them": self.events.summary(),
            "true_hazard_ratio": self.truth.summary(),
            "mean_estimate": self.estimate.summary(),
            "log_bias": {"value": gap["mean"], "mc_standard_error": gap["mc_standard_error"]},
            "log_mean_squared_error": {
                "value": square["mean"],
                "mc_standard_error": square["mc_standard_error"],
            },
            "coverage": self.covered.estimate(),
        }


class _Enrolled:
    """Hazard ratios of whom each trial enrolled, against the truth of that very mixture."""

    def __init__(self, names: tuple[str, ...], truth: FloatArray) -> None:
        self.names, self.log_truth = names, np.log(truth)
        self.true, self.gap = ([Mean(whole=False) for _ in names] for _ in range(2))
        self.covered = [Share() for _ in names]

    def add(self, rows: dict[str, Any]) -> None:
        """Count a block."""
        # the last row is that of trials that ended at their interim
        place = np.where(rows["last_look"] == 1, rows["chosen"], len(self.log_truth) - 1)
        own, error = self.log_truth[place], rows["std_error"]
        gap = rows["log_hazard_ratio"] - own
        for j in range(len(self.names)):
            known = np.isfinite(gap[:, j])
            self.true[j].add(own[known, j])
            self.gap[j].add(gap[known, j])
            self.covered[j].add(np.abs(gap[known, j]) <= _Z95 * error[known, j])

    def put_into(self, hazard_ratio: dict[str, Any]) -> dict[str, Any]:
        """Hazard ratios of a design with these truths instead of that of all comers."""
        found: dict[str, dict[str, Any]] = {
            name: hazard_ratio["by_population"][name]
            | {
                "true": float(np.exp(self.true[j].mean)) if self.true[j].n else float("nan"),
                "mean_log_bias": self.gap[j].mean if self.gap[j].n else float("nan"),
                "coverage": self.covered[j].estimate(),
            }
            for j, name in enumerate(self.names)
        }
        strata = {name: found[name] for name in hazard_ratio["by_stratum"]}
        return found[self.names[0]] | {
            "definition": ENROLLED,
            "by_stratum": strata,
            "by_population": found,
        }


class ThresholdCounts(Counts):
    """The counts of a design that chooses a cut: those of all designs, and what it chose, in all and where it claims."""

    def __init__(self, scenario: Scenario, design: str, rules: ThresholdRules, truth: FloatArray) -> None:
        super().__init__(scenario, design, rules, truth)
        self.intervals = rules.intervals
        time = look_times(scenario, design)[-1]
        self.above = true_ratios(scenario, design, rules.intervals, time)
        k = len(self.above)
        self.chosen, self.claimed = _Chosen(k), _Chosen(k)
        self.at_interim = rules.cuts.combination is not None
        self.enrolled: _Enrolled | None = None

    def add(self, rows: dict[str, Any]) -> None:
        """Count a block.

        Parameters
        ----------
        rows : dict
            Of `threshold_rows`, arrays of one row a trial.
        """
        super().add(rows)
        if "above_events" not in rows:
            return
        share = self.intervals.share_above
        self.chosen.add(rows, np.full(len(rows["chosen"]), True), self.above, share)
        self.claimed.add(rows, rows["rejected"][:, -1], self.above, share)
        if self.at_interim:
            self.enrolled = self.enrolled or self._enrolled()
            self.enrolled.add(rows)

    def _enrolled(self) -> _Enrolled:
        names = populations_of(self.scenario, self.design)
        return _Enrolled(names, enrolled_ratios(self.scenario, self.design, self.intervals, names))


def with_chosen_cut(found: DesignResults, counts: Counts) -> DesignResults:
    """The results of a design with the cut that it chose, where it chooses one.

    Parameters
    ----------
    found : DesignResults
        As of any design.
    counts : Counts
        Of the same trials.

    Returns
    -------
    DesignResults
        With `chosen_cut` under `selected`: candidates, and the distribution over all trials (`in_all`) and over those that claim
        an effect at or above it (`when_claimed`); where it was chosen at an interim, hazard ratios against the truth of whom the
        trials enrolled. Unchanged for a design that chooses none.
    """
    if not isinstance(counts, ThresholdCounts):
        return found
    share = counts.intervals.share_above
    candidates = [
        {"cut": float(cut), "share_at_or_above": float(share[k]), "true_hazard_ratio": float(counts.above[k])}
        for k, cut in enumerate(counts.intervals.candidates)
    ]
    chosen: dict[str, Any] = {
        "definition": DEFINITION,
        "candidates": candidates,
        "in_all": counts.chosen.summary(),
        "when_claimed": counts.claimed.summary(),
    }
    ratio = found.hazard_ratio
    if counts.enrolled is not None:
        ratio = counts.enrolled.put_into(ratio)
    return replace(found, selected=found.selected | {"chosen_cut": chosen}, hazard_ratio=ratio)


def error_warnings(scenario: Scenario, found: DesignResults) -> list[str]:
    """What a reader of an unadjusted design must know.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    found : DesignResults
        Of any design.

    Returns
    -------
    list of str
        A sentence where the level is not kept on purpose, with the error that was found.
    """
    if not scenario.designs[found.name].allow_unadjusted_maximum or found.type_i_error is None:
        return []
    error, alpha = found.type_i_error["value"], scenario.test.one_sided_alpha
    candidates = len(scenario.designs[found.name].candidates or ())
    return [
        f"{found.name}: the largest of {candidates} statistics is tested as if it were the"
        f" only one; without any effect {100 * error:.1f} % of the trials reject, {error / alpha:.1f} times the nominal"
        f" {100 * alpha:g} %. Leave out allow_unadjusted_maximum"
    ]
