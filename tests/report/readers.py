"""What a reader sees in each format of a report, as text: written apart from the writers, to check them."""

import html
import io
import re

import docx
import openpyxl
import pypdf

NUMBER = re.compile(r"(?<![\w.\-−])[−-]?\d+(?:\.\d+)?(?![\w])", re.ASCII)


def numbers(text):
    """Every number that stands for itself, without its sign (a dash before one may be a range)."""
    return {found.lstrip("-−") for found in NUMBER.findall(text.replace("–", " "))}


def packed(text):
    return "".join(text.split())


def html_text(data):
    page = data.decode()
    page = re.sub(r"<(style|svg|title)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


def svg_texts(data):
    return [
        html.unescape(re.sub(r"<[^>]*>", "", t))
        for t in re.findall(r"<text\b.*?</text>", data.decode(), re.DOTALL)
    ]


def pdf_text(data):
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]
    return "\n".join(re.sub(r"Research use only\s*\d+ / \d+", " ", page) for page in pages)


def docx_text(data):
    word = docx.Document(io.BytesIO(data))
    parts = [p.text for p in word.paragraphs]
    parts += [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    return "\n".join(parts)


def xlsx_text(data):
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheets = [sheet for sheet in book if not sheet.title.startswith("Data ")]
    return "\n".join(_shown(cell) for sheet in sheets for row in sheet.iter_rows() for cell in row)


def _shown(cell):
    if isinstance(cell.value, int | float):
        decimals = len(cell.number_format.partition(".")[2])
        return f"{cell.value:.{decimals}f}".replace("-", "−")
    return cell.value or ""


READERS = {"html": html_text, "pdf": pdf_text, "docx": docx_text, "xlsx": xlsx_text}
