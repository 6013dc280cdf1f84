"""Tables of a study beside its main one: errors under each null, death beside the endpoint, missing closed forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from igfstrat.errors import safe_text
from igfstrat.report.document import Paragraph
from igfstrat.report.formatting import DASH
from igfstrat.report.study_wording import percent, with_error
from igfstrat.report.tables import Table
from igfstrat.trials.results.study import DesignResults

_ERRORS: Final = "In brackets: Monte-Carlo standard error."


def null_table(designs: Sequence[DesignResults]) -> Table | None:
    """False claims under each null, where more than one was simulated.

    Parameters
    ----------
    designs : sequence of DesignResults
        Of one point.

    Returns
    -------
    Table or None
        None where the only null is that of no effect at all.
    """
    asked = [d for d in designs if d.errors]
    if not any("average_is_one" in (d.errors or {}) for d in asked):
        return None
    rows = []
    for design in asked:
        errors = design.errors or {}
        named = errors["none_in_either"]["hypotheses"].items()
        rows += [
            (safe_text(design.name), "no effect in either", name, percent(e, digits=2)) for name, e in named
        ]
        if "average_is_one" in errors:
            average = errors["average_is_one"]
            ratio = f"average 1: negatives {average['negative_hazard_ratio']:.3f}"
            rows += [
                (safe_text(design.name), ratio, name, percent(e, digits=2))
                for name, e in average["hypotheses"].items()
            ]
    notes = (
        f"{_ERRORS} Average 1: the positives keep their effect, and the negatives are harmed so much that the test in everybody"
        " drifts nowhere; the claims for all and for whom the drug harms are false then.",
    )
    return plain_table("False claims", ("Design", "Truth", "Claim", "Claimed, %"), rows, notes)


def death_table(designs: Sequence[DesignResults]) -> Table | None:
    """Death beside the endpoint: hazard ratio and harm.

    Parameters
    ----------
    designs : sequence of DesignResults
        Of one point.

    Returns
    -------
    Table or None
        None where death isn't simulated, or is the endpoint.
    """
    rows = []
    for design in designs:
        found = design.overall_survival
        if found is None:
            continue
        ratio, deaths = found["hazard_ratio"], found["n_deaths"]
        mean = ratio["mean_estimate"]
        harm, null = found.get("harm"), found.get("harm_without_effect")
        rows.append((
            safe_text(design.name), with_error(deaths["mean"], deaths["mc_standard_error"], digits=0),
            with_error(ratio["true"], 0, digits=3), with_error(mean["mean"], mean["mc_standard_error"], digits=3),
            percent(harm) if harm else DASH, percent(null) if null else DASH,
        ))  # fmt: skip
    if not rows:
        return None
    header = ("Design", "Deaths", "Truth", "Mean estimate", "Harm found, %", "Harm found without effect, %")
    notes = (f"Truth: {_definition(designs)}.", f"{_ERRORS} Estimates are those when the trial ends.")
    return plain_table("Overall survival", header, rows, notes)


def _definition(designs: Sequence[DesignResults]) -> str:
    found = next(d.overall_survival for d in designs if d.overall_survival is not None)
    return str(found["hazard_ratio"]["definition"])


def missing_forms(designs: Sequence[DesignResults]) -> list[Paragraph]:
    """Why designs have no closed form.

    Parameters
    ----------
    designs : sequence of DesignResults
        Of one point.

    Returns
    -------
    list of Paragraph
        One for each that has none.
    """
    return [
        Paragraph(text=f"No closed form for {safe_text(d.name)}: {d.no_closed_form}.", kind="item")
        for d in designs
        if d.no_closed_form
    ]


def plain_table(
    caption: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]], notes: tuple[str, ...]
) -> Table:
    """A table of texts.

    Parameters
    ----------
    caption : str
        What it shows.
    header : tuple of str
        Names of the columns.
    rows : sequence of tuple of str
        Cells.
    notes : tuple of str
        Below it.

    Returns
    -------
    Table
        Without counts to hide.
    """
    counts = tuple(tuple(None for _ in header) for _ in rows)
    return Table(caption=caption, header=header, rows=tuple(rows), footnotes=notes, counts=counts)
