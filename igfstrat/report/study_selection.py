"""Tables of adaptive designs: who was selected at an interim, hazard ratios after it, and infeasible trials by cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import percent, with_error
from igfstrat.report.tables import Table
from igfstrat.trials.results import DesignResults

_ERRORS: Final = "In brackets Monte-Carlo standard errors."
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
    tables = [_interim_table(adaptive), _estimator_table(adaptive)]
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
