"""A stored model judged on other patients, whose features are computed by the model's own plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from igfstrat.cohort import Cohort
from igfstrat.errors import Severity, safe_text
from igfstrat.files import make_folder, write_manifest, write_problems
from igfstrat.models import StoredModel, Validation, external_validation, load_model
from igfstrat.models.card import metrics_of
from igfstrat.models.validation_curves import HorizonCurves, validation_curves
from igfstrat.parallel import Progress
from igfstrat.report import write_document
from igfstrat.report.document import Document
from igfstrat.report.validation_section import validation_document
from igfstrat.workflows.plan import ChosenPlan
from igfstrat.workflows.report_inputs import versions
from igfstrat.workflows.risk_inputs import (
    Sample,
    measured,
    plan_of_model,
    read_sample,
    split_horizons,
)

SEED: Final = 20261120
REPLICATES: Final = 200
# Collins GS, Ogundimu EO, Altman DG. Stat Med 2016;35:214-226: fewer give validations too imprecise to rely on
_ENOUGH_EVENTS: Final = 100
_NOTHING: Final = "No model was validated."


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport:
    """A model on other patients.

    Parameters
    ----------
    stored : StoredModel
        The model.
    found : Validation
        Its measures here.
    curves : tuple of HorizonCurves
        Calibration and net benefit, one a horizon.
    sample : Sample
        Patients and outcome.
    cautions : tuple of str
        Differences between these patients and the training that must not be missed.
    chosen : ChosenPlan
        The model's own plan.
    cohort : Cohort
        As read.
    seed : int
        Of the resampling.
    """

    stored: StoredModel
    found: Validation
    curves: tuple[HorizonCurves, ...]
    sample: Sample
    cautions: tuple[str, ...]
    chosen: ChosenPlan
    cohort: Cohort
    seed: int

    @property
    def is_flagged(self) -> bool:
        """Whether rows were left out or flagged: exit code 3."""
        found = any(p.severity is Severity.FLAG for p in self.cohort.problems)
        return found or bool(self.cohort.unusable or self.sample.left_out or self.found.n_not_scored)

    @property
    def document(self) -> Document:
        """The report, ready for any format."""
        return validation_document(
            self.stored,
            self.found,
            self.curves,
            source=safe_text(Path(self.cohort.sheet.source).name),
            endpoint=self.sample.endpoint.title,
            left_out=self.sample.left_out,
            versions=versions(),
            cautions=self.cautions,
        )

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Every number at full precision.
        """
        return {
            "purpose": "research use only; not for the care of a patient",
            "model": {"name": self.stored.card.name, "sha256": self.stored.sha256},
            "cohort": self.cohort.to_dict() | {"file": self.cohort.sheet.source, "rows": self.cohort.n_rows},
            "endpoint": self.sample.endpoint.name,
            "patients": {
                "with_an_outcome": self.found.n_patients,
                "not_scored": self.found.n_not_scored,
                "n_events": self.found.n_events,
                "left_out": self.sample.left_out,
            },
            "measures": metrics_of(self.found)[self.found.kind],
            "training": dict(self.stored.card.metrics),
            "curves": [asdict(one) for one in self.curves],
            "cautions": list(self.cautions),
            "bootstrap": {
                "samples": self.found.n_resamples,
                "failed": self.found.n_failed,
                "seed": self.seed,
                "level": self.found.level,
            },
            "versions": versions(),
        }


