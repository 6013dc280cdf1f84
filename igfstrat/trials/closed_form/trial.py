"""What a design enrols, as the closed forms see it: kinds of patients with their shares, entry, dropout, allocation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from igfstrat.errors import DomainError
from igfstrat.trials.patients.assay import Assay, make_assay
from igfstrat.trials.patients.hazards import Cell, make_cells
from igfstrat.trials.patients.piecewise import PiecewiseHazard
from igfstrat.trials.scenario.design import Hypothesis
from igfstrat.trials.scenario.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trial:
    """A trial, or the part of it that a hypothesis is about, in expectation.

    Parameters
    ----------
    n : float
        Patients randomized.
    control, experimental : tuple of PiecewiseHazard
        Hazard of the event on each arm, of m kinds of patients.
    weights : ndarray of float64, shape (m,)
        Their shares among the randomized, of sum 1.
    strata : ndarray of int64, shape (m,)
        Stratum of the test in which each kind is; all 0 for an unstratified test.
    entry : PiecewiseHazard
        Patients randomized per unit of calendar time, until `n` is reached.
    experimental_share : float
        Share allocated to the experimental arm.
    dropout : tuple of float
        Rates of loss per unit of time, control and experimental.
    scan : float
        Time between the scans at which events are seen; 0 for events that are seen at once.
    """

    n: float
    control: tuple[PiecewiseHazard, ...]
    experimental: tuple[PiecewiseHazard, ...]
    weights: FloatArray
    strata: IntArray
    entry: PiecewiseHazard
    experimental_share: float = 0.5
    dropout: tuple[float, float] = (0.0, 0.0)
    scan: float = 0.0

    @property
    def entry_end(self) -> float:
        """Calendar time of the last patient's randomization; infinite where they never come."""
        return float(self.entry.inverse(self.n))

    def n_randomized(self, time: npt.ArrayLike) -> FloatArray:
        """Patients randomized by calendar times.

        Parameters
        ----------
        time : array-like of float64, any shape
            Calendar times, in the unit of the scenario.

        Returns
        -------
        ndarray of float64, shape of `time`
            Between 0 and `n`.
        """
        times = np.maximum(np.asarray(time, dtype=np.float64), 0.0)
        return np.asarray(np.minimum(self.entry.cumulative(times), self.n))


@dataclass(frozen=True, slots=True)
class _Kind:
    """Patients of one test result, true stratum and subgroup."""

    test_positive: bool
    cell: Cell
    weight: float


def positive_share(scenario: Scenario, design: str, assay: Assay) -> float:
    """Share of test positives among the randomized of a design.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    assay : Assay
        Of the scenario's marker.

    Returns
    -------
    float
        Between 0 and 1.
    """
    kind = scenario.kind_of(design)
    if kind == "enrichment":
        return 1.0
    natural = assay.test_positive
    if kind == "hybrid":
        return max(natural, 1 - float(scenario.designs[design].max_negative_share or 0.0))
    return natural


def make_trial(
    scenario: Scenario,
    design: str,
    assay: Assay | None = None,
    *,
    population: Hypothesis = "overall",
    n: float | None = None,
) -> Trial:
    """What a design of a scenario enrols, or the test positives or negatives of it.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    assay : Assay, optional
        Another than that of the scenario's marker.
    population : {"overall", "positive", "negative"}
        All the randomized, or those with this test result.
    n : float, optional
        Patients randomized; those of the design where left out.

    Returns
    -------
    Trial
        In expectation.

    Raises
    ------
    DomainError
        If the design has no number of patients, or enrols nobody of the population.
    """
    assay = assay or make_assay(scenario.marker, time_unit=scenario.time_unit)
    total = n if n is not None else scenario.designs[design].n
    if total is None:
        message = f"design {design} has no number of patients yet"
        raise DomainError(message)
    share = positive_share(scenario, design, assay)
    within = {"overall": share, "positive": 1.0, "negative": 0.0}[population]
    part = {"overall": 1.0, "positive": share, "negative": 1 - share}[population]
    kinds = [k for k in _kinds(make_cells(scenario), assay, within) if k.weight > 0]
    if part <= 0 or not kinds:
        message = f"design {design} enrols nobody who is {population}"
        raise DomainError(message)
    return Trial(
        n=total * part,
        control=tuple(k.cell.control for k in kinds),
        experimental=tuple(k.cell.experimental for k in kinds),
        weights=np.array([k.weight for k in kinds]),
        strata=_strata(scenario, kinds),
        entry=_entry(scenario, design, assay, total).times(part),
        experimental_share=scenario.randomization.experimental_share,
        dropout=scenario.dropout.rates(scenario.time_unit),
        # beside death, which is seen at once, no grid holds
        scan=scenario.scans.every if scenario.scans and scenario.overall_survival is None else 0.0,
    )


def _kinds(cells: Sequence[Cell], assay: Assay, positive: float) -> list[_Kind]:
    """Shares of true strata among test positives and negatives, which make up `positive` and the rest."""
    found = []
    for result, share, truly in (
        (True, positive, assay.positive_predictive_value),
        (False, 1 - positive, 1 - assay.negative_predictive_value),
    ):
        for cell in cells if share > 0 else ():
            of_truth = truly if cell.stratum == "positive" else 1 - truly
            found.append(_Kind(result, cell, share * of_truth * cell.share))
    return found


def _strata(scenario: Scenario, kinds: Sequence[_Kind]) -> IntArray:
    if scenario.test.statistic != "stratified_logrank":
        return np.zeros(len(kinds), dtype=np.int64)
    names = scenario.test.strata or scenario.randomization.strata
    keys = [
        tuple(k.test_positive if name == scenario.marker.name else k.cell.subgroup for name in names)
        for k in kinds
    ]
    order = list(dict.fromkeys(keys))
    return np.array([order.index(key) for key in keys], dtype=np.int64)


def _entry(scenario: Scenario, design: str, assay: Assay, n: float) -> PiecewiseHazard:
    """Rate of randomization: the screened with a result who are eligible, after the turnaround."""
    uniform = scenario.accrual.randomized_uniformly_over
    if uniform is not None:
        return PiecewiseHazard(np.zeros(1), np.array([n / uniform]))
    starts, rates = scenario.accrual.rate_pieces(scenario.time_unit)
    # with a cap on negatives the positives set the pace, and the mix is taken as constant over time
    eligible = min(assay.test_positive / max(positive_share(scenario, design, assay), 1e-300), 1.0)
    randomized = np.array(rates) * assay.with_result * eligible
    if assay.turnaround == 0:
        return PiecewiseHazard(np.array(starts), randomized)
    shifted = np.concatenate(([0.0], np.array(starts) + assay.turnaround))
    return PiecewiseHazard(shifted, np.concatenate(([0.0], randomized)))
