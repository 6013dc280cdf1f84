"""Folds with the same share of events in each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from igfstrat.errors import EstimationError
from igfstrat.models.outcome import read_outcome


class EventStratifiedKFold:
    """K folds, shuffled, each with about the same share of events.

    Parameters
    ----------
    n_splits : int
        Number of folds, at least 2.
    seed : int
        Decides the folds; the same seed gives the same folds on any machine.

    Examples
    --------
    >>> import numpy as np
    >>> from igfstrat.models import make_outcome
    >>> y = make_outcome(time=np.arange(1.0, 9.0), event=[True, False] * 4)
    >>> [int(y["event"][test].sum()) for _, test in EventStratifiedKFold(4).split(None, y)]
    [1, 1, 1, 1]
    """

    def __init__(self, n_splits: int = 5, seed: int = 0) -> None:
        self.n_splits = n_splits
        self.seed = seed

    def split(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        groups: Any = None,
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Rows of each training and test part.

        Parameters
        ----------
        X : object
            Ignored.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.
        groups : array-like, shape (n,), optional
            Rows of one group stay in one fold, such as the copies of a patient in a bootstrap sample: a copy among the
            test rows would make the weakest penalty look best.

        Yields
        ------
        train, test : ndarray of int, shape (n_train,) and (n_test,)
            Rows.

        Raises
        ------
        EstimationError
            If there are fewer events, or fewer censored patients, than folds; a group counts once.
        """
        del X
        _, row_event = read_outcome(y)
        _, code = np.unique(np.arange(len(row_event)) if groups is None else groups, return_inverse=True)
        event = np.zeros(code.max(initial=-1) + 1, np.bool_)
        np.logical_or.at(event, code, row_event)
        fewest = min(np.count_nonzero(event), np.count_nonzero(~event) or len(event))
        if fewest < self.n_splits:
            message = (
                f"{self.n_splits} folds need as many events and censored patients; the fewer are {fewest}"
            )
            raise EstimationError(message)
        folds = StratifiedKFold(self.n_splits, shuffle=True, random_state=self.seed)
        for _, test in folds.split(np.zeros(len(event)), event):
            inside = np.isin(code, test)
            yield np.flatnonzero(~inside), np.flatnonzero(inside)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: N803
        """Number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            The number.
        """
        del X, y, groups
        return self.n_splits
