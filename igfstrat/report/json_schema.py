"""The JSON Schema of `report.json`, so that other programs know what they may read.

Sections that a plan switches on add keys of their own; what stands here always holds.
"""

from __future__ import annotations

from typing import Any, Final

_NUMBER: Final[dict[str, Any]] = {"type": ["number", "null"]}
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_OPTIONAL_TEXT: Final[dict[str, Any]] = {"type": ["string", "null"]}
# a small count that is kept back stands as text, as "<5"
_COUNT: Final[dict[str, Any]] = {
    "type": ["integer", "string", "null"],
    "minimum": 0,
    "pattern": "^(<[0-9]+|hidden)$",
}
_CURVE: Final = ("time", "survival", "ci_lower", "ci_upper", "n_at_risk", "n_events", "n_censored")


def report_schema() -> dict[str, Any]:
    """The schema of `report.json`.

    Returns
    -------
    dict
        JSON Schema, draft 2020-12; ``igfstrat/data/report.schema.json`` is its stored form.

    Examples
    --------
    >>> sorted(report_schema()["required"])[:3]
    ['cohort', 'disease', 'endpoints']
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "igfstrat survival report",
        "description": "Every number of the report at full precision; times in months, probabilities from 0 to 1.",
        **_object(
            ("table_one", "subgroups", "evidence_comparison", "further", "register"),
            purpose=_TEXT,
            cohort={"type": "object", "description": "the file and how it was read"},
            grouping=_grouping(),
            disease=_OPTIONAL_TEXT,
            endpoints={"type": "object", "additionalProperties": {"$ref": "#/$defs/endpoint"}},
            table_one={
                "type": "object",
                "description": "patients by group, and evaluable against not evaluable",
            },
            subgroups={"type": "object", "description": "effects within subgroups and their interactions"},
            evidence_comparison=_array({"type": "object", "description": "this cohort beside the registry"}),
            further={
                "type": "object",
                "description": "by endpoint: pairwise, continuous, adjusted, treatment, cutpoint, competing, landmark",
            },
            register={"type": "object", "description": "how often this cohort was looked at in this folder"},
            notes=_array(_TEXT),
            limitations=_array(_TEXT),
            settings={"type": "object", "description": "the plan's analysis section"},
            versions={"type": "object", "additionalProperties": _TEXT},
        ),
        "$defs": _definitions(),
    }


def _object(optional: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _reference(name: str, *, optional: bool = False) -> dict[str, Any]:
    found = {"$ref": f"#/$defs/{name}"}
    return {"anyOf": [found, {"type": "null"}]} if optional else found


def _grouping() -> dict[str, Any]:
    return _object(
        name=_TEXT, title=_TEXT, rule=_TEXT, measure=_OPTIONAL_TEXT, biomarker=_OPTIONAL_TEXT, compartment=_OPTIONAL_TEXT
    )  # fmt: skip


def _definitions() -> dict[str, Any]:
    estimate = {"value": _NUMBER, "ci_lower": _NUMBER, "ci_upper": _NUMBER, "p_value": _NUMBER,
                "not_estimable": _OPTIONAL_TEXT}  # fmt: skip
    return {
        "estimate": _object(**estimate),
        "hazard_ratio": _object(term=_TEXT, reference=_TEXT, **estimate),
        "milestone": _object(months={"type": "number", "exclusiveMinimum": 0}, n_at_risk=_COUNT, **estimate),
        "curve": _object(
            ("n_at_risk", "n_events", "n_censored"), **{name: _array(_NUMBER) for name in _CURVE}
        ),
        "step": _object(label=_TEXT, n=_COUNT, left_out={"type": "object", "additionalProperties": _COUNT}),
        "group": _object(
            label=_TEXT, n=_COUNT, n_events=_COUNT, median_months=_reference("estimate"),
            milestones=_array(_reference("milestone")), curve=_reference("curve"),
        ),
        "endpoint": _endpoint(),
    }  # fmt: skip


def _endpoint() -> dict[str, Any]:
    return _object(
        name=_TEXT, title=_TEXT, definition=_OPTIONAL_TEXT, note=_OPTIONAL_TEXT,
        n=_COUNT, n_events=_COUNT, n_zero_time=_COUNT, n_zero_time_events=_COUNT,
        headline={"enum": ["logrank", "stratified_logrank", "rmst_difference"]},
        rmst_tau=_NUMBER,
        logrank=_reference("estimate"),
        stratified_logrank=_reference("estimate", optional=True),
        proportional_hazards=_reference("estimate"),
        rmst_difference=_reference("estimate", optional=True),
        follow_up=_reference("estimate"),
        flow=_array(_reference("step")),
        groups=_array(_reference("group")),
        hazard_ratios=_array(_reference("hazard_ratio")),
        continuous=_reference("hazard_ratio", optional=True),
    )  # fmt: skip
