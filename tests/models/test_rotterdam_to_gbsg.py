"""A model developed in rotterdam and validated in gbsg, against published figures.

Source of truth: the worked example of McLernon DJ, Giardiello D, Van Calster B, et al. (Ann Intern Med 2023;176:105-114),
repository danielegiardiello/Prediction_performance_survival, file 01_predsurv_minimal_RMD.md: recurrence-free survival,
a death without recurrence an event (at its own time where recurrence was censored before), tumour size, nodes and grade in
classes, all follow-up cut at 5 years. Its figures are compared to the digits that it prints.
"""

# ruff: noqa: N806 - X is scikit-learn's name

import numpy as np
import pandas as pd
import pytest

from igfstrat.models import (
    ModelSettings,
    calibration,
    decision_curve,
    external_validation,
    make_outcome,
    make_risk_pipeline,
)
from igfstrat.survival import concordance, concordance_uno

pytestmark = pytest.mark.realdata
SETTINGS = ModelSettings(predictors=("size", "nodes", "grade"), reference={"size": "<=20", "nodes": "0"})


def prepared(table, years, event, size):
    X = pd.DataFrame(
        {
            "size": size,
            "nodes": pd.cut(table["nodes"], [-1, 0, 3, 51], labels=["0", "1-3", ">3"]).astype(str),
            "grade": np.where(table["grade"] == 3, "3", "1-2"),
        }
    )
    return X, make_outcome(time=np.minimum(years, 5.0), event=(event & (years <= 5)).to_numpy())


@pytest.fixture(scope="module")
def both(data_folder):
    folder = data_folder / "standard_survival"
    r, g = pd.read_csv(folder / "rotterdam.csv"), pd.read_csv(folder / "gbsg.csv")
    event = (r["recur"] == 1) | (r["death"] == 1)
    late = event & (r["recur"] == 0) & (r["rtime"] < r["dtime"])
    train = prepared(r, r["rtime"].where(~late, r["dtime"]) / 365.25, event, r["size"])
    size = pd.cut(g["size"], [-1, 20, 50, 500], labels=["<=20", "20-50", ">50"]).astype(str)
    test = prepared(g, g["rfstime"] / 365.25, g["status"] == 1, size)
    return make_risk_pipeline(SETTINGS).fit(*train), test


def test_the_coefficients_are_the_published_ones(both):
    model = both[0]["model"]
    assert (model.n_patients_, model.n_events_) == (2982, 1275)
    found = model.coefficients()
    published = {
        "size=20-50": (0.38342, 0.06504),
        "size=>50": (0.66355, 0.09126),
        "nodes=1-3": (0.35998, 0.07534),
        "nodes=>3": (1.06278, 0.07035),
        "grade=3": (0.37477, 0.07130),
    }
    for name, figures in published.items():
        assert found.loc[name, ["coef", "std_error"]].round(5).tolist() == list(figures)


def test_discrimination_in_gbsg_is_the_published_one(both):
    model, (X, y) = both
    data = {"time": y["time"], "event": y["event"], "risk": model.predict(X)}
    harrell, uno = concordance(**data), concordance_uno(**data)
    assert np.round([harrell.value, harrell.ci_lower, harrell.ci_upper], 2).tolist() == [0.65, 0.62, 0.68]
    assert np.round([uno.value, uno.ci_lower, uno.ci_upper], 2).tolist() == [0.64, 0.61, 0.67]


def test_calibration_in_gbsg_is_the_published_one(both):
    model, (X, y) = both
    survival = model.predict_survival_function(X, [5.0])[:, 0]
    found = calibration(time=y["time"], event=y["event"], survival=survival, at=5.0)
    assert found.observed_expected == pytest.approx(1.0444489, abs=5e-7)
    # the published baseline is Breslow's, ours Efron's
    assert found.ici == pytest.approx(0.02724664, abs=1e-4)
    assert found.e50 == pytest.approx(0.02973399, abs=1e-4)
    assert found.e90 == pytest.approx(0.06101062, abs=1e-4)
    curve = decision_curve(time=y["time"], event=y["event"], risk=1 - survival, at=5.0, thresholds=[0.23])
    assert round(curve.model[0], 2) == 0.36


def test_the_validation_with_intervals_holds_the_published_figures(both):
    model, (X, y) = both
    found = external_validation(model, X, y, at=[4.99], n_resamples=200, n_jobs=1)
    measures = found.measures
    assert found.n_not_scored == 0
    assert round(measures["auc@4.99"].value, 2) == 0.69
    assert round(measures["brier@4.99"].value, 2) == 0.22
    assert round(measures["ipa@4.99"].value, 2) == 0.10
    for name, (low, high) in {
        "auc@4.99": (0.63, 0.74),
        "brier@4.99": (0.21, 0.24),
        "ipa@4.99": (0.04, 0.16),
    }.items():
        assert measures[name].ci_lower == pytest.approx(low, abs=0.015)
        assert measures[name].ci_upper == pytest.approx(high, abs=0.015)
