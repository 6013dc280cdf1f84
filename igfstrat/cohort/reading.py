"""From a file to a `Cohort`: sniff, read, lay out, bind, decode, check.

The content decides what a file is, not its name. Every reader hands over text cells, and one path
decodes them.
"""

from __future__ import annotations

import datetime as dt
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.binding import Binding, Bindings, bind_columns
from igfstrat.cohort.cohort import Cohort
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.decode import Decoded, decode_codes, decode_dates, decode_numbers
from igfstrat.cohort.identity import check_identifiers, summary_rows
from igfstrat.cohort.layout import choose_sheet, find_table
from igfstrat.cohort.outcome import Endpoint, decode_endpoint
from igfstrat.cohort.plausibility import check_age, check_decimal_mark, check_unit, guess_unit
from igfstrat.cohort.sheet import Grid, Sheet
from igfstrat.cohort.text_reader import read_text
from igfstrat.cohort.workbook_reader import read_workbook
from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.schema import COLUMNS
from igfstrat.units import MOLAR_MASS_KDA, conversion_factor

_MAX_BYTES: Final = 1_000_000_000
_ROUNDING_MONTHS: Final = 1.0


def read_cohort(
    path: str | Path,
    *,
    map: str | Path | CohortMap | None = None,  # noqa: A002 - the word that its users know
    sheet: str | None = None,
    header_row: int | None = None,
    encoding: str | None = None,
) -> Cohort:
    """Read a cohort spreadsheet.

    Parameters
    ----------
    path : str or Path
        A csv, tsv or xlsx file; its content decides which.
    map : str, Path or CohortMap, optional
        How to read it, where its headers don't follow the convention.
    sheet, header_row, encoding : optional
        Sheet name, header row (from 1) and text encoding; they come before what the map says.

    Returns
    -------
    Cohort
        Table, endpoints, problems. Columns in doubt are in `unusable`, and only the jobs that need them refuse.

    Raises
    ------
    CohortError
        If there is no table, or the patients can't be told apart.
    ConfigError
        If the map is not one.
    UnsafeFileError
        If the file could do harm.
    """
    path = Path(path)
    cohort_map = _load_map(map)
    settings = (cohort_map or CohortMap()).file
    grids = _read_grids(path, encoding or settings.encoding, settings.delimiter)
    known = cohort_map.source_headers if cohort_map else frozenset()
    grid = choose_sheet(grids, path.name, wanted=sheet or settings.sheet, known=known)
    table = find_table(grid, path.name, header_row=header_row or settings.header_row, known=known)
    table, n_filtered = _filter_rows(table, cohort_map or CohortMap())
    bindings = bind_columns(table, cohort_map)
    return _Decoder(table, bindings, cohort_map or CohortMap()).decode(n_filtered)


def _load_map(source: str | Path | CohortMap | None) -> CohortMap | None:
    if source is None or isinstance(source, CohortMap):
        return source
    return make_config(CohortMap, read_yaml(config_path(str(source), "maps")))


def _error(path: Path, code: str, remedy: str) -> CohortError:
    return CohortError(safe_text(path.name), [Problem(code=code, severity=Severity.ERROR, remedy=remedy)])


def _read_grids(path: Path, encoding: str | None, delimiter: str | None) -> list[Grid]:
    data = _read_bytes(path)
    name = safe_text(path.name)
    if data.startswith(b"PK\x03\x04"):
        return read_workbook(data, name)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        protected = "EncryptedPackage".encode("utf-16-le") in data
        what = "a password-protected (encrypted) workbook" if protected else "a legacy .xls workbook"
        raise _error(
            path,
            "container",
            f"{what}; open it in a spreadsheet program and save it as .xlsx without a password",
        )
    start = data[:2048].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml")):
        raise _error(path, "container", "not a table of cells but HTML or XML; save it as .xlsx or csv")
    if start.startswith(b"%pdf") or data.startswith((b"\x1f\x8b", b"PAR1")):
        raise _error(path, "container", "neither csv nor xlsx; save the table as .xlsx or csv")
    if path.suffix.lower() in {".xlsx", ".xlsm", ".xls"}:
        raise _error(
            path,
            "container",
            f"named {path.suffix} but not an Excel workbook; it looks like csv, so rename it to .csv",
        )
    return [read_text(data, name, encoding=encoding, delimiter=delimiter)]


