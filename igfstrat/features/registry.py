"""Every feature there is, by name."""

from __future__ import annotations

from typing import Final

from igfstrat.features.cores import CORE_SPECS
from igfstrat.features.germline import GERMLINE_SPECS
from igfstrat.features.igf1 import IGF1_SDS, IGF1_STATUS
from igfstrat.features.igf1r import IGF1R_MRNA_STATUS, IGF1R_PHOSPHO_STATUS, IGF1R_STATUS
from igfstrat.features.igfbp3 import IGFBP3_SDS
from igfstrat.features.molar_ratio import MOLAR_RATIO
from igfstrat.features.receptors import RECEPTOR_SPECS
from igfstrat.features.spec import FeatureSpec
from igfstrat.features.staining import STAINING_SPECS
from igfstrat.features.subtype import SUBTYPE

REGISTRY: Final[dict[str, FeatureSpec]] = {
    "igf1_sds": IGF1_SDS,
    "igf1_status": IGF1_STATUS,
    "igfbp3_sds": IGFBP3_SDS,
    "igf1_igfbp3_molar_ratio": MOLAR_RATIO,
    **{spec.name: spec for spec in (*STAINING_SPECS, *CORE_SPECS)},
    "igf1r_status": IGF1R_STATUS,
    "igf1r_phospho_status": IGF1R_PHOSPHO_STATUS,
    "igf1r_mrna_status": IGF1R_MRNA_STATUS,
    "subtype": SUBTYPE,
    **RECEPTOR_SPECS,
    **GERMLINE_SPECS,
}
