"""One report as files: a self-contained page, figures, and `report.json` with every number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from igfstrat.analysis import EndpointResult, SurvivalReport
from igfstrat.files import write_bytes, write_json
from igfstrat.report.figures import figure_png, figure_svg, survival_figure
from igfstrat.report.sentences import evidence_sentences, methods, summary
from igfstrat.report.tables import effect_table, flow_table, survival_table

FORMATS: Final = ("html", "svg", "png")
_SIZES: Final = {"170mm": False, "85mm": True}


def write_bundle(report: SurvivalReport, folder: Path, *, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a report into a folder.

    Parameters
    ----------
    report : SurvivalReport
        The results.
    folder : Path
        An existing folder.
    formats : sequence of str
        Of `FORMATS`; `report.json` always comes.

    Returns
    -------
    list of Path
        What was written, the page first.
    """
    written = []
    if "html" in formats:
        written.append(folder / "report.html")
        write_bytes(written[-1], page_html(report).encode())
    written.append(folder / "report.json")
    write_json(written[-1], report.to_dict())
    for result in report.endpoints:
        for size, narrow in _SIZES.items():
            if not {"svg", "png"} & set(formats):
                continue
            figure = survival_figure(result, narrow=narrow)
            stem = f"km_{result.name}_{size}"
            if "svg" in formats:
                written.append(folder / f"{stem}.svg")
                write_bytes(written[-1], figure_svg(figure, title=_title(report, result)).encode())
            if "png" in formats:
                written.append(folder / f"{stem}.png")
                write_bytes(written[-1], figure_png(figure))
    return written


def page_html(report: SurvivalReport) -> str:
    """The report as one page that asks nothing of any network.

    Parameters
    ----------
    report : SurvivalReport
        The results.

    Returns
    -------
    str
        HTML with inline styles and figures; text from data is escaped.
    """
    environment = Environment(
        loader=PackageLoader("igfstrat.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [
        {
            "result": result,
            "summary": summary(report, result),
            "evidence": evidence_sentences(report, line),
            "tables": [survival_table(result), effect_table(result), flow_table(result)],
            "wide": _inline(report, result, narrow=False),
            "narrow": _inline(report, result, narrow=True),
            "title": _title(report, result),
        }
        for result, line in zip(report.endpoints, report.evidence, strict=True)
    ]
    return environment.get_template("survival.html.j2").render(
        report=report, sections=sections, methods=methods(report)
    )


def _title(report: SurvivalReport, result: EndpointResult) -> str:
    return f"{result.title} by {report.grouping.title}"


def _inline(report: SurvivalReport, result: EndpointResult, *, narrow: bool) -> Markup:
    """A figure inside the page: ids made its own, size left to the page."""
    prefix = f"{result.name}-{'n' if narrow else 'w'}-"
    svg = figure_svg(survival_figure(result, narrow=narrow), title=_title(report, result))
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{prefix}", svg)
    svg = re.sub(
        r'<svg [^>]*?(viewBox="[^"]*")[^>]*>',
        r'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="{}" \1>',
        svg,
        count=1,
    )
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # drawn by matplotlib, which escapes text from data; the label is escaped here
    return Markup(svg.replace('aria-label="{}"', f'aria-label="{Markup.escape(_title(report, result))}"', 1))  # noqa: S704
