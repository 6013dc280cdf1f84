"""The configuration of a synthetic cohort, section by section in the order of generation.

A section that a file leaves out is taken as a whole from the files named under `base:`, which lie in
`configs/cohorts/shared/`; sections are never merged, so that a section is read in one place. Percent throughout.
What is drawn from a section is said in the module of the same step. Effects default to none: a hazard ratio stands
in the main section only where its sources don't conflict, and each side of a conflict is a named preset.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from igfstrat.config import StrictModel, config_path, read_yaml
from igfstrat.errors import UsageError
from igfstrat.features.reference_range import REFERENCES
from igfstrat.schema import COLUMNS
from igfstrat.synthetic.numbers import Number, Numbers
from igfstrat.synthetic.realism_settings import RealismSettings

_SHARED: Final = "cohorts/shared"
_BARE: Final = re.compile(r"\w+")
_NULL: Final = "null"
DEFAULT: Final = "default"
Percent = Number  # the same, 0 to 100
Rule = Literal["allred_at_least_7", "h_score_at_least_100", "her2_style_2_or_3", "any_membrane"]


class People(StrictModel):
    """Who: age and body mass index are normal, the rest are shares."""

    age_mean: Number
    age_sd: Number
    female: Percent
    bmi_mean: Number
    bmi_sd: Number
    never_smoked: Percent
    formerly_smoked: Percent
    diabetes: Percent
    menopause_mean_age: Number
    menopause_sd_age: Number
    contraceptive: Percent  # of premenopausal women
    sites: Annotated[int, Field(ge=1, le=99)]


class Group(StrictModel):
    """One group of tumours: a breast subtype, or a histology with its driver."""

    share: Percent
    subtype: str | None = None
    histology: str | None = None
    driver: str | None = None
    staining: str | None = None  # key of its prevalence; else the name of the group


class Stage(StrictModel):
    """One stage: its share, the code of the `stage` column, and its hazard ratio for every endpoint."""

    share: Percent
    code: Literal["1", "2", "3", "4"]
    hazard_ratio: Number | None = None


class Receptors(StrictModel):
    """ER, PR, HER2 and Ki-67 of breast cancer; the subtype decides the class, these the value in it."""

    er_mean: Percent
    er_concentration: Number
    pr_mean: Percent
    pr_concentration: Number
    pr_low_in_luminal_b: Percent
    ki67_high_mean: Percent
    ki67_high_sd: Number
    her2_3_in_positive: Percent
    her2_0_in_negative: Percent
    her2_1_in_negative: Percent


class Exposure(StrictModel):
    """What a drug does to the serum levels: a change in percent, or a shift in standard deviations."""

    igf1_percent: Number | None = None
    igfbp3_percent: Number | None = None
    igf1_sds: Number | None = None
    igfbp3_sds: Number | None = None


class Assay(StrictModel):
    """An assay: its share of the patients, and how many percent higher than the reference it reads."""

    share: Percent
    offset: Percent


class Serum(StrictModel):
    """IGF-1 and IGFBP3: a correlated pair of standard deviation scores, shifted, then a concentration."""

    reference: str
    sds_correlation: Number
    obesity: Exposure  # from a body mass index of 30
    contraceptive: Exposure
    tamoxifen: Exposure = Exposure()
    assays: dict[str, Assay]

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.reference not in REFERENCES:
            message = f"no reference is named {self.reference!r}; there is {', '.join(REFERENCES)}"
            raise ValueError(message)
        unknown = [name for name in self.assays if name not in COLUMNS["igf1_assay"].codes]
        if unknown:
            message = f"{unknown[0]!r} is not an assay"
            raise ValueError(message)
        _check_shares("assays", [a.share.value for a in self.assays.values()])
        return self


class Igf1r(StrictModel):
    """Tumour IGF-1R: the rule that says what is high, and how often it is, by group."""

    rule: Rule
    compartment: Literal["membrane", "membrane_and_cytoplasm", "cytoplasm"]
    prevalence: dict[str, Percent]
    staining_sd: Number  # of the latent intensity between patients, in units of one class
    mrna_correlation: Number
    cores: Annotated[int, Field(ge=0, le=4)]
    core_sd: Number  # of the H-score between cores of one tumour


class Germline(StrictModel):
    """Allele frequencies; genotypes follow Hardy-Weinberg and depend on nothing else."""

    ca_repeats: tuple[int, ...]
    ca_frequencies: Numbers
    rs2016347_g: Percent
    rs2854744_c: Percent

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if len(self.ca_repeats) != len(self.ca_frequencies.values):
            message = "each CA repeat needs its frequency"
            raise ValueError(message)
        _check_shares("ca_frequencies", self.ca_frequencies.values)
        return self


class Treatment(StrictModel):
    """Treatment: words by group, and how many have already begun tamoxifen when the blood is drawn."""

    by_group: dict[str, str]
    tamoxifen_at_sampling: dict[str, Percent] = Field(default_factory=dict)


class Timing(StrictModel):
    """Days from time zero to blood and specimen, uniform between the two; negative = before."""

    time_zero: Literal["diagnosis_date", "time_zero"]
    months_since_diagnosis: Number
    sampling_from: Number
    sampling_to: Number
    specimen_from: Number
    specimen_to: Number


class FollowUp(StrictModel):
    """Accrual at an even pace, then follow-up until the data are cut; loss at a constant hazard."""

    accrual_months: Number
    follow_up_months: Number
    lost_per_year: Percent


class Shape(StrictModel):
    """A piecewise constant hazard, up to a factor: months at which the pieces start, relative hazard of each."""

    starts: Numbers
    relative: Numbers

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        starts, relative = self.starts.values, self.relative.values
        good = len(starts) == len(relative) > 0 and starts[0] == 0 and np.all(np.diff(starts) > 0)
        if not good or min(relative) <= 0:
            message = "starts begin at 0 and increase, and each has a relative hazard > 0"
            raise ValueError(message)
        return self


class Figure(StrictModel):
    """What the baseline is solved for: percent without an event at a time, or the median in months."""

    shape: str
    percent: Percent | None = None
    at_months: float | None = None
    median: Number | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.percent is None) != (self.at_months is None) or (self.percent is None) == (
            self.median is None
        ):
            message = "give percent and at_months, or median"
            raise ValueError(message)
        return self

    @property
    def point(self) -> tuple[float, float]:
        """Months, and the share without an event by then."""
        if self.median is not None:
            return self.median.value, 0.5
        assert self.percent is not None
        assert self.at_months is not None
        return self.at_months, self.percent.value / 100


class Baseline(StrictModel):
    """The two figures of one group or stage."""

    first: Figure
    os: Figure


class Outcomes(StrictModel):
    """Endpoints, what the baselines are solved for, and which deaths are not the cancer's."""

    first: Literal["dfs", "pfs"]
    pfs: Literal["after_relapse", "same_as_dfs"] | None = None
    by: Literal["group", "stage"]
    shapes: dict[str, Shape]
    baselines: dict[str, Baseline]
    from_70_hazard_ratio: Number
    other_deaths_under_70: Percent
    other_deaths_from_70: Percent
    bone_among_relapses: dict[str, Percent] = Field(default_factory=dict)
    bone: Percent | None = None  # of metastatic patients at time zero
    bone_only: dict[str, Percent] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.first == "pfs") == (self.pfs is not None):
            message = "pfs says how a second endpoint follows dfs; with first: pfs there is none"
            raise ValueError(message)
        used = {f.shape for b in self.baselines.values() for f in (b.first, b.os)}
        if unknown := sorted(used - set(self.shapes)):
            message = f"no shape is named {unknown[0]!r}"
            raise ValueError(message)
        return self


