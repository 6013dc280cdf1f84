"""Breast subtype: as given, or by immunohistochemical surrogates.

Two published surrogates, by name: St Gallen 2013 (evidence E-c-01) and Maisonneuve 2014 (E-c-02);
they differ where Ki-67 is below 14 % and PR below 20 %. HER2 by IHC 2+ without in-situ
hybridization is unknown, never negative.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import field_validator

from igfstrat.config import StrictModel
from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.spec import FeatureSpec

SUBTYPE: Final = FeatureSpec(
    name="subtype",
    title="Subtype",
    inputs={},
    any_of={"subtype": "code", "er_percent": "%", "er_status": "code"},
    unit="code",
    evidence=("E-c-01", "E-c-02"),
)
RULES: Final = ("as_given", "st_gallen_2013", "maisonneuve_2014")
_PR_HIGH_AT: Final = 20.0
_MAISONNEUVE_LOW: Final = 14.0

Known = NDArray[np.float64]  # 1 = yes, 0 = no, NaN = not known


class SubtypeRule(StrictModel):
    """How the subtype is decided; of several rules the first that the columns allow."""

    rule: str | tuple[str, ...] = ("as_given", "st_gallen_2013")
    ki67_high_at: float = 20.0

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str | tuple[str, ...]) -> str | tuple[str, ...]:
        unknown = [name for name in ((rule,) if isinstance(rule, str) else rule) if name not in RULES]
        if unknown:
            message = f"{unknown[0]!r} is none of {', '.join(RULES)}"
            raise ValueError(message)
        return rule


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
    hormone = np.fmax(er, pr)  # one positive receptor is enough
    negative = (er == 0) & (pr == 0)
    low_limit = _MAISONNEUVE_LOW if rule == "maisonneuve_2014" else 0.0
    ki67_high, ki67_low = ki67 >= ki67_high_at, ki67 < low_limit
    ki67_middle = ~ki67_high & ~ki67_low & ~np.isnan(ki67)
    is_b = ki67_high | ((er == 0) & (pr == 1))
    # under St Gallen a low PR decides alone; under Maisonneuve only in the middle band of Ki-67
    is_b |= (pr_high == 0) if rule == "st_gallen_2013" else (ki67_middle & (pr_high == 0))
    is_a = ki67_low | (ki67_middle & (pr_high == 1))
    luminal = (hormone == 1) & (her2 == 0)
    return np.select(
        [
            (hormone == 1) & (her2 == 1),
            luminal & is_b,
            luminal & is_a & ~is_b,
            negative & (her2 == 1),
            negative & (her2 == 0),
        ],
        ["luminal_her2", "luminal_b", "luminal_a", "her2_enriched", "triple_negative"],
        default=None,
    ).astype(object)


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

    def required_columns(self) -> list[str]:
        """Canonical columns without which the subtype can't be computed.

        Returns
        -------
        list of str
            Once fitted ``subtype`` where it is given; the surrogates take what there is.
        """
        return ["subtype"] if getattr(self, "rule_", None) == "as_given" else []

    def feature_names(self) -> list[str]:
        """The subtype.

        Returns
        -------
        list of str
            One name.
        """
        return ["subtype"]

    def describe(self) -> dict[str, str]:
        """The rule, in words.

        Returns
        -------
        dict of str to str
            By feature.
        """
        if self.rule_ == "as_given":
            return {"subtype": "as given in the cohort"}
        return {
            "subtype": f"{self.rule_}, Ki-67 high at {self.ki67_high_at:g} %, PR high at {_PR_HIGH_AT:g} %"
        }

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        rules = (self.rule,) if isinstance(self.rule, str) else self.rule
        receptors = ("er_percent" in X or "er_status" in X) and ("her2_status" in X or "her2_ihc" in X)
        possible = [r for r in rules if ("subtype" in X if r == "as_given" else receptors)]
        if not possible:
            remedy = f"column missing: {' or '.join(rules)} needs subtype, or er_ and her2_ columns"
            problem = Problem(code="header", severity=Severity.ERROR, column="subtype", remedy=remedy)
            headline = "the table for subtype"
            raise CohortError(headline, [problem], "No subtype was computed.")
        self.rule_ = possible[0]

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        if self.rule_ == "as_given":
            given = X["subtype"].to_numpy(dtype=object)
            return {"subtype": np.where(pd.isna(given), None, given)}
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
    return table[header].map(meaning).to_numpy(dtype=np.float64)


def _receptor(table: pd.DataFrame, receptor: str) -> Known:
    """Positive from 1 % of cells (ASCO/CAP 2020), else by the status as written."""
    percent = _numbers(table, f"{receptor}_percent")
    status = _coded(table, f"{receptor}_status", {"positive": 1.0, "low_positive": 1.0, "negative": 0.0})
    return np.where(np.isnan(percent), status, (percent >= 1).astype(np.float64))


def _her2(table: pd.DataFrame) -> Known:
    status = _coded(table, "her2_status", {"positive": 1.0, "negative": 0.0})
    ihc = _coded(table, "her2_ihc", {"0": 0.0, "1": 0.0, "3": 1.0})
    return np.where(np.isnan(status), ihc, status)
