"""Reading, mapping, checking and writing cohort tables."""

from igfstrat.cohort.cohort import Cohort
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.outcome import Endpoint
from igfstrat.cohort.reading import read_cohort

__all__ = ["Cohort", "CohortMap", "Endpoint", "read_cohort"]
