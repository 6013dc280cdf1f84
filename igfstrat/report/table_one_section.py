"""Table 1 as a section: patients by group, and evaluable against not evaluable for the marker with their outcomes."""

from __future__ import annotations

from typing import Final

from igfstrat.analysis.results import Estimate
from igfstrat.analysis.table_one import NOT_EVALUABLE
from igfstrat.analysis.table_one_results import (
    BaselineTable,
    Characteristic,
    CodedSummary,
    NumericSummary,
    OutcomeByEvaluability,
    OutcomeColumn,
    TableOne,
)
from igfstrat.report.document import Block, Paragraph, Section
from igfstrat.report.formatting import DASH, format_interval, format_label, format_number, format_p
from igfstrat.report.tables import Table

_UNITS: Final = {"year": "years", "kg/m2": "kg/m²"}  # of the canonical columns, as they are printed
_AUSTIN: Final = (
    "Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between treatment groups in "
    "propensity-score matched samples. Stat Med 2009;28:3083-3107."
)
_YANG: Final = (
    "Yang D, Dalton JE. A unified approach to measuring the effect size between two groups using SAS. SAS Global Forum "
    "2012, paper 335."
)
_HOW: Final = (
    "Numbers are medians with quartiles in brackets, codes are patients with percent of those whose code is known. SMD: "
    "absolute standardized mean difference"
)

_Row = tuple[tuple[str, ...], tuple[int | None, ...]]


def table_one_section(result: TableOne, *, title: str) -> Section:
    """What patients the groups hold, and whether the patients without the marker are like the others.

    Parameters
    ----------
    result : TableOne
        The results.
    title : str
        What the patients are grouped by.

    Returns
    -------
    Section
        Two tables of patients and one of outcomes; sentences where there is nothing to compare.
    """
    blocks: list[Block] = [
        *_grouped(result, title),
        *_evaluability(result, title),
    ]
    methods = (
        "Groups are described by medians with quartiles and by counts; their standardized mean differences use the root of "
        "the mean of the two variances, for codes the Mahalanobis distance of the shares; missing values are counted and "
        "not filled in.",
    )
    return Section(
        key="table_one",
        title="Patients by group",
        blocks=tuple(blocks),
        methods=methods,
        references=(_AUSTIN, _YANG),
    )


def _grouped(result: TableOne, title: str) -> list[Block]:
    table = result.by_group
    if len(table.columns) < 2:
        return [
            Paragraph(
                text=f"No patient is in a group by {title}: there is no table by group.", kind="caution"
            )
        ]
    said = [] if len(table.columns) > 2 else ["There is only one group, so that nothing can be compared."]
    said += _imbalances(table, result.imbalance_from)
    return [
        *(Paragraph(text=text) for text in said),
        baseline_table(table, caption=f"Patients by {title}"),
    ]


def _evaluability(result: TableOne, title: str) -> list[Block]:
    table = result.by_evaluability
    n_all, n_known, n_other = table.n
    caption = f"Patients evaluable and not evaluable for {title}"
    if not n_other or not n_known:
        which = "is" if n_known else "is not"
        text = f"Every patient {which} evaluable for {title} (n = {n_all}): there is nothing to compare them with."
        if n_known:
            return [Paragraph(text=text)]  # their outcomes are the report's own
        return [Paragraph(text=text, kind="caution"), _outcomes(result, caption)]
    start = (
        f"{n_other} patient{' is' if n_other == 1 else 's are'} not evaluable for {title}, of {n_all}. Where they differ from the others, what is found in "
        "the evaluable ones need not hold for all."
    )
    said = [start, *_imbalances(table, result.imbalance_from), *_tests(result.outcomes)]
    return [
        Paragraph(text=" ".join(said), kind="caution"),
        baseline_table(table, caption=caption),
        _outcomes(result, f"{caption}: outcomes"),
    ]


def _imbalances(table: BaselineTable, threshold: float) -> list[str]:
    known = [(c.difference.value, c) for c in table.characteristics if c.difference.value is not None]
    if not known:
        return []
    large = sorted((item for item in known if item[0] > threshold), key=lambda item: -item[0])
    if not large:
        return [f"No variable has a standardized difference above {format_number(threshold, 1)}."]
    named = ", ".join(f"{c.variable.title} ({format_number(value)})" for value, c in large)
    return [f"Standardized differences are above {format_number(threshold, 1)} for {named}."]


def _tests(outcomes: tuple[OutcomeByEvaluability, ...]) -> list[str]:
    told = [
        f"{o.endpoint.upper()} {_with_relation(o.logrank.p_value)}"
        for o in outcomes
        if o.logrank.p_value is not None
    ]
    if not told:
        return []
    return [
        f"Log-rank tests of their outcomes describe and decide nothing, and are not corrected: {'; '.join(told)}."
    ]


