"""The count of all comparisons ever run on this cohort, so that a reader can weigh the one shown."""

from __future__ import annotations

from typing import Any

from igfstrat.report.document import Paragraph, Section
from igfstrat.report.tables import Table


def register_section(register: dict[str, Any]) -> Section:
    """How often these patients were looked at.

    Parameters
    ----------
    register : dict
        From `igfstrat.report.register.update_register`.

    Returns
    -------
    Section
        A sentence and a table.
    """
    n, runs = register["n_ever"], register["n_runs"]
    text = (
        f"{n} comparison{'s' if n != 1 else ''} (marker, cut, endpoint and subgroup, each combination counted once) "
        f"{'were' if n != 1 else 'was'} run on this cohort in this output folder, in {runs} run{'s' if runs != 1 else ''}; "
        f"{register['n_now']} of them in this report."
    )
    caution = "No p-value of this report is corrected for that number; the more looks, the more small p-values come by chance."
    names = {"n_markers": "Markers", "n_cuts": "Cuts", "n_endpoints": "Endpoints", "n_subgroups": "Groups of patients, all of them included",
             "n_ever": "Comparisons, ever", "n_now": "Comparisons, this report"}  # fmt: skip
    rows = [(title, str(register[name])) for name, title in names.items()]
    rows += [("Cohort file, SHA-256", register["cohort_sha256"]), ("Plan, SHA-256", register["plan_sha256"])]
    table = Table(
        caption="Analysis register", header=("", "This cohort"), rows=tuple(rows),
        footnotes=("Runs in other folders are not known here.",), counts=tuple((None, None) for _ in rows),
    )  # fmt: skip
    said = [Paragraph(text=text), *([Paragraph(text=caution)] if n > 1 else [])]
    return Section(key="register", title="Analysis register", blocks=(*said, table))
