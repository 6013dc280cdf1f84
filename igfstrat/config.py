"""Strict YAML: the scalars of YAML 1.2, no surprises, every problem at once.

Only `true` and `false` are booleans; `NO`, `on`, `0123`, `12:30:45` and `2024-01-05` stay text.
Tags are refused as unsafe; equal keys, aliases that multiply, deep nesting and unknown keys as
errors. This module holds no schema of its own: each room owns the model of its section and
derives it from `StrictModel`.
"""

from __future__ import annotations

import difflib
import json
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from igfstrat.errors import ConfigError, IgfstratError, UnsafeFileError, safe_text

_MAX_BYTES: Final = 1_000_000
_MAX_DEPTH: Final = 40
_MAX_ALIASES: Final = 20
_MAX_NODES: Final = 100_000
_MAX_EVENTS: Final = 40_000  # some seconds of reading
_MAX_INTEGER: Final = 2**63 - 1
_SHOWN_FAULTS: Final = 50


def _as_word(value: Any) -> Any:
    """Codes are text: a bare 0 or true in YAML is what the cell says."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):  # 1.10 and 1e3 would come back as 1.1 and 1000.0
        message = "a number with a fraction or an exponent stands where a word is meant; put it in quotes"
        raise ValueError(message)
    return str(value) if isinstance(value, int) else value


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
    ("tag:yaml.org,2002:int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("tag:yaml.org,2002:float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", "-0123456789"),
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
    name = safe_text(path.name)
    if not _is_file(path):
        message = f"{safe_text(path)} is not there, or is not a regular file"
        raise ConfigError(message)
    try:
        with path.open("rb") as handle:
            raw = handle.read(_MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot read {safe_text(path)}: {error.strerror}"
        raise ConfigError(message) from error
    if len(raw) > _MAX_BYTES:
        message = f"{name}: too large; a configuration has at most {_MAX_BYTES:,} bytes"
        raise ConfigError(message)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8"
        raise ConfigError(message) from error
    return parse_yaml(text, source=name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


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
    except IgfstratError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two on escapes beyond Unicode
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        why = safe_text(getattr(error, "problem", None) or "unreadable")
        message = f"{source}{place}: not valid YAML ({why})"
        raise ConfigError(message) from error
    if not isinstance(root, yaml.MappingNode):
        message = f"{source}: empty, or not a mapping of keys to values"
        raise ConfigError(message)
    builder = _Builder(source)
    data = builder.build(root, ())
    if builder.faults:
        faults = builder.faults
        raise ConfigError(_headline(source, faults[:_SHOWN_FAULTS], len(faults) - _SHOWN_FAULTS))
    return ConfigText(data, builder.lines, source)


def _check_events(text: str, source: str) -> None:
    """Look at the stream before anything is built: depth, aliases, tags."""
    depth = aliases = 0
    for n, event in enumerate(yaml.parse(text, Loader=_Yaml12Loader)):
        if n > _MAX_EVENTS:
            message = f"{source}: too many entries; a configuration has at most some {_MAX_EVENTS // 2:,}"
            raise ConfigError(message)
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


class _Builder:
    """Plain values from the nodes of a document, with the line of each key and every equal key."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[tuple[str, ...], int] = {}
        self.faults: list[str] = []
        self._n_nodes = 0

    def build(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self._n_nodes += 1
        # an alias may stand for a whole tree, or for the tree that it stands in
        if self._n_nodes > _MAX_NODES or len(path) > _MAX_DEPTH:
            message = f"{self.source}, line {self.lines[path]}: aliases make it grow without end; write it out plainly"
            raise ConfigError(message)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.build(item, (*path, str(i))) for i, item in enumerate(node.value))
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(
                    f"line {line}  {_dotted(path) or 'the file'}  a key must be one plain word"
                )
                continue
            key = key_node.value
            where = (*path, key)
            if key in built:
                self.faults.append(f"line {line}  {_dotted(where)}  the key stands twice")
            self.lines[where] = line
            built[key] = self.build(value_node, where)
        return built


