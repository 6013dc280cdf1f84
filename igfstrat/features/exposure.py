"""Treatment at baseline that changes what an IGF marker means, and the lines of EGFR-TKI before.

A treatment counts as a modifier only where it was there at time zero. One that began later is a fact of its own time: a patient
had to live to receive it, so that as a baseline feature it would look protective (immortal time). It is refused
and flagged. Treatment when blood was drawn is the coded column `on_endocrine_at_sampling`, which a stratum names
itself: its effect on serum IGF-1 is not settled (E-a-10, E-a-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError
from igfstrat.features.present import PresentFeatures, look_up, words_of
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import limits_of
from igfstrat.schema import COLUMNS, EXPOSURES

# the first that a table has; the same order as for the times of its endpoints
TIME_ZEROS: Final = ("time_zero", "randomization_date", "diagnosis_date")

_EVIDENCE: Final[Mapping[str, tuple[str, ...]]] = {
    "endocrine_therapy": ("S1-09", "S1-65", "S1-77", "E-b-19"),
    "egfr_tki": ("E-d-37", "S2-20", "S2-21"),
    "checkpoint_inhibitor": ("S3-05", "S3-06"),
}

EXPOSURE_SPECS: Final[dict[str, FeatureSpec]] = {
    **{
        f"{drug}_exposure": FeatureSpec(
            name=f"{drug}_exposure", title=f"{title}, at baseline", inputs={},
            any_of={f"{drug}_at_baseline": "code", f"{drug}_start_date": "date"}, unit="code", words=("yes", "no"),
            evidence=_EVIDENCE[drug],
        )
        for drug, title in EXPOSURES.items()
    },
    "egfr_tki_line": FeatureSpec(
        name="egfr_tki_line", title="Number of lines of EGFR-TKI before", inputs={},
        any_of={"prior_egfr_tki_lines": "1", "prior_egfr_tki": "code"}, unit="1",
        bounds=COLUMNS["prior_egfr_tki_lines"].bounds, evidence=("S2-20", "S2-22", "S3-19"),
    ),
}  # fmt: skip

_LATE: Final = "began after time zero, so it is no baseline feature: analyse it by landmark or as a time-dependent covariate"
_BEFORE: Final = "stated as not present at baseline, although it began by then: the statement was followed, as if it had ended; check both"
_LINES: Final = "the lines of EGFR-TKI contradict whether there was one before: neither was used; check both"
_NOT_WHOLE: Final = "lines are counted: a whole number"


def baseline_exposure(stated: ArrayLike, start: ArrayLike, time_zero: ArrayLike) -> NDArray[np.object_]:
    """Whether a treatment was there at baseline.

    Parameters
    ----------
    stated : array-like of str, shape (n,)
        ``yes`` or ``no``: the treatment at baseline as stated; anything else and None mean not stated.
    start : array-like of datetime64[D], shape (n,)
        When it began; NaT where not known.
    time_zero : array-like of datetime64[D], shape (n,)
        When follow-up begins; NaT where not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``no`` where stated; ``yes`` where stated, or where it began by time zero and nothing is stated; None where it began
        after time zero and isn't stated as absent, and where nothing is known. That it had ended before time zero is known
        only from the statement.

    Examples
    --------
    >>> day = ["2020-03-01", "2020-03-02", "2020-03-02", "NaT"]
    >>> baseline_exposure([None, "yes", "no", "yes"], day, ["2020-03-01"] * 4).tolist()
    ['yes', None, 'no', 'yes']
    """
    words = look_up(stated, {"yes": "yes", "no": "no"})
    first, zero = _days(start), _days(time_zero)  # a comparison with NaT is False
    words[(words == np.array(None)) & (first <= zero)] = "yes"
    words[(words == np.array("yes", dtype=object)) & (first > zero)] = None
    return words


def egfr_tki_line(lines: ArrayLike, prior: ArrayLike) -> NDArray[np.float64]:
    """Lines of EGFR-TKI before.

    Parameters
    ----------
    lines : array-like of float, shape (n,)
        Their number, a whole number >= 0; NaN where not known.
    prior : array-like of str, shape (n,)
        ``yes`` or ``no``: whether there was one; anything else and None mean not known.

    Returns
    -------
    ndarray of float64, shape (n,)
        The number, else 0 where there was none; NaN where there was one of unknown number, where nothing is known, and where
        both are and contradict each other.

    Raises
    ------
    DomainError
        If a number of lines is negative or not whole.

    Examples
    --------
    >>> nan = float("nan")
    >>> egfr_tki_line([2, nan, nan, 1], [None, "no", "yes", "no"])
    array([ 2.,  0., nan, nan])
    """
    known = np.asarray(lines, dtype=np.float64)
    if not _is_count(known).all():
        message = "lines of treatment are counted: a whole number >= 0"
        raise DomainError(message)
    had = look_up(prior, {"yes": 1.0, "no": 0.0}).astype(np.float64)
    number = np.where(np.isnan(known) & (had == 0.0), 0.0, known)
    return np.where(_contradict(known, had), np.nan, number)


class ExposureFeatures(PresentFeatures):
    """Treatment at baseline by drug, and lines of EGFR-TKI before; those whose columns the table holds.

    Attributes
    ----------
    time_zero_ : str or None
        Column that a start is compared with: the first of `TIME_ZEROS` that the table holds. Without one a start says nothing.
    """

    _specs = EXPOSURE_SPECS
    _together = "exposure features"

    def _describe(self) -> dict[str, str]:
        by = f"a start by {self.time_zero_}" if self.time_zero_ else "nothing else: no time zero is known"
        said = f"as stated at baseline, else yes by {by}; a later start is refused"
        lines = "as counted, else 0 where there was no EGFR-TKI before"
        return {name: lines if name == "egfr_tki_line" else said for name in self.features_}

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        super()._learn(X)
        has_start = any(f"{drug}_start_date" in self.columns_ for drug in EXPOSURES)
        self.time_zero_ = next((c for c in TIME_ZEROS if has_start and c in X), None)
        self.columns_ += [self.time_zero_] if self.time_zero_ else []

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        table = self._learned_columns(X)
        computed: dict[str, Any] = {
            f"{drug}_exposure": baseline_exposure(*self._facts(table, drug))
            for drug in EXPOSURES
            if f"{drug}_exposure" in self.features_
        }
        if "egfr_tki_line" in self.features_:
            lines = _lines(table)
            counted = np.where(_is_count(lines), lines, np.nan)
            computed["egfr_tki_line"] = egfr_tki_line(counted, words_of(table, "prior_egfr_tki"))
        return {name: computed[name] for name in self.features_}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        table, flags = self._learned_columns(X), []
        for drug in EXPOSURES:
            stated, start, zero = self._facts(table, drug)
            denied = look_up(stated, {"no": True}) == np.array(True)
            # stated as absent, a later start contradicts nothing: it isn't used, and so not refused
            late = ~denied & (start > zero)
            flags += flag_where(late, "exposure_after_time_zero", f"{drug}_start_date", _LATE)
            before = denied & (start <= zero)
            flags += flag_where(before, "status_contradicted", f"{drug}_at_baseline", _BEFORE)
        lines = _lines(table)
        had = look_up(words_of(table, "prior_egfr_tki"), {"yes": 1.0, "no": 0.0}).astype(np.float64)
        flags += flag_where(~_is_count(lines), "out_of_bounds", "prior_egfr_tki_lines", _NOT_WHOLE)
        return flags + flag_where(_contradict(lines, had), "status_contradicted", "prior_egfr_tki", _LINES)

    def _facts(
        self, table: pd.DataFrame, drug: str
    ) -> tuple[NDArray[np.object_], NDArray[np.datetime64], NDArray[np.datetime64]]:
        """What is stated, when it began, and time zero."""
        start, zero = (_dates(table, c) for c in (f"{drug}_start_date", self.time_zero_))
        return words_of(table, f"{drug}_at_baseline"), start, zero


def _days(dates: ArrayLike) -> NDArray[np.datetime64]:
    return np.asarray(dates, dtype="datetime64[D]")


def _dates(table: pd.DataFrame, header: str | None) -> NDArray[np.datetime64]:
    if header is None or header not in table:
        return np.full(len(table), np.datetime64("NaT", "D"))
    return table[header].to_numpy(dtype="datetime64[D]")


def _lines(table: pd.DataFrame) -> NDArray[np.float64]:
    """The number, where it was counted; `>2` is no number."""
    if "prior_egfr_tki_lines" not in table:
        return np.full(len(table), np.nan)
    lower, upper = limits_of(table, "prior_egfr_tki_lines")
    return np.where(lower == upper, lower, np.nan)


def _is_count(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whole and not negative, or not known."""
    return np.asarray(np.isnan(values) | ((values >= 0) & (values == np.floor(values))), dtype=bool)


def _contradict(lines: NDArray[np.float64], had: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(((lines > 0) & (had == 0.0)) | ((lines == 0) & (had == 1.0)), dtype=bool)
