"""Scoring a large table in pieces: rows in = rows out, the same bytes however it is cut.

Two passes. The first judges every column as a whole and fits what the cohort decides; nothing is
written before it has ended well. The second scores piece after piece, and keeps each in a hidden
folder beside the output, named by the content of the job, so that a run that was stopped goes on
where it stood. The output appears last, and whole.
"""

from __future__ import annotations

import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from joblib import delayed, effective_n_jobs

from igfstrat._version import __version__
from igfstrat.cohort import Cohort
from igfstrat.cohort.binding import bind_columns
from igfstrat.cohort.cohort_map import CohortMap, FileSettings
from igfstrat.cohort.limits import LIMITS, Limits
from igfstrat.cohort.memory import keep_memory, release_memory
from igfstrat.cohort.parquet_writing import write_parquet
from igfstrat.cohort.piece_checks import FoundByPlace
from igfstrat.cohort.piece_sources import open_source
from igfstrat.cohort.pieces import Piece, Source, choose_rows
from igfstrat.cohort.reading import load_map
from igfstrat.cohort.reading_ahead import open_ahead
from igfstrat.cohort.whole_columns import WholeColumns, judge_columns, plain_table
from igfstrat.cohort.writing import csv_bytes
from igfstrat.config import config_path
from igfstrat.errors import CohortError, Problem, UsageError
from igfstrat.features import FeatureBuilder, required_inputs
from igfstrat.files import (
    atomic_path,
    folder_lock,
    sha256_of,
    write_bytes,
    write_manifest,
    write_problems,
)
from igfstrat.parallel import Backend, content_key, open_pool
from igfstrat.workflows.file_notices import file_notices
from igfstrat.workflows.plan import ChosenPlan, choose_plan
from igfstrat.workflows.row_flags import file_flags
from igfstrat.workflows.score_cohort import evidence_of_plan, fit_features
from igfstrat.workflows.score_tables import source_headers
from igfstrat.workflows.stream_parts import (
    Part,
    Rows,
    Scorer,
    read_part,
    score_part,
    source_columns,
    without_rows,
)
from igfstrat.workflows.stream_result import KINDS, StreamResult, manifest_content, refusal_of

if TYPE_CHECKING:
    from igfstrat.models import StoredModel

# rows of a piece: those of a row group, so that none is put together from two
CHUNK_ROWS: Final = 131_072
_AHEAD: Final = 4  # pieces of a worker that a cluster gets at once
_NOTHING: Final = "Nothing was scored."
Progress = Callable[[int, int], None]


def score_stream(
    path: Path, out: Path, *, plan: str | Path | None = None, map: str | Path | CohortMap | None = None,  # noqa: A002
    model: Path | None = None, command: Sequence[str] = (), encoding: str | None = None,
    header_row: int | None = None, chunk_rows: int = CHUNK_ROWS, n_jobs: int = 1, cluster: str | None = None,
    strict: bool = False, progress: Progress | None = None, limits: Limits = LIMITS,
) -> StreamResult:  # fmt: skip
    """Score a table in pieces.

    Parameters
    ----------
    path : Path
        A csv or parquet file, or a folder of such files with one header.
    out : Path
        A .csv or .parquet file.
    plan : str or Path, optional
        Plan, or its packaged name; by default that of the cohort's disease.
    map : str, Path or CohortMap, optional
        How to read it; without joins and merges of rows, which need the whole table.
    model : Path, optional
        A risk model whose predictions are added.
    command : sequence of str
        The command line.
    encoding, header_row : optional
        Of the text; they come before what the map says.
    chunk_rows : int
        Rows held as text at a time, >= 1, fewer where the table is wide; it changes no byte of the output.
    n_jobs : int
        Workers, one a processor for -1: threads where parquet is written, processes for csv. It changes no byte either.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    strict : bool
        Whether to write nothing where anything would be flagged.
    progress : callable, optional
        Gets the rows done and all rows: reading them the first time is a third of it. Until all are read once, how many
        there are is told as the file lets guess.
    limits : Limits
        Time and memory of the process that reads a parquet file.

    Returns
    -------
    StreamResult
        Counts and the files written.

    Raises
    ------
    CohortError
        If a column that the plan requires is missing or in doubt, or `strict` and anything is flagged.
    UsageError
        If the output is neither csv nor parquet, or the map needs the whole table.
    """
    if out.suffix.lower() not in {".csv", ".parquet"}:
        message = f"a file that is scored in pieces is written as .csv or .parquet, not {out.suffix}"
        raise UsageError(message)
    keep_memory()
    cohort_map = load_map(map)
    check_map(cohort_map)
    source = _open(path, cohort_map, encoding, header_row, limits)
    chunk_rows = min(chunk_rows, source.most_rows)
    if plan is not None:
        _check_header(source, cohort_map, plan)
    threads = effective_n_jobs(n_jobs) if cluster is None else 1
    with open_ahead(source) if threads > 1 else nullcontext(source) as source:
        told = _first_third(progress, source.n_about)
        whole = judge_columns(source, cohort_map, chunk_rows, told, n_threads=threads)
        files = (config_path(str(map), "maps"),) if isinstance(map, str | Path) else ()
        cohort = replace(whole.cohort, n_filtered=source.left_out[0], files=(*source.files, *files))
        whole = replace(whole, cohort=cohort)
        prepared = _prepare(cohort, plan, model)
        release_memory()
        job = _Job(source, whole, *prepared, out, chunk_rows)
        with folder_lock(job.folder), job.run(n_jobs, cluster, progress) as result:
            if strict and result.is_flagged:
                raise refusal_of(result)
            job.write(result, command)
    return result


