"""What is said once of a scored file, whatever its rows are."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from igfstrat.cohort import Cohort
from igfstrat.errors import Problem, Severity
from igfstrat.features import FeatureBuilder, FeaturePlan, rule_of, unknown_to_strata
from igfstrat.workflows.plan import ChosenPlan


def file_notices(cohort: Cohort, chosen: ChosenPlan, builder: FeatureBuilder) -> list[Problem]:
    """What holds for a file as a whole, whatever its rows are.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        What is computed.
    builder : FeatureBuilder
        From `fit_features`.

    Returns
    -------
    list of Problem
        Columns in doubt that were passed by, an assay that isn't stated, strata that can't be told.
    """
    names = builder.feature_names()
    features = pd.DataFrame(columns=pd.Index(names), index=[], dtype=object)
    return [
        *_unusable(cohort),
        *_assay_notice(chosen.plan, builder, cohort.table),
        *_strata_notice(unknown_to_strata(features, cohort.table, chosen.plan)),
    ]


def _unusable(cohort: Cohort) -> list[Problem]:
    """Columns in doubt that this job doesn't need: said, and passed by."""
    return [
        Problem(code=p.code, severity=Severity.FLAG, column=p.column, row=p.row, value=p.value,
                remedy=f"not used, and no job that needs it will run: {p.remedy}")
        for found in cohort.unusable.values()
        for p in found
    ]  # fmt: skip


def _assay_notice(plan: FeaturePlan, builder: FeatureBuilder, table: pd.DataFrame) -> list[Problem]:
    rule = rule_of(plan, "igf1_status")
    if "igf1_sds" not in builder.feature_names() or "igf1_assay" in table or rule.assume_assay is not None:
        return []
    by_reference = rule.measures != ("igf1",)
    doubt = "every IGF-1 status is indeterminate" if by_reference else "one assay is taken for all"
    remedy = (
        f"IGF-1 assay not stated: the SDS is shown, {doubt}; state igf1_assay, or assume_assay in the plan"
    )
    return [Problem(code="assay_not_stated", severity=Severity.NOTICE, column="igf1_ng_ml", remedy=remedy)]


def _strata_notice(unknown: Sequence[str]) -> list[Problem]:
    if not unknown:
        return []
    remedy = (
        f"{', '.join(unknown)} can't be told from this cohort: strata that they decide stay indeterminate"
    )
    return [Problem(code="stratum_indeterminate", severity=Severity.NOTICE, column="stratum", remedy=remedy)]
