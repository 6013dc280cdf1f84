"""`igfstrat evidence`: what it shows on terminals of any width, and what it says where nothing is known. Worked by hand."""

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app

RUNNER = CliRunner()


def ask(monkeypatch, *options, columns=140):
    monkeypatch.setenv("COLUMNS", str(columns))
    return RUNNER.invoke(app, ["evidence", *options])


def words(text):
    return re.sub(r"\s+", " ", text)


def test_table_shows_estimate_interval_n_source_and_id(monkeypatch):
    result = ask(monkeypatch, "--disease", "breast", "--biomarker", "igf1r", "--endpoint", "dfs")
    assert result.exit_code == 0, result.output
    assert re.search(r"subgroup +endpoint +direction +estimate +n +source +id", result.output)
    assert re.search(r"HR\+ +dfs +favourable +HR 0\.61 \(0\.41–0\.92\) .*E-d-32", result.output)
    assert re.search(r"HR 0\.56 \(0\.35–0\.89\) +5406 .*E-d-31", result.output)
    assert "breast · igf1r · tumour_protein" in result.output


@pytest.mark.parametrize("columns", [40, 57, 80, 119, 120, 200])
def test_no_line_is_wider_than_the_terminal(monkeypatch, columns):
    result = ask(monkeypatch, "--disease", "breast", columns=columns)
    assert result.exit_code == 0
    assert max(len(line) for line in result.output.splitlines()) <= columns


@pytest.mark.parametrize("columns", [40, 140])
def test_every_cell_is_there_at_any_width(monkeypatch, columns):
    shown = words(ask(monkeypatch, "--disease", "sclc", columns=columns).output)
    for text in ("E-d-27", "HR 1.22 (0.66–2.27)", "Xu 2019", "null", "with carboplatin", "S2-23c"):
        assert text in shown, text


@pytest.mark.parametrize("columns", [40, 140])
def test_where_sources_disagree_a_line_says_so(monkeypatch, columns):
    result = ask(monkeypatch, "--disease", "breast", "--biomarker", "igf1", "--endpoint", "all-cause mortality",
                 columns=columns)  # fmt: skip
    assert (
        "! all-cause mortality: sources disagree: favourable (E-d-12, E-d-12g); adverse (E-d-10, S1-10); null (E-d-12b)"
        in words(result.output)
    )
    assert "[disputed]" in result.output


def test_an_unverified_number_is_marked(monkeypatch):
    shown = words(ask(monkeypatch, "--disease", "breast", "--biomarker", "ganitumab", columns=60).output)
    assert "E-e-12 · pfs · null [unverified]" in shown


@pytest.mark.parametrize(
    ("option", "typed", "hint"),
    [
        ("--disease", "brest", "the registry has no disease 'brest'; did you mean 'breast'?"),
        ("--biomarker", "ifg1r", "the registry has no biomarker 'ifg1r'; did you mean 'igf1r'?"),
        ("--endpoint", "incidnce", "the registry has no endpoint 'incidnce'; did you mean 'incidence'?"),
        ("--disease", "xyz", "the registry has no disease 'xyz'; there are breast, nsclc"),
        ("--disease", "a\x1b[31mb", r"no disease 'a\\x1b[31mb'"),
    ],
)
def test_unknown_value_is_refused_with_a_hint(monkeypatch, option, typed, hint):
    result = ask(monkeypatch, option, typed)
    assert result.exit_code == 2
    assert hint in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("typed", ["igf1r", "IGF-1R", "IGF1R", "igf_1r"])
def test_the_field_s_own_spelling_is_understood(monkeypatch, typed):
    result = ask(monkeypatch, "--disease", "Breast", "--biomarker", typed, "--endpoint", "DFS")
    assert result.exit_code == 0
    assert "E-d-32" in result.output


def test_no_evidence_is_said_plainly(monkeypatch):
    result = ask(monkeypatch, "--disease", "prostate", "--biomarker", "igf1r", "--endpoint", "pfi")
    assert result.exit_code == 0
    assert words(result.output).strip() == (
        "No evidence: the registry holds no entry on disease prostate, biomarker igf1r, endpoint pfi."
    )


def test_retracted_entries_are_left_out_and_counted(monkeypatch):
    result = ask(monkeypatch, "--biomarker", "figitumumab", "--disease", "nsclc")
    assert result.exit_code == 0
    assert "S2-29" not in result.output
    assert "Karp" not in result.output
    assert "Left out: 2 entries from retracted sources; --retracted shows them." in result.output


def test_retracted_entries_come_on_request_with_a_warning(monkeypatch):
    result = ask(monkeypatch, "--biomarker", "figitumumab", "--endpoint", "pfs", "--retracted")
    assert result.exit_code == 0
    assert "Warning: from retracted sources, and not to be used as evidence: S2-29" in result.stderr
    assert "[retracted]" in words(result.stdout)
    assert "Left out" not in result.output


def test_lung_points_to_its_parts(monkeypatch):
    result = ask(monkeypatch, "--disease", "lung", "--biomarker", "igf1")
    assert re.search(r"See also --disease nsclc: \d+ entries\.", result.output)
    assert "See also --disease sclc" not in result.output


def test_without_filters_everything_but_the_retracted_is_shown(monkeypatch):
    from igfstrat.evidence import find_evidence

    result = ask(monkeypatch)
    assert result.exit_code == 0
    assert f"{len(find_evidence())} entries. Direction is that of the high level" in result.output
    shown = set(re.findall(r"(?:E-[a-u]-\d+[a-z]?|S\d-\d+[a-z]?)$", result.output, re.MULTILINE))
    assert shown == {entry.id for entry in find_evidence()}


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from typer.testing import CliRunner; from igfstrat.cli.main import app; "
        "assert CliRunner().invoke(app, ['evidence', '--help']).exit_code == 0; "
        "heavy = {'numpy', 'pandas', 'sklearn', 'matplotlib', 'numba'}; print(heavy & set(sys.modules)); "
        "assert CliRunner().invoke(app, ['evidence', '--disease', 'sclc']).exit_code == 0; "
        "print(heavy - {'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "set()"]
