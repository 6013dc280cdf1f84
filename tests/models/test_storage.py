"""Model files come back to the last bit and do no harm (source of truth: byte equality; a list of hostile files)."""

# ruff: noqa: N806 - X is scikit-learn's name

import io
import json
import os
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from igfstrat.errors import ConfigError, ExitCode, UnsafeFileError
from igfstrat.models import (
    DesignMatrix,
    ModelCard,
    ModelSettings,
    RiskPipeline,
    WeibullAFTModel,
    load_model,
    make_risk_pipeline,
    model_card_items,
    save_model,
)
from igfstrat.models._document import SCHEMAS
from igfstrat.models.censored_normal import read_limits
from igfstrat.models.storage import MAX_BYTES, stored_model, training_hash

DATA = Path(__file__).parent / "data"
CARD = ModelCard(
    name="test", endpoint="dfs", time_unit="months", horizons=(12.0,), evidence=("E-a-01",), feature_plan={"features": ["igf1_sds"]}
)  # fmt: skip
KINDS = [
    {},
    {"penalty": {"ridge": 0.1}},
    {"penalty": {"lasso": 0.02}},
    {"penalty": {"ridge": "tuned"}},
    {"predictors": ("igf1_sds", "age_years"), "strata": ("subtype",)},
    {"type": "weibull_aft"},
    {"type": "log_logistic_aft"},
    {"type": "piecewise_exponential", "intervals": 3},
]
BASE = {
    "predictors": ("igf1_sds", "igf1r_status", "subtype", "age_years"),
    "imputation": {"numbers": "median", "words": "own_level"},
}


@pytest.fixture
def written(cohort, tmp_path):
    X, y = cohort
    pipeline = make_risk_pipeline(ModelSettings.model_validate(BASE)).fit(X, y)
    path = tmp_path / "model.json"
    save_model(path, pipeline, CARD)
    return path


@pytest.mark.parametrize("section", KINDS, ids=str)
def test_a_loaded_model_predicts_the_same_bits(cohort, tmp_path, section):
    X, y = cohort
    X = X.copy()
    X.loc[::17, "igf1_sds"] = np.nan
    X.loc[::29, "igf1r_status"] = None
    pipeline = make_risk_pipeline(ModelSettings.model_validate(BASE | section), folds=3).fit(X, y)
    path, again = tmp_path / "a.json", tmp_path / "b.json"
    checksum = save_model(path, pipeline, CARD)
    loaded = load_model(path)
    assert loaded.sha256 == checksum
    assert loaded.card == CARD
    at = [3.0, 12.0, 1e6]
    for a, b in (
        (pipeline.predict(X), loaded.pipeline.predict(X)),
        (pipeline.predict_survival_function(X, at), loaded.pipeline.predict_survival_function(X, at)),
        (pipeline.predict_median(X), loaded.pipeline.predict_median(X)),
    ):
        assert a.tobytes() == b.tobytes()
    save_model(again, loaded.pipeline, loaded.card)
    assert again.read_bytes() == path.read_bytes()
    assert stored_model(pipeline, CARD).sha256 == checksum


def test_a_stored_model_still_flags_what_it_has_not_seen(cohort, written):
    X, _ = cohort
    new = X.head(3).assign(subtype=["luminal_a", "her2_enriched", "luminal_b"], age_years=[50.0, 50.0, 150.0])
    found = {f.code: f.rows.tolist() for f in load_model(written).pipeline.flag_rows(new)}
    assert found == {"unseen_level": [1], "outside_training": [2]}
    assert np.isnan(load_model(written).pipeline.predict(new)).tolist() == [False, True, False]


