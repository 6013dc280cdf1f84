"""The Kaplan–Meier report: from a cohort to frozen results, and from these to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis import EndpointResult, FlowStep, Grouping, SurvivalReport, compare_groups
from igfstrat.cohort import Cohort, read_cohort
from igfstrat.cohort.cohort import suggest
from igfstrat.errors import Severity, UsageError, safe_text
from igfstrat.files import make_folder, sha256_of, write_manifest
from igfstrat.report import DEFAULT_FORMATS, check_formats, write_document
from igfstrat.report.disclosure import suppress_results, suppress_small
from igfstrat.report.document import Document
from igfstrat.report.html import render_html
from igfstrat.report.register import Comparison, hash_of, list_comparisons, update_register
from igfstrat.report.register_section import register_section
from igfstrat.report.survival_section import survival_document
from igfstrat.schema import ENDPOINTS
from igfstrat.workflows.grouping import group_patients, order_of_groups
from igfstrat.workflows.plan import ChosenPlan, choose_plan, disease_of
from igfstrat.workflows.report_inputs import join_words, read_named, start_endpoints, versions
from igfstrat.workflows.report_slices import Slices, make_slices


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalReportResult:
    """A report that can be shown and saved.

    Parameters
    ----------
    report : SurvivalReport
        The comparison of groups.
    slices : Slices
        What the plan asks for beside it.
    chosen : ChosenPlan
        The plan in use.
    cohort : Cohort
        As read.
    """

    report: SurvivalReport
    slices: Slices
    chosen: ChosenPlan
    cohort: Cohort

    @property
    def is_flagged(self) -> bool:
        """Whether anything asks for attention: exit code 3."""
        estimates = (
            e for r in self.report.endpoints for e in (r.logrank, *(h.estimate for h in r.hazard_ratios))
        )
        return (
            any(p.severity is Severity.FLAG for p in self.cohort.problems)
            or bool(self.cohort.unusable)
            or any(estimate.not_estimable for estimate in estimates)
        )

    @property
    def document(self) -> Document:
        """The report, ready for any format."""
        return survival_document(self.report, self.slices.sections(self.report.grouping))

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Every number at full precision.
        """
        return self.report.to_dict() | self.slices.to_dict()

    @property
    def comparisons(self) -> list[Comparison]:
        """What this report looks at, for the register of a folder."""
        grouping, settings = self.report.grouping, self.chosen.plan.analysis
        endpoints = [result.name for result in self.report.endpoints]
        within = sorted(
            {
                f"{variable.variable.name}: {row.level}"
                for endpoint in self.slices.subgroups.endpoints
                for variable in endpoint.variables
                for row in variable.rows
            }
        )
        looks = list_comparisons(grouping.name, [grouping.rule], endpoints, within)
        if settings.cutpoint:
            looks += list_comparisons(settings.cutpoint.marker, ["searched"], endpoints)
        return looks

    def save(
        self, folder: str | Path, *, formats: Sequence[str] = DEFAULT_FORMATS, min_cell: int = 0
    ) -> list[Path]:
        """Write the report, and enter it into the folder's register of analyses.

        Parameters
        ----------
        folder : str or Path
            An existing folder, or one to be made.
        formats : sequence of str
            Of `igfstrat.report.FORMATS`; ``report.json`` always comes.
        min_cell : int
            Counts below this are hidden; 0 shows all.

        Returns
        -------
        list of Path
            What was written.
        """
        check_formats(formats)
        make_folder(Path(folder))
        register = update_register(
            Path(folder),
            cohort=hash_of([sha256_of(path) for path in self.cohort.files]),
            plan=hash_of(self.chosen.plan.model_dump(mode="json")),
            comparisons=self.comparisons,
        )
        sections = [*self.slices.sections(self.report.grouping), register_section(register)]
        document = suppress_small(survival_document(self.report, sections), min_cell)
        results = suppress_results(self.to_dict() | {"register": register}, min_cell)
        return write_document(document, results, Path(folder), formats)

    def _repr_html_(self) -> str:
        return render_html(self.document)


def survival_report(
    cohort: Cohort | str | Path, *, endpoint: str | Sequence[str], by: str = "igf1r_status",
    plan: str | Path | ChosenPlan | None = None, map: str | Path | None = None,  # noqa: A002
) -> SurvivalReportResult:  # fmt: skip
    """Compare survival between groups of a cohort.

    Parameters
    ----------
    cohort : Cohort, str or Path
        A cohort, or its file.
    endpoint : str or sequence of str
        Endpoints, such as ``dfs``.
    by : str
        A feature (``igf1r_status``, ``subtype``), ``stratum``, or a coded column of the cohort.
    plan : str, Path or ChosenPlan, optional
        Plan or its packaged name; by default that of the cohort's disease.
    map : str or Path, optional
        Cohort map, where `cohort` is a file.

    Returns
    -------
    SurvivalReportResult
        Shows itself in a notebook; `save` writes it.

    Raises
    ------
    CohortError
        If what the comparison needs is missing or in doubt.
    UsageError
        If `by` or an endpoint is not known.
    """
    if not isinstance(cohort, Cohort):
        cohort = read_cohort(cohort, map=map)
    chosen = plan if isinstance(plan, ChosenPlan) else choose_plan(plan, cohort)
    endpoints = [endpoint] if isinstance(endpoint, str) else list(endpoint)
    unknown = [name for name in endpoints if name not in ENDPOINTS]
    if unknown:
        message = f"--endpoint {safe_text(unknown[0])} is not known{suggest(unknown[0], ENDPOINTS)}"
        raise UsageError(message)
    return _Comparison(cohort, chosen).run(list(dict.fromkeys(endpoints)), by)


