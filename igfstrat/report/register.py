"""How many comparisons were ever run on a cohort in one output folder.

Looking at many markers, cuts, endpoints and subgroups and showing the best one is the commonest way to a finding that
nobody can repeat. The register counts the looks. It holds hashes and names of comparisons, never a patient.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

from igfstrat.errors import StorageError, safe_text
from igfstrat.files import write_bytes

REGISTER_FILE: Final = "analysis_register.jsonl"
_FIELDS: Final = ("marker", "cut", "endpoint", "subgroup")
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One look at the data.

    Parameters
    ----------
    marker : str
        Column or feature.
    cut : str
        Its rule in words.
    endpoint : str
        Such as ``dfs``.
    subgroup : str
        Within whom; ``all`` for everybody.
    """

    marker: str
    cut: str
    endpoint: str
    subgroup: str = "all"


def list_comparisons(
    marker: str, cuts: Sequence[str], endpoints: Sequence[str], subgroups: Sequence[str] = ()
) -> list[Comparison]:
    """Every combination of one run.

    Parameters
    ----------
    marker : str
        Column or feature.
    cuts, endpoints : sequence of str
        Rules in words, and endpoints.
    subgroups : sequence of str
        Besides everybody, who is always looked at.

    Returns
    -------
    list of Comparison
        One a combination.

    Examples
    --------
    >>> len(list_comparisons("igf1r_status", ["H-score >= 100"], ["dfs", "os"], ["luminal_a", "luminal_b"]))
    6
    """
    return [
        Comparison(marker=marker, cut=cut, endpoint=endpoint, subgroup=subgroup)
        for cut, endpoint, subgroup in product(cuts, endpoints, ("all", *subgroups))
    ]


def hash_of(content: Any) -> str:
    """Hash of a plan or of any plain data.

    Parameters
    ----------
    content : Any
        Dicts, lists, text, numbers; the order of keys doesn't matter.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def update_register(
    folder: Path, *, cohort: str, plan: str, comparisons: Iterable[Comparison]
) -> dict[str, Any]:
    """Add a run to the folder's register, and count what was ever run on this cohort there.

    Parameters
    ----------
    folder : Path
        The output folder; its register outlives ``--force``.
    cohort, plan : str
        Their hashes.
    comparisons : iterable of Comparison
        What this run looks at.

    Returns
    -------
    dict
        See `count_register`.

    Raises
    ------
    StorageError
        If the register is there and can't be read or written.
    """
    path = folder / REGISTER_FILE
    records = _read(path)
    new = sorted({tuple(getattr(c, name) for name in _FIELDS) for c in comparisons})
    record = {"format": _FORMAT, "cohort": cohort, "plan": plan, "comparisons": [list(c) for c in new]}
    # the very same run again is no further look
    if record not in records:
        records.append(record)
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
        write_bytes(path, lines.encode(errors="backslashreplace"))
    return count_register(records, cohort=cohort, plan=plan, n_now=len(new))


def count_register(
    records: Sequence[dict[str, Any]], *, cohort: str, plan: str, n_now: int
) -> dict[str, Any]:
    """Count the distinct comparisons of a cohort.

    Parameters
    ----------
    records : sequence of dict
        All runs of a register.
    cohort, plan : str
        Hashes of this run.
    n_now : int
        Comparisons of this run.

    Returns
    -------
    dict
        ``cohort_sha256``, ``plan_sha256``, ``n_now``, ``n_ever`` (combinations, each counted once), ``n_runs`` (distinct
        runs), and ``n_markers``, ``n_cuts``, ``n_endpoints``, ``n_subgroups`` (distinct ones).
    """
    mine = [record for record in records if record["cohort"] == cohort]
    looks = {tuple(c) for record in mine for c in record["comparisons"]}
    counts = {f"n_{name}s": len({look[i] for look in looks}) for i, name in enumerate(_FIELDS)}
    # the same words cut two markers at two places
    counts["n_cuts"] = len({look[:2] for look in looks})
    return {
        "cohort_sha256": cohort, "plan_sha256": plan, "n_now": n_now, "n_ever": len(looks), "n_runs": len(mine),
        **counts,
    }  # fmt: skip


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        fits = all(
            {"cohort", "comparisons"} <= set(r) and all(len(c) == 4 for c in r["comparisons"])
            for r in records
        )
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(_unreadable(path)) from error
    if not fits:
        raise StorageError(_unreadable(path))
    return records


def _unreadable(path: Path) -> str:
    return (
        f"{safe_text(path)} is no analysis register; move it away to begin a new one, and keep it: "
        "it counts the comparisons made so far"
    )
