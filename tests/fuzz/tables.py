"""Tables of ratings, votes and labels as people's programs save them, and what can be wrong with them."""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np

from siam.datasets import folder as own_folder
from siam.datasets import oasis, scenicornot, sun_attributes
from siam.datasets.base import RatingScale, ScoredPhotos
from siam.datasets.ratings import Ratings, read_ratings
from siam.datasets.scenicornot import every_vote
from siam.datasets.tables import SPLITS, Finding
from siam.datasets.votes import ATTRIBUTION_COLUMNS, COLUMNS, read_attribution, read_votes
from siam.gallery.uploads import Scores, read_scores
from tests.fuzz.inputs import Input, Part, Refusals, unshown
from tests.fuzz.mutations import ODD_TEXTS, blind, odd_text
from tests.support.spreadsheets import ods, xls, xlsx

Rows = list[list[str]]
PHOTOS = ("lake.jpg", "Müllersee.jpg", "b, c.jpg", "walk/hill.png", "007.tif", "雪.webp")
_SEPARATORS = (",", ";", "\t", "|")
_ENCODINGS = (
    "utf-8",
    "utf-8",
    "utf-8-sig",
    "cp1252",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "latin-1",
    "mac-roman",
    "utf-32",
)
_HEADINGS = (
    "file",
    "score",
    "Score (1 to 5)",
    "scale",
    "split",
    "FILE",
    " file ",
    "",
    "score ",
    "beauty_mean",
    "Votes",
    "ID",
)
_CELLS = (
    "3",
    "3.5",
    "3,5",
    "5",
    "train",
    "val",
    "test",
    "1 to 5",
    "1-10",
    "10 to 1",
    "1 to 1e999",
    "lake.jpg",
    "LAKE.JPG",
)
_CELLS += (
    "./lake.jpg",
    "walk\\hill.png",
    "7,4,6",
    "7,,6",
    "99",
    "4.0000",
    "12345678901234567890",
    "1" * 400,
    "-" + "9" * 330,
)


def _ratings(random: Random) -> Rows:
    heading = random.choice(("score", "score", "score (1 to 5)", "Score [1..7]"))
    rows = [["file", heading], *([name, f"{random.uniform(1, 5):.2f}"] for name in PHOTOS)]
    if random.random() < 0.3:
        rows = [[*row, "split" if place == 0 else random.choice(SPLITS)] for place, row in enumerate(rows)]
    if random.random() < 0.2:
        rows = [[*row, "scale" if place == 0 else "1 to 5"] for place, row in enumerate(rows)]
    return rows


def _votes(_random: Random) -> Rows:
    rows = [list(COLUMNS)]
    for number, votes in enumerate(((7, 4, 6), (1, 1, 1, 10), (5, 5), (3, 4, 4)), start=1):
        page = f"http://www.geograph.org.uk/photo/{number}"
        average, variance = f"{np.mean(votes):.4f}", f"{np.var(votes):.4f}"
        rows.append([str(number), "50.1", "-3.2", average, variance, ",".join(map(str, votes)), page])
    return rows


def _labels(random: Random) -> Rows:
    names = sun_attributes.ATTRIBUTES
    return [
        ["file", "split", *names],
        *([name, "train", *(random.choice(("0", "0.3333", "1")) for _ in names)] for name in PHOTOS),
    ]


def _beauty(random: Random) -> Rows:
    rows = [["file", "beauty_mean", "beauty_sd", "beauty_n", "public_name", "sha256"]]
    return rows + [[name, f"{random.uniform(1, 7):.2f}", "1.2", "100", name, "a" * 64] for name in PHOTOS]


def _credits(_random: Random) -> Rows:
    return [
        list(ATTRIBUTION_COLUMNS),
        *([str(number), name, "A", "T", "p", "CC"] for number, name in enumerate(PHOTOS)),
    ]


_CONTENTS: dict[str, tuple[Callable[[Random], Rows], str]] = {
    "ratings": (_ratings, "ratings"), "votes": (_votes, "votes"), "labels": (_labels, "labels"),
    "beauty": (_beauty, "ratings"), "credits": (_credits, "attribution"),
}  # fmt: skip
_FORMS = ("text",) * 12 + ("xlsx", "xlsx", "ods", "xls")  # a spreadsheet is read in a process of its own
_SHARES = {"ratings": 10, "votes": 4, "labels": 2, "beauty": 2, "credits": 1}


