"""The page of designs that choose a cut. Truth: invariants of what the results hold, and results written by hand."""

import pytest

from igfstrat.report.chosen_cut_section import chosen_cut_figure, chosen_cut_sections
from igfstrat.report.document import FigureBlock
from igfstrat.report.tables import Table
from igfstrat.trials import make_scenario
from igfstrat.trials.study.operating import simulate_scenario

SCENARIO = make_scenario(
    {
        "endpoint": "os",
        "marker": {"name": "igf1r", "continuous": {"cut": 0.0}},
        "control": {"median": 12},
        "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
        "accrual": {"screened_per_month": 12},
        "designs": {
            "all_comers": {"n": 100, "events": 60},
            "adaptive_threshold": {"n": 100, "events": 60, "candidates": [-0.5, 0.0, 0.5]},
        },
    }
)


@pytest.fixture(scope="module")
def designs():
    return list(simulate_scenario(SCENARIO, replicates=200).designs.values())


def test_the_section_shows_every_candidate_with_its_share_of_the_trials(designs):
    (section,) = chosen_cut_sections(designs, marker="igf1r")
    tables = [block for block in section.blocks if isinstance(block, Table)]
    figures = [block for block in section.blocks if isinstance(block, FigureBlock)]
    assert [row[1] for row in tables[0].rows] == ["−0.5", "0", "0.5"]
    assert tables[0].rows[1][2] == "50.0"
    assert len(tables[1].rows) == 2
    (figure,) = figures
    chosen = designs[1].selected["chosen_cut"]["in_all"]["chosen"]
    assert [row[1] for row in figure.data] == [share["value"] for share in chosen]


def test_designs_without_a_chosen_cut_get_no_section(designs):
    assert chosen_cut_sections(designs[:1], marker="igf1r") == []


@pytest.mark.parametrize("narrow", [False, True])
def test_bars_are_as_long_as_the_shares(designs, narrow):
    figure = chosen_cut_figure(designs[1], narrow=narrow)
    widths = [bar.get_width() for bar in figure.axes[0].containers[0]]
    shares = [100 * s["value"] for s in designs[1].selected["chosen_cut"]["in_all"]["chosen"]]
    assert widths == pytest.approx(shares)
    assert figure.axes[0].get_xlim() == (0, 100)  # the same for every design
