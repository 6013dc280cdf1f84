"""Small numbers of people kept back, in tables, sentences, figures and `report.json`.

A hidden cell must not come back by subtraction. So other counts are hidden with it, the smallest first, until no small
count follows from the sums of rows and columns. How many were left out altogether between two steps of the patients' flow
can still be read off the steps; the reasons, where few, can't.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from igfstrat.report._disclosure import HIDDEN, Cell, Line, hidden_cells, is_small, mask_count, mask_text
from igfstrat.report.document import Block, Document, FigureBlock, Paragraph
from igfstrat.report.tables import Table

_COUNT_TEXT: Final = re.compile(r"(\d{1,9})(?: \([^()]*\))?", re.ASCII)
_CURVE_COUNTS: Final = ("n_at_risk", "n_events", "n_censored")
_CURVE_POINTS: Final = ("time", "survival", "ci_lower", "ci_upper", "std_error")


def suppress_small(document: Document, minimum: int) -> Document:
    """A document that shows no count from 1 to below the minimum.

    Percentages go with their count. What other numbers betray (a survival of 66.7 % in a group of 3) is kept back by
    `suppress_results` and by the figures; hazard ratios and tests stay.

    Parameters
    ----------
    document : Document
        The report.
    minimum : int
        Smallest count that may be shown; 0 or 1 changes nothing.

    Returns
    -------
    Document
        The same sections; hidden counts read ``<5``, those hidden to protect them ``hidden``.
    """
    if minimum <= 1:
        return document
    sections = tuple(
        replace(section, blocks=tuple(_masked(block, minimum) for block in section.blocks))
        for section in document.sections
    )
    return replace(document, sections=sections)


def _masked(block: Block, minimum: int) -> Block:
    if isinstance(block, Paragraph):
        return replace(block, text=mask_text(block.text, minimum))
    if isinstance(block, FigureBlock):
        return block.masked(minimum) if block.masked else block
    return mask_table(block, minimum)


def mask_table(table: Table, minimum: int) -> Table:
    """A table without small counts, nor those from which they could be computed.

    Parameters
    ----------
    table : Table
        With its counts; where it has none, cells that read as a count (``12``, ``12 (40 %)``) are taken for one.
    minimum : int
        Smallest count that may be shown.

    Returns
    -------
    Table
        The same shape. A row of fewer than `minimum` people, by its first count, keeps back all its numbers.

    Examples
    --------
    >>> shown = mask_table(Table(caption="", header=("", "Low", "High", "All"), rows=(("T1", "3", "9", "12"),)), 5)
    >>> shown.rows
    (('T1', '<5', 'hidden', '12'),)
    """
    counts = table.counts or tuple(tuple(_read_count(c, i) for i, c in enumerate(row)) for row in table.rows)
    number = {(i, j): n for i, row in enumerate(counts) for j, n in enumerate(row) if n is not None}
    hidden = hidden_cells(number, list(_lines(counts)) if table.adds_up else [], minimum)
    rows = []
    for i, row in enumerate(table.rows):
        first = next((n for n in counts[i] if n is not None), None) if table.counts else None
        rows.append(
            tuple(
                _shown(cell, counts[i][j], (i, j) in hidden, minimum, tiny=j > 0 and is_small(first, minimum))
                for j, cell in enumerate(row)
            )
        )
    said = f"Counts below {minimum} are not shown; “{HIDDEN}” protects them." if hidden else None
    footnotes = tuple(mask_text(note, minimum) for note in table.footnotes) + ((said,) if said else ())
    return replace(table, rows=tuple(rows), footnotes=footnotes)


def _shown(cell: str, count: int | None, is_hidden: bool, minimum: int, *, tiny: bool) -> str:
    if is_hidden and count is not None:
        return mask_count(count, minimum) if is_small(count, minimum) else HIDDEN
    if count is not None:
        return cell
    return HIDDEN if tiny and any(c.isdigit() for c in cell) else mask_text(cell, minimum)


def _read_count(cell: str, column: int) -> int | None:
    found = _COUNT_TEXT.fullmatch(cell) if column else None
    return int(found[1]) if found else None


def _lines(counts: tuple[tuple[int | None, ...], ...]) -> Iterator[Line]:
    """What adds up: rows that hold their own total, and unbroken runs down a column, whose total is known elsewhere."""
    for i, row in enumerate(counts):
        line = _with_total([(i, j) for j, n in enumerate(row) if n is not None], counts)
        if line:
            yield line
    for j in range(max(map(len, counts), default=0)):
        for run in (found for found in _runs(counts, j) if len(found) > 1):
            yield _with_total(run, counts) or ([(c, 1) for c in run], sum(counts[i][k] or 0 for i, k in run))


def _runs(counts: tuple[tuple[int | None, ...], ...], column: int) -> Iterator[list[Cell]]:
    run: list[Cell] = []
    for i, row in enumerate(counts):
        if column < len(row) and row[column] is not None:
            run.append((i, column))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _with_total(cells: list[Cell], counts: tuple[tuple[int | None, ...], ...]) -> Line | None:
    """A line in which one cell is the sum of the others."""
    whole = sum(counts[i][j] or 0 for i, j in cells)
    for total in cells if len(cells) > 2 else ():
        if 2 * (counts[total[0]][total[1]] or 0) == whole and whole:
            return [(cell, -1 if cell == total else 1) for cell in cells], 0
    return None


def suppress_results(results: Any, minimum: int) -> Any:
    """The content of `report.json` without small counts.

    Parameters
    ----------
    results : Any
        Dicts, lists, numbers as `SurvivalReport.to_dict` gives them.
    minimum : int
        Smallest count that may be shown; 0 or 1 changes nothing.

    Returns
    -------
    Any
        The same shape. A small count reads ``"<5"``; the other counts beside it, and the same count of its neighbours in
        a list, are None. A curve holds every `minimum`-th event and no counts, and a group of fewer people none at all.
    """
    return _plain(results, minimum) if minimum > 1 else results


def _plain(data: Any, minimum: int) -> Any:
    if isinstance(data, dict):
        if "survival" in data and "n_events" in data and isinstance(data["n_events"], list):
            return _coarse(data, minimum)
        return _mask_counts({key: _plain(value, minimum) for key, value in data.items()}, minimum)
    if isinstance(data, list | tuple):
        rows = [_plain(value, minimum) for value in data]
        return _mask_neighbours(rows, minimum)
    return data


def _is_count(key: str, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (key == "n" or key.startswith("n_"))


def _mask_counts(data: dict[str, Any], minimum: int) -> dict[str, Any]:
    reasons = data.get("left_out")
    if isinstance(reasons, dict) and any(is_small(n, minimum) for n in reasons.values()):
        data = data | {
            "left_out": {
                why: mask_count(n, minimum) if is_small(n, minimum) else None for why, n in reasons.items()
            }
        }
    counts = {key: value for key, value in data.items() if _is_count(key, value)}
    if not any(is_small(n, minimum) for n in counts.values()):
        return data
    kept = {key: f"<{minimum}" if is_small(n, minimum) else None for key, n in counts.items()}
    emptied = (
        {key: _without_numbers(value) for key, value in data.items()}
        if is_small(counts.get("n"), minimum)
        else data
    )
    return emptied | kept


def _without_numbers(value: Any) -> Any:
    """What stands in a group of very few people: its names, no estimate."""
    if isinstance(value, dict):
        return {key: _without_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_numbers(inner) for inner in value if not isinstance(inner, int | float)]
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value


def _mask_neighbours(rows: list[Any], minimum: int) -> list[Any]:
    hidden = {
        key for row in rows if isinstance(row, dict) for key, value in row.items() if value == f"<{minimum}"
    }
    return [
        {key: None if key in hidden and _is_count(key, value) else value for key, value in row.items()}
        if isinstance(row, dict) else row
        for row in rows
    ]  # fmt: skip


def _coarse(curve: dict[str, Any], minimum: int) -> dict[str, Any]:
    """Every `minimum`-th event, while as many remain: the rule of the figures, on lists."""
    keep, seen = [], 0
    for i, (events, at_risk) in enumerate(zip(curve["n_events"], curve["n_at_risk"], strict=True)):
        before, seen = seen, seen + events
        if seen // minimum > before // minimum and at_risk - events >= minimum:
            keep.append(i)
    return {
        key: [value[i] for i in keep] if key in _CURVE_POINTS else value
        for key, value in curve.items()
        if key not in _CURVE_COUNTS
    }
