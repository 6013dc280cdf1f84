"""The winner's curse: how a striking subgroup comes about by looking, and what the trial that confirms would show.

A reported hazard ratio and its interval give the events behind it. If the drug does nothing, how often would the best of
so many subgroups look as good? Apart from that: at given truths, how much does a significant estimate of that size
exaggerate (type M), how often has it the wrong sign (type S), and what does a confirmation of given size find? Closed forms
stand beside a simulation of the patients, in which infinite estimates are counted and not dropped. It judges no trial:
how many subgroups were looked at is for the user to say.

References
----------
.. [1] Gelman A, Carlin J. Beyond power calculations: assessing type S (sign) and type M (magnitude) errors. Perspect
   Psychol Sci 2014;9:641-651.
.. [2] Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions. Biometrika
   1981;68:316-319.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.special import ndtr, ndtri

from igfstrat._version import __version__
from igfstrat.config import make_config, parse_yaml, read_yaml
from igfstrat.errors import UsageError
from igfstrat.parallel import Backend, Progress, content_key, map_replicates
from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials.closed_form.textbook import schoenfeld_power
from igfstrat.trials.winners_curse._closed_form import best_of, looks_for, significance_errors
from igfstrat.trials.winners_curse._patients import simulate_best, simulate_single
from igfstrat.trials.winners_curse.results import (
    BestOf,
    Confirmation,
    FirstTrial,
    Reported,
    WinnersCurse,
)
from igfstrat.trials.winners_curse.settings import (
    ConfirmationSettings,
    RatioSettings,
    WinnersCurseFile,
    WinnersCurseSettings,
)

_BLOCK: Final = 500
_MOST_REPLICATES: Final = 1_000_000  # their standard errors are below 0.0005


def read_winners_curse(path: Path) -> WinnersCurseSettings:
    """Read a file that holds the section `winners_curse`.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    WinnersCurseSettings
        Checked as a whole.

    Raises
    ------
    ConfigError
        With every fault at once.
    """
    return make_config(WinnersCurseFile, read_yaml(path)).winners_curse


def make_winners_curse(settings: Mapping[str, Any]) -> WinnersCurseSettings:
    """Settings from a dictionary with the keys of the YAML.

    Parameters
    ----------
    settings : mapping
        What stands under `winners_curse`.

    Returns
    -------
    WinnersCurseSettings
        Checked as a whole.

    Raises
    ------
    ConfigError
        With every fault at once.

    Examples
    --------
    >>> signal = make_winners_curse({"reported": {"hazard_ratio": 0.21, "ci": [0.05, 0.98]}, "patients": 33, "share": 0.24})
    >>> round(signal.reported.z, 2), round(signal.reported.events(split=False), 1)
    (-2.06, 6.9)
    """
    text = json.dumps({"winners_curse": dict(settings)}, indent=1)
    return make_config(WinnersCurseFile, parse_yaml(text, source="the settings")).winners_curse


def simulate_winners_curse(
    settings: WinnersCurseSettings,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    n_jobs: int = 1,
    backend: Backend = "processes",
    cluster: str | None = None,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> WinnersCurse:
    """Closed forms and patient-level simulation side by side.

    Parameters
    ----------
    settings : WinnersCurseSettings
        See `make_winners_curse`.
    replicates, seed : int, optional
        Those of the settings where left out.
    n_jobs : int
        Workers; no number depends on it.
    backend, cluster, checkpoints : optional
        See `igfstrat.parallel.map_replicates`.
    progress : callable, optional
        Called with the trials done and the trials to do.

    Returns
    -------
    WinnersCurse
        Frozen.

    Raises
    ------
    UsageError
        If there are no replicates, or too many.

    Examples
    --------
    >>> signal = make_winners_curse({"reported": {"hazard_ratio": 0.21, "ci": [0.05, 0.98]}, "patients": 33, "share": 0.24})
    >>> found = simulate_winners_curse(signal, replicates=20)
    >>> [round(found.best(k).closed_form, 2) for k in (1, 10)]
    [0.02, 0.18]
    """
    total = settings.simulation.replicates if replicates is None else replicates
    if not 1 <= total <= _MOST_REPLICATES:
        message = f"replicates must be from 1 to {_MOST_REPLICATES:,}; found {total:,}"
        raise UsageError(message)
    key = settings.simulation.seed if seed is None else seed
    truths = tuple(dict.fromkeys((*settings.truths, settings.reported.hazard_ratio)))
    sizes = sorted({round(settings.reported.events(split=split)) for split in (False, True)})
    wanted = settings.confirmation
    kinds = len(sizes) * (len(settings.subgroups) + len(truths)) + (len(truths) if wanted else 0)
    runs = _Runs(
        total=total, seed=key, kinds=kinds, progress=progress or (lambda *_: None),
        how={"n_jobs": n_jobs, "backend": backend, "cluster": cluster, "checkpoints": checkpoints},
    )  # fmt: skip
    return WinnersCurse(
        settings=settings.model_dump(mode="json"),
        replicates=total,
        seed=key,
        reported=_reported(settings.reported),
        best_of=tuple(b for d in sizes for b in _best_of(settings, d, runs)),
        first_trials=tuple(_first_trial(settings, t, d, runs) for t in truths for d in sizes),
        confirmations=tuple(_confirmation(wanted, t, runs) for t in truths) if wanted else (),
        looks_for_likely=looks_for(0.5, float(ndtr(settings.reported.z))),
    )


def _reported(ratio: RatioSettings) -> Reported:
    return Reported(
        hazard_ratio=ratio.hazard_ratio,
        ci_lower=ratio.ci[0],
        ci_upper=ratio.ci[1],
        level=ratio.level,
        std_error=ratio.std_error,
        z=ratio.z,
        p_value=float(ndtr(ratio.z)),
        events_balanced=ratio.events(split=False),
        events_split=ratio.events(split=True),
    )


@dataclass(slots=True, kw_only=True)
class _Runs:
    """How the replicates of all kinds are worked through, and how many kinds are done."""

    total: int
    seed: int
    kinds: int
    progress: Progress
    how: dict[str, Any]
    done: int = 0

    def rows(self, work: Callable[..., Any], **kind: Any) -> dict[str, FloatArray]:
        """Rows of one kind, of all replicates; what a folder of checkpoints holds of them isn't computed again."""
        content = {"version": __version__, "winners_curse": work.__name__, "seed": self.seed, **kind}
        blocks = map_replicates(
            partial(work, seed=self.seed, **kind),
            self.total,
            block=_BLOCK,
            key=content_key(content) if self.how["checkpoints"] else None,
            progress=self._tell,
            **self.how,
        )
        parts = [block.rows for block in blocks]
        self.done += 1
        return {name: np.concatenate([rows[name] for rows in parts]) for name in parts[0]}

    def _tell(self, now: int, _all: int) -> None:
        self.progress(self.done * self.total + now, self.kinds * self.total)


