"""The winner's curse of a reported subgroup: from settings to results, and from these to files."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from igfstrat.config import config_path, read_yaml
from igfstrat.errors import safe_text
from igfstrat.files import make_folder, neutral_csv_text, write_manifest
from igfstrat.report.document import Document
from igfstrat.report.html import render_html
from igfstrat.report.study_files import STUDY_FORMATS, write_study_files
from igfstrat.report.winners_curse_section import winners_curse_document
from igfstrat.trials.winners_curse.results import WinnersCurse
from igfstrat.trials.winners_curse.settings import WinnersCurseSettings
from igfstrat.trials.winners_curse.simulation import (
    make_winners_curse,
    read_winners_curse,
    simulate_winners_curse,
)
from igfstrat.workflows.history import check_retracted
from igfstrat.workflows.report_inputs import versions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WinnersCurseStudy:
    """Finished; in a notebook it shows its sentences.

    Parameters
    ----------
    settings : WinnersCurseSettings
        What was asked.
    results : WinnersCurse
        What was found.
    source : Path or None
        The file that was read.
    """

    settings: WinnersCurseSettings
    results: WinnersCurse
    source: Path | None

    def to_dict(self) -> dict[str, Any]:
        """The content of `results.json`.

        Returns
        -------
        dict
            Full precision.
        """
        purpose = "research use only; not for the care of a patient"
        return {"purpose": purpose, "versions": versions()} | self.results.to_dict()

    def page(self) -> str:
        """All of it as one HTML page that asks nothing of any network.

        Returns
        -------
        str
            Text of the settings is escaped.
        """
        return render_html(self.document())

    def document(self) -> Document:
        """All of it as a document: every format is a rendering of it.

        Returns
        -------
        Document
            Page, PDF and workbook show the same.
        """
        source = safe_text(self.source.name) if self.source else ""
        return winners_curse_document(self.settings, self.results, source=source, versions=versions())

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
            ``report.html``, ``report.pdf``, … as asked for, ``best_of.csv``, ``results.json``, figures.
        """
        target = Path(folder)
        make_folder(target)
        table = ("best_of.csv", _csv(self.results))
        return write_study_files(
            self.document(), target, formats=formats, table=table, results=self.to_dict()
        )

    def _repr_html_(self) -> str:
        said = "".join(f"<li>{html.escape(text)}</li>" for text in self.results.sentences())
        return f"<p>{html.escape(safe_text(self.settings.name))}. Research use only.</p><ul>{said}</ul>"


def _csv(found: WinnersCurse) -> bytes:
    buffer = io.StringIO(newline="")
    estimates = ("as_strong", "as_small", "hazard_ratio", "infinite")
    header = ["relation", "looked_at", "events", "closed_form"]
    header += [f"{name}{end}" for name in estimates for end in ("", "_mc_standard_error")]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for b in found.best_of:
        cells = [v for name in estimates for v in getattr(b, name).values()]
        writer.writerow([neutral_csv_text(b.relation), b.looked_at, b.events, b.closed_form, *cells])
    return buffer.getvalue().encode()


def holds_winners_curse(path: Path) -> bool:
    """Whether a file asks for this job, and not for trial designs.

    Parameters
    ----------
    path : Path
        A YAML file.

    Returns
    -------
    bool
        Whether it has the section `winners_curse`.
    """
    return "winners_curse" in read_yaml(path).data


def winners_curse(
    what: str | Path | Mapping[str, Any] | WinnersCurseSettings = "winners_curse",
    *,
    replicates: int | None = None,
    seed: int | None = None,
    n_jobs: int = 1,
    cluster: str | None = None,
    checkpoints: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    retracted: bool = False,
) -> WinnersCurseStudy:
    """How often chance finds such a subgroup, how much it exaggerates, and what a confirmation shows.

    Parameters
    ----------
    what : str, Path, mapping or WinnersCurseSettings
        A file, the bare name of a packaged one, what stands under `winners_curse`, or what was read.
    replicates, seed : int, optional
        Those of the settings where left out.
    n_jobs, cluster, checkpoints, progress : optional
        See `igfstrat.trials.winners_curse.simulation.simulate_winners_curse`; no number depends on them.
    retracted : bool
        Whether retracted sources may be used, with a warning.

    Returns
    -------
    WinnersCurseStudy
        `results`, `page`, `save`.

    Raises
    ------
    ConfigError
        If the settings are not valid, with every fault.
    EvidenceError
        If a source was retracted and `retracted` is off.
    """
    source = None
    if isinstance(what, str | Path):
        source = config_path(str(what), "scenarios")
        what = read_winners_curse(source)
    elif not isinstance(what, WinnersCurseSettings):
        what = make_winners_curse(what)
    check_retracted(what, retracted=retracted)
    found = simulate_winners_curse(
        what,
        replicates=replicates,
        seed=seed,
        n_jobs=n_jobs,
        cluster=cluster,
        checkpoints=checkpoints,
        progress=progress,
    )
    return WinnersCurseStudy(settings=what, results=found, source=source)


def write_winners_curse(
    study: WinnersCurseStudy,
    folder: Path,
    *,
    command: Sequence[str],
    formats: Sequence[str] = STUDY_FORMATS,
) -> list[Path]:
    """Write everything and the manifest.

    Parameters
    ----------
    study : WinnersCurseStudy
        Finished.
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
    manifest = folder / "manifest.json"
    found = study.results
    content = {
        "settings": found.settings,
        "replicates": found.replicates,
        "seed": found.seed,
        "files": [path.name for path in written],
    }
    inputs = [study.source] if study.source else []
    write_manifest(manifest, command=command, inputs=inputs, content=content)
    return [*written, manifest]
