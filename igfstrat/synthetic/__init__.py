"""Synthetic cohorts for tests, demonstrations and teaching. Nobody in them is real."""

from igfstrat.synthetic.cohort import simulate_cohort
from igfstrat.synthetic.config import CohortConfig

__all__ = ["CohortConfig", "simulate_cohort"]
