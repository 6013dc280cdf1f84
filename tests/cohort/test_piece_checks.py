"""Identifiers of a large table. Brute force: a set of the texts; invariant: how they are cut."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from igfstrat.cohort.cohort_map import FileSettings
from igfstrat.cohort.piece_checks import FoundByPlace, Identifiers, RowProblems, hash_texts
from igfstrat.cohort.piece_sources import open_source
from igfstrat.cohort.pieces import Cells, Piece
from igfstrat.errors import Problem, Severity

PAIRS = ["", "a", "b", "aa", "ab", "ba", "a\0", "a\0\0", "\0", "é", "e\u0301", "x" * 8, "x" * 9, "x" * 16, "x" * 256, "x" * 257, "x" * 9_000]  # fmt: skip


def test_texts_that_differ_in_one_byte_or_in_length_have_other_hashes():
    assert len(np.unique(hash_texts(pa.array(PAIRS)))) == len(PAIRS)


def test_two_hundred_thousand_texts_have_as_many_hashes():
    draw = random.Random(4)
    texts = {"".join(draw.choices("ab01 é", k=draw.randint(0, 30))) for _ in range(200_000)}
    assert len(np.unique(hash_texts(pa.array(list(texts))))) == len(texts)


@pytest.mark.parametrize("start", [0, 1, 7])
def test_a_text_has_one_hash_wherever_it_stands(start):
    whole = hash_texts(pa.array(PAIRS))
    np.testing.assert_array_equal(hash_texts(pa.array(PAIRS).slice(start)), whole[start:])
    np.testing.assert_array_equal(hash_texts(pa.array(PAIRS[::-1])), whole[::-1])


def test_no_texts_have_no_hashes_and_empty_ones_are_equal():
    assert len(hash_texts(pa.array([], pa.string()))) == 0
    assert len(set(hash_texts(pa.array(["", ""])).tolist())) == 1


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize("aside", [[], [4]])
def test_the_doubled_of_any_pieces_are_those_that_a_set_finds(tmp_path, size, aside):
    texts = ["P1", "p2 ", "P3", "P2", "P1", "NA", "Ä1", "ä1", "P1\u00a0", *(f"Q{i}" for i in range(50))]
    path = Path(tmp_path / "c.csv")
    path.write_text("patient_id,age_years\n" + "".join(f"{t},50\n" for t in texts), encoding="utf-8")
    source = open_source(path, FileSettings())
    ids = Identifiers(0)
    for start in range(0, len(texts), size):
        part = texts[start : start + size]
        rows = np.arange(start, start + len(part)) + 2
        ids.take(Piece(start, rows, [Cells(texts=np.array(part, dtype=object))]))
    found = ids.check(source, size, np.array(aside, dtype=np.intp))
    seen, expected = set(), []
    for i, text in enumerate(texts):
        key = text.replace("\u00a0", " ").strip().casefold()
        if i in aside or key == "na":
            continue
        if key in seen:
            expected.append(i + 2)
        seen.add(key)
    assert sorted(p.row for p in found if "duplicate" in p.remedy) == expected


@pytest.mark.parametrize("seed", range(5))
def test_findings_about_a_piece_are_those_that_looking_at_each_gives(seed):
    rng = np.random.default_rng(seed)
    every = [
        RowProblems(
            Problem(code="spelling", severity=Severity.FLAG, remedy=str(i)),
            np.flatnonzero(rng.random(40) < 0.2),
        )
        for i in range(6)
    ]
    by_place = FoundByPlace(every)
    for start, stop in ((0, 40), (0, 7), (7, 8), (39, 40), (10, 10)):
        expected = [(a.problem, [p - start for p in a.places if start <= p < stop]) for a in every]
        found = [(about.problem, about.places.tolist()) for about in by_place.between(start, stop)]
        assert found == [(problem, places) for problem, places in expected if places]
    assert FoundByPlace([]).between(0, 3) == ()
