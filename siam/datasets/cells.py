"""Reads a table from a file's content as text cells: CSV in all its usual forms, and spreadsheets.

Text may be UTF-8, UTF-16 or Windows-1252; between its cells are commas, semicolons, tabs or bars, and a first line such
as `sep=;` may say which. Of a spreadsheet (.xlsx, .xls, .ods), the first sheet with the wanted columns is read.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siam.datasets.spreadsheets import OLE, ZIP, SpreadsheetError, read_sheets
from siam.errors import DatasetError

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")

_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[ ,;\t|]*(\r\n|\r|\n|$)', re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+")
_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")
_REMEDY = "export it again as CSV in UTF-8"


@dataclass(frozen=True, eq=False)
class Cells:
    """A table of text.

    Attributes:
        columns: (C,) the headings, without blanks around them.
        rows: (N, C) the cells as they are written; blank rows are left out.
        numbers: (N,) of the rows, as a spreadsheet program counts them: the headings are usually row 1.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]


def read_cells(data: bytes, name: str, wanted: Sequence[str] = (), separator: str | None = None) -> Cells:
    """Return the table in a file.

    Args:
        data: the file's content.
        name: what error messages call it.
        wanted: columns that it should have; they tell the separator, and the sheet of a spreadsheet.
        separator: between the cells, which then have no quotes; found out by default.

    Raises:
        DatasetError: it is empty or not a table, or a row has more cells than there are headings.
    """
    if data.startswith((ZIP, OLE)):
        rows = _of_spreadsheet(data, name, wanted)
    else:
        rows = _of_text(_decoded(data, name), name, wanted, separator)
    filled = [(number, row) for number, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    if not filled:
        raise DatasetError(f"{name} is not readable as a table (it is empty): {_REMEDY}")
    columns = tuple(cell.strip() for cell in filled[0][1])
    for number, row in filled[1:]:
        if any(cell.strip() for cell in row[len(columns) :]):
            shown = ", ".join(repr(cell[:30]) for cell in row[:5])
            raise DatasetError(
                f"{name} is not readable as a table ({len(row)} cells in row {number}, {shown}, but {len(columns)} "
                "headings): put cells that hold a separator or a decimal comma in quotes"
            )
    padding = ("",) * len(columns)
    cells = tuple((*row, *padding)[: len(columns)] for _number, row in filled[1:])
    return Cells(columns, cells, tuple(number for number, _row in filled[1:]))


def numbers_in(cells: Iterable[str]) -> np.ndarray:
    """Return the cells of a column as float64 (N,), with a decimal point or comma; NaN where a cell is not a number.

    Where other cells have a decimal point, 1,234 may mean a thousand, so it is not taken for a number.
    """
    texts = [cell.strip().replace("\N{MINUS SIGN}", "-") for cell in cells]
    values = np.array(pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce"), dtype=np.float64)
    commas = [row for row, text in enumerate(texts) if "," in text and _DECIMAL_COMMA.fullmatch(text)]
    pointed = bool(commas) and any("." in text for text in texts)
    for row in commas:
        if not (pointed and _GROUPED.fullmatch(texts[row])):
            values[row] = float(texts[row].replace(",", "."))
    return values


def bare(heading: str) -> str:
    """Return a heading in lower case, without a remark in brackets at its end: "score" for "Score (1 to 5)"."""
    return _REMARK.sub("", heading.strip()).casefold()


def _decoded(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif len(data) > 1 and 0 in data[:2]:  # ASCII in UTF-16, without a byte order mark
        encodings = ["utf-16-le" if data[1] == 0 else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DatasetError(f"{name} is not readable as a table (it is not text): {_REMEDY}")


def _of_text(text: str, name: str, wanted: Sequence[str], separator: str | None) -> list[list[str]]:
    quoting, said = csv.QUOTE_NONE, None
    if separator is None:
        quoting, said = csv.QUOTE_MINIMAL, _SEPARATOR_LINE.match(text)
    if said is not None:
        text = text[said.end() :]
    between = separator or (said and said[1]) or _separator(text, wanted)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=between, quoting=quoting, strict=True))
    except csv.Error as error:
        raise DatasetError(f"{name} is not readable as a table ({error}): {_REMEDY}") from error


def _separator(text: str, wanted: Sequence[str]) -> str:
    """Return the separator that splits the first row into most of the wanted columns, or else into most cells."""

    def fit(separator: str) -> tuple[int, int]:
        try:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            first = next((row for row in rows if any(cell.strip() for cell in row)), [])
        except csv.Error:
            return (-1, 0)
        return _known(first, wanted), len(first)

    return max(_SEPARATORS, key=fit)


def _of_spreadsheet(data: bytes, name: str, wanted: Sequence[str]) -> list[list[str]]:
    """Return the rows of the first visible sheet with the wanted columns, or else of the first that is not empty."""
    try:
        sheets = read_sheets(data)
    except SpreadsheetError as error:
        raise DatasetError(f"{name} is not readable as a spreadsheet ({error}): {_REMEDY}") from error
    filled = [rows for rows in sheets if any(map(any, rows))]
    return max(filled, key=lambda rows: _known(next(filter(any, rows)), wanted), default=[])


def _known(headings: Iterable[str], wanted: Sequence[str]) -> int:
    """Return how many of the wanted columns are among the headings; case is ignored."""
    return len({bare(heading) for heading in headings} & {name.casefold() for name in wanted})
