"""A risk model from a cohort: fitted, judged three ways, set beside what it has to beat, and stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from igfstrat.cohort import Cohort
from igfstrat.errors import DomainError, EstimationError, Severity, UsageError, safe_text
from igfstrat.features import REGISTRY
from igfstrat.files import write_bytes, write_manifest, write_problems
from igfstrat.models import (
    AddedValue,
    Comparison,
    ModelCard,
    ModelSettings,
    SampleSize,
    StoredModel,
    Validation,
    compare_with_baselines,
    external_validation,
    make_risk_pipeline,
    nested_cross_validation,
    riley_sample_size,
    save_model,
)
from igfstrat.models.card import comparison_metrics, metrics_of
from igfstrat.models.storage import stored_model, training_hash
from igfstrat.parallel import Progress
from igfstrat.report.html import render_html
from igfstrat.report.markdown import render_markdown
from igfstrat.report.model_card import model_card
from igfstrat.schema import TIME_UNIT
from igfstrat.workflows.plan import ChosenPlan, choose_plan, disease_of
from igfstrat.workflows.risk_inputs import (
    Sample,
    feature_document,
    horizons_of,
    markers_among,
    read_sample,
    settings_of,
)

SEED: Final = 20261120
REPLICATES: Final = 200
FOLDS: Final = 5
_NOTHING: Final = "No model was fitted."
_ANTICIPATED: Final = (
    0.15  # of the largest Cox–Snell R²: Riley RD, et al. BMJ 2020;368:m441, where nothing better is known
)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedModel:
    """A fitted model and what is known of it.

    Parameters
    ----------
    stored : StoredModel
        As its file holds it.
    sample : Sample
        Patients and outcome.
    apparent : Validation
        On the training data.
    cross_validated : Validation or None
        On the patients outside each of five folds, the penalty tuned within the rest; None where a fold gives no model.
    comparison : Comparison
        Corrected for optimism, beside what it has to beat.
    size : SampleSize or None
        What Riley's criteria ask for; None where they can't be evaluated.
    n_parameters : int
        Candidate parameters.
    beyond : tuple of float
        Horizons of the plan that these patients can't show.
    chosen : ChosenPlan
        The plan in use.
    cohort : Cohort
        As read.
    seed, n_replicates : int
        Of the resampling.
    """

    stored: StoredModel
    sample: Sample
    apparent: Validation
    cross_validated: Validation | None
    comparison: Comparison
    size: SampleSize | None
    n_parameters: int
    beyond: tuple[float, ...]
    chosen: ChosenPlan
    cohort: Cohort
    seed: int
    n_replicates: int

    @property
    def corrected(self) -> Validation:
        """The model's measures less their optimism."""
        return self.comparison.corrected

    @property
    def added(self) -> AddedValue | None:
        """What the IGF markers add; None where the model has no marker, or nothing else."""
        return self.comparison.added

    @property
    def is_flagged(self) -> bool:
        """Whether rows were left out or flagged: exit code 3."""
        found = any(p.severity is Severity.FLAG for p in self.cohort.problems)
        return found or bool(self.cohort.unusable or self.sample.left_out or self.n_incomplete)

    @property
    def n_incomplete(self) -> int:
        """Patients without a predictor, whom the fit left out."""
        n: int = self.stored.pipeline.steps[-1][1].n_left_out_
        return n

    @property
    def too_small(self) -> bool:
        """Whether the sample is smaller than the criteria ask for."""
        return self.size is not None and self.size.n_patients > self.apparent.n_patients - self.n_incomplete


