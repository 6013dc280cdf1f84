"""A document for Word: real headings, tables with heading rows, numbered captions, figures with a description."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any, Final

from igfstrat.report.document import Block, Document, FigureBlock, FormatUnavailableError, Paragraph
from igfstrat.report.figures import figure_png
from igfstrat.report.tables import Table

_REMEDY = "--formats docx: python-docx is missing. Install it: pip install 'igfstrat[docx]'"
_EPOCH: Final = dt.datetime(2000, 1, 1)
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LANGUAGE: Final = "en-US"
_PAGE, _MARGIN = (210, 297), 20  # mm
_LETTER: Final = 1.75  # mm, of the tables' type


def render_docx(document: Document) -> bytes:
    """A document as a Word file.

    Parameters
    ----------
    document : Document
        The report.

    Returns
    -------
    bytes
        A docx file; the same document gives the same bytes.

    Raises
    ------
    FormatUnavailableError
        If python-docx isn't installed.
    """
    try:
        import docx
    except ImportError as error:
        raise FormatUnavailableError(_REMEDY) from error
    writer = _Writer(docx.Document())
    writer.write(document)
    buffer = io.BytesIO()
    writer.word.save(buffer)
    return _without_clock(buffer.getvalue())


def _without_clock(data: bytes) -> bytes:
    """The same parts, all with one date, so that the same report gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return buffer.getvalue()


def clean(text: str) -> str:
    r"""Text that XML can hold: control characters and halves of characters become a mark.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The same text where nothing was wrong.

    Examples
    --------
    >>> clean("high\x00"), clean("low")
    ('high�', 'low')
    """
    return "".join(
        c if (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "￾￿") or c in "\n\t" else "�"
        for c in text
    )


def _widths(table: Table) -> list[float]:
    """Columns in mm: first what the longest word needs, then the rest of the page by what else they hold."""
    room = _PAGE[0] - 2 * _MARGIN
    columns = list(zip(table.header, *table.rows, strict=True))
    least = [
        4 + _LETTER * min(max((len(w) for c in column for w in c.split()), default=1), 24)
        for column in columns
    ]
    whole = [min(4 + _LETTER * max(map(len, column)), room / 2) for column in columns]
    spare = max(room - sum(least), 0.0)
    more = [max(full - low, 0.0) for full, low in zip(whole, least, strict=True)]
    share = spare / sum(more) if sum(more) else 0.0
    widths = [low + share * extra for low, extra in zip(least, more, strict=True)]
    return [width * min(1.0, room / sum(widths)) for width in widths]


