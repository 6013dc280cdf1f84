"""What the registry's words for subgroups of patients mean in features, and whether a stratum lies within one.

Only the subgroups of associations with outcome are here. What a source says of its series and no feature tells (stage,
resection, a drug that is no column) stays text and is shown; where such a text singles out patients, the entry
speaks for no stratum. It knows nothing of directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from igfstrat.features.her2 import LOW_POSITIVE, NEGATIVE, POSITIVE
from igfstrat.features.interaction import PARTS, SEPARATOR
from igfstrat.schema import EXPOSURES

Relation = Literal["specific", "general", "part", "elsewhere", "excluded"]
Facts = Mapping[str, frozenset[str]]
Where = Mapping[str, str | Sequence[str]]

_Conditions = dict[str, tuple[str, ...]]
_YES: Final = ("yes",)
_ER_POSITIVE: Final = (POSITIVE, LOW_POSITIVE)
_LUMINAL: Final = ("luminal_a", "luminal_b", "luminal_her2")
_POSTMENOPAUSAL: Final[_Conditions] = {"menopausal_status": ("postmenopausal",)}
_ON_ENDOCRINE: Final[_Conditions] = {"endocrine_therapy": _YES}
# hr is ER or PR: no feature of its own, but told by the others
_HR_POSITIVE: Final[_Conditions] = {"hr": (POSITIVE,)}
_HER2_POSITIVE: Final[_Conditions] = {"her2_class": (POSITIVE,)}
_ADENOCARCINOMA: Final[_Conditions] = {"histology_class": ("adenocarcinoma",)}
_NON_SQUAMOUS: Final[_Conditions] = {"histology_class": ("adenocarcinoma", "other_nsclc")}

# subgroup as the registry writes it, and the words of features that all of its patients have
SUBGROUPS: Final[dict[str, _Conditions]] = {
    "all": {},
    "ER+": {"er_class": _ER_POSITIVE},
    "ER-, postmenopausal, tamoxifen": {"er_class": (NEGATIVE,), **_POSTMENOPAUSAL, **_ON_ENDOCRINE},
    "G/G against G/T + T/T; ER+ on tamoxifen": {"er_class": _ER_POSITIVE, **_ON_ENDOCRINE},
    "HR+": _HR_POSITIVE,
    "HR+, cixutumumab": _HR_POSITIVE,
    "HR+ HER2-": {**_HR_POSITIVE, "her2_class": (NEGATIVE,)},
    "HER2+": _HER2_POSITIVE,
    "HER2+, trastuzumab": _HER2_POSITIVE,
    "HER2-enriched": {"subtype": ("her2_enriched",)},
    "luminal": {"subtype": _LUMINAL},
    "luminal B": {"subtype": ("luminal_b",)},
    "premenopausal, invasive": {"menopausal_status": ("premenopausal",)},
    "postmenopausal, before diagnosis": _POSTMENOPAUSAL,
    "postmenopausal, tamoxifen": {**_POSTMENOPAUSAL, **_ON_ENDOCRINE},
    "on endocrine therapy": _ON_ENDOCRINE,
    "nuclear staining; stage I-II, on tamoxifen": _ON_ENDOCRINE,
    "cytoplasmic staining; stage I-II, on tamoxifen": _ON_ENDOCRINE,
    "squamous, resected": {"histology_class": ("squamous",)},
    "adenocarcinoma": _ADENOCARCINOMA,
    "adenocarcinoma, resected": _ADENOCARCINOMA,
    "EGFR-mutant adenocarcinoma, resected": {**_ADENOCARCINOMA, "egfr_mutated": _YES},
    "EGFR-mutant, on EGFR-TKI": {"egfr_mutated": _YES, "egfr_tki": _YES},
    "advanced non-squamous, gefitinib": {**_NON_SQUAMOUS, "egfr_tki": _YES},
    "anti-PD-1": {"checkpoint_inhibitor": _YES},
}

# what the series was, which no feature expresses: it speaks for everybody, and the text is shown
TEXT_ONLY: Final = frozenset({
    "resected", "resected, stage I-IIIA", "advanced, IIIB-IV", "advanced, irinotecan and cisplatin",
    "advanced, Korea", "invasive", "established breast cancer", "stage I-IIIA survivors", "tumour tissue",
    "all, cytoplasmic staining", "membranous staining", "non-19/non-19; non-metastatic",
})  # fmt: skip

# patients whom no feature tells apart: it speaks for no stratum, and is shown beside it
NARROWER: Final = frozenset({
    "array subtype of good prognosis", "node-positive, ER-", "node-negative, over 2 cm",
    "low against middle", "high against middle",
})  # fmt: skip

# what the registry has on outcome is nearly all from early disease, and doesn't carry over to patients who are chosen by
# where it has spread
_METASTATIC: Final[_Conditions] = {"metastatic": _YES}
_IN_BONE: Final[_Conditions] = {"bone_metastasis": _YES, **_METASTATIC}
SPREAD: Final = ("metastatic", "bone_metastasis", "bone_only", "non_visceral", "visceral_metastasis")

# what a word of one feature says about others, as this package's own classes are drawn (ER-/PR+ is rare, and counted
# among the luminal ones as in `subtype`). The intrinsic classes basal-like, normal-like and claudin-low say nothing
# about receptors
_IMPLIED: Final[dict[tuple[str, str], _Conditions]] = {
    **{("subtype", word): {"er_class": _ER_POSITIVE, **_HR_POSITIVE, "her2_class": (NEGATIVE,)}
       for word in ("luminal_a", "luminal_b")},
    ("subtype", "luminal_her2"): {"er_class": _ER_POSITIVE, **_HR_POSITIVE, **_HER2_POSITIVE},
    ("subtype", "her2_enriched"): {"er_class": (NEGATIVE,), "hr": (NEGATIVE,), **_HER2_POSITIVE},
    ("subtype", "triple_negative"): {"er_class": (NEGATIVE,), "hr": (NEGATIVE,), "her2_class": (NEGATIVE,)},
    **{("er_class", word): _HR_POSITIVE for word in _ER_POSITIVE},
    ("pr_class", POSITIVE): _HR_POSITIVE,
    # nearly all lung cancers with an EGFR mutation are adenocarcinomas; a stratum that names another histology has it
    ("egfr_mutated", "yes"): _ADENOCARCINOMA,
    ("egfr_t790m", "yes"): {"egfr_mutated": _YES, **_ADENOCARCINOMA},
    ("bone_metastasis", "yes"): _METASTATIC,
    ("bone_only", "yes"): {**_IN_BONE, "non_visceral": _YES},
    ("non_visceral", "yes"): _METASTATIC,
    ("visceral_metastasis", "yes"): {**_METASTATIC, "non_visceral": ("no",)},
    ("metastatic_pattern", "bone_only"): {**_IN_BONE, "bone_only": _YES, "non_visceral": _YES},
    ("metastatic_pattern", "bone_and_other"): _IN_BONE,
    ("metastatic_pattern", "non_visceral_other"): {**_METASTATIC, "non_visceral": _YES},
    ("metastatic_pattern", "visceral"): {**_METASTATIC, "non_visceral": ("no",)},
}  # fmt: skip
_SEVERAL: Final = "several"  # drivers, of which EGFR may be one


def facts_of(where: Where) -> dict[str, frozenset[str]]:
    """What holds for every patient of a stratum.

    Parameters
    ----------
    where : mapping of str to str or sequence of str
        Conditions of the stratum: feature to word, or to several words of which one is enough. A crossed feature such
        as ``er_by_igf1r`` counts as its parts.

    Returns
    -------
    dict of str to frozenset of str
        Fact to the words that patients of the stratum have: the conditions and what they imply. What isn't there is
        open.

    Examples
    --------
    >>> facts = facts_of({"subtype": ["luminal_b", "luminal_her2"]})
    >>> sorted(facts["hr"]), sorted(facts["her2_class"])
    (['positive'], ['negative', 'positive'])
    """
    named: dict[str, tuple[str, ...]] = {}
    for feature, wanted in where.items():
        named |= _uncrossed(feature, (wanted,) if isinstance(wanted, str) else tuple(wanted))
    facts = {_fact_name(feature): frozenset(words) for feature, words in named.items()}
    for feature, words in list(facts.items()):
        for fact, implied in _implied_by(feature, words).items():
            facts.setdefault(fact, implied)  # what the stratum itself names stands
    return facts


def _uncrossed(feature: str, words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """A crossed word such as ``positive & high`` by its parts; of several words, those of each part together."""
    names, rows = PARTS.get(feature, ()), [word.split(SEPARATOR) for word in words]
    if not names or any(len(row) != len(names) for row in rows):
        return {feature: words}
    return {
        name: tuple(dict.fromkeys(part)) for name, part in zip(names, zip(*rows, strict=True), strict=True)
    }


def _fact_name(feature: str) -> str:
    """Exposures go under their own name, however the feature says that it is one at baseline."""
    bare = feature.removesuffix("_exposure").removesuffix("_at_baseline")
    return bare if bare in EXPOSURES else feature


def _implied_by(feature: str, words: frozenset[str]) -> dict[str, frozenset[str]]:
    each = [_implied_by_word(feature, word) for word in words]
    common = set.intersection(*(set(implied) for implied in each)) if each else set()
    return {fact: frozenset(word for implied in each for word in implied[fact]) for fact in common}


def _implied_by_word(feature: str, word: str) -> _Conditions:
    if feature == "driver_class" and word != _SEVERAL:
        # one driver, or none found: drivers exclude each other but for rare tumours
        return (
            {"egfr_mutated": _YES, **_ADENOCARCINOMA}
            if word.startswith("egfr")
            else {"egfr_mutated": ("no",)}
        )
    return _IMPLIED.get((feature, word), {})


def relation_of(subgroup: str, facts: Facts) -> Relation:
    """How the patients of a subgroup and of a stratum lie to each other.

    Parameters
    ----------
    subgroup : str
        As the registry writes it.
    facts : mapping of str to frozenset of str
        From `facts_of`.

    Returns
    -------
    str
        ``specific``: the stratum lies within the subgroup, by its conditions; ``general``: the subgroup has none;
        ``part``: it concerns only some of the stratum, or it can't be told whom; ``excluded``: nobody is in both;
        ``elsewhere``: the stratum is chosen by where the disease has spread, and the source isn't.

    Examples
    --------
    >>> facts = facts_of({"histology_class": "squamous"})
    >>> [relation_of(s, facts) for s in ("squamous, resected", "all", "anti-PD-1", "adenocarcinoma")]
    ['specific', 'general', 'part', 'excluded']
    """
    if subgroup not in SUBGROUPS and subgroup not in TEXT_ONLY:
        return "part"
    conditions = SUBGROUPS.get(subgroup, {})
    if any(facts[fact].isdisjoint(words) for fact, words in conditions.items() if fact in facts):
        return "excluded"
    if facts.get("metastatic") == frozenset(_YES) and not any(fact in conditions for fact in SPREAD):
        return "elsewhere"
    if not conditions:
        return "general"
    return "specific" if all(facts.get(f, {""}) <= set(words) for f, words in conditions.items()) else "part"