def fit_model(
    cohort: Cohort, *, endpoint: str, plan: str | Path | ChosenPlan | None = None, n_replicates: int = REPLICATES,
    seed: int = SEED, n_jobs: int | None = None, cluster: str | None = None, say: Say | None = None,
    progress: Progress | None = None,
) -> FittedModel:  # fmt: skip
    """Fit the model that a plan describes, and find out how good it is.

    Parameters
    ----------
    cohort : Cohort
        As read.
    endpoint : str
        Such as ``dfs``.
    plan : str, Path or ChosenPlan, optional
        Plan or its packaged name; by default that of the cohort's disease.
    n_replicates : int
        Bootstrap samples; 200 or more for a report.
    seed : int
        Decides samples and folds.
    n_jobs : int, optional
        Processes, -1 for one a processor; the result doesn't depend on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    say : callable, optional
        Told what begins.
    progress : callable, optional
        Called with the resamples done of what began last, and their number.

    Returns
    -------
    FittedModel
        `write_model` writes it.

    Raises
    ------
    CohortError
        If a predictor or the endpoint is missing or in doubt, or a predictor is dated after time zero.
    UsageError
        If the plan has no model, or one that no other hospital could repeat, or no scheduler answers.
    EstimationError
        If these patients give no model.
    """
    tell = say or (lambda _: None)
    chosen = plan if isinstance(plan, ChosenPlan) else choose_plan(plan, cohort)
    settings = settings_of(chosen)
    names, limited = (*settings.predictors, *settings.strata), settings.imputation.censored_normal
    sample = read_sample(cohort, chosen, names, endpoint, limited=limited, outcome=_NOTHING)
    inside, beyond = horizons_of(settings, sample.outcome)
    how: dict[str, Any] = {"at": inside, "n_resamples": n_replicates, "seed": seed, "n_jobs": n_jobs}
    how |= {"cluster": cluster, "progress": progress}
    with np.errstate(over="ignore", invalid="ignore"):  # as in the resamples
        tell(f"1 of 4  fitting: {len(sample.outcome)} patients, {sample.n_events} events")
        pipeline: Any = make_risk_pipeline(settings, seed=seed).fit(sample.predictors, sample.outcome)
        tell("2 of 4  performance on the same patients")
        apparent = external_validation(pipeline, sample.predictors, sample.outcome, kind="apparent", **how)
        tell(f"3 of 4  {FOLDS}-fold cross-validation{', tuned within each' * settings.penalty.tuned}")
        crossed = _cross_validated(settings, sample, how)
        tell(f"4 of 4  {n_replicates} bootstrap refits of the model and of what it has to beat")
        comparison = compare_with_baselines(
            settings, sample.predictors, sample.outcome, markers=markers_among(settings.predictors), **how
        )
    design = getattr(pipeline, "best_estimator_", pipeline)["design"]
    n_parameters = len(design.names_) + len(design.left_out_)
    size = _size(sample, n_parameters, inside[-1])
    validations = (apparent, *((crossed,) if crossed else ()))
    card = _card(cohort, chosen, settings, sample, inside, validations, comparison, size, n_parameters)
    return FittedModel(
        stored=stored_model(pipeline, card), sample=sample, apparent=apparent, cross_validated=crossed,
        comparison=comparison, size=size, n_parameters=n_parameters, beyond=beyond, chosen=chosen, cohort=cohort,
        seed=seed, n_replicates=n_replicates,
    )  # fmt: skip


def _cross_validated(settings: ModelSettings, sample: Sample, how: dict[str, Any]) -> Validation | None:
    """None where a training part gives no model: the bootstrap still judges it."""
    estimator = make_risk_pipeline(settings, seed=how["seed"])
    try:
        return nested_cross_validation(estimator, sample.predictors, sample.outcome, folds=FOLDS, **how)
    except (EstimationError, UsageError):
        return None


def _size(sample: Sample, n_parameters: int, horizon: float) -> SampleSize | None:
    """Riley's criteria with an anticipated R² of 15 % of the largest."""
    time, n = sample.outcome["time"], len(sample.outcome)
    followup = float(time.mean())
    share = sample.n_events / n
    rate = share / followup
    largest = 1 - math.exp(2 * (share * math.log(share) - share))
    try:
        return riley_sample_size(
            r_squared=_ANTICIPATED * largest, n_parameters=n_parameters, event_rate=rate, mean_followup=followup,
            horizon=horizon,
        )  # fmt: skip
    except DomainError:
        return None


