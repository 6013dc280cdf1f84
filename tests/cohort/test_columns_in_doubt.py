"""A column whose meaning is in doubt is refused, because scoring sixty patients wrongly is worse than scoring none.

Worked by hand: each case says what the message must name.
"""

import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError


def refused(judge, path, *words):
    with pytest.raises(CohortError) as caught:
        judge(path)
    message = str(caught.value)
    assert message.endswith("Nothing was scored.")
    assert not [word for word in words if word not in message], message
    return message


def test_events_coded_1_and_2_are_asked_about(change_column, write_csv, judge):
    rows = change_column("dfs_event", lambda text, _: str(int(text) + 1))
    message = refused(judge, write_csv(rows), "dfs_event", "found 1 40, 2 20", "map")
    assert "1 problem in" in message


@pytest.mark.parametrize(
    "words", [("yes", "no"), ("dead", "alive"), ("1:DECEASED", "0:LIVING"), ("1", "-1"), ("T", "F")]
)
def test_events_in_words_are_asked_about(change_column, write_csv, judge, words):
    rows = change_column("dfs_event", lambda text, _: words[0] if text == "1" else words[1])
    refused(judge, write_csv(rows), "dfs_event", *words, "event: […], censored: […]")


@pytest.mark.parametrize("words", [("TRUE", "FALSE"), ("true", "false"), ("1.0", "0.0"), (" 1 ", "0")])
def test_true_and_false_and_one_and_zero_mean_the_same_everywhere(
    change_column, make_table, write_csv, judge, words
):
    rows = change_column("dfs_event", lambda text, _: words[0] if text == "1" else words[1])
    plain = judge(write_csv(make_table(), "plain.csv")).cohort.endpoints["dfs"]
    judged = judge(write_csv(rows))
    assert judged.flags == []
    assert (judged.cohort.endpoints["dfs"].event == plain.event).all()


def test_a_single_mistyped_event_flags_its_row(change, write_csv, judge):
    judged = judge(write_csv(change({(9, "dfs_event"): "O"})))
    assert [(p.row, p.column, p.code, p.value) for p in judged.flags] == [(9, "dfs_event", "event_code", "O")]
    assert judged.cohort.endpoints["dfs"].reasons[7] == "event code not declared"


def test_no_events_at_all_is_said_and_stops_no_scoring(change_column, write_csv, judge):
    judged = judge(write_csv(change_column("dfs_event", lambda *_: "0")))
    assert [(p.code, p.column) for p in judged.flags] == [("no_events", "dfs_event")]
    assert "no events in dfs" in judged.text


def test_a_column_of_censoring_is_not_taken_for_the_event(make_table, write_csv, judge):
    rows = make_table()
    rows[0][rows[0].index("dfs_event")] = "dfs_censored"
    refused(judge, write_csv(rows), "dfs_event", "dfs_censored")


def test_cnsr_1_is_read_as_censored(tmp_path, write_csv):
    path = write_csv([["id", "t", "CNSR"], ["A", "1", "0"], ["B", "2", "1"]])
    cohort_map = tmp_path / "map.yaml"
    cohort_map.write_text(
        "columns: {patient_id: id}\nendpoints: {os: {time: t, unit: days, event: {column: CNSR, event: [0], censored: [1]}}}\n"
    )
    assert read_cohort(path, map=cohort_map).endpoints["os"].event.tolist() == [True, False]


def test_a_declared_code_with_a_fraction_of_zeros_is_the_same_code(tmp_path, write_csv):
    path = write_csv([["id", "t", "e"], ["A", "1", "1.0"], ["B", "2", "2"]])
    cohort_map = tmp_path / "map.yaml"
    cohort_map.write_text(
        "columns: {patient_id: id}\nendpoints: {os: {time: t, unit: days, event: {column: e, event: ['2.0'], censored: ['1.0']}}}\n"
    )
    assert read_cohort(path, map=cohort_map).endpoints["os"].event.tolist() == [False, True]


