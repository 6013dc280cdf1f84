"""Germline variants of the IGF axis: the CA repeat before IGF1, and six single-nucleotide variants.

A genotype is read whatever its order, case and separator. Its strand is taken from the alleles that
the source names, and only where that is certain: A/T and C/G variants read the same on both strands,
and are refused until the strand is declared. Alleles that no source at hand names aren't invented: such a
genotype is put out as written, and is coded only when the alleles and the effect allele are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from igfstrat.config import StrictModel
from igfstrat.errors import CohortError, DomainError, Problem, Severity
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where

Coding = Literal["additive", "dominant", "recessive"]
Strand = Literal["same", "opposite"]


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

_COMMON_REPEAT: Final = 19  # the commonest allele, S1-11
_REPEAT_INPUTS: Final = {"ca_repeat_1": "repeats", "ca_repeat_2": "repeats"}
_REPEAT_EVIDENCE: Final = ("S1-11", "S1-12", "S1-13", "S1-14", "S1-14b", "S1-15", "S1-24", "S1-24b")


def _spec(name: str, title: str, inputs: Mapping[str, str], **more: Any) -> FeatureSpec:
    return FeatureSpec(name=name, title=title, inputs=inputs, any_of={}, **{"unit": "code"} | more)


def _specs_of(name: str, variant: Variant) -> list[FeatureSpec]:
    genotype = _spec(f"{name}_genotype", f"{name} genotype", {name: "code"}, evidence=variant.evidence)
    title = f"{name}, {variant.coding} for {variant.effect_allele}"
    more: dict[str, Any] = {"unit": "1", "bounds": (0.0, 2.0), "evidence": variant.evidence}
    coded = _spec(f"{name}_coded", title, {name: "code"}, **more)
    return [genotype, coded] if variant.effect_allele else [genotype]


# what can be computed without further parameters
GERMLINE_SPECS: Final[dict[str, FeatureSpec]] = {
    spec.name: spec
    for spec in [
        _spec("igf1_ca_repeat", "IGF1 CA repeat", _REPEAT_INPUTS, evidence=_REPEAT_EVIDENCE),
        _spec("igf1_ca_repeat_sum", "IGF1 CA repeat, both alleles", _REPEAT_INPUTS, unit="repeats",
              bounds=(10.0, 80.0), evidence=("S1-11", "S1-16", "S1-16b")),
        *(spec for name, variant in VARIANTS.items() for spec in _specs_of(name, variant)),
    ]
}  # fmt: skip

_GENOTYPE: Final = re.compile(r"([ACGT])\s*[/|:,;_ -]?\s*([ACGT])", re.IGNORECASE)
# "0/0" is the reference genotype to one tool and a missing one to another: it is unreadable, not missing
_NO_CALL: Final = frozenset({"", ".", "./.", ".|.", "-", "--", "-/-", "n", "nn", "n/n", "na", "n/a", "nan"})
_COMPLEMENT: Final = str.maketrans("ACGT", "TGCA")


def ca_repeat_genotype(
    repeat_1: ArrayLike, repeat_2: ArrayLike
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Genotype of the IGF1 CA repeat by its alleles of 19 repeats, and the length of both alleles.

    Parameters
    ----------
    repeat_1, repeat_2 : array-like of float, shape (n,)
        CA repeats of each allele, a whole number > 0, in any order; NaN where not known.

    Returns
    -------
    tuple of ndarray of object and ndarray of float64, each of shape (n,)
        ``19/19``, ``19/non-19``, ``non-19/non-19`` (evidence S1-12, S1-14), and the sum of the repeats; None and NaN
        where either allele is not known.

    Raises
    ------
    DomainError
        If a number of repeats is not whole or not positive.

    Examples
    --------
    >>> genotype, length = ca_repeat_genotype([19, 18, 20, 19], [19, 19, 21, float("nan")])
    >>> genotype.tolist(), length.tolist()
    (['19/19', '19/non-19', 'non-19/non-19', None], [38.0, 37.0, 41.0, nan])
    """
    one, two = np.asarray(repeat_1, dtype=np.float64), np.asarray(repeat_2, dtype=np.float64)
    if not (_is_count(one) & _is_count(two)).all():
        message = "CA repeats are counted: a whole number > 0"
        raise DomainError(message)
    n_19 = (one == _COMMON_REPEAT).astype(np.intp) + (two == _COMMON_REPEAT)
    words = np.array(["non-19/non-19", "19/non-19", "19/19"], dtype=object)[n_19]
    length = one + two
    words[np.isnan(length)] = None
    return words, length


