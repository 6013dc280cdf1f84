"""Reference tables that a user brings.

Worked by hand for scores and units; a list of faulty files, each with its line; public tables (marked `realdata`) for the
shift between references, whose truth is the expectation stated for this data set.
"""

import csv
import dataclasses

import numpy as np
import pandas as pd
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError, ConfigError
from igfstrat.features.igf1 import Igf1Features
from igfstrat.features.igfbp3 import Igfbp3Features
from igfstrat.features.molar_ratio import MolarRatioFeatures
from igfstrat.features.reference_range import REFERENCES, find_reference, lms_sds, reference_sds
from igfstrat.features.reference_table import parse_reference_table
from igfstrat.features.references import ReferenceSettings, make_references, resolve_below
from igfstrat.features.spline import Igf1SplineFeatures

HEAD = "analyte,sex,age_years,l,m,s,unit"
ROWS = (
    "igf1,female,20,0.5,200,0.3,ng/mL",
    "igf1,female,80,0.5,100,0.4,ng/mL",
    "igf1,male,20,0.5,220,0.3,ng/mL",
    "igf1,male,80,0.5,110,0.4,ng/mL",
)


def settings(file="mine.csv", **more):
    return ReferenceSettings(**({"file": file, "assay": "other", "matrix": "serum"} | more))


def reference(tmp_path, rows=ROWS, head=HEAD, name="mine", **more):
    (tmp_path / "mine.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return make_references({name: settings(**more)}, tmp_path)[name]


def faults(tmp_path, rows, head=HEAD):
    with pytest.raises(CohortError) as caught:
        reference(tmp_path, rows, head)
    return caught.value


def cohort(**more):
    return pd.DataFrame(
        {"igf1_ng_ml": [150.0, 150.0], "age_years": [50.0, 50.0], "sex": ["female", "male"]} | more
    )


def test_a_score_under_a_user_table_is_the_one_worked_by_hand(tmp_path):
    # half-way between the knots: M 150 and 165, S 0.35
    found = reference_sds(
        [225.0, 165.0], "igf1", age=[50, 50], sex=["female", "male"], reference=reference(tmp_path)
    )
    assert found == pytest.approx([(1.5**0.5 - 1) / (0.5 * 0.35), 0.0], abs=1e-12)


@pytest.mark.parametrize(("unit", "factor"), [("nmol/L", 1 / 7.649), ("µg/L", 1.0), ("mg/L", 1e-3)])
def test_the_unit_of_a_table_does_not_change_a_score(tmp_path, unit, factor):
    rows = [row.replace("ng/mL", unit).split(",") for row in ROWS]
    rows = [",".join([*r[:4], repr(float(r[4]) * factor), *r[5:]]) for r in rows]
    who = {"age": [33.0], "sex": ["male"]}
    expected = reference_sds([180.0], "igf1", reference=reference(tmp_path), **who)
    assert reference_sds([180.0], "igf1", reference=reference(tmp_path, rows), **who) == pytest.approx(
        expected, rel=1e-12
    )


def test_the_packaged_table_brought_by_a_user_gives_the_packaged_scores(tmp_path):
    own = find_reference("ids_isys_2014")
    rows = [
        f"{analyte},{sex},{a},{l},{m},{s},{curve.unit}"
        for (analyte, sex), curve in own.curves.items()
        for a, l, m, s in zip(curve.age, curve.l, curve.m, curve.s, strict=True)  # noqa: E741
    ]
    mine = reference(tmp_path, rows, assay="ids_isys", ratio_igfbp3_kda=28.5)
    table = cohort(igfbp3_ng_ml=[4000.0, 3000.0], igf1_assay=["ids_isys"] * 2)
    for make in (
        lambda r: Igf1Features(r, 1.0),
        Igfbp3Features,
        lambda r: MolarRatioFeatures(30.5, r),
        Igf1SplineFeatures,
    ):
        assert make(mine).fit_transform(table).equals(make("ids_isys_2014").fit_transform(table))


def test_columns_may_stand_in_any_order_after_a_byte_order_mark_with_blank_lines(tmp_path):
    order = [6, 0, 3, 2, 1, 5, 4]
    lines = [",".join(line.split(",")[i] for i in order) for line in (HEAD, *ROWS)]
    (tmp_path / "mine.csv").write_text("\ufeff" + "\r\n\r\n".join(lines), encoding="utf-8")
    found = make_references({"mine": settings()}, tmp_path)["mine"]
    plain = reference(tmp_path)
    assert {k: c.m.tolist() for k, c in found.curves.items()} == {
        k: c.m.tolist() for k, c in plain.curves.items()
    }


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [("igf1,female,50,0.5,-150,0.3,ng/mL", "m", "must be > 0"), ("igf1,female,50,0.5,0,0.3,ng/mL", "m", "must be > 0"),
     ("igf1,female,50,0.5,150,0,ng/mL", "s", "must be > 0"), ("igf1,female,50,0.5,150,287,ng/mL", "s", "thousandths"),
     ("igf1,female,50,230,150,0.3,ng/mL", "l", "thousandths"), ("igf1,female,150,0.5,150,0.3,ng/mL", "age_years", "0 to 120"),
     ("igf1,female,50,0.5,abc,0.3,ng/mL", "m", "plain number"), ("igf1,female,50,0.5,nan,0.3,ng/mL", "m", "plain number"),
     ("igf1,female,50,0.5,1e999,0.3,ng/mL", "m", "plain number"), ("igf1,female,50,0.5,,0.3,ng/mL", "m", "plain number"),
     ("igf1,female,50,0.5,1_50,0.3,ng/mL", "m", "plain number"), ("igf1,female,50,0.5,１５０,0.3,ng/mL", "m", "plain number"),
     ("igf1,girl,50,0.5,150,0.3,ng/mL", "sex", "female, male"), ("igf1,Female,50,0.5,150,0.3,ng/mL", "sex", "female, male"),
     ("igf2,female,50,0.5,150,0.3,ng/mL", "analyte", "igf1, igfbp3"), ("іgf1,female,50,0.5,150,0.3,ng/mL", "analyte", "igf1, igfbp3"),
     ("igf1,female,50,0.5,150,0.3,IU/L", "unit", "ng/mL"), ("igf1,female,50,0.5,150,0.3,%", "unit", "ng/mL"),
     ("igf1_igfbp3_molar_ratio,female,50,0.5,15,0.3,ng/mL", "unit", "% or 1")],
)  # fmt: skip
def test_a_cell_that_cannot_be_is_told_with_its_line(tmp_path, row, column, words):
    error = faults(tmp_path, [ROWS[0], row, *ROWS[1:]])
    assert [(p.row, p.column) for p in error.problems] == [(3, column)]
    assert words in str(error)


