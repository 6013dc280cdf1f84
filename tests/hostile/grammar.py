"""Makers of hostile files: a good cohort, one harm done to it, and how it must end.

Each maker takes parameters, so that tests try more than the rows of a list. Nothing here is stored
as a file; everything is made in the folder that is passed in.
"""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import xlsxwriter

from tests.conftest import as_cell, table_of

ACCEPT, REJECT, FLAG, REFUSE = 0, 2, 3, 4
SHEET = "xl/worksheets/sheet1.xml"
SHARED = "xl/sharedStrings.xml"
CT = "[Content_Types].xml"


@dataclass(frozen=True)
class Hostile:
    """A file to be, and how it must end."""

    name: str
    make: Callable
    ends: tuple
    words: tuple = ()  # one of them must be said

    def __str__(self):
        return self.name


def good_workbook(n=20):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Cohort")
        for i, row in enumerate(table_of(n)):
            sheet.write_row(i, 0, [as_cell(text) for text in row])
    return buffer.getvalue()


def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def zipped(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def changed(part, change, data=None):
    """The good workbook with one part changed."""
    members = members_of(data or good_workbook())
    after = [(n, change(d) if n == part else d) for n, d in members]
    assert after != members, "the change did nothing"
    return zipped(after)


def with_members(*extra):
    return zipped([*members_of(good_workbook()), *extra])


# ---- zips


def bomb(size, part="xl/worksheets/sheet2.xml", filler=b" "):
    return with_members((part, b"<worksheet>" + filler * (size // len(filler)) + b"</worksheet>"))


def many_members(n):
    return with_members(*((f"xl/media/{i}.bin", b"") for i in range(n)))


def many_directory_entries(n):
    """A directory of entries that all claim the same member: small in the file, large in a reader."""
    data = good_workbook()
    at = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    directory = data[at:end]
    entry = directory[: 46 + struct.unpack("<H", directory[28:30])[0]]
    more = directory + entry * n
    total = min(len(members_of(data)) + n, 0xFFFF)
    return (
        data[:at]
        + more
        + data[end : end + 8]
        + struct.pack("<HHLL", total, total, len(more), at)
        + data[end + 20 :]
    )


def doubled(name):
    return with_members((name, b"<worksheet/>"))


def overlapping(n):
    """Directory entries of different names that point to one compressed block."""
    data = good_workbook()
    at, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    directory = data[at:end]
    length = struct.unpack("<H", directory[28:30])[0]
    head, name, rest = directory[:46], directory[46 : 46 + length], directory[46 + length :]
    copies = b"".join(head + f"{i:0{length}}".encode()[:length] for i in range(n))
    more = head + name + rest + copies
    total = len(members_of(data)) + n
    tail = struct.pack("<HHLL", total, total, len(more), at) + data[end + 20 :]
    return data[:at] + more + data[end : end + 8] + tail


def lying_size(factor):
    """The directory says that the sheet is smaller than it is."""
    data = bytearray(good_workbook())
    at = data.index(b"PK\x01\x02")
    while data[at : at + 4] == b"PK\x01\x02":
        length, extra, comment = struct.unpack("<HHH", data[at + 28 : at + 34])
        if bytes(data[at + 46 : at + 46 + length]) == SHEET.encode():
            size = struct.unpack("<L", data[at + 24 : at + 28])[0]
            data[at + 24 : at + 28] = struct.pack("<L", int(size * factor))
        at += 46 + length + extra + comment
    return bytes(data)


def nested_zip(depth):
    data = good_workbook()
    for i in range(depth):
        data = zipped([(f"{i}.zip", data)])
    return data


def odd_compression(method):
    return zipped(members_of(good_workbook()), method)


# ---- XML


def doctype(part, entity):
    head = b'<?xml version="1.0"?><!DOCTYPE x [' + entity + b"]>"
    return changed(part, lambda d: head + d[d.index(b"?>") + 2 if d.startswith(b"<?xml") else 0 :])


def quadratic(length, times):
    """One long entity, used many times."""
    entity = b'<!ENTITY a "' + b"a" * length + b'">'
    data = doctype(SHARED, entity)
    return changed(
        SHARED, lambda d: d.replace(b"</sst>", b"<si><t>" + b"&a;" * times + b"</t></si></sst>"), data
    )


def laughs(levels):
    entities = b'<!ENTITY l0 "lol">' + b"".join(
        b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, levels)
    )
    return doctype(SHEET, entities)


def deep(depth, part=SHEET):
    end = {SHEET: b"</sheetData>", "xl/workbook.xml": b"</sheets>"}[part]
    return changed(part, lambda d: d.replace(end, end + b"<a>" * depth + b"</a>" * depth))


def long_tag(size):
    return changed(SHEET, lambda d: d.replace(b"<sheetData>", b'<sheetData x="' + b"a" * size + b'">'))


def many_attributes(n):
    attributes = b" ".join(b'a%d="1"' % i for i in range(n))
    return changed(SHEET, lambda d: d.replace(b"<sheetData>", b"<sheetData " + attributes + b">"))


def stray(reference, row):
    cell = f'<row r="{row}"><c r="{reference}"><v>1</v></c></row></sheetData>'.encode()
    return changed(SHEET, lambda d: d.replace(b"</sheetData>", cell))


def shared_blow_up(length, times):
    """One long shared text that very many cells refer to: small in the file, large in a reader."""

    def cells(data):
        row = b'<row r="%d">' + b'<c t="s"><v>0</v></c>' * 100 + b"</row>"
        rows = b"".join(row % (i + 30) for i in range(times // 100))
        return data.replace(b"</sheetData>", rows + b"</sheetData>")

    text = b"<sst><si><t>" + random.Random(1).randbytes(length // 2).hex().encode() + b"</t></si>"
    with_text = changed(SHARED, lambda d: text + d[d.index(b"<si>") :])
    return changed(SHEET, cells, with_text)


def all_formulas(n):
    row = b"<row>" + b"<c><f>1</f></c>" * 100 + b"</row>"
    return changed(SHEET, lambda d: d.replace(b"</sheetData>", row * (n // 100) + b"</sheetData>"))


def bad_reference(reference):
    return changed(SHEET, lambda d: d.replace(b'r="E2"', f'r="{reference}"'.encode()))


def bad_index(index):
    """A cell that refers to a shared text that is not there."""
    return changed(
        SHEET, lambda d: d.replace(b'<c r="A2" t="s"><v>13<', f'<c r="A2" t="s"><v>{index}<'.encode())
    )


def in_cell(value, kind="n"):
    return changed(
        SHEET,
        lambda d: d.replace(b'<c r="E2"><v>90</v>', f'<c r="E2" t="{kind}"><v>{value}</v>'.encode()),
    )


# ---- text


def csv_bytes(change=lambda rows: rows, n=20, delimiter=","):
    rows = change(table_of(n))
    return "\n".join(delimiter.join(row) for row in rows).encode() + b"\n"


def csv_cell(text, row=5, column="igf1_ng_ml"):
    def change(rows):
        rows[row - 1][rows[0].index(column)] = text
        return rows

    return csv_bytes(change)


def with_bytes(extra, at=200):
    data = csv_bytes()
    return data[:at] + extra + data[at:]


def wide(n):
    rows = [
        [*row, *([f"c{i}" for i in range(n)] if not k else ["1"] * n)] for k, row in enumerate(table_of(4))
    ]
    return "\n".join(",".join(row) for row in rows).encode()


def cut(data, share):
    return data[: int(len(data) * share)]


def saved(name, maker, *parameters):
    """A file of what a maker makes, when asked."""

    def make(folder):
        path = folder / name
        path.write_bytes(maker(*parameters))
        return path

    return make


def gzip_bomb(size):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(bytes(size)) + packer.flush()


def parquet_bomb(n):
    """Very many equal values: a few bytes in the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()).take(pa.array([0] * 1000)), ["x" * 100])
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, pa.schema([("patient_id", column.type)])) as writer:
        batch = pa.table({"patient_id": pa.chunked_array([column] * (n // 1000))})
        writer.write_table(batch, row_group_size=n)
    return buffer.getvalue()


XXE = b'<!ENTITY a SYSTEM "http://127.0.0.1:9/x">'
FILE = b'<!ENTITY a SYSTEM "file:///etc/passwd">'
UNSAFE = ("unsafe",)

MALICIOUS = [
    *(Hostile(f"bomb of {mb} MB", saved("c.xlsx", bomb, mb * 1_000_000), (REFUSE,), ("too large", "ratio")) for mb in (64, 256)),
    Hostile("bomb in another part", saved("c.xlsx", bomb, 64_000_000, "docProps/more.xml"), (REFUSE,), ("ratio",)),
    *(Hostile(f"{n} members", saved("c.xlsx", many_members, n), (REFUSE,), ("too many members",)) for n in (6_000, 60_000)),
    Hostile("a directory of a million entries", saved("c.xlsx", many_directory_entries, 1_000_000), (REFUSE,), ("too many",)),
    *(Hostile(f"member {name!r}", saved("c.xlsx", doubled, name), (REFUSE,), ("ambiguous",))
      for name in (SHEET.upper(), SHEET.replace("/", "\\"))),
    *(Hostile(f"member {name!r}", saved("c.xlsx", doubled, name), (REFUSE,), ("leads outside",))
      for name in ("../../evil.xml", "/etc/evil", "xl/../../e", "..\\..\\evil", "C:\\evil")),
    *(Hostile(f"{n} overlapping members", saved("c.xlsx", overlapping, n), (REFUSE,), ("overlap",)) for n in (1, 500)),
    *(Hostile(f"compression {method}", saved("c.xlsx", odd_compression, method), (REFUSE,), ("compressed in a way",))
      for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
    *(Hostile(f"entity {entity[:24]!r} in {part}", saved("c.xlsx", doctype, part, entity), (REFUSE,), ("DTD or entity",))
      for entity in (XXE, FILE, b"", b'<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;')
      for part in (SHEET, SHARED, CT, "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "docProps/core.xml")),
    Hostile("quadratic blow-up", saved("c.xlsx", quadratic, 60_000, 3_000), (REFUSE,), ("DTD or entity",)),
    Hostile("billion laughs", saved("c.xlsx", laughs, 10), (REFUSE,), ("DTD or entity",)),
    Hostile("1,000 tags deep", saved("c.xlsx", deep, 1_000), (ACCEPT, REFUSE)),  # harmless where nobody recurses
    *(Hostile(f"{n} tags deep in {part}", saved("c.xlsx", deep, n, part), (REFUSE,), ("deep",))
      for n, part in ((1_500_000, SHEET), (1_000, "xl/workbook.xml"))),
    Hostile("tag of 16 MB", saved("c.xlsx", long_tag, 16_000_000), (REFUSE,), ("single tag",)),
    Hostile("a million attributes", saved("c.xlsx", many_attributes, 1_000_000), (REFUSE,), ("single tag",)),
    *(Hostile(f"text of {length} in {times} cells", saved("c.xlsx", shared_blow_up, length, times), (REFUSE,), ("memory",))
      for length, times in ((32_000, 100_000), (2_000, 800_000))),
    Hostile("parquet of 10^9 equal rows", saved("c.parquet", parquet_bomb, 200_000_000), (REJECT, REFUSE), ("cells",)),
]  # fmt: skip

FAULTY = [
    *(Hostile(f"stray cell {ref}", saved("c.xlsx", stray, ref, row), (REJECT,), ("stray cell",))
      for ref, row in (("XFD1048576", 1_048_576), ("A1048577", 1_048_577), ("XFE1", 1), ("ZZZZ9", 9), ("CV1000000", 1_000_000))),
    *(Hostile(f"cut at {share:.0%}", saved("c.xlsx", lambda s: cut(good_workbook(), s), share), (REJECT,), ("incomplete",))
      for share in (0.02, 0.6, 0.95, 0.999)),
    Hostile("a million formulas", saved("c.xlsx", all_formulas, 1_000_000), (REJECT, REFUSE), ("formulas", "far longer")),
    *(Hostile(f"size times {factor}", saved("c.xlsx", lying_size, factor), (REJECT, REFUSE), ("damaged", "unsafe")) for factor in (0.5, 0)),
    Hostile("size times 3", saved("c.xlsx", lying_size, 3), (ACCEPT, REJECT)),  # harmless: what is there is all that is read
    Hostile("zips in zips", saved("c.xlsx", nested_zip, 4), (REJECT,), ("not a valid",)),
    *(Hostile(f"shared text {i}", saved("c.xlsx", bad_index, i), (ACCEPT, FLAG, REJECT, REFUSE)) for i in (10**6, -1, 10**30, "x")),
    *(Hostile(f"reference {ref!r}", saved("c.xlsx", bad_reference, ref), (ACCEPT, FLAG, REJECT, REFUSE))
      for ref in ("E0", "E-1", "0", "E99999999999999999999", "é2", "", "E2E2")),
    *(Hostile(f"number {value}", saved("c.xlsx", in_cell, value), (ACCEPT, FLAG, REJECT)) for value in ("1e999", "9" * 200, "-0", "x", "nan", "")),
    *(Hostile(f"type {kind}", saved("c.xlsx", in_cell, "2019-13-45T99:00:00", kind), (ACCEPT, FLAG, REJECT)) for kind in ("d", "e", "b", "str", "zzz")),
    Hostile("200 digits", saved("c.csv", csv_cell, "9" * 200), (FLAG, REJECT), ("row 5",)),
    Hostile("5,000 digits", saved("c.csv", csv_cell, "9" * 5_000), (FLAG, REJECT), ("row 5",)),
    Hostile("huge exponent", saved("c.csv", csv_cell, "1e999999999"), (FLAG, REJECT), ("row 5",)),
    Hostile("a cell of 10 MB", saved("c.csv", csv_cell, "x" * 10_000_000), (FLAG, REJECT), ("row 5", "limit")),
    Hostile("a cell of 120 kB", saved("c.csv", csv_cell, "x" * 120_000), (FLAG, REJECT), ("row 5",)),
    *(Hostile(f"bytes {extra!r}", saved("c.csv", with_bytes, extra), (REJECT,), ("UTF-8",)) for extra in (b"\0", b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80")),
    Hostile("16,384 columns", saved("c.csv", wide, 16_371), (ACCEPT, FLAG)),
    Hostile("NULs only", saved("c.csv", bytes, 100_000), (REJECT,), ("NUL", "empty")),
    Hostile("line ends only", saved("c.csv", lambda: b"\n" * 3_000_000), (REJECT,), ("empty",)),
    Hostile("delimiters only", saved("c.csv", lambda: b"," * 3_000_000), (REJECT,)),
    Hostile("quotes only", saved("c.csv", lambda: b'"' * 3_000_001), (REJECT,)),
    Hostile("a gzip bomb", saved("c.csv", gzip_bomb, 200_000_000), (REJECT,), ("neither",)),
    *(Hostile(f"{start!r} and no more", saved("c.dat", lambda s: s + bytes(3_000), start), (REJECT, REFUSE), ("not a valid", "unsafe", "stats", "empty"))
      for start in (b"PAR1", b"$FL2", b"<stata_dta>", b"\x72\x01\x01\x00",
                    b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!",
                    bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011"))),
    Hostile("an OLE file of nothing", saved("c.xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)), (REJECT,), (".xls",)),
]  # fmt: skip

ALL = [*MALICIOUS, *FAULTY]
