"""What a study of trial designs assumed, and how it was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.document import Paragraph, Section
from igfstrat.report.study_wording import assumption_words, marker_words, value_words
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.scenario.outcome import EffectPiece, HazardSettings

REFERENCES: Final = (
    "Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions. Biometrika 1981;68:316-319.",
    "Struthers CA, Kalbfleisch JD. Misspecified proportional hazard models. Biometrika 1986;73:363-369.",
)
_LIMITS: Final = (
    "The truth above is assumed, not found: the study says which design would find it out, not whether it holds.",
    "Power and cost move with prevalence, assay and effect; try their plausible range (vary, in the scenario) before choosing.",
    "Monte-Carlo standard errors are the error of the simulation alone, not that of what is assumed.",
)
_OTHER_TRUTHS: Final = (
    "Under other truths, and over effect and prevalence, each design keeps the sizes, looks and boundaries that were planned for"
    " the assumed truth; the expected times of looks are those at which the drift integral expects their events. "
)


_WITHOUT_RESULT: Final = {
    "excluded": "these patients are left out",
    "negative": "these patients count as negative",
    "positive": "these patients count as positive",
    "retest": "these are drawn and tested once more",
}


def truth_section(scenario: Scenario, *, first: Sequence[str] = ()) -> Section:
    """What was assumed.

    Parameters
    ----------
    scenario : Scenario
        As read.
    first : sequence of str
        Sentences that begin the list, such as whose assumptions these are.

    Returns
    -------
    Section
        A list.
    """
    marker, test = scenario.marker, scenario.test
    lines = [*first, _marker_words(scenario)]
    if marker.assay.failure.rate:
        then = _WITHOUT_RESULT[marker.assay.failure.then]
        lines.append(f"{100 * marker.assay.failure.rate:g} % of the samples give no result; {then}.")
    if scenario.response is None:
        ratio = scenario.treatment.hazard_ratio
        lines.append(
            f"Hazard ratio of the treatment: in true positives {_effect_words(ratio.positive, scenario)}, in true negatives"
            f" {_effect_words(ratio.negative, scenario)}."
        )
    if scenario.control is not None and scenario.control.positive is not None:
        lines.append("Marker-positive patients have times of their own on control.")
    elif scenario.control is not None:
        prognostic = _effect_words(scenario.control.prognostic_hazard_ratio, scenario)
        lines.append(f"Marker-positive to marker-negative, both on control: hazard ratio {prognostic}.")
    share = scenario.randomization.ratio
    lines.append(
        f"Endpoint {scenario.endpoint.upper()}; {_test_name(test.statistic)} at {100 * test.alpha:g} %,"
        f" {'one' if test.sided == 1 else 'two'}-sided; randomized {share[0]}:{share[1]} (experimental to control)."
    )
    if scenario.compare_at.power is not None:
        lines.append(
            f"Each design has the size at which its closed form gives a power of {100 * scenario.compare_at.power:g} %, in the"
            " proportions in which it is written."
        )
    elif scenario.compare_at.cost is not None:
        lines.append(
            f"Each design has the size at which its trials cost {scenario.compare_at.cost:,.0f} {safe_text(scenario.costs.currency)} on"
            " average, in the proportions in which it is written."
        )
    lines += [*_course_words(scenario), *_death_words(scenario)]
    if scenario.vary:
        varied = "; ".join(f"{assumption_words(k)} {_list_words(v)}" for k, v in scenario.vary.items())
        lines.append(f"These vary, whatever stands above: {varied}.")
    return Section(
        key="truth",
        title="What was assumed",
        blocks=tuple(Paragraph(text=text, kind="item") for text in lines),
    )


def _test_name(statistic: str) -> str:
    """The field's word for a statistic."""
    return f"{statistic.replace('_', ' ').replace('logrank', 'log-rank').replace('rmst', 'RMST')} test"


def _course_words(scenario: Scenario) -> list[str]:
    """Times on control, how patients come and are lost, and what they cost, where one number says it."""
    control, accrual, costs, unit = scenario.control, scenario.accrual, scenario.costs, scenario.time_unit
    lines = []
    if control is not None:
        lines.append(_control_words(control, unit))
    if accrual.screened_per_month is not None:
        lines.append(f"Patients screened a month: {accrual.screened_per_month:g}.")
    if accrual.randomized_uniformly_over is not None:
        lines.append(f"Patients are randomized evenly over {accrual.randomized_uniformly_over:g} {unit}.")
    if scenario.dropout.probability_per_year:
        lines.append(f"Lost to follow-up: {100 * scenario.dropout.probability_per_year:g} % a year.")
    if costs.screen or costs.patient or costs.month:
        lines.append(
            f"Costs in {safe_text(costs.currency)}: {costs.screen:,.12g} a screened patient, {costs.patient:,.12g} a randomized patient,"
            f" {costs.month:,.12g} a month of the trial."
        )
    return lines


