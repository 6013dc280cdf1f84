"""What a risk model takes from a cohort: predictors by the plan, patients with an outcome, horizons.

A model carries the rules of its own features, so that the next hospital's spreadsheet is read by the plan of the
training and not by another one. Rules that learn from the patients at hand (a quantile) are refused: at the next
hospital the same words would mean another cut.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort import Cohort, Endpoint
from igfstrat.cohort.cohort import suggest
from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import Problem, UsageError, safe_text
from igfstrat.features import REGISTRY, ExpressionStatus, FeatureBuilder, FeaturePlan, required_inputs
from igfstrat.features.interaction import PARTS
from igfstrat.features.subtype import SubtypeFeatures
from igfstrat.models import ModelCard, ModelSettings, make_outcome
from igfstrat.schema import COLUMNS, ENDPOINTS
from igfstrat.workflows.plan import ChosenPlan, Plan
from igfstrat.workflows.report_inputs import read_named, start_endpoints
from igfstrat.workflows.risk_limits import add_limits

DEFAULT_HORIZONS: Final = (12.0, 36.0, 60.0)  # months, where the plan names none
# what belongs to the axis without having it in its name; our convention
_AXIS_WORDS: Final = ("igf", "insr", "insulin", "irs1", "irs2", "rs2016347", "rs2854744")
_NOT_OF_FEATURES: Final = {"strata", "endpoints", "references"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The patients of a cohort that a model is fitted or judged on.

    Parameters
    ----------
    predictors : DataFrame, one row a patient
        Predictors as numbers and words.
    outcome : ndarray, shape (n,)
        From `make_outcome`; months.
    endpoint : Endpoint
        Of the whole cohort, restarted where the plan has a landmark.
    left_out : dict of str to int
        Rows of the file that are not among them, by reason.
    notices : tuple of Problem
        What could not be checked.
    """

    predictors: pd.DataFrame
    outcome: NDArray[np.void]
    endpoint: Endpoint
    left_out: dict[str, int]
    notices: tuple[Problem, ...]

    @property
    def n_events(self) -> int:
        """Events among them."""
        return int(self.outcome["event"].sum())


def read_predictors(
    cohort: Cohort, chosen: ChosenPlan, names: tuple[str, ...], *, endpoints: tuple[str, ...] = (),
    limited: Collection[str] = (), outcome: str,
) -> pd.DataFrame:  # fmt: skip
    """The predictors of every row.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of the features.
    names : tuple of str
        Features or columns.
    endpoints : tuple of str
        Endpoints that are needed too, so that everything missing is said at once.
    limited : collection of str
        Predictors whose limits are wanted too, as ``<name>_lower`` and ``<name>_upper``.
    outcome : str
        What isn't done where something is missing.

    Returns
    -------
    DataFrame, one row a patient row
        Numbers (NaN where missing) and words (None where missing).
    """
    require_predictors(cohort, chosen, names, endpoints=endpoints, outcome=outcome)
    table = pd.DataFrame({named.name: named.values for named in read_named(cohort, chosen, names)})
    return add_limits(table, cohort, chosen, limited)


def require_predictors(
    cohort: Cohort, chosen: ChosenPlan, names: tuple[str, ...], *, endpoints: tuple[str, ...] = (), outcome: str
) -> None:  # fmt: skip
    """Refuse where a column that predictors are made of is missing or in doubt.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of the features.
    names : tuple of str
        Features or columns.
    endpoints : tuple of str
        Endpoints that are needed too, so that everything missing is said at once.
    outcome : str
        What isn't done where something is missing.

    Raises
    ------
    CohortError
        With everything that is missing.
    """
    groups = [*required_inputs(chosen.plan, [n for n in names if n in REGISTRY and n not in COLUMNS])]
    groups += [(n,) for n in names if n in COLUMNS and n not in REGISTRY]
    cohort.require(groups, endpoints, outcome=outcome)


