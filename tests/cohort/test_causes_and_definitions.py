"""Why an event happened, and what an endpoint means by its source. Worked by hand."""

import pytest

from igfstrat.cohort import CohortMap, read_cohort
from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import ConfigError, Severity

HEADER = ["patient_id", "os_months", "os_event", "os_cause"]
# two events by cancer, one by another cause, one censored
ROWS = [
    HEADER,
    ["A", "5", "1", "cancer"],
    ["B", "7", "0", ""],
    ["C", "9", "1", "other"],
    ["D", "11", "1", "cancer"],
]
CAUSES = "cause: {column: why, codes: {cancer: [C, CA], other: [O]}, missing: [alive]}"


def make(text):
    return make_config(CohortMap, parse_yaml(text, source="map.yaml"))


def map_of(about=CAUSES, time="time: t, unit: months"):
    return make(
        f"columns: {{patient_id: id}}\nendpoints: {{os: {{{time}, event: {{column: e, event: [1], censored: [0]}}, {about}}}}}"
    )


def own(*words):
    """A table outside the convention: an event for each word, and a censored row at the end."""
    rows = [[f"P{i}", str(i + 1), "1", word] for i, word in enumerate(words)]
    return [["id", "t", "e", "why"], *rows, ["Z", "50", "0", "alive"]]


def flagged(cohort):
    return [(p.row, p.column, p.code, p.value) for p in cohort.problems if p.severity is Severity.FLAG]


def test_a_convention_column_of_causes_is_read_beside_its_events(write_csv, write_xlsx):
    for path in (write_csv(ROWS), write_xlsx(ROWS)):
        cohort = read_cohort(path)
        endpoint = cohort.endpoints["os"]
        assert endpoint.cause.tolist() == ["cancer", None, "other", "cancer"]
        assert endpoint.cause_counts == {"cancer": 2, "other": 1}
        assert endpoint.n_events_without_cause == 0
        assert cohort.problems == ()
        assert cohort.to_dict()["ignored_columns"] == []
        assert cohort.to_dict()["endpoints"]["os"]["causes"] == {"cancer": 2, "other": 1}


def test_an_endpoint_without_a_column_of_causes_has_none(make_table, write_csv):
    cohort = read_cohort(write_csv(make_table()))
    assert cohort.endpoints["dfs"].cause is None
    assert cohort.endpoints["dfs"].n_events_without_cause is None
    assert cohort.to_dict()["endpoints"]["dfs"]["causes"] is None


def test_an_event_without_a_cause_stays_an_event_and_is_counted_and_flagged(write_csv):
    rows = [row[:] for row in ROWS]
    rows[3][3] = "n/a"
    cohort = read_cohort(write_csv(rows))
    endpoint = cohort.endpoints["os"]
    assert endpoint.event.tolist() == [True, False, True, True]
    assert endpoint.usable.all()
    assert endpoint.cause.tolist() == ["cancer", None, None, "cancer"]
    assert endpoint.n_events_without_cause == 1
    assert cohort.to_dict()["endpoints"]["os"]["events_without_cause"] == 1
    assert flagged(cohort) == [(4, "os_cause", "missing_cause", None)]


def test_a_cause_beside_a_censored_time_is_flagged_and_makes_no_event(write_csv):
    rows = [row[:] for row in ROWS]
    rows[2][3] = "cancer"
    cohort = read_cohort(write_csv(rows))
    endpoint = cohort.endpoints["os"]
    assert endpoint.event.tolist() == [True, False, True, True]
    assert endpoint.cause.tolist() == ["cancer", None, "other", "cancer"]
    assert endpoint.cause_counts == {"cancer": 2, "other": 1}
    assert flagged(cohort) == [(3, "os_cause", "cause_without_event", None)]


@pytest.mark.parametrize(("time", "event"), [("", "1"), ("5", ""), ("-5", "1")])
def test_the_cause_of_a_row_outside_the_endpoint_is_neither_kept_nor_flagged(write_csv, time, event):
    rows = [*ROWS, ["E", time, event, "cancer"], ["F", time, event, ""]]
    cohort = read_cohort(write_csv(rows))
    endpoint = cohort.endpoints["os"]
    assert endpoint.cause.tolist()[-2:] == [None, None]
    assert endpoint.n_events_without_cause == 0
    assert [row for row, column, *_ in flagged(cohort) if column == "os_cause"] == []
    assert {row for row, *_ in flagged(cohort)} == {6, 7}


