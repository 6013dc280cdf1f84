"""Tumour analytes beside IGF-1R: what each is, what is reported about it, and its status.

A status of these analytes has no cut of its own: no study gives one that others use, so a plan has to say where high
begins. Protein and mRNA are different analytes, each with its own column, status and evidence. The transformer is
`igfstrat.features.igf1r.ExpressionStatus`.
"""

from __future__ import annotations

from typing import Final

from igfstrat.features.spec import FeatureSpec
from igfstrat.features.status import HIGH, INDETERMINATE, LOW
from igfstrat.schema import COLUMNS

_PROTEIN, _MRNA = "tumour_protein", "tumour_mrna"

# column, biomarker of the registry, compartment in which it is looked up, evidence. The schema marks mRNA in the name;
# a column without the mark is taken as protein, except IR-A, which is told from IR-B by its transcript (E-e-15c).
_ANALYTES: Final = (
    ("igf1_mrna", "igf1", _MRNA, ("S1-27", "S1-28", "E-e-11")),
    ("igf2_mrna", "igf2", _MRNA, ("S2-36", "S2-37b")),
    ("igf2r", "igf2r", _PROTEIN, ("S1-72",)),
    ("insr", "insr", _PROTEIN, ()),
    ("insr_a", "insr_a", _MRNA, ("S1-71", "E-e-15c")),
    ("irs1", "irs1", _PROTEIN, ("S1-91", "E-b-24", "E-d-43", "E-d-43b", "E-d-43c", "E-d-45", "S2-36b")),
    ("irs2", "irs2", _PROTEIN, ("E-d-44", "S2-35", "S2-36c")),
    ("igfbp2_tumour", "igfbp2", _PROTEIN, ("S1-42", "S1-49")),
    ("igfbp3_tumour", "igfbp3", _PROTEIN, ("S1-40b", "S1-41", "S2-37c")),
    ("igfbp4_tumour", "igfbp4", _PROTEIN, ("S1-51", "E-d-41")),
    ("igfbp5_tumour", "igfbp5", _PROTEIN, ("S1-43", "S1-50", "S2-35b")),
    ("igfbp2_mrna", "igfbp2", _MRNA, ()),
    ("igfbp3_mrna", "igfbp3", _MRNA, ()),
    ("igfbp4_mrna", "igfbp4", _MRNA, ("E-d-39", "E-d-39b")),
    ("igfbp5_mrna", "igfbp5", _MRNA, ("E-d-39c", "E-d-40")),
)

# statuses that need a rule of the plan
TUMOUR_SPECS: Final[dict[str, FeatureSpec]] = {
    f"{column}_status": FeatureSpec(
        name=f"{column}_status",
        title=f"{COLUMNS[column].title} status",
        inputs={column: "1"},
        any_of={},
        unit="code",
        words=(HIGH, LOW, INDETERMINATE),
        evidence=evidence,
    )
    for column, _, _, evidence in _ANALYTES
}
TUMOUR_COMPARTMENTS: Final[dict[str, str]] = {column: compartment for column, _, compartment, _ in _ANALYTES}
_BIOMARKERS: Final = {column: biomarker for column, biomarker, _, _ in _ANALYTES}


def tumour_biomarker(name: str) -> tuple[str, str] | None:
    """Under which biomarker and compartment the evidence on a status stands.

    Parameters
    ----------
    name : str
        A feature, such as ``irs1_status``.

    Returns
    -------
    tuple of str, or None
        Biomarker and compartment of the registry; None for what is no status of this module.

    Examples
    --------
    >>> tumour_biomarker("igfbp5_mrna_status"), tumour_biomarker("igf1_status")
    (('igfbp5', 'tumour_mrna'), None)
    """
    if name not in TUMOUR_SPECS:
        return None
    column = name.removesuffix("_status")
    return _BIOMARKERS[column], TUMOUR_COMPARTMENTS[column]
