"""The files that the project writes, as they may come back from others: pairs, galleries, results, tables of values."""

import gzip
import json
import struct
import tempfile
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from siam.comparison import values
from siam.comparison.records import FIGURES
from siam.evaluation import stored
from siam.gallery import store
from siam.gallery.cases import Filters, read_cases
from siam.gallery.table import csv_text
from siam.models import checkpoint
from siam.models.checkpoint import CARD, Pair
from siam.results import explainers, outlines, paper, scores, speed, truths
from tests.fuzz.inputs import Input, Part, Refusals
from tests.fuzz.mutations import ODD_TEXTS, blind, odd_json, odd_value
from tests.support.networks import baseline_network, siam_network

_SHARES = {"card": 5, "safetensors": 2, "gallery": 8, "result": 6, "speed": 2, "values": 3}


@lru_cache(maxsize=1)
def _pair() -> dict[str, bytes]:
    """Return the files of a small pair."""
    pair = Pair(
        "small", siam_network(2), baseline_network(), {"summary": "words", "attributes": {}}, torch.ones(3, 2, 4, 4)
    )
    entry = {"positives": 20, "test_positives": 5, "test_photos": 50, "average_precision": 0.5, "interval": [0.3, 0.7]}
    pair.card["attributes"]["attribute_0"] = {**entry, "chance": 0.1, "belief": "roughly"}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(pair, Path(folder), half=True)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _odd_pair(random: Random) -> Input:
    return Input("card", {CARD: odd_json(random, _pair()[CARD].decode()), **_without(CARD)})


def _odd_tensors(random: Random) -> Input:
    """Return a pair of which one file of tensors has another header, other bytes, or is missing."""
    name = random.choice([name for name in _pair() if name != CARD])
    data = _pair()[name]
    (length,) = struct.unpack_from("<Q", data)
    header, tensors = data[8 : 8 + length], data[8 + length :]
    match random.randrange(4):
        case 0:
            data = blind(random, data)
        case 1:
            data = data[:8] + blind(random, header) + tensors
        case 2:
            data = struct.pack("<Q", random.choice((0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1))) + data[8:]
        case _:
            header = odd_json(random, header.decode())
            data = struct.pack("<Q", len(header)) + header + tensors
    return Input("safetensors", {name: data, **_without(name)})


def _without(name: str) -> dict[str, bytes]:
    return {other: content for other, content in _pair().items() if other != name}


_ABOUT = {
    "format": 1, "model": "small", "scale": {"name": "beauty", "low": 1, "high": 7},
    "attributes": ["trees", "still_water"],
    "data": "own photos", "split": "all", "date": "2026-01-02", "command": "siam evaluate", "git_commit": None,
    "crowd_scale": {"name": "beauty", "low": 1, "high": 5}, "crowd_scale_known": True,
}  # fmt: skip


def _rows() -> list[dict[str, Any]]:
    truth = {"place": "a_lake", "verdict": "misread: trees", "mask": "masks/1.png", "sets": [["trees"]]}
    rated = {"crowd_mean": 4.5, "crowd_sd": 1.0, "votes": [4, 5], "vote_count": 2, "truth": json.dumps(truth)}
    rated |= {
        "author": "A",
        "title": "T",
        "licence": "CC0",
        "link": "https://example.org",
        "source": "s",
        "file": "a.jpg",
    }
    return [
        {"identifier": str(number), "image": f"images/{number}.jpg", "sha256": "a" * 64, "siam": 5.0, "baseline": 4.0,
         "bias": 4.5, "contributions": [1.0, -0.5], "presence": [0.9, 0.1], "biggest_cause": "trees",
         **(rated if number % 2 else {})}
        for number in range(4)
    ]  # fmt: skip


def _parquet(table: pa.Table, about: bytes) -> bytes:
    file = BytesIO()
    pq.write_table(table.replace_schema_metadata({store.KEY: about}), file)
    return file.getvalue()


def _odd_gallery(random: Random) -> Input:
    """Return a gallery with another description, other columns, cells or bytes."""
    about, table = json.dumps(_ABOUT).encode(), pa.Table.from_pylist(_rows(), store.SCHEMA)
    match random.randrange(6):
        case 0:
            return Input("gallery", {store.FILE: blind(random, _parquet(table, about))})
        case 1 | 2:
            about = odd_json(random, json.dumps(_ABOUT))
        case 3:
            table = _odd_columns(random, table)
        case _:
            table = _odd_cells(random)
    return Input("gallery", {store.FILE: _parquet(table, about)})


def _odd_columns(random: Random, table: pa.Table) -> pa.Table:
    place = random.randrange(table.num_columns)
    column = table.schema.field(place)
    match random.randrange(5):
        case 0:
            return table.drop_columns([column.name])
        case 1:
            return table.rename_columns(
                [random.choice((*ODD_TEXTS, "siam")) if name == column.name else name for name in table.column_names]
            )
        case 2:
            return table.append_column(column, table.column(place))
        case 3:
            return table.slice(0, random.choice((0, 1)))
        case _:  # text that is not UTF-8
            length = len(table)
            broken = pa.StringArray.from_buffers(
                length,
                pa.py_buffer(np.arange(0, 2 * length + 1, 2, dtype=np.int32)),
                pa.py_buffer(b"\xff\xfe" * length),
            )
            return table.set_column(place, pa.field(column.name, pa.string()), broken)