def read_sample(
    cohort: Cohort, chosen: ChosenPlan, names: tuple[str, ...], endpoint: str, *, limited: Collection[str] = (),
    outcome: str,
) -> Sample:  # fmt: skip
    """Predictors and outcome of the patients that have an outcome.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of the features; may name a landmark.
    names : tuple of str
        Predictors.
    endpoint : str
        Such as ``dfs``.
    limited : collection of str
        Predictors whose limits are wanted too.
    outcome : str
        What isn't done where something is missing.

    Returns
    -------
    Sample
        Rows without a predictor are kept: what becomes of them is the model's to say.

    Raises
    ------
    CohortError
        If a column or the endpoint is missing or in doubt, or a predictor is dated after time zero.
    UsageError
        If the endpoint is not known, or no patient has an event.
    """  # fmt: skip
    if endpoint not in ENDPOINTS:
        message = f"--endpoint {safe_text(endpoint)} is not known{suggest(endpoint, ENDPOINTS)}"
        raise UsageError(message)
    table = read_predictors(cohort, chosen, names, endpoints=(endpoint,), limited=limited, outcome=outcome)
    notices: dict[Problem, None] = {}
    for name in names:
        started, _, found = start_endpoints(cohort, chosen, measure=name, names=[endpoint])
        notices |= dict.fromkeys(found)
    followed = started[endpoint]
    reasons = np.where(cohort.set_aside != "", cohort.set_aside, np.array(followed.reasons, dtype=object))
    rows = followed.usable & (cohort.set_aside == "")
    out, counts = np.unique(reasons[~rows].astype(str), return_counts=True)
    if not followed.event[rows].any():
        message = f"no events of {endpoint} among {np.count_nonzero(rows)} patients: a risk model can't be fitted or judged"
        raise UsageError(message)
    return Sample(
        predictors=table.loc[rows].reset_index(drop=True),
        outcome=make_outcome(time=followed.time[rows], event=followed.event[rows]),
        endpoint=followed,
        left_out={str(reason): int(n) for reason, n in zip(out, counts, strict=True)},
        notices=tuple(notices),
    )


def settings_of(chosen: ChosenPlan) -> ModelSettings:
    """The plan's `model:` section, of which another hospital could repeat every predictor.

    Parameters
    ----------
    chosen : ChosenPlan
        The plan in use.

    Returns
    -------
    ModelSettings
        The section.

    Raises
    ------
    UsageError
        If there is none, or a predictor is cut at a quantile of these patients or by a reference table of the plan's own.
    """
    settings = chosen.plan.model
    if settings is None:
        message = f"{chosen.origin} has no 'model:' section; add one (type, predictors, penalty, horizons) or choose another with --plan"
        raise UsageError(message)
    names = {part for name in settings.predictors for part in (name, *PARTS.get(name, ()))}
    learned = sorted(
        name for name, rule in chosen.plan.status.items() if name in names and rule.quantile is not None
    )
    foreign = sorted(n for n, rule in chosen.plan.status.items() if rule.reference in chosen.plan.references)
    if learned or foreign:
        which = (learned or foreign)[0]
        what = (
            "a quantile of these patients"
            if learned
            else "a reference table of the plan's own, which a model file can't carry"
        )
        message = f"{which} is cut by {what}: the model would mean something else elsewhere; state the cut as at_least in the plan, or take the number itself as predictor"
        raise UsageError(message)
    return settings


