"""A search for the cheapest design: from a scenario to the frontier, its page and every number."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from igfstrat.cohort import Cohort
from igfstrat.errors import safe_text
from igfstrat.files import make_folder, neutral_csv_text, write_manifest
from igfstrat.report.cohort_scenario_section import cohort_section, summary_words
from igfstrat.report.document import Document, Section
from igfstrat.report.html import render_html
from igfstrat.report.search_section import search_document
from igfstrat.report.study_files import STUDY_FORMATS, write_study_files
from igfstrat.trials.from_cohort.facts import CohortPoint
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.search.cheapest import SearchResults, search_designs
from igfstrat.trials.search.rows import SIZED
from igfstrat.trials.search.sensitivity import (
    PrevalenceValue,
    Swing,
    swing_designs,
    value_of_prevalence,
)
from igfstrat.trials.study.progress import Progress
from igfstrat.workflows.cohort_scenario import CohortSource
from igfstrat.workflows.report_inputs import versions
from igfstrat.workflows.search_cohort import best_left_open, with_cohort_prior
from igfstrat.workflows.search_plan import SearchPlan, plan_search

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DesignSearch:
    """A finished search.

    Parameters
    ----------
    plan : SearchPlan
        What was searched.
    results : SearchResults
        All candidates.
    swings : tuple of Swing
        The best design where an assumption is wrong.
    prevalence : PrevalenceValue or None
        What knowing the prevalence first is worth.
    left_open : CohortPoint or None
        What the cohort behind the scenario leaves open of the best design.
    """

    plan: SearchPlan
    results: SearchResults
    swings: tuple[Swing, ...]
    prevalence: PrevalenceValue | None
    left_open: CohortPoint | None = None

    def rows(self) -> list[dict[str, Any]]:
        """A row a candidate, in their order.

        Returns
        -------
        list of dict
            Design, choices, sizes, closed form, simulation, and what became of it.
        """
        found, rows = self.results, []
        words = {SIZED: "simulated"} | dict(found.reasons)
        for i in range(len(found.space)):
            candidate = found.space.candidate(i)
            choices = {f"choice_{name}": _cell(value) for name, value in candidate.choices.items()}
            rows.append(
                {"design": candidate.design, **choices, "power_asked": candidate.power}
                | {"n": found.closed["n"][i], "last_events": found.closed["last_events"][i]}
                | {f"closed_{k}": v[i] for k, v in found.closed.items() if k not in ("n", "last_events")}
                | {f"simulated_{k}": v[i] for k, v in found.simulated.items()}
                | {"on_frontier": bool(found.frontier[i]), "outcome": words[int(found.state[i])]}
            )
        return rows

    @property
    def table(self) -> pd.DataFrame:
        """Candidates by choices, sizes and estimates."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def to_dict(self) -> dict[str, Any]:
        """The content of `results.json`; the candidates stand in `candidates.csv`.

        Returns
        -------
        dict
            Best design, finalists, frontier, sensitivity.
        """
        found = self.results
        best = self._entry(found.best) if found.best is not None else None
        cohort = self.plan.from_cohort
        left = {"left_open": self.left_open.left.to_dict()} if self.left_open else {}
        return ({"from_cohort": cohort.to_dict() | left} if cohort else {}) | {
            "purpose": "research use only; not for the care of a patient",
            "scenario": found.scenario.model_dump(mode="json", exclude_unset=True),
            "power": found.power,
            "objective": found.objective,
            "replicates": found.replicates,
            "final_replicates": found.final_replicates,
            "seed": found.seed,
            "versions": versions(),
            "candidates": len(found.space),
            "counts": found.counts,
            "best": best,
            "finalists": [self._entry(i) for i in found.finalists],
            "frontier": [self._entry(int(i)) for i in np.flatnonzero(found.frontier)],
            "sensitivity": [_plain(asdict(swing)) for swing in self.swings],
            "value_of_prevalence": _prevalence(self.prevalence),
        }

    def _entry(self, index: int) -> dict[str, Any]:
        found = self.results
        candidate = found.space.candidate(index)
        entry = {
            "design": candidate.design,
            "choices": dict(candidate.choices),
            "power_asked": candidate.power,
            "closed_form": {k: float(v[index]) for k, v in found.closed.items()},
            "simulated": {k: float(v[index]) for k, v in found.simulated.items()},
        }
        return dict(_plain(entry))

    def page(self) -> str:
        """The search as one HTML page that asks nothing of any network.

        Returns
        -------
        str
            Text of the scenario is escaped.
        """
        return render_html(self.document())

    def document(self) -> Document:
        """The search as a document: every format is a rendering of it.

        Returns
        -------
        Document
            Page, PDF and workbook show the same.
        """
        return search_document(
            self.results,
            self.swings,
            self.prevalence,
            source=safe_text(self.plan.source.name) if self.plan.source else "",
            versions=versions(),
            first=self._cohort(),
            lead=self._lead(),
        )

    def _lead(self) -> tuple[str, ...]:
        found = self.plan.from_cohort
        if found is None or self.left_open is None:
            return ()
        return summary_words(found.facts, (self.left_open,))

    def _cohort(self) -> tuple[Section, ...]:
        found = self.plan.from_cohort
        if found is None or self.left_open is None:
            return ()
        return (cohort_section(found.facts, (self.left_open,), settings=found.model.settings),)

    def save(self, folder: Path, *, formats: Sequence[str] = STUDY_FORMATS) -> list[Path]:
        """Write the page, the candidates and every number.

        Parameters
        ----------
        folder : Path
            An existing folder, or one to be made.
        formats : sequence of str
            Of `igfstrat.report.FORMATS`; the candidates and the numbers always come.

        Returns
        -------
        list of Path
            ``report.html``, ``report.pdf``, … as asked for, ``candidates.csv``, ``results.json``, figures.
        """
        make_folder(folder)
        table = ("candidates.csv", _csv(self.rows()))
        return write_study_files(
            self.document(), folder, formats=formats, table=table, results=self.to_dict()
        )


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get("name") or ", ".join(f"{k} {v}" for k, v in value.items())
    return value


