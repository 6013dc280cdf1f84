"""What a search says of its candidates in words: what was tried, what was left out, within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.document import Section
from igfstrat.report.search_figures import limits_of, shown_candidates
from igfstrat.report.study_ends import truth_section
from igfstrat.report.study_wording import assumption_words, value_words
from igfstrat.trials.search.cheapest import LEFT_OUT, SearchResults

_MOST_TRIED: Final = 12
_COUNTED: Final = frozenset({"looks", "patients_per_event"})  # choices that no assumption is about


def choices_section(results: SearchResults) -> Section:
    """What was assumed: for the cheapest design with its choices, and what else was tried for them.

    Parameters
    ----------
    results : SearchResults
        Of a search.

    Returns
    -------
    Section
        A list; that of the scenario itself where no design was found.
    """
    tried = {name: values for name, values in results.space.axes.items() if name not in _COUNTED}
    first = [
        f"Tried for {assumption_words(name)}: {'; '.join(map(_tried, values[:_MOST_TRIED]))}"
        + ("." if len(values) <= _MOST_TRIED else f"; and {len(values) - _MOST_TRIED} more.")
        for name, values in tried.items()
    ]
    if results.best is None or not tried:
        return truth_section(results.scenario, first=first)
    best = results.space.candidate(results.best)
    chosen = ", ".join(f"{assumption_words(name)} {_name(best.choices[name])}" for name in tried)
    return truth_section(
        results.space.scenario(best), first=[f"All of this is as in the cheapest design ({chosen}).", *first]
    )


def _tried(value: Any) -> str:
    if not isinstance(value, Mapping) or "name" not in value:
        return value_words(value)
    said = ", ".join(f"{assumption_words(k)} {value_words(v)}" for k, v in value.items() if k != "name")
    return f"{_name(value)} ({said})"


def _name(value: Any) -> str:
    return safe_text(value["name"]) if isinstance(value, Mapping) and "name" in value else value_words(value)


def left_out_words(results: SearchResults) -> str:
    """Designs of the scenario of which no candidate was simulated, and why.

    Parameters
    ----------
    results : SearchResults
        Of a search.

    Returns
    -------
    str
        Empty where every design had its trials.
    """
    reasons: dict[str, set[int]] = {}
    for index, state in enumerate(results.state.tolist()):
        reasons.setdefault(results.space.candidate(index).design, set()).add(state)
    hopeless = [safe_text(name) for name, states in reasons.items() if states == {LEFT_OUT}]
    if not hopeless:
        return ""
    return f"Nothing of {' or '.join(hopeless)} was simulated: by closed form another candidate is clearly cheaper and quicker."


def limit_words(results: SearchResults) -> str:
    """Within which limits the search stayed, and how many cheaper candidates lie outside.

    Parameters
    ----------
    results : SearchResults
        Of a search.

    Returns
    -------
    str
        Empty without limits.
    """
    words = {
        "cost": "expected cost at most {most} " + safe_text(results.scenario.costs.currency),
        "duration": f"expected time at most {{most}} {results.scenario.time_unit}",
        "randomized": "at most {most} patients randomized",
        "screened": "at most {most} patients screened",
    }
    kept = {name: most for name, most in limits_of(results).items() if most is not None}
    if not kept:
        return ""
    said = f"Limits: {', '.join(words[name].format(most=f'{most:,.12g}') for name, most in kept.items())}."
    worth, shown = results.simulated[results.objective], shown_candidates(results)
    over = [i for i in shown if any(results.simulated[name][i] > most for name, most in kept.items())]
    cheaper = [i for i in over if results.best is not None and worth[i] < worth[results.best]]
    if not cheaper:
        return said
    few = "1 cheaper candidate lies" if len(cheaper) == 1 else f"{len(cheaper)} cheaper candidates lie"
    return f"{said} {few} outside them: hollow in the figure of cost, power and time."
