"""What a cohort configuration claims: a target for every number that names evidence.

A target is a number of the configuration, its estimand in words, the cohort in which it is looked at, and the
estimate. Where a stratum is rare the cohort is drawn from that stratum alone, which changes nothing within it; times are
looked at without loss to follow-up. Only assumed numbers (shares of other groups, follow-up, how many take a
drug) are changed for that. Sizes give at least `ENOUGH` events or patients in the stratum concerned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from igfstrat.synthetic import estimators as found
from igfstrat.synthetic.config import DEFAULT, CohortConfig, Figure
from igfstrat.synthetic.numbers import Number, walk_numbers

ENOUGH: Final = 20_000
_LONG: Final = 1200.0  # months, by when nearly all have had their event
_BANDS: Final = (30, 40, 50, 60, 70)
_REFERENCE: Final = {"igf1": "E-a-01", "igfbp3": "E-a-02"}
_STRATA: Final = "conditional: Cox stratified by group, stage and age from 70"


@dataclass(frozen=True, slots=True)
class Draw:
    """A cohort to look at: size, effects, and the assumed numbers that are changed for it."""

    n: int
    preset: str = DEFAULT
    values: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One claim of a configuration.

    Parameters
    ----------
    path : str
        Of the number in the configuration.
    value : float
        What is claimed, on the scale of the estimate.
    evidence : str
        Id in the registry.
    estimand : str
        Scale, conditioning, horizon, composite or component, in words.
    draw : Draw
        The cohort.
    estimate : callable
        From the drawn table to estimate and standard error.
    is_log : bool
        Whether value and estimate are logarithms of a ratio.
    """

    path: str
    value: float
    evidence: str
    estimand: str
    draw: Draw
    estimate: Callable[[pd.DataFrame], found.Estimate]
    is_log: bool = False


def make_targets(config: CohortConfig) -> list[Target]:
    """Targets of a configuration.

    Parameters
    ----------
    config : CohortConfig
        A whole configuration.

    Returns
    -------
    list of Target
        One or more for every number with evidence that a target is known for, and the medians of the reference.
    """
    targets = list(_medians(config))
    for path, number in walk_numbers(config):
        if number.evidence is None:
            continue
        for pattern, make in _MAKERS.items():
            matched = re.fullmatch(pattern, path)
            if matched:
                targets.append(make(config, path, number, *matched.groups()))
    return targets


def _target(
    path: str, number: Number, estimand: str, draw: Draw, estimate: Callable[[pd.DataFrame], found.Estimate]
) -> Target:
    assert number.evidence is not None
    return Target(path, number.value, number.evidence, estimand, draw, estimate)


def only_group(config: CohortConfig, group: str) -> tuple[tuple[str, float], ...]:
    """Shares with which all patients are of one group.

    Parameters
    ----------
    config : CohortConfig
        A whole configuration.
    group : str
        The group.

    Returns
    -------
    tuple of tuple
        Path and value of each share.
    """
    return tuple((f"groups.{name}.share", 100.0 * (name == group)) for name in config.groups)


def _endpoint_words(config: CohortConfig, endpoint: str) -> str:
    """Name of an endpoint and of what it is made of."""
    if endpoint == "os":
        return "OS (death from any cause)"
    name = config.outcomes.first.upper()
    same = ", which is PFS here" if config.outcomes.pfs == "same_as_dfs" else ""
    return f"{name} (composite: relapse or progression, or death from any cause{same})"


def _only_key(config: CohortConfig, key: str) -> tuple[tuple[str, float], ...]:
    if config.outcomes.by == "group":
        return only_group(config, key)
    return tuple((f"stages.{name}.share", 100.0 * (name == key)) for name in config.stages)


def _followed(months: float) -> tuple[tuple[str, float], ...]:
    how = {"accrual_months": 0.0, "follow_up_months": months, "lost_per_year": 0.0}
    return tuple((f"follow_up.{name}", value) for name, value in how.items())


def _sampled_first() -> tuple[tuple[str, float], ...]:
    """Blood before time zero, so that no one dies or is lost before it is drawn."""
    return (("timing.sampling_from", -1.0), ("timing.sampling_to", 0.0))


def _share(config: CohortConfig, path: str, number: Number, group: str) -> Target:
    def estimate(table: pd.DataFrame) -> found.Estimate:
        return found.estimate_percent(found.belongs_to(table, config.groups[group]))

    return _target(path, number, "percent of all patients", Draw(100_000), estimate)