def _scalar(node: yaml.Node) -> Any:
    kind = node.tag.rsplit(":", 1)[-1]
    if kind == "int":
        # a longer one stays text, so that nothing is rounded and no seed is cut
        is_short = len(node.value) <= 30 and abs(int(node.value)) <= _MAX_INTEGER
        return int(node.value) if is_short else node.value
    if kind == "float":
        return float(node.value)
    if kind == "bool":
        return node.value == "true"
    return None if kind == "null" else str(node.value)


def _dotted(path: tuple[str, ...]) -> str:
    return safe_text(".".join(path))


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
        found = error.errors()
        faults = dict.fromkeys(_fault(model, text, dict(item)) for item in found[:_SHOWN_FAULTS])
        raise ConfigError(_headline(text.source, list(faults), len(found) - _SHOWN_FAULTS)) from error


def _headline(source: str, faults: list[str], n_more: int = 0) -> str:
    n = len(faults) + max(n_more, 0)
    count = f"{n} problem{'s' if n != 1 else ''} in {source}"
    more = [f"  … and {n_more} more"] if n_more > 0 else []
    return "\n".join([count, *(f"  {fault}" for fault in faults), *more])


def _fault(model: type[StrictModel], text: ConfigText, error: Mapping[str, Any]) -> str:
    path = tuple(str(part) for part in error["loc"])
    known = path
    while known and known not in text.lines:  # pydantic adds the branches of a union to the path
        known = known[:-1]
    kind = error["type"]
    if kind in {"extra_forbidden", "missing"}:
        where = f"line {text.lines.get(known, 1)}  {_dotted(path)}"
        siblings = _keys_at(model, path[:-1])
        return (
            f"{where}  missing"
            if kind == "missing"
            else f"{where}  unknown key{_did_you_mean(path[-1], siblings)}"
        )
    where = f"line {text.lines.get(known, 1)}  {_dotted(known) or 'the file'}"
    what = str(error["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    for theirs, ours in _TYPE_WORDS.items():
        what = what.replace(theirs, ours)
    value = error.get("input")
    if isinstance(value, dict):  # a whole section: its lines are in the file
        return f"{where}  {what}"
    found = safe_text(json.dumps(value, ensure_ascii=False, default=str))
    return f"{where}  found {found}; {what}"


_TYPE_WORDS: Final = {
    "a valid tuple": "a list",
    "a valid string": "a word",
    "a valid dictionary": "a mapping",
}


def _keys_at(annotation: Any, path: tuple[str, ...]) -> list[str]:
    """The keys that would be known at a path below a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {info.alias or name: info for name, info in annotation.model_fields.items()}
        if not path:
            return list(fields)
        return _keys_at(fields[path[0]].annotation, path[1:]) if path[0] in fields else []
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) in {dict, tuple}:  # one step of the path is a key or an index
        return next((keys for part in parts if path and (keys := _keys_at(part, path[1:]))), [])
    return next((keys for part in parts if (keys := _keys_at(part, path))), [])


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
        A path, or the bare name of a packaged file (``breast``, ``history/gamma``).
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
    folder = packaged_configs() / kind
    # packaged files may stand in a folder of their own (history/gamma)
    is_packaged = len(path.parts) == 2 and path.parts[0].isidentifier() and (folder / path.parts[0]).is_dir()
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        if _is_file(path):
            return path
        if path.suffix or not is_packaged:
            message = f"{safe_text(name)} is not there"
            raise ConfigError(message)
    packaged = folder / f"{name}.yaml"
    if _is_file(packaged):
        return packaged
    near = folder / path.parent if is_packaged else folder
    names = sorted(p.relative_to(folder).with_suffix("").as_posix() for p in near.glob("*.yaml"))
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
