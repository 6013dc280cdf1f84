"""A study from a scenario to its files: worked by hand, invariants, and a JSON Schema validator of another project."""

import csv
import importlib.util
import json
from pathlib import Path

import jsonschema
import pytest

import igfstrat as ig
from igfstrat.config import packaged_configs, parse_yaml
from igfstrat.errors import ConfigError, UsageError
from igfstrat.trials import make_scenario, simulate_scenario
from igfstrat.trials.study.feasibility import feasibility_concerns
from igfstrat.workflows.checkpoint_files import checkpoint_files, clear_checkpoints
from igfstrat.workflows.enrichment_study import run_study
from igfstrat.workflows.study_plan import estimate_effort, plan_study

ROOT = Path(__file__).parents[2]


def settings(**changes):
    return {
        "name": "small",
        "endpoint": "pfs",
        "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
        "control": {"median": 6},
        "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
        "accrual": {"screened_per_month": 30},
        "designs": {
            "all_comers": {"n": 200, "events": 130},
            "enrichment": {"n": 200, "events": [60, 130]},
        },
        "simulation": {"replicates": 200, "seed": 3},
    } | changes


GRID = {"treatment.hazard_ratio.positive": [1.0, 0.6], "marker.prevalence.value": [0.3, 0.5]}


@pytest.fixture(scope="module")
def study():
    return ig.enrichment_study(settings())


@pytest.fixture(scope="module")
def grid():
    return ig.enrichment_study(settings(vary=GRID), replicates=100)


def test_table_has_a_row_a_design_and_the_numbers_of_the_results(study):
    assert study.table["design"].tolist() == ["all_comers", "enrichment"]
    (results,) = study.results
    assert study.table["power"].tolist() == [d.power["value"] for d in results.designs.values()]
    assert (study.table["power_mc_standard_error"] > 0).all()


def test_numbers_are_those_of_the_engine_at_any_number_of_workers(study):
    alone = simulate_scenario(make_scenario(settings()), n_jobs=2)
    assert json.dumps(alone.to_dict()["designs"]) == json.dumps(study.to_dict()["designs"])


def test_grid_gives_an_entry_a_point_and_a_row_a_point_and_design(grid):
    found = grid.to_dict()
    assert "designs" not in found
    points = [entry["point"] for entry in found["points"]]
    assert points == [dict(zip(GRID, pair, strict=True)) for pair in ((1.0, 0.3), (1.0, 0.5), (0.6, 0.3), (0.6, 0.5))]  # fmt: skip
    assert all(set(entry["designs"]) == {"all_comers", "enrichment"} for entry in found["points"])
    assert len(grid.table) == 8
    assert grid.table.columns[:2].tolist() == list(GRID)


def test_files_hold_the_same_numbers_as_the_results(study, tmp_path):
    written = study.save(tmp_path / "new")
    assert [path.name for path in written] == ["report.html", "designs.csv", "results.json"]
    stored = json.loads(written[2].read_text("utf-8"))
    power = study.results[0].designs["enrichment"].power
    assert stored["designs"]["enrichment"]["power"] == power
    with written[1].open(newline="", encoding="utf-8") as handle:
        rows = {row["design"]: row for row in csv.DictReader(handle)}
    assert float(rows["enrichment"]["power"]) == power["value"]


def test_text_of_a_scenario_is_escaped_in_page_and_notebook(tmp_path):
    bad = ig.enrichment_study(settings(name="<script>alert(1)</script>"), replicates=20)
    bad.save(tmp_path)
    for text in ((tmp_path / "report.html").read_text("utf-8"), bad._repr_html_()):
        assert "<script" not in text
        assert "&lt;script" in text


def test_packaged_name_and_path_give_the_same_plan():
    by_name = plan_study("igf1r_enrichment")
    by_path = plan_study(packaged_configs() / "scenarios" / "igf1r_enrichment.yaml", replicates=7, seed=1)
    assert by_name.scenario == by_path.scenario
    assert (by_path.replicates, by_path.seed, by_path.trials) == (7, 1, 2 * 7 * 5)
    assert by_name.concerns == ()


def test_every_design_that_has_no_form_of_a_setting_is_named_in_one_error_before_any_trial():
    adaptive = {"design": "adaptive_enrichment", "n": 100, "events": [30, 60], "selection": {"rule": "best"}}
    asked = settings(
        designs={"first": adaptive, "second": adaptive | {"n": 120}},
        test={"critical_values": "permutation"},
    )
    with pytest.raises(UsageError) as told:
        plan_study(asked)
    for word in ("designs.first", "designs.second", "permutation"):
        assert word in str(told.value)


@pytest.mark.parametrize("replicates", [0, -1, 10**12 + 1])
def test_impossible_number_of_replicates_is_refused(replicates):
    with pytest.raises(UsageError, match="replicates"):
        plan_study(settings(), replicates=replicates)


def test_misspelt_keys_are_told_all_at_once():
    with pytest.raises(ConfigError) as told:
        plan_study(settings(acrual={}, tests={}))
    assert "did you mean 'accrual'" in str(told.value)
    assert "did you mean 'test'" in str(told.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"control": {"cure": {"fraction": 0.6, "median": 6}}}, "of 200 patients about 80 ever have one"),
        ({"designs": {"all_comers": {"n": 200, "events": 130, "max_duration": 3}}}, "max_duration"),
        ({"designs": {"all_comers": {"n": 200, "analysis_times": 0.01}}}, "less than one event"),
        ({"marker": {"prevalence": {"value": 0.0}}}, "nobody in it is positive"),
    ],
)
def test_design_that_cannot_reach_its_plan_is_explained(changes, says):
    said = feasibility_concerns(make_scenario(settings(treatment={"hazard_ratio": 1.0}) | changes))
    assert any(says in text for text in said), said


