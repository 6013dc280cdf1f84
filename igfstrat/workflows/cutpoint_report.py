"""A data-driven cut of one marker: from a cohort to frozen results, and from these to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from igfstrat.analysis.cutpoint import CutpointResult, analyse_cutpoint
from igfstrat.analysis.landmark import LandmarkResult
from igfstrat.analysis.settings import CutpointSettings
from igfstrat.cohort import Cohort, read_cohort
from igfstrat.cohort.cohort import suggest
from igfstrat.errors import Problem, Severity, UsageError, safe_text
from igfstrat.files import make_folder, write_manifest
from igfstrat.report import write_document
from igfstrat.report.cutpoint_section import cutpoint_document
from igfstrat.report.document import Document
from igfstrat.schema import ENDPOINTS
from igfstrat.workflows.plan import ChosenPlan, choose_plan
from igfstrat.workflows.report_inputs import marker_values, start_endpoints, versions

SEED: Final = 20261120
PERMUTATIONS: Final = 10_000
BOOTSTRAP: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CutpointReport:
    """A cut-point report that can be saved.

    Parameters
    ----------
    result : CutpointResult
        The frozen results.
    landmark : LandmarkResult or None
        Where the plan restarts time.
    chosen : ChosenPlan
        The plan in use.
    cohort : Cohort
        As read.
    notices : tuple of Problem
        What could not be checked.
    """

    result: CutpointResult
    landmark: LandmarkResult | None
    chosen: ChosenPlan
    cohort: Cohort
    notices: tuple[Problem, ...] = ()

    @property
    def is_flagged(self) -> bool:
        """Whether anything asks for attention: exit code 3."""
        reasons = (
            self.result.not_estimable,
            self.result.stability.not_estimable,
            self.result.hazard_ratio_naive.not_estimable,
            self.result.continuous.overall.not_estimable,
        )
        return (
            any(p.severity is Severity.FLAG for p in self.cohort.problems)
            or bool(self.cohort.unusable)
            or any(reasons)
        )

    @property
    def document(self) -> Document:
        """The report, ready for any format."""
        note = self.cohort.endpoints[self.result.endpoint].note
        return cutpoint_document(
            self.result,
            source=safe_text(Path(self.cohort.sheet.source).name),
            plan=self.chosen.origin,
            versions=versions(),
            landmark=self.landmark,
            limitations=[
                *([f"{self.result.endpoint.upper()}: {note}."] if note else []),
                *self.cohort.notes,
                *(p.remedy for p in self.notices),
            ],
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
            "cohort": self.cohort.to_dict() | {"file": self.cohort.sheet.source, "rows": self.cohort.n_rows},
            "cutpoint": self.result.to_dict(),
            "landmark": self.landmark.to_dict() if self.landmark else None,
            "settings": self.chosen.plan.analysis.model_dump() | {"plan": self.chosen.origin},
            "notes": list(self.cohort.notes),
            "versions": versions(),
        }

    def save(self, folder: str | Path, *, formats: Sequence[str]) -> list[Path]:
        """Write the report.

        Parameters
        ----------
        folder : str or Path
            An existing folder, or one to be made.
        formats : sequence of str
            Of `igfstrat.report.FORMATS`; ``report.json`` always comes.

        Returns
        -------
        list of Path
            What was written.
        """
        make_folder(Path(folder))
        return write_document(self.document, self.to_dict(), Path(folder), formats)


def cutpoint_report(
    cohort: Cohort | str | Path, *, endpoint: str, marker: str, plan: str | Path | ChosenPlan | None = None,
    map: str | Path | None = None, permutations: int | None = None, n_bootstrap: int = BOOTSTRAP, seed: int = SEED,  # noqa: A002
) -> CutpointReport:  # fmt: skip
    """Search for the cut of a marker that separates one endpoint most, with correction for the search.

    Parameters
    ----------
    cohort : Cohort, str or Path
        A cohort, or its file.
    endpoint : str
        Such as ``dfs``.
    marker : str
        A column or feature that is a number, such as ``igf1r_h_score`` or ``igf1_sds``.
    plan : str, Path or ChosenPlan, optional
        Plan or its packaged name; by default that of the cohort's disease.
    map : str or Path, optional
        Cohort map, where `cohort` is a file.
    permutations : int, optional
        By default the plan's for this marker, else 10,000.
    n_bootstrap, seed : int
        Bootstrap samples (0 for none), and the seed of all random numbers.

    Returns
    -------
    CutpointReport
        `save` writes it.

    Raises
    ------
    CohortError
        If the marker or the endpoint is missing or in doubt, or the marker is dated after time zero without a landmark.
    UsageError
        If the marker or the endpoint is not known, or the marker is no number.
    """
    if not isinstance(cohort, Cohort):
        cohort = read_cohort(cohort, map=map)
    chosen = plan if isinstance(plan, ChosenPlan) else choose_plan(plan, cohort)
    if endpoint not in ENDPOINTS:
        message = f"--endpoint {safe_text(endpoint)} is not known{suggest(endpoint, ENDPOINTS)}"
        raise UsageError(message)
    title, unit, values = marker_values(cohort, chosen, marker, [endpoint])
    outcomes, landmarks, notices = start_endpoints(cohort, chosen, measure=marker, names=[endpoint])
    analysis = chosen.plan.analysis
    planned = analysis.cutpoint
    if permutations is None:
        permutations = planned.permutations if planned and planned.marker == marker else PERMUTATIONS
    result = analyse_cutpoint(
        outcomes[endpoint], title=title, unit=unit, values=values, included=cohort.set_aside == "", alpha=analysis.alpha, seed=seed,
        settings=CutpointSettings(marker=marker, permutations=permutations), n_bootstrap=n_bootstrap,
    )  # fmt: skip
    return CutpointReport(
        result=result, landmark=landmarks.get(endpoint), chosen=chosen, cohort=cohort, notices=tuple(notices)
    )


def write_cutpoint(
    report: CutpointReport, folder: Path, *, formats: Sequence[str], command: Sequence[str]
) -> list[Path]:
    """Write a cut-point report and its manifest.

    Parameters
    ----------
    report : CutpointReport
        A report.
    folder : Path
        Where it shall stand.
    formats : sequence of str
        Of `igfstrat.report.FORMATS`; `report.json` always comes.
    command : sequence of str
        The command line.

    Returns
    -------
    list of Path
        What was written, the page first and the manifest last.
    """
    written = report.save(folder, formats=formats)
    result = report.result
    content = {
        "plan": report.chosen.to_dict(),
        "read": report.cohort.to_dict(),
        "marker": result.marker,
        "endpoint": result.endpoint,
        "analysed": {"n": result.n, "n_events": result.n_events},
        "seed": result.seed,
        "permutations": result.n_permutations,
        "bootstrap": result.stability.n_bootstrap,
    }
    manifest = folder / "manifest.json"
    inputs = report.chosen.files_with(report.cohort)
    write_manifest(manifest, command=command, inputs=inputs, content=content)
    return [*written, manifest]
