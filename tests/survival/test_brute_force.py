"""Definitions computed the long way on small random data with ties (source of truth: brute force)."""

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import ndtr
from scipy.stats import chi2

from igfstrat import survival as sv
from igfstrat.survival._cox_design import read_design
from igfstrat.survival._cox_likelihood import derivatives_at
from igfstrat.survival._normal import outside_probability

SEEDS = range(6)


def draw(seed, n=30, p=2):
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 12, n).astype(float)
    entry = np.where(rng.random(n) < 0.4, time - 1 - rng.integers(0, 3, n), -1.0)
    return {
        "rng": rng,
        "y": {"time": time, "event": rng.random(n) < 0.7},
        "entry": entry,
        "groups": rng.integers(0, 3, n),
        "strata": rng.integers(0, 2, n),
        "x": np.column_stack([rng.normal(size=n), rng.integers(0, 2, n)])[:, :p],
    }


def logrank_by_definition(y, groups, strata, entry, weight):
    k = groups.max() + 1
    u, v = np.zeros(k), np.zeros((k, k))
    for s in np.unique(strata):
        inside, km = strata == s, 1.0
        for t in np.unique(y["time"][inside & y["event"]]):
            at_risk = inside & (y["time"] >= t) & (entry < t)
            dead = at_risk & (y["time"] == t) & y["event"]
            n, d = at_risk.sum(), dead.sum()
            share = np.array([(at_risk & (groups == g)).sum() / n for g in range(k)])
            own = np.array([(dead & (groups == g)).sum() for g in range(k)])
            w = weight(n, km)
            u += w * (own - d * share)
            if n > 1:
                v += w**2 * d * (n - d) / (n - 1) * (np.diag(share) - np.outer(share, share))
            km *= 1 - d / n
    return u, v


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("options", "weight"),
    [
        ({}, lambda n, s: 1.0),
        ({"weighting": "gehan"}, lambda n, s: n),
        ({"weighting": "tarone-ware"}, lambda n, s: np.sqrt(n)),
        ({"weighting": "peto"}, lambda n, s: s),
        ({"weighting": "fleming-harrington", "rho": 0.5, "gamma": 2}, lambda n, s: s**0.5 * (1 - s) ** 2),
    ],
    ids=["logrank", "gehan", "tarone-ware", "peto", "fleming-harrington"],
)
def test_stratified_left_truncated_logrank_equals_its_definition(seed, options, weight):
    d = draw(seed)
    test = sv.logrank(**d["y"], groups=d["groups"], strata=d["strata"], entry=d["entry"], **options)
    u, v = logrank_by_definition(d["y"], d["groups"], d["strata"], d["entry"], weight)
    np.testing.assert_allclose(test.observed - test.expected, u, atol=1e-12)
    np.testing.assert_allclose(test.variance, v, atol=1e-10)
    assert test.statistic == pytest.approx(u @ np.linalg.pinv(v) @ u, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_concordance_equals_all_pairs_count(seed):
    d = draw(seed)
    time, event, risk = d["y"]["time"], d["y"]["event"], d["x"][:, 1]
    count = np.zeros(5)
    for i in range(len(time)):
        for j in range(len(time)):
            if i == j or d["strata"][i] != d["strata"][j] or not event[i]:
                continue
            if time[i] == time[j] and event[j]:
                count[3 + (risk[i] == risk[j])] += 0.5
            elif (time[j] > time[i] or (time[j] == time[i] and not event[j])) and d["entry"][j] < time[i]:
                count[0 if risk[i] > risk[j] else 1 if risk[i] < risk[j] else 2] += 1
    found = sv.concordance(**d["y"], risk=risk, entry=d["entry"], strata=d["strata"])
    assert [
        found.concordant,
        found.discordant,
        found.tied_risk,
        found.tied_time,
        found.tied_both,
    ] == count.tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_concordance_error_is_the_infinitesimal_jackknife_of_repeated_rows(seed):
    d = draw(seed, n=12)
    y, risk, size = d["y"], d["x"][:, 0], 2000
    whole = sv.concordance(**y, risk=risk).value

    def pairs(weight):
        i, j = np.nonzero(
            (y["time"][:, None] < y["time"]) | ((y["time"][:, None] == y["time"]) & ~y["event"])
        )
        keep = y["event"][i]
        i, j = i[keep], j[keep]
        w = weight[i] * weight[j]
        return (w @ (risk[i] > risk[j]) + w @ (risk[i] == risk[j]) / 2) / w.sum()

    moved = [pairs(np.ones(12) + np.eye(12)[k] / size) - whole for k in range(12)]
    assert sv.concordance(**y, risk=risk).std_error == pytest.approx(np.linalg.norm(moved) * size, rel=1e-2)


def exact_log_likelihood(beta, y, x, entry):
    total = 0.0
    for t in np.unique(y["time"][y["event"]]):
        at_risk = np.flatnonzero((y["time"] >= t) & (entry < t))
        dead = [i for i in at_risk if y["time"][i] == t and y["event"][i]]
        all_sets = [np.exp(x[list(chosen)].sum(axis=0) @ beta) for chosen in combinations(at_risk, len(dead))]
        total += x[dead].sum(axis=0) @ beta - np.log(np.sum(all_sets))
    return total


def efron_log_likelihood(beta, y, x, entry):
    total, risk = 0.0, np.exp(x @ beta)
    for t in np.unique(y["time"][y["event"]]):
        at_risk = (y["time"] >= t) & (entry < t)
        dead = at_risk & (y["time"] == t) & y["event"]
        d = dead.sum()
        total += x[dead].sum(axis=0) @ beta
        total -= sum(np.log(risk[at_risk].sum() - k / d * risk[dead].sum()) for k in range(d))
    return total


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("ties", "likelihood"), [("exact", exact_log_likelihood), ("efron", efron_log_likelihood)]
)
def test_cox_maximizes_the_likelihood_written_out(seed, ties, likelihood):
    d = draw(seed, n=14)
    fit = sv.cox(**d["y"], covariates=d["x"], entry=d["entry"], ties=ties)
    if fit.not_estimable:
        pytest.skip("separated draw")
    y, x, entry = d["y"], d["x"], d["entry"]
    assert fit.log_likelihood == pytest.approx(likelihood(fit.coef, y, x, entry), rel=1e-10)
    assert fit.log_likelihood_null == pytest.approx(likelihood(np.zeros(2), y, x, entry), rel=1e-10)
    step = 1e-4
    for j in range(2):
        unit = np.eye(2)[j] * step
        up, down = likelihood(fit.coef + unit, y, x, entry), likelihood(fit.coef - unit, y, x, entry)
        assert abs(up - down) / (2 * step) < 1e-6
        curvature = (2 * fit.log_likelihood - up - down) / step**2
        assert curvature == pytest.approx(np.linalg.inv(fit.covariance)[j, j], rel=1e-4)


