"""Batch scoring: every row of a cohort with its features, stratum, status and flags. No row is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    StratumEvidence,
    StratumRule,
    assign_strata,
    default_conditions,
    default_strata,
    expected_direction,
    missing_inputs,
    required_inputs,
    stratum_inputs,
)
from igfstrat.features.coded import coded, count_words
from igfstrat.features.spec import RowFlags, flag_where
from igfstrat.workflows.file_notices import file_notices
from igfstrat.workflows.plan import ChosenPlan, choose_plan, disease_of
from igfstrat.workflows.row_flags import count_parts, file_flags, flag_texts, word_flags

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
    flags : ndarray of object, shape (n_rows,)
        Flags of each row: ``code:column`` joined by ``;``.
    noticed : tuple of Problem
        What was noticed on the way in, and of the file as a whole.
    doubts : tuple of RowFlags
        What features and strata noticed of rows, as arrays: a million rows may share one doubt.
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
    flags: NDArray[np.object_]
    noticed: tuple[Problem, ...]
    doubts: tuple[RowFlags, ...]
    descriptions: dict[str, str]
    evidence: dict[str, StratumEvidence]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by status; they sum to the rows of the cohort."""
        found = count_words(self.row_status)
        counts = {status: found.get(status, 0) for status in (SCORED, FLAGGED, NOT_SCORED)}
        assert sum(counts.values()) == self.cohort.n_rows
        return counts

    @property
    def is_flagged(self) -> bool:
        """Whether anything asks for attention: exit code 3."""
        return self.counts[SCORED] < self.cohort.n_rows or self.has_flags

    @property
    def has_flags(self) -> bool:
        """Whether there is any problem to list beside rows that lack an input."""
        return bool(self.doubts) or any(p.severity is Severity.FLAG for p in self.noticed)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything noticed, one `Problem` a row and doubt: made on each call, for showing and writing."""
        return (*self.noticed, *self.row_problems())

    def row_problems(self) -> Iterator[Problem]:
        """What features and strata noticed, a `Problem` a row and doubt.

        Yields
        ------
        Problem
            Doubt by doubt.
        """
        for doubt in self.doubts:
            for row in self.cohort.row_numbers[doubt.rows].tolist():
                yield Problem(
                    code=doubt.code, severity=Severity.FLAG, column=doubt.column, row=row, remedy=doubt.remedy
                )

    def count_reasons(self) -> dict[str, int]:
        """Rows that are not scored, by reason.

        Returns
        -------
        dict of str to int
            The commonest first.
        """
        counts = pd.Series(self.reasons[self.reasons != ""], dtype=object).value_counts()
        return {str(reason): int(n) for reason, n in counts.items()}

    def count_flags(self) -> dict[str, int]:
        """Rows by flag.

        Returns
        -------
        dict of str to int
            Words of the flag and its column, the commonest first.
        """
        return word_flags(count_parts(self.flags))

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
    builder = fit_features(cohort, chosen)
    result = score_rows(cohort, chosen, builder)
    beside = file_notices(cohort, chosen, builder)
    subtypes = result.features["subtype"].dropna().unique() if "subtype" in result.features else ()
    beside += file_flags(cohort.n_rows, [str(name) for name in subtypes])
    return replace(result, noticed=(*result.noticed, *beside))


def fit_features(cohort: Cohort, chosen: ChosenPlan) -> FeatureBuilder:
    """The transformer of a plan, fitted on a whole cohort.

    Parameters
    ----------
    cohort : Cohort
        As read, all rows.
    chosen : ChosenPlan
        What to compute.

    Returns
    -------
    FeatureBuilder
        Fitted: it holds every cut that the cohort decides.

    Raises
    ------
    CohortError
        If a column that the plan requires is missing or in doubt.
    """
    plan = chosen.plan
    carried = [
        name for name in plan.endpoints if name in cohort.bindings.endpoints or name in cohort.unusable
    ]
    dates = [d for d in ("diagnosis_date", "last_followup_date") if carried and d in cohort.unusable]
    groups = [*required_inputs(plan), *((d,) for d in dates)]
    cohort.require(groups, carried, outcome="Nothing was scored.")
    return chosen.make_builder().fit(cohort.table)


def score_rows(
    cohort: Cohort,
    chosen: ChosenPlan,
    builder: FeatureBuilder,
    evidence: dict[str, StratumEvidence] | None = None,
) -> ScoreResult:
    """Score rows by what was fitted on all of them; what the file as a whole shows isn't said here.

    Parameters
    ----------
    cohort : Cohort
        All rows, or some of them.
    chosen : ChosenPlan
        What to compute.
    builder : FeatureBuilder
        From `fit_features` on all rows.
    evidence : dict of str to StratumEvidence, optional
        From `evidence_of_plan`, where it was looked up before.

    Returns
    -------
    ScoreResult
        One row for every row given; each as it would be among any others.
    """
    plan, table = chosen.plan, cohort.table
    features = builder.transform(table)
    stratum = (
        _strata_of(stratum_inputs(features, table, plan), plan.strata)
        if plan.strata
        else default_strata(features)
    )
    reasons = missing_inputs(table, required_inputs(plan))
    aside = np.flatnonzero(cohort.set_aside != "")
    reasons[aside] = cohort.set_aside[aside]
    reasons[pd.isna(stratum) & (reasons == "")] = "no stratum: nothing that it depends on is known"
    is_out = reasons != ""
    stratum = _without(stratum, is_out)
    doubts = (*builder.flag_rows(table), *_stratum_doubt(stratum))
    flags = flag_texts(cohort.row_numbers, cohort.problems, doubts)
    words = np.array([SCORED, FLAGGED, NOT_SCORED], dtype=object)
    status = words[np.where(is_out, 2, flags != "")]
    return ScoreResult(
        cohort=cohort,
        chosen=chosen,
        features=features,
        stratum=stratum,
        row_status=status,
        reasons=reasons,
        flags=flags,
        noticed=cohort.problems,
        doubts=doubts,
        descriptions=builder.describe(),
        evidence=_evidence(cohort, chosen, builder, features) if evidence is None else evidence,
    )


def evidence_of_plan(
    cohort: Cohort, chosen: ChosenPlan, builder: FeatureBuilder
) -> dict[str, StratumEvidence] | None:  # fmt: skip
    """What is reported on the strata that a plan names.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        The plan.
    builder : FeatureBuilder
        From `fit_features`.

    Returns
    -------
    dict of str to StratumEvidence, or None
        None where the plan names no strata: then the rows decide which there are.
    """
    if not any(rule.where for rule in chosen.plan.strata):
        return None
    return _evidence(cohort, chosen, builder, pd.DataFrame())


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


def _strata_of(inputs: pd.DataFrame, strata: Sequence[StratumRule]) -> NDArray[np.object_]:
    """Strata by what they are decided on: a million rows have a few dozen different answers."""
    names = list(dict.fromkeys(name for rule in strata for name in rule.where if name in inputs))
    kind = np.zeros(len(inputs), dtype=np.int64)
    for name in names:
        which, words = coded(inputs[name])
        kind = pd.factorize(kind * (len(words) + 1) + which + 1)[0]
    first = np.flatnonzero(np.diff(np.maximum.accumulate(kind), prepend=-1))
    few = pd.DataFrame({name: values.to_numpy()[first] for name, values in inputs.items()})
    return assign_strata(few, strata)[kind]


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


def _stratum_doubt(stratum: NDArray[np.object_]) -> list[RowFlags]:
    remedy = "a missing or indeterminate value leaves the stratum open"
    return flag_where(np.equal(stratum, UNDECIDED).astype(bool), "stratum_indeterminate", "stratum", remedy)


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
