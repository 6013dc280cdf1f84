"""What scoring in pieces gave: counts over all rows, and what is said of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from igfstrat.cohort import Cohort
from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.workflows.plan import ChosenPlan
from igfstrat.workflows.row_flags import word_flags
from igfstrat.workflows.score_cohort import FLAGGED, NOT_SCORED, SCORED

KINDS: Final = ("status", "reason", "flag", "stratum", "subtype")


@dataclass(slots=True, kw_only=True)
class StreamResult:
    """What scoring in pieces gave.

    Parameters
    ----------
    cohort : Cohort
        As read, without the text of its cells.
    chosen : ChosenPlan
        The plan.
    n_rows : int
        Rows of the file, all of them in the output.
    counts : dict of str to Counter
        Rows by ``status``, ``reason``, ``flag``, ``stratum`` and ``subtype``.
    evidence : dict
        What is reported on each stratum.
    problems : list of Problem
        Of the file as a whole.
    descriptions : dict of str to str
        How each feature was computed.
    written : list of Path
        Files.
    """

    cohort: Cohort
    chosen: ChosenPlan
    n_rows: int
    counts: dict[str, Counter[str]]
    evidence: dict[str, Any]
    problems: list[Problem]
    descriptions: dict[str, str]
    written: list[Path] = field(default_factory=list)

    def count(self, kind: str) -> dict[str, int]:
        """Rows of one kind of count, in words.

        Parameters
        ----------
        kind : str
            Key of `counts`.

        Returns
        -------
        dict of str to int
            The commonest first.
        """
        counts = dict(sorted(self.counts[kind].items(), key=_commonest))
        return word_flags(counts) if kind == "flag" else counts

    @property
    def is_flagged(self) -> bool:
        """Whether anything asks for attention: exit code 3."""
        return self.has_flags or self.counts["status"][SCORED] < self.n_rows

    @property
    def has_flags(self) -> bool:
        """Whether there is any problem to list beside rows that lack an input."""
        return bool(self.counts["flag"]) or any(p.severity is Severity.FLAG for p in self.problems)


def refusal_of(result: StreamResult) -> CohortError:
    """What `--strict` says of a flagged result.

    Parameters
    ----------
    result : StreamResult
        Of a table in pieces.

    Returns
    -------
    CohortError
        To be raised.
    """
    found = [p for p in result.problems if p.severity is Severity.FLAG]
    for kind in ("reason", "flag"):
        for text, n in result.counts[kind].items():
            remedy = f"{text}: {n} rows"
            found.append(Problem(code="missing_input", severity=Severity.FLAG, remedy=remedy))
    headline = f"{result.cohort.sheet.place} ({result.n_rows} rows), which --strict does not accept"
    return CohortError(headline, found, "Nothing was written.")


def manifest_content(result: StreamResult) -> dict[str, Any]:
    """What a manifest says of a result.

    Parameters
    ----------
    result : StreamResult
        Of a table in pieces.

    Returns
    -------
    dict
        As for a cohort that is scored as a whole.
    """
    counts = {name: dict(sorted(found.items(), key=_commonest)) for name, found in result.counts.items()}
    return {
        "plan": result.chosen.to_dict(),
        "read": result.cohort.to_dict(),
        "features": result.descriptions,
        "rows": {
            "read": result.n_rows,
            **{status: counts["status"].get(status, 0) for status in (SCORED, FLAGGED, NOT_SCORED)},
            "not_scored_because": counts["reason"],
        },
        "strata": counts["stratum"],
        "evidence": dict(sorted(result.evidence.items())),
        "flags": word_flags(counts["flag"]),
        "notices": [p.remedy for p in result.problems if p.severity is Severity.NOTICE],
    }


def _commonest(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
