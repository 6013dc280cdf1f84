"""Results as pages, figures and tables. Nothing here computes a statistic."""

from igfstrat.report.bundle import FORMATS, page_html, write_bundle

__all__ = ["FORMATS", "page_html", "write_bundle"]
