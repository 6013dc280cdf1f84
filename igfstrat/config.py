"""Strict YAML: the scalars of YAML 1.2, no surprises, every problem at once.

Only `true` and `false` are booleans; `NO`, `on`, `0123`, `12:30:45` and `2024-01-05` stay text.
Tags are refused as unsafe; equal keys, aliases in numbers, deep nesting and unknown keys as
errors. This module holds no schema of its own: each room owns the model of its section and
derives it from `StrictModel`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from igfstrat.errors import ConfigError, UnsafeFileError, safe_text

_MAX_BYTES: Final = 1_000_000
_MAX_DEPTH: Final = 40
_MAX_ALIASES: Final = 20


def _as_word(value: Any) -> Any:
    """Codes are text: a bare 0 or true in YAML is what the cell says."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_as_word)]


class StrictModel(BaseModel):
    """Base of every section of a configuration: frozen, no unknown keys, no silent conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Yaml12Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2."""


_Yaml12Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$",
        "-+0123456789",
    ),
):
    _Yaml12Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


Model = TypeVar("Model", bound=StrictModel)


class ConfigText:
    """A parsed configuration and the line on which each of its keys stands.

    Parameters
    ----------
    data : dict
        Plain Python values; sequences are tuples, since nothing changes them.
    lines : dict
        Line number by path of keys.
    source : str
        Name of the file, for messages.
    """

    def __init__(self, data: dict[str, Any], lines: dict[tuple[str, ...], int], source: str) -> None:
        self.data = data
        self.lines = lines
        self.source = source


def read_yaml(path: Path) -> ConfigText:
    """Read a configuration file.

    Parameters
    ----------
    path : Path
        A YAML file of at most 1 MB in UTF-8.

    Returns
    -------
    ConfigText
        Its values and their lines.

    Raises
    ------
    ConfigError
        If the file is missing, empty, too large, not UTF-8, not YAML, not a mapping, or has equal keys.
    UnsafeFileError
        If it holds a tag, which could ask for code to be run.
    """
    try:
        raw = path.read_bytes() if path.is_file() else None
    except OSError as error:
        message = f"cannot read {safe_text(path)}: {error.strerror}"
        raise ConfigError(message) from error
    if raw is None:
        message = f"{safe_text(path)} is not there, or is not a regular file"
        raise ConfigError(message)
    if len(raw) > _MAX_BYTES:
        message = f"{path.name}: {len(raw):,} bytes; a configuration has at most {_MAX_BYTES:,}"
        raise ConfigError(message)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path.name}: not UTF-8 at byte {error.start}; save it as UTF-8"
        raise ConfigError(message) from error
    return parse_yaml(text, source=path.name)