def test_every_changed_byte_is_refused(written):
    raw = written.read_bytes()
    rng = np.random.default_rng(5)
    for place in rng.integers(0, len(raw), 150):
        changed = bytearray(raw)
        changed[place] ^= 1 << int(rng.integers(0, 7))
        written.write_bytes(bytes(changed))
        with pytest.raises((ConfigError, UnsafeFileError)):
            load_model(written)
    for damaged in (raw[:-1], raw + b" ", raw[: len(raw) // 2], raw.replace(b"\n", b"\r\n")):
        written.write_bytes(damaged)
        with pytest.raises(ConfigError):
            load_model(written)


def test_the_file_is_plain_text_of_numbers_and_words(written):
    text = written.read_text(encoding="ascii")
    content = json.loads(text)
    assert "py/" not in text
    assert not re.search(r"[A-Za-z0-9+/]{80,}", text.replace(content["checksum"], ""))
    assert content["schema"] == "igfstrat.model/2"


class Bomb:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


def resigned(path, change):
    """A file with a right checksum, as somebody would forge it."""
    from igfstrat.models.storage import _checksum, _rendered

    content = json.loads(path.read_text(encoding="ascii"))
    change(content)
    content["checksum"] = _checksum(content)
    path.write_bytes(_rendered(content))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_not_run(tmp_path, protocol):
    marker, path = tmp_path / "marker", tmp_path / "model.json"
    path.write_bytes(pickle.dumps(Bomb(marker), protocol))
    with pytest.raises(UnsafeFileError, match=r"unsafe.*pickle") as caught:
        load_model(path)
    assert caught.value.exit_code is ExitCode.UNSAFE
    assert not marker.exists()


@pytest.mark.parametrize("compress", [0, 3])
def test_joblib_and_object_arrays_are_refused(tmp_path, compress):
    path = tmp_path / "model.json"
    joblib.dump({"coef": np.ones(3), "bomb": Bomb(tmp_path / "marker")}, path, compress=compress)
    with pytest.raises(UnsafeFileError):
        load_model(path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(UnsafeFileError):
        load_model(path)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested too deeply"),
        (b'{"schema": "igfstrat.model/1", "n": ' + b"9" * 200_000 + b"}", "200000 digits"),
        (b'{"schema": "igfstrat.model/1", "coef": NaN}', "NaN"),
        (b'{"schema": "igfstrat.model/1", "coef": -Infinity}', "Infinity"),
        (b'{"schema": "igfstrat.model/1", "coef": 1e999}', "infinite"),
        (b'{"schema": "igfstrat.model/1", "schema": "x"}', "stands twice"),
        (b'{"schema": "igfstrat.model/99"}', "unknown here"),
        (b'{"schema": ["x"]}', "unknown here"),
        (b'{"py/object": "os.system", "py/reduce": [{"py/eval": "1"}]}', "no 'schema'"),
        (b"[1, 2]", "no 'schema'"),
        (b"just a note\n", "not a model file"),
        (b"patient_id,age\nP1,40\n", "not a model file"),
        (b'{"schema": "igfstrat.model/1"', "not a model file"),
        (b"{}" + b" " * MAX_BYTES, "too large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_model_is_refused_with_its_reason(tmp_path, raw, word):
    path = tmp_path / "model.json"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match=word) as caught:
        load_model(path)
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["model"]["coefficients"][0].update(coef="0.1"),
        lambda c: c["model"]["coefficients"][0].update(name="other"),
        lambda c: c["model"]["coefficients"].pop(),
        lambda c: c["model"]["baseline"]["all"]["time"].reverse(),
        lambda c: c["model"]["baseline"]["all"]["cumulative_hazard"].pop(),
        lambda c: c["model"].update(baseline=None),
        lambda c: c["model"].update(type="weibull_aft"),
        lambda c: c["model"].update(type="os.system"),
        lambda c: c["model"]["settings"].update(penalizer=-1.0),
        lambda c: c["model"]["settings"].update(eval="1"),
        lambda c: c["model"]["covariance"].pop(),
        lambda c: c["design"]["predictors"][0].update(scale=0.0),
        lambda c: c["design"]["predictors"][1].update(levels=[]),
        lambda c: c["design"].update(columns=[]),
        lambda c: c.update(code="import os"),
        lambda c: c.pop("card"),
    ],
)
def test_a_forged_content_with_a_right_checksum_is_refused(written, change):
    with pytest.raises(ConfigError):
        load_model(resigned(written, change))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "no.json", tmp_path, Path("/dev/null"), tmp_path / ("x" * 300)):
        with pytest.raises(ConfigError):
            load_model(path)


@pytest.mark.parametrize("path", sorted(DATA.glob("model_schema_?.json")), ids=lambda path: path.stem)
def test_a_file_of_every_released_schema_gives_the_predictions_stored_beside_it(path):
    stored = json.loads(path.with_name(f"{path.stem}_predictions.json").read_text(encoding="ascii"))
    pipeline, rows = load_model(path).pipeline, pd.DataFrame(stored["rows"])
    measured = np.ones(len(rows), bool)
    if "igf1_sds_lower" in rows:
        measured = (rows["igf1_sds_lower"] == rows["igf1_sds_upper"]).to_numpy()
        assert not measured.all()
    known = {key: np.array([float.fromhex(v) for v in stored[key]]) for key in ("risk", "median", "survival")}
    risk, survival = pipeline.predict(rows), pipeline.predict_survival_function(rows, stored["at"])
    # sums and products are the same bits on every processor; an exponential may differ in its last one
    assert risk[measured].tobytes() == known["risk"][measured].tobytes()
    assert pipeline.predict_median(rows).tobytes() == known["median"].tobytes()
    np.testing.assert_allclose(risk, known["risk"], rtol=1e-14)
    np.testing.assert_allclose(survival.ravel(), known["survival"], rtol=1e-14)


def test_there_is_a_file_of_every_schema_that_is_read():
    found = [
        json.loads(path.read_text(encoding="ascii"))["schema"] for path in DATA.glob("model_schema_?.json")
    ]
    assert sorted(found) == sorted(SCHEMAS)


def test_an_old_file_has_no_limits_of_survival_and_one_of_today_has_them(cohort, tmp_path):
    X, _ = cohort
    old = load_model(DATA / "model_schema_1.json")
    assert np.isnan(old.pipeline[-1].predict_survival_interval(old.pipeline.matrix(X), [12.0])).all()
    save_model(tmp_path / "again.json", old.pipeline, old.card)
    again = load_model(tmp_path / "again.json").pipeline
    assert again.predict(X).tobytes() == old.pipeline.predict(X).tobytes()


