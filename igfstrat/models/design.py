"""From named columns to a design matrix: indicators of words, scaled numbers, interactions, declared imputation.

All that is learned is learned in `fit` and kept. A level that was not there in training, or a missing value for which
nothing is declared, makes the row NaN, and `flag_rows` says so: it never passes for the reference level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from igfstrat.errors import CohortError, Problem, Severity, UsageError
from igfstrat.features.spec import RowFlags, flag_where
from igfstrat.models._terms import NumberTerm, Read, Term, WordTerm, learn_number, learn_word, numbers_of
from igfstrat.models.censored_normal import (
    SCALES,
    CensoredNormal,
    Limits,
    learn_censored_normal,
    read_limits,
)

FloatArray = NDArray[np.float64]
_ONE_VALUE, _COPY = "the same in every training row", "the same as"


class DesignMatrix(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Columns that a risk model can take.

    Parameters
    ----------
    predictors : sequence of str
        Columns of the table: numbers, or words.
    interactions : sequence of pairs of str
        Predictors whose columns are multiplied.
    strata : sequence of str, optional
        Columns passed on as they are, for the strata of a Cox model.
    reference : dict of str to str, optional
        Reference level by predictor; else low, negative or no where there is such a level, else the first in order.
    numbers : "median", float or None
        What stands for a missing number; None = nothing, the row becomes NaN.
    words : "most_frequent", "own_level" or None
        What stands for a missing word; `own_level` makes it a level named missing.
    indicators : bool
        Whether a 0/1 column marks the rows that were filled, where training had such rows.
    scale : bool
        Whether numbers are centred and divided by their standard deviation.
    censored_normal : dict of str to str, optional
        Numbers that may lie beyond a limit, with the scale on which they are normal given the other predictors, linear or
        log. Their limits stand in ``<name>_lower`` and ``<name>_upper``; such a value is taken as its expected value.

    Attributes
    ----------
    terms_ : tuple of NumberTerm or WordTerm
        What was learned of each predictor.
    levels_, reference_ : dict of str
        Levels and reference level of each predictor that holds words.
    censored_ : tuple of CensoredNormal
        What was learned of numbers that may lie beyond a limit; each may depend on those before it.
    names_ : tuple of str
        Columns of the matrix.
    left_out_ : dict of str to str
        Columns that training could say nothing about, with the reason.
    constants_ : dict of str to float
        Value of those that never varied; a row with another value gets NaN.

    Examples
    --------
    >>> table = pd.DataFrame({"igf1r_status": ["low", "high", "high"], "age_years": [40.0, 50.0, 60.0]})
    >>> DesignMatrix(["igf1r_status", "age_years"], scale=False).fit_transform(table).columns.tolist()
    ['igf1r_status=high', 'age_years']
    """

    def __init__(
        self,
        predictors: Any = (),
        interactions: Any = (),
        strata: Any = None,
        reference: dict[str, str] | None = None,
        numbers: str | float | None = None,
        words: str | None = None,
        indicators: bool = True,
        scale: bool = True,
        censored_normal: dict[str, str] | None = None,
    ) -> None:
        self.predictors = predictors
        self.interactions = interactions
        self.strata = strata
        self.reference = reference
        self.numbers = numbers
        self.words = words
        self.indicators = indicators
        self.scale = scale
        self.censored_normal = censored_normal

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn levels, scales, fillers and which columns vary.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        y : object
            Ignored: nothing here may know the outcome.

        Returns
        -------
        DesignMatrix
            Itself.
        """
        self._check_parameters()
        self._check_columns(X)
        self._learn_terms(X)
        words = [term for term in self.terms_ if isinstance(term, WordTerm)]
        self.levels_ = {term.name: term.levels for term in words}
        self.reference_ = {term.name: term.reference for term in words}
        self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = X.shape[1]
        self._leave_out(*self._all_columns(self._reads(X)))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        """Make the matrix.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors, in any order.

        Returns
        -------
        DataFrame, one row a patient
            float64 columns `names_`, and the strata as they came; NaN in every column of a row that can't be scored.
        """
        check_is_fitted(self, "terms_")
        self._check_columns(X)
        values, names = self._all_columns(self._reads(X))
        unknown = np.isnan(values).any(axis=1) | self._outside_constants(values, names)
        kept = values[:, [names.index(name) for name in self.names_]]
        kept[unknown] = np.nan
        matrix = pd.DataFrame(kept, columns=list(self.names_), index=X.index)
        for name in self.strata or ():
            matrix[name] = X[name]
        return matrix

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Names of the columns.

        Parameters
        ----------
        input_features : object
            Ignored; the names follow from the predictors and their levels.

        Returns
        -------
        ndarray of object, shape (n_columns,)
            Names, those of the strata last.
        """
        del input_features
        check_is_fitted(self, "terms_")
        return np.array([*self.names_, *(self.strata or ())], dtype=object)

    def flag_rows(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        """What is doubtful in a table that is to be scored.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.

        Returns
        -------
        list of RowFlags
            Missing values and what stands for them; levels, combinations and ranges that training didn't have.
        """
        check_is_fitted(self, "terms_")
        self._check_columns(X)
        limits = {one.name: read_limits(X, one.name, one.scale) for one in self.censored_}
        done = self._completed(X)
        reads = [term.read(done[term.name]) for term in self.terms_]
        found: list[RowFlags] = []
        for term, read in zip(self.terms_, reads, strict=True):
            missing = read.missing
            if term.name in limits:
                found += _flag_limits(limits[term.name], term.name)
                missing = missing & ~limits[term.name].beyond
            found += flag_where(missing, "missing_input", term.name, f"missing: {term.remedy()}")
            if isinstance(term, WordTerm):
                remedy = f"a level that the model was not trained on, not scored; it knows {term.known()}"
                found += flag_where(read.unseen, "unseen_level", term.name, remedy)
            else:
                remedy = f"outside the training range {term.lowest:g} to {term.highest:g}: an extrapolation"
                found += flag_where(term.outside(done[term.name]), "outside_training", term.name, remedy)
        values, names = self._all_columns(reads)
        for name in self.constants_:
            rows = self._differs(values, names, name)
            found += flag_where(
                rows, "unseen_level", name, "a combination that the model was not trained on, not scored"
            )
        return found

    # values beyond a limit

    def _learn_terms(self, X: pd.DataFrame) -> None:  # noqa: N803
        declared: dict[str, str] = dict(self.censored_normal or {})
        known = {name: self._learn(X[name]) for name in self.predictors if name not in declared}
        columns = _columns_of(known.values(), X)
        models: list[CensoredNormal] = []
        for name, scale in declared.items():
            limits, others = read_limits(X, name, scale), _side_by_side(columns, tuple(columns), len(X))
            models.append(learn_censored_normal(name, limits, others, tuple(columns), scale))
            filled = _filled(models[-1], X, columns)
            known[name] = self._learn(filled)
            columns |= _columns_of([known[name]], {name: filled})
        self.censored_ = tuple(models)
        self.terms_: tuple[Term, ...] = tuple(known[name] for name in self.predictors)

    def _completed(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        """The table with expected values where there are only limits."""
        if not self.censored_:
            return X
        terms = {term.name: term for term in self.terms_}
        declared = [one.name for one in self.censored_]
        columns = _columns_of([term for name, term in terms.items() if name not in declared], X)
        for one in self.censored_:
            filled = _filled(one, X, columns)
            columns |= _columns_of([terms[one.name]], {one.name: filled})
            X = X.assign(**{one.name: filled})  # noqa: N806
        return X

    def _reads(self, X: pd.DataFrame) -> list[Read]:  # noqa: N803
        done = self._completed(X)
        return [term.read(done[term.name]) for term in self.terms_]

    # learning

    def _learn(self, column: pd.Series[Any]) -> Term:
        if numbers_of(column) is None:
            reference = (self.reference or {}).get(str(column.name))
            return learn_word(column, self.words, reference, indicators=self.indicators)
        if str(column.name) in (self.reference or {}):
            message = f"{column.name} holds numbers; a reference level is for words"
            raise UsageError(message)
        return learn_number(column, self.numbers, scale=self.scale, indicators=self.indicators)

    def _leave_out(self, values: FloatArray, names: list[str]) -> None:
        complete = values[~np.isnan(values).any(axis=1)]
        indicators = {f"{term.name}_missing" for term in self.terms_ if term.indicator}
        self.left_out_: dict[str, str] = {}
        self.constants_: dict[str, float] = {}
        seen: dict[bytes, str] = {}
        for name, column in zip(names, complete.T, strict=True):
            if len(column) and (column == column[0]).all():
                self.left_out_[name] = _ONE_VALUE
                self.constants_[name] = float(column[0])
            elif name in indicators and (twin := seen.get(column.tobytes())):
                self.left_out_[name] = f"{_COPY} {twin}"  # features of one measurement are missing together
            seen.setdefault(column.tobytes(), name)
        self.names_ = tuple(name for name in names if name not in self.left_out_)
        if not self.names_:
            message = f"no predictor varies among the {len(complete)} complete rows: {', '.join(names)}"
            raise UsageError(message)

    # columns

    def _all_columns(self, reads: list[Read]) -> tuple[FloatArray, list[str]]:
        """Every column of the plan, those left out too."""
        main = {term.name: (read.columns, term.main) for term, read in zip(self.terms_, reads, strict=True)}
        blocks: list[FloatArray] = []
        names: list[str] = []
        for term, read in zip(self.terms_, reads, strict=True):
            blocks.append(read.columns)
            names += term.main
            if term.indicator:
                blocks.append(read.missing.astype(np.float64)[:, None])
                names.append(f"{term.name}_missing")
        for first, second in self.interactions:
            (left, left_names), (right, right_names) = main[first], main[second]
            blocks.append((left[:, :, None] * right[:, None, :]).reshape(len(left), -1))
            names += [f"{a}:{b}" for a in left_names for b in right_names]
        return np.column_stack(blocks), names

    def _outside_constants(self, values: FloatArray, names: list[str]) -> NDArray[np.bool_]:
        rows = [self._differs(values, names, name) for name in self.constants_]
        return np.logical_or.reduce(rows) if rows else np.zeros(len(values), np.bool_)

    def _differs(self, values: FloatArray, names: list[str], name: str) -> NDArray[np.bool_]:
        column = values[:, names.index(name)]
        differs: NDArray[np.bool_] = ~np.isnan(column) & (column != self.constants_[name])
        return differs

    # checks

    def _check_parameters(self) -> None:
        predictors = list(self.predictors)
        unknown = {name for pair in self.interactions for name in pair} - set(predictors)
        if not predictors or len(set(predictors)) < len(predictors) or unknown:
            message = f"predictors must be named once each and hold those of the interactions; found {predictors} and {list(self.interactions)}"
            raise UsageError(message)
        number_words = isinstance(self.numbers, str) and self.numbers != "median"
        if number_words or self.words not in (None, "most_frequent", "own_level"):
            message = f"numbers must be median, a number or None, words most_frequent, own_level or None; found {self.numbers!r} and {self.words!r}"
            raise UsageError(message)
        declared = dict(self.censored_normal or {})
        if set(declared) - set(predictors) or set(declared.values()) - set(SCALES):
            message = f"censored_normal must name predictors with linear or log, found {declared}"
            raise UsageError(message)

    def _check_columns(self, X: object) -> None:  # noqa: N803
        if not isinstance(X, pd.DataFrame):
            message = f"a design matrix is made from named columns: give a DataFrame, not {type(X).__name__}"
            raise UsageError(message)
        missing = [name for name in (*self.predictors, *(self.strata or ())) if name not in X]
        if missing:
            remedy = "a predictor of the model; add the column, or choose a model without it"
            problems = [
                Problem(code="header", severity=Severity.ERROR, column=name, remedy=remedy)
                for name in missing
            ]
            headline = "the table given to a risk model"
            raise CohortError(headline, problems, "No risk was computed.")


def _columns_of(
    terms: Iterable[Term], table: Mapping[str, pd.Series[Any]] | pd.DataFrame
) -> dict[str, FloatArray]:
    """Main columns of predictors, by name."""
    found: dict[str, FloatArray] = {}
    for term in terms:
        found |= zip(term.main, term.read(table[term.name]).columns.T, strict=True)
    return found


def _side_by_side(columns: Mapping[str, FloatArray], names: Sequence[str], n: int) -> FloatArray:
    return np.column_stack([columns[name] for name in names]) if names else np.zeros((n, 0))


def _filled(model: CensoredNormal, table: pd.DataFrame, columns: Mapping[str, FloatArray]) -> pd.Series[Any]:
    limits = read_limits(table, model.name, model.scale)
    expected = model.expected(limits, _side_by_side(columns, model.columns, len(table)))
    own = numbers_of(table[model.name])
    assert own is not None
    # a value that was measured stays as it is, one without logarithm too
    values = np.where(limits.beyond, expected, own)
    return pd.Series(values, index=table.index, name=model.name)


def _flag_limits(limits: Limits, name: str) -> list[RowFlags]:
    remedy = "beyond its limit: taken as its expected value given the other predictors, as the model declares"
    below = limits.beyond & np.isfinite(limits.upper)
    return [
        *flag_where(below, "below_detection", name, remedy),
        *flag_where(limits.beyond & ~below, "above_limit", name, remedy),
    ]


__all__ = ["DesignMatrix", "NumberTerm", "WordTerm"]
