"""How one row came to its stratum, in words: what was read, what was computed, which rules were met.

Values of `patient_id` and of free text are not told unless asked for, and columns that nothing uses
never: the explanation may be passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from igfstrat.errors import UsageError, safe_text
from igfstrat.features import REGISTRY, UNDECIDED, default_conditions, evidence_text, stratum_inputs
from igfstrat.features.status import INDETERMINATE
from igfstrat.schema import FLAG_CODES
from igfstrat.workflows.score_cohort import NOT_SCORED, ScoreResult

_PERSONAL = frozenset({"id", "text"})


def explain_row(result: ScoreResult, row: int, *, show_ids: bool = False) -> list[str]:
    """How a row came to its stratum.

    Parameters
    ----------
    result : ScoreResult
        A scored cohort.
    row : int
        Row as the spreadsheet counts.
    show_ids : bool
        Whether the values of identifiers and free text are told.

    Returns
    -------
    list of str
        Lines for a person.

    Raises
    ------
    UsageError
        If no patient row has that number.
    """
    numbers = result.cohort.row_numbers
    found = np.flatnonzero(numbers == row)
    if not len(found):
        message = (
            f"--explain {row}: no patient is in that row; the {len(numbers):,} rows of the cohort"
            f" have numbers from {numbers.min()} to {numbers.max()}, as the spreadsheet counts"
        )
        raise UsageError(message)
    at = int(found[0])
    person = f": {safe_text(result.cohort.table['patient_id'].iat[at])}" if show_ids else ""
    return [
        f"Row {row} of {result.cohort.sheet.place}{person} ({result.chosen.origin})",
        *_section("Read", _read_lines(result, at, show_ids)),
        *_section("Computed", _computed_lines(result, at)),
        *_section("Stratum", _stratum_lines(result, at)),
        *_section("Reported on such patients", _evidence_lines(result, at)),
        *_section("Flags", _flag_lines(result, at, show_ids)),
    ]


def _section(title: str, lines: Iterator[str]) -> list[str]:
    told = list(lines)
    return ["", f"{title}:", *(f"  {line}" for line in told)] if told else []


def _read_lines(result: ScoreResult, at: int, show_ids: bool) -> Iterator[str]:
    cohort = result.cohort
    for binding in cohort.bindings.columns.values():
        header = binding.column.header
        if binding.column.kind in _PERSONAL and not show_ids:
            continue
        if header not in cohort.table:
            if header in cohort.doubtful:
                yield f"{header}: not used, the column is in doubt"
            continue
        source = safe_text(binding.header)
        cell = "" if binding.index is None else str(cohort.sheet.cells[binding.index].iat[at])
        how = "a constant of the map" if binding.index is None else f"{source!r} holds {safe_text(cell)!r}"
        if not cell.strip() and binding.index is not None:
            how = f"{source!r} is empty"
        converted = f"; {cohort.units[header]}" if header in cohort.units else ""
        yield f"{header} = {_value_text(cohort.table, header, at)}  ({how}{converted})"


def _value_text(table: pd.DataFrame, header: str, at: int) -> str:
    if f"{header}_lower" in table:
        lower, upper = (
            table[f"{header}{end}"].to_numpy(dtype=np.float64)[at] for end in ("_lower", "_upper")
        )
        if not np.isnan(lower) and lower != upper:
            return f"between {lower:g} and {upper:g}" if np.isfinite(upper) else f"above {lower:g}"
    return _shown(table[header].iat[at])


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, pd.Timestamp | np.datetime64):
        return pd.Timestamp(value).date().isoformat()
    return safe_text(value)


def _computed_lines(result: ScoreResult, at: int) -> Iterator[str]:
    for name in map(str, result.features):
        spec = REGISTRY.get(name)
        unit = f" {spec.unit}" if spec and spec.unit not in {"1", "code", ""} else ""
        how = result.descriptions.get(name, "")
        yield f"{name} = {_shown(result.features[name].iat[at])}{unit}" + (f"  ({how})" if how else "")


def _stratum_lines(result: ScoreResult, at: int) -> Iterator[str]:
    plan = result.chosen.plan
    if plan.strata:
        values = stratum_inputs(result.features, result.cohort.table, plan).iloc[[at]]
        for rule in plan.strata:
            verdict, why = _judge(values, rule.where)
            yield f"{safe_text(rule.name)}: {verdict}" + (f" ({why})" if why else "")
            if verdict != "not met":
                break
    else:
        yield "the plan names no strata: statuses side by side, or the subtype"
    if result.row_status[at] == NOT_SCORED:
        yield f"so the row is not scored: {result.reasons[at]}"
    elif result.stratum[at] == UNDECIDED:
        yield "so the stratum is indeterminate: whether an earlier rule is met is not known"
    else:
        yield f"so the stratum is: {safe_text(result.stratum[at])}"


def _judge(values: pd.DataFrame, where: Mapping[str, Any]) -> tuple[str, str]:
    """Whether a rule is met by the one row of a table, and by which values."""
    told, is_open, is_missed = [], False, False
    for name, wanted in where.items():
        words = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        value = values[name].iat[0]
        unknown = pd.isna(value) or (value == INDETERMINATE and INDETERMINATE not in words)
        is_open |= bool(unknown)
        is_missed |= not unknown and value not in words
        told.append(f"{name} is {_shown(value)}, wanted {' or '.join(words)}")
    if not where:
        return "met", "it takes all that are left"
    return ("not met" if is_missed else "open" if is_open else "met"), "; ".join(told)


def _evidence_lines(result: ScoreResult, at: int) -> Iterator[str]:
    found = result.evidence.get(str(result.stratum[at]))
    if found is None:
        return
    if not result.chosen.plan.strata:
        where = default_conditions(result.features.iloc[[at]]).get(str(result.stratum[at]), {})
        yield f"asked for {', '.join(f'{name} {word}' for name, word in where.items())}"
    text = evidence_text(found)
    if text:
        yield text
        yield "this is what groups of patients showed for the high level of each marker: no forecast for a patient"


def _flag_lines(result: ScoreResult, at: int, show_ids: bool) -> Iterator[str]:
    row = int(result.cohort.row_numbers[at])
    for problem in result.noticed:
        if problem.row == row:
            held = (
                f", found {problem.value!r}" if problem.value and _may_show(problem.column, show_ids) else ""
            )
            yield f"{problem.column or 'row'}: {FLAG_CODES.get(problem.code, problem.code)}{held}; {problem.remedy}"
    for doubt in result.doubts:
        if at in doubt.rows:
            yield f"{doubt.column}: {FLAG_CODES.get(doubt.code, doubt.code)}; {doubt.remedy}"


def _may_show(column: str | None, show_ids: bool) -> bool:
    return show_ids or column != "patient_id"
