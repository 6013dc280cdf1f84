"""Survival statistics on arrays: estimators, tests and models that agree with R.

Times and events come in as arrays (`time=` in one unit, `event=` boolean), frozen results come out.
Nothing here reads tables, draws, or decodes events. Importing this package compiles nothing.
"""

from igfstrat.survival._cox_residuals import BaselineHazard
from igfstrat.survival._steps import Quantile
from igfstrat.survival.comparison import SurvivalComparison, compare_survival
from igfstrat.survival.competing import (
    CumulativeIncidence,
    GrayTest,
    aalen_johansen,
    cause_specific_cox,
    gray_test,
)
from igfstrat.survival.concordance import ConcordanceResult, concordance, concordance_uno
from igfstrat.survival.cox import cox
from igfstrat.survival.cox_result import ChiSquareTest, CoxResult
from igfstrat.survival.curves import (
    SurvivalAt,
    SurvivalCurve,
    kaplan_meier,
    kaplan_meier_by_group,
    reverse_kaplan_meier,
)
from igfstrat.survival.cutpoint import MaximallySelectedLogrank, maximally_selected_logrank
from igfstrat.survival.cutpoint_stability import CutpointStability, cutpoint_stability
from igfstrat.survival.difference import SurvivalDifference, survival_difference
from igfstrat.survival.fine_gray import FineGrayResult, fine_gray
from igfstrat.survival.landmarks import Landmark, conditional, landmark
from igfstrat.survival.logrank import LogrankResult, TrendResult, logrank, trend_logrank
from igfstrat.survival.multiple_tests import (
    MaxCombo,
    PairwiseLogrank,
    adjust_p_values,
    maxcombo,
    pairwise_logrank,
)
from igfstrat.survival.nelson_aalen import CumulativeHazard, nelson_aalen
from igfstrat.survival.prediction import (
    BrierScore,
    DynamicAuc,
    brier_score,
    cumulative_dynamic_auc,
    integrated_brier_score,
)
from igfstrat.survival.proportional_hazards import ProportionalHazardsTest, proportional_hazards_test
from igfstrat.survival.rmst import RmstComparison, RmstResult, rmst, rmst_difference, rmst_ratio

__all__ = [
    "BaselineHazard",
    "BrierScore",
    "ChiSquareTest",
    "ConcordanceResult",
    "CoxResult",
    "CumulativeHazard",
    "CumulativeIncidence",
    "CutpointStability",
    "DynamicAuc",
    "FineGrayResult",
    "GrayTest",
    "Landmark",
    "LogrankResult",
    "MaxCombo",
    "MaximallySelectedLogrank",
    "PairwiseLogrank",
    "ProportionalHazardsTest",
    "Quantile",
    "RmstComparison",
    "RmstResult",
    "SurvivalAt",
    "SurvivalComparison",
    "SurvivalCurve",
    "SurvivalDifference",
    "TrendResult",
    "aalen_johansen",
    "adjust_p_values",
    "brier_score",
    "cause_specific_cox",
    "compare_survival",
    "concordance",
    "concordance_uno",
    "conditional",
    "cox",
    "cumulative_dynamic_auc",
    "cutpoint_stability",
    "fine_gray",
    "gray_test",
    "integrated_brier_score",
    "kaplan_meier",
    "kaplan_meier_by_group",
    "landmark",
    "logrank",
    "maxcombo",
    "maximally_selected_logrank",
    "nelson_aalen",
    "pairwise_logrank",
    "proportional_hazards_test",
    "reverse_kaplan_meier",
    "rmst",
    "rmst_difference",
    "rmst_ratio",
    "survival_difference",
    "trend_logrank",
]
