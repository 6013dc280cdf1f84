"""The packaged maps, and the page that explains maps. Invariants: each map is valid and named, each key is explained, each example is a map."""

import re
from pathlib import Path

import pytest

from igfstrat.cohort import CohortMap
from igfstrat.config import config_path, make_config, read_yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "maps.md").read_text(encoding="utf-8")
NAMES = sorted(path.stem for path in (ROOT / "configs" / "maps").glob("*.yaml"))


def load(path):
    return make_config(CohortMap, read_yaml(path))


@pytest.mark.parametrize("name", NAMES)
def test_every_packaged_map_is_valid_and_named_on_the_page(name):
    assert "patient_id" in load(config_path(name, "maps")).columns
    assert f"| `{name}` |" in PAGE


def test_the_page_names_no_map_that_is_not_packaged():
    section = PAGE.split("## Packaged maps")[1]
    assert sorted(re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)) == NAMES


def test_every_key_of_a_map_is_explained():
    explained = re.findall(r"^\| `([a-z_]+)` \|", PAGE.split("## A REDCap export")[0], re.MULTILINE)
    assert sorted(explained) == sorted(CohortMap.model_fields)


def test_every_example_of_the_page_is_a_map(tmp_path):
    examples = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for i, text in enumerate(examples):
        path = tmp_path / f"{i}.yaml"
        path.write_text(text, encoding="utf-8")
        assert load(path).columns
