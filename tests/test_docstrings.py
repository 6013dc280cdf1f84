"""Public names explain themselves: purpose, parameters with shape and unit, returns, errors, sources."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "igfstrat"
MODULES = sorted(ROOT.rglob("*.py"))
ARRAY = re.compile(r"\b(array-like|ndarray|Series|DataFrame)\b")
SHAPE = re.compile(r"shape|one row|columns")
MAX_LINES, MAX_FUNCTION = 400, 40


def public_functions(tree):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for sub in node.body:
                is_public = isinstance(sub, ast.FunctionDef) and not sub.name.startswith("_")
                if is_public and not any("override" in ast.unparse(d) for d in sub.decorator_list):
                    yield f"{node.name}.{sub.name}", sub


def sections(doc):
    """The numpydoc sections of a docstring, by heading."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def is_inside(path):
    """Only its room calls what has an underscore, only the trials call kernels; sections are explained by their YAML."""
    room, is_private = path.parent.name, path.name.startswith("_") and path.name != "__init__.py"
    return is_private or room == "kernels" or (room == "scenario" and path.stem != "scenario")


def raises_directly(node):
    own = [n for n in ast.walk(node) if isinstance(n, ast.Raise) and n.exc is not None]
    return any("NotImplementedError" not in ast.unparse(n.exc) for n in own)


def returns_something(node):
    returns = node.returns
    return returns is not None and ast.unparse(returns) not in {"None", "NoReturn"}


def faults_of(name, node):
    doc = ast.get_docstring(node)
    if not doc:
        return [f"{name}: no docstring"]
    found, parts = [], sections(doc)
    arguments = [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in {"self", "cls"}]
    is_property = any(
        ast.unparse(d).endswith(("property", "validator", "serializer")) for d in node.decorator_list
    )
    if not doc.split("\n")[0].endswith("."):
        found.append(f"{name}: the first line is not a sentence")
    missing = [
        a
        for a in arguments
        if not re.search(rf"^[^\n]*\b{a}\b[^\n]*:", parts.get("Parameters", ""), re.MULTILINE)
    ]
    if missing:
        found.append(f"{name}: parameters not described: {', '.join(missing)}")
    if returns_something(node) and not is_property and not ({"Returns", "Yields"} & set(parts)):
        found.append(f"{name}: no Returns section")
    if raises_directly(node) and "Raises" not in parts:
        found.append(f"{name}: raises, but has no Raises section")
    for heading in ("Parameters", "Returns"):
        for line in parts.get(heading, "").split("\n"):
            if ARRAY.search(line) and not line.startswith("   ") and not SHAPE.search(line):
                found.append(f"{name}: array without a shape: {line.strip()}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_public_names_explain_themselves(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path}: no module docstring"
    if is_inside(path):  # a sentence each is enough
        found = [
            f"{name}: no docstring" for name, node in public_functions(tree) if not ast.get_docstring(node)
        ]
    else:
        found = [fault for name, node in public_functions(tree) for fault in faults_of(name, node)]
    found += [
        f"{n.name}: no docstring"
        for n in tree.body
        if isinstance(n, ast.ClassDef) and not n.name.startswith("_") and not ast.get_docstring(n)
    ]
    assert not found, "\n".join(f"{path.name}: {fault}" for fault in found)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_LINES, f"{path}: {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= MAX_FUNCTION, f"{path}:{node.lineno}: {node.name} has {length} lines"


def test_the_walker_sees_a_bare_function():
    tree = ast.parse("def f(x: int) -> int:\n    return x")
    assert [fault for name, node in public_functions(tree) for fault in faults_of(name, node)]


def test_the_walker_sees_an_array_without_shape():
    source = '''
def f(x: list) -> None:
    """Do a thing.

    Parameters
    ----------
    x : array-like of float
        Values.
    """
'''
    tree = ast.parse(source)
    assert [fault for name, node in public_functions(tree) for fault in faults_of(name, node)] == [
        "f: array without a shape: x : array-like of float"
    ]