def _control_words(control: HazardSettings, unit: str) -> str:
    who = "on control, marker-negative patients"
    if control.hazard is not None:
        pieces = [f"{p.rate:.3g}" + (f" until {p.until:g} {unit}" if p.until else "") for p in control.hazard]
        return f"Events per patient and {unit.removesuffix('s')} {who}: {', then '.join(pieces)}."
    if control.weibull is not None:
        shape, median, scale = control.weibull.shape, control.weibull.median, control.weibull.scale
        size = f"median {median:g}" if median is not None else f"scale {scale:g}"
        return f"Weibull times {who}: shape {shape:g}, {size} {unit}."
    if control.cure is not None:
        never = f"{100 * control.cure.fraction:g} % never have the event"
        return f"Times {who}: {never}; median of the others {control.cure.median:g} {unit}."
    return f"Median {who}: {control.median:g} {unit}."


def _death_words(scenario: Scenario) -> list[str]:
    """Death beside progression, crossover, and when a trial stops for harm."""
    settings = scenario.overall_survival
    if settings is None:
        return []
    control = "Control and treatment are about progression; death follows it with its own times"
    lines = [f"{control}, and may come before." if settings.before_progression else f"{control}."]
    crossover, harm = settings.crossover, settings.harm
    if crossover is not None:
        lines.append(
            f"After progression {100 * crossover.probability:g} % of the control patients take the experimental treatment, with a"
            f" hazard ratio for death of {crossover.hazard_ratio:g} from then on."
        )
    if harm is not None:
        rule = (
            f"a one-sided p-value below {harm.p_below:g}"
            if harm.p_below is not None
            else f"a hazard ratio of death above {harm.hazard_ratio_above:g}"
        )
        then = "ends the trial without a claim" if harm.then == "stop" else "is flagged"
        lines.append(
            f"Harm to survival, {rule} at a look with {harm.deaths_at_least} deaths or more, {then}."
        )
    return lines


def _marker_words(scenario: Scenario) -> str:
    prevalence, assay = scenario.marker.prevalence, scenario.marker.assay
    said = f"Marker {marker_words(scenario.marker.name)}"
    continuous = scenario.marker.continuous
    if continuous is not None:
        said += f", normal with mean {continuous.mean:g} and SD {continuous.sd:g}"
        said += f", positive in truth from {continuous.cut:g} on" if continuous.cut is not None else ""
    if prevalence is not None and prevalence.centre is not None:
        of = "by the test" if prevalence.of == "test_positive" else "in truth"
        spread = f" (standard deviation {100 * prevalence.sd:.3g})" if prevalence.sd else ""
        said += f": {100 * prevalence.centre:.3g} %{spread} of the patients positive {of}"
    if assay.sensitivity is not None and assay.specificity is not None:
        said += f"; sensitivity {assay.sensitivity:.3g}, specificity {assay.specificity:.3g}"
        said += f" (against {safe_text(assay.against)})" if assay.against else ""
    if assay.measurement_sd:
        said += f"; measured with an error of SD {assay.measurement_sd:g}"
    return said + "."


def _effect_words(effect: Sequence[EffectPiece], scenario: Scenario) -> str:
    """Pieces over the time since randomization; one for a constant."""
    pieces = [
        f"{piece.hazard_ratio:.3g}" + (f" until {piece.until:g} {scenario.time_unit}" if piece.until else "")
        for piece in effect
    ]
    return ", then ".join(pieces)


def _list_words(values: tuple[Any, ...]) -> str:
    return ", ".join(value_words(value) for value in values[:12]) + (" …" if len(values) > 12 else "")


def end_sections(versions: Mapping[str, str], *, other_truths: bool = False) -> list[Section]:
    """How it was done, what it can't show, and whose methods these are.

    Parameters
    ----------
    versions : mapping of str to str
        igfstrat, Python and libraries.
    other_truths : bool
        Whether the designs were tried under other truths too.

    Returns
    -------
    list of Section
        Methods, limitations, references.
    """
    made = "Made with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    methods = (
        "Each trial draws its patients as they are screened, tested, enrolled and followed, and analyses them at the looks of its"
        " design. All designs see the same patients (common random numbers), so that differences between designs are more"
        " precise than their standard errors apart suggest. The closed form integrates the drift of the log-rank test at the"
        " design's own accrual and censoring. "
    )
    if other_truths:
        methods += _OTHER_TRUTHS
    methods += made
    listed = (("limitations", "Limitations", _LIMITS), ("references", "References", REFERENCES))
    return [
        Section(key="methods", title="Methods", blocks=(Paragraph(text=methods),)),
        *(
            Section(key=key, title=title, blocks=tuple(Paragraph(text=text, kind="item") for text in texts))
            for key, title, texts in listed
        ),
    ]
