"""`igfstrat score`: features, status, strata and flags for every row of a cohort."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from igfstrat.cli.common import (
    CohortArgument,
    DebugOption,
    EncodingOption,
    ForceOption,
    HeaderRowOption,
    LimitsOption,
    MapOption,
    PlanOption,
    SheetOption,
    StrictOption,
    command_line,
    counted,
    read,
    refuse,
    run,
    say,
    show_problems,
)
from igfstrat.errors import ExitCode, Severity, safe_text

if TYPE_CHECKING:
    from igfstrat.cohort import Cohort
    from igfstrat.models import StoredModel
    from igfstrat.workflows.score_cohort import ScoreResult

_SAY_EACH: Final = 10.0


@run
def score(
    cohort: CohortArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Result: a .csv, .xlsx or .parquet file.", show_default=False),
    ] = None,
    map: MapOption = None,  # noqa: A002
    plan: PlanOption = None,
    model: Annotated[Path | None, typer.Option("--model", help="Risk model: a file of igfstrat fit.")] = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    limits: LimitsOption = None,
    explain: Annotated[
        int | None,
        typer.Option("--explain", min=1, metavar="ROW", help="How a spreadsheet row came to its stratum."),
    ] = None,
    show_ids: Annotated[
        bool, typer.Option("--show-ids", help="Let --explain show identifiers and free text.")
    ] = False,
    chunk_rows: Annotated[
        int | None,
        typer.Option(
            "--chunk-rows", min=1, help="Score csv, parquet or a folder of them in pieces of so many rows."
        ),
    ] = None,
    n_jobs: Annotated[
        int, typer.Option("--n-jobs", help="Workers for a table in pieces; -1 takes all processors.")
    ] = 1,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster", metavar="ADDRESS", help="Dask scheduler for a table in pieces: tcp://host:8786."
        ),
    ] = None,
    force: ForceOption = False,
    strict: StrictOption = False,
    debug: DebugOption = False,
) -> int:
    """Score a cohort: every row with its features, stratum, status and flags.

    Parameters
    ----------
    cohort, out, map, plan, model, sheet, header_row, encoding, limits, explain, show_ids, chunk_rows, n_jobs, cluster, force, strict, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    del debug
    source = _Cohort(cohort, map, sheet, header_row, encoding, limits, plan, model)
    if explain is not None:
        for line in _explained(source, explain, show_ids):
            say(line)
        if out is None:
            return ExitCode.OK
    if out is None:
        refuse("name the result with --out: a .csv, .xlsx or .parquet file")
    if n_jobs == 0:
        refuse("--n-jobs 0: write a number of processes, or -1 for all")
    _check_out(out, force, cohort)
    if _in_pieces(source, out, asked=chunk_rows is not None or cluster is not None):
        return _score_pieces(source, out, chunk_rows, n_jobs, cluster, strict)
    return _score_whole(source, out, strict)


class _Cohort(NamedTuple):
    """The cohort and what says how it is read and scored."""

    path: Path
    map: str | None
    sheet: str | None
    header_row: int | None
    encoding: str | None
    limits: str | None
    plan: str | None
    model: Path | None


def _scored(source: _Cohort) -> ScoreResult:
    from igfstrat.workflows.plan import choose_plan
    from igfstrat.workflows.score_cohort import score_cohort

    stored = _stored(source.model) if source.model else None
    table = read(
        source.path,
        map=source.map,
        sheet=source.sheet,
        header_row=source.header_row,
        encoding=source.encoding,
        limits=source.limits,
    )
    result = score_cohort(table, choose_plan(source.plan, table))
    if stored:
        from igfstrat.workflows.score_model import add_risk

        result = add_risk(result, stored)
    return result


def _explained(source: _Cohort, row: int, show_ids: bool) -> list[str]:
    from igfstrat.workflows.explain import explain_row

    return explain_row(_scored(source), row, show_ids=show_ids)


def _check_out(out: Path, force: bool, cohort: Path) -> None:
    from igfstrat.cohort.writing import check_suffix
    from igfstrat.files import check_output_file

    check_suffix(out, parquet=True)
    check_output_file(out, force=force, inputs=[cohort])


def _score_whole(source: _Cohort, out: Path, strict: bool) -> int:
    from igfstrat.workflows.score_cohort import refuse_flagged
    from igfstrat.workflows.score_tables import write_scores

    result = _scored(source)
    if strict:
        refuse_flagged(result)
    written = write_scores(result, out, command=command_line())
    _show_scores(result)
    what = " (sheets scores, flags, summary, dictionary, provenance)" if out.suffix.lower() == ".xlsx" else ""
    say(f"Wrote {written[0]}{what}, {', '.join(path.name for path in written[1:])}.   Research use only.")
    return ExitCode.FLAGGED if result.is_flagged else ExitCode.OK


