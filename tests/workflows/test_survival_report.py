"""From a file to the numbers of a report: by hand, and known answers of public cohorts (realdata)."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError, UsageError
from igfstrat.workflows.survival_report import survival_report
from tests.cli.cases import as_csv, changed, clean_rows

DATA = Path(__file__).parents[3] / "shared" / "data"


def make_file(tmp_path, rows):
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(rows))
    return path


def report_of(tmp_path, rows, **options):
    return survival_report(make_file(tmp_path, rows), **({"endpoint": "dfs", "plan": "breast"} | options))


def hand_worked_rows():
    """Six patients: low (IHC 0) with events at 1, 2, 3; high (IHC 3) with events at 4 and 5, censored at 6."""
    rows = clean_rows(6)
    for i, row in enumerate(rows):
        row |= {
            "igf1r_ihc": "0" if i < 3 else "3",
            "dfs_months": str(i + 1),
            "dfs_event": "0" if i == 5 else "1",
        }
    return rows


def test_medians_and_counts_of_six_patients_worked_by_hand(tmp_path):
    result = report_of(tmp_path, hand_worked_rows()).report.endpoints[0]
    low, high = result.groups
    assert (low.label, low.n, low.n_events, low.median.value) == ("low", 3, 3, 2.0)
    assert (high.label, high.n, high.n_events, high.median.value) == ("high", 3, 2, 5.0)


def test_logrank_of_six_patients_worked_by_hand(tmp_path):
    # expected events in the low group: 3/6 + 2/5 + 1/4 = 1.15; variance 0.25 + 0.24 + 0.1875 = 0.6775
    result = report_of(tmp_path, hand_worked_rows()).report.endpoints[0]
    assert result.logrank.value == pytest.approx((3 - 1.15) ** 2 / 0.6775, rel=1e-12)


def test_flow_adds_up_and_names_every_reason(tmp_path):
    rows = clean_rows()
    rows[0]["igf1r_ihc"] = ""
    rows[1]["dfs_months"] = ""
    rows[2]["dfs_months"] = "-1"
    rows[3] |= {"dfs_months": "0", "dfs_event": "0"}
    rows[4] |= {"dfs_months": "0", "dfs_event": "1"}
    result = report_of(tmp_path, rows).report.endpoints[0]
    assert [step.n for step in result.flow] == [60, 60, 59, 57]
    assert result.flow[2].left_out == {"no IGF-1R status": 1}
    assert result.flow[3].left_out == {"time missing": 1, "negative time": 1}
    assert (result.n, result.n_zero_time, result.n_zero_time_events) == (57, 2, 1)


def test_event_at_zero_counts_at_zero_and_censored_at_zero_adds_nothing(tmp_path):
    rows = hand_worked_rows()
    with_censored = [*rows, {**rows[0], "patient_id": "Z", "dfs_months": "0", "dfs_event": "0"}]
    plain = report_of(tmp_path, rows).report.endpoints[0]
    more = report_of(tmp_path, with_censored).report.endpoints[0]
    assert more.logrank.value == plain.logrank.value
    assert more.groups[0].median.value == plain.groups[0].median.value
    with_event = [*rows, {**rows[0], "patient_id": "Z", "dfs_months": "0", "dfs_event": "1"}]
    curve = report_of(tmp_path, with_event).report.endpoints[0].groups[0].curve
    assert (curve.time[0], curve.survival[0]) == (0.0, 0.75)


def test_one_group_still_gives_a_report_that_says_what_is_missing(tmp_path):
    result = report_of(tmp_path, changed("igf1r_ihc", lambda *_: "3")())
    endpoint = result.report.endpoints[0]
    assert endpoint.logrank.not_estimable == "only one group"
    assert endpoint.groups[0].curve.survival[0] <= 1
    assert result.is_flagged
    result.save(tmp_path / "out")
    assert "only one group" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["0", "1"], ids=["no events", "only events"])
def test_report_comes_without_events_and_with_events_only(tmp_path, value):
    result = report_of(tmp_path, changed("dfs_event", lambda *_: value)())
    result.save(tmp_path / "out")
    endpoint = result.report.endpoints[0]
    assert endpoint.n_events == (0 if value == "0" else 60)
    assert (endpoint.hazard_ratios[0].estimate.value is None) == (value == "0")


def test_group_without_events_gets_a_reason_and_leaves_the_others_their_ratio(tmp_path):
    rows = changed("dfs_event", lambda n, v: "0" if n % 4 == 1 else v)()  # rows of the fourth subtype
    ratios = report_of(tmp_path, rows, by="subtype").report.endpoints[0].hazard_ratios
    reasons = {r.term: r.estimate.not_estimable for r in ratios}
    assert reasons.pop("triple_negative") == "no events in triple_negative"
    assert set(reasons.values()) == {None}
    alone = [row for row in rows if row["subtype"] != "TNBC"]
    others = report_of(tmp_path, alone, by="subtype").report.endpoints[0].hazard_ratios
    assert [r.estimate.value for r in others] == [
        r.estimate.value for r in ratios if r.term != "triple_negative"
    ]


def test_row_order_does_not_change_the_report(tmp_path):
    rows = clean_rows()
    first = report_of(tmp_path, rows).report.to_dict()
    second = report_of(tmp_path, rows[::-1]).report.to_dict()
    # sums run in another order, so the last digit may differ
    assert flat(first["endpoints"]) == pytest.approx(flat(second["endpoints"]), rel=1e-11, abs=1e-12)


def flat(data):
    """Every number of nested results, in order."""
    if isinstance(data, dict):
        return [x for value in data.values() for x in flat(value)]
    if isinstance(data, list):
        return [x for value in data for x in flat(value)]
    return [float(data)] if isinstance(data, int | float) and not np.isnan(data) else []


def test_missing_endpoint_is_refused_with_what_is_there(tmp_path):
    with pytest.raises(CohortError, match=r"endpoint missing.*found dfs, pfs"):
        report_of(tmp_path, clean_rows(), endpoint="os")


def test_misspelt_group_gets_a_suggestion(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'igf1r_status'"):
        report_of(tmp_path, clean_rows(), by="igf1r_statu")


def test_page_and_json_are_written_and_agree(tmp_path):
    out = tmp_path / "out"
    path = make_file(tmp_path, clean_rows())
    run = CliRunner().invoke(
        app,
        [
            "report",
            str(path),
            "--endpoint",
            "dfs",
            "--endpoint",
            "pfs",
            "--out",
            str(out),
            "--plan",
            "breast",
        ],
    )
    assert run.exit_code == 0, run.output
    data = json.loads((out / "report.json").read_text(encoding="utf-8"))
    page = (out / "report.html").read_text(encoding="utf-8")
    for endpoint in data["endpoints"].values():
        for group in endpoint["groups"]:
            assert re.search(rf'<td[^>]* data-label="n"[^>]*>{group["n"]}</td>', page)
        ratio = endpoint["hazard_ratios"][0]
        assert f"{ratio['value']:.2f} ({ratio['ci_lower']:.2f}–{ratio['ci_upper']:.2f})" in page
    assert (out / "manifest.json").is_file()
    again = CliRunner().invoke(
        app, ["report", str(path), "--endpoint", "dfs", "--out", str(out), "--plan", "breast"]
    )
    assert again.exit_code == 2


def test_report_is_the_same_bytes_twice(tmp_path):
    result = report_of(tmp_path, clean_rows())
    for name in ("a", "b"):
        result.save(tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


@pytest.mark.realdata
def test_tcga_report_by_phospho_igf1r_has_the_known_numbers():
    cohort = read_cohort(DATA / "tcga_trgated_rppa" / "BRCA.csv", map="tcga_brca_rppa")
    result = survival_report(cohort, endpoint=["pfi", "dfi"], by="igf1r_phospho_status", plan="median_split")
    report = result.report
    pfi = report.endpoints[0]
    assert (pfi.n, pfi.n_events, pfi.n_zero_time, pfi.n_zero_time_events) == (873, 114, 11, 0)
    estimate = pfi.continuous.estimate
    found = (estimate.value, estimate.ci_lower, estimate.ci_upper)
    assert found == pytest.approx((0.8522, 0.7043, 1.0310), abs=5e-5)
    assert {comparison.verdict for comparison in result.slices.evidence} == {"no evidence"}


@pytest.mark.realdata
def test_metabric_report_says_that_its_rfs_is_a_time_to_recurrence():
    cohort = read_cohort(DATA / "metabric_cbioportal" / "data_clinical_patient.txt", map="metabric")
    report = survival_report(cohort, endpoint=["os", "rfs"], by="subtype").report
    assert any("time to recurrence with a competing event" in text for text in report.limitations)
    raw = pd.read_csv(DATA / "metabric_cbioportal" / "data_clinical_patient.txt", skiprows=1)
    known = raw["CLAUDIN_SUBTYPE"].notna() & (raw["CLAUDIN_SUBTYPE"] != "NC") & raw["OS_MONTHS"].notna()
    assert report.endpoints[0].n == int(known.sum())
    assert report.endpoints[0].n_events == int((raw.loc[known, "OS_STATUS"] == "1:DECEASED").sum())


@pytest.mark.realdata
def test_adtte_censoring_flag_is_turned_around():
    path = DATA / "cdisc_pilot" / "pharmaverseadam_adtte_onco.csv"
    raw = pd.read_csv(path).query("PARAMCD == 'OS'")
    endpoint = read_cohort(path, map="cdisc_adtte_os").endpoints["os"]
    np.testing.assert_array_equal(endpoint.event, (raw["CNSR"] == 0).to_numpy())
    np.testing.assert_allclose(endpoint.time, raw["AVAL"].to_numpy() / 30.4375, rtol=1e-12)


GBSG_MAP = """
columns: {patient_id: {row_number: true}, treatment: hormon}
endpoints: {rfs: {time: rfstime, unit: days, event: {column: status, event: ["1"], censored: ["0"]}}}
"""


@pytest.mark.realdata
def test_gbsg_report_by_hormone_treatment_has_the_numbers_of_r(tmp_path):
    (tmp_path / "map.yaml").write_text(GBSG_MAP, encoding="utf-8")
    expected = json.loads(
        (Path(__file__).parents[1] / "reference/gbsg_report.json").read_text(encoding="utf-8")
    )
    cohort = read_cohort(DATA / "standard_survival/gbsg.csv", map=tmp_path / "map.yaml")
    found = survival_report(cohort, endpoint="rfs", by="treatment").report.endpoints[0]
    assert [g.n for g in found.groups] == expected["n"]
    assert [g.n_events for g in found.groups] == expected["events"]
    np.testing.assert_allclose([g.median.value for g in found.groups], expected["median"], rtol=1e-9)
    ratio = found.hazard_ratios[0].estimate
    np.testing.assert_allclose(
        (ratio.value, ratio.ci_lower, ratio.ci_upper), expected["hazard_ratio"], rtol=1e-8
    )
    np.testing.assert_allclose((found.logrank.value, found.logrank.p_value), expected["logrank"], rtol=1e-8)
    survival = [m.survival.value for g in found.groups for m in g.milestones]
    np.testing.assert_allclose(survival, expected["survival_at_12_36_60"], rtol=1e-9)
    np.testing.assert_allclose(found.proportional_hazards.value, expected["zph_chi2"], rtol=1e-7)