def test_causes_numbered_from_1_have_0_for_no_event(write_csv):
    rows = [HEADER, ["A", "5", "1", "1"], ["B", "7", "0", "0"], ["C", "9", "1", "2.0"], ["D", "11", "1", "0"]]
    cohort = read_cohort(write_csv(rows))
    assert cohort.endpoints["os"].cause.tolist() == ["1", None, "2", None]
    assert flagged(cohort) == [(5, "os_cause", "missing_cause", None)]


def test_two_spellings_of_a_cause_are_one_and_are_flagged_without_their_words(write_csv):
    rows = [*ROWS, ["E", "5", "1", " Cancer"], ["F", "5", "1", "OTHER"], ["G", "6", "1", "other"]]
    cohort = read_cohort(write_csv(rows))
    assert cohort.endpoints["os"].cause_counts == {"cancer": 3, "other": 3}
    assert flagged(cohort) == [(6, "os_cause", "spelling", None), (7, "os_cause", "spelling", None)]
    assert not [p for p in cohort.problems if "ancer" in p.remedy]


def test_a_cause_that_stands_first_in_a_censored_row_is_read_and_its_other_spelling_flagged(write_csv):
    rows = [
        HEADER,
        ["A", "5", "0", "cancer"],
        ["B", "7", "1", "cancer"],
        ["C", "9", "1", "cancer"],
        ["D", "9", "1", "Cancer"],
    ]
    cohort = read_cohort(write_csv(rows))
    assert cohort.endpoints["os"].cause_counts == {"cancer": 3}
    assert flagged(cohort) == [
        (2, "os_cause", "cause_without_event", None),
        (5, "os_cause", "spelling", None),
    ]


def test_the_map_says_which_words_mean_which_cause_and_which_mean_none(write_csv):
    cohort = read_cohort(write_csv(own("C", "O", "CA", "c", "C")), map=map_of())
    endpoint = cohort.endpoints["os"]
    assert endpoint.cause.tolist() == ["cancer", "other", "cancer", "cancer", "cancer", None]
    # 'CA' is in the map; the small letter is nowhere
    assert flagged(cohort) == [(5, "os_cause", "spelling", "c")]


def test_a_word_that_the_map_does_not_declare_is_shown_and_leaves_the_event(write_csv):
    cohort = read_cohort(write_csv(own("C", "O", "X", "C")), map=map_of())
    endpoint = cohort.endpoints["os"]
    assert endpoint.cause.tolist() == ["cancer", "other", None, "cancer", None]
    assert endpoint.event.sum() == 4
    assert flagged(cohort) == [(4, "os_cause", "invalid_code", "X")]


def test_an_undeclared_word_beside_a_censored_time_is_flagged_as_a_cause(write_csv):
    rows = own("C", "O")
    rows[-1][3] = "well"
    assert flagged(read_cohort(write_csv(rows), map=map_of())) == [
        (4, "os_cause", "cause_without_event", "well")
    ]


def test_the_code_of_a_cause_stands_for_itself(write_csv):
    cohort = read_cohort(write_csv(own("C", "cancer", "Other")), map=map_of())
    assert cohort.endpoints["os"].cause.tolist() == ["cancer", "cancer", "other", None]


def test_a_header_in_capitals_gives_a_mapped_endpoint_no_cause(write_csv):
    rows = own("C", "O")
    rows[0][3] = "OS_CAUSE"
    cohort = read_cohort(write_csv(rows), map=map_of("note: mapped"))
    assert cohort.endpoints["os"].cause is None
    assert "OS_CAUSE" in cohort.to_dict()["ignored_columns"]
    # without a map the convention takes headers in any case
    rows[0] = [text.upper() for text in HEADER]
    assert read_cohort(write_csv(rows)).endpoints["os"].cause.tolist() == ["c", "o", None]


def test_a_formula_without_a_value_among_the_causes_spoils_only_the_causes(write_xlsx):
    rows = [row[:] for row in ROWS]
    rows[1][3] = '=CONCATENATE("a")'
    cohort = read_cohort(write_xlsx(rows))
    assert [(p.row, p.cell, p.code) for p in cohort.unusable["os_cause"]] == [(2, "D2", "formula_uncached")]
    assert cohort.endpoints["os"].cause is None
    assert cohort.endpoints["os"].event.sum() == 3
    assert flagged(cohort) == []


