"""Only a structured outcome passes (source of truth: a list of what people have passed to fitters before)."""

import numpy as np
import pandas as pd
import pytest

from igfstrat.errors import DomainError
from igfstrat.models import CoxModel, make_outcome
from igfstrat.models.outcome import read_outcome

X = np.arange(6.0)[:, None]
TIME = np.array([3.0, 1.0, 4.0, 1.5, 5.0, 9.0])
EVENT = np.array([True, False, True, True, False, True])


@pytest.mark.parametrize(
    "event",
    [
        ["0", "1"] * 3,
        [0, 1] * 3,
        [1, 2] * 3,
        [1.0, 0.0] * 3,
        ["yes", "no"] * 3,
        [-1, 1] * 3,
        [None, True] * 3,
    ],
)
def test_an_event_that_is_not_boolean_is_refused(event):
    with pytest.raises(DomainError, match="event must be boolean"):
        make_outcome(time=TIME, event=event)


def as_fields(values, name="event"):
    y = np.empty(6, [(name, np.asarray(values).dtype), ("time", float)])
    y[name], y["time"] = values, TIME
    return y


@pytest.mark.parametrize(
    "y",
    [
        TIME,
        EVENT,
        None,
        list(zip(EVENT, TIME, strict=True)),
        pd.DataFrame({"event": EVENT, "time": TIME}),
        as_fields(["1"] * 6),
        as_fields([1, 2] * 3),
        as_fields([0, 1] * 3),
        as_fields(EVENT, "status"),
    ],
    ids=["times", "events", "none", "pairs", "table", "words", "1 and 2", "0 and 1", "another name"],
)
def test_a_model_is_fitted_on_a_structured_boolean_outcome_only(y):
    with pytest.raises(DomainError):
        CoxModel().fit(X, y)


def test_an_outcome_of_another_length_is_refused():
    with pytest.raises(DomainError, match="one outcome a patient"):
        CoxModel().fit(X[:5], make_outcome(time=TIME, event=EVENT))


def test_the_order_of_the_fields_does_not_matter():
    turned = np.array(list(zip(TIME, EVENT, strict=True)), [("time", float), ("event", bool)])
    time, event = read_outcome(turned)
    assert np.array_equal(time, TIME)
    assert np.array_equal(event, EVENT)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_time_that_cannot_be_is_refused_with_its_place(bad):
    with pytest.raises(DomainError, match=r"time\[2\]"):
        make_outcome(time=np.where(np.arange(6) == 2, bad, TIME), event=EVENT)
