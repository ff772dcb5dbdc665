"""All single values of a comparison in one compressed table, `NAME.csv.gz` beside the result `NAME.json`.

One row per network, picture and method, with the columns network, made_with, identifier, method and
`siam.comparison.records.FIGURES`; a figure that is not defined is blank. made_with is a hash of the settings, the
network's weights among them (`siam.comparison.records.settings_of`). `compare` goes on from the table where they are
the same, so hours of work on one machine are not lost on the next.
"""

import json
import zlib
from collections.abc import Hashable, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siam.comparison.records import FIGURES, Record
from siam.errors import DatasetError
from siam.runtime.files import write_atomically, write_new

_KEYS = ("network", "made_with", "identifier", "method")


def beside(result: Path) -> Path:
    """Return the path of the table that belongs to a stored result."""
    return result.with_suffix(".csv.gz")


def write(records: Sequence[Record], path: Path) -> None:
    """Write records, each with its "network" and "made_with", whole or not at all.

    Raises:
        StorageError: it cannot be stored.
    """
    content = BytesIO()
    table = pd.DataFrame(records, columns=pd.Index([*_KEYS, *FIGURES]))
    table.to_csv(content, index=False, compression={"method": "gzip", "mtime": 0})
    write_atomically(path, content.getvalue())


def read(path: Path) -> list[Record]:
    """Return the records of a table.

    Raises:
        DatasetError: it is missing, damaged or another table.
    """
    try:
        types: dict[Hashable, Any] = {**dict.fromkeys(_KEYS, str), **dict.fromkeys(FIGURES, float)}
        blank = {name: [""] for name in FIGURES}  # a picture may well be called "NA"
        table = pd.read_csv(path, dtype=types, na_values=blank, keep_default_na=False, compression="gzip")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read ({error}): compare again") from error
    missing = [name for name in (*_KEYS, *FIGURES) if name not in table]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]}: compare again")
    if np.isinf(table[list(FIGURES)].to_numpy()).any() or (table[list(_KEYS)] == "").to_numpy().any():
        raise DatasetError(f"{path} holds an infinite number, or a row without a name: compare again")
    return [
        {name: None if value != value else value for name, value in row.items() if value == value or name in FIGURES}
        for row in table.to_dict("records")
    ]


def made_with(settings: dict[str, Any]) -> str:
    """Return a hash of settings; it is stored in files, so it must never change."""
    return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def begin(records: Sequence[Record], settings: dict[str, Any], path: Path) -> None:
    """Start a file of records (`siam.comparison.records`) with those that were made with the same settings before.

    A file that another process starts at the same time stays.

    Raises:
        StorageError: it cannot be stored.
    """
    same = [record for record in records if record["made_with"] == made_with(settings)]
    lines = [
        {"settings": settings},
        *({key: of for key, of in record.items() if key not in ("network", "made_with")} for record in same),
    ]
    write_new(path, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode())