def _odd_rows(random: Random, rows: Rows) -> Rows:
    """Return a table with other cells, headings, rows or columns."""
    rows = [list(row) for row in rows]
    for _ in range(random.choice((0, 1, 1, 1, 2, 4))):
        place = random.randrange(len(rows))
        row = rows[place] or [""]
        match random.randrange(8):
            case 0:
                rows.insert(place, list(random.choice(rows)))
            case 1 if len(rows) > 1:
                rows.pop(place)
            case 2:
                rows.insert(place, random.choice(([], [""], ["", " "], ["words about the table"], ["sep=;"])))
            case 3:
                column = random.randrange(len(row))
                rows = [line[:column] + line[column + 1 :] for line in rows]
            case 4:
                head = rows[0] or [""]
                head[random.randrange(len(head))] = random.choice((*_HEADINGS, random.choice(ODD_TEXTS)))
            case 5:
                row.append(random.choice(_CELLS))
            case _:
                row[random.randrange(len(row))] = random.choice((*_CELLS, *ODD_TEXTS))
    return rows


def _text(random: Random, rows: Rows) -> bytes:
    """Return rows as text in some form."""
    file, separator = io.StringIO(), random.choice(_SEPARATORS)
    quoting = random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    ends = random.choice(("\n", "\r\n", "\r"))
    csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=ends).writerows(rows)
    text = file.getvalue()
    if random.random() < 0.1:
        said = random.choice((separator, ";", "x", '"'))
        text = f"sep={said}{ends}{text}"
    if random.random() < 0.2:
        text = odd_text(random, text)
    data = text.encode(random.choice(_ENCODINGS), "replace")
    return blind(random, data) if random.random() < 0.3 else data


def _tabbed(random: Random, rows: Rows) -> bytes:
    """Return rows as ScenicOrNot's files hold them: tabs, and no quotes."""
    text = "".join("\t".join(row) + "\n" for row in rows)
    if random.random() < 0.2:
        text = odd_text(random, text)
    data = text.encode("utf-8", "replace")
    return blind(random, data) if random.random() < 0.3 else data


def _spreadsheet(random: Random, rows: Rows, kind: str) -> bytes:
    """Return rows as a spreadsheet, of which parts may be others."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    data = (
        xlsx(cells) if kind == "xlsx" else ods([[float(c) if isinstance(c, int) else c for c in row] for row in cells])
    )
    action = random.random()
    if action < 0.25:
        return data
    if action < 0.45:
        return blind(random, data)
    return _with_odd_parts(random, data)


def _cell(text: str) -> str | float | int:
    try:
        return float(text) if np.isfinite(float(text)) else text
    except ValueError:
        return "".join(f"&#{ord(letter)};" for letter in text) if len(text) < 400 else text


_ODD_XML = (
    b"", b"<", b"<?xml version='1.0'?>", b"<!DOCTYPE a [<!ENTITY b 'b'>]>&b;", b"&#0;", b"&#xd800;", b"&lt;", b"\xff",
    b"A0", b"A1048577", b"XFD1048576", b"ZZZZZ99999999999", b"-1", b"1e999", b'r="A1"', b't="s"', b't="e"', b't="b"',
    b't="d"', b's="7"', b"<f>1/0</f>", b'table:number-rows-repeated="1048576"', b'table:number-rows-repeated="-1"',
    b'table:number-columns-repeated="16384"',
)  # fmt: skip


def _with_odd_parts(random: Random, data: bytes) -> bytes:
    """Return a spreadsheet of which one part's XML is changed, missing or packed otherwise."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = random.choice(list(parts))
    if random.random() < 0.5:  # the sheet itself
        name = next(name for name in parts if name.endswith(("sheet1.xml", "content.xml")))
    match random.randrange(4):
        case 0:
            parts.pop(name)
        case 1:
            parts[name] = blind(random, parts[name])
        case _:
            for _ in range(random.choice((1, 1, 3))):
                parts[name] = _odd_xml(random, parts[name])
    packing = random.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    with zipfile.ZipFile(file, "w", packing) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return file.getvalue()