def test_all_faults_of_a_table_are_told_at_once(tmp_path):
    rows = ["igf1,female,20,0.5,200,0.3,ng/mL", "igf1,female,30,0.5,x,-1,ng/mL", "igf1,boy,30,0.5,200,0.3", "igf3,male,30,0.5,200,0.3,stone"]  # fmt: skip
    error = faults(tmp_path, rows)
    assert {(p.row, p.column) for p in error.problems} == {(3, "m"), (3, "s"), (4, None), (5, "analyte")}
    assert "4 problems in reference table mine.csv" in str(error)


@pytest.mark.parametrize("age", ["20", "19", "5"])
def test_ages_that_do_not_increase_are_refused(tmp_path, age):
    error = faults(tmp_path, [ROWS[0], f"igf1,female,{age},0.5,150,0.3,ng/mL", *ROWS[2:]])
    assert [(p.row, p.column) for p in error.problems] == [(3, "age_years")]
    assert "must increase" in str(error)


def test_a_single_knot_and_an_empty_table_are_refused(tmp_path):
    assert "single age" in str(faults(tmp_path, ROWS[:3]))
    assert "no row" in str(faults(tmp_path, []))


@pytest.mark.parametrize(
    ("head", "words"),
    [(HEAD.replace("age_years", "age"), "did you mean age_years"), (HEAD + ",sex", "stands twice"),
     (HEAD.replace(",unit", ""), "column missing"), (HEAD.replace(",", ";"), "column missing"), ("", "column missing"), (HEAD + ",tau", "unknown column")],
)  # fmt: skip
def test_wrong_columns_are_named(tmp_path, head, words):
    assert words in str(faults(tmp_path, ROWS, head))


def test_an_open_quotation_mark_is_our_own_error(tmp_path):
    assert "not CSV" in str(faults(tmp_path, ['igf1,"female,20,0.5,200,0.3,ng/mL']))