def validate_model(
    cohort: Cohort, *, model: StoredModel | str | Path, endpoint: str, n_replicates: int = REPLICATES,
    seed: int = SEED, n_jobs: int | None = None, cluster: str | None = None, say: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> ValidationReport:  # fmt: skip
    """Judge a stored model on other patients.

    Parameters
    ----------
    cohort : Cohort
        As read.
    model : StoredModel, str or Path
        A model, or its file.
    endpoint : str
        Such as ``dfs``.
    n_replicates : int
        Bootstrap samples of the intervals.
    seed : int
        Decides the samples.
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
    ValidationReport
        `write_validation` writes it.

    Raises
    ------
    CohortError
        If a predictor or the endpoint is missing or in doubt.
    UsageError
        If no horizon of the model lies within the follow-up, or nobody has an event.
    """
    tell = say or (lambda _: None)
    stored = model if isinstance(model, StoredModel) else load_model(Path(model))
    chosen = plan_of_model(stored.card)
    names = predictors_of_model(stored)
    limited = stored.pipeline["design"].censored_normal or ()
    sample = read_sample(cohort, chosen, names, endpoint, limited=limited, outcome=_NOTHING)
    inside, beyond = split_horizons(stored.card.horizons, sample.outcome)
    table, y = sample.predictors, sample.outcome
    how: dict[str, Any] = {"at": inside, "n_resamples": n_replicates, "seed": seed, "n_jobs": n_jobs}
    how |= {"cluster": cluster, "progress": progress}
    # a calibration curve of a sample with hardly any event may run off to infinity: it is then NaN in the measures
    with np.errstate(over="ignore", invalid="ignore"):
        tell(f"1 of 2  measures of {len(table)} patients with {sample.n_events} events")
        found = external_validation(stored.pipeline, table, y, **how)
        tell("2 of 2  calibration and decision curves")
        curves = validation_curves(stored.pipeline, table, y, **how)
    cautions = differences(cohort, stored, chosen)
    if sample.n_events < _ENOUGH_EVENTS:
        cautions.append(
            f"Only {sample.n_events} events: at least {_ENOUGH_EVENTS} are advised for a validation (Collins 2016); the figures are"
            " imprecise."
        )
    trained_on = stored.card.endpoint.partition(" ")[0]
    if trained_on != endpoint:
        cautions.append(f"The model was trained for {trained_on} and is judged here on {endpoint}.")
    if beyond:
        cautions.append(
            f"Horizons that these patients can't show: {', '.join(f'{t:g}' for t in beyond)} months."
        )
    return ValidationReport(
        stored=stored, found=found, curves=tuple(curves), sample=sample, cautions=tuple(cautions), chosen=chosen,
        cohort=cohort, seed=seed,
    )  # fmt: skip


def predictors_of_model(stored: StoredModel) -> tuple[str, ...]:
    """Columns that a model takes.

    Parameters
    ----------
    stored : StoredModel
        A model.

    Returns
    -------
    tuple of str
        Predictors, then strata.
    """
    design = stored.pipeline["design"]
    return (*(str(n) for n in design.predictors), *(str(n) for n in design.strata or ()))


def differences(cohort: Cohort, stored: StoredModel, chosen: ChosenPlan) -> list[str]:
    """Where these patients were measured in another way than those of the training.

    Parameters
    ----------
    cohort : Cohort
        As read.
    stored : StoredModel
        A model.
    chosen : ChosenPlan
        Its plan.

    Returns
    -------
    list of str
        One sentence a feature; positivity by another method is another thing under the same name.
    """
    there = stored.card.feature_plan.get("measured", {})
    here = measured(cohort, chosen, predictors_of_model(stored))
    return [
        f"{name} is taken from {here[name]} here, and was from {safe_text(there[name])} in training: not the same thing."
        for name in here
        if name in there and there[name] != here[name]
    ]


def write_validation(
    report: ValidationReport,
    folder: Path,
    *,
    formats: Sequence[str],
    command: Sequence[str],
    model_file: Path,
) -> list[Path]:
    """Write a validation and its manifest.

    Parameters
    ----------
    report : ValidationReport
        A validation.
    folder : Path
        Where it shall stand.
    formats : sequence of str
        Of `igfstrat.report.FORMATS`; `report.json` always comes.
    command : sequence of str
        The command line.
    model_file : Path
        The model's file, for the manifest.

    Returns
    -------
    list of Path
        What was written, the page first and the manifest last.
    """
    make_folder(folder)
    written = write_document(report.document, report.to_dict(), folder, formats)
    cohort = report.cohort
    if any(p.severity is Severity.FLAG for p in cohort.problems):
        written.append(folder / "problems.csv")
        write_problems(written[-1], cohort.problems, source=cohort.sheet.source, sheet=cohort.sheet.name)
    manifest = folder / "manifest.json"
    content = {
        "model": {"sha256": report.stored.sha256, "name": report.stored.card.name},
        "plan": report.chosen.to_dict(),
        "read": cohort.to_dict(),
        "endpoint": report.sample.endpoint.name,
        "rows": {
            "read": cohort.n_rows,
            "with_an_outcome": report.found.n_patients,
            "not_scored": report.found.n_not_scored,
            "left_out": report.sample.left_out,
        },
        "seed": report.seed,
        "replicates": report.found.n_resamples,
    }
    write_manifest(manifest, command=command, inputs=[*cohort.files, model_file], content=content)
    return [*written, manifest]


__all__ = [
    "ValidationReport",
    "differences",
    "predictors_of_model",
    "validate_model",
    "write_validation",
]
