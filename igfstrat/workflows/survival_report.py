"""The Kaplan–Meier report: from a cohort to frozen results, and from these to files."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat._version import __version__
from igfstrat.analysis import EndpointResult, FlowStep, Grouping, SurvivalReport, compare_groups, look_up
from igfstrat.cohort import Cohort, read_cohort
from igfstrat.cohort.cohort import suggest
from igfstrat.errors import Severity, UsageError, safe_text
from igfstrat.features import possible_features
from igfstrat.files import make_folder, write_manifest
from igfstrat.report import FORMATS, page_html, write_bundle
from igfstrat.schema import COLUMNS, ENDPOINTS
from igfstrat.workflows.grouping import group_patients, order_of_groups
from igfstrat.workflows.plan import ChosenPlan, choose_plan, disease_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalReportResult:
    """A report that can be shown and saved.

    Parameters
    ----------
    report : SurvivalReport
        The frozen results.
    chosen : ChosenPlan
        The plan in use.
    cohort : Cohort
        As read.
    """

    report: SurvivalReport
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

    def save(self, folder: str | Path, *, formats: Sequence[str] = FORMATS) -> list[Path]:
        """Write the report.

        Parameters
        ----------
        folder : str or Path
            An existing folder, or one to be made.
        formats : sequence of str
            Of ``html``, ``svg`` and ``png``; ``report.json`` always comes.

        Returns
        -------
        list of Path
            What was written.
        """
        make_folder(Path(folder))
        return write_bundle(self.report, Path(folder), formats=formats)

    def _repr_html_(self) -> str:
        return page_html(self.report)


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
    """One run: grouping, then each endpoint."""

    def __init__(self, cohort: Cohort, chosen: ChosenPlan) -> None:
        self.cohort = cohort
        self.chosen = chosen

    def run(self, endpoints: list[str], by: str) -> SurvivalReportResult:
        if self.chosen.plan.analysis.landmark is not None:
            message = "analysis.landmark in the plan: this version has no landmark analysis, so no report was written"
            raise UsageError(message)
        grouped = group_patients(self.cohort, self.chosen, by=by, endpoints=endpoints)
        grouping = grouped.grouping
        groups, flow = self._evaluable(grouped.values, grouping)
        order = order_of_groups(groups, by=by, chosen=self.chosen)
        strata = self._strata()
        settings = self.chosen.plan.analysis
        results = tuple(
            compare_groups(
                self.cohort.endpoints[name], groups=groups, order=order, settings=settings, flow=flow,
                strata=strata, measure=grouped.measure,
            )
            for name in endpoints
        )  # fmt: skip
        disease = disease_of(self.cohort, self.chosen.plan)
        report = SurvivalReport(
            cohort=self.cohort.to_dict() | {"file": self.cohort.sheet.source, "rows": self.cohort.n_rows},
            grouping=grouping,
            disease=disease,
            endpoints=results,
            evidence=tuple(look_up(grouping, disease=disease, endpoint=name) for name in endpoints),
            notes=self.cohort.notes,
            limitations=tuple(self._limitations(results, grouping)),
            settings=settings.model_dump() | {"plan": self.chosen.origin},
            versions=_versions(),
        )
        return SurvivalReportResult(report=report, chosen=self.chosen, cohort=self.cohort)

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
        if not settings.strata:
            if settings.headline == "stratified_logrank":
                message = "headline: stratified_logrank needs analysis.strata in the plan"
                raise UsageError(message)
            return None
        features = [
            name
            for name in settings.strata
            if name in possible_features(self.chosen.plan, self.cohort.table.columns)
        ]
        computed = self.chosen.make_builder(tuple(features)).fit_transform(self.cohort.table)
        columns = {name: computed.get(name) for name in settings.strata}
        self.cohort.require([(n,) for n, c in columns.items() if c is None], outcome="No report was written.")
        frame = pd.DataFrame(
            {n: self.cohort.table[COLUMNS[n].header] if c is None else c for n, c in columns.items()}
        )
        joined = frame.astype(str).agg(" / ".join, axis=1).to_numpy(dtype=object)
        joined[frame.isna().any(axis=1).to_numpy()] = None
        return joined

    def _limitations(self, results: Sequence[EndpointResult], grouping: Grouping) -> list[str]:
        said = [
            "Unadjusted comparisons of an observational cohort: differences between groups may come from other causes."
        ]
        if "this cohort" in grouping.rule:
            said.append(
                "The cut is a quantile of this very cohort: it would be another number in another cohort."
            )
        if len(results) > 1:
            said.append(f"{len(results)} endpoints are compared; no p-value is corrected for their number.")
        missing = self.chosen.plan.analysis.not_computed
        if missing:
            said.append(f"The plan also asks for {', '.join(missing)}: this version doesn't compute that.")
        for result in results:
            if result.note:
                said.append(f"{result.name.upper()}: {result.note}.")
        return [*said, *self.cohort.notes]


def _versions() -> dict[str, str]:
    names = ("numpy", "scipy", "pandas", "numba", "matplotlib")
    return {"igfstrat": __version__, "python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in names
    }


def write_report(
    result: SurvivalReportResult, folder: Path, *, formats: Sequence[str], command: Sequence[str]
) -> list[Path]:
    """Write a report and its manifest.

    Parameters
    ----------
    result : SurvivalReportResult
        A report.
    folder : Path
        Where it shall stand.
    formats : sequence of str
        Of ``html``, ``svg`` and ``png``; `report.json` always comes.
    command : sequence of str
        The command line.

    Returns
    -------
    list of Path
        What was written, the page first and the manifest last.
    """
    written = result.save(folder, formats=formats)
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
