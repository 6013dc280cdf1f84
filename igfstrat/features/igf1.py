"""Serum IGF-1: standard deviation score by age, sex and assay, and its status.

Values of two IGF-1 assays differ by half to more than one standard deviation, so a score against
another assay's reference is shown but decides nothing: its status is indeterminate, unless
`assume_assay` says that the assay is the reference's. The same holds for another matrix. No value is
converted from one assay into another. A cut in ng/mL belongs to one assay: that of most patients of
the fit; values of any other are indeterminate.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import ConfigError
from igfstrat.features.assays import differs_from, flag_reference_rows, stated_assays
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.coded import count_words
from igfstrat.features.reference_range import reference_for, reference_sds, reference_sds_limits
from igfstrat.features.reference_table import Reference
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import (
    HIGH,
    INDETERMINATE,
    LOW,
    limits_of,
    quantile_of_limits,
    status_from_limits,
)

Limits = tuple[NDArray[np.float64], NDArray[np.float64]]

IGF1_SDS: Final = FeatureSpec(
    name="igf1_sds",
    title="Serum IGF-1, standard deviation score",
    inputs={"igf1": "ng/mL", "age_years": "year", "sex": "code"},
    any_of={},
    unit="1",
    bounds=(-15.0, 15.0),
    evidence=("E-a-01", "E-a-23"),
)
IGF1_STATUS: Final = FeatureSpec(
    name="igf1_status",
    title="Serum IGF-1 status",
    inputs=IGF1_SDS.inputs,
    any_of={},
    unit="code",
    words=(HIGH, LOW, INDETERMINATE),
    evidence=("E-a-01", "E-a-23"),
)
IGF1_MEASURES: Final = ("igf1", "igf1_sds")  # what a fixed cut or a quantile may be of
_HEADER: Final = "igf1_ng_ml"


class Igf1Features(FeatureTransformer):
    """Serum IGF-1 score, and status where a cut is given: by score, by a fixed value, or by a quantile of the cohort.

    Parameters
    ----------
    reference : str or Reference
        Key of `igfstrat.features.reference_range.REFERENCES`, or a user's reference that has IGF-1.
    sds_above : float or None
        Scores above it are high. Without any of the three cuts there is no status.
    assume_assay : str or None
        Assay of values whose assay isn't stated.
    at_least : float or None
        Values of `of` that are this or more are high.
    quantile : float or None
        Values of `of` above this quantile of the cohort it is fitted on are high.
    of : str or None
        ``igf1`` (ng/mL) or ``igf1_sds``; needed by `at_least` and `quantile`.
    indeterminate : float
        Half-width of the band around the cut, in the unit of what is cut.
    sds : bool
        Whether the score is given. Without it, a cut in ng/mL needs neither age nor sex.

    Attributes
    ----------
    cut_ : float
        The cut; NaN where the fit leaves a quantile open, and then every status is indeterminate.
    n_fit_ : int
        Values that a quantile was taken from: comparable ones only.
    assays_ : dict of str to int
        Measured values of the fit by stated assay, the commonest first; for a cut in ng/mL.

    Examples
    --------
    >>> table = pd.DataFrame({"igf1_ng_ml": [200.0, 60.0], "age_years": 50.0, "sex": "female", "igf1_assay": "ids_isys"})
    >>> Igf1Features(sds_above=1.0).fit_transform(table).round(2).to_dict("list")
    {'igf1_sds': [2.12, -1.76], 'igf1_status': ['high', 'low']}
    """

    def __init__(
        self,
        reference: str | Reference = "ids_isys_2014",
        sds_above: float | None = None,
        assume_assay: str | None = None,
        at_least: float | None = None,
        quantile: float | None = None,
        of: str | None = None,
        indeterminate: float = 0.0,
        sds: bool = True,
    ) -> None:
        self.reference = reference
        self.sds_above = sds_above
        self.assume_assay = assume_assay
        self.at_least = at_least
        self.quantile = quantile
        self.of = of
        self.indeterminate = indeterminate
        self.sds = sds

    @property
    def _has_status(self) -> bool:
        return any(cut is not None for cut in (self.sds_above, self.at_least, self.quantile))

    @property
    def _cuts_concentration(self) -> bool:
        return self._has_status and self.sds_above is None and self.of == "igf1"

    @property
    def _uses_reference(self) -> bool:
        return self.sds or not self._cuts_concentration

    def _required(self) -> list[str]:
        return list(IGF1_SDS.inputs) if self._uses_reference else ["igf1"]

    def _names(self) -> list[str]:
        return [*(["igf1_sds"] if self.sds else []), *(["igf1_status"] if self._has_status else [])]

    def _describe(self) -> dict[str, str]:
        said = {"igf1_sds": reference_for("igf1", self.reference).words} if self.sds else {}
        return said | ({"igf1_status": self._cut_words()} if self._has_status else {})

    def _cut_words(self) -> str:
        measure, unit = ("Serum IGF-1", " ng/mL") if self._cuts_concentration else ("SDS", "")
        text = f"high: {measure} {'≥' if self.at_least is not None else '>'} {self.cut_:.6g}{unit}"
        if self.quantile is not None:
            which = "median" if self.quantile == 0.5 else f"{self.quantile:g} quantile"
            text += f", the {which} of {self.n_fit_} values of this cohort"
        if self.indeterminate:
            text += f"; within {self.indeterminate:g}{unit} of the cut indeterminate"
        if not self._cuts_concentration:
            return f"{text}; indeterminate unless the assay is the reference's, and with another matrix"
        if len(self.assays_) > 1:
            counts = ", ".join(f"{name} {n}" for name, n in self.assays_.items())
            text += f"; assays in the fit: {counts}; indeterminate unless {next(iter(self.assays_))}"
        elif self.assays_:
            text += f"; assay {next(iter(self.assays_))}, any other indeterminate"
        return text

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        flags, assays = [], self._assays(X)
        if self._uses_reference:
            by_score = self._has_status and not self._cuts_concentration
            consequence = "the SDS is shown, " + (
                "its status stays indeterminate" if by_score else "but can't be compared with the reference"
            )
            flags += flag_reference_rows(
                X, "igf1", assays=assays, reference=self.reference, consequence=consequence
            )
        if self._cuts_concentration:
            known = _known(limits_of(X, _HEADER))
            text = f"a cut in ng/mL belongs to one assay, here {next(iter(self.assays_), '')}: the status stays indeterminate"
            flags += flag_where(known & ~self._one_assay(assays), "mixed_assays", _HEADER, text)
        return flags

    def _assays(self, table: pd.DataFrame) -> pd.Categorical:
        return stated_assays(table, "igf1_assay", self.assume_assay)

    def _one_assay(self, assays: pd.Categorical) -> NDArray[np.bool_]:
        """Rows of the assay that a cut in ng/mL belongs to.

        Where the fit held several assays, a value without a stated one may be of any; where it held one or
        none, nothing speaks against it.
        """
        if not self.assays_:
            return np.ones(len(assays), dtype=bool)
        own = next(iter(self.assays_))
        return np.asarray(assays == own if len(self.assays_) > 1 else ~differs_from(assays, own), dtype=bool)

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        self._check_parameters()
        for name in ("cut_", "n_fit_", "assays_"):
            self.__dict__.pop(name, None)
        self._check_table(X)
        if not self._has_status:
            return
        if self._cuts_concentration:
            self.assays_ = count_words(self._assays(X), _known(self._limits(X)))
        if self.quantile is None:
            self.cut_ = float(self.sds_above if self.sds_above is not None else self.at_least or 0.0)
            return
        limits = self._limits(X)
        usable = self._comparable(X) & _known(limits)
        self.n_fit_ = int(usable.sum())
        self.cut_ = quantile_of_limits(limits[0][usable], limits[1][usable], self.quantile)

    def _check_parameters(self) -> None:
        cuts = [name for name in ("sds_above", "at_least", "quantile") if getattr(self, name) is not None]
        faults = {
            "give at most one of sds_above, at_least and quantile": len(cuts) > 1,
            f"{cuts and cuts[0]} needs of: {' or '.join(IGF1_MEASURES)}": cuts not in ([], ["sds_above"])
            and self.of not in IGF1_MEASURES,
            "sds_above is of igf1_sds; leave of out": self.sds_above is not None
            and self.of not in (None, "igf1_sds"),
            "quantile must lie between 0 and 1": self.quantile is not None and not 0 < self.quantile < 1,
            "indeterminate must be >= 0": not self.indeterminate >= 0,
            "without sds and without a cut there is no feature": not (cuts or self.sds),
        }
        found = [text for text, holds in faults.items() if holds]
        if found:
            message = f"igf1_status: {'; '.join(found)}"
            raise ConfigError(message)
        if self._uses_reference:
            reference_for("igf1", self.reference)

    def _comparable(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows whose method is the one that the cut, or the reference behind the score, belongs to."""
        assays = self._assays(table)
        if self._cuts_concentration:
            return self._one_assay(assays)
        own = reference_for("igf1", self.reference)
        matrices = stated_assays(table, "igf1_matrix", None)
        return np.asarray((assays == own.assay) & ~differs_from(matrices, own.matrix), dtype=bool)

    def _limits(self, table: pd.DataFrame) -> Limits:
        """Limits of what is cut."""
        limits = limits_of(table, _HEADER)
        if self._cuts_concentration:
            return limits
        return reference_sds_limits(*limits, "igf1", reference=self.reference, **_who(table))

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        out: dict[str, Any] = {}
        if self.sds:
            value = X[_HEADER].to_numpy(dtype=np.float64)
            out["igf1_sds"] = reference_sds(value, "igf1", reference=self.reference, **_who(X))
        if self._has_status:
            out["igf1_status"] = self._status(X)
        return out

    def _status(self, table: pd.DataFrame) -> NDArray[np.object_]:
        limits = self._limits(table)
        above = self.at_least is None
        status = status_from_limits(*limits, cut=self.cut_, above=above, band=self.indeterminate)
        # measured, but no reference for this age or method: that is doubt, not a missing value
        measured = _known(limits_of(table, _HEADER))
        if not self._cuts_concentration:
            who = _who(table)
            measured &= np.isfinite(who["age"]) & who["sex"].notna().to_numpy()
        status[measured & (~self._comparable(table) | ~_known(limits))] = INDETERMINATE
        return status


def _who(table: pd.DataFrame) -> dict[str, Any]:
    return {"age": table["age_years"].to_numpy(dtype=np.float64), "sex": table["sex"]}


def _known(limits: Limits) -> NDArray[np.bool_]:
    return ~(np.isnan(limits[0]) & np.isnan(limits[1]))
