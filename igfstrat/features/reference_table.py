"""A reference by age and sex, and the form of its table.

A table is a CSV file with the columns analyte, sex, age_years, l, m, s and unit, as the packaged one
is. It is untrusted: it is read cell by cell, and every fault is told with its line. The curves say
nothing of how they were measured; `Reference` does. No value of one assay is ever converted into
another's.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.errors import CohortError, Problem, Severity, UnitError, safe_text
from igfstrat.units import conversion_factor

# what has a standard deviation score, and the unit in which its M is kept
RATIO: Final = "igf1_igfbp3_molar_ratio"
UNIT_OF_ANALYTE: Final[dict[str, str]] = {"igf1": "ng/mL", "igfbp3": "ng/mL", RATIO: "%"}
SEXES: Final = ("female", "male")
INTERPOLATION: Final = "L, M and S joined linearly in age between knots"

_COLUMNS: Final = ("analyte", "sex", "age_years", "l", "m", "s", "unit")
_OPTIONAL: Final = ("evidence",)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# smallest and largest that a table can mean, open below for m and s. Published tables of IGF-1 have L within 1 and S
# below 0.6; some are shipped in thousandths, which these limits (a convention of this project) find
_LIMITS: Final[dict[str, tuple[float, float, str]]] = {
    "age_years": (0.0, 120.0, "must be 0 to 120 years"),
    "l": (-10.0, 10.0, "must be -10 to 10; is it stored in thousandths?"),
    "m": (math.ulp(0.0), math.inf, "must be > 0"),
    "s": (math.ulp(0.0), 2.0, "must be > 0 and at most 2; is it stored in percent or thousandths?"),
}


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceCurve:
    """L, M and S of one analyte in one sex over age.

    Parameters
    ----------
    age : ndarray of float64, shape (n_knots,)
        Years, increasing.
    l, m, s : ndarray of float64, shape (n_knots,)
        Skewness, median and coefficient of variation at each knot.
    unit : str
        Unit of `m`.
    """

    age: NDArray[np.float64]
    l: NDArray[np.float64]  # noqa: E741
    m: NDArray[np.float64]
    s: NDArray[np.float64]
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """A reference distribution, packaged or a user's.

    Parameters
    ----------
    name : str
        Name under which plans and results know it.
    assay : str
        Code of `igf1_assay`: what its values were measured with. Values of any other assay get a score, and no
        status; ``other`` fits ``other``, since who declares both says that they are the same.
    matrix : str
        Code of `igf1_matrix`.
    curves : dict of tuple to ReferenceCurve
        By analyte and sex.
    ratio_igfbp3_kda : float or None
        Mass of IGFBP3 in kDa that its molar ratio was computed with; None where it has no ratio.
    interpolation : str
        What is done between its knots, in words; there is no other way.
    """

    name: str
    assay: str
    matrix: str
    curves: Mapping[tuple[str, str], ReferenceCurve] = field(repr=False)
    ratio_igfbp3_kda: float | None = None
    interpolation: str = INTERPOLATION

    @property
    def analytes(self) -> tuple[str, ...]:
        """Analytes that it has, each once."""
        return tuple(dict.fromkeys(analyte for analyte, _ in self.curves))

    @property
    def words(self) -> str:
        """What it is, for a methods section."""
        return f"LMS reference {self.name} (assay {self.assay}, {self.matrix.replace('_', ' ')}) by age and sex, {self.interpolation}"


def parse_reference_table(text: str, *, source: str) -> dict[tuple[str, str], ReferenceCurve]:
    r"""The curves of a reference table.

    Parameters
    ----------
    text : str
        CSV with the columns analyte, sex, age_years, l, m, s and unit in any order; a column evidence is passed by.
    source : str
        What it is, for messages.

    Returns
    -------
    dict of tuple to ReferenceCurve
        By analyte and sex; M in ng/mL, or in percent for the molar ratio.

    Raises
    ------
    CohortError
        With every fault and its line.

    Examples
    --------
    >>> head = "analyte,sex,age_years,l,m,s,unit"
    >>> table = "\n".join([head, "igf1,male,20,0.4,30,0.3,nmol/L", "igf1,male,80,0.4,12,0.4,nmol/L"])
    >>> parse_reference_table(table, source="mine")["igf1", "male"].m.round(1).tolist()
    [229.5, 91.8]
    """
    header, rows = _split(text, source)
    problems: list[Problem] = []
    found: dict[tuple[str, str], list[tuple[int, list[float]]]] = {}
    for line, cells in rows:
        if len(cells) != len(header):
            remedy = f"must have {len(header)} cells, as the first line has"
            problems.append(_problem("header", line, None, f"{len(cells)} cells", remedy))
            continue
        record = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        numbers, faults = _parse_row(line, record)
        problems += faults
        found.setdefault((record["analyte"], record["sex"]), []).append((line, numbers))
    if not problems:
        problems = _knot_faults(found)
    if problems or not found:
        none = [_problem("header", None, None, None, "no row below the first line; add the knots")]
        raise CohortError(source, problems or none, "No reference was made.")
    return {
        key: _curve(np.array([numbers for _, numbers in knots]), UNIT_OF_ANALYTE[key[0]])
        for key, knots in found.items()
    }


def _curve(knots: NDArray[np.float64], unit: str) -> ReferenceCurve:
    age, l, m, s = (np.ascontiguousarray(column) for column in knots.T)  # noqa: E741
    for column in (age, l, m, s):
        column.flags.writeable = False  # a reference is shared by all that use it
    return ReferenceCurve(age, l, m, s, unit)


def _split(text: str, source: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and rows with their lines; nothing more can be read where one of them is at fault."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error:
        remedy = "is not CSV: a quotation mark is open, or a cell far too long"
        problems = [_problem("header", reader.line_num, None, None, remedy)]
        raise CohortError(source, problems, "No reference was made.") from None
    header = [cell.strip() for cell in rows[0][1]] if rows else []
    faults = [
        _problem("header", None, name, None, "column missing") for name in _COLUMNS if name not in header
    ]
    for i, name in enumerate(header):
        close = difflib.get_close_matches(name, _COLUMNS, n=1, cutoff=0.5)
        if name in header[:i]:
            faults.append(_problem("header", rows[0][0], name, None, "the column stands twice"))
        elif name not in (*_COLUMNS, *_OPTIONAL):
            hint = f"did you mean {close[0]}?" if close else f"a table has {', '.join(_COLUMNS)}"
            faults.append(_problem("header", rows[0][0], None, name, f"unknown column; {hint}"))
    if faults:
        raise CohortError(source, faults, "No reference was made.")
    return header, rows[1:]


def _parse_row(line: int, record: dict[str, str]) -> tuple[list[float], list[Problem]]:
    """Age, L, M in the canonical unit and S, and what is wrong with the row."""
    faults = [
        _problem("invalid_code", line, name, record[name], f"must be one of {', '.join(words)}")
        for name, words in (("analyte", tuple(UNIT_OF_ANALYTE)), ("sex", SEXES))
        if record[name] not in words
    ]
    numbers = []
    for name, (low, high, remedy) in _LIMITS.items():
        # float() would also take digits of other scripts, underscores and "nan"
        value = float(record[name]) if _NUMBER.fullmatch(record[name]) else math.nan
        if not math.isfinite(value):
            remedy = "must be a plain number with a decimal point"
            faults.append(_problem("not_a_number", line, name, record[name], remedy))
        elif not low <= value <= high:
            faults.append(_problem("out_of_bounds", line, name, record[name], remedy))
        numbers.append(value)
    factor = math.nan
    if record["analyte"] in UNIT_OF_ANALYTE:
        try:
            factor = _factor(record["analyte"], record["unit"])
        except UnitError:
            known = "% or 1" if record["analyte"] == RATIO else "ng/mL, ug/L, mg/L, nmol/L or alike"
            faults.append(_problem("invalid_code", line, "unit", record["unit"], f"must be {known}"))
    numbers[2] *= factor
    return numbers, faults


def _factor(analyte: str, unit: str) -> float:
    """From the unit of a table to the canonical one; L and S have none."""
    if analyte != RATIO:
        # the mass is the one that patients' values are converted with, so that equal molar values stay equal
        return conversion_factor(analyte, unit, UNIT_OF_ANALYTE[analyte])
    if unit not in {"%", "1"}:
        raise UnitError(unit)
    return 1.0 if unit == "%" else 100.0


def _knot_faults(found: Mapping[tuple[str, str], list[tuple[int, list[float]]]]) -> list[Problem]:
    remedy = "ages must increase within an analyte and sex"
    faults = [
        _problem("out_of_bounds", line, "age_years", f"{numbers[0]}", remedy)
        for knots in found.values()
        for (_, before), (line, numbers) in itertools.pairwise(knots)
        if numbers[0] <= before[0]
    ]
    alone = "has a single age; nothing can be joined"
    return faults + [
        _problem("out_of_bounds", knots[0][0], "age_years", None, alone)
        for knots in found.values()
        if len(knots) == 1
    ]


def _problem(code: str, line: int | None, column: str | None, value: str | None, remedy: str) -> Problem:
    shown = None if value is None else safe_text(value)
    return Problem(code=code, severity=Severity.ERROR, column=column, row=line, value=shown, remedy=remedy)
