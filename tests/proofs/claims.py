"""What a proof claims: a proportion, a bound from above, or one from below, each within 3 Monte-Carlo standard errors."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Proof:
    """A proportion that was to be expected, and what came."""

    claim: str
    expected: float
    found: float
    cohorts: int

    @property
    def standard_error(self):
        return float(np.sqrt(self.expected * (1 - self.expected) / self.cohorts))

    @property
    def holds(self):
        return abs(self.found - self.expected) <= 3 * self.standard_error


@dataclass(frozen=True)
class Bound:
    """A proportion that was not to exceed a level, and what came."""

    claim: str
    expected: float
    found: float
    cohorts: int

    @property
    def standard_error(self):
        return float(np.sqrt(self.expected * (1 - self.expected) / self.cohorts))

    @property
    def holds(self):
        return self.found <= self.expected + 3 * self.standard_error


@dataclass(frozen=True)
class AtLeast(Bound):
    """A proportion that was to exceed a level: a fault shown on purpose."""

    @property
    def holds(self):
        return self.found >= self.expected - 3 * self.standard_error