def test_every_second_igf1_in_another_unit_is_refused(change_column, write_csv, judge):
    rows = change_column("igf1_ng_ml", lambda text, i: f"{float(text) / 7.649:.1f}" if i % 2 else text)
    refused(judge, write_csv(rows), "igf1_ng_ml", "fit nmol/L, not ng/mL")


def test_a_whole_column_in_another_unit_than_its_header_is_refused(change_column, write_csv, judge):
    rows = change_column("igf1_ng_ml", lambda text, _: f"{float(text) / 7.649:.1f}")
    refused(judge, write_csv(rows), "igf1_ng_ml", "nmol/L")
    rows = change_column("igfbp3_ng_ml", lambda text, _: f"{float(text) / 1000:.2f}")
    refused(judge, write_csv(rows), "igfbp3_ng_ml", "mg/L")


def test_a_header_in_nmol_l_is_converted_and_said(change_column, make_table, write_csv, judge):
    rows = change_column("igf1_ng_ml", lambda text, _: f"{float(text) / 7.649:.6f}")
    rows[0][rows[0].index("igf1_ng_ml")] = "igf1_nmol_l"
    cohort = judge(write_csv(rows)).cohort
    plain = judge(write_csv(make_table(), "plain.csv")).cohort
    assert cohort.units == {"igf1_ng_ml": "nmol/L × 7.649 = ng/mL (7.649 kDa)"}
    assert abs(cohort.table["igf1_ng_ml"] - plain.table["igf1_ng_ml"]).max() < 1e-4


def test_a_mapped_concentration_without_a_unit_is_asked_about(tmp_path, make_table, write_csv):
    rows = make_table()
    rows[0][rows[0].index("igf1_ng_ml")] = "IGF-1"
    cohort_map = tmp_path / "map.yaml"
    cohort_map.write_text('columns: {igf1: "IGF-1"}\n')
    cohort = read_cohort(write_csv(rows), map=cohort_map)
    assert not cohort.has("igf1")
    assert "unit not stated; the median fits ng/mL" in cohort.unusable["igf1"][0].remedy


def test_ages_in_months_are_refused(change_column, write_csv, judge):
    rows = change_column("age_years", lambda text, _: str(int(text) * 12))
    refused(judge, write_csv(rows), "age_years", "look like months")


def test_times_beyond_a_century_are_in_another_unit(change_column, write_csv, judge):
    rows = change_column("dfs_months", lambda text, _: str(round(float(text) * 1000)))
    refused(judge, write_csv(rows), "dfs_months", "the unit?")


DUPLICATES = [
    ("P001", "exact"), ("p001", "case"), ("P001 ", "trailing space"), ("P-01", "hyphen"), ("Р001", "Cyrillic Р"),
    ("P001\u200b", "zero-width space"), ("Ｐ００１", "full width"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), DUPLICATES, ids=[kind for _, kind in DUPLICATES])
def test_an_identifier_written_twice_in_any_spelling_is_refused_without_showing_it(
    change, write_csv, judge, text, kind
):
    first = {(2, "patient_id"): "P\u201101"} if kind == "hyphen" else {}
    message = refused(
        judge,
        write_csv(change({**first, (9, "patient_id"): text})),
        "patient_id",
        "row 9",
        "duplicate of row 2",
    )
    assert "P001" not in message
    assert text not in message


@pytest.mark.parametrize("text", ["", "  ", "NA", "n/a"])
def test_a_blank_identifier_is_refused(change, write_csv, judge, text):
    refused(judge, write_csv(change({(6, "patient_id"): text})), "patient_id", "row 6", "blank")


def test_seventeen_digits_in_a_workbook_have_lost_their_end(change_column, write_xlsx, judge):
    rows = change_column("patient_id", lambda _, i: str(12345678901230000 + i * 1000))
    refused(judge, write_xlsx(rows), "patient_id", "15 digits", "precision")


