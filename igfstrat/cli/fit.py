"""`igfstrat fit`: a risk model from a cohort, with its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from igfstrat.cli.common import (
    CohortArgument,
    DebugOption,
    EncodingOption,
    ForceOption,
    HeaderRowOption,
    LimitsOption,
    MapOption,
    PlanOption,
    SeedOption,
    SheetOption,
    StrictOption,
    command_line,
    counted,
    read,
    refuse,
    run,
    say,
    show_problems,
)
from igfstrat.cli.progress import stages
from igfstrat.errors import ExitCode, Severity

if TYPE_CHECKING:
    from igfstrat.workflows.fit_model import FittedModel

JobsOption = Annotated[
    int,
    typer.Option("--n-jobs", help="Processes, -1 for one a processor; the result doesn't depend on it."),
]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", help="Address of a dask scheduler, whose workers are used.")
]
ReplicatesOption = Annotated[
    int, typer.Option("--replicates", min=2, help="Bootstrap samples; 200 or more for a report.")
]


@run
def fit(
    cohort: CohortArgument,
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="dfs, pfs, os … ; one.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="The model: a .json file.", show_default=False)],
    map: MapOption = None,  # noqa: A002
    plan: PlanOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    limits: LimitsOption = None,
    replicates: ReplicatesOption = 200,
    seed: SeedOption = 20261120,
    n_jobs: JobsOption = -1,
    cluster: ClusterOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
    debug: DebugOption = False,
) -> int:  # fmt: skip
    """Fit the risk model of a plan, and say how good it is and whether the IGF markers add anything.

    Parameters
    ----------
    cohort, endpoint, out, map, plan, sheet, header_row, encoding, limits : as on the command line
        The help of each option says what it does.
    replicates, seed, n_jobs, cluster, force, strict, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.files import check_output_file
    from igfstrat.workflows.fit_model import check_model_path, fit_model, write_model

    del debug
    check_jobs(n_jobs)
    check_model_path(out)
    check_output_file(out, force=force, inputs=[cohort])
    table = read(cohort, map=map, sheet=sheet, header_row=header_row, encoding=encoding, limits=limits)
    with stages() as (tell, progress):
        fitted = fit_model(
            table,
            endpoint=endpoint,
            plan=plan,
            n_replicates=replicates,
            seed=seed,
            n_jobs=n_jobs,
            cluster=cluster,
            say=tell,
            progress=progress,
        )
    if strict and fitted.is_flagged:
        show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
        refuse("--strict: rows are flagged or left out, so no model was written")
    written = write_model(fitted, out, command=command_line())
    _show(fitted)
    show_problems([*table.problems, *fitted.sample.notices], wanted=Severity.NOTICE, title="To know:")
    show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
    say(f"Wrote {written[0]}, {', '.join(path.name for path in written[1:])}.   Research use only.")
    return ExitCode.FLAGGED if fitted.is_flagged else ExitCode.OK


def check_jobs(n_jobs: int) -> None:
    """Refuse a number of workers that is none.

    Parameters
    ----------
    n_jobs : int
        As on the command line.

    Raises
    ------
    UsageError
        If it is 0.
    """
    if n_jobs == 0:
        refuse("--n-jobs 0: write a number of workers, or -1 for one a processor")


def _show(fitted: FittedModel) -> None:
    from igfstrat.report.model_wording import added_sentence, baseline_sentences, figure_text, size_sentence

    card, n = fitted.stored.card, len(fitted.sample.outcome)
    say(f"{fitted.cohort.n_rows} rows read · {n} with an outcome · {fitted.sample.n_events} events")
    if fitted.sample.left_out:
        say(f"  left out     {counted(fitted.sample.left_out)}")
    if fitted.n_incomplete:
        say(f"  left out     a predictor missing {fitted.n_incomplete} (the plan declares no imputation)")
    say(f"  plan         {fitted.chosen.origin}")
    say(f"  model        {card.name}")
    kinds = {"apparent": "apparent", "optimism_corrected": "corrected", "cross_validated": "5-fold"}
    last = f"{card.horizons[-1]:g}"
    for kind, title in kinds.items():
        if kind in card.metrics:
            found = card.metrics[kind]
            say(
                f"  {title:<12} C {figure_text(found['c_harrell'])} · IPA at {last} months {figure_text(found[f'ipa@{last}'])}"
                f" · slope {figure_text(found[f'calibration_slope@{last}'], 2)}"
            )
    if fitted.cross_validated is None:
        say("  Note: not cross-validated: too few events, or a fold gave no model")
    said = added_sentence(card.metrics.get("added_value", {}))
    say(f"  {said or 'What IGF markers add was not tested: there is none beside other predictors.'}")
    for sentence in baseline_sentences(card.metrics):
        say(f"  {sentence}")
    if fitted.beyond:
        say(
            f"  Note: horizons that these patients can't show: {', '.join(f'{t:g}' for t in fitted.beyond)} months"
        )
    if fitted.size is not None:
        model = fitted.stored.pipeline.steps[-1][1]
        sentence = size_sentence(card.metrics["sample_size"], model.n_patients_, model.n_events_)
        warning = "Warning: too few patients for this many parameters. " if fitted.too_small else ""
        say(f"  {warning}{sentence}")
