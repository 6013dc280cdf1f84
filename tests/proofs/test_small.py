"""The proofs with few cohorts; `make proofs` runs them in full. Statistical, fixed seeds, 3 standard errors."""

import pytest

from igfstrat.trials.designs import rules
from tests.proofs.claims import Proof
from tests.proofs.models import QUICK as MODELS
from tests.proofs.report import ALL as REPORT
from tests.proofs.survival import ALL as SURVIVAL
from tests.proofs.synthetic import ALL as SYNTHETIC
from tests.proofs.trials_error import ALPHA, AVERAGE, GROUPS, applies, claims

HARD_TRUTHS = ("no effect, prognostic marker, 2:1", AVERAGE, "an effect in the negatives alone")


@pytest.mark.parametrize("proof", [*SURVIVAL, *MODELS, *SYNTHETIC, *REPORT], ids=lambda proof: proof.__name__)
def test_proof_holds_in_200_cohorts(proof):
    result = proof(200)
    assert result.holds, f"{result.claim}: {result.found} against {result.expected}"


@pytest.mark.parametrize(
    ("group", "truth"), [(g, t) for g in GROUPS for t in HARD_TRUTHS if applies(g, t)], ids=str
)
def test_designs_add_nothing_to_the_errors_of_their_component_tests_in_5_000_trials(group, truth):
    for result in claims(0, group=group, truth=truth, trials=5_000):
        assert result.holds, f"{result.claim}: {result.found} against {result.expected}"


def test_two_hypotheses_without_any_procedure_are_seen_to_err_too_often(monkeypatch):
    monkeypatch.setattr(rules, "reject", lambda p, **more: p <= ALPHA)
    assert not any(r.holds for r in claims(0, group="stratified", truth="no effect", trials=20_000))


def test_proof_can_fail():
    assert not Proof("", 0.05, 0.10, 2_000).holds
