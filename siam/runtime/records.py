r"""Records that are never lost: one JSON object for each, added to the end of a file and on the disk at once.

The first line is `{"format": …}`. Each record begins with the end of the line before it and goes to the file in one
piece. One that was cut off by a crash lacks its closing bracket: such a line is left out, and whatever is added next
begins a line of its own. Nothing is ever changed or removed.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from siam.errors import DatasetError
from siam.runtime.files import append, storage_errors, write_new
from siam.runtime.parsing import parse_json

_Record = TypeVar("_Record")
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST = 1000  # characters of an identifier


def add(path: Path, content: Mapping[str, Any], version: int) -> None:
    """Add a record to a file, which is created if missing; when this returns, the record is on the disk.

    Several processes may add to one file at the same time.

    Args:
        path: of the file.
        content: of the record, without what is "", None or False.
        version: of the format.

    Raises:
        StorageError: the record cannot be stored; the file then holds what it held.
    """
    if not path.exists():
        write_new(path, json.dumps({"format": version}).encode())
    content = {name: value for name, value in content.items() if value not in ("", None, False)}
    append(path, b"\n" + json.dumps(content).encode(), flush=True)  # without line breaks, since JSON escapes them


def read(path: Path, version: int, make: Callable[..., _Record]) -> tuple[tuple[_Record, ...], int]:
    """Return the records in a file, and how many lines are none; there are none if there is no file.

    Args:
        path: of the file.
        version: of the format.
        make: a record of its content; it raises a TypeError or ValueError if there is no such record.

    Raises:
        DatasetError: a newer version of the program wrote it.
        StorageError: it cannot be read.
    """
    with storage_errors(path):
        lines = path.read_bytes().split(b"\n") if path.exists() else []
    records, damaged = [], 0
    for line in filter(None, lines):
        content = _object(line)
        if "format" in content:
            if content["format"] != version:
                raise DatasetError(f"{path} has format {content['format']!r:.40}, not {version}: update SIAM Explorer")
            continue
        try:
            records.append(make(**content))
        except (TypeError, ValueError):
            damaged += 1
    return tuple(records), damaged


def _object(line: bytes) -> dict[str, Any]:
    """Return the JSON object in a line; one that is no record if there is none."""
    try:
        content = parse_json(line)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"": None}


def now() -> str:
    """Return the time in UTC, such as "2026-11-29T21:04:05Z"."""
    return datetime.now(UTC).strftime(_TIME)


def is_time(text: Any) -> bool:
    """Return whether something is a time as `now` writes it."""
    try:
        return isinstance(text, str) and datetime.strptime(text, _TIME).strftime(_TIME) == text
    except ValueError:
        return False


def is_text(text: Any) -> bool:
    """Return whether something is text that a record may hold as the name of a photo, or as a word."""
    try:
        return isinstance(text, str) and len(text) <= _LONGEST and b"\0" not in text.encode()
    except UnicodeEncodeError:  # half of a character
        return False
