"""Germline variants of the IGF axis: the CA repeat before IGF1, and six single-nucleotide variants.

A genotype is read whatever its order, case and separator. Its strand is taken from the alleles that
the source names, and only where that is certain: A/T and C/G variants read the same on both strands,
and are refused until the strand is declared. Alleles that no source at hand names aren't invented: such a
genotype is put out as written, and is coded only when the alleles and the effect allele are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from igfstrat.config import StrictModel
from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.genotype import (
    Coding,
    Strand,
    ca_repeat_genotype,
    code_genotypes,
    find_strand,
    flip,
    is_count,
    orient_genotypes,
    pair_of,
    parse_genotypes,
)
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where


@dataclass(frozen=True, slots=True)
class Variant:
    """What the sources say of one variant; alleles and effect allele are empty where none at hand names them.

    The coding is the contrast of genotypes that the source made.
    """

    gene: str
    alleles: str
    effect_allele: str
    coding: Coding
    evidence: tuple[str, ...]


VARIANTS: Final[dict[str, Variant]] = {
    # G/G against G/T + T/T (S1-65), although the text there says "G allele"
    "rs2016347": Variant("IGF1R, 3'-untranslated", "G/T", "G", "recessive", ("S1-65", "S1-65b")),
    # A-202C (S1-44); C/C against A/A in E-d-42, the A allele favourable in S1-46
    "rs2854744": Variant("IGFBP3, promoter", "A/C", "C", "additive", ("E-d-42", "S1-44", "S1-45", "S1-46")),
    "rs2946834": Variant("IGF1", "", "", "dominant", ("S1-25",)),  # carriers of the rare allele, not named
    "rs7965399": Variant("IGF1, 5'-untranslated", "", "", "recessive", ("S1-20",)),  # allele not named
    # neither an allele nor a contrast is named
    "rs28674628": Variant("IGF1R, 3'-untranslated", "", "", "additive", ("S1-64", "S1-64b")),
    "rs703556": Variant("222 kb before IGF1", "", "", "additive", ("S1-26",)),
}

_REPEAT_WORDS: Final = ("19/19", "19/non-19", "non-19/non-19")
_REPEAT_INPUTS: Final = {"ca_repeat_1": "repeats", "ca_repeat_2": "repeats"}
_REPEAT_EVIDENCE: Final = ("S1-11", "S1-12", "S1-13", "S1-14", "S1-14b", "S1-15", "S1-24", "S1-24b")


def _spec(name: str, title: str, inputs: Mapping[str, str], **more: Any) -> FeatureSpec:
    return FeatureSpec(name=name, title=title, inputs=inputs, any_of={}, **{"unit": "code"} | more)


def _specs_of(name: str, variant: Variant) -> list[FeatureSpec]:
    genotype = _spec(f"{name}_genotype", f"{name} genotype", {name: "code"}, evidence=variant.evidence)
    title = f"{name}, {variant.coding} for {variant.effect_allele or 'the declared allele'}"
    more: dict[str, Any] = {"unit": "1", "bounds": (0.0, 2.0), "evidence": variant.evidence}
    coded = _spec(f"{name}_coded", title, {name: "code"}, **more)
    return [genotype, coded]


GERMLINE_SPECS: Final[dict[str, FeatureSpec]] = {
    spec.name: spec
    for spec in [
        _spec("igf1_ca_repeat", "IGF1 CA repeat", _REPEAT_INPUTS, words=_REPEAT_WORDS, evidence=_REPEAT_EVIDENCE),
        _spec("igf1_ca_repeat_sum", "IGF1 CA repeat, both alleles", _REPEAT_INPUTS, unit="repeats",
              bounds=(10.0, 80.0), evidence=("S1-11", "S1-16", "S1-16b")),
        *(spec for name, variant in VARIANTS.items() for spec in _specs_of(name, variant)),
    ]
}  # fmt: skip


class GermlineSettings(StrictModel):
    """What is declared of the variants, each by its rs number; what isn't is as in `VARIANTS`."""

    alleles: dict[str, str] = Field(default_factory=dict)
    effect_alleles: dict[str, str] = Field(default_factory=dict)
    coding: dict[str, Coding] = Field(default_factory=dict)
    strand: dict[str, Strand] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _possible(self) -> GermlineSettings:
        for name in {**self.alleles, **self.effect_alleles, **self.coding, **self.strand}:
            if name not in VARIANTS:
                message = f"{name!r} is none of {', '.join(VARIANTS)}"
                raise ValueError(message)
            variant = self._variant(name)
            pair = pair_of(variant.alleles) if variant.alleles else ""
            if pair and pair == flip(pair) and name not in self.strand:
                message = f"{name}: {variant.alleles} reads the same on both strands: declare the strand"
                raise ValueError(message)
            if variant.effect_allele and variant.effect_allele not in set(pair):
                message = f"{name}: effect allele {variant.effect_allele} is none of its alleles ({pair or 'give them'})"
                raise ValueError(message)
        return self

    @property
    def coded(self) -> set[str]:
        """Coded features that can be computed: of the variants whose effect allele is known or declared."""
        return {f"{name}_coded" for name in VARIANTS if self._variant(name).effect_allele}

    def _variant(self, name: str) -> Variant:
        """As declared, else as in `VARIANTS`."""
        known = VARIANTS[name]
        alleles = self.alleles.get(name, known.alleles).upper()
        effect_allele = self.effect_alleles.get(name, known.effect_allele).upper()
        coding = self.coding.get(name, known.coding)
        return Variant(known.gene, alleles, effect_allele, coding, known.evidence)


