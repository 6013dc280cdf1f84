"""Results as pages, figures and tables. Nothing here computes a statistic."""

from igfstrat.report.bundle import (
    DEFAULT_FORMATS,
    FORMATS,
    check_formats,
    page_html,
    write_bundle,
    write_document,
)
from igfstrat.report.survival_section import survival_document

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "check_formats",
    "page_html",
    "survival_document",
    "write_bundle",
    "write_document",
]