def horizons_of(
    settings: ModelSettings, outcome: NDArray[np.void]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Horizons within the follow-up, and those beyond it.

    Parameters
    ----------
    settings : ModelSettings
        May name horizons; else 12, 36 and 60 months.
    outcome : ndarray, shape (n,)
        Months.

    Returns
    -------
    tuple of tuple of float
        Ascending, months: those that can be judged, those that can't.

    Raises
    ------
    UsageError
        If none lies within the follow-up.
    """  # fmt: skip
    named = {*settings.horizons.months, *(12.0 * years for years in settings.horizons.years)}
    return split_horizons(tuple(sorted(named or DEFAULT_HORIZONS)), outcome)


def split_horizons(
    named: tuple[float, ...], outcome: NDArray[np.void]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Horizons at which these patients can be judged, and the others.

    Parameters
    ----------
    named : tuple of float
        Months.
    outcome : ndarray, shape (n,)
        Months.

    Returns
    -------
    tuple of tuple of float
        Those before the longest follow-up and not before the first event; the rest.

    Raises
    ------
    UsageError
        If there is none of the first.
    """  # fmt: skip
    first, last = float(outcome["time"][outcome["event"]].min()), float(outcome["time"].max())
    inside = tuple(t for t in named if first <= t < last)
    if not inside:
        message = f"no horizon ({', '.join(f'{t:g}' for t in named)} months) lies between the first event ({first:g} months) and the end of the follow-up ({last:g}); state others under 'model: horizons:'"
        raise UsageError(message)
    return inside, tuple(t for t in named if t not in inside)


def markers_among(names: tuple[str, ...]) -> tuple[str, ...]:
    """Predictors that belong to the IGF axis.

    Parameters
    ----------
    names : tuple of str
        Predictors.

    Returns
    -------
    tuple of str
        By their names: IGF ligands, receptors and binding proteins, insulin and its receptor, IRS, their variants.

    Examples
    --------
    >>> markers_among(("igf1_sds", "age_years", "er_by_igf1r"))
    ('igf1_sds', 'er_by_igf1r')
    """
    return tuple(name for name in names if any(word in name for word in _AXIS_WORDS))


def feature_document(cohort: Cohort, chosen: ChosenPlan, names: tuple[str, ...]) -> dict[str, Any]:
    """What a model file says of its features.

    Parameters
    ----------
    cohort : Cohort
        Training cohort.
    chosen : ChosenPlan
        The plan in use.
    names : tuple of str
        Predictors.

    Returns
    -------
    dict
        `plan`, the rules as plain values; `measured`, what each status was taken from in training.
    """
    plan = chosen.plan.model_dump(mode="json")
    kept = {key: value for key, value in plan.items() if key in FeaturePlan.model_fields}
    kept = {key: value for key, value in kept.items() if key not in _NOT_OF_FEATURES}
    features = [name for name in names if name in REGISTRY and name not in COLUMNS]
    return {"plan": kept | {"features": features}, "measured": measured(cohort, chosen, names)}


def measured(cohort: Cohort, chosen: ChosenPlan, names: tuple[str, ...]) -> dict[str, str]:
    """What a status or subtype is taken from in a cohort, where the plan leaves a choice.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        The plan in use.
    names : tuple of str
        Predictors.

    Returns
    -------
    dict of str to str
        Measure and rule by feature.
    """
    columns = cohort.table.columns
    features = [n for n in names if n in REGISTRY and (n not in COLUMNS or COLUMNS[n].header not in columns)]
    if not features:
        return {}
    builder: FeatureBuilder = chosen.make_builder(tuple(features)).fit(cohort.table)
    found: dict[str, str] = {}
    for one in builder.transformers_:
        if isinstance(one, ExpressionStatus):
            found[one.name] = f"{one.measure_}, {one.rule_ or f'at least {one.cut_:g}'}"
        elif isinstance(one, SubtypeFeatures):
            found["subtype"] = str(one.rule_)
    return found


def plan_of_model(card: ModelCard) -> ChosenPlan:
    """The plan by which a model's features are computed.

    Parameters
    ----------
    card : ModelCard
        Of a model file.

    Returns
    -------
    ChosenPlan
        Without strata, endpoints or analysis.

    Raises
    ------
    ConfigError
        If what the file says is no plan.
    """
    # JSON is YAML: the same strict reading as of any other plan
    text = json.dumps(card.feature_plan.get("plan", {}))
    origin = f"the plan of model {safe_text(card.name)}"
    return ChosenPlan(make_config(Plan, parse_yaml(text, source=origin)), origin, None)