def test_digits_that_a_spreadsheet_saved_as_an_exponent_are_lost_too(change, write_csv, judge):
    refused(judge, write_csv(change({(6, "patient_id"): "1.23457E+16"})), "patient_id", "row 6", "precision")


@pytest.mark.parametrize("text", ["\x1b[31mP6", "P\n6: error", "P\u202e6"])
def test_control_characters_in_an_identifier_are_flagged_and_not_shown(change, write_csv, judge, text):
    judged = judge(write_csv(change({(6, "patient_id"): text})))
    assert [(p.row, p.code) for p in judged.flags] == [(6, "control_characters")]
    assert text not in judged.text


def test_an_identifier_of_excels_longest_text_is_flagged_by_its_place(change, write_xlsx, judge):
    judged = judge(write_xlsx(change({(2, "patient_id"): "x" * 32_767})))
    assert [(p.row, p.cell, p.code) for p in judged.flags] == [(2, "A2", "long_id")]
    assert "xxx" not in judged.text
    assert "row 2 (A2)" in judged.text


FORMATS = ["25/03/2019", "03/25/2019", "2019-03-25", "25-Mar-2019", "Mar 25, 2019"]


def test_day_first_and_month_first_in_one_column_are_refused(change_column, write_csv, judge):
    rows = change_column("diagnosis_date", lambda _, i: FORMATS[i % 5])
    refused(judge, write_csv(rows), "diagnosis_date", "row 2", "several formats")


def test_a_column_that_fits_both_orders_is_asked_about(change_column, write_csv, judge):
    rows = change_column("diagnosis_date", lambda _, i: f"0{i % 9 + 1}/0{(i + 4) % 9 + 1}/2012")
    refused(judge, write_csv(rows), "diagnosis_date", "day or month first?", "dates: {order: day-first}")


def test_an_endpoint_between_dates_of_unknown_order_is_never_guessed(tmp_path, write_csv):
    rows = [
        ["id", "a", "b", "e"],
        ["A", "01/02/2019", "05/06/2019", "1"],
        ["B", "03/04/2019", "07/08/2019", "0"],
    ]
    cohort_map = tmp_path / "map.yaml"
    text = "columns: {patient_id: id}\nendpoints: {os: {from: a, to: b, event: {column: e, event: [1], censored: [0]}}}\n"
    cohort_map.write_text(text)
    cohort = read_cohort(write_csv(rows), map=cohort_map)
    assert cohort.endpoints == {}
    assert "day or month first?" in cohort.unusable["os"][0].remedy
    cohort_map.write_text(text + "dates: {order: day-first}\n")
    days = read_cohort(write_csv(rows), map=cohort_map).endpoints["os"].time * 365.25 / 12
    assert days.round(6).tolist() == [124, 126]


@pytest.mark.parametrize(
    "text", ["25.03.2019", "25-Mar-2019", "25 March 2019", "Mar 25, 2019", "2019-03-25 00:00:00", "25/3/19"]
)
def test_a_date_that_can_be_only_one_day_is_read(change_column, write_csv, judge, text):
    cohort = judge(write_csv(change_column("diagnosis_date", lambda *_: text))).cohort
    assert set(cohort.table["diagnosis_date"].astype(str)) == {"2019-03-25"}


def test_a_column_of_other_things_than_dates_is_refused(change_column, write_csv, judge):
    refused(
        judge,
        write_csv(change_column("diagnosis_date", lambda _, i: str(43000 + i))),
        "diagnosis_date",
        "not dates",
    )


def test_decimal_comma_and_point_in_one_column_are_refused(change_column, write_csv, judge):
    rows = change_column("igf1_ng_ml", lambda text, i: f"{text},5" if i % 2 else f"{text}.5")
    refused(judge, write_csv(rows), "igf1_ng_ml", "decimal commas in 30 cells and decimal points in 30")


def test_decimal_commas_in_times_are_refused_like_everywhere(change_column, write_csv, judge):
    rows = change_column("dfs_months", lambda text, _: text.replace(".", ","))
    refused(judge, write_csv(rows), "dfs_months", "decimal comma")