def check_map(cohort_map: CohortMap | None) -> None:
    """Make sure that a map can be held against pieces of a table.

    Parameters
    ----------
    cohort_map : CohortMap or None
        A map.

    Raises
    ------
    UsageError
        If it joins tables, brings rows together, or names a sheet.
    """
    if cohort_map is not None and needs_whole_table(cohort_map):
        message = "a map with join, dictionary, one_patient_per or sheet needs the whole table; leave --chunk-rows out, or prepare the rows beforehand"
        raise UsageError(message)


def needs_whole_table(cohort_map: CohortMap) -> bool:
    """Whether a map can't be held against pieces of a table.

    Parameters
    ----------
    cohort_map : CohortMap
        A map.

    Returns
    -------
    bool
        True where it joins tables, brings rows together, or names a sheet.
    """
    rows, file = cohort_map.rows, cohort_map.file
    return bool(cohort_map.join or cohort_map.dictionary or rows.one_patient_per or file.sheet)


def _check_header(source: Source, cohort_map: CohortMap | None, plan: str | Path) -> None:
    """What a plan requires and the header lacks is told before a large file is read; doubts about it come after."""
    bindings = bind_columns(source.head, cohort_map)
    if bindings.problems or "patient_id" not in bindings.columns:
        return
    none = pd.DataFrame(columns=[b.column.header for b in bindings.columns.values()])
    head = Cohort(
        sheet=source.head, bindings=bindings, table=none, doubtful=none, endpoints={}, problems=(), unusable={},
        set_aside=np.array([], dtype=object),
    )  # fmt: skip
    try:
        head.require(required_inputs(choose_plan(plan, head).plan), outcome=_NOTHING)
    except CohortError as error:
        raise CohortError(source.head.place, error.problems, _NOTHING) from error


