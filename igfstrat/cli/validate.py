"""`igfstrat validate`: a stored risk model judged on other patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from igfstrat.cli.common import (
    CohortArgument,
    DebugOption,
    EncodingOption,
    ForceOption,
    HeaderRowOption,
    LimitsOption,
    MapOption,
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
from igfstrat.cli.fit import ClusterOption, JobsOption, ReplicatesOption, check_jobs
from igfstrat.cli.progress import stages
from igfstrat.errors import ExitCode, Severity


@run
def validate(
    cohort: CohortArgument,
    model: Annotated[Path, typer.Option("--model", help="Model file of igfstrat fit.", show_default=False)],
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="dfs, pfs, os … ; one.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.", show_default=False)],
    formats: Annotated[
        str, typer.Option("--formats", help="Of html, pdf, docx, xlsx, svg, png; report.json always comes.")
    ] = "html,xlsx,svg,png",
    map: MapOption = None,  # noqa: A002
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
    """Judge a stored model on other patients: discrimination, calibration, net benefit.

    Parameters
    ----------
    cohort, model, endpoint, out, formats, map, sheet, header_row, encoding, limits : as on the command line
        The help of each option says what it does. Features are computed by the model's own plan.
    replicates, seed, n_jobs, cluster, force, strict, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.files import check_output_folder
    from igfstrat.models import load_model
    from igfstrat.report import check_formats
    from igfstrat.report.validation_section import validation_sentences
    from igfstrat.workflows.validate_model import validate_model, write_validation

    del debug
    wanted = [name.strip() for name in formats.split(",") if name.strip()]
    check_jobs(n_jobs)
    check_formats(wanted)
    check_output_folder(out, force=force)
    stored = load_model(model)
    table = read(cohort, map=map, sheet=sheet, header_row=header_row, encoding=encoding, limits=limits)
    with stages() as (tell, progress):
        report = validate_model(
            table, model=stored, endpoint=endpoint, n_replicates=replicates, seed=seed, n_jobs=n_jobs, cluster=cluster,
            say=tell, progress=progress,
        )  # fmt: skip
    if strict and report.is_flagged:
        show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
        refuse("--strict: rows are flagged or left out, so no report was written")
    written = write_validation(report, out, formats=wanted, command=command_line(), model_file=model)
    found = report.found
    say(
        f"{table.n_rows} rows read · {found.n_patients} with an outcome, {found.n_events} events · "
        f"{found.n_not_scored} without a prediction · model {stored.card.name}"
    )
    if report.sample.left_out:
        say(f"  left out     {counted(report.sample.left_out)}")
    for sentence in (*validation_sentences(found), *report.cautions):
        say(f"  {sentence}")
    show_problems([*table.problems, *report.sample.notices], wanted=Severity.NOTICE, title="To know:")
    show_problems(table.problems, wanted=Severity.FLAG, title="Flagged:")
    say(f"Open {written[0]}   ({len(written)} files in {out})   Research use only.")
    return ExitCode.FLAGGED if report.is_flagged else ExitCode.OK
