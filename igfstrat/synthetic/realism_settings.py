"""The `realism:` section: what may happen to a clean cohort on its way into a table, and how far.

Everything here is off until a configuration asks for it. The strength of each disturbance is a
setting, not a finding: how much is missing, and why, differs from hospital to hospital.

References
----------
Missing completely at random, at random and not at random: Rubin DB (1976), Inference and missing
data, Biometrika 63:581. Means of healthy groups run from 146 to 244 ng/mL of IGF-1 between assays
(evidence E-a-23), which is 1.3 of their standard deviations of about 75 ng/mL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from igfstrat.config import StrictModel
from igfstrat.schema import COLUMNS, MAX_CORES, find_endpoint_header, find_header

Mechanism = Literal["completely_at_random", "at_random", "not_at_random"]
Analyte = Literal["igf1", "igfbp3"]
Percent = Annotated[float, Field(ge=0, le=100)]


def _convention_header(header: str) -> str:
    found = find_header(header)
    if not (found and found[0].header == header) and find_endpoint_header(header) is None:
        message = f"{header!r} is no canonical header; docs/columns.md lists them"
        raise ValueError(message)
    return header


def _known_assay(assay: str) -> str:
    known = COLUMNS["igf1_assay"].codes
    if assay not in known:
        message = f"{assay!r} is no assay; there are {', '.join(known)}"
        raise ValueError(message)
    return assay


def _iso_date(text: str) -> str:
    dt.date.fromisoformat(text)
    return text


Header = Annotated[str, AfterValidator(_convention_header)]


class MissingRule(StrictModel):
    """Columns that are lost together, and what their loss depends on.

    Without `on` they are lost completely at random, in `percent` of the patients. With `on`, `percent` is the share
    at `centre`, and the log odds of loss change by `log_odds` for each `per` above it; for a column of words,
    `log_odds_of` gives the change for each word, and none for the others. That is at random where `on` is another
    column, and not at random where it is one of those that are lost. A patient without a value of `on` has the
    share `percent`.
    """

    columns: tuple[Header, ...] = Field(min_length=1)
    percent: Percent
    on: Header | None = None
    centre: float = 0.0
    per: float = Field(default=1.0, gt=0)
    log_odds: float = 0.0
    log_odds_of: dict[str, float] = Field(default_factory=dict)

    @property
    def mechanism(self) -> Mechanism:
        """Which of Rubin's three kinds of loss it is."""
        if self.on is None:
            return "completely_at_random"
        return "not_at_random" if self.on in self.columns else "at_random"

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        given = (self.log_odds != 0) + bool(self.log_odds_of)
        if self.on is None and given:
            message = "log_odds needs on: <column>, on which the loss depends"
            raise ValueError(message)
        if self.on is not None and given != 1:
            message = f"on: {self.on} needs either log_odds, or log_odds_of with words"
            raise ValueError(message)
        if self.on is not None and self.percent in {0, 100}:
            message = "percent at the centre must lie between 0 and 100 when the loss depends on a column"
            raise ValueError(message)
        return self


class LabSettings(StrictModel):
    """A site, its assay, and by how many standard deviations its values lie above those of the reference.

    Give `percent` for every site, and patients are dealt out to them anew; give it for none, and the site that the
    cohort has decides.
    """

    site: str
    percent: Percent | None = None
    assay: Annotated[str, AfterValidator(_known_assay)]
    states_assay: bool = True
    sd_offset: dict[Analyte, float] = Field(default_factory=dict)


class LimitSettings(StrictModel):
    """Limits beyond which a laboratory reports `<25` or `>1000` instead of a figure.

    With `by_assay` the published limits of the assay count where they are known (`ASSAY_LIMITS`).
    """

    analyte: Analyte
    lower: float | None = Field(default=None, gt=0)
    upper: float | None = Field(default=None, gt=0)
    by_assay: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            message = f"lower {self.lower:g} is not below upper {self.upper:g}"
            raise ValueError(message)
        return self


class DriftSettings(StrictModel):
    """How far an assay moves with the years, in standard deviations a year, lot after lot."""

    analyte: Analyte
    sd_per_year: float
    date: Header = "diagnosis_date"
    since: Annotated[str, AfterValidator(_iso_date)]
    lot_months: float = Field(default=6.0, gt=0)


class CoreSettings(StrictModel):
    """Several cores a tumour: how many, how far apart (H-score points), and how often one is lost."""

    n: int = Field(ge=2, le=MAX_CORES)
    sd: float = Field(ge=0)
    lost_percent: Percent = 0.0


