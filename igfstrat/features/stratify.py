"""Named strata: the first rule that a patient meets, and doubt where an earlier rule can't be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import ConfigError
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.builder import FeatureBuilder
from igfstrat.features.coded import by_word
from igfstrat.features.plan import FeaturePlan, StratumRule
from igfstrat.features.reference_table import Reference
from igfstrat.features.registry import REGISTRY
from igfstrat.features.requirements import possible_features
from igfstrat.features.spec import RowFlags
from igfstrat.features.status import INDETERMINATE

UNDECIDED: Final = "indeterminate"


def assign_strata(features: pd.DataFrame, strata: Sequence[StratumRule]) -> NDArray[np.object_]:
    """The stratum of each patient.

    Parameters
    ----------
    features : DataFrame, one row a patient
        Columns that the rules name: features, and coded columns of the cohort.
    strata : sequence of StratumRule
        In order; the first that is met counts.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        Name of the stratum, ``indeterminate`` where a missing or indeterminate value leaves open whether an earlier
        rule is met, None where no rule is met.

    Raises
    ------
    ConfigError
        If a rule names a column that is not there.

    Examples
    --------
    >>> rules = [StratumRule(name="B high", where={"subtype": "luminal_b", "igf1r_status": "high"}), StratumRule(name="other")]
    >>> table = pd.DataFrame({"subtype": ["luminal_b", "luminal_a", "luminal_b"], "igf1r_status": ["high", None, None]})
    >>> assign_strata(table, rules).tolist()
    ['B high', 'other', 'indeterminate']
    """
    unknown = sorted({name for rule in strata for name in rule.where if name not in features})
    if unknown:
        message = f"strata name {', '.join(unknown)}, which the plan doesn't compute; there are {', '.join(map(str, features.columns))}"
        raise ConfigError(message)
    stratum = np.full(len(features), None, dtype=object)
    open_rows = np.ones(len(features), dtype=bool)
    for rule in strata:
        met, possible = _meets(features, rule)
        stratum[open_rows & met] = rule.name
        stratum[open_rows & ~met & possible] = UNDECIDED
        open_rows &= ~possible
    return stratum


def _meets(features: pd.DataFrame, rule: StratumRule) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a rule is met for certain, and where it may be."""
    met, possible = np.ones(len(features), dtype=bool), np.ones(len(features), dtype=bool)
    for name, wanted in rule.where.items():
        words = (wanted,) if isinstance(wanted, str) else wanted
        open_words = (None, INDETERMINATE, *words)
        met &= by_word(features[name], words.__contains__, bool)
        possible &= by_word(features[name], open_words.__contains__, bool)
    return met, possible


def stratum_inputs(features: pd.DataFrame, table: pd.DataFrame, plan: FeaturePlan) -> pd.DataFrame:
    """What the strata of a plan are decided on.

    Parameters
    ----------
    features : DataFrame, one row a patient
        Computed features.
    table : DataFrame, one row a patient
        The cohort, for coded columns that strata name.
    plan : FeaturePlan
        The plan.

    Returns
    -------
    DataFrame, one row a patient
        Features, then those columns. Under a plan that takes what is available, what the cohort can't tell is unknown for
        everybody: it leaves open the strata that it decides, and no others.
    """
    columns = {name: table[name].to_numpy() for name in plan.stratum_columns if name in table}
    unknown = {
        name: np.full(len(table), None, dtype=object) for name in unknown_to_strata(features, table, plan)
    }
    # as they are: joining columns of one kind into blocks would copy them all
    return pd.DataFrame(dict(features.items()) | columns | unknown, index=features.index, copy=False)


def unknown_to_strata(features: pd.DataFrame, table: pd.DataFrame, plan: FeaturePlan) -> list[str]:
    """What the strata of a plan that takes what is available name, and a cohort can't tell.

    Parameters
    ----------
    features : DataFrame, one row a patient
        Computed features.
    table : DataFrame, one row a patient
        The cohort.
    plan : FeaturePlan
        The plan.

    Returns
    -------
    list of str
        Features and coded columns; empty for a plan that lists its features, since it requires their columns.
    """
    if not isinstance(plan.features, str):
        return []
    named = dict.fromkeys(name for rule in plan.strata for name in rule.where)
    return [name for name in named if name not in (features if name in REGISTRY else table)]


