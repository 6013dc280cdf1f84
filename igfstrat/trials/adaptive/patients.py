"""Adaptive enrichment on patients: stages of trials on the engine's stream of screened patients.

After a selection everybody is still screened, and whoever belongs to the selected part is randomized, up to the number of
patients of the design; with `randomized_uniformly_over` patients with a result go on coming at the rate of the start.
A stage waits for its events among the selected. Whatever the rules decide is a function of the trial's own patients, so that
the same replicate is the same trial in any block, thread or process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from igfstrat.errors import UsageError
from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.adaptive.selection import EVERYBODY, NEGATIVES, POSITIVES, Rule
from igfstrat.trials.adaptive.stages import (
    BY_PATIENT,
    INDEPENDENT,
    AdaptiveRules,
    Courses,
    Seen,
    make_adaptive_rules,
    run_stages,
)
from igfstrat.trials.closed_form.correlation import stage_correlation_ratios
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import check_simulable
from igfstrat.trials.simulation.looks import make_test
from igfstrat.trials.simulation.population import (
    category_shares,
    make_outcomes,
    make_population,
    make_screening,
)
from igfstrat.trials.simulation.threads import share_out

_PLANNING_TRIALS: Final = 200
_PLANNING_FIRST: Final = 1 << 40  # replicates of the plan, which no study reaches
_FEWEST_EVENTS: Final = 10  # of a second stage: fewer are no test
_PARTS: Final = {"overall": EVERYBODY, "positive": POSITIVES, "negative": NEGATIVES}
_Z, _INFORMATION = 0, 4  # columns of a population, see `kernels.look`


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdaptiveTrials:
    """Adaptive trials, r of them, K stages and p populations.

    Parameters
    ----------
    populations : tuple of str
        The hypotheses in their order, then what else is analysed.
    courses : Courses
        How they went.
    looks : ndarray of float64, shape (r, K, 6)
        Cut, patients randomized, screened, whether the look was reached, events, events of first-stage patients.
    stages : ndarray of float64, shape (r, K, p, 8)
        Statistics at the end of each stage: of all patients so far, or with `stage_by_patient` of its own.
    pooled : ndarray of float64, shape (r, p, 8)
        The same of all patients when the trial ended; its estimates are the naive ones.
    interim_reached : ndarray of float64, shape (r,)
        1 where the first interim came at its events.
    """

    populations: tuple[str, ...]
    courses: Courses
    looks: FloatArray
    stages: FloatArray
    pooled: FloatArray
    interim_reached: FloatArray


def rules_of(scenario: Scenario, design: str, *, seed: int, rule: Rule | None = None) -> AdaptiveRules:
    """The rules of an adaptive design of a scenario.

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
    AdaptiveRules
        With `stage_by_patient` the first stage ends at `first_stage_events`; where these are left out, at those that planning
        trials without any effect or selection have among first-stage patients at the planned end.

    Raises
    ------
    UsageError
        If hardly any events are left to the second stage.
    """
    settings = scenario.designs[design]
    increments = BY_PATIENT if settings.is_by_patient(scenario.endpoint) else INDEPENDENT
    cumulative = settings.events or ()
    events = tuple(float(x) for x in np.diff((0, *cumulative)))
    options: dict[str, Any] = {
        "hypotheses": scenario.hypotheses_of(design),
        "alpha": scenario.test.one_sided_alpha,
        "experimental_share": scenario.randomization.experimental_share,
        "increments": increments,
        "rule": rule,
    }
    if increments == BY_PATIENT:
        first = settings.first_stage_events or _first_stage_events(scenario, design, seed)
        events = (float(first), float(cumulative[-1] - first))
        if events[1] < _FEWEST_EVENTS:
            message = (
                f"designs.{design}.increments: by the planned end {first} of the {cumulative[-1]} events are those of"
                f" patients from before the interim, and {events[1]:.0f} are left to the second stage; plan the interim"
                " earlier, more patients or more events, or give first_stage_events"
            )
            raise UsageError(message)
    if settings.multiplicity == "spiessens_debois" and "overall" in options["hypotheses"]:
        followed = events if increments == BY_PATIENT else None
        options["correlation_ratio"] = stage_correlation_ratios(scenario, design, stage_events=followed)
    return make_adaptive_rules(settings, events=events, **options)


def _first_stage_events(scenario: Scenario, design: str, seed: int) -> int:
    """Events among the patients who entered by the interim, at the planned end of a trial without effect or selection."""
    events = scenario.designs[design].events or ()
    source = PatientSource(scenario, design, seed, _PLANNING_FIRST, _PLANNING_TRIALS, null=True)
    parts = np.full((_PLANNING_TRIALS, 2), EVERYBODY)
    targets = np.tile([float(events[0]), float(events[-1] - events[0])], (_PLANNING_TRIALS, 1))
    for k in range(2):
        source(k, parts, targets)
    found = np.where(source.looks[:, 1, 3] == 1, source.looks[:, 1, 5], np.nan)
    if np.isnan(found).all():
        return int(events[0])
    return int(np.clip(np.rint(np.nanmean(found)), events[0], events[-1]))


class PatientSource:
    """What the stages of a block of trials show, see `stages.Source`.

    Parameters
    ----------
    scenario, design : Scenario, str
        What is simulated.
    seed, first, replicates : int
        Which trials.
    null : bool
        Whether the experimental arm does nothing.
    threads : int
        Threads of this process; no result depends on them.
    estimate : bool
        Whether hazard ratios are estimated.
    by_patient : bool
        Whether the last call yields stages by their patients.
    """

    def __init__(
        self,
        scenario: Scenario,
        design: str,
        seed: int,
        first: int,
        replicates: int,
        *,
        null: bool = False,
        threads: int = 1,
        estimate: bool = False,
        by_patient: bool = False,
    ) -> None:
        settings = scenario.designs[design]
        self.hypotheses = scenario.hypotheses_of(design)
        more = ("overall", "positive", "negative") if estimate else ()
        self.populations = tuple(dict.fromkeys((*self.hypotheses, *more)))
        self.by_patient, self.threads = by_patient, threads
        self.seed, self.first, self.trials = np.uint64(seed % 2**64), first, replicates
        population = make_population(scenario, design)
        population = population.without_effect() if null else population
        self.outcomes = self.other = make_outcomes(population)
        endpoint = settings.selection.endpoint if settings.selection else None
        self.with_other = endpoint is not None and endpoint != scenario.endpoint
        if self.with_other:
            apart = scenario.model_copy(update={"endpoint": endpoint})
            beside = make_population(apart, design)
            self.other = make_outcomes(beside.without_effect() if null else beside)
        self.shares = category_shares(scenario, seed=seed, first=first, replicates=replicates)
        self.screening = make_screening(scenario, design, population, self.shares, int(settings.n or 0))
        self.test = make_test(scenario, self.populations, population, estimate)
        self.counted = _PARTS[settings.events_in]
        self.latest = float(settings.max_duration or np.inf)
        self.interim = float((settings.events or (1,))[0])  # the first stage itself is followed for longer
        stages = settings.n_looks
        self.looks = np.full((replicates, stages, 6), np.nan)
        self.stages = np.full((replicates, stages, len(self.populations), 8), np.nan)
        self.pooled = np.full((replicates, len(self.populations), 8), np.nan)
        self.interim_reached = np.full(replicates, np.nan)

    def __call__(self, k: int, parts: IntArray, events: FloatArray) -> Seen:
        """The end of stage k."""
        if self.by_patient and k > 0:
            return self._by_patient(parts, events)
        other = np.empty((self.trials, len(self.populations), 8))

        def work(rows: slice) -> None:
            from igfstrat.trials.kernels.adaptive import simulate_stage

            mine = np.ascontiguousarray(parts[rows, : k + 1])
            simulate_stage(
                self.seed,
                self.first + rows.start,
                self._screening(rows),
                self.outcomes,
                self.other,
                self.with_other and k == 0,
                self.test,
                self.latest,
                np.ascontiguousarray(self.looks[rows, :k, 0]),
                mine,
                np.where(mine[:, -1] & self.counted, mine[:, -1] & self.counted, mine[:, -1]),
                np.full(len(mine), self.interim) if self.by_patient else events[rows, k].copy(),
                self.looks[rows, k],
                self.stages[rows, k],
                other[rows],
            )

        share_out(work, self.trials, self.threads)
        if k == 0:
            self.interim_reached = self.looks[:, 0, 3].copy()
        return self._seen(k, other)

    def _seen(self, k: int, other: FloatArray) -> Seen:
        h = len(self.hypotheses)
        score, information = _scores(self.stages[:, k])
        gain, gained = score, information
        if k > 0:
            before = _scores(self.stages[:, k - 1])
            gain, gained = score - before[0], information - before[1]
        shown = other[:, :h] if self.with_other and k == 0 else self.stages[:, k, :h]
        return Seen(
            stage_z=_standardized(gain, gained)[:, :h],
            positive_share=self._positive_share(gained),
            z=shown[..., _Z],
            information=shown[..., _INFORMATION],
            events=self.looks[:, k, 4],
        )

    def _by_patient(self, parts: IntArray, events: FloatArray) -> Seen:
        def work(rows: slice) -> None:
            from igfstrat.trials.kernels.adaptive import simulate_by_patient

            simulate_by_patient(
                self.seed,
                self.first + rows.start,
                self._screening(rows),
                self.outcomes,
                self.test,
                self.latest,
                np.ascontiguousarray(self.looks[rows, :1, 0]),
                np.ascontiguousarray(parts[rows]),
                np.ascontiguousarray(parts[rows]),
                np.ascontiguousarray(events[rows]),
                looks[rows],
                self.stages[rows],
                bool(self.test.estimate),
                self.pooled[rows],
            )

        looks = np.empty_like(self.looks)
        share_out(work, self.trials, self.threads)
        # where the trial stopped, the interim is all there is
        self.looks = np.where(np.isnan(looks), self.looks, looks)
        h = len(self.hypotheses)
        return Seen(
            stage_z=self.stages[:, :, :h, _Z],
            positive_share=np.column_stack(
                [self._positive_share(_scores(self.stages[:, k])[1]) for k in (0, 1)]
            ),
            z=self.stages[:, 1, :h, _Z],
            information=self.stages[:, 1, :h, _INFORMATION],
            events=self.looks[:, 1, 4],
        )

    def _positive_share(self, information: FloatArray) -> FloatArray:
        """Share of the positives in the information of a stage; 1/2 where it can't be known, and doesn't matter."""
        by = {name: information[:, self.populations.index(name)] for name in self.populations}
        if "overall" in by and "positive" in by:
            part, whole = by["positive"], by["overall"]
        elif "overall" in by and "negative" in by:
            part, whole = by["overall"] - by["negative"], by["overall"]
        else:
            return np.full(self.trials, 0.5)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(whole > 0, part / whole, 0.5)
        return np.asarray(np.clip(np.nan_to_num(share, nan=0.5), 0.0, 1.0))

    def _screening(self, rows: slice) -> Any:
        mine = self.shares[rows] if len(self.shares) > 1 else self.shares
        return self.screening._replace(cumulative=np.ascontiguousarray(mine))


def _scores(found: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log-rank score and information; 0 of a population without any."""
    information = np.nan_to_num(found[..., _INFORMATION])
    return np.nan_to_num(found[..., _Z]) * np.sqrt(information), information