def _odd_cells(random: Random) -> pa.Table:
    """Return a table with other values, as far as their columns can hold them."""
    rows, schema = _rows(), pa.schema([field.with_nullable(True) for field in store.SCHEMA])
    for _ in range(random.choice((1, 1, 2, 4))):
        row, name = random.choice(rows), random.choice(schema.names)
        row[name] = odd_value(random)
        if name == "truth" and random.random() < 0.7:
            row[name] = odd_json(random, _rows()[1]["truth"]).decode("utf-8", "replace")
        elif name == "image":
            row[name] = random.choice(
                ("../x.jpg", "/etc/passwd", "a/../../x.jpg", "http://x", "a.jpg", "a" * 300, "C:x", *ODD_TEXTS)
            )
        elif name in ("contributions", "presence"):
            row[name] = random.choice(([], [1.0], [1.0, None], [float("nan"), 1.0], [1e300, 1.0], [1.0] * 3, row[name]))
        elif schema.field(name).type == pa.float32():
            row[name] = random.choice((float("nan"), float("inf"), -1e30, 0.0, None, 1e38))
        try:
            pa.Table.from_pylist(rows, schema)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            row[name] = None
    return pa.Table.from_pylist(rows, schema)


@lru_cache(maxsize=1)
def _results() -> dict[str, tuple[str, ...]]:
    """Return stored results as text: of networks and explainers, and of speed."""
    of_speed = tuple(path.read_text(encoding="utf-8") for path in speed.paths())
    return {
        "result": tuple(path.read_text(encoding="utf-8") for path in stored.paths(stored.STORED)),
        "speed": of_speed,
    }


@lru_cache(maxsize=1)
def _values() -> bytes:
    """Return the first rows of a table of values, unpacked."""
    with gzip.open(sorted(stored.STORED.glob("*.csv.gz"))[0]) as file:
        return b"".join(file.readline() for _ in range(6))


def _odd_values(random: Random) -> Input:
    action = random.random()
    if action < 0.3:
        return Input("values", {"values.csv.gz": blind(random, gzip.compress(_values(), mtime=0))})
    if action < 0.6:
        return Input("values", {"values.csv.gz": gzip.compress(blind(random, _values()), mtime=0)})
    lines = [line.split(",") for line in _values().decode().splitlines()]
    for _ in range(random.choice((1, 2))):
        line = random.choice(lines)
        line[random.randrange(len(line))] = random.choice(ODD_TEXTS)
    text = "\n".join(",".join(line) for line in lines) + "\n"
    return Input("values", {"values.csv.gz": gzip.compress(text.encode(), mtime=0)})


def _odd_result(kind: str) -> Callable[[Random], Input]:
    return lambda random: Input(kind, {f"{kind}.json": odd_json(random, random.choice(_results()[kind]))})


_MAKERS: dict[str, Callable[[Random], Input]] = {
    "card": _odd_pair, "safetensors": _odd_tensors, "gallery": _odd_gallery, "result": _odd_result("result"),
    "speed": _odd_result("speed"), "values": _odd_values,
}  # fmt: skip


def make(random: Random) -> Input:
    """Return a file that the project writes, with something wrong."""
    return _MAKERS[random.choices(list(_SHARES), list(_SHARES.values()))[0]](random)


def read(given: Input, folder: Path) -> None:
    """Read a file, and show what it holds as pages and commands do.

    Raises:
        SIAMError: it is refused.
        AssertionError: an answer is not what the reader promises.
    """
    told = Refusals()
    _READERS[given.kind](folder, told)
    told.end()


def _read_pair(folder: Path, told: Refusals) -> None:
    pair = checkpoint.load(folder, "cpu", engine="pytorch")
    assert repr(pair) and all(torch.isfinite(of).all() for of in pair.siam.state_dict().values())
    assert pair.recognition.keys() <= set(pair.config.attributes)
    checkpoint.files(pair.card, folder)


def _read_gallery(folder: Path, told: Refusals) -> None:
    peeked, gallery = told.of(lambda: store.peek(folder)), told.of(lambda: store.read(folder))
    if not isinstance(gallery, store.Gallery):
        return
    assert peeked == (gallery.about, len(gallery)) and repr(gallery)
    cases = read_cases(gallery)
    for row in range(len(gallery)):
        picture = gallery.picture(row)
        assert picture is None or folder.resolve() in picture.resolve().parents, picture
        gallery.facts(row), cases.case(row), cases.causes(row)
        Refusals().of(lambda: gallery.masks(row))  # noqa: B023 - there are none
    rows = np.arange(len(gallery))
    for order in cases.orders():
        rows = cases.select(Filters(text="a"), order)
    cases.summary(rows)
    assert csv_text(cases, rows).count("\n") >= len(rows)


def _read_result(folder: Path, told: Refusals) -> None:
    result = stored.read(folder / "result.json")
    content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(result.to_json(), allow_nan=False)) == content, "it is not what the file holds"
    for shown in (
        lambda: (paper.text([result]), paper.markdown([result])),
        lambda: (explainers.tables([result]), explainers.tables([result], markdown=True)),
        lambda: (truths.truth_tables([result]), truths.presences(result)),
        lambda: scores.precisions(result),
        lambda: (outlines.of_pair([result], result.model), outlines.segmenter([result], result.model)),
    ):
        told.of(shown)


def _read_speed(folder: Path, told: Refusals) -> None:
    figures = speed.read(folder / "speed.json")
    assert speed.markdown([figures])


def _read_values(folder: Path, told: Refusals) -> None:
    for record in values.read(folder / "values.csv.gz"):
        for name in FIGURES:
            assert record[name] is None or np.isfinite(record[name]), (name, record[name])


_READERS: dict[str, Callable[[Path, Refusals], None]] = {
    "card": _read_pair, "safetensors": _read_pair, "gallery": _read_gallery, "result": _read_result,
    "speed": _read_speed,
    "values": _read_values,
}  # fmt: skip


def _prepare() -> None:
    torch.set_num_threads(1)
    _pair(), _results(), _values()


PART = Part("files", make, read, prepare=_prepare)
