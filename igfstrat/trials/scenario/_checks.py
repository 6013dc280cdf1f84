"""What can't be true together in a scenario. Each check yields (place, value found, what must hold).

Sections that are faulty themselves are None here, so that whatever else is wrong is said in the same breath.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from igfstrat.trials.scenario._adaptive_checks import enrichment_faults
from igfstrat.trials.scenario._threshold_checks import threshold_faults
from igfstrat.trials.scenario.design import (
    ADAPTIVE,
    CHOOSE_CUT,
    DEFAULT_HYPOTHESES,
    KINDS,
    DesignSettings,
    RandomizationSettings,
    StatisticSettings,
)
from igfstrat.trials.scenario.from_cohort import FromCohortSettings
from igfstrat.trials.scenario.marker import MarkerSettings
from igfstrat.trials.scenario.outcome import OverallSurvivalSettings

Fault = tuple[tuple[str, ...], Any, str]
Sections = Mapping[str, Any]


def cross_faults(sections: Sections) -> Iterator[Fault]:
    """Every impossible combination of the sections that could be read."""
    if sections.get("marker") is not None:
        yield from _prevalence_faults(sections["marker"])
    yield from _outcome_faults(sections)
    if sections.get("subgroups"):
        yield from _subgroup_faults(sections)
    yield from _strata_faults(sections)
    for name, design in (sections.get("designs") or {}).items():
        for place, value, what in _design_faults(name, design, sections):
            yield ("designs", name, *place), value, what


def _prevalence_faults(marker: MarkerSettings) -> Iterator[Fault]:
    prevalence, assay = marker.prevalence, marker.assay
    if prevalence is None or prevalence.of == "truth" or prevalence.centre is None:
        return
    if assay.sensitivity is None or assay.specificity is None:
        if assay.measurement_sd:
            yield (
                ("marker", "prevalence", "of"),
                "test_positive",
                "with measurement_sd give the prevalence of truth",
            )
        return
    low, high = 1 - assay.specificity, assay.sensitivity
    if not low <= prevalence.centre <= high:
        yield (
            ("marker", "prevalence", "value" if prevalence.value is not None else "mean"),
            prevalence.centre,
            f"sensitivity {assay.sensitivity:g} and specificity {assay.specificity:g} leave {low:.4g} to {high:.4g}"
            " of the patients positive by the test, whatever the truth",
        )


def _outcome_faults(sections: Sections) -> Iterator[Fault]:
    binary = sections.get("endpoint") == "response"
    if binary and sections.get("response") is None:
        yield (
            ("endpoint",),
            "response",
            "give the section `response`: shares of responders by arm and stratum",
        )
    from_cohort = sections.get("from_cohort")
    if from_cohort is not None:
        yield from _cohort_faults(from_cohort, sections)
    if not binary and sections.get("control") is None and "control" in sections and from_cohort is None:
        yield (
            ("endpoint",),
            sections.get("endpoint"),
            "give the section `control`: times to the event on control",
        )
    if binary is False and sections.get("response") is not None:
        yield ("response",), None, "belongs to `endpoint: response`"
    test = sections.get("test")
    if test is not None and binary != (test.statistic == "proportions"):
        what = "a binary response is tested by `proportions`, and nothing else is"
        yield ("test", "statistic"), test.statistic, what
    overall = sections.get("overall_survival")
    if overall is not None:
        yield from _survival_faults(overall, sections)


def _cohort_faults(settings: FromCohortSettings, sections: Sections) -> Iterator[Fault]:
    """What the cohort decides can't be written beside it, and what it leaves must be."""
    what = "comes from the cohort; leave it out here, or out of `from_cohort.take`"
    marker, control = sections.get("marker"), sections.get("control")
    prevalence = marker.prevalence if marker is not None else None
    if "prevalence" in settings.take and prevalence is not None and prevalence.centre is not None:
        yield ("marker", "prevalence"), None, what
    if "control" in settings.take and control is not None:
        yield ("control",), None, what
    if "control" not in settings.take and control is None and "control" in sections:
        yield (
            ("from_cohort", "take"),
            list(settings.take),
            "leaves out `control`, so the scenario must give it",
        )
    if "prevalence" not in settings.take and prevalence is not None and prevalence.centre is None:
        what = "leaves out `marker.prevalence`, so the scenario must give it"
        yield ("from_cohort", "take"), list(settings.take), what
    if sections.get("endpoint") == "response":
        yield (
            ("from_cohort",),
            None,
            "a cohort gives times to an event; leave it out with `endpoint: response`",
        )


