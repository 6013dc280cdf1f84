"""The winner's curse as a document: the story in plain words, the best of K, exaggeration, and the confirming trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from igfstrat.errors import safe_text
from igfstrat.report._wording import title_words
from igfstrat.report.document import Document, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH
from igfstrat.report.history_section import sources_section
from igfstrat.report.study_wording import percent, with_error
from igfstrat.report.tables import Table
from igfstrat.report.winners_curse_figure import RELATION_WORDS, best_of_figure
from igfstrat.trials.winners_curse.results import BestOf, Confirmation, FirstTrial, WinnersCurse
from igfstrat.trials.winners_curse.settings import WinnersCurseSettings

_ERRORS: Final = (
    "In brackets: Monte-Carlo standard error; none where the value is one that many trials share."
)
_WORDS: Final = "Unlikely: probability below 0.05; likely: 0.5 or more; possible: between."
_LIMITS: Final = (
    "How many subgroups were looked at is rarely reported: read the table at the numbers that you find plausible.",
    "The null of this page is that the drug does nothing in anybody; each other truth holds in all patients alike.",
    "The simulated trials have two arms of one size, nobody lost and times exponential; real ones are less tidy.",
    "An interval gives the information behind a ratio, not the number of events: what lies between equal arms and arms"
    " split as the ratio says is not known.",
)
REFERENCES: Final = (
    "Gelman A, Carlin J. Beyond power calculations: assessing type S (sign) and type M (magnitude) errors. Perspect Psychol Sci"
    " 2014;9:641-651.",
    "Lu J, Qiu Y, Deng A. A note on type S/M errors in hypothesis testing. Br J Math Stat Psychol 2019;72:1-17.",
    "Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions. Biometrika"
    " 1981;68:316-319.",
)


def winners_curse_document(
    settings: WinnersCurseSettings, found: WinnersCurse, *, source: str, versions: Mapping[str, str]
) -> Document:
    """The results as a document.

    Parameters
    ----------
    settings : WinnersCurseSettings
        As read.
    found : WinnersCurse
        Results.
    source : str
        Name of the file; empty where there is none.
    versions : mapping of str to str
        igfstrat, Python and libraries.

    Returns
    -------
    Document
        Ready for any format.
    """
    sections = [
        Section(key="summary", title="Summary", blocks=_summary(found)),
        Section(
            key="best_of",
            title="If the drug does nothing",
            blocks=(_best_figure(found), *_best_tables(found)),
        ),
        Section(
            key="errors", title="What a trial of that size finds", blocks=_first_tables(found.first_trials)
        ),
    ]
    if found.confirmations:
        table = _confirmation_table(found.confirmations)
        sections.append(
            Section(key="confirmation", title="What a confirming trial then shows", blocks=(table,))
        )
    return Document(
        title=title_words(safe_text(settings.name, limit=200)),
        subtitle=(
            *([source] if source else []),
            f"{found.replicates:,} replicates of each kind · seed {found.seed}",
        ),
        sections=(*sections, sources_section(settings), *_ends(versions)),
        footer="every number at full precision is in results.json · research use only",
    )


def _summary(found: WinnersCurse) -> tuple[Paragraph, ...]:
    """What the finding rests on, and what chance alone does, before the other truths."""
    first, *others = found.sentences()
    # the sentence with "It" goes on from the null's
    null = [text for text in others if text.startswith(("If the drug does nothing", "It becomes likelier"))]
    more = [text for text in others if text not in null]
    return (
        *(Paragraph(text=text, kind="lead") for text in (first, *null)),
        *(Paragraph(text=text) for text in (*more, _WORDS)),
    )


def _ends(versions: Mapping[str, str]) -> list[Section]:
    made = "Made with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    methods = (
        "The standard error of the reported log hazard ratio is taken from its interval. Closed forms take log hazard ratios as"
        " normal: independent subgroups by powers, factors of one trial by one common normal variable whose share is the share of"
        " patients, nested cuts by the recursion of group-sequential analysis. The simulation draws arms and times of every"
        " patient, ends each trial at its number of events, and computes the log-rank statistic and the Cox estimate; estimates"
        " that are infinite count as such. " + made
    )
    listed = (("limitations", "Limitations", _LIMITS), ("references", "References", REFERENCES))
    return [
        Section(key="methods", title="Methods", blocks=(Paragraph(text=methods),)),
        *(
            Section(key=key, title=title, blocks=tuple(Paragraph(text=text, kind="item") for text in texts))
            for key, title, texts in listed
        ),
    ]


def _best_figure(found: WinnersCurse) -> FigureBlock:
    few = min(b.events for b in found.best_of)
    entries = [b for b in found.best_of if b.events == few]
    return FigureBlock(
        name="best_of",
        caption="How often, if the drug does nothing, the best of so many subgroups has evidence as strong as the reported one:"
        f" closed form (lines) and simulation with {few} events a subgroup (points, 95 % Monte-Carlo intervals).",
        alternative="; ".join(
            f"{RELATION_WORDS[b.relation].lower()}, best of {b.looked_at}: {100 * b.closed_form:.1f} %"
            for b in entries
        ),
        draw=lambda narrow: best_of_figure(found, narrow=narrow),
        data_header=("Relation", "Subgroups", "Closed form", "Simulated", "Monte-Carlo standard error"),
        data=tuple(
            (b.relation, b.looked_at, b.closed_form, b.as_strong["value"], b.as_strong["mc_standard_error"])
            for b in entries
        ),
    )


def _best_tables(found: WinnersCurse) -> list[Table]:
    return [_best_table(found, d) for d in sorted({b.events for b in found.best_of})]


def _best_table(found: WinnersCurse, events: int) -> Table:
    rows = [_best_row(b) for b in found.best_of if b.events == events]
    return _table(
        f"The best of so many subgroups with {events} events each, where the drug does nothing",
        ("Looked at", "As strong, closed form, %", "As strong, simulated, %", "Ratio as small, %", "Median best ratio",
         "Infinite, %"),
        rows,
        (
            f"{_ERRORS} As strong: log-rank statistic at least as extreme as the reported one. Ratio as small: hazard ratio at"
            " most the reported one; few events reach it more often than many. Infinite: all events"
            " in the control arm. Overlapping and nested subgroups have these events on average.",
        ),
    )  # fmt: skip


def _best_row(best: BestOf) -> tuple[str, ...]:
    ratio, relation = best.hazard_ratio, RELATION_WORDS[best.relation]
    return (
        f"{'One alone' if best.looked_at == 1 else f'Best of {best.looked_at}'}: {relation[0].lower()}{relation[1:]}",
        f"{100 * best.closed_form:.1f}",
        percent(best.as_strong),
        percent(best.as_small),
        with_error(ratio["value"], ratio["mc_standard_error"], digits=2),
        percent(best.infinite),
    )


def _first_tables(trials: Sequence[FirstTrial]) -> tuple[Table, Table]:
    often, large = [], []
    for t in trials:
        finite, ratio, head = (
            t.exaggeration_finite,
            t.hazard_ratio,
            (f"Hazard ratio {t.truth:g}", str(t.events)),
        )
        often.append(
            (*head, f"{100 * t.power_closed_form:.1f}", percent(t.power), _percent_or_dash(t.wrong_sign_closed_form),
             percent(t.wrong_sign), percent(t.infinite))
        )  # fmt: skip
        large.append(
            (*head, _factor(t.exaggeration_closed_form), _with_infinite(t.exaggeration),
             with_error(finite["value"], finite["mc_standard_error"], digits=2),
             with_error(ratio["value"], ratio["mc_standard_error"], digits=2))
        )  # fmt: skip
    return (
        _table(
            "Significant results of one trial or subgroup of the reported size, by the truth",
            ("Truth", "Events", "Significant, closed form, %", "Significant, %", "Wrong sign, closed form, %",
             "Wrong sign, %", "Infinite, %"),
            often,
            (
                f"{_ERRORS} Significant: two-sided. Wrong sign (type S) and infinite: shares of the significant ones; without an"
                " effect there is no right sign. The closed form goes with the reported standard error, so that it is the same at"
                " both numbers of events.",
            ),
        ),
        _table(
            "How much the significant ones exaggerate",
            ("Truth", "Events", "Factor, closed form", "Median factor", "Mean factor, finite ones", "Median ratio"),
            large,
            (
                f"{_ERRORS} Factor (type M): by which the log hazard ratio is too large; its median counts infinite estimates."
                " Median ratio: of the significant estimates on the right side, without an effect of those below 1; infinite"
                " estimates count as 0.",
            ),
        ),
    )  # fmt: skip


def _percent_or_dash(value: float) -> str:
    if not math.isfinite(value):
        return DASH
    return "<0.1" if 0 < value < 0.0005 else f"{100 * value:.1f}"


def _factor(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else DASH


def _with_infinite(found: Mapping[str, float]) -> str:
    if math.isinf(found["value"]):
        return "infinite"
    return with_error(found["value"], found["mc_standard_error"], digits=2)


def _confirmation_table(confirmations: Sequence[Confirmation]) -> Table:
    rows = []
    for c in confirmations:
        ratio = c.hazard_ratio
        bad = percent(c.as_bad) if c.as_bad is not None else DASH
        closed = _percent_or_dash(math.nan if c.as_bad_closed_form is None else c.as_bad_closed_form)
        inside = DASH if c.observed_inside is None else ("yes" if c.observed_inside else "no")
        rows.append(
            (f"Hazard ratio {c.truth:g}", str(c.events), f"{100 * c.power_closed_form:.1f}", percent(c.power),
             with_error(ratio["value"], ratio["mc_standard_error"], digits=2),
             f"{c.interval[0]:.2f} to {c.interval[1]:.2f}", closed, bad, inside)
        )  # fmt: skip
    return _table(
        "The confirming trial, by the truth",
        ("Truth", "Events", "Power, closed form, %", "Power, %", "Mean ratio", "95 % range", "As bad, closed form, %",
         "As bad, %", "Observed inside"),
        rows,
        (
            f"{_ERRORS} Mean ratio: geometric, of finite estimates. As bad: a hazard ratio at least as large as the observed one.",
        ),
    )  # fmt: skip


def _table(
    caption: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]], notes: tuple[str, ...]
) -> Table:
    counts = tuple(tuple(None for _ in header) for _ in rows)
    return Table(caption=caption, header=header, rows=tuple(rows), footnotes=notes, counts=counts)