def test_a_file_elsewhere_too_large_or_not_text_is_refused(tmp_path):
    folder = tmp_path / "plans"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("secret", encoding="utf-8")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "large.csv").write_bytes(b"a" * 1_000_001)
    (folder / "latin.csv").write_bytes(b"\xb5g/L")
    for name, words in {
        "../secret.csv": "outside the folder",
        str(tmp_path / "secret.csv"): "outside the folder",
        "link.csv": "outside the folder",
        "none.csv": "is not in the folder",
        ".": "regular file",
        "a\0b": "is not in the folder",
        "large.csv": "too large",
        "latin.csv": "not UTF-8",
    }.items():
        with pytest.raises(ConfigError, match=words) as caught:
            make_references({"mine": settings(name)}, folder)
        assert str(caught.value).count("secret") <= name.count("secret")
    (folder / "tables").mkdir()
    (folder / "tables" / "mine.csv").touch()
    assert resolve_below(folder, "tables/mine.csv").is_file()


@pytest.mark.parametrize(
    ("more", "words"),
    [({"assay": "ids-isys"}, "is not an assay"), ({"matrix": "plasma"}, "is not a matrix"), ({"ratio_igfbp3_kda": 0.0}, "greater than 0"),
     ({"curve": "x"}, "Extra inputs")],
)  # fmt: skip
def test_a_section_that_cannot_be_is_refused(more, words):
    with pytest.raises(ValueError, match=words):
        settings(**more)


def test_assay_and_matrix_have_to_be_stated():
    for missing in ("assay", "matrix"):
        with pytest.raises(ValueError, match=missing):
            ReferenceSettings(**({"file": "a.csv", "assay": "ria", "matrix": "serum"} | {missing: None}))


def test_a_ratio_without_its_mass_and_a_packaged_name_are_refused(tmp_path):
    rows = [f"igf1_igfbp3_molar_ratio,male,{age},0.4,11,0.3,%" for age in (20, 80)]
    with pytest.raises(ConfigError, match="add ratio_igfbp3_kda"):
        reference(tmp_path, rows)
    assert reference(tmp_path, rows, ratio_igfbp3_kda=29.0).ratio_igfbp3_kda == 29.0
    with pytest.raises(ConfigError, match="is a packaged reference"):
        reference(tmp_path, name="ids_isys_2014")


def test_a_reference_without_an_analyte_is_not_replaced_by_another(tmp_path):
    mine = reference(tmp_path)
    table = cohort(igfbp3_ng_ml=[4000.0] * 2)
    for transformer in (Igfbp3Features(mine), MolarRatioFeatures(28.5, mine)):
        with pytest.raises(ConfigError, match="the reference mine has no igf"):
            transformer.fit(table)


def test_a_sex_that_the_table_lacks_has_no_score_and_no_certain_status(tmp_path):
    mine = reference(tmp_path, ROWS[2:])
    table = cohort(igf1_assay=["other"] * 2)
    out = Igf1Features(mine, 1.0).fit_transform(table)
    assert np.isnan(out["igf1_sds"]).tolist() == [True, False]
    assert out["igf1_status"].tolist() == ["indeterminate", "low"]


def test_each_sex_is_flagged_by_its_own_ages(tmp_path):
    rows = [*ROWS[:2], "igf1,male,40,0.5,220,0.3,ng/mL", "igf1,male,60,0.5,110,0.4,ng/mL"]
    table = cohort(age_years=[30.0, 30.0])
    flags = Igf1Features(reference(tmp_path, rows)).fit(table).flag_rows(table)
    assert [(f.rows.tolist(), f.code) for f in flags] == [([1], "age_outside_reference")]
    assert "40–60 years, male" in flags[0].remedy


