"""The proofs of the designs that choose a cut with few draws; `make proofs` runs them in full."""

import pytest

from tests.proofs import threshold
from tests.proofs.threshold import ALPHA, KINDS, QUICK, normal_error


@pytest.mark.parametrize("proof", QUICK, ids=lambda proof: proof.__name__)
def test_proof_of_a_chosen_cut_holds_in_4_cohorts(proof):
    result = proof(4)
    assert result.holds, f"{result.claim}: {result.found} against {result.expected}"


def test_an_unadjusted_maximum_is_seen_to_err_too_often(monkeypatch):
    monkeypatch.setitem(
        KINDS, "threshold alone", KINDS["threshold alone"] | {"allow_unadjusted_maximum": True}
    )
    assert normal_error("threshold alone", "no effect", 40_000) > 2 * ALPHA
    assert threshold.inflation(4).holds
