"""The scikit-learn contract that every feature transformer keeps.

A transformer takes named columns, learns only in `fit`, keeps what it learned in attributes that
end in `_`, changes no input, and returns one column a feature.
"""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features.spec import RowFlag
from igfstrat.schema import COLUMNS


class FeatureTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the transformers; a subclass names its inputs and computes its columns."""

    def required_columns(self) -> list[str]:
        """Canonical columns without which the features can't be computed.

        Returns
        -------
        list of str
            Canonical names.
        """
        raise NotImplementedError

    def feature_names(self) -> list[str]:
        """Features in the order of the output.

        Returns
        -------
        list of str
            Names.
        """
        raise NotImplementedError

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn what the cohort decides, such as a quantile.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with canonical headers.
        y : object
            Ignored.

        Returns
        -------
        FeatureTransformer
            Itself.

        Raises
        ------
        CohortError
            If a required column is missing.
        """
        self._check_table(X)
        self.feature_names_in_ = X.columns.to_numpy(dtype=object)
        self.n_features_in_ = X.shape[1]
        self._learn(X)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        """Compute the features.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with canonical headers, in any order.

        Returns
        -------
        DataFrame, one row a patient
            One column a feature, with the index of `X`. NaN or None where an input is missing.

        Raises
        ------
        CohortError
            If a required column is missing.
        """
        check_is_fitted(self, "n_features_in_")
        self._check_table(X)
        return pd.DataFrame(self._compute(X), index=X.index)

    def flag_rows(self, X: pd.DataFrame) -> list[RowFlag]:  # noqa: N803 - scikit-learn's name
        """Doubts about single rows.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with canonical headers.

        Returns
        -------
        list of RowFlag
            Empty where there is none.
        """
        del X
        return []

    def describe(self) -> dict[str, str]:
        """What was done, in words, for a manifest and a methods section.

        Returns
        -------
        dict of str to str
            By feature.
        """
        return {}

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Names of the output columns.

        Parameters
        ----------
        input_features : object
            Ignored; the names are the features' own.

        Returns
        -------
        ndarray of object, shape (n_features_out,)
            Names.
        """
        del input_features
        return pd.Index(self.feature_names()).to_numpy(dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.no_validation = True
        return tags

    def _check_table(self, X: pd.DataFrame) -> None:  # noqa: N803
        missing = [
            name for name in self.required_columns() if COLUMNS[name].header not in getattr(X, "columns", ())
        ]
        if missing:
            remedy = "column missing from the table given to a feature transformer"
            problems = [
                Problem(code="header", severity=Severity.ERROR, column=COLUMNS[name].header, remedy=remedy)
                for name in missing
            ]
            headline = f"the table for {type(self).__name__}"
            raise CohortError(headline, problems, "No feature was computed.")

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        del X

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        raise NotImplementedError
