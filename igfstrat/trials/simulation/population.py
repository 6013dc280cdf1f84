"""Who a design screens and what happens to them, as the arrays that the kernels take.

A category is a true cell (marker stratum and subgroup) with a test result, or a patient without a result. Every
screened patient of a replicate is the same for all designs (common random numbers); the design says whom it takes.
Nothing is simulated here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from igfstrat.errors import UsageError
from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.patients.assay import Assay, draw_prevalence, make_assay
from igfstrat.trials.patients.hazards import make_cells
from igfstrat.trials.patients.piecewise import common_pieces
from igfstrat.trials.scenario.scenario import Scenario

_NO_LIMIT = np.iinfo(np.int64).max
_SCREENED_PER_PLACE = 50  # trials that would screen more than this for a place are given up as infeasible
_INSTANT = 1e-9  # a response is an event right after randomization
_PREVALENCE_KEY = 9  # spawn key of the prior's own stream


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DeathCourse:
    """Death beside progression, by true cell.

    Parameters
    ----------
    is_endpoint : bool
        Whether death is what the design is about; else it stands beside the first event.
    fatal : ndarray of float64, shape (2 * cells, k)
        Share of deaths among the first events in each piece of the hazards, on control and experimental.
    starts : ndarray of float64, shape (j,)
        Pieces of the hazards of death since progression.
    hazard : ndarray of float64, shape (3 * cells, j)
        These hazards: on control, experimental, and on control after changing over.
    crossover : float
        Probability that a patient on control changes over at progression.
    """

    is_endpoint: bool
    fatal: FloatArray
    starts: FloatArray
    hazard: FloatArray
    crossover: float

    def without_effect(self) -> DeathCourse:
        """The same when the experimental treatment does nothing, before and after crossover.

        Returns
        -------
        DeathCourse
            All as on control.
        """
        return replace(
            self, fatal=np.repeat(self.fatal[::2], 2, axis=0), hazard=np.repeat(self.hazard[::3], 3, axis=0)
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Population:
    """Categories of screened patients and what they meet.

    Parameters
    ----------
    cells : ndarray of int64, shape (c,)
        True cell of each category.
    results : ndarray of int64, shape (c,)
        Test result of each category: 0 negative, 1 positive, 2 none.
    randomization_strata : ndarray of int64, shape (c,)
        Stratum of the permuted blocks.
    test_codes : ndarray of int64, shape (c,)
        Result and stratum of the test, in the places of a key.
    n_test_strata : int
        Strata of the test, empty ones included.
    starts : ndarray of float64, shape (k,)
        Pieces of the hazards.
    hazard : ndarray of float64, shape (2 * cells, k)
        Rates: control and experimental of each cell.
    dropout : ndarray of float64, shape (2,)
        Rates of the arms.
    scan : float
        Time between scans; 0 for events that are seen at once.
    deaths : DeathCourse, optional
        What follows the event, where death is simulated beside progression.
    """

    cells: IntArray
    results: IntArray
    randomization_strata: IntArray
    test_codes: IntArray
    n_test_strata: int
    starts: FloatArray
    hazard: FloatArray
    dropout: FloatArray
    scan: float
    deaths: DeathCourse | None = None

    def cumulative(self) -> FloatArray:
        """Cumulative hazards where the pieces begin.

        Returns
        -------
        ndarray of float64, shape (2 * cells, k)
            From 0.
        """
        return _cumulative(self.starts, self.hazard)

    def without_effect(self) -> Population:
        """The same patients when the experimental arm does nothing.

        Returns
        -------
        Population
            Experimental hazards equal to those of control.
        """
        deaths = self.deaths.without_effect() if self.deaths else None
        return replace(self, hazard=np.repeat(self.hazard[::2], 2, axis=0), deaths=deaths)


def make_population(scenario: Scenario, design: str) -> Population:
    """The patients of a scenario as a design meets them.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Returns
    -------
    Population
        Arrays for the kernels.

    Raises
    ------
    UsageError
        If the strata are too many.
    """
    groups = max(len(scenario.subgroups), 1)
    # true positives first, as in `make_cells`; each cell tested positive, then negative; last who has no result
    cells = np.append(np.repeat(np.arange(2 * groups), 2), 0)
    results = np.append(np.tile([1, 0], 2 * groups), 2)
    kind = scenario.kind_of(design)
    names = set(scenario.randomization.strata) | (
        {scenario.marker.name} if kind == "biomarker_stratified" else set()
    )
    tested = scenario.test.strata or scenario.randomization.strata
    tested = tested if scenario.test.statistic == "stratified_logrank" else ()
    strata, _ = _strata(scenario, names, cells, results)
    test_strata, n_test = _strata(scenario, set(tested), cells, results)
    if n_test > 32:
        message = f"{n_test} strata of the test; at the most 32 can be tested"
        raise UsageError(message)
    starts, hazard, deaths = _hazards(scenario)
    return Population(
        cells=cells,
        results=results,
        randomization_strata=strata,
        test_codes=((results == 1).astype(np.int64) << 2) | (test_strata << 3),
        n_test_strata=n_test,
        starts=starts,
        hazard=hazard,
        dropout=np.array(scenario.dropout.rates(scenario.time_unit)),
        scan=float(scenario.scans.every) if scenario.scans else 0.0,
        deaths=deaths,
    )


def _strata(scenario: Scenario, names: set[str], cells: IntArray, results: IntArray) -> tuple[IntArray, int]:
    """Number of each category's stratum among those that the names span."""
    groups = max(len(scenario.subgroups), 1)
    stratum, count = np.zeros(len(cells), np.int64), 1
    if scenario.marker.name in names:
        stratum, count = (results == 1).astype(np.int64), 2
    if "subgroup" in names:
        stratum, count = stratum * groups + cells % groups, count * groups
    return stratum, count


