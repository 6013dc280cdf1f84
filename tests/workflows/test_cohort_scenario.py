"""From a cohort's file to a study: counts by hand, invariants of what is written, and public cohorts (realdata)."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError, ConfigError, UsageError
from igfstrat.trials import make_scenario, read_scenario
from igfstrat.workflows.cohort_open import power_left
from igfstrat.workflows.cohort_scenario import CohortSource, scenario_from_cohort
from igfstrat.workflows.study_plan import plan_study

RUNNER = CliRunner()
DATA = Path(__file__).parents[3] / "shared" / "data"
SCENARIO = """
name: small
endpoint: dfs
from_cohort: {by: igf1r_status, bootstrap: 39}
marker: {name: igf1r_status}
treatment: {hazard_ratio: {positive: 0.5, negative: 1.0}}
accrual: {screened_per_month: 40}
designs:
  all_comers: {n: 400, analysis_times: 48}
  enrichment: {n: 200, analysis_times: 48}
simulation: {replicates: 200, seed: 3}
"""


def draw(n=200, seed=1):
    """A cohort whose identifiers and dates could be told from anything else."""
    rng = np.random.default_rng(seed)
    score = np.clip(rng.normal(100, 50, n), 0, 300).round()
    time = rng.exponential(40 / np.where(score >= 100, 1.3, 1.0))
    censored = rng.uniform(20, 90, n)
    return pd.DataFrame(
        {
            "patient_id": [f"SECRET{i:04d}" for i in range(n)],
            "disease": "breast",
            "igf1r_h_score": score,
            "site": np.where(rng.random(n) < 0.3, "north", "south"),
            "dfs_months": np.minimum(time, censored).round(4),
            "dfs_event": (time <= censored).astype(int),
        }
    )


@pytest.fixture
def folder(tmp_path):
    draw().to_csv(tmp_path / "cohort.csv", index=False)
    (tmp_path / "scenario.yaml").write_text(SCENARIO, "utf-8")
    (tmp_path / "plan.yaml").write_text(
        "features: available\nstatus:\n  igf1r_status: {rule: h_score_at_least_100}\n", "utf-8"
    )
    return tmp_path


def filled(folder, text=SCENARIO, **more):
    (folder / "scenario.yaml").write_text(text, "utf-8")
    source = {"cohort": folder / "cohort.csv", "plan": folder / "plan.yaml"} | more
    return scenario_from_cohort(
        read_scenario(str(folder / "scenario.yaml")), CohortSource(**source), folder=folder
    )


def test_share_of_positives_is_counted_and_goes_into_the_scenario(folder):
    found = filled(folder)
    positive = int((draw()["igf1r_h_score"] >= 100).sum())
    assert (found.facts.n_positive, found.facts.n_with_result) == (positive, 200)
    assert found.scenario.marker.prevalence.value == pytest.approx(positive / 200)
    assert found.scenario.marker.prevalence.of == "test_positive"
    assert found.scenario.from_cohort is None
    assert found.facts.n_events == int(draw()["dfs_event"].sum())


def test_scenario_in_years_has_the_rates_of_years(folder):
    months, years = filled(folder), filled(folder, SCENARIO + "time_unit: years\n")
    slow, fast = (sum(p.rate for p in f.scenario.control.hazard) for f in (months, years))
    assert fast / slow == pytest.approx(12, rel=0.05)


def test_patients_without_a_status_are_no_negatives(folder):
    table = draw()
    table.loc[:49, "igf1r_h_score"] = np.nan
    table.to_csv(folder / "cohort.csv", index=False)
    found = filled(folder)
    assert (found.facts.n_patients, found.facts.n_with_result, found.facts.n_analysed) == (200, 150, 150)
    assert any("50 of 200 patients (25 %)" in text for text in found.facts.unknowns)


def test_what_a_scenario_states_of_the_test_stays_where_the_cohort_has_no_repeats(folder):
    stated = SCENARIO.replace(
        "marker: {name: igf1r_status}",
        "marker: {name: igf1r_status, assay: {sensitivity: 0.9, specificity: 0.8}}",
    )
    assay = filled(folder, stated).scenario.marker.assay
    assert (assay.sensitivity, assay.specificity) == (0.9, 0.8)


def test_cores_give_the_error_of_the_test_and_lower_the_power(folder):
    table, rng = draw(), np.random.default_rng(2)
    for i in (1, 2):
        table[f"igf1r_h_score_{i}"] = np.clip(table["igf1r_h_score"] + rng.normal(0, 40, 200), 0, 300).round()
    table.to_csv(folder / "cohort.csv", index=False)
    noisy = filled(folder)
    plain = filled(folder, SCENARIO.replace("bootstrap: 39", "bootstrap: 39, take: [prevalence, control]"))
    assert noisy.fit.within_sd == pytest.approx(40, rel=0.15)
    assert noisy.scenario.marker.assay.sensitivity < 0.95
    assert plain.scenario.marker.assay.sensitivity is None
    powers = [power_left(f, f.scenario, seed=1).power["enrichment"].value for f in (noisy, plain)]
    assert powers[0] < powers[1]


def test_share_alone_comes_from_a_cohort_that_the_prevalence_names(folder):
    (folder / "map.yaml").write_text(
        "columns: {patient_id: {row_number: true}, igf1r_h_score: igf1r_h_score}\nendpoints: {dfs: {time: dfs_months, unit: months, event: {column: dfs_event, event: ['1'], censored: ['0']}}}\n",
        "utf-8",
    )
    text = SCENARIO.replace(
        "from_cohort: {by: igf1r_status, bootstrap: 39}\n", "control: {median: 30}\n"
    ).replace(
        "marker: {name: igf1r_status}",
        "marker: {name: igf1r_status, prevalence: {from_cohort: cohort.csv, map: map.yaml}}",
    )
    found = filled(folder, text, cohort=None)
    assert found.scenario.control.median == 30
    assert found.scenario.marker.prevalence.value == pytest.approx(found.facts.n_positive / 200)


def test_file_of_a_scenario_lies_in_its_folder(folder):
    named = SCENARIO.replace("bootstrap: 39", "bootstrap: 39, file: cohort.csv, plan: plan.yaml")
    assert filled(folder, named, cohort=None, plan=None).facts.n_patients == 200
    (folder / "below").mkdir()
    with pytest.raises(ConfigError, match="outside the folder"):
        filled(folder, named.replace("file: cohort.csv", "file: ../cohort.csv"), cohort=None)
    with pytest.raises(ConfigError, match="outside the folder"):
        filled(folder, named.replace("plan: plan.yaml", "plan: ../plan.yaml"), plan=None)


def test_scenario_without_its_cohort_says_how_to_give_one():
    with pytest.raises(UsageError, match="--cohort"):
        plan_study("my_cohort")


def test_endpoint_that_the_cohort_lacks_is_refused_with_those_it_has(folder):
    with pytest.raises(CohortError, match="found dfs"):
        filled(folder, endpoint="os")


def test_cohort_with_few_events_is_refused(folder):
    table = draw()
    table["dfs_event"] = 0
    table.loc[:4, "dfs_event"] = 1
    table.to_csv(folder / "cohort.csv", index=False)
    with pytest.raises(UsageError, match="5 events"):
        filled(folder)


@pytest.mark.parametrize(
    ("section", "value", "what"),
    [
        ("control", {"median": 6}, "comes from the cohort"),
        ("marker", {"name": "m", "prevalence": {"value": 0.3}}, "comes from the cohort"),
        ("from_cohort", {"take": ["prevalence"]}, "leaves out `control`"),
        ("from_cohort", {"take": ["control"]}, "leaves out `marker.prevalence`"),
        ("from_cohort", {"positive": ["high"], "negative": ["high"]}, "not both"),
        ("from_cohort", {"subgroups": "site", "take": ["prevalence"]}, "take control too"),
        ("from_cohort", {"fyle": "x"}, "did you mean 'file'"),
    ],
)  # fmt: skip
def test_what_the_cohort_decides_and_what_it_leaves_must_fit(section, value, what):
    base = {
        "endpoint": "dfs", "marker": {"name": "m"}, "from_cohort": {}, "accrual": {"screened_per_month": 9},
        "designs": {"all_comers": {"n": 100, "analysis_times": 24}},
    }  # fmt: skip
    assert make_scenario(base).from_cohort is not None
    with pytest.raises(ConfigError, match=what):
        make_scenario(base | {section: value})


def test_numbers_are_the_same_for_any_number_of_workers(folder):
    found = filled(folder)
    one, two = (power_left(found, found.scenario, seed=5, n_jobs=n).to_dict() for n in (1, 2))
    assert json.dumps(one) == json.dumps(two)


def test_subgroups_take_the_mix_of_the_cohort(folder):
    found = filled(folder, SCENARIO.replace("bootstrap: 39", "bootstrap: 39, subgroups: site"))
    north = float((draw()["site"] == "north").mean())
    assert {g.name: g.share for g in found.scenario.subgroups} == pytest.approx(
        {"north": north, "south": 1 - north}
    )
    assert sum(n for _, n, _ in found.facts.mix) == 200


def simulate(folder, *more):
    options = [
        "--cohort",
        str(folder / "cohort.csv"),
        "--plan",
        str(folder / "plan.yaml"),
        "--out",
        str(folder / "out"),
    ]
    return RUNNER.invoke(app, ["simulate", str(folder / "scenario.yaml"), *options, *more])


def test_command_answers_in_words_and_nothing_of_a_patient_leaks(folder):
    done = simulate(folder, "--n-jobs", "1")
    assert done.exit_code in (0, 3), done.output
    positive = int((draw()["igf1r_h_score"] >= 100).sum())
    assert f"200 patients of cohort.csv with a result {positive} qualify" in done.output
    assert "are screened for 200; the power is" in done.output
    page = (folder / "out" / "report.html").read_text("utf-8")
    for words in (
        "Your own cohort",
        "What can't be known",
        "times are extrapolated",
        "nobody here was randomized",
    ):
        assert words in page.replace("&#39;", "'"), words
    results = json.loads((folder / "out" / "results.json").read_text("utf-8"))
    left = results["from_cohort"]["left_open"]["power"]["enrichment"]
    assert left["ci_lower"] < left["value"] < left["ci_upper"]
    written = "".join(p.read_text("utf-8") for p in (folder / "out").iterdir() if p.is_file()) + done.output
    assert "SECRET" not in written
    shown = set(re.findall(r"\d+\.\d+", written))
    assert not shown & {str(t) for t in draw()["dfs_months"]}
    manifest = json.loads((folder / "out" / "manifest.json").read_text("utf-8"))
    assert {"scenario.yaml", "cohort.csv", "plan.yaml"} <= {entry["name"] for entry in manifest["inputs"]}


def test_any_scenario_takes_a_cohort_beside_it(folder):
    found = scenario_from_cohort(
        read_scenario("igf1r_enrichment"),
        CohortSource(cohort=folder / "cohort.csv", plan=folder / "plan.yaml", endpoint="dfs"),
    )
    assert found.scenario.endpoint == "dfs"
    assert found.scenario.control.hazard is not None
    assert found.scenario.control.median is None
    assert found.scenario.marker.assay.turnaround_days == 10


def test_options_of_a_cohort_without_one_are_refused(folder):
    done = RUNNER.invoke(app, ["simulate", "igf1r_enrichment", "--sheet", "x", "--out", str(folder / "out")])
    assert done.exit_code == 2
    assert "--cohort" in done.output
    assert not (folder / "out").exists()


@pytest.mark.realdata
def test_tcga_says_that_phosphorylation_at_the_median_is_no_prevalence():
    cohort = read_cohort(DATA / "tcga_trgated_rppa" / "BRCA.csv", map="tcga_brca_rppa")
    source = CohortSource(cohort=cohort, plan="median_split", endpoint="pfi", by="igf1r_phospho_status")
    found = scenario_from_cohort(read_scenario("my_cohort"), source)
    # the known numbers of this endpoint, as in the survival report
    assert (found.facts.n_analysed, found.facts.n_events) == (873, 114)
    said = " ".join(found.facts.unknowns)
    for words in (
        "phosphorylation",
        "quantile of this very cohort",
        "no repeated measures",
        "114 of 873 patients (13 %)",
    ):
        assert words in said, words


@pytest.mark.realdata
def test_metabric_says_that_it_knows_nothing_of_the_axis():
    path = DATA / "metabric_cbioportal" / "data_clinical_patient.txt"
    source = CohortSource(cohort=path, map="metabric", endpoint="rfs", by="er_status")
    found = scenario_from_cohort(read_scenario("my_cohort"), source)
    raw = pd.read_csv(path, sep=None, engine="python", comment="#")
    assert found.facts.n_positive == int(raw["ER_IHC"].isin(["Positve", "Positive"]).sum())
    said = " ".join(found.facts.unknowns)
    for words in ("no marker of the IGF axis", "deaths without recurrence are censored"):
        assert words in said, words


def test_marker_has_the_name_of_the_status_that_its_numbers_come_from(folder):
    strata = SCENARIO + "randomization: {block: 4, strata: [igf1r_status]}\n"
    table = draw().assign(er_status=np.where(np.arange(200) % 4 == 0, "negative", "positive"))
    table.to_csv(folder / "cohort.csv", index=False)
    found = filled(folder, strata, by="er_status").scenario
    assert found.marker.name == "er_status"
    assert found.randomization.strata == ("er_status",)
    assert found.marker.prevalence.value == pytest.approx(0.75)
