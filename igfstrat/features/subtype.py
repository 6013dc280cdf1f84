"""Breast subtype: as given, or by immunohistochemical surrogates.

Two published surrogates, by name: St Gallen 2013 (evidence E-c-01) and Maisonneuve 2014 (E-c-02);
they differ where Ki-67 is below 14 % and PR below 20 %. HER2 goes by IHC and in-situ
hybridization (see `receptors`); the status as written fills what they leave open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator

from igfstrat.config import StrictModel
from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.coded import by_word
from igfstrat.features.present import look_up
from igfstrat.features.receptors import ReceptorFeatures
from igfstrat.features.spec import FeatureSpec
from igfstrat.schema import COLUMNS

SUBTYPE: Final = FeatureSpec(
    name="subtype",
    title="Subtype",
    inputs={},
    any_of={"subtype": "code", "er_percent": "%", "er_status": "code"},
    unit="code",
    words=tuple(COLUMNS["subtype"].codes),
    evidence=("E-c-01", "E-c-02"),
)
RULES: Final = ("as_given", "st_gallen_2013", "maisonneuve_2014")
_PR_HIGH_AT: Final = 20.0
_POSITIVE_AT: Final = 1.0  # percent of cells, ASCO/CAP 2020
_MAISONNEUVE_LOW: Final = 14.0

Known = NDArray[np.float64]  # 1 = yes, 0 = no, NaN = not known


class SubtypeRule(StrictModel):
    """How the subtype is decided; of several rules the first that the columns allow."""

    rule: str | tuple[str, ...] = ("as_given", "st_gallen_2013")
    ki67_high_at: float = Field(default=20.0, gt=0, le=100)

    @property
    def rule_names(self) -> tuple[str, ...]:
        """Rules in the order in which they are tried."""
        return (self.rule,) if isinstance(self.rule, str) else self.rule

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str | tuple[str, ...]) -> str | tuple[str, ...]:
        unknown = [name for name in ((rule,) if isinstance(rule, str) else rule) if name not in RULES]
        if unknown:
            message = f"{unknown[0]!r} is none of {', '.join(RULES)}"
            raise ValueError(message)
        return rule


_SURROGATE_INPUTS: Final = (("er_percent", "er_status"), ("her2_status", "her2_ihc"))


def subtype_inputs(rules: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Canonical columns that a list of rules needs.

    Parameters
    ----------
    rules : tuple of str
        Of `RULES`, in the order in which they are tried.

    Returns
    -------
    list of tuple of str
        Of each tuple one column is enough. Where the subtype may be given or derived, one tuple holds both ways.

    Examples
    --------
    >>> subtype_inputs(("as_given", "st_gallen_2013"))
    [('subtype', 'er_percent', 'er_status')]
    """
    if "as_given" not in rules:
        return list(_SURROGATE_INPUTS)
    ways = [("subtype",) if rule == "as_given" else _SURROGATE_INPUTS[0] for rule in rules]
    return [tuple(dict.fromkeys(column for way in ways for column in way))]


def usable_rule(rules: tuple[str, ...], columns: Iterable[str]) -> str | None:
    """The first rule whose columns are there.

    Parameters
    ----------
    rules : tuple of str
        Of `RULES`, in the order in which they are tried.
    columns : iterable of str
        Headers of the table.

    Returns
    -------
    str or None
        None where none can be used.

    Examples
    --------
    >>> usable_rule(("as_given", "st_gallen_2013"), ["er_percent", "her2_ihc"])
    'st_gallen_2013'
    """
    present = set(columns)
    derived = all(present & set(group) for group in _SURROGATE_INPUTS)
    return next((rule for rule in rules if ("subtype" in present if rule == "as_given" else derived)), None)


