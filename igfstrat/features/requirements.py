"""What a plan's features need: which columns, whether they are there, and which rows lack one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import ConfigError, UsageError
from igfstrat.features.germline import GERMLINE_SPECS
from igfstrat.features.igf1r import STATUS_SPECS
from igfstrat.features.igf1r_sources import rows_without, sources_of, status_inputs
from igfstrat.features.igfbp_ratio import IGFBP5_IGFBP4_RATIO, PAIRS, usable_pair
from igfstrat.features.interaction import PARTS
from igfstrat.features.plan import FeaturePlan
from igfstrat.features.registry import REGISTRY
from igfstrat.features.serum import SERUM_STATUS_SPECS
from igfstrat.features.status import StatusRule
from igfstrat.features.subtype import subtype_inputs, usable_rule
from igfstrat.schema import COLUMNS

Groups = list[tuple[str, ...]]

# what a status means where no plan says it; printed with every result. The others have no published cut
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

    Raises
    ------
    ConfigError
        If the plan gives none for a status that has no published cut.
    """
    rule = plan.status.get(name, DEFAULT_RULES.get(name))
    if rule is None:
        message = f"{name} has no published cut: give it a rule under 'status:' in the plan"
        raise ConfigError(message)
    return rule


def inputs_of(plan: FeaturePlan, name: str) -> Groups:
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
    ConfigError
        If it is a status without a rule.

    Examples
    --------
    >>> inputs_of(FeaturePlan(), "igf1_igfbp3_molar_ratio")
    [('igf1',), ('igfbp3',)]
    """
    if name not in REGISTRY:
        message = f"{name} is not a feature; there are {', '.join(REGISTRY)}"
        raise UsageError(message)
    if name in PARTS:
        return list(dict.fromkeys(group for part in PARTS[name] for group in inputs_of(plan, part)))
    if name == "subtype":
        return subtype_inputs(plan.subtype.rule_names)
    if name in STATUS_SPECS:
        return [status_inputs(rule_of(plan, name))]
    if name == "igf1_status" and rule_of(plan, name).measures == ("igf1",):
        return [("igf1",)]
    if name == IGFBP5_IGFBP4_RATIO.name:
        return [tuple(columns) for columns in zip(*PAIRS.values(), strict=True)]
    spec = REGISTRY[name]
    return [*((column,) for column in spec.inputs), *([tuple(spec.any_of)] if spec.any_of else [])]


def required_inputs(plan: FeaturePlan, features: Iterable[str] | None = None) -> Groups:
    """Canonical columns that a plan can't do without.

    Parameters
    ----------
    plan : FeaturePlan
        The plan.
    features : iterable of str, optional
        Features that are needed; by default those that the plan lists, and the columns that its strata name.

    Returns
    -------
    list of tuple of str
        Of each tuple one column is enough; empty for a plan that takes what is available.
    """
    if features is None:
        if isinstance(plan.features, str):
            return []
        return [*_inputs(plan, plan.features), *((name,) for name in plan.stratum_columns)]
    return _inputs(plan, features)


def _inputs(plan: FeaturePlan, names: Iterable[str]) -> Groups:
    return list(dict.fromkeys(group for name in names for group in inputs_of(plan, name)))


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
        In the order of the registry. A status without a rule isn't among them.
    """
    present = set(columns)
    return [name for name in REGISTRY if _is_possible(plan, name, present)]


def _is_possible(plan: FeaturePlan, name: str, present: set[str]) -> bool:
    if name in PARTS:
        return all(_is_possible(plan, part, present) for part in PARTS[name])
    # of alternatives only the rule itself knows whether all that it needs is there
    if name == "subtype":
        return usable_rule(plan.subtype.rule_names, present) is not None
    if name == IGFBP5_IGFBP4_RATIO.name:
        return usable_pair(present) is not None
    if name in GERMLINE_SPECS and name.endswith("_coded") and name not in plan.germline.coded:
        return False
    if name in STATUS_SPECS or name in SERUM_STATUS_SPECS:
        rule = plan.status.get(name, DEFAULT_RULES.get(name))
        return rule is not None and bool(sources_of(rule, present))
    return all(any(COLUMNS[c].header in present for c in group) for group in inputs_of(plan, name))


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
        absent = rows_without(table, name)
        text = f"{COLUMNS[name].title} missing"
        reasons[absent] = [f"{old}; {text}" if old else text for old in reasons[absent]]
    return reasons
