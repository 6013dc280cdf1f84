"""Every feature there is, by name."""

from __future__ import annotations

from typing import Final

from igfstrat.features.cores import CORE_SPECS
from igfstrat.features.driver import DRIVER_SPECS
from igfstrat.features.exposure import EXPOSURE_SPECS
from igfstrat.features.germline import GERMLINE_SPECS
from igfstrat.features.histology import HISTOLOGY_SPECS
from igfstrat.features.host import HOST_SPECS
from igfstrat.features.igf1 import IGF1_SDS, IGF1_STATUS
from igfstrat.features.igf1r import STATUS_SPECS
from igfstrat.features.igfbp3 import IGFBP3_SDS
from igfstrat.features.igfbp_ratio import IGFBP5_IGFBP4_RATIO
from igfstrat.features.interaction import INTERACTION_SPECS
from igfstrat.features.metastasis import METASTASIS_SPECS
from igfstrat.features.molar_ratio import MOLAR_RATIO, MOLAR_RATIO_SDS
from igfstrat.features.pdl1 import PDL1_CLASS
from igfstrat.features.receptors import RECEPTOR_SPECS
from igfstrat.features.serum import SERUM_SPECS, SERUM_STATUS_SPECS
from igfstrat.features.spec import FeatureSpec
from igfstrat.features.spline import SPLINE_SPECS
from igfstrat.features.staining import STAINING_SPECS
from igfstrat.features.subtype import SUBTYPE

REGISTRY: Final[dict[str, FeatureSpec]] = {
    "igf1_sds": IGF1_SDS,
    **SPLINE_SPECS,
    "igf1_status": IGF1_STATUS,
    "igfbp3_sds": IGFBP3_SDS,
    "igf1_igfbp3_molar_ratio": MOLAR_RATIO,
    "igf1_igfbp3_molar_ratio_sds": MOLAR_RATIO_SDS,
    **SERUM_SPECS,
    **SERUM_STATUS_SPECS,
    **{spec.name: spec for spec in (*STAINING_SPECS, *CORE_SPECS)},
    **STATUS_SPECS,
    "igfbp5_igfbp4_ratio_log2": IGFBP5_IGFBP4_RATIO,
    "pdl1_class": PDL1_CLASS,
    "subtype": SUBTYPE,
    **RECEPTOR_SPECS,
    **HISTOLOGY_SPECS,
    **DRIVER_SPECS,
    **METASTASIS_SPECS,
    **HOST_SPECS,
    **EXPOSURE_SPECS,
    **GERMLINE_SPECS,
    **INTERACTION_SPECS,
}
