"""Genotypes as text: the CA repeat before IGF1, single-nucleotide variants, their strand and their coding."""

from __future__ import annotations

import re
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError
from igfstrat.features.present import look_up

Coding = Literal["additive", "dominant", "recessive"]
Strand = Literal["same", "opposite"]

_COMMON_REPEAT: Final = 19  # the commonest allele, S1-11
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
    if not (is_count(one) & is_count(two)).all():
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
    pair = pair_of(alleles)
    found = np.asarray(genotypes, dtype=object)
    named = _genotypes_of(pair)
    oriented = look_up(found, {(flip(g) if strand == "opposite" else g): g for g in named})
    return oriented, np.asarray(pd.notna(found) & pd.isna(oriented), dtype=bool)


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
    effects = {genotype: float(genotype.count(effect_allele)) for genotype in _genotypes_of("ACGT")}
    counts = look_up(genotypes, effects).astype(np.float64)
    enough = counts >= (1 if coding == "dominant" else 2)
    return counts if coding == "additive" else np.where(np.isnan(counts), np.nan, enough)


def pair_of(alleles: str) -> str:
    """Both bases of a variant.

    Parameters
    ----------
    alleles : str
        Such as ``G/T``.

    Returns
    -------
    str
        Two letters in the order of the alphabet.

    Raises
    ------
    DomainError
        If they are not two different bases.

    Examples
    --------
    >>> pair_of("t/G")
    'GT'
    """
    match = _GENOTYPE.fullmatch(alleles.strip())
    if not match or match[1].upper() == match[2].upper():
        message = f"{alleles!r} are not two different bases, such as G/T"
        raise DomainError(message)
    return "".join(sorted((match[1] + match[2]).upper()))


def find_strand(genotypes: NDArray[np.object_], alleles: str) -> Strand:
    """Strand on which genotypes were read: the one that more of them fit.

    Parameters
    ----------
    genotypes : ndarray of object, shape (n,)
        As `parse_genotypes` gives them.
    alleles : str
        Both alleles as the source names them; not A/T or C/G, whose bases are the same on both strands.

    Returns
    -------
    str
        ``same`` or ``opposite``.

    Examples
    --------
    >>> find_strand(np.array(["A/C", "C/C", None], dtype=object), "G/T")
    'opposite'
    """
    pair = pair_of(alleles)
    sides = {g: side for side, bases in ((1.0, pair), (-1.0, flip(pair))) for g in _genotypes_of(bases)}
    balance = np.nansum(look_up(genotypes, sides).astype(np.float64))
    return "opposite" if balance < 0 else "same"


def flip(bases: str) -> str:
    """The bases on the other strand.

    Parameters
    ----------
    bases : str
        Such as ``GT`` or ``G/T``.

    Returns
    -------
    str
        In the order of the alphabet, joined as they were.

    Examples
    --------
    >>> flip("GT"), flip("G/T")
    ('AC', 'A/C')
    """
    joint = "/" if "/" in bases else ""
    return joint.join(sorted(bases.replace("/", "").translate(_COMPLEMENT)))


def _genotypes_of(bases: str) -> list[str]:
    return [f"{a}/{b}" for a in sorted(bases) for b in sorted(bases) if a <= b]


def is_count(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values are whole and positive, or not known.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Numbers of repeats; NaN where not known.

    Returns
    -------
    ndarray of bool, shape (n,)
        False for 0, negative numbers and fractions.
    """
    return np.asarray(np.isnan(values) | ((values > 0) & (values == np.floor(values))), dtype=bool)