class RealismSettings(StrictModel):
    """The `realism:` section of a cohort configuration; everything is off by default."""

    labs: tuple[LabSettings, ...] = ()
    drift: tuple[DriftSettings, ...] = ()
    cores: CoreSettings | None = None
    missing: tuple[MissingRule, ...] = ()
    limits: tuple[LimitSettings, ...] = ()
    duplicate_percent: Percent = 0.0

    @property
    def is_off(self) -> bool:
        """Whether nothing would be changed."""
        return self == RealismSettings()

    @property
    def text_headers(self) -> frozenset[str]:
        """Headers of numbers whose cells may hold text such as ``<25``."""
        return frozenset(COLUMNS[limit.analyte].header for limit in self.limits)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        shares = [lab.percent for lab in self.labs]
        stated = [share for share in shares if share is not None]
        if stated and (len(stated) < len(shares) or abs(sum(stated) - 100) > 1e-9):
            message = f"the percent of the labs must be given for all and sum to 100; found {shares}"
            raise ValueError(message)
        sites = [lab.site for lab in self.labs]
        if len(set(sites)) < len(sites):
            message = "labs: a site stands twice"
            raise ValueError(message)
        lost = {header for rule in self.missing for header in rule.columns}
        for rule in self.missing:
            if rule.mechanism == "at_random" and rule.on in lost:
                message = f"missing: {rule.on} is lost itself, so what depends on it is not lost at random"
                raise ValueError(message)
        return self


# Figures of a laboratory for teaching, by convention; only the spread of the offsets has a source (E-a-23)
_STANDARD: Final = RealismSettings(
    labs=(
        LabSettings(site="A", percent=50, assay="ids_isys"),
        LabSettings(site="B", percent=30, assay="liaison_xl", sd_offset={"igf1": 0.5, "igfbp3": 0.3}),
        LabSettings(
            site="C", percent=20, assay="elecsys_cobas", states_assay=False, sd_offset={"igf1": -0.8}
        ),
    ),
    drift=(DriftSettings(analyte="igf1", sd_per_year=0.05, since="2008-01-01"),),
    cores=CoreSettings(n=3, sd=25.0, lost_percent=8.0),
    missing=(
        MissingRule(columns=("igfbp3_ng_ml",), percent=5),
        MissingRule(columns=("igf1_ng_ml",), percent=8, on="age_years", centre=60, per=10, log_odds=0.4),
        MissingRule(columns=("igf1_assay",), percent=15),
    ),
    limits=(LimitSettings(analyte="igf1", lower=25, upper=1000, by_assay=True),),
    duplicate_percent=0.5,
)


def standard_realism(headers: Iterable[str]) -> RealismSettings:
    """Settings for a cohort whose configuration has none of its own.

    Parameters
    ----------
    headers : iterable of str
        Headers that the cohort has.

    Returns
    -------
    RealismSettings
        What of the standard disturbances the columns allow; their strengths are conventions.

    Examples
    --------
    >>> standard_realism(["age_years", "igfbp3_ng_ml"]).missing[0].columns
    ('igfbp3_ng_ml',)
    """
    listed = list(headers)
    known = set(listed)
    has_serum = {"igf1_ng_ml", "age_years", "sex"} <= known
    return RealismSettings(
        # a cohort that has sites has its assays from the generator
        labs=_STANDARD.labs if has_serum and "igfbp3_ng_ml" in known and "site" not in known else (),
        drift=tuple(d for d in _STANDARD.drift if has_serum and d.date in known),
        cores=_STANDARD.cores if "igf1r_h_score" in known and "igf1r_h_score_1" not in known else None,
        missing=(
            *(r for r in _STANDARD.missing if {*r.columns, *([r.on] if r.on else [])} <= known),
            *_lost_blocks(listed),
        ),
        limits=_STANDARD.limits if "igf1_ng_ml" in known else (),
        duplicate_percent=_STANDARD.duplicate_percent,
    )


def _lost_blocks(headers: list[str]) -> tuple[MissingRule, ...]:
    """A tumour block that is lost takes every score of it along; weak staining is repeated, and used up, more often."""
    scores = tuple(
        h for h in headers if h.startswith(("igf1r_ihc", "igf1r_allred", "igf1r_pct", "igf1r_h_score"))
    )
    if "igf1r_ihc" not in scores:
        return ()
    return (MissingRule(columns=scores, percent=8, on="igf1r_ihc", centre=1, log_odds=-0.4),)
