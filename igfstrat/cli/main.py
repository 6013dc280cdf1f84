"""The program `igfstrat`: its verbs and what they share."""

from __future__ import annotations

from typing import Annotated

import typer

from igfstrat._version import __version__
from igfstrat.cli.check import check
from igfstrat.cli.cutpoint import cutpoint
from igfstrat.cli.demo import demo
from igfstrat.cli.evidence import evidence
from igfstrat.cli.fit import fit
from igfstrat.cli.report import report
from igfstrat.cli.score import score
from igfstrat.cli.search import search
from igfstrat.cli.simulate import simulate
from igfstrat.cli.synthesize import synthesize
from igfstrat.cli.validate import validate

app = typer.Typer(
    help="Stratify cancer patients by the insulin-like growth factor axis. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_VERBS = (
    (demo, "Everything below on a synthetic cohort, in a minute."),
    (synthesize, "A synthetic cohort (csv or xlsx by suffix)."),
    (check, "What would be read, how, and every problem; --write-map drafts a cohort map."),
    (score, "Features, status, strata and flags for every row."),
    (fit, "A risk model from a cohort: its file, its card, and whether IGF markers add anything."),
    (validate, "A stored risk model judged on other patients."),
    (report, "Kaplan–Meier report: curves, tests and hazard ratios by group."),
    (
        cutpoint,
        "A data-driven cut of a marker: corrected p, stability, optimism, and the effect without a cut.",
    ),
    (simulate, "Trial designs of a scenario side by side: power, errors, patients, time and cost."),
    (search, "The design that has a power at the least cost; the frontier of cost, power and time."),
    (evidence, "What was reported about a biomarker, with sources, and where they disagree."),
)
for _verb, _help in _VERBS:
    app.command(name=_verb.__name__, help=_help)(_verb)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"igfstrat {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Options before the verb."""


def main() -> None:
    """Run the program and end with its exit code."""
    app()