def _best_of(settings: WinnersCurseSettings, events: int, runs: _Runs) -> list[BestOf]:
    bound, found = settings.reported.z, []
    small = math.log(settings.reported.hazard_ratio)
    looks, share = settings.looked_at, settings.share
    for relation in settings.subgroups:
        rows = runs.rows(
            simulate_best, relation=relation, looks=looks, patients=settings.patients, events=events, share=share
        )  # fmt: skip
        for j, k in enumerate(looks):
            estimate = rows["estimate"][:, j]
            found.append(
                BestOf(
                    relation=relation,
                    looked_at=k,
                    events=events,
                    closed_form=best_of(bound, k, relation, share=share, drift=0.0),
                    as_strong=_share(rows["z"][:, j] <= bound),
                    as_small=_share(estimate <= small),
                    hazard_ratio=_median(np.exp(estimate)),
                    infinite=_share(np.isneginf(estimate)),
                )
            )
    return found


def _first_trial(settings: WinnersCurseSettings, truth: float, events: int, runs: _Runs) -> FirstTrial:
    ratio, effect = settings.reported, math.log(truth)
    drift = effect / ratio.std_error
    power, wrong, exaggeration = significance_errors(drift, settings.significance)
    rows = runs.rows(simulate_single, ratio=truth, patients=settings.patients, events=events)
    significant = np.abs(rows["z"]) >= -float(ndtri(settings.significance / 2))
    chosen = rows["estimate"][significant]
    side = -1.0 if effect <= 0 else 1.0
    factors = np.abs(chosen / effect) if effect else np.full(len(chosen), np.nan)
    return FirstTrial(
        truth=truth,
        events=events,
        as_strong_closed_form={
            k: best_of(ratio.z, k, settings.subgroups[0], share=settings.share, drift=drift)
            for k in settings.looked_at
        },
        power_closed_form=power,
        wrong_sign_closed_form=wrong,
        exaggeration_closed_form=exaggeration,
        power=_share(significant),
        wrong_sign=_share(np.sign(chosen) != side) if effect else _nothing(),
        exaggeration=_median(factors) if effect else _nothing(),
        exaggeration_finite=_mean(factors[np.isfinite(factors)]),
        infinite=_share(np.isinf(chosen)),
        hazard_ratio=_median(np.exp(chosen[np.sign(chosen) == side])),
    )


