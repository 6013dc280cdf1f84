"""The proofs of the adaptive designs with few draws; `make proofs` runs them in full."""

import pytest

from tests.proofs.adaptive import QUICK, SURVIVAL


@pytest.mark.parametrize("proof", [*QUICK, *SURVIVAL], ids=lambda proof: proof.__name__)
def test_adaptive_proof_holds_in_10_cohorts(proof):
    found = proof(10)
    for result in found if isinstance(found, list) else [found]:
        assert result.holds, f"{result.claim}: {result.found} against {result.expected}"
