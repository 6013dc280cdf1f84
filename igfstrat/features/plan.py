"""The part of an analysis plan that says what is computed for each patient."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.features.cores import CoreRule
from igfstrat.features.germline import GermlineSettings
from igfstrat.features.igf1 import IGF1_MEASURES
from igfstrat.features.igf1r import STATUS_SPECS, measures_of
from igfstrat.features.igfbp_ratio import IgfbpRatioRule
from igfstrat.features.reference_range import REFERENCES
from igfstrat.features.references import ReferenceSettings
from igfstrat.features.registry import REGISTRY
from igfstrat.features.serum import SERUM_STATUS_SPECS
from igfstrat.features.staining import StainingRule
from igfstrat.features.status import StatusRule
from igfstrat.features.subtype import SubtypeRule
from igfstrat.schema import COLUMNS, ENDPOINTS

_STATUSES: Final = ("igf1_status", *SERUM_STATUS_SPECS, *STATUS_SPECS)


class StratumRule(StrictModel):
    """A named stratum and the values that put a patient into it; without `where` it takes all that are left."""

    name: str
    where: dict[str, Word | tuple[Word, ...]] = Field(default_factory=dict)


def _words_of(name: str) -> tuple[str, ...]:
    return REGISTRY[name].words if name in REGISTRY else tuple(COLUMNS[name].codes)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"


def _fault_of_condition(name: str, words: tuple[str, ...]) -> str | None:
    coded = [column for column in COLUMNS if COLUMNS[column].kind == "code"]
    if name not in REGISTRY and name not in coded:
        of_words = [feature for feature, spec in REGISTRY.items() if spec.unit == "code"]
        return f"{name!r} is neither a feature nor a coded column; {_did_you_mean(name, [*of_words, *coded])}"
    if name in REGISTRY and REGISTRY[name].unit != "code":
        return f"{name} is a number; a stratum is made of words, such as a status"
    known = _words_of(name)
    unknown = [word for word in words if known and word not in known]
    return f"{unknown[0]!r} is no value of {name}; {_did_you_mean(unknown[0], known)}" if unknown else None


def _fault_of_status(name: str, rule: StatusRule) -> str | None:
    if name not in _STATUSES:
        return f" is not a status; {_did_you_mean(name, _STATUSES)}"
    if rule.sds_above is not None:
        return None if name == "igf1_status" else ": sds_above belongs to igf1_status, and to it alone"
    if name in STATUS_SPECS:
        known = measures_of(name)
    else:
        known = IGF1_MEASURES if name == "igf1_status" else tuple(SERUM_STATUS_SPECS[name].inputs)
    foreign = [measure for measure in rule.measures if measure not in known]
    if rule.rule_names and name not in STATUS_SPECS:
        return f": no published rule is defined on it; give at_least or quantile, of {', '.join(known)}"
    return f": {foreign[0]} is not a measure of it; {_did_you_mean(foreign[0], known)}" if foreign else None


class FeaturePlan(StrictModel):
    """Features, status rules and strata.

    `features: available` computes every feature whose inputs are in the cohort; a list makes its inputs required.
    `endpoints` names the endpoints that the plan's cohorts carry: where they are present they must be readable.
    """

    disease: str | None = None
    features: Literal["available"] | tuple[str, ...] = "available"
    status: dict[str, StatusRule] = Field(default_factory=dict)
    subtype: SubtypeRule = SubtypeRule()
    staining: StainingRule = StainingRule()
    cores: CoreRule = CoreRule()
    igfbp_ratio: IgfbpRatioRule = IgfbpRatioRule()
    germline: GermlineSettings = GermlineSettings()
    references: dict[str, ReferenceSettings] = Field(default_factory=dict)
    igfbp3_kda: float = Field(default=28.5, gt=0)
    strata: tuple[StratumRule, ...] = ()
    endpoints: tuple[str, ...] = ()

    @field_validator("features")
    @classmethod
    def _known_features(cls, features: str | tuple[str, ...]) -> str | tuple[str, ...]:
        unknown = [] if isinstance(features, str) else [name for name in features if name not in REGISTRY]
        if unknown:
            message = f"{', '.join(unknown)} not known; there are {', '.join(REGISTRY)}"
            raise ValueError(message)
        return features

    @field_validator("status")
    @classmethod
    def _known_status(cls, status: dict[str, StatusRule]) -> dict[str, StatusRule]:
        for name, rule in status.items():
            fault = _fault_of_status(name, rule)
            if fault:
                message = f"{name}{fault}"
                raise ValueError(message)
        return status

    @field_validator("strata")
    @classmethod
    def _known_words(cls, strata: tuple[StratumRule, ...]) -> tuple[StratumRule, ...]:
        """A misspelt word would leave a stratum empty without a sound."""
        for rule in strata:
            for name, wanted in rule.where.items():
                fault = _fault_of_condition(name, (wanted,) if isinstance(wanted, str) else wanted)
                if fault:
                    message = f"stratum {rule.name!r}: {fault}"
                    raise ValueError(message)
        return strata

    @model_validator(mode="after")
    def _known_references(self) -> Self:
        known = [*REFERENCES, *self.references]
        unknown = [rule.reference for rule in self.status.values() if rule.reference not in known]
        if unknown:
            message = f"no reference is named {unknown[0]!r}; there is {', '.join(known)}"
            raise ValueError(message)
        return self

    @property
    def stratum_columns(self) -> list[str]:
        """Coded columns of the cohort that strata name beside features."""
        named = dict.fromkeys(name for rule in self.strata for name in rule.where)
        return [name for name in named if name not in REGISTRY]

    @field_validator("endpoints")
    @classmethod
    def _known_endpoints(cls, endpoints: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in endpoints if name not in ENDPOINTS]
        if unknown:
            message = f"{unknown[0]} is none of {', '.join(ENDPOINTS)}"
            raise ValueError(message)
        return endpoints