def test_risk_sets_keep_their_digits_when_a_dominant_late_entrant_leaves():
    x = np.array([[0.0], [1.0], [0.5], [0.2], [40.0], [0.3]])
    y = {"time": np.array([1.0, 2, 3, 4, 10, 12]), "event": np.array([True, True, True, True, True, False])}
    entry = np.array(
        [-1.0, -1, -1, -1, 5, -1]
    )  # exp(40) enters at 5: the sum before must not be what is left of 1e17
    design = read_design(**y, covariates=x, names=None, entry=entry, strata=None, weights=None, ties="efron")
    found = derivatives_at(design, design.scale)
    step = 1e-4
    here, up, down = (efron_log_likelihood(np.array([b]), y, x, entry) for b in (1.0, 1 + step, 1 - step))
    assert found.value == pytest.approx(here, rel=1e-12)
    assert found.score[0] * design.scale[0] == pytest.approx((up - down) / (2 * step), rel=1e-6)
    assert found.information[0, 0] * design.scale[0] ** 2 == pytest.approx(
        (2 * here - up - down) / step**2, rel=1e-4
    )


def penalized(beta, y, x):
    value, information = 0.0, np.zeros((x.shape[1], x.shape[1]))
    risk = np.exp(x @ beta)
    for i in np.flatnonzero(y["event"]):
        r = risk * (y["time"] >= y["time"][i])
        mean = r @ x / r.sum()
        value += x[i] @ beta - np.log(r.sum())
        information += (x * r[:, None]).T @ x / r.sum() - np.outer(mean, mean)
    return value + np.linalg.slogdet(information)[1] / 2


def test_firth_maximizes_the_penalized_likelihood_and_its_limits_lie_on_the_profile():
    rng = np.random.default_rng(4)
    n = 40
    x = np.column_stack((rng.normal(size=n), rng.random(n) < 0.3)).astype(float)
    y = {"time": rng.exponential(size=n), "event": (rng.random(n) < 0.6) & (x[:, 1] == 0)}
    fit = sv.cox(**y, covariates=x, firth=True)
    best = minimize(
        lambda b: -penalized(b, y, x),
        np.zeros(2),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13},
    )
    np.testing.assert_allclose(fit.coef, best.x, atol=1e-6)
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-9)
    for j, limits in enumerate(zip(fit.ci_lower, fit.ci_upper, strict=True)):
        for limit in np.log(limits):
            rest = minimize(
                lambda b, j=j, limit=limit: -penalized(np.insert(b, j, limit), y, x),
                fit.coef[[1 - j]],
                method="Nelder-Mead",
                options={"xatol": 1e-9, "fatol": 1e-13},
            )
            assert 2 * (fit.log_likelihood + rest.fun) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-6)


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_normal_probability_equals_the_product_of_independent_ones(rank, two_sided):
    alone = 2 * ndtr(-1.7) if two_sided else ndtr(-1.7)
    assert outside_probability(np.eye(rank), 1.7, two_sided=two_sided) == pytest.approx(
        1 - (1 - alone) ** rank, abs=1e-8
    )


