"""What is told of a Bayesian go or no-go at an interim: its limits, its priors with their sources, and what is in doubt.

How often it goes on is counted over the trials like the choices of any other rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from igfstrat.evidence import load_evidence
from igfstrat.trials.adaptive.priors import make_prior
from igfstrat.trials.scenario.design import SelectionSettings
from igfstrat.trials.scenario.scenario import Scenario


def go_no_go(
    settings: SelectionSettings, hypotheses: tuple[str, ...], *, per_event: float
) -> dict[str, dict[str, Any]]:
    """What a Bayesian go or no-go rests on.

    Parameters
    ----------
    settings : SelectionSettings
        Of the design.
    hypotheses : tuple of str
        Of the design.
    per_event : float
        Information that an event brings.

    Returns
    -------
    dict of dict
        `go_no_go`: by hypothesis the limit of the hazard ratio, the probability that it takes, the prior (`Prior.to_dict`)
        and its sources by id. Empty for another rule.

    Examples
    --------
    >>> rule = SelectionSettings(rule="posterior_probability", hazard_ratio_below=0.8, at_least=0.6)
    >>> go_no_go(rule, ("overall",), per_event=0.25)["go_no_go"]["overall"]["prior"]["events"]
    0.0
    """
    if settings.rule != "posterior_probability":
        return {}
    found = {}
    for name in hypotheses:
        prior = make_prior(settings.prior_of(name))
        found[name] = {
            "hazard_ratio_below": _limit(settings.hazard_ratio_below, name),
            "at_least": _limit(settings.at_least, name),
            "prior": prior.to_dict(per_event=per_event),
            "sources": {key: load_evidence()[key].source for key in prior.evidence},
        }
    return {"go_no_go": found}


def _limit(given: Any, name: str) -> float | None:
    found = given.get(name) if isinstance(given, Mapping) else given
    return None if found is None else float(found)


def prior_concerns(scenario: Scenario, design: str) -> Iterator[str]:
    """What is in doubt about the priors of a design.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Yields
    ------
    str
        An entry that other sources contradict, or that nobody verified; one about another endpoint; trials that show no
        heterogeneity, which is then taken for none.
    """
    settings = scenario.designs[design].selection
    if settings is None or settings.rule != "posterior_probability":
        return
    endpoint = settings.endpoint or scenario.endpoint
    for name in scenario.hypotheses_of(design):
        prior = make_prior(settings.prior_of(name))
        for key in prior.evidence:
            entry = load_evidence()[key]
            if entry.status != "reported":
                yield f"the prior of {name} rests on {key}, which is {entry.status}: {entry.source}"
            if entry.endpoint.split()[-1] != endpoint:
                yield f"the prior of {name} rests on {key}, which is about {entry.endpoint}; {endpoint} decides here"
        if prior.tau == 0:
            yield f"the prior of {name} takes its trials for alike (tau 0): few trials show little heterogeneity; give tau"
