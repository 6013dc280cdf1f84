"""Exports of REDCap and cBioPortal in the forms that people send. The truth is the table that each was made from, and words by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError
from tests.conftest import table_of
from tests.hostile import exports
from tests.hostile.exports import (
    CLINICAL_HEADER,
    CLINICAL_MAP,
    DICTIONARY_HEADER,
    EXPORT_HEADER,
    LABELS,
    OF_THE_API,
    REDCAP_MAP,
    clinical_rows,
    clinical_text,
    column,
    export_rows,
    field,
    fields,
    of_events,
    patients_and_samples,
    write_clinical,
    write_redcap,
)
from tests.hostile.tables import csv_of

USED = ["patient_id", "age_years", "sex", "subtype", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc"]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "c.csv"
    path.write_bytes(csv_of(table_of()))
    return read_cohort(path)


def assert_same(cohort, good):
    """Every value and every outcome is that of the table."""
    assert cohort.unusable == {}
    found, known = (c.table.sort_values("patient_id", ignore_index=True)[USED] for c in (cohort, good))
    pd.testing.assert_frame_equal(found, known, check_dtype=False)
    order, known_order = (np.argsort(c.table["patient_id"].to_numpy(dtype=str)) for c in (cohort, good))
    for name in ("dfs", "pfs"):
        np.testing.assert_array_equal(
            cohort.endpoints[name].time[order], good.endpoints[name].time[known_order]
        )
        np.testing.assert_array_equal(
            cohort.endpoints[name].event[order], good.endpoints[name].event[known_order]
        )


def by_comma(text):
    return text.replace(".", ",")


def shown(form):
    return lambda date: dt.date.fromisoformat(date).strftime(form)


def labelled(rows):
    """The export with labels instead of codes."""
    words = {"sex": ("Male", "Female"), "relapse": ("No", "Yes"), "progress": ("False", "True")}
    for header, (no, yes) in words.items():
        rows = column(rows, header, lambda _, code, no=no, yes=yes: yes if code == "1" else no)
    return column(rows, "subtype", lambda _, code: exports.SUBTYPES[int(code) - 1])


def with_labels(text):
    """The map with the labels as headers."""
    for name, label in LABELS.items():
        for old in (f": {name}\n", f"column: {name},", f"time: {name},"):
            text = text.replace(old, old.replace(name, f'"{label}"'))
    return text


COMMAS = {
    name: field(name, validation=f"number{dp}_comma_decimal")
    for name, dp in (("igf1", ""), ("igfbp3", "_1dp"), ("dfs", "_2dp"), ("pfs", "_4dp"))
}
LABEL_HEADER = [LABELS.get(name, name) for name in EXPORT_HEADER]
LONG = [*field("igf1")[:4], "IGF-1\n\nin ng/mL\nnot nmol/L\n(see\nthe SOP)\n\n7", *field("igf1")[5:]]
REDCAP = {
    "plain": {},
    "a mark": {"encoding": "utf-8-sig"},
    "UTF-16": {"encoding": "utf-16"},
    "semicolons": {"delimiter": ";"},
    "tabs": {"delimiter": "\t"},
    "all quoted": {"quoting": 1, "end": "\r\n"},
    "dictionary of the API": {"dictionary": [OF_THE_API, *fields()]},
    "types in capitals": {"dictionary": [DICTIONARY_HEADER, *([*f[:3], f[3].upper(), *f[4:]] for f in fields())]},
    "a label of many lines": {"dictionary": [DICTIONARY_HEADER, *fields(igf1=LONG)]},
    "choices without blanks": {"dictionary": [DICTIONARY_HEADER, *fields(sex=field("sex", "radio", "1,Female|0,Male"))]},
    "a choice with a comma": {"dictionary": [DICTIONARY_HEADER, *fields(sex=field("sex", "radio", "1, Female | 0, Male | 2, Other, not listed"))]},
    "a choice twice in the same words": {"dictionary": [DICTIONARY_HEADER, *fields(sex=field("sex", "radio", "1, Female | 0, Male | 1, Female"))]},
    "decimal commas": {"rows": [EXPORT_HEADER, *export_rows(number=by_comma)], "dictionary": [DICTIONARY_HEADER, *fields(**COMMAS)]},
    "codes as decimals": {"rows": [EXPORT_HEADER, *column(column(export_rows(), "sex", lambda _, c: f"{c}.0"), "relapse", lambda _, c: f"{c}.0")]},
    "labels as cells": {"rows": [EXPORT_HEADER, *labelled(export_rows())]},
    "labels as headers": {"rows": [LABEL_HEADER, *export_rows()], "text": with_labels(REDCAP_MAP)},
    "labels as both": {"rows": [LABEL_HEADER, *labelled(export_rows())], "text": with_labels(REDCAP_MAP)},
    "dates with times": {"rows": [EXPORT_HEADER, *export_rows(date=lambda date: f"{date} 13:05")]},
    "an index in front": {"rows": [["", *EXPORT_HEADER], *([str(i), *r] for i, r in enumerate(export_rows()))]},
    "an event": {"rows": of_events(n_repeats=0), "text": REDCAP_MAP + "rows: {where: {redcap_event_name: baseline_arm_1}}\n"},
    "an event without repeats": {"rows": of_events(), "text": REDCAP_MAP + "rows: {where: {redcap_event_name: baseline_arm_1, redcap_repeat_instrument: ''}}\n"},
    "a patient's events together": {"rows": of_events(2, 3), "text": REDCAP_MAP + "rows: {one_patient_per: [record_id]}\n"},
}  # fmt: skip


@pytest.mark.parametrize("how", REDCAP.values(), ids=list(REDCAP))
def test_a_redcap_export_in_any_form_holds_the_table_it_was_made_from(tmp_path, good, how):
    data, map_file = write_redcap(tmp_path, **how)
    cohort = read_cohort(data, map=map_file)
    assert_same(cohort, good)
    assert {p.column for p in cohort.problems if p.code == "direct_identifier"} == {"name_last"}
    assert "Doe" not in "".join(p.remedy + str(p.value) for p in cohort.problems)


@pytest.mark.parametrize(
    ("form", "order", "words"),
    [
        ("%d/%m/%Y", None, "day first, since 16/02/2012"),
        ("%m/%d/%Y", None, "month first, since 02/16/2012"),
        ("%d-%m-%Y", "day-first", None),
        ("%m-%d-%Y", "month-first", None),
    ],
)
def test_the_order_of_redcap_dates_is_declared_or_proved_and_then_told(tmp_path, good, form, order, words):
    text = REDCAP_MAP + (f"dates: {{order: {order}}}\n" if order else "")
    data, map_file = write_redcap(tmp_path, [EXPORT_HEADER, *export_rows(date=shown(form))], text=text)
    cohort = read_cohort(data, map=map_file)
    assert_same(cohort, good)
    assert cohort.table["diagnosis_date"].tolist() == good.table["diagnosis_date"].tolist()
    told = [p.remedy for p in cohort.problems if p.code == "date_order" and p.column == "diagnosis_date"]
    assert [words in remedy for remedy in told] == ([True] if words else [])


def test_a_decimal_comma_without_its_zero_is_a_number(tmp_path):
    rows = column(export_rows(number=by_comma), "dfs", lambda i, text: ",5" if i == 3 else text)
    data, map_file = write_redcap(tmp_path, [EXPORT_HEADER, *rows], [DICTIONARY_HEADER, *fields(**COMMAS)])
    assert read_cohort(data, map=map_file).endpoints["dfs"].time[3] == 0.5


REFUSED = {
    "two words for a code": ({"dictionary": [DICTIONARY_HEADER, *fields(sex=field("sex", "radio", "1, Female | 1, Male"))]}, "dictionary.csv", "row 5  the field sex has two words for code 1"),
    "a field twice": ({"dictionary": [DICTIONARY_HEADER, *fields(), field("sex", "radio", "1, Male | 0, Female")]}, "dictionary.csv", "row 18  the field sex stands twice"),
    "another project's dictionary": ({"dictionary": [DICTIONARY_HEADER, field("foo")]}, "data.csv", "another project"),
    "the export as dictionary": ({"dictionary": [EXPORT_HEADER, *export_rows()]}, "dictionary.csv", "not a REDCap data dictionary"),
    "labels as headers, names in the map": ({"rows": [LABEL_HEADER, *export_rows()]}, "data.csv", "did you mean 'Record ID'"),
    "several rows a patient": ({"rows": of_events()}, "data.csv", "'rows:' in a map"),
    "an event that isn't there": ({"rows": of_events(), "text": REDCAP_MAP + "rows: {where: {redcap_event_name: enrolment}}\n"}, "data.csv", "redcap_event_name holds enrolment in no row"),
}  # fmt: skip


@pytest.mark.parametrize(("how", "place", "words"), REFUSED.values(), ids=list(REFUSED))
def test_a_redcap_export_in_doubt_is_refused_with_the_place(tmp_path, how, place, words):
    data, map_file = write_redcap(tmp_path, **how)
    with pytest.raises(CohortError) as refused:
        read_cohort(data, map=map_file).require([("sex",)], outcome="Nothing was scored.")
    message = str(refused.value)
    assert place in message
    assert words in message
    assert "P0" not in message
    assert "Doe" not in message


def test_many_duplicates_take_few_lines(tmp_path):
    data, map_file = write_redcap(tmp_path, of_events(40, 40))
    with pytest.raises(CohortError) as refused:
        read_cohort(data, map=map_file).require([], outcome="Nothing was scored.")
    assert len(refused.value.problems) == 60 * 80
    assert len(str(refused.value).splitlines()) < 60


WITH_TABS = "".join(
    line + ("\t\t\n" if line.startswith("P0") else "\n") for line in clinical_text().splitlines()
)
QUOTED = clinical_text(
    [[f'"{cell}"' for cell in row] for row in clinical_rows()], [f'"{h}"' for h in CLINICAL_HEADER]
)
CLINICAL = {
    **{f"{n} rows above": clinical_text(n_above=n) for n in range(5)},
    "CR": clinical_text(end="\r"), "CRLF": clinical_text(end="\r\n"), "quoted": QUOTED, "tabs behind the rows": WITH_TABS,
    "commas": clinical_text(delimiter=","), "commas, a cut row above": clinical_text(delimiter=",", above=["#Patient Identifier,Sex,"]),
    "a lone quote above": clinical_text(above=['#Patient"s\tx', '#5" tumour']), "quoted above": clinical_text(above=['"#Patient"\t"x"']),
    "a mark": "\ufeff" + clinical_text(), "two marks": "\ufeff\ufeff" + clinical_text(),
    "an empty line above the header": clinical_text(above=["#a\tb", ""]), "an empty line first": "\n" + clinical_text(),
    "an unused column twice": clinical_text([[*row, "5", "6"] for row in clinical_rows()], (*CLINICAL_HEADER, "X", "X")),
}  # fmt: skip


@pytest.mark.parametrize("text", CLINICAL.values(), ids=list(CLINICAL))
def test_a_clinical_file_in_any_form_holds_the_table_it_was_made_from(tmp_path, good, text):
    data, map_file = write_clinical(tmp_path, text)
    assert_same(read_cohort(data, map=map_file), good)


JOIN = "join: [{file: data_clinical_sample.txt, by: PATIENT_ID}]\n"
SAMPLES = {
    "plain": {}, "no rows above": {"n_above": 0}, "CR": {"end": "\r"}, "commas": {"delimiter": ","},
    "another order": {"change": lambda samples: samples[::-1]},
    "a sample of nobody": {"change": lambda samples: [*samples, ["Z9-01", "Z9", *samples[0][2:]]]},
    "blanks behind the key": {"change": lambda samples: [[s[0], f"{s[1]} ", *s[2:]] for s in samples]},
}  # fmt: skip


@pytest.mark.parametrize("how", SAMPLES.values(), ids=list(SAMPLES))
def test_patients_and_samples_joined_hold_the_table_they_were_made_from(tmp_path, good, how):
    patients, samples = patients_and_samples(**how)
    (tmp_path / "data_clinical_sample.txt").write_text(samples, newline="")
    data, map_file = write_clinical(tmp_path, patients, JOIN + CLINICAL_MAP)
    assert_same(read_cohort(data, map=map_file), good)


UNJOINED = {
    "no key": (lambda samples: [[s[0], f"X{s[1]}", *s[2:]] for s in samples], "no PATIENT_ID here is one of the cohort's; is it the same study"),
    "another case": (lambda samples: [[s[0], s[1].lower(), *s[2:]] for s in samples], "60 would match but for case"),
    "a patient's second sample": (lambda samples: [*samples, ["P003-02", *samples[2][1:]]], "rows 8, 66"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), UNJOINED.values(), ids=list(UNJOINED))
def test_samples_that_find_no_patient_or_two_are_refused(tmp_path, change, words):
    patients, samples = patients_and_samples(change)
    (tmp_path / "data_clinical_sample.txt").write_text(samples)
    data, map_file = write_clinical(tmp_path, patients, JOIN + CLINICAL_MAP)
    with pytest.raises(CohortError, match=r"data_clinical_sample\.txt") as refused:
        read_cohort(data, map=map_file)
    assert words in str(refused.value)
    assert "P0" not in str(refused.value)


def test_keys_that_are_only_written_otherwise_are_counted_where_others_match(tmp_path):
    def lowered(samples):
        return [[s[0], s[1].lower() if i < 5 else s[1], *s[2:]] for i, s in enumerate(samples)]

    patients, samples = patients_and_samples(lowered)
    (tmp_path / "data_clinical_sample.txt").write_text(samples)
    data, map_file = write_clinical(tmp_path, patients, JOIN + CLINICAL_MAP)
    said = [p.remedy for p in read_cohort(data, map=map_file).problems if p.code == "joined"]
    assert "55 of 60 rows found their partner" in said[0]
    assert "5 keys differ from one there only in case" in said[0]


STATUS = {
    "words": ("DiseaseFree", "Recurred/Progressed"),
    "figures": ("0", "1"),
    "small letters": ("0:diseasefree", "1:recurred/progressed"),
    "1/2": ("1:DiseaseFree", "2:Recurred/Progressed"),
    "a blank": ("0: DiseaseFree", "1: Recurred/Progressed"),
}


@pytest.mark.parametrize("codes", STATUS.values(), ids=list(STATUS))
def test_a_status_in_other_words_than_the_map_declares_is_asked_about(tmp_path, codes):
    data, map_file = write_clinical(tmp_path, clinical_text(clinical_rows(dfs=codes)))
    cohort = read_cohort(data, map=map_file)
    assert [*cohort.endpoints] == ["pfs"]
    assert cohort.unusable["dfs"][0].value == f"{codes[0]} 40, {codes[1]} 20"


@pytest.mark.parametrize("word", ["NA", "N/A", "", "[Not Available]", "[Unknown]", "[Discrepancy]", ".", "-"])
@pytest.mark.parametrize("is_declared", [False, True])
def test_a_word_for_missing_costs_its_cells_alone_and_is_not_told_where_declared(
    tmp_path, good, word, is_declared
):
    rows = [
        [*r[:4], word, *r[5:7], word, word, *r[9:]] if i in (4, 9) else r
        for i, r in enumerate(clinical_rows())
    ]
    text = CLINICAL_MAP + (f"missing: ['{word}']\n" if is_declared else "")
    data, map_file = write_clinical(tmp_path, clinical_text(rows), text)
    cohort = read_cohort(data, map=map_file)
    known = good.table["igf1_ng_ml"].to_numpy().copy()
    known[[4, 9]] = np.nan
    np.testing.assert_array_equal(cohort.table["igf1_ng_ml"].to_numpy(), known)
    assert np.flatnonzero(~cohort.endpoints["dfs"].usable).tolist() == [4, 9]
    told = {(p.row, p.remedy) for p in cohort.problems if p.column == "igf1_ng_ml" and p.row}
    is_usual = word in {"NA", "N/A", ""}
    assert {row for row, _ in told} == (set() if is_usual or is_declared else {10, 15})
    assert all("'missing:' in the map" in remedy for _, remedy in told)


def test_headers_in_another_case_are_asked_about_one_by_one(tmp_path):
    data, map_file = write_clinical(tmp_path, clinical_text(header=[h.lower() for h in CLINICAL_HEADER]))
    with pytest.raises(CohortError) as refused:
        read_cohort(data, map=map_file).require([("igf1",)], outcome="Nothing was scored.")
    assert "'IGF1_NG_ML', which is not in the file; did you mean 'igf1_ng_ml'?" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3\u202f200", "thousands"),
        ("3'200", "thousands"),
        ("3 200", "thousands"),
        ("3200 000x", "correct the cell"),
    ],
)
def test_a_number_with_its_thousands_apart_is_no_number_and_the_way_out_is_said(tmp_path, text, says):
    rows = clinical_rows()
    rows[3][5] = text
    data, map_file = write_clinical(tmp_path, clinical_text(rows))
    cohort = read_cohort(data, map=map_file)
    assert np.isnan(cohort.table["igfbp3_ng_ml"].to_numpy()[3])
    assert [says in p.remedy for p in cohort.problems if p.row == 9] == [True]


def test_a_column_of_another_endpoint_is_no_near_miss(tmp_path):
    header = [h.replace("DFS_", "OS_") for h in CLINICAL_HEADER]
    data, map_file = write_clinical(tmp_path, clinical_text(header=header))
    told = [p.remedy for p in read_cohort(data, map=map_file).unusable["dfs"]]
    assert len(told) == 2
    assert not any("did you mean" in remedy for remedy in told)
