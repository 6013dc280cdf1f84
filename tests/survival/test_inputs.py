"""What the gate refuses, and the words it uses (source of truth: the specification)."""

import numpy as np
import pytest

from igfstrat import survival as sv
from igfstrat.errors import DomainError

GOOD = {"time": [1.0, 2.0, 3.0], "event": [True, False, True]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"event": [1, 0, 1]},
            r"event must be boolean \(True = event\), found int64; .* event = \(status == 1\)",
        ),
        ({"event": ["1", "0", "1"]}, "event must be boolean"),
        ({"event": [1.0, 0.0, 1.0]}, "event must be boolean"),
        ({"event": [True, None, True]}, "event must be boolean"),
        ({"time": [1, -4, 3]}, r"time\[1\] = -4.0: time must be >= 0"),
        ({"time": [1, np.nan, 3]}, r"time\[1\] = nan: time must be finite"),
        ({"time": [np.inf, 2, 3]}, r"time\[0\] = inf: time must be finite"),
        ({"time": ["1", "2", "3"]}, "time must be numeric"),
        ({"time": [1, 2]}, "event has 3 values and time has 2"),
        ({"time": [[1, 2, 3]]}, r"time must have one dimension, found shape \(1, 3\)"),
        ({"time": [], "event": []}, "time is empty"),
        ({"entry": [0, 2, 1]}, r"entry\[1\] = 2.0: entry must be below time"),
        ({"entry": [0, np.nan, 1]}, r"entry\[1\] = nan: entry must be finite"),
        ({"weights": [1, 0, 1]}, r"weights\[1\] = 0.0: weights must be > 0"),
        ({"weights": [1, -1, 1]}, "weights must be > 0"),
        ({"ci": "loglog"}, "ci must be one of log-log, log, plain, logit, arcsin; found 'loglog'"),
        ({"level": 95}, "level must lie between 0 and 1, found 95"),
    ],
)
def test_kaplan_meier_refuses(change, message):
    with pytest.raises(DomainError, match=message):
        sv.kaplan_meier(**(GOOD | change))


def test_five_bad_rows_are_shown_and_the_rest_counted():
    with pytest.raises(DomainError, match=r"time\[4\] = -1.0 and 2 more"):
        sv.kaplan_meier(time=[-1.0] * 7, event=[True] * 7)


def test_entry_equal_to_time_but_for_rounding_is_refused():
    with pytest.raises(DomainError, match=r"entry\[0\] and time\[0\] are equal but for rounding"):
        sv.kaplan_meier(time=[1.0, 2.0], event=[True, True], entry=[1.0 - 1e-12, 0.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": ["a", "a", "a"]}, "groups holds one group only"),
        ({"groups": ["a", "b", None]}, r"groups\[2\] is None: every row needs a label"),
        ({"groups": ["a", "b", ""]}, r"groups\[2\] is ''"),
        ({"groups": [1.0, 2.0, np.nan]}, r"groups\[2\] is nan"),
        ({"groups": np.array(["a", 1, "b"], dtype=object)}, "mixes labels that cannot be ordered"),
        ({"strata": ["s", "", "s"]}, r"strata\[1\] is ''"),
        ({"strata": ["s"]}, "strata has 1 values and time has 3"),
        ({"weighting": "wilcoxon"}, "weighting must be one of logrank"),
        ({"rho": 1}, "rho and gamma belong to weighting='fleming-harrington'"),
        ({"weighting": "fleming-harrington", "rho": -1}, "rho and gamma must be finite and >= 0"),
        ({"weights": [1, 1.5, 1]}, "weights must be whole numbers here"),
    ],
)
def test_logrank_refuses(change, message):
    with pytest.raises(DomainError, match=message):
        sv.logrank(**(GOOD | {"groups": ["a", "b", "a"]} | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariates": [1, 2]}, r"covariates have shape \(2,\); one row for each of the 3 patients"),
        ({"covariates": [1, np.nan, 2]}, r"covariates\[1\]"),
        ({"covariates": ["a", "b", "c"]}, "covariates must be numeric"),
        ({"names": ["a", "b"]}, "names must hold 1 different names"),
        ({"ties": "approximate"}, "ties must be one of efron, breslow, exact"),
        ({"ties": "exact", "weights": [1, 2, 1]}, "ties='exact' takes no weights"),
        ({"firth": True, "cluster": [1, 1, 2]}, "firth=True has no robust error"),
        ({"cluster": [1, 1, 1]}, "cluster holds one cluster only"),
    ],
)
def test_cox_refuses(change, message):
    with pytest.raises(DomainError, match=message):
        sv.cox(**(GOOD | {"covariates": [1.0, 0.0, 1.0]} | change))


@pytest.mark.parametrize("cause", [[True, False, True], [0.0, 1.0, 2.0], [-1, 0, 1], [1, 0]])
def test_causes_must_be_whole_numbers(cause):
    with pytest.raises(DomainError, match="cause must be 3 whole numbers"):
        sv.aalen_johansen(time=[1, 2, 3], cause=cause)


def test_brier_score_refuses_risks():
    with pytest.raises(DomainError, match="give probabilities, not risks"):
        sv.brier_score(**GOOD, survival=[2.0, 0.1, 0.2], at=1.5)


def test_integer_times_and_labels_of_any_kind_are_read():
    by_text = sv.logrank(**GOOD, groups=["a", "b", "a"])
    for groups in (
        [False, True, False],
        [-3, 10**12, -3],
        [1.5, 2.5, 1.5],
        np.array(["a", "b", "a"], dtype=object),
    ):
        assert sv.logrank(**GOOD, groups=groups).statistic == by_text.statistic


def test_arguments_are_not_changed():
    time, event = np.array([3.0, 1.0, 2.0]), np.array([True, False, True])
    x = np.array([[1.0], [0.0], [2.0]])
    sv.cox(time=time, event=event, covariates=x)
    assert time.tolist() == [3, 1, 2]
    assert x.ravel().tolist() == [1, 0, 2]
