"""The sections that decide the trial: randomization, test, costs, designs, comparison and simulation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.trials.scenario.marker import NotNegative, OpenShare, Positive, Share
from igfstrat.trials.scenario.prior import PriorSettings

Hypothesis = Literal["overall", "positive", "negative"]
DesignKind = Literal[
    "all_comers",
    "enrichment",
    "biomarker_stratified",
    "hybrid",
    "sequential",
    "adaptive_enrichment",
    "adaptive_threshold",
    "adaptive_signature",
]
KINDS: Final = (
    "all_comers",
    "enrichment",
    "biomarker_stratified",
    "hybrid",
    "sequential",
    "adaptive_enrichment",
    "adaptive_threshold",
    "adaptive_signature",
)
ADAPTIVE: Final = ("adaptive_enrichment", "adaptive_threshold", "adaptive_signature")
CHOOSE_CUT: Final = ("adaptive_threshold", "adaptive_signature")
DEFAULT_HYPOTHESES: Final[dict[str, tuple[Hypothesis, ...]]] = {
    "all_comers": ("overall",),
    "enrichment": ("positive",),
    "biomarker_stratified": ("overall", "positive"),
    "hybrid": ("overall", "positive"),
    "sequential": ("overall", "positive"),
    "adaptive_enrichment": ("overall", "positive"),
    "adaptive_threshold": ("overall", "positive"),
    "adaptive_signature": ("overall", "positive"),
}
SpendingName = Literal[
    "obrien_fleming",
    "pocock",
    "hwang_shih_decani",
    "classical_obrien_fleming",
    "classical_pocock",
    "haybittle_peto",
    "user",
]


class RandomizationSettings(StrictModel):
    """Allocation experimental to control, permuted blocks and their strata (the marker's name, `subgroup`)."""

    ratio: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 1)
    block: Annotated[int, Field(ge=2)] | None = None
    strata: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _whole_blocks(self) -> Self:
        if self.block is not None and self.block % sum(self.ratio):
            message = (
                f"a block of {self.block} can't hold the ratio {self.ratio[0]}:{self.ratio[1]} a whole number of times;"
                f" take a multiple of {sum(self.ratio)}"
            )
            raise ValueError(message)
        return self

    @property
    def experimental_share(self) -> float:
        """Share of patients randomized to the experimental arm."""
        return self.ratio[0] / sum(self.ratio)


class StatisticSettings(StrictModel):
    """The test at every look, and its level. Where the normal critical values are not good enough, `permutation` takes
    p-values of each trial from randomizing its arms anew, as the design does; no p-value is below
    1 / (permutations + 1).
    """

    statistic: Literal[
        "logrank",
        "stratified_logrank",
        "fleming_harrington",
        "maxcombo",
        "rmst",
        "milestone",
        "cox",
        "proportions",
    ] = "logrank"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.025
    sided: Literal[1, 2] = 1
    strata: tuple[Word, ...] | None = None  # of the stratified test; else those of the randomization
    rho: NotNegative | None = None
    gamma: NotNegative | None = None
    weights: tuple[tuple[NotNegative, NotNegative], ...] | None = None  # (rho, gamma) of MaxCombo
    tau: Positive | None = None  # of the restricted mean
    at: Positive | None = None  # of the milestone
    critical_values: Literal["normal", "permutation"] = "normal"
    permutations: Annotated[int, Field(ge=19, le=1_000_000)] = 999  # re-randomizations of a look

    @model_validator(mode="after")
    def _keys_of_the_statistic(self) -> Self:
        owner = {
            "rho": "fleming_harrington",
            "gamma": "fleming_harrington",
            "weights": "maxcombo",
            "tau": "rmst",
            "at": "milestone",
            "strata": "stratified_logrank",
        }
        foreign = [k for k, of in owner.items() if getattr(self, k) is not None and of != self.statistic]
        if foreign:
            message = (
                f"{', '.join(foreign)} is no setting of {self.statistic}; it belongs to {owner[foreign[0]]}"
            )
            raise ValueError(message)
        if "permutations" in self.model_fields_set and self.critical_values != "permutation":
            message = "permutations belong to `critical_values: permutation`"
            raise ValueError(message)
        if self.statistic == "milestone" and self.at is None:
            message = "a milestone test needs `at`, its time since randomization"
            raise ValueError(message)
        return self

    @property
    def one_sided_alpha(self) -> float:
        """Level of the side on which the experimental arm is better."""
        return self.alpha / self.sided


class CostSettings(StrictModel):
    """What a screened patient, a randomized one and a month of the trial cost."""

    screen: NotNegative = 0.0
    patient: NotNegative = 0.0
    month: NotNegative = 0.0
    currency: Word = "EUR"


