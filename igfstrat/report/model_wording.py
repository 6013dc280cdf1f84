"""What a model card and the screen of `fit` say of a model's figures, in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from igfstrat.report._wording import p_words, people
from igfstrat.report.formatting import DASH, format_number

Figure = Sequence[float | None]
Figures = Mapping[str, Figure]

MEASURES: Final = {
    "c_harrell": "C (Harrell)",
    "c_uno": "C (Uno)",
    "auc": "AUC",
    "brier": "Brier score",
    "ibs": "Integrated Brier score",
    "ipa": "Index of prediction accuracy",
    "observed_expected": "Observed over expected events",
    "calibration_intercept": "Calibration intercept (0 is right)",
    "calibration_slope": "Calibration slope (1 is right)",
    "ici": "Integrated calibration index (0 is right)",
}
BASELINES: Final = {
    "clinical_only": "the other predictors without IGF markers",
    "marker_only": "the IGF markers alone",
    "subtype_only": "a Kaplan–Meier curve for each subtype",
}


def measure_title(name: str, unit: str) -> str:
    """A measure in words.

    Parameters
    ----------
    name : str
        Such as ``auc@36``.
    unit : str
        Unit of the horizons.

    Returns
    -------
    str
        With its horizon, where it has one.

    Examples
    --------
    >>> measure_title("auc@36", "months"), measure_title("c_uno", "months")
    ('AUC at 36 months', 'C (Uno)')
    """
    base, _, at = name.partition("@")
    return f"{MEASURES.get(base, base)} at {at} {unit}" if at else MEASURES.get(base, base)


def figure_text(figure: Figure, digits: int = 3) -> str:
    """A measure with its interval.

    Parameters
    ----------
    figure : sequence of float or None, length 3
        Value, lower and upper limit; None where there is none.
    digits : int
        Decimals.

    Returns
    -------
    str
        ``0.712 (0.650–0.771)``; a dash where there is no value.

    Examples
    --------
    >>> figure_text((0.712, 0.65, 0.771)), figure_text((None, None, None))
    ('0.712 (0.650–0.771)', '–')
    """
    value, low, high = figure
    if value is None:
        return DASH
    if low is None or high is None:
        return format_number(value, digits)
    # a dash between negative numbers reads as one more minus
    between = " to " if low < 0 or high < 0 else "–"
    return (
        f"{format_number(value, digits)} ({format_number(low, digits)}{between}{format_number(high, digits)})"
    )


def added_sentence(found: Figures) -> str:
    """Whether the IGF markers add anything, in words.

    Parameters
    ----------
    found : mapping of str to sequence
        The card's figures of added value; empty where it has none.

    Returns
    -------
    str
        A sentence; "" where nothing was tested.

    Examples
    --------
    >>> added_sentence({"likelihood_ratio": (1.0, None, None), "degrees_of_freedom": (2.0, None, None),
    ...     "p_value": (0.6, None, None), "alpha": (0.05, None, None)})
    'The IGF markers were not shown to add anything to the other predictors (likelihood ratio 1.00 on 2 degrees of freedom, p = 0.60).'
    """
    if "p_value" not in found:
        return ""
    statistic, df, p, alpha = (
        found[name][0] for name in ("likelihood_ratio", "degrees_of_freedom", "p_value", "alpha")
    )
    adds = p is not None and alpha is not None and p < alpha
    what = "add to the other predictors" if adds else "were not shown to add anything to the other predictors"
    degrees = f"{df:.0f} degree{'' if df == 1 else 's'} of freedom"
    return f"The IGF markers {what} (likelihood ratio {format_number(statistic)} on {degrees}, {p_words(p)})."


def baseline_sentences(metrics: Mapping[str, Figures]) -> tuple[str, ...]:
    """What the model had to beat, and whether it did, in words.

    Parameters
    ----------
    metrics : mapping of str to mapping
        The card's metrics.

    Returns
    -------
    tuple of str
        One sentence a baseline; of the one without markers the likelihood-ratio test decides, not its interval.

    Examples
    --------
    >>> baseline_sentences({"subtype_only": {"c_harrell": (0.6, 0.55, 0.65), "over:c_harrell": (0.03, -0.01, 0.07)}})
    ('Against a Kaplan–Meier curve for each subtype (C 0.600): difference in C 0.030 (−0.010 to 0.070), not shown to be better.',)
    """
    said, nothing = [], (None, None, None)
    for kind, title in BASELINES.items():
        found = metrics.get(kind, {})
        own, gain = (found.get(name, nothing) for name in ("c_harrell", "over:c_harrell"))
        if own[0] is None or gain[0] is None:
            continue
        last = [name for name in found if name.startswith("over:ipa@")][-1:]
        ipa = "".join(f", in IPA {figure_text(found[name])}" for name in last)
        verdict = f", {_verdict([gain, *(found[name] for name in last)])}" if kind != "clinical_only" else ""
        said.append(
            f"Against {title} (C {format_number(own[0], 3)}): difference in C {figure_text(gain)}{ipa}{verdict}."
        )
    return tuple(said)


def _verdict(gains: Sequence[Figure]) -> str:
    """Better or worse only where every interval says so: one alone does too often where nothing is to be found."""
    if all(low is not None and low > 0 for _, low, _ in gains):
        return "better"
    if all(high is not None and high < 0 for _, _, high in gains):
        return "worse"
    return "not shown to be better"


def size_sentence(size: Figures, n_patients: int, n_events: int) -> str:
    """How many patients and events Riley's criteria ask for, and how many there are, in words.

    Parameters
    ----------
    size : mapping of str to sequence
        The card's figures of the sample size.
    n_patients, n_events : int
        Patients fitted, and their events.

    Returns
    -------
    str
        A sentence.
    """
    names = ("patients_needed", "events_needed", "candidate_parameters", "anticipated_r_squared")
    needed, events, parameters, r_squared = (float(size[name][0] or 0) for name in names)
    each, here = (format_number(n / parameters, 1) for n in (events, n_events))
    return (
        f"Riley's criteria ask for {needed:.0f} patients with {events:.0f} events ({each} a parameter) for {parameters:.0f}"
        f" candidate parameters, at an anticipated Cox–Snell R² of {format_number(r_squared, 3)} (15 % of the largest"
        f" possible); there are {people(n_patients, 'patient')} with {people(n_events, 'event')} ({here} a parameter)."
    )
