"""What can go wrong, and the one form in which it is told.

Everything that igfstrat raises on purpose descends from `IgfstratError`::

    IgfstratError (ValueError)
     ├─ ConfigError          a YAML or JSON file: unknown key, wrong type, unsafe scalar
     ├─ UsageError           an option or argument that cannot be
     ├─ CohortError          a cohort table that cannot be used, with all its problems
     ├─ UnitError            a quantity in a unit that does not fit its analyte
     ├─ DomainError          a value outside the mathematics (<= 0, a probability > 1)
     ├─ EvidenceError        a constant without a source
     ├─ EstimationError      no events, one group, no finite estimate
     ├─ UnsafeFileError      a file that is not opened any further
     └─ StorageError         disk full, no permission, locked
    IgfstratWarning (UserWarning)

A `Problem` is one finding about one place. Lines on the terminal, `problems.csv`, the flags of
a row and the exit code are all made from the same problems. This module reads and writes nothing.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


class ExitCode(enum.IntEnum):
    """What the process tells its caller."""

    OK = 0
    USAGE = 2
    FLAGGED = 3
    UNSAFE = 4
    ENVIRONMENT = 5
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


class Severity(enum.StrEnum):
    """How far a problem reaches.

    `ERROR` stops the job, `FLAG` marks a row or the file and lets the rest go on, `NOTICE` is said
    once and changes no exit code.
    """

    ERROR = "error"
    FLAG = "flag"
    NOTICE = "notice"


class IgfstratError(ValueError):
    """Base of every error that igfstrat raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, where, what was found and what to do.
    """

    exit_code = ExitCode.USAGE


class ConfigError(IgfstratError):
    """A plan, map, scenario or model file that does not say what it should."""


class UsageError(IgfstratError):
    """An option or argument that cannot be."""


class UnitError(IgfstratError):
    """A quantity in a unit that its analyte does not have."""


class DomainError(IgfstratError):
    """A value outside the mathematics of the function it was given to."""


class EvidenceError(IgfstratError):
    """A number without a source, or one used outside the population it comes from."""


class EstimationError(IgfstratError):
    """A statistic that these data cannot give."""


class UnsafeFileError(IgfstratError):
    """A file that could do harm, and is therefore not opened any further."""

    exit_code = ExitCode.UNSAFE


class StorageError(IgfstratError):
    """The disk is full, a folder cannot be written or a file is locked."""

    exit_code = ExitCode.ENVIRONMENT


class IgfstratWarning(UserWarning):
    """Something to know that changes no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding about one place in the input.

    Parameters
    ----------
    code : str
        The kind, a key of `igfstrat.schema.FLAG_CODES` for findings that become flags.
    severity : Severity
        How far it reaches.
    remedy : str
        What must hold, or what to do.
    column : str, optional
        Canonical column, or the source's header where there is no canonical one.
    row : int, optional
        Row number as the spreadsheet shows it (the header of a plain file is row 1).
    cell : str, optional
        Cell reference such as ``"E17"``, where the source has cells.
    value : str, optional
        The value as found, already fit to be shown (see `safe_text`);
        None when it must not be shown or when nothing is there.
    """

    code: str
    severity: Severity
    remedy: str
    column: str | None = None
    row: int | None = None
    cell: str | None = None
    value: str | None = None


class CohortError(IgfstratError):
    """A cohort table that cannot be used.

    Parameters
    ----------
    headline : str
        File, sheet and number of rows.
    problems : sequence of Problem
        Everything found, not only the first.
    outcome : str
        What was therefore not done.
    """

    def __init__(
        self, headline: str, problems: Sequence[Problem], outcome: str = "Nothing was scored."
    ) -> None:
        self.headline = headline
        self.problems = tuple(problems)
        self.outcome = outcome
        errors = [p for p in problems if p.severity is Severity.ERROR] or list(problems)
        count = f"{len(errors)} problem{'s' if len(errors) != 1 else ''} in {headline}"
        super().__init__("\n".join([count, *render_problems(errors), outcome]))


@dataclass(slots=True)
class _Group:
    """Problems of one kind in one column, shown as one line."""

    column: str
    remedy: str
    cells: dict[int, str | None] = field(default_factory=dict)
    values: list[str] = field(default_factory=list)


def render_problems(problems: Iterable[Problem], *, limit: int = 5) -> list[str]:
    """Lines for a terminal: column, rows, values found, remedy.

    Parameters
    ----------
    problems : iterable of Problem
        Findings in any order; equal kinds in one column share a line.
    limit : int
        Rows and values shown on one line before the rest is only counted.

    Returns
    -------
    list of str
        One line a kind and column, aligned.

    Examples
    --------
    >>> low = [Problem(code="not_positive", severity=Severity.ERROR, column="igf1_ng_ml", row=r,
    ...                value=v, remedy="must be > 0 ng/mL") for r, v in ((17, "-4.0"), (203, "0.0"))]
    >>> print(render_problems(low)[0])
      igf1_ng_ml  rows 17, 203 (first: row 17)  found -4.0, 0.0  must be > 0 ng/mL
    """
    groups: dict[tuple[str, str, str], _Group] = {}
    for problem in problems:
        key = (problem.code, problem.column or "", problem.remedy)
        group = groups.setdefault(key, _Group(problem.column or "–", problem.remedy))
        if problem.row is not None:
            group.cells[problem.row] = problem.cell
        if problem.value is not None and problem.value not in group.values:
            group.values.append(problem.value)
    table = [
        (g.column, _rows_text(g, limit), _values_text(g.values, limit), g.remedy) for g in groups.values()
    ]
    widths = [min(max((len(line[i]) for line in table), default=0), 44) for i in range(3)]
    return [
        "  "
        + "  ".join(text.ljust(width) for text, width in zip(line[:3], widths, strict=True) if width)
        + "  "
        + line[3]
        for line in table
    ]


def _rows_text(group: _Group, limit: int) -> str:
    rows = sorted(group.cells)
    if not rows:
        return ""
    cell = group.cells[rows[0]]
    if len(rows) == 1:
        return f"row {rows[0]}" + (f" ({cell})" if cell else "")
    shown = ", ".join(str(row) for row in rows[:limit])
    more = f" and {len(rows) - limit} more" if len(rows) > limit else ""
    # a row to jump to, also for who searches the text for it
    first = f" (first: row {rows[0]}{f', cell {cell}' if cell else ''})"
    return f"rows {shown}{more}{first}"


def _values_text(values: Sequence[str], limit: int) -> str:
    if not values:
        return ""
    more = f" and {len(values) - limit} more" if len(values) > limit else ""
    return "found " + ", ".join(values[:limit]) + more


def safe_text(value: object, *, limit: int = 80) -> str:
    r"""Text from data, fit for a terminal or a log line.

    Parameters
    ----------
    value : object
        Anything; its `str` is taken.
    limit : int
        Characters shown before the text is cut with an ellipsis.

    Returns
    -------
    str
        Without control characters, line breaks or direction marks, each replaced by its escape.

    Examples
    --------
    >>> print(safe_text("a\x1b[31mb"))
    a\x1b[31mb
    """
    text = str(value)
    shown = "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char)[0] in "CZ" and char != " "
        else char
        for char in text[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[:limit] + "…"
