"""Frozen results of a survival comparison: everything that any format of a report may show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from igfstrat.survival import SurvivalCurve


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its interval and p-value.

    Parameters
    ----------
    value, ci_lower, ci_upper, p_value : float or None
        None where it can't be estimated.
    not_estimable : str or None
        Why not.
    """

    value: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    p_value: float | None = None
    not_estimable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name.
        """
        return {
            "value": self.value,
            "ci_lower": self.ci_lower,
            "ci_upper": self.ci_upper,
            "p_value": self.p_value,
            "not_estimable": self.not_estimable,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRatio:
    """A hazard ratio and what it compares.

    Parameters
    ----------
    term : str
        Group, or measure for a continuous effect.
    reference : str
        Group that it is compared with, or the step of the measure.
    estimate : Estimate
        The ratio.
    """

    term: str
    reference: str
    estimate: Estimate

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name.
        """
        return {"term": self.term, "reference": self.reference} | self.estimate.to_dict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """Survival of one group at one time.

    Parameters
    ----------
    months : float
        The time.
    survival : Estimate
        Probability.
    n_at_risk : int
        Patients at risk just before it.
    """

    months: float
    survival: Estimate
    n_at_risk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResult:
    """One group of one endpoint.

    Parameters
    ----------
    label : str
        Its name.
    n, n_events : int
        Patients and events.
    curve : SurvivalCurve
        Kaplan–Meier estimate in months.
    median : Estimate
        Median survival in months.
    milestones : tuple of Milestone
        Survival at the plan's times.
    """

    label: str
    n: int
    n_events: int
    curve: SurvivalCurve
    median: Estimate
    milestones: tuple[Milestone, ...]

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, the whole curve too.
        """
        curve = self.curve
        return {
            "label": self.label,
            "n": self.n,
            "n_events": self.n_events,
            "median_months": self.median.to_dict(),
            "milestones": [
                {"months": m.months, "n_at_risk": m.n_at_risk} | m.survival.to_dict() for m in self.milestones
            ],
            "curve": {
                name: getattr(curve, name).tolist()
                for name in (
                    "time",
                    "survival",
                    "ci_lower",
                    "ci_upper",
                    "n_at_risk",
                    "n_events",
                    "n_censored",
                )
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step from the rows of the file to the patients analysed.

    Parameters
    ----------
    label : str
        What is counted.
    n : int
        Patients left.
    left_out : dict of str to int
        Patients lost at this step, by reason.
    """

    label: str
    n: int
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointResult:
    """The comparison of groups on one endpoint.

    Parameters
    ----------
    name, title : str
        Endpoint.
    definition, note : str or None
        What the map says about it.
    flow : tuple of FlowStep
        From rows read to patients analysed.
    n, n_events : int
        Patients analysed and their events.
    n_zero_time, n_zero_time_events : int
        Patients with time 0, and those of them with an event at 0.
    groups : tuple of GroupResult
        In their order; the first is the reference.
    headline : str
        Name of the plan's test: ``logrank``, ``stratified_logrank`` or ``rmst_difference``.
    logrank : Estimate
        Chi-square statistic as value, with its p-value.
    stratified_logrank : Estimate or None
        The same within the plan's strata.
    hazard_ratios : tuple of HazardRatio
        Each group against the first.
    proportional_hazards : Estimate
        Chi-square and p-value of the score test of proportional hazards.
    rmst_difference : Estimate or None
        Difference in restricted mean survival time (second group minus first) in months; None unless two groups.
    rmst_tau : float or None
        Its horizon in months.
    continuous : HazardRatio or None
        Effect per unit of the measure behind a status.
    follow_up : Estimate
        Median follow-up in months by reverse Kaplan–Meier.
    """

    name: str
    title: str
    definition: str | None
    note: str | None
    flow: tuple[FlowStep, ...]
    n: int
    n_events: int
    n_zero_time: int
    n_zero_time_events: int
    groups: tuple[GroupResult, ...]
    headline: str
    logrank: Estimate
    stratified_logrank: Estimate | None
    hazard_ratios: tuple[HazardRatio, ...]
    proportional_hazards: Estimate
    rmst_difference: Estimate | None
    rmst_tau: float | None
    continuous: HazardRatio | None
    follow_up: Estimate

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name.
        """
        plain = {
            name: getattr(self, name)
            for name in ("name", "title", "definition", "note", "n", "n_events", "n_zero_time", "n_zero_time_events",
                         "headline", "rmst_tau")
        }  # fmt: skip
        estimates = {
            name: value.to_dict() if (value := getattr(self, name)) else None
            for name in (
                "logrank",
                "stratified_logrank",
                "proportional_hazards",
                "rmst_difference",
                "follow_up",
            )
        }
        return (
            plain
            | estimates
            | {
                "flow": [{"label": s.label, "n": s.n, "left_out": s.left_out} for s in self.flow],
                "groups": [group.to_dict() for group in self.groups],
                "hazard_ratios": [ratio.to_dict() for ratio in self.hazard_ratios],
                "continuous": self.continuous.to_dict() if self.continuous else None,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """How patients were put into groups.

    Parameters
    ----------
    name, title : str
        Column and what people call it.
    rule : str
        The rule and its cut, in words.
    measure : str or None
        Canonical column behind a status.
    biomarker, compartment : str or None
        Keys into the evidence registry.
    """

    name: str
    title: str
    rule: str
    measure: str | None = None
    biomarker: str | None = None
    compartment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalReport:
    """Everything that a survival report says.

    Parameters
    ----------
    cohort : dict
        File, sheet, rows, how it was read.
    grouping : Grouping
        The groups.
    disease : str or None
        Disease, for the evidence registry.
    endpoints : tuple of EndpointResult
        One an endpoint.
    notes : tuple of str
        Notes of the map on the source.
    limitations : tuple of str
        What this report does not do.
    settings : dict
        The plan's analysis settings.
    versions : dict
        igfstrat, Python and libraries.
    """

    cohort: dict[str, Any]
    grouping: Grouping
    disease: str | None
    endpoints: tuple[EndpointResult, ...]
    notes: tuple[str, ...]
    limitations: tuple[str, ...]
    settings: dict[str, Any]
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Every number at full precision.
        """
        return {
            "purpose": "research use only; not for the care of a patient",
            "cohort": self.cohort,
            "grouping": {name: getattr(self.grouping, name) for name in Grouping.__slots__},
            "disease": self.disease,
            "endpoints": {result.name: result.to_dict() for result in self.endpoints},
            "notes": list(self.notes),
            "limitations": list(self.limitations),
            "settings": self.settings,
            "versions": self.versions,
        }
