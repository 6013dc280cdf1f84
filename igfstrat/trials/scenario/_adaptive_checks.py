"""What can't be true of an adaptive enrichment design. Each check yields (place, value found, what must hold)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from igfstrat.trials.scenario.design import DesignSettings

Fault = tuple[tuple[str, ...], Any, str]
_BOUNDARIES: Final = ("classical_obrien_fleming", "classical_pocock", "haybittle_peto")
_TESTS: Final = ("bonferroni", "simes", "spiessens_debois", "hierarchical", "graphical")


def enrichment_faults(
    design: DesignSettings, hypotheses: tuple[str, ...], sections: Mapping[str, Any]
) -> Iterator[Fault]:
    """Every fault of a design of the kind adaptive_enrichment."""
    if design.selection is None:
        yield ("selection",), None, "an adaptive design needs a rule, such as {rule: best}"
    if design.events is None or design.n_looks < 2:
        yield (
            ("events",),
            list(design.events or ()),
            "an adaptive design selects at an interim: give two or more",
        )
    if design.multiplicity is not None and design.multiplicity not in _TESTS:
        what = f"is no test of intersections; there are {', '.join(_TESTS)}"
        yield ("multiplicity",), design.multiplicity, what
    if design.futility is not None and design.futility.binding:
        yield ("futility", "binding"), True, "an adaptive design keeps its level without; leave it out"
    if design.combination == "fisher" and design.spending and design.spending.spending in _BOUNDARIES:
        yield ("spending",), design.spending.spending, "Fisher's product takes functions that spend the error"
    for key in ("candidates", "learning_share", "cut_by", "allow_unadjusted_maximum"):
        if getattr(design, key) not in (None, False):
            yield (key,), None, "belongs to a design that chooses a cut; leave it out"
    yield from _selection_faults(design, hypotheses)
    yield from _reestimation_faults(design)
    yield from _stage_faults(design, sections)


def _selection_faults(design: DesignSettings, hypotheses: tuple[str, ...]) -> Iterator[Fault]:
    for key in ("at_least", "at_most", "hazard_ratio_below", "priors"):
        limits = getattr(design.selection, key, None)
        if isinstance(limits, Mapping) and set(limits) - set(hypotheses):
            what = f"name hypotheses of the design: {', '.join(hypotheses)}"
            yield ("selection", key), list(limits), what


def _reestimation_faults(design: DesignSettings) -> Iterator[Fault]:
    most, events = design.reestimation, design.events
    if most is None or events is None:
        return
    if most.most_events < events[-1]:
        what = f"fewer than the {events[-1]} planned"
        yield ("reestimation", "most_events"), most.most_events, what
    if design.n is not None and most.most_events > design.n:
        yield ("reestimation", "most_events"), most.most_events, f"more events than the {design.n} patients"


def _stage_faults(design: DesignSettings, sections: Mapping[str, Any]) -> Iterator[Fault]:
    """Which form of the stages is valid for the data that select."""
    endpoint, test = sections.get("endpoint"), sections.get("test")
    selected_on = design.selection.endpoint if design.selection else None
    foreign, by_patient = design.selects_on_other(endpoint), design.is_by_patient(endpoint)
    if foreign and not by_patient and not design.allow_invalid_increments:
        yield (
            ("increments",),
            design.increments,
            f"{selected_on} selects for a test of {endpoint}: what it tells of later events raises the error; take"
            " stage_by_patient (or allow_invalid_increments: true, to study what goes wrong)",
        )
    if design.allow_invalid_increments and (by_patient or not foreign):
        what = "there is nothing invalid to allow: leave it out, or select by other data with independent_increments"
        yield ("allow_invalid_increments",), True, what
    if foreign and "overall_survival" in sections and sections["overall_survival"] is None:
        what = f"{selected_on} beside `endpoint: {endpoint}` needs the section overall_survival"
        yield ("selection", "endpoint"), selected_on, what
    if by_patient and design.n_looks > 2:
        yield ("increments",), "stage_by_patient", "has two stages; give two numbers of events"
    if not by_patient and design.first_stage_events is not None:
        yield ("first_stage_events",), design.first_stage_events, "belongs to stage_by_patient"
    if by_patient and design.events and (design.first_stage_events or 0) >= design.events[-1]:
        what = f"leaves nothing of the {design.events[-1]} events for the second stage"
        yield ("first_stage_events",), design.first_stage_events, what
    if test is not None and test.statistic not in {"logrank", "stratified_logrank"}:
        what = "an adaptive design is tested by logrank or stratified_logrank; write them at `test.statistic`"
        yield (), test.statistic, what
