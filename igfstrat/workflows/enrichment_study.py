"""A study of trial designs: from a scenario to operating characteristics, and from these to files.

What a run would take and what its designs can't reach is known before it begins. Blocks of trials that are done stay in
the folder `checkpoints` of the output, so that a stopped run goes on where it was and a longer one adds only what is new.
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from igfstrat.cohort import Cohort
from igfstrat.errors import safe_text
from igfstrat.files import make_folder, neutral_csv_text, write_manifest
from igfstrat.report.cohort_scenario_section import cohort_section, summary_words
from igfstrat.report.document import Document, Section
from igfstrat.report.history_section import replay_sections, replay_sentences, sources_section
from igfstrat.report.html import render_html
from igfstrat.report.study_files import STUDY_FORMATS, write_study_files
from igfstrat.report.study_section import study_document
from igfstrat.trials.from_cohort.facts import CohortPoint, CohortPower
from igfstrat.trials.results.study import StudyPoint, StudyResults
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.study.outlook import StudyOutlook
from igfstrat.trials.study.progress import Progress, Tell, named
from igfstrat.trials.study.replay import Replay, replay_history
from igfstrat.workflows.cohort_open import RESAMPLING, powers_left
from igfstrat.workflows.cohort_scenario import CohortSource
from igfstrat.workflows.report_inputs import versions
from igfstrat.workflows.study_plan import StudyPlan, plan_study, point_prefix

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnrichmentStudy:
    """A finished study; in a notebook it shows its table.

    Parameters
    ----------
    plan : StudyPlan
        What was simulated.
    points : tuple of StudyPoint
        Results at each point of the grid, in its order.
    replays : tuple of Replay
        Where observed numbers of a preset of the past lie, by truth; else empty.
    cohort_powers : tuple of CohortPower
        What the cohort behind the scenario leaves open, at each point, or the first `MOST_COHORT_POINTS` of a grid; else empty.
    outlook : StudyOutlook or None
        Timeline, frontier, power surface and open truths; None with a grid.
    """

    plan: StudyPlan
    points: tuple[StudyPoint, ...]
    replays: tuple[Replay, ...] = ()
    cohort_powers: tuple[CohortPower, ...] = ()
    outlook: StudyOutlook | None = None

    @property
    def results(self) -> tuple[StudyResults, ...]:
        """Results at each point of the grid; one without a grid."""
        return tuple(point.results for point in self.points)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know: first what was known beforehand, then what the simulation showed."""
        said = [point_prefix(point.values) + text for point in self.points for text in point.results.warnings]
        return tuple(dict.fromkeys((*self.plan.concerns, *said)))

    @property
    def table(self) -> pd.DataFrame:
        """Designs by operating characteristics, each with its Monte-Carlo standard error, after what varies."""
        import pandas as pd

        return pd.DataFrame([row for point in self.points for row in point.rows()])

    def to_dict(self) -> dict[str, Any]:
        """The content of `results.json`.

        Returns
        -------
        dict
            With a grid `points`, one entry a point; else the designs of the one point.
        """
        head = {
            "purpose": "research use only; not for the care of a patient",
            "scenario": self.plan.scenario.model_dump(mode="json", exclude_unset=True),
            "replicates": self.plan.replicates,
            "seed": self.plan.seed,
            "versions": versions(),
            "warnings": list(self.warnings),
        }
        if self.plan.scenario.history is not None:
            head["replays"] = [replay.to_dict() for replay in self.replays]
        if self.plan.from_cohort is not None:
            one = {} if self.plan.scenario.vary else {"left_open": self.cohort_powers[0].to_dict()}
            head["from_cohort"] = self.plan.from_cohort.to_dict() | one
        kept = ("designs", "closed_form", "warnings")
        found = [
            {key: point.results.to_dict()[key] for key in kept} | {"sizes": _sizes(scenario)}
            for point, (_, scenario) in zip(self.points, self.plan.points, strict=True)
        ]
        if not self.plan.scenario.vary:
            return found[0] | (self.outlook.to_dict() if self.outlook else {}) | head
        for entry, left in zip(found, self.cohort_powers, strict=False):
            entry["left_open"] = left.to_dict()
        return head | {
            "points": [{"point": p.values} | entry for p, entry in zip(self.points, found, strict=True)]
        }

    def page(self) -> str:
        """The study as one HTML page that asks nothing of any network.

        Returns
        -------
        str
            Text of the scenario is escaped.
        """
        return render_html(self.document())

    def document(self) -> Document:
        """The study as a document: every format is a rendering of it.

        Returns
        -------
        Document
            Page, PDF and workbook show the same.
        """
        source = safe_text(self.plan.source.name) if self.plan.source else ""
        return study_document(
            self.plan.scenario,
            self.points,
            source=source,
            warnings=self.warnings,
            versions=versions(),
            replicates=self.plan.replicates,
            seed=self.plan.seed,
            first=(*self._cohort(), *self._replayed()),
            last=self._sources(),
            lead=self._lead(),
            outlook=self.outlook,
        )

    def _cohort(self) -> tuple[Section, ...]:
        found = self.plan.from_cohort
        if found is None:
            return ()
        return (cohort_section(found.facts, self.cohort_points, settings=found.model.settings),)

    @property
    def cohort_points(self) -> tuple[CohortPoint, ...]:
        """What the cohort leaves open, beside the point and its scenario; empty without a cohort."""
        return tuple(
            CohortPoint(values=values, scenario=scenario, left=left)
            for (values, scenario), left in zip(self.plan.points, self.cohort_powers, strict=False)
        )

    def _replayed(self) -> tuple[Section, ...]:
        return replay_sections(self.replays, time_unit=self.plan.scenario.time_unit)

    def _sources(self) -> tuple[Section, ...]:
        history = self.plan.scenario.history
        return () if history is None else (sources_section(history),)

    def _lead(self) -> tuple[str, ...]:
        """What a team asks first: how many of its patients qualify, or whether the past is what a truth gives."""
        found = self.plan.from_cohort
        if found is not None:
            return summary_words(found.facts, self.cohort_points)
        return replay_sentences(self.replays)

    def save(self, folder: str | Path, *, formats: Sequence[str] = STUDY_FORMATS) -> list[Path]:
        """Write the page, the table and every number.

        Parameters
        ----------
        folder : str or Path
            An existing folder, or one to be made.
        formats : sequence of str
            Of `igfstrat.report.FORMATS`; the table and the numbers always come.

        Returns
        -------
        list of Path
            ``report.html``, ``report.pdf``, … as asked for, ``designs.csv``, ``results.json``, figures.
        """
        target = Path(folder)
        make_folder(target)
        table = ("designs.csv", _csv(self.points))
        return write_study_files(
            self.document(), target, formats=formats, table=table, results=self.to_dict()
        )

    def _repr_html_(self) -> str:
        name = html.escape(safe_text(self.plan.scenario.name))
        table = self.table.to_html(index=False, float_format=lambda value: f"{value:.4g}")
        return f"<p>{name}: {self.plan.replicates:,} trials of each design. Research use only.</p>{table}"