def parse_genotypes(values: ArrayLike) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Genotypes in one form.

    Parameters
    ----------
    values : array-like of str, shape (n,)
        Such as ``G/T``, ``GT``, ``T|G`` or ``t g``; None, NaN and the usual signs of no call mean not known.

    Returns
    -------
    tuple of ndarray of object and ndarray of bool, each of shape (n,)
        The genotype with its alleles in alphabetic order (``G/T``), None where there is none; and where something is
        written that is no genotype.

    Examples
    --------
    >>> genotypes, unreadable = parse_genotypes(["T|G", "gt", "./.", "G", None])
    >>> genotypes.tolist(), unreadable.tolist()
    (['G/T', 'G/T', None, None, None], [False, False, False, True, False])
    """
    # of a cohort's column only a handful of values differ
    codes, distinct = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=True)
    parsed, faulty = np.full(len(distinct) + 1, None, dtype=object), np.zeros(len(distinct) + 1, dtype=bool)
    for i, value in enumerate(distinct):
        text = str(value).strip()
        match = _GENOTYPE.fullmatch(text)
        if match:
            parsed[i] = "/".join(sorted(allele.upper() for allele in match.groups()))
        else:
            faulty[i] = text.casefold() not in _NO_CALL
    return parsed[codes], faulty[codes]  # the last place is that of nothing, code -1


def orient_genotypes(
    genotypes: ArrayLike, alleles: str, strand: Strand
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Genotypes on the strand of the named alleles.

    Parameters
    ----------
    genotypes : array-like of str, shape (n,)
        From `parse_genotypes`; None where not known.
    alleles : str
        Both alleles, such as ``G/T``.
    strand : str
        ``same`` or ``opposite``: what the genotypes are written on, seen from the alleles.

    Returns
    -------
    tuple of ndarray of object and ndarray of bool, each of shape (n,)
        The genotype by the named alleles, None where there is none or it has another base; and where it has.

    Raises
    ------
    DomainError
        If the alleles aren't two bases.

    Examples
    --------
    >>> oriented, misfit = orient_genotypes(["A/C", "G/G", None], "G/T", "opposite")
    >>> oriented.tolist(), misfit.tolist()
    (['G/T', None, None], [False, True, False])
    """
    pair = _pair(alleles)
    found = np.asarray(genotypes, dtype=object)
    oriented = np.full(found.shape, None, dtype=object)
    for genotype in _genotypes_of(pair):
        oriented[found == (_flip(genotype) if strand == "opposite" else genotype)] = genotype
    missing = found == np.array(None)
    return oriented, np.asarray(~missing & (oriented == np.array(None)), dtype=bool)


