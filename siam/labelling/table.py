"""Answers as `attributes.csv` (`siam.datasets.vocabulary`): 1 for present, 0 for absent, blank for whatever is unknown.

What else is in the table stays as it is: its columns, its rows, and cells of photos that were never answered to. If
`attributes.toml` describes its columns, new words get a table there, too; a word that it gives to a column means that
column. Marks go to regions.npz (`siam.labelling.outlines`).
"""

import csv
import io
import json
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from siam.datasets import region_files
from siam.datasets.cells import Cells, numbers_in, read_cells
from siam.datasets.names import Spellings
from siam.datasets.ratings import headings_for
from siam.datasets.tables import content, find_table
from siam.datasets.vocabulary import DESCRIPTION, STEM, other_words
from siam.errors import DatasetError
from siam.labelling import outlines
from siam.labelling.answers import FILE, Answers, alike, read
from siam.runtime.files import whole_files

NAME = f"{STEM}.csv"

_CELL = {"present": "1", "absent": "0"}
_SHOWS = {"present": True, "absent": False, "unsure": None}
_HALF = 0.5  # of the people


def merged(answers: Answers, root: Path | None = None) -> bytes:
    """Return the table of a folder with these answers, in UTF-8.

    Args:
        answers: of all words.
        root: the folder of the photos, whose table is kept; None: there is none.

    Raises:
        DatasetError: there are several tables, or the table cannot be read or has no column file.
    """
    return _merged(answers, *_found(root), _synonyms(root))


def outlined(answers: Answers, root: Path | None = None) -> bytes | None:
    """Return the regions.npz of a folder with the marks in these answers; None if there are none.

    Raises:
        DatasetError: as `merged`, or the folder's regions.npz cannot be read.
    """
    _path, cells = _found(root)
    headings = ["file"] if cells is None else list(cells.columns)
    columns = _columns(answers, headings, _synonyms(root))
    return outlines.merged(answers, {word: headings[place] for word, place in columns.items()}, root)


def write(answers: Answers, root: Path) -> Path:
    """Write the table of a folder with these answers, and regions.npz if there are marks; returns the table's path.

    Raises:
        DatasetError: as `outlined`; or the table is no attributes.csv but, say, a spreadsheet, or attributes.toml is no
            TOML.
        StorageError: it cannot be stored; what was there stays.
    """
    path, cells = _found(root)
    if path is not None and path.suffix.lower() != ".csv":
        raise DatasetError(
            f"{path.name} is not written to: save it as {NAME} and remove it, to have your answers added"
        )
    path = path or root / NAME
    synonyms = _synonyms(root)
    data = _merged(answers, path, cells, synonyms)
    description = _described(root / DESCRIPTION, answers, cells, synonyms)
    regions = outlined(answers, root)
    with whole_files(path) as store:
        store(path, data)
        if regions is not None:
            store(root / region_files.NAME, regions)
        if description is not None:
            store(root / DESCRIPTION, description)
    return path


def columns_of(root: Path) -> tuple[str, ...]:
    """Return the words that the table of a folder has columns for.

    Raises:
        DatasetError: as `merged`.
    """
    _path, cells = _found(root)
    return () if cells is None else _words(cells.columns)


def column_of(word: str, root: Path) -> str | None:
    """Return the column that attributes.toml calls by this word, if it gives a column another name; or None.

    Raises:
        DatasetError: attributes.toml is no TOML.
    """
    return _synonyms(root).get(alike(word))


def said_in(path: Path, word: str) -> dict[str, bool | None]:
    """Return what a file says of a word: name of the photo → whether it shows the word; None: nobody can tell.

    Args:
        path: answers in labels.jsonl, or a table of shares from 0 to 1, in which a half is undecided and a blank cell
            no answer.
        word: as the file calls it, in any spelling.

    Raises:
        DatasetError: there is no such file, it cannot be read, or it does not know the word.
    """
    if not path.is_file():
        raise DatasetError(f"{path} is no file: give answers as Label keeps them, {FILE} or {NAME}")
    if path.suffix.lower() == Path(FILE).suffix:
        answers = read(path)
        known = next((one for one in answers.words if alike(one) == alike(word)), None)
        if known is None:
            raise _unknown(path, word, answers.words)
        return {photo: _SHOWS[kind] for photo, kind in answers.said(known).items()}
    cells = _cells(path)
    column = next((place for place, one in enumerate(cells.columns) if alike(one) == alike(word)), None)
    words = _words(cells.columns)
    if column is None or cells.columns[column] not in words:
        raise _unknown(path, word, words)
    of_file = cells.columns.index(headings_for("file", cells.columns)[0])
    shares, found = numbers_in(row[column] for row in cells.rows), {}
    for row, number, share in zip(cells.rows, cells.numbers, shares, strict=True):
        if not row[column].strip():
            continue
        if not 0 <= share <= 1:
            cell = f"{row[column][:40]!r} under {cells.columns[column]!r} in row {number}"
            raise DatasetError(f"{path} has {cell}: give 1 for yes, 0 for no, or leave the cell blank")
        found[row[of_file].strip()] = None if share == _HALF else bool(share > _HALF)
    return found