def _read_bytes(path: Path) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise _error(path, "file", "not a regular file (a folder, pipe or device)")
        if facts.st_size == 0:
            raise _error(path, "empty", "the file is empty; check that it was saved")
        if facts.st_size > _MAX_BYTES:
            raise _error(
                path,
                "size",
                f"{facts.st_size / 1e9:.1f} GB; at most {_MAX_BYTES / 1e9:.0f} GB are read; split the file",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _error(path, "file", "the file is not there; check the path") from error
    except PermissionError as error:
        raise _error(path, "file", "no permission to read the file") from error


def _filter_rows(sheet: Sheet, cohort_map: CohortMap) -> tuple[Sheet, int]:
    """Rows that the map keeps, and how many it leaves out."""
    keep = ~np.isin(sheet.row_numbers, cohort_map.rows.exclude)
    for header, wanted in cohort_map.rows.where.items():
        if header not in sheet.headers:
            remedy = f"rows: {{where: …}} names the column {safe_text(header)!r}, which is not in the file"
            raise CohortError(sheet.place, [Problem(code="header", severity=Severity.ERROR, remedy=remedy)])
        words = (wanted,) if isinstance(wanted, str) else wanted
        keep &= sheet.cells[sheet.headers.index(header)].str.strip().isin(words).to_numpy(dtype=bool)
    if not keep.any():
        remedy = "no row is left after rows: {where: …, exclude: …}; check the words in the map"
        raise CohortError(sheet.place, [Problem(code="empty", severity=Severity.ERROR, remedy=remedy)])
    if keep.all():
        return sheet, 0
    cells = sheet.cells.loc[keep].reset_index(drop=True)
    return replace(sheet, cells=cells, row_numbers=sheet.row_numbers[keep]), int((~keep).sum())


@dataclass(slots=True)
class _Decoder:
    """Decodes the bound columns of one sheet and collects what it notices."""

    sheet: Sheet
    bindings: Bindings
    map: CohortMap
    table: dict[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unusable: dict[str, list[Problem]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    today: dt.date = field(default_factory=dt.date.today)

    def decode(self, n_filtered: int) -> Cohort:
        self.problems += self.sheet.problems
        for problem in self.bindings.problems:
            self._spoil(problem.column or "", problem)
        ids = self._identifiers()
        aside = np.full(len(ids), "", dtype=object)
        for index in summary_rows(self.sheet, ids):
            aside[index] = "a summary or note, not a patient"
            row = int(self.sheet.row_numbers[index])
            remedy = "a summary or note under the data, not scored as a patient; delete the row"
            self.problems.append(Problem(code="summary_row", severity=Severity.FLAG, row=row, remedy=remedy))
        patients = np.flatnonzero(aside == "")
        kept = self._patients_only(patients)
        self.problems += check_identifiers(
            kept, ids.iloc[patients].reset_index(drop=True), self._index("patient_id")
        )
        for name, binding in self.bindings.columns.items():
            if name != "patient_id":
                self._decode_column(name, binding, patients)
        endpoints = self._endpoints(kept, patients, len(ids))
        self._check_followup(endpoints)
        return Cohort(
            sheet=self.sheet,
            bindings=self.bindings,
            table=pd.DataFrame({"patient_id": ids} | self.table),
            endpoints=endpoints,
            problems=tuple(self.problems),
            unusable={name: tuple(found) for name, found in self.unusable.items()},
            set_aside=aside,
            n_filtered=n_filtered,
            units=self.units,
            notes=self.map.notes,
        )

    def _index(self, name: str) -> int | None:
        binding = self.bindings.columns.get(name)
        return binding.index if binding else None

    def _patients_only(self, patients: NDArray[np.intp]) -> Sheet:
        if len(patients) == len(self.sheet.cells):
            return self.sheet
        cells = self.sheet.cells.iloc[patients].reset_index(drop=True)
        return replace(self.sheet, cells=cells, row_numbers=self.sheet.row_numbers[patients])

    def _identifiers(self) -> pd.Series:
        binding = self.bindings.columns.get("patient_id")
        if binding is None:
            remedy = "column missing; name it so, or map it: patient_id: <column>, or patient_id: {row_number: true}"
            if not any(p.column == "patient_id" for p in self.problems):
                self.problems.append(
                    Problem(code="header", severity=Severity.ERROR, column="patient_id", remedy=remedy)
                )
            return pd.Series([f"row {n}" for n in self.sheet.row_numbers], dtype=object)
        if binding.index is None:
            return pd.Series([str(n) for n in self.sheet.row_numbers], dtype=object)
        return self.sheet.cells[binding.index]

    def _missing_words(self, binding: Binding | None = None) -> frozenset[str]:
        own = binding.source.missing if binding else ()
        return frozenset(word.lower() for word in (*self.map.missing, *own))

    def _spoil(self, name: str, problem: Problem) -> None:
        base = next((c.name for c in COLUMNS.values() if name in {c.name, c.header}), name.split("_")[0])
        self.unusable.setdefault(base, []).append(problem)

    def _flag(self, position: int | None, index: int, code: str, column: str, remedy: str) -> None:
        row = int(self.sheet.row_numbers[index])
        value = safe_text(self.sheet.cells.iat[index, position]) if position is not None else None
        cell = self.sheet.cell(row, position) if position is not None else None
        self.problems.append(
            Problem(
                code=code,
                severity=Severity.FLAG,
                column=column,
                row=row,
                cell=cell,
                value=value,
                remedy=remedy,
            )
        )

    def _cells(self, binding: Binding, patients: NDArray[np.intp]) -> pd.Series:
        """Text of a column, empty in summary rows."""
        n = len(self.sheet.cells)
        if binding.index is None:
            return pd.Series([binding.source.value or ""] * n, dtype=object)
        cells = self.sheet.cells[binding.index]
        return cells if len(patients) == n else cells.where(pd.Series(np.isin(np.arange(n), patients)), "")

    def _decode_column(self, name: str, binding: Binding, patients: NDArray[np.intp]) -> None:
        column, cells = binding.column, self._cells(binding, patients)
        missing = self._missing_words(binding)
        if column.kind == "number":
            decoded = self._decode_number(binding, cells, missing)
        elif column.kind == "code":
            decoded = decode_codes(cells, column, binding.source.codes, missing)
        elif column.kind == "date":
            order = self.map.dates.order if self.map.dates else None
            decoded, fault = decode_dates(cells, order, missing, self.today)
            if fault:
                rows = self.sheet.row_numbers[(cells != "").to_numpy(dtype=bool)]
                remedy = f"{fault} (from row {int(rows[0])})"
                self._spoil(
                    name, Problem(code="date_order", severity=Severity.ERROR, column=name, remedy=remedy)
                )
        else:
            text = cells.str.strip()
            decoded = Decoded(text.where(text != "", None).to_numpy(dtype=object))
        self._keep(name, binding, decoded)

    def _decode_number(self, binding: Binding, cells: pd.Series, missing: frozenset[str]) -> Decoded:
        column, decimal = binding.column, self.map.file.decimal
        decoded = decode_numbers(
            cells, column, unit=binding.unit, decimal=decimal, missing=missing,
            substitute=self.map.beyond_limit.substitute,
        )  # fmt: skip
        found = check_decimal_mark(cells, column.header, decimal)
        figures = pd.to_numeric(cells.str.strip().str.replace(",", ".", regex=False), errors="coerce")
        raw = figures.to_numpy(dtype=np.float64)
        if not found and column.is_concentration and binding.unit is None:
            found = self._unit_question(column.name, raw)
        elif not found and column.is_concentration and binding.unit:
            found = check_unit(raw, column, binding.unit)
        elif not found and column.name == "age_years":
            found = check_age(raw)
        if found:
            self._spoil(column.name, found)
        return decoded

    def _unit_question(self, name: str, raw: NDArray[np.float64]) -> Problem:
        guess = guess_unit(raw, COLUMNS[name])
        fits = f"; the median fits {guess}" if guess else ""
        remedy = f"unit not stated{fits}; say it in the map: {name}: {{column: …, unit: {guess or 'ng/mL'}}}"
        return Problem(code="unit", severity=Severity.ERROR, column=COLUMNS[name].header, remedy=remedy)

    def _keep(self, name: str, binding: Binding, decoded: Decoded) -> None:
        column = binding.column
        spoiled = name in self.unusable
        if not spoiled:
            for index, code, remedy in decoded.flags:
                self._flag(binding.index, index, code, column.header, remedy)
        if column.kind == "code" and not spoiled:
            self._check_codes(name, binding, decoded)
        self.table[column.header] = decoded.values
        if decoded.lower is not None:
            self.table[f"{column.header}_lower"] = decoded.lower
            self.table[f"{column.header}_upper"] = decoded.upper
        if binding.unit and column.is_concentration and binding.unit != column.unit:
            factor = conversion_factor(name, binding.unit, column.unit)
            mass = (
                f" ({MOLAR_MASS_KDA[name]} kDa)" if "mol" in binding.unit and name in MOLAR_MASS_KDA else ""
            )
            self.units[column.header] = f"{binding.unit} × {factor:g} = {column.unit}{mass}"
        for extra, value in (("assay", binding.source.assay), ("matrix", binding.source.matrix)):
            if value is not None and f"{name}_{extra}" in COLUMNS:
                self.table.setdefault(f"{name}_{extra}", np.full(len(decoded.values), value, dtype=object))

    def _check_codes(self, name: str, binding: Binding, decoded: Decoded) -> None:
        """When most words are unknown it is the column that is in doubt, not its cells."""
        unknown = [index for index, code, _ in decoded.flags if code == "invalid_code"]
        filled = len(unknown) + sum(value is not None for value in decoded.values)
        if len(unknown) > max(1, filled // 2) and binding.index is not None:
            words = self.sheet.cells[binding.index].iloc[unknown].str.strip().value_counts()
            shown = ", ".join(f"{safe_text(word, limit=20)} {n}" for word, n in words.iloc[:6].items())
            self.problems = [
                p for p in self.problems if (p.code, p.column) != ("invalid_code", binding.column.header)
            ]
            remedy = f"most values are not codes of {name} ({', '.join(binding.column.codes)}); declare them under 'codes:' in a map"
            self._spoil(
                name, Problem(code="codes", severity=Severity.ERROR, column=name, value=shown, remedy=remedy)
            )

    def _endpoints(self, kept: Sheet, patients: NDArray[np.intp], n: int) -> dict[str, Endpoint]:
        order = self.map.dates.order if self.map.dates else None

        def dates(position: int) -> NDArray[np.datetime64]:
            decoded, _ = decode_dates(kept.cells[position], order, self._missing_words(), self.today)
            return decoded.values.astype("datetime64[D]")

        endpoints = {}
        for name, binding in self.bindings.endpoints.items():
            if name in self.unusable:
                continue
            result = decode_endpoint(
                kept, binding, dates=dates, decimal=self.map.file.decimal, missing=self._missing_words()
            )
            for problem in result.problems:
                if problem.severity is Severity.ERROR:
                    self._spoil(name, problem)
            if result.endpoint is None:
                continue
            self.problems += result.problems
            endpoints[name] = result.endpoint if len(patients) == n else _spread(result.endpoint, patients, n)
            if not result.endpoint.event.any():
                remedy = f"no events in {name}: curves stay at 1, and no test or hazard ratio can be given"
                self.problems.append(
                    Problem(code="no_events", severity=Severity.FLAG, column=f"{name}_event", remedy=remedy)
                )
        return endpoints

    def _check_followup(self, endpoints: dict[str, Endpoint]) -> None:
        """An endpoint can't come later than the last follow-up."""
        start = next(
            (self.table[d] for d in ("time_zero", "randomization_date", "diagnosis_date") if d in self.table),
            None,
        )
        stop = self.table.get("last_followup_date")
        if start is None or stop is None or {"diagnosis_date", "last_followup_date"} & set(self.unusable):
            return
        first, last = np.asarray(start, dtype="datetime64[D]"), np.asarray(stop, dtype="datetime64[D]")
        months = (last - first).astype("timedelta64[D]").astype(np.float64) / (365.25 / 12)
        months[np.isnat(first) | np.isnat(last)] = np.nan
        for name, endpoint in endpoints.items():
            binding = self.bindings.endpoints[name]
            late = np.flatnonzero(endpoint.time > months + _ROUNDING_MONTHS)
            for index in late if binding.time is not None else ():
                remedy = f"longer than the follow-up from the dates ({months[index]:.1f} months); check both"
                self._flag(
                    binding.time, int(index), "after_last_followup", f"{name}_{endpoint.source_unit}", remedy
                )


def _spread(endpoint: Endpoint, patients: NDArray[np.intp], n: int) -> Endpoint:
    """The endpoint over all rows, those that are no patients left out of it."""
    time, event = np.full(n, np.nan), np.zeros(n, dtype=bool)
    reasons = np.full(n, "not a patient", dtype=object)
    time[patients], event[patients], reasons[patients] = endpoint.time, endpoint.event, endpoint.reasons
    return replace(endpoint, time=time, event=event, reasons=tuple(reasons))
