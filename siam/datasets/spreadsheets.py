"""Reads spreadsheets in a process of their own, which may use only so much memory and time.

A file of two kilobytes can ask for the memory of 17 billion cells, or lead its reader round in circles. That ends the
process that reads it, which must not be the server.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # first bytes of .xlsx and .ods, and of .xls
_LARGEST = 200_000_000  # bytes, unpacked
_MEMORY, _SECONDS = 2**30, 30  # bytes, and seconds of the processor
_PATIENCE = 300  # seconds by the clock, on a busy machine
_REFUSED = 3  # exit status, with the reason on standard output


class SpreadsheetError(Exception):
    """A spreadsheet cannot be read; the message says why in a few words."""


@lru_cache(maxsize=2)  # a table's headings are looked at before its rows
def read_sheets(data: bytes) -> list[list[list[str]]]:
    """Return the rows of each visible sheet as texts; whole numbers have no decimals. Do not change them.

    Raises:
        SpreadsheetError: it cannot be read.
    """
    command = [sys.executable, "-P", str(Path(__file__).resolve())]  # -P: the modules beside this one hide no others
    try:
        answer = subprocess.run(command, input=data, capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise SpreadsheetError("it takes too long") from error
    if answer.returncode == 0:
        return json.loads(answer.stdout)
    if answer.returncode == _REFUSED:
        raise SpreadsheetError(" ".join(answer.stdout.decode(errors="replace").split()))
    raise SpreadsheetError("it is damaged, or its cells need more than a gigabyte")


def _main() -> int:
    """Read a spreadsheet from standard input, and write its sheets as JSON, or the reason why it cannot be read."""
    _limit()
    gc.disable()  # which would look through a million rows again and again
    try:
        sheets = _sheets(sys.stdin.buffer.read())
    except MemoryError:
        return 1
    except Exception as error:  # on damaged bytes, readers raise nearly anything
        sys.stdout.write(str(error) or type(error).__name__)
        return _REFUSED
    json.dump(sheets, sys.stdout)
    return 0


def _limit() -> None:
    """Limit memory and time of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_CORE, 0)):
        ceiling = resource.getrlimit(kind)[1]
        with suppress(ValueError, OSError):  # some systems do not limit memory
            resource.setrlimit(kind, (most if ceiling == resource.RLIM_INFINITY else min(most, ceiling), ceiling))


def _sheets(data: bytes) -> list[list[list[str]]]:
    import zipfile
    from io import BytesIO

    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    if data.startswith(ZIP):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                raise ValueError(f"it unpacks to more than {_LARGEST // 1_000_000} MB")
    with CalamineWorkbook.from_filelike(BytesIO(data)) as book:
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        return [
            [_texts(row) for row in book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)] for sheet in visible
        ]


def _texts(row: Sequence[object]) -> list[str]:
    if not any(cell != "" for cell in row):  # there may be a million of them
        return []
    return [f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell) for cell in row]


if __name__ == "__main__":
    sys.exit(_main())
