"""IGF-1R in the tumour: expression status of protein, phosphorylation or mRNA; and of other tumour analytes.

The three are different analytes and have statuses of their own. H-score, Allred and the 0-3 score
don't convert into each other, so a rule is tied to the measure it was defined on. Membrane, cytoplasm and nucleus are
different compartments: under one cut there is one of them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import CohortError, ConfigError, Problem, Severity
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.coded import by_word, count_words
from igfstrat.features.cores import CoreRule, check_cores
from igfstrat.features.igf1r_sources import (
    FIRST_CORE,
    LAST_PERCENTAGE,
    limits_of_source,
    sources_of,
)
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.staining import PERCENTAGES, StainingRule, flag_percentages, read_percentages
from igfstrat.features.status import (
    HIGH,
    INDETERMINATE,
    LOW,
    NAMED_RULES,
    STAINED_MEASURES,
    StatusRule,
    quantile_of_limits,
    status_from_limits,
)
from igfstrat.features.tumour import TUMOUR_COMPARTMENTS, TUMOUR_SPECS
from igfstrat.schema import COLUMNS

_WORDS: Final = (HIGH, LOW, INDETERMINATE)
_PROTEIN: Final = {
    "igf1r_h_score": "1",
    "igf1r_allred": "1",
    "igf1r_ihc": "code",
    "igf1r_protein": "1",
    "igf1r_h_score_membrane": "1",
    "igf1r_h_score_cytoplasm": "1",
    "igf1r_h_score_nucleus": "1",
}

IGF1R_STATUS: Final = FeatureSpec(
    name="igf1r_status",
    title="IGF-1R status",
    inputs={},
    any_of=_PROTEIN | {"igf1r_mrna": "1", FIRST_CORE: "1", LAST_PERCENTAGE: "%"},
    unit="code",
    words=_WORDS,
    evidence=("E-b-01", "E-b-06", "E-b-08", "E-b-11", "E-b-21", "E-d-31", "E-d-31b"),
)
IGF1R_PHOSPHO_STATUS: Final = FeatureSpec(
    name="igf1r_phospho_status",
    title="Phospho-IGF-1R status",
    inputs={"igf1r_phospho": "1"},
    any_of={},
    unit="code",
    words=_WORDS,
    evidence=("E-b-10b", "S2-11"),
)
IGF1R_MRNA_STATUS: Final = FeatureSpec(
    name="igf1r_mrna_status",
    title="IGF1R mRNA status",
    inputs={"igf1r_mrna": "1"},
    any_of={},
    unit="code",
    words=_WORDS,
    evidence=("E-b-14", "E-b-14b", "E-d-26", "E-d-36", "S1-56", "S1-61", "S1-63", "S1-63b"),
)
STATUS_SPECS: Final[dict[str, FeatureSpec]] = {
    **{spec.name: spec for spec in (IGF1R_STATUS, IGF1R_PHOSPHO_STATUS, IGF1R_MRNA_STATUS)},
    **TUMOUR_SPECS,
}

COMPARTMENT_OF_MEASURE: Final[dict[str, str]] = (
    dict.fromkeys(_PROTEIN, "tumour_protein")
    | {"igf1r_mrna": "tumour_mrna", "igf1r_phospho": "tumour_phospho"}
    | TUMOUR_COMPARTMENTS
)

_SOURCES: Final = "measured column first, then cores, then percentages"


def measures_of(name: str) -> tuple[str, ...]:
    """Measures that a status may be cut from.

    Parameters
    ----------
    name : str
        A status of `STATUS_SPECS`.

    Returns
    -------
    tuple of str
        Canonical columns; cores and percentages stand in for a measure and are none.

    Examples
    --------
    >>> measures_of("irs1_status")
    ('irs1',)
    """
    spec = STATUS_SPECS[name]
    return tuple(m for m in (*spec.inputs, *spec.any_of) if m not in {FIRST_CORE, LAST_PERCENTAGE})


class ExpressionStatus(FeatureTransformer):
    """Status of one tumour analyte by one rule.

    An IGF-1R score that no column gives is derived: the H-score from cores (``igf1r_h_score_1`` and so on), else all
    three scores from the percentages of cells. The order is: measured column first, then cores, then percentages,
    and of each the measures in the order of the rule. One source is chosen in `fit` for all rows.

    Rows whose ``igf1r_compartment`` says another compartment than `compartment`, than that of the named rule, or else
    than the commonest among the rows of `fit` with a value, are indeterminate and have no part in a quantile. A row
    that doesn't say its compartment is taken as one that fits. A measure that names its compartment
    (``igf1r_h_score_nucleus``) doesn't ask.

    Parameters
    ----------
    name : str
        Feature: a key of `STATUS_SPECS`.
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
    repeatability_sd : float or None
        Within-patient standard deviation of the value that is cut, in its unit; the band is 1.96 times as wide. It
        excludes `indeterminate`.
    compartment : str or None
        The compartment that a row must have; a code of ``igf1r_compartment``.
    aggregate : str
        How cores become one value; see `igfstrat.features.cores.CoreFeatures`.
    intensity : str
        Intensity of an Allred score from percentages; see `igfstrat.features.staining.StainingFeatures`.

    Attributes
    ----------
    measure_ : str
        Canonical name of the measure in use.
    source_ : Source
        Where its values come from.
    rule_ : str or None
        Named rule in use.
    cut_ : float
        The cut; NaN where a quantile can't be told.
    band_ : float
        Half-width of the band around it.
    n_fit_ : int
        Values that a quantile was taken from.
    compartments_ : tuple of str
        Compartments that fit; empty where none is asked for.
    stated_ : dict of str to int
        Compartments stated by the rows of `fit` with a value, commonest first.
    """

    def __init__(
        self,
        name: str = "igf1r_status",
        rule: str | tuple[str, ...] | None = None,
        quantile: float | None = None,
        at_least: float | None = None,
        of: str | tuple[str, ...] | None = None,
        indeterminate: float = 0.0,
        repeatability_sd: float | None = None,
        compartment: str | None = None,
        aggregate: str = "mean",
        intensity: str = "average",
    ) -> None:
        self.name = name
        self.rule = rule
        self.quantile = quantile
        self.at_least = at_least
        self.of = of
        self.indeterminate = indeterminate
        self.repeatability_sd = repeatability_sd
        self.compartment = compartment
        self.aggregate = aggregate
        self.intensity = intensity

    def values_of(self, X: pd.DataFrame) -> NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """The numbers that the rule cuts.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with canonical headers.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
            In the unit of `measure_`; NaN where a value isn't known, or only between limits.
        """
        if self.source_.kind == "column":
            return X[COLUMNS[self.measure_].header].to_numpy(dtype=np.float64)
        lower, upper = self._limits(X)
        return np.where(lower == upper, lower, np.nan)

    def _required(self) -> list[str]:
        kind = self.source_.kind if hasattr(self, "source_") else "cores"
        return {"column": [getattr(self, "measure_", "")], "percentages": list(PERCENTAGES)}.get(kind, [])

    def _check_table(self, X: pd.DataFrame) -> None:  # noqa: N803
        super()._check_table(X)
        if self.source_.kind == "cores":
            check_cores(X, type(self).__name__)

    def _names(self) -> list[str]:
        return [self.name]

    def _describe(self) -> dict[str, str]:
        parts = [self._said_cut(), *self._said_source(), *self._said_band(), *self._said_compartment()]
        return {self.name: "; ".join(parts)}

    def _said_cut(self) -> str:
        title = COLUMNS[self.measure_].title
        if self.quantile is not None:
            which = "median" if self.quantile == 0.5 else f"{self.quantile:g} quantile"
            if np.isnan(self.cut_):
                why = (
                    "values known only between limits leave it open" if self.n_fit_ else "there are no values"
                )
                return f"high: {title} above the {which} of {self.n_fit_} values of this cohort; the cut can't be told ({why}), and every known value is indeterminate"
            return f"high: {title} > {self.cut_:.6g}, the {which} of {self.n_fit_} values of this cohort"
        text = f"high: {title} ≥ {self.cut_:g}"
        if self.rule_:
            text += f" ({NAMED_RULES[self.rule_].title}; evidence {NAMED_RULES[self.rule_].evidence})"
        return text

    def _said_source(self) -> list[str]:
        if self.source_.kind == "cores":
            return [f"from the {self.aggregate} of each patient's cores ({_SOURCES})"]
        if self.source_.kind == "column":
            return [f"from the column as given ({_SOURCES})"] if self.others_ else []
        way = {"igf1r_allred": f", by {self.intensity} intensity", "igf1r_ihc": ", approximate"}
        return [f"from the percentages of cells{way.get(self.measure_, '')} ({_SOURCES})"]

    def _said_band(self) -> list[str]:
        if not self.band_:
            return []
        text = f"indeterminate within {self.band_:g} of the cut"
        if self.repeatability_sd is not None:
            text += f" (1.96 repeatability SD of {self.repeatability_sd:g})"
        return [text]

    def _said_compartment(self) -> list[str]:
        if not self.compartments_:
            return []
        text = f"compartment: {' or '.join(self.compartments_)}"
        if self.stated_:
            text += f" (stated: {', '.join(f'{place} {n}' for place, n in self.stated_.items())})"
        return [f"{text}; rows of another indeterminate"]

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        status, differs = self._compute(X)[self.name], self._differs(X)
        header = COLUMNS[self.measure_].header
        open_cut = "the cut can't be told: status indeterminate"
        close = "too close to the cut, or known only between limits: status indeterminate"
        elsewhere = (
            f"stained in another compartment than {' or '.join(self.compartments_)}: status indeterminate"
        )
        doubtful = status == INDETERMINATE
        remedy = open_cut if np.isnan(self.cut_) else close
        flags = flag_where(doubtful & ~differs, "status_indeterminate", header, remedy)
        flags += flag_where(doubtful & differs, "compartment_differs", "igf1r_compartment", elsewhere)
        if self.source_.kind == "percentages":
            above = self.quantile is not None
            flags += flag_percentages(*read_percentages(X), (self.measure_,), cut=self.cut_, above=above)
        return flags

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        settings = self._settings()
        found = sources_of(settings, X.columns)
        if not found:
            remedy = f"column missing: {self.name} needs one of {', '.join(settings.measures)}"
            problem = Problem(
                code="header", severity=Severity.ERROR, column=settings.measures[0], remedy=remedy
            )
            headline = f"the table for {self.name}"
            raise CohortError(headline, [problem], "No status was computed.")
        self.source_, self.others_ = found[0], len(found) > 1
        self.measure_ = self.source_.measure
        self.rule_ = settings.rule_names[self.source_.position] if settings.rule_names else None
        self.band_ = settings.band
        lower, upper = self._limits(X)
        known = ~(np.isnan(lower) & np.isnan(upper))
        self._learn_compartment(X, known)
        self._learn_cut(lower, upper, known & ~self._differs(X))

    def _settings(self) -> StatusRule:
        if self.name not in STATUS_SPECS:
            message = f"{self.name} is not a status of a tumour analyte; there are {', '.join(STATUS_SPECS)}"
            raise ConfigError(message)
        settings = make_settings(
            StatusRule, self.name, rule=self.rule, quantile=self.quantile, at_least=self.at_least, of=self.of,
            indeterminate=self.indeterminate, repeatability_sd=self.repeatability_sd, compartment=self.compartment,
        )  # fmt: skip
        make_settings(CoreRule, "aggregate of cores", aggregate=self.aggregate)
        make_settings(StainingRule, "intensity of the Allred score", intensity=self.intensity)
        # protein, phosphorylation and mRNA are different analytes, and so are the members of the axis
        foreign = [m for m in settings.measures if m not in measures_of(self.name)]
        if foreign:
            message = f"{self.name}: {foreign[0]} is not a measure of it; there are {', '.join(measures_of(self.name))}"
            raise ConfigError(message)
        return settings

    def _learn_compartment(self, X: pd.DataFrame, known: NDArray[np.bool_]) -> None:  # noqa: N803
        self.stated_: dict[str, int] = {}
        self.compartments_: tuple[str, ...] = ()
        if self.measure_ not in STAINED_MEASURES:
            return
        if "igf1r_compartment" in X:
            self.stated_ = count_words(X["igf1r_compartment"], known)
        if self.compartment is not None:
            self.compartments_ = (self.compartment,)
        elif self.rule_ and NAMED_RULES[self.rule_].compartments:
            self.compartments_ = NAMED_RULES[self.rule_].compartments
        else:
            self.compartments_ = tuple(self.stated_)[:1]

    def _learn_cut(
        self,
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        usable: NDArray[np.bool_],
    ) -> None:
        self.n_fit_ = 0
        if self.rule_:
            self.cut_ = float(NAMED_RULES[self.rule_].at_least)
        elif self.at_least is not None:
            self.cut_ = float(self.at_least)
        else:
            self.n_fit_ = int(usable.sum())
            self.cut_ = quantile_of_limits(lower[usable], upper[usable], self.quantile or 0.5)

    def _limits(self, X: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # noqa: N803
        return limits_of_source(X, self.source_, aggregate=self.aggregate, intensity=self.intensity)

    def _differs(self, X: pd.DataFrame) -> NDArray[np.bool_]:  # noqa: N803
        if not self.compartments_ or "igf1r_compartment" not in X:
            return np.zeros(len(X), dtype=bool)
        fits = (None, *self.compartments_)  # what isn't stated fits
        return by_word(X["igf1r_compartment"], lambda word: word not in fits, bool)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        lower, upper = self._limits(X)
        above = self.quantile is not None
        status = status_from_limits(lower, upper, cut=self.cut_, above=above, band=self.band_)
        # measured, but not where the rule asks: that is doubt, not a missing value
        status[~(np.isnan(lower) & np.isnan(upper)) & self._differs(X)] = INDETERMINATE
        return {self.name: status}
