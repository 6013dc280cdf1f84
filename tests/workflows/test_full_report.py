"""A report with everything that a plan can ask for: its formats agree with report.json, and each part is there.

Invariants, by reading each format back.
"""

import json

import jsonschema
import pytest

from igfstrat.config import make_config, parse_yaml
from igfstrat.report.document import Paragraph
from igfstrat.report.formatting import format_number
from igfstrat.report.json_schema import report_schema
from igfstrat.report.methods_section import REFERENCES
from igfstrat.report.tables import Table
from igfstrat.workflows.plan import ChosenPlan, Plan
from igfstrat.workflows.survival_report import survival_report
from igfstrat.workflows.synthesize import synthesize
from tests.report.readers import READERS, numbers, packed
from tests.report.test_formats import CONSTANTS, drawn, formatted

PLAN = """
disease: breast
features: [igf1_sds, igfbp3_sds, igf1r_status, subtype]
status: {igf1r_status: {rule: allred_at_least_7}}
analysis:
  strata: [stage]
  covariates: [age_years, stage]
  subgroups: [subtype, menopausal_status]
  milestones: {years: [1, 3, 5]}
  cutpoint: {marker: igf1r_h_score, permutations: 200}
  competing: {cause: dfs_cause}
  treatment: {column: oral_use, experimental: "yes"}
  missing: multiple_imputation
"""
AXES = {str(n) for n in range(0, 301, 25)}


def make_plan(text):
    return ChosenPlan(make_config(Plan, parse_yaml(text, source="plan.yaml")), "plan", None)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    made = synthesize("breast_early", n=400, seed=11, out=folder / "cohort.csv", command=[], realism=True)
    plan = make_plan(PLAN.replace("oral_use", "diabetes"))
    return survival_report(made[0], endpoint=["dfs", "os"], plan=plan)


@pytest.fixture(scope="module")
def bundle(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    result.save(folder, formats=["html", "pdf", "docx", "xlsx"])
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def blocks(result, kind):
    return [b for section in result.document.sections for b in section.blocks if isinstance(b, kind)]


def with_four_digits(data):
    """Hazard ratios per unit and Monte-Carlo errors are shown to four digits."""
    if isinstance(data, dict):
        return set().union(*(with_four_digits(v) for k, v in data.items() if k != "curve"))
    if isinstance(data, list):
        return set().union(*map(with_four_digits, data))
    is_number = isinstance(data, float) and not isinstance(data, bool)
    return {format_number(data, 4).lstrip("−")} if is_number else set()


@pytest.mark.parametrize("name", READERS)
def test_every_number_shown_is_in_report_json(bundle, result, name):
    results = json.loads(bundle["report.json"])
    literature = [*REFERENCES, *(text for section in result.document.sections for text in section.references)]
    allowed = (
        formatted(results) | with_four_digits(results) | CONSTANTS | set().union(*map(numbers, literature))
    )
    allowed |= drawn(results) | AXES if name == "pdf" else set()
    shown = numbers(READERS[name](bundle[f"report.{name}"]))
    assert len(shown) > 400
    assert not shown - allowed


@pytest.mark.parametrize("name", READERS)
def test_every_table_cell_and_every_number_of_a_sentence_is_in_the_format(bundle, result, name):
    text = READERS[name](bundle[f"report.{name}"])
    cells = {cell for t in blocks(result, Table) for row in (t.header, *t.rows) for cell in row}
    assert len(cells) > 300
    assert not {cell for cell in cells if packed(cell) not in packed(text)}
    said = set().union(*(numbers(p.text) for p in blocks(result, Paragraph)))
    assert not said - numbers(text)


def test_every_part_that_the_plan_asks_for_is_there_once_an_endpoint(result):
    keys = [section.key for section in result.document.sections]
    assert len(keys) == len(set(keys))
    for word in (
        "survival",
        "pairwise",
        "continuous",
        "adjusted",
        "treatment",
        "cutpoint",
        "competing",
        "subgroup",
    ):
        for endpoint in ("dfs", "os"):
            assert any(f"{key}_".startswith(f"{word}_{endpoint}_") for key in keys), (word, endpoint)
    assert {
        "summary",
        "flow",
        "table_one",
        "evidence",
        "methods",
        "remark",
        "limitations",
        "references",
    } <= set(keys)


def test_report_json_fits_the_published_schema(bundle):
    jsonschema.validate(json.loads(bundle["report.json"]), report_schema())


def test_no_patient_identifier_is_in_any_file(bundle, result):
    ids = [str(value) for value in result.cohort.table["patient_id"].dropna()]
    assert len(ids) > 300
    for name in ("report.html", "report.json", "report.xlsx"):
        text = bundle[name].decode("utf-8", errors="ignore")
        assert not [i for i in ids if i in text]


@pytest.mark.parametrize("minimum", [5, 10])
def test_small_cells_are_hidden_in_every_table(result, tmp_path, minimum):
    result.save(tmp_path, formats=["html"], min_cell=minimum)
    page = READERS["html"]((tmp_path / "report.html").read_bytes())
    assert f"<{minimum}" in page.replace("< ", "<")


def report_of(tmp_path, change):
    import pandas as pd

    made = synthesize("breast_early", n=120, seed=5, out=tmp_path / "cohort.csv", command=[])[0]
    table = change(pd.read_csv(made, dtype=str))
    table.to_csv(made, index=False)
    plan = make_plan(PLAN.replace("oral_use", "diabetes").replace("permutations: 200", "permutations: 100"))
    return survival_report(made, endpoint=["dfs"], plan=plan)


POOR = {
    "one group": lambda t: t.assign(igf1r_allred="8.0"),
    "no events": lambda t: t.assign(dfs_event="0", dfs_cause=None),
    "all events": lambda t: t.assign(dfs_event="1"),
    "one patient": lambda t: t.iloc[:1],
    "marker missing in most rows": lambda t: t.assign(igf1r_allred=t["igf1r_allred"].where(t.index < 4)),
    "constant marker": lambda t: t.assign(igf1r_h_score="100.0"),
}


SAID = {
    "one group": "made: only one group",
    "no events": "made: no events",
    "all events": "in 120 patients with 120 events",
    "one patient": "made: only one group",
    "marker missing in most rows": "in 4 patients",
}


@pytest.mark.parametrize("what", POOR)
def test_a_report_comes_from_poor_data_and_says_what_it_cannot_tell(tmp_path, what):
    found = report_of(tmp_path, POOR[what])
    written = found.save(tmp_path / "out", formats=["html", "xlsx"])
    page = " ".join(READERS["html"](written[0].read_bytes()).split())
    if what == "constant marker":
        assert found.slices.by_endpoint["dfs"].cutpoint.not_estimable
    else:
        assert SAID[what] in page
    if what not in {"all events", "constant marker"}:
        assert found.is_flagged
