"""Trials of a design, in blocks: from a scenario to what every look of every trial yields.

A block is a run of replicates; its trials are a function of (seed, replicate) alone, so that blocks may be done in
any order, by any number of threads and processes. Whether a trial would have stopped is decided in `designs.rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import UsageError
from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials.scenario.design import ADAPTIVE
from igfstrat.trials.scenario.scenario import Scenario, check_built
from igfstrat.trials.simulation.looks import make_looks, make_test
from igfstrat.trials.simulation.population import (
    category_shares,
    make_outcomes,
    make_population,
    make_screening,
)
from igfstrat.trials.simulation.threads import share_out

_NOT_ABOVE = 1 - 1e-12
_PER_THREAD = 256  # replicates of a task: long enough to hide its start, short enough to share evenly


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Deaths:
    """Overall survival of everybody randomized at the looks of r trials, beside another endpoint.

    Parameters
    ----------
    z : ndarray of float64, shape (r, k)
        Log-rank statistic, > 0 where the experimental arm lives longer; NaN without one.
    events : ndarray of float64, shape (r, k)
        Deaths.
    log_hazard_ratio, std_error : ndarray of float64, shape (r, k)
        Cox estimate; NaN where there is none.
    """

    z: FloatArray
    events: FloatArray
    log_hazard_ratio: FloatArray
    std_error: FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trials:
    """What the looks of many trials of one design yield, r trials, k looks, p populations.

    Parameters
    ----------
    populations : tuple of str
        ``overall``, ``positive``, ``negative``: by the test.
    cut : ndarray of float64, shape (r, k)
        Calendar time of the look, from the first screening on.
    randomized, screened : ndarray of float64, shape (r, k)
        Patients by then.
    reached : ndarray of bool, shape (r, k)
        Whether the look came at its number of events or time; the last look is held in any case, at the end.
    z : ndarray of float64, shape (r, k, p)
        Statistic, > 0 where the experimental arm is better; NaN without one.
    events, events_experimental, patients : ndarray of float64, shape (r, k, p)
        Numbers in the analysis.
    information : ndarray of float64, shape (r, k, p)
        Variance of the log-rank score; of proportions the inverse variance of the difference.
    log_hazard_ratio, std_error : ndarray of float64, shape (r, k, p)
        Cox estimate, Efron ties, stratified where the test is; NaN where there is none.
    deaths : Deaths, optional
        Where death stands beside the endpoint.
    """

    populations: tuple[str, ...]
    cut: FloatArray
    randomized: FloatArray
    screened: FloatArray
    reached: BoolArray
    z: FloatArray
    events: FloatArray
    events_experimental: FloatArray
    patients: FloatArray
    information: FloatArray
    log_hazard_ratio: FloatArray
    std_error: FloatArray
    deaths: Deaths | None = None


def populations_of(scenario: Scenario, design: str) -> tuple[str, ...]:
    """Populations that are analysed: those of the hypotheses, and both strata for their hazard ratios.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Returns
    -------
    tuple of str
        The hypotheses in their order, then what else there is.
    """
    if scenario.kind_of(design) == "enrichment":
        return ("positive",)
    return tuple(dict.fromkeys((*scenario.hypotheses_of(design), "overall", "positive", "negative")))


def simulate_trials(
    scenario: Scenario,
    design: str,
    *,
    seed: int,
    first: int = 0,
    replicates: int,
    null: bool = False,
    threads: int = 1,
    populations: Sequence[str] | None = None,
    estimate: bool = True,
) -> Trials:
    """Simulate trials of one design.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study, >= 0.
    first, replicates : int
        Number of the first replicate, and how many.
    null : bool
        Whether the experimental arm does nothing.
    threads : int
        Threads of this process; no result depends on them.
    populations : sequence of str, optional
        Populations to analyse; those of `populations_of` where left out.
    estimate : bool
        Whether hazard ratios are estimated.

    Returns
    -------
    Trials
        A row a replicate, in order.

    Raises
    ------
    UsageError
        If the scenario asks for what is not built.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> base = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.3}}, "control": {"median": 12},
    ...     "accrual": {"randomized_uniformly_over": 24}, "designs": {"all_comers": {"n": 500, "events": 300}}})
    >>> simulate_trials(base, "all_comers", seed=1, replicates=3).events[:, 0, 0].tolist()
    [300.0, 300.0, 300.0]
    """
    check_simulable(scenario, design)
    names = tuple(populations or populations_of(scenario, design))
    population = make_population(scenario, design)
    population = population.without_effect() if null else population
    shares = category_shares(scenario, seed=seed, first=first, replicates=replicates)
    n = int(scenario.designs[design].n or 0)
    settings = (
        make_outcomes(population),
        make_looks(scenario, design),
        make_test(scenario, names, population, estimate, tested=scenario.hypotheses_of(design)),
    )
    looks = np.empty((replicates, scenario.designs[design].n_looks, 4))
    beside = population.deaths is not None and not population.deaths.is_endpoint
    found = np.empty((*looks.shape[:2], len(names) + beside, 8))
    screening = make_screening(scenario, design, population, shares, n)

    def work(rows: slice) -> None:
        from igfstrat.trials.kernels.trial import simulate_block

        mine = shares[rows] if len(shares) > 1 else shares
        simulate_block(
            np.uint64(seed % 2**64),
            first + rows.start,
            screening._replace(cumulative=mine),
            *settings,
            looks[rows],
            found[rows],
        )

    share_out(work, replicates, threads, per_thread=_PER_THREAD)
    return _trials(scenario, names, looks, found)


def draw_patients(
    scenario: Scenario, design: str, *, seed: int, replicate: int, null: bool = False
) -> dict[str, Any]:
    """The patients of one trial with unlimited follow-up, as `simulate_trials` draws them.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study.
    replicate : int
        Number of the trial.
    null : bool
        Whether the experimental arm does nothing.

    Returns
    -------
    dict of ndarray, shape (n,)
        ``entry`` (calendar), ``time`` since randomization to event or dropout, ``event``, ``experimental``,
        ``test_positive``, ``cell`` (true stratum and subgroup), ``stratum`` of the test, ``screening_number``;
        beside another endpoint ``death`` since randomization to death or dropout, and ``died``.
    """
    from igfstrat.trials.kernels import patients as kernel
    from igfstrat.trials.kernels.deaths import DEATH_BESIDE
    from igfstrat.trials.kernels.trial import make_work

    population = make_population(scenario, design)
    outcomes = make_outcomes(population.without_effect() if null else population)
    shares = category_shares(scenario, seed=seed, first=replicate, replicates=1)
    n = int(scenario.designs[design].n or 0)
    screening = make_screening(scenario, design, population, shares, n)
    work = make_work(n, screening.most_screened, 1, 1)
    m, _ = kernel.enrol(np.uint64(seed % 2**64), replicate, screening, shares[0], work)
    kernel.fill_outcomes(np.uint64(seed % 2**64), replicate, m, outcomes, work)
    category = work.category[:m]
    beside = outcomes.deaths == DEATH_BESIDE
    deaths = {"death": work.death[:m], "died": work.died[:m] == 1} if beside else {}
    return deaths | {
        "entry": work.entry[:m],
        "time": work.time[:m],
        "event": work.observed[:m] == 1,
        "experimental": work.arm[:m] == 1,
        "test_positive": population.results[category] == 1,
        "cell": population.cells[category],
        "stratum": population.test_codes[category] >> 3,
        "screening_number": work.patient[:m],
    }


def _trials(scenario: Scenario, names: tuple[str, ...], looks: FloatArray, found: FloatArray) -> Trials:
    found, beside = found[..., : len(names), :], found[..., len(names) :, :]
    z = found[..., 0]
    if scenario.test.statistic == "maxcombo" or scenario.test.critical_values == "permutation":
        from scipy.special import ndtri

        # on the scale of one normal statistic: the same p-value, and where it is a level itself, not above it
        with np.errstate(invalid="ignore"):
            joint = -ndtri(np.clip(found[..., 7] * _NOT_ABOVE, 1e-300, 1.0))
        z = np.where(np.isnan(found[..., 7]), z, joint)
    reached = looks[..., 3] == 1
    if scenario.response is not None:
        reached = np.ones_like(reached)
    return Trials(
        populations=names,
        cut=looks[..., 0] + (scenario.response.assessed_at if scenario.response else 0.0),
        randomized=looks[..., 1],
        screened=looks[..., 2],
        reached=reached,
        z=z,
        events=found[..., 1],
        events_experimental=found[..., 2],
        patients=found[..., 3],
        information=found[..., 4],
        log_hazard_ratio=found[..., 5],
        std_error=found[..., 6],
        deaths=_deaths(beside[..., 0, :]) if beside.shape[2] else None,
    )


def _deaths(found: FloatArray) -> Deaths:
    return Deaths(
        z=found[..., 0], events=found[..., 1], log_hazard_ratio=found[..., 5], std_error=found[..., 6]
    )


def _not_adaptive(scenario: Scenario, kind: str) -> list[str]:
    """Settings that adaptive designs of a kind don't know."""
    harm = scenario.overall_survival is not None and scenario.overall_survival.harm is not None
    asked = {
        "test.critical_values: permutation": scenario.test.critical_values == "permutation"
        and kind != "adaptive_threshold",
        "overall_survival.harm": harm,
    }
    return [what for what, wanted in asked.items() if wanted]


def check_simulable(scenario: Scenario, design: str) -> None:
    """Make sure that a design can be simulated as it stands.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Raises
    ------
    UsageError
        With everything that is in the way.
    """
    check_built(scenario)
    waiting = []
    if scenario.designs[design].n is None:
        waiting.append(f"designs.{design}.n: solve the sizes for the power or cost of `compare_at` first")
    if scenario.simulation.null == "average_is_one" and scenario.response is not None:
        waiting.append("simulation.null: average_is_one is about hazard ratios; take none_in_either")
    kind = scenario.kind_of(design)
    if kind in ADAPTIVE:
        unknown = _not_adaptive(scenario, kind)
        waiting += [f"designs.{design}: {what} has no adaptive form yet" for what in unknown]
    if waiting:
        raise UsageError("\n".join(["this scenario can't be simulated", *(f"  {line}" for line in waiting)]))
