"""Driver alterations from free text. Worked by hand; invariants."""

import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.features.driver import DRIVER_CLASSES, DRIVER_SPECS, DriverFeatures, read_drivers

# text, and by feature: class, EGFR, T790M, KRAS, ALK
Y, N = "yes", "no"
READ = [
    ("EGFR L858R", "egfr_sensitizing", Y, None, None, None),
    ("egfr: p.L858R", "egfr_sensitizing", Y, None, None, None),
    ("L858R", "egfr_sensitizing", Y, None, None, None),
    ("EGFR exon 21 L858R point mutation", "egfr_sensitizing", Y, None, None, None),
    ("EGFR exon 19 deletion", "egfr_sensitizing", Y, None, None, None),
    ("EGFR deletion in exon 19", "egfr_sensitizing", Y, None, None, None),
    ("EGFR 19del", "egfr_sensitizing", Y, None, None, None),
    ("EGFR E746_A750del", "egfr_sensitizing", Y, None, None, None),
    ("EGFR G719A/S768I", "egfr_sensitizing", Y, None, None, None),
    ("EGFR del19; T790M", "egfr_t790m", Y, Y, None, None),
    ("EGFR L858R + T790M", "egfr_t790m", Y, Y, None, None),
    ("EGFR exon 20 T790M", "egfr_t790m", Y, Y, None, None),
    ("EGFR L858R, T790M negative", "egfr_sensitizing", Y, N, None, None),
    ("EGFR L858R; T790M not tested", "egfr_sensitizing", Y, None, None, None),
    ("T790M negative", None, None, N, None, None),
    ("EGFR exon 20 insertion", "egfr_exon20_insertion", Y, None, None, None),
    ("EGFR ex20ins", "egfr_exon20_insertion", Y, None, None, None),
    ("EGFR", "egfr_other", Y, None, None, None),
    ("EGFR mutated", "egfr_other", Y, None, None, None),
    ("EGFR exon 19 insertion", "egfr_other", Y, None, None, None),
    ("EGFR C797S", "egfr_other", Y, None, None, None),
    ("EGFR mutation; L858R", "egfr_sensitizing", Y, None, None, None),
    ("KRAS G12C", "kras", None, None, Y, None),
    ("KRAS p.G12D, Q61H", "kras", None, None, Y, None),
    ("KRAS codon 12 mutation", "kras", None, None, Y, None),
    ("ALK fusion", "alk", None, None, None, Y),
    ("ALK+", "alk", None, None, None, Y),
    ("EML4-ALK", "alk", None, None, None, Y),
    ("EML4::ALK rearranged", "alk", None, None, None, Y),
    ("ROS1", "ros1", None, None, None, None),
    ("CD74-ROS1", "ros1", None, None, None, None),
    ("BRAF V600E", "braf", None, None, None, None),
    ("MET ex14", "met", None, None, None, None),
    ("METex14 skipping", "met", None, None, None, None),
    ("c-MET amplified", "met", None, None, None, None),
    ("HER2/ERBB2", "erbb2", None, None, None, None),
    ("ERBB2 exon 20 insertion", "erbb2", None, None, None, None),
    ("RET fusion", "ret", None, None, None, None),
    ("NTRK", "ntrk", None, None, None, None),
    ("ETV6-NTRK3", "ntrk", None, None, None, None),
    ("EGFR L858R; KRAS G12C", "several", Y, None, Y, None),
    ("EGFR L858R and MET amplification", "several", Y, None, None, None),
    ("wild type", "none_found", N, N, N, N),
    ("none", "none_found", N, N, N, N),
    ("Negative", "none_found", N, N, N, N),
    ("no driver mutation detected", "none_found", N, N, N, N),
    ("none; EGFR wild type", "none_found", N, N, N, N),
    ("EGFR/KRAS/ALK/ROS1/BRAF/MET/HER2/RET/NTRK negative", "none_found", N, N, N, N),
    ("EGFR wild type", None, N, N, None, None),
    ("EGFR wild-type", None, N, N, None, None),
    ("no EGFR mutation", None, N, N, None, None),
    ("EGFR mutation not detected", None, N, N, None, None),
    ("EGFR/ALK negative", None, N, N, None, N),
    ("no EGFR or ALK", None, N, N, None, N),
    ("KRAS wt", None, None, None, N, None),
    ("ALK not rearranged", None, None, None, None, N),
    ("no KRAS G12C", None, None, None, None, None),
    ("EGFR wt, KRAS G12C", "kras", N, N, Y, None),
    ("ALK+, EGFR negative", "alk", N, N, None, Y),
    ("EGFR not tested", None, None, None, None, None),
    ("unknown", None, None, None, None, None),
    ("", None, None, None, None, None),
    (" ", None, None, None, None, None),
]
REFUSED = [
    "EGFR wild type; L858R", "EGFR wild type; T790M", "EGFR L858R; T790M; T790M negative", "none; EGFR L858R", "KRAS G12C, none",
    "EGFR-", "EGFR \u2212", "EGFR (-)", "ALK+/EGFR-", "EGFR- KRAS", "EGFR, ALK negative", "EGFR and KRAS", "EGFR or KRAS mutation",
    "EGFR T790M or L858R", "EGFR exon 19 deletion without T790M", "EGFR L858R KRAS wild type", "EGFR L858R?", "EGFR low",
    "possible EGFR mutation", "not wild type", "EGFR not negative", "EGFR negative positive", "no mutation", "positive", "mutated", "fusion",
    "G12C", "exon 20 insertion", "KRAS L858R", "ALK mutation", "ALK F1174L", "EGFR amplification", "no KRAS fusion", "EGFRvIII", "TP53",
    "EGFR L858R; TP53", "nd", "=1+1", "EGFR 12%", "<b>EGFR</b>", "egfré", 17.5,
]  # fmt: skip


