"""Numbers of a cohort configuration: each names its evidence, or says that it is assumed.

A number with evidence must be the estimate of that registry entry; what stands only in an entry's note, or was
derived from several, is assumed. Paths (``igf1r.prevalence.luminal_a``) name numbers in tables and messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, model_validator

from igfstrat.config import StrictModel
from igfstrat.errors import UsageError
from igfstrat.evidence import get_evidence


class Number(StrictModel):
    """A number and where it comes from: an evidence id, or `assumed: true`."""

    value: float
    evidence: str | None = None
    assumed: bool = False

    @model_validator(mode="after")
    def _has_origin(self) -> Self:
        if (self.evidence is None) == (not self.assumed):
            message = "give either evidence: <id> or assumed: true"
            raise ValueError(message)
        if self.evidence is not None and get_evidence(self.evidence).estimate != self.value:
            message = (
                f"{self.value:g} is not what {self.evidence} reports ({get_evidence(self.evidence).estimate})"
            )
            raise ValueError(message)
        return self


class Numbers(StrictModel):
    """Numbers that belong together and have no evidence of their own: knots of a shape, allele frequencies."""

    values: tuple[float, ...]
    assumed: Literal[True]


Model = TypeVar("Model", bound=StrictModel)


def walk_numbers(config: StrictModel) -> Iterator[tuple[str, Number]]:
    """Every number of a configuration with its path.

    Parameters
    ----------
    config : StrictModel
        A configuration or a section of one.

    Yields
    ------
    tuple of str and Number
        Keys joined by dots, in the order of the model.

    Examples
    --------
    >>> class Section(StrictModel):
    ...     mean: Number
    >>> [path for path, _ in walk_numbers(Section(mean=Number(value=1.0, assumed=True)))]
    ['mean']
    """
    yield from _walk(config, ())


def _walk(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Number]]:
    if isinstance(node, Number):
        yield ".".join(path), node
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from _walk(getattr(node, name), (*path, name))
    elif isinstance(node, Mapping):
        for name, below in node.items():
            yield from _walk(below, (*path, str(name)))


def with_numbers(config: Model, values: Mapping[str, float]) -> Model:
    """A configuration with other numbers, which are assumed from then on.

    Parameters
    ----------
    config : StrictModel
        The configuration; it isn't changed.
    values : mapping of str to float
        New value by path.

    Returns
    -------
    StrictModel
        Checked as a whole, so that shares that no longer add up are refused.

    Raises
    ------
    UsageError
        If there is no number at a path.

    Examples
    --------
    >>> class Section(StrictModel):
    ...     mean: Number
    >>> with_numbers(Section(mean=Number(value=1.0, assumed=True)), {"mean": 2.0}).mean.value
    2.0
    """
    data = config.model_dump()
    known = dict(walk_numbers(config))
    for path, value in values.items():
        if path not in known:
            message = f"the configuration has no number {path!r}"
            raise UsageError(message)
        *above, last = path.split(".")
        node = data
        for key in above:
            node = node[key]
        node[last] = {"value": float(value), "evidence": None, "assumed": True}
    return type(config).model_validate(data)
