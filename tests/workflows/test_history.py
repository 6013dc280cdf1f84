"""Presets of the past: their numbers are in the registry of evidence, they run, and observed numbers lie where they should.

Sources of truth: `igfstrat.evidence` for every number that is said to be observed; the interval of a ratio by hand for its
events; the null for presets, whose truth must not be a finding.
"""

import csv
import json
import math
import re
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

import igfstrat as ig
from igfstrat.cli.main import app
from igfstrat.config import config_path, read_yaml
from igfstrat.errors import ConfigError, EvidenceError, IgfstratWarning, UsageError
from igfstrat.evidence import load_evidence
from igfstrat.trials import make_scenario, read_scenario
from igfstrat.trials.study.replay import replay_history
from igfstrat.trials.winners_curse.settings import RatioSettings
from igfstrat.trials.winners_curse.simulation import read_winners_curse
from igfstrat.workflows.history import history_names, replay
from igfstrat.workflows.winners_curse import holds_winners_curse, winners_curse

RETRACTED = "history/free_igf1_figitumumab"
STORIES = {n for n in history_names() if holds_winners_curse(config_path(n, "scenarios"))}
SCENARIOS = sorted(set(history_names()) - STORIES)
ASKED_FOR = {
    "advigo_1016", "advigo_1018", "xentuzumab_phase_2", "xenera_1", "ganitumab_pancreatic_phase_2", "gamma",
    "dalotuzumab_crc", "dalotuzumab_nsclc", "linsitinib_egfr_nsclc", "linsitinib_breast", "cixutumumab_e3508",
    "r1507_nsclc", "xentuzumab_afatinib", "ganitumab_hr_positive", "n9831", "w0101_threshold", "bone_only",
    "igf1_high_checkpoint", "free_igf1_figitumumab",
}  # fmt: skip

FROM_AN_INTERVAL = [
    name
    for name in SCENARIOS
    if any(
        "events: 4 / standard error squared, from the interval" in t
        for t in read_scenario(name).history.derived
    )
]


def numbers_of(keys):
    """Every number that the entries of a preset state, in their fields and in their notes."""
    found = set()
    for key in keys:
        entry = load_evidence()[key]
        texts = [
            entry.note,
            *(str(v) for v in (entry.estimate, entry.ci_lower, entry.ci_upper, entry.n) if v is not None),
        ]
        for text in texts:
            found |= {float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}
    return found


def observed_numbers(history):
    for ratio in history.observed.hazard_ratio.values():
        yield from (ratio.value, *(ratio.ci or ()))
    for arms in history.observed.median.values():
        yield from (x for x in (arms.control, arms.experimental) if x is not None)
    for arms in history.observed.event_free.values():
        yield from (100 * x for x in (arms.control, arms.experimental) if x is not None)


def test_the_page_on_history_names_every_preset_and_what_it_lacks():
    page = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
    for name in SCENARIOS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert "; ".join(read_scenario(name).history.not_found) in row
        assert ", ".join(read_scenario(name).history.evidence) in row


def test_every_preset_of_the_list_is_there():
    assert {f"history/{name}" for name in ASKED_FOR} <= set(SCENARIOS)
    assert "history/ganitumab_to_gamma" in STORIES


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_called_observed_stands_in_the_evidence_that_the_preset_names(name):
    history = read_scenario(name).history
    known = numbers_of(history.evidence)
    strange = [x for x in observed_numbers(history) if not any(math.isclose(x, k) for k in known)]
    assert not strange
    assert history.not_found, "a preset says what it lacks"