def surrogate_subtype(
    *,
    er: Known,
    pr: Known,
    her2: Known,
    pr_high: Known,
    ki67: NDArray[np.float64],
    rule: str,
    ki67_high_at: float = 20.0,
) -> NDArray[np.object_]:
    """Subtype from receptors and Ki-67.

    Parameters
    ----------
    er, pr, her2 : ndarray of float64, shape (n,)
        1 positive, 0 negative, NaN not known.
    pr_high : ndarray of float64, shape (n,)
        1 where PR is 20 % or more, 0 below, NaN not known.
    ki67 : ndarray of float64, shape (n,)
        Percent; NaN not known.
    rule : str
        ``st_gallen_2013`` or ``maisonneuve_2014``.
    ki67_high_at : float
        Percent from which Ki-67 is high.

    Returns
    -------
    ndarray of object, shape (n,)
        ``luminal_a``, ``luminal_b``, ``luminal_her2``, ``her2_enriched``, ``triple_negative``, or None where what is
        known doesn't decide. A tumour with ER or PR is luminal, an ER−/PR+ one luminal B.

    Examples
    --------
    >>> yes, no = np.array([1.0]), np.array([0.0])
    >>> for rule in ("st_gallen_2013", "maisonneuve_2014"):
    ...     print(surrogate_subtype(er=yes, pr=yes, her2=no, pr_high=no, ki67=np.array([10.0]), rule=rule)[0])
    luminal_b
    luminal_a
    """
    luminal = ((er == 1) | (pr == 1)) & (her2 == 0)  # one positive receptor is enough
    negative = (er == 0) & (pr == 0)
    low_limit = _MAISONNEUVE_LOW if rule == "maisonneuve_2014" else 0.0
    ki67_high, ki67_low = ki67 >= ki67_high_at, ki67 < low_limit
    ki67_middle = ~ki67_high & ~ki67_low & ~np.isnan(ki67)
    is_b = ki67_high | ((er == 0) & (pr == 1))
    # under St Gallen a low PR decides alone; under Maisonneuve only in the middle band of Ki-67
    is_b |= (pr_high == 0) if rule == "st_gallen_2013" else (ki67_middle & (pr_high == 0))
    # with ER unknown a PR+ tumour may still be ER-/PR+, and that is B
    is_a = (er == 1) & (ki67_low | (ki67_middle & (pr_high == 1)))
    subtype = np.full(np.shape(er), None, dtype=object)
    subtype[((er == 1) | (pr == 1)) & (her2 == 1)] = "luminal_her2"
    subtype[luminal & is_a] = "luminal_a"
    subtype[luminal & is_b] = "luminal_b"
    subtype[negative & (her2 == 1)] = "her2_enriched"
    subtype[negative & (her2 == 0)] = "triple_negative"
    return subtype


class SubtypeFeatures(FeatureTransformer):
    """Breast subtype.

    Parameters
    ----------
    rule : str or tuple of str
        Of `RULES`, tried in order: the first whose columns are in the table is used.
    ki67_high_at : float
        Percent from which Ki-67 is high.

    Attributes
    ----------
    rule_ : str
        The rule in use.
    """

    def __init__(
        self, rule: str | tuple[str, ...] = ("as_given", "st_gallen_2013"), ki67_high_at: float = 20.0
    ) -> None:
        self.rule = rule
        self.ki67_high_at = ki67_high_at

    def _required(self) -> list[str]:
        return ["subtype"] if getattr(self, "rule_", None) == "as_given" else []

    def _names(self) -> list[str]:
        return ["subtype"]

    def _describe(self) -> dict[str, str]:
        if self.rule_ == "as_given":
            return {"subtype": "as given in the cohort"}
        return {
            "subtype": f"{self.rule_}, Ki-67 high at {self.ki67_high_at:g} %, PR high at {_PR_HIGH_AT:g} %"
        }

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        rules = make_settings(
            SubtypeRule, "subtype", rule=self.rule, ki67_high_at=self.ki67_high_at
        ).rule_names
        found = usable_rule(rules, X.columns)
        if found is None:
            remedy = f"column missing: {' or '.join(rules)} needs subtype, or er_ and her2_ columns"
            problem = Problem(code="header", severity=Severity.ERROR, column="subtype", remedy=remedy)
            headline = "the table for subtype"
            raise CohortError(headline, [problem], "No subtype was computed.")
        self.rule_ = found

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        if self.rule_ == "as_given":
            return {"subtype": by_word(X["subtype"], lambda word: word, object)}
        pr_percent = _numbers(X, "pr_percent")
        return {
            "subtype": surrogate_subtype(
                er=_receptor(X, "er"),
                pr=_receptor(X, "pr"),
                her2=_her2(X),
                pr_high=np.where(
                    np.isnan(pr_percent),
                    np.where(_receptor(X, "pr") == 0, 0.0, np.nan),
                    pr_percent >= _PR_HIGH_AT,
                ),
                ki67=_numbers(X, "ki67_percent"),
                rule=self.rule_,
                ki67_high_at=self.ki67_high_at,
            )
        }


def _numbers(table: pd.DataFrame, header: str) -> NDArray[np.float64]:
    return table[header].to_numpy(dtype=np.float64) if header in table else np.full(len(table), np.nan)


def _coded(table: pd.DataFrame, header: str, meaning: dict[str, float]) -> Known:
    if header not in table:
        return np.full(len(table), np.nan)
    return look_up(table[header], meaning).astype(np.float64)


def _receptor(table: pd.DataFrame, receptor: str) -> Known:
    """By the percentage of cells, else by the status as written."""
    percent = _numbers(table, f"{receptor}_percent")
    status = _coded(table, f"{receptor}_status", {"positive": 1.0, "low_positive": 1.0, "negative": 0.0})
    return np.where(np.isnan(percent), status, np.where(percent >= _POSITIVE_AT, 1.0, 0.0))


def _her2(table: pd.DataFrame) -> Known:
    """By IHC and ISH; the status as written where these don't decide, as for IHC 2+ whose ISH isn't in the table."""
    measured = ReceptorFeatures().fit_transform(table)["her2_class"]
    stated = _coded(table, "her2_status", {"positive": 1.0, "negative": 0.0})
    known = measured.map({"positive": 1.0, "negative": 0.0}).to_numpy(dtype=np.float64)
    return np.asarray(np.where(np.isnan(known), stated, known), dtype=np.float64)