def test_a_column_of_unknown_words_is_refused_and_its_words_are_counted(change_column, write_csv, judge):
    rows = change_column("subtype", lambda *_: "type X")
    refused(judge, write_csv(rows), "subtype", "found type X 60", "codes:")


def test_a_column_in_doubt_that_the_plan_does_not_need_refuses_nothing(make_table, write_csv, judge):
    rows = [[*row, "bmi" if i == 0 else "27,5"] for i, row in enumerate(make_table())]
    cohort = judge(write_csv(rows)).cohort
    assert not cohort.has("bmi")
    assert "decimal commas" in cohort.unusable["bmi"][0].remedy


def test_all_problems_of_a_file_come_at_once(change, change_column, write_csv, judge):
    rows = change({(6, "patient_id"): ""}, change_column("dfs_event", lambda text, _: str(int(text) + 1)))
    rows = [[text for text, name in zip(row, rows[0], strict=True) if name != "igf1_ng_ml"] for row in rows]
    rows[0][rows[0].index("igf1r_ihc")] = "igf1r_icc"
    refused(judge, write_csv(rows), "4 problems", "row 6", "dfs_event", "igf1_ng_ml", "igf1r_icc")


@pytest.mark.parametrize("form", ["{y}-{m}-{d}", "{y}/{m}/{d}"])
def test_three_pairs_of_figures_of_which_the_first_may_be_the_year_are_asked_about(
    change_column, write_csv, judge, tmp_path, form
):
    # 12-01-20 to 25-01-20: read day first these would be days of 2020
    def change(_, i):
        return form.format(y=12 + i % 14, m="01", d="20")

    path = write_csv(change_column("diagnosis_date", change))
    refused(judge, path, "diagnosis_date", "which figure is the year?")
    by_map = tmp_path / "map.yaml"
    by_map.write_text("dates: {order: day-first}\n")
    assert str(read_cohort(path, map=by_map).table["diagnosis_date"][0])[:10] == "2020-01-12"


def test_a_day_that_would_be_a_year_to_come_tells_the_order(change_column, write_csv, judge):
    # 31/01/12 is no day of January 2031, which is not over
    path = write_csv(change_column("diagnosis_date", lambda _, i: f"{i % 19 + 13}/01/12"))
    assert str(judge(path).cohort.table["diagnosis_date"][18])[:10] == "2012-01-31"


@pytest.mark.parametrize("end", ["T00:00:00Z", "T23:30:00+01:00", " 00:00:00.000Z"])
def test_a_date_with_a_time_zone_is_the_day_that_is_written_and_that_is_said(
    change_column, write_csv, judge, end
):
    read = judge(write_csv(change_column("diagnosis_date", lambda text, _: text + end)))
    assert str(read.cohort.table["diagnosis_date"][0])[:10] == "2012-01-10"
    assert [p.column for p in read.notices if p.code == "date_zone"] == ["diagnosis_date"]


def test_where_only_events_are_written_what_empty_means_is_asked(change_column, write_csv, judge, tmp_path):
    # left out, the forty who had no event would leave twenty patients who all had one
    path = write_csv(change_column("dfs_event", lambda text, _: text if text == "1" else ""))
    refused(judge, path, "dfs_event", "20 events, 40 empty", 'censored: [""]')
    by_map = tmp_path / "map.yaml"
    by_map.write_text(
        'endpoints: {dfs: {time: dfs_months, unit: months, event: {column: dfs_event, event: [1], censored: [""]}}}\n'
    )
    endpoint = read_cohort(path, map=by_map).endpoints["dfs"]
    assert (endpoint.event.sum(), endpoint.usable.sum()) == (20, 60)


def test_a_few_missing_events_among_events_alone_are_only_flagged(change_column, write_csv, judge):
    path = write_csv(change_column("dfs_event", lambda _, i: "" if i < 3 else "1"))
    assert sum(p.code == "missing_event" for p in judge(path).flags) == 3