def test_effort_grows_with_replicates_and_a_trillion_of_them_is_large():
    few = estimate_effort(plan_study(settings(), replicates=1_000))
    many = estimate_effort(plan_study(settings(), replicates=10**12))
    assert not few.is_large
    assert many.is_large
    assert many.trials == 4 * 10**12
    # rows are 8 bytes a number: at least decision, events, patients, screened, time of each trial
    assert many.disk > 2 * 40 * 10**12
    assert many.seconds > 1e6


def test_trials_that_would_not_fit_in_memory_are_not_even_timed():
    huge = settings(designs={"all_comers": {"n": 10**9, "events": 10}})
    effort = estimate_effort(plan_study(huge))
    assert effort.seconds is None
    assert effort.is_large


def test_only_checkpoints_are_cleared(tmp_path):
    simulate_scenario(make_scenario(settings()), replicates=10, checkpoints=tmp_path, type_i_error=False)
    mine = tmp_path / "notes.npz"
    mine.write_bytes(b"x")
    assert len(checkpoint_files(tmp_path)) == 2
    clear_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == [mine]
    assert checkpoint_files(tmp_path / "missing") == []


def test_published_schema_is_up_to_date_and_takes_the_packaged_scenarios():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for folder in (ROOT / "docs" / "schemas", ROOT / "igfstrat" / "data"):
        assert (folder / "scenario.schema.json").read_text("utf-8") == generate.scenario_schema()
    judge = jsonschema.Draft202012Validator(json.loads(generate.scenario_schema()))
    for path in (packaged_configs() / "scenarios").rglob("*.yaml"):
        data = json.loads(json.dumps(parse_yaml(path.read_text("utf-8"), source=path.name).data))
        assert "winners_curse" in data or list(judge.iter_errors(data)) == []
        assert list(judge.iter_errors(data | {"acrual": 1}))


SAME_POWER = {
    "compare_at": {"power": 0.8},
    "designs": {
        "all_comers": {"n": 200, "events": 130},
        "enrichment": {"n": 200, "events": [60, 130], "spending": "obrien_fleming"},
    },
}


def test_designs_at_one_power_have_it_when_simulated_and_one_event_less_would_not_do():
    study = ig.enrichment_study(settings(**SAME_POWER), replicates=10_000, n_jobs=2)
    for name, design in study.results[0].designs.items():
        assert abs(design.power["value"] - 0.8) <= 3 * design.power["mc_standard_error"] + 0.003, name
        assert design.closed_form["power"] >= 0.8
    sizes = study.to_dict()["sizes"]
    assert sizes["enrichment"]["events"][-1] < sizes["all_comers"]["events"][-1]
    n, events = sizes["all_comers"]["n"], sizes["all_comers"]["events"][0]
    assert n == -(-200 * events // 130)
    less = {"all_comers": {"n": -(-200 * (events - 1) // 130), "events": events - 1}}
    (fewer,) = ig.enrichment_study(settings(designs=less), replicates=10).results
    assert fewer.designs["all_comers"].closed_form["power"] < 0.8


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"compare_at": {"cost": 5.0e7}}, "nothing costs anything"),
        ({"treatment": {"hazard_ratio": 1.0}}, "is there an effect"),
        ({"test": {"statistic": "rmst", "tau": 6}}, "no closed form"),
        ({"designs": {"biomarker_stratified": {"n": 200, "events": [60, 130]}}}, "2 hypotheses at 2 looks"),
        ({"designs": {"all_comers": {"events": 130}}}, "proportions are kept"),
    ],
)
def test_power_that_no_size_can_be_solved_for_is_refused(changes, says):
    with pytest.raises(UsageError, match=says):
        plan_study(settings(**SAME_POWER | changes))


def test_each_stage_is_told_from_its_first_trial_to_its_last():
    """Open truths and the surface too: 3 other truths of 2 designs, and 3 prevalences by 4 effects of the one without a curve."""
    designs = {
        "all_comers": {"n": 200, "events": 130},
        "both": {"design": "biomarker_stratified", "n": 200, "events": [60, 130]},
    }
    told = {}
    plan = plan_study(settings(designs=designs))
    run_study(plan, progress=lambda stage, *numbers: told.setdefault(stage, []).append(numbers))
    assert {stage: numbers[-1] for stage, numbers in told.items()} == {
        "simulating": (800, 800),
        "what if the truth is another": (600, 600),
        "power over effect and prevalence": (1_200, 1_200),
    }
    for numbers in told.values():
        assert numbers == sorted(numbers)
        assert len({total for _, total in numbers}) == 1


def test_a_study_that_ends_early_with_its_precision_is_told_as_finished():
    told = []
    early = settings(simulation={"replicates": 3_000, "seed": 3, "precision": 0.02})
    results = simulate_scenario(make_scenario(early), progress=lambda *numbers: told.append(numbers))
    assert results.designs["all_comers"].replicates < 3_000
    assert told[-1] == (12_000, 12_000)
