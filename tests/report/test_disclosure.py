"""Small numbers of people stay hidden and can't be computed back. Worked by hand; brute force over all fillings."""

import json

import numpy as np
import pytest

from igfstrat.report import survival_document
from igfstrat.report._disclosure import mask_text, published_points
from igfstrat.report.disclosure import mask_table, suppress_results, suppress_small
from igfstrat.report.document import FigureBlock, Paragraph
from igfstrat.report.figures import figure_svg
from igfstrat.report.tables import Table
from igfstrat.survival import kaplan_meier
from tests.report.cases import hostile_report, plain_report
from tests.report.readers import svg_texts


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return hostile_report(tmp_path_factory.mktemp("small"))


def test_count_below_five_is_hidden_and_zero_is_not():
    shown = mask_table(
        Table(caption="", header=("", "n"), rows=(("a", "4"), ("b", "0"), ("c", "7"), ("d", "9"))), 5
    )
    assert [row[1] for row in shown.rows] == ["<5", "0", "hidden", "9"]


def test_percentage_goes_with_its_count():
    rows = (("a", "4 (8.2 %)", "45 (91.8 %)", "49"), ("b", "20 (40.8 %)", "29 (59.2 %)", "49"))
    shown = mask_table(Table(caption="", header=("", "Low", "High", "All"), rows=rows), 5).rows
    assert shown[0][1] == "<5"
    assert "8.2" not in str(shown)


def possible(shown):
    """All 2 x 2 tables that fit what is shown with its totals, shape (n, 4): by trying every filling."""
    ranges = {"<5": np.arange(1, 5), "hidden": np.arange(0, 20)}
    cells = [ranges.get(s, np.array([int(s)]) if s.isdigit() else None) for s in shown[:2, :2].ravel()]
    a, b, c, d = (grid.ravel() for grid in np.meshgrid(*cells, indexing="ij"))
    margins = {(0, 2): a + b, (1, 2): c + d, (2, 0): a + c, (2, 1): b + d, (2, 2): a + b + c + d}
    fits = np.ones(len(a), dtype=bool)
    for place, total in margins.items():
        if shown[place].isdigit():
            fits &= total == int(shown[place])
    return np.column_stack([a, b, c, d])[fits]


@pytest.mark.parametrize("seed", range(40))
def test_hidden_cell_is_not_fixed_by_the_cells_and_totals_that_are_shown(seed):
    inner = np.random.default_rng(seed).integers(0, 10, (2, 2))
    inner[0, 0] = 1 + seed % 4
    full = np.vstack([np.hstack([inner, inner.sum(1, keepdims=True)]), np.append(inner.sum(0), inner.sum())])
    rows = tuple((f"r{i}", *map(str, row)) for i, row in enumerate(full))
    table = mask_table(Table(caption="", header=("", *"abc"), rows=rows), 5)
    shown = np.array([row[1:] for row in table.rows])
    fits = possible(shown)
    for place in np.flatnonzero((inner.ravel() > 0) & (inner.ravel() < 5)):
        assert len(np.unique(fits[:, place])) > 1, (full, shown)


def test_row_of_few_people_shows_none_of_its_estimates():
    table = Table(
        caption="", header=("Group", "n", "3 years"), rows=(("A", "3", "66.7 (5.4–94.5)"), ("B", "30", "80.0 (60.1–90.2)"), ("C", "31", "–")),
        counts=((None, 3, None), (None, 30, None), (None, 31, None)),
    )  # fmt: skip
    shown = mask_table(table, 5)
    assert shown.rows[0] == ("A", "<5", "hidden")
    assert shown.rows[1] == ("B", "hidden", "80.0 (60.1–90.2)")


def test_sentence_hides_people_and_keeps_estimates():
    text = "High (n = 3, 2 events), Low (n = 40, 12 events): hazard ratio 3.00 (1.20–4.00); 1 patient has time 0; not stated: 4; other: 9"
    assert mask_text(text, 5) == (
        "High (n = <5, <5 events), Low (n = 40, 12 events): hazard ratio 3.00 (1.20–4.00); <5 patient has time 0; not stated: <5; other: 9"
    )


def test_curve_is_shown_at_every_fifth_event_only():
    curve = kaplan_meier(time=np.arange(1.0, 31.0), event=np.ones(30, dtype=bool))
    assert published_points(curve, 5).tolist() == [4, 9, 14, 19, 24]


def test_figure_and_its_numbers_hide_small_counts(report):
    shown = suppress_small(survival_document(report), 5)
    figure = next(f for f in shown.figures if f.name == "km_dfs")
    texts = " ".join(svg_texts(figure_svg(figure.draw(False), title="").encode()))
    assert "events <5" in texts
    assert "events 2)" not in texts
    assert "At risk" not in figure.data_header


def test_whole_document_shows_no_small_count(report):
    shown = suppress_small(survival_document(report), 5)
    blocks = [b for s in shown.sections if s.key in {"summary", "flow", "survival_dfs"} for b in s.blocks]
    counts = [c for t in blocks if isinstance(t, Table) for row in t.rows for c in row[1:3] if c.isdigit()]
    assert counts
    assert not {"1", "2", "3", "4"} & set(counts)
    assert "(n = 8, <5 events)" in " ".join(p.text for p in blocks if isinstance(p, Paragraph))


def test_report_json_holds_no_small_count_and_no_step_of_one_person(report):
    before = report.to_dict()
    after = suppress_results(before, 5)

    def counts(data):
        if isinstance(data, dict):
            found = [
                v
                for k, v in data.items()
                if isinstance(v, int) and not isinstance(v, bool) and (k == "n" or k.startswith("n_"))
            ]
            return found + [n for value in data.values() for n in counts(value)]
        return [n for value in data for n in counts(value)] if isinstance(data, list | tuple) else []

    assert any(0 < n < 5 for n in counts(before))
    assert counts(after["endpoints"])
    assert not any(0 < n < 5 for n in counts(after["endpoints"]))
    group = after["endpoints"]["dfs"]["groups"][0]
    assert "n_at_risk" not in group["curve"]
    assert len(group["curve"]["time"]) <= before["endpoints"]["dfs"]["groups"][0]["n_events"] // 5


def test_suppressed_report_json_still_fits_the_schema(report):
    import jsonschema

    from igfstrat.report.json_schema import report_schema

    jsonschema.validate(json.loads(json.dumps(suppress_results(report.to_dict(), 5))), report_schema())


def test_minimum_of_one_changes_nothing():
    document = survival_document(plain_report())
    assert suppress_small(document, 1) is document
    assert all(isinstance(f, FigureBlock) for f in document.figures)
