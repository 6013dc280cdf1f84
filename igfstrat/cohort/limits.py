"""How much of a machine one file may take before it is refused: every limit of the readers, in one table.

The limits are conventions: far above what honest cohorts need, and low enough that a file made to
do harm is refused within seconds and half a gigabyte. Time and memory grow with the file, since an
honest workbook of a million rows needs more than a small one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Final

from igfstrat.errors import UsageError

_MB: Final = 1_000_000


def _limit(default: float, meaning: str) -> float:
    value: float = field(default=default, metadata={"meaning": meaning})
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may take.

    Parameters
    ----------
    file_mb, expanded_mb, token_mb : float
        Sizes in MB (10^6 bytes), > 0.
    members, marks, depth, sparse_cells, cells : float
        Counts, > 0.
    ratio, ratio_from_mb : float
        Expanded over packed size, and from which expanded size on it is looked at.
    seconds, seconds_per_mb : float
        Computing time, and what each MB of the file adds to it.
    memory_mb, memory_per_mb : float
        Memory of the process that parses, and what each expanded MB adds to it.
    """

    file_mb: float = _limit(100, "size of a file; its cells take about sixteen times that in memory")
    members: float = _limit(5_000, "files inside a workbook")
    expanded_mb: float = _limit(1_500, "size of a workbook's XML")
    ratio: float = _limit(60, "size of a workbook's XML over that of the file")
    ratio_from_mb: float = _limit(20, "size of the XML below which its ratio doesn't matter")
    token_mb: float = _limit(4, "size of a single tag or comment in the XML")
    depth: float = _limit(200, "tags inside each other in the XML")
    marks: float = _limit(500_000, "formulas, and error cells")
    sparse_cells: float = _limit(5_000_000, "empty cells between the filled ones")
    cells: float = _limit(30_000_000, "cells of a file")
    seconds: float = _limit(6, "computing time for any file")
    seconds_per_mb: float = _limit(3, "computing time for each MB of a file, beside that")
    memory_mb: float = _limit(256, "memory of the process that parses")
    memory_per_mb: float = _limit(4, "memory for each MB of a workbook's XML, beside that")

    def time_for(self, n_bytes: int) -> float:
        """Computing time for a file.

        Parameters
        ----------
        n_bytes : int
            Its size.

        Returns
        -------
        float
            Seconds.
        """
        return self.seconds + self.seconds_per_mb * n_bytes / _MB

    def memory_for(self, n_expanded: int) -> int:
        """Memory for a file.

        Parameters
        ----------
        n_expanded : int
            Its size when expanded.

        Returns
        -------
        int
            Bytes.
        """
        return int(self.memory_mb * _MB + self.memory_per_mb * n_expanded)


LIMITS: Final = Limits()


def parse_limits(text: str) -> Limits:
    """Limits, some of them other than usual.

    Parameters
    ----------
    text : str
        ``name=number`` joined by commas.

    Returns
    -------
    Limits
        The usual ones where nothing is said.

    Raises
    ------
    UsageError
        If a name is not one of a limit, or a number is not one above 0.

    Examples
    --------
    >>> parse_limits("file_mb=500, seconds=60").file_mb
    500.0
    """
    known = {limit.name for limit in fields(Limits)}
    changed: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in known:
            message = f"--limits: there is no limit {name!r}; there are {', '.join(sorted(known))}"
            raise UsageError(message)
        try:
            changed[name] = float(number)
        except ValueError:
            changed[name] = float("nan")
        if not 0 < changed[name] < float("inf"):
            message = f"--limits: {name} must be a number above 0; write {name}=100"
            raise UsageError(message)
    return replace(LIMITS, **changed)
