"""From a sheet of text to a `Cohort`: every bound column decoded, every doubt collected.

A column whose meaning as a whole is in doubt becomes unusable; a doubtful cell is flagged.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.binding import Binding, Bindings, no_identifier
from igfstrat.cohort.carried import check_carried
from igfstrat.cohort.cell_doubts import find_other_unit
from igfstrat.cohort.cell_marks import problems_of_marks
from igfstrat.cohort.codes import closest_code, decode_codes
from igfstrat.cohort.cohort import Cohort
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.dates import decode_dates
from igfstrat.cohort.decode import Decoded, clean, decode_numbers, describe_conversion
from igfstrat.cohort.distinct import object_array
from igfstrat.cohort.followup import months_of_followup, spread_endpoint
from igfstrat.cohort.identity import check_identifiers, summary_rows
from igfstrat.cohort.outcome import Endpoint, decode_endpoint
from igfstrat.cohort.plausibility import (
    check_age,
    check_decimal_mark,
    check_text,
    check_times_by_dates,
    check_unit,
    question_of_unit,
)
from igfstrat.cohort.sheet import Sheet, TextColumn
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.schema import COLUMNS

_ROUNDING_MONTHS: Final = 1.0


def decode_sheet(sheet: Sheet, bindings: Bindings, cohort_map: CohortMap, *, n_filtered: int = 0) -> Cohort:
    """Decode every bound column of a sheet.

    Parameters
    ----------
    sheet : Sheet
        The table of text.
    bindings : Bindings
        Which of its columns are used, and as what.
    cohort_map : CohortMap
        What else is known of the source.
    n_filtered : int
        Rows that the map left out, for the counts.

    Returns
    -------
    Cohort
        Its table, endpoints and problems; nothing is raised for a column in doubt.

    Raises
    ------
    CohortError
        If no row is a patient.
    """
    return Decoder(sheet, bindings, cohort_map)._decode(n_filtered)


@dataclass(slots=True)
class Decoder:
    """Decodes the bound columns of one sheet and collects what it notices.

    Parameters
    ----------
    sheet : Sheet
        The table of text.
    bindings : Bindings
        Which of its columns are used, and as what.
    map : CohortMap
        What else is known of the source.
    table : dict
        Decoded columns by header.
    problems : list of Problem
        What was noticed.
    unusable : dict of str to list of Problem
        Columns and endpoints in doubt, and why.
    units : dict of str to str
        Conversions in words.
    text_numbers : list of str
        Headers of numbers that are stored as text.
    today : date
        No follow-up ends later.
    """

    sheet: Sheet
    bindings: Bindings
    map: CohortMap
    table: dict[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unusable: dict[str, list[Problem]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    text_numbers: list[str] = field(default_factory=list)
    today: dt.date = field(default_factory=dt.date.today)

    def _decode(self, n_filtered: int) -> Cohort:
        self.problems += self.sheet.problems
        for problem in self.bindings.problems:
            self._spoil(problem.column or "", problem)
        for problem in problems_of_marks(self.sheet, self.bindings):
            if problem.severity is Severity.ERROR:
                self._spoil(str(problem.column), problem)
            else:
                self.problems.append(problem)
        used = self.bindings.columns.get("patient_id")
        self.problems += check_carried(self.sheet, self.bindings.ignored, used.index if used else None)
        ids = self._identifiers()
        aside = self._set_aside(ids)
        patients = np.flatnonzero(aside == "")
        if not len(patients):
            remedy = "no patients: every row is a summary or a note"
            raise CohortError(
                self.sheet.place, [Problem(code="empty", severity=Severity.ERROR, remedy=remedy)]
            )
        kept = self._patients_only(patients)
        own_ids = ids.iloc[patients].reset_index(drop=True)
        self.problems += check_identifiers(kept, own_ids, used.index if used else None)
        for name, binding in self.bindings.columns.items():
            if name != "patient_id":
                self._decode_column(name, binding, patients)
        self._note_text_numbers()
        endpoints = self.follow(patients)
        doubtful = self._take_doubtful()
        return Cohort(
            sheet=self.sheet,
            bindings=self.bindings,
            table=pd.DataFrame({"patient_id": ids} | self.table),
            doubtful=pd.DataFrame(doubtful, index=range(len(ids))),
            endpoints=endpoints,
            problems=tuple(self.problems),
            unusable={name: tuple(found) for name, found in self.unusable.items()},
            set_aside=aside,
            n_filtered=n_filtered,
            units=self.units,
            notes=self.map.notes,
        )

    def follow(self, patients: NDArray[np.intp] | None) -> dict[str, Endpoint]:
        """Endpoints of the rows that are patients, held against the dates.

        Parameters
        ----------
        patients : ndarray of intp, shape (n_patients,), or None
            Rows from 0; None where all are.

        Returns
        -------
        dict of str to Endpoint
            With a row for every row of the sheet.
        """
        kept = self.sheet if patients is None else self._patients_only(patients)
        endpoints = self._endpoints(kept, patients)
        self._check_followup(endpoints)
        return endpoints

    def _set_aside(self, ids: pd.Series) -> NDArray[np.object_]:
        aside = np.full(len(ids), "", dtype=object)
        for index in summary_rows(self.sheet, ids):
            aside[index] = "a summary or note, not a patient"
            remedy = "a summary or note under the data, not scored as a patient; delete the row"
            row = int(self.sheet.row_numbers[index])
            self.problems.append(Problem(code="summary_row", severity=Severity.FLAG, row=row, remedy=remedy))
        return aside

    def _note_text_numbers(self) -> None:
        if self.text_numbers:
            shown = ", ".join(self.text_numbers[:5]) + (" …" if len(self.text_numbers) > 5 else "")
            how = f"numbers are stored as text in {shown}; they were read as numbers"
            self.problems.append(Problem(code="text_numbers", severity=Severity.NOTICE, remedy=how))

    def _take_doubtful(self) -> dict[str, object]:
        """Take the columns in doubt out of the table: nobody computes with them, they are only shown."""
        headers = [COLUMNS[name].header for name in self.unusable if name in COLUMNS and name != "patient_id"]
        spoiled = {f"{header}{end}" for header in headers for end in ("", "_lower", "_upper")}
        return {key: self.table.pop(key) for key in list(self.table) if key in spoiled}

    def _spoil(self, name: str, problem: Problem) -> None:
        """Make a column or an endpoint unusable; without identifiers nothing can be done at all."""
        base = next((c.name for c in COLUMNS.values() if name in {c.name, c.header}), name.split("_")[0])
        if name.endswith(("_cause", "_definition")):
            base = name  # the endpoint goes on without it
        if base == "patient_id":
            self.problems.append(problem)
        self.unusable.setdefault(base, []).append(problem)

    def _patients_only(self, patients: NDArray[np.intp]) -> Sheet:
        return self.sheet.take(patients)

    def _identifiers(self) -> pd.Series:
        binding = self.bindings.columns.get("patient_id")
        if binding is not None and binding.index is not None:
            return self.sheet.cells[binding.index]
        if binding is None and "patient_id" not in self.unusable:
            remedy = no_identifier(self.sheet.headers)
            problem = Problem(code="header", severity=Severity.ERROR, column="patient_id", remedy=remedy)
            self._spoil("patient_id", problem)
        return pd.Series([str(n) for n in self.sheet.row_numbers], dtype=object)

    def _missing_words(self, binding: Binding | None = None) -> frozenset[str]:
        own = binding.source.missing if binding else ()
        return frozenset(word.lower() for word in (*self.map.missing, *own))

    def _flag(self, position: int | None, index: int, code: str, column: str, remedy: str) -> None:
        assert position is not None
        row = int(self.sheet.row_numbers[index])
        self.problems.append(
            Problem(
                code=code,
                severity=Severity.FLAG,
                column=column,
                row=row,
                cell=self.sheet.cell(row, position),
                value=safe_text(self.sheet.cells.iat[index, position]),
                remedy=remedy,
            )
        )

    def _cells(self, binding: Binding, patients: NDArray[np.intp]) -> TextColumn:
        """Text of a column, empty in summary rows."""
        n = len(self.sheet.cells)
        if binding.index is None:
            cells = TextColumn(object_array([binding.source.value or ""]), np.zeros(n, dtype=np.int32))
        else:
            cells = self.sheet.column(binding.index)
        if len(patients) == n:
            return cells
        which = np.full(n, len(cells.words), dtype=np.int32)
        which[patients] = cells.which[patients]
        words = [*cells.words, ""]
        return TextColumn(object_array(words), which).with_words(words)

    def _decode_column(self, name: str, binding: Binding, patients: NDArray[np.intp]) -> None:
        column, cells = binding.column, self._cells(binding, patients)
        missing = self._missing_words(binding)
        if column.kind == "number":
            decoded = self._decode_number(binding, cells, missing)
        elif column.kind == "code":
            decoded = decode_codes(cells, column, binding.source.codes, missing)
        elif column.kind == "date":
            decoded, fault = decode_dates(cells, self.map.date_order, missing, self.today)
            if fault:
                first = int(self.sheet.row_numbers[(cells.words != "")[cells.which]][0])
                remedy = f"{fault} (from row {first})"
                self._spoil(
                    name, Problem(code="date_order", severity=Severity.ERROR, column=name, remedy=remedy)
                )
        else:
            text, is_missing = clean(cells, missing)
            decoded = Decoded(np.where(is_missing, np.full(len(text), None), text.to_numpy(dtype=object)))
        self._keep(name, binding, decoded)

    def _decode_number(self, binding: Binding, cells: TextColumn, missing: frozenset[str]) -> Decoded:
        column, decimal = binding.column, self.map.file.decimal
        decoded = decode_numbers(
            cells, column, unit=binding.unit, decimal=decimal, missing=missing,
            substitute=self.map.beyond_limit.substitute,
        )  # fmt: skip
        found = check_decimal_mark(cells, column.header, decimal)
        words = pd.Series([word.strip().replace(",", ".") for word in cells.words], dtype=object)
        raw = pd.to_numeric(words, errors="coerce").to_numpy(dtype=np.float64)[cells.which]
        if not found and binding.index is not None:
            found = check_text(((code, remedy, 1) for _, code, remedy in decoded.flags), raw, column.header)
        if not found and column.is_concentration and binding.unit is None:
            found = question_of_unit(raw, column)
        elif not found and column.is_concentration and binding.unit:
            found = check_unit(raw, column, binding.unit)
            self._flag_other_unit(decoded, raw, binding, binding.unit)
        elif not found and column.name == "age_years":
            found = check_age(raw)
        if binding.index in self.sheet.text_numbers:
            self.text_numbers.append(column.header)
        if found:
            self._spoil(column.name, found)
        return decoded

    def _flag_other_unit(
        self, decoded: Decoded, raw: NDArray[np.float64], binding: Binding, unit: str
    ) -> None:
        told = {index for index, _, _ in decoded.flags}
        for index, other, value in find_other_unit(raw, binding.column, unit):
            if index not in told:
                fits = f"fits {other} (then {value:.4g} {binding.column.unit}) and not {unit}"
                decoded.flags.append((index, "unit_doubtful", f"{fits}; taken as {unit}: check the unit"))

    def _keep(self, name: str, binding: Binding, decoded: Decoded) -> None:
        column = binding.column
        if binding.index is None and decoded.flags:
            remedy = f"the constant of the map {decoded.flags[0][2]}"
            value = safe_text(binding.source.value)
            self._spoil(
                name, Problem(code="codes", severity=Severity.ERROR, column=name, value=value, remedy=remedy)
            )
        elif name not in self.unusable and not self._codes_in_doubt(name, binding, decoded):
            for index, code, remedy in decoded.flags:
                self._flag(binding.index, index, code, column.header, remedy)
            for code, remedy in decoded.notices:
                self.problems.append(
                    Problem(code=code, severity=Severity.NOTICE, column=column.header, remedy=remedy)
                )
        self.table[column.header] = decoded.values
        if decoded.lower is not None:
            self.table[f"{column.header}_lower"] = decoded.lower
            self.table[f"{column.header}_upper"] = decoded.upper
        if binding.unit and column.is_concentration and binding.unit != column.unit:
            self.units[column.header] = describe_conversion(column, binding.unit)
        for extra, word in (("assay", binding.source.assay), ("matrix", binding.source.matrix)):
            if word is not None and f"{name}_{extra}" not in self.bindings.columns:
                self.table[f"{name}_{extra}"] = np.full(len(decoded.values), word, dtype=object)

    def _codes_in_doubt(self, name: str, binding: Binding, decoded: Decoded) -> bool:
        """When most words are unknown it is the column that is in doubt, not its cells."""
        unknown = np.array(
            [index for index, code, _ in decoded.flags if code == "invalid_code"], dtype=np.intp
        )
        if binding.index is None or len(unknown) <= 1:
            return False
        filled = len(unknown) + sum(value is not None for value in decoded.values)
        if len(unknown) <= filled // 2:
            return False
        words = self.sheet.cells[binding.index].iloc[unknown].str.strip().value_counts()
        shown = ", ".join(f"{safe_text(word, limit=40)} {n}" for word, n in words.iloc[:6].items())
        close = closest_code(str(words.index[0]), binding.column.codes)
        hint = f"; did you mean '{close}'?" if close else ""
        remedy = f"most values are not codes of {name} ({', '.join(binding.column.codes)}){hint}; declare them under 'codes:' in a map"
        self._spoil(
            name, Problem(code="codes", severity=Severity.ERROR, column=name, value=shown, remedy=remedy)
        )
        return True

    def _endpoints(self, kept: Sheet, patients: NDArray[np.intp] | None) -> dict[str, Endpoint]:
        n, own = len(self.sheet.cells), {b.index: b for b in self.bindings.columns.values()}

        def dates(position: int) -> tuple[NDArray[np.datetime64], str | None]:
            missing = self._missing_words(own.get(position))
            decoded, fault = decode_dates(kept.column(position), self.map.date_order, missing, self.today)
            return decoded.values, fault

        endpoints = {}
        for name, binding in self.bindings.endpoints.items():
            if name in self.unusable:
                continue
            usable = replace(binding, cause=None) if f"{name}_cause" in self.unusable else binding
            result = decode_endpoint(
                kept, usable, dates=dates, decimal=self.map.file.decimal, missing=self._missing_words()
            )
            for problem in result.problems:
                if problem.severity is Severity.ERROR:
                    self._spoil(f"{name}_cause" if result.endpoint else name, problem)
            if result.endpoint is None:
                continue
            self.problems += [p for p in result.problems if p.severity is not Severity.ERROR]
            endpoints[name] = (
                result.endpoint
                if patients is None or len(patients) == n
                else spread_endpoint(result.endpoint, patients, n)
            )
            if not result.endpoint.event.any():
                remedy = f"no events in {name}: curves stay at 1, and no test or hazard ratio can be given"
                self.problems.append(
                    Problem(code="no_events", severity=Severity.FLAG, column=f"{name}_event", remedy=remedy)
                )
        return endpoints

    def _check_followup(self, endpoints: dict[str, Endpoint]) -> None:
        """An endpoint can't come later than the last follow-up."""
        months = months_of_followup(self.table, self.unusable)
        if months is None:
            return
        for name, endpoint in list(endpoints.items()):
            position = self.bindings.endpoints[name].time
            if position is None:
                continue
            censored = ~endpoint.event
            wrong = check_times_by_dates(endpoint.time[censored], months[censored], endpoint.source_unit)
            if wrong:
                column = f"{name}_{endpoint.source_unit}"
                remedy = f"{wrong}; say the unit in a cohort map under endpoints:, or rename the column"
                self._spoil(name, Problem(code="unit", severity=Severity.ERROR, column=column, remedy=remedy))
                del endpoints[name]
                continue
            for index in np.flatnonzero(endpoint.time > months + _ROUNDING_MONTHS):
                remedy = f"longer than the follow-up from the dates ({months[index]:.1f} months); check both"
                column = f"{name}_{endpoint.source_unit}"
                self._flag(position, int(index), "after_last_followup", column, remedy)
