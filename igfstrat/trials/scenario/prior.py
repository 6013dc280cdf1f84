"""The prior of a Bayesian go or no-go: which entries of the registry it rests on, and how far they are believed."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.evidence import EvidenceEntry, load_evidence
from igfstrat.trials.scenario.marker import NotNegative

_OF_TREATMENT: Final = "HR of treatment"


def _as_ids(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class PriorSettings(StrictModel):
    """A normal prior of the log hazard ratio of experimental over control.

    `power` takes the likelihood of the reported hazard ratios to the power `weight`: 1 believes them as if they were of
    this trial. `heterogeneity` takes the trial for one more of the reported ones, which differ by `tau`, the standard
    deviation of their true log hazard ratios; by what they themselves show (DerSimonian–Laird) where it is left out.
    `vague` knows nothing. `evidence` is one id of the registry or more (`igfstrat evidence`).
    """

    kind: Literal["vague", "power", "heterogeneity"]
    evidence: Annotated[
        tuple[Word, ...], BeforeValidator(_as_ids, json_schema_input_type=Word | tuple[Word, ...])
    ] = ()
    weight: Annotated[float, Field(gt=0, le=1)] | None = None
    tau: NotNegative | None = None

    @model_validator(mode="after")
    def _keys_of_the_kind(self) -> Self:
        wrong = (
            ((self.weight is not None) != (self.kind == "power"), "weight belongs to power, which needs it"),
            (self.tau is not None and self.kind != "heterogeneity", "tau belongs to heterogeneity"),
            (self.kind == "vague" and bool(self.evidence), "a vague prior rests on no evidence; take power"),
            (self.kind != "vague" and not self.evidence, f"{self.kind} needs evidence, ids of the registry"),
            (
                self.kind == "heterogeneity" and self.tau is None and len(self.evidence) == 1,
                "one entry shows no heterogeneity; give tau, or more entries",
            ),
            (len(set(self.evidence)) < len(self.evidence), "evidence names an entry twice"),
        )
        faults = [what for holds, what in wrong if holds]
        faults += [fault for key in self.evidence if (fault := entry_fault(key))]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def entry_fault(key: str) -> str | None:
    """Why an entry of the registry can't be a prior of a treatment's hazard ratio; None where it can."""
    entry = load_evidence().get(key)
    if entry is None:
        return f"no evidence entry is named {key}; see `igfstrat evidence`"
    if entry.status == "retracted":
        return f"{key} rests on a retracted source, which is no prior; take another entry"
    if not _is_of_treatment(entry):
        what = f"{entry.measure or 'no number'}, {entry.compartment}"
        return f"{key} is no hazard ratio of a treatment ({what}); take one of the compartment drug"
    ends = (entry.estimate, entry.ci_lower, entry.ci_upper)
    if None in ends or not 0 < float(entry.ci_lower or 0) < float(entry.ci_upper or 0):
        return f"{key} has no estimate with an interval, so that its weight isn't known; take another entry"
    return None


def _is_of_treatment(entry: EvidenceEntry) -> bool:
    return (entry.measure == "HR" and entry.compartment == "drug") or entry.measure.startswith(_OF_TREATMENT)
