"""Conversions. Worked by hand from the molar masses; invariants by hypothesis."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import DomainError, UnitError
from igfstrat.units import DAYS_PER, conversion_factor, convert_concentration, convert_time, parse_unit

UNITS = ("pg/mL", "ng/mL", "ug/L", "ug/mL", "mg/L", "pmol/L", "nmol/L")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("ng/ml", "ng/mL"),
        (" µg / L", "ug/L"),
        ("μg/ml", "ug/mL"),
        ("mcg/mL", "ug/mL"),
        ("nM", "nmol/L"),
        ("NMOL/L", "nmol/L"),
        ("pM", "pmol/L"),
    ],
)
def test_a_unit_is_read_in_every_spelling(text, unit):
    assert parse_unit(text) == unit


@pytest.mark.parametrize("text", ["", "ng", "ng/dL", "mmol/L", "IU/mL", "ng/mL extra"])
def test_another_unit_is_refused_and_the_known_ones_are_listed(text):
    with pytest.raises(UnitError, match="write one of pg/mL, ng/mL"):
        parse_unit(text)


@pytest.mark.parametrize(
    ("analyte", "unit", "to", "factor"),
    [("igf1", "nmol/L", "ng/mL", 7.649), ("igf1", "ng/mL", "nmol/L", 1 / 7.649), ("igf1", "ug/L", "ng/mL", 1),
     ("igfbp3", "mg/L", "ng/mL", 1000), ("igfbp3", "ug/mL", "mg/L", 1), ("igfbp3", "nmol/L", "ng/mL", 28.5),
     ("igf1", "pmol/L", "nmol/L", 0.001), ("vegfc", "ng/mL", "pg/mL", 1000)],
)  # fmt: skip
def test_factors_are_those_of_the_molar_masses(analyte, unit, to, factor):
    assert math.isclose(conversion_factor(analyte, unit, to), factor, rel_tol=1e-12)


def test_a_mass_can_be_set_and_must_be_possible():
    assert conversion_factor("igfbp3", "nmol/L", "ng/mL", molar_mass_kda=30.5) == 30.5
    for mass in (0, -1, math.nan, math.inf):
        with pytest.raises(DomainError, match="must be > 0"):
            conversion_factor("igfbp3", "nmol/L", "ng/mL", molar_mass_kda=mass)


def test_moles_of_a_molecule_without_a_known_mass_are_refused():
    with pytest.raises(UnitError, match="vegfc from nmol/L to pg/mL needs its molar mass"):
        conversion_factor("vegfc", "nmol/L", "pg/mL")


@given(st.sampled_from(UNITS), st.sampled_from(UNITS), st.floats(1e-3, 1e6))
def test_there_and_back_is_the_same_concentration(unit, to, value):
    there = convert_concentration(value, analyte="igf1", unit=unit, to=to)
    assert np.isclose(convert_concentration(there, analyte="igf1", unit=to, to=unit), value, rtol=1e-12)


def test_not_measured_stays_not_measured():
    assert np.isnan(convert_concentration([np.nan], analyte="igf1", unit="nmol/L", to="ng/mL")).all()
    assert np.isnan(convert_time([np.nan], unit="days", to="months")).all()


def test_twelve_months_are_a_year_and_365_and_a_quarter_days():
    assert float(convert_time(12, unit="months", to="years")) == 1
    assert float(convert_time(1, unit="years", to="days")) == 365.25
    assert set(DAYS_PER) == {"days", "months", "years"}


def test_the_same_unit_gives_a_copy():
    given_times = np.array([1.0])
    convert_time(given_times, unit="days", to="days")[0] = 9
    assert given_times[0] == 1


def test_weeks_are_refused():
    with pytest.raises(
        UnitError, match="time unit 'weeks' is not known here; write one of days, months, years"
    ):
        convert_time(1, unit="weeks", to="days")
