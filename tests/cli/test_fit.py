"""fit, validate and score --model on the command line: exit codes by the design, hostile files by the table of bad input.

Invariants and worked by hand. The cohorts are drawn; nobody in them is real.
"""

import csv
import json
import pickle
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from tests.cli.cases import as_csv, clean_rows

PLAN = """
disease: breast
features: [igf1r_status, subtype]
status: {igf1r_status: {rule: her2_style_2_or_3}}
model:
  predictors: [igf1r_status, age_years]
  penalty: {ridge: 0.01}
  horizons: {months: [24, 48]}
"""


def rows_of(n=240, seed=20):
    """More patients than the base of the faulty files, otherwise the same; the old fare worse."""
    rng, rows = np.random.default_rng(seed), clean_rows(n)
    for row in rows:
        months = rng.exponential(60 * np.exp(-0.04 * (float(row["age_years"]) - 57)))
        row["dfs_event"] = str(int(months < 80))
        row["dfs_months"] = str(round(min(months, 80.0) + 0.1, 1))
        row["pfs_months"] = row["dfs_months"]
        row["last_followup_date"] = "2024-01-01"
    return rows


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "cohort.csv").write_bytes(as_csv(rows_of()))
    done = fit(folder)
    assert done.exit_code == 0, done.output
    return folder, done


def fit(folder, *more, cohort="cohort.csv", out="model.json"):
    return invoke("fit", folder / cohort, "--endpoint", "dfs", "--plan", folder / "plan.yaml", "--out", folder / out,
                  "--replicates", 5, "--n-jobs", 1, *more)  # fmt: skip


def score(cohort, model, out, *more):
    return invoke("score", cohort, "--model", model, "--out", out, *more)


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def test_fit_leaves_model_card_and_manifest_and_says_whether_markers_add(fitted):
    folder, done = fitted
    for name in ("model.json", "model.card.html", "model.card.md", "model.manifest.json"):
        assert (folder / name).exists(), name
    assert "The IGF markers were not shown to add anything" in done.output
    assert "Riley's criteria ask for" in done.output
    manifest = json.loads((folder / "model.manifest.json").read_text())
    assert manifest["rows"]["fitted"] == 240
    assert manifest["model"]["sha256"] == json.loads((folder / "model.json").read_text())["checksum"]


def test_fit_judges_three_ways_and_names_what_the_model_has_to_beat(fitted):
    folder, done = fitted
    for title in ("apparent", "corrected", "5-fold"):
        assert re.search(rf"^  {title} +C 0\.\d", done.output, re.MULTILINE), title
    assert "Against the other predictors without IGF markers (C 0." in done.output
    assert "Against the IGF markers alone (C 0." in done.output
    assert "a parameter) for 2 candidate parameters" in done.output
    metrics = json.loads((folder / "model.manifest.json").read_text())["metrics"]
    gain = metrics["clinical_only"]["over:c_harrell"]
    assert gain == metrics["added_value"]["c_harrell"]
    assert gain[0] == pytest.approx(
        metrics["optimism_corrected"]["c_harrell"][0] - metrics["clinical_only"]["c_harrell"][0], abs=1e-12
    )
    card = (folder / "model.card.md").read_text()
    assert "What it has to beat" in card
    assert "Cross-validated" in card


def test_fit_and_validate_on_a_cluster_write_the_same_bytes(fitted, tmp_path, dask_address):
    folder, _ = fitted
    (tmp_path / "plan.yaml").write_text(PLAN.replace("0.01", "tuned"))
    (tmp_path / "cohort.csv").write_bytes((folder / "cohort.csv").read_bytes())
    for name, where in {"here": ("--n-jobs", 1), "there": ("--cluster", dask_address)}.items():
        assert fit(tmp_path, *where, out=f"{name}.json").exit_code == 0
        judged = invoke("validate", folder / "cohort.csv", "--model", folder / "model.json", "--endpoint", "dfs",
                        "--out", tmp_path / name, "--replicates", 3, "--formats", "html", *where)  # fmt: skip
        assert judged.exit_code == 0, judged.output
    assert (tmp_path / "here.json").read_bytes() == (tmp_path / "there.json").read_bytes()
    assert (tmp_path / "here/report.json").read_bytes() == (tmp_path / "there/report.json").read_bytes()


