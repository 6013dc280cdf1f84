"""Risk models: estimators, pipelines, validation, and the file that carries a model to the next hospital.

Names are loaded when they are first used: the schema of the plan's `model:` section alone needs neither scikit-learn
nor lifelines.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from igfstrat.models.settings import ModelSettings

if TYPE_CHECKING:
    from igfstrat.models.aft import LogLogisticAFTModel, WeibullAFTModel
    from igfstrat.models.baseline import GroupKaplanMeier, clinical_only, marker_only
    from igfstrat.models.calibrating import Calibration, calibration
    from igfstrat.models.card import ModelCard, StoredModel, model_card_items
    from igfstrat.models.checks import check_survival_estimator
    from igfstrat.models.comparing import (
        AddedValue,
        Baseline,
        Comparison,
        added_value,
        compare_with_baselines,
    )
    from igfstrat.models.cox_model import CoxModel
    from igfstrat.models.design import DesignMatrix
    from igfstrat.models.leaks import check_no_leak
    from igfstrat.models.metrics import evaluate
    from igfstrat.models.net_benefit import DecisionCurve, decision_curve
    from igfstrat.models.outcome import make_outcome
    from igfstrat.models.piecewise import PiecewiseExponentialModel
    from igfstrat.models.pipeline import RiskPipeline, make_risk_pipeline
    from igfstrat.models.sample_size import SampleSize, riley_sample_size
    from igfstrat.models.splitting import EventStratifiedKFold
    from igfstrat.models.storage import load_model, save_model
    from igfstrat.models.validation import (
        Validation,
        bootstrap_validation,
        external_validation,
        nested_cross_validation,
    )

_HOME = {
    "AddedValue": "comparing",
    "Baseline": "comparing",
    "Calibration": "calibrating",
    "Comparison": "comparing",
    "CoxModel": "cox_model",
    "DecisionCurve": "net_benefit",
    "DesignMatrix": "design",
    "EventStratifiedKFold": "splitting",
    "GroupKaplanMeier": "baseline",
    "LogLogisticAFTModel": "aft",
    "ModelCard": "card",
    "PiecewiseExponentialModel": "piecewise",
    "RiskPipeline": "pipeline",
    "SampleSize": "sample_size",
    "StoredModel": "card",
    "Validation": "validation",
    "WeibullAFTModel": "aft",
    "added_value": "comparing",
    "bootstrap_validation": "validation",
    "calibration": "calibrating",
    "check_no_leak": "leaks",
    "check_survival_estimator": "checks",
    "clinical_only": "baseline",
    "compare_with_baselines": "comparing",
    "decision_curve": "net_benefit",
    "evaluate": "metrics",
    "external_validation": "validation",
    "load_model": "storage",
    "make_outcome": "outcome",
    "make_risk_pipeline": "pipeline",
    "marker_only": "baseline",
    "model_card_items": "card",
    "nested_cross_validation": "validation",
    "riley_sample_size": "sample_size",
    "save_model": "storage",
}

__all__ = [
    "AddedValue",
    "Baseline",
    "Calibration",
    "Comparison",
    "CoxModel",
    "DecisionCurve",
    "DesignMatrix",
    "EventStratifiedKFold",
    "GroupKaplanMeier",
    "LogLogisticAFTModel",
    "ModelCard",
    "ModelSettings",
    "PiecewiseExponentialModel",
    "RiskPipeline",
    "SampleSize",
    "StoredModel",
    "Validation",
    "WeibullAFTModel",
    "added_value",
    "bootstrap_validation",
    "calibration",
    "check_no_leak",
    "check_survival_estimator",
    "clinical_only",
    "compare_with_baselines",
    "decision_curve",
    "evaluate",
    "external_validation",
    "load_model",
    "make_outcome",
    "make_risk_pipeline",
    "marker_only",
    "model_card_items",
    "nested_cross_validation",
    "riley_sample_size",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"igfstrat.models.{_HOME[name]}"), name)
    message = f"module 'igfstrat.models' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
