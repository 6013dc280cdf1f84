"""Group-sequential boundaries and crossing probabilities by numerical integration.

The statistics of K looks are standard normal about their drift, with the increments of the score independent: the
correlation of looks j < k is sqrt(I_j / I_k). The density of the score among trials that are still going is carried
from look to look on a grid of Jennison and Turnbull [2]_, the recursion of Armitage, McPherson and Rowe [1]_.
Everything is one-sided: upper is efficacy, lower is futility. Boundaries depend on levels and information alone,
never on the truth of a scenario; a futility boundary by spending holds for the drift at which the design has
power 1 - beta.

References
----------
.. [1] Armitage P, McPherson CK, Rowe BC. Repeated significance tests on accumulating data. J R Stat Soc A
   1969;132:235-244.
.. [2] Jennison C, Turnbull BW. Group Sequential Methods with Applications to Clinical Trials. Chapman & Hall 2000,
   chapter 19.
.. [3] Lan KKG, DeMets DL. Discrete sequential boundaries for clinical trials. Biometrika 1983;70:659-663.
.. [4] Hwang IK, Shih WJ, De Cani JS. Group sequential designs using a family of type I error probability
   spending functions. Stat Med 1990;9:1439-1445.
.. [5] O'Brien PC, Fleming TR. A multiple testing procedure for clinical trials. Biometrics 1979;35:549-556.
.. [6] Pocock SJ. Group sequential methods in the design and analysis of clinical trials. Biometrika
   1977;64:191-199.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from igfstrat.errors import DomainError
from igfstrat.trials.numerics.recursion import Recursion, exit_probabilities, lower_bound, upper_bound
from igfstrat.trials.scenario.design import FutilitySettings, SpendingSettings

FloatArray = npt.NDArray[np.float64]

CLASSICAL: Final = ("classical_obrien_fleming", "classical_pocock", "haybittle_peto")
_TIGHT: Final = 1e-10
_FAR: Final = 50.0  # stands for an infinite gap between boundaries


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Crossing:
    """Where trials end.

    Parameters
    ----------
    upper, lower : ndarray of float64, shape (K,)
        Probability to cross each boundary at each look, and none before.
    """

    upper: FloatArray
    lower: FloatArray

    @property
    def reach(self) -> FloatArray:
        """Probability that each look is held."""
        ended = np.cumsum(self.upper + self.lower)
        return np.concatenate(([1.0], 1 - ended[:-1]))

    @property
    def power(self) -> float:
        """Probability to cross the upper boundary at any look."""
        return float(self.upper.sum())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Boundaries:
    """Boundaries of a design for its standardised statistic.

    Parameters
    ----------
    information : ndarray of float64, shape (K,)
        Information fractions, ascending to 1 at the planned last look.
    efficacy : ndarray of float64, shape (K,)
        Upper boundary.
    futility : ndarray of float64, shape (K,)
        Lower boundary, ``-inf`` where a look has none; the last is the upper one.
    alpha_spent : ndarray of float64, shape (K,)
        Cumulative type I error, as planned.
    beta_spent : ndarray of float64, shape (K,)
        Cumulative type II error, as planned; 0 without such a boundary.
    binding : bool
        Whether the upper boundary counts on trials stopping for futility.
    drift : float
        Mean of the statistic at information 1 at which the power is 1 - beta; NaN without spending of beta.
    """

    information: FloatArray
    efficacy: FloatArray
    futility: FloatArray
    alpha_spent: FloatArray
    beta_spent: FloatArray
    binding: bool = False
    drift: float = math.nan


def crossing_probabilities(
    *,
    upper: npt.ArrayLike,
    lower: npt.ArrayLike | None = None,
    drift: npt.ArrayLike,
    information: npt.ArrayLike,
) -> Crossing:
    """Probability to cross each boundary at each look.

    Parameters
    ----------
    upper : array-like of float, shape (K,)
        Upper boundary of the standardised statistic; ``inf`` for none.
    lower : array-like of float, shape (K,), optional
        Lower boundary; ``-inf`` for none.
    drift : array-like of float, shape (K,) or ()
        Mean of the statistic at each look; a single number d stands for d sqrt(information).
    information : array-like of float, shape (K,)
        Information, ascending, on any scale (for a single number: fractions).

    Returns
    -------
    Crossing
        Error below 1e-7.

    Raises
    ------
    DomainError
        If the information doesn't ascend from above 0.

    Examples
    --------
    >>> found = crossing_probabilities(upper=[2.289478] * 3, drift=0.0, information=[1, 2, 3])
    >>> round(found.power, 6)
    0.025
    """
    information = _read_information(information)
    means = np.asarray(drift, dtype=np.float64)
    means = means * np.sqrt(information) if means.ndim == 0 else means
    upper = np.asarray(upper, dtype=np.float64)
    lower = np.full(len(information), -np.inf) if lower is None else np.asarray(lower, dtype=np.float64)
    up, down = exit_probabilities(information, means, lower, upper)
    return Crossing(upper=up, lower=down)


def _read_information(information: npt.ArrayLike) -> FloatArray:
    values = np.asarray(information, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or values[0] <= 0 or np.any(np.diff(values) <= 0):
        message = f"information must ascend from above 0; found {values.tolist()}"
        raise DomainError(message)
    return values


def spent_error(fraction: npt.ArrayLike, *, total: float, spending: SpendingSettings) -> FloatArray:
    """Cumulative error spent by the time of information fractions.

    Parameters
    ----------
    fraction : array-like of float, shape (K,)
        Information fractions; from 1 on everything is spent.
    total : float
        The error to spend, between 0 and 1.
    spending : SpendingSettings
        ``obrien_fleming`` and ``pocock`` are the types of Lan and DeMets [3]_, 2 - 2 Phi(z / sqrt(t)) with
        z = Phi^-1(1 - total / 2) and total log(1 + (e - 1) t); ``hwang_shih_decani`` that of [4]_; ``user`` gives shares.

    Returns
    -------
    ndarray of float64, shape (K,)
        Between 0 and `total`.

    Raises
    ------
    DomainError
        If the boundary is not defined by spending, or `user` gives another number of shares.

    Examples
    --------
    >>> spent_error([0.5, 1.0], total=0.025, spending=SpendingSettings(spending="pocock")).round(6).tolist()
    [0.015503, 0.025]
    """
    t = np.minimum(np.asarray(fraction, dtype=np.float64), 1.0)
    if spending.spending == "user":
        shares = np.array(spending.shares)
        if len(shares) != len(t):
            message = f"{len(shares)} shares of the error for {len(t)} looks"
            raise DomainError(message)
        return np.asarray(total * shares)
    if spending.spending == "obrien_fleming":
        return np.asarray(2 * ndtr(ndtri(total / 2) / np.sqrt(t)))
    if spending.spending == "pocock":
        return np.asarray(total * np.log1p((math.e - 1) * t))
    if spending.spending == "hwang_shih_decani":
        gamma = float(spending.gamma or 0.0)
        return np.asarray(total * (t if gamma == 0 else np.expm1(-gamma * t) / math.expm1(-gamma)))
    message = f"{spending.spending} is a boundary of its own, not a spending of error"
    raise DomainError(message)


def make_boundaries(
    *,
    information: npt.ArrayLike,
    alpha: float,
    spending: SpendingSettings | None = None,
    futility: FutilitySettings | None = None,
) -> Boundaries:
    """The boundaries of a design.

    Parameters
    ----------
    information : array-like of float, shape (K,)
        Information fractions, ascending; the last is 1 at the planned end, and whatever it is, all error is
        spent there.
    alpha : float
        One-sided type I error.
    spending : SpendingSettings, optional
        How alpha is spent; O'Brien–Fleming-type where left out.
    futility : FutilitySettings, optional
        Stopping for futility; where it is not binding, the upper boundary is as if there were none.

    Returns
    -------
    Boundaries
        Within 1e-6.

    Raises
    ------
    DomainError
        If the levels or the information can't be, or futility is spent beside a classical boundary.

    Examples
    --------
    >>> make_boundaries(information=[1 / 3, 2 / 3, 1], alpha=0.025).efficacy.round(5).tolist()
    [3.7103, 2.51143, 1.99305]
    """
    fractions = _read_information(information)
    return _boundaries(tuple(fractions.tolist()), float(alpha), spending, futility)


@lru_cache(maxsize=4096)  # procedures and searches ask for the same ones again and again
def _boundaries(
    information: tuple[float, ...],
    alpha: float,
    spending: SpendingSettings | None,
    futility: FutilitySettings | None,
) -> Boundaries:
    found = _computed(np.array(information), alpha, spending, futility)
    for values in (found.information, found.efficacy, found.futility, found.alpha_spent, found.beta_spent):
        values.flags.writeable = False  # whoever gets them has them in common
    return found


def _computed(
    fractions: FloatArray,
    alpha: float,
    spending: SpendingSettings | None,
    futility: FutilitySettings | None,
) -> Boundaries:
    if not 0 < alpha < 0.5:
        message = f"a one-sided level lies between 0 and 0.5; found {alpha:g}"
        raise DomainError(message)
    spending = spending or SpendingSettings(spending="obrien_fleming")
    if futility is not None and futility.spending is not None:
        return _with_beta_spending(fractions, alpha, spending, futility)
    lower = np.full(len(fractions), -np.inf)
    if futility is not None and futility.z is not None:
        if len(futility.z) != len(fractions) - 1:
            message = f"{len(futility.z)} futility bounds for {len(fractions)} looks; give one for each but the last"
            raise DomainError(message)
        lower[:-1] = [-np.inf if z is None else z for z in futility.z]
    binding = futility is not None and futility.binding
    counted = lower if binding else np.full(len(fractions), -np.inf)
    efficacy = _efficacy(fractions, alpha, spending, counted)
    lower[:-1], lower[-1] = np.minimum(lower[:-1], efficacy[:-1]), efficacy[-1]
    spent = np.cumsum(exit_probabilities(fractions, np.zeros(len(fractions)), counted, efficacy)[0])
    return Boundaries(
        information=fractions,
        efficacy=efficacy,
        futility=lower,
        alpha_spent=spent,
        beta_spent=np.zeros(len(fractions)),
        binding=binding,
    )


def _efficacy(
    fractions: FloatArray, alpha: float, spending: SpendingSettings, lower: FloatArray
) -> FloatArray:
    if spending.spending in CLASSICAL:
        return _classical(fractions, alpha, spending, lower)
    steps = _steps(fractions, alpha, spending)
    recursion = Recursion(float(fractions[0]), 0.0)
    found = np.empty(len(fractions))
    for k, step in enumerate(steps):
        found[k] = upper_bound(recursion, step)
        if k + 1 < len(steps):
            recursion.advance(min(float(lower[k]), found[k]), found[k], float(fractions[k + 1]), 0.0)
    return found


def _steps(fractions: FloatArray, total: float, spending: SpendingSettings) -> FloatArray:
    """Error to spend at each look; the last look spends what is left."""
    spent = spent_error(fractions, total=total, spending=spending)
    spent[-1] = total
    return np.diff(spent, prepend=0.0)


def _classical(
    fractions: FloatArray, alpha: float, spending: SpendingSettings, lower: FloatArray
) -> FloatArray:
    """One constant for all looks; of Haybittle–Peto the last bound, since those before it are given."""
    shape: Callable[[float], FloatArray]
    if spending.spending == "haybittle_peto":
        early = np.full(len(fractions) - 1, spending.interim_z or 3.0)
        shape = lambda c: np.append(early, c)  # noqa: E731
    elif spending.spending == "classical_pocock":
        shape = lambda c: np.full(len(fractions), c)  # noqa: E731
    else:
        shape = lambda c: c * np.sqrt(fractions[-1] / fractions)  # noqa: E731

    def excess(constant: float) -> float:
        upper = shape(constant)
        floor = np.minimum(lower, upper)
        return float(exit_probabilities(fractions, np.zeros(len(fractions)), floor, upper)[0].sum() - alpha)

    if excess(12.0) > 0:
        message = f"the given bounds spend more than {alpha:g} before the last look; raise interim_z"
        raise DomainError(message)
    return shape(float(brentq(excess, 0.0, 12.0, xtol=_TIGHT)))


def _with_beta_spending(
    fractions: FloatArray, alpha: float, spending: SpendingSettings, futility: FutilitySettings
) -> Boundaries:
    """The drift at which both boundaries meet at the last look, and the boundaries there."""
    if spending.spending in CLASSICAL:
        message = f"futility by spending needs a boundary by spending; {spending.spending} is none"
        raise DomainError(message)
    steps = _steps(fractions, alpha, spending), _steps(fractions, futility.beta, futility.function())
    planned = float(ndtri(1 - alpha) + ndtri(1 - futility.beta)) / math.sqrt(fractions[-1])
    free = (
        None if futility.binding else _efficacy(fractions, alpha, spending, np.full(len(fractions), -np.inf))
    )

    def gap(drift: float) -> float:
        lower, upper = _both(fractions, steps, drift, free)
        return float(np.clip(lower[-1] - upper[-1], -_FAR, _FAR))

    # more drift puts the lower bound of a given error higher: it lies too low at first, too high in the end
    drift = float(brentq(gap, 0.5 * planned, 3 * planned, xtol=1e-9))
    lower, upper = _both(fractions, steps, drift, free)
    lower[-1] = upper[-1]
    return Boundaries(
        information=fractions,
        efficacy=upper,
        futility=lower,
        alpha_spent=np.cumsum(steps[0]),
        beta_spent=np.cumsum(steps[1]),
        binding=futility.binding,
        drift=drift,
    )


def _both(
    fractions: FloatArray, steps: tuple[FloatArray, FloatArray], drift: float, free: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Both boundaries under a drift; `free` is the upper one where futility doesn't bind."""
    means = drift * np.sqrt(fractions)
    null, true = Recursion(float(fractions[0]), 0.0), Recursion(float(fractions[0]), float(means[0]))
    lower, upper = np.empty(len(fractions)), np.empty(len(fractions))
    for k in range(len(fractions)):
        upper[k] = upper_bound(null, steps[0][k]) if free is None else free[k]
        lower[k] = lower_bound(true, steps[1][k])
        if k + 1 < len(fractions):
            # an interim bound above the upper one would stop every trial
            lower[k] = min(lower[k], upper[k])
            null.advance(lower[k], upper[k], float(fractions[k + 1]), 0.0)
            true.advance(lower[k], upper[k], float(fractions[k + 1]), float(means[k + 1]))
    return lower, upper
