"""Step 2, tumour: group (subtype, or histology and driver), stage, and receptors that agree with the subtype.

Subtypes are drawn, and the receptors so that the surrogate of St Gallen 2013 with Ki-67 cut at 20 % (E-c-01) gives
the subtype back: `igfstrat.features.subtype` is the judge, and a test asks it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.synthetic._draw import YES_NO, Codes, Columns, draw_codes, words
from igfstrat.synthetic.config import CohortConfig, Receptors

_PR_CUT, _KI67_CUT = 20, 20  # percent, E-c-01
_LUMINAL: Final = ("luminal_a", "luminal_b", "luminal_her2")
_HER2: Final = ("luminal_her2", "her2_enriched")


def draw_tumour(config: CohortConfig, rng: np.random.Generator, n: int) -> tuple[Columns, Codes, Codes]:
    """Columns of the tumours, and the codes of group and stage."""
    groups, stages = list(config.groups.values()), list(config.stages.items())
    group = draw_codes(rng, [g.share.value for g in groups], n)
    stage = draw_codes(rng, [s.share.value for _, s in stages], n)
    columns: Columns = {"disease": np.full(n, config.disease, dtype=object)}
    for name in ("subtype", "histology", "driver"):
        if any(getattr(g, name) for g in groups):
            columns[name] = words([getattr(g, name) for g in groups], group)
    columns["stage"] = words([s.code for _, s in stages], stage)
    if config.outcomes.by == "stage":
        columns["tnm8_stage"] = words([name for name, _ in stages], stage)
    if config.receptors is not None:
        columns |= _receptors(config.receptors, [g.subtype or "" for g in groups], group, rng)
    columns |= _metastases(config, group, rng)
    return columns, group, stage


def _receptors(how: Receptors, subtypes: list[str], group: Codes, rng: np.random.Generator) -> Columns:
    n = len(group)
    luminal = np.isin(subtypes, _LUMINAL)[group]
    her2 = np.isin(subtypes, _HER2)[group]
    is_a = (np.array(subtypes) == "luminal_a")[group]
    is_b = (np.array(subtypes) == "luminal_b")[group]
    low_pr = is_b & (rng.random(n) < how.pr_low_in_luminal_b.value / 100)
    er = np.maximum(_percent(rng, how.er_mean.value, how.er_concentration.value, n), 1)
    pr = _percent(rng, how.pr_mean.value, how.pr_concentration.value, n)
    pr = np.where(low_pr, pr % _PR_CUT, np.where(is_a | is_b, np.maximum(pr, _PR_CUT), pr))
    high = np.clip(rng.normal(how.ki67_high_mean.value, how.ki67_high_sd.value, n).round(), _KI67_CUT, 95)
    # a low PR decides alone, so half of those tumours have a low Ki-67: a setting
    ki67 = np.where(is_a | (low_pr & (rng.random(n) < 0.5)), rng.integers(2, _KI67_CUT, n), high)
    return {
        "er_percent": np.where(luminal, er, 0).astype(np.float64),
        "pr_percent": np.where(luminal, pr, 0).astype(np.float64),
        **_her2(how, her2, rng),
        "ki67_percent": ki67.astype(np.float64),
    }


def _percent(rng: np.random.Generator, mean: float, concentration: float, n: int) -> NDArray[np.float64]:
    share = mean / 100
    return np.asarray((100 * rng.beta(share * concentration, (1 - share) * concentration, n)).round())


def _her2(how: Receptors, positive: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, Any]:
    """IHC, and for 2+ the dual-probe ISH that decides (Wolff 2018, J Clin Oncol 36:2105)."""
    n = len(positive)
    three = how.her2_3_in_positive.value
    none, one = how.her2_0_in_negative.value, how.her2_1_in_negative.value
    of_positive = draw_codes(rng, (0, 0, 100 - three, three), n)
    of_negative = draw_codes(rng, (none, one, 100 - none - one), n)
    ihc = np.where(positive, of_positive, of_negative)
    ratio = np.where(positive, rng.uniform(2.2, 7.0, n), rng.uniform(0.9, 1.7, n)).round(2)
    copies = np.where(positive, rng.uniform(6.0, 18.0, n), rng.uniform(1.5, 3.8, n)).round(1)
    done = ihc == 2
    return {
        "her2_ihc": words(("0", "1", "2", "3"), ihc),
        "her2_ish_ratio": np.where(done, ratio, np.nan),
        "her2_copies": np.where(done, copies, np.nan),
        "her2_status": words(("negative", "positive"), positive.astype(np.intp)),
    }


def _metastases(config: CohortConfig, group: Codes, rng: np.random.Generator) -> Columns:
    """Bone, and whether other sites too, of cohorts that are metastatic at time zero."""
    outcomes = config.outcomes
    if outcomes.bone is None:
        return {}
    only = np.array([outcomes.bone_only[name].value for name in config.groups])[group] / 100
    draw = rng.random(len(group))
    bone = draw < outcomes.bone.value / 100
    elsewhere = (draw >= only).astype(np.intp)
    return {
        "bone_metastasis": words(YES_NO, bone.astype(np.intp)),
        "visceral_metastasis": words(YES_NO, elsewhere),
    }