def _unknown(path: Path, word: str, words: Collection[str]) -> DatasetError:
    listed = ", ".join(map(repr, words)) or "none"
    return DatasetError(f"{path} says nothing of {word!r}: its words are {listed:.300}")


def _synonyms(root: Path | None) -> dict[str, str]:
    """Return the columns that attributes.toml gives other words, by these words."""
    return {} if root is None else {alike(words): heading for words, heading in other_words(root).items()}


def _found(root: Path | None) -> tuple[Path | None, Cells | None]:
    path = None if root is None else find_table(root, STEM)
    if path is None or not path.is_file():
        return None, None
    return path, _cells(path)


def _cells(path: Path) -> Cells:
    cells = read_cells(content(path), str(path), ("file",))
    if not headings_for("file", cells.columns):
        raise DatasetError(f"{path} lacks the column 'file', which names the photos: add it")
    return cells


def _words(headings: Collection[str]) -> tuple[str, ...]:
    others = {"split", *(heading.casefold() for heading in headings_for("file", tuple(headings)))}
    return tuple(heading for heading in headings if heading and heading.casefold() not in others)


def _merged(answers: Answers, path: Path | None, cells: Cells | None, synonyms: Mapping[str, str]) -> bytes:
    headings = ["file"] if cells is None else list(cells.columns)
    rows = [] if cells is None else [list(row) for row in cells.rows]
    of_file = headings.index(headings_for("file", headings)[0])
    row_of = _rows(answers, [row[of_file] for row in rows])
    for word, column in _columns(answers, headings, synonyms).items():
        said = answers.said(word)
        for photo in sorted(answers.touched(word)):
            cell = _CELL.get(said.get(photo, ""), "")
            if photo not in row_of:
                if not cell:
                    continue
                row_of[photo] = len(rows)
                rows.append(["" if place != of_file else photo for place in range(len(headings))])
            row = rows[row_of[photo]]
            row += [""] * (len(headings) - len(row))
            row[column] = cell
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([*row, *[""] * (len(headings) - len(row))] for row in rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _rows(answers: Answers, names: list[str]) -> dict[str, int]:
    """Return the rows of the photos that were answered to, however the table spells their names."""
    spellings = Spellings(dict.fromkeys(answer.photo for answer in answers.answers if answer.photo))
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        try:
            photo = spellings.find(name)
        except ValueError:  # it may mean several photos
            continue
        if photo is not None:
            found.setdefault(photo, place)
    return found


def _columns(answers: Answers, headings: list[str], synonyms: Mapping[str, str]) -> Mapping[str, int]:
    """Return the column of each word, after adding those that are missing."""
    place = {alike(heading): number for number, heading in reversed([*enumerate(headings)]) if heading}
    for words, heading in synonyms.items():
        if words not in place and alike(heading) in place:
            place[words] = place[alike(heading)]
    found = {}
    for word in answers.words:
        if alike(word) not in place and any(kind in _CELL for kind in answers.said(word).values()):
            place[alike(word)] = len(headings)
            headings.append(word)
        if alike(word) in place:
            found[word] = place[alike(word)]
    return found


def _described(path: Path, answers: Answers, cells: Cells | None, synonyms: Mapping[str, str]) -> bytes | None:
    """Return attributes.toml with a table for each new column; None if there is none or nothing is new."""
    if not path.is_file():
        return None
    data = content(path)
    try:
        known = {alike(name) for name in tomllib.loads(data.decode("utf-8-sig"))}
    except ValueError as error:
        raise DatasetError(f"{path} is not readable as TOML ({error}): correct it or remove it") from error
    headings = ["file"] if cells is None else list(cells.columns)
    before = len(headings)
    _columns(answers, headings, synonyms)
    new = [word for word in headings[before:] if alike(word) not in known]
    added = "".join(f"\n[{json.dumps(word, ensure_ascii=False)}]\n" for word in new)
    return data.rstrip() + b"\n" + added.encode() if new else None
