"""What a cohort says: comparisons of groups as frozen results. It renders nothing."""

from igfstrat.analysis.comparison import FEW_EVENTS, compare_groups
from igfstrat.analysis.results import (
    EndpointResult,
    Estimate,
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
    "FlowStep",
    "GroupResult",
    "Grouping",
    "HazardRatio",
    "Milestones",
    "SurvivalReport",
    "compare_groups",
]