@pytest.mark.parametrize("case", READ, ids=lambda case: case[0] or "empty")
def test_a_text_says_what_is_written_and_no_more(case):
    text, *expected = case
    read, faulty = read_drivers([text])
    assert [read[name][0] for name in DRIVER_SPECS] == expected
    assert not faulty[0]


@pytest.mark.parametrize("text", REFUSED)
def test_of_a_text_in_doubt_nothing_is_used(text):
    read, faulty = read_drivers([text])
    assert faulty[0]
    assert all(read[name][0] is None for name in DRIVER_SPECS)


def test_every_class_is_reached_and_none_is_unheard_of():
    assert {case[1] for case in READ} - {None} == set(DRIVER_CLASSES)


def test_missing_cells_are_unknown_and_not_flagged():
    read, faulty = read_drivers([None, float("nan"), pd.NaT])
    assert all(values.tolist() == [None] * 3 for values in read.values())
    assert not faulty.any()


@pytest.mark.parametrize(
    "text", ["EGFR " * 20_000, "exon 19 " * 25, "del" * 60, "-" * 200, " " * 199 + "x", "e 19 d" * 30, "\ufdfa" * 200, "met" * 66]
)  # fmt: skip
def test_long_and_hostile_texts_are_refused_at_once(text):
    start = time.perf_counter()
    assert read_drivers([text])[1][0]
    assert time.perf_counter() - start < 0.1


def test_a_text_of_201_characters_is_too_long():
    text = "EGFR L858R"
    assert read_drivers([text.ljust(200)])[0]["egfr_mutated"].tolist() == [Y]
    assert read_drivers([text.ljust(201)])[1].tolist() == [True]


pieces = st.sampled_from(
    ["EGFR", "KRAS", "ALK", "L858R", "T790M", "G12C", "negative", "wild type", "none", "not", "fusion", "exon 19", "del", "and", ",", ";", "/", "-", "+", "?"]
)  # fmt: skip


@given(st.lists(st.lists(pieces, max_size=6).map(" ".join) | st.text(max_size=30), max_size=8))
def test_whatever_is_written_the_answers_fit_each_other(texts):
    read, faulty = read_drivers(texts)
    for i, _ in enumerate(texts):
        kind, egfr, t790m, kras, alk = (read[name][i] for name in DRIVER_SPECS)
        assert kind in {*DRIVER_CLASSES, None}
        assert (kind == "none_found") <= ([egfr, t790m, kras, alk] == [N] * 4)
        assert (t790m == Y) <= (egfr == Y)
        assert (egfr == Y) <= (kind == "several" or str(kind).startswith("egfr_"))
        assert (kras == Y) <= (kind in {"several", "kras"})
        assert (alk == Y) <= (kind in {"several", "alk"})
        assert not faulty[i] or {kind, egfr, t790m, kras, alk} == {None}


@given(st.sampled_from([case[0] for case in READ if case[0].strip()]), st.sampled_from(READ))
def test_a_second_statement_never_turns_an_answer_round(text, case):
    alone = read_drivers([text])[0]
    both, faulty = read_drivers([f"{text}; {case[0]}"])
    for name in ("egfr_mutated", "egfr_t790m", "kras_mutated", "alk_rearranged"):
        assert faulty[0] or alone[name][0] in {None, both[name][0]}


def test_the_transformer_keeps_the_contract_and_flags_what_it_refuses(check_feature_transformer):
    texts = [case[0] or None for case in READ]
    table = pd.DataFrame({"driver": [*texts, *REFUSED, *texts]}, dtype=object)
    check_feature_transformer(DriverFeatures(), table)
    (flag,) = DriverFeatures().fit(table).flag_rows(table)
    assert flag.code == "invalid_driver"
    assert flag.rows.tolist() == list(range(len(texts), len(texts) + len(REFUSED)))
    classes = DriverFeatures().fit_transform(table)["driver_class"]
    assert classes.tolist() == [case[1] for case in READ] + [None] * len(REFUSED) + [case[1] for case in READ]


def test_the_flag_never_shows_the_text():
    table = pd.DataFrame({"driver": ["Jane Doe 1961", "EGFR L858R"]})
    (flag,) = DriverFeatures().fit(table).flag_rows(table)
    assert "jane" not in repr(flag).casefold()
    assert "1961" not in repr(flag)
