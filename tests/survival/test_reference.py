"""Agreement with R survival, maxstat and cmprsk on thirteen public data sets (source of truth: R).

R's numbers are stored with its versions in tests/reference/survival_reference.json, made by the script beside
it from the same tables. Tolerances: relative 1e-9 for closed forms, 1e-8 for Cox estimates and their errors.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from igfstrat import survival as sv
from igfstrat.errors import EstimationError

HERE = Path(__file__).parents[1] / "reference"
STORED = json.loads((HERE / "survival_reference.json").read_text(encoding="utf-8"))
CLOSED, ITERATED = 1e-9, 1e-8


def _tables():
    spec = importlib.util.spec_from_file_location("public_data", HERE / "public_data.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["public_data"] = module
    spec.loader.exec_module(module)
    return module.tables()


TABLES = _tables()
NAMES = sorted(STORED["values"])


@pytest.fixture(params=NAMES)
def case(request):
    return Case(request.param)


class Case:
    """One data set with R's numbers; `same` compares and leaves out what R has not."""

    def __init__(self, name):
        self.name, self.table, self.r = name, TABLES[name], STORED["values"][name]
        self.y = {"time": self.table["time"].to_numpy(), "event": self.table["event"].to_numpy()}
        self.x = self.table.filter(regex="^x").to_numpy()

    def column(self, name):
        return self.table[name].to_numpy()

    def same(self, key, found, rtol, atol=0.0):
        wanted = np.array([np.nan if v is None else v for v in self.r[key]], dtype=float)
        found = np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in found])
        assert found.shape == wanted.shape, (self.name, key)
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol, err_msg=f"{self.name} {key}")


def places(n):
    return np.unique(np.round(np.linspace(1, n, 7)).astype(int)) - 1


def check_curve(case, name, curve):
    keep = places(len(curve.time))
    inner = (curve.survival[keep] > 0) & (curve.survival[keep] < 1)
    case.same(f"{name}_survival", [curve.survival[keep]], CLOSED)
    case.same(f"{name}_std_error", [curve.std_error[keep]], CLOSED)
    limits = [np.where(inner, side[keep], np.nan) for side in (curve.ci_lower, curve.ci_upper)]
    case.same(f"{name}_limits", limits, CLOSED, atol=1e-15)
    found = [curve.quantile(p) for p in (0.25, 0.5)]
    case.same(
        f"{name}_quantiles",
        [[getattr(q, side) for q in found] for side in ("value", "ci_lower", "ci_upper")],
        CLOSED,
    )


@pytest.mark.parametrize("ci", ["plain", "log", "log-log", "logit", "arcsin"])
def test_kaplan_meier_matches_r_survfit(case, ci):
    check_curve(case, f"km_{ci}", sv.kaplan_meier(**case.y, ci=ci))


@pytest.mark.parametrize("column", ["whole_weight", "weight"])
def test_weighted_kaplan_meier_matches_r_survfit(case, column):
    name = "km_whole_weights" if column == "whole_weight" else "km_fractional_weights"
    check_curve(case, name, sv.kaplan_meier(**case.y, weights=case.column(column), ci="log"))


def test_left_truncated_kaplan_meier_matches_r_survfit(case):
    check_curve(case, "km_entry", sv.kaplan_meier(**case.y, entry=case.column("entry")))


def test_nelson_aalen_matches_r_survfit(case):
    curve = sv.nelson_aalen(**case.y)
    keep = places(len(curve.time))
    case.same("nelson_aalen", [curve.cumulative_hazard[keep], curve.std_error[keep]], CLOSED)


def test_median_follow_up_matches_r_reverse_survfit(case):
    median = sv.reverse_kaplan_meier(**case.y).median
    case.same("median_follow_up", [[median.value, median.ci_lower, median.ci_upper]], CLOSED)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("logrank_0", {}),
        ("logrank_1", {"weighting": "peto"}),
        ("logrank_1", {"weighting": "fleming-harrington", "rho": 1}),
        ("logrank_0.5", {"weighting": "fleming-harrington", "rho": 0.5}),
    ],
)
def test_logrank_matches_r_survdiff(case, key, options):
    test = sv.logrank(**case.y, groups=case.column("group"), **options)
    case.same(key, [test.statistic, test.observed, test.expected], CLOSED)


def test_stratified_logrank_matches_r_survdiff(case):
    test = sv.logrank(**case.y, groups=case.column("group"), strata=case.column("stratum"))
    case.same("logrank_strata", [test.statistic, test.observed, test.expected], CLOSED)


