"""Every feature there is, one test a promise. Brute force over the registry, on random tables."""

import doctest
import importlib
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from igfstrat.evidence import get_evidence
from igfstrat.features import REGISTRY, FeatureBuilder, inputs_of
from igfstrat.features.interaction import INTERACTION_SPECS
from igfstrat.features.status import INDETERMINATE
from igfstrat.schema import COLUMNS
from igfstrat.units import UNIT_OF_SUFFIX
from tests.tables import full_plan, random_table

ROOT = Path(__file__).parents[2]
PLAN = full_plan()
UNITS = {"1", "code", "%", "year", "repeats", *UNIT_OF_SUFFIX.values()}
# genotypes as written, and words of several features joined
OPEN_WORDS = {name for name in REGISTRY if name.endswith("_genotype")} | set(INTERACTION_SPECS)


@pytest.fixture(scope="module")
def table():
    return random_table(3000)


@pytest.fixture(scope="module")
def builder(table):
    return FeatureBuilder(PLAN, only=tuple(REGISTRY)).fit(table)


@pytest.fixture(scope="module")
def features(builder, table):
    return builder.transform(table)


def test_every_feature_is_computed_from_a_full_table(features):
    assert list(features) == list(REGISTRY)
    assert features.notna().any().all()


@pytest.mark.parametrize("name", REGISTRY)
def test_a_spec_says_what_its_feature_is(name):
    spec = REGISTRY[name]
    assert spec.name == name
    assert spec.title
    assert spec.unit in UNITS or spec.unit.startswith("log2(")
    columns = {**spec.inputs, **spec.any_of}
    assert set(columns) <= set(COLUMNS)
    for column, unit in columns.items():
        kind = COLUMNS[column].kind
        assert unit == (
            "code" if kind in {"code", "text"} else kind if kind == "date" else COLUMNS[column].unit or "1"
        )
    if spec.unit == "code":
        assert bool(spec.words) is (name not in OPEN_WORDS)
    else:
        assert spec.bounds[0] < spec.bounds[1]


@pytest.mark.parametrize("name", REGISTRY)
def test_evidence_of_a_feature_is_in_the_registry_and_not_retracted(name):
    assert all(get_evidence(key).source for key in REGISTRY[name].evidence)


@pytest.mark.parametrize("name", REGISTRY)
def test_values_keep_to_the_bounds_and_words_of_the_spec(features, name):
    spec, values = REGISTRY[name], features[name].dropna()
    if spec.unit == "code":
        assert not spec.words or set(values) <= set(spec.words)
    else:
        assert values.between(*spec.bounds).all()


@pytest.mark.parametrize("name", REGISTRY)
def test_missing_inputs_give_a_missing_feature(table, name):
    # a few values stay, so that a rule that is learned has something to learn from
    without = table.copy()
    for column in {c for group in inputs_of(PLAN, name) for c in group}:
        without[COLUMNS[column].header] = without[COLUMNS[column].header].where(np.arange(len(table)) >= 100)
    found = FeatureBuilder(PLAN, only=(name,)).fit(without).transform(without)[name]
    assert found.iloc[:100].isna().all() if REGISTRY[name].missing == "propagate" else found.notna().all()
    assert found.iloc[100:].notna().any()


@pytest.mark.parametrize("name", REGISTRY)
def test_a_row_is_scored_alike_whatever_rows_stand_beside_it(table, builder, features, name):
    alone = FeatureBuilder(PLAN, only=(name,)).fit(table)
    rows = [0, 17, 2999]
    again = alone.transform(table.iloc[rows])[name]
    assert again.equals(features[name].iloc[rows])
    # and the rows that are scored have no say in what was learned
    other = table.assign(**{c: table[c] / 3 for c in table.select_dtypes("number")})
    alone.transform(other)
    assert alone.transform(table.iloc[rows])[name].equals(again)


def has_example(module):
    finder = doctest.DocTestFinder(exclude_empty=True)
    own = [
        function
        for name, function in inspect.getmembers(
            module, lambda o: inspect.isfunction(o) or inspect.isclass(o)
        )
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]
    return any(test.examples for function in own for test in finder.find(function, module=module))


def test_the_module_of_every_feature_shows_an_example(builder):
    # that it runs is seen when the package's doctests are collected
    modules = {type(transformer).__module__ for transformer in builder.transformers_}
    assert len(modules) > 10
    assert [name for name in sorted(modules) if not has_example(importlib.import_module(name))] == []


@pytest.mark.parametrize("name", REGISTRY)
def test_every_feature_has_a_row_in_the_docs(name):
    rows = (ROOT / "docs/features.md").read_text(encoding="utf-8").splitlines()
    assert sum(row.startswith(f"| `{name}` | {REGISTRY[name].title} |") for row in rows) == 1


def test_an_indeterminate_status_is_a_word_of_every_status():
    assert all(INDETERMINATE in REGISTRY[name].words for name in REGISTRY if name.endswith("_status"))


def test_no_feature_changes_its_table(table):
    before = table.copy(deep=True)
    FeatureBuilder(PLAN).fit(table).transform(table)
    pd.testing.assert_frame_equal(table, before)


def test_a_table_that_holds_each_word_once_gives_the_features_and_flags_of_the_plain_one(
    builder, table, features
):
    words = [name for name in table if table[name].dtype == object and name != "patient_id"]
    compact = table.astype(dict.fromkeys(words, "category"))
    assert len(words) > 20
    fitted = FeatureBuilder(PLAN, only=tuple(REGISTRY)).fit(compact)
    assert fitted.describe() == builder.describe()
    pd.testing.assert_frame_equal(fitted.transform(compact).astype(features.dtypes), features)
    pairs = zip(fitted.flag_rows(compact), builder.flag_rows(table), strict=True)
    for found, expected in pairs:
        assert (found.code, found.column, found.remedy) == (expected.code, expected.column, expected.remedy)
        np.testing.assert_array_equal(found.rows, expected.rows)