def code_genotypes(genotypes: ArrayLike, effect_allele: str, coding: Coding) -> NDArray[np.float64]:
    """Genotypes as numbers.

    Parameters
    ----------
    genotypes : array-like of str, shape (n,)
        From `orient_genotypes`; None where not known.
    effect_allele : str
        The allele that is counted.
    coding : str
        ``additive``: 0, 1, 2 effect alleles; ``dominant``: 1 for one or two; ``recessive``: 1 for two.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where not known.

    Raises
    ------
    DomainError
        If the effect allele is no base or there is no such coding.

    Examples
    --------
    >>> code_genotypes(["G/G", "G/T", "T/T", None], "G", "recessive")
    array([ 1.,  0.,  0., nan])
    """
    if effect_allele not in {"A", "C", "G", "T"} or coding not in {"additive", "dominant", "recessive"}:
        message = "an effect allele is A, C, G or T, and a coding additive, dominant or recessive"
        raise DomainError(message)
    found = np.asarray(genotypes, dtype=object)
    counts = np.full(found.shape, np.nan)
    for genotype in _genotypes_of("ACGT"):
        counts[found == genotype] = genotype.count(effect_allele)
    enough = counts >= (1 if coding == "dominant" else 2)
    return counts if coding == "additive" else np.where(np.isnan(counts), np.nan, enough)


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
            pair = _pair(variant.alleles) if variant.alleles else ""
            if pair and pair == _flip(pair) and name not in self.strand:
                message = f"{name}: {variant.alleles} reads the same on both strands: declare the strand"
                raise ValueError(message)
            if variant.effect_allele and variant.effect_allele not in set(pair):
                message = f"{name}: effect allele {variant.effect_allele} is none of its alleles ({pair or 'give them'})"
                raise ValueError(message)
        return self

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
            name: settings.strand.get(name) or _find_strand(parse_genotypes(X[name])[0], variant.alleles)
            for name, variant in self.variants_.items()
            if variant.alleles
        }

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        computed: dict[str, Any] = {}
        if self.repeats_:
            pair = [np.where(_is_count(values := _float(X, c)), values, np.nan) for c in _REPEAT_INPUTS]
            computed["igf1_ca_repeat"], computed["igf1_ca_repeat_sum"] = ca_repeat_genotype(*pair)
        for name, variant in self.variants_.items():
            genotypes = self._read(X, name)[0]
            computed[f"{name}_genotype"] = genotypes
            if variant.effect_allele:
                computed[f"{name}_coded"] = code_genotypes(genotypes, variant.effect_allele, variant.coding)
        return computed

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        faulty = {c: ~_is_count(_float(X, c)) for c in _REPEAT_INPUTS if self.repeats_}
        faulty |= {name: self._read(X, name)[1] for name in self.variants_}
        remedy = "no genotype of this variant on the strand in use, or no whole number of repeats: not used"
        return [f for c, rows in faulty.items() for f in flag_where(rows, "invalid_genotype", c, remedy)]

    def _read(self, X: pd.DataFrame, name: str) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:  # noqa: N803
        genotypes, unreadable = parse_genotypes(X[name])
        if name not in self.strands_:
            return genotypes, unreadable
        oriented, misfit = orient_genotypes(genotypes, self.variants_[name].alleles, self.strands_[name])
        return oriented, unreadable | misfit


def _pair(alleles: str) -> str:
    match = _GENOTYPE.fullmatch(alleles.strip())
    if not match or match[1].upper() == match[2].upper():
        message = f"{alleles!r} are not two different bases, such as G/T"
        raise DomainError(message)
    return "".join(sorted((match[1] + match[2]).upper()))


def _find_strand(genotypes: NDArray[np.object_], alleles: str) -> Strand:
    """The one that more genotypes fit: the bases of the two strands have nothing in common (A/T and C/G are refused)."""
    pair = _pair(alleles)
    n_same, n_opposite = (np.isin(genotypes, _genotypes_of(bases)).sum() for bases in (pair, _flip(pair)))
    return "opposite" if n_opposite > n_same else "same"


def _flip(bases: str) -> str:
    """The same on the other strand: of ``GT`` ``AC``, of ``G/T`` ``A/C``."""
    joint = "/" if "/" in bases else ""
    return joint.join(sorted(bases.replace("/", "").translate(_COMPLEMENT)))


def _genotypes_of(bases: str) -> list[str]:
    return [f"{a}/{b}" for a in sorted(bases) for b in sorted(bases) if a <= b]


def _float(table: pd.DataFrame, header: str) -> NDArray[np.float64]:
    return table[header].to_numpy(dtype=np.float64, na_value=np.nan)


def _is_count(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whole and positive, or not known."""
    return np.asarray(np.isnan(values) | ((values > 0) & (values == np.floor(values))), dtype=bool)
