"""Death after progression: from the hazards of a patient's course to the hazard of death.

A patient progresses, or dies before; after progression death has its own hazard, which counts from progression on,
and a share of the patients changes over to another one then. With T the time of the first event,

    P(alive at t) = P(T > t) + integral over u < t of P(T > u) h(u) A(t - u) du,

h the hazard of progression and A the survival after it [1]_. The integral is taken by Gauss's rule between the knots
of all hazards, and survival between its own knots by a constant hazard.

References
----------
.. [1] Fleischer F, Gaschler-Markefski B, Bluhmki E. A statistical model for the dependence between progression-free
   survival and overall survival. Stat Med 2009;28:2669-2686.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from igfstrat.trials.patients.piecewise import PiecewiseHazard, through

FloatArray = npt.NDArray[np.float64]

_KNOTS: Final = 256
_LAST_SURVIVAL: Final = 1e-5
_STILL: Final = 1e-7  # fall of the survival over a doubling of the time below which it has come to rest
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_PIECES: Final = 16  # at the least, of one integral
_Key = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Course:
    """What one kind of patient meets on one arm.

    Parameters
    ----------
    progression, death : PiecewiseHazard
        Hazards of progression, and of death without it, since randomization.
    after, crossed : PiecewiseHazard
        Hazard of death since progression, of who stays and of who changes over.
    crossover : float
        Share that changes over at progression.
    """

    progression: PiecewiseHazard
    death: PiecewiseHazard
    after: PiecewiseHazard
    crossed: PiecewiseHazard
    crossover: float = 0.0

    def first_hazard(self) -> PiecewiseHazard:
        """Hazard of progression or death, whichever is first."""
        return self.progression.plus(self.death)


def death_hazard(course: Course) -> PiecewiseHazard:
    """Hazard of death since randomization, with the survival exact at its knots."""
    parts = (course.progression, course.death, course.after, course.crossed)
    return _death_hazard(tuple((h.starts.tobytes(), h.rates.tobytes()) for h in parts), course.crossover)


@lru_cache(maxsize=512)  # the closed forms ask for the same course again and again
def _death_hazard(keys: tuple[_Key, ...], crossover: float) -> PiecewiseHazard:
    parts = [PiecewiseHazard(np.frombuffer(starts), np.frombuffer(rates)) for starts, rates in keys]
    course = Course(
        progression=parts[0], death=parts[1], after=parts[2], crossed=parts[3], crossover=crossover
    )
    end = _end(course)
    knots = end * (np.arange(1, _KNOTS + 1) / _KNOTS) ** 2  # closer where patients are many
    levels = -np.log(np.array([survival_at(course, t) for t in knots]))
    levels = np.maximum.accumulate(np.maximum(levels, 0.0))
    return through(knots, levels, settled=bool(levels[-1] < -np.log(2 * _LAST_SURVIVAL)))


def _end(course: Course) -> float:
    """A time by which almost nobody is left, or nothing happens any more."""
    rates = [float(h.rates.max()) for h in (course.first_hazard(), course.after) if h.rates.max() > 0]
    end = max((1 / rate for rate in rates), default=1.0)
    alive = survival_at(course, end)
    while alive > _LAST_SURVIVAL:
        end, before = 2 * end, alive
        alive = survival_at(course, end)
        if before - alive < _STILL and end > _last_start(course):
            break
    return end


def _last_start(course: Course) -> float:
    first = float(course.first_hazard().starts[-1])
    return first + max(float(course.after.starts[-1]), float(course.crossed.starts[-1]))


def survival_at(course: Course, time: float) -> float:
    """Probability to be alive at a time since randomization."""
    first = course.first_hazard()
    behind = np.concatenate((time - course.after.starts, time - course.crossed.starts))
    edges = np.concatenate((first.starts, behind, np.linspace(0, time, _PIECES + 1)))
    edges = np.unique(edges[(edges >= 0) & (edges <= time)])
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    u = (middle[:, None] + half[:, None] * _NODES).ravel()
    weight = (half[:, None] * _WEIGHTS).ravel()
    after = course.after.survival(time - u)
    if course.crossover > 0:
        after = (1 - course.crossover) * after + course.crossover * course.crossed.survival(time - u)
    progressed = weight @ (course.progression.at(u) * first.survival(u) * after)
    return float(first.survival(time) + progressed)
