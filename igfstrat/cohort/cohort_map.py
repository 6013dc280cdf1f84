"""The cohort map: how to read one source. It says nothing about what to compute."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.errors import UnitError
from igfstrat.schema import COLUMNS, ENDPOINTS
from igfstrat.units import parse_unit


class FileSettings(StrictModel):
    """Where in the file the table is, and how its text is written."""

    sheet: str | None = None
    header_row: int | None = Field(default=None, ge=1)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."


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
        return self


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


class EndpointSource(StrictModel):
    """Where an endpoint comes from: a time column with its unit, or two dates; and its events."""

    time: str | None = None
    unit: Literal["days", "months", "years"] | None = None
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    event: EventSource
    definition: str | None = None
    note: str | None = None

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

    @field_validator("where", mode="before")
    @classmethod
    def _words(cls, where: Any) -> Any:
        if not isinstance(where, dict):
            return where
        return {key: str(value) if isinstance(value, int) else value for key, value in where.items()}


class CohortMap(StrictModel):
    """How to read one source into the canonical columns."""

    file: FileSettings = FileSettings()
    columns: dict[str, ColumnSource] = Field(default_factory=dict)
    endpoints: dict[str, EndpointSource] = Field(default_factory=dict)
    dates: DateSettings | None = None
    missing: tuple[Word, ...] = ()
    beyond_limit: BeyondLimitSettings = BeyondLimitSettings()
    rows: RowSettings = RowSettings()
    notes: tuple[str, ...] = ()

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, columns: Any) -> Any:
        if not isinstance(columns, dict):
            return columns
        return {key: {"column": value} if isinstance(value, str) else value for key, value in columns.items()}

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for name in self.columns:
            if name not in COLUMNS:
                close = [known for known in COLUMNS if known.startswith(name) or name.startswith(known)]
                hint = (
                    f"; did you mean {' or '.join(close)}?"
                    if close
                    else "; the docs list the canonical columns"
                )
                message = f"columns.{name} is not a canonical column{hint}"
                raise ValueError(message)
        for name in self.endpoints:
            if name not in ENDPOINTS:
                message = f"endpoints.{name} is none of {', '.join(ENDPOINTS)}"
                raise ValueError(message)
        for name, source in self.columns.items():
            unknown = [code for code in source.codes if code not in COLUMNS[name].codes]
            if unknown:
                known = ", ".join(COLUMNS[name].codes) or "none: it is not a coded column"
                message = f"columns.{name}.codes: {', '.join(unknown)} not among its codes ({known})"
                raise ValueError(message)
        return self

    @property
    def source_headers(self) -> frozenset[str]:
        """Every source header that the map names."""
        named = {source.column for source in self.columns.values() if source.column}
        for endpoint in self.endpoints.values():
            named |= {
                name for name in (endpoint.time, endpoint.from_, endpoint.to, endpoint.event.column) if name
            }
        return frozenset(named | set(self.rows.where))
