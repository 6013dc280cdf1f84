"""Competing risks by group: worked by hand, and equality with the estimators that tests/survival compares with R's cmprsk."""

import json

import numpy as np
import pytest

from igfstrat.analysis import AnalysisSettings, Milestones
from igfstrat.analysis.competing import NOT_STATED, analyse_competing
from igfstrat.survival import cause_specific_cox, fine_gray, gray_test
from tests.analysis.test_cutpoint import endpoint_of

SETTINGS = AnalysisSettings(milestones=Milestones(months=(2.0, 3.0, 12.0)))


def made(n=150, seed=2):
    rng = np.random.default_rng(seed)
    time, event = rng.exponential(20, n), rng.random(n) < 0.8
    cause = np.where(event, np.where(rng.random(n) < 0.6, "relapse", "death"), None).astype(object)
    groups = np.where(rng.random(n) < 0.5, "low", "high").astype(object)
    return endpoint_of(time, event, cause), groups


def compare(endpoint, groups, **options):
    return analyse_competing(
        endpoint, groups=groups, order=["low", "high", "other"], settings=SETTINGS, **options
    )


def four_patients():
    """Relapse at 1 and 3, death at 2, censored at 4; all in one group."""
    cause = np.array(["relapse", "death", "relapse", None], dtype=object)
    return endpoint_of([1, 2, 3, 4], [1, 1, 1, 0], cause), np.array(["low"] * 4, dtype=object)


def test_incidence_of_four_patients_worked_by_hand():
    result = compare(*four_patients(), cause_of_interest="relapse")
    relapse, death = result.groups[0].curves
    # S falls by a quarter at each event
    assert relapse.incidence.tolist() == [0.25, 0.25, 0.5, 0.5]
    assert death.incidence.tolist() == [0.0, 0.25, 0.25, 0.25]
    assert [m.incidence.value for m in relapse.milestones] == [0.25, 0.5, None]
    assert relapse.milestones[2].incidence.not_estimable == "beyond the last follow-up"


def test_cause_of_interest_comes_first_else_the_alphabet_decides():
    assert compare(*four_patients(), cause_of_interest="relapse").causes == ("relapse", "death")
    assert compare(*four_patients()).causes == ("death", "relapse")


def test_numbers_are_those_of_the_survival_room():
    endpoint, groups = made()
    result = compare(endpoint, groups, cause_of_interest="relapse")
    codes = np.select([endpoint.cause == "relapse", endpoint.cause == "death"], [1, 2], 0)
    high = (groups == "high").astype(float)
    first = result.comparisons[0]
    gray = gray_test(time=endpoint.time, cause=codes, groups=groups.astype(str))
    assert first.gray.value == pytest.approx(float(gray.statistic[0]), rel=1e-10)
    for code, comparison in enumerate(result.comparisons, start=1):
        options = {"time": endpoint.time, "cause": codes, "covariates": high, "cause_of_interest": code}
        for ratios, peer in (
            (comparison.subdistribution, fine_gray(**options)),
            (comparison.cause_specific, cause_specific_cox(**options)),
        ):
            found = ratios[0].estimate
            np.testing.assert_allclose(
                [found.value, found.ci_lower, found.ci_upper, found.p_value],
                [peer.hazard_ratio[0], peer.ci_lower[0], peer.ci_upper[0], peer.p_value[0]], rtol=1e-10,
            )  # fmt: skip
            assert (ratios[0].term, ratios[0].reference) == ("high", "low")


def test_incidences_of_all_causes_and_survival_add_up_to_one():
    endpoint, groups = made()
    endpoint.cause[np.flatnonzero(endpoint.event)[:9]] = None
    for group in compare(endpoint, groups).groups:
        inside = groups == group.label
        times, events = endpoint.time[inside], endpoint.event[inside]
        order = np.argsort(times)
        survival = np.cumprod(1 - events[order] / np.arange(len(times), 0, -1))
        total = sum(curve.incidence for curve in group.curves)
        np.testing.assert_allclose(total + survival, 1.0, atol=1e-12)


def test_event_without_cause_stays_an_event_under_a_cause_of_its_own():
    endpoint, groups = made()
    rows = np.flatnonzero(endpoint.event)[:9]
    endpoint.cause[rows] = None
    result = compare(endpoint, groups)
    assert result.n_without_cause == 9
    assert result.causes[-1] == NOT_STATED
    assert sum(c.n_events for c in result.comparisons) + 9 == result.n_events == int(endpoint.event.sum())
    assert NOT_STATED not in {c.cause for c in result.comparisons}


def test_group_without_events_of_a_cause_has_a_reason_and_the_others_their_ratio():
    endpoint, groups = made()
    more = endpoint_of(
        np.append(endpoint.time, [5.0, 6.0]), np.append(endpoint.event, [False, False]),
        np.append(endpoint.cause, [None, None]),
    )  # fmt: skip
    result = compare(more, np.append(groups, ["other", "other"]))
    high, other = result.comparisons[0].subdistribution
    assert high.estimate.value is not None
    assert other.estimate.not_estimable == "no events in other"
    assert result.groups[2].not_estimable == "no events"


@pytest.mark.parametrize(
    ("endpoint", "groups", "why"),
    [
        (endpoint_of([1, 2], [1, 0]), ["low", "high"], "states no cause"),
        (endpoint_of([1, 2], [0, 0], np.array([None, None])), ["low", "high"], "no events"),
        (endpoint_of([1, 2], [1, 1], np.array([None, None])), ["low", "high"], "stated cause"),
        (endpoint_of([1, 2], [1, 1], np.array(["a", "b"], dtype=object)), [None, None], "no patient"),
    ],
)
def test_poor_data_give_a_reason_and_no_comparison(endpoint, groups, why):
    result = compare(endpoint, np.array(groups, dtype=object))
    assert why in result.not_estimable
    assert result.comparisons == ()


def test_a_cause_of_interest_that_nobody_has_is_said():
    assert "toxicity" in compare(*made(), cause_of_interest="toxicity").not_estimable


def test_one_group_gets_its_incidence_but_no_test():
    endpoint, groups = four_patients()
    result = compare(endpoint, groups)
    assert result.comparisons[0].gray.not_estimable == "only one group"
    assert result.comparisons[0].subdistribution == ()
    json.dumps(result.to_dict(), allow_nan=False)
