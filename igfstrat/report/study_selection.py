"""Tables of adaptive designs: who was selected at an interim, hazard ratios after it, and infeasible trials by cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.formatting import DASH
from igfstrat.report.study_plans import WHO
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import percent, with_error
from igfstrat.report.tables import Table
from igfstrat.trials.results.study import DesignResults

_ERRORS: Final = "In brackets: Monte-Carlo standard error."
_PARTS: Final = ("everybody", "positive", "negative", "nobody")


def selection_tables(designs: Sequence[DesignResults]) -> list[Table]:
    """What adaptive designs have beside the others.

    Parameters
    ----------
    designs : sequence of DesignResults
        Of one point of the grid.

    Returns
    -------
    list of Table
        Empty without an adaptive design.
    """
    adaptive = [design for design in designs if "interims" in design.selected]
    if not adaptive:
        return []
    tables = [_interim_table(adaptive), *_bayesian_tables(adaptive), _estimator_table(adaptive)]
    causes = _cause_rows(adaptive)
    if causes:
        header = ("Design", "Cause", "Trials, %")
        tables.append(plain_table("Trials without what was planned, by cause", header, causes, (_ERRORS,)))
    return tables


def _interims(design: DesignResults) -> Sequence[dict[str, Any]]:
    found: Any = design.selected["interims"]
    return list(found)


def _interim_table(designs: Sequence[DesignResults]) -> Table:
    rows = [
        (
            safe_text(design.name),
            str(k),
            *(percent(interim["goes_on_in"][part]) for part in _PARTS),
        )
        for design in designs
        for k, interim in enumerate(_interims(design), start=1)
    ]
    return plain_table(
        "Who is enrolled after an interim",
        ("Design", "Interim", "Everybody, %", "Positives, %", "Negatives, %", "Nobody: trial over, %"),
        rows,
        (_ERRORS,),
    )


def _bayesian_tables(designs: Sequence[DesignResults]) -> list[Table]:
    """Priors of a Bayesian go or no-go, and how often it goes on; empty where no design has one."""
    chosen = [design for design in designs if "go_no_go" in design.selected]
    return [_prior_table(chosen), _go_table(chosen)] if chosen else []


def _prior_table(designs: Sequence[DesignResults]) -> Table:
    rows: list[tuple[str, ...]] = []
    sources: dict[str, str] = {}
    for design in designs:
        for name, found in _go_no_go(design).items():
            prior = found["prior"]
            sources |= found["sources"]
            rows.append((safe_text(design.name), WHO[name], _prior_words(prior), *_prior_numbers(prior)))
    told = "; ".join(f"{key}: {safe_text(source)}" for key, source in sources.items())
    return plain_table(
        "Prior of the go or no-go",
        (
            "Design",
            "Patients",
            "Prior",
            "Hazard ratio (95 % interval)",
            "Mean of log hazard ratio",
            "SD of log hazard ratio",
            "Worth, events",
        ),
        rows,
        (
            "A prior is what is believed of a hazard ratio before the trial. Worth: events of this trial that carry as much information."
            " The prior decides with whom a trial goes on, and nothing else: what is claimed is decided by the closed test alone,"
            " which keeps its level whatever the prior.",
            *([f"Sources (igfstrat evidence): {told}."] if told else []),
        ),
    )


def _go_no_go(design: DesignResults) -> dict[str, dict[str, Any]]:
    found: Any = design.selected["go_no_go"]
    return dict(found)


def _prior_words(prior: dict[str, Any]) -> str:
    ids = ", ".join(prior["evidence"])
    if prior["kind"] == "power":
        return f"power prior: reported in {ids}, at a weight of {prior['weight']:g}"
    if prior["kind"] == "heterogeneity":
        return f"heterogeneity prior: one more trial like {ids}, whose log hazard ratios differ by an SD of {prior['tau']:.3g}"
    return "vague: nothing is known"


def _prior_numbers(prior: dict[str, Any]) -> tuple[str, ...]:
    if prior["sd"] is None:
        return (DASH, DASH, DASH, "0")
    low, high = prior["interval"]
    mean = with_error(prior["mean"], 0, digits=3)
    ratio = f"{prior['hazard_ratio']:.2f} ({low:.2f}–{high:.2f})"
    return (ratio, mean, f"{prior['sd']:.3f}", f"{prior['events']:,.0f}")


def _go_table(designs: Sequence[DesignResults]) -> Table:
    rows = []
    for design in designs:
        without: Any = design.selected.get("interims_without_effect")
        for k, interim in enumerate(_interims(design)):
            for name, rule in _go_no_go(design).items():
                null = percent(without[k]["hypotheses"][name]) if without else DASH
                rows.append(
                    (safe_text(design.name), str(k + 1), WHO[name], _rule_words(rule), percent(interim["hypotheses"][name]), null)
                )  # fmt: skip
    return plain_table(
        "How often the go or no-go goes on",
        (
            "Design",
            "Interim",
            "Patients",
            "Goes on where",
            "Goes on with the effect, %",
            "Goes on without any, %",
        ),
        rows,
        (
            "Frequencies over simulated trials, which know of no prior. A trial that ends at the interim, for success or for"
            f" futility, does not go on. {_ERRORS}",
        ),
    )


def _rule_words(rule: dict[str, Any]) -> str:
    if rule["hazard_ratio_below"] is None or rule["at_least"] is None:
        return "always"
    return f"hazard ratio < {rule['hazard_ratio_below']:g} with a probability ≥ {100 * rule['at_least']:g} %"


def _estimator_table(designs: Sequence[DesignResults]) -> Table:
    rows = []
    for design in designs:
        for name, found in design.hazard_ratio["after_selection"].items():
            for kind in ("naive", "conditional", "shrunken"):
                of = found[kind]
                mean, bias, square = of["mean_hazard_ratio"], of["log_bias"], of["log_mean_squared_error"]
                rows.append(
                    (safe_text(design.name), name, with_error(found["true"], 0, digits=3), kind,
                     with_error(mean["mean"], mean["mc_standard_error"], digits=3),
                     with_error(bias["value"], bias["mc_standard_error"], digits=3),
                     with_error(square["value"], square["mc_standard_error"], digits=3), percent(of["coverage"]))
                )  # fmt: skip
    return plain_table(
        "Hazard ratio of what was selected",
        (
            "Design",
            "Patients",
            "Truth",
            "Estimate",
            "Mean",
            "Bias of log",
            "Mean squared error of log",
            "Coverage, %",
        ),
        rows,
        (
            "Of trials that went on with these patients. Naive: all patients at the end. Conditional: what came after the"
            " interim alone, unbiased given the selection. Shrunken: the first stage of a stratum drawn towards the mean of"
            " both, with the second. " + _ERRORS,
        ),
    )


def _cause_rows(designs: Sequence[DesignResults]) -> list[tuple[str, ...]]:
    return [
        (safe_text(design.name), cause.replace("_", " "), percent(share))
        for design in designs
        for cause, share in design.infeasible_because.items()
        if share["value"] > 0
    ]
