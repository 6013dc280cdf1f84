"""The pages that are generated from the code say what the code says (golden: `python docs/generate.py` rewrites them)."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
GENERATE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATE)


@pytest.mark.parametrize("name", sorted(GENERATE.PAGES))
def test_generated_page_is_up_to_date(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == GENERATE.PAGES[name]()


def test_every_link_of_the_readme_leads_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target


def test_every_test_named_on_the_validation_page_exists():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")))
    written = {
        m
        for p in (ROOT / "tests").rglob("test_*.py")
        for m in re.findall(r"def (test_\w+)", p.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= written, named - written