def test_the_header_of_the_causes_is_one_that_the_map_names():
    assert {"id", "t", "e", "why"} == map_of().source_headers


def test_causes_between_two_dates_are_read_like_others(write_csv):
    rows = [
        ["id", "a", "b", "e", "why"],
        ["A", "2019-01-01", "2020-01-01", "1", "O"],
        ["B", "2019-01-01", "2020-01-01", "0", ""],
    ]
    cohort = read_cohort(write_csv(rows), map=map_of(time="from: a, to: b"))
    assert cohort.endpoints["os"].cause.tolist() == ["other", None]


def test_a_map_may_name_the_column_alone(write_csv):
    cohort = read_cohort(write_csv(own("C", "O")), map=map_of("cause: why"))
    assert cohort.endpoints["os"].cause.tolist() == ["c", "o", None]
    assert flagged(cohort) == [(4, "os_cause", "cause_without_event", None)]


def test_mostly_undeclared_causes_are_not_used_and_the_endpoint_is(write_csv):
    cohort = read_cohort(write_csv(own("X", "Y", "X", "C")), map=map_of())
    assert cohort.endpoints["os"].cause is None
    assert cohort.endpoints["os"].event.sum() == 4
    assert "found X 2, Y 1" in cohort.unusable["os_cause"][0].remedy
    assert flagged(cohort) == []
    cohort.require([], ["os"], outcome="No report was written.")


def test_thirteen_undeclared_causes_are_remarks_and_are_not_shown(write_csv):
    def causes_of(n):
        return read_cohort(write_csv([HEADER, *([f"P{i}", "5", "1", f"secret{i}"] for i in range(n))]))

    assert len(causes_of(12).endpoints["os"].cause_counts) == 12
    cohort = causes_of(13)
    assert cohort.endpoints["os"].cause is None
    assert "13 different causes" in cohort.unusable["os_cause"][0].remedy
    assert "secret" not in f"{cohort.problems}{cohort.unusable}{cohort.to_dict()}"


def test_an_empty_column_of_causes_flags_no_row(write_csv):
    cohort = read_cohort(write_csv([HEADER, *([*row[:3], ""] for row in ROWS[1:])]))
    assert cohort.endpoints["os"].cause is None
    assert flagged(cohort) == []
    assert "no row states a cause" in cohort.unusable["os_cause"][0].remedy


def test_a_summary_row_has_no_cause(make_table, write_csv):
    rows = [
        [*row, "dfs_cause" if i == 0 else ("cancer" if row[10] == "1" else "")]
        for i, row in enumerate(make_table())
    ]
    cohort = read_cohort(write_csv([*rows, ["Mean", "58.1", *[""] * 11, "cancer"]]))
    endpoint = cohort.endpoints["dfs"]
    assert len(endpoint.cause) == 61
    assert endpoint.cause[60] is None
    assert endpoint.cause_counts == {"cancer": int(endpoint.event.sum())} == {"cancer": 20}


def test_a_cause_or_definition_that_stands_twice_or_is_not_there_spoils_only_itself(write_csv):
    twice = [[*row, "os_cause" if i == 0 else "x"] for i, row in enumerate(ROWS)]
    cohort = read_cohort(write_csv(twice))
    assert cohort.endpoints["os"].cause is None
    assert "twice in the header" in cohort.unusable["os_cause"][0].remedy
    assert list(cohort.unusable) == ["os_cause"]
    cohort = read_cohort(write_csv(own("C")), map=map_of("cause: wy"))
    assert cohort.endpoints["os"].event.sum() == 1
    assert "did you mean 'why'?" in cohort.unusable["os_cause"][0].remedy


def test_a_cause_without_its_endpoint_is_an_unused_column(write_csv):
    cohort = read_cohort(
        write_csv([["patient_id", "os_cause", "age_years"], ["A", "cancer", "50"], ["B", "", "60"]])
    )
    assert cohort.endpoints == cohort.unusable == {}
    assert cohort.to_dict()["ignored_columns"] == ["os_cause"]