class _Comparison:
    """One run: grouping, then each endpoint, then what the plan asks for beside it."""

    def __init__(self, cohort: Cohort, chosen: ChosenPlan) -> None:
        self.cohort = cohort
        self.chosen = chosen

    def run(self, endpoints: list[str], by: str) -> SurvivalReportResult:
        cohort, chosen, settings = self.cohort, self.chosen, self.chosen.plan.analysis
        grouped = group_patients(cohort, chosen, by=by, endpoints=endpoints)
        grouping = grouped.grouping
        groups, flow = self._evaluable(grouped.values, grouping)
        order = order_of_groups(groups, by=by, chosen=chosen)
        followed, landmarks, notices = start_endpoints(
            cohort, chosen, measure=grouping.measure or by, names=endpoints
        )
        strata = self._strata()
        results = tuple(
            compare_groups(
                followed[name], groups=groups, order=order, settings=settings, flow=flow,
                strata=strata, measure=grouped.measure,
            )
            for name in endpoints
        )  # fmt: skip
        disease = disease_of(cohort, chosen.plan)
        slices = make_slices(
            cohort, chosen, grouped=grouped, groups=groups, order=order, endpoints=followed,
            landmarks=landmarks, disease=disease,
        )  # fmt: skip
        said = [*(p.remedy for p in notices), *slices.limitations]
        report = SurvivalReport(
            cohort=cohort.to_dict() | {"file": cohort.sheet.source, "rows": cohort.n_rows},
            grouping=grouping,
            disease=disease,
            endpoints=results,
            notes=cohort.notes,
            limitations=tuple(self._limitations(results, grouping, said)),
            settings=settings.model_dump() | {"plan": chosen.origin},
            versions=versions(),
        )
        return SurvivalReportResult(report=report, slices=slices, chosen=chosen, cohort=cohort)

    def _evaluable(
        self, groups: NDArray[np.object_], grouping: Grouping
    ) -> tuple[NDArray[np.object_], list[FlowStep]]:
        """Groups of the patients who have one, and the steps that lead there."""
        patients = self.cohort.set_aside == ""
        known = patients & ~pd.isna(groups)
        indeterminate = known & (groups == "indeterminate")
        evaluable = groups.copy()
        evaluable[~known | indeterminate] = None
        steps = [
            ("patients", patients, {"left out or brought together by the map": self.cohort.n_filtered,
                                    "a summary or note, not a patient": int((~patients).sum())}),
            (f"with {grouping.title}", known & ~indeterminate, {
                f"no {grouping.title}": int((patients & ~known).sum()),
                f"{grouping.title} indeterminate": int(indeterminate.sum())}),
        ]  # fmt: skip
        flow = [FlowStep(label="rows read", n=self.cohort.n_rows + self.cohort.n_filtered, left_out={})]
        flow += [
            FlowStep(label=label, n=int(kept.sum()), left_out={why: n for why, n in lost.items() if n})
            for label, kept, lost in steps
        ]
        return evaluable, flow

    def _strata(self) -> NDArray[np.object_] | None:
        """Rows by all strata of the plan at once; None in a row that lacks one."""
        settings = self.chosen.plan.analysis
        if settings.strata:
            return join_words(read_named(self.cohort, self.chosen, settings.strata))
        if settings.headline == "stratified_logrank":
            message = "headline: stratified_logrank needs analysis.strata in the plan"
            raise UsageError(message)
        return None

    def _limitations(
        self, results: Sequence[EndpointResult], grouping: Grouping, more: Sequence[str]
    ) -> list[str]:
        said = [
            "Unadjusted comparisons of an observational cohort: differences between groups may come from other causes."
        ]
        if "this cohort" in grouping.rule:
            said.append(
                "The cut is a quantile of this very cohort: it would be another number in another cohort."
            )
        if len(results) > 1:
            said.append(f"{len(results)} endpoints are compared; no p-value is corrected for their number.")
        said += [f"{result.name.upper()}: {result.note}." for result in results if result.note]
        return [*said, *more, *self.cohort.notes]


def write_report(
    result: SurvivalReportResult,
    folder: Path,
    *,
    formats: Sequence[str],
    command: Sequence[str],
    min_cell: int = 0,
) -> list[Path]:
    """Write a report and its manifest.

    Parameters
    ----------
    result : SurvivalReportResult
        A report.
    folder : Path
        Where it shall stand.
    formats : sequence of str
        Of `igfstrat.report.FORMATS`; `report.json` always comes.
    command : sequence of str
        The command line.
    min_cell : int
        Counts below this are hidden; 0 shows all.

    Returns
    -------
    list of Path
        What was written, the page first and the manifest last.
    """
    written = result.save(folder, formats=formats, min_cell=min_cell)
    content = {
        "plan": result.chosen.to_dict(),
        "read": result.cohort.to_dict(),
        "by": result.report.grouping.name,
        "rule": result.report.grouping.rule,
        "analysed": {e.name: {"n": e.n, "n_events": e.n_events} for e in result.report.endpoints},
    }
    manifest = folder / "manifest.json"
    write_manifest(manifest, command=command, inputs=result.chosen.files_with(result.cohort), content=content)
    return [*written, manifest]