@pytest.mark.parametrize("name", SCENARIOS)
def test_sizes_and_control_medians_are_in_the_evidence_or_said_to_be_derived_or_assumed(name):
    scenario = read_scenario(name)
    history = scenario.history
    known = numbers_of(history.evidence) | {
        float(number)
        for text in (*history.derived, *history.assumed)
        for number in re.findall(r"\d+(?:\.\d+)?", text)
    }
    used = [x for design in scenario.designs.values() for x in (design.n, *(design.events or ()))]
    strange = [x for x in (*used, scenario.control.median) if not any(math.isclose(x, k) for k in known)]
    assert not strange


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_truth_of_every_preset_is_the_null(name):
    effect = read_scenario(name).treatment.hazard_ratio
    assert [p.hazard_ratio for p in (*effect.positive, *effect.negative)] == [1.0, 1.0]


@pytest.mark.parametrize("name", FROM_AN_INTERVAL)
def test_events_that_come_from_an_interval_are_those_of_the_interval(name):
    scenario = read_scenario(name)
    first = next(iter(scenario.history.observed.hazard_ratio.values()))
    interval = RatioSettings(hazard_ratio=first.value, ci=first.ci, level=first.level)
    (events,) = next(iter(scenario.designs.values())).events
    assert events == round(interval.events(split=False))


@pytest.mark.parametrize("name", [n for n in SCENARIOS if n != RETRACTED])
def test_every_preset_runs_and_its_page_names_its_sources_and_what_was_not_found(name):
    study = ig.enrichment_study(name, replicates=4)
    page = study.page()
    history = study.plan.scenario.history
    for key in history.evidence:
        assert f"{key} ({load_evidence()[key].status})" in page
    assert "Not found:" in page
    assert all(0 <= p <= 1 for p in study.table["power"])
    assert bool(study.replays) == bool(list(observed_numbers(history)))


@pytest.mark.parametrize("name", ["history/advigo_1018", "history/advigo_1018_pfs"])
def test_advigo_1018_lies_inside_the_95_percent_range_of_its_own_estimate(name):
    null, own = replay(name, replicates=400)
    assert (null.truth, own.truth) == ("null", "own_estimate")
    assert own.all_inside
    assert {(n.quantity, n.arm) for n in own.numbers} == {
        ("hazard_ratio", ""),
        ("median", "control"),
        ("median", "experimental"),
    }
    ratio = own.numbers[0]
    assert abs(ratio.at_most["value"] - 0.5) < 3 * ratio.at_most["mc_standard_error"] + 0.02


def test_xenera_1_is_what_the_null_gives_and_not_what_the_phase_2_reported():
    null, own, reported = replay("history/xenera_1", replicates=400)
    assert null.all_inside
    assert own.all_inside
    ratio = reported.numbers[0]
    assert not ratio.inside
    assert ratio.at_most["value"] > 0.99


def test_gamma_is_what_the_null_gives_and_not_what_the_phase_2_reported():
    by_truth = {r.truth: r for r in replay("history/gamma", replicates=200)}
    assert by_truth["null"].all_inside
    assert not by_truth["as_phase_2_reported"].numbers[0].inside
    assert not by_truth["as_phase_2_overall"].numbers[0].inside


def test_replayed_numbers_do_not_depend_on_the_number_of_workers():
    assert replay("history/n9831", replicates=120) == replay("history/n9831", replicates=120, n_jobs=2)


def test_a_retracted_source_is_refused_and_with_consent_warned_of():
    with pytest.raises(EvidenceError, match="E-e-05, S2-29: from a retracted source"):
        ig.enrichment_study(RETRACTED, replicates=2)
    with pytest.raises(EvidenceError, match="--retracted"):
        replay(RETRACTED, replicates=2)
    with pytest.warns(IgfstratWarning, match="not to be used as evidence"):
        assert replay(RETRACTED, replicates=2, retracted=True) == ()
    assert not any(load_evidence()[k].status == "retracted" for n in SCENARIOS if n != RETRACTED
                   for k in read_scenario(n).history.evidence)  # fmt: skip


