"""Makers of tables with canonical headers, and the contract that every transformer keeps."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone


def patients(n=40, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(n)],
            "age_years": rng.uniform(25, 85, n),
            "sex": rng.choice(["female", "male"], n).astype(object),
            "igf1_ng_ml": rng.lognormal(4.8, 0.4, n),
            "igfbp3_ng_ml": rng.lognormal(8.3, 0.25, n),
            "igf1r_h_score": rng.integers(0, 301, n).astype(float),
            "igf1r_allred": rng.integers(0, 9, n).astype(float),
            "igf1r_ihc": rng.choice(["0", "1", "2", "3"], n).astype(object),
            **{f"igf1r_pct_{i}": column for i, column in enumerate(100 * rng.dirichlet(np.ones(4), n).T)},
            **{f"igf1r_h_score_{i}": rng.uniform(0, 300, n) for i in (1, 2, 3)},
            "igf1r_phospho": rng.normal(size=n),
            "igf1r_mrna": rng.normal(size=n),
            "er_percent": rng.uniform(0, 100, n),
            "pr_percent": rng.uniform(0, 100, n),
            "her2_ihc": rng.choice(["0", "1", "3"], n).astype(object),
            "her2_ish_ratio": rng.uniform(1, 4, n),
            "her2_copies": rng.uniform(2, 9, n),
            "ca_repeat_1": rng.integers(17, 22, n).astype(float),
            "ca_repeat_2": rng.integers(17, 22, n).astype(float),
            "rs2016347": rng.choice(["G/G", "G/T", "T/T"], n).astype(object),
            "rs2854744": rng.choice(["A/A", "A/C", "C/C"], n).astype(object),
            **{
                f"rs{k}": rng.choice(["A/A", "A/G", "G/G"], n).astype(object)
                for k in (2946834, 28674628, 7965399, 703556)
            },
            "ki67_percent": rng.uniform(1, 60, n),
        }
    )


@pytest.fixture
def make_patients():
    return patients


def check_feature_transformer(transformer, table):
    """Our own part of scikit-learn's contract, for transformers that need named columns."""
    before = table.copy(deep=True)
    parameters = transformer.get_params()
    copy = clone(transformer)
    assert {k: repr(v) for k, v in copy.get_params().items()} == {k: repr(v) for k, v in parameters.items()}
    assert copy.set_params(**parameters) is copy
    assert copy.fit(table) is copy
    first = copy.transform(table)
    assert list(first.columns) == list(copy.get_feature_names_out()) == copy.feature_names()
    assert first.index.equals(table.index)
    assert copy.n_features_in_ == table.shape[1]
    assert list(copy.feature_names_in_) == list(table.columns)
    assert table.equals(before)
    # fitted state ends in an underscore, and parameters are left as they were
    assert all(name in parameters or name.endswith("_") or name.startswith("_") for name in vars(copy))
    assert {k: repr(v) for k, v in copy.get_params().items()} == {k: repr(v) for k, v in parameters.items()}
    # fitting again, after another table too, gives the same
    copy.fit(table.iloc[: len(table) // 2])
    assert copy.fit(table).transform(table).equals(first)
    assert clone(transformer).fit_transform(table).equals(first)
    assert clone(transformer).set_output(transform="pandas").fit_transform(table).equals(first)
    # rows and columns stand in any order
    shuffled = table.sample(frac=1, random_state=2)[sorted(table.columns, reverse=True)]
    assert copy.transform(shuffled).loc[table.index].equals(first)
    assert set(copy.describe()) <= set(copy.feature_names())
    assert all(len(f.rows) and f.rows.min() >= 0 and f.rows.max() < len(table) for f in copy.flag_rows(table))


@pytest.fixture(name="check_feature_transformer")
def _check_feature_transformer():
    return check_feature_transformer