def _hazards(scenario: Scenario) -> tuple[FloatArray, FloatArray, DeathCourse | None]:
    """Pieces and rates of the event that is drawn first, and what follows it."""
    if scenario.response is not None:
        response = scenario.response
        groups = max(len(scenario.subgroups), 1)
        shares = [
            getattr(arm, stratum)
            for stratum in ("positive", "negative")
            for _ in range(groups)
            for arm in (response.control, response.experimental)
        ]
        rates = -np.log1p(-np.minimum(shares, 1 - 1e-12)) / _INSTANT
        return np.array([0.0, _INSTANT]), np.column_stack((rates, np.zeros(len(rates)))), None
    cells = make_cells(scenario)
    courses = [course for cell in cells for course in cell.courses or ()]
    if not courses:
        hazards = [hazard for cell in cells for hazard in (cell.control, cell.experimental)]
        return *common_pieces(hazards), None
    starts, rates = common_pieces([hazard for c in courses for hazard in (c.first_hazard(), c.death)])
    first, death = rates[::2], rates[1::2]
    pairs = zip(courses[::2], courses[1::2], strict=True)
    after = [hazard for c, e in pairs for hazard in (c.after, e.after, c.crossed)]
    after_starts, after_rates = common_pieces(after)
    return (
        starts,
        first,
        DeathCourse(
            is_endpoint=scenario.endpoint == "os",
            fatal=np.divide(death, first, out=np.zeros_like(first), where=first > 0),
            starts=after_starts,
            hazard=after_rates,
            crossover=courses[0].crossover,
        ),
    )


def _cumulative(starts: FloatArray, hazard: FloatArray) -> FloatArray:
    steps = hazard[:, :-1] * np.diff(starts)
    return np.concatenate((np.zeros((len(hazard), 1)), np.cumsum(steps, axis=1)), axis=1)


def category_shares(scenario: Scenario, *, seed: int, first: int, replicates: int) -> FloatArray:
    """Cumulative shares of the categories among the screened.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    seed : int
        Of the study.
    first, replicates : int
        Which replicates.

    Returns
    -------
    ndarray of float64, shape (1, c) or (replicates, c)
        Ascending to 1; a row for each replicate where the prevalence has a prior.
    """
    marker, unit = scenario.marker, scenario.time_unit
    if marker.prevalence is None or marker.prevalence.mean is None:
        assay = make_assay(marker, time_unit=unit)
        return _cumulative_shares(scenario, np.array([assay.prevalence]), [assay])
    bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(_PREVALENCE_KEY,)))
    bits.advance(first)  # one number a replicate, whatever the chunk
    drawn = draw_prevalence(marker, np.random.Generator(bits), replicates)
    # an error of measurement misses the more patients, the more of them are near the cut
    different = drawn if marker.assay.measurement_sd else drawn[:1]
    assays = [make_assay(marker, time_unit=unit, prevalence=float(p)) for p in different]
    return _cumulative_shares(scenario, drawn, assays)