def test_a_curve_cannot_be_changed_by_its_users(tmp_path):
    mine = reference(tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        mine.curves["igf1", "male"].m[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        mine.assay = "ria"


def test_transformers_with_a_user_table_keep_the_contract(tmp_path, check_feature_transformer, make_patients):
    mine = reference(tmp_path)
    for transformer in (Igf1Features(mine, 1.0), Igf1SplineFeatures(mine, 3)):
        first = transformer.feature_names()[0]
        check_feature_transformer(transformer, make_patients())
        assert "mine (assay other, serum)" in transformer.fit(make_patients()).describe()[first]


def test_the_names_of_packaged_references_and_their_assays_stay():
    assert REFERENCES == {"ids_isys_2014": "ids_isys"}


def childsds(folder, stem, scale):
    """A table of the R package childsds in our form: nu, mu and sigma are L, M and S."""
    lines = [HEAD]
    for sex in ("female", "male"):
        with (folder / f"{stem}_igf1_{sex}.csv").open(encoding="utf-8") as handle:
            # one sex of one table has an age twice, where two fits meet: the later one is kept
            rows = {row["age"]: row for row in csv.DictReader(handle)}
        lines += [f"igf1,{sex},{r['age']},{float(r['nu']) / scale!r},{r['mu']},{float(r['sigma']) / scale!r},ng/mL"
                  for r in rows.values()]  # fmt: skip
    return "\n".join(lines)


# Means of the scores and their number, at linear interpolation of L, M and S in age. The four-parameter table (LIFE) is
# used without its tau, which is near 2 in adults and then changes nothing.
JUUL_ADULTS = {"life": (1.32, 139), "japan": (0.85, 136), "liao": (0.55, 135), "ids_isys_2014": (1.43, 143)}


@pytest.mark.realdata
def test_juul_adults_lie_above_four_references_and_none_gets_a_status(data_folder, tmp_path):
    table = read_cohort(data_folder / "juul/juul.txt", map="juul").table
    adults = table[table["age_years"] >= 20]
    sources = {"life": ("life_igf.ref", 1), "japan": ("japan_lab.ref", 1), "liao": ("liao_igf1.ref", 1000)}
    for name, (stem, scale) in sources.items():
        text = childsds(data_folder / "childsds_igf", stem, scale)
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    references = make_references({name: settings(f"{name}.csv") for name in sources}, tmp_path)
    measured = adults["igf1_ng_ml"].notna().to_numpy()
    for name, (mean, n) in JUUL_ADULTS.items():
        transformer = Igf1Features(references.get(name, name), 1.0).fit(adults)
        out = transformer.transform(adults)
        assert (round(float(out["igf1_sds"].mean()), 2), int(out["igf1_sds"].notna().sum())) == (mean, n)
        flagged = {f.code: f.rows for f in transformer.flag_rows(adults)}
        assert flagged["assay_not_reference"].tolist() == np.flatnonzero(measured).tolist()
        assert set(out["igf1_status"][measured]) == {"indeterminate"}
        assert "joined linearly in age" in transformer.describe()["igf1_sds"]


@pytest.mark.realdata
def test_the_rule_between_knots_moves_the_mean_of_juul_adults_by_less_than_0_03(data_folder):
    table = read_cohort(data_folder / "juul/juul.txt", map="juul").table
    adults = table[(table["age_years"] >= 20) & table["igf1_ng_ml"].notna()]
    for stem, scale in (("life_igf.ref", 1), ("japan_lab.ref", 1), ("liao_igf1.ref", 1000)):
        curves = parse_reference_table(childsds(data_folder / "childsds_igf", stem, scale), source=stem)
        linear, stepped = [], []
        for (_, sex), curve in curves.items():
            mine = adults[(adults["sex"] == sex) & adults["age_years"].between(curve.age[0], curve.age[-1])]
            age, value = mine["age_years"].to_numpy(), mine["igf1_ng_ml"].to_numpy()
            at = np.searchsorted(curve.age, age, side="right") - 1
            stepped += lms_sds(value, l=curve.l[at], m=curve.m[at], s=curve.s[at]).tolist()
            joined = {name: np.interp(age, curve.age, getattr(curve, name)) for name in "lms"}
            linear += lms_sds(value, **joined).tolist()
        assert 0 < abs(np.mean(linear) - np.mean(stepped)) < 0.03


@pytest.mark.realdata
def test_a_public_table_with_an_age_twice_is_refused_with_its_line(data_folder):
    text = (data_folder / "childsds_igf/life_igf.ref_igf1_female.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    lines = [HEAD, *(f"igf1,female,{r['age']},{r['nu']},{r['mu']},{r['sigma']},ng/mL" for r in rows)]
    with pytest.raises(CohortError) as caught:
        parse_reference_table("\n".join(lines), source="LIFE")
    assert [(p.row, p.value) for p in caught.value.problems] == [(169, "14.0")]
