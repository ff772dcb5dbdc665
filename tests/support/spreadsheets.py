"""Spreadsheets written by hand, of texts and numbers."""

import io
import struct
import zipfile


def xlsx(*sheets, hidden=()):
    """Return an Excel file of sheets, each a list of rows of texts and numbers."""
    spaces = "http://schemas.openxmlformats.org"
    file = io.BytesIO()
    numbers = range(1, len(sheets) + 1)
    with zipfile.ZipFile(file, "w") as archive:
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.openxmlformats-'
            'officedocument.spreadsheetml.worksheet+xml"/>'
            for n in numbers
        )
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{spaces}/package/2006/content-types"><Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
            f'"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{parts}</Types>',
        )
        links = f"{spaces}/officeDocument/2006/relationships"

        def relations(targets):
            rows = "".join(
                f'<Relationship Id="r{n}" Type="{links}/{kind}" Target="{target}"/>'
                for n, (kind, target) in enumerate(targets, start=1)
            )
            return f'<Relationships xmlns="{spaces}/package/2006/relationships">{rows}</Relationships>'

        archive.writestr("_rels/.rels", relations([("officeDocument", "xl/workbook.xml")]))
        worksheets = [("worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
        archive.writestr("xl/_rels/workbook.xml.rels", relations(worksheets))
        states = {n: 'state="hidden"' if n in hidden else "" for n in numbers}
        names = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}" {states[n]}/>' for n in numbers)
        main = f"{spaces}/spreadsheetml/2006/main"
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets>{names}</sheets></workbook>'
        )
        for n, rows in zip(numbers, sheets, strict=True):
            body = ""
            for number, row in enumerate(rows, start=1):
                cells = (
                    f'<c r="{chr(65 + place)}{number}"><v>{cell}</v></c>'
                    if isinstance(cell, int | float)
                    else f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
                    for place, cell in enumerate(row)
                    if cell is not None
                )
                body += f'<row r="{number}">{"".join(cells)}</row>'
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
            )
    return file.getvalue()


def ods(rows):
    """Return an OpenDocument spreadsheet of one sheet."""
    spaces = "urn:oasis:names:tc:opendocument:xmlns"
    body = ""
    for row in rows:
        cells = (
            f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
            if isinstance(cell, float)
            else f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            for cell in row
        )
        body += f"<table:table-row>{''.join(cells)}</table:table-row>"
    names = " ".join(f'xmlns:{name}="{spaces}:{name}:1.0"' for name in ("office", "table", "text"))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{spaces}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>',
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return file.getvalue()


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a spreadsheet with other text in its parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(file, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(old, new))
    return file.getvalue()


def xls(following: int = 0xFFFFFFFE) -> bytes:
    """Return an Excel 97 file of one sector without sheets, and the number of the sector that it says follows."""
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + bytes.fromhex("3e000300feff09000600") + bytes(10)
    head += struct.pack("<6I", 1, 1, 0, 0, 0xFFFFFFFE, 0) + struct.pack("<3I", 0xFFFFFFFE, 0, 0)
    sectors = struct.pack("<3I", 0xFFFFFFFD, 0xFFFFFFFE, following)  # the table itself, the names, the book
    names = b""
    for name, kind, child, start, size in (("Root Entry", 5, 1, 0xFFFFFFFE, 0), ("Workbook", 2, 0xFFFFFFFF, 2, 512)):
        text = f"{name}\0".encode("utf-16-le")
        names += text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1) + b"\xff" * 8
        names += struct.pack("<I36xIQ", child, start, size)
    book = bytes.fromhex("0908100000060500bb0dcc0700000000060000000a000000")
    return head.ljust(512, b"\xff") + sectors.ljust(512, b"\xff") + names.ljust(512, b"\0") + book.ljust(512, b"\0")
