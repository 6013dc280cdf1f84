"""Imports go down the floors, never up and never sideways; heavy libraries stay in their rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FLOORS = [  # lowest first; a room that is not here fails until it is given a floor
    {"errors", "_version"},
    {"units", "config", "files"},
    {"schema", "evidence"},
    {"cohort", "parallel"},
    {"features", "survival"},
    {"models", "synthetic"},
    {"analysis", "trials"},
    {"report"},
    {"workflows"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# third-party packages and the lowest floor or the only rooms that may import them
LIBRARIES = {
    "yaml": {"config", "evidence", "features", "synthetic"},
    "pandas": {"cohort", "features", "models", "synthetic", "analysis", "report", "workflows"},
    "python_calamine": {"cohort"},
    "pyarrow": {"cohort", "synthetic", "workflows"},
    "pyreadstat": {"cohort"},
    "xlsxwriter": {"cohort", "report"},
    "sklearn": {"features", "models"},
    "lifelines": {"models"},
    "numba": {"survival", "trials"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "docx": {"report"},
    "weasyprint": {"report"},
    "typer": {"cli"},
    "rich": {"cli"},
    "markupsafe": {"report"},
    "scipy": {"survival", "synthetic", "analysis", "models", "trials"},
}

ROOT = Path(__file__).parents[1] / "igfstrat"
MODULES = [p for p in sorted(ROOT.rglob("*.py")) if p != ROOT / "__init__.py"]


def imported_names(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name


def violations(room: str, source: str) -> list[str]:
    found = []
    for line, name in imported_names(source):
        top, *rest = name.split(".")
        if top == "igfstrat" and rest:
            there = rest[0]
            if there != room and FLOOR_OF[there] >= FLOOR_OF[room]:
                found.append(
                    f"{line}: {room} (floor {FLOOR_OF[room]}) imports {there} (floor {FLOOR_OF[there]})"
                )
        elif top in LIBRARIES and room not in LIBRARIES[top]:
            found.append(
                f"{line}: {room} imports {top}, which belongs in {', '.join(sorted(LIBRARIES[top]))}"
            )
    return found


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    assert room_of(path) in FLOOR_OF, f"{path}: give the new room a floor"
    found = violations(room_of(path), path.read_text(encoding="utf-8"))
    assert not found, "\n".join(f"{path}:{line}" for line in found)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("units", "from igfstrat.cli import main"),
        ("features", "def f():\n    import igfstrat.survival"),
        ("survival", "import pandas as pd"),
        ("cohort", "from lifelines import CoxPHFitter"),
    ],
    ids=[
        "upward",
        "sideways and hidden in a function",
        "a library of another room",
        "lifelines below models",
    ],
)
def test_the_walker_sees_a_forbidden_import(room, source):
    assert violations(room, source)
