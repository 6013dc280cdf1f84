"""Scoring a large csv or parquet file in pieces: rows in = rows out, the same bytes however it is cut.

Two passes. The first judges every column as a whole and fits what the cohort decides; nothing is
written before it has ended well. The second scores piece after piece, and keeps each in a hidden
folder beside the output, named by the content of the job, so that a run that was stopped goes on
where it stood. The output appears last, and whole.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from igfstrat._version import __version__
from igfstrat.cohort import Cohort
from igfstrat.cohort.writing import arrow_table, csv_bytes, write_parquet
from igfstrat.errors import CohortError, Problem, Severity, UsageError
from igfstrat.features import FeatureBuilder
from igfstrat.files import (
    atomic_path,
    make_folder,
    sha256_of,
    write_bytes,
    write_json,
    write_manifest,
    write_problems,
)
from igfstrat.parallel import content_key
from igfstrat.workflows.plan import ChosenPlan, choose_plan
from igfstrat.workflows.row_flags import count_parts, file_flags, word_flags
from igfstrat.workflows.score_cohort import (
    FLAGGED,
    NOT_SCORED,
    SCORED,
    file_notices,
    fit_features,
    score_rows,
)  # fmt: skip
from igfstrat.workflows.score_tables import added_columns, score_table
from igfstrat.workflows.stream_decode import decode_source
from igfstrat.workflows.stream_source import Piece, Source, open_source

CHUNK_ROWS: Final = 100_000
Progress = Callable[[int, int], None]
_PROBLEMS_HEADER: Final = b"file,sheet,row,cell,column,severity,code,value,remedy\n"


@dataclass(slots=True, kw_only=True)
class StreamResult:
    """What scoring in pieces gave.

    Parameters
    ----------
    cohort : Cohort
        As read, without the text of its cells.
    chosen : ChosenPlan
        The plan.
    n_rows : int
        Rows of the file, all of them in the output.
    counts : dict of str to Counter
        Rows by ``status``, ``reason``, ``flag``, ``stratum`` and ``subtype``.
    evidence : dict
        What is reported on each stratum.
    problems : list of Problem
        Of the file as a whole.
    descriptions : dict of str to str
        How each feature was computed.
    written : list of Path
        Files.
    """

    cohort: Cohort
    chosen: ChosenPlan
    n_rows: int
    counts: dict[str, Counter[str]]
    evidence: dict[str, Any]
    problems: list[Problem]
    descriptions: dict[str, str]
    written: list[Path] = field(default_factory=list)

    def count(self, kind: str) -> dict[str, int]:
        """Rows of one kind of count, in words.

        Parameters
        ----------
        kind : str
            Key of `counts`.

        Returns
        -------
        dict of str to int
            The commonest first.
        """
        counts = dict(sorted(self.counts[kind].items(), key=_commonest))
        return word_flags(counts) if kind == "flag" else counts

    @property
    def is_flagged(self) -> bool:
        """Whether anything asks for attention: exit code 3."""
        of_file = any(p.severity is Severity.FLAG for p in self.problems)
        return of_file or self.counts["status"][SCORED] < self.n_rows


def score_stream(
    path: Path, out: Path, *, plan: str | Path | None = None, command: Sequence[str] = (), encoding: str | None = None,
    header_row: int | None = None, chunk_rows: int = CHUNK_ROWS, n_jobs: int = 1, strict: bool = False,
    progress: Progress | None = None,
) -> StreamResult:  # fmt: skip
    """Score a file in pieces.

    Parameters
    ----------
    path : Path
        A csv or parquet file whose headers follow the convention.
    out : Path
        A .csv or .parquet file.
    plan : str or Path, optional
        Plan, or its packaged name; by default that of the cohort's disease.
    command : sequence of str
        The command line.
    encoding, header_row : optional
        Of the text.
    chunk_rows : int
        Rows held as text at a time, >= 1; it changes no byte of the output.
    n_jobs : int
        Processes; -1 takes all. It changes no byte either.
    strict : bool
        Whether to write nothing where anything would be flagged.
    progress : callable, optional
        Gets the rows done and all rows.

    Returns
    -------
    StreamResult
        Counts and the files written.

    Raises
    ------
    CohortError
        If a column that the plan requires is missing or in doubt, or `strict` and anything is flagged.
    UsageError
        If the output is neither csv nor parquet.
    """
    if out.suffix.lower() not in {".csv", ".parquet"}:
        message = f"a file that is scored in pieces is written as .csv or .parquet, not {out.suffix}"
        raise UsageError(message)
    source = open_source(path, encoding=encoding, header_row=header_row)
    decoded = decode_source(source, chunk_rows)
    chosen = choose_plan(plan, decoded.cohort)
    builder = fit_features(decoded.cohort, chosen)
    job = _Job(source, decoded.cohort, chosen, builder, out, chunk_rows)
    job.sort_problems(decoded.by_row)
    result = job.run(n_jobs, progress)
    if strict and result.is_flagged:
        shutil.rmtree(job.folder, ignore_errors=True)
        raise _refusal(result)
    job.write(result, command)
    return result


def _refusal(result: StreamResult) -> CohortError:
    found = [p for p in result.problems if p.severity is Severity.FLAG]
    for kind in ("reason", "flag"):
        for text, n in result.counts[kind].items():
            remedy = f"{text}: {n} rows"
            found.append(Problem(code="missing_input", severity=Severity.FLAG, remedy=remedy))
    headline = f"{result.cohort.sheet.place} ({result.n_rows} rows), which --strict does not accept"
    return CohortError(headline, found, "Nothing was written.")


class _Job:
    """The second pass."""

    def __init__(
        self, source: Source, cohort: Cohort, chosen: ChosenPlan, builder: FeatureBuilder, out: Path, size: int
    ) -> None:  # fmt: skip
        self.source, self.cohort, self.chosen, self.builder = source, cohort, chosen, builder
        self.out, self.size, self.suffix = out, size, out.suffix.lower()
        self.n_rows = cohort.n_rows
        key = content_key(
            [__version__, sha256_of(source.path), source.path.name, chosen.to_dict(), size, self.suffix,
             source.head.header_row, sorted(builder.describe().items()), list(source.head.headers)]
        )  # fmt: skip
        self.folder = out.with_name(f".{out.name}.{key}.parts")

    def sort_problems(self, problems: list[Problem]) -> None:
        rows = np.array([p.row or 0 for p in problems], dtype=np.int64)
        order = np.argsort(rows, kind="stable")
        self.rows, self.order, self.by_row = rows[order], order, problems

    def run(self, n_jobs: int, progress: Progress | None) -> StreamResult:
        make_folder(self.folder)
        done, self.parts = 0, []
        counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("status", "reason", "flag", "stratum", "subtype")
        }
        evidence: dict[str, Any] = {}
        works = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="n_jobs")(self._tasks())
        for name in works:
            self.parts.append(name)
            told = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
            for key, numbers in told["counts"].items():
                counts[key].update(numbers)
            evidence |= told["evidence"]
            done += told["n_rows"]
            if progress:
                progress(done, self.n_rows)
        # rows in = rows out
        assert done == self.n_rows == sum(counts["status"].values())
        problems = [*self.cohort.problems, *file_notices(self.cohort, self.chosen, self.builder)]
        problems += file_flags(self.n_rows, sorted(counts["subtype"]))
        return StreamResult(
            cohort=self.cohort, chosen=self.chosen, n_rows=self.n_rows, counts=counts, evidence=evidence,
            problems=problems, descriptions=self.builder.describe(),
        )  # fmt: skip

    def _tasks(self) -> Iterator[Any]:
        for piece in self.source.pieces(self.size):
            stop = piece.start + len(piece.row_numbers)
            name = f"{piece.start:012d}-{stop:012d}"
            if (self.folder / f"{name}.json").exists():
                yield delayed(str)(name)
            else:
                yield delayed(_score_piece)(
                    self._cohort_of(piece, stop), piece.source if self.suffix == ".parquet" else None,
                    self.chosen, self.builder, self.folder / name, self.suffix,
                )  # fmt: skip

    def _cohort_of(self, piece: Piece, stop: int) -> Cohort:
        first, last = np.searchsorted(
            self.rows, [piece.row_numbers[0], piece.row_numbers[-1] + 1]
        )  # row numbers rise
        texts = {} if piece.source is not None and self.suffix == ".parquet" else {
            i: cells.text() for i, cells in enumerate(piece.columns)
        }  # fmt: skip
        cells = pd.DataFrame(texts, index=range(len(piece.row_numbers)), dtype=object, copy=False)
        return replace(
            self.cohort,
            table=self.cohort.table.iloc[piece.start : stop].reset_index(drop=True),
            sheet=replace(self.cohort.sheet, cells=cells, row_numbers=piece.row_numbers),
            set_aside=self.cohort.set_aside[piece.start : stop],
            # column by column again, as flags are told
            problems=tuple(self.by_row[i] for i in np.sort(self.order[first:last])),
        )

    def write(self, result: StreamResult, command: Sequence[str]) -> None:
        """Everything beside the scores first: where the scores stand, the run is whole."""
        beside = [self.out.with_name(f"{self.out.stem}.manifest.json")]
        if any(p.severity is Severity.FLAG for p in result.problems) or result.counts["flag"]:
            beside.append(self.out.with_name(f"{self.out.stem}.problems.csv"))
            self._write_problems(result, beside[1])
        write_manifest(
            beside[0],
            command=command,
            inputs=self.chosen.files_with(self.cohort),
            content=self._content(result),
        )
        assembled = self.folder / f"whole{self.suffix}"
        if self.suffix == ".parquet":
            write_parquet(self._arrow_parts(), assembled)
        else:
            with atomic_path(assembled) as temporary, temporary.open("wb") as handle:
                for i, name in enumerate(self.parts):
                    if i == 0:
                        handle.write((self.folder / f"{name}.head").read_bytes())
                    with (self.folder / f"{name}.part").open("rb") as part:
                        shutil.copyfileobj(part, handle)
        assembled.replace(self.out)
        shutil.rmtree(self.folder, ignore_errors=True)
        result.written = [self.out, *beside]

    def _arrow_parts(self) -> Iterator[Any]:
        import pyarrow as pa

        for name in self.parts:
            with pa.memory_map(str(self.folder / f"{name}.part")) as mapped:
                yield pa.ipc.open_file(mapped).read_all()

    def _write_problems(self, result: StreamResult, path: Path) -> None:
        own = self.folder / "file.problems"
        write_problems(own, result.problems, source=self.cohort.sheet.source, sheet=None)
        with atomic_path(path) as temporary, temporary.open("wb") as handle:
            handle.write(own.read_bytes())
            for name in self.parts:
                handle.write((self.folder / f"{name}.problems").read_bytes().removeprefix(_PROBLEMS_HEADER))

    def _content(self, result: StreamResult) -> dict[str, Any]:
        counts = {name: dict(sorted(found.items(), key=_commonest)) for name, found in result.counts.items()}
        read = self.cohort.to_dict() | {"endpoints": {"not_checked": list(self.cohort.bindings.endpoints)}}
        return {
            "plan": self.chosen.to_dict(),
            "read": read | {"rows_read": result.n_rows},
            "features": result.descriptions,
            "rows": {
                "read": result.n_rows,
                **{status: counts["status"].get(status, 0) for status in (SCORED, FLAGGED, NOT_SCORED)},
                "not_scored_because": counts["reason"],
            },
            "strata": counts["stratum"],
            "evidence": dict(sorted(result.evidence.items())),
            "flags": word_flags(counts["flag"]),
            "notices": [p.remedy for p in result.problems if p.severity is Severity.NOTICE],
        }


def _commonest(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _score_piece(
    cohort: Cohort, source: Any, chosen: ChosenPlan, builder: FeatureBuilder, path: Path, suffix: str
) -> str:
    """Score the rows of a piece and keep them; the counts are written last, and say that the piece is whole."""
    result = score_rows(cohort, chosen, builder)
    if suffix == ".parquet":
        added = arrow_table(pd.DataFrame(added_columns(result), copy=False))
        if source is None:
            source = arrow_table(score_table(result).iloc[:, : len(cohort.sheet.headers)])
        write_bytes(path.with_suffix(".part"), _ipc_bytes(source, added))
    else:
        table = score_table(result)
        write_bytes(path.with_suffix(".head"), csv_bytes(table.iloc[:0]))
        write_bytes(path.with_suffix(".part"), csv_bytes(table, header=False))
    write_problems(
        path.with_suffix(".problems"), sorted(result.problems, key=lambda p: p.row or 0),
        source=cohort.sheet.source, sheet=None,
    )  # fmt: skip
    subtypes = result.features["subtype"] if "subtype" in result.features else pd.Series(dtype=object)
    counts = {
        "status": result.counts, "reason": result.count_reasons(), "flag": count_parts(result.flags),
        "stratum": result.count_strata(), "subtype": subtypes.dropna().value_counts().to_dict(),
    }  # fmt: skip
    evidence = {name: found.records() for name, found in result.evidence.items()}
    write_json(path.with_suffix(".json"), {"n_rows": cohort.n_rows, "counts": counts, "evidence": evidence})
    return path.name


def _ipc_bytes(source: Any, added: Any) -> bytes:
    import pyarrow as pa

    whole = source.replace_schema_metadata(None)
    for name in added.column_names:
        whole = whole.append_column(name, added[name])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, whole.schema) as writer:
        writer.write_table(whole)
    return bytes(sink.getvalue())
