"""Model files: JSON that is read, never run.

A file holds the design matrix, the equation, the baseline and what is said about the model, with a checksum over all of
it. Loading looks at the size, the first bytes and the depth before anything is parsed; a pickle is refused unopened, and
one changed byte is enough to refuse a file.
"""

from __future__ import annotations

import hashlib
import json
import math
import pickletools
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import ValidationError

from igfstrat._version import __version__
from igfstrat.config import ConfigText, make_config
from igfstrat.errors import ConfigError, IgfstratError, UnsafeFileError, UsageError, safe_text
from igfstrat.files import write_bytes
from igfstrat.models._conversion import (
    card_document,
    card_of,
    design_document,
    equation_document,
    pipeline_of,
)
from igfstrat.models._document import SCHEMA, SCHEMAS, ModelDocument
from igfstrat.models.base import SurvivalModel
from igfstrat.models.card import RESEARCH_USE, ModelCard, StoredModel, tripod_items
from igfstrat.models.design import DesignMatrix
from igfstrat.models.outcome import read_outcome
from igfstrat.models.pipeline import RiskPipeline, TunedPipeline

MAX_BYTES: Final = 20_000_000
MAX_DEPTH: Final = 20
_MAX_DIGITS = 25
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def training_hash(X: pd.DataFrame, y: Any) -> str:  # noqa: N803 - scikit-learn's name
    """Hash of training data, by which a model can be traced to them.

    Parameters
    ----------
    X : DataFrame, one row a patient
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.

    Returns
    -------
    str
        SHA-256 of the headers, the values at full precision in their order, times and events; 64 hexadecimal digits.
    """
    time, event = read_outcome(y, len(X))
    table = X.assign(**{"(time)": time, "(event)": event})
    text = table.to_csv(index=False, lineterminator="\n", float_format=None)
    return hashlib.sha256(text.encode("utf-8", errors="backslashreplace")).hexdigest()


def stored_model(model: Any, card: ModelCard) -> StoredModel:
    """A model as its file would hold it.

    Parameters
    ----------
    model : RiskPipeline or TunedPipeline
        Fitted, made by `make_risk_pipeline`.
    card : ModelCard
        What is said about it.

    Returns
    -------
    StoredModel
        The same model, with the checksum of its file.
    """
    pipeline = _own_pipeline(model)
    return StoredModel(pipeline=pipeline, card=card, sha256=_content(pipeline, card)["checksum"])


def save_model(path: Path, model: Any, card: ModelCard) -> str:
    """Write a model file, whole or not at all.

    Parameters
    ----------
    path : Path
        Where it shall stand.
    model : RiskPipeline or TunedPipeline
        Fitted, made by `make_risk_pipeline`.
    card : ModelCard
        What is said about it.

    Returns
    -------
    str
        Checksum of the content.

    Raises
    ------
    UsageError
        If the model isn't one of ours, or the file would be larger than `load_model` takes.
    """
    content = _content(_own_pipeline(model), card)
    raw = _rendered(content)
    if len(raw) > MAX_BYTES:
        message = (
            f"the model file would have {len(raw):,} bytes, the most are {MAX_BYTES:,}; use fewer columns"
        )
        raise UsageError(message)
    write_bytes(path, raw)
    checksum: str = content["checksum"]
    return checksum


def load_model(path: Path) -> StoredModel:
    """Read a model file. Nothing in it is run.

    Parameters
    ----------
    path : Path
        A file of `save_model`, at most 20 MB.

    Returns
    -------
    StoredModel
        Its predictions are those of the saved model to the last bit.

    Raises
    ------
    ConfigError
        If it is empty, too large, nested too deeply, no JSON, of an unknown schema, changed, or doesn't hold together.
    UnsafeFileError
        If it is a pickle or another binary file that could run code.
    """
    name = safe_text(path.name)
    raw = _read(path, name)
    _refuse_binary(raw, name)
    _refuse_deep(raw, name)
    data = _parsed(raw, name)
    if not isinstance(data, dict) or "schema" not in data:
        message = f"{name}: not an igfstrat model: it has no 'schema'; save one with `igfstrat fit`"
        raise ConfigError(message)
    if data["schema"] not in SCHEMAS:
        message = f"{name}: model schema {safe_text(data['schema'])!r} is unknown here; this version reads {', '.join(SCHEMAS)}"
        raise ConfigError(message)
    if data.get("checksum") != _checksum(data) or _rendered(data) != raw:
        message = f"{name}: the model file was changed or damaged: its checksum doesn't fit; get it again from its source"
        raise ConfigError(message)
    document = make_config(ModelDocument, ConfigText(data, {}, name))
    try:
        pipeline = pipeline_of(document)
    except (ValueError, TypeError, ValidationError) as error:
        message = f"{name}: the model doesn't hold together: {safe_text(error, limit=200)}"
        raise ConfigError(message) from error
    return StoredModel(pipeline=pipeline, card=card_of(document.card), sha256=document.checksum)


