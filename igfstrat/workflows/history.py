"""Presets of the past: their names, the replay of what they observed, and the guard before retracted sources."""

from __future__ import annotations

import warnings
from pathlib import Path

from igfstrat.config import packaged_configs
from igfstrat.errors import EvidenceError, IgfstratWarning
from igfstrat.trials.scenario import Scenario, read_scenario
from igfstrat.trials.scenario.history import StoryKeys
from igfstrat.trials.study.replay import Replay, replay_history


def history_names() -> tuple[str, ...]:
    """Names of the packaged presets, for `igfstrat simulate` and the functions of this module.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> "history/gamma" in history_names()
    True
    """
    folder = packaged_configs() / "scenarios" / "history"
    return tuple(sorted(f"history/{path.stem}" for path in folder.glob("*.yaml")))


def check_retracted(keys: StoryKeys | None, *, retracted: bool) -> None:
    """Let a retracted source pass only on explicit request, and with a warning.

    Parameters
    ----------
    keys : StoryKeys or None
        Section that names its sources.
    retracted : bool
        Whether it was asked for.

    Raises
    ------
    EvidenceError
        If a source was retracted and it was not.
    """
    withdrawn = keys.retracted if keys is not None else ()
    if not withdrawn:
        return
    said = f"{', '.join(withdrawn)}: from a retracted source, and not to be used as evidence"
    if not retracted:
        message = f"{said}; it is simulated only on explicit request (--retracted)"
        raise EvidenceError(message)
    warnings.warn(said, IgfstratWarning, stacklevel=2)


def replay(
    what: str | Path | Scenario,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    n_jobs: int = 1,
    retracted: bool = False,
) -> tuple[Replay, ...]:
    """Hold a trial of the past again under the null and under each other truth of its preset.

    Parameters
    ----------
    what : str, Path or Scenario
        The name of a preset (``history/advigo_1018``), a scenario file with the section `history`, or what was read.
    replicates, seed : int, optional
        Those of the preset where left out.
    n_jobs : int
        Workers; no number depends on it.
    retracted : bool
        Whether retracted sources may be used, with a warning.

    Returns
    -------
    tuple of Replay
        The null first; empty where nothing was observed.

    Raises
    ------
    EvidenceError
        If a source was retracted and `retracted` is off.
    UsageError
        If there is nothing to replay.

    Examples
    --------
    >>> [r.truth for r in replay("history/advigo_1018", replicates=5)]
    ['null', 'own_estimate']
    """
    scenario = what if isinstance(what, Scenario) else read_scenario(str(what))
    check_retracted(scenario.history, retracted=retracted)
    return replay_history(scenario, replicates=replicates, seed=seed, n_jobs=n_jobs)