def _first_third(progress: Progress | None, n_about: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(done // 3, max(n_about, done))


def _open(
    path: Path, cohort_map: CohortMap | None, encoding: str | None, header_row: int | None, limits: Limits
) -> Source:
    by_map = cohort_map or CohortMap()
    stated = {"encoding": encoding, "header_row": header_row}
    settings = by_map.file.model_copy(update={name: v for name, v in stated.items() if v is not None})
    assert isinstance(settings, FileSettings)
    return choose_rows(open_source(path, settings, known=by_map.source_headers, limits=limits), by_map.rows)


def _prepare(
    cohort: Cohort, plan: str | Path | None, model: Path | None
) -> tuple[ChosenPlan, FeatureBuilder, StoredModel | None, list[Problem], list[Problem]]:
    """What is fitted on all rows, and what holds for the file as a whole, and for the model."""
    chosen = choose_plan(plan, cohort)
    builder = fit_features(cohort, chosen)
    problems = [*cohort.problems, *file_notices(cohort, chosen, builder)]
    if model is None:
        return chosen, builder, None, problems, []
    # without a model neither scikit-learn's pipelines nor lifelines are loaded
    from igfstrat.models import load_model
    from igfstrat.workflows.score_model import check_model, notices_of_model

    stored, plain = load_model(model), replace(cohort, table=plain_table(cohort.table))
    check_model(plain, stored)
    return chosen, builder, stored, problems, notices_of_model(plain, stored)


class _Job:
    """The second pass."""

    def __init__(
        self, source: Source, whole: WholeColumns, chosen: ChosenPlan, builder: FeatureBuilder,
        stored: StoredModel | None, problems: list[Problem], of_model: list[Problem], out: Path, size: int,
    ) -> None:  # fmt: skip
        self.source, self.whole, self.cohort, self.size = source, whole, whole.cohort, size
        self.found, self.problems, self.of_model = FoundByPlace(whole.by_row), problems, of_model
        self.out, self.suffix = out, out.suffix.lower()
        self.headers = source_headers(self.cohort)
        self.scorer = Scorer(
            cohort=without_rows(self.cohort), chosen=chosen, builder=builder, stored=stored,
            is_csv=self.suffix == ".csv", evidence=evidence_of_plan(self.cohort, chosen, builder),
        )  # fmt: skip
        key = content_key(
            [__version__, [[f.name, sha256_of(f)] for f in self.cohort.files], chosen.to_dict(), size,
             self.suffix, source.head.header_row, sorted(builder.describe().items()),
             stored.sha256 if stored else None]
        )  # fmt: skip
        self.folder = out.with_name(f".{out.name}.{key}.parts")

    @contextmanager
    def run(self, n_jobs: int, cluster: str | None, progress: Progress | None) -> Iterator[StreamResult]:
        """Score, and put the scores together in the folder; what is refused afterwards leaves nothing."""
        self.assembled = self.folder / f"whole{self.suffix}"
        self.parts: list[Part] = []
        result = StreamResult(
            cohort=self.cohort, chosen=self.scorer.chosen, n_rows=self.cohort.n_rows,
            counts={kind: Counter() for kind in KINDS}, evidence={}, problems=self.problems, descriptions={},
        )  # fmt: skip
        pairs = self._scored(n_jobs, cluster, result, progress)
        if self.scorer.is_csv:
            self._assemble_csv(pairs)
        else:
            write_parquet((self._joined(piece, part) for piece, part in pairs), self.assembled)
        # rows in = rows out
        assert self.cohort.n_rows == sum(result.counts["status"].values())
        of_size = file_flags(self.cohort.n_rows, sorted(result.counts["subtype"]))
        result.problems = [*self.problems, *of_size, *self.of_model]
        try:
            yield result
        except CohortError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        shutil.rmtree(self.folder, ignore_errors=True)

    def _scored(
        self, n_jobs: int, cluster: str | None, result: StreamResult, progress: Progress | None
    ) -> Iterator[tuple[Piece, Part]]:
        """Pieces with their parts, in their order."""
        done, waiting = 0, deque[Piece]()
        # making rows of csv holds the interpreter's lock, arrow and numpy let go of it
        backend: Backend = "processes" if self.scorer.is_csv else "threads"
        with open_pool(backend, n_jobs, cluster, large=True) as (pool, workers):
            tasks = self._tasks(waiting, is_here=cluster is None)
            each = _AHEAD * workers if cluster else None  # a cluster hands on its results together
            batches = iter(lambda: list(islice(tasks, each)), []) if each else iter([tasks])
            for found in chain.from_iterable(pool(batch) for batch in batches):
                piece = waiting.popleft()
                part = self._kept(piece, found)
                for kind, numbers in part.head["counts"].items():
                    result.counts[kind].update(numbers)
                result.evidence |= part.head["evidence"]
                result.descriptions = part.head["descriptions"]
                done += part.head["n_rows"]
                if progress:
                    n_rows = self.cohort.n_rows
                    progress((n_rows + 2 * done) // 3, n_rows)
                yield piece, part

    def _tasks(self, waiting: deque[Piece], *, is_here: bool) -> Iterator[Any]:
        """What is to be done; only workers on this machine see the folder."""
        is_csv = self.scorer.is_csv
        for piece in self.source.pieces(self.size):
            path = self._path_of(piece)
            if read_part(path):
                task = delayed(bytes)()
            else:
                rows = Rows.of(piece, self.whole, self.found, with_text=is_csv)
                task = delayed(score_part)(self.scorer, rows, path if is_here else None)
            waiting.append(replace(piece, columns=[]) if is_csv or piece.source is not None else piece)
            yield task

    def _path_of(self, piece: Piece) -> Path:
        return self.folder / f"{piece.start:012d}-{piece.stop:012d}.part"

    def _kept(self, piece: Piece, found: bytes) -> Part:
        path = self._path_of(piece)
        if found:
            write_bytes(path, found)
        part = read_part(path)
        assert part is not None
        self.parts.append(part)
        return part

    def _joined(self, piece: Piece, part: Part) -> Any:
        table = source_columns(piece, self.headers)
        added = part.added()
        for name in added.column_names:
            table = table.append_column(name, added[name])
        return table

    def _assemble_csv(self, pairs: Iterator[tuple[Piece, Part]]) -> None:
        with atomic_path(self.assembled) as temporary, temporary.open("wb") as handle:
            for _, part in pairs:
                if handle.tell() == 0:
                    handle.write(csv_bytes(pd.DataFrame(columns=pd.Index(part.head["columns"]))))
                handle.write(part.body())

    def write(self, result: StreamResult, command: Sequence[str]) -> None:
        """Everything beside the scores first: where the scores stand, the run is whole."""
        beside = [self.out.with_name(f"{self.out.stem}.manifest.json")]
        if result.has_flags:
            beside.append(self.out.with_name(f"{self.out.stem}.problems.csv"))
            self._write_problems(result, beside[1])
        write_manifest(
            beside[0],
            command=command,
            inputs=result.chosen.files_with(self.cohort),
            content=manifest_content(result),
        )
        self.assembled.replace(self.out)
        result.written = [self.out, *beside]

    def _write_problems(self, result: StreamResult, path: Path) -> None:
        source = self.cohort.sheet.source
        with atomic_path(path) as temporary:
            write_problems(temporary, result.problems, source=source, sheet=None)
            with temporary.open("ab") as handle:
                for part in self.parts:
                    handle.write(part.problems())
