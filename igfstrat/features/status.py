"""Status rules: from a measure to high, low or indeterminate, the cut always stated.

Positivity is defined by its method, so a named rule carries the measure and the study it comes
from. A value on the cut is high under "at least" and low under a quantile (low: <= cut).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, field_validator, model_validator

from igfstrat.config import StrictModel
from igfstrat.features.coded import by_word
from igfstrat.features.reference_range import DEFAULT_REFERENCE
from igfstrat.schema import COLUMNS

# a true value on the cut is measured within this many standard deviations of it 19 times in 20
# (Bland and Altman 1996, BMJ 313:744, measurement error)
BAND_OF_REPEATABILITY: Final = 1.96
HIGH, LOW, INDETERMINATE = "high", "low", "indeterminate"
_WORDS: Final = np.array([INDETERMINATE, HIGH, LOW, None], dtype=object)

# measures of staining whose compartment of the cell is a column of its own, `igf1r_compartment`
STAINED_MEASURES: Final = ("igf1r_h_score", "igf1r_allred", "igf1r_ihc", "igf1r_protein")
_COMPARTMENTS: Final = tuple(COLUMNS["igf1r_compartment"].codes)


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A published definition of a high receptor.

    Parameters
    ----------
    measure : str
        Canonical column that it is defined on.
    at_least : float
        Smallest value that is high.
    title : str
        In words.
    evidence : str
        Id in the evidence registry.
    compartments : tuple of str
        Codes of ``igf1r_compartment`` that it was defined on; empty where it is defined on any.
    from_percentages : bool
        Whether the percentages of cells by intensity can stand in for its measure.
    """

    measure: str
    at_least: float
    title: str
    evidence: str
    compartments: tuple[str, ...] = ()
    from_percentages: bool = True


NAMED_RULES: Final[dict[str, NamedRule]] = {
    "allred_at_least_7": NamedRule("igf1r_allred", 7, "Allred score of 7 or 8", "E-b-01"),
    "h_score_at_least_100": NamedRule("igf1r_h_score", 100, "H-score of 100 or more", "E-b-11"),
    "her2_style_2_or_3": NamedRule("igf1r_ihc", 2, "IHC score 2+ or 3+", "E-b-06"),
    # the percentages don't say where in the cell, and the score that is made of them overlooks 10 % of cells
    "any_membrane": NamedRule(
        "igf1r_ihc", 1, "any membrane staining (IHC 1+ or more)", "E-b-08",
        compartments=("membrane", "membrane_and_cytoplasm"), from_percentages=False,
    ),
}  # fmt: skip


