"""Frozen results of table 1: patients by group, and evaluable against not evaluable for the marker."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from igfstrat.analysis.results import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineVariable:
    """One variable of a table of patients.

    Parameters
    ----------
    name, title : str
        Column of the data, and what people call it.
    unit : str or None
        Unit of a number.
    kind : str
        ``numeric`` or ``coded``.
    levels : tuple of str
        Order of the codes; others follow by alphabet.
    """

    name: str
    title: str
    unit: str | None = None
    kind: Literal["numeric", "coded"] = "coded"
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericSummary:
    """A number in one group.

    Parameters
    ----------
    n, n_missing : int
        Known and missing values.
    median, q1, q3, mean, sd : float or None
        Of the known values, quartiles by linear interpolation (type 7 of R); None without any, `sd` with fewer than 2.
    """

    n: int
    n_missing: int
    median: float | None
    q1: float | None
    q3: float | None
    mean: float | None
    sd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCount:
    """Patients with one code.

    Parameters
    ----------
    level : str
        The code.
    n : int
        Patients.
    percent : float or None
        Of those whose code is known; None where nobody's is.
    """

    level: str
    n: int
    percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedSummary:
    """A code in one group.

    Parameters
    ----------
    n, n_missing : int
        Known and missing values.
    levels : tuple of LevelCount
        The same levels in every group.
    """

    n: int
    n_missing: int
    levels: tuple[LevelCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardizedDifference:
    """How far groups lie apart, in standard deviations.

    Parameters
    ----------
    value : float or None
        Absolute standardized mean difference; of more than two groups the largest of all pairs.
    between : tuple of str or None
        The two groups.
    not_estimable : str or None
        Why there is none.
    """

    value: float | None = None
    between: tuple[str, str] | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """One variable in all groups.

    Parameters
    ----------
    variable : BaselineVariable
        What it is.
    columns : tuple of NumericSummary or CodedSummary
        One for each column of the table; none where `not_described` says why.
    difference : StandardizedDifference
        Between the groups.
    not_described : str or None
        Why it can't be shown.
    """

    variable: BaselineVariable
    columns: tuple[NumericSummary | CodedSummary, ...]
    difference: StandardizedDifference
    not_described: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineTable:
    """Patients by group.

    Parameters
    ----------
    columns : tuple of str
        All patients, then the groups in their order.
    n : tuple of int
        Patients in each.
    characteristics : tuple of Characteristic
        One a variable.
    """

    columns: tuple[str, ...]
    n: tuple[int, ...]
    characteristics: tuple[Characteristic, ...]

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, every number at full precision.
        """
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeColumn:
    """Outcome of evaluable, or of not evaluable, patients.

    Parameters
    ----------
    label : str
        Which.
    n, n_events : int
        Patients with the endpoint, and events.
    median : Estimate
        Median survival in months by Kaplan–Meier.
    """

    label: str
    n: int
    n_events: int
    median: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeByEvaluability:
    """One endpoint, evaluable against not evaluable.

    Parameters
    ----------
    endpoint, title : str
        Endpoint.
    columns : tuple of OutcomeColumn
        Evaluable, not evaluable.
    logrank : Estimate
        Chi-square with its p-value, which describes and decides nothing.
    """

    endpoint: str
    title: str
    columns: tuple[OutcomeColumn, ...]
    logrank: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOne:
    """Patients by group, and evaluable against not evaluable.

    Parameters
    ----------
    by_group, by_evaluability : BaselineTable
        The two tables.
    outcomes : tuple of OutcomeByEvaluability
        One an endpoint.
    imbalance_from : float
        Standardized difference from which the text names a variable.
    """

    by_group: BaselineTable
    by_evaluability: BaselineTable
    outcomes: tuple[OutcomeByEvaluability, ...]
    imbalance_from: float = 0.1

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, every number at full precision.
        """
        return asdict(self)