def _with_relation(p: float | None) -> str:
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def baseline_table(table: BaselineTable, *, caption: str) -> Table:
    """Patients by group as a table of text.

    Parameters
    ----------
    table : BaselineTable
        The results.
    caption : str
        What it shows.

    Returns
    -------
    Table
        A row for each number, and for each level of a code; missing values in rows of their own.
    """
    pairwise = len(table.columns) > 3
    columns = [f"{_column(label)} (n = {n})" for label, n in zip(table.columns, table.n, strict=True)]
    rows = [row for c in table.characteristics for row in _rows(c, len(columns))]
    which = ", the largest of all pairs of groups" if pairwise else ""
    return Table(
        caption=caption,
        header=("", *columns, "Largest SMD" if pairwise else "SMD"),
        rows=tuple(cells for cells, _ in rows),
        footnotes=(f"{_HOW}{which}; {DASH}: none",),
        counts=tuple(counts for _, counts in rows),
    )


def _column(label: str) -> str:
    text = format_label(label)
    return text[:1].upper() + text[1:] if text in {"all", "evaluable", NOT_EVALUABLE} else text


def _rows(c: Characteristic, n_columns: int) -> list[_Row]:
    unit = f", {_UNITS.get(c.variable.unit, c.variable.unit)}" if c.variable.unit else ""
    name = f"{c.variable.title}{unit}"
    nothing = (None,) * (n_columns + 2)
    if c.not_described is not None:
        return [((f"{name}: {c.not_described}", *([DASH] * (n_columns + 1))), nothing)]
    numbers = [s for s in c.columns if isinstance(s, NumericSummary)]
    codes = [s for s in c.columns if isinstance(s, CodedSummary)]
    rows: list[_Row] = []
    if numbers:
        digits = _digits(numbers[0])
        rows.append(((name, *(_quartiles(s, digits) for s in numbers), ""), nothing))
    for place in range(len(codes[0].levels) if codes else 0):
        shown = [s.levels[place] for s in codes]
        cells = (f"{level.n} ({format_number(level.percent, 1)})" for level in shown)
        rows.append(
            ((f"{name}: {format_label(shown[0].level)}", *cells, ""), (None, *(x.n for x in shown), None))
        )
    missing = [s.n_missing for s in c.columns]
    if any(missing) or not rows:
        rows.append(((f"{name}: missing", *map(str, missing), ""), (None, *missing, None)))
    first, counts = rows[0]
    return [((*first[:-1], format_number(c.difference.value)), counts), *rows[1:]]


def _digits(summary: NumericSummary) -> int:
    """Decimals that tell the quartiles apart."""
    if summary.q1 is None or summary.q3 is None:
        return 1
    spread = summary.q3 - summary.q1
    return 0 if spread >= 50 else 1 if spread >= 2 else 2 if spread >= 0.1 else 3


def _quartiles(summary: NumericSummary, digits: int) -> str:
    if summary.median is None:
        return DASH
    low, high = format_number(summary.q1, digits), format_number(summary.q3, digits)
    return f"{format_number(summary.median, digits)} [{low}{' to ' if '−' in low + high else '–'}{high}]"


def _outcomes(result: TableOne, caption: str) -> Table:
    rows = [
        (_outcome_row(o), (None, *(x for c in o.columns for x in (c.n, c.n_events, None)), None))
        for o in result.outcomes
    ]
    labels = [_column(c.label) for c in result.outcomes[0].columns] if result.outcomes else []
    ends = ["n.r.: not reached"] if any("n.r." in cell for cells, _ in rows for cell in cells) else []
    reasons = dict.fromkeys(o.logrank.not_estimable for o in result.outcomes if o.logrank.not_estimable)
    return Table(
        caption=caption,
        header=(
            "Endpoint",
            *(f"{label}: {what}" for label in labels for what in ("n", "events", "median, months (95 % CI)")),
            "Log-rank p (descriptive)",
        ),
        rows=tuple(cells for cells, _ in rows),
        footnotes=(
            "; ".join(("Medians by Kaplan–Meier", *ends)),
            *(f"no log-rank test: {reason}" for reason in reasons),
        ),
        counts=tuple(counts for _, counts in rows),
    )


def _outcome_row(o: OutcomeByEvaluability) -> tuple[str, ...]:
    cells = [cell for column in o.columns for cell in _outcome_cells(column)]
    return (o.title, *cells, format_p(o.logrank.p_value))


def _outcome_cells(column: OutcomeColumn) -> tuple[str, str, str]:
    return str(column.n), str(column.n_events), _median(column.median)


def _median(median: Estimate) -> str:
    if median.value is None and median.ci_lower is None:
        return "not reached" if median.not_estimable == "not reached" else DASH
    return format_interval(median, 1)