class Stratifier(FeatureTransformer):
    """The stratum of each patient as a transformer: features of the plan, then its rules.

    Parameters
    ----------
    plan : FeaturePlan or None
        The plan; without strata of its own, statuses side by side or the subtype.
    references : mapping of str to Reference, or None
        The reference tables of the plan's own section, read.

    Attributes
    ----------
    builder_ : FeatureBuilder
        The fitted features.
    """

    def __init__(
        self, plan: FeaturePlan | None = None, references: Mapping[str, Reference] | None = None
    ) -> None:
        self.plan = plan
        self.references = references

    def _required(self) -> list[str]:
        plan = self.plan or FeaturePlan()
        if not hasattr(self, "builder_"):
            return []
        listed = () if isinstance(plan.features, str) else plan.stratum_columns
        return [*self.builder_.required_columns(), *listed]

    def _names(self) -> list[str]:
        return ["stratum"]

    def _describe(self) -> dict[str, str]:
        plan = self.plan or FeaturePlan()
        rules = [
            f"{rule.name}: " + (" and ".join(f"{k} {_or(v)}" for k, v in rule.where.items()) or "all others")
            for rule in plan.strata
        ]
        return {"stratum": "; ".join(rules) or "statuses side by side, or the subtype"}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        return self.builder_.flag_rows(X)

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        plan = self.plan or FeaturePlan()
        named = {name for rule in plan.strata for name in rule.where}
        possible = possible_features(plan, X.columns) if isinstance(plan.features, str) else REGISTRY
        only = tuple(name for name in possible if name in named)
        self.builder_ = FeatureBuilder(self.plan, only if plan.strata else None, self.references).fit(X)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        plan, features = self.plan or FeaturePlan(), self.builder_.transform(X)
        if not plan.strata:
            return {"stratum": default_strata(features)}
        return {"stratum": assign_strata(stratum_inputs(features, X, plan), plan.strata)}


def _or(wanted: str | tuple[str, ...]) -> str:
    return wanted if isinstance(wanted, str) else " or ".join(wanted)


def default_strata(features: pd.DataFrame) -> NDArray[np.object_]:
    """Strata where a plan names none: the statuses side by side, or the subtype.

    Parameters
    ----------
    features : DataFrame, one row a patient
        Computed features.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        Words such as ``IGF-1R status high``; None where no status is known.
    """
    names = _stratifying(features)
    if not names:
        anything = features.notna().any(axis=1).to_numpy()
        return np.array(["all" if any_value else None for any_value in anything], dtype=object)
    rows = features[names].astype(object)
    told = [name_of(dict(zip(names, row, strict=True))) for row in rows.itertuples(index=False, name=None)]
    return np.array(told, dtype=object)


def name_of(where: Mapping[str, object]) -> str | None:
    """Name of a stratum that a plan doesn't name.

    Parameters
    ----------
    where : mapping of str to object
        Features and their words; what is missing is passed over.

    Returns
    -------
    str or None
        None where all are missing.

    Examples
    --------
    >>> name_of({"igf1_status": None, "igf1r_status": "high"})
    'IGF-1R status high'
    """
    return " · ".join(f"{REGISTRY[n].title} {word}" for n, word in where.items() if pd.notna(word)) or None  # type: ignore[call-overload]


def default_conditions(features: pd.DataFrame) -> dict[str, dict[str, str]]:
    """What puts a patient into each stratum of `default_strata`.

    Parameters
    ----------
    features : DataFrame, one row a patient
        Computed features.

    Returns
    -------
    dict of str to dict
        By stratum: features and their words.
    """
    names = _stratifying(features)
    combinations = features[names].astype(object).drop_duplicates().to_dict("records") if names else []
    conditions = [{str(k): str(v) for k, v in row.items() if pd.notna(v)} for row in combinations]
    return {name: where for where in conditions if (name := name_of(where))}


def _stratifying(features: pd.DataFrame) -> list[str]:
    statuses = [str(name) for name in features if str(name).endswith("_status")]
    return statuses or [name for name in ("subtype",) if name in features]
