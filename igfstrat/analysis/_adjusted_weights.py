"""How alike the weights make the groups, how far each patient might be in any group, and what weighting costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis._adjusted_model import ModelData
from igfstrat.analysis._adjusted_results import Balance, Positivity
from igfstrat.analysis._covariates import Column, Covariate, encode, model_columns
from igfstrat.analysis.weighting import (
    effective_sample_size,
    fit_propensity,
    overlap_weights,
    stabilized_weights,
    standardized_differences,
)

FloatArray = NDArray[np.float64]

POSITIVITY_BOUNDS: Final = (0.05, 0.95)
# Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between treatment groups in
# propensity-score matched samples. Stat Med 2009;28:3083-3107: up to 0.1 is usually called balanced
BALANCE_BOUND: Final = 0.1


def check_weights(
    data: ModelData, frames: Sequence[pd.DataFrame], covariates: tuple[Covariate, ...]
) -> tuple[dict[str, list[float]], tuple[Balance, ...], tuple[Positivity, ...]]:
    """Effective sample sizes, balance and positivity; over completed tables their means (ranges: the widest)."""
    columns = model_columns(covariates, reference=True)
    differences, effective, probabilities = [], [], []
    for frame, x in zip(frames, data.tables, strict=True):
        fitted = fit_propensity(data.codes, x).probability
        weights = [
            np.ones(len(x)), stabilized_weights(fitted, data.codes)[0], overlap_weights(fitted, data.codes)[0]
        ]  # fmt: skip
        shown = encode(frame, columns)
        differences.append(
            [
                [standardized_differences(shown, data.codes, w, group=g) for w in weights]
                for g in _others(data)
            ]
        )
        effective.append(
            [
                [effective_sample_size(w[data.codes == g]) for g in range(len(data.labels))]
                for w in weights[1:]
            ]
        )
        probabilities.append(fitted[0])
    means = np.mean(effective, axis=0)
    by_method = {"iptw": means[0].tolist(), "overlap": means[1].tolist()}
    return by_method, _balance(data, columns, np.mean(differences, axis=0)), _positivity(data, probabilities)


def _others(data: ModelData) -> range:
    return range(1, len(data.labels))


def _balance(data: ModelData, columns: tuple[Column, ...], means: FloatArray) -> tuple[Balance, ...]:
    return tuple(
        Balance(
            covariate=column.covariate.title, level=column.level, term=data.labels[g], reference=data.labels[0],
            **{
                name: abs(float(v)) if np.isfinite(v := means[g - 1, w, place]) else None
                for w, name in enumerate(("unweighted", "iptw", "overlap"))
            },
        )
        for g in _others(data)
        for place, column in enumerate(columns)
    )  # fmt: skip


def _positivity(data: ModelData, probabilities: list[FloatArray]) -> tuple[Positivity, ...]:
    low, high = POSITIVITY_BOUNDS
    every = np.stack(probabilities)
    return tuple(
        Positivity(
            label=label, lowest=float(every[..., g].min()), highest=float(every[..., g].max()),
            share_outside=float(((every[..., g] < low) | (every[..., g] > high)).mean()),
        )
        for g, label in enumerate(data.labels)
    )  # fmt: skip
