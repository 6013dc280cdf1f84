"""Whatever the readers get, only our own errors come out. Invariant, by hypothesis; `tests/proofs/fuzz.py` runs the same for long."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.proofs.fuzz import TARGETS


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_only_our_own_errors_come_out(target, tmp_path):
    strategy, check = target
    n = 12 if check.__name__ == "check_zip" else 120
    quiet = settings(max_examples=n, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    quiet(given(strategy)(lambda found: check(found, tmp_path)))()