def test_left_truncated_logrank_matches_score_test_of_r_exact_coxph(case):
    if "logrank_entry" not in case.r:
        pytest.skip("R's exact likelihood takes hours on this many ties")
    test = sv.logrank(**case.y, groups=case.column("group"), entry=case.column("entry"))
    case.same("logrank_entry", [test.statistic], CLOSED)
    case.same("logrank_trend", [sv.trend_logrank(**case.y, groups=case.column("group")).statistic], CLOSED)


def test_maxcombo_matches_r_and_mvtnorm(case):
    if "maxcombo" not in case.r:
        pytest.skip("more than two groups")
    found = sv.maxcombo(**case.y, groups=case.column("group"))
    np.testing.assert_allclose(found.z, case.r["maxcombo"][:4], rtol=CLOSED)
    assert found.p_value == pytest.approx(case.r["maxcombo"][4], abs=1e-6)


def cox_of(case, **options):
    return sv.cox(**case.y, covariates=case.x, **options)


def check_cox(case, name, fit):
    case.same(f"{name}_coef", [fit.coef], ITERATED)
    case.same(f"{name}_std_error", [fit.std_error], ITERATED)
    tests = [fit.log_likelihood_null, fit.log_likelihood, fit.score_test.statistic, fit.wald_test.statistic]
    case.same(f"{name}_tests", [tests], ITERATED)
    if fit.robust_std_error is not None:
        case.same(f"{name}_robust_std_error", [fit.robust_std_error], ITERATED)


def check_residuals(case, name, fit):
    keep = places(fit.n_patients)
    case.same(f"{name}_martingale", [fit.martingale_residuals[keep]], ITERATED, atol=1e-10)
    case.same(
        f"{name}_deviance", [fit.deviance_residuals[keep]], ITERATED, atol=1e-7
    )  # square root of a difference
    scale = case.x.std(axis=0)
    score = np.reshape(
        [np.nan if v is None else v for v in case.r[f"{name}_score_residuals"]], (-1, len(scale))
    )
    np.testing.assert_allclose(fit.score_residuals[keep] / scale, score / scale, rtol=ITERATED, atol=1e-9)
    case.same(f"{name}_schoenfeld_squares", [(fit.schoenfeld_residuals**2).sum(axis=0)], ITERATED)
    hazard = fit.baseline_cumulative_hazard.cumulative_hazard
    case.same(
        f"{name}_baseline",
        [hazard[places(len(hazard))]],
        1e-7 if np.abs(np.log(hazard[-1])) > 20 else ITERATED,
    )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_and_residuals_match_r_coxph(case, ties):
    fit = cox_of(case, ties=ties)
    check_cox(case, f"cox_{ties}", fit)
    check_residuals(case, f"cox_{ties}", fit)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("transform", ["km", "identity", "log", "rank"])
def test_proportional_hazards_test_matches_r_cox_zph(case, ties, transform):
    key = f"cox_{ties}_zph_{transform}"
    if key not in case.r:
        pytest.skip("an event at time 0 has no logarithm")
    test = sv.proportional_hazards_test(cox_of(case, ties=ties), transform)
    overall = [test.global_statistic] if len(case.r[key]) > len(test.statistic) else []
    case.same(key, [test.statistic, overall], ITERATED, atol=1e-12)


def test_exact_cox_matches_r_coxph(case):
    if "cox_exact_coef" not in case.r:
        pytest.skip("R's exact likelihood takes hours on this many ties")
    check_cox(case, "cox_exact", cox_of(case, ties="exact"))


def test_stratified_cox_matches_r_coxph(case):
    fit = cox_of(case, strata=case.column("stratum"))
    check_cox(case, "cox_strata", fit)
    for transform in ("km", "identity", "log", "rank"):
        key = f"cox_strata_zph_{transform}"
        if key in case.r:
            test = sv.proportional_hazards_test(fit, transform)
            overall = [test.global_statistic] if len(case.r[key]) > len(test.statistic) else []
            case.same(key, [test.statistic, overall], ITERATED, atol=1e-12)


def test_left_truncated_cox_matches_r_coxph(case):
    fit = cox_of(case, entry=case.column("entry"))
    check_cox(case, "cox_entry", fit)
    check_residuals(case, "cox_entry", fit)


