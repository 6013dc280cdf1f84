"""The adjusted comparison as a section: hazard ratios, standardized curves, balance, overlap and what weighting costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from igfstrat.analysis.adjusted import AdjustedResult, AdjustedTerm, StandardizedCurves
from igfstrat.report._wording import effect_text, p_words, people, sentence
from igfstrat.report.adjusted_figures import METHOD_TITLES, balance_label, love_figure, standardized_figure
from igfstrat.report.document import Block, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH, format_label, format_months, format_number, format_p
from igfstrat.report.tables import Table

_NOT_CAUSAL: Final = (
    "A marker is no intervention: these results are standardized to the measured covariates, and say nothing about what"
    " would happen if the marker were changed. Covariates that were not measured are not allowed for."
)
_REFERENCES: Final = (
    "Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.",
    "Li F, Morgan KL, Zaslavsky AM. Balancing covariates via propensity score weighting. J Am Stat Assoc"
    " 2018;113:390-400.",
    "Austin PC, Stuart EA. Moving towards best practice when using inverse probability of treatment weighting (IPTW)"
    " using the propensity score to estimate causal treatment effects in observational studies. Stat Med"
    " 2015;34:3661-3679.",
    "Vittinghoff E, McCulloch CE. Relaxing the rule of ten events per variable in logistic and Cox regression. Am J"
    " Epidemiol 2007;165:710-718.",
)
_IMPUTATION_REFERENCES: Final = (
    "White IR, Royston P. Imputing missing covariate values for the Cox model. Stat Med 2009;28:1982-1998.",
    "Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. Biometrika 1999;86:948-955.",
    "Marshall A, Altman DG, Holder RL, Royston P. Combining estimates of interest in prognostic modelling studies after"
    " multiple imputation: current practice and guidelines. BMC Med Res Methodol 2009;9:57.",
)


def adjusted_section(result: AdjustedResult) -> Section:
    """What is left of the difference between groups when covariates are allowed for.

    Parameters
    ----------
    result : AdjustedResult
        One endpoint.

    Returns
    -------
    Section
        Part of an endpoint's chapter, level 3; sentences say what can't be estimated and why.
    """
    title = f"{result.title}, adjusted for covariates"
    if result.not_estimable:
        text = f"No adjusted comparison can be made: {result.not_estimable}."
        blocks: list[Block] = [Paragraph(text=text, kind="caution"), *_left_out(result)]
        return Section(key=f"adjusted_{result.endpoint}", title=title, blocks=tuple(blocks), level=3)
    imputed = result.n_imputations is not None
    return Section(
        key=f"adjusted_{result.endpoint}",
        title=title,
        level=3,
        blocks=(
            Paragraph(text=_lead(result)),
            *_left_out(result),
            *_model_blocks(result),
            *_standardized_blocks(result),
            *_balance_blocks(result),
        ),
        methods=tuple(_methods(result)),
        references=(*_REFERENCES, *(_IMPUTATION_REFERENCES if imputed else ())),
        limitations=(_NOT_CAUSAL,),
    )


def _lead(result: AdjustedResult) -> str:
    names = ", ".join(c["title"] for c in result.covariates)
    missing = [f"{title}: {n}" for title, n in result.n_missing.items() if n]
    listed = f" Without a value ({'; '.join(missing)})." if missing else ""
    if result.n_imputations is not None:
        how = (
            f"Missing covariates of {people(result.n, 'patient')} with {people(result.n_events, 'event')} were imputed"
            f" {result.n_imputations} times."
        )
    else:
        how = (
            f"Of {people(result.n_before, 'patient')} with a group and the endpoint, {result.n} have all covariates,"
            f" with {people(result.n_events, 'event')} (complete cases)."
        )
    return f"{result.grouping.title} is compared with allowance for {names}. {how}{listed}"


def _left_out(result: AdjustedResult) -> list[Block]:
    if not result.left_out_terms:
        return []
    listed = "; ".join(f"{name} ({reason})" for name, reason in result.left_out_terms.items())
    return [Paragraph(text=f"Left out of the models: {listed}.")]


def _model_blocks(result: AdjustedResult) -> list[Block]:
    model = result.model
    if model.not_estimable:
        return [
            Paragraph(text=f"The multivariable model can't be fitted: {model.not_estimable}.", kind="caution")
        ]
    return [Paragraph(text=" ".join(_model_sentences(result))), _model_table(result)]


def _model_sentences(result: AdjustedResult) -> list[str]:
    model = result.model
    said = []
    own = [t for t in model.terms if t.is_group and t.estimate.value is not None]
    not_proportional = _not_proportional(result)
    if own:
        listed = ", ".join(f"{effect_text(t.estimate)} for {format_label(str(t.level))}" for t in own)
        said.append(
            f"Against {format_label(result.groups[0])}, the adjusted hazard ratio is {listed} (95 % interval in brackets)."
        )
    test = "likelihood-ratio test" if model.group_test_kind == "likelihood_ratio" else "pooled Wald test"
    if model.group_test.p_value is not None:
        said.append(
            f"The {test} of {result.grouping.title} gives {p_words(model.group_test.p_value)}, not corrected for other"
            " comparisons in this report."
        )
    if not_proportional:
        said.append(
            "Hazards are not proportional"
            f" ({', '.join(not_proportional)}): such a hazard ratio averages over an effect that changes with time, and the"
            " standardized curves by weights, which don't rest on it, say more."
        )
    said.append(
        f"The model has {model.n_parameters} coefficients, {format_number(model.events_per_parameter, 1)} events for each."
    )
    return said


def _not_proportional(result: AdjustedResult) -> list[str]:
    tests = [
        (result.grouping.title if not t.covariate else t.covariate, t.test.p_value)
        for t in result.model.proportional_by_term
    ]
    tests.append(("all together", result.model.proportional_hazards.p_value))
    return [f"{name}: {p_words(p)}" for name, p in tests if p is not None and p < result.alpha]


def _model_table(result: AdjustedResult) -> Table:
    by_term = {t.covariate: t.test for t in result.model.proportional_by_term}
    rows, shown = [], set()
    for term in result.model.terms:
        test = None if term.covariate in shown else by_term.get(term.covariate)
        shown.add(term.covariate)
        rows.append(
            (
                _term_name(result, term),
                effect_text(term.estimate, _ratio_digits(term)),
                format_p(term.estimate.p_value),
                format_p(test.p_value) if test else DASH,
            )
        )
    test_name = (
        f"Test of {result.grouping.title} ({'χ²' if result.model.group_test_kind == 'likelihood_ratio' else 'F'},"
        f" {result.model.group_test_df} df)"
    )
    rows.append(
        (test_name, effect_text(result.model.group_test), format_p(result.model.group_test.p_value), DASH)
    )
    overall = result.model.proportional_hazards
    rows.append(
        ("Proportional hazards, all terms (χ²)", effect_text(overall), DASH, format_p(overall.p_value))
    )
    source = "; tests of proportional hazards are from complete cases" if result.n_imputations else ""
    return Table(
        caption=f"{result.title}: multivariable Cox model",
        header=("Term", "Hazard ratio (95 % CI) or statistic", "p", "p, proportional hazards"),
        rows=tuple(rows),
        footnotes=(f"n = {result.model.n}, events {result.model.n_events}; numbers are per unit{source}",),
        counts=((None,) * 4,) * len(rows),
    )


def _ratio_digits(term: AdjustedTerm) -> int:
    """Three decimals for a number, whose ratio per unit is often near 1."""
    return 2 if term.level is not None else 3


def _term_name(result: AdjustedResult, term: AdjustedTerm) -> str:
    if term.level is None:
        return f"{term.covariate}, per unit"
    name = result.grouping.title if term.is_group else term.covariate
    return f"{name}: {format_label(term.level)} to {format_label(str(term.reference))}"


def _standardized_blocks(result: AdjustedResult) -> list[Block]:
    shown = [c for c in result.standardized if c.not_estimable is None]
    reasons = dict.fromkeys(c.not_estimable for c in result.standardized if c.not_estimable)
    blocks: list[Block] = []
    for reason in reasons:
        names = ", ".join(METHOD_TITLES[c.method] for c in result.standardized if c.not_estimable == reason)
        blocks.append(Paragraph(text=f"No standardized curves ({names}): {reason}.", kind="caution"))
    if not shown:
        return blocks
    blocks += [
        Paragraph(text=sentence(f"{METHOD_TITLES[c.method]}: no intervals, {c.no_interval}"), kind="caution")
        for c in shown
        if c.no_interval
    ]
    return [
        *blocks,
        Paragraph(text=_NOT_CAUSAL),
        _curve_figure(result, shown),
        _survival_table(result, shown),
        _difference_table(result, shown),
    ]


def _curve_figure(result: AdjustedResult, shown: list[StandardizedCurves]) -> FigureBlock:
    block = FigureBlock(
        name=f"standardized_{result.endpoint}",
        caption=f"{result.title}, standardized survival by {result.grouping.title}, with pointwise 95 % bootstrap bands."
        " Each curve ends with the follow-up of its group.",
        alternative=f"One panel for each of {', '.join(METHOD_TITLES[c.method] for c in shown)}; one falling curve a group."
        " The tables below hold the values.",
        draw=lambda narrow: standardized_figure(result, narrow=narrow),
        data_header=("Method", "Group", "Months", "Survival", "Lower limit", "Upper limit"),
        data=_points(shown, 1),
    )
    return replace(
        block,
        masked=lambda minimum: replace(
            block,
            draw=lambda narrow: standardized_figure(result, narrow=narrow, every=max(minimum, 1)),
            data=_points(shown, max(minimum, 1)),
            masked=None,
        ),
    )


def _points(shown: list[StandardizedCurves], every: int) -> tuple[tuple[float | int | str | None, ...], ...]:
    return tuple(
        (c.method, group.label, *numbers)
        for c in shown
        for group in c.groups
        for numbers in zip(
            group.time[::every], group.survival[::every], group.ci_lower[::every], group.ci_upper[::every], strict=True
        )
    )  # fmt: skip


def _survival_table(result: AdjustedResult, shown: list[StandardizedCurves]) -> Table:
    first = shown[0].groups[0]
    rows = [
        (
            METHOD_TITLES[c.method],
            format_label(group.label),
            f"{group.n}",
            DASH if group.effective_n is None else format_number(group.effective_n, 1),
            *(effect_text(m.estimate, 1, scale=100) for m in group.milestones),
            effect_text(group.rmst, 1),
        )
        for c in shown
        for group in c.groups
    ]
    counts = [(None, None, g.n, *(None,) * (len(rows[0]) - 3)) for c in shown for g in c.groups]
    return Table(
        caption=f"{result.title}: standardized survival",
        header=("Method", "Group", "n", "Effective n",
                *(f"{format_months(m.months)}, % (95 % CI)" for m in first.milestones),
                f"{_mean_time(result)}, months (95 % CI)"),
        rows=tuple(rows),
        counts=tuple(counts),
        footnotes=("Effective n: how many unweighted patients would tell as much (Kish)",),
    )  # fmt: skip


def _mean_time(result: AdjustedResult) -> str:
    return (
        "Mean survival time"
        if result.rmst_tau is None
        else f"Mean survival time to {format_number(result.rmst_tau, 1)} months"
    )


def _difference_table(result: AdjustedResult, shown: list[StandardizedCurves]) -> Table:
    rows = [
        (
            METHOD_TITLES[c.method],
            f"{format_label(d.term)} minus {format_label(d.reference)}",
            *(effect_text(m.estimate, 1, scale=100) for m in d.milestones),
            effect_text(d.rmst, 1),
        )
        for c in shown
        for d in c.differences
    ]
    times = shown[0].differences[0].milestones
    return Table(
        caption=f"{result.title}: differences of standardized survival",
        header=("Method", "Difference",
                *(f"{format_months(m.months)}, percentage points (95 % CI)" for m in times),
                f"{_mean_time(result)}, months (95 % CI)"),
        rows=tuple(rows),
        counts=((None,) * len(rows[0]),) * len(rows),
    )  # fmt: skip


def _balance_blocks(result: AdjustedResult) -> list[Block]:
    if not result.balance:
        return []
    several = len(result.groups) > 2
    rows = tuple(
        (balance_label(row, several=several), *(format_number(v) for v in (row.unweighted, row.iptw, row.overlap)))
        for row in result.balance
    )  # fmt: skip
    bound = format_number(result.balance_bound, 1)
    table = Table(
        caption="Balance: absolute standardized mean differences between groups",
        header=("Covariate", "Unweighted", METHOD_TITLES["iptw"], METHOD_TITLES["overlap"]),
        rows=rows,
        footnotes=(f"up to {bound} is usually called balanced",),
        counts=((None,) * 4,) * len(rows),
    )
    figure = FigureBlock(
        name=f"balance_{result.endpoint}",
        caption=f"Balance of covariates between groups before and after weighting; the line is at {bound}.",
        alternative="One row a covariate, one mark a method; the table holds the values.",
        draw=lambda narrow: love_figure(result, narrow=narrow),
        data_header=("Covariate", "Unweighted", "IPTW", "Overlap"),
        data=tuple(
            (balance_label(r, several=several), r.unweighted, r.iptw, r.overlap) for r in result.balance
        ),
    )
    return [Paragraph(text=_positivity(result)), figure, table]


def _positivity(result: AdjustedResult) -> str:
    low, high = (format_number(bound) for bound in result.positivity_bounds)
    listed = "; ".join(
        f"{format_label(p.label)}: {format_number(p.lowest)} to {format_number(p.highest)},"
        f" {format_number(p.share_outside * 100, 1)} % outside {low} to {high}"
        for p in result.positivity
    )
    warning = (
        " Where such probabilities are near 0 or 1, inverse probability weights rest on few patients; overlap weights"
        " speak of those who might be in either group."
        if any(p.share_outside > 0 for p in result.positivity)
        else ""
    )
    return f"Fitted probability of each group given the covariates ({listed}).{warning}"


def _methods(result: AdjustedResult) -> list[str]:
    coded = [
        f"{c['title']} ({format_label(str(c['reference']))})" for c in result.covariates if c["reference"]
    ]
    said = [
        "The adjusted hazard ratios come from a Cox model of the groups and "
        + ", ".join(c["title"] for c in result.covariates)
        + (f"; codes entered as 0/1 columns, with reference {', '.join(coded)}" if coded else "")
        + f"; no model is fitted with fewer than {result.fewest_events_per_parameter} events for each coefficient."
    ]
    used = [c for c in result.standardized if c.not_estimable is None]
    if used:
        drawn = max(c.replicates_used for c in used)
        said.append(
            "Standardized survival was estimated by weighted Kaplan–Meier with stabilized inverse probability weights and"
            " with overlap weights from a (multinomial) logistic model of the groups without penalty, and by the g-formula:"
            " the mean over the covariates of all patients of the survival that the Cox model without interactions gives"
            f" each group. Intervals come from up to {drawn} bootstrap samples (seed {result.seed}), in each of which the"
            " weight model and the Cox model were fitted again."
        )
    if result.n_imputations is not None:
        said.append(
            f"Missing covariates were imputed {result.n_imputations} times by chained equations (numbers by Bayesian linear,"
            " codes by multinomial logistic regression) from all other covariates, the groups, the event and the"
            " Nelson–Aalen cumulative hazard. Log hazard ratios were pooled by Rubin's rules with Barnard and Rubin's degrees"
            " of freedom (complete-data degrees of freedom: events less coefficients), survival on the complementary log-log"
            " scale, differences as they are, with the bootstrap variance within each table. Medians are not pooled by"
            " Rubin's rules and therefore not given."
        )
    return said
