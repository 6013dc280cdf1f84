"""The table in `igfstrat.trials` against the imports of its modules, read from their sources."""

import ast
import re
from pathlib import Path

import igfstrat.trials

FOLDER = Path(igfstrat.trials.__file__).parent
TABLE = re.findall(r"^    (\w+) +\S", igfstrat.trials.__doc__ or "", re.MULTILINE)


def imported(name):
    """Modules of the folder that one needs, directly or by others."""
    found, left = set(), [name]
    while left:
        tree = ast.parse((FOLDER / f"{left.pop()}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("igfstrat.trials."):
                module = node.module.split(".")[2]
                left += [module] * (module not in found)
                found.add(module)
    return found


def test_each_module_without_an_underscore_has_a_line_and_each_line_a_module():
    public = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    assert sorted(TABLE) == sorted(public)


def test_no_module_imports_from_those_below_it():
    for place, name in enumerate(TABLE):
        below = imported(name) & set(TABLE[place + 1 :])
        assert not below, f"{name} needs {sorted(below)}"