def _standardized(score: FloatArray, information: FloatArray) -> FloatArray:
    # what is left over of a difference of equal sums is no information
    enough = information > 1e-9
    root = np.sqrt(np.where(enough, information, 1.0))
    return np.asarray(np.where(enough, score / root, np.nan))


def simulate_adaptive(
    scenario: Scenario,
    design: str,
    *,
    seed: int,
    rules: AdaptiveRules | None = None,
    first: int = 0,
    replicates: int,
    null: bool = False,
    threads: int = 1,
    estimate: bool = True,
) -> AdaptiveTrials:
    """Simulate trials of an adaptive design.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study, >= 0.
    rules : AdaptiveRules, optional
        Those of the design where left out; made once for many blocks.
    first, replicates : int
        Number of the first replicate, and how many.
    null : bool
        Whether the experimental arm does nothing.
    threads : int
        Threads of this process; no result depends on them.
    estimate : bool
        Whether hazard ratios are estimated.

    Returns
    -------
    AdaptiveTrials
        A row a replicate, in order.

    Raises
    ------
    UsageError
        If the scenario asks for what can't be.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> base = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.4}}, "control": {"median": 12},
    ...     "accrual": {"randomized_uniformly_over": 24}, "designs": {"adaptive_enrichment": {"n": 500,
    ...     "events": [150, 300], "selection": {"rule": "best"}}}})
    >>> found = simulate_adaptive(base, "adaptive_enrichment", seed=1, replicates=3)
    >>> found.looks[:, :, 4].tolist()[0][0], found.courses.rejected.shape
    (150.0, (3, 2))
    """
    check_simulable(scenario, design)
    rules = rules or rules_of(scenario, design, seed=seed)
    source = PatientSource(
        scenario,
        design,
        seed,
        first,
        replicates,
        null=null,
        threads=threads,
        estimate=estimate,
        by_patient=rules.increments == BY_PATIENT,
    )
    courses = run_stages(rules, source, replicates)
    pooled = source.pooled
    if rules.increments != BY_PATIENT:
        pooled = source.stages[np.arange(replicates), courses.last_stage]
    return AdaptiveTrials(
        populations=source.populations,
        courses=courses,
        looks=source.looks,
        stages=source.stages,
        pooled=pooled,
        interim_reached=source.interim_reached,
    )
