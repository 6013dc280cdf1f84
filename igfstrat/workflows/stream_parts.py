"""The second pass over a large table: a piece of it scored, and kept as one file of bytes.

A part holds a line of JSON with its counts, the rows of its problems as csv, and its body: the computed columns
for a parquet file, whole rows for a csv file. Nothing in it depends on the other pieces.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from igfstrat.cohort import Cohort
from igfstrat.cohort.memory import keep_memory
from igfstrat.cohort.piece_checks import FoundByPlace, RowProblems
from igfstrat.cohort.piece_sources import own_values
from igfstrat.cohort.pieces import Cells, Piece
from igfstrat.cohort.whole_columns import WholeColumns, plain_table
from igfstrat.cohort.writing import arrow_table, csv_bytes
from igfstrat.features import FeatureBuilder, StratumEvidence
from igfstrat.features.coded import count_words
from igfstrat.files import problem_rows, write_bytes
from igfstrat.workflows.plan import ChosenPlan
from igfstrat.workflows.row_flags import count_parts, in_row_order
from igfstrat.workflows.score_cohort import ScoreResult, score_rows
from igfstrat.workflows.score_tables import added_columns, score_table

if TYPE_CHECKING:
    from igfstrat.models import StoredModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """Everything that scores a piece, whatever its rows are.

    Parameters
    ----------
    cohort : Cohort
        Of the whole table, without rows.
    chosen : ChosenPlan
        The plan.
    builder : FeatureBuilder
        Fitted on all rows.
    stored : StoredModel or None
        A risk model.
    is_csv : bool
        Whether rows are written as csv.
    evidence : dict of str to StratumEvidence, or None
        Of the strata, where the plan names them.
    """

    cohort: Cohort
    chosen: ChosenPlan
    builder: FeatureBuilder
    stored: StoredModel | None
    is_csv: bool
    evidence: dict[str, StratumEvidence] | None

    def score(self, rows: Rows) -> ScoreResult:
        """Score rows.

        Parameters
        ----------
        rows : Rows
            Of one piece.

        Returns
        -------
        ScoreResult
            Each row as it would be among any others.
        """
        cohort = rows.cohort_like(self.cohort)
        if self.stored is None:
            return score_rows(cohort, self.chosen, self.builder, self.evidence)
        from igfstrat.workflows.score_model import predict_rows

        cohort = replace(cohort, table=plain_table(cohort.table))
        return predict_rows(score_rows(cohort, self.chosen, self.builder, self.evidence), self.stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a piece as they go to a worker.

    Parameters
    ----------
    table : DataFrame, one row a patient row
        Decoded, compact.
    row_numbers : ndarray of int64, shape (n_rows,)
        As the spreadsheet counts.
    set_aside : dict of int to str
        Rows from 0 that are no patients, and why.
    found : tuple of RowProblems
        What the reading noticed of them.
    columns : list of Cells
        Their text, where it is written by the worker; else empty.
    """

    table: pd.DataFrame
    row_numbers: Any
    set_aside: dict[int, str]
    found: tuple[RowProblems, ...]
    columns: list[Cells]

    @classmethod
    def of(cls, piece: Piece, whole: WholeColumns, found: FoundByPlace, *, with_text: bool) -> Rows:
        """The rows of a piece.

        Parameters
        ----------
        piece : Piece
            Read for the second time.
        whole : WholeColumns
            What the first reading gave.
        found : FoundByPlace
            Of its `by_row`.
        with_text : bool
            Whether their text is needed.

        Returns
        -------
        Rows
            Small enough to be sent.
        """
        start, stop = piece.start, piece.stop
        return cls(
            table=whole.cohort.table.iloc[start:stop].reset_index(drop=True), row_numbers=piece.row_numbers,
            set_aside={row - start: why for row, why in whole.aside.items() if start <= row < stop}, found=found.between(start, stop),
            columns=list(piece.columns) if with_text else [],
        )  # fmt: skip

    def cohort_like(self, cohort: Cohort) -> Cohort:
        """The rows as a cohort.

        Parameters
        ----------
        cohort : Cohort
            The cohort that they belong to.

        Returns
        -------
        Cohort
            With the rows' own table, text and problems.
        """
        texts = {i: cells.text() for i, cells in enumerate(self.columns)}
        cells = pd.DataFrame(texts, index=range(len(self.row_numbers)), dtype=object, copy=False)
        problems = [
            replace(about.problem, row=row)
            for about in self.found
            for row in self.row_numbers[about.places].tolist()
        ]
        aside = np.full(len(self.row_numbers), "", dtype=object)
        for row, why in self.set_aside.items():
            aside[row] = why
        return replace(
            cohort, table=self.table, set_aside=aside, problems=tuple(problems),
            sheet=replace(cohort.sheet, cells=cells, row_numbers=self.row_numbers),
        )  # fmt: skip


def without_rows(cohort: Cohort) -> Cohort:
    """What a worker must know of a whole table.

    Parameters
    ----------
    cohort : Cohort
        From `judge_columns`.

    Returns
    -------
    Cohort
        Without anything that has a row a patient.
    """
    none = np.array([], dtype=np.int64)
    endpoints = {
        name: replace(e, time=none.astype(np.float64), event=none.astype(bool), reasons=(), cause=None)
        for name, e in cohort.endpoints.items()
    }
    return replace(
        cohort, table=cohort.table.iloc[:0], doubtful=cohort.doubtful.iloc[:0], endpoints=endpoints,
        set_aside=cohort.set_aside[:0], problems=(),
        sheet=replace(cohort.sheet, cells=pd.DataFrame(), row_numbers=none, problems=(), encoded=(None, ())),
    )  # fmt: skip


