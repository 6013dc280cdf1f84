"""The tables in `igfstrat.trials` and in its rooms against the imports, read from the sources."""

import ast
import re
from pathlib import Path

import pytest

import igfstrat.trials

FOLDER = Path(igfstrat.trials.__file__).parent


def table(folder):
    """Names in the table of a folder's docstring, in their order."""
    doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
    return re.findall(r"^    (\w+) +\S", doc, re.MULTILINE)


def imported(source):
    """Room and module of each import from the trials, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.startswith("igfstrat.trials."):
                room, module, *_ = (*name.split(".")[2:], "")
                yield room, module


def modules_of(room):
    return {path.stem: path for path in (FOLDER / room).glob("*.py") if path.stem != "__init__"}


ROOMS = table(FOLDER)


def test_each_room_has_a_line_and_each_line_a_room():
    assert sorted(ROOMS) == sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))


def test_no_module_stands_outside_the_rooms():
    assert [path.name for path in FOLDER.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("room", ROOMS)
def test_each_module_of_a_room_has_a_line_and_each_line_a_module(room):
    assert sorted(table(FOLDER / room)) == sorted(modules_of(room))


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_from_one_below_it(room):
    below = ROOMS[ROOMS.index(room) + 1 :]
    for name, path in modules_of(room).items():
        found = [there for there in imported(path.read_text("utf-8")) if there[0] in below]
        assert not found, f"{room}.{name} needs {found}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_imports_from_those_below_it_in_its_room(room):
    names = table(FOLDER / room)
    for place, name in enumerate(names):
        source = modules_of(room)[name].read_text("utf-8")
        found = {module for there, module in imported(source) if there == room} - set(names[:place])
        assert not found, f"{room}.{name} needs {sorted(found)}"


def test_what_has_an_underscore_is_imported_in_its_own_room_only():
    for path in FOLDER.parent.rglob("*.py"):
        found = [there for there in imported(path.read_text("utf-8")) if there[1].startswith("_")]
        assert all(room == path.parent.name for room, _ in found), f"{path}: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "from igfstrat.trials.kernels.look import evaluate",
        "def f():\n    from igfstrat.trials.kernels import look as kernel",
        "import igfstrat.trials.kernels.look",
    ],
    ids=["a name", "a module, in a function", "by its whole path"],
)
def test_the_walker_sees_an_import(source):
    assert list(imported(source)) == [("kernels", "look")]
