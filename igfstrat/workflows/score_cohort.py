"""Batch scoring: every row of a cohort with its features, stratum, status and flags. No row is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort import Cohort, read_cohort
from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features import (
    COMPARTMENT_OF_MEASURE,
    UNDECIDED,
    ExpressionStatus,
    FeatureBuilder,
    FeaturePlan,
    StratumEvidence,
    assign_strata,
    default_conditions,
    default_strata,
    expected_direction,
    missing_inputs,
    required_inputs,
    rule_of,
    stratum_inputs,
    unknown_to_strata,
)
from igfstrat.schema import FLAG_CODES
from igfstrat.workflows.plan import ChosenPlan, choose_plan, disease_of

SCORED, FLAGGED, NOT_SCORED = "scored", "flagged", "not_scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult:
    """A scored cohort.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        The plan in use.
    features : DataFrame, one row a patient row
        Computed features.
    stratum : ndarray of object, shape (n_rows,)
        Stratum; None for a row that isn't scored.
    row_status : ndarray of object, shape (n_rows,)
        ``scored``, ``flagged`` or ``not_scored``.
    reasons : ndarray of object, shape (n_rows,)
        Why a row isn't scored; "" otherwise.
    flags : list of str
        Flags of each row: ``code:column`` joined by ``;``.
    problems : tuple of Problem
        Everything noticed, on the way in and by the features.
    descriptions : dict of str to str
        How each feature was computed.
    evidence : dict of str to StratumEvidence
        What is reported on the outcome of each stratum.
    """

    cohort: Cohort
    chosen: ChosenPlan
    features: pd.DataFrame
    stratum: NDArray[np.object_]
    row_status: NDArray[np.object_]
    reasons: NDArray[np.object_]
    flags: list[str]
    problems: tuple[Problem, ...]
    descriptions: dict[str, str]
    evidence: dict[str, StratumEvidence]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by status; they sum to the rows of the cohort."""
        counts = {status: int((self.row_status == status).sum()) for status in (SCORED, FLAGGED, NOT_SCORED)}
        assert sum(counts.values()) == self.cohort.n_rows
        return counts

    @property
    def is_flagged(self) -> bool:
        """Whether anything asks for attention: exit code 3."""
        return self.counts[SCORED] < self.cohort.n_rows or any(
            p.severity is Severity.FLAG for p in self.problems
        )

    def count_reasons(self) -> dict[str, int]:
        """Rows that are not scored, by reason.

        Returns
        -------
        dict of str to int
            The commonest first.
        """
        counts = pd.Series([reason for reason in self.reasons if reason], dtype=object).value_counts()
        return {str(reason): int(n) for reason, n in counts.items()}

    def count_flags(self) -> dict[str, int]:
        """Rows by flag.

        Returns
        -------
        dict of str to int
            Words of the flag and its column, the commonest first.
        """
        counts = pd.Series(
            [flag for text in self.flags if text for flag in text.split(";")], dtype=object
        ).value_counts()
        said = {}
        for flag, n in counts.items():
            code, _, column = str(flag).partition(":")
            words = FLAG_CODES.get(code, code)
            said[words if words.startswith(column) else f"{column} {words}"] = int(n)
        return said

    def count_strata(self) -> dict[str, int]:
        """Scored rows by stratum.

        Returns
        -------
        dict of str to int
            The largest first.
        """
        return {
            str(k): int(n) for k, n in pd.Series(self.stratum, dtype=object).dropna().value_counts().items()
        }


def score_cohort(cohort: Cohort, chosen: ChosenPlan) -> ScoreResult:
    """Score every row of a cohort.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        What to compute.

    Returns
    -------
    ScoreResult
        One row for every row of the cohort.

    Raises
    ------
    CohortError
        If a column that the plan requires is missing or in doubt.
    """
    plan = chosen.plan
    groups = required_inputs(plan)
    carried = [
        name for name in plan.endpoints if name in cohort.bindings.endpoints or name in cohort.unusable
    ]
    dates = [d for d in ("diagnosis_date", "last_followup_date") if carried and d in cohort.unusable]
    cohort.require([*groups, *((d,) for d in dates)], carried, outcome="Nothing was scored.")
    table = cohort.table
    builder = chosen.make_builder().fit(table)
    features = builder.transform(table)
    problems = [*cohort.problems, *_unusable(cohort), *_row_flags(cohort, builder, table)]
    problems += _assay_notice(plan, builder, table)
    stratum = (
        assign_strata(stratum_inputs(features, table, plan), plan.strata)
        if plan.strata
        else default_strata(features)
    )
    reasons = missing_inputs(table, groups)
    reasons = np.where(cohort.set_aside != "", cohort.set_aside, reasons)
    reasons[(reasons == "") & pd.isna(stratum)] = "no stratum: nothing that it depends on is known"
    stratum = _without(stratum, reasons != "")
    problems += _stratum_flags(cohort, stratum) + _file_flags(cohort, features)
    problems += _strata_notice(unknown_to_strata(features, table, plan))
    flags = _flags_by_row(cohort, problems)
    status = np.where(reasons != "", NOT_SCORED, np.where([bool(f) for f in flags], FLAGGED, SCORED)).astype(
        object
    )
    return ScoreResult(
        cohort=cohort,
        chosen=chosen,
        features=features,
        stratum=stratum,
        row_status=status,
        reasons=reasons,
        flags=flags,
        problems=tuple(problems),
        descriptions=builder.describe(),
        evidence=_evidence(cohort, chosen, builder, features),
    )


