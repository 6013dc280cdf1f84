"""A search, and a grid, of a scenario that a cohort fills: by hand, and invariants of what is written."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import igfstrat as ig
from igfstrat.cli.main import app
from igfstrat.errors import CohortError
from igfstrat.trials.scenario import make_scenario
from igfstrat.workflows.cohort_open import power_left
from igfstrat.workflows.cohort_scenario import CohortSource
from igfstrat.workflows.design_search import run_search
from igfstrat.workflows.enrichment_study import enrichment_study
from igfstrat.workflows.search_plan import plan_search
from igfstrat.workflows.study_plan import plan_study
from tests.workflows.test_cohort_scenario import SCENARIO, draw

RUNNER = CliRunner()
SEARCHED = SCENARIO.replace("{n: 400, analysis_times: 48}", "{n: 400, events: 250}").replace(
    "{n: 200, analysis_times: 48}", "{n: 200, events: 120}"
)
CHOICE = """
search:
  over:
    assay:
      - {name: poor, marker.assay.sensitivity: 0.7, marker.assay.specificity: 0.7, costs.screen: 100}
      - {name: good, marker.assay.sensitivity: 0.95, marker.assay.specificity: 0.95, costs.screen: 900}
"""


@pytest.fixture
def folder(tmp_path):
    table, rng = draw(), np.random.default_rng(2)
    for i in (1, 2):
        table[f"igf1r_h_score_{i}"] = np.clip(table["igf1r_h_score"] + rng.normal(0, 25, 200), 0, 300).round()
    table.to_csv(tmp_path / "cohort.csv", index=False)
    (tmp_path / "plan.yaml").write_text(
        "features: available\nstatus:\n  igf1r_status: {rule: h_score_at_least_100}\n", "utf-8"
    )
    return tmp_path


def source(folder):
    return CohortSource(cohort=folder / "cohort.csv", plan=folder / "plan.yaml")


def data(text):
    from igfstrat.config import parse_yaml

    return parse_yaml(text, source="test").data


def search(folder, *more, text=SEARCHED, out="out"):
    (folder / "scenario.yaml").write_text(text, "utf-8")
    options = ["--cohort", str(folder / "cohort.csv"), "--plan", str(folder / "plan.yaml")]
    arguments = ["search", str(folder / "scenario.yaml"), *options, "--out", str(folder / out)]
    return RUNNER.invoke(app, [*arguments, "--for", "power=0.8", "--replicates", "200", *more])


@pytest.mark.parametrize(
    ("plan_of", "outcome"), [(plan_study, "Nothing was simulated."), (plan_search, "Nothing was searched.")]
)
def test_a_cohort_without_the_status_ends_with_what_was_not_done(folder, plan_of, outcome):
    draw().drop(columns="igf1r_h_score").to_csv(folder / "cohort.csv", index=False)
    with pytest.raises(CohortError, match="igf1r_h_score") as told:
        plan_of(data(SEARCHED), cohort=source(folder))
    assert str(told.value).splitlines()[-1] == outcome


def test_command_says_what_power_the_cohort_leaves_to_the_cheapest_design(folder):
    done = search(folder, "--n-jobs", "1")
    assert done.exit_code == 0, done.output
    positive = int((draw()["igf1r_h_score"] >= 100).sum())
    assert "Least expected" in done.output
    assert f"200 patients of cohort.csv with a result {positive} qualify" in done.output
    results = json.loads((folder / "out" / "results.json").read_text("utf-8"))
    left = results["from_cohort"]["left_open"]["power"]
    assert list(left) == [results["best"]["design"]]
    found = left[results["best"]["design"]]
    # sized at the cohort's own numbers
    assert found["value"] == pytest.approx(0.8, abs=0.01)
    assert found["ci_lower"] < 0.8 < found["ci_upper"]
    page = (folder / "out" / "report.html").read_text("utf-8").replace("&#39;", "'")
    for words in (
        "Your own cohort",
        "What can't be known",
        "Knowing the prevalence before choosing would save nothing",
    ):
        assert words in page, words
    written = "".join(p.read_text("utf-8") for p in (folder / "out").iterdir() if p.is_file()) + done.output
    assert "SECRET" not in written
    manifest = json.loads((folder / "out" / "manifest.json").read_text("utf-8"))
    assert {"scenario.yaml", "cohort.csv", "plan.yaml"} <= {entry["name"] for entry in manifest["inputs"]}


def test_search_of_a_cohort_gives_the_same_bytes_for_two_workers_and_resumed(folder):
    search(folder, "--n-jobs", "1")
    search(folder, "--n-jobs", "2", out="two")
    one = (folder / "out" / "results.json").read_bytes()
    assert (folder / "two" / "results.json").read_bytes() == one
    for path in sorted((folder / "out" / "checkpoints").iterdir())[::2]:
        path.unlink()
    assert search(folder, "--n-jobs", "1", "--resume").exit_code == 0
    assert (folder / "out" / "results.json").read_bytes() == one


def test_search_without_its_cohort_says_how_to_give_one(folder):
    done = RUNNER.invoke(app, ["search", "my_cohort_search", "--out", str(folder / "none")])
    assert done.exit_code == 2
    assert "--cohort" in done.output
    assert not (folder / "none").exists()


def test_share_of_positives_holds_in_truth_where_the_search_chooses_the_test(folder):
    plan = plan_search(data(SEARCHED + CHOICE), cohort=source(folder))
    fit, prevalence = plan.from_cohort.fit, plan.scenario.marker.prevalence
    # by hand: p = truth * sensitivity + (1 - truth) * (1 - specificity)
    observed = prevalence.value * fit.sensitivity + (1 - prevalence.value) * (1 - fit.specificity)
    assert prevalence.of == "truth"
    assert observed == pytest.approx(int((draw()["igf1r_h_score"] >= 100).sum()) / 200)


def test_interval_of_a_design_with_a_chosen_test_is_that_of_this_test(folder):
    plan = plan_search(data(SEARCHED + CHOICE), cohort=source(folder))
    found = run_search(plan, power=0.8, replicates=100)
    best = found.results.space.candidate(found.results.best)
    assert best.choices["assay"]["name"] == "good"
    powers = {}
    for name, share in (("poor", 0.7), ("good", 0.95)):
        chosen = {"marker.assay.sensitivity": share, "marker.assay.specificity": share}
        assay = found.left_open.scenario.marker.assay.model_copy(
            update={"sensitivity": share, "specificity": share}
        )
        marker = found.left_open.scenario.marker.model_copy(update={"assay": assay})
        scenario = found.left_open.scenario.model_copy(update={"marker": marker})
        powers[name] = power_left(plan.from_cohort, scenario, seed=found.results.seed, chosen=chosen)
    assert found.left_open.left.to_dict() == powers["good"].to_dict()
    assert powers["poor"].power[best.design].ci_upper < powers["good"].power[best.design].ci_lower


def test_every_point_of_a_grid_has_its_interval_and_keeps_what_it_varies(folder):
    tests = [{"sensitivity": 0.9, "specificity": share} for share in (0.75, 0.95)]
    grid = {"vary": {"treatment.hazard_ratio.positive": [0.5, 0.8], "marker.assay": tests}}
    scenario = make_scenario(data(SCENARIO) | grid)
    study = enrichment_study(scenario, replicates=20, cohort=source(folder))
    found = study.to_dict()
    assert "left_open" not in found["from_cohort"]
    left = [point["left_open"] for point in found["points"]]
    assert len(left) == 4
    powers = [point["power"]["enrichment"] for point in left]
    assert all(power["ci_lower"] < power["value"] < power["ci_upper"] for power in powers)
    # the effect and the test of the grid, not the cohort's, are in force in every resample
    assert powers[2]["ci_upper"] < powers[0]["ci_lower"]
    assert powers[0]["ci_upper"] < powers[1]["ci_upper"]
    closed = study.results[1].designs["enrichment"].closed_form["power"]
    assert powers[1]["value"] == pytest.approx(closed)
    page = study.page()
    assert "Power that is left at each point" in page
    assert "the power goes from" in page


def test_python_takes_a_cohort_as_it_is_read_or_its_file(folder):
    allred = np.where(draw()["igf1r_h_score"] >= 100, 8, 3)
    table = draw().assign(igf1r_allred=allred, igf1r_compartment="membrane")
    table.drop(columns="igf1r_h_score").to_csv(folder / "given.csv", index=False)
    beside = (
        folder / "given.csv",
        str(folder / "given.csv"),
        ig.read_cohort(folder / "given.csv"),
        ig.CohortSource(cohort=folder / "given.csv"),
    )
    (shown,) = {plan_search(data(SEARCHED), cohort=cohort).scenario.model_dump_json() for cohort in beside}
    (studied,) = {plan_study(data(SEARCHED), cohort=cohort).scenario.model_dump_json() for cohort in beside}
    assert shown == studied
    assert json.loads(shown)["marker"]["prevalence"]["value"] == pytest.approx(float((allred == 8).mean()))
