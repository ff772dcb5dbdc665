"""Labels in words of one's own: `attributes.csv` beside photos, and optionally `attributes.toml`, which describes them.

attributes.csv has a column file and one for each attribute: the share of people who saw it in the photo, from 0 to 1. A
blank cell is unknown. An optional column split says train, val or test. attributes.toml has a table for each attribute,
and its order is that of the networks::

    [trees]
    words = "trees and woods"   # what networks and pages call it, in place of the column's heading
    group = "plants"            # Templates can show the attributes of a group side by side
    regions = ["tree"]          # the groups of regions.npz that show it (`siam.datasets.regions`)

All three settings are optional. A group of regions.npz with the name of a column shows that attribute, too.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from siam.datasets import region_files
from siam.datasets.base import AttributePhotos
from siam.datasets.cells import read_cells
from siam.datasets.names import known_as
from siam.datasets.ratings import headings_for
from siam.datasets.tables import (
    SHARES,
    Finding,
    Sieve,
    columns,
    content,
    files_named,
    find_table,
    hash_split,
    numbers,
    read_split,
    table_of,
)
from siam.errors import DatasetError

STEM, DESCRIPTION = "attributes", "attributes.toml"

_SETTINGS = ("words", "group", "regions")
_SEPARATORS = ",:"  # between the edits of What-if, in addresses
_LAYOUT = "put a table there with the column file and one column of shares from 0 to 1 for each attribute"


def has_labels(root: Path) -> bool:
    """Return whether there is an attributes.csv in a folder.

    Raises:
        DatasetError: there are several.
    """
    return find_table(root, STEM).is_file()


def has_split(root: Path) -> bool:
    """Return whether the table itself says which photos are for testing."""
    return "split" in columns(find_table(root, STEM))


def read(root: Path, *, findings: list[Finding] | None = None) -> AttributePhotos:
    """Read the labels of the photos below `root`.

    Args:
        root: the folder that holds the table; names in it are paths from there, in any spelling.
        findings: a list that collects bad rows; without it, a bad row is an error.

    Returns:
        The photos in the table's order, including those that the folder lacks. Unknown labels are NaN. Without a split
        in the table, it is that of `siam.datasets.folder`.

    Raises:
        DatasetError: the table is missing, holds no attribute, two of the same name, or a cell that is no share; or
            attributes.toml does not describe exactly its columns.
    """
    path = find_table(root, STEM)
    if not path.is_file():
        raise DatasetError(f"{path} is missing: {_LAYOUT}")
    cells = read_cells(content(path), str(path), ("file",))
    of_file = headings_for("file", cells.columns)
    headings = tuple("file" if heading in of_file else heading for heading in cells.columns)
    table = table_of(replace(cells, columns=headings), str(path), ("file",))
    found = [str(heading) for heading in table.columns if heading not in ("file", "split")]
    if not found:
        raise DatasetError(f"{path} holds no attribute beside the column file: {_LAYOUT}")
    _refuse_alike(path, found)
    described = _described(root / DESCRIPTION, found, path)
    names = [cell.strip() for cell in table["file"]]
    sieve = Sieve(path, names, findings, table.attrs["rows"])
    files = files_named(names, root, sieve)
    labels = numbers(table, list(described))
    blank = np.stack([table[heading].str.strip().to_numpy(dtype=str) == "" for heading in described], axis=1)
    bad = ~blank & ~((labels >= 0) & (labels <= 1))  # not a number, too

    def detail(row: int) -> str:
        heading = [*described][int(bad[row].argmax())]
        return f"{table[heading][row][:40]!r} under {heading[:40]!r}"

    remedy = "give a share from 0 to 1 (1 for yes, 0 for no), or leave the cell blank if it is unknown"
    sieve.reject(np.asarray(bad.any(axis=1)), "out of range", detail, remedy)
    if "split" in table:
        split = read_split(table, names, sieve, SHARES)
    else:
        split = hash_split([_within(file, root) for file in files], SHARES)
    called = {heading: entry.get("words", heading) for heading, entry in described.items()}
    return AttributePhotos(
        files=tuple(files[row] for row in np.flatnonzero(sieve.keep)),
        labels=labels[sieve.keep].astype(np.float32),
        split=split[sieve.keep],
        attributes=tuple(called.values()),
        regions=_shown(root, described),
        groups={called[of]: entry["group"] for of, entry in described.items() if "group" in entry},
    )


def other_words(root: Path) -> dict[str, str]:
    """Return what attributes.toml calls the columns of a folder's table in other words: those words → the column.

    Raises:
        DatasetError: it is not TOML.
    """
    found = {}
    for heading, entry in _description(root / DESCRIPTION).items():
        if isinstance(entry, dict) and isinstance(words := entry.get("words"), str) and words != heading:
            found[words] = heading
    return found


def _shown(root: Path, described: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return which groups show an attribute, for those that some show."""
    stored = root / region_files.NAME
    groups = region_files.read_file(stored).groups if stored.is_file() else ()
    shown = {}
    for heading, entry in described.items():
        own = (heading,) if heading in groups else ()
        shown[entry.get("words", heading)] = tuple(dict.fromkeys((*entry.get("regions", ()), *own)))
    return {name: of for name, of in shown.items() if of}