def test_maxcombo_p_value_equals_a_simulation_of_its_normals():
    d = draw(3, n=60)
    found = sv.maxcombo(**d["y"], groups=d["groups"] > 0)
    values, vectors = np.linalg.eigh(found.correlation)
    root = vectors * np.sqrt(np.maximum(values, 0))
    z = np.random.default_rng(0).normal(size=(1_000_000, 4)) @ root.T
    simulated = np.mean(np.abs(z).max(axis=1) >= abs(found.statistic))
    assert abs(found.p_value - simulated) <= 3 * np.sqrt(found.p_value * (1 - found.p_value) / 1e6)


def test_maxcombo_z_are_the_roots_of_the_single_tests():
    d = draw(5, n=60)
    found = sv.maxcombo(**d["y"], groups=d["groups"] > 0)
    for (rho, gamma), z in zip(found.powers, found.z, strict=True):
        one = sv.logrank(
            **d["y"], groups=d["groups"] > 0, weighting="fleming-harrington", rho=rho, gamma=gamma
        )
        assert z**2 == pytest.approx(one.statistic, rel=1e-10)


def test_stratified_maximally_selected_p_equals_all_permutations_within_strata():
    rng = np.random.default_rng(8)
    strata = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1])
    time, event, marker = rng.exponential(size=9), np.ones(9, bool), rng.permutation(9).astype(float)
    arguments = {"time": time, "event": event, "marker": marker, "strata": strata, "min_proportion": 0.2}
    found = sv.maximally_selected_logrank(**arguments, n_permutations=20_000)

    scores = np.empty(9)
    for s in (0, 1):
        rows = np.flatnonzero(strata == s)
        order = rows[np.argsort(time[rows])]
        scores[order] = 1 - np.cumsum(1 / np.arange(len(rows), 0, -1))
        scores[rows] -= scores[rows].mean()

    def largest(values):
        best = 0.0
        for cut in range(1, 8):
            low = marker < np.sort(marker)[cut]
            spread = sum(
                values[strata == s].var(ddof=1)
                * (low & (strata == s)).sum()
                * (~low & (strata == s)).sum()
                / (strata == s).sum()
                for s in (0, 1)
            )
            if cut >= 1 and spread > 0 and np.floor(9 * 0.2) <= cut <= np.floor(9 * 0.8):
                best = max(best, abs(values[low].sum()) / np.sqrt(spread))
        return best

    assert found.statistic == pytest.approx(largest(scores), rel=1e-12)
    hits, total = 0, 0
    for first in permutations(range(5)):
        for second in permutations(range(5, 9)):
            hits += largest(scores[[*first, *second]]) >= found.statistic - 1e-10
            total += 1
    assert abs(found.p_value - hits / total) <= 3 * found.p_value_mc_error


def censoring_before(time, event, t, *, inclusive):
    g = 1.0
    for s in np.unique(time[~event]):
        if s < t or (inclusive and s == t):
            exposed = (time > s).sum() + ((time == s) & ~event).sum()
            g *= 1 - ((time == s) & ~event).sum() / exposed
    return g


@pytest.mark.parametrize("seed", SEEDS)
def test_brier_score_and_auc_weigh_by_the_censoring_just_before_each_event(seed):
    d = draw(seed, n=40)
    time, event, t = d["y"]["time"], d["y"]["event"], 6.0
    predicted, risk = d["rng"].random(40), d["x"][:, 1]
    weight = np.array([1 / censoring_before(time, event, s, inclusive=False) for s in time])
    late = 1 / censoring_before(time, event, t, inclusive=True)
    case, control = event & (time <= t), time > t
    brier = (weight * predicted**2 * case + late * (1 - predicted) ** 2 * control).mean()
    assert sv.brier_score(**d["y"], survival=predicted, at=t).value[0] == pytest.approx(brier, rel=1e-12)
    above = (risk[case][:, None] > risk[control]) + (risk[case][:, None] == risk[control]) / 2
    auc = (weight[case] @ above.sum(axis=1)) / (weight[case].sum() * control.sum())
    assert sv.cumulative_dynamic_auc(**d["y"], risk=risk, at=t).value[0] == pytest.approx(auc, rel=1e-12)


def test_bootstrap_of_a_cut_without_effect_takes_the_hazard_ratio_towards_1():
    rng = np.random.default_rng(2)
    y = {"time": rng.exponential(size=150), "event": rng.random(150) < 0.8, "marker": rng.normal(size=150)}
    found = sv.cutpoint_stability(**y, n_bootstrap=60)
    assert found.optimism > 3 * found.optimism_mc_error
    assert abs(np.log(found.hazard_ratio_corrected)) < abs(np.log(found.hazard_ratio))
    assert found.ci_lower <= found.cutpoint <= found.ci_upper
    assert found.selection_frequency.sum() == pytest.approx(1)


def test_permutation_test_rejects_5_percent_under_no_effect():
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(400):
        time, censored = rng.exponential(size=50), rng.exponential(2, size=50)
        y = {"time": np.minimum(time, censored), "event": time <= censored}
        hits += (
            sv.maximally_selected_logrank(
                **y, marker=rng.normal(size=50), rng=rng, n_permutations=199
            ).p_value
            <= 0.05
        )
    assert abs(hits / 400 - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / 400)  # three Monte-Carlo standard errors
