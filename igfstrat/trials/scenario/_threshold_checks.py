"""What can't be true of a design that chooses its cut. Each check yields (place, value found, what must hold)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from scipy.special import ndtr

from igfstrat.trials.scenario.design import DesignSettings, StatisticSettings
from igfstrat.trials.scenario.marker import MarkerSettings

Fault = tuple[tuple[str, ...], Any, str]
MOST_CANDIDATES: Final = 30  # with the marker's own cut they make 32 intervals at the most
_FEWEST_ABOVE: Final = 0.02  # share of the patients at or above a cut, and below it
_FOREIGN: Final = (
    "selection",
    "combination",
    "increments",
    "first_stage_events",
    "reestimation",
    "futility",
    "transitions",
    "allow_invalid_increments",
)


def threshold_faults(
    kind: str, design: DesignSettings, hypotheses: tuple[str, ...], sections: Mapping[str, Any]
) -> Iterator[Fault]:
    """Every fault of a design of the kinds adaptive_threshold and adaptive_signature."""
    for key in _FOREIGN:
        if getattr(design, key) not in (None, False):
            yield (key,), None, f"belongs to another kind of design; this one is {kind}: leave it out"
    if design.n_looks == 1 and design.spending is not None:
        yield ("spending",), design.spending.spending, "there is one look only"
    if "positive" not in hypotheses or "negative" in hypotheses:
        yield (
            ("hypotheses",),
            list(hypotheses),
            "test positive (at or above the chosen cut), and overall beside it",
        )
    if design.multiplicity not in (None, "bonferroni", "spiessens_debois"):
        what = "the level is split: leave it out, or take bonferroni or spiessens_debois"
        yield ("multiplicity",), design.multiplicity, what
    if design.n_looks > 1:
        yield from _interim_faults(kind, design, hypotheses, sections.get("test"))
    yield from _kind_faults(kind, design, sections)
    yield from _test_faults(kind, design, sections)
    yield from _candidate_faults(design, sections.get("marker"))


def _interim_faults(
    kind: str, design: DesignSettings, hypotheses: tuple[str, ...], test: StatisticSettings | None
) -> Iterator[Fault]:
    """A cut that is chosen at an interim."""
    looks = list(design.events or design.analysis_times or ())
    if kind == "adaptive_signature" or design.events is None or design.n_looks > 2:
        what = "give one number of events, or for adaptive_threshold two: the cut is then chosen at the first"
        yield ("events",), looks, what
    if "overall" in hypotheses and kind == "adaptive_threshold":
        what = "after an interim only patients above the chosen cut are enrolled; test [positive] alone"
        yield ("hypotheses",), list(hypotheses), what
    if test is not None and test.critical_values == "permutation":
        yield (), "permutation", "is there for a cut chosen at the end; give one number of events"
    if design.allow_unadjusted_maximum:
        what = "is there for a cut chosen at the end; give one number of events"
        yield ("allow_unadjusted_maximum",), True, what


def _kind_faults(kind: str, design: DesignSettings, sections: Mapping[str, Any]) -> Iterator[Fault]:
    if kind == "adaptive_signature":
        if design.learning_share is None:
            yield ("learning_share",), None, "give the share of the patients who choose the cut, such as 0.5"
        if design.allow_unadjusted_maximum:
            yield (
                ("allow_unadjusted_maximum",),
                True,
                "belongs to adaptive_threshold; other patients test here",
            )
        if design.multiplicity == "spiessens_debois":
            what = "belongs to adaptive_threshold; here the level is split by weights"
            yield ("multiplicity",), "spiessens_debois", what
        return
    if design.learning_share is not None:
        yield ("learning_share",), design.learning_share, "belongs to adaptive_signature"
    if design.cut_by not in (None, "logrank"):
        what = "adaptive_threshold tests the largest log-rank statistic, and so takes its cut"
        yield ("cut_by",), design.cut_by, what


def _test_faults(kind: str, design: DesignSettings, sections: Mapping[str, Any]) -> Iterator[Fault]:
    test, deaths = sections.get("test"), sections.get("overall_survival")
    if test is not None and test.statistic != "logrank":
        yield (), test.statistic, f"{kind} is tested by logrank; write it at `test.statistic`"
    if test is not None and test.critical_values == "permutation":
        if kind == "adaptive_signature" or design.multiplicity == "spiessens_debois":
            what = "permutation is there for adaptive_threshold with its level split by weights"
            yield (), "permutation", what
        if design.allow_unadjusted_maximum:
            what = "permutation adjusts for the choice; leave it out, or take normal critical values"
            yield ("allow_unadjusted_maximum",), True, what
    if deaths is not None and deaths.harm is not None:
        yield (), None, f"{kind} has no look at which harm could stop it; leave out `overall_survival.harm`"


def _candidate_faults(design: DesignSettings, marker: MarkerSettings | None) -> Iterator[Fault]:
    cuts = design.candidates
    if not cuts:
        yield ("candidates",), None, "give the cuts among which one is chosen, such as [-0.5, 0.0, 0.5]"
        return
    if len(cuts) > MOST_CANDIDATES:
        yield ("candidates",), len(cuts), f"cuts; at the most {MOST_CANDIDATES}"
    if any(b <= a for a, b in pairwise(cuts)) or not all(map(math.isfinite, cuts)):
        yield ("candidates",), list(cuts), "cuts must be numbers that ascend"
    if marker is None:
        return
    if marker.continuous is None:
        what = "a cut is chosen on a continuous marker; give `marker.continuous`, its mean and sd"
        yield ("candidates",), list(cuts), what
        return
    if marker.assay.sensitivity is not None:
        what = "sensitivity and specificity are those of one cut; give `marker.assay.measurement_sd` instead"
        yield ("candidates",), list(cuts), what
    if marker.prevalence is not None and marker.prevalence.sd is not None:
        yield (
            ("candidates",),
            list(cuts),
            "need one true cut: give marker.prevalence a value, not mean and sd",
        )
    spread = math.hypot(marker.continuous.sd, marker.assay.measurement_sd or 0.0)
    for cut in cuts:
        above = float(ndtr((marker.continuous.mean - cut) / spread))
        if not _FEWEST_ABOVE <= above <= 1 - _FEWEST_ABOVE:
            what = (
                f"lies outside the marker: {100 * above:.2g} % of the patients are at or above it; take cuts with"
                f" {100 * _FEWEST_ABOVE:g} to {100 - 100 * _FEWEST_ABOVE:g} %"
            )
            yield ("candidates",), cut, what