def _in_pieces(source: _Cohort, out: Path, *, asked: bool) -> bool:
    """Whether the table is scored in pieces: because it was asked for, or is large and of a kind that can be."""
    from igfstrat.cohort.reading import load_map
    from igfstrat.workflows.stream_source import must_stream

    return must_stream(source.path, out, asked=asked, cohort_map=load_map(source.map), sheet=source.sheet)


def _score_pieces(
    source: _Cohort, out: Path, chunk_rows: int | None, n_jobs: int, cluster: str | None, strict: bool
) -> int:  # fmt: skip
    from igfstrat.cohort.limits import LIMITS, parse_limits
    from igfstrat.workflows.score_stream import CHUNK_ROWS, score_stream

    result = score_stream(
        source.path, out, plan=source.plan, map=source.map, model=source.model, command=command_line(),
        encoding=source.encoding, header_row=source.header_row, chunk_rows=chunk_rows or CHUNK_ROWS,
        n_jobs=n_jobs, cluster=cluster, strict=strict, progress=_Progress(),
        limits=parse_limits(source.limits) if source.limits else LIMITS,
    )  # fmt: skip
    n = result.counts["status"]
    say(
        f"{result.n_rows} rows read · {n['scored']} scored · {n['flagged']} scored with flags · "
        f"{n['not_scored']} not scored (all {result.n_rows} are in the output)"
    )
    if result.cohort.n_filtered:
        say(f"  {result.cohort.n_filtered} more rows of the table are left out by the map")
    say(f"  plan         {result.chosen.origin}")
    for title, kind in (("not scored", "reason"), ("flags", "flag"), ("strata", "stratum")):
        if result.counts[kind]:
            say(f"  {title:<12} {counted(result.count(kind))}")
    for name, text in {**result.cohort.units, **result.descriptions}.items():
        say(f"  {name:<24} {text}")
    show_problems(result.problems, wanted=Severity.NOTICE, title="To know:")
    show_problems(result.problems, wanted=Severity.FLAG, title="Flagged:")
    _say_ignored(result.cohort)
    written = result.written
    say(f"Wrote {written[0]}, {', '.join(path.name for path in written[1:])}.   Research use only.")
    return ExitCode.FLAGGED if result.is_flagged else ExitCode.OK


class _Progress:
    """A line on a terminal that is written over; elsewhere a line each ten seconds."""

    def __init__(self) -> None:
        self.start = self.said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        on_terminal = sys.stderr.isatty()
        if not on_terminal and now - self.said < _SAY_EACH:
            return
        self.said = now
        pace = done / max(now - self.start, 1e-6)
        line = f"{done:,} of {total:,} rows · {pace:,.0f} rows/s · {(total - done) / pace:,.0f} s left"
        end = "\r" if on_terminal and done < total else "\n"
        typer.echo(f"{line:<70}{end}", nl=False, err=True)


def _stored(model: Path) -> StoredModel:
    # without a model neither scikit-learn's pipelines nor lifelines are loaded
    from igfstrat.models import load_model

    return load_model(model)


def _show_scores(result: ScoreResult) -> None:
    table, n = result.cohort, result.counts
    say(
        f"{table.n_rows} rows read · {n['scored']} scored · {n['flagged']} scored with flags · "
        f"{n['not_scored']} not scored (all {table.n_rows} are in the output)"
    )
    if table.n_filtered:
        say(f"  {table.n_filtered} more rows of the file are left out by the map")
    say(f"  plan         {result.chosen.origin}")
    said = {
        "not scored": result.count_reasons(),
        "flags": result.count_flags(),
        "strata": result.count_strata(),
    }
    for title, counts in said.items():
        if counts:
            say(f"  {title:<12} {counted(counts)}")
    for name, text in {**table.units, **result.descriptions}.items():
        say(f"  {name:<24} {text}")
    show_problems(result.problems, wanted=Severity.NOTICE, title="To know:")
    show_problems(result.problems, wanted=Severity.FLAG, title="Flagged:")
    _say_ignored(table)


def _say_ignored(cohort: Cohort) -> None:
    ignored = [safe_text(cohort.sheet.headers[i], limit=30) for i in cohort.bindings.ignored]
    if ignored:
        more = f" and {len(ignored) - 8} more" if len(ignored) > 8 else ""
        say(f"Not used, carried through: {', '.join(ignored[:8])}{more}")