def test_the_command_line_refuses_a_retracted_source_and_runs_it_with_a_warning(tmp_path):
    refused = CliRunner().invoke(
        app, ["simulate", RETRACTED, "--out", str(tmp_path / "a"), "--replicates", "5"]
    )
    assert refused.exit_code == 2
    assert "--retracted" in refused.output
    assert not (tmp_path / "a").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = CliRunner().invoke(
            app, ["simulate", RETRACTED, "--retracted", "--out", str(tmp_path / "b"), "--replicates", "5"]
        )
    assert "Warning: E-e-05" in run.output
    assert "From a retracted source" in (tmp_path / "b" / "report.html").read_text(encoding="utf-8")


def test_the_command_line_replays_a_preset_by_its_bare_name(tmp_path):
    run = CliRunner().invoke(
        app, ["simulate", "history/advigo_1018", "--out", str(tmp_path / "out"), "--replicates", "40"]
    )
    assert run.exit_code in {0, 3}
    assert "Under the truth “own estimate” (hazard ratio 1.09)" in run.output
    written = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [r["truth"] for r in written["replays"]] == ["null", "own_estimate"]


def test_a_misspelt_preset_is_answered_with_the_near_one():
    with pytest.raises(ConfigError, match="history/gamma"):
        read_scenario("history/gama")
    with pytest.raises(ConfigError, match="is not there"):
        read_scenario("../gamma")


def test_the_command_line_writes_the_winners_curse(tmp_path):
    out = tmp_path / "out"
    run = CliRunner().invoke(
        app, ["simulate", "winners_curse", "--out", str(out), "--replicates", "60", "--n-jobs", "1"]
    )
    assert run.exit_code == 0
    assert "possible (0.18) for the best of 10" in run.output
    named = {"report.html", "best_of.csv", "results.json", "manifest.json", "checkpoints"}
    assert {p.name for p in out.iterdir()} == named
    written = json.loads((out / "results.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((out / "best_of.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(r["closed_form"]) for r in rows] == [b["closed_form"] for b in written["best_of"]]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "http://" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", page)


@pytest.mark.parametrize("name", ["winners_curse", *sorted(STORIES)])
def test_the_numbers_of_a_story_stand_in_its_evidence(name):
    settings = read_winners_curse(config_path(name, "scenarios"))
    observed = settings.confirmation.observed
    used = [settings.reported.hazard_ratio, *settings.reported.ci, observed.hazard_ratio, *observed.ci]
    known = numbers_of(settings.evidence)
    assert [x for x in used if not any(math.isclose(x, k) for k in known)] == []
    assert settings.confirmation.events == round(observed.events(split=False))


def test_ganitumab_is_unlikely_by_chance_and_unremarkable_if_the_drug_had_helped_everybody():
    found = winners_curse("history/ganitumab_to_gamma", replicates=30).results
    assert found.best(1).closed_form == pytest.approx(0.0034, abs=5e-5)
    assert found.best(10).closed_form == pytest.approx(0.033, abs=5e-4)
    helped = next(t for t in found.first_trials if t.truth == 0.49)
    assert helped.as_strong_closed_form[10] == pytest.approx(0.63, abs=0.005)


def test_settings_of_ones_own_are_taken_and_text_in_them_is_escaped():
    own = {
        "name": "<b>mine</b>",
        "reported": {"hazard_ratio": 0.4, "ci": [0.17, 0.94]},
        "patients": 60,
        "share": 0.4,
        "looked_at": [1, 3],
        "subgroups": ["overlapping"],
    }
    study = winners_curse(own, replicates=30)
    assert [b.looked_at for b in study.results.best_of[:2]] == [1, 3]
    assert study.results.confirmations == ()
    assert "<b>mine" not in study.page()
    said = " ".join(study.results.sentences())
    assert "overlapping subgroups" in said
    assert "confirmation" not in said


def test_nothing_is_replayed_without_a_history():
    bare = read_yaml(config_path("history/gamma", "scenarios")).data | {"history": None}
    with pytest.raises(UsageError, match="nothing to replay"):
        replay_history(make_scenario(bare))