def test_convention_columns_of_cause_and_definition_serve_a_mapped_endpoint(write_csv):
    rows = [
        ["patient_id", "t", "e", "os_cause", "os_definition"],
        ["A", "1", "1", "cancer", "any death"],
        ["B", "2", "0", "", "any death"],
    ]
    text = "endpoints: {os: {time: t, unit: months, event: {column: e, event: [1], censored: [0]}%s}}"
    endpoint = read_cohort(write_csv(rows), map=make(text % "")).endpoints["os"]
    assert (endpoint.cause.tolist(), endpoint.definition) == (["cancer", None], "any death")
    # what the map itself says comes first
    cohort = read_cohort(write_csv(rows), map=make(text % ", definition: death of breast cancer, cause: e"))
    assert cohort.endpoints["os"].definition == "death of breast cancer"
    assert cohort.endpoints["os"].cause.tolist() == ["1", None]
    assert cohort.to_dict()["ignored_columns"] == ["os_cause", "os_definition"]


def test_causes_that_differ_between_the_rows_of_a_patient_are_flagged(write_csv):
    rows = [["id", "t", "e", "why"], ["A", "5", "1", "C"], ["A", "5", "1", "O"]]
    text = f"columns: {{patient_id: id}}\nendpoints: {{os: {{time: t, unit: months, event: {{column: e, event: [1], censored: [0]}}, {CAUSES}}}}}\nrows: {{one_patient_per: [id]}}"
    cohort = read_cohort(write_csv(rows), map=make(text))
    assert cohort.endpoints["os"].cause.tolist() == ["cancer"]
    assert flagged(cohort) == [(2, "why", "merged_rows_differ", None)]


@pytest.mark.parametrize(
    ("about", "words"),
    [("cause: {column: why, codes: {cancer: [C], other: [c]}}", "c stands for more than one cause"),
     ("cause: {column: why, codes: {cancer: [C]}, missing: [C]}", "c stands for more than one cause, or also under missing"),
     ("cause: {colum: why}", "did you mean 'column'"), ("cause: {codes: {cancer: [C]}}", "column")],
)  # fmt: skip
def test_a_cause_that_a_map_cannot_mean_is_refused(about, words):
    with pytest.raises(ConfigError, match=words):
        map_of(about)


def defined(*texts):
    return [
        ["patient_id", "os_days", "os_event", "os_definition"],
        *([f"P{i}", "50", "1", text] for i, text in enumerate(texts)),
    ]


def test_one_definition_in_a_column_is_that_of_the_endpoint(write_csv):
    cohort = read_cohort(write_csv(defined("STEEP  DFS", "", "STEEP DFS ")))
    assert cohort.endpoints["os"].definition == "STEEP DFS"
    assert cohort.to_dict()["endpoints"]["os"]["definition"] == "STEEP DFS"
    assert cohort.problems == ()
    assert cohort.to_dict()["ignored_columns"] == []


def test_several_definitions_in_a_column_are_counted_and_not_shown(write_csv):
    cohort = read_cohort(write_csv(defined("STEEP DFS", "NCI DFS", "NCI DFS", "")))
    assert cohort.endpoints["os"].definition is None
    assert [(p.code, p.column, p.severity) for p in cohort.problems] == [
        ("several_definitions", "os_definition", Severity.NOTICE)
    ]
    assert "2 different definitions" in cohort.problems[0].remedy
    assert "DFS" not in f"{cohort.problems}{cohort.to_dict()}"


def test_an_empty_column_of_definitions_defines_nothing(write_csv):
    cohort = read_cohort(write_csv(defined("", "n/a")))
    assert cohort.endpoints["os"].definition is None
    assert cohort.problems == ()


def test_a_definition_cannot_write_on_the_terminal(write_csv):
    definition = (
        read_cohort(write_csv(defined("any\x1b[31mdeath", "any\x1b[31mdeath"))).endpoints["os"].definition
    )
    assert "\x1b" not in definition
    assert "any" in definition


def test_definition_and_note_of_a_map_reach_the_endpoint_and_the_manifest(write_csv):
    about = 'definition: "any death", note: "cause unknown in two"'
    cohort = read_cohort(write_csv(own("C")), map=map_of(about))
    assert (cohort.endpoints["os"].definition, cohort.endpoints["os"].note) == (
        "any death",
        "cause unknown in two",
    )
    written = cohort.to_dict()["endpoints"]["os"]
    assert (written["definition"], written["note"]) == ("any death", "cause unknown in two")
