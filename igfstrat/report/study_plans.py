"""What each design of a study does, in a sentence that a reader of its name alone needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.formatting import DASH
from igfstrat.report.study_truths import plain_table
from igfstrat.report.tables import Table
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.scenario.design import ADAPTIVE, DesignSettings, SelectionSettings

WHO: Final = {"overall": "everybody", "positive": "positives", "negative": "negatives"}
_ENROLS: Final = {
    "all_comers": "Enrols everybody",
    "enrichment": "Enrols test positives only",
    "biomarker_stratified": "Enrols everybody",
    "hybrid": "Enrols positives, and negatives up to a share of {share} %",
    "sequential": "Enrols everybody",
    "adaptive_enrichment": "Begins with everybody",
    "adaptive_threshold": "Begins with everybody",
    "adaptive_signature": "Enrols everybody",
}
_RULES: Final = {
    "best": "the one with the best result goes on",
    "threshold": "each goes on whose result passes its limit",
    "epsilon": "each goes on whose result is near the best",
    "conditional_power": "each goes on whose conditional power is {at_least} or more",
    "predictive_power": "each goes on whose predictive power is {at_least} or more",
    "posterior_probability": "each goes on whose hazard ratio is below {below} with a probability of {at_least} or more, by the"
    " interim and a prior",
}

_SPLITS: Final = {
    "bonferroni": "Bonferroni",
    "hochberg": "Hochberg",
    "simes": "Simes",
    "spiessens_debois": "Spiessens–Debois",
    "hierarchical": "one after the other",
    "fallback": "fallback",
    "graphical": "graphical",
}


def plan_table(scenario: Scenario) -> Table:
    """What each design does.

    Parameters
    ----------
    scenario : Scenario
        As read; where its sizes are solved for, they stand elsewhere.

    Returns
    -------
    Table
        A row a design.
    """
    solved = scenario.compare_at.power is not None or scenario.compare_at.cost is not None
    rows = [
        (safe_text(name), plan_words(scenario, name), *(() if solved else _size(design, scenario.time_unit)))
        for name, design in scenario.designs.items()
    ]
    header = ("Design", "What it does", *(() if solved else ("Patients planned", "Looks")))
    return plain_table("What each design does", header, rows, ())


def plan_words(scenario: Scenario, name: str) -> str:
    """What a design does.

    Parameters
    ----------
    scenario : Scenario
        With the design.
    name : str
        Under `designs`.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> from igfstrat.trials.scenario import read_scenario
    >>> plan_words(read_scenario("igf1r_enrichment"), "enrichment")
    'Enrols test positives only; tests positives.'
    """
    design, kind = scenario.designs[name], scenario.kind_of(name)
    said = [_ENROLS[kind].format(share=f"{100 * (design.max_negative_share or 0):g}")]
    tested = [WHO[h] for h in scenario.hypotheses_of(name)]
    how = f" ({_SPLITS[design.multiplicity]})" if design.multiplicity else ""
    if design.candidates is not None:
        said.append(_cut_words(design, kind, tested))
    elif kind in ADAPTIVE and design.selection is not None:
        said.append(
            f"tests {' and '.join(tested)} together{how}; after an interim {rule_words(design.selection)}"
        )
    else:
        said.append(f"tests {' and '.join(tested)}{how}")
    if kind in ADAPTIVE and design.is_by_patient(scenario.endpoint):
        said.append("patients count for the stage in which they were recruited")
    if design.allow_invalid_increments:
        said.append("its stages aren't valid with this selection, so that the level isn't kept")
    if design.futility is not None:
        said.append("may stop for futility")
    return "; ".join(said) + "."


def rule_words(selection: SelectionSettings) -> str:
    """Who goes on after an interim.

    Parameters
    ----------
    selection : SelectionSettings
        Of an adaptive design.

    Returns
    -------
    str
        Part of a sentence.

    Examples
    --------
    >>> rule_words(SelectionSettings(rule="conditional_power", at_least=0.3))
    'each goes on whose conditional power is 30 % or more'
    """
    at_least = _by_hypothesis(selection.at_least, 100, " %")
    below = _by_hypothesis(selection.hazard_ratio_below, 1, "")
    return _RULES[selection.rule].format(at_least=at_least, below=below)


def _by_hypothesis(given: float | Mapping[Any, float] | None, scale: float, sign: str) -> str:
    if isinstance(given, Mapping):
        return ", ".join(f"{scale * value:g}{sign} in {WHO[name]}" for name, value in given.items())
    return DASH if given is None else f"{scale * given:g}{sign}"


def _cut_words(design: DesignSettings, kind: str, tested: list[str]) -> str:
    cuts = ", ".join(f"{cut:g}" for cut in design.candidates or ())
    claims = (
        "tests everybody, and those above the cut" if "everybody" in tested else "tests those above the cut"
    )
    if kind == "adaptive_signature":
        share = "a part" if design.learning_share is None else f"{100 * design.learning_share:g} %"
        return f"{claims}; the cut, of {cuts}, is chosen in {share} of the patients and tested in the others"
    when = "at the interim, and the trial goes on above it" if design.n_looks > 1 else "at the end"
    price = "; the test doesn't allow for having chosen" if design.allow_unadjusted_maximum else ""
    return f"{claims}; the cut, of {cuts}, is chosen {when}{price}"


def _size(design: DesignSettings, unit: str) -> tuple[str, str]:
    patients = DASH if design.n is None else f"{design.n:,}"
    looks = design.events or design.analysis_times
    if looks is None:
        return patients, DASH
    counted = "events" if design.events_in == "overall" else f"events in {WHO[design.events_in]}"
    return patients, f"{', '.join(f'{look:,.12g}' for look in looks)} {counted if design.events else unit}"
