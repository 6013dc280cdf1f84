"""The part of an analysis plan that says what is computed for each patient."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field, field_validator

from igfstrat.config import StrictModel, Word
from igfstrat.features.cores import CoreRule
from igfstrat.features.registry import REGISTRY
from igfstrat.features.staining import StainingRule
from igfstrat.features.status import HIGH, INDETERMINATE, LOW, StatusRule
from igfstrat.features.subtype import SubtypeRule
from igfstrat.schema import COLUMNS, ENDPOINTS


class StratumRule(StrictModel):
    """A named stratum and the values that put a patient into it; without `where` it takes all that are left."""

    name: str
    where: dict[str, Word | tuple[Word, ...]] = Field(default_factory=dict)


def _words_of(name: str) -> tuple[str, ...]:
    if name.endswith("_status") and name in REGISTRY:
        return (HIGH, LOW, INDETERMINATE)
    return tuple(COLUMNS[name].codes) if name in COLUMNS else ()


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
            if not name.endswith("_status") or name not in REGISTRY:
                known = ", ".join(n for n in REGISTRY if n.endswith("_status"))
                message = f"{name} is not a status; there are {known}"
                raise ValueError(message)
            unknown = [m for m in rule.measures if m not in COLUMNS]
            if unknown:
                message = f"{name}: {unknown[0]} is not a canonical column"
                raise ValueError(message)
            if (rule.sds_above is not None) != (name == "igf1_status"):
                message = f"{name}: sds_above belongs to igf1_status, and to it alone"
                raise ValueError(message)
        return status

    @field_validator("strata")
    @classmethod
    def _known_words(cls, strata: tuple[StratumRule, ...]) -> tuple[StratumRule, ...]:
        """A misspelt word would leave a stratum empty without a sound."""
        for rule in strata:
            for name, wanted in rule.where.items():
                known = _words_of(name)
                unknown = [
                    word for word in ((wanted,) if isinstance(wanted, str) else wanted) if word not in known
                ]
                if known and unknown:
                    close = difflib.get_close_matches(unknown[0], known, n=1)
                    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
                    message = f"stratum {rule.name!r}: {unknown[0]!r} is no value of {name}; {hint}"
                    raise ValueError(message)
        return strata

    @field_validator("endpoints")
    @classmethod
    def _known_endpoints(cls, endpoints: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in endpoints if name not in ENDPOINTS]
        if unknown:
            message = f"{unknown[0]} is none of {', '.join(ENDPOINTS)}"
            raise ValueError(message)
        return endpoints
