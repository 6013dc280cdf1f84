"""Designs that choose a cut, on patients: the engine's stream of screened patients, told apart by their measured marker."""

from __future__ import annotations

from typing import Any

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import check_simulable
from igfstrat.trials.simulation.looks import make_looks, make_test
from igfstrat.trials.simulation.population import make_outcomes, make_screening
from igfstrat.trials.simulation.threads import share_out
from igfstrat.trials.threshold.interim import CutTrials, Rest, go_on
from igfstrat.trials.threshold.intervals import divided_population, make_intervals
from igfstrat.trials.threshold.rules import (
    CutDecisions,
    CutRules,
    CutStatistics,
    choose_cuts,
    decide_cuts,
    make_cut_rules,
)

_Z, _INFORMATION = 0, 4  # columns of a population, see `kernels.look`


def cut_rules(scenario: Scenario, design: str) -> CutRules:
    """The rules of a design of a scenario.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Returns
    -------
    CutRules
        Fixed.
    """
    return make_cut_rules(
        scenario.designs[design],
        hypotheses=scenario.hypotheses_of(design),
        alpha=scenario.test.one_sided_alpha,
        split=scenario.kind_of(design) == "adaptive_signature",
    )


def simulate_threshold(
    scenario: Scenario,
    design: str,
    *,
    seed: int,
    first: int = 0,
    replicates: int,
    null: bool = False,
    threads: int = 1,
    estimate: bool = True,
) -> CutTrials:
    """Simulate trials of a design that chooses a cut.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`, of the kind adaptive_threshold or adaptive_signature.
    seed : int
        Of the study, >= 0.
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
    CutTrials
        A row a replicate, in order.

    Raises
    ------
    UsageError
        If the scenario asks for what can't be.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> base = make_scenario({"endpoint": "os", "marker": {"continuous": {"cut": 0.0}}, "control": {"median": 12},
    ...     "accrual": {"randomized_uniformly_over": 24}, "designs": {"adaptive_threshold": {"n": 500, "events": 300,
    ...     "candidates": [-1.0, 0.0, 1.0]}}})
    >>> found = simulate_threshold(base, "adaptive_threshold", seed=1, replicates=3)
    >>> found.found[:, 0, 0, 1].tolist(), found.decisions.rejected.shape
    ([300.0, 300.0, 300.0], (3, 2))
    """
    check_simulable(scenario, design)
    rules, intervals = cut_rules(scenario, design), make_intervals(scenario, design)
    population, shares = divided_population(scenario, design, intervals)
    population = population.without_effect() if null else population
    n, k = int(scenario.designs[design].n or 0), len(intervals.candidates)
    rest = Rest(
        seed=seed,
        first=first,
        threads=threads,
        screening=make_screening(scenario, design, population, shares, n),
        outcomes=make_outcomes(population),
        test=make_test(scenario, (), population, estimate),
        interval=population.test_codes >> 3,
    )
    looks = np.full((replicates, 4), np.nan)
    found = np.full((replicates, 3 if rules.split else 1, k + 3 if estimate else k + 1, 8), np.nan)
    nesting, p_value = np.full((replicates, k + 1), np.nan), np.full((replicates, 2), np.nan)
    _simulate(scenario, design, rules, rest, intervals.first, (looks, found, nesting, p_value))
    permuted = p_value if rest.test.permutations > 0 else None
    if rules.combination is None:
        decisions = decide_cuts(rules, _statistics(found[:, :, : k + 1], nesting, permuted))
    else:
        decisions = _undecided(rules, found[:, 0, : k + 1])
    trials = CutTrials(
        looks=looks,
        found=found,
        nesting=nesting,
        whole=found[:, 0, [0, k + 1, k + 2] if estimate else [0]],
        above=_chosen(found, decisions.chosen),
        decisions=decisions,
    )
    return trials if rules.combination is None else go_on(scenario, design, rules, intervals, trials, rest)


def _simulate(
    scenario: Scenario,
    design: str,
    rules: CutRules,
    rest: Rest,
    cuts: IntArray,
    outputs: tuple[FloatArray, ...],
) -> None:
    """The first look of a block of trials."""
    settings, test = scenario.designs[design], rest.test
    learners = round(rest.screening.n * float(settings.learning_share or 0.0)) if rules.split else 0
    levels = np.append(rules.levels[:1] if len(rules.levels) == 2 else [0.0], rules.levels[-1])
    # from so many on a hypothesis can't be rejected any more
    most_reached = np.floor(levels * (test.permutations + 1) + 1e-9).astype(np.int64) + (levels > 0)
    plan = (rest.screening, rest.outcomes, make_looks(scenario, design), test, cuts, learners, most_reached)

    def work(rows: slice) -> None:
        from igfstrat.trials.kernels.threshold import simulate_cuts

        mine = [output[rows] for output in outputs]
        block: list[Any] = [np.uint64(rest.seed % 2**64), rest.first + rows.start, *plan, *mine]
        simulate_cuts(*block)

    share_out(work, len(outputs[0]), rest.threads)


def _undecided(rules: CutRules, found: FloatArray) -> CutDecisions:
    """The cuts chosen at an interim."""
    chosen = choose_cuts(rules, found[..., _Z], found[..., _INFORMATION])
    rejected = np.zeros((len(chosen), 1), bool)
    return CutDecisions(chosen=chosen, rejected=rejected, last_look=np.zeros(len(chosen), np.int64))


def _chosen(found: FloatArray, chosen: IntArray) -> FloatArray:
    taken = found[np.arange(len(chosen)), -1, np.maximum(chosen, 0) + 1]
    return np.where((chosen >= 0)[:, None], taken, np.nan)


def _statistics(found: FloatArray, nesting: FloatArray, p_value: FloatArray | None) -> CutStatistics:
    z, information = found[..., _Z], found[..., _INFORMATION]
    parts: dict[str, FloatArray] = {}
    if found.shape[1] > 1:
        parts = {
            "learning_z": z[:, 1],
            "learning_information": information[:, 1],
            "testing_z": z[:, 2],
        }
    else:
        parts = {"nesting": nesting}
    return CutStatistics(z=z[:, 0], information=information[:, 0], p_value=p_value, **parts)