def _own_pipeline(model: Any) -> RiskPipeline:
    pipeline: Any = model.best_estimator_ if isinstance(model, TunedPipeline) else model
    steps = [step for _, step in pipeline.steps] if isinstance(pipeline, RiskPipeline) else []
    if len(steps) != 2 or not isinstance(steps[0], DesignMatrix) or not isinstance(steps[1], SurvivalModel):
        message = f"{type(model).__name__} can't be stored; only what make_risk_pipeline builds with igfstrat's own models can"
        raise UsageError(message)
    own: RiskPipeline = pipeline
    return own


def _content(pipeline: RiskPipeline, card: ModelCard) -> dict[str, Any]:
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "igfstrat": __version__,
        "purpose": RESEARCH_USE,
        "card": card_document(card),
        "design": design_document(pipeline["design"]),
        "model": equation_document(pipeline.steps[-1][1]),
        "tripod_ai": tripod_items(pipeline, card),
    }
    content = json.loads(json.dumps(content, default=_plain, allow_nan=False))
    return content | {"checksum": _checksum(content)}


def _plain(value: Any) -> Any:
    """Numpy's numbers and a configuration's tuples, as JSON knows them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    message = f"a model card holds plain values only, found {type(value).__name__}"
    raise UsageError(message)


def _checksum(content: dict[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "checksum"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _rendered(content: dict[str, Any]) -> bytes:
    """The one way in which a content is written, so that a changed space is a change too."""
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("ascii")


def _read(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():
            message = f"{safe_text(path)} is not there, or is not a regular file"
            raise ConfigError(message)
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, IgfstratError):
            raise
        message = f"cannot read the model {safe_text(path)}: {safe_text(error)}"
        raise ConfigError(message) from error
    if len(raw) > MAX_BYTES or not raw.strip():
        what = "empty" if not raw.strip() else f"too large: a model has at most {MAX_BYTES:,} bytes"
        message = f"{name}: the model file is {what}"
        raise ConfigError(message)
    return raw


def _refuse_binary(raw: bytes, name: str) -> None:
    """A model file is text that begins with a bracket; a pickle, joblib, numpy or torch file isn't."""
    try:
        raw.decode("utf-8")
        binary = b"\0" in raw
    except UnicodeDecodeError:
        binary = True
    if binary or (raw.lstrip()[:1] not in (b"{", b"[") and _is_pickle(raw)):
        message = (
            f"{name}: unsafe: a pickle or another binary file, which could run code or hold any object; "
            "it was not opened. A model is a JSON file of `igfstrat fit`"
        )
        raise UnsafeFileError(message)


def _is_pickle(raw: bytes) -> bool:
    """Whether the bytes read as the instructions of a pickle; they are listed, not followed."""
    try:
        return sum(1 for _ in pickletools.genops(raw)) > 1
    except Exception:  # the lister raises of many kinds on what is no pickle
        return False


def _refuse_deep(raw: bytes, name: str) -> None:
    plain = np.frombuffer(_STRING.sub(b"", raw), np.uint8)
    step = np.isin(plain, (ord("["), ord("{"))).astype(np.int64) - np.isin(plain, (ord("]"), ord("}")))
    if np.cumsum(step).max(initial=0) > MAX_DEPTH:
        message = f"{name}: the model file is nested too deeply (more than {MAX_DEPTH} brackets)"
        raise ConfigError(message)


def _parsed(raw: bytes, name: str) -> Any:
    try:
        return json.loads(
            raw, parse_int=_integer, parse_float=_float, parse_constant=_constant, object_pairs_hook=_unique
        )
    except RecursionError as error:
        message = f"{name}: the model file is nested too deeply"
        raise ConfigError(message) from error
    except ValueError as error:
        message = f"{name}: not a model file: {safe_text(error)}"
        raise ConfigError(message) from error


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        message = f"an integer of {len(text)} digits"
        raise ValueError(message)
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        message = f"the number {text[:20]} is infinite"
        raise ValueError(message)
    return value


def _constant(text: str) -> float:
    message = f"{text} is no number that a model may hold"
    raise ValueError(message)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return found
