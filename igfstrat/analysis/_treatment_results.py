"""Frozen results of a treatment's effect by marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from igfstrat.analysis._estimating import to_plain
from igfstrat.analysis.results import Estimate, Grouping


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentMilestone:
    """Survival in both arms at one time, and the difference.

    Parameters
    ----------
    months : float
        The time.
    control, experimental : float or None
        Survival in each arm, 0 to 1; None where not estimable.
    difference : Estimate
        Experimental minus control.
    """

    months: float
    control: float | None
    experimental: float | None
    difference: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentEffect:
    """Effect of the treatment in one group, or in all.

    Parameters
    ----------
    label : str or None
        The group; None for all patients.
    n_control, n_experimental, events_control, events_experimental : int
        Patients and events of each arm.
    hazard_ratio : Estimate
        Experimental to control, by Cox; among all, stratified by group.
    rmst_difference : Estimate
        Experimental minus control, in months up to `TreatmentResult.rmst_tau`.
    milestones : tuple of TreatmentMilestone
        At the plan's times.
    """

    label: str | None
    n_control: int
    n_experimental: int
    events_control: int
    events_experimental: int
    hazard_ratio: Estimate
    rmst_difference: Estimate
    milestones: tuple[TreatmentMilestone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """Whether the treatment's effect differs by marker.

    Parameters
    ----------
    kind : str
        ``levels`` (likelihood-ratio test of the hazard ratios), ``rmst`` (chi-square of the differences in mean survival
        time) or ``continuous`` (likelihood-ratio test of the product term).
    measure : str or None
        Name of the continuous marker.
    test : Estimate
        Chi-square and p.
    df : int
        Its degrees of freedom.
    ratio : Estimate or None
        Ratio of hazard ratios: of the second group to the first, where there are two, or for one unit more of the
        marker.
    """

    kind: str
    measure: str | None
    test: Estimate
    df: int
    ratio: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentResult:
    """The effect of a treatment by marker, on one endpoint.

    Parameters
    ----------
    endpoint, title : str
        Endpoint.
    grouping : Grouping
        The marker.
    treatment : str
        What the treatment's column is called.
    experimental : str
        Its experimental value.
    control : tuple of str
        All other values that occur.
    n, n_events : int
        Patients with group, treatment and endpoint, and their events.
    n_no_treatment : int
        Patients left out because their treatment isn't known.
    rmst_tau : float or None
        Horizon of mean survival time in months, the same in all groups.
    overall : TreatmentEffect or None
        In all groups together.
    effects : tuple of TreatmentEffect
        In each group.
    interactions : tuple of Interaction
        Tests of a difference between the groups' effects.
    alpha : float
        The plan's threshold.
    not_estimable : str or None
        Why there is nothing at all.
    """

    endpoint: str
    title: str
    grouping: Grouping
    treatment: str
    experimental: str
    control: tuple[str, ...]
    n: int
    n_events: int
    n_no_treatment: int
    rmst_tau: float | None
    overall: TreatmentEffect | None
    effects: tuple[TreatmentEffect, ...]
    interactions: tuple[Interaction, ...]
    alpha: float
    not_estimable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, every number at full precision.
        """
        plain: dict[str, Any] = to_plain(self)
        return plain