@pytest.mark.parametrize("verb", ["fit", "validate"])
def test_no_worker_at_all_is_refused(fitted, tmp_path, verb):
    folder, _ = fitted
    out = tmp_path / "other.json"
    more = ["--model", folder / "model.json"] if verb == "validate" else ["--plan", folder / "plan.yaml"]
    done = invoke(verb, folder / "cohort.csv", "--endpoint", "dfs", "--out", out, "--n-jobs", 0, *more)
    assert done.exit_code == 2
    assert "--n-jobs 0" in done.output
    assert not out.exists()


def test_existing_model_is_replaced_only_with_force_and_then_by_the_same_bytes(fitted):
    folder, _ = fitted
    before = (folder / "model.json").read_bytes()
    assert fit(folder).exit_code == 2
    assert fit(folder, "--force").exit_code == 0
    assert (folder / "model.json").read_bytes() == before


@pytest.mark.parametrize(
    ("out", "endpoint", "says"),
    [("model.pkl", "dfs", ".json"), ("other.json", "dfss", "did you mean"), ("other.json", "os", "os")],
)
def test_fit_that_cannot_be_is_refused_and_nothing_written(fitted, out, endpoint, says):
    folder, _ = fitted
    done = invoke(
        "fit",
        folder / "cohort.csv",
        "--endpoint",
        endpoint,
        "--plan",
        folder / "plan.yaml",
        "--out",
        folder / out,
    )
    assert done.exit_code == 2
    assert says in done.output
    assert not (folder / out).exists()  # fmt: skip


def test_quantile_status_is_refused_as_predictor(tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN.replace("her2_style_2_or_3", "her2_style_2_or_3").replace(
        "{rule: her2_style_2_or_3}", "{quantile: 0.5, of: igf1r_h_score}"))  # fmt: skip
    (tmp_path / "cohort.csv").write_bytes(
        as_csv([row | {"igf1r_h_score": str(i)} for i, row in enumerate(rows_of())])
    )
    done = fit(tmp_path)
    assert done.exit_code == 2
    assert "quantile" in done.output


def test_validation_on_other_patients_writes_every_format_and_its_numbers(fitted, tmp_path):
    folder, _ = fitted
    (tmp_path / "other.csv").write_bytes(as_csv(rows_of(200, seed=5)))
    out = tmp_path / "out"
    done = invoke("validate", tmp_path / "other.csv", "--model", folder / "model.json", "--endpoint", "dfs", "--out", out,
                  "--replicates", 5, "--n-jobs", 1)  # fmt: skip
    assert done.exit_code == 0, done.output
    for name in (
        "report.html",
        "report.xlsx",
        "report.json",
        "calibration_24_170mm.svg",
        "decision_curve_48_85mm.png",
        "manifest.json",
    ):
        assert (out / name).exists(), name
    report = json.loads((out / "report.json").read_text())
    for measure in ("c_harrell", "c_uno", "auc@24", "brier@24", "ipa@48", "calibration_slope@48"):
        value, low, high = report["measures"][measure]
        assert low <= value + 0.2
        assert low <= high
    assert f"C (Harrell) {report['measures']['c_harrell'][0]:.3f}" in done.output  # fmt: skip


