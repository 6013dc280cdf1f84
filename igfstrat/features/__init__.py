"""Feature builders: one analyte a file, a pure function and a transformer each, and their registry."""

from igfstrat.features.builder import FeatureBuilder
from igfstrat.features.evidence_text import evidence_text
from igfstrat.features.igf1r import COMPARTMENT_OF_MEASURE, ExpressionStatus
from igfstrat.features.plan import FeaturePlan, StratumRule
from igfstrat.features.references import make_references
from igfstrat.features.registry import REGISTRY
from igfstrat.features.requirements import (
    inputs_of,
    missing_inputs,
    possible_features,
    required_inputs,
    rule_of,
)
from igfstrat.features.spec import FeatureSpec, RowFlags
from igfstrat.features.stratify import (
    UNDECIDED,
    Stratifier,
    assign_strata,
    default_conditions,
    default_strata,
    stratum_inputs,
    unknown_to_strata,
)
from igfstrat.features.stratum_evidence import StratumEvidence, expected_direction

__all__ = [
    "COMPARTMENT_OF_MEASURE",
    "REGISTRY",
    "UNDECIDED",
    "ExpressionStatus",
    "FeatureBuilder",
    "FeaturePlan",
    "FeatureSpec",
    "RowFlags",
    "Stratifier",
    "StratumEvidence",
    "StratumRule",
    "assign_strata",
    "default_conditions",
    "default_strata",
    "evidence_text",
    "expected_direction",
    "inputs_of",
    "make_references",
    "missing_inputs",
    "possible_features",
    "required_inputs",
    "rule_of",
    "stratum_inputs",
    "unknown_to_strata",
]
