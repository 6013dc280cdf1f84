"""Reading a cohort the way `score` does, with the packaged breast plan."""

from types import SimpleNamespace

import pytest

from igfstrat.cohort import read_cohort
from igfstrat.config import config_path, read_yaml
from igfstrat.errors import Severity, render_problems
from igfstrat.features import FeaturePlan, required_inputs


def breast_plan():
    data = read_yaml(config_path("breast", "plans")).data
    return FeaturePlan.model_validate({key: data[key] for key in FeaturePlan.model_fields if key in data})


PLAN = breast_plan()


def read_for_breast(path, **options):
    cohort = read_cohort(path, **options)
    carried = [n for n in PLAN.endpoints if n in cohort.bindings.endpoints or n in cohort.unusable]
    dates = [(d,) for d in ("diagnosis_date", "last_followup_date") if d in cohort.unusable]
    cohort.require([*required_inputs(PLAN), *dates], carried, outcome="Nothing was scored.")
    flags = [p for p in cohort.problems if p.severity is Severity.FLAG]
    notices = [p for p in cohort.problems if p.severity is Severity.NOTICE]
    return SimpleNamespace(
        cohort=cohort, flags=flags, notices=notices, text="\n".join(render_problems(flags + notices))
    )


@pytest.fixture
def judge():
    return read_for_breast


@pytest.fixture
def change(make_table):
    """The sixty patients with some cells changed: {(row as the spreadsheet counts, column): text}."""

    def changed(cells, table=None):
        rows = make_table() if table is None else table
        for (row, column), text in cells.items():
            rows[row - 1][rows[0].index(column)] = text
        return rows

    return changed


@pytest.fixture
def change_column(make_table):
    def changed(column, make):
        rows = make_table()
        at = rows[0].index(column)
        for number, row in enumerate(rows[1:]):
            row[at] = make(row[at], number)
        return rows

    return changed