def test_validation_of_a_cohort_without_the_predictors_is_refused(fitted, tmp_path):
    folder, _ = fitted
    rows = [{k: v for k, v in row.items() if k != "age_years"} for row in rows_of()]
    (tmp_path / "other.csv").write_bytes(as_csv(rows))
    done = invoke(
        "validate",
        tmp_path / "other.csv",
        "--model",
        folder / "model.json",
        "--endpoint",
        "dfs",
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 2
    assert "age_years" in done.output
    assert not (tmp_path / "out").exists()  # fmt: skip


def test_score_with_a_model_adds_risk_survival_and_flags_by_row(fitted, tmp_path):
    folder, _ = fitted
    rows = clean_rows(60)
    rows[3]["age_years"], rows[7]["age_years"], rows[9]["igf1r_ihc"] = "", "99", ""
    (tmp_path / "cohort.csv").write_bytes(as_csv(rows))
    done = score(
        tmp_path / "cohort.csv",
        folder / "model.json",
        tmp_path / "scored.csv",
        "--plan",
        folder / "plan.yaml",
    )
    assert done.exit_code == 3, done.output
    found = read_csv(tmp_path / "scored.csv")
    assert len(found) == 60
    assert found[3]["risk"] == found[9]["risk"] == found[3]["survival_24_months"] == ""
    assert found[3]["risk_not_given_because"] == "age_years: missing"
    assert found[9]["risk_not_given_because"] == "igf1r_status: missing"
    assert "outside_training:age_years" in found[7]["flags"]
    assert found[7]["row_status"] == "flagged"
    others = [row for i, row in enumerate(found) if i not in (3, 9)]
    assert all(0 <= float(r["survival_48_months"]) <= float(r["survival_24_months"]) <= 1 for r in others)
    oldest = max(others, key=lambda r: float(r["risk"]))
    assert float(oldest["age_years"]) > 70  # fmt: skip


def test_scores_without_a_model_have_no_risk(tmp_path):
    (tmp_path / "cohort.csv").write_bytes(as_csv(clean_rows()))
    assert (
        invoke("score", tmp_path / "cohort.csv", "--plan", "breast", "--out", tmp_path / "s.csv").exit_code
        == 0
    )
    assert "risk" not in read_csv(tmp_path / "s.csv")[0]


class Bait:
    """Its pickle makes a file when it is loaded."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return (open, (self.marker, "w"))


def _npy(folder):
    np.save(folder / "bad.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return (folder / "bad.npy").read_bytes()


HOSTILE = {
    "pickle": (lambda f: pickle.dumps(Bait(f / "marker")), 4, ("pickle", "unsafe")),
    "pickle of protocol 0": (lambda f: pickle.dumps(Bait(f / "marker"), protocol=0), 4, ("pickle", "unsafe")),
    "object array": (_npy, 4, ("pickle", "unsafe")),
    "jsonpickle bait": (
        lambda _: b'{"py/object": "os.system", "coef": "__import__(1)"}',
        2,
        ("schema", "model"),
    ),
    "100,000 nested lists": (lambda _: b"[" * 100_000 + b"]" * 100_000, 2, ("nested", "model")),
    "empty": (lambda _: b"", 2, ("empty", "model")),
    "unknown schema": (lambda _: b'{"schema": "igfstrat.model/99"}', 2, ("schema", "igfstrat.model/99")),
    "200,000 digits": (lambda _: b'{"schema": ' + b"9" * 200_000 + b"}", 2, ("model", "digits")),
    "infinite number": (lambda _: b'{"schema": "igfstrat.model/1", "a": 1e999}', 2, ("model", "infinite")),
    "not a number": (lambda _: b'{"schema": "igfstrat.model/1", "a": NaN}', 2, ("model", "NaN")),
}


@pytest.mark.parametrize("verb", ["score", "validate"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_model_file_gets_its_exit_code_and_runs_nothing(tmp_path, name, verb):
    make, code, words = HOSTILE[name]
    (tmp_path / "cohort.csv").write_bytes(as_csv(clean_rows()))
    (tmp_path / "model.json").write_bytes(make(tmp_path))
    out = tmp_path / "out.csv"
    more = ["--endpoint", "dfs"] if verb == "validate" else []
    done = invoke(verb, tmp_path / "cohort.csv", "--model", tmp_path / "model.json", "--out", out, *more)
    assert done.exit_code == code, done.output
    for word in words:
        assert word in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "marker").exists()
    assert not out.exists()


def test_one_changed_digit_of_a_model_is_refused(fitted, tmp_path):
    folder, _ = fitted
    text = (folder / "model.json").read_text()
    (tmp_path / "model.json").write_text(
        text.replace('"coef": 0.', '"coef": 1.', 1).replace('"coef": -0.', '"coef": -1.', 1)
    )
    done = score(folder / "cohort.csv", tmp_path / "model.json", tmp_path / "s.csv")
    assert done.exit_code == 2
    assert "checksum" in done.output
    assert not (tmp_path / "s.csv").exists()  # fmt: skip