class Ratio(StrictModel):
    """Hazard ratios of one marker in one group, by endpoint; what isn't named is 1."""

    first: Number | None = None
    os: Number | None = None


class SerumEffect(StrictModel):
    """Hazard ratio of serum IGF-1 given age, sex, body mass index and drugs, in all groups."""

    contrast: Literal["highest_fifth", "above_median"]
    ratio: Ratio


class Effects(StrictModel):
    """Prognostic hazard ratios: IGF-1R high against low by group, and serum IGF-1."""

    igf1r: dict[str, Ratio] = Field(default_factory=dict)
    serum_igf1: SerumEffect | None = None


class CohortConfig(StrictModel):
    """A synthetic cohort of one disease."""

    name: str
    disease: str
    base: tuple[str, ...] = ()
    people: People
    groups: dict[str, Group]
    stages: dict[str, Stage]
    receptors: Receptors | None = None
    serum: Serum
    igf1r: Igf1r
    germline: Germline
    treatment: Treatment
    timing: Timing
    follow_up: FollowUp
    outcomes: Outcomes
    effects: Effects = Effects()
    presets: dict[str, Effects] = Field(default_factory=dict)
    realism: RealismSettings = RealismSettings()

    @model_validator(mode="before")
    @classmethod
    def _sections_from_base(cls, data: Any) -> Any:
        base = data.get("base", ()) if isinstance(data, dict) else ()
        if not isinstance(base, tuple | list):
            return data
        taken = dict(data) if isinstance(data, dict) else data
        for name in base:
            if not isinstance(name, str) or not _BARE.fullmatch(name):
                message = "base: names files of configs/cohorts/shared, by bare words"
                raise ValueError(message)
            shared = read_yaml(config_path(name, _SHARED)).data
            taken |= {key: section for key, section in shared.items() if key not in taken}
        return taken

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _check_shares("groups", [g.share.value for g in self.groups.values()])
        _check_shares("stages", [s.share.value for s in self.stages.values()])
        keys = set(self.groups) if self.outcomes.by == "group" else set(self.stages)
        if keys != set(self.outcomes.baselines):
            message = f"outcomes.baselines must be those of {', '.join(sorted(keys))}"
            raise ValueError(message)
        for effects in (self.effects, *self.presets.values()):
            if unknown := sorted(set(effects.igf1r) - set(self.groups)):
                message = f"an effect is given for {unknown[0]!r}, which is no group"
                raise ValueError(message)
        stained = {group.staining or name for name, group in self.groups.items()}
        if odd := sorted(stained ^ set(self.igf1r.prevalence)):
            message = f"igf1r.prevalence must be that of the groups, and {odd[0]} is only in one of the two"
            raise ValueError(message)
        if _NULL in self.presets or DEFAULT in self.presets:
            message = "the presets null and default always exist; give this one another name"
            raise ValueError(message)
        return self

    @property
    def preset_names(self) -> tuple[str, ...]:
        """`default` (the effects of the main section), `null` (none), and the file's own."""
        return (DEFAULT, _NULL, *self.presets)

    def effects_of(self, preset: str) -> Effects:
        """The effects of a preset.

        Parameters
        ----------
        preset : str
            Of `preset_names`.

        Returns
        -------
        Effects
            Its hazard ratios.

        Raises
        ------
        UsageError
            If there is no such preset.
        """
        if preset not in self.preset_names:
            message = f"no preset is named {preset!r}; there are {', '.join(self.preset_names)}"
            raise UsageError(message)
        return (self.presets | {DEFAULT: self.effects, _NULL: Effects()})[preset]

    def with_preset(self, preset: str) -> CohortConfig:
        """The configuration with the effects of a preset in place of its own.

        Parameters
        ----------
        preset : str
            Of `preset_names`.

        Returns
        -------
        CohortConfig
            The presets are kept.

        Raises
        ------
        UsageError
            If there is no such preset.
        """
        return self.model_copy(update={"effects": self.effects_of(preset)})


def _check_shares(what: str, percents: Any) -> None:
    total = sum(percents)
    if abs(total - 100) > 1e-9:
        message = f"the shares of the {what} sum to {total:g} percent, not 100"
        raise ValueError(message)
    if min(percents) < 0:
        message = f"a share of the {what} is negative"
        raise ValueError(message)
