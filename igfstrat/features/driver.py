"""Driver alterations of lung cancer, read from a column of free text.

Nine genes are read, and for each only what is written: `EGFR wild type` says no of EGFR and nothing of the others,
`none` says that no driver was found. Text with any word that isn't understood, that contradicts itself, or from which a
finding could be read that isn't meant (`EGFR, ALK negative`, `EGFR-`) says nothing, and is flagged. The text itself
is never shown.

EGFR classes as in Zhang 2019, Transl Lung Cancer Res 8:302, PMID 31367543: exon 19 deletions and L858R, G719X, S768I
and L861Q are sensitive to EGFR inhibitors; insertions in exon 20 are a class of their own, and so is T790M.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.features.present import PresentFeatures
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where

# what counts as an alteration of each gene: a mutated ALK or an amplified EGFR isn't the driver that the class means
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("egfr", "kras", "braf"), frozenset({"mutation"})),
    **dict.fromkeys(("met", "erbb2"), frozenset({"mutation", "amplification"})),
    **dict.fromkeys(("alk", "ros1", "ret", "ntrk"), frozenset({"fusion"})),
}
# of two EGFR alterations the first counts: resistance decides over what it resists
_EGFR_RANK: Final = ("t790m", "exon20_insertion", "sensitizing", "other")
DRIVER_CLASSES: Final = (
    "egfr_sensitizing", "egfr_t790m", "egfr_exon20_insertion", "egfr_other", "kras", "alk", "ros1", "braf", "met",
    "erbb2", "ret", "ntrk", "several", "none_found",
)  # fmt: skip


def _spec(name: str, title: str, words: tuple[str, ...], evidence: tuple[str, ...]) -> FeatureSpec:
    return FeatureSpec(
        name=name, title=title, inputs={"driver": "code"}, any_of={}, unit="code", words=words, evidence=evidence
    )  # fmt: skip


_YES_NO: Final = ("yes", "no")
DRIVER_SPECS: Final[dict[str, FeatureSpec]] = {
    "driver_class": _spec(
        "driver_class",
        "Driver class",
        DRIVER_CLASSES,
        ("E-b-12b", "E-f-12", "E-f-13", "E-f-14", "S2-11", "S2-21"),
    ),
    "egfr_mutated": _spec(
        "egfr_mutated", "EGFR mutated", _YES_NO, ("E-b-12b", "E-e-07a", "E-f-12", "E-f-14", "S2-11", "S2-21")
    ),
    "egfr_t790m": _spec("egfr_t790m", "EGFR T790M", _YES_NO, ("S2-15b", "S3-10", "S3-11")),
    "kras_mutated": _spec("kras_mutated", "KRAS mutated", _YES_NO, ("E-b-13", "E-f-12", "E-f-13", "S2-11")),
    "alk_rearranged": _spec("alk_rearranged", "ALK rearranged", _YES_NO, ("E-f-12", "S2-15c")),
}

_LONGEST: Final = 200  # characters; a longer text is a report, not the name of an alteration
_REMEDY: Final = (
    "not understood or contradictory, so nothing was read from it; write each finding as gene and alteration, separated "
    f"by semicolons, of {', '.join(gene.upper() for gene in _KINDS)}, or none"
)

_EXON: Final = r"(?:exon|ex|e)? ?"
# what a piece of text may be, in the order in which it is tried; each without nested repeats, so that time grows with length
_TOKENS: Final[Mapping[str, str]] = {
    "unknown": r"not (?:tested|done|known|evaluable|evaluated|assessed|performed|available|determined)|untested|unknown"
    r"|pending|inconclusive|failed|n/a|na|no (?:data|result|information)",
    "sensitizing": rf"l858r|leu858arg|l861q|leu861gln|g719[acdsx]|s768i|[ekl]74[5-9] [a-z]7[45]\d ?del(?:ins[a-z]{{1,8}})?"
    rf"|{_EXON}19 ?(?:deletion|delins|indel|del)s?|(?:deletion|del)s? ?(?:in |of )?{_EXON}19",
    "t790m": r"t790m|thr790met",
    "exon20_insertion": rf"{_EXON}20 ?ins(?:ertion)?s?|ins(?:ertion)?s? ?(?:in )?{_EXON}20",
    "braf_v600": r"v600[dekr]",
    "met_exon14": r"(?:exon|ex) ?14",
    "change": r"[a-z]\d{1,4}[a-z]|(?:exon|ex|codon) ?\d{1,3}",
    "egfr": "egfr", "kras": "k ?ras", "alk": "alk", "ros1": "ros ?1", "braf": "b ?raf", "met": "(?:c ?)?met",
    "erbb2": "her ?2(?:[ /]neu)?|erbb ?2", "ret": "ret", "ntrk": "ntrk ?[123]?",
    "negative": r"wild ?type|wt|negative|neg|none|no|non|not|without|absent|unmutated",
    "mutation": r"mutations?|mutated|mutant|mut|insertion|ins|deletion|del|skipping|skip|splice(?: site)?",
    "fusion": r"fusions?|fused|rearrangements?|rearranged|translocations?|translocated"
    r"|eml4|kif5b|cd74|slc34a2|sdc4|ezr|ccdc6|ncoa4|etv6|tpm3|lmna|sqstm1|klc1|tfg",
    "amplification": r"amplifications?|amplified|amp",
    "positive": r"positive|pos|yes",
    "either": "or|nor",
    "driver": r"drivers?|oncogenic|actionable|targetable",
    "filler": r"alterations?|aberrations?|variants?|detected|found|present|identified|known|gene|status|point|p|in|of|for|and|with",
}  # fmt: skip
_TOKEN: Final = re.compile("|".join(f"(?P<{kind}>(?:{p})(?![a-z0-9]))" for kind, p in _TOKENS.items()))
_BETWEEN: Final = re.compile(r"[\s.:()\[\]+/&=-]*")
_HYPHENS: Final = re.compile(r"[\u2010-\u2015\u2212]")
# a hyphen behind a gene may mean negative, or nothing
_OPEN_HYPHEN: Final = re.compile(r"-(?=\s*(?:$|[-,;|/)\]]))|(?<=\w)-(?=\s)")
_PLUS: Final = re.compile(r"(?<=\w)\s?\+(?=\s*(?:$|[,;|/)]))")
_CHANGES: Final = frozenset({"sensitizing", "t790m", "exon20_insertion", "braf_v600", "met_exon14", "change"})
# alterations that belong to one gene, even where it isn't named
_GENE_OF_CHANGE: Final = {"sensitizing": "egfr", "t790m": "egfr", "braf_v600": "braf", "met_exon14": "met"}


def read_drivers(values: ArrayLike) -> tuple[dict[str, NDArray[np.object_]], NDArray[np.bool_]]:
    """What a column of free text says of driver alterations.

    Parameters
    ----------
    values : array-like of str, shape (n,)
        Such as ``EGFR del19; T790M``, ``KRAS G12C``, ``ALK fusion``, ``EGFR wild type`` or ``none``; None and NaN mean not
        known.

    Returns
    -------
    tuple of dict and ndarray of bool, shape (n,)
        By feature an ndarray of object, shape (n,): ``driver_class`` with a word of `DRIVER_CLASSES`, and ``egfr_mutated``,
        ``egfr_t790m``, ``kras_mutated`` and ``alk_rearranged`` with ``yes`` or ``no``; each None where the text doesn't say.
        And where there is a text that isn't understood, of which nothing is used.

    References
    ----------
    Zhang 2019, Transl Lung Cancer Res 8:302, PMID 31367543, for the classes of EGFR. Evidence E-f-12 for the genes.

    Examples
    --------
    >>> read, faulty = read_drivers(["EGFR del19; T790M", "EGFR wild type", "none", "EGFR wild type; L858R"])
    >>> read["driver_class"].tolist(), read["egfr_mutated"].tolist()
    (['egfr_t790m', None, 'none_found', None], ['yes', 'no', 'no', None])
    >>> read["kras_mutated"].tolist(), faulty.tolist()
    ([None, None, 'no', None], [False, False, False, True])
    """
    # of a cohort's column only a handful of values differ
    codes, distinct = pd.factorize(np.asarray(values, dtype=object))
    rows = np.full(
        (len(distinct) + 1, len(DRIVER_SPECS)), None, dtype=object
    )  # the last row is that of nothing, code -1
    faulty = np.zeros(len(distinct) + 1, dtype=bool)
    for i, value in enumerate(distinct):
        try:
            rows[i] = _read(str(value)).answers()
        except _NotUnderstoodError:
            faulty[i] = True
    return {name: rows[codes, j] for j, name in enumerate(DRIVER_SPECS)}, faulty[codes]


class DriverFeatures(PresentFeatures):
    """Driver class, and EGFR, T790M, KRAS and ALK one by one, from the free text of the column ``driver``."""

    _specs = DRIVER_SPECS
    _together = "driver features"
    _said: ClassVar[Mapping[str, str]] = {
        "driver_class": "read from free text; several where two genes are altered; none_found only where all are denied",
        "egfr_mutated": "yes where an EGFR mutation is named, no where it is denied, else unknown",
        "egfr_t790m": "yes where named, no where it, EGFR mutation or every driver is denied, else unknown",
        "kras_mutated": "yes where a KRAS mutation is named, no where it is denied, else unknown",
        "alk_rearranged": "yes where named, no where it is denied, else unknown",
    }

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803 - scikit-learn's name
        return dict(read_drivers(X["driver"])[0])

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        return flag_where(read_drivers(X["driver"])[1], "invalid_driver", "driver", _REMEDY)


class _NotUnderstoodError(Exception):
    """The text has no one meaning."""


@dataclass(slots=True)
class _Findings:
    """What a text says: alterations by gene, genes without one, and what is denied beyond that."""

    found: dict[str, set[str]] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    no_t790m: bool = False
    nothing: bool = False

    def answers(self) -> list[str | None]:
        """The features, in the order of `DRIVER_SPECS`."""
        egfr = self.found.get("egfr", set())
        t790m = "yes" if "t790m" in egfr else "no" if self.no_t790m or self._altered("egfr") == "no" else None
        return [self._class(), self._altered("egfr"), t790m, self._altered("kras"), self._altered("alk")]

    def check(self) -> None:
        """Raise where the text contradicts itself."""
        t790m_both = self.no_t790m and "t790m" in self.found.get("egfr", set())
        if self.found.keys() & self.absent or (self.nothing and self.found) or t790m_both:
            raise _NotUnderstoodError

    def _altered(self, gene: str) -> str | None:
        return "yes" if gene in self.found else "no" if self.nothing or gene in self.absent else None

    def _class(self) -> str | None:
        if len(self.found) > 1:
            return "several"
        if "egfr" in self.found:
            return "egfr_" + min(self.found["egfr"], key=_EGFR_RANK.index)
        return next(iter(self.found), "none_found" if self.nothing or self.absent == _KINDS.keys() else None)


@dataclass(frozen=True, slots=True)
class _Part:
    """The pieces of text between two commas."""

    kinds: tuple[str, ...]

    @property
    def genes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(kind for kind in self.kinds if kind in _KINDS))

    @property
    def changes(self) -> set[str]:
        return set(self.kinds) & _CHANGES

    @property
    def is_negative(self) -> bool:
        return "negative" in self.kinds

    @property
    def is_tangled(self) -> bool:
        """Several alterations in one part: of `del19 without T790M` a word on one isn't one on both."""
        return sum(kind in _CHANGES for kind in self.kinds) > 1

    @property
    def is_bare(self) -> bool:
        """A gene, and not a word on what is altered in it."""
        return bool(self.genes) and set(self.kinds) <= {*self.genes, "filler", "driver"}

    def kinds_of_alteration(self) -> set[str]:
        """Mutation, fusion or amplification, as far as named."""
        named = {"mutation", "fusion", "amplification"} & set(self.kinds)
        return named | ({"mutation"} if self.changes else set())

    def by_gene(self) -> Iterator[_Part]:
        """One part a gene; what stands before the first belongs to it."""
        starts = [self.kinds.index(gene) for gene in self.genes][1:]
        for start, stop in zip([0, *starts], [*starts, len(self.kinds)], strict=True):
            yield _Part(self.kinds[start:stop])


