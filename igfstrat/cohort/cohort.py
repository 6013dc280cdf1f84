"""A cohort: the table in canonical units, its endpoints, and everything that was noticed.

`read_cohort` reads any supported file; what can't be used stops only the jobs that need it
(`Cohort.require`). Rows in = rows out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.binding import Bindings, near_misses
from igfstrat.cohort.outcome import Endpoint
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.schema import COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """A cohort as read.

    Parameters
    ----------
    sheet : Sheet
        The table of text; its rows are the cohort's rows.
    bindings : Bindings
        Which source column became which canonical column.
    table : DataFrame, one row a patient row
        Canonical columns under their convention headers, concentrations in the canonical unit, NaN or None where
        there is no value. Where a value lies beyond a detection limit, `<header>_lower` and `<header>_upper` hold
        its limits. Columns in doubt are not in it.
    doubtful : DataFrame, one row a patient row
        Columns in doubt, for showing only: what they mean is not known.
    endpoints : dict of str to Endpoint
        Endpoints that could be decoded.
    problems : tuple of Problem
        Flags and notices.
    unusable : dict of str to tuple of Problem
        Why a column or an endpoint cannot be used, by canonical name or endpoint; the causes of an endpoint
        as ``os_cause``.
    set_aside : ndarray of object, shape (n_rows,)
        "" for a patient, else why the row is none (a summary row).
    n_filtered : int
        Rows that the map's `rows:` left out, or brought together with another of the same patient.
    units : dict of str to str
        Conversions that were made, by header: what a manifest prints.
    notes : tuple of str
        Notes of the map on the source.
    files : tuple of Path
        Every file that was read: the cohort, what was joined to it, its map.
    """

    sheet: Sheet
    bindings: Bindings
    table: pd.DataFrame
    doubtful: pd.DataFrame
    endpoints: dict[str, Endpoint]
    problems: tuple[Problem, ...]
    unusable: dict[str, tuple[Problem, ...]]
    set_aside: NDArray[np.object_]
    n_filtered: int = 0
    units: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of the cohort, summary rows included."""
        return len(self.table)

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """Row of each patient row as the spreadsheet counts, shape (n_rows,)."""
        return self.sheet.row_numbers

    def has(self, name: str) -> bool:
        """Whether a canonical column is there and can be used.

        Parameters
        ----------
        name : str
            Canonical name, without unit.

        Returns
        -------
        bool
            True when `table` holds it.
        """
        return name in COLUMNS and COLUMNS[name].header in self.table

    def require(
        self, columns: Iterable[Sequence[str]], endpoints: Iterable[str] = (), *, outcome: str
    ) -> None:
        """Refuse, with everything that is missing or unusable at once, when a job can't be done.

        Parameters
        ----------
        columns : iterable of sequence of str
            Canonical names; of each sequence one is enough.
        endpoints : iterable of str
            Endpoints that are needed.
        outcome : str
            What is therefore not done: ``Nothing was scored.``

        Raises
        ------
        CohortError
            If anything is missing or unusable.
        """
        problems: list[Problem] = [p for p in self.problems if p.severity is Severity.ERROR]
        for names in columns:
            if not any(self.has(name) for name in names):
                problems += self._why_not(names)
        for name in endpoints:
            if name not in self.endpoints:
                problems += self.unusable.get(name) or [self._missing_endpoint(name)]
        if problems:
            unique = list(dict.fromkeys(problems))
            headline = f"{self.sheet.place} ({self.n_rows} rows)"
            raise CohortError(headline, unique, outcome)

    def _why_not(self, names: Sequence[str]) -> list[Problem]:
        known = [problem for name in names for problem in self.unusable.get(name, ())]
        if known:
            return known
        headers = [COLUMNS[name].header for name in names]
        ignored = tuple(self.sheet.headers[i] for i in self.bindings.ignored)
        close = list(dict.fromkeys(miss for header in headers for miss in near_misses(header, ignored)))[:3]
        hint = f"found {', '.join(safe_text(h) for h in close)}: rename it, or map it under 'columns:'" if close else (
            "add it, map it under 'columns:' (a draft: igfstrat check --write-map map.yaml), or choose a plan that does without it")  # fmt: skip
        # a name given without thought would state a unit that the figures may not have
        hint += ", with the unit that it has" if close and COLUMNS[names[0]].is_concentration else ""
        also = f" (or {', '.join(headers[1:])})" if headers[1:] else ""
        return [
            Problem(
                code="header",
                severity=Severity.ERROR,
                column=headers[0],
                remedy=f"column missing{also}; {hint}",
            )
        ]

    def _missing_endpoint(self, name: str) -> Problem:
        known = ", ".join(self.endpoints) or "none"
        remedy = f"endpoint missing: it needs {name}_months (or _days, _years) and {name}_event, or a map; found {known}"
        return Problem(code="header", severity=Severity.ERROR, column=name, remedy=remedy)

    def to_dict(self) -> dict[str, Any]:
        """How the file was read, for a manifest.

        Returns
        -------
        dict
            Sheet, header row, source of each column, conversions, ignored columns, counts.
        """
        ignored = [safe_text(self.sheet.headers[i]) for i in self.bindings.ignored]
        return {
            "sheet": self.sheet.name,
            "header_row": self.sheet.header_row,
            "rows_read": self.n_rows + self.n_filtered,
            "rows_left_out_by_the_map": self.n_filtered,
            "columns": {name: safe_text(b.header) for name, b in self.bindings.columns.items()},
            "endpoints": {
                name: {
                    "source_unit": e.source_unit,
                    "definition": e.definition,
                    "note": e.note,
                    "causes": e.cause_counts,
                    "events_without_cause": e.n_events_without_cause,
                }
                for name, e in self.endpoints.items()
            },
            "units": self.units,
            "ignored_columns": ignored[:50]
            + ([f"and {len(ignored) - 50} more"] if len(ignored) > 50 else []),
            "unusable": {name: [p.remedy for p in problems] for name, problems in self.unusable.items()},
            "notes": list(self.notes),
        }


def suggest(word: str, known: Iterable[str]) -> str:
    """A 'did you mean' for a message.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What could have been meant.

    Returns
    -------
    str
        ``; did you mean 'x'?`` or the list of what is known.
    """
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(names) or 'none'}"
