"""References that a plan declares, and the packaged ones: table, assay, matrix, mass of IGFBP3.

A plan's section `references` names a table in the plan's own folder and states what the table can't
say. Nothing is assumed: without assay and matrix there is no reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from igfstrat.config import StrictModel
from igfstrat.errors import ConfigError, safe_text
from igfstrat.features.reference_table import RATIO, Reference, ReferenceCurve, parse_reference_table
from igfstrat.schema import COLUMNS

_MAX_BYTES: Final = 1_000_000


class ReferenceSettings(StrictModel):
    """One entry of a plan's section `references`: the file, and what the file can't say."""

    file: str
    assay: str
    matrix: str
    ratio_igfbp3_kda: float | None = Field(default=None, gt=0)

    @field_validator("assay")
    @classmethod
    def _known_assay(cls, assay: str) -> str:
        return _known(assay, "igf1_assay", "an assay")

    @field_validator("matrix")
    @classmethod
    def _known_matrix(cls, matrix: str) -> str:
        return _known(matrix, "igf1_matrix", "a matrix")


def _known(word: str, column: str, what: str) -> str:
    codes = COLUMNS[column].codes
    if word not in codes:
        message = f"{word!r} is not {what}; there are {', '.join(codes)}"
        raise ValueError(message)
    return word


# The tables of Bidlingmaier 2014 (E-a-01) and Friedrich 2014 (E-a-02), both in serum. The medians of the ratio are
# those of the two analytes at an IGFBP3 mass of about 28.5 kDa (E-u-02), which isn't stated in the table itself.
PACKAGED: Final[dict[str, ReferenceSettings]] = {
    "ids_isys_2014": ReferenceSettings(
        file="reference_ids_isys_2014.csv", assay="ids_isys", matrix="serum", ratio_igfbp3_kda=28.5
    )
}


def make_references(settings: Mapping[str, ReferenceSettings], folder: Path) -> dict[str, Reference]:
    """The user's references of a plan.

    Parameters
    ----------
    settings : mapping of str to ReferenceSettings
        The section `references`.
    folder : Path
        Folder of the plan; files lie in it or below it.

    Returns
    -------
    dict of str to Reference
        By name.

    Raises
    ------
    ConfigError
        If a name is that of a packaged reference, or a file isn't there, isn't text, or lies elsewhere.
    CohortError
        If a table has faults: all of one file at once.
    """
    taken = [name for name in settings if name in PACKAGED]
    if taken:
        message = f"references: {taken[0]} is a packaged reference; choose another name"
        raise ConfigError(message)
    return {name: read_reference(name, entry, folder) for name, entry in settings.items()}


def read_reference(name: str, settings: ReferenceSettings, folder: Path) -> Reference:
    """A user's reference.

    Parameters
    ----------
    name : str
        Its name.
    settings : ReferenceSettings
        Its file, assay and matrix.
    folder : Path
        Folder against which the file's path resolves, and below which it stays.

    Returns
    -------
    Reference
        With M in ng/mL, or in percent for the molar ratio, whatever the unit of the table.

    Raises
    ------
    ConfigError
        If the file isn't there, isn't text, or lies elsewhere; if a molar ratio comes without its mass.
    CohortError
        If the table has faults: all at once.
    """
    path = resolve_below(folder, settings.file)
    curves = parse_reference_table(_read_text(path), source=f"reference table {safe_text(path.name)}")
    return make_reference(name, settings, curves)


def make_reference(
    name: str, settings: ReferenceSettings, curves: Mapping[tuple[str, str], ReferenceCurve]
) -> Reference:
    """A reference from its curves and what was stated about them.

    Parameters
    ----------
    name : str
        Its name.
    settings : ReferenceSettings
        Its assay, matrix and mass.
    curves : mapping of tuple to ReferenceCurve
        By analyte and sex.

    Returns
    -------
    Reference
        The reference.

    Raises
    ------
    ConfigError
        If it has a molar ratio but no mass of IGFBP3: another mass shifts its score (30.5 instead of 28.5 kDa by
        0.23).
    """
    reference = Reference(
        name=name,
        assay=settings.assay,
        matrix=settings.matrix,
        curves=dict(curves),
        ratio_igfbp3_kda=settings.ratio_igfbp3_kda,
    )
    if RATIO in reference.analytes and reference.ratio_igfbp3_kda is None:
        message = f"references.{safe_text(name)}: the table has {RATIO}; add ratio_igfbp3_kda, the mass of IGFBP3 that it was computed with"
        raise ConfigError(message)
    return reference


def resolve_below(folder: Path, name: str) -> Path:
    """The file that a configuration names.

    Parameters
    ----------
    folder : Path
        The configuration's own folder.
    name : str
        Path as written.

    Returns
    -------
    Path
        An existing regular file in the folder or below it.

    Raises
    ------
    ConfigError
        If it lies elsewhere, by a link too, or isn't a regular file.
    """
    try:
        home = folder.resolve()
        path = (home / name).resolve()
        inside, there = path.is_relative_to(home), path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
        inside, there = True, False
    if not inside:
        message = f"{safe_text(name)} lies outside the folder of the configuration; put it there, or below"
        raise ConfigError(message)
    if not there:
        message = f"{safe_text(name)} is not in the folder of the configuration, or is not a regular file"
        raise ConfigError(message)
    return path


def _read_text(path: Path) -> str:
    name = safe_text(path.name)
    try:
        with path.open("rb") as handle:
            raw = handle.read(_MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot read {name}: {error.strerror}"
        raise ConfigError(message) from error
    if len(raw) > _MAX_BYTES:
        message = f"{name}: too large; a reference table has at most {_MAX_BYTES:,} bytes"
        raise ConfigError(message)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name}: not UTF-8 at byte {error.start}; save it as CSV in UTF-8"
        raise ConfigError(message) from error