def _survival_faults(overall: OverallSurvivalSettings, sections: Sections) -> Iterator[Fault]:
    endpoint = sections.get("endpoint")
    if endpoint in ("response", "dss"):
        yield ("overall_survival",), None, f"can't stand beside `endpoint: {endpoint}`"
    if endpoint == "os" and overall.harm is not None:
        what = "with `endpoint: os` the test itself is about death; use futility"
        yield ("overall_survival", "harm"), None, what
    if endpoint == "os" and sections.get("scans") is not None:
        yield ("scans",), None, "death is seen at once; with `endpoint: os` there is nothing to scan for"
    if overall.before_progression is None and ("before_progression_hazard_ratio" in overall.model_fields_set):
        what = "belongs to `before_progression`"
        yield ("overall_survival", "before_progression_hazard_ratio"), None, what


def _subgroup_faults(sections: Sections) -> Iterator[Fault]:
    subgroups = sections["subgroups"]
    total = sum(group.share for group in subgroups)
    if abs(total - 1) > 1e-9:
        yield ("subgroups",), total, "the shares must sum to 1"
    names = [group.name for group in subgroups]
    for name in dict.fromkeys(n for n in names if names.count(n) > 1):
        yield ("subgroups",), name, "the name stands twice"


def _strata_faults(sections: Sections) -> Iterator[Fault]:
    marker = sections.get("marker")
    randomization: RandomizationSettings | None = sections.get("randomization")
    test: StatisticSettings | None = sections.get("test")
    if marker is None or randomization is None:
        return
    known = [marker.name, *(["subgroup"] if sections.get("subgroups") else [])]
    places = [("randomization", randomization.strata), ("test", (test.strata or ()) if test else ())]
    for section, strata in places:
        for name in strata:
            if name not in known:
                yield (section, "strata"), name, f"is no stratum here; there is {', '.join(known)}"
    if randomization.strata and randomization.block is None:
        yield ("randomization", "block"), None, "stratified randomization needs blocks; give their size"
    if test and test.statistic == "stratified_logrank" and not (test.strata or randomization.strata):
        yield (
            ("test", "statistic"),
            test.statistic,
            "a stratified test needs strata, here or in randomization",
        )


def _design_faults(name: str, design: DesignSettings, sections: Sections) -> Iterator[Fault]:
    kind = design.design or name
    if kind not in KINDS:
        yield (
            (),
            name,
            f"is the name of no kind of design: say which by `design:`; there are {', '.join(KINDS)}",
        )
        return
    yield from _size_faults(design, sections)
    yield from _hypothesis_faults(kind, design)
    yield from _look_faults(design)
    if design.max_negative_share is None and kind == "hybrid":
        yield ("max_negative_share",), None, "hybrid caps the share of negatives; give it"
    if design.max_negative_share is not None and kind != "hybrid":
        yield ("max_negative_share",), design.max_negative_share, "belongs to hybrid"
    if kind == "adaptive_enrichment":
        yield from enrichment_faults(design, design.hypotheses or DEFAULT_HYPOTHESES[kind], sections)
    if kind in CHOOSE_CUT:
        yield from threshold_faults(kind, design, design.hypotheses or DEFAULT_HYPOTHESES[kind], sections)
    adaptive = (
        "selection",
        "combination",
        "increments",
        "first_stage_events",
        "reestimation",
        "candidates",
        "learning_share",
        "cut_by",
        "allow_invalid_increments",
        "allow_unadjusted_maximum",
    )
    for key in adaptive if kind not in ADAPTIVE else ():
        if getattr(design, key) not in (None, False):
            yield (key,), None, f"belongs to an adaptive design; this one is {kind}: leave it out"


