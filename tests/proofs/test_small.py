"""The proofs with few cohorts; `make proofs` runs them in full. Statistical, fixed seeds, 3 standard errors."""

import pytest

from tests.proofs.claims import Proof
from tests.proofs.models import QUICK as MODELS
from tests.proofs.report import ALL as REPORT
from tests.proofs.survival import ALL as SURVIVAL
from tests.proofs.synthetic import ALL as SYNTHETIC


@pytest.mark.parametrize("proof", [*SURVIVAL, *MODELS, *SYNTHETIC, *REPORT], ids=lambda proof: proof.__name__)
def test_proof_holds_in_200_cohorts(proof):
    result = proof(200)
    assert result.holds, f"{result.claim}: {result.found} against {result.expected}"


def test_proof_can_fail():
    assert not Proof("", 0.05, 0.10, 2_000).holds