def _card(
    cohort: Cohort, chosen: ChosenPlan, settings: ModelSettings, sample: Sample, horizons: tuple[float, ...],
    validations: tuple[Validation, ...], comparison: Comparison, size: SampleSize | None, n_parameters: int,
) -> ModelCard:  # fmt: skip
    endpoint, names = sample.endpoint, (*settings.predictors, *settings.strata)
    disease = disease_of(cohort, chosen.plan)
    metrics: dict[str, Any] = metrics_of(*validations) | comparison_metrics(comparison)
    if size is not None:
        metrics["sample_size"] = {
            "patients_needed": (float(size.n_patients), None, None),
            "events_needed": (size.n_events, None, None),
            "events_per_parameter_needed": (size.events_per_parameter, None, None),
            "candidate_parameters": (float(n_parameters), None, None),
            "anticipated_r_squared": (_ANTICIPATED * size.largest_r_squared, None, None),
        }
    definition = f" ({safe_text(endpoint.definition)})" if endpoint.definition else ""
    source = safe_text(Path(cohort.sheet.source).name)
    return ModelCard(
        name=f"{endpoint.title}{f' in {disease} cancer' if disease == 'breast' else ''} by {len(names)} predictors",
        endpoint=f"{endpoint.name}{definition}",
        time_unit=TIME_UNIT,
        horizons=horizons,
        population=f"{len(sample.outcome)} patients of {source}{f', {disease}' if disease else ''}; setting, years and inclusion not stated",
        feature_plan=feature_document(cohort, chosen, names),
        evidence=tuple(dict.fromkeys(e for n in names if n in REGISTRY for e in REGISTRY[n].evidence)),
        data_sha256=training_hash(sample.predictors, sample.outcome),
        metrics=metrics,
        limits=_limits(sample, size, comparison.added),
    )


def _limits(sample: Sample, size: SampleSize | None, added: AddedValue | None) -> str:
    said = ["Not validated on other patients; igfstrat validate does it."]
    n = len(sample.outcome)
    if size is not None and size.n_patients > n:
        said.append(f"Too few patients: {n}, where Riley's criteria ask for {size.n_patients}.")
    if added is not None and not added.adds:
        said.append("The IGF markers were not shown to add anything to the other predictors.")
    if sample.endpoint.note:
        said.append(safe_text(sample.endpoint.note, limit=300))
    return " ".join(said)


def check_model_path(path: Path) -> None:
    """A model file is JSON, and its name says so.

    Parameters
    ----------
    path : Path
        Where it shall stand.

    Raises
    ------
    UsageError
        If its suffix isn't ``.json``.
    """
    if path.suffix.lower() != ".json":
        message = f"--out {safe_text(path.name)}: a model file is JSON; give it a name that ends in .json"
        raise UsageError(message)


def write_model(fitted: FittedModel, out: Path, *, command: Sequence[str]) -> list[Path]:
    """Write the model, its card and its manifest.

    Parameters
    ----------
    fitted : FittedModel
        A model.
    out : Path
        A .json file.
    command : sequence of str
        The command line.

    Returns
    -------
    list of Path
        The model, the card as HTML and as Markdown, the manifest, and the problems where there are any.
    """
    document = model_card(fitted.stored)
    names = ("card.html", "card.md", "manifest.json")
    page, text, manifest = (out.with_name(f"{out.stem}.{name}") for name in names)
    # everything is rendered before anything is written
    contents = {page: render_html(document).encode(), text: render_markdown(document).encode()}
    save_model(out, fitted.stored.pipeline, fitted.stored.card)
    for path, content in contents.items():
        write_bytes(path, content)
    cohort = fitted.cohort
    write_manifest(
        manifest,
        command=command,
        inputs=fitted.chosen.files_with(cohort),
        content=_manifest(fitted),
    )
    written = [out, page, text, manifest]
    if any(p.severity is Severity.FLAG for p in cohort.problems):
        written.append(out.with_name(f"{out.stem}.problems.csv"))
        write_problems(written[-1], cohort.problems, source=cohort.sheet.source, sheet=cohort.sheet.name)
    return written


def _manifest(fitted: FittedModel) -> dict[str, Any]:
    return {
        "plan": fitted.chosen.to_dict(),
        "read": fitted.cohort.to_dict(),
        "model": {"sha256": fitted.stored.sha256, "training_sha256": fitted.stored.card.data_sha256},
        "endpoint": fitted.sample.endpoint.name,
        "rows": {
            "read": fitted.cohort.n_rows,
            "with_an_outcome": len(fitted.sample.outcome),
            "fitted": len(fitted.sample.outcome) - fitted.n_incomplete,
            "left_out": fitted.sample.left_out,
            "without_a_predictor": fitted.n_incomplete,
        },
        "n_events": fitted.sample.n_events,
        "horizons": {"used": fitted.stored.card.horizons, "beyond_the_followup": fitted.beyond},
        "metrics": {kind: dict(found) for kind, found in fitted.stored.card.metrics.items()},
        "optimism": fitted.corrected.optimism,
        "resamples_failed": fitted.corrected.n_failed,
        "folds": FOLDS if fitted.cross_validated else None,
        "seed": fitted.seed,
        "replicates": fitted.n_replicates,
    }
