"""Every setting of a scenario, and what made its results, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.document import Section
from igfstrat.report.study_truths import plain_table
from igfstrat.report.tables import Table
from igfstrat.trials.scenario import Scenario

_ELSEWHERE: Final = frozenset({"name", "history"})  # the title, and a section of its own
_RUN: Final = frozenset({"replicates", "seed"})
_MOST: Final = 200


def provenance_section(
    scenario: Scenario, *, source: str, made: Mapping[str, object], versions: Mapping[str, str]
) -> Section:
    """Settings and provenance.

    Parameters
    ----------
    scenario : Scenario
        As read.
    source : str
        Name of the scenario's file; empty where there is none.
    made : mapping of str to object
        How the results were computed: trials, seed.
    versions : mapping of str to str
        igfstrat, Python and libraries.

    Returns
    -------
    Section
        Two tables.
    """
    rows = [("Scenario", safe_text(source) or "given in Python")]
    rows += [(name, f"{value:,}" if isinstance(value, int) and name != "Seed" else str(value)) for name, value in made.items()]  # fmt: skip
    rows += [(f"Version of {name}", safe_text(version)) for name, version in versions.items()]
    rows.append(("Use", "research only; not for the care of a patient"))
    made_by = plain_table("Provenance", ("What", "Value"), rows, ())
    return Section(
        key="provenance", title="Settings and provenance", blocks=(assumption_table(scenario), made_by)
    )


def assumption_table(scenario: Scenario) -> Table:
    """Every setting that the scenario names, by its path in the file.

    Parameters
    ----------
    scenario : Scenario
        As read.

    Returns
    -------
    Table
        Two columns; defaults that the file leaves out are left out.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> made = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.5}}, "control": {"median": 12},
    ...     "accrual": {"screened_per_month": 20}, "designs": {"all_comers": {"n": 500, "events": [100, 300]}}})
    >>> assumption_table(made).rows[-1]
    ('designs.all_comers.events', '100, 300')
    """
    settings = scenario.model_dump(mode="json", exclude_unset=True)
    found = {k: v for k, v in settings.items() if k not in _ELSEWHERE}
    # how many trials were really run, and from which seed, is below: a command may ask for others than the file
    found["simulation"] = {k: v for k, v in found.get("simulation", {}).items() if k not in _RUN}
    rows = [(safe_text(path), safe_text(text, limit=400)) for path, text in _leaves(found, "")]
    notes = [
        "Paths are those of the scenario's file; what it leaves out has its default. Numbers with six digits at the most; all digits"
        " are in results.json."
    ]
    if len(rows) > _MOST:
        notes.append(f"The first {_MOST} of {len(rows):,}; all are in results.json.")
    return plain_table("Assumptions", ("Setting", "Value"), rows[:_MOST], tuple(notes))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Settings in their order; a list of plain values stands in one line."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for number, inner in enumerate(value, start=1):
            yield from _leaves(inner, f"{path} {number}" if len(value) > 1 else path)
    elif isinstance(value, list):
        yield path, ", ".join(_word(item) for item in value)
    elif value is not None:
        yield path, _word(value)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return str(value)
    return f"{value:.12g}" if value.is_integer() else f"{value:.6g}"
