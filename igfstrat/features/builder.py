"""From a plan to fitted transformers, and from a table to all its features."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import CohortError, Problem, Severity, UsageError
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.cores import CORE_SPECS, CoreFeatures
from igfstrat.features.germline import GERMLINE_SPECS, GermlineFeatures
from igfstrat.features.igf1 import Igf1Features
from igfstrat.features.igf1r import ExpressionStatus
from igfstrat.features.igfbp3 import Igfbp3Features
from igfstrat.features.molar_ratio import MolarRatioFeatures
from igfstrat.features.plan import FeaturePlan
from igfstrat.features.receptors import RECEPTOR_SPECS, ReceptorFeatures
from igfstrat.features.registry import REGISTRY
from igfstrat.features.spec import RowFlags
from igfstrat.features.staining import STAINING_SPECS, StainingFeatures
from igfstrat.features.status import StatusRule
from igfstrat.features.subtype import SubtypeFeatures, subtype_inputs, usable_rule
from igfstrat.schema import COLUMNS

# what a status means where no plan says it; printed with every result
DEFAULT_RULES: Final[dict[str, StatusRule]] = {
    "igf1_status": StatusRule(sds_above=1.0),
    "igf1r_status": StatusRule(rule=("allred_at_least_7", "h_score_at_least_100", "her2_style_2_or_3")),
    "igf1r_phospho_status": StatusRule(quantile=0.5, of="igf1r_phospho"),
    "igf1r_mrna_status": StatusRule(quantile=0.5, of="igf1r_mrna"),
}


def rule_of(plan: FeaturePlan, name: str) -> StatusRule:
    """The rule of a status: the plan's, else the default.

    Parameters
    ----------
    plan : FeaturePlan
        The plan.
    name : str
        A status feature.

    Returns
    -------
    StatusRule
        The rule.
    """
    return plan.status.get(name, DEFAULT_RULES[name])


def inputs_of(plan: FeaturePlan, name: str) -> list[tuple[str, ...]]:
    """Canonical columns that a feature needs under a plan.

    Parameters
    ----------
    plan : FeaturePlan
        The plan.
    name : str
        A feature.

    Returns
    -------
    list of tuple of str
        Of each tuple one column is enough.

    Raises
    ------
    UsageError
        If there is no such feature.

    Examples
    --------
    >>> inputs_of(FeaturePlan(), "igf1_igfbp3_molar_ratio")
    [('igf1',), ('igfbp3',)]
    """
    if name not in REGISTRY:
        message = f"{name} is not a feature; there are {', '.join(REGISTRY)}"
        raise UsageError(message)
    if name == "subtype":
        return subtype_inputs(plan.subtype.rule_names)
    if name.endswith("_status") and name != "igf1_status":
        return [rule_of(plan, name).measures]
    spec = REGISTRY[name]
    return [*((column,) for column in spec.inputs), *([tuple(spec.any_of)] if spec.any_of else [])]


def required_inputs(plan: FeaturePlan, features: Iterable[str] | None = None) -> list[tuple[str, ...]]:
    """Canonical columns that a plan can't do without.

    Parameters
    ----------
    plan : FeaturePlan
        The plan.
    features : iterable of str, optional
        Features that are needed; by default those that the plan lists.

    Returns
    -------
    list of tuple of str
        Of each tuple one column is enough; empty for a plan that takes what is available.
    """
    named = features if features is not None else (() if isinstance(plan.features, str) else plan.features)
    return list(dict.fromkeys(group for name in named for group in inputs_of(plan, name)))


def possible_features(plan: FeaturePlan, columns: Iterable[str]) -> list[str]:
    """Features whose inputs are all there.

    Parameters
    ----------
    plan : FeaturePlan
        The plan.
    columns : iterable of str
        Headers of the table.

    Returns
    -------
    list of str
        In the order of the registry.
    """
    present = set(columns)
    possible = [
        name
        for name in REGISTRY
        if all(any(COLUMNS[c].header in present for c in group) for group in inputs_of(plan, name))
    ]
    # of alternatives only the rule itself knows whether all that it needs is there
    can_subtype = usable_rule(plan.subtype.rule_names, present) is not None
    return [name for name in possible if name != "subtype" or can_subtype]


class FeatureBuilder(FeatureTransformer):
    """All features of a plan as one transformer.

    Parameters
    ----------
    plan : FeaturePlan
        What is computed.
    only : tuple of str or None
        Restrict to these features.

    Attributes
    ----------
    transformers_ : list of FeatureTransformer
        The fitted transformers, one an analyte.
    names_ : set of str
        Features that are computed.
    """

    def __init__(self, plan: FeaturePlan, only: tuple[str, ...] | None = None) -> None:
        self.plan = plan
        self.only = only

    def _required(self) -> list[str]:
        return [name for t in getattr(self, "transformers_", []) for name in t.required_columns()]

    def _names(self) -> list[str]:
        return [name for name in REGISTRY if name in self.names_]

    def _describe(self) -> dict[str, str]:
        said = {key: text for t in self.transformers_ for key, text in t.describe().items()}
        return {name: said[name] for name in self.feature_names() if name in said}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        return [flag for t in self.transformers_ for flag in t.flag_rows(X)]

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        wanted = self.only if self.only is not None else self.plan.features
        if isinstance(wanted, str):
            wanted = tuple(possible_features(self.plan, X.columns))
        problems = [
            Problem(
                code="header", severity=Severity.ERROR, column=" or ".join(COLUMNS[c].header for c in group),
                remedy=f"column missing: {name} needs it",
            )
            for name in wanted
            for group in inputs_of(self.plan, name)
            if not any(COLUMNS[c].header in X for c in group)
        ]  # fmt: skip
        if problems:
            headline = "the table for the feature pipeline"
            raise CohortError(headline, problems, "No feature was computed.")
        self.names_ = set(wanted)
        self.transformers_ = [t.fit(X) for t in self._make(set(wanted))]

    def _make(self, wanted: set[str]) -> list[FeatureTransformer]:
        plan, serum = self.plan, rule_of(self.plan, "igf1_status")
        cut = serum.sds_above if "igf1_status" in wanted else None
        makers: list[tuple[set[str], FeatureTransformer]] = [
            ({"igf1_sds", "igf1_status"}, Igf1Features(serum.reference, cut, serum.assume_assay)),
            ({"igfbp3_sds"}, Igfbp3Features(serum.reference)),
            ({"igf1_igfbp3_molar_ratio"}, MolarRatioFeatures(plan.igfbp3_kda)),
            ({spec.name for spec in STAINING_SPECS}, StainingFeatures(plan.staining.intensity)),
            ({spec.name for spec in CORE_SPECS}, CoreFeatures(plan.cores.aggregate)),
            *(({name}, self._status(name)) for name in DEFAULT_RULES if name != "igf1_status"),
            (set(RECEPTOR_SPECS), ReceptorFeatures()),
            (set(GERMLINE_SPECS), GermlineFeatures()),
            ({"subtype"}, SubtypeFeatures(plan.subtype.rule, plan.subtype.ki67_high_at)),
        ]
        return [transformer for names, transformer in makers if names & wanted]

    def _status(self, name: str) -> ExpressionStatus:
        rule = rule_of(self.plan, name)
        return ExpressionStatus(name, rule.rule, rule.quantile, rule.at_least, rule.of, rule.indeterminate)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        computed = {name: values for t in self.transformers_ for name, values in t._compute(X).items()}
        return {name: computed[name] for name in self.feature_names()}


def missing_inputs(table: pd.DataFrame, groups: Iterable[tuple[str, ...]]) -> NDArray[np.object_]:
    """Which required input each row lacks.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers.
    groups : iterable of tuple of str
        Canonical columns; of each tuple the first that the table holds counts.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        "" where nothing is missing, else words such as ``Age missing``. A value beyond a detection limit is not missing.
    """
    reasons = np.full(len(table), "", dtype=object)
    for group in groups:
        name = next((c for c in group if COLUMNS[c].header in table), None)
        if name is None:
            continue
        header = COLUMNS[name].header
        ends = [table[end] for end in (f"{header}_lower", f"{header}_upper") if end in table]
        absent = np.logical_and.reduce([values.isna().to_numpy() for values in (table[header], *ends)])
        text = f"{COLUMNS[name].title} missing"
        reasons[absent] = [f"{old}; {text}" if old else text for old in reasons[absent]]
    return reasons