def _cumulative_shares(scenario: Scenario, prevalence: FloatArray, assays: Sequence[Assay]) -> FloatArray:
    """A row for each prevalence; its own assay, or one for all."""
    sensitivity = np.array([assay.sensitivity for assay in assays])
    specificity = np.array([assay.specificity for assay in assays])
    with_result = np.array([assay.with_result for assay in assays])
    groups = [group.share for group in scenario.subgroups] or [1.0]
    shares = [
        share * stratum * found * with_result
        for stratum, hit in ((prevalence, sensitivity), (1 - prevalence, 1 - specificity))
        for share in groups
        for found in (hit, 1 - hit)
    ]
    none = np.broadcast_to(1 - with_result, prevalence.shape)
    return np.cumsum(np.column_stack([*shares, none]), axis=1)


def make_screening(
    scenario: Scenario, design: str, population: Population, shares: FloatArray, n: int
) -> Any:
    """Arguments of the kernel that screens and randomizes.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.
    population : Population
        Its patients.
    shares : ndarray of float64, shape (1, c) or (replicates, c)
        Cumulative shares of the categories.
    n : int
        Patients to randomize.

    Returns
    -------
    Screening
        Named tuple of the kernel.
    """
    from igfstrat.trials.kernels.trial import Screening

    uniform = scenario.accrual.randomized_uniformly_over
    starts, rates = scenario.accrual.rate_pieces(scenario.time_unit)
    if uniform is not None:
        starts, rates = (0.0, float(uniform)), (1.0, 1.0)
    before = np.concatenate(([0.0], np.cumsum(np.array(rates[:-1]) * np.diff(starts))))
    randomization = scenario.randomization
    simple = randomization.block is None and scenario.kind_of(design) != "biomarker_stratified"
    total = sum(randomization.ratio)
    block = total if simple else randomization.block or 2 * total
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    return Screening(
        n=n,
        most_screened=_SCREENED_PER_PLACE * n,
        starts=np.array(starts, dtype=np.float64),
        rates=np.array(rates, dtype=np.float64),
        before=before,
        uniform=uniform is not None,
        turnaround=0.0 if uniform is not None else assay.turnaround,
        cumulative=np.ascontiguousarray(shares),
        result=population.results,
        stratum=population.randomization_strata,
        most_of=most_of_each(scenario, design, n),
        block_size=block,
        block_experimental=block * randomization.ratio[0] // total,
        simple=simple,
    )


def most_of_each(scenario: Scenario, design: str, n: int) -> IntArray:
    """How many patients of each test result a design takes.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.
    n : int
        Patients to randomize.

    Returns
    -------
    ndarray of int64, shape (3,)
        Test negative, test positive, without result (none).
    """
    kind = scenario.kind_of(design)
    negatives = {
        "enrichment": 0,
        "hybrid": int((scenario.designs[design].max_negative_share or 0.0) * n + 1e-9),
    }
    return np.array([negatives.get(kind, _NO_LIMIT), _NO_LIMIT, 0])


def make_outcomes(population: Population) -> Any:
    """Arguments of the kernel that draws event and dropout times.

    Parameters
    ----------
    population : Population
        The patients.

    Returns
    -------
    Outcomes
        Named tuple of the kernel.
    """
    from igfstrat.trials.kernels.deaths import DEATH_ALONE, DEATH_BESIDE, NO_DEATHS
    from igfstrat.trials.kernels.trial import Outcomes

    first = population.hazard[:, 0]
    deaths = population.deaths
    none = np.zeros((0, 0))
    return Outcomes(
        cell=population.cells,
        test_code=population.test_codes,
        starts=population.starts,
        cumulative=population.cumulative(),
        hazard=np.ascontiguousarray(population.hazard),
        scale=np.divide(1.0, first, out=np.full(len(first), np.inf), where=first > 0),
        dropout=population.dropout,
        scan=population.scan,
        deaths=NO_DEATHS if deaths is None else DEATH_ALONE if deaths.is_endpoint else DEATH_BESIDE,
        fatal=none if deaths is None else np.ascontiguousarray(deaths.fatal),
        after_starts=np.zeros(0) if deaths is None else deaths.starts,
        after_cumulative=none if deaths is None else _cumulative(deaths.starts, deaths.hazard),
        after_hazard=none if deaths is None else np.ascontiguousarray(deaths.hazard),
        crossover=0.0 if deaths is None else deaths.crossover,
    )
