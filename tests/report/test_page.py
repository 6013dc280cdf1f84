"""The page: nothing from data comes alive, nothing is asked of a network. Worked by hand."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from igfstrat.analysis import Estimate
from igfstrat.report.bundle import page_html
from igfstrat.report.document import Document, Paragraph, Section
from igfstrat.report.figures import COLOURS, counts_at
from igfstrat.report.formatting import format_interval, format_number, format_p
from igfstrat.report.html import render_html
from igfstrat.report.tables import Table
from igfstrat.survival import kaplan_meier
from igfstrat.workflows.survival_report import survival_report
from tests.cli.cases import as_csv, clean_rows

HOSTILE = ["<script>alert(1)</script>", "_hidden", "cost $5$ {{7*7}}", 'x" onload="y', "مرحبا", "A" * 300]


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory):
    rows = [{**row, "arm": HOSTILE[i % 6]} for i, row in enumerate(clean_rows())]
    path = tmp_path_factory.mktemp("page") / "cohort.csv"
    path.write_bytes(as_csv(rows))
    return page_html(survival_report(path, endpoint="dfs", by="arm", plan="breast").report)


def test_labels_from_data_make_no_element(hostile_page):
    elements = Elements()
    elements.feed(hostile_page)
    assert not {"script", "iframe", "img", "object", "link"} & elements.tags
    assert not {name for name in elements.attributes if name.startswith("on")}


@pytest.mark.parametrize("label", HOSTILE[:5])
def test_label_is_shown_literally(hostile_page, label):
    import html

    assert label in html.unescape(re.sub(r"<[^>]+>", "", hostile_page))


def test_page_asks_nothing_of_a_network(hostile_page):
    addresses = set(re.findall(r'(?:href|src|url)\s*[=(]\s*["\']?([^"\')\s>]+)', hostile_page))
    assert all(address.startswith("#") for address in addresses), addresses
    assert "default-src 'none'" in hostile_page


def test_ids_are_unique(hostile_page):
    ids = re.findall(r'\bid="([^"]+)"', hostile_page)
    assert len(ids) == len(set(ids))


def test_text_colours_stand_out_from_white():
    def luminance(colour):
        channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    # WCAG 2.1, text: the names of the groups stand in their colour beside the numbers at risk
    assert all(1.05 / (luminance(colour) + 0.05) > 4.5 for colour in COLOURS)


def test_numbers_read_as_people_write_them():
    assert format_p(0.0499) == "0.050"
    assert format_p(0.0004) == "< 0.001"
    assert format_number(-1.25, 1) == "−1.2"
    assert format_interval(Estimate(value=1.0, ci_lower=-2.0, ci_upper=3.0), 1) == "1.0 (−2.0 to 3.0)"
    assert format_interval(Estimate(value=40.0, ci_lower=30.0), 1) == "40.0 (30.0 to n.r.)"


def test_at_risk_events_and_censored_sum_to_the_group_at_every_tick():
    rng = np.random.default_rng(4)
    time, event = rng.exponential(20, 80).round(1), rng.random(80) < 0.6
    ticks = np.arange(0.0, 120.0, 6.0)
    counts = counts_at(kaplan_meier(time=time, event=event), ticks)
    assert (sum(counts.values()) == 80).all()
    assert counts["At risk"].tolist() == [int((time >= t).sum()) for t in ticks]
    assert counts["Events"].tolist() == [int((event & (time < t)).sum()) for t in ticks]


def page_of(*blocks):
    sections = (Section(key="a", title="A", blocks=blocks),)
    return render_html(Document(title="t", subtitle=(), sections=sections))


def test_a_number_keeps_its_sign_of_percent_and_its_relation_on_one_line():
    page = page_of(Paragraph(text="Power 90 % (n = 153, p < 0.001) of 5 patients"))
    assert "Power 90\N{NO-BREAK SPACE}% (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}153, p\N{NO-BREAK SPACE}&lt;\N{NO-BREAK SPACE}0.001) of 5 patients" in page  # fmt: skip


@pytest.mark.parametrize(("n_rows", "short"), [(12, True), (13, False)])
def test_print_keeps_a_short_table_on_one_page(n_rows, short):
    page = page_of(Table(caption="c", header=("a",), rows=tuple(("b",) for _ in range(n_rows))))
    assert ("scroll short" in page) is short
    assert ".short { break-inside: avoid; }" in page


@pytest.mark.parametrize(("n_columns", "fits"), [(9, True), (20, False)])
def test_print_breaks_numbers_from_their_error_only_in_a_table_too_wide_for_the_page(n_columns, fits):
    table = Table(caption="c", header=("x",) * n_columns, rows=(("24.5 (1.4)",) * n_columns,))
    assert ('fits" role' in page_of(table)) is fits


def test_a_narrow_page_leaves_out_the_lines_of_empty_cells():
    page = page_of(Table(caption="c", header=("a", "SMD"), rows=(("b", ""),)))
    assert 'data-label="SMD"></td>' in page
    assert "table.stack td:empty { display: none; }" in page
