"""Frozen results of an adjusted comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from igfstrat.analysis._estimating import to_plain
from igfstrat.analysis.results import Estimate, Grouping


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedTerm:
    """One hazard ratio of a multivariable model.

    `level` and `reference` are None for a number, whose ratio is per unit. `is_group` marks what is compared.
    """

    covariate: str
    level: str | None
    reference: str | None
    is_group: bool
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TermTest:
    """A test of one covariate: chi-square and p."""

    covariate: str
    test: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedModel:
    """A multivariable Cox model.

    `group_test` is ``likelihood_ratio`` (chi-square) or, over completed tables, ``pooled_wald`` (F);
    `proportional_hazards` is of all terms together, from complete cases.
    """

    n: int
    n_events: int
    n_parameters: int
    events_per_parameter: float | None
    terms: tuple[AdjustedTerm, ...]
    group_test: Estimate
    group_test_kind: str
    group_test_df: int
    proportional_hazards: Estimate
    proportional_by_term: tuple[TermTest, ...]
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardizedMilestone:
    """Survival, or a difference of survival, at one time."""

    months: float
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardizedGroup:
    """Standardized survival of one group; the curve's limits are None where there are none."""

    label: str
    n: int
    effective_n: float | None
    milestones: tuple[StandardizedMilestone, ...]
    rmst: Estimate
    time: tuple[float, ...]
    survival: tuple[float | None, ...]
    ci_lower: tuple[float | None, ...]
    ci_upper: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardizedDifference:
    """One group minus the reference."""

    term: str
    reference: str
    milestones: tuple[StandardizedMilestone, ...]
    rmst: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardizedCurves:
    """One way of standardizing: ``iptw``, ``overlap`` or ``g_formula``."""

    method: str
    groups: tuple[StandardizedGroup, ...]
    differences: tuple[StandardizedDifference, ...]
    replicates_asked: int
    replicates_used: int
    no_interval: str | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Absolute standardized mean differences of one column between two groups; None where not estimable."""

    covariate: str
    level: str | None
    term: str
    reference: str
    unweighted: float | None
    iptw: float | None
    overlap: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Positivity:
    """Fitted probability, over all patients, of being in one group, and the share outside the bounds."""

    label: str
    lowest: float
    highest: float
    share_outside: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedResult:
    """The comparison of groups on one endpoint, adjusted for covariates."""

    endpoint: str
    title: str
    grouping: Grouping
    groups: tuple[str, ...]
    covariates: tuple[dict[str, Any], ...]
    left_out_terms: dict[str, str]
    missing: str
    n_before: int
    n: int
    n_events: int
    n_missing: dict[str, int]
    n_imputations: int | None
    model: AdjustedModel
    rmst_tau: float | None
    standardized: tuple[StandardizedCurves, ...]
    balance: tuple[Balance, ...]
    positivity: tuple[Positivity, ...]
    positivity_bounds: tuple[float, float]
    balance_bound: float
    fewest_events_per_parameter: int
    seed: int
    alpha: float
    not_estimable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Fields by name, every number at full precision."""
        plain: dict[str, Any] = to_plain(self)
        return plain
