"""Resampling patients: one keyed stream a replicate, one thread a replicate, so that n_jobs changes no bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from igfstrat.errors import EstimationError
from igfstrat.models._matrix import FloatArray

Measures = dict[str, float]


def rows_of(X: Any, rows: Any) -> Any:  # noqa: N803 - scikit-learn's name
    """Rows of a table or an array."""
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else np.asarray(X)[rows]


def resampled_rows(n: int, seed: int, replicate: int) -> NDArray[np.intp]:
    """Rows drawn with replacement, the same for a seed and replicate anywhere."""
    stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replicate,)))
    return stream.integers(0, n, n)


def in_parallel(job: Callable[[int], Any], n: int, n_jobs: int | None) -> list[Any]:
    """Results of job(0), …, job(n - 1), in order; None for those that these data couldn't give."""
    found: list[Any] = Parallel(n_jobs=n_jobs)(delayed(_one)(job, i) for i in range(n))
    return found


def _one(job: Callable[[int], Any], i: int) -> Any:
    # the number of threads in a product of matrices can change its last bit
    with threadpool_limits(1, user_api="blas"):
        try:
            return job(i)
        except EstimationError:
            return None


def stacked(found: Sequence[Any], names: Sequence[str]) -> FloatArray:
    """Measures by replicate, shape (replicates, names); those that failed are left out."""
    rows = [[one[name] for name in names] for one in found if one is not None]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def limits(values: FloatArray, level: float) -> tuple[float, float]:
    """Percentiles of what is known; NaN where nothing is."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
