"""Small cohorts for the tests of risk models."""

import numpy as np
import pandas as pd
import pytest

from igfstrat.models import make_outcome


def cohort_of(n=300, seed=1, effect=0.6):
    """Features as the feature room computes them, words among them, and an outcome that some of them move."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "igf1_sds": rng.normal(size=n),
            "igf1r_status": rng.choice(["high", "low"], n),
            "subtype": rng.choice(["luminal_a", "luminal_b", "triple_negative"], n),
            "age_years": rng.uniform(35, 80, n),
        }
    )
    score = (effect * (table["igf1r_status"] == "high") + 0.03 * (table["age_years"] - 55)).to_numpy()
    time = rng.exponential(24 * np.exp(-score)) + 0.01
    censored = rng.uniform(6, 60, n)
    return table, make_outcome(time=np.minimum(time, censored), event=time <= censored)


@pytest.fixture
def cohort():
    return cohort_of()


@pytest.fixture
def make_cohort():
    return cohort_of
