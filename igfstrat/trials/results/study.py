"""What a study of designs found, frozen: the numbers of `results.json`, and one flat row a design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignResults:
    """Operating characteristics of one design; each estimate is a dict with `value` and `mc_standard_error`.

    Parameters
    ----------
    name, kind : str
        As in the scenario.
    replicates : int
        Trials simulated.
    power : dict
        Probability to reject at least one hypothesis.
    conjunctive_power : dict
        Probability to reject all of them.
    hypotheses : dict of dict
        Power of each hypothesis.
    type_i_error : dict or None
        Probability to reject any hypothesis when the experimental arm does nothing; None when not simulated.
    n_events, n_randomized, n_screened, duration, cost : dict
        Mean with its error, standard deviation and quantiles, when the trial ends.
    hazard_ratio : dict
        Truth with its definition, estimates and coverage, by population.
    selected : dict
        Probability to end with each label: none, positive, negative, both.
    right_label : dict
        Probability that the label is the right one, with the claims for all and for positives apart.
    stopped_at : tuple of dict
        Probability to end at each look, and for futility there.
    infeasible : dict
        Probability to end without the events or time that were planned.
    infeasible_because : dict of dict
        The same by reason.
    overall_survival : dict or None
        Deaths, hazard ratio of death and probability to find harm, where death stands beside the endpoint.
    no_closed_form : str or None
        Why there is none.
    errors : dict or None
        Probability of a false claim under each null, in all and by hypothesis: none in either stratum, and where asked
        for an average hazard ratio of 1.
    closed_form : dict or None
        Power by the drift integral and the gap to it; None where there is no such form.
    boundaries : dict
        Information fractions, efficacy and futility bounds of each hypothesis.
    """

    name: str
    kind: str
    replicates: int
    power: dict[str, float]
    conjunctive_power: dict[str, float]
    hypotheses: dict[str, dict[str, float]]
    type_i_error: dict[str, float] | None
    n_events: dict[str, Any]
    n_randomized: dict[str, Any]
    n_screened: dict[str, Any]
    duration: dict[str, Any]
    cost: dict[str, Any]
    hazard_ratio: dict[str, Any]
    selected: dict[str, dict[str, float]]
    right_label: dict[str, Any]
    stopped_at: tuple[dict[str, Any], ...]
    infeasible: dict[str, float]
    infeasible_because: dict[str, dict[str, float]]
    closed_form: dict[str, Any] | None
    boundaries: dict[str, Any]
    overall_survival: dict[str, Any] | None = None
    no_closed_form: str | None = None
    errors: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as one design of `results.json`.

        Returns
        -------
        dict
            Without the closed form, which stands beside the designs.
        """
        skipped = ("name", "closed_form", "no_closed_form")
        found = {key: getattr(self, key) for key in self.__slots__ if key not in skipped}
        return {key: value for key, value in found.items() if key != "overall_survival" or value is not None}

    def row(self) -> dict[str, Any]:
        """One flat row: a value and, where it has one, its Monte-Carlo standard error.

        Returns
        -------
        dict
            Column by name.
        """
        flat: dict[str, Any] = {"design": self.name, "replicates": self.replicates}
        estimates = {"power": self.power, "conjunctive_power": self.conjunctive_power}
        estimates |= {f"power_{name}": found for name, found in self.hypotheses.items()}
        if self.type_i_error is not None:
            estimates["type_i_error"] = self.type_i_error
        estimates |= {"right_label": self.right_label["all"], "infeasible": self.infeasible}
        if self.overall_survival is not None and "harm" in self.overall_survival:
            estimates["harm"] = self.overall_survival["harm"]
        for name, found in estimates.items():
            flat[name], flat[f"{name}_mc_standard_error"] = found["value"], found["mc_standard_error"]
        for name in ("n_events", "n_randomized", "n_screened", "duration", "cost"):
            flat[name] = getattr(self, name)["mean"]
            flat[f"{name}_mc_standard_error"] = getattr(self, name)["mc_standard_error"]
        return flat


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResults:
    """All designs of one scenario, simulated on common random numbers.

    Parameters
    ----------
    scenario : dict
        Settings, as read.
    replicates, seed : int
        As asked for.
    designs : dict of DesignResults
        By name.
    warnings : tuple of str
        What a reader must know: disagreement with the closed form, infeasible designs.
    """

    scenario: dict[str, Any]
    replicates: int
    seed: int
    designs: dict[str, DesignResults]
    warnings: tuple[str, ...] = ()

    @property
    def largest_gap(self) -> float:
        """Largest distance between simulation and closed form, in Monte-Carlo standard errors; NaN without any."""
        gaps = [
            abs(d.closed_form["gap_in_standard_errors"])
            for d in self.designs.values()
            if d.closed_form is not None
        ]
        return max(gaps, default=float("nan"))

    def to_dict(self) -> dict[str, Any]:
        """Plain values in the shape of `results.json`.

        Returns
        -------
        dict
            Full precision.
        """
        return {
            "scenario": self.scenario,
            "replicates": self.replicates,
            "seed": self.seed,
            "designs": {name: found.to_dict() for name, found in self.designs.items()},
            "closed_form": {
                name: found.closed_form or {"none": found.no_closed_form}
                for name, found in self.designs.items()
            },
            "warnings": list(self.warnings),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Designs by operating characteristics.

        Returns
        -------
        list of dict
            One a design, in the scenario's order.
        """
        return [found.row() for found in self.designs.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPoint:
    """One point of the grid under `vary`.

    Parameters
    ----------
    values : dict
        Value by dotted path; empty where nothing varies.
    results : StudyResults
        All designs at these values.
    """

    values: dict[str, Any]
    results: StudyResults

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the results, the point's values first.

        Returns
        -------
        list of dict
            One a design.
        """
        return [self.values | row for row in self.results.rows()]