def parse_yaml(text: str, *, source: str) -> ConfigText:
    """Parse a configuration from text.

    Parameters
    ----------
    text : str
        YAML.
    source : str
        Name for messages.

    Returns
    -------
    ConfigText
        Its values and their lines.

    Raises
    ------
    ConfigError
        If it is not one YAML mapping, nests too deeply, or has equal keys.
    UnsafeFileError
        If it holds a tag.

    Examples
    --------
    >>> parse_yaml("country: NO", source="x.yaml").data
    {'country': 'NO'}
    """
    try:
        _check_events(text, source)
        root = yaml.compose(text, Loader=_Yaml12Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        message = f"{source}{place}: not valid YAML ({getattr(error, 'problem', None) or 'unreadable'})"
        raise ConfigError(message) from error
    lines: dict[tuple[str, ...], int] = {}
    if not isinstance(root, yaml.MappingNode):
        message = f"{source}: empty, or not a mapping of keys to values"
        raise ConfigError(message)
    faults: list[str] = []
    data = _build(root, (), lines, faults)
    if faults:
        raise ConfigError(_headline(source, faults))
    return ConfigText(data, lines, source)


def _check_events(text: str, source: str) -> None:
    """Look at the stream before anything is built: depth, aliases, tags."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Yaml12Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        line = event.start_mark.line + 1 if event.start_mark else 1
        tag = getattr(event, "tag", None)
        if tag is not None:
            message = f"{source}, line {line}: tag {safe_text(tag)} is unsafe in a config; write plain values"
            raise UnsafeFileError(message)
        if depth > _MAX_DEPTH or aliases > _MAX_ALIASES:
            what = "nested too deeply" if depth > _MAX_DEPTH else "too many aliases"
            message = f"{source}, line {line}: {what}; write it out plainly"
            raise ConfigError(message)


def _build(
    node: yaml.Node, path: tuple[str, ...], lines: dict[tuple[str, ...], int], faults: list[str]
) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in built:
                faults.append(
                    f"line {key_node.start_mark.line + 1}  {'.'.join((*path, key))}  the key stands twice"
                )
            built[key] = _build(value_node, (*path, key), lines, faults)
            lines[(*path, key)] = key_node.start_mark.line + 1
        return built
    if isinstance(node, yaml.SequenceNode):
        return tuple(_build(item, (*path, str(i)), lines, faults) for i, item in enumerate(node.value))
    kind = node.tag.rsplit(":", 1)[-1]
    if kind == "int":
        return int(node.value) if len(node.value) <= 30 else node.value
    if kind == "float":
        return float(node.value)
    if kind == "bool":
        return node.value == "true"
    return None if kind == "null" else str(node.value)


def make_config(model: type[Model], text: ConfigText) -> Model:
    """Check a parsed configuration against its model.

    Parameters
    ----------
    model : type of StrictModel
        The model of the whole file.
    text : ConfigText
        What was parsed.

    Returns
    -------
    StrictModel
        An instance of `model`.

    Raises
    ------
    ConfigError
        With every fault: line, key, value found, and 'did you mean' for unknown keys.
    """
    try:
        return model.model_validate(text.data)
    except ValidationError as error:
        faults = [_fault(model, text, dict(item)) for item in error.errors()]
        raise ConfigError(_headline(text.source, faults)) from error


def _headline(source: str, faults: list[str]) -> str:
    count = f"{len(faults)} problem{'s' if len(faults) != 1 else ''} in {source}"
    return "\n".join([count, *(f"  {fault}" for fault in faults)])


def _fault(model: type[StrictModel], text: ConfigText, error: Mapping[str, Any]) -> str:
    path = tuple(str(part) for part in error["loc"])
    known = path
    while known and known not in text.lines:
        known = known[:-1]
    where = f"line {text.lines.get(known, 1)}  {'.'.join(path) or 'the file'}"
    if error["type"] == "extra_forbidden":
        return f"{where}  unknown key{_did_you_mean(path[-1], _siblings(model, path[:-1]))}"
    if error["type"] == "missing":
        return f"{where}  missing"
    found = safe_text(json.dumps(error.get("input"), ensure_ascii=False, default=str))
    what = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{where}  found {found}; {'must be ' if what.startswith(('a ', 'one ', 'greater', 'less')) else ''}{what}"


def _siblings(model: type[StrictModel], path: tuple[str, ...]) -> list[str]:
    """The keys that would be known where an unknown one stands."""
    current: Any = model
    for part in path:
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return []
        info = current.model_fields.get(part)
        current = _model_within(info.annotation) if info else None
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _model_within(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for part in getattr(annotation, "__args__", ()) if (m := _model_within(part))), None)


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known here: {', '.join(known)}" if known else ""


def config_path(name: str, kind: str) -> Path:
    """The file that a name on the command line stands for.

    Parameters
    ----------
    name : str
        A path, or the bare name of a packaged file (``breast``).
    kind : str
        Folder of packaged files: ``plans``, ``maps``, ``cohorts`` or ``scenarios``.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    ConfigError
        If there is no such file; the packaged names are listed.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        if path.is_file():
            return path
        message = f"{safe_text(name)} is not there"
        raise ConfigError(message)
    folder = packaged_configs() / kind
    packaged = folder / f"{name}.yaml"
    if packaged.is_file():
        return packaged
    names = sorted(p.stem for p in folder.glob("*.yaml"))
    message = f"no packaged {kind.removesuffix('s')} is named {safe_text(name)!r}{_did_you_mean(name, names)}"
    raise ConfigError(message)


def packaged_configs() -> Path:
    """The folder of packaged configurations: inside the installed package, or beside it in a checkout.

    Returns
    -------
    Path
        The folder.
    """
    here = Path(__file__).resolve().parent
    return here / "configs" if (here / "configs").is_dir() else here.parent / "configs"
