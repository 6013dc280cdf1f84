"""Rows in are rows out, in any number of pieces. Invariant, on random tables made of what people write."""

import random

import pandas as pd

from igfstrat.cohort import read_cohort
from igfstrat.errors import IgfstratError
from igfstrat.workflows.plan import choose_plan
from igfstrat.workflows.score_cohort import score_cohort
from igfstrat.workflows.score_stream import score_stream
from igfstrat.workflows.score_tables import write_scores
from tests.conftest import table_of
from tests.hostile.tables import csv_of

ODD = ("", " ", "NA", "<25", "> 1000", "ND", "~140", "120*", "110-130", "2-3", "pos", "60+", "-3.5", "0", "1e5", "2019-02-29", "31.12.2019", "TRUE", "unknown", "=1+1", "é", "x\ny", 'a"b', "-9", "999", "luminal A", "TNBC")  # fmt: skip


def random_rows(seed):
    """Up to forty patients, some of whose cells hold what people write."""
    chance = random.Random(seed)
    rows = table_of(chance.randint(1, 40))
    for row in rows[1:]:
        for at in range(1, len(row)):
            if chance.random() < chance.choice((0, 0.02, 0.1)):
                row[at] = chance.choice(ODD)
    for _ in range(chance.randint(0, 2)):
        rows.insert(chance.randint(1, len(rows)), [""] * len(rows[0]))
    return rows


def rows_kept(seed, folder):
    """Whether a table was scored, after looking that every row came out once, in order, in each way of scoring it."""
    source = folder / "c.csv"
    source.write_bytes(csv_of(random_rows(seed)))
    n = sum(any(cell for cell in row) for row in random_rows(seed)[1:])
    ends = []
    for size in (None, 1, random.Random(seed).randint(2, 50)):
        out = folder / f"o{size}.csv"
        try:
            if size is None:
                cohort = read_cohort(source)
                write_scores(score_cohort(cohort, choose_plan("breast", cohort)), out, command=[])
            else:
                score_stream(source, out, plan="breast", chunk_rows=size)
        except IgfstratError as error:
            ends.append(type(error).__name__)
            continue
        ids = pd.read_csv(out, dtype=str, encoding="utf-8-sig", usecols=["patient_id", "row_status"])
        assert len(ids) == n, seed
        assert ids["patient_id"].tolist() == [row[0] for row in random_rows(seed)[1:] if any(row)], seed
        assert set(ids["row_status"]) <= {"scored", "flagged", "not_scored"}, seed
        ends.append(out.read_bytes())
    assert all(end == ends[0] for end in ends), seed
    return isinstance(ends[0], bytes)


def test_rows_in_are_rows_out_with_the_same_bytes_in_any_pieces(tmp_path):
    # about two tables of three hold a doubt about a whole column, and are refused in each way
    assert sum(rows_kept(seed, tmp_path) for seed in range(18)) > 3