def _sizes(scenario: Scenario) -> dict[str, Any]:
    """What each design was planned with, solved sizes too."""
    return {
        name: {"n": d.n, "events": d.events, "analysis_times": d.analysis_times}
        for name, d in scenario.designs.items()
    }


def _csv(points: Sequence[StudyPoint]) -> bytes:
    rows = [row for point in points for row in point.rows()]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {k: neutral_csv_text(v) if isinstance(v, str) else v for k, v in row.items()}
        writer.writerow(cells)
    return buffer.getvalue().encode(errors="backslashreplace")


def run_study(
    plan: StudyPlan,
    *,
    n_jobs: int = 1,
    cluster: str | None = None,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> EnrichmentStudy:
    """Simulate all designs at all points.

    Parameters
    ----------
    plan : StudyPlan
        What is to be simulated.
    n_jobs, cluster, checkpoints : optional
        See `igfstrat.trials.simulate_scenario`.
    progress : callable, optional
        Called with what is being done, and how many of its trials (of a cohort: resamples) are done and to do.

    Returns
    -------
    EnrichmentStudy
        The same bytes for any number of workers.
    """
    points = _points(plan, n_jobs, cluster, checkpoints, named(progress, "simulating"))
    left: tuple[CohortPower, ...] = ()
    if plan.from_cohort is not None:
        left = powers_left(
            plan.from_cohort, plan.points, seed=plan.seed, n_jobs=n_jobs, cluster=cluster,
            progress=named(progress, RESAMPLING),
        )  # fmt: skip
    return EnrichmentStudy(
        plan=plan,
        points=points,
        replays=_replays(plan, n_jobs, named(progress, "the trial of the past")),
        cohort_powers=left,
        outlook=_outlook(plan, points, n_jobs, progress),
    )


def _points(
    plan: StudyPlan, n_jobs: int, cluster: str | None, checkpoints: Path | None, tell: Tell | None
) -> tuple[StudyPoint, ...]:
    from igfstrat.trials.designs.nulls import n_runs
    from igfstrat.trials.study.operating import simulate_scenario

    found, done = [], 0
    for values, scenario in plan.points:

        def add(now: int, _all: int, before: int = done) -> None:
            if tell:
                tell(before + now, plan.trials)

        results = simulate_scenario(
            scenario,
            replicates=plan.replicates,
            seed=plan.seed,
            n_jobs=n_jobs,
            cluster=cluster,
            checkpoints=checkpoints,
            progress=add,
        )
        found.append(StudyPoint(values=values, results=results))
        done += plan.replicates * sum(n_runs(scenario, name) for name in scenario.designs)
    return tuple(found)


def _replays(plan: StudyPlan, n_jobs: int, tell: Tell | None) -> tuple[Replay, ...]:
    if plan.scenario.history is None:
        return ()
    return replay_history(
        plan.scenario, replicates=plan.replicates, seed=plan.seed, n_jobs=n_jobs, progress=tell
    )


def _outlook(
    plan: StudyPlan, points: Sequence[StudyPoint], n_jobs: int, progress: Progress | None
) -> StudyOutlook | None:
    """What stands beside the one point; a grid has its own figures."""
    from igfstrat.trials.study.outlook import study_outlook

    if plan.scenario.vary:
        return None
    return study_outlook(plan.points[0][1], points[0].results, n_jobs=n_jobs, progress=progress)


def enrichment_study(
    path: str | Path | Mapping[str, Any] | Scenario,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    n_jobs: int = 1,
    cluster: str | None = None,
    cohort: CohortSource | Cohort | str | Path | None = None,
) -> EnrichmentStudy:
    """Compare the designs of a scenario by simulation.

    Parameters
    ----------
    path : str, Path, mapping or Scenario
        A scenario file, the bare name of a packaged one, its content, or what was read.
    replicates, seed : int, optional
        Those of the scenario where left out.
    n_jobs : int
        Workers; -1 for one a processor. No number depends on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    cohort : CohortSource, Cohort, str or Path, optional
        The cohort, or its file, from which prevalence, error of the test and times on control are taken.

    Returns
    -------
    EnrichmentStudy
        `table`, `results`, `save`.

    Raises
    ------
    ConfigError
        If the scenario is not valid, with every fault.
    UsageError
        If it asks for what is not built.
    """
    plan = plan_study(path, replicates=replicates, seed=seed, cohort=cohort)
    return run_study(plan, n_jobs=n_jobs, cluster=cluster)


def write_study(
    study: EnrichmentStudy,
    folder: Path,
    *,
    command: Sequence[str],
    formats: Sequence[str] = STUDY_FORMATS,
) -> list[Path]:
    """Write a study and its manifest.

    Parameters
    ----------
    study : EnrichmentStudy
        A finished study.
    folder : Path
        Where it shall stand.
    command : sequence of str
        The command line.
    formats : sequence of str
        Of `igfstrat.report.FORMATS`.

    Returns
    -------
    list of Path
        What was written, the page first and the manifest last.
    """
    written = study.save(folder, formats=formats)
    plan = study.plan
    content = {
        "scenario": plan.scenario.model_dump(mode="json", exclude_unset=True),
        "designs": {name: plan.scenario.kind_of(name) for name in plan.scenario.designs},
        "points": len(plan.points),
        "replicates": plan.replicates,
        "seed": plan.seed,
        "warnings": list(study.warnings),
        "files": [path.name for path in written],
    }
    manifest = folder / "manifest.json"
    inputs = [plan.source] if plan.source else []
    if plan.from_cohort is not None:
        inputs += plan.from_cohort.files
        content |= {"plan": plan.from_cohort.chosen.to_dict(), "read": plan.from_cohort.cohort.to_dict()}
    write_manifest(manifest, command=command, inputs=inputs, content=content)
    return [*written, manifest]
