"""Estimates with standard errors from the columns of a drawn cohort, as an analyst would make them.

Nothing of the generator's inside is used: statuses are read back from the percentages by the features' own rules,
scores from the concentrations by the reference, and survival by `igfstrat.survival`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.features.igf1r_scores import allred_score, h_score, her2_style_score
from igfstrat.features.reference_range import lms_sds, reference_parameters
from igfstrat.features.status import NAMED_RULES
from igfstrat.survival import cox, kaplan_meier
from igfstrat.synthetic._outcome import age_class
from igfstrat.synthetic._serum import OBESE_FROM
from igfstrat.synthetic.config import CohortConfig, Group

Estimate = tuple[float, float]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
ANALYTES: Final = {"igf1": "igf1_ng_ml", "igfbp3": "igfbp3_ng_ml"}


def high_by_rule(table: pd.DataFrame, rule: str) -> Mask:
    """Who is IGF-1R high, from the percentages of cells.

    Parameters
    ----------
    table : DataFrame, one row a patient
        With the four percentages.
    rule : str
        Key of `igfstrat.features.status.NAMED_RULES`.

    Returns
    -------
    ndarray of bool, shape (n,)
        ``any_membrane`` counts any stained cell (E-b-08).
    """
    stained = [table[f"igf1r_pct_{i}"].to_numpy(dtype=np.float64) for i in (1, 2, 3)]
    if rule == "any_membrane":
        return np.asarray(sum(stained) > 0)
    measure, cut = NAMED_RULES[rule].measure, NAMED_RULES[rule].at_least
    score = {"igf1r_h_score": h_score, "igf1r_allred": allred_score, "igf1r_ihc": her2_style_score}[measure]
    return np.asarray(score(*stained) >= cut)


def belongs_to(table: pd.DataFrame, group: Group) -> Mask:
    """Who belongs to a group of tumours.

    Parameters
    ----------
    table : DataFrame, one row a patient
        As drawn.
    group : Group
        Its subtype, histology and driver.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where all that the group states agrees.
    """
    stated = {"subtype": group.subtype, "histology": group.histology, "driver": group.driver}
    agreed = [(table[name] == word).to_numpy() for name, word in stated.items() if word]
    return np.asarray(np.all(agreed, axis=0))


def estimate_percent(chosen: Mask) -> Estimate:
    """Share in percent.

    Parameters
    ----------
    chosen : ndarray of bool, shape (n,)
        Who counts.

    Returns
    -------
    tuple of float
        Percent, and its binomial standard error.

    Examples
    --------
    >>> estimate_percent(np.array([True, False, True, False]))
    (50.0, 25.0)
    """
    share = float(np.mean(chosen))
    return 100 * share, 100 * float(np.sqrt(share * (1 - share) / len(chosen)))


def estimate_survival(table: pd.DataFrame, endpoint: str, months: float) -> Estimate:
    """Percent without an event at a time, by Kaplan and Meier.

    Parameters
    ----------
    table : DataFrame, one row a patient
        With the endpoint's columns.
    endpoint : str
        Such as ``dfs``.
    months : float
        When.

    Returns
    -------
    tuple of float
        Percent, and Greenwood's standard error.
    """
    time, event = _outcome(table, endpoint)
    at = kaplan_meier(time=time, event=event).at([months])
    return 100 * float(at.survival[0]), 100 * float(at.std_error[0])


def estimate_log_ratio(table: pd.DataFrame, endpoint: str, rule: str) -> Estimate:
    """Log hazard ratio of IGF-1R high against low, stratified by group, stage and age class.

    Parameters
    ----------
    table : DataFrame, one row a patient
        As drawn.
    endpoint : str
        Such as ``dfs``.
    rule : str
        Which status.

    Returns
    -------
    tuple of float
        Cox's estimate with Efron ties, and its standard error.
    """
    high = high_by_rule(table, rule).astype(np.float64)
    return _cox(table, endpoint, high[:, np.newaxis], strata_of(table))


def estimate_serum_ratio(table: pd.DataFrame, config: CohortConfig, contrast: str) -> Estimate:
    """Log hazard ratio for death of serum IGF-1, given age, sex, body mass index and drugs.

    Parameters
    ----------
    table : DataFrame, one row a patient
        As drawn; all have serum values.
    config : CohortConfig
        Whose shifts are taken off again.
    contrast : str
        ``highest_fifth`` (against the lowest, the middle as a category of its own) or ``above_median``.

    Returns
    -------
    tuple of float
        Cox's estimate stratified by group, stage, age class and IGF-1R status, and its standard error.
    """
    score = serum_scores(table, config, "igf1", adjusted=True)
    cuts = np.quantile(score, (0.2, 0.8) if contrast == "highest_fifth" else (0.5,))
    level = np.searchsorted(cuts, score, side="right")
    dummies = np.stack([level == i for i in range(len(cuts), 0, -1)], axis=1).astype(np.float64)
    strata = strata_of(table) * 2 + high_by_rule(table, config.igf1r.rule)
    return _cox(table, "os", dummies, strata)


def serum_scores(
    table: pd.DataFrame, config: CohortConfig, analyte: str, *, adjusted: bool = False
) -> Floats:
    """Standard deviation scores of serum values, an assay's offset taken off.

    Parameters
    ----------
    table : DataFrame, one row a patient
        As drawn.
    config : CohortConfig
        With reference, offsets and shifts.
    analyte : str
        ``igf1`` or ``igfbp3``.
    adjusted : bool
        Whether the configured shifts by obesity, contraceptive and tamoxifen are taken off too.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN without a value.
    """
    l, m, s = _parameters(table, config, analyte)  # noqa: E741 - the method's own letters
    value = _value(table, config, analyte)
    if not adjusted:
        return lms_sds(value, l=l, m=m, s=s)
    how, shift = config.serum, np.zeros(len(table))
    for exposure, state in (
        (how.obesity, "obese"),
        (how.contraceptive, "pill"),
        (how.tamoxifen, "tamoxifen"),
    ):
        sds, percent = (getattr(exposure, f"{analyte}_{scale}") for scale in ("sds", "percent"))
        exposed = exposed_to(table)[state]
        shift += (sds.value if sds else 0.0) * exposed
        value = value / (1 + (percent.value if percent else 0.0) / 100 * exposed)
    return lms_sds(value, l=l, m=m, s=s) - shift


def relative_level(table: pd.DataFrame, config: CohortConfig, analyte: str) -> Floats:
    """Serum values as multiples of the reference median at the patient's age and sex.

    Parameters
    ----------
    table : DataFrame, one row a patient
        As drawn.
    config : CohortConfig
        With reference and offsets.
    analyte : str
        ``igf1`` or ``igfbp3``.

    Returns
    -------
    ndarray of float64, shape (n,)
        1 at the median; NaN without a value.
    """
    return np.asarray(_value(table, config, analyte) / _parameters(table, config, analyte)[1])


def exposed_to(table: pd.DataFrame) -> dict[str, Mask]:
    """Who is obese, takes a contraceptive, or took tamoxifen when the blood was drawn.

    Parameters
    ----------
    table : DataFrame, one row a patient
        As drawn.

    Returns
    -------
    dict of str to ndarray of bool, each of shape (n,)
        ``obese``, ``pill``, ``tamoxifen``.
    """
    return {
        "obese": table["bmi"].to_numpy() >= OBESE_FROM,
        "pill": (table["oral_contraceptive"] == "yes").to_numpy(),
        "tamoxifen": (table["on_endocrine_at_sampling"] == "yes").to_numpy(),
    }


def estimate_difference(values: Floats, exposed: Mask) -> Estimate:
    """Difference of means, exposed less unexposed.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        No NaN.
    exposed : ndarray of bool, shape (n,)
        Who is.

    Returns
    -------
    tuple of float
        Difference, and its standard error with unequal variances.
    """
    parts = values[exposed], values[~exposed]
    return (
        float(parts[0].mean() - parts[1].mean()),
        float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))),
    )


def estimate_median(values: Floats) -> Estimate:
    """Median, with half the distance between order statistics one standard deviation either side of it.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        No NaN.

    Returns
    -------
    tuple of float
        Median and standard error.
    """
    half = 0.5 / np.sqrt(len(values))
    low, middle, high = np.quantile(values, (0.5 - half, 0.5, 0.5 + half))
    return float(middle), float((high - low) / 2)


def estimate_correlation(one: Floats, two: Floats) -> Estimate:
    """Pearson's correlation.

    Parameters
    ----------
    one, two : ndarray of float64, each of shape (n,)
        No NaN.

    Returns
    -------
    tuple of float
        Correlation, and its standard error under normality, (1 - r^2) / sqrt(n).
    """
    r = float(np.corrcoef(one, two)[0, 1])
    return r, (1 - r**2) / float(np.sqrt(len(one)))


def strata_of(table: pd.DataFrame) -> NDArray[np.intp]:
    """What the baseline hazards depend on, as one code: group, stage and age class.

    Parameters
    ----------
    table : DataFrame, one row a patient
        As drawn.

    Returns
    -------
    ndarray of int, shape (n,)
        One code a stratum.
    """
    code = age_class(table["age_years"].to_numpy())
    for names in (("subtype",), ("histology",), ("driver",), ("tnm8_stage", "stage")):
        found = next((name for name in names if name in table), None)
        if found is not None:
            codes, distinct = pd.factorize(table[found])
            code = code * len(distinct) + codes
    return np.asarray(code, dtype=np.intp)


def _cox(
    table: pd.DataFrame, endpoint: str, covariates: Floats, strata: Sequence[int] | NDArray[np.intp]
) -> Estimate:
    time, event = _outcome(table, endpoint)
    fit = cox(time=time, event=event, covariates=covariates, strata=strata)
    return float(fit.coef[0]), float(fit.std_error[0])


def _outcome(table: pd.DataFrame, endpoint: str) -> tuple[Floats, Mask]:
    return table[f"{endpoint}_months"].to_numpy(dtype=np.float64), (
        table[f"{endpoint}_event"] == 1
    ).to_numpy()


def _value(table: pd.DataFrame, config: CohortConfig, analyte: str) -> Floats:
    value = table[ANALYTES[analyte]].to_numpy(dtype=np.float64)
    if analyte != "igf1":
        return value
    offsets = {name: assay.offset.value for name, assay in config.serum.assays.items()}
    return np.asarray(value / (1 + table["igf1_assay"].map(offsets).to_numpy(dtype=np.float64) / 100))


def _parameters(table: pd.DataFrame, config: CohortConfig, analyte: str) -> tuple[Floats, Floats, Floats]:
    age, sex = table["age_years"].to_numpy(), table["sex"].to_numpy(dtype=object)
    return reference_parameters(analyte, age=age, sex=sex, reference=config.serum.reference)
