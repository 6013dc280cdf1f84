"""Whether an effect differs between subgroups of patients: hazard ratios within levels, and the interaction tests.

The rows of a forest plot are not compared by eye: one row whose interval leaves out 1 beside one whose interval doesn't
is no difference. Each variable has one interaction test, and every test of the run counts in the correction.

The test is the likelihood ratio of two Cox models, with and without products of group and level. Both give each level
its own baseline hazard (level as stratum), so that the larger one is exactly the rows of the forest, and levels whose
hazards aren't proportional to each other (hormone-receptor positive and negative breast cancer) don't feign an
interaction. Levels with fewer than ten events in all don't enter it: a rule that doesn't look at the groups.

References
----------
.. [1] Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.
.. [2] Wang R, Lagakos SW, Ware JH, Hunter DJ, Drazen JM. Statistics in medicine: reporting of subgroup analyses in
   clinical trials. N Engl J Med 2007;357:2189-2194.
.. [3] Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis._estimating import cox_fit, finite, ratios_to_first
from igfstrat.analysis.results import Estimate, HazardRatio
from igfstrat.analysis.subgroup_results import (
    GroupCount,
    Interaction,
    PanelCurve,
    SubgroupAnalysis,
    SubgroupEndpoint,
    SubgroupRow,
    SubgroupVariable,
    VariableResult,
)
from igfstrat.cohort import Endpoint
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import SurvivalCurve, adjust_p_values, cox, kaplan_meier
from igfstrat.survival.cox_result import chi_square_test

FEWEST_EVENTS: Final = 10  # below it, in either group, a hazard ratio isn't shown
_MOST_LEVELS: Final = 12
_MOST_POINTS: Final = 1_000  # of a small panel


def analyse_subgroups(
    endpoints: Sequence[Endpoint],
    *,
    groups: NDArray[np.object_],
    order: Sequence[str],
    variables: Sequence[tuple[SubgroupVariable, NDArray[np.object_]]],
    alpha: float = 0.05,
) -> SubgroupAnalysis:
    """Compare groups within the levels of each variable, and test whether their effect differs between levels.

    Parameters
    ----------
    endpoints : sequence of Endpoint
        All endpoints of the run: their interaction tests are corrected together.
    groups : ndarray of object, shape (n_rows,)
        Group of each row; None for a row in none.
    order : sequence of str
        Groups in the order of the report; the first is the reference.
    variables : sequence of tuple of SubgroupVariable and ndarray of object, shape (n_rows,)
        Each variable, and its level in each row; None where it is not known.
    alpha : float
        Threshold of the interaction tests.

    Returns
    -------
    SubgroupAnalysis
        With reasons where something can't be estimated; without variables, the whole cohort alone.
    """
    found = [_endpoint(endpoint, groups, order, variables) for endpoint in endpoints]
    tests = [variable.interaction for result in found for variable in result.variables]
    p_values = np.array([np.nan if t.p_value is None else t.p_value for t in tests], dtype=np.float64)
    adjusted = iter(adjust_p_values(p_values, "holm"))
    corrected = tuple(
        replace(
            result,
            variables=tuple(
                replace(v, interaction=replace(v.interaction, p_adjusted=finite(float(next(adjusted)))))
                for v in result.variables
            ),
        )
        for result in found
    )
    return SubgroupAnalysis(
        endpoints=corrected,
        n_interactions=len(tests),
        n_tested=int((~np.isnan(p_values)).sum()),
        fewest_events=FEWEST_EVENTS,
        alpha=alpha,
    )


class _Data:
    """Analysed patients of one endpoint: times, events, and places of their groups."""

    def __init__(self, endpoint: Endpoint, groups: NDArray[np.object_], order: Sequence[str]) -> None:
        self.kept = ~pd.isna(groups) & endpoint.usable
        labels = groups[self.kept].astype(str)
        self.order = tuple(label for label in order if (labels == label).any())
        self.time, self.event = endpoint.time[self.kept], endpoint.event[self.kept]
        self.code = np.full(len(labels), -1, dtype=np.int64)
        for i, label in enumerate(self.order):
            self.code[labels == label] = i


def _endpoint(
    endpoint: Endpoint,
    groups: NDArray[np.object_],
    order: Sequence[str],
    variables: Sequence[tuple[SubgroupVariable, NDArray[np.object_]]],
) -> SubgroupEndpoint:
    data = _Data(endpoint, groups, order)
    everybody = np.ones(len(data.time), dtype=bool)
    return SubgroupEndpoint(
        endpoint=endpoint.name,
        title=endpoint.title,
        groups=data.order,
        overall=_row(data, everybody, None),
        variables=tuple(_variable(data, variable, values[data.kept]) for variable, values in variables),
    )


def _variable(data: _Data, variable: SubgroupVariable, values: NDArray[np.object_]) -> VariableResult:
    known = ~pd.isna(values)
    words = np.where(known, values, "").astype(str)
    found = set(np.unique(words[known]).tolist())
    levels = [level for level in variable.levels if level in found] + sorted(found - set(variable.levels))
    why = "no patient has a known level" if not levels else None
    if len(levels) > _MOST_LEVELS:
        why = f"{len(levels)} levels; at most {_MOST_LEVELS} can be looked at"
    if why is not None:
        nothing = Interaction(not_estimable=why)
        return VariableResult(variable=variable, n_missing=int((~known).sum()), rows=(), interaction=nothing)
    masks = [known & (words == level) for level in levels]
    return VariableResult(
        variable=variable,
        n_missing=int((~known).sum()),
        rows=tuple(_row(data, mask, level) for level, mask in zip(levels, masks, strict=True)),
        interaction=_interaction(data, levels, masks),
    )


def _row(data: _Data, inside: NDArray[np.bool_], level: str | None) -> SubgroupRow:
    time, event, code = data.time[inside], data.event[inside], data.code[inside]
    masks = [code == i for i in range(len(data.order))]
    counts = tuple(
        GroupCount(label=label, n=int(mask.sum()), n_events=int(event[mask].sum()))
        for label, mask in zip(data.order, masks, strict=True)
    )
    curves: tuple[PanelCurve, ...] = ()
    if level is not None:
        curves = tuple(
            _panel_curve(label, kaplan_meier(time=time[mask], event=event[mask]))
            for label, mask in zip(data.order, masks, strict=True)
            if mask.any()
        )
    return SubgroupRow(
        level=level,
        n=len(time),
        n_events=int(event.sum()),
        groups=counts,
        hazard_ratios=_ratios(time, event, code, counts),
        curves=curves,
    )


def _ratios(
    time: NDArray[np.float64], event: NDArray[np.bool_], code: NDArray[np.int64], counts: Sequence[GroupCount]
) -> tuple[HazardRatio, ...]:
    if len(counts) < 2:
        return ()
    fitted = ratios_to_first(cox_fit(time, event), event=event, codes=code, labels=[c.label for c in counts])
    return tuple(
        replace(ratio, estimate=_unless_few(ratio.estimate, (counts[0], count)))
        for ratio, count in zip(fitted, counts[1:], strict=True)
    )


def _unless_few(estimate: Estimate, pair: tuple[GroupCount, GroupCount]) -> Estimate:
    few = [count for count in pair if count.n_events < FEWEST_EVENTS]
    if not few:
        return estimate
    # their number stands in its own column, where it can be hidden
    said = " and ".join(count.label for count in few)
    return Estimate(not_estimable=f"fewer than {FEWEST_EVENTS} events in {said}")


def _panel_curve(label: str, curve: SurvivalCurve) -> PanelCurve:
    """The steps of a curve and its end, and of very many an even choice."""
    points = np.union1d(np.flatnonzero(curve.n_events > 0), [len(curve.time) - 1])
    if len(points) > _MOST_POINTS:
        points = points[np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).astype(np.int64))]
    return PanelCurve(
        label=label,
        time=tuple(curve.time[points].tolist()),
        survival=tuple(curve.survival[points].tolist()),
        n_at_risk=tuple(curve.n_at_risk[points].tolist()),
        n_events=tuple(np.diff(np.cumsum(curve.n_events)[points], prepend=0).tolist()),
    )


def _interaction(data: _Data, levels: Sequence[str], masks: Sequence[NDArray[np.bool_]]) -> Interaction:
    """Likelihood ratio of an effect of its own in each level against one effect in all."""
    told = [_telling(data, mask) for mask in masks]
    enough = [len(np.unique(data.code[mask])) > 1 for mask in told]
    left_out = tuple(level for level, is_enough in zip(levels, enough, strict=True) if not is_enough)
    used = [mask for mask, is_enough in zip(told, enough, strict=True) if is_enough]
    if len(used) < 2:
        why = f"fewer than 2 levels have {FEWEST_EVENTS} events and patients of two groups"
        return Interaction(left_out=left_out, not_estimable="only one group" if len(data.order) < 2 else why)
    strata = np.zeros(len(data.time), dtype=np.int64)
    for i, mask in enumerate(used):
        strata[mask] = i
    try:
        within = [_log_likelihood(data, mask, strata) for mask in used]
        common, n_common = _log_likelihood(data, np.logical_or.reduce(used), strata)
    except (EstimationError, DomainError) as error:
        return Interaction(left_out=left_out, not_estimable=str(error))
    statistic = max(2 * (sum(value for value, _ in within) - common), 0.0)
    df = sum(terms for _, terms in within) - n_common
    if df < 1:
        return Interaction(left_out=left_out, not_estimable="no two levels compare the same groups")
    test = chi_square_test(statistic, df)
    return Interaction(statistic=test.statistic, df=test.df, p_value=finite(test.p_value), left_out=left_out)


def _telling(data: _Data, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Patients of a level who enter its likelihood: nobody with too few events, else those seen at the first event.

    Others are in no risk set, and a group that has only them would leave the model without a solution.
    """
    times = data.time[inside & data.event]
    if len(times) < FEWEST_EVENTS:
        return np.zeros_like(inside)
    return np.asarray(inside & (data.time >= times.min()), dtype=np.bool_)


def _log_likelihood(data: _Data, inside: NDArray[np.bool_], strata: NDArray[np.int64]) -> tuple[float, int]:
    """Largest log partial likelihood of the group effect in some patients, and its number of terms."""
    code = data.code[inside]
    present = np.unique(code)
    design = np.column_stack([(code == i).astype(np.float64) for i in present[1:]])
    fit = cox(time=data.time[inside], event=data.event[inside], covariates=design, strata=strata[inside])
    return fit.log_likelihood, len(present) - 1