def _size_faults(design: DesignSettings, sections: Sections) -> Iterator[Fault]:
    comparison = sections.get("compare_at")
    solved = comparison is not None and comparison.same is None
    if design.n is None and not solved:
        yield ("n",), None, "give the number of patients, or `compare_at` a power or a cost"
    if sections.get("endpoint") == "response":
        return
    if (design.events is None) == (design.analysis_times is None):
        yield ("events",), design.events, "give events, or analysis_times, not both and not neither"
    looks: tuple[float, ...] = design.events or design.analysis_times or ()
    if any(b <= a for a, b in pairwise(looks)):
        yield ("events" if design.events else "analysis_times",), list(looks), "looks must ascend"
    if design.events and design.n is not None and design.events[-1] > design.n:
        yield ("events",), design.events[-1], f"more events than the {design.n} patients"


def _hypothesis_faults(kind: str, design: DesignSettings) -> Iterator[Fault]:
    hypotheses = design.hypotheses or DEFAULT_HYPOTHESES[kind]
    if len(set(hypotheses)) < len(hypotheses) or not hypotheses:
        yield ("hypotheses",), list(hypotheses), "name one or more, each once"
    if kind == "enrichment" and set(hypotheses) != {"positive"}:
        yield ("hypotheses",), list(hypotheses), "an enriched trial holds positive patients only"
    if kind == "enrichment" and design.events_in != "positive" and "events_in" in design.model_fields_set:
        yield ("events_in",), design.events_in, "an enriched trial holds positive patients only"
    yield from _multiplicity_faults(kind, design, hypotheses)


def _multiplicity_faults(kind: str, design: DesignSettings, hypotheses: tuple[str, ...]) -> Iterator[Fault]:
    if len(hypotheses) == 1 and design.multiplicity is not None and kind not in ADAPTIVE:
        yield ("multiplicity",), design.multiplicity, "there is only one hypothesis"
    if design.multiplicity == "spiessens_debois" and set(hypotheses) != {"overall", "positive"}:
        yield (
            ("multiplicity",),
            design.multiplicity,
            "Spiessens–Debois is for the hypotheses overall and positive",
        )
    weights = design.weights or {}
    if weights and set(weights) != set(hypotheses):
        yield ("weights",), list(weights), f"must name the hypotheses {', '.join(hypotheses)}"
    if sum(weights.values()) > 1 + 1e-9:
        yield ("weights",), sum(weights.values()), "must sum to 1 at the most"
    if (design.transitions is not None) != (design.multiplicity == "graphical"):
        yield ("transitions",), None, "belong to `multiplicity: graphical`, which needs them"
    for source, row in (design.transitions or {}).items():
        if {source, *row} - set(hypotheses) or source in row or sum(row.values()) > 1 + 1e-9:
            what = "name other hypotheses of the design, with shares that sum to 1 at the most"
            yield ("transitions", source), dict(row), what


def _look_faults(design: DesignSettings) -> Iterator[Fault]:
    looks = design.n_looks
    if looks == 1 and design.futility is not None:
        yield ("futility",), None, "there is one look only"
    if design.spending and design.spending.shares and len(design.spending.shares) != looks:
        yield ("spending", "shares"), list(design.spending.shares), f"one for each of the {looks} looks"
    futility = design.futility
    if futility and futility.z is not None and len(futility.z) != looks - 1:
        yield ("futility", "z"), list(futility.z), f"one for each of the {looks - 1} looks before the last"
    if futility and futility.shares is not None and len(futility.shares) != looks:
        yield ("futility", "shares"), list(futility.shares), f"one for each of the {looks} looks"
