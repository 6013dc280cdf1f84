"""Test of proportional hazards: the exact score test of current R (`cox.zph` since survival 3.0).

For each covariate x the model gains a covariate x g(t); the score test of its coefficient uses the whole
information matrix, not the approximation of Grambsch and Therneau that other programs print.

References
----------
.. [1] Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals.
   Biometrika 1994;81:515-526.
.. [2] Therneau TM, Grambsch PM. Modeling Survival Data: Extending the Cox Model. Springer 2000, chapter 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival._cox_design import CoxDesign, weighted_gram
from igfstrat.survival._cox_likelihood import hazards_at
from igfstrat.survival._inputs import Sample, read_choice
from igfstrat.survival._logrank import chi_square_p
from igfstrat.survival._types import FloatArray
from igfstrat.survival.cox_result import CoxResult
from igfstrat.survival.curves import curve_of_sample

_SINGULAR = 1e12  # condition number beyond which a statistic would be rounding
TRANSFORMS = ("km", "identity", "log", "rank")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalHazardsTest:
    """Score tests of proportional hazards.

    Parameters
    ----------
    names : tuple of str
        Terms: covariates, or the groups of covariates asked for.
    statistic : ndarray of float, shape (k,)
        Chi-square of each term.
    df : ndarray of int, shape (k,)
        Covariates in each term.
    p_value : ndarray of float, shape (k,)
        Upper tails.
    global_statistic : float
        Chi-square of all covariates together.
    global_df : int
        Number of covariates.
    global_p_value : float
        Upper tail.
    transform : str
        The function of time.
    """

    names: tuple[str, ...]
    statistic: FloatArray
    df: FloatArray
    p_value: FloatArray
    global_statistic: float
    global_df: int
    global_p_value: float
    transform: str


def proportional_hazards_test(
    result: CoxResult, transform: str = "km", terms: Mapping[str, Sequence[str]] | None = None
) -> ProportionalHazardsTest:
    """Test whether hazard ratios are constant over time.

    Parameters
    ----------
    result : CoxResult
        A fit with finite estimates, efron or breslow, without Firth's penalty.
    transform : str
        Function of time: km (1 - S(t-)), identity, log or rank.
    terms : mapping of str to sequence of str, optional
        Covariates to be tested together, such as the 0/1 columns of a factor, by the name of the term;
        covariates that are not named are terms of their own.

    Returns
    -------
    ProportionalHazardsTest
        A test for each term and for all.

    Raises
    ------
    DomainError
        Unknown transform or covariate, or log of an event time 0.
    EstimationError
        A fit without finite estimates, with exact ties or with Firth's penalty.
    """
    read_choice(transform, "transform", TRANSFORMS)
    if result.not_estimable or result.firth or result.ties == "exact":
        msg = "the test of proportional hazards needs a finite, unpenalized fit with ties efron or breslow"
        raise EstimationError(msg + (f"; {result.not_estimable}" if result.not_estimable else ""))
    members = _members(result, terms)
    design = result.design
    g = _function_of_time(design, transform)
    score, information = _expanded(design, result.beta, g)
    p = len(result.names)

    def test(columns: Sequence[int]) -> float:
        rows = [*range(p), *(p + c for c in columns)]
        u = np.concatenate((np.zeros(p), score[list(columns)]))
        part = information[np.ix_(rows, rows)]
        size = np.sqrt(np.diag(part))
        if size.min() <= 0 or np.linalg.cond(part / np.outer(size, size)) > _SINGULAR:
            msg = f"the test of proportional hazards is not estimable: too few events for {len(columns)} more coefficients"
            raise EstimationError(msg)
        return float(u @ np.linalg.solve(part, u))

    statistic = np.array([test(columns) for columns in members.values()])
    df = np.array([len(columns) for columns in members.values()])
    overall = test(range(p))
    return ProportionalHazardsTest(
        names=tuple(members),
        statistic=statistic,
        df=df,
        p_value=np.array([chi_square_p(s, int(k)) for s, k in zip(statistic, df, strict=True)]),
        global_statistic=overall,
        global_df=p,
        global_p_value=chi_square_p(overall, p),
        transform=transform,
    )


def _members(result: CoxResult, terms: Mapping[str, Sequence[str]] | None) -> dict[str, list[int]]:
    place = {name: i for i, name in enumerate(result.names)}
    owner = {}
    for term, columns in (terms or {}).items():
        for name in columns:
            if name not in place or name in owner:
                msg = f"terms[{term!r}] names {name!r}, which is unknown or used twice; the covariates are {result.names}"
                raise DomainError(msg)
            owner[name] = term
    members: dict[str, list[int]] = {}
    for name, i in place.items():
        members.setdefault(owner.get(name, name), []).append(i)
    return members


def _function_of_time(design: CoxDesign, transform: str) -> FloatArray:
    """G at each block, centred over the events: a constant changes nothing but rounding."""
    time = design.time[design.first]
    if transform == "identity":
        g = time.copy()
    elif transform == "log":
        if design.time[design.event].min() <= 0:
            msg = "transform='log' needs event times above 0; use km, rank or identity"
            raise DomainError(msg)
        g = np.log(np.where(time > 0, time, 1.0))
    elif transform == "rank":  # the mean rank among all times, censored ones too, as in R
        every = np.sort(design.time)
        g = (np.searchsorted(every, time, side="left") + np.searchsorted(every, time, side="right") + 1) / 2
    else:
        curve = curve_of_sample(_pooled(design))
        g = 1 - np.concatenate(([1.0], curve.survival))[np.searchsorted(curve.time, time, side="left")]
    at_events = np.repeat(g, np.diff(design.first, append=len(design.event)))[design.event]
    if np.ptp(at_events) == 0:
        msg = f"the test of proportional hazards needs events at two times on the scale {transform!r}; try another transform"
        raise EstimationError(msg)
    centred: FloatArray = (g - at_events.mean()) / np.ptp(at_events)
    return centred


def _pooled(design: CoxDesign) -> Sample:
    order = np.argsort(design.time, kind="stable")
    time = design.time[order]
    entry = None
    if design.truncated:
        block = np.repeat(np.arange(len(design.first)), np.diff(design.blocks.leave_first))
        entry = np.full(len(time), -1.0)
        entry[design.blocks.leave_rows] = design.time[design.first][
            block
        ]  # as good as the true one: no time between
        entry = entry[order]
    return Sample(
        time=time,
        event=design.event[order],
        order=order,
        first=np.flatnonzero(np.concatenate(([True], time[1:] != time[:-1]))),
        entry=entry,
    )


def _expanded(design: CoxDesign, beta: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Score of the new coefficients and the information of old and new, by three sweeps."""
    observed = design.weight * design.event
    blocks = []
    for power in (0, 1, 2):
        swept = hazards_at(design, beta, g**power)
        blocks.append(weighted_gram(design.x, swept.risk * swept.total) - swept.outer)
        if power == 1:
            score = (observed * g[design.block_of_row] - swept.risk * swept.total) @ design.x
    return score, np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]])
