"""Who made which photo: `attribution.csv`, with a line for every downloaded photo, safe against crashes.

A line is appended only after its photo is in place, so every listed photo is complete; a line cut off by a crash is
dropped.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from siam.datasets.votes import ATTRIBUTION_COLUMNS, read_attribution
from siam.runtime.files import append, storage_errors, write_atomically

PAGE = "https://www.geograph.org.uk/photo/"
SEE_PAGE = "see page"  # if the source does not name the author
LICENCE = "CC BY-SA 2.0 https://creativecommons.org/licenses/by-sa/2.0/"


def credit(identifier: int, author: str, title: str, page: str) -> dict[str, str]:
    """Return the line of one photo."""
    values = (str(identifier), f"images/{identifier}.jpg", author, title, page, LICENCE)
    return dict(zip(ATTRIBUTION_COLUMNS, values, strict=True))


class Attribution:
    """The complete photos below a folder, with their authors.

    Args:
        root: the folder of attribution.csv, which is created if missing.

    Raises:
        StorageError: the file cannot be written.
        DatasetError: the file is not an attribution.csv.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._path = root, root / "attribution.csv"
        with storage_errors(self._path):
            content = self._path.read_bytes() if self._path.exists() else b""
            if b"\n" not in content:
                write_atomically(self._path, f"{','.join(ATTRIBUTION_COLUMNS)}\n".encode())
            elif not content.endswith(b"\n"):
                os.truncate(self._path, content.rfind(b"\n") + 1)
        self._listed = set(read_attribution(self._path))

    def has(self, identifier: int) -> bool:
        """Return whether a photo is listed and its file exists."""
        return identifier in self._listed and (self._root / "images" / f"{identifier}.jpg").exists()

    def add(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Add photos whose files are in place; each row has `ATTRIBUTION_COLUMNS`.

        Raises:
            StorageError: the file cannot be written.
        """
        new = [row for row in rows if int(row["ID"]) not in self._listed]
        self._append(new)
        self._listed.update(int(row["ID"]) for row in new)

    def _append(self, rows: Iterable[Mapping[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in rows:
            writer.writerow(" ".join(row[name].split()) for name in ATTRIBUTION_COLUMNS)  # one line per photo
        append(self._path, text.getvalue().encode(), flush=True)