def _read(text: str) -> _Findings:
    """All that a text says."""
    if len(text) > _LONGEST:
        raise _NotUnderstoodError
    plain = _HYPHENS.sub("-", unicodedata.normalize("NFKC", text).casefold()).strip()
    if _OPEN_HYPHEN.search(plain):
        raise _NotUnderstoodError
    plain = _PLUS.sub(" positive", re.sub(r"\bmet(?=ex)", "met ", plain))
    findings = _Findings()
    for statement in re.split(r"[;|\n]", plain):
        parts = [_Part(kinds) for piece in statement.split(",") if (kinds := tuple(_kinds_in(piece)))]
        _add_statement(findings, parts)
    findings.check()
    return findings


def _kinds_in(piece: str) -> Iterator[str]:
    """The pieces of text, each by what it is; raise at the first that is nothing known."""
    piece = re.sub(r"[-_]|::", " ", piece)
    at = _skip(piece, 0)
    while at < len(piece):
        match = _TOKEN.match(piece, at)
        if match is None:
            raise _NotUnderstoodError
        yield str(match.lastgroup)
        at = _skip(piece, match.end())


def _skip(piece: str, at: int) -> int:
    match = _BETWEEN.match(piece, at)
    return match.end() if match else at


def _add_statement(findings: _Findings, parts: list[_Part]) -> None:
    """Add what stands between two semicolons."""
    # of `EGFR, ALK negative` nobody knows whether EGFR is altered
    if any(part.is_bare for part in parts) and any(part.is_negative for part in parts):
        raise _NotUnderstoodError
    gene: str | None = None
    for part in parts:
        if "unknown" in part.kinds:
            _check_says_nothing(part)
        elif part.is_negative:
            _add_absent(findings, part)
        else:
            gene = _add_found(findings, part, gene)


