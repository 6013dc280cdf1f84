"""IGF-1R in the tumour: expression status of protein, phosphorylation or mRNA.

The three are different analytes and have statuses of their own. H-score, Allred and the 0-3 score
don't convert into each other, so a rule is tied to the measure it was defined on.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import CohortError, DomainError, Problem, Severity
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import (
    INDETERMINATE,
    NAMED_RULES,
    StatusRule,
    limits_of,
    quantile_of_limits,
    status_from_limits,
)
from igfstrat.schema import COLUMNS

_PROTEIN: Final = {"igf1r_h_score": "1", "igf1r_allred": "1", "igf1r_ihc": "code", "igf1r_protein": "1"}

IGF1R_STATUS: Final = FeatureSpec(
    name="igf1r_status",
    title="IGF-1R status",
    inputs={},
    any_of=_PROTEIN | {"igf1r_mrna": "1"},
    unit="code",
    evidence=("E-b-01", "E-b-06", "E-b-08", "E-b-11", "E-b-21"),
)
IGF1R_PHOSPHO_STATUS: Final = FeatureSpec(
    name="igf1r_phospho_status",
    title="Phospho-IGF-1R status",
    inputs={"igf1r_phospho": "1"},
    any_of={},
    unit="code",
)
IGF1R_MRNA_STATUS: Final = FeatureSpec(
    name="igf1r_mrna_status",
    title="IGF1R mRNA status",
    inputs={"igf1r_mrna": "1"},
    any_of={},
    unit="code",
)

COMPARTMENT_OF_MEASURE: Final[dict[str, str]] = dict.fromkeys(_PROTEIN, "tumour_protein") | {
    "igf1r_mrna": "tumour_mrna",
    "igf1r_phospho": "tumour_phospho",
}


def h_score(percent_1: ArrayLike, percent_2: ArrayLike, percent_3: ArrayLike) -> NDArray[np.float64]:
    """H-score from the percentages of cells by staining intensity.

    Parameters
    ----------
    percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 1+, 2+ and 3+, each 0-100 and together at most 100; NaN gives NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
        1 x % 1+ plus 2 x % 2+ plus 3 x % 3+, 0-300 (evidence E-b-21).

    Raises
    ------
    DomainError
        If a percentage is negative, or the three exceed 100.

    Examples
    --------
    >>> h_score([10.0], [20.0], [30.0])
    array([140.])
    """
    one, two, three = (np.asarray(p, dtype=np.float64) for p in (percent_1, percent_2, percent_3))
    # percentages are rounded when they are written down
    if np.any(one < 0) or np.any(two < 0) or np.any(three < 0) or np.any(one + two + three > 100.5):
        message = "percentages must be >= 0 and together at most 100"
        raise DomainError(message)
    return one + 2 * two + 3 * three


class ExpressionStatus(FeatureTransformer):
    """Status of one IGF-1R analyte by one rule.

    Parameters
    ----------
    name : str
        Feature: ``igf1r_status``, ``igf1r_phospho_status`` or ``igf1r_mrna_status``.
    rule : str, tuple of str or None
        Named rules, tried in order: the first whose measure is in the table is used.
    quantile : float or None
        High is above this quantile of the cohort it is fitted on.
    at_least : float or None
        High is this value or more.
    of : str, tuple of str or None
        Measure that is cut by `quantile` or `at_least`; of several the first that is in the table.
    indeterminate : float
        Half-width of the band around the cut, in the measure's unit.

    Attributes
    ----------
    measure_ : str
        Canonical name of the measure in use.
    cut_ : float
        The cut.
    n_fit_ : int
        Values that a quantile was taken from.
    """

    def __init__(
        self,
        name: str = "igf1r_status",
        rule: str | tuple[str, ...] | None = None,
        quantile: float | None = None,
        at_least: float | None = None,
        of: str | tuple[str, ...] | None = None,
        indeterminate: float = 0.0,
    ) -> None:
        self.name = name
        self.rule = rule
        self.quantile = quantile
        self.at_least = at_least
        self.of = of
        self.indeterminate = indeterminate

    def _required(self) -> list[str]:
        return [self.measure_] if hasattr(self, "measure_") else []

    def _names(self) -> list[str]:
        return [self.name]

    def _describe(self) -> dict[str, str]:
        title = COLUMNS[self.measure_].title
        if self.quantile is not None:
            which = "median" if self.quantile == 0.5 else f"{self.quantile:g} quantile"
            text = f"high: {title} > {self.cut_:.6g}, the {which} of {self.n_fit_} values of this cohort"
        else:
            text = f"high: {title} ≥ {self.cut_:g}"
            if self.rule_:
                text += f" ({NAMED_RULES[self.rule_].title}; evidence {NAMED_RULES[self.rule_].evidence})"
        if self.indeterminate:
            text += f"; indeterminate within {self.indeterminate:g} of the cut"
        return {self.name: text}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        status = self._compute(X)[self.name]
        remedy = "too close to the cut, or known only between limits: status indeterminate"
        header = COLUMNS[self.measure_].header
        return flag_where(status == INDETERMINATE, "status_indeterminate", header, remedy)

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        settings = make_settings(
            StatusRule, self.name, rule=self.rule, quantile=self.quantile, at_least=self.at_least, of=self.of,
            indeterminate=self.indeterminate,
        )  # fmt: skip
        present = [(i, m) for i, m in enumerate(settings.measures) if m in COLUMNS and COLUMNS[m].header in X]
        if not present:
            remedy = f"column missing: {self.name} needs one of {', '.join(settings.measures)}"
            problem = Problem(
                code="header", severity=Severity.ERROR, column=settings.measures[0], remedy=remedy
            )
            headline = f"the table for {self.name}"
            raise CohortError(headline, [problem], "No status was computed.")
        position, self.measure_ = present[0]
        self.rule_ = settings.rule_names[position] if settings.rule_names else None
        self.n_fit_ = 0
        if self.rule_:
            self.cut_ = float(NAMED_RULES[self.rule_].at_least)
        elif self.at_least is not None:
            self.cut_ = float(self.at_least)
        else:
            lower, upper = limits_of(X, COLUMNS[self.measure_].header)
            self.n_fit_ = int((~(np.isnan(lower) & np.isnan(upper))).sum())
            self.cut_ = quantile_of_limits(lower, upper, self.quantile or 0.5)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        header = COLUMNS[self.measure_].header
        lower, upper = limits_of(X, header)
        above = self.quantile is not None
        return {
            self.name: status_from_limits(lower, upper, cut=self.cut_, above=above, band=self.indeterminate)
        }
