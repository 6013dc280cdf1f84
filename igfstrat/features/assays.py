"""What a serum value was measured with, and the doubts that follow: assay, matrix, age, limits.

A value is comparable with a reference, or with a cut, only where the method is the same. Methods
that are named differently are never converted into each other; who knows that they are the same
says so with `assume_assay`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.features.coded import by_word, coded
from igfstrat.features.reference_range import reference_for
from igfstrat.features.reference_table import Reference
from igfstrat.features.spec import RowFlags, flag_where
from igfstrat.features.status import limits_of
from igfstrat.schema import COLUMNS


def stated_assays(table: pd.DataFrame, header: str, assumed: str | None) -> pd.Categorical:
    """Assay (or matrix) of each value.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers.
    header : str
        Column of assays, such as ``igf1_assay``; it may be absent.
    assumed : str or None
        Assay of values whose assay isn't stated.

    Returns
    -------
    Categorical, shape (n_rows,)
        NaN where nothing is known.

    Examples
    --------
    >>> stated_assays(pd.DataFrame({"igf1_assay": ["ria", None]}), "igf1_assay", "lcms").tolist()
    ['ria', 'lcms']
    """
    which, words = coded(table[header]) if header in table else (np.full(len(table), -1, dtype=np.int8), [])
    if assumed is not None:
        words = words if assumed in words else [*words, assumed]
        which = np.where(which < 0, words.index(assumed), which)
    return pd.Categorical.from_codes(which, pd.Index(words, dtype=object))  # type: ignore[arg-type]


def differs_from(stated: pd.Categorical, own: str) -> NDArray[np.bool_]:
    """Where another method is stated; what isn't stated doesn't differ.

    Parameters
    ----------
    stated : Categorical, shape (n,)
        Assay or matrix of each value; NaN where it isn't stated.
    own : str
        The method to compare with.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where a method is stated that isn't `own`.

    Examples
    --------
    >>> differs_from(pd.Categorical(["ria", None, "lcms"]), "lcms").tolist()
    [True, False, False]
    """
    return by_word(stated, lambda word: word is not None and word != own, bool)


def flag_reference_ages(
    measured: NDArray[np.bool_], table: pd.DataFrame, analyte: str, reference: str | Reference
) -> list[RowFlags]:
    """Rows whose age lies outside a reference's table.

    Parameters
    ----------
    measured : ndarray of bool, shape (n_rows,)
        True where there is a value.
    table : DataFrame, one row a patient
        Canonical headers, with age_years and sex.
    analyte : str
        Such as ``igf1``.
    reference : str or Reference
        The reference.

    Returns
    -------
    list of RowFlags
        One for each range of ages; a row of unknown sex counts under the first.
    """
    age = table["age_years"].to_numpy(dtype=np.float64)
    curves = reference_for(analyte, reference).curves
    ranges: dict[tuple[float, float], list[str]] = {}
    for (name, which), curve in curves.items():
        if name == analyte:
            ranges.setdefault((float(curve.age[0]), float(curve.age[-1])), []).append(which)
    flags = []
    for i, ((low, high), sexes) in enumerate(ranges.items()):
        concerned = by_word(table["sex"], lambda sex: i == 0 if sex is None else sex in sexes, bool)  # noqa: B023
        whose = f", {sexes[0]}" if len(ranges) > 1 else ""
        text = f"outside the reference table of {analyte} ({low:g}–{high:g} years{whose}): no SDS, none is extrapolated"
        outside = measured & concerned & ((age < low) | (age > high))
        flags += flag_where(outside, "age_outside_reference", "age_years", text)
    return flags


def flag_reference_rows(
    table: pd.DataFrame,
    analyte: str,
    *,
    assays: pd.Categorical,
    reference: str | Reference,
    consequence: str,
) -> list[RowFlags]:
    """Rows that a reference was not made for: another assay or matrix, an age outside its table.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers, with the analyte, age_years and sex; ``<analyte>_matrix`` where it is known.
    analyte : str
        ``igf1`` or ``igfbp3``.
    assays : Categorical, shape (n_rows,)
        Assay of each value; NaN where it isn't stated.
    reference : str or Reference
        The reference.
    consequence : str
        What another assay or matrix means for the features.

    Returns
    -------
    list of RowFlags
        Empty where there is none.
    """
    header = COLUMNS[analyte].header
    # a value beyond a limit has no score, but a status by its limits
    lower, upper = limits_of(table, header)
    measured = ~(np.isnan(lower) & np.isnan(upper))
    own = reference_for(analyte, reference)
    matrices = stated_assays(table, f"{analyte}_matrix", None)
    assay = f"another assay than the reference's ({own.assay}): {consequence}"
    matrix = f"another matrix than the reference's ({own.matrix.replace('_', ' ')}): {consequence}"
    return [
        *flag_reference_ages(measured, table, analyte, own),
        *flag_where(measured & differs_from(assays, own.assay), "assay_not_reference", header, assay),
        *flag_where(measured & differs_from(matrices, own.matrix), "matrix_not_reference", header, matrix),
    ]