def _evidence(
    cohort: Cohort, chosen: ChosenPlan, builder: FeatureBuilder, features: pd.DataFrame
) -> dict[str, StratumEvidence]:
    """Looked up once a stratum, for the endpoints that the cohort carries."""
    plan = chosen.plan
    conditions: dict[str, Mapping[str, Any]] = {rule.name: rule.where for rule in plan.strata if rule.where}
    measured = {
        t.name: COMPARTMENT_OF_MEASURE[t.measure_]
        for t in builder.transformers_
        if isinstance(t, ExpressionStatus)
    }
    return {
        name: expected_direction(
            where,
            disease=disease_of(cohort, plan),
            endpoints=list(cohort.endpoints) or None,
            compartments=measured,
        )
        for name, where in (conditions or default_conditions(features)).items()
    }


def _without(values: NDArray[np.object_], out: NDArray[np.bool_]) -> NDArray[np.object_]:
    kept = values.copy()
    kept[out] = None
    return kept


def score(
    cohort: Cohort | str | Path, *, plan: str | Path | None = None, map: str | Path | None = None,  # noqa: A002
) -> ScoreResult:  # fmt: skip
    """Score a cohort, or the file that holds it.

    Parameters
    ----------
    cohort : Cohort, str or Path
        A cohort, or its file.
    plan : str or Path, optional
        Plan or its packaged name; by default that of the cohort's disease.
    map : str or Path, optional
        Cohort map, where `cohort` is a file.

    Returns
    -------
    ScoreResult
        One row for every row of the cohort.
    """
    table = cohort if isinstance(cohort, Cohort) else read_cohort(cohort, map=map)
    return score_cohort(table, choose_plan(plan, table))


def _unusable(cohort: Cohort) -> list[Problem]:
    """Columns in doubt that this job doesn't need: said, and passed by."""
    return [
        Problem(code=p.code, severity=Severity.FLAG, column=p.column, row=p.row, value=p.value,
                remedy=f"not used, and no job that needs it will run: {p.remedy}")
        for found in cohort.unusable.values()
        for p in found
    ]  # fmt: skip


def _row_flags(cohort: Cohort, builder: FeatureBuilder, table: pd.DataFrame) -> list[Problem]:
    return [
        Problem(
            code=flag.code,
            severity=Severity.FLAG,
            column=flag.column,
            row=int(cohort.row_numbers[i]),
            remedy=flag.remedy,
        )
        for flag in builder.flag_rows(table)
        for i in flag.rows
    ]


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


def _stratum_flags(cohort: Cohort, stratum: NDArray[np.object_]) -> list[Problem]:
    remedy = "a missing or indeterminate value leaves the stratum open"
    return [
        Problem(
            code="stratum_indeterminate",
            severity=Severity.FLAG,
            column="stratum",
            row=int(cohort.row_numbers[i]),
            remedy=remedy,
        )
        for i in np.flatnonzero(stratum == UNDECIDED)
    ]


def _strata_notice(unknown: Sequence[str]) -> list[Problem]:
    if not unknown:
        return []
    remedy = (
        f"{', '.join(unknown)} can't be told from this cohort: strata that they decide stay indeterminate"
    )
    return [Problem(code="stratum_indeterminate", severity=Severity.NOTICE, column="stratum", remedy=remedy)]


def _file_flags(cohort: Cohort, features: pd.DataFrame) -> list[Problem]:
    problems = []
    if cohort.n_rows == 1:
        remedy = "1 patient: scores are given, but too few for any survival statistic"
        problems.append(
            Problem(code="few_patients", severity=Severity.FLAG, column="patient_id", remedy=remedy)
        )
    elif "subtype" in features and features["subtype"].nunique() == 1:
        only = features["subtype"].dropna().iloc[0]
        remedy = f"only one group ({only}): no comparison by subtype is possible"
        problems.append(Problem(code="one_group", severity=Severity.FLAG, column="subtype", remedy=remedy))
    return problems


def _flags_by_row(cohort: Cohort, problems: Sequence[Problem]) -> list[str]:
    place = {int(row): i for i, row in enumerate(cohort.row_numbers)}
    found: list[dict[str, None]] = [{} for _ in range(cohort.n_rows)]
    for problem in problems:
        if problem.row in place and problem.severity is Severity.FLAG:
            found[place[problem.row]][f"{problem.code}:{problem.column or ''}"] = None
    return [";".join(flags) for flags in found]


def refuse_flagged(result: ScoreResult) -> None:
    """Under `--strict`, refuse what would be flagged.

    Parameters
    ----------
    result : ScoreResult
        A scored cohort.

    Raises
    ------
    CohortError
        If any row or the file is flagged.
    """
    if result.is_flagged:
        found = [p for p in result.problems if p.severity is Severity.FLAG]
        headline = (
            f"{result.cohort.sheet.place} ({result.cohort.n_rows} rows), which --strict does not accept"
        )
        raise CohortError(headline, found or [_not_scored(result)], "Nothing was written.")


def _not_scored(result: ScoreResult) -> Problem:
    why = ", ".join(f"{reason} {n}" for reason, n in result.count_reasons().items())
    return Problem(
        code="missing_input",
        severity=Severity.FLAG,
        remedy=f"{result.counts[NOT_SCORED]} rows not scored: {why}",
    )
