"""Piecewise hazards, baselines and marginal ratios: worked by hand, and against a drawn cohort (statistical)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.errors import DomainError, UsageError
from igfstrat.survival import cox
from igfstrat.synthetic import CohortConfig, simulate_cohort
from igfstrat.synthetic.calibration import marginal_ratios
from igfstrat.synthetic.estimators import high_by_rule
from igfstrat.synthetic.hazards import cumulative_hazard, solve_baseline, time_of_hazard
from igfstrat.synthetic.marginal import marginal_hazard_ratio, solve_rest
from igfstrat.synthetic.numbers import with_numbers
from igfstrat.synthetic.prognosis import cell_hazards, make_prognosis

POSITIVE = st.floats(0.01, 5.0)
ADENOCARCINOMA = ("adenocarcinoma_egfr", "adenocarcinoma_kras", "adenocarcinoma_other")


@pytest.fixture(scope="module")
def lung():
    return make_config(CohortConfig, read_yaml(config_path("lung_nsclc", "cohorts")))


@pytest.fixture(scope="module")
def breast():
    return make_config(CohortConfig, read_yaml(config_path("breast_early", "cohorts")))


def test_hazards_of_0_1_then_0_5_from_time_2_reach_1_2_at_time_4():
    starts, rates = np.array([0.0, 2.0]), np.array([0.1, 0.5])
    assert cumulative_hazard([4.0], starts=starts, rates=rates)[0] == pytest.approx(1.2)


@given(hazards=st.lists(POSITIVE, min_size=1, max_size=5), rates=st.lists(POSITIVE, min_size=3, max_size=3))
def test_time_of_hazard_is_the_inverse_of_cumulative_hazard(hazards, rates):
    starts = np.array([0.0, 1.0, 2.5])
    times = time_of_hazard(hazards, starts=starts, rates=np.tile(rates, (len(hazards), 1)))
    back = cumulative_hazard(times, starts=starts, rates=np.array(rates))
    np.testing.assert_allclose(back, hazards, rtol=1e-9)


def test_hazard_that_is_never_reached_has_an_infinite_time():
    time = time_of_hazard([2.0], starts=np.array([0.0, 1.0]), rates=np.array([[1.0, 0.0]]))
    assert np.isinf(time[0])


@given(
    ratios=st.lists(st.floats(0.05, 20), min_size=1, max_size=6),
    survival=st.floats(0.02, 0.98),
    seed=st.integers(0, 99),
)
def test_solved_baseline_gives_the_mixture_its_survival(ratios, survival, seed):
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(ratios)))
    hazard = solve_baseline(survival=survival, ratios=np.array(ratios), weights=weights)
    assert weights @ np.exp(-np.array(ratios) * hazard) == pytest.approx(survival, abs=1e-9)


def test_baseline_of_a_survival_of_1_is_refused():
    with pytest.raises(DomainError, match="between 0 and 1"):
        solve_baseline(survival=1.0, ratios=np.ones(1), weights=np.ones(1))


def test_luminal_a_mixture_of_all_cells_has_a_ten_year_dfs_of_79_percent(breast):
    made = make_prognosis(breast)
    cells = tuple(axis.ravel() for axis in np.indices(made.weights.shape))
    mine = cells[0] == 0
    rates = cell_hazards(made, cells)[0][mine]
    weights = made.weights.ravel()[mine]
    total = [cumulative_hazard([120.0], starts=made.starts, rates=r)[0] for r in rates]
    assert weights @ np.exp(-np.array(total)) / weights.sum() == pytest.approx(0.79, abs=1e-9)


def test_without_effect_and_confounding_the_marginal_ratio_is_1(lung):
    assert marginal_hazard_ratio(lung, endpoint="first") == pytest.approx(1.0, abs=1e-9)


def test_marginal_ratio_is_closer_to_1_than_the_conditional_one_when_nothing_confounds(lung):
    assert 1.2 < marginal_hazard_ratio(lung.with_preset("pooled"), endpoint="first") < 1.26


def test_crude_cox_of_a_large_cohort_finds_the_marginal_ratio(breast):
    table = simulate_cohort(breast, n=200_000, seed=4)
    high = high_by_rule(table, "allred_at_least_7").astype(float)
    fit = cox(time=table["dfs_months"], event=table["dfs_event"] == 1, covariates=high)
    expected = np.log(marginal_hazard_ratio(breast, endpoint="first"))
    assert abs(fit.coef[0] - expected) < 3 * fit.std_error[0]


def test_park2015_has_no_effect_over_adenocarcinoma_as_a_whole(lung):
    ratio = marginal_hazard_ratio(lung.with_preset("park2015"), endpoint="first", groups=ADENOCARCINOMA)
    assert ratio == pytest.approx(1.0, abs=0.001)


def test_solved_ratio_is_the_one_in_the_file(lung):
    solved = solve_rest(lung.with_preset("park2015"), within=ADENOCARCINOMA, unknown=ADENOCARCINOMA[1:])
    in_file = lung.presets["park2015"].igf1r["adenocarcinoma_other"].first
    assert in_file.assumed
    assert solved == pytest.approx(in_file.value, abs=0.0005)


def test_os_is_near_null_beside_a_pooled_dfs_effect(lung):
    ratio = marginal_hazard_ratio(lung.with_preset("pooled"), endpoint="os")
    assert abs(np.log(ratio)) < 0.05
    assert lung.presets["pooled"].igf1r["squamous"].os.assumed


def test_os_of_a_drawn_pooled_cohort_is_near_null(lung):
    config = with_numbers(lung, {"follow_up.follow_up_months": 600.0, "follow_up.lost_per_year": 0.0})
    table = simulate_cohort(config, n=60_000, seed=6, preset="pooled")
    high = high_by_rule(table, "any_membrane").astype(float)
    fit = cox(
        time=table["os_months"], event=table["os_event"] == 1, covariates=high, strata=table["tnm8_stage"]
    )
    assert abs(fit.coef[0]) < 0.05


def test_marginal_ratios_are_reported_for_each_preset_endpoint_and_histology(lung):
    rows = marginal_ratios(lung)
    assert {row[0] for row in rows} == {"default", "null", "pooled", "park2015"}
    assert {row[2] for row in rows} == {"all", "squamous", "adenocarcinoma"}
    assert len(rows) == 4 * 2 * 3


def test_marginal_ratio_of_an_unknown_group_is_refused(lung):
    with pytest.raises(UsageError, match="groups are of squamous"):
        marginal_hazard_ratio(lung, endpoint="os", groups=["small_cell"])
