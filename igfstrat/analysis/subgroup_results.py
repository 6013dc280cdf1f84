"""Frozen results of comparisons within subgroups, and of the tests whether effects differ between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from igfstrat.analysis.results import HazardRatio


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupVariable:
    """A variable whose levels are subgroups.

    Parameters
    ----------
    name, title : str
        Feature or column, and what people call it.
    levels : tuple of str
        Order of the levels; others follow by alphabet.
    """

    name: str
    title: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCount:
    """One group of a subgroup.

    Parameters
    ----------
    label : str
        Group.
    n, n_events : int
        Patients and events.
    """

    label: str
    n: int
    n_events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelCurve:
    """A Kaplan–Meier curve as drawn in a small panel: its steps and its end.

    Parameters
    ----------
    label : str
        Group.
    time : tuple of float
        Months, ascending.
    survival : tuple of float
        Probability of surviving beyond each.
    n_at_risk : tuple of int
        Patients at risk just before each.
    n_events : tuple of int
        Events since the time before.
    """

    label: str
    time: tuple[float, ...]
    survival: tuple[float, ...]
    n_at_risk: tuple[int, ...]
    n_events: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupRow:
    """The comparison within one level, or in all patients.

    Parameters
    ----------
    level : str or None
        The level; None for all patients.
    n, n_events : int
        Patients and events.
    groups : tuple of GroupCount
        In the order of the report, groups without a patient of this level too.
    hazard_ratios : tuple of HazardRatio
        Each group against the first; a reason instead where either has too few events.
    curves : tuple of PanelCurve
        One for each group with patients; none for the row of all patients.
    """

    level: str | None
    n: int
    n_events: int
    groups: tuple[GroupCount, ...]
    hazard_ratios: tuple[HazardRatio, ...]
    curves: tuple[PanelCurve, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """The test whether the effect is the same in all levels.

    Parameters
    ----------
    statistic : float or None
        Likelihood-ratio chi-square.
    df : int or None
        Its degrees of freedom.
    p_value, p_adjusted : float or None
        Its p-value, and that after Holm's correction for all interaction tests of the run.
    left_out : tuple of str
        Levels with too few events, or without two groups, to enter it.
    not_estimable : str or None
        Why there is no test.
    """

    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    left_out: tuple[str, ...] = ()
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableResult:
    """One variable: its levels and its interaction.

    Parameters
    ----------
    variable : SubgroupVariable
        Which.
    n_missing : int
        Analysed patients whose level is not known.
    rows : tuple of SubgroupRow
        One a level.
    interaction : Interaction
        The test.
    """

    variable: SubgroupVariable
    n_missing: int
    rows: tuple[SubgroupRow, ...]
    interaction: Interaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupEndpoint:
    """All subgroups on one endpoint.

    Parameters
    ----------
    endpoint, title : str
        Endpoint.
    groups : tuple of str
        Groups compared; the first is the reference.
    overall : SubgroupRow
        All patients.
    variables : tuple of VariableResult
        One a variable.
    """

    endpoint: str
    title: str
    groups: tuple[str, ...]
    overall: SubgroupRow
    variables: tuple[VariableResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupAnalysis:
    """All subgroups of a run.

    Parameters
    ----------
    endpoints : tuple of SubgroupEndpoint
        One an endpoint.
    n_interactions : int
        Interactions looked at: variables times endpoints.
    n_tested : int
        Those that could be tested, for which p-values are corrected.
    fewest_events : int
        Events that each of two groups needs for a hazard ratio, and a level for the interaction test.
    alpha : float
        Threshold of the interaction tests.
    """

    endpoints: tuple[SubgroupEndpoint, ...]
    n_interactions: int
    n_tested: int
    fewest_events: int
    alpha: float

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, every number at full precision.
        """
        return asdict(self)
