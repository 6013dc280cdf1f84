"""What is counted over the trials of one design, block by block in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials.designs.costs import spent
from igfstrat.trials.designs.rules import Rules
from igfstrat.trials.numerics.sums import Mean, Share
from igfstrat.trials.scenario.scenario import Scenario

LABELS = {(): "none", ("positive",): "positive", ("negative",): "negative", ("negative", "positive"): "both"}
CLAIMS = {"overall": ("negative", "positive"), "positive": ("positive",), "negative": ("negative",)}
SIZES = ("n_events", "n_randomized", "n_screened", "duration", "cost")
_Z95: Final = 1.959963984540054


class Counts:
    """What is counted over the blocks of one design."""

    def __init__(self, scenario: Scenario, design: str, rules: Rules, truth: FloatArray) -> None:
        h, p, k = len(rules.hypotheses), len(truth), len(rules.efficacy)
        self.claims = [CLAIMS[name] for name in rules.hypotheses]
        self.scenario, self.design, self.rules, self.truth = scenario, design, rules, truth
        self.any, self.all, self.each = Share(), Share(), [Share() for _ in range(h)]
        self.together: Counter[tuple[bool, ...]] = Counter()
        self.infeasible, self.unfilled = Share(), Share()
        self.ends = [Share() for _ in range(k)]
        self.futile = [Share() for _ in range(k)]
        self.labels = {label: Share() for label in LABELS.values()}
        self.sizes = {name: Mean(whole=name.startswith("n_")) for name in SIZES}
        self.ratios = [Mean(whole=False) for _ in range(p)]
        self.logs = [Mean(whole=False) for _ in range(p)]
        self.rejected_ratios = [Mean(whole=False) for _ in range(p)]
        self.covered = [Share() for _ in range(p)]
        self.harmed, self.harmed_at = Share(), [Share() for _ in range(k)]
        self.deaths, self.death_ratios = Mean(), Mean(whole=False)

    def add(self, rows: dict[str, Any]) -> None:
        """Count a block.

        Parameters
        ----------
        rows : dict of str to ndarray, each with one row a trial
            ``rejected``, one column a hypothesis, and what else is known of the trials.
        """
        rejected = rows["rejected"]
        self.any.add(rejected.any(axis=1))
        self.all.add(rejected.all(axis=1))
        for share, hits in zip(self.each, rejected.T, strict=True):
            share.add(hits)
        rejections, number = np.unique(rejected, axis=0, return_counts=True)
        self.together.update(dict(zip(map(tuple, rejections.tolist()), number.tolist(), strict=True)))
        if "harmed" in rows:
            self.harmed.add(rows["harmed"])
        if "last_look" not in rows:
            return
        if "deaths" in rows:
            self._add_deaths(rows)
        self._add_ends(rows)
        self._add_ratios(rows)
        claimed = {s: np.zeros(len(rejected), bool) for s in ("positive", "negative")}
        for claim, hits in zip(self.claims, rejected.T, strict=True):
            for stratum in claim:
                claimed[stratum] |= hits
        for strata, label in LABELS.items():
            self.labels[label].add(
                (claimed["positive"] == ("positive" in strata))
                & (claimed["negative"] == ("negative" in strata))
            )

    def any_of(self, hypotheses: Collection[str]) -> dict[str, float]:
        """How often at least one of these hypotheses is rejected.

        Parameters
        ----------
        hypotheses : collection of str
            Of the design; others are never rejected.

        Returns
        -------
        dict of str to float
            As `Share.estimate`.
        """
        places = [j for j, name in enumerate(self.rules.hypotheses) if name in hypotheses]
        found = Share()
        for rejected, number in self.together.items():
            found.hits += number * any(rejected[j] for j in places)
            found.trials += number
        return found.estimate()

    def _add_ends(self, rows: dict[str, Any]) -> None:
        self.infeasible.add(rows["infeasible"])
        self.unfilled.add(rows["unfilled"])
        for k, (ends, futile) in enumerate(zip(self.ends, self.futile, strict=True)):
            ends.add(rows["last_look"] == k)
            futile.add((rows["last_look"] == k) & rows["futile"])
        sizes = (
            rows["events"],
            rows["randomized"],
            rows["screened"],
            rows["duration"],
            spent(self.scenario, rows),
        )
        for name, values in zip(SIZES, sizes, strict=True):
            self.sizes[name].add(values)

    def _add_deaths(self, rows: dict[str, Any]) -> None:
        self.deaths.add(rows["deaths"])
        self.death_ratios.add(np.exp(rows["death_log_ratio"]))
        if "harmed" in rows:
            for k, share in enumerate(self.harmed_at):
                share.add(rows["harmed"] & (rows["last_look"] == k))

    def _add_ratios(self, rows: dict[str, Any]) -> None:
        logs, errors = rows["log_hazard_ratio"], rows["std_error"]
        won = rows["rejected"].any(axis=1)
        for j in range(logs.shape[1]):
            known = np.isfinite(logs[:, j])
            self.logs[j].add(logs[:, j])
            self.ratios[j].add(np.exp(logs[:, j]))
            self.rejected_ratios[j].add(np.exp(logs[won, j]))
            if np.isfinite(self.truth[j]):
                self.covered[j].add(
                    (np.abs(logs[:, j] - np.log(self.truth[j])) <= _Z95 * errors[:, j])[known]
                )