def _confirmation(wanted: ConfirmationSettings, truth: float, runs: _Runs) -> Confirmation:
    # everybody has the event: the estimate then rests on the events alone, whatever the follow-up
    rows = runs.rows(simulate_single, ratio=truth, patients=2 * wanted.events, events=wanted.events)
    estimate, observed = rows["estimate"], wanted.observed
    low, high = (float(np.exp(q)) for q in _quantiles(estimate, (0.025, 0.975)))
    finite = _mean(estimate[np.isfinite(estimate)])
    centre = math.exp(finite["value"])
    bad = None if observed is None else _share(estimate >= math.log(observed.hazard_ratio))
    return Confirmation(
        truth=truth,
        events=wanted.events,
        power_closed_form=schoenfeld_power(hazard_ratio=truth, events=wanted.events, alpha=wanted.alpha),
        power=_share(rows["z"] <= float(ndtri(wanted.alpha))),
        hazard_ratio={"value": centre, "mc_standard_error": centre * finite["mc_standard_error"]},
        interval=(low, high),
        as_bad=bad,
        as_bad_closed_form=None
        if observed is None
        else float(ndtr((math.log(truth) - math.log(observed.hazard_ratio)) / observed.std_error)),
        observed_inside=None if observed is None else low <= observed.hazard_ratio <= high,
    )


def _quantiles(values: FloatArray, at: tuple[float, ...]) -> list[float]:
    """Values that occur: an interpolation between two infinite ones would be none."""
    return [float(np.quantile(values, q, method="inverted_cdf")) for q in at]


def _nothing() -> dict[str, float]:
    return {"value": math.nan, "mc_standard_error": math.nan}


def _share(hits: BoolArray) -> dict[str, float]:
    if len(hits) == 0:
        return _nothing()
    # half a trial more of each kind: a share of 0 has an error too
    q = (float(hits.sum()) + 0.5) / (len(hits) + 1)
    return {"value": float(hits.mean()), "mc_standard_error": math.sqrt(q * (1 - q) / len(hits))}


def _mean(values: FloatArray) -> dict[str, float]:
    if len(values) < 2:
        return _nothing()
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return {"value": float(values.mean()), "mc_standard_error": error}


def _median(values: FloatArray) -> dict[str, float]:
    """With half the width of the order statistics one binomial standard deviation apart as its error."""
    n = len(values)
    if n < 2:
        return _nothing()
    ordered = np.sort(values)
    spread = math.sqrt(n) / 2
    low, high = max(int(n / 2 - spread), 0), min(math.ceil(n / 2 + spread), n - 1)
    gap = ordered[high] - ordered[low] if np.isfinite(ordered[high]) else math.inf
    return {"value": float(ordered[(n - 1) // 2]), "mc_standard_error": float(gap) / 2}
