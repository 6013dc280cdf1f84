"""Newton's method for the Cox likelihood, and the certificate that no finite estimate exists.

Steps are halved until the likelihood rises. The iteration ends when the next step is far below the
standard errors, so that the gradient is at rounding level. When the likelihood rises for ever in some
direction the steps settle on that direction, which is then checked against every risk set.

References
----------
.. [1] Bryson MC, Johnson ME. The incidence of monotone likelihood in the Cox model. Technometrics
   1981;23:381-383.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from igfstrat.errors import EstimationError
from igfstrat.survival._cox_design import CoxDesign
from igfstrat.survival._cox_likelihood import Derivatives, derivatives_at
from igfstrat.survival._types import BoolArray, FloatArray

_MAX_STEPS = 60
FIRST_CHECK = 8  # Newton's steps shrink quadratically before this one, unless the likelihood is monotone
LIMIT_REACHED = 1e-9  # of a monotone likelihood: what is left to gain
_SINGULAR = 1e-11
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Where the iteration ended, in the scaled covariates.

    Parameters
    ----------
    beta : ndarray of float, shape (p,)
        Coefficients.
    null, final : Derivatives
        The log likelihood with its derivatives at zero and at the end.
    infinite : ndarray of bool, shape (p,)
        Coefficients without a finite estimate.
    steps : int
        Newton steps made.
    """

    beta: FloatArray
    null: Derivatives
    final: Derivatives
    infinite: BoolArray
    steps: int


def maximize(design: CoxDesign) -> Fit:
    """Find the maximum of the partial likelihood.

    Parameters
    ----------
    design : CoxDesign
        The data.

    Returns
    -------
    Fit
        The maximum, or the place where separation was recognised.

    Raises
    ------
    EstimationError
        Covariates that cannot be told apart, or no convergence.
    """
    p = len(design.scale)
    beta = np.zeros(p)
    null = derivatives_at(design, beta)
    assert null is not None
    refuse_singular(null.information, design)
    here, infinite = null, None
    enough = min(1e-14, 1e-20 * design.n_events)  # squared step, in standard errors
    for step_number in range(1, _MAX_STEPS + 1):
        step = np.asarray(np.linalg.solve(here.information, here.score), dtype=np.float64)
        gain = float(step @ here.score)
        if gain <= enough:
            return Fit(
                beta=beta + step, null=null, final=here, infinite=np.zeros(p, np.bool_), steps=step_number
            )
        if infinite is None and step_number >= FIRST_CHECK:
            infinite = _separation(design, step)
        if infinite is not None and gain <= LIMIT_REACHED:
            return Fit(beta=beta, null=null, final=here, infinite=infinite, steps=step_number)
        moved = _halved(design, beta, here, step)
        if moved is None:  # the likelihood can rise no more within rounding
            return Fit(beta=beta, null=null, final=here, infinite=np.zeros(p, np.bool_), steps=step_number)
        beta, here = moved
    msg = (
        f"the Cox model did not converge in {_MAX_STEPS} steps; the covariates are nearly collinear "
        f"or far from their scale: {', '.join(design.names)}"
    )
    raise EstimationError(msg)


def _halved(
    design: CoxDesign, beta: FloatArray, here: Derivatives, step: FloatArray
) -> tuple[FloatArray, Derivatives] | None:
    slack = 1e-13 * (1.0 + abs(here.value))
    for _ in range(40):
        there = derivatives_at(design, beta + step)
        if there is not None and there.value >= here.value - slack and _curved(there.information):
            return beta + step, there
        step = step / 2
    return None


def _curved(information: FloatArray) -> bool:
    """Whether the likelihood curves down in every direction, as it does but for rounding."""
    size = np.sqrt(np.maximum(np.diag(information), 0.0))
    return bool(size.min() > 0 and np.linalg.eigvalsh(information / np.outer(size, size))[0] > 0)


def refuse_singular(information: FloatArray, design: CoxDesign) -> None:
    """Refuse covariates that the risk sets cannot tell apart.

    Parameters
    ----------
    information : ndarray of float, shape (p, p)
        Information at zero, in the scaled covariates.
    design : CoxDesign
        The data.

    Raises
    ------
    EstimationError
        A covariate that is constant, or a linear combination of others, among the patients at risk.
    """
    size = np.sqrt(np.maximum(np.diag(information), 0.0))
    # within strata or risk sets a constant covariate leaves rounding behind, which grows with n
    nothing = max(_SINGULAR, 1e-15 * len(design.event)) * design.weight[design.event].sum()
    flat = size**2 <= nothing
    if flat.any():
        names = ", ".join(np.array(design.names)[flat])
        msg = (
            f"not estimable: {names} is constant among the patients at risk at every event time; leave it out"
        )
        raise EstimationError(msg)
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    if values[0] < _SINGULAR * values[-1]:
        names = ", ".join(np.array(design.names)[np.abs(vectors[:, 0]) > 1e-4])
        msg = f"not estimable: {names} are linear combinations of each other among the patients at risk; leave one out"
        raise EstimationError(msg)


def _separation(design: CoxDesign, step: FloatArray) -> BoolArray | None:
    """Coefficients that run away, when the step is a direction in which the likelihood never falls."""
    from igfstrat.survival._kernels_cox import separates

    score = design.x @ step
    width = float(np.ptp(score))
    if width == 0:
        return None
    certified = separates(
        score / width,
        design.event,
        design.blocks,
        design.truncated,
        design.ties == "exact",
        _ROUNDING,
    )
    return np.abs(step) > 1e3 * _ROUNDING * np.abs(step).max() if certified else None