class SpendingSettings(StrictModel):
    """How the error is spent over the looks; `user` gives the cumulative shares of it, the last of them 1."""

    spending: SpendingName
    gamma: float | None = None
    shares: tuple[Share, ...] | None = None
    interim_z: Positive | None = None  # of Haybittle–Peto, 3 when left out

    @model_validator(mode="after")
    def _keys_of_the_function(self) -> Self:
        if (self.gamma is not None) != (self.spending == "hwang_shih_decani"):
            message = "gamma belongs to hwang_shih_decani, which needs it"
            raise ValueError(message)
        if (self.shares is not None) != (self.spending == "user"):
            message = "shares belong to user, which needs them"
            raise ValueError(message)
        if self.interim_z is not None and self.spending != "haybittle_peto":
            message = "interim_z belongs to haybittle_peto"
            raise ValueError(message)
        shares = self.shares or (1.0,)
        if shares[-1] != 1 or any(b < a for a, b in pairwise(shares)):
            message = "shares ascend and end at 1"
            raise ValueError(message)
        return self


class FutilitySettings(StrictModel):
    """Stopping for futility: by spending the type II error, or at given Z, one a look but the last."""

    spending: Literal["obrien_fleming", "pocock", "hwang_shih_decani", "user"] | None = None
    gamma: float | None = None
    shares: tuple[Share, ...] | None = None
    beta: Annotated[float, Field(gt=0, lt=1)] = 0.1
    z: tuple[float | None, ...] | None = None
    binding: bool = False

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.spending is None) == (self.z is None):
            message = "give spending, or z"
            raise ValueError(message)
        if self.spending is not None:
            self.function()
        return self

    def function(self) -> SpendingSettings:
        """The spending function of the type II error."""
        return SpendingSettings(
            spending=self.spending or "obrien_fleming", gamma=self.gamma, shares=self.shares
        )


Limits = float | dict[Hypothesis, float]
HazardRatioLimits = Positive | dict[Hypothesis, Positive]


class SelectionSettings(StrictModel):
    """How an adaptive design chooses its hypotheses at an interim, and with them whom it enrols.

    `at_least` is a power or a posterior probability where the rule is one, else a limit of the score, `by` Z or minus the log
    hazard ratio; `at_most` is a hazard ratio. `endpoint` are the data that select, where they are others than those
    that are tested. With `posterior_probability` a hypothesis goes on where its hazard ratio is below `hazard_ratio_below`
    with a probability of `at_least`, by the interim and the prior; `priors` are those of hypotheses with a prior of
    their own. The prior has no say in what is claimed at the end.
    """

    rule: Literal[
        "best", "threshold", "epsilon", "conditional_power", "predictive_power", "posterior_probability"
    ]
    at_least: Limits | None = None
    at_most: HazardRatioLimits | None = None
    epsilon: NotNegative | None = None
    by: Literal["z", "log_hazard_ratio"] = "z"
    assumed: Positive | None = None  # hazard ratio of the conditional power; the estimate where left out
    endpoint: Literal["pfs"] | None = None
    hazard_ratio_below: HazardRatioLimits | None = None
    prior: PriorSettings | None = None  # of every hypothesis without one of its own; vague where left out
    priors: dict[Hypothesis, PriorSettings] | None = None

    @model_validator(mode="after")
    def _keys_of_the_rule(self) -> Self:
        wrong = (*self._power_keys(), *self._bayesian_keys())
        faults = [what for holds, what in wrong if holds]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _power_keys(self) -> Iterator[tuple[bool, str]]:
        powers = {"conditional_power", "predictive_power", "posterior_probability"}
        needs = "epsilon belongs to the rule epsilon, which needs it"
        yield (self.epsilon is not None) != (self.rule == "epsilon"), needs
        needs = f"{self.rule} needs at_least, the probability below which a hypothesis is dropped"
        yield self.at_least is None and self.rule in powers, needs
        none = self.at_least is None and self.at_most is None
        yield none and self.rule == "threshold", "threshold needs at_least or at_most"
        foreign = self.assumed is not None and self.rule != "conditional_power"
        yield foreign, "assumed belongs to conditional_power"
        what = f"`by` says what best, threshold and epsilon compare; leave it out with {self.rule}"
        yield "by" in self.model_fields_set and self.rule in powers, what

    def _bayesian_keys(self) -> Iterator[tuple[bool, str]]:
        bayesian = self.rule == "posterior_probability"
        given = self.at_least.values() if isinstance(self.at_least, dict) else (self.at_least,)
        known = [x for x in given if x is not None]
        power = self.rule in {"conditional_power", "predictive_power"}
        yield power and not all(0 <= x <= 1 for x in known), "at_least is a power, from 0 to 1"
        outside = not all(0 < x < 1 for x in known)
        yield bayesian and outside, "at_least is a probability between 0 and 1"
        what = "hazard_ratio_below belongs to posterior_probability, which needs it"
        yield (self.hazard_ratio_below is not None) != bayesian, what
        told = self.prior is not None or self.priors is not None
        yield told and not bayesian, "prior and priors belong to posterior_probability"

    def prior_of(self, hypothesis: str) -> PriorSettings | None:
        """The prior of a hypothesis; None for one that knows nothing."""
        own = {str(name): prior for name, prior in (self.priors or {}).items()}
        return own.get(hypothesis, self.prior)


