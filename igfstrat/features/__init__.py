"""Feature builders: one analyte a file, a pure function and a transformer each, and their registry."""

from igfstrat.features.builder import (
    FeatureBuilder,
    missing_inputs,
    possible_features,
    required_inputs,
    rule_of,
)
from igfstrat.features.igf1r import COMPARTMENT_OF_MEASURE
from igfstrat.features.plan import FeaturePlan, StratumRule
from igfstrat.features.registry import REGISTRY
from igfstrat.features.spec import FeatureSpec, RowFlags
from igfstrat.features.stratify import UNDECIDED, assign_strata, default_strata

__all__ = [
    "COMPARTMENT_OF_MEASURE",
    "REGISTRY",
    "UNDECIDED",
    "FeatureBuilder",
    "FeaturePlan",
    "FeatureSpec",
    "RowFlags",
    "StratumRule",
    "assign_strata",
    "default_strata",
    "missing_inputs",
    "possible_features",
    "required_inputs",
    "rule_of",
]