class _Writer:
    """One Word file."""

    def __init__(self, word: Any) -> None:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn
        from docx.shared import Mm, Pt, RGBColor

        self.word, self.element, self.qn = word, OxmlElement, qn
        self.mm, self.points, self.colour = Mm, Pt, RGBColor
        self.n = {"Table": 0, "Figure": 0}

    def write(self, document: Document) -> None:
        self._set_up(document)
        self.word.add_heading(clean(document.title), level=0)
        for line in (*document.subtitle, "Research use only. Not for the care of a patient."):
            self.word.add_paragraph(clean(line), style="Note")
        for section in document.sections:
            self.word.add_heading(clean(section.title), level=section.level - 1)
            for block in section.blocks:
                self._block(block)
        self.word.add_paragraph(clean(document.footer), style="Note")

    def _set_up(self, document: Document) -> None:
        properties = self.word.core_properties
        properties.title, properties.author = clean(document.title)[:255], "igfstrat"
        properties.comments, properties.language = "research use only", _LANGUAGE
        properties.created = properties.modified = _EPOCH
        page = self.word.sections[0]
        page.page_width, page.page_height = (self.mm(side) for side in _PAGE)
        for side in ("left", "right", "top", "bottom"):
            setattr(page, f"{side}_margin", self.mm(_MARGIN))
        self._styles()
        self._page_number(page.footer.paragraphs[0])

    def _styles(self) -> None:
        styles = self.word.styles
        for name, size in {"Normal": 10.5, "Heading 1": 15, "Heading 2": 12, "Caption": 9.5,
                           "Title": 20}.items():  # fmt: skip
            style = styles[name]
            style.font.size, style.font.name = self.points(size), "Arial" if name != "Normal" else "Georgia"
            # east-asian and complex scripts keep the reader's own fonts
            if name != "Normal":
                style.font.color.rgb = self.colour(0x1C, 0x1C, 0x1C)
                style.font.italic = False
        note = styles.add_style("Note", 1)
        note.base_style, note.font.size, note.font.name = styles["Normal"], self.points(8.5), "Arial"
        defaults = styles.element.find(self.qn("w:docDefaults")).find(".//" + self.qn("w:rPr"))
        language = defaults.find(self.qn("w:lang"))
        if language is None:
            language = self.element("w:lang")
            defaults.append(language)
        language.set(self.qn("w:val"), _LANGUAGE)

    def _block(self, block: Block) -> None:
        if isinstance(block, Paragraph):
            style = {"item": "List Bullet", "lead": "Normal", "caution": "Normal", "plain": "Normal"}[
                block.kind
            ]
            paragraph = self.word.add_paragraph(style=style)
            run = paragraph.add_run(clean(block.text))
            run.bold = block.kind == "caution" or None
            if block.kind == "lead":
                self._tint(paragraph)
        elif isinstance(block, Table):
            self._table(block)
        else:
            self._figure(block)

    def _tint(self, paragraph: Any) -> None:
        shade = self.element("w:shd")
        for name, value in {"val": "clear", "color": "auto", "fill": "EEF3F7"}.items():
            shade.set(self.qn(f"w:{name}"), value)
        paragraph._p.get_or_add_pPr().append(shade)

    def _caption(self, kind: str, text: str, *, keep: bool) -> None:
        """A caption that Word counts and can list."""
        self.n[kind] += 1
        paragraph = self.word.add_paragraph(f"{kind} ", style="Caption")
        self._field(paragraph, f"SEQ {kind} \\* ARABIC", str(self.n[kind]))
        paragraph.add_run(f". {clean(text)}")
        paragraph.paragraph_format.keep_with_next = keep

    def _field(self, paragraph: Any, code: str, shown: str) -> None:
        field = self.element("w:fldSimple")
        field.set(self.qn("w:instr"), code)
        run, text = self.element("w:r"), self.element("w:t")
        text.text = shown
        run.append(text)
        field.append(run)
        paragraph._p.append(field)  # python-docx knows no fields

    def _page_number(self, paragraph: Any) -> None:
        paragraph.add_run("Research use only · page ")
        self._field(paragraph, "PAGE", "1")

    def _table(self, block: Table) -> None:
        self._caption("Table", block.caption, keep=True)
        table = self.word.add_table(rows=1, cols=len(block.header), style="Table Grid")
        table.autofit = False
        self._lines(table)
        self._row(table.rows[0], block.header, bold=True)
        self._flag(table.rows[0], "w:tblHeader")
        for cells in block.rows:
            row = table.add_row()
            self._row(row, cells, bold=False)
        for row in table.rows:
            self._flag(row, "w:cantSplit")
        for column, width in zip(table.columns, _widths(block), strict=True):
            column.width = self.mm(width)
            for cell in column.cells:
                cell.width = self.mm(width)
        self._describe_table(table, block.caption)
        for note in block.footnotes:
            self.word.add_paragraph(clean(note), style="Note")
        if not block.footnotes:
            self.word.add_paragraph(style="Note")

    def _row(self, row: Any, cells: tuple[str, ...], *, bold: bool) -> None:
        for cell, text in zip(row.cells, cells, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = self.points(1)
            run = paragraph.add_run(clean(text))
            run.bold = bold or None
            run.font.size, run.font.name = self.points(8.5), "Arial"

    def _lines(self, table: Any) -> None:
        """Thin lines between rows, none between columns."""
        borders = self.element("w:tblBorders")
        for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
            line = self.element(f"w:{side}")
            seen = side in {"top", "bottom", "insideH"}
            for name, value in {"val": "single" if seen else "nil", "sz": "4", "color": "8A8A8A"}.items():
                line.set(self.qn(f"w:{name}"), value)
            borders.append(line)
        properties = table._tbl.tblPr
        # Word insists on the order of these: borders stand before layout and look
        after = properties.find(self.qn("w:tblLayout"))
        after.addprevious(borders)

    def _flag(self, row: Any, name: str) -> None:
        properties = row._tr.get_or_add_trPr()  # nor heading rows
        properties.append(self.element(name))

    def _describe_table(self, table: Any, caption: str) -> None:
        described = self.element("w:tblCaption")
        described.set(self.qn("w:val"), clean(caption)[:255])
        table._tbl.tblPr.append(described)

    def _figure(self, block: FigureBlock) -> None:
        picture = self.word.add_picture(io.BytesIO(figure_png(block.draw(False))), width=self.mm(170))
        described = picture._inline.docPr  # nor descriptions of pictures
        described.set("descr", clean(f"{block.caption} {block.alternative}"))
        described.set("name", block.name)
        self.word.paragraphs[-1].paragraph_format.keep_with_next = True
        self._caption("Figure", block.caption, keep=False)
