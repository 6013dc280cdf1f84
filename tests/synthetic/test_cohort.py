"""Synthetic cohorts: regeneration (golden), targets of the configuration (statistical), refusals (by hand)."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from igfstrat.config import config_path, make_config, parse_yaml, read_yaml
from igfstrat.errors import ConfigError
from igfstrat.synthetic import CohortConfig, simulate_cohort
from igfstrat.synthetic.cohort import baseline_rate

FOLDER = Path(__file__).parents[2] / "synthetic_data"
COMMANDS = re.findall(r"`(igfstrat synthesize [^`]+)`", (FOLDER / "README.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def config():
    return make_config(CohortConfig, read_yaml(config_path("breast_early", "cohorts")))


@pytest.fixture(scope="module")
def large(config):
    return simulate_cohort(config, n=40_000, seed=5)


@pytest.mark.parametrize("command", COMMANDS)
def test_committed_cohort_regenerates_byte_for_byte(command, tmp_path):
    words = shlex.split(command)[1:]
    committed = FOLDER / Path(words[words.index("--out") + 1]).name
    words[words.index("--out") + 1] = str(tmp_path / committed.name)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert (tmp_path / committed.name).read_bytes() == committed.read_bytes()


def test_first_patients_do_not_depend_on_how_many_are_drawn(config):
    few, many = simulate_cohort(config, n=10, seed=3), simulate_cohort(config, n=700, seed=3)
    assert few.equals(many.iloc[:10])


def test_another_seed_gives_other_patients(config):
    assert not simulate_cohort(config, n=10, seed=3).equals(simulate_cohort(config, n=10, seed=4))


@pytest.mark.parametrize(
    "subtype", ["luminal_a", "luminal_b", "luminal_her2", "her2_enriched", "triple_negative"]
)
def test_igf1r_prevalence_by_subtype_is_the_configured_one(config, large, subtype):
    scores = large.loc[large["subtype"] == subtype, "igf1r_ihc"].dropna().astype(int)
    target = config.subtypes[subtype].igf1r_high.value / 100
    error = np.sqrt(target * (1 - target) / len(scores))
    assert abs((scores >= config.igf1r_high_at).mean() - target) < 3 * error


def test_baseline_rate_solves_for_the_ten_year_survival(config):
    model = config.subtypes["luminal_a"]
    rate, p, ratio = baseline_rate(model), 0.52, 0.61
    assert p * np.exp(-120 * ratio * rate) + (1 - p) * np.exp(-120 * rate) == pytest.approx(0.79, abs=1e-9)


def test_dfs_never_comes_after_pfs_and_both_within_follow_up(large):
    both = large[(large["dfs_event"] == 1) & (large["pfs_event"] == 1)]
    assert (both["dfs_months"] <= both["pfs_months"]).all()
    assert (large.loc[large["dfs_event"] == 0, "pfs_event"] == 0).all()


def test_serum_scores_have_the_configured_correlation(large):
    from igfstrat.features.reference_range import reference_sds

    age, sex = large["age_years"].to_numpy(), large["sex"].to_numpy(dtype=object)
    scores = [
        reference_sds(large[h].to_numpy(dtype=float), name, age=age, sex=sex)
        for h, name in (("igf1_ng_ml", "igf1"), ("igfbp3_ng_ml", "igfbp3"))
    ]
    # scores are cut at 3 SD and values rounded: less than 0.01 of the correlation
    assert np.corrcoef(scores)[0, 1] == pytest.approx(0.5, abs=0.015)


def test_number_that_contradicts_its_evidence_is_refused():
    text = (
        Path(config_path("breast_early", "cohorts"))
        .read_text(encoding="utf-8")
        .replace("value: 52,", "value: 53,")
    )
    with pytest.raises(ConfigError, match="53 is not what E-b-01 reports"):
        make_config(CohortConfig, parse_yaml(text, source="x.yaml"))


def test_number_without_origin_is_refused():
    text = (
        Path(config_path("breast_early", "cohorts"))
        .read_text(encoding="utf-8")
        .replace("{value: 57, assumed: true}", "{value: 57}")
    )
    with pytest.raises(ConfigError, match="either evidence"):
        make_config(CohortConfig, parse_yaml(text, source="x.yaml"))
