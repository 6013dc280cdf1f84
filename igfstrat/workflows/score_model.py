"""The risk of every row by a stored model, beside what scoring says already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.cohort import Cohort
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.features.spec import RowFlags
from igfstrat.models import StoredModel
from igfstrat.models.dilution import in_words
from igfstrat.schema import FLAG_CODES
from igfstrat.workflows.risk_inputs import plan_of_model, read_predictors, require_predictors
from igfstrat.workflows.row_flags import flag_texts
from igfstrat.workflows.score_cohort import FLAGGED, SCORED, ScoreResult
from igfstrat.workflows.validate_model import differences, predictors_of_model


def add_risk(result: ScoreResult, stored: StoredModel) -> ScoreResult:
    """Add a model's predictions to a scored cohort, and what holds for the cohort as a whole.

    Parameters
    ----------
    result : ScoreResult
        A scored cohort.
    stored : StoredModel
        From `load_model`.

    Returns
    -------
    ScoreResult
        As from `predict_rows`, with notices of how the cohort differs from that of the training.

    Raises
    ------
    CohortError
        If a column that the model takes is missing or in doubt.
    """
    check_model(result.cohort, stored)
    notices = notices_of_model(result.cohort, stored)
    scored = predict_rows(result, stored)
    return replace(scored, noticed=(*scored.noticed, *notices))


def check_model(cohort: Cohort, stored: StoredModel) -> None:
    """Refuse a cohort that a model can't be applied to.

    Parameters
    ----------
    cohort : Cohort
        As read, all rows.
    stored : StoredModel
        From `load_model`.

    Raises
    ------
    CohortError
        If a column that the model takes is missing or in doubt.
    """
    chosen, names = plan_of_model(stored.card), predictors_of_model(stored)
    require_predictors(cohort, chosen, names, outcome="Nothing was scored.")


def notices_of_model(cohort: Cohort, stored: StoredModel) -> list[Problem]:
    """How a cohort differs from that of the training.

    Parameters
    ----------
    cohort : Cohort
        As read, all rows.
    stored : StoredModel
        From `load_model`.

    Returns
    -------
    list of Problem
        Notices of the file as a whole.
    """
    return [
        Problem(code="model", severity=Severity.NOTICE, column="risk", remedy=text)
        for text in differences(cohort, stored, plan_of_model(stored.card))
    ]


def predict_rows(result: ScoreResult, stored: StoredModel) -> ScoreResult:
    """Add a model's predictions to scored rows.

    Parameters
    ----------
    result : ScoreResult
        A scored cohort, or a part of one.
    stored : StoredModel
        From `load_model`.

    Returns
    -------
    ScoreResult
        With the columns `risk` (the model's linear predictor: higher = worse), `survival_<t>_months` for each horizon
        (in [0, 1]) and `risk_not_given_because`; NaN and the reason where a predictor is missing or unknown to the model.
        Flags, problems and row status say what the model doubts.

    Raises
    ------
    CohortError
        If a column that the model takes is missing or in doubt.
    """
    cohort, card = result.cohort, stored.card
    chosen, names = plan_of_model(card), predictors_of_model(stored)
    limited = stored.pipeline["design"].censored_normal or ()
    table = read_predictors(cohort, chosen, names, limited=limited, outcome="Nothing was scored.")
    risk = np.array(stored.pipeline.predict(table), dtype=np.float64)
    survival = np.array(
        stored.pipeline.predict_survival_function(table, card.horizons), dtype=np.float64
    ).reshape(len(table), len(card.horizons))
    doubts = tuple(_doubts(stored, table, cohort.set_aside == ""))
    why = _reasons(len(table), doubts)
    out = cohort.set_aside != ""
    risk[out], survival[out] = np.nan, np.nan
    why[out] = cohort.set_aside[out]
    why[np.isnan(risk) & (why == "")] = "not known to the model"
    why[~np.isnan(risk)] = ""
    columns: dict[str, Any] = {"risk": risk}
    columns |= {
        f"survival_{t:g}_{card.time_unit}".replace(".", "_"): survival[:, j]
        for j, t in enumerate(card.horizons)
    }
    columns["risk_not_given_because"] = why
    added = flag_texts(cohort.row_numbers, [], doubts)
    both = [
        ";".join(dict.fromkeys([*_parts(old), *_parts(new)]))
        for old, new in zip(result.flags, added, strict=True)
    ]
    flags = np.array(both, dtype=object)
    return replace(
        result,
        features=result.features.assign(**columns),
        flags=flags,
        row_status=np.where((result.row_status == SCORED) & (flags != ""), FLAGGED, result.row_status),
        doubts=(*result.doubts, *doubts),
        descriptions={**result.descriptions, **_descriptions(stored, list(columns))},
    )  # fmt: skip


def _parts(flags: str) -> list[str]:
    return flags.split(";") if flags else []


def _doubts(stored: StoredModel, table: Any, patients: NDArray[np.bool_]) -> list[RowFlags]:
    """What the model doubts, of rows that are patients."""
    found = []
    for flag in stored.pipeline.flag_rows(table):
        rows = flag.rows[patients[flag.rows]]
        if len(rows):
            found.append(RowFlags(rows, flag.code, flag.column, f"risk model: {flag.remedy}"))
    return found


def _reasons(n: int, doubts: tuple[RowFlags, ...]) -> NDArray[np.object_]:
    """In words, why a row may have no risk: an extrapolation is no reason."""
    why = np.full(n, "", dtype=object)
    for doubt in doubts:
        if doubt.code != "outside_training":
            text = f"{doubt.column}: {FLAG_CODES[doubt.code]}"
            why[doubt.rows] = [f"{old}; {text}" if old else text for old in why[doubt.rows]]
    return why


def _descriptions(stored: StoredModel, columns: list[str]) -> dict[str, str]:
    card = stored.card
    which = f"model {safe_text(card.name)}, checksum {stored.sha256}"
    said = {"risk": f"linear predictor of the {which}; higher = worse; not a probability"}
    if stated := in_words(stored.pipeline.steps[-1][1].reliability):
        said["risk"] += f"; {stated}"
    for name in columns[1:-1]:
        said[name] = f"predicted probability of being free of {safe_text(card.endpoint)} then; the same model"
    said["risk_not_given_because"] = "why the model gives no risk"
    return said
