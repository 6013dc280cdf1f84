"""The proofs of scenarios from cohorts with few cohorts. Statistical, fixed seeds, 3 standard errors."""

import pytest

from tests.proofs import from_cohort
from tests.proofs.from_cohort import coverage


@pytest.mark.parametrize("name", ["hazard ratio 1.4", "hazard ratio 1.4, a test with error"])
def test_intervals_of_25_cohorts_hold_the_true_power(name):
    for result in coverage(0, name=name, cohorts=25, resamples=39, n_jobs=1):
        assert result.holds, f"{result.claim}: {result.found}"


def test_intervals_of_another_truth_are_seen_to_miss(monkeypatch):
    monkeypatch.setattr(from_cohort, "truth", lambda name: {"all_comers": 0.7, "enrichment": 0.6})
    assert not any(r.holds for r in coverage(0, name="hazard ratio 1.4", cohorts=10, resamples=39, n_jobs=1))