@pytest.mark.parametrize(
    "section",
    [{}, {"predictors": ("igf1_sds", "age_years"), "strata": ("subtype",)}, {"type": "weibull_aft"},
     {"type": "log_logistic_aft"}, {"type": "piecewise_exponential", "intervals": 3}],
    ids=str,
)  # fmt: skip
def test_limits_of_survival_come_back_to_the_last_bit(cohort, tmp_path, section):
    X, y = cohort
    pipeline = make_risk_pipeline(ModelSettings.model_validate(BASE | section)).fit(X, y)
    save_model(tmp_path / "model.json", pipeline, CARD)
    matrix, loaded = pipeline.matrix(X), load_model(tmp_path / "model.json").pipeline
    limits = pipeline[-1].predict_survival_interval(matrix, [3.0, 12.0])
    assert np.isfinite(limits).all()
    assert loaded[-1].predict_survival_interval(matrix, [3.0, 12.0]).tobytes() == limits.tobytes()


@pytest.fixture
def richly_written(cohort, tmp_path):
    """A stated reliability and a predictor beyond its limit."""
    X, y = cohort
    X = X.assign(
        igf1_sds_lower=X["igf1_sds"].where(X["igf1_sds"] > -1), igf1_sds_upper=X["igf1_sds"].clip(-1)
    )
    design = DesignMatrix(["igf1_sds", "age_years", "subtype"], censored_normal={"igf1_sds": "linear"})
    model = WeibullAFTModel(reliability={"igf1_sds": 0.8})
    pipeline = RiskPipeline([("design", design), ("model", model)]).fit(X, y)
    save_model(tmp_path / "rich.json", pipeline, CARD)
    return tmp_path / "rich.json", pipeline, X


def test_corrected_coefficients_and_values_beyond_a_limit_come_back_to_the_last_bit(richly_written):
    path, pipeline, X = richly_written
    loaded = load_model(path).pipeline
    pd.testing.assert_frame_equal(
        loaded[-1].corrected_coefficients(), pipeline[-1].corrected_coefficients(), rtol=0, atol=0
    )
    assert loaded.predict(X).tobytes() == pipeline.predict(X).tobytes()
    limits, others = read_limits(X, "igf1_sds", "linear"), np.zeros((len(X), 3))
    draws = [
        p["design"].censored_[0].draw(limits, others, np.random.default_rng(4)) for p in (loaded, pipeline)
    ]
    assert draws[0].tobytes() == draws[1].tobytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["model"]["settings"].update(reliability={"igf1_sds": 2.0}),
        lambda c: c["model"]["settings"].update(reliability={"igf1_sds": 1e-9, "age_years": 1e-9}),
        lambda c: c["model"]["settings"].update(reliability={"bmi": 0.8}),
        lambda c: c["model"].update(covariate_covariance=None),
        lambda c: c["model"]["covariate_covariance"].pop(),
        lambda c: c["design"].update(censored=[]),
        lambda c: c["design"].update(censored_normal={"subtype": "linear"}),
        lambda c: c["design"]["censored"][0]["columns"].append("bmi"),
        lambda c: c["design"]["censored"][0].update(columns=["bmi"] * 3),
        lambda c: c["design"]["censored"][0].update(scale="log"),
        lambda c: c["design"]["censored"][0]["covariance"].pop(),
    ],
)
def test_a_forged_reliability_or_limit_is_refused(richly_written, change):
    with pytest.raises(ConfigError):
        load_model(resigned(richly_written[0], change))


@pytest.mark.parametrize("name", ["variance", "drift"])
def test_a_forged_spread_of_the_baseline_is_refused(written, name):
    with pytest.raises(ConfigError):
        load_model(resigned(written, lambda c: c["model"]["baseline"]["all"][name].pop()))
    with pytest.raises(ConfigError):
        load_model(resigned(written, lambda c: c["model"]["baseline"]["all"].pop(name)))


def test_the_card_says_what_was_not_stated(written):
    items = model_card_items(load_model(written))
    assert "Research use only" in items["purpose"]
    assert items["limits"] == "not stated"
    assert {p["name"] for p in items["predictors"]} == set(BASE["predictors"])
    assert next(p for p in items["predictors"] if p["name"] == "igf1r_status")["reference"] == "low"
    assert len(items["equation"]) == 5
    json.dumps(items, allow_nan=False)


def test_the_hash_of_the_training_data_changes_with_any_value(cohort):
    X, y = cohort
    first = training_hash(X, y)
    assert first == training_hash(X.copy(), y.copy())
    changed = X.copy()
    changed.loc[0, "igf1_sds"] = np.nextafter(changed.loc[0, "igf1_sds"], 9)
    flipped = y.copy()
    flipped["event"][0] ^= True
    assert (
        len({first, training_hash(changed, y), training_hash(X, flipped), training_hash(X.iloc[::-1], y)})
        == 4
    )