def _prevalence(config: CohortConfig, path: str, number: Number, key: str) -> Target:
    mine = [name for name, g in config.groups.items() if (g.staining or name) == key]
    total = sum(config.groups[name].share.value for name in mine)
    values = tuple(
        (f"groups.{name}.share", 100 * g.share.value / total if name in mine else 0.0)
        for name, g in config.groups.items()
    )
    rule = config.igf1r.rule
    text = f"percent high by {rule} among {key}, read back from the percentages of cells"
    return _target(
        path,
        number,
        text,
        Draw(2 * ENOUGH, values=values),
        lambda t: found.estimate_percent(found.high_by_rule(t, rule)),
    )


def _correlation(config: CohortConfig, path: str, number: Number) -> Target:
    def estimate(table: pd.DataFrame) -> found.Estimate:
        kept = table[~np.any(list(found.exposed_to(table).values()), axis=0)]
        return found.estimate_correlation(
            *(found.serum_scores(kept, config, name) for name in found.ANALYTES)
        )

    text = (
        "Pearson's correlation of the two standard deviation scores (given age and sex), not obese, no drugs"
    )
    return _target(path, number, text, Draw(60_000, values=_sampled_first()), estimate)


def _shift(config: CohortConfig, path: str, number: Number, exposure: str, analyte: str) -> Target:
    state = {"obesity": "obese", "contraceptive": "pill"}[exposure]
    values = _sampled_first()
    if state == "pill":
        # among the young, half of whom take it: the number of those who do is assumed
        values += (("people.contraceptive", 50.0), ("people.age_mean", 38.0), ("people.female", 100.0))

    def estimate(table: pd.DataFrame) -> found.Estimate:
        exposed = found.exposed_to(table)
        others = [mask for name, mask in exposed.items() if name != state]
        keep = ~np.any(others, axis=0)
        if state == "pill":
            keep &= (table["menopausal_status"] == "premenopausal").to_numpy()
        return found.estimate_difference(
            found.serum_scores(table[keep], config, analyte), exposed[state][keep]
        )

    text = (
        f"difference of mean {analyte} standard deviation scores, {exposure} against none, no other exposure"
    )
    return _target(path, number, text, Draw(220_000 if state == "obese" else 80_000, values=values), estimate)


def _tamoxifen(config: CohortConfig, path: str, number: Number, analyte: str) -> Target:
    group = next(iter(config.treatment.tamoxifen_at_sampling))
    on = ((f"treatment.tamoxifen_at_sampling.{group}", 50.0),)

    def estimate(table: pd.DataFrame) -> found.Estimate:
        exposed = found.exposed_to(table)
        keep = ~(exposed["obese"] | exposed["pill"])
        levels = np.log(found.relative_level(table[keep], config, analyte))
        change, error = found.estimate_difference(levels, exposed["tamoxifen"][keep])
        return 100 * float(np.expm1(change)), 100 * float(np.exp(change)) * error

    text = f"percent change of the geometric mean of {analyte} relative to the reference median, on tamoxifen against none"
    return _target(
        path, number, text, Draw(80_000, values=only_group(config, group) + on + _sampled_first()), estimate
    )


def _survival(config: CohortConfig, path: str, number: Number, key: str, endpoint: str) -> Target:
    figure: Figure = getattr(config.outcomes.baselines[key], endpoint)
    name = config.outcomes.first if endpoint == "first" else "os"
    months, share = figure.point
    size = int(1.05 * ENOUGH / (1 - share))
    asked = (
        "half are without an event at the reported median" if figure.median else "percent without an event"
    )
    text = f"{_endpoint_words(config, endpoint)} in {key}: {asked}, {months:g} months, Kaplan-Meier over all others as configured"
    draw = Draw(size, values=_only_key(config, key) + _followed(months + 1))
    assert number.evidence is not None
    return Target(
        path, 100 * share, number.evidence, text, draw, lambda t: found.estimate_survival(t, name, months)
    )


def _relapse_in_bone(config: CohortConfig, path: str, number: Number, group: str) -> Target:
    def estimate(table: pd.DataFrame) -> found.Estimate:
        relapsed = table["bone_at_relapse"].dropna()
        return found.estimate_percent((relapsed == "yes").to_numpy())

    draw = Draw(2 * ENOUGH, values=only_group(config, group) + _followed(_LONG))
    return _target(
        path, number, f"percent with bone among those whose first event is a relapse, {group}", draw, estimate
    )


