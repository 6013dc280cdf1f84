"""What a report adds to the comparison of groups: table 1, subgroups, evidence, adjustment, treatment, cut, causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis import Grouping
from igfstrat.analysis.adjusted import AdjustedResult, adjust_groups
from igfstrat.analysis.competing import CompetingResult, analyse_competing
from igfstrat.analysis.cutpoint import ContinuousEffect, CutpointResult, analyse_continuous, analyse_cutpoint
from igfstrat.analysis.evidence_lines import compare_subgroups_with_evidence
from igfstrat.analysis.evidence_results import EvidenceComparison
from igfstrat.analysis.landmark import LandmarkResult
from igfstrat.analysis.pairwise import PairwiseResult, analyse_pairwise
from igfstrat.analysis.subgroup_results import SubgroupAnalysis, SubgroupVariable
from igfstrat.analysis.subgroups import analyse_subgroups
from igfstrat.analysis.table_one import analyse_table_one
from igfstrat.analysis.table_one_results import BaselineVariable, TableOne
from igfstrat.analysis.treatment import TreatmentResult, analyse_treatment
from igfstrat.cohort import Cohort, Endpoint
from igfstrat.errors import CohortError, UsageError
from igfstrat.features import possible_features
from igfstrat.report.adjusted_section import adjusted_section
from igfstrat.report.competing_section import competing_section
from igfstrat.report.cutpoint_section import continuous_section, cutpoint_section
from igfstrat.report.document import Section
from igfstrat.report.evidence_comparison_section import evidence_comparison_section
from igfstrat.report.pairwise_section import landmark_section, pairwise_section
from igfstrat.report.subgroup_section import subgroup_section
from igfstrat.report.table_one_section import table_one_section
from igfstrat.report.treatment_section import treatment_section
from igfstrat.schema import COLUMNS
from igfstrat.workflows.grouping import Grouped
from igfstrat.workflows.plan import ChosenPlan
from igfstrat.workflows.report_inputs import (
    NOTHING_WRITTEN,
    as_frame,
    marker_values,
    read_named,
)

# what a reader wants to know of the patients before anything else, where the cohort has it
BASELINE: Final = (
    "age_years", "sex", "menopausal_status", "ancestry", "bmi", "diabetes", "smoking_status", "stage", "grade",
    "subtype", "histology", "er_percent", "er_status", "pr_percent", "pr_status", "her2_status", "ki67_percent",
    "bone_metastasis", "visceral_metastasis", "igf1_ng_ml", "igf1_sds", "igfbp3_ng_ml", "igfbp3_sds",
    "igf1_igfbp3_molar_ratio", "igf1r_h_score", "igf1r_allred", "igf1r_ihc", "treatment", "arm",
)  # fmt: skip
MOST_FOR_CAUSES: Final = 100_000  # cumulative incidence of more patients than this takes minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlices:
    """What else is said of one endpoint; None where it wasn't asked for or has nothing to work on."""

    pairwise: PairwiseResult
    continuous: ContinuousEffect | None = None
    adjusted: AdjustedResult | None = None
    treatment: TreatmentResult | None = None
    cutpoint: CutpointResult | None = None
    competing: CompetingResult | None = None
    landmark: LandmarkResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            By analysis; None where it wasn't made.
        """
        return {
            f.name: v.to_dict() if (v := getattr(self, f.name)) is not None else None for f in fields(self)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Everything beside the comparison of groups.

    Parameters
    ----------
    table_one : TableOne
        The patients by group, and evaluable against not evaluable.
    subgroups : SubgroupAnalysis
        Effects within subgroups, and their interactions.
    evidence : tuple of EvidenceComparison
        This cohort beside the registry.
    variables : dict of str to str
        Titles of the subgroup variables.
    by_endpoint : dict of str to EndpointSlices
        The rest, by endpoint.
    disease : str or None
        For the evidence.
    limitations : tuple of str
        What could not be done, and why.
    """

    table_one: TableOne
    subgroups: SubgroupAnalysis
    evidence: tuple[EvidenceComparison, ...]
    variables: dict[str, str]
    by_endpoint: dict[str, EndpointSlices]
    disease: str | None
    limitations: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Every number at full precision.
        """
        return {
            "table_one": self.table_one.to_dict(),
            "subgroups": self.subgroups.to_dict(),
            "evidence_comparison": [comparison.to_dict() for comparison in self.evidence],
            "further": {name: slices.to_dict() for name, slices in self.by_endpoint.items()},
        }

    def sections(self, grouping: Grouping) -> list[Section]:
        """Sections for a document, which puts them in its order.

        Parameters
        ----------
        grouping : Grouping
            What the groups are.

        Returns
        -------
        list of Section
            One an analysis.
        """
        made = [table_one_section(self.table_one, title=grouping.title)]
        for name, slices in self.by_endpoint.items():
            made += _endpoint_sections(slices)
            if self.variables:
                made.append(
                    subgroup_section(
                        self.subgroups, endpoint=name, title=grouping.title, evidence=self.evidence
                    )
                )
        made.append(
            evidence_comparison_section(
                self.evidence,
                title=grouping.title,
                variables=self.variables,
                disease=self.disease,
            )
        )
        return made


def _endpoint_sections(slices: EndpointSlices) -> list[Section]:
    made = [
        pairwise_section(slices.pairwise),
        continuous_section(slices.continuous) if slices.continuous else None,
        adjusted_section(slices.adjusted) if slices.adjusted else None,
        treatment_section(slices.treatment) if slices.treatment else None,
        cutpoint_section(slices.cutpoint, level=3) if slices.cutpoint else None,
        competing_section(slices.competing) if slices.competing else None,
        landmark_section(slices.landmark) if slices.landmark else None,
    ]
    return [section for section in made if section is not None]


def make_slices(
    cohort: Cohort,
    chosen: ChosenPlan,
    *,
    grouped: Grouped,
    groups: NDArray[np.object_],
    order: Sequence[str],
    endpoints: Mapping[str, Endpoint],
    landmarks: Mapping[str, LandmarkResult],
    disease: str | None,
) -> Slices:
    """Compute everything that the plan asks for beside the comparison.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        The plan.
    grouped : Grouped
        The grouping and the measure behind it.
    groups : ndarray of object, shape (n_rows,)
        Group of each evaluable row; None for the others.
    order : sequence of str
        Groups in the order of the report.
    endpoints : mapping of str to Endpoint
        From time zero or the landmark.
    landmarks : mapping of str to LandmarkResult
        What each landmark left out.
    disease : str or None
        For the evidence.

    Returns
    -------
    Slices
        With reasons where something can't be estimated.

    Raises
    ------
    CohortError
        If a column that the plan names is missing or in doubt.
    UsageError
        If the plan names what can't be used so.
    """
    settings, patients = chosen.plan.analysis, cohort.set_aside == ""
    named = read_named(cohort, chosen, settings.subgroups)
    numbers = [n.name for n in named if n.is_number]
    if numbers:
        message = f"analysis.subgroups names {numbers[0]}, which is a number; name a status, a class or a coded column"
        raise UsageError(message)
    variables = [SubgroupVariable(name=n.name, title=n.title, levels=n.levels) for n in named]
    subgroups = analyse_subgroups(
        list(endpoints.values()), groups=groups, order=order, alpha=settings.alpha,
        variables=[(v, n.values.to_numpy(dtype=object)) for v, n in zip(variables, named, strict=True)],
    )  # fmt: skip
    further = _Further(cohort, chosen, grouped, groups, order)
    return Slices(
        table_one=_table_one(cohort, chosen, grouped.grouping.name, groups, order, endpoints, patients),
        subgroups=subgroups,
        evidence=compare_subgroups_with_evidence(
            subgroups, grouping=grouped.grouping, disease=disease, alpha=settings.alpha
        ),
        variables={v.name: v.title for v in variables},
        by_endpoint={n: further.of(e, landmarks.get(n)) for n, e in endpoints.items()},
        disease=disease,
        limitations=tuple(further.limitations),
    )


def _table_one(
    cohort: Cohort, chosen: ChosenPlan, by: str, groups: NDArray[np.object_], order: Sequence[str],
    endpoints: Mapping[str, Endpoint], patients: NDArray[np.bool_],
) -> TableOne:  # fmt: skip
    possible = set(possible_features(chosen.plan, cohort.table.columns))
    named_of = {column.header: name for name, column in COLUMNS.items()}
    wanted = [
        named_of.get(name, name)
        for name in BASELINE
        if name != by and (name in possible or (name in named_of and cohort.has(named_of[name])))
    ]
    named = read_named(cohort, chosen, wanted)
    variables = [
        BaselineVariable(
            name=n.name,
            title=n.title,
            unit=n.unit or None,
            kind="numeric" if n.is_number else "coded",
            levels=n.levels,
        )
        for n in named
    ]
    return analyse_table_one(
        pd.DataFrame({n.name: n.values for n in named}, index=cohort.table.index), variables=variables, groups=groups,
        order=order, evaluable=~pd.isna(groups), endpoints=list(endpoints.values()), patients=patients,
    )  # fmt: skip


class _Further:
    """The analyses of one endpoint, with what they share read once."""

    def __init__(
        self, cohort: Cohort, chosen: ChosenPlan, grouped: Grouped, groups: NDArray[np.object_], order: Sequence[str]
    ) -> None:  # fmt: skip
        self.cohort, self.chosen, self.grouped = cohort, chosen, grouped
        self.settings = chosen.plan.analysis
        self.limitations: list[str] = []
        self.groups, self.order = groups, order
        self.shared: dict[str, Any] = {"groups": groups, "order": order, "settings": self.settings}
        self.covariates = read_named(cohort, chosen, self.settings.covariates)
        self.treated = (
            read_named(cohort, chosen, [self.settings.treatment.column])[0]
            if self.settings.treatment
            else None
        )
        cut = self.settings.cutpoint
        self.marker = marker_values(cohort, chosen, cut.marker, ()) if cut else None

    def of(self, endpoint: Endpoint, landmark: LandmarkResult | None) -> EndpointSlices:
        return EndpointSlices(
            pairwise=analyse_pairwise(endpoint, **self.shared),
            continuous=self._continuous(endpoint),
            adjusted=self._adjusted(endpoint),
            treatment=self._treatment(endpoint),
            cutpoint=self._cutpoint(endpoint),
            competing=self._competing(endpoint),
            landmark=landmark,
        )

    def _continuous(self, endpoint: Endpoint) -> ContinuousEffect | None:
        if self.grouped.measure is None:
            return None
        title, values = self.grouped.measure
        marker = self.grouped.grouping.measure or self.grouped.grouping.name
        return analyse_continuous(
            endpoint, marker=marker, title=title, values=values, included=self.cohort.set_aside == ""
        )

    def _adjusted(self, endpoint: Endpoint) -> AdjustedResult | None:
        if not self.covariates:
            return None
        titles = {n.name: n.title for n in self.covariates}
        return adjust_groups(
            endpoint,
            covariates=as_frame(self.covariates),
            titles=titles,
            grouping=self.grouped.grouping,
            **self.shared,
        )

    def _treatment(self, endpoint: Endpoint) -> TreatmentResult | None:
        setting = self.settings.treatment
        if setting is None or self.treated is None:
            return None
        values = self.treated.values.to_numpy(dtype=object)
        return analyse_treatment(
            endpoint, treatment=values, experimental=setting.experimental, title=self.treated.title,
            grouping=self.grouped.grouping, measure=self.grouped.measure, **self.shared,
        )  # fmt: skip

    def _cutpoint(self, endpoint: Endpoint) -> CutpointResult | None:
        if self.settings.cutpoint is None or self.marker is None:
            return None
        title, unit, values = self.marker
        return analyse_cutpoint(
            endpoint, title=title, unit=unit, values=values, settings=self.settings.cutpoint,
            alpha=self.settings.alpha, included=self.cohort.set_aside == "",
        )  # fmt: skip

    def _competing(self, endpoint: Endpoint) -> CompetingResult | None:
        asked = self.settings.competing
        if endpoint.cause is None:
            # without an event there is no cause to state
            if asked and asked.cause == f"{endpoint.name}_cause" and endpoint.event[endpoint.usable].any():
                faults = self.cohort.unusable.get(asked.cause, ())
                headline = f"{self.cohort.sheet.place}: the plan's competing.cause {asked.cause} is missing or in doubt"
                raise CohortError(headline, list(faults), NOTHING_WRITTEN)
            return None
        if len(self.groups) > MOST_FOR_CAUSES and asked is None:
            self.limitations.append(
                f"Causes of {endpoint.name.upper()} are not compared in more than {MOST_FOR_CAUSES:,} rows unless the plan asks (analysis.competing)."
            )
            return None
        return analyse_competing(endpoint, **self.shared)
