"""Sums over blocks of trials that don't depend on how blocks were shared out: blocks come in order and are of one size."""

from __future__ import annotations

from typing import Any

import numpy as np

from igfstrat.survival._types import FloatArray

_FINE = 1_000  # bins for each factor e of a continuous quantity: quantiles to 0.1 %
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Share:
    """A proportion."""

    def __init__(self) -> None:
        self.hits = 0
        self.trials = 0

    def add(self, hits: Any) -> None:
        """Count a block.

        Parameters
        ----------
        hits : array-like of bool, shape (trials,)
            Whether it happened in each trial.
        """
        flags = np.asarray(hits, dtype=bool)
        self.hits += int(flags.sum())
        self.trials += len(flags)

    def estimate(self) -> dict[str, float]:
        """Value with its Monte-Carlo standard error.

        Returns
        -------
        dict of str to float
            ``value`` and ``mc_standard_error``; NaN of no trials.
        """
        if self.trials == 0:
            return {"value": float("nan"), "mc_standard_error": float("nan")}
        p = self.hits / self.trials
        # half a trial more of each kind: an estimate of 0 has an error too
        q = (self.hits + 0.5) / (self.trials + 1)
        return {"value": p, "mc_standard_error": float(np.sqrt(q * (1 - q) / self.trials))}


class Mean:
    """Mean and spread of a quantity (NaN left out), and its quantiles from counts of values."""

    def __init__(self, *, whole: bool = True) -> None:
        self.n = 0
        self.mean = 0.0
        self.squares = 0.0
        self.whole = whole
        self.counts: dict[int, int] = {}

    def add(self, values: Any) -> None:
        """Join a block, by the pairwise update of means and sums of squares.

        Parameters
        ----------
        values : array-like of float64, shape (trials,)
            Of each trial; what is NaN or infinite is left out.
        """
        x: FloatArray = np.asarray(values, dtype=np.float64)
        x = x[np.isfinite(x)]
        if len(x) == 0:
            return
        mean, gap, total = float(x.mean()), float(x.mean()) - self.mean, self.n + len(x)
        self.squares += float(((x - mean) ** 2).sum()) + gap**2 * self.n * len(x) / total
        self.mean += gap * len(x) / total
        self.n = total
        keys = np.rint(x if self.whole else np.log(np.maximum(x, 1e-12)) * _FINE).astype(np.int64)
        for key, count in zip(*np.unique(keys, return_counts=True), strict=True):
            self.counts[int(key)] = self.counts.get(int(key), 0) + int(count)

    def summary(self) -> dict[str, Any]:
        """Mean, its error, standard deviation and quantiles.

        Returns
        -------
        dict of str to Any
            ``mean``, ``mc_standard_error``, ``sd`` (NaN where there are too few values) and ``quantiles``, by their level.
        """
        sd = float(np.sqrt(self.squares / (self.n - 1))) if self.n > 1 else float("nan")
        error = sd / float(np.sqrt(self.n)) if self.n else float("nan")
        return {
            "mean": self.mean if self.n else float("nan"),
            "mc_standard_error": error,
            "sd": sd,
            "quantiles": self._quantiles(),
        }

    def _quantiles(self) -> dict[str, float]:
        keys = sorted(self.counts)
        reached = np.cumsum([self.counts[key] for key in keys])
        found = {}
        for q in _QUANTILES if keys else ():
            key = keys[int(np.searchsorted(reached, q * reached[-1]))]
            found[f"{q:g}"] = float(key) if self.whole else float(np.exp(key / _FINE))
        return found