def _bone(config: CohortConfig, path: str, number: Number) -> Target:
    text = "percent with bone metastases at time zero, all patients"
    return _target(
        path,
        number,
        text,
        Draw(100_000),
        lambda t: found.estimate_percent((t["bone_metastasis"] == "yes").to_numpy()),
    )


def _bone_only(config: CohortConfig, path: str, number: Number, group: str) -> Target:
    def estimate(table: pd.DataFrame) -> found.Estimate:
        alone = (table["bone_metastasis"] == "yes") & (table["visceral_metastasis"] == "no")
        return found.estimate_percent(alone.to_numpy())

    text = f"percent with bone as the only site at time zero, of all patients of {group}"
    return _target(path, number, text, Draw(2 * ENOUGH, values=only_group(config, group)), estimate)


def _ratio(
    config: CohortConfig, path: str, number: Number, preset: str | None, group: str, endpoint: str
) -> Target:
    name = config.outcomes.first if endpoint == "first" else "os"
    rule = config.igf1r.rule
    values, size = _followed(_LONG), 2 * ENOUGH
    if config.outcomes.by == "group":
        values += only_group(config, group)
    else:
        # the baseline of a stage is that of its mix of groups, which therefore stays as it is
        size = int(1.2 * ENOUGH * 100 / min(g.share.value for g in config.groups.values()))
    assert number.evidence is not None
    return Target(
        path,
        float(np.log(number.value)),
        number.evidence,
        f"hazard ratio of {_endpoint_words(config, endpoint)}, high against low by {rule}, {group}; {_STRATA}",
        Draw(size, preset=preset or DEFAULT, values=values),
        lambda t: found.estimate_log_ratio(t[found.belongs_to(t, config.groups[group])], name, rule),
        is_log=True,
    )


def _serum_ratio(config: CohortConfig, path: str, number: Number, preset: str) -> Target:
    effect = config.presets[preset].serum_igf1
    assert effect is not None
    assert number.evidence is not None
    contrast = effect.contrast
    words = {
        "highest_fifth": "highest against lowest fifth",
        "above_median": "above against below the median",
    }[contrast]
    return Target(
        path,
        float(np.log(number.value)),
        number.evidence,
        f"hazard ratio of death from any cause, serum IGF-1 given age, sex, body mass index and drugs, {words}; {_STRATA} and status",
        Draw(3 * ENOUGH, preset=preset, values=_followed(_LONG) + _sampled_first()),
        lambda t: found.estimate_serum_ratio(t, config, contrast),
        is_log=True,
    )


_MAKERS: Final[dict[str, Callable[..., Target]]] = {
    r"groups\.(\w+)\.share": _share,
    r"igf1r\.prevalence\.(\w+)": _prevalence,
    r"serum\.sds_correlation": _correlation,
    r"serum\.(obesity|contraceptive)\.(igf1|igfbp3)_sds": _shift,
    r"serum\.tamoxifen\.(igf1|igfbp3)_percent": _tamoxifen,
    r"outcomes\.baselines\.(\w+)\.(first|os)\.(?:percent|median)": _survival,
    r"outcomes\.bone_among_relapses\.(\w+)": _relapse_in_bone,
    r"outcomes\.bone": _bone,
    r"outcomes\.bone_only\.(\w+)": _bone_only,
    r"(?:effects|presets\.(\w+))\.igf1r\.(\w+)\.(first|os)": _ratio,
    r"presets\.(\w+)\.serum_igf1\.ratio\.os": _serum_ratio,
}


def _medians(config: CohortConfig) -> Iterator[Target]:
    """Medians by age band: not a number of the file, but what its reference claims."""
    draw = Draw(260_000, values=(("people.age_mean", 55.0), ("people.age_sd", 22.0), *_sampled_first()))
    for analyte in found.ANALYTES:
        for low in _BANDS:
            text = (
                f"median of {analyte} over the reference median at the same age and sex, {low} to {low + 9} years,"
                " not obese, no drugs"
            )
            estimate = _median_of(config, analyte, low)
            yield Target("serum.reference", 1.0, _REFERENCE[analyte], text, draw, estimate)


def _median_of(config: CohortConfig, analyte: str, low: int) -> Callable[[pd.DataFrame], found.Estimate]:
    def estimate(table: pd.DataFrame) -> found.Estimate:
        age = table["age_years"].to_numpy()
        plain = ~np.any(list(found.exposed_to(table).values()), axis=0)
        kept = table[(age >= low) & (age < low + 10) & plain]
        return found.estimate_median(found.relative_level(kept, config, analyte))

    return estimate