def test_weighted_cox_matches_r_coxph(case):
    fit = cox_of(case, weights=case.column("whole_weight"))
    check_cox(case, "cox_whole_weights", fit)
    check_residuals(case, "cox_whole_weights", fit)


def test_robust_errors_match_r_coxph(case):
    check_cox(case, "cox_fractional_weights", cox_of(case, weights=case.column("weight")))
    row = np.arange(1, len(case.x) + 1)
    check_cox(case, "cox_cluster", cox_of(case, cluster=case.column("stratum") + 2 * (row % 10)))


@pytest.mark.parametrize(
    ("key", "options"),
    [("concordance", ()), ("concordance_strata", ("stratum",)), ("concordance_entry", ("entry",))],
)
def test_concordance_matches_r(case, key, options):
    named = {"stratum": "strata", "entry": "entry"}
    extra = {named[name]: case.column(name) for name in options}
    found = sv.concordance(**case.y, risk=case.x[:, 0], **extra)
    case.same(key, [_counts(found)], CLOSED)


def test_uno_concordance_matches_r(case):
    case.same("concordance_uno", [_counts(sv.concordance_uno(**case.y, risk=case.x[:, 0]))], CLOSED)
    tau = float(np.median(case.y["time"]))
    case.same(
        "concordance_uno_tau", [_counts(sv.concordance_uno(**case.y, risk=case.x[:, 0], tau=tau))], CLOSED
    )


def _counts(c):
    return [c.value, c.std_error, c.concordant, c.discordant, c.tied_risk, c.tied_time, c.tied_both]


def test_rmst_matches_r_survmean(case):
    group = case.column("group")
    tau = min(case.y["time"][group == g].max() for g in np.unique(group))
    arms = [
        sv.rmst(time=case.y["time"][group == g], event=case.y["event"][group == g], tau=tau)
        for g in np.unique(group)
    ]
    case.same("rmst", [[a.value for a in arms], [a.std_error for a in arms]], CLOSED)


def test_aalen_johansen_matches_r_survfit(case):
    curve = sv.aalen_johansen(time=case.y["time"], cause=case.column("cause"))
    keep = places(len(curve.time))
    case.same("aalen_johansen", [curve.incidence[:, keep]], CLOSED)
    case.same("aalen_johansen_std_error", [curve.std_error[:, keep]], CLOSED)


@pytest.mark.parametrize("key", ["gray", "gray_strata", "gray_rho"])
def test_gray_test_matches_r_cmprsk(case, key):
    extra = {"gray": {}, "gray_strata": {"strata": case.column("stratum")}, "gray_rho": {"rho": 1}}[key]
    found = sv.gray_test(
        time=case.y["time"], cause=case.column("cause"), groups=case.column("group"), **extra
    )
    case.same(key, [found.statistic], CLOSED)


def test_fine_gray_matches_r_cmprsk_crr(case):
    arguments = {"time": case.y["time"], "cause": case.column("cause"), "covariates": case.x}
    if "fine_gray" not in case.r:  # crr stops anywhere on its way to infinity
        with pytest.raises(
            EstimationError, match="no finite estimate: the events of the cause are separated"
        ):
            sv.fine_gray(**arguments)
        return
    fit = sv.fine_gray(**arguments)
    case.same("fine_gray", [fit.coef, fit.std_error], ITERATED)
    case.same("fine_gray_loglik", [fit.log_likelihood, fit.log_likelihood_null], CLOSED)


def test_maximally_selected_logrank_matches_r_maxstat(case):
    if "maxstat_Lau92" not in case.r:
        pytest.skip("R finds no admissible cut")
    found = sv.maximally_selected_logrank(**case.y, marker=case.x[:, 0], n_permutations=20_000)
    case.same("maxstat_Lau92", [found.statistic, found.cutpoint, found.p_value_1992], CLOSED, atol=1e-15)
    case.same("maxstat_Lau94", [found.statistic, found.cutpoint, found.p_value_1994], CLOSED, atol=1e-15)
    p = case.r["maxstat_permutation"][0]
    error = np.hypot(found.p_value_mc_error, np.sqrt(p * (1 - p) / 20_000)) + 1 / 20_000
    assert abs(found.p_value - p) <= 3 * error


def test_at_least_400_numbers_of_ten_data_sets_are_compared():
    assert len(STORED["values"]) >= 10
    assert sum(len(v) for r in STORED["values"].values() for v in r.values()) >= 400
    assert set(STORED["versions"]) == {"R", "survival", "maxstat", "cmprsk", "mvtnorm"}