class ReestimationSettings(StrictModel):
    """Events after an interim: as many as the conditional power takes, up to a number of the whole trial."""

    conditional_power: OpenShare
    most_events: Annotated[int, Field(ge=1)]
    assumed: Positive | None = None  # hazard ratio; the estimate where left out


def _as_spending(value: Any) -> Any:
    return {"spending": value} if isinstance(value, str) else value


def _as_looks(value: Any) -> Any:
    return (value,) if isinstance(value, int | float) else value


Spending = Annotated[
    SpendingSettings, BeforeValidator(_as_spending, json_schema_input_type=SpendingName | SpendingSettings)
]
Events = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    Field(min_length=1),
    BeforeValidator(_as_looks, json_schema_input_type=int | tuple[int, ...]),
]
Times = Annotated[
    tuple[Positive, ...],
    Field(min_length=1),
    BeforeValidator(_as_looks, json_schema_input_type=float | tuple[float, ...]),
]


class DesignSettings(StrictModel):
    """One design. Looks come at numbers of events (in `events_in`) or at calendar times (`analysis_times`)."""

    design: DesignKind | None = None  # the name of the design where that is a kind
    n: Annotated[int, Field(ge=2)] | None = None
    events: Events | None = None
    events_in: Hypothesis = "overall"
    analysis_times: Times | None = None
    max_duration: Positive | None = None
    hypotheses: tuple[Hypothesis, ...] | None = None
    multiplicity: (
        Literal[
            "bonferroni", "hochberg", "simes", "spiessens_debois", "hierarchical", "fallback", "graphical"
        ]
        | None
    ) = None
    weights: dict[Hypothesis, Share] | None = None
    transitions: dict[Hypothesis, dict[Hypothesis, Share]] | None = None
    spending: Spending | None = None
    futility: FutilitySettings | None = None
    max_negative_share: Share | None = None
    # of the adaptive kinds
    selection: SelectionSettings | None = None
    combination: Literal["inverse_normal", "fisher"] | None = None
    increments: Literal["independent_increments", "stage_by_patient"] | None = None
    first_stage_events: Annotated[int, Field(ge=1)] | None = None  # end of the first patients' follow-up
    allow_invalid_increments: bool = False  # to show what goes wrong; the level is not kept
    reestimation: ReestimationSettings | None = None
    candidates: tuple[float, ...] | None = None
    learning_share: OpenShare | None = None
    cut_by: Literal["logrank", "hazard_ratio", "interaction"] | None = None  # largest at the chosen cut
    allow_unadjusted_maximum: bool = False  # to show what goes wrong; the level is not kept

    def selects_on_other(self, endpoint: object) -> bool:
        """Whether another endpoint than the tested one selects."""
        return self.selection is not None and self.selection.endpoint not in (None, endpoint)

    def is_by_patient(self, endpoint: object) -> bool:
        """Whether patients count for the stage of their recruitment: as stated, else where another endpoint selects."""
        if self.increments is None:
            return self.selects_on_other(endpoint)
        return self.increments == "stage_by_patient"

    @property
    def n_looks(self) -> int:
        """Number of analyses."""
        return len(self.events or self.analysis_times or (0,))


class ComparisonSettings(StrictModel):
    """What the designs have in common: as written (`same: n`), or sized for one power or one expected cost."""

    same: Literal["n", "events"] | None = None
    power: OpenShare | None = None
    cost: Positive | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(x is not None for x in (self.same, self.power, self.cost)) != 1:
            message = "give one of: same, power, cost"
            raise ValueError(message)
        return self


class LabelSettings(StrictModel):
    """The right label: a stratum benefits where its large-sample hazard ratio is below this."""

    benefit_below: Positive = 1.0


class SimulationSettings(StrictModel):
    """Number of trials, seed, and the Monte-Carlo standard error of the power at which to stop early."""

    replicates: Annotated[int, Field(ge=1)] = 10_000
    seed: Annotated[int, Field(ge=0)] = 1
    precision: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    null: Literal["none_in_either", "average_is_one"] = "none_in_either"
