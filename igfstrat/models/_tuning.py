"""Every candidate penalty on every inner fold, with what the candidates share done once.

A fold has one design matrix (fitted on its training rows alone), one sort and one scaling; the path then runs from the
strongest penalty to the weakest, each fit beginning where the one before ended. scikit-learn's grid search repeats all of
that for each candidate, with the same scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from igfstrat.models._elastic_net import fit_penalized
from igfstrat.models._matrix import FloatArray
from igfstrat.models._resampling import rows_of
from igfstrat.models.cox_model import CoxModel
from igfstrat.models.outcome import read_outcome
from igfstrat.models.scoring import PartialLikelihood
from igfstrat.survival._cox_design import read_design

Candidate = Mapping[str, float]
# what is left after a step below this is its square: far below what could change a choice
_ENOUGH = 1e-4


def score_candidates(
    pipeline: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    y: Any,
    candidates: list[Candidate],
    folds: Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> FloatArray:
    """Partial log-likelihood per event of the test rows, shape (candidates, folds); NaN without events among them."""
    pairs = [(one["model__penalizer"], one["model__l1_ratio"]) for one in candidates]
    columns = [_scores(pipeline, X, y, pairs, train, test) for train, test in folds]
    return np.array(columns).T


def _scores(
    pipeline: Any,
    X: Any,  # noqa: N803
    y: Any,
    pairs: list[tuple[float, float]],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> list[float]:
    before, last = clone(pipeline[:-1]), pipeline[-1]
    matrix = before.fit_transform(rows_of(X, train), y[train])
    path = _CoxPath(pairs, strata=last.strata, ties=last.ties, missing=last.missing).fit(matrix, y[train])
    return path.scores(before.transform(rows_of(X, test)), y[test])


class _CoxPath(CoxModel):
    """A Cox model for each of several penalties; reads and refuses what a single one does."""

    def __init__(
        self,
        pairs: list[tuple[float, float]],
        strata: tuple[str, ...] | None = None,
        ties: str = "efron",
        missing: str = "refuse",
    ) -> None:
        super().__init__(strata=strata, ties=ties, missing=missing)
        self.pairs = pairs

    def _estimate(
        self, values: FloatArray, time: FloatArray, event: NDArray[np.bool_], strata: NDArray[np.str_] | None
    ) -> None:
        design = read_design(
            time=time,
            event=event,
            covariates=values,
            names=self._covariate_names(),
            entry=None,
            strata=strata,
            weights=None,
            ties=self.ties,
        )
        path = np.empty((len(self.pairs), values.shape[1]))
        beta = np.zeros(values.shape[1])
        for i in sorted(range(len(self.pairs)), key=lambda i: (self.pairs[i][1], -self.pairs[i][0])):
            beta = fit_penalized(design, *self.pairs[i], start=beta, enough=_ENOUGH).beta
            path[i] = beta / design.scale
        self.path_, self.mean_, self.coef_ = path, design.mean, path[0]

    def scores(self, X: Any, y: Any) -> list[float]:  # noqa: N803
        """Of new patients, one a penalty, within strata where there are any."""
        matrix = self._read(X)
        time, event = read_outcome(y, len(matrix.values))
        rows = matrix.complete
        n_events = int(np.count_nonzero(event[rows]))
        if n_events == 0:
            return [float("nan")] * len(self.pairs)
        groups = [rows]
        if matrix.strata is not None:
            labels = matrix.strata[rows].astype(str)
            groups = [rows & (matrix.strata == label) for label in np.unique(labels)]
        risks = (matrix.values - self.mean_) @ self.path_.T
        total = np.zeros(len(self.pairs))
        for group in groups:
            sample = PartialLikelihood(time=time[group], event=event[group])
            total += [sample.of(risk) for risk in risks[group].T]
        return [float(one) for one in total / n_events]
