"""Named strata: the first rule that a patient meets, and doubt where an earlier rule can't be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import ConfigError
from igfstrat.features.plan import StratumRule
from igfstrat.features.registry import REGISTRY
from igfstrat.features.status import INDETERMINATE

UNDECIDED: Final = "indeterminate"


def assign_strata(features: pd.DataFrame, strata: Sequence[StratumRule]) -> NDArray[np.object_]:
    """The stratum of each patient.

    Parameters
    ----------
    features : DataFrame, one row a patient
        Columns that the rules name.
    strata : sequence of StratumRule
        In order; the first that is met counts.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        Name of the stratum, ``indeterminate`` where a missing or indeterminate value leaves open whether an earlier
        rule is met, None where no rule is met.

    Raises
    ------
    ConfigError
        If a rule names a column that is not there.

    Examples
    --------
    >>> rules = [StratumRule(name="B high", where={"subtype": "luminal_b", "igf1r_status": "high"}), StratumRule(name="other")]
    >>> table = pd.DataFrame({"subtype": ["luminal_b", "luminal_a", "luminal_b"], "igf1r_status": ["high", None, None]})
    >>> assign_strata(table, rules).tolist()
    ['B high', 'other', 'indeterminate']
    """
    unknown = sorted({name for rule in strata for name in rule.where if name not in features})
    if unknown:
        message = f"strata name {', '.join(unknown)}, which the plan doesn't compute; there are {', '.join(map(str, features.columns))}"
        raise ConfigError(message)
    stratum = np.full(len(features), None, dtype=object)
    open_rows = np.ones(len(features), dtype=bool)
    for rule in strata:
        met, possible = _meets(features, rule)
        stratum[open_rows & met] = rule.name
        stratum[open_rows & ~met & possible] = UNDECIDED
        open_rows &= ~possible
    return stratum


def _meets(features: pd.DataFrame, rule: StratumRule) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a rule is met for certain, and where it may be."""
    met, possible = np.ones(len(features), dtype=bool), np.ones(len(features), dtype=bool)
    for name, wanted in rule.where.items():
        words = (wanted,) if isinstance(wanted, str) else wanted
        values = features[name].astype(object)
        is_met = values.isin(words).to_numpy()
        unknown = values.isna().to_numpy() | (
            (values == INDETERMINATE).to_numpy() & (INDETERMINATE not in words)
        )
        met &= is_met
        possible &= is_met | unknown
    return met, possible


def default_strata(features: pd.DataFrame) -> NDArray[np.object_]:
    """Strata where a plan names none: the statuses side by side, or the subtype.

    Parameters
    ----------
    features : DataFrame, one row a patient
        Computed features.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        Words such as ``IGF-1R status high``; None where no status is known.
    """
    names = [name for name in features if str(name).endswith("_status")] or [
        n for n in ("subtype",) if n in features
    ]
    if not names:
        anything = features.notna().any(axis=1).to_numpy()
        return np.array(["all" if any_value else None for any_value in anything], dtype=object)
    parts = [
        [f"{REGISTRY[str(name)].title} {value}" if pd.notna(value) else "" for value in features[name]]
        for name in names
    ]
    joined = [" · ".join(part for part in row if part) for row in zip(*parts, strict=True)]
    return np.array([text or None for text in joined], dtype=object)
