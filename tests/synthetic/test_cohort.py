"""Synthetic cohorts: regeneration (golden), what must hold in any cohort (invariant), refusals (by hand)."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from igfstrat.config import config_path, make_config, packaged_configs, parse_yaml, read_yaml
from igfstrat.errors import ConfigError, UsageError
from igfstrat.features.igf1r import ExpressionStatus
from igfstrat.features.subtype import SubtypeFeatures
from igfstrat.schema import COLUMNS, find_endpoint_header, find_header
from igfstrat.synthetic import BLOCK, CohortConfig, simulate_block, simulate_cohort
from igfstrat.synthetic.numbers import with_numbers

FOLDER = Path(__file__).parents[2] / "synthetic_data"
COMMANDS = re.findall(r"`(igfstrat synthesize [^`]+)`", (FOLDER / "README.md").read_text(encoding="utf-8"))
NAMES = ("breast_early", "breast_metastatic", "bone_metastatic", "lung_nsclc")
# what the generator adds to the canonical columns
OWN = {"oral_contraceptive", "tnm8_stage", "bone_at_relapse"}


def read_config(name):
    return make_config(CohortConfig, read_yaml(config_path(name, "cohorts")))


@pytest.fixture(scope="module")
def configs():
    return {name: read_config(name) for name in NAMES}


@pytest.fixture(scope="module")
def tables(configs):
    return {name: simulate_cohort(config, n=30_000, seed=5) for name, config in configs.items()}


def edited(before, after):
    text = config_path("breast_early", "cohorts").read_text(encoding="utf-8")
    assert before in text
    return make_config(CohortConfig, parse_yaml(text.replace(before, after), source="x.yaml"))


@pytest.mark.parametrize("command", COMMANDS)
def test_committed_cohort_regenerates_byte_for_byte(command, tmp_path):
    words = shlex.split(command)[1:]
    committed = FOLDER / Path(words[words.index("--out") + 1]).name
    words[words.index("--out") + 1] = str(tmp_path / committed.name)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert (tmp_path / committed.name).read_bytes() == committed.read_bytes()


def test_first_patients_do_not_depend_on_how_many_are_drawn(configs):
    config = configs["breast_early"]
    few, many = simulate_cohort(config, n=10, seed=3), simulate_cohort(config, n=BLOCK + 5, seed=3)
    pd.testing.assert_frame_equal(few, many.iloc[:10])


def test_blocks_drawn_alone_and_backwards_are_the_cohort(configs):
    config = configs["lung_nsclc"]
    blocks = [simulate_block(config, seed=3, block=b) for b in (2, 1, 0)][::-1]
    whole = simulate_cohort(config, n=2 * BLOCK + 7, seed=3)
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True).iloc[: 2 * BLOCK + 7], whole)


def test_another_seed_gives_other_patients(configs):
    config = configs["breast_early"]
    assert not simulate_cohort(config, n=10, seed=3).equals(simulate_cohort(config, n=10, seed=4))


def test_cohort_of_nobody_has_all_columns(configs):
    config = configs["breast_early"]
    none = simulate_cohort(config, n=0, seed=1)
    assert len(none) == 0
    assert list(none) == list(simulate_cohort(config, n=2, seed=1))


def test_patients_have_one_id_each(tables):
    assert all(table["patient_id"].is_unique for table in tables.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_header_is_canonical_or_one_of_three_own(tables, name):
    odd = [h for h in tables[name] if h not in OWN and not find_header(h) and not find_endpoint_header(h)]
    assert odd == []


@pytest.mark.parametrize("name", NAMES)
def test_every_code_and_number_is_one_that_the_schema_allows(tables, name):
    for header in tables[name].columns.difference(list(OWN)):
        found = find_header(header)
        column = COLUMNS[found[0].name] if found else None
        values = tables[name][header].dropna()
        if column is not None and column.kind == "code":
            assert set(values) <= set(column.codes), header
        elif column is not None and column.kind == "number":
            assert values.between(*column.bounds).all(), header


@pytest.mark.parametrize("name", NAMES)
def test_endpoints_come_in_their_order(tables, name):
    table = tables[name]
    endpoints = [e for e in ("dfs", "pfs", "os") if f"{e}_months" in table]
    for earlier, later in pairwise(endpoints):
        assert (table[f"{earlier}_months"] <= table[f"{later}_months"]).all()
        assert (table[f"{earlier}_event"] >= table[f"{later}_event"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_only_events_have_a_cause_and_a_first_event_by_another_cause_is_the_death(tables, name):
    table = tables[name]
    first = "dfs" if "dfs_months" in table else "pfs"
    for endpoint in (first, "os"):
        assert (table[f"{endpoint}_cause"].notna() == (table[f"{endpoint}_event"] == 1)).all()
    other = table[table[f"{first}_cause"] == "other"]
    assert len(other) > 100
    assert (other["os_event"] == 1).all()
    assert (other["os_cause"] == "other").all()
    assert (other["os_months"] == other[f"{first}_months"]).all()


def test_relapsed_patients_live_on_after_their_relapse(tables):
    dead = tables["breast_early"].query("dfs_cause == 'cancer' and os_event == 1")
    assert (dead["os_months"] > dead["dfs_months"]).mean() > 0.95


def test_bone_at_relapse_is_known_of_those_seen_to_relapse_alone(tables):
    table = tables["breast_early"]
    assert (table["bone_at_relapse"].notna() == (table["dfs_cause"] == "cancer")).all()


@pytest.mark.parametrize("name", ["breast_early", "breast_metastatic", "bone_metastatic"])
def test_st_gallen_surrogate_of_the_receptors_gives_the_subtype_back(tables, name):
    table = tables[name]
    derived = SubtypeFeatures(rule="st_gallen_2013", ki67_high_at=20.0).fit_transform(
        table.drop(columns=["subtype", "her2_status"])
    )["subtype"]
    assert (derived.to_numpy() == table["subtype"].to_numpy()).all()


def test_allred_from_percentages_is_the_allred_of_the_column(tables):
    table = tables["breast_early"]
    statuses = [
        ExpressionStatus(rule="allred_at_least_7").fit_transform(table[columns])["igf1r_status"]
        for columns in (["igf1r_allred"], [f"igf1r_pct_{i}" for i in range(4)])
    ]
    assert statuses[0].equals(statuses[1])


def test_percentages_of_cells_sum_to_100(tables):
    total = sum(tables["lung_nsclc"][f"igf1r_pct_{i}"] for i in range(4))
    assert (total == 100).all()


def test_membranous_score_is_zero_exactly_where_no_cell_is_stained(tables):
    table = tables["lung_nsclc"]
    assert ((table["igf1r_ihc"] == "0") == (table["igf1r_pct_0"] == 100)).all()


def test_mrna_has_the_configured_correlation_with_the_h_score(tables, configs):
    table = tables["breast_early"]
    r = np.corrcoef(table["igf1r_mrna"], table["igf1r_h_score"])[0, 1]
    target = configs["breast_early"].igf1r.mrna_correlation.value
    assert abs(r - target) < 3 * (1 - target**2) / np.sqrt(len(table))


def test_cores_differ_from_their_tumour_by_the_configured_noise(tables, configs):
    inner = tables["breast_early"].query("100 < igf1r_h_score < 200")
    noise = (inner["igf1r_h_score_1"] - inner["igf1r_h_score"]).std()
    assert noise == pytest.approx(configs["breast_early"].igf1r.core_sd.value, rel=0.04)


def test_genotypes_follow_hardy_and_weinberg(tables):
    """Observed against expected under the frequency configured; chi-square of 2 degrees, 13.8 is p 0.001."""
    counts = tables["breast_early"]["rs2016347"].value_counts()
    expected = {"G/G": 0.25, "G/T": 0.5, "T/T": 0.25}
    total = counts.sum()
    assert sum((counts[g] - total * p) ** 2 / (total * p) for g, p in expected.items()) < 13.8


def test_serum_and_tumour_igf1_are_independent_within_a_subtype(tables):
    one = tables["breast_early"].query("subtype == 'luminal_a' and on_endocrine_at_sampling == 'no'")
    assert abs(np.corrcoef(one["igf1_ng_ml"], one["igf1r_h_score"])[0, 1]) < 3 / np.sqrt(len(one))


def test_status_changes_nothing_before_the_outcome(configs):
    """Each step has its own stream: a preset leaves all but the times as they are."""
    one, other = (
        simulate_cohort(configs["breast_early"], n=500, seed=2, preset=preset)
        for preset in ("default", "null")
    )
    before = list(one)[: list(one).index("diagnosis_date")]
    assert one[before].equals(other[before])
    assert not one["dfs_months"].equals(other["dfs_months"])


@pytest.mark.parametrize("name", ["breast_early", "lung_nsclc", "breast_metastatic"])
def test_blood_and_specimen_come_no_later_than_time_zero(tables, name):
    table = tables[name]
    zero = table["time_zero"] if "time_zero" in table else table["diagnosis_date"]
    assert (table["igf1_sampling_date"] <= zero).all()
    assert (table["specimen_date"] <= zero).all()


def test_blood_after_time_zero_is_drawn_from_the_living_alone(tables):
    table = tables["bone_metastatic"]
    drawn = table[table["igf1_sampling_date"].notna()]
    assert (drawn["igf1_sampling_date"] <= drawn["last_followup_date"]).all()
    assert (drawn["igf1_sampling_date"] > drawn["time_zero"]).mean() > 0.5
    never = table[table["igf1_sampling_date"].isna()]
    assert 0 < len(never) < len(table) / 10
    assert never[["igf1_ng_ml", "igfbp3_ng_ml", "igf1_assay"]].isna().all(axis=None)


def test_follow_up_ends_on_the_day_that_the_data_are_cut_unless_lost_or_dead(configs):
    config = with_numbers(configs["breast_early"], {"follow_up.lost_per_year": 0.0})
    alive = simulate_cohort(config, n=5_000, seed=1).query("os_event == 0")
    assert set(alive["last_followup_date"].str[:7]) <= {"2017-12", "2018-01"}


def test_a_tenth_lost_each_year_leaves_nine_tenths_after_a_year(configs):
    values = {
        "follow_up.lost_per_year": 10.0,
        "follow_up.accrual_months": 0.0,
        "follow_up.follow_up_months": 240.0,
    }
    table = simulate_cohort(with_numbers(configs["breast_early"], values), n=40_000, seed=1)
    lost = ((table["os_months"] <= 12) & (table["os_event"] == 0)).mean()
    # hardly anybody dies in the first year, so that dying first takes away little
    assert lost == pytest.approx(0.10, abs=0.006)


def test_her2_and_triple_negative_relapse_most_in_year_2_and_luminal_evenly(configs):
    values = {
        "follow_up.lost_per_year": 0.0,
        "follow_up.accrual_months": 0.0,
        "follow_up.follow_up_months": 120.0,
    }
    table = simulate_cohort(with_numbers(configs["breast_early"], values), n=120_000, seed=8)
    for subtype, peaked in (("her2_enriched", True), ("triple_negative", True), ("luminal_a", False)):
        mine = table[table["subtype"] == subtype]
        year = np.floor(mine["dfs_months"] / 12)
        rates = [((year == y) & (mine["dfs_event"] == 1)).sum() / (year >= y).sum() for y in range(5)]
        assert (int(np.argmax(rates)) == 1 and rates[1] > 1.4 * rates[0]) == peaked, (subtype, rates)


def test_number_that_contradicts_its_evidence_is_refused():
    with pytest.raises(ConfigError, match="65 is not what E-f-04a reports"):
        edited("{value: 66.2, evidence: E-f-04a}", "{value: 65, evidence: E-f-04a}")


def test_number_without_origin_is_refused():
    with pytest.raises(ConfigError, match="either evidence"):
        edited("{value: 57, assumed: true}", "{value: 57}")


def test_shares_that_sum_to_98_are_refused():
    with pytest.raises(ConfigError, match="shares of the groups sum to 98"):
        edited("{value: 26, assumed: true}, subtype", "{value: 24, assumed: true}, subtype")


def test_effect_on_an_unknown_group_is_refused():
    with pytest.raises(ConfigError, match="'luminal_c', which is no group"):
        edited("    luminal_her2: {first: {value: 0.61, ", "    luminal_c: {first: {value: 0.61, ")


def test_unknown_preset_is_refused_with_the_known_ones(configs):
    with pytest.raises(UsageError, match="default, null, pooled, park2015"):
        simulate_cohort(configs["lung_nsclc"], n=1, seed=1, preset="parc2015")


def test_deaths_that_outrun_relapses_are_refused(configs):
    config = with_numbers(configs["breast_early"], {"outcomes.baselines.triple_negative.os.percent": 70.0})
    with pytest.raises(ConfigError, match="would die before the first endpoint, such as triple_negative"):
        simulate_cohort(config, n=1, seed=1)


def test_negative_n_is_refused(configs):
    with pytest.raises(UsageError, match="n and seed must be >= 0"):
        simulate_cohort(configs["breast_early"], n=-1, seed=1)


def test_section_of_a_file_wins_over_that_of_its_base_as_a_whole(configs):
    assert list(configs["bone_metastatic"].serum.assays) == ["ids_isys", "liaison_xl"]
    assert list(configs["breast_early"].serum.assays) == ["ids_isys"]


def test_base_that_is_a_path_is_refused():
    with pytest.raises(ConfigError, match="by bare words"):
        edited("base: [breast, common]", "base: [../breast_metastatic.yaml]")


def test_base_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'common'"):
        edited("base: [breast, common]", "base: [breast, comon]")


def test_no_two_configs_share_six_equal_lines():
    seen = {}
    for path in sorted((packaged_configs() / "cohorts").rglob("*.yaml")):
        lines = [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        for i in range(len(lines) - 5):
            block = tuple(lines[i : i + 6])
            assert seen.setdefault(block, path) == path, f"{path.name} and {seen[block].name}: {block[0]}"
