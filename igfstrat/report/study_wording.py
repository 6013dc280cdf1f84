"""Numbers of a study of trial designs as people read them, and its table on a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.features import REGISTRY
from igfstrat.report.formatting import DASH
from igfstrat.schema import COLUMNS
from igfstrat.trials.results.study import DesignResults, StudyPoint
from igfstrat.trials.scenario import Scenario

DISAGREEMENT: Final = 4.0  # standard errors between simulation and closed form that are reported
_LABELS: Final = {
    "none": "no patients",
    "positive": "test positives only",
    "negative": "test negatives only",
    "both": "all patients",
}


_ASSUMPTIONS: Final = {
    "treatment.hazard_ratio": "hazard ratio in everybody",
    "treatment.hazard_ratio.positive": "hazard ratio in positives",
    "treatment.hazard_ratio.negative": "hazard ratio in negatives",
    "control.prognostic_hazard_ratio": "prognostic hazard ratio",
    "control.median": "median on control",
    "marker.prevalence": "share of positives",
    "marker.prevalence.value": "share of positives",
    "marker.assay.sensitivity": "sensitivity of the test",
    "marker.assay.specificity": "specificity of the test",
    "marker.assay.failure.rate": "samples without a result",
    "marker.assay.turnaround_days": "days until the test's result",
    "marker.assay.measurement_sd": "error of the measurement (SD)",
    "marker.continuous.cut": "cut of the marker",
    "marker.continuous.mean": "mean of the marker",
    "marker.continuous.sd": "SD of the marker",
    "accrual.screened_per_month": "screened a month",
    "accrual.randomized_uniformly_over": "time of accrual",
    "dropout.probability_per_year": "dropout a year",
    "dropout.rate_per_year": "rate of dropout a year",
    "costs.screen": "cost of a screening",
    "costs.patient": "cost of a patient",
    "costs.month": "cost of a month",
}
_OF_DESIGN: Final = {
    "n": "patients of {}",
    "events": "events of {}",
    "analysis_times": "times of looks of {}",
}


def assumption_words(path: str) -> str:
    """What a path of a scenario is about.

    Parameters
    ----------
    path : str
        Dotted.

    Returns
    -------
    str
        Words; the path itself where it has none.

    Examples
    --------
    >>> assumption_words("marker.assay.sensitivity"), assumption_words("designs.enrichment.n")
    ('sensitivity of the test', 'patients of enrichment')
    """
    section, _, rest = path.partition(".")
    design, _, key = rest.rpartition(".")
    if section == "designs" and key in _OF_DESIGN:
        return _OF_DESIGN[key].format(safe_text(design))
    return _ASSUMPTIONS.get(path, safe_text(path))


def marker_words(name: str) -> str:
    """What a marker is called on a page.

    Parameters
    ----------
    name : str
        As the scenario has it.

    Returns
    -------
    str
        The title of the feature or column of that name, else the name without underscores.

    Examples
    --------
    >>> marker_words("igf1r_status"), marker_words("igf1r_h_score"), marker_words("my_marker")
    ('IGF-1R status', 'IGF-1R H-score', 'my marker')
    """
    known = REGISTRY.get(name) or COLUMNS.get(name)
    return known.title if known else safe_text(name.replace("_", " "))


def value_words(value: object) -> str:
    """A value of a scenario: three digits of a number and all before its point, a mapping as it would be said.

    Parameters
    ----------
    value : object
        Of the scenario's file.

    Returns
    -------
    str
        Without the brackets and quotes of a mapping, and without `of`, what a share is a share of.

    Examples
    --------
    >>> value_words(0.62231), value_words({"mean": 0.6, "sd": 0.08, "of": "truth"}), value_words({"value": 0.45})
    ('0.622', 'mean 0.6, sd 0.08', '0.45')
    >>> value_words(60000), value_words([{"until": 4, "hazard_ratio": 1.0}, {"hazard_ratio": 0.6}])
    ('60,000', 'until 4, hazard ratio 1, then hazard ratio 0.6')
    """
    if isinstance(value, Mapping):
        named = {str(k).replace("_", " "): value_words(v) for k, v in value.items() if k != "of"}
        if set(named) == {"value"}:
            return named["value"]
        return ", ".join(f"{safe_text(k)} {v}" for k, v in named.items())
    if isinstance(value, list | tuple):
        return ", then ".join(map(value_words, value))
    if not isinstance(value, int | float) or isinstance(value, bool):
        return safe_text(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def label_words(label: str) -> str:
    """For whom a drug is labelled.

    Parameters
    ----------
    label : str
        ``none``, ``positive``, ``negative`` or ``both``.

    Returns
    -------
    str
        Words.

    Examples
    --------
    >>> label_words("both")
    'all patients'
    """
    return _LABELS[label]


def with_error(value: float, error: float, *, digits: int = 1) -> str:
    """A number with its Monte-Carlo standard error in brackets.

    Parameters
    ----------
    value, error : float
        NaN where there is none; an error of 0 is left out.
    digits : int
        Decimals of the value; the error has one more at the most.

    Returns
    -------
    str
        A dash for NaN.

    Examples
    --------
    >>> with_error(49.21, 0.4999), with_error(2.34, 0.151, digits=2), with_error(300.0, 0.0), with_error(500.0, 0.003)
    ('49.2 (0.50)', '2.34 (0.15)', '300.0', '500.0 (<0.01)')
    """
    if not math.isfinite(value):
        return DASH
    text = f"{value:,.{digits}f}".replace("-", "−")
    if not math.isfinite(error) or error <= 0:
        return text
    decimals = min(max(1 - math.floor(math.log10(error)), 0), digits + 1)
    least = 10.0**-decimals
    return f"{text} (<{least:.{decimals}f})" if error < least / 2 else f"{text} ({error:.{decimals}f})"


def percent(found: Mapping[str, Any], *, digits: int = 1) -> str:
    """A probability in percent with its Monte-Carlo standard error.

    Parameters
    ----------
    found : mapping
        ``value`` and ``mc_standard_error``, between 0 and 1.
    digits : int
        Decimals.

    Returns
    -------
    str
        Without the sign of percent.

    Examples
    --------
    >>> percent({"value": 0.4921, "mc_standard_error": 0.005})
    '49.2 (0.50)'
    """
    return with_error(100 * found["value"], 100 * found["mc_standard_error"], digits=digits)


def money(scenario: Scenario, points: Sequence[StudyPoint]) -> tuple[float, str] | None:
    """What costs are divided by, and the unit that this gives.

    Parameters
    ----------
    scenario : Scenario
        With its currency.
    points : sequence of StudyPoint
        Whose costs are shown together.

    Returns
    -------
    tuple of float and str, or None
        Such as ``(1e6, "M EUR")``; None where nothing costs.
    """
    most = max(d.cost["mean"] for point in points for d in point.results.designs.values())
    if not most > 0:
        return None
    scale, sign = next(((s, t) for s, t in ((1e6, "M "), (1e3, "k ")) if most >= s), (1.0, ""))
    return scale, sign + safe_text(scenario.costs.currency)


def span(values: Sequence[float], digits: int) -> str:
    """From the least to the greatest of some numbers.

    Parameters
    ----------
    values : sequence of float
        One or more.
    digits : int
        Decimals.

    Returns
    -------
    str
        One number where both read the same.

    Examples
    --------
    >>> span([0.25, 1.5, 0.3], 1), span([0.21, 0.19], 1)
    ('0.2 to 1.5', '0.2')
    """
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def agreement(points: Sequence[StudyPoint]) -> str:
    """Whether simulation and closed form agree.

    Parameters
    ----------
    points : sequence of StudyPoint
        Of the whole study.

    Returns
    -------
    str
        A sentence.
    """
    gaps = [gap for point in points if math.isfinite(gap := point.results.largest_gap)]
    if not gaps:
        return "None of these designs has a closed form to compare with."
    size = f"largest gap {max(gaps):.1f} standard errors"
    if max(gaps) > DISAGREEMENT:
        return f"Simulation and closed form differ ({size}): one of them doesn't hold here."
    return f"Simulation and closed form agree ({size})."


def screen_lines(scenario: Scenario, points: Sequence[StudyPoint], *, most: int = 8) -> list[str]:
    """The designs side by side for a terminal, and whether the closed form agrees.

    Parameters
    ----------
    scenario : Scenario
        As read.
    points : sequence of StudyPoint
        In the order of the grid.
    most : int
        Points that are shown.

    Returns
    -------
    list of str
        Lines.
    """
    unit = money(scenario, points)
    header = ["design", "power", "randomized", "screened", scenario.time_unit, *([f"cost {unit[1]}"] if unit else []),
              "right label"]  # fmt: skip
    lines = ["In brackets: Monte-Carlo standard error. Right label: trials whose claims fit the truth."]
    for point in points[:most]:
        if point.values:
            lines.append(", ".join(f"{path} {safe_text(value)}" for path, value in point.values.items()))
        rows = [_cells(design, unit) for design in point.results.designs.values()]
        widths = [max(len(row[i]) for row in (header, *rows)) + 2 for i in range(len(header))]
        lines += [
            "  " + "".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in (header, *rows)
        ]
    if len(points) > most:
        lines.append(f"… and {len(points) - most} more points, all in designs.csv")
    return [*lines, agreement(points)]


def _cells(design: DesignResults, unit: tuple[float, str] | None) -> list[str]:
    cost = [f"{design.cost['mean'] / unit[0]:,.1f}"] if unit else []
    sizes = [f"{design.n_randomized['mean']:,.0f}", f"{design.n_screened['mean']:,.0f}"]
    time = f"{design.duration['mean']:,.1f}"
    return [safe_text(design.name), _short(design.power), *sizes, time, *cost, _short(design.right_label["all"])]  # fmt: skip


def _short(found: Mapping[str, float]) -> str:
    error = f"{found['mc_standard_error']:.3f}".removeprefix("0")
    return f"{found['value']:.3f} ({error})"