def score_part(scorer: Scorer, rows: Rows, path: Path | None = None) -> bytes:
    """Score a piece.

    Parameters
    ----------
    scorer : Scorer
        What scores.
    rows : Rows
        What is scored.
    path : Path, optional
        Where the part goes; by default it is handed back, for who doesn't see the folder.

    Returns
    -------
    bytes
        A part, to be read by `read_part`; none where it is written.
    """
    keep_memory()  # a worker is a process of its own
    part = _part_of(scorer, rows)
    if path is None:
        return part
    write_bytes(path, part)
    return b""


def _part_of(scorer: Scorer, rows: Rows) -> bytes:
    result = scorer.score(rows)
    columns: list[str] = []
    if scorer.is_csv:
        table = score_table(result)
        body, columns = csv_bytes(table, header=False), [str(name) for name in table.columns]
    else:
        body = _added_bytes(result)
    noticed = [p for p in result.noticed if p.row is not None]
    problems = problem_rows(
        in_row_order(noticed, result.row_problems()), source=result.cohort.sheet.source, sheet=None
    )
    subtypes = result.features["subtype"] if "subtype" in result.features else pd.Series(dtype=object)
    counts = {
        "status": result.counts, "reason": count_words(result.reasons, result.reasons != ""),
        "flag": count_parts(result.flags), "stratum": count_words(result.stratum), "subtype": count_words(subtypes),
    }  # fmt: skip
    head = {
        "n_rows": result.cohort.n_rows, "problems": len(problems), "body": len(body), "columns": columns, "counts": counts,
        "evidence": {name: found.records() for name, found in result.evidence.items()},
        "descriptions": result.descriptions,
    }  # fmt: skip
    return json.dumps(head).encode("ascii") + b"\n" + problems + body


def _added_bytes(result: ScoreResult) -> bytes:
    import pyarrow as pa

    added = _narrow(arrow_table(pd.DataFrame(added_columns(result), copy=False), as_written=False))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, added.schema) as writer:
        writer.write_table(added)
    return bytes(sink.getvalue())


def _narrow(table: Any) -> Any:
    """Places of words in as few bytes as they need, on their way through a file."""
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table.column(i).combine_chunks()
            kind = pa.from_numpy_dtype(np.min_scalar_type(-len(column.dictionary) - 1))
            coded = pa.DictionaryArray.from_arrays(column.indices.cast(kind), column.dictionary)
            table = table.set_column(i, field.name, coded)
    return table


@dataclass(frozen=True, slots=True)
class Part:
    """A part that stands in a folder.

    Parameters
    ----------
    path : Path
        Its file.
    head : dict
        Its counts.
    start : int
        Where its problems begin.
    """

    path: Path
    head: dict[str, Any]
    start: int

    def problems(self) -> bytes:
        """Problems of the rows.

        Returns
        -------
        bytes
            Rows of csv.
        """
        return self._bytes(self.start, self.head["problems"])

    def body(self) -> bytes:
        """What was computed.

        Returns
        -------
        bytes
            Rows of csv, or columns as arrow's file format holds them.
        """
        return self._bytes(self.start + self.head["problems"], self.head["body"])

    def added(self) -> Any:
        """What was computed, where the body holds columns.

        Returns
        -------
        pyarrow.Table
            Text is dictionary-encoded.
        """
        import pyarrow as pa

        table = pa.ipc.open_file(pa.BufferReader(self.body())).read_all()
        words = pa.dictionary(pa.int32(), pa.string())  # of one type in all parts
        kinds = [words if pa.types.is_dictionary(f.type) else f.type for f in table.schema]
        return table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True))))

    def _bytes(self, start: int, n: int) -> bytes:
        with self.path.open("rb") as handle:
            handle.seek(start)
            return handle.read(n)


def read_part(path: Path) -> Part | None:
    """A part that an earlier run may have left.

    Parameters
    ----------
    path : Path
        Where it would stand.

    Returns
    -------
    Part or None
        None where there is none, or it isn't whole.
    """
    try:
        with path.open("rb") as handle:
            line = handle.readline()
            size = handle.seek(0, io.SEEK_END)
        head = json.loads(line)
        is_whole = size == len(line) + head["problems"] + head["body"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Part(path, head, len(line)) if is_whole else None


def source_columns(piece: Piece, headers: Sequence[str]) -> Any:
    """The columns of the input as they stand in a parquet file of scores.

    Parameters
    ----------
    piece : Piece
        Rows of the input.
    headers : sequence of str
        Their headers in the output.

    Returns
    -------
    pyarrow.Table
        Of the types of the input, where it is parquet; else of text.
    """
    import pyarrow as pa

    if piece.source is None:
        arrays = [cells.strings() for cells in piece.columns]
    else:
        arrays = [own_values(column) for column in piece.source.columns]
    return pa.Table.from_arrays(arrays, names=list(headers))