def _plain(value: Any) -> Any:
    """What JSON can hold: NaN becomes null."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _prevalence(value: PrevalenceValue | None) -> dict[str, Any] | None:
    return None if value is None else dict(_plain(asdict(value))) | {"value": value.value}


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([neutral_csv_text(name) for name in rows[0]])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row.values()])
    return buffer.getvalue().encode(errors="backslashreplace")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str):
        return neutral_csv_text(value)
    return "" if isinstance(value, float) and math.isnan(value) else value


def run_search(
    what: SearchPlan | Scenario | Mapping[str, Any],
    *,
    power: float,
    replicates: int = 2_000,
    seed: int | None = None,
    n_jobs: int = 1,
    cluster: str | None = None,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> DesignSearch:
    """Find the cheapest design, and what could upset the choice.

    Parameters
    ----------
    what : SearchPlan, Scenario or mapping
        Of `plan_search`, or a scenario.
    power : float
        The power asked for.
    replicates, seed, n_jobs, cluster, checkpoints, progress : as in `search_designs`
        How it is computed.

    Returns
    -------
    DesignSearch
        The same for any workers.
    """
    plan = what if isinstance(what, SearchPlan) else plan_search(what)
    found = search_designs(
        plan.scenario,
        power=power,
        replicates=replicates,
        seed=seed,
        n_jobs=n_jobs,
        cluster=cluster,
        checkpoints=checkpoints,
        progress=progress,
    )
    return DesignSearch(
        plan=plan,
        results=found,
        swings=swing_designs(found, replicates=replicates),
        prevalence=value_of_prevalence(
            with_cohort_prior(found, plan.from_cohort), candidates=_within_limits(found), progress=progress
        ),
        left_open=best_left_open(plan.from_cohort, found, n_jobs=n_jobs, cluster=cluster, progress=progress),
    )


def _within_limits(found: SearchResults) -> tuple[int, ...] | None:
    """The finalists, where limits leave no other choice; None: whatever may be chosen."""
    search = found.scenario.search
    limited = search is not None and any(v is not None for v in search.limits.model_dump().values())
    return found.finalists if limited and found.finalists else None


def design_search(
    path: str | Path | Mapping[str, Any] | Scenario,
    *,
    power: float = 0.9,
    replicates: int = 2_000,
    seed: int | None = None,
    n_jobs: int = 1,
    cluster: str | None = None,
    cohort: CohortSource | Cohort | str | Path | None = None,
) -> DesignSearch:
    """Find the design that has a power at the least expected cost.

    Parameters
    ----------
    path : str, Path, mapping or Scenario
        A scenario file, the bare name of a packaged one, its content, or what was read.
    power : float
        The power asked for.
    replicates, seed, n_jobs, cluster : as in `run_search`
        How it is computed.
    cohort : CohortSource, Cohort, str or Path, optional
        The cohort, or its file, from which prevalence, error of the test and times on control are taken.

    Returns
    -------
    DesignSearch
        `table`, `results`, `save`.

    Raises
    ------
    ConfigError
        If the scenario is not valid, with every fault.
    UsageError
        If it asks for what is not built, or has a grid.
    """
    plan = plan_search(path, cohort=cohort)
    return run_search(plan, power=power, replicates=replicates, seed=seed, n_jobs=n_jobs, cluster=cluster)


def write_search(
    search: DesignSearch, folder: Path, *, command: Sequence[str], formats: Sequence[str] = STUDY_FORMATS
) -> list[Path]:
    """Write a search and its manifest.

    Parameters
    ----------
    search : DesignSearch
        A finished one.
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
    written = search.save(folder, formats=formats)
    found = search.results
    content = {
        "scenario": found.scenario.model_dump(mode="json", exclude_unset=True),
        "power": found.power,
        "candidates": len(found.space),
        "counts": found.counts,
        "replicates": found.replicates,
        "seed": found.seed,
        "files": [path.name for path in written],
    }
    manifest = folder / "manifest.json"
    inputs = [search.plan.source] if search.plan.source else []
    cohort = search.plan.from_cohort
    if cohort is not None:
        inputs += cohort.files
        content |= {"plan": cohort.chosen.to_dict(), "read": cohort.cohort.to_dict()}
    write_manifest(manifest, command=command, inputs=inputs, content=content)
    return [*written, manifest]