def _odd_xml(random: Random, text: bytes) -> bytes:
    """Return XML with another value, attribute or tag."""
    quotes = [place for place, letter in enumerate(text) if letter == 34]
    if len(quotes) >= 2 and random.random() < 0.6:
        place = random.randrange(len(quotes) // 2) * 2
        start, end = quotes[place] + 1, quotes[place + 1]
        if random.random() < 0.3:  # one more attribute
            start = end = end + 1
            return text[:start] + b" " + random.choice(_ODD_XML) + text[end:]
    else:
        start = text.find(b">", random.randrange(len(text) + 1)) + 1
        end = text.find(b"<", start)
        end = start if end < 0 or random.random() < 0.3 else end
    return text[:start] + random.choice(_ODD_XML) + text[end:]


def make(random: Random) -> Input:
    """Return a table in some form, usually with something wrong."""
    content = random.choices(list(_SHARES), list(_SHARES.values()))[0]
    rows, stem = _CONTENTS[content]
    table = _odd_rows(random, rows(random))
    if content in ("votes", "credits"):
        suffix = "tsv" if content == "votes" else "csv"
        return Input(
            content, {f"{stem}.{suffix}": _tabbed(random, table) if content == "votes" else _text(random, table)}
        )
    form = random.choice(_FORMS) if content == "ratings" else "text"
    if form == "text":
        return Input(f"{content}, text", {f"{stem}.{random.choice(('csv', 'tsv', 'txt'))}": _text(random, table)})
    data = blind(random, xls()) if form == "xls" else _spreadsheet(random, table, form)
    return Input(f"{content}, {form}", {f"{stem}.{form}": data})


def read(given: Input, folder: Path) -> None:
    """Read a table with every reader of its kind; strictly, and with a list of what is wrong.

    Raises:
        DatasetError: one of them refuses it.
        AssertionError: an answer is not what the reader promises.
    """
    (name, data), told = next(iter(given.files.items())), Refusals()
    content = given.kind.partition(",")[0]
    if content == "votes":
        _read_votes(folder, told)
    elif content == "credits":
        told.of(lambda: read_attribution(folder / "attribution.csv"))
    elif content == "labels":
        _strictly_and_not(told, lambda findings: sun_attributes.read(folder, findings=findings))
    elif content == "beauty":
        _check_photos(_strictly_and_not(told, lambda findings: oasis.read(folder, findings=findings)))
        told.of(lambda: oasis.public_pictures(folder))
    else:
        scale = RatingScale.between(1, 5)
        for given_scale in (None, scale):
            found = _strictly_and_not(told, lambda findings: read_ratings(data, name, findings, given_scale))  # noqa: B023
            _check_ratings(found)
        scores = told.of(lambda: read_scores(data, name, PHOTOS))
        if isinstance(scores, Scores):
            assert all(np.isfinite(list(scores.values())))
        for photo in PHOTOS[:3]:
            (folder / photo).write_bytes(b"")
        _check_photos(_strictly_and_not(told, lambda findings: own_folder.read(folder, findings=findings)))
        own_folder.LAYOUT.has_split(folder)
    told.end()


def _read_votes(folder: Path, told: Refusals) -> None:
    _strictly_and_not(told, lambda findings: read_votes(folder / "votes.tsv", findings))
    _check_photos(_strictly_and_not(told, lambda findings: scenicornot.read(folder, findings=findings)))
    told.of(lambda: every_vote(folder))


def _strictly_and_not(told: Refusals, reader: Callable[[list[Finding] | None], object]) -> Sequence[object]:
    """Return what a reader answers: strictly and, if it answers, with a list of findings."""
    findings: list[Finding] = []
    found = told.of(lambda: reader(None)), told.of(lambda: reader(findings))
    assert found[0] is None or (found[1] is not None and not findings), "strict reading finds less"
    for finding in findings:
        assert finding.detail and not unshown(f"{finding.detail}"), f"a finding holds {unshown(finding.detail)!r}"
    return found


def _check_ratings(found: Sequence[object]) -> None:
    for ratings in found:
        if isinstance(ratings, Ratings):
            assert len(ratings.names) == len(ratings.photos) == len(ratings.scores) == len(set(ratings.photos))
            assert all(ratings.names) and np.isfinite(ratings.scores).all()
            assert ratings.split is None or set(ratings.split) <= set(SPLITS)
            if ratings.scale is not None:
                assert ratings.scale.low < ratings.scale.high
                assert ((ratings.scores >= ratings.scale.low) & (ratings.scores <= ratings.scale.high)).all()


def _check_photos(found: Sequence[object]) -> None:
    for photos in found:
        if isinstance(photos, ScoredPhotos):
            assert len(photos.files) == len(photos.scores) == len(photos.split) == len(set(photos.files))
            assert not np.isinf(photos.scores).any()


PART = Part("tables", make, read)
