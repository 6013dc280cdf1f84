"""Small trials patient by patient for `winners_curse`: times at one hazard ratio, ended at a number of events.

Nobody is lost, the arms are halves, times are exponential; a trial ends at its last event, so that only the order of the
patients matters. An estimate is infinite where, while both arms are at risk, all events fall into one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.parallel import keyed_sequence
from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials.winners_curse._closed_form import nested_fractions
from igfstrat.trials.winners_curse.settings import Relation

_STEPS: Final = 30  # of Newton
_FARTHEST: Final = 25.0  # log hazard ratio that an iteration may reach
_CLOSE: Final = 1e-10  # last step of an iteration
_TOGETHER: Final = 50  # replicates that are computed at once: bounds the memory


def compare_arms(
    experimental: BoolArray, event: BoolArray, member: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Log-rank statistic and Cox estimate of the log hazard ratio among members, patients in order of their times.

    Shapes (r, n); no ties. The statistic is below 0 where the experimental arm did better, NaN where no event tells;
    the estimate is infinite where it is.
    """
    x = experimental & member
    at_risk = _from_here_on(x), _from_here_on(member & ~experimental)
    told = event & member
    last = max(int(np.flatnonzero(event.any(axis=0)).max(initial=-1)) + 1, 1)
    ours, others = (a[:, :last].astype(np.float64) for a in at_risk)
    d, x = told[:, :last], x[:, :last]
    both = d & (ours > 0) & (others > 0)
    share = np.divide(ours, ours + others, out=np.zeros_like(ours), where=both)
    score = np.where(both, x - share, 0.0).sum(axis=1)
    variance = np.where(both, share * (1 - share), 0.0).sum(axis=1)
    z = np.divide(score, np.sqrt(variance), out=np.full(len(score), np.nan), where=variance > 0)
    return z, _estimate(x, both, ours, others)


def _from_here_on(flags: BoolArray) -> NDArray[np.int32]:
    return np.cumsum(flags[:, ::-1], axis=1, dtype=np.int32)[:, ::-1]


def _estimate(x: BoolArray, both: BoolArray, ours: FloatArray, others: FloatArray) -> FloatArray:
    """Newton for all trials at once; the likelihood of a trial with events in both arms has one peak."""
    any_ours, any_others = (both & x).any(axis=1), (both & ~x).any(axis=1)
    found = np.where(any_ours, np.inf, np.where(any_others, -np.inf, np.nan))
    rows = np.flatnonzero(any_ours & any_others)
    x, both, ours, others = x[rows], both[rows], ours[rows], others[rows]
    beta, moving = np.zeros(len(rows)), np.ones(len(rows), bool)
    for _ in range(_STEPS):
        weighted = ours * np.exp(beta)[:, None]
        share = np.divide(weighted, weighted + others, out=np.zeros_like(ours), where=both)
        score = np.where(both, x - share, 0.0).sum(axis=1)
        step = score / np.maximum(np.where(both, share * (1 - share), 0.0).sum(axis=1), 1e-300)
        # a trial stops by itself, so that its estimate does not depend on the trials beside it
        beta = np.where(moving, np.clip(beta + np.clip(step, -1.0, 1.0), -_FARTHEST, _FARTHEST), beta)
        moving &= np.abs(step) >= _CLOSE
        if not moving.any():
            break
    found[rows] = beta
    return found


def simulate_arms(
    rng: np.random.Generator, rows: int, patients: int, ratio: float, events: int
) -> tuple[BoolArray, BoolArray]:
    """Arm and event of the patients of some trials, in order of their times; shapes (rows, patients)."""
    arm = np.argsort(rng.random((rows, patients)), axis=1) < patients // 2
    times = rng.standard_exponential((rows, patients)) / np.where(arm, ratio, 1.0)
    order = np.argsort(times, axis=1)
    seen = np.broadcast_to(np.arange(patients) < events, (rows, patients))
    return np.take_along_axis(arm, order, axis=1), seen


def simulate_single(
    start: int, stop: int, *, seed: int, ratio: float, patients: int, events: int
) -> dict[str, FloatArray]:
    """One subgroup, or one trial, of each replicate: statistic and estimate, shape (r,)."""
    z: list[FloatArray] = []
    estimate: list[FloatArray] = []
    for first in range(start, stop, _TOGETHER):
        drawn = [
            simulate_arms(_stream(seed, "single", ratio, events, i), 1, patients, ratio, events)
            for i in range(first, min(first + _TOGETHER, stop))
        ]
        arm, event = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
        for found, values in zip((z, estimate), compare_arms(arm, event, np.ones_like(arm)), strict=True):
            found.append(values)
    return {"z": np.concatenate(z), "estimate": np.concatenate(estimate)}


def simulate_best(
    start: int,
    stop: int,
    *,
    seed: int,
    relation: Relation,
    looks: Sequence[int],
    patients: int,
    events: int,
    share: float,
) -> dict[str, FloatArray]:
    """Under the null the best statistic and the best estimate of each number of looks, shape (r, len(looks))."""
    draw = _independent if relation == "independent" else _of_one_trial
    z: list[FloatArray] = []
    estimate: list[FloatArray] = []
    for first in range(start, stop, _TOGETHER):
        drawn = [
            draw(_stream(seed, relation, 1.0, events, i), relation, looks, patients, events, share)
            for i in range(first, min(first + _TOGETHER, stop))
        ]
        arm, event, members = (np.concatenate([d[j] for d in drawn]) for j in range(3))
        columns = drawn[0][3]
        for best, values in zip((z, estimate), compare_arms(arm, event, members), strict=True):
            by_trial = values.reshape(len(drawn), -1)
            best.append(np.column_stack([_best(by_trial[:, chosen]) for chosen in columns]))
    return {"z": np.concatenate(z), "estimate": np.concatenate(estimate)}


def _best(values: FloatArray) -> FloatArray:
    """The smallest of each row; where nothing can be estimated, no subgroup looks good."""
    return np.asarray(np.where(np.isnan(values), np.inf, values).min(axis=1))


Drawn = tuple[BoolArray, BoolArray, BoolArray, list[slice]]


def _independent(
    rng: np.random.Generator,
    relation: Relation,
    looks: Sequence[int],
    patients: int,
    events: int,
    share: float,
) -> Drawn:
    """As many subgroups that have no patient in common."""
    del relation, share
    arm, event = simulate_arms(rng, max(looks), patients, 1.0, events)
    return arm, event, np.ones_like(arm), [slice(0, k) for k in looks]


def _of_one_trial(
    rng: np.random.Generator,
    relation: Relation,
    looks: Sequence[int],
    patients: int,
    events: int,
    share: float,
) -> Drawn:
    """Subgroups of one trial: by factors that are independent of each other, or by cuts of one continuous marker."""
    n = round(patients / share)
    arm, event = simulate_arms(rng, 1, n, 1.0, round(events / share))
    if relation == "overlapping":
        members = rng.random((max(looks), n)) < share
        columns = [slice(0, k) for k in looks]
    else:
        cuts = np.concatenate([nested_fractions(k, share) for k in looks])
        members = rng.random((1, n)) < cuts[:, None]
        ends = np.cumsum(looks)
        columns = [slice(end - k, end) for k, end in zip(looks, ends, strict=True)]
    rows = len(members)
    return np.repeat(arm, rows, axis=0), np.repeat(event, rows, axis=0), members, columns


def _stream(seed: int, *key: str | float) -> np.random.Generator:
    words = (part if isinstance(part, str | int) else repr(float(part)) for part in key)
    return np.random.default_rng(keyed_sequence(seed, "winners_curse", *words))
