"""Resampling patients: one keyed stream a replicate, one thread a replicate, so that neither n_jobs nor a cluster changes a bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from igfstrat.errors import EstimationError, UsageError
from igfstrat.models._matrix import FloatArray
from igfstrat.parallel import Progress, Rows, map_replicates

# no estimate; or a predictor that is the same, or lacks its reference level, among the rows drawn
UNLUCKY: Final = (EstimationError, UsageError)
_BLOCKS: Final = (
    40  # tasks of a loop: enough to share out evenly, few enough that sending the data costs little
)

_CALIBRATION: Final = ("observed_expected", "calibration_intercept", "calibration_slope", "ici")

Measures = dict[str, float]


def rows_of(X: Any, rows: Any) -> Any:  # noqa: N803 - scikit-learn's name
    """Rows of a table or an array."""
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else np.asarray(X)[rows]


def resampled_rows(n: int, seed: int, replicate: int) -> NDArray[np.intp]:
    """Rows drawn with replacement, the same for a seed and replicate anywhere."""
    stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replicate,)))
    return stream.integers(0, n, n)


class Measured(NamedTuple):
    """A measure with its interval; NaN where it isn't estimable."""

    value: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True)
class Loop:
    """Where the replicates of a loop are computed, and who is told; the results depend on none of it."""

    n_jobs: int | None = None
    cluster: str | None = None
    progress: Progress | None = None


def in_parallel(
    job: Callable[[int], Any], n: int, loop: Loop, *, spared: tuple[type[Exception], ...] = UNLUCKY
) -> list[Any]:
    """Results of job(0), …, job(n - 1), in order; None for those that these data couldn't give."""
    blocks = map_replicates(
        partial(_several, job, spared),
        n,
        block=max(1, n // _BLOCKS),
        n_jobs=loop.n_jobs or 1,
        cluster=loop.cluster,
        progress=loop.progress,
    )
    return [one for block in blocks for one in block.rows["found"]]


def _several(job: Callable[[int], Any], spared: tuple[type[Exception], ...], start: int, stop: int) -> Rows:
    found = np.empty(stop - start, dtype=object)
    # the number of threads in a product of matrices can change its last bit; a curve of a sample with hardly any event
    # may run off to infinity, and is then NaN in the measures
    with threadpool_limits(1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        for i in range(start, stop):
            try:
                found[i - start] = job(i)
            except spared:
                found[i - start] = None
    return {"found": found}


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


def corrected(
    measure: Callable[[Any], tuple[Measures, Measures, Measures]],
    apparent: Measures,
    n: int,
    n_resamples: int,
    seed: int,
    loop: Loop,
    level: float,
) -> tuple[dict[str, Measured], Measures, int]:
    """Take the optimism out of apparent measures.

    Parameters
    ----------
    measure : callable
        Rows to measures on these rows and on all of what is fitted on these rows, and to those on these rows whose
        spread is that of the measures (see `spread_of`).
    apparent : dict of str to float
        Measures of what is fitted on all rows.
    n : int
        Rows.
    n_resamples : int
        Bootstrap samples.
    seed : int
        Decides them.
    loop : Loop
        Where they are computed.
    level : float
        Coverage of the intervals.

    Returns
    -------
    measures : dict of str to Measured
        Corrected, with location-shifted intervals.
    optimism : dict of str to float
        What was taken off.
    n_failed : int
        Resamples that gave nothing.

    Raises
    ------
    EstimationError
        If none gave anything.
    """
    found = in_parallel(lambda b: measure(resampled_rows(n, seed, b)), n_resamples, loop)
    good = [one for one in found if one is not None]
    if not good:
        message = "no resample gave a model; there are too few events for this many predictors"
        raise EstimationError(message)
    own, original, drawn = (stacked([one[i] for one in good], list(apparent)) for i in (0, 1, 2))
    gain = _mean(own - original)
    optimism = dict(zip(apparent, gain.tolist(), strict=True))
    measures = {
        name: Measured(apparent[name] - optimism[name], *limits(drawn[:, j] - optimism[name], level))
        for j, name in enumerate(apparent)
    }
    for name in apparent:
        if name.startswith("ici@"):  # a distance, which rounding and chance would take below 0
            measures[name] = Measured(*np.maximum(measures[name], 0.0).tolist())
    return measures, optimism, n_resamples - len(good)


def spread_of(own: Measures, unchanged: Measures) -> Measures:
    """Measures of a sample whose spread over samples makes an interval.

    Parameters
    ----------
    own : dict of str to float
        Of what was fitted on the sample, there.
    unchanged : dict of str to float
        Of the model itself on the sample.

    Returns
    -------
    dict of str to float
        Its own, save for calibration: what is fitted on a sample is calibrated there by construction, and would show
        hardly any spread.
    """
    return own | {name: v for name, v in unchanged.items() if name.partition("@")[0] in _CALIBRATION}


def _mean(values: FloatArray) -> FloatArray:
    """Column means of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def check_resamples(n_resamples: int) -> None:
    """Refuse a count that gives no interval.

    Parameters
    ----------
    n_resamples : int
        Bootstrap samples.

    Raises
    ------
    UsageError
        If it is below 2.
    """
    if n_resamples < 2:
        message = f"n_resamples must be at least 2, found {n_resamples}; 200 or more for a report"
        raise UsageError(message)
