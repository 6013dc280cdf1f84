"""The analysis plan as one file: each section's schema belongs to its own room."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from igfstrat.analysis import AnalysisSettings
from igfstrat.cohort import Cohort
from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.features import FeatureBuilder, FeaturePlan, make_references
from igfstrat.features.reference_table import Reference
from igfstrat.files import sha256_of
from igfstrat.models import ModelSettings

_PLAN_OF_DISEASE: Final = {"breast": "breast", "nsclc": "lung", "prostate": "prostate"}


class Plan(FeaturePlan):
    """Features, status rules and strata, how groups are compared, and the risk model."""

    analysis: AnalysisSettings = AnalysisSettings()
    model: ModelSettings | None = None


class ChosenPlan:
    """A plan, where it came from, and the reference tables that it names.

    Parameters
    ----------
    plan : Plan
        The plan.
    origin : str
        In words, for the terminal and the manifest.
    path : Path or None
        Its file; None for the built-in defaults.
    """

    def __init__(self, plan: Plan, origin: str, path: Path | None) -> None:
        self.plan = plan
        self.origin = origin
        self.path = path
        self.references = _references(plan, path)

    def make_builder(self, only: tuple[str, ...] | None = None) -> FeatureBuilder:
        """The transformer of the plan's features.

        Parameters
        ----------
        only : tuple of str, optional
            Restrict to these features.

        Returns
        -------
        FeatureBuilder
            Not fitted.
        """
        return FeatureBuilder(self.plan, only, self.references)

    def files_with(self, cohort: Cohort) -> list[Path]:
        """Every file that a run on a cohort has read, for its manifest.

        Parameters
        ----------
        cohort : Cohort
            The cohort.

        Returns
        -------
        list of Path
            The cohort's files, then the plan's.
        """
        if self.path is None:
            return list(cohort.files)
        tables = [self.path.parent / entry.file for entry in self.plan.references.values()]
        return [*cohort.files, self.path, *tables]

    def to_dict(self) -> dict[str, Any]:
        """For a manifest.

        Returns
        -------
        dict
            Origin, file hash, and the plan with its defaults.
        """
        return {
            "origin": self.origin,
            "sha256": sha256_of(self.path) if self.path else None,
            "settings": self.plan.model_dump(),
        }


def choose_plan(name: str | Path | None, cohort: Cohort) -> ChosenPlan:
    """The plan that was asked for, else the one of the cohort's disease, else what is available.

    Parameters
    ----------
    name : str, Path or None
        A file, or the bare name of a packaged plan.
    cohort : Cohort
        Its `disease` column picks a packaged plan where none is named.

    Returns
    -------
    ChosenPlan
        The plan and its origin.

    Raises
    ------
    ConfigError
        If the file isn't a plan.
    """
    if name is not None:
        path = config_path(str(name), "plans")
        return ChosenPlan(make_config(Plan, read_yaml(path)), f"plan {path.stem}", path)
    disease = disease_of(cohort, None)
    packaged = _PLAN_OF_DISEASE.get(disease or "")
    if packaged:
        path = config_path(packaged, "plans")
        return ChosenPlan(
            make_config(Plan, read_yaml(path)), f"plan {packaged}, from the disease column", path
        )
    return ChosenPlan(Plan(), "no plan: every feature whose inputs are there", None)


def make_feature_pipeline(plan: str | Path | FeaturePlan) -> FeatureBuilder:
    """One transformer for all features of a plan.

    Parameters
    ----------
    plan : str, Path or FeaturePlan
        A plan, its file, or the bare name of a packaged one.

    Returns
    -------
    FeatureBuilder
        Fit it on a table with canonical headers, such as `Cohort.table`.
    """
    if isinstance(plan, FeaturePlan):
        return FeatureBuilder(plan, references=_references(plan, None))
    path = config_path(str(plan), "plans")
    return ChosenPlan(make_config(Plan, read_yaml(path)), path.stem, path).make_builder()


def _references(plan: FeaturePlan, path: Path | None) -> dict[str, Reference]:
    """Files of a plan lie in its folder; those of a plan without a file in the current one."""
    return make_references(plan.references, path.parent if path else Path())


def disease_of(cohort: Cohort, plan: Plan | None) -> str | None:
    """The one disease of a cohort.

    Parameters
    ----------
    cohort : Cohort
        May have a `disease` column.
    plan : Plan or None
        May name one.

    Returns
    -------
    str or None
        None where several or none are named.
    """
    if cohort.has("disease"):
        named = pd.unique(cohort.table["disease"].dropna())
        if len(named) == 1:
            return str(named[0])
    return plan.disease if plan else None