def _within(file: Path, root: Path) -> str:
    return known_as(file.relative_to(root).as_posix())


def _refuse_alike(path: Path, names: Sequence[str]) -> None:
    """Raise a DatasetError for names that pages cannot tell apart, or that addresses cannot hold."""
    known: dict[str, str] = {}
    for name in names:
        shown = " ".join(name.replace("_", " ").split())
        if not shown or any(separator in name for separator in _SEPARATORS):
            raise DatasetError(f"{path} holds the attribute {name[:40]!r}: give it a name without commas and colons")
        if (other := known.setdefault(shown.casefold(), name)) is not name:
            raise DatasetError(f"{path} holds the attributes {other!r} and {name!r}, which look the same: keep one")


def _described(path: Path, headings: Sequence[str], table: Path) -> dict[str, Mapping[str, Any]]:
    """Return what attributes.toml says of each column, in its order; nothing of each if there is no such file.

    Raises:
        DatasetError: it is not TOML, or describes other columns or in other ways.
    """
    if not path.is_file():
        return {heading: {} for heading in headings}
    described = _description(path)
    for name, entry in described.items():
        if not isinstance(entry, dict):
            raise DatasetError(f"{path} holds {name} = {entry!r:.40}; expected a table for each attribute")
        if odd := [setting for setting in entry if setting not in _SETTINGS]:
            raise DatasetError(f"{path} has an unknown setting {odd[0]!r} of {name!r}{_near(odd[0], _SETTINGS)}")
        _check(path, name, entry)
        if name not in headings:
            raise DatasetError(f"{path} describes {name!r}, but {table.name} has no such column{_near(name, headings)}")
    if beyond := [heading for heading in headings if heading not in described]:
        raise DatasetError(f"{path} lacks [{beyond[0]}], a column of {table.name}: describe all attributes or none")
    _refuse_alike(path, [entry.get("words", name) for name, entry in described.items()])
    return described


def _description(path: Path) -> dict[str, Any]:
    """Return what attributes.toml holds; nothing if there is no such file."""
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is not readable as TOML ({error}): correct it or remove it") from error


def _check(path: Path, name: str, entry: Mapping[str, Any]) -> None:
    for setting, value in entry.items():
        several = setting == "regions"
        if several != isinstance(value, list) or not all(
            isinstance(one, str) and one.strip() for one in (value if several else [value])
        ):
            expected = 'a list of names, such as ["tree"]' if several else "text"
            raise DatasetError(f"{path} says {setting} = {value!r:.40} of {name!r}; expected {expected}")


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f": did you mean {near[0]!r}?" if near else ": remove it"
