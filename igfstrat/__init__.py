"""Stratify cancer patients by the insulin-like growth factor (IGF) axis. Research use only.

    import igfstrat as ig

    cohort = ig.read_cohort("cohort.xlsx", map="map.yaml")
    features = ig.make_feature_pipeline("breast").fit_transform(cohort.table)
    report = ig.survival_report(cohort, plan="breast", endpoint="dfs", by="igf1r_status")
    study = ig.enrichment_study("my_cohort", cohort=cohort)

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from igfstrat._version import __version__

if TYPE_CHECKING:
    from igfstrat.cohort import Cohort, CohortMap, read_cohort
    from igfstrat.models import load_model, make_outcome, make_risk_pipeline, save_model
    from igfstrat.workflows.cohort_scenario import CohortSource
    from igfstrat.workflows.design_search import design_search
    from igfstrat.workflows.enrichment_study import enrichment_study
    from igfstrat.workflows.plan import make_feature_pipeline
    from igfstrat.workflows.score_cohort import score
    from igfstrat.workflows.survival_report import survival_report
    from igfstrat.workflows.winners_curse import winners_curse

__all__ = [
    "Cohort",
    "CohortMap",
    "CohortSource",
    "__version__",
    "design_search",
    "enrichment_study",
    "load_model",
    "make_feature_pipeline",
    "make_outcome",
    "make_risk_pipeline",
    "read_cohort",
    "save_model",
    "score",
    "survival_report",
    "winners_curse",
]

_HOME = {
    "Cohort": "igfstrat.cohort",
    "CohortMap": "igfstrat.cohort",
    "CohortSource": "igfstrat.workflows.cohort_scenario",
    "design_search": "igfstrat.workflows.design_search",
    "enrichment_study": "igfstrat.workflows.enrichment_study",
    "load_model": "igfstrat.models",
    "make_feature_pipeline": "igfstrat.workflows.plan",
    "make_outcome": "igfstrat.models",
    "make_risk_pipeline": "igfstrat.models",
    "read_cohort": "igfstrat.cohort",
    "save_model": "igfstrat.models",
    "score": "igfstrat.workflows.score_cohort",
    "survival_report": "igfstrat.workflows.survival_report",
    "winners_curse": "igfstrat.workflows.winners_curse",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    message = f"module 'igfstrat' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