class GermlineFeatures(FeatureTransformer):
    """Genotypes of the IGF axis, and their coding; those whose columns the table holds.

    Parameters
    ----------
    alleles, effect_alleles, coding, strand : dict of str to str, or None
        By rs number: both alleles (``T/C``), the one that is counted, ``additive``, ``dominant`` or ``recessive``, and
        ``same`` or ``opposite`` strand; what isn't given is as in `VARIANTS`, and the strand is found in `fit`: the one
        that more genotypes fit. Those that fit only the other are refused and flagged, never turned one by one.

    Attributes
    ----------
    variants_ : dict of str to Variant
        The variants that are read.
    strands_ : dict of str to str
        Their strands; of a variant whose alleles aren't known there is none.

    Examples
    --------
    >>> GermlineFeatures().fit_transform(pd.DataFrame({"rs2016347": ["TG", "g/g", None]}))["rs2016347_genotype"].tolist()
    ['G/T', 'G/G', None]
    """

    def __init__(
        self,
        alleles: Mapping[str, str] | None = None,
        effect_alleles: Mapping[str, str] | None = None,
        coding: Mapping[str, str] | None = None,
        strand: Mapping[str, str] | None = None,
    ) -> None:
        self.alleles = alleles
        self.effect_alleles = effect_alleles
        self.coding = coding
        self.strand = strand

    def _required(self) -> list[str]:
        repeats = list(_REPEAT_INPUTS) if getattr(self, "repeats_", False) else []
        return repeats + list(getattr(self, "variants_", {}))

    def _names(self) -> list[str]:
        names = ["igf1_ca_repeat", "igf1_ca_repeat_sum"] if self.repeats_ else []
        for name, variant in self.variants_.items():
            names += [f"{name}_genotype", f"{name}_coded"] if variant.effect_allele else [f"{name}_genotype"]
        return names

    def _describe(self) -> dict[str, str]:
        said = {"igf1_ca_repeat": "alleles of 19 repeats", "igf1_ca_repeat_sum": "repeats of both alleles"}
        for name, v in self.variants_.items():
            how = "as written: neither its alleles nor its strand are known"
            if name in self.strands_:
                how = (
                    f"alleles {v.alleles}; the column is read as written on the {self.strands_[name]} strand"
                )
            said[f"{name}_genotype"] = f"{v.gene}; {how}"
            said[f"{name}_coded"] = f"{v.coding} for {v.effect_allele} of {v.alleles}"
        return {name: said[name] for name in self._names()}

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        declared = {k: dict(v) for k, v in self.get_params(deep=False).items() if v is not None}
        settings = make_settings(GermlineSettings, "germline", **declared)
        self.repeats_ = all(column in X for column in _REPEAT_INPUTS)
        self.variants_ = {name: settings._variant(name) for name in VARIANTS if name in X}
        if not self.repeats_ and not self.variants_:
            remedy = f"column missing: it needs ca_repeat_1 and ca_repeat_2, or one of {', '.join(VARIANTS)}"
            problem = Problem(code="header", severity=Severity.ERROR, column="ca_repeat_1", remedy=remedy)
            headline = "the table for the germline features"
            raise CohortError(headline, [problem], "No genotype was read.")
        self.strands_ = {
            name: settings.strand.get(name) or find_strand(parse_genotypes(X[name])[0], variant.alleles)
            for name, variant in self.variants_.items()
            if variant.alleles
        }

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        computed: dict[str, Any] = {}
        if self.repeats_:
            pair = [np.where(is_count(values := _float(X, c)), values, np.nan) for c in _REPEAT_INPUTS]
            computed["igf1_ca_repeat"], computed["igf1_ca_repeat_sum"] = ca_repeat_genotype(*pair)
        for name, variant in self.variants_.items():
            genotypes = self._read(X, name)[0]
            computed[f"{name}_genotype"] = genotypes
            if variant.effect_allele:
                computed[f"{name}_coded"] = code_genotypes(genotypes, variant.effect_allele, variant.coding)
        return computed

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        faulty = {c: ~is_count(_float(X, c)) for c in _REPEAT_INPUTS if self.repeats_}
        faulty |= {name: self._read(X, name)[1] for name in self.variants_}
        remedy = "no genotype of this variant on the strand in use, or no whole number of repeats: not used"
        return [f for c, rows in faulty.items() for f in flag_where(rows, "invalid_genotype", c, remedy)]

    def _read(self, X: pd.DataFrame, name: str) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:  # noqa: N803
        genotypes, unreadable = parse_genotypes(X[name])
        if name not in self.strands_:
            return genotypes, unreadable
        oriented, misfit = orient_genotypes(genotypes, self.variants_[name].alleles, self.strands_[name])
        return oriented, unreadable | misfit


def _float(table: pd.DataFrame, header: str) -> NDArray[np.float64]:
    return table[header].to_numpy(dtype=np.float64, na_value=np.nan)