class StatusRule(StrictModel):
    """How one status is decided: by a named rule, a fixed cut, a quantile or a standard deviation score."""

    rule: str | tuple[str, ...] | None = None
    quantile: float | None = None
    at_least: float | None = None
    of: str | tuple[str, ...] | None = None
    indeterminate: float = Field(default=0.0, ge=0)
    repeatability_sd: float | None = Field(default=None, gt=0)
    compartment: str | None = None
    sds_above: float | None = None
    reference: str = DEFAULT_REFERENCE
    assume_assay: str | None = None

    @field_validator("assume_assay")
    @classmethod
    def _known_assay(cls, assay: str | None) -> str | None:
        known = COLUMNS["igf1_assay"].codes
        if assay is not None and assay not in known:
            message = f"{assay!r} is not an assay; there are {', '.join(known)}"
            raise ValueError(message)
        return assay

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [n for n in ("rule", "quantile", "at_least", "sds_above") if getattr(self, n) is not None]
        if len(ways) != 1:
            message = "give exactly one of rule, quantile, at_least and sds_above"
            raise ValueError(message)
        unknown = [name for name in self.rule_names if name not in NAMED_RULES]
        if unknown:
            message = f"rule {unknown[0]!r} is none of {', '.join(NAMED_RULES)}"
            raise ValueError(message)
        if ways[0] in {"quantile", "at_least"} and self.of is None:
            message = f"{ways[0]} needs of: the measure that is cut"
            raise ValueError(message)
        if self.repeatability_sd is not None and self.indeterminate:
            message = "give indeterminate or repeatability_sd, not both: each says how wide the band around the cut is"
            raise ValueError(message)
        if self.quantile is not None and not 0 < self.quantile < 1:
            message = "quantile must lie between 0 and 1"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _compartment_can_be(self) -> Self:
        """A compartment is asked of staining, and of rules that are defined on it."""
        if self.compartment is None:
            return self
        if self.compartment not in _COMPARTMENTS:
            message = f"compartment {self.compartment!r} is none of {', '.join(_COMPARTMENTS)}"
            raise ValueError(message)
        elsewhere = [m for m in self.measures or ("this rule",) if m not in STAINED_MEASURES]
        if elsewhere:
            message = f"compartment belongs to {', '.join(STAINED_MEASURES)}, not to {elsewhere[0]}"
            raise ValueError(message)
        for name in self.rule_names:
            defined_on = NAMED_RULES[name].compartments
            if defined_on and self.compartment not in defined_on:
                message = f"rule {name} is defined on {' or '.join(defined_on)}, not on {self.compartment}"
                raise ValueError(message)
        return self

    @property
    def band(self) -> float:
        """Half-width of the indeterminate band: as given, or 1.96 repeatability standard deviations."""
        return (
            self.indeterminate
            if self.repeatability_sd is None
            else BAND_OF_REPEATABILITY * self.repeatability_sd
        )

    @property
    def rule_names(self) -> tuple[str, ...]:
        """Named rules in the order in which they are tried."""
        return (self.rule,) if isinstance(self.rule, str) else self.rule or ()

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures in the order in which they are tried."""
        if self.rule_names:
            return tuple(NAMED_RULES[name].measure for name in self.rule_names)
        return (self.of,) if isinstance(self.of, str) else self.of or ()


def status_from_limits(
    lower: ArrayLike, upper: ArrayLike, *, cut: float, above: bool, band: float = 0.0
) -> NDArray[np.object_]:
    """Status of values that are known exactly or only between limits.

    Parameters
    ----------
    lower, upper : array-like of float, shape (n,)
        Limits of each value, equal where it was measured; NaN where nothing is known. An `upper` of NaN beside a
        known `lower` means that the upper limit is not known.
    cut : float
        The cut-point, in the unit of the values.
    above : bool
        True: high is > cut. False: high is >= cut.
    band : float
        Half-width around the cut within which a value is indeterminate.

    Returns
    -------
    ndarray of object, shape (n,)
        ``high``, ``low``, ``indeterminate``, or None where nothing is known.

    Examples
    --------
    >>> status_from_limits([0, 0, 140, float("nan")], [25, 300, 140, float("nan")], cut=100, above=False).tolist()
    ['low', 'indeterminate', 'high', None]
    """
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    known = ~(np.isnan(low) & np.isnan(high))
    with np.errstate(invalid="ignore"):
        is_high = low - band > cut if above else low - band >= cut
        is_low = high + band <= cut if above else high + band < cut
    code = np.where(is_low, 2, np.where(is_high, 1, 0))
    code[~known] = 3
    return np.asarray(_WORDS[code], dtype=object)


def limits_of(table: Any, header: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limits of each value of a column.

    Parameters
    ----------
    table : DataFrame, one row a patient
        May hold `<header>_lower` and `<header>_upper` beside the column.
    header : str
        The column.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n,)
        Lower and upper limits; both the value where it was measured.
    """
    if not {f"{header}_lower", f"{header}_upper"} & set(table):
        measured = _numbers(table[header])
        return measured, measured
    ends = (f"{header}_lower", f"{header}_upper")
    lower, upper = (_numbers(table[end if end in table else header]) for end in ends)
    return lower, upper


def _numbers(values: Any) -> NDArray[np.float64]:
    """Values as numbers; codes such as 0 to 3 may be words, of which each is read once."""
    if values.dtype.kind != "O":
        return np.asarray(values, dtype=np.float64)
    return by_word(values, lambda word: np.nan if word is None else float(word), np.float64)


def quantile_of_limits(lower: ArrayLike, upper: ArrayLike, quantile: float) -> float:
    """Quantile of values of which some are known only between limits.

    Parameters
    ----------
    lower, upper : array-like of float, shape (n,)
        Limits of each value, equal where it was measured; NaN where nothing is known.
    quantile : float
        Between 0 and 1.

    Returns
    -------
    float
        In the unit of the values; NaN without values, and where the limits leave the quantile open: then the
        quantile of all lower limits isn't that of all upper ones.

    Examples
    --------
    >>> quantile_of_limits([0, 30, 40], [25, 30, 40], 0.5), quantile_of_limits([0, 0, 40], [25, 25, 40], 0.5)
    (30.0, nan)
    """
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    known = ~(np.isnan(low) & np.isnan(high))
    if not known.any():
        return float("nan")
    # an unknown end lies beyond any value; finite, so that interpolation next to it stays defined
    far = np.finfo(np.float64).max / 4
    ends = [
        float(np.quantile(np.nan_to_num(limit[known], nan=beyond, posinf=far, neginf=-far), quantile))
        for limit, beyond in ((low, -far), (high, far))
    ]
    return ends[0] if ends[0] == ends[1] else float("nan")
