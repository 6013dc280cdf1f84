"""Where lifelines and scikit-survival agree with R and us, and where they differ (source of truth: R, by hand).

lifelines is run here; scikit-survival's numbers are stored with its version by
tests/reference/sksurv_reference.py.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from lifelines import AalenJohansenFitter, CoxPHFitter, KaplanMeierFitter, datasets
from lifelines.statistics import logrank_test, proportional_hazard_test
from lifelines.utils import restricted_mean_survival_time

from igfstrat import survival as sv

SKSURV = json.loads(
    (Path(__file__).parents[1] / "reference" / "sksurv_reference.json").read_text(encoding="utf-8")
)


@pytest.fixture
def lung():
    return datasets.load_lung()[["time", "status", "age", "sex"]]


def judged(name):
    if name == "regression":
        d = datasets.load_regression_dataset()
        time, event, risk, at = d["T"], d["E"] == 1, d["var1"], np.array([3.0, 6.0, 10.0])
    else:
        d = datasets.load_lung()
        time, event, risk, at = d["time"], d["status"] == 1, d["age"] / 10, np.array([100.0, 250.0, 500.0])
    time, event, risk = time.to_numpy(float), event.to_numpy(), risk.to_numpy(float)
    y = {"time": time, "event": event}
    survival = np.exp(-np.outer(np.exp(risk - risk.mean()), at / np.median(time)) * 0.7)
    auc = sv.cumulative_dynamic_auc(**y, risk=risk, at=at)
    return {
        "brier": sv.brier_score(**y, survival=survival, at=at).value,
        "integrated_brier": sv.integrated_brier_score(**y, survival=survival, at=at),
        "auc": auc.value,
        "mean_auc": auc.mean,
        "uno": sv.concordance_uno(**y, risk=risk, tau=float(at[-1])).value,
    }


@pytest.mark.parametrize("measure", ["brier", "integrated_brier", "auc", "mean_auc", "uno"])
def test_prediction_measures_match_scikit_survival_where_no_censoring_ties_with_an_event(measure):
    np.testing.assert_allclose(judged("regression")[measure], SKSURV["regression"][measure], rtol=1e-10)


@pytest.mark.parametrize("measure", ["brier", "integrated_brier", "auc", "uno"])
def test_scikit_survival_takes_g_at_and_not_just_before_tied_events(measure):
    ours, theirs = judged("lung")[measure], SKSURV["lung"][measure]
    np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    assert not np.allclose(ours, theirs, rtol=1e-6)


def test_lifelines_agrees_on_curve_and_test(lung):
    y = {"time": lung["time"], "event": (lung["status"] == 1).to_numpy()}
    curve = KaplanMeierFitter().fit(lung["time"], lung["status"]).survival_function_.to_numpy().ravel()[1:]
    np.testing.assert_allclose(sv.kaplan_meier(**y).survival, curve, rtol=1e-12)
    men = lung["sex"] == 1
    other = logrank_test(lung["time"][men], lung["time"][~men], lung["status"][men], lung["status"][~men])
    assert sv.logrank(**y, groups=lung["sex"]).statistic == pytest.approx(other.test_statistic, rel=1e-10)


def test_lifelines_median_on_a_plateau_is_its_left_end():
    fitted = KaplanMeierFitter().fit([1, 2, 3, 4], [1, 1, 1, 1])
    assert fitted.median_survival_time_ == 2.0  # R and we: 2.5
    assert sv.kaplan_meier(time=[1, 2, 3, 4], event=[True] * 4).median.value == 2.5


def test_lifelines_rmst_variance_is_that_of_the_restricted_time_and_not_of_its_mean(lung):
    fitted = KaplanMeierFitter().fit(lung["time"], lung["status"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its quadrature of a step function complains
        mean, variance = restricted_mean_survival_time(fitted, t=500, return_variance=True)
    ours = sv.rmst(time=lung["time"], event=(lung["status"] == 1).to_numpy(), tau=500)
    assert mean == pytest.approx(ours.value, rel=1e-6)
    assert variance / ours.std_error**2 > 100  # as if there were one patient


def test_lifelines_tests_proportional_hazards_by_the_old_approximation(lung):
    fitted = CoxPHFitter().fit(lung, "time", "status")
    theirs = proportional_hazard_test(fitted, lung, time_transform="km").summary["test_statistic"]
    fit = sv.cox(
        time=lung["time"],
        event=(lung["status"] == 1).to_numpy(),
        covariates=lung[["age", "sex"]],
        names=["age", "sex"],
    )
    ours = sv.proportional_hazards_test(fit, "km").statistic
    np.testing.assert_allclose(ours, theirs, atol=0.2)  # ours are R's, see test_reference.py
    assert not np.allclose(ours, theirs, rtol=0.05)


def test_lifelines_cox_agrees_to_its_own_precision(lung):
    fitted = CoxPHFitter().fit(lung, "time", "status")
    fit = sv.cox(time=lung["time"], event=(lung["status"] == 1).to_numpy(), covariates=lung[["age", "sex"]])
    np.testing.assert_allclose(fit.coef, fitted.params_, rtol=1e-5)
    np.testing.assert_allclose(fit.std_error, fitted.standard_errors_, rtol=1e-5)


def test_lifelines_aalen_johansen_moves_ties_at_random():
    time, cause = np.array([1.0, 1, 1, 2, 2, 3]), np.array([1, 2, 1, 1, 2, 0])

    ours = sv.aalen_johansen(time=time, cause=cause)
    assert ours.incidence[0, -1] == pytest.approx(2 / 6 + 1 / 6)
    assert ours.time.tolist() == [1, 2, 3]
    with pytest.warns(Warning, match="[Tt]ied"):
        fitted = AalenJohansenFitter(seed=0).fit(time, cause, event_of_interest=1)
    assert len(fitted.cumulative_density_) > 4  # 0 and the three times, had they stayed tied
