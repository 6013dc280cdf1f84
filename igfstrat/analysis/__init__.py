"""What a cohort says: comparisons of groups as frozen results. It renders nothing."""

from igfstrat.analysis.comparison import FEW_EVENTS, compare_groups
from igfstrat.analysis.evidence_lines import look_up
from igfstrat.analysis.results import (
    EndpointResult,
    Estimate,
    EvidenceLine,
    FlowStep,
    Grouping,
    GroupResult,
    HazardRatio,
    SurvivalReport,
)
from igfstrat.analysis.settings import AnalysisSettings, Milestones

__all__ = [
    "FEW_EVENTS",
    "AnalysisSettings",
    "EndpointResult",
    "Estimate",
    "EvidenceLine",
    "FlowStep",
    "GroupResult",
    "Grouping",
    "HazardRatio",
    "Milestones",
    "SurvivalReport",
    "compare_groups",
    "look_up",
]
