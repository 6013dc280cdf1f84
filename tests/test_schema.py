"""The canonical columns agree with themselves. Worked by hand, and brute force over all columns."""

import math

import pytest

from igfstrat.schema import COLUMNS, ENDPOINTS, FLAG_CODES, find_endpoint_header, find_header, fold
from igfstrat.units import UNIT_OF_SUFFIX


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_every_column_is_found_by_its_own_header(column):
    assert find_header(column.header) == (column, column.unit)
    assert find_header(column.header.upper()) == (column, column.unit)
    assert column.bounds[0] < column.bounds[1]


@pytest.mark.parametrize("column", [c for c in COLUMNS.values() if c.codes], ids=lambda c: c.name)
def test_no_spelling_means_two_codes(column):
    spellings = [
        fold(word) for code, words in column.codes.items() for word in {fold(w) for w in (code, *words)}
    ]
    assert len(spellings) == len(set(spellings))


def test_no_alias_is_another_columns_name():
    for column in COLUMNS.values():
        assert not [a for a in column.aliases if a in COLUMNS and a != column.name], column.name
        assert all(fold(alias) == alias for alias in column.aliases)


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [("igf1_nmol_l", "igf1", "nmol/L"), ("IGF1 (nmol/L)", "igf1", "nmol/L"), ("igfbp3_ug_ml", "igfbp3", "ug/mL"),
     ("IGFBP3 [mg/L]", "igfbp3", "mg/L"), ("vegfc_pg_ml", "vegfc", "pg/mL"), ("Age years", "age_years", "year")],
)  # fmt: skip
def test_a_header_states_its_unit(header, name, unit):
    column, found = find_header(header)
    assert (column.name, found) == (name, unit)


@pytest.mark.parametrize("header", ["igf1", "igf1_mg_dl", "ng_ml", "", "comment", "er_percent_ng_ml"])
def test_a_concentration_without_a_known_unit_is_no_convention_header(header):
    assert find_header(header) is None


def test_a_trailing_sign_is_not_folded_away():
    assert fold("HER2+") != fold("HER2-") != fold("HER2")
    assert fold("Luminal\u2011A ") == fold("luminal_a") == fold("LUMINAL  a") == "luminal_a"


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_is_found_by_its_parts(name):
    for part in ("months", "days", "years", "event", "cause", "definition"):
        assert find_endpoint_header(f"{name.upper()}_{part}") == (name, part)
    assert find_endpoint_header(f"{name}_weeks") is None
    assert find_endpoint_header(name) is None


def test_units_of_headers_and_flags_are_closed_lists():
    assert UNIT_OF_SUFFIX["ug_ml"] == "ug/mL"
    assert all(code == code.lower() and text for code, text in FLAG_CODES.items())


def test_usual_values_lie_within_the_bounds():
    for column in COLUMNS.values():
        if column.usual:
            assert column.bounds[0] <= column.usual[0] < column.usual[1] <= column.bounds[1]
            assert not math.isinf(column.bounds[1])
