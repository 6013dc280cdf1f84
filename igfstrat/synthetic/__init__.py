"""Synthetic cohorts for tests, demonstrations and teaching. Nobody in them is real."""

from igfstrat.synthetic.cohort import BLOCK, simulate_block, simulate_cohort
from igfstrat.synthetic.config import CohortConfig

__all__ = ["BLOCK", "CohortConfig", "simulate_block", "simulate_cohort"]
