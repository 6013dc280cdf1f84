"""Stratify cancer patients by the insulin-like growth factor (IGF) axis. Research use only.

    import igfstrat as ig

    cohort = ig.read_cohort("cohort.xlsx", map="map.yaml")
    features = ig.make_feature_pipeline("breast").fit_transform(cohort.table)
    report = ig.survival_report(cohort, plan="breast", endpoint="dfs", by="igf1r_status")

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from igfstrat._version import __version__

if TYPE_CHECKING:
    from igfstrat.cohort import Cohort, CohortMap, read_cohort
    from igfstrat.workflows.plan import make_feature_pipeline
    from igfstrat.workflows.score_cohort import score
    from igfstrat.workflows.survival_report import survival_report

__all__ = [
    "Cohort",
    "CohortMap",
    "__version__",
    "make_feature_pipeline",
    "read_cohort",
    "score",
    "survival_report",
]

_HOME = {
    "Cohort": "igfstrat.cohort",
    "CohortMap": "igfstrat.cohort",
    "make_feature_pipeline": "igfstrat.workflows.plan",
    "read_cohort": "igfstrat.cohort",
    "score": "igfstrat.workflows.score_cohort",
    "survival_report": "igfstrat.workflows.survival_report",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    message = f"module 'igfstrat' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
