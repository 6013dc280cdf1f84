"""The registry: every entry has a source, and a retracted one is only given on request. Worked by hand."""

import ast
import csv
import re
from pathlib import Path

import pytest

from igfstrat import evidence
from igfstrat.errors import EvidenceError, IgfstratWarning
from igfstrat.evidence import find_evidence, get_evidence, load_evidence
from igfstrat.features import REGISTRY
from igfstrat.features.status import NAMED_RULES

ROOT = Path(evidence.__file__).parent


def test_every_entry_has_a_source_and_its_number_lies_in_its_interval():
    assert len(load_evidence()) >= 25
    for entry in load_evidence().values():
        assert entry.source
        if None not in (entry.estimate, entry.ci_lower, entry.ci_upper):
            assert entry.ci_lower <= entry.estimate <= entry.ci_upper, entry.id


def test_a_retracted_entry_is_refused_and_on_request_comes_with_a_warning():
    with pytest.raises(EvidenceError, match=r"E-e-05 rests on a retracted source \(Gualberto 2011"):
        get_evidence("E-e-05")
    with pytest.warns(IgfstratWarning, match="retracted"):
        assert get_evidence("E-e-05", retracted=True).status == "retracted"
    assert "E-e-05" not in {entry.id for entry in find_evidence(biomarker="free_igf1")}


def test_an_unknown_key_is_refused():
    with pytest.raises(EvidenceError, match="no evidence entry is named 'E-x-99'"):
        get_evidence("E-x-99")


def test_no_single_sign_fits():
    directions = {e.direction for e in find_evidence(biomarker="igf1r", compartment="tumour_protein")}
    assert {"favourable", "adverse", "null"} <= directions


def test_direction_is_looked_up_by_every_key():
    assert [
        e.estimate for e in find_evidence(disease="breast", biomarker="igf1r", subgroup="HR+", endpoint="dfs")
    ] == [0.61]
    assert find_evidence(disease="breast", biomarker="igf1r", compartment="tumour_mrna", endpoint="pfi") == ()


def test_every_id_that_code_names_is_in_the_registry():
    named = {
        key
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for key in re.findall(r"E-[a-z]+-\d+[a-z]?", node.value)
    }
    assert len(named) > 10
    assert named <= set(load_evidence())
    assert {key for spec in REGISTRY.values() for key in spec.evidence} <= set(load_evidence())
    assert {rule.evidence for rule in NAMED_RULES.values()} <= set(load_evidence())


@pytest.mark.parametrize(
    ("change", "words"),
    [({"source": ""}, "no source"), ({"compartment": "blood"}, "'blood' is none of serum"), ({"direction": "up"}, "'up' is none of"),
     ({"status": "known"}, "'known' is none of")],
)  # fmt: skip
def test_a_faulty_entry_is_named_by_its_line(monkeypatch, change, words):
    fields = dict.fromkeys(
        next(csv.reader([(ROOT / "data/evidence.csv").read_text(encoding="utf-8").splitlines()[0]])), ""
    )
    fields |= {
        "id": "E-t-01",
        "compartment": "serum",
        "direction": "null",
        "source": "someone",
        "status": "reported",
    }
    text = ",".join(fields) + "\n" + ",".join((fields | change).values()) + "\n"

    class Folder:
        def joinpath(self, _):
            return self

        def read_text(self, encoding):
            return text

    monkeypatch.setattr(evidence.resources, "files", lambda _: Folder())
    with pytest.raises(EvidenceError, match=f"line 2, E-t-01: {words}"):
        load_evidence.__wrapped__()
