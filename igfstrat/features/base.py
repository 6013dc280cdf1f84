"""The scikit-learn contract that every feature transformer keeps.

A transformer takes named columns, learns only in `fit`, keeps what it learned in attributes that
end in `_`, changes no input, and returns one column a feature.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

import pandas as pd
from pydantic import ValidationError
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from igfstrat.config import StrictModel
from igfstrat.errors import CohortError, ConfigError, Problem, Severity, UsageError
from igfstrat.features.spec import RowFlags
from igfstrat.schema import COLUMNS

Settings = TypeVar("Settings", bound=StrictModel)


class FeatureTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the transformers; a subclass names its inputs and computes its columns.

    Attributes
    ----------
    feature_names_in_ : ndarray of object, shape (n_features_in_,)
        Headers of the table that it was fitted on.
    n_features_in_ : int
        How many they are.
    """

    def required_columns(self) -> list[str]:
        """Canonical columns without which the features can't be computed.

        Returns
        -------
        list of str
            Canonical names.
        """
        return self._required()

    def feature_names(self) -> list[str]:
        """Features in the order of the output.

        Returns
        -------
        list of str
            Names.
        """
        return self._names()

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
        _check_named(X)
        # what is required may itself be learned, so an earlier fit must not have a say in it
        self._learn(X)
        self._check_table(X)
        self.feature_names_in_ = X.columns.to_numpy(dtype=object)
        self.n_features_in_ = X.shape[1]
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
        _check_named(X)
        self._check_table(X)
        # as they are: joining columns of one kind into blocks would copy them all
        return pd.DataFrame(self._compute(X), index=X.index, copy=False)

    def flag_rows(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        """Doubts about single rows.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with canonical headers.

        Returns
        -------
        list of RowFlags
            Empty where there is none.
        """
        return self._flags(X)

    def describe(self) -> dict[str, str]:
        """What was done, in words, for a manifest and a methods section.

        Returns
        -------
        dict of str to str
            By feature.
        """
        return self._describe()

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
        check_is_fitted(self, "n_features_in_")
        return pd.Index(self.feature_names()).to_numpy(dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.no_validation = True
        return tags

    def _check_table(self, X: pd.DataFrame) -> None:  # noqa: N803
        missing = [name for name in self.required_columns() if COLUMNS[name].header not in X]
        if missing:
            remedy = "column missing from the table given to a feature transformer"
            problems = [
                Problem(code="header", severity=Severity.ERROR, column=COLUMNS[name].header, remedy=remedy)
                for name in missing
            ]
            headline = f"the table for {type(self).__name__}"
            raise CohortError(headline, problems, "No feature was computed.")

    # what a subclass fills in; the public methods above are its documented face

    def _required(self) -> list[str]:
        raise NotImplementedError

    def _names(self) -> list[str]:
        raise NotImplementedError

    def _describe(self) -> dict[str, str]:
        raise NotImplementedError

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        del X
        return []

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        del X

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        raise NotImplementedError


def make_settings(model: type[Settings], owner: str, **values: Any) -> Settings:
    """Parameters of a transformer under the rules of the plan's own section.

    Parameters
    ----------
    model : type of StrictModel
        The section.
    owner : str
        The feature, for the message.
    **values : object
        The parameters.

    Returns
    -------
    StrictModel
        An instance of `model`.

    Raises
    ------
    ConfigError
        If the parameters cannot be.
    """
    try:
        return model(**values)
    except ValidationError as error:
        message = f"{owner}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        raise ConfigError(message) from error


def _check_named(X: object) -> None:  # noqa: N803
    if not isinstance(X, pd.DataFrame):
        message = f"features are computed from named columns: give a DataFrame, not {type(X).__name__}"
        raise UsageError(message)
