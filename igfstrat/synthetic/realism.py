"""What happens to a clean cohort on its way into a table: loss, limits, laboratories, drift, cores, repeats.

A row keeps its fate however many rows follow it, because the disturbances are applied block by
block, each with a random stream of its own. Typing errors and the layout of spreadsheets are in `messy`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from igfstrat.errors import ConfigError
from igfstrat.schema import COLUMNS
from igfstrat.synthetic import _disturb
from igfstrat.synthetic.realism_settings import RealismSettings


def add_realism(table: pd.DataFrame, settings: RealismSettings, rng: np.random.Generator) -> pd.DataFrame:
    """Disturb a clean cohort as its configuration asks.

    In this order: laboratories, drift, cores, loss, limits, repeated patients. Loss that depends on a value depends
    on the value as measured, before its limit is written in its place.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Convention headers, numbers in canonical units; not changed.
    settings : RealismSettings
        What is disturbed, and how far.
    rng : Generator
        Its children drive the steps, so that switching one off leaves the others as they are.

    Returns
    -------
    DataFrame, one row a patient
        The same rows. A repeated patient stands in the place of another, so their number stays.

    Raises
    ------
    ConfigError
        If a column that a setting needs is not there.

    Examples
    --------
    >>> from igfstrat.synthetic.realism_settings import MissingRule
    >>> table = pd.DataFrame({"age_years": [50.0] * 4, "igf1r_ihc": [0, 1, 2, 3]})
    >>> lost = RealismSettings(missing=(MissingRule(columns=("igf1r_ihc",), percent=100),))
    >>> add_realism(table, lost, np.random.default_rng(1))["igf1r_ihc"].tolist()
    [None, None, None, None]
    """
    _check_columns(table, settings)
    streams = rng.spawn(5)
    columns = {str(header): table[header].to_numpy() for header in table}
    assay = _disturb.assign_labs(columns, settings.labs, streams[0])
    for drift in settings.drift:
        _disturb.add_drift(columns, drift)
    if settings.cores:
        _disturb.take_cores(columns, settings.cores, streams[1])
    lost = _disturb.draw_lost(columns, settings.missing, streams[2])
    for limit in settings.limits:
        _disturb.report_limits(columns, limit, assay)
    _disturb.drop_lost(columns, lost)
    disturbed = pd.DataFrame(columns, index=table.index)
    return _disturb.repeat_patients(disturbed, settings.duplicate_percent, streams[3])


def _check_columns(table: pd.DataFrame, settings: RealismSettings) -> None:
    needed = {header for rule in settings.missing for header in (*rule.columns, rule.on) if header}
    shifted = {analyte for lab in settings.labs for analyte in lab.sd_offset}
    shifted |= {drift.analyte for drift in settings.drift}
    needed |= {COLUMNS[analyte].header for analyte in shifted} | settings.text_headers
    needed |= {"age_years", "sex"} if shifted else set()
    needed |= {drift.date for drift in settings.drift}
    needed |= {"igf1r_h_score"} if settings.cores else set()
    # the laboratories and the cores bring columns of their own
    made = {"site", "igf1_assay"} if settings.labs and settings.labs[0].percent is not None else set()
    made |= {f"igf1r_h_score_{i + 1}" for i in range(settings.cores.n)} if settings.cores else set()
    needed |= {"site"} if settings.labs and "site" not in made else set()
    absent = sorted(needed - made - {str(header) for header in table})
    if absent:
        message = f"realism: the cohort has no {', '.join(absent)}; take the settings that name it out"
        raise ConfigError(message)
