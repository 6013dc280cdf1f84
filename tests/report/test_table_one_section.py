"""Table 1 as blocks: cells worked by hand, labels complete, and sentences where there is nothing to compare."""

import numpy as np
import pandas as pd

from igfstrat.analysis.table_one import analyse_table_one
from igfstrat.analysis.table_one_results import BaselineVariable
from igfstrat.cohort import Endpoint
from igfstrat.report.document import Paragraph
from igfstrat.report.table_one_section import table_one_section
from igfstrat.report.tables import Table

TABLE = pd.DataFrame({"age": [50.0, 60, 70, 40, 50, np.nan], "stage": ["I", "I", "II", "II", "II", None]})
VARIABLES = [
    BaselineVariable(name="age", title="Age", unit="years", kind="numeric"),
    BaselineVariable(name="stage", title="Stage"),
]


def section_of(groups, order=("low", "high")):
    time = np.arange(6) + 1.0
    endpoint = Endpoint(
        name="dfs", title="Disease-free survival", time=time, event=np.ones(6, bool), reasons=("",) * 6, source_unit="months"
    )  # fmt: skip
    groups = np.array(groups, dtype=object)
    known = np.array([g is not None for g in groups])
    found = analyse_table_one(
        TABLE, variables=VARIABLES, groups=groups, order=order, evaluable=known, endpoints=[endpoint]
    )
    return table_one_section(found, title="IGF-1R status")


def tables(section):
    return [block for block in section.blocks if isinstance(block, Table)]


def text(section):
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


def test_cells_are_medians_counts_percent_and_missing():
    first = tables(section_of(["low", "low", "low", "high", "high", "high"]))[0]
    assert first.header == ("", "All (n = 6)", "Low (n = 3)", "High (n = 3)", "SMD")
    rows = {row[0]: row[1:] for row in first.rows}
    assert rows["Age, years"][:3] == ("50.0 [50.0–60.0]", "60.0 [55.0–65.0]", "45.0 [42.5–47.5]")
    assert rows["Age, years: missing"] == ("1", "0", "1", "")
    assert rows["Stage: I"][:3] == ("2 (40.0)", "2 (66.7)", "0 (0.0)")
    assert rows["Stage: missing"] == ("1", "0", "1", "")


def test_counts_stand_beside_every_cell_that_shows_people():
    for table in tables(section_of(["low", "low", "high", "high", None, None])):
        for row, counts in zip(table.rows, table.counts, strict=True):
            assert len(row) == len(counts) == len(table.header)
            for cell, count in zip(row, counts, strict=True):
                assert count is None or cell.split(" ")[0] == str(count)


def test_patients_without_the_marker_are_always_compared_with_the_others():
    section = section_of(["low", "low", "high", "high", None, None])
    assert "2 patients are not evaluable for IGF-1R status, of 6" in text(section)
    assert "describe and decide nothing" in text(section)
    headers = [table.header for table in tables(section)]
    assert headers[1][1:4] == ("All (n = 6)", "Evaluable (n = 4)", "Not evaluable (n = 2)")
    assert headers[2][-1] == "Log-rank p (descriptive)"


def test_where_all_are_evaluable_it_says_so_and_shows_no_table_of_nobody():
    section = section_of(["low", "low", "low", "high", "high", "high"])
    assert "Every patient is evaluable for IGF-1R status (n = 6)" in text(section)
    assert [table.caption for table in tables(section)] == ["Patients by IGF-1R status"]


def test_one_group_and_no_group_say_what_cant_be_compared():
    assert "only one group" in text(section_of(["low"] * 6))
    assert "No patient is in a group" in text(section_of([None] * 6))


def test_three_groups_name_the_largest_difference():
    assert tables(section_of(list("aabbcc"), order="abc"))[0].header[-1] == "Largest SMD"
