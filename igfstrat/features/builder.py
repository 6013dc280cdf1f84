"""From a plan to fitted transformers, and from a table to all its features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.cores import CORE_SPECS, CoreFeatures
from igfstrat.features.driver import DRIVER_SPECS, DriverFeatures
from igfstrat.features.exposure import EXPOSURE_SPECS, ExposureFeatures
from igfstrat.features.germline import GERMLINE_SPECS, GermlineFeatures
from igfstrat.features.histology import HISTOLOGY_SPECS, HistologyFeatures
from igfstrat.features.host import HOST_SPECS, HostFeatures
from igfstrat.features.igf1 import Igf1Features
from igfstrat.features.igf1r import STATUS_SPECS, ExpressionStatus
from igfstrat.features.igfbp3 import Igfbp3Features
from igfstrat.features.igfbp_ratio import IGFBP5_IGFBP4_RATIO, IgfbpRatioFeatures
from igfstrat.features.interaction import PARTS, cross_words
from igfstrat.features.metastasis import METASTASIS_SPECS, MetastasisFeatures
from igfstrat.features.molar_ratio import MolarRatioFeatures
from igfstrat.features.pdl1 import Pdl1Features
from igfstrat.features.plan import FeaturePlan
from igfstrat.features.receptors import RECEPTOR_SPECS, ReceptorFeatures
from igfstrat.features.reference_range import DEFAULT_REFERENCE, find_reference
from igfstrat.features.reference_table import RATIO, Reference
from igfstrat.features.registry import REGISTRY
from igfstrat.features.requirements import inputs_of, possible_features, rule_of
from igfstrat.features.serum import SERUM_ANALYTES, SERUM_SPECS, SERUM_STATUS_SPECS, SerumFeatures
from igfstrat.features.spec import RowFlags
from igfstrat.features.spline import SPLINE_SPECS, Igf1SplineFeatures
from igfstrat.features.staining import STAINING_SPECS, StainingFeatures
from igfstrat.features.subtype import SubtypeFeatures
from igfstrat.schema import COLUMNS

# the features that a transformer gives, and the transformer
Made = tuple[set[str], FeatureTransformer]


class FeatureBuilder(FeatureTransformer):
    """All features of a plan as one transformer.

    Parameters
    ----------
    plan : FeaturePlan or None
        What is computed; None for every feature whose inputs are there.
    only : tuple of str or None
        Restrict to these features.
    references : mapping of str to Reference, or None
        The reference tables of the plan's own section, read.

    Attributes
    ----------
    transformers_ : list of FeatureTransformer
        The fitted transformers, one an analyte.
    """

    def __init__(
        self,
        plan: FeaturePlan | None = None,
        only: tuple[str, ...] | None = None,
        references: Mapping[str, Reference] | None = None,
    ) -> None:
        self.plan = plan
        self.only = only
        self.references = references

    def _required(self) -> list[str]:
        return [name for t in getattr(self, "transformers_", []) for name in t.required_columns()]

    def _names(self) -> list[str]:
        return [name for name in REGISTRY if name in self.names_]

    def _describe(self) -> dict[str, str]:
        said = {key: text for t in self.transformers_ for key, text in t.describe().items()}
        said |= {name: f"{' and '.join(PARTS[name])}, crossed" for name in self.names_ if name in PARTS}
        return {name: said[name] for name in self.feature_names() if name in said}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        flags = [flag for t in self.transformers_ for flag in t.flag_rows(X)]
        # a status that is derived from percentages has the doubts of the scores beside it
        return list({(f.code, f.column, f.remedy, f.rows.tobytes()): f for f in flags}.values())

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        plan = self.plan if self.plan is not None else FeaturePlan()
        wanted = self.only if self.only is not None else plan.features
        if isinstance(wanted, str):
            # spline terms only mean something in a model: they are computed where they are asked for
            wanted = tuple(n for n in possible_features(plan, X.columns) if n not in SPLINE_SPECS)
        problems = [
            Problem(
                code="header", severity=Severity.ERROR, column=" or ".join(COLUMNS[c].header for c in group),
                remedy=f"column missing: {name} needs it",
            )
            for name in wanted
            for group in inputs_of(plan, name)
            if not any(COLUMNS[c].header in X for c in group)
        ]  # fmt: skip
        if problems:
            headline = "the table for the feature pipeline"
            raise CohortError(headline, problems, "No feature was computed.")
        self.names_ = set(wanted)
        with_parts = self.names_ | {part for name in self.names_ for part in PARTS.get(name, ())}
        made = _Maker(plan, with_parts, self.references or {}).make()
        self.transformers_ = [transformer.fit(X) for transformer in made]

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        computed = {name: values for t in self.transformers_ for name, values in t._compute(X).items()}
        for name in self.names_ & set(PARTS):
            computed[name] = cross_words(*(computed[part] for part in PARTS[name]))
        return {name: computed[name] for name in self.feature_names()}


class _Maker:
    """Transformers of the wanted features, with the parameters of a plan."""

    def __init__(self, plan: FeaturePlan, wanted: set[str], references: Mapping[str, Reference]) -> None:
        self.plan, self.wanted, self.references = plan, wanted, references

    def make(self) -> list[FeatureTransformer]:
        plan = self.plan
        made: list[Made] = [
            *self._serum(),
            ({spec.name for spec in STAINING_SPECS}, StainingFeatures(plan.staining.intensity)),
            ({spec.name for spec in CORE_SPECS}, CoreFeatures(plan.cores.aggregate)),
            *(({name}, self._status(name)) for name in STATUS_SPECS if name in self.wanted),
            ({IGFBP5_IGFBP4_RATIO.name}, IgfbpRatioFeatures(plan.igfbp_ratio.scale)),
            ({"pdl1_class"}, Pdl1Features()),
            (set(RECEPTOR_SPECS), ReceptorFeatures()),
            ({"subtype"}, SubtypeFeatures(plan.subtype.rule, plan.subtype.ki67_high_at)),
            (set(HISTOLOGY_SPECS), HistologyFeatures()),
            (set(DRIVER_SPECS), DriverFeatures()),
            (set(METASTASIS_SPECS), MetastasisFeatures()),
            (set(HOST_SPECS), HostFeatures()),
            (set(EXPOSURE_SPECS), ExposureFeatures()),
            (set(GERMLINE_SPECS), GermlineFeatures(**plan.germline.model_dump())),
        ]
        return [transformer for names, transformer in made if names & self.wanted]

    def _serum(self) -> list[Made]:
        ratio = self._reference(RATIO) if "igf1_igfbp3_molar_ratio_sds" in self.wanted else None
        return [
            ({"igf1_sds", "igf1_status"}, self._igf1()),
            (set(SPLINE_SPECS), Igf1SplineFeatures(self._reference("igf1"))),
            ({"igfbp3_sds"}, Igfbp3Features(self._reference("igfbp3"))),
            ({RATIO, "igf1_igfbp3_molar_ratio_sds"}, MolarRatioFeatures(self.plan.igfbp3_kda, ratio)),
            *(
                ({value, status}, self._other_serum(analyte, status))
                for analyte, value, status in zip(
                    SERUM_ANALYTES, SERUM_SPECS, SERUM_STATUS_SPECS, strict=True
                )
            ),
        ]

    def _igf1(self) -> Igf1Features:
        rule, has_status = rule_of(self.plan, "igf1_status"), "igf1_status" in self.wanted
        reference = self._reference("igf1")
        sds = "igf1_sds" in self.wanted or not has_status
        if not has_status:
            return Igf1Features(reference, assume_assay=rule.assume_assay, sds=sds)
        of = rule.measures[0] if rule.measures else None
        return Igf1Features(
            reference, rule.sds_above, rule.assume_assay, rule.at_least, rule.quantile, of, rule.band, sds
        )

    def _other_serum(self, analyte: str, status: str) -> SerumFeatures:
        rule = self.plan.status.get(status) if status in self.wanted else None
        return (
            SerumFeatures(analyte, rule.at_least, rule.quantile, rule.band)
            if rule
            else SerumFeatures(analyte)
        )

    def _reference(self, analyte: str) -> str | Reference:
        """The plan's reference, else the packaged one where it has no such analyte; `describe` names it."""
        name = rule_of(self.plan, "igf1_status").reference
        reference = self.references.get(name, name)
        return reference if analyte in find_reference(reference).analytes else DEFAULT_REFERENCE

    def _status(self, name: str) -> ExpressionStatus:
        rule = rule_of(self.plan, name)
        return ExpressionStatus(
            name, rule.rule, rule.quantile, rule.at_least, rule.of, rule.indeterminate, rule.repeatability_sd,
            rule.compartment, self.plan.cores.aggregate, self.plan.staining.intensity,
        )  # fmt: skip
