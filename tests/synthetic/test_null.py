"""The null preset with few cohorts; `make proofs` runs 2,000. Statistical, fixed seeds, 3 standard errors."""

from tests.proofs.synthetic import confounding_of_the_crude_test, null_is_null_within_subtypes


def test_stratified_logrank_rejects_5_percent_of_400_null_cohorts():
    result = null_is_null_within_subtypes(400)
    assert result.holds, result.found


def test_crude_logrank_rejects_too_often_under_the_null_because_status_follows_subtype():
    n = 200
    found = confounding_of_the_crude_test(n)
    assert found > 0.05 + 3 * (0.05 * 0.95 / n) ** 0.5