def _check_says_nothing(part: _Part) -> None:
    if part.is_tangled or {"negative", "positive"} & set(part.kinds):
        raise _NotUnderstoodError


def _add_absent(findings: _Findings, part: _Part) -> None:
    if part.kinds.count("negative") > 1 or "positive" in part.kinds or part.is_tangled:
        raise _NotUnderstoodError
    alterations = part.kinds_of_alteration()
    if part.changes:  # that one alteration isn't there says nothing of the gene's others
        _gene_of(part, None)
        findings.no_t790m |= "t790m" in part.changes
    elif part.genes:
        if any(alterations and not alterations & _KINDS[gene] for gene in part.genes):
            raise _NotUnderstoodError
        if "amplification" not in alterations:
            findings.absent |= set(part.genes)
    elif alterations and "driver" not in part.kinds:
        raise _NotUnderstoodError  # `no mutation` without a gene may be the result of a test of one gene
    else:
        findings.nothing = True


def _add_found(findings: _Findings, part: _Part, before: str | None) -> str:
    """Add what is altered, and return the gene, for an alteration that follows without one."""
    if len(part.genes) > 1:
        for one in part.by_gene():
            if one.is_bare:
                raise _NotUnderstoodError
            before = _add_found(findings, one, before)
        return str(before)
    gene = _gene_of(part, before)
    if "either" in part.kinds or not part.kinds_of_alteration() <= _KINDS[gene]:
        raise _NotUnderstoodError
    named = part.changes & {"sensitizing", "t790m", "exon20_insertion"}
    findings.found.setdefault(gene, set()).update(named or {"other"})
    return gene


def _gene_of(part: _Part, before: str | None) -> str:
    """The gene that is named, else the one whose alteration it is, else the one before."""
    owners = {_GENE_OF_CHANGE[change] for change in part.changes if change in _GENE_OF_CHANGE}
    implied = before if part.changes else None
    genes = set(part.genes) or owners or ({implied} if implied else set())
    if len(genes) != 1 or not owners <= genes:
        raise _NotUnderstoodError
    return str(genes.pop())
