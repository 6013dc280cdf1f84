"""The cohort map: how to read one source. It says nothing about what to compute."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.errors import UnitError
from igfstrat.schema import COLUMNS, ENDPOINTS, Column, fold
from igfstrat.units import conversion_factor, parse_unit


def _known_column(name: str) -> str:
    if name not in COLUMNS:
        headers = {column.header: key for key, column in COLUMNS.items()}
        close = difflib.get_close_matches(name, [*COLUMNS, *headers], n=1)
        hint = (
            f"did you mean '{headers.get(close[0], close[0])}'?"
            if close
            else "the docs list the canonical columns"
        )
        message = f"not a canonical column; {hint}"
        raise ValueError(message)
    return name


def _known_endpoint(name: str) -> str:
    if name not in ENDPOINTS:
        message = f"not an endpoint; there are {', '.join(ENDPOINTS)}"
        raise ValueError(message)
    return name


CanonicalName = Annotated[str, AfterValidator(_known_column)]
EndpointName = Annotated[str, AfterValidator(_known_endpoint)]


class FileSettings(StrictModel):
    """Where in the file the table is, and how its text is written."""

    sheet: str | None = None
    header_row: int | None = Field(default=None, ge=1)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str | None) -> str | None:
        if delimiter not in {None, "whitespace"} and (len(str(delimiter)) != 1 or str(delimiter) in '"\r\n '):
            message = "must be one character such as ';', or whitespace"
            raise ValueError(message)
        return delimiter


class ColumnSource(StrictModel):
    """Where a canonical column comes from: a source column, a constant, or the row number."""

    column: str | None = None
    value: Word | None = None
    row_number: bool = False
    unit: str | None = None
    assay: str | None = None
    matrix: str | None = None
    missing: tuple[Word, ...] = ()
    codes: dict[str, tuple[Word, ...]] = Field(default_factory=dict)

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, unit: str | None) -> str | None:
        if unit is None:
            return None
        try:
            return parse_unit(unit)
        except UnitError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = (self.column is not None) + (self.value is not None) + self.row_number
        if given != 1:
            message = "give exactly one of column, value and row_number"
            raise ValueError(message)
        words = [word for spellings in self.codes.values() for word in spellings]
        twice = sorted({word for word in words if words.count(word) > 1})
        if twice:
            message = f"codes: {', '.join(twice)} stands for more than one code"
            raise ValueError(message)
        return self

    def fault_for(self, column: Column) -> str | None:
        """What of these settings the column doesn't have.

        Parameters
        ----------
        column : Column
            The canonical column that this is the source of.

        Returns
        -------
        str or None
            In words; None where everything fits.
        """
        if self.row_number and column.kind != "id":
            return "row_number can only stand for patient_id"
        if self.value is not None and column.kind == "id":
            return "patient_id cannot be the same for all; give a column or {row_number: true}"
        if self.unit is not None and not column.is_concentration:
            return f"has no unit to choose ({column.unit or 'it is no concentration'})"
        unknown = [code for code in self.codes if code not in column.codes]
        if unknown:
            known = ", ".join(column.codes) or "none: it is not a coded column"
            return f"codes: {', '.join(unknown)} not among its codes ({known})"
        for part, value in (("assay", self.assay), ("matrix", self.matrix)):
            about = COLUMNS.get(f"{column.name}_{part}")
            if value is not None and (about is None or value not in about.codes):
                known = ", ".join(about.codes) if about else "none for this column"
                return f"{part}: {value!r} is not known; there are {known}"
        return self._unit_fault(column)

    def _unit_fault(self, column: Column) -> str | None:
        try:
            if self.unit is not None:
                conversion_factor(column.name, self.unit, column.unit)
        except UnitError as error:
            return str(error)
        return None


class EventSource(StrictModel):
    """Which words of a column are events, and which are censored."""

    column: str
    event: tuple[Word, ...]
    censored: tuple[Word, ...]

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        both = set(self.event) & set(self.censored)
        if both or not self.event or not self.censored:
            message = (
                f"{sorted(both)} stand on both sides" if both else "name the codes of event and of censored"
            )
            raise ValueError(message)
        return self


class CauseSource(StrictModel):
    """Where the cause of an event stands, and which words mean which cause.

    Without codes each word is a cause of its own.
    """

    column: str
    codes: dict[str, tuple[Word, ...]] = Field(default_factory=dict)
    missing: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        words = [fold(word) for spellings in (*self.codes.values(), self.missing) for word in spellings]
        twice = sorted({word for word in words if words.count(word) > 1})
        if twice:
            message = f"codes: {', '.join(twice)} stands for more than one cause, or also under missing"
            raise ValueError(message)
        return self


class EndpointSource(StrictModel):
    """Where an endpoint comes from: a time column with its unit, or two dates; its events, and their causes."""

    time: str | None = None
    unit: Literal["days", "months", "years"] | None = None
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    event: EventSource
    cause: CauseSource | None = None
    definition: str | None = None
    note: str | None = None

    @field_validator("cause", mode="before")
    @classmethod
    def _short_form(cls, cause: Any) -> Any:
        return {"column": cause} if isinstance(cause, str) else cause

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_time = self.time is not None
        by_dates = self.from_ is not None or self.to is not None
        if by_time == by_dates:
            message = "give either time and unit, or from and to"
            raise ValueError(message)
        if by_time and self.unit is None:
            message = "unit is missing: days, months or years"
            raise ValueError(message)
        if by_dates and (self.from_ is None or self.to is None):
            message = "from and to are both needed"
            raise ValueError(message)
        return self


def _check_beside(name: str) -> None:
    if name in {"", ".", ".."} or set(name) & set("/\\\0"):
        message = f"file: {name!r} must be the name of a file beside the cohort, without a folder"
        raise ValueError(message)


class JoinSource(StrictModel):
    """A second sheet, or a file beside the cohort, whose columns are joined by a key."""

    sheet: str | None = None
    file: str | None = None
    by: str

    @model_validator(mode="after")
    def _one_table(self) -> Self:
        if self.sheet is None and self.file is None:
            message = "give sheet or file"
            raise ValueError(message)
        if self.file is not None:
            _check_beside(self.file)
        return self


class DateSettings(StrictModel):
    """How dates written in figures are read."""

    order: Literal["day-first", "month-first", "iso"]


class BeyondLimitSettings(StrictModel):
    """What the continuous column holds for a value beyond a detection limit."""

    substitute: Literal["half", "limit", "missing"] = "missing"


class RowSettings(StrictModel):
    """Which rows of the source belong to the cohort."""

    where: dict[str, Word | tuple[Word, ...]] = Field(default_factory=dict)
    exclude: tuple[int, ...] = ()
    one_patient_per: tuple[str, ...] = ()
    aggregate: dict[CanonicalName, Literal["mean", "max", "min", "first"]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _patients_named(self) -> Self:
        if self.aggregate and not self.one_patient_per:
            message = "aggregate needs one_patient_per: the columns that tell patients apart"
            raise ValueError(message)
        words = [
            name for name, way in self.aggregate.items() if way != "first" and COLUMNS[name].kind != "number"
        ]
        if words:
            message = f"aggregate: {words[0]} holds no numbers; only first is possible"
            raise ValueError(message)
        return self


class CohortMap(StrictModel):
    """How to read one source into the canonical columns."""

    file: FileSettings = FileSettings()
    dictionary: str | None = None
    join: tuple[JoinSource, ...] = ()
    columns: dict[CanonicalName, ColumnSource] = Field(default_factory=dict)
    endpoints: dict[EndpointName, EndpointSource] = Field(default_factory=dict)
    dates: DateSettings | None = None
    missing: tuple[Word, ...] = ()
    beyond_limit: BeyondLimitSettings = BeyondLimitSettings()
    rows: RowSettings = RowSettings()
    notes: tuple[str, ...] = ()

    @field_validator("dictionary")
    @classmethod
    def _beside_the_cohort(cls, name: str | None) -> str | None:
        if name is not None:
            _check_beside(name)
        return name

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, columns: Any) -> Any:
        if not isinstance(columns, dict):
            return columns
        return {key: {"column": value} if isinstance(value, str) else value for key, value in columns.items()}

    @field_validator("columns")
    @classmethod
    def _fitting_settings(cls, columns: dict[str, ColumnSource]) -> dict[str, ColumnSource]:
        faults = [
            f"{name}: {fault}"
            for name, source in columns.items()
            if (fault := source.fault_for(COLUMNS[name]))
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return columns

    @property
    def date_order(self) -> str | None:
        """The order of day and month, where it is declared."""
        return self.dates.order if self.dates else None

    @property
    def source_headers(self) -> frozenset[str]:
        """Every source header that the map names."""
        named = {source.column for source in self.columns.values() if source.column}
        for endpoint in self.endpoints.values():
            cause = endpoint.cause.column if endpoint.cause else None
            parts = (endpoint.time, endpoint.from_, endpoint.to, endpoint.event.column, cause)
            named |= {name for name in parts if name}
        named |= {join.by for join in self.join}
        return frozenset(named | set(self.rows.where) | set(self.rows.one_patient_per))
