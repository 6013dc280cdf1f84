"""The register counts every look at a cohort once, for good. Worked by hand."""

import json

import pytest

from igfstrat.errors import StorageError
from igfstrat.report.register import REGISTER_FILE, Comparison, hash_of, list_comparisons, update_register
from igfstrat.report.register_section import register_section


def looks(marker="igf1r_status", endpoints=("dfs",), subgroups=()):
    return list_comparisons(marker, ["Allred >= 7"], endpoints, subgroups)


def test_four_looks_in_two_runs_are_counted_with_the_one_they_share_once(tmp_path):
    update_register(tmp_path, cohort="c", plan="p", comparisons=looks(endpoints=("dfs", "os")))
    count = update_register(
        tmp_path, cohort="c", plan="q", comparisons=looks(subgroups=("luminal_a", "luminal_b"))
    )
    assert (count["n_now"], count["n_ever"], count["n_runs"]) == (3, 4, 2)
    assert (count["n_markers"], count["n_cuts"], count["n_endpoints"], count["n_subgroups"]) == (1, 1, 2, 3)


def test_running_the_same_again_adds_nothing(tmp_path):
    first = update_register(tmp_path, cohort="c", plan="p", comparisons=looks())
    data = (tmp_path / REGISTER_FILE).read_bytes()
    assert update_register(tmp_path, cohort="c", plan="p", comparisons=looks()) == first
    assert (tmp_path / REGISTER_FILE).read_bytes() == data


def test_another_cohort_is_counted_apart(tmp_path):
    update_register(tmp_path, cohort="c", plan="p", comparisons=looks())
    assert update_register(tmp_path, cohort="d", plan="p", comparisons=looks("subtype"))["n_ever"] == 1
    assert len((tmp_path / REGISTER_FILE).read_text(encoding="utf-8").splitlines()) == 2


def test_same_cut_in_words_of_two_markers_is_two_cuts(tmp_path):
    update_register(tmp_path, cohort="c", plan="p", comparisons=looks("a"))
    assert update_register(tmp_path, cohort="c", plan="p", comparisons=looks("b"))["n_cuts"] == 2


@pytest.mark.parametrize(
    "content", ["{", '{"cohort": "c"}', "[1]", '{"cohort": "c", "comparisons": [["a"]]}']
)
def test_damaged_register_is_refused_and_kept(tmp_path, content):
    (tmp_path / REGISTER_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(StorageError, match="is no analysis register; move it away"):
        update_register(tmp_path, cohort="c", plan="p", comparisons=looks())
    assert (tmp_path / REGISTER_FILE).read_text(encoding="utf-8") == content


def test_text_of_any_kind_survives_the_file(tmp_path):
    odd = Comparison(marker='a"\n<b>', cut="≥ 7\ud800", endpoint="dfs")
    update_register(tmp_path, cohort="c", plan="p", comparisons=[odd])
    assert update_register(tmp_path, cohort="c", plan="p", comparisons=[odd])["n_ever"] == 1
    assert len((tmp_path / REGISTER_FILE).read_text(encoding="utf-8").splitlines()) == 1


def test_record_holds_hashes_and_names_of_comparisons_only(tmp_path):
    update_register(tmp_path, cohort="c", plan="p", comparisons=looks())
    assert set(json.loads((tmp_path / REGISTER_FILE).read_text(encoding="utf-8"))) == {
        "format",
        "cohort",
        "plan",
        "comparisons",
    }


def test_section_prints_the_count_and_warns_of_many_looks(tmp_path):
    count = update_register(
        tmp_path, cohort=hash_of("c"), plan=hash_of("p"), comparisons=looks(endpoints=("dfs", "os"))
    )
    said = register_section(count).blocks
    assert said[0].text.startswith(
        "2 comparisons (marker, cut, endpoint and subgroup, each combination counted once) were run"
    )
    assert "corrected for that number" in said[1].text
