"""What a gallery of 30,000 photos costs compared with one of 300: `python -m benchmarks.gallery [ROWS] [--archive]`.

The large gallery has as many photos as the test split of ScenicOrNot, with similar votes, titles and authors, but no
pictures. Every step is timed alternately with both galleries in one run. The budget is one second each for opening and
for filters. With --archive, both are what `siam score` writes, the large one with 212,000 photos, as many as
ScenicOrNot has; the budget is then 2 seconds for opening and 0.2 for filters.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from streamlit.testing.v1 import AppTest

import siam
from benchmarks.measuring import paired, timed
from siam.archive import store as archive
from siam.archive.engines import Settings
from siam.archive.scoring import score_into
from siam.archive.sources import source_of
from siam.gallery.cases import Cases, Filters, read_cases
from siam.gallery.store import About, read
from siam.gallery.writing import Entry, write

ROWS, ARCHIVED, FEW, ROUNDS = 30_000, 212_000, 300, 5
SCORED = 64  # photos that are really scored; an archive repeats their rows, with places of their own
APP = Path(__file__).resolve().parent.parent / "app.py"
FILTERS = {
    "order by disagreement": (Filters(), "disagreement"),
    "order by crowd": (Filters(), "crowd: highest"),
    "baseline closer": (Filters(closer="baseline"), "disagreement"),
    "top cause": (Filters(cause="trees"), "disagreement"),
    "text": (Filters(text="loch"), "disagreement"),
    "all at once": (Filters("SIAM", "overestimated", (2.0, 8.0), "trees", None, "a", (1, 9, 1, 9)), "error of SIAM"),
}


def build(folder: Path, rows: int, pair: siam.Pair) -> None:
    """Write a gallery with made-up numbers for a pair."""
    random, config = np.random.default_rng(0), pair.siam.config
    count, middle = len(config.attributes), (config.scale.low + config.scale.high) / 2
    contributions = random.normal(0, 0.2, (rows, count)).astype(np.float32)
    places = ["loch", "field near", "road to", "view of", "church at"]
    entries = []
    for row in range(rows):
        votes = random.integers(1, 11, random.integers(3, 12)).tolist()
        siam_score = middle + float(contributions[row].sum())
        title = f"{places[row % len(places)]} place {row}"
        entries.append(
            Entry(
                str(row), siam_score, middle, contributions[row].tolist(), random.random(count).tolist(),
                crowd_mean=float(np.mean(votes)), crowd_sd=float(np.std(votes)), votes=votes, vote_count=len(votes),
                baseline=siam_score + float(random.normal(0, 0.5)), title=title, author=f"author {row % 997}",
                licence="CC BY-SA 2.0", link=f"https://example.org/{row}",
            )
        )  # fmt: skip
    folder.mkdir(parents=True)
    write(folder, About(pair.name, config.scale, config.attributes, "made up", "test", "today", "none", None), entries)


def build_archive(folder: Path, rows: int, pair: siam.Pair) -> None:
    """Write an archive of `rows` photos of noise, made of the rows of a few that are scored."""
    random, photos = np.random.default_rng(0), folder.parent.parent / "photos"
    if not photos.exists():
        photos.mkdir(parents=True)
        for number in range(SCORED):
            Image.fromarray(random.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(photos / f"{number}.jpg")
    score_into(pair, source_of(str(photos)), folder, Settings(engine="local"))
    (path,) = archive.files(folder)
    scored = pq.read_table(path)
    content = json.loads((folder / archive.WORK / "archive.json").read_text())
    for number, start in enumerate(range(0, rows, content["shard"])):
        places = np.arange(start, min(rows, start + content["shard"]))
        columns = {
            "row": pa.array(places, pa.int64()),
            "identifier": pa.array([f"{place}.jpg" for place in places]),
            "latitude": pa.array(random.uniform(50, 58, len(places))),
            "longitude": pa.array(random.uniform(-6, 1, len(places))),
        }
        table = scored.take(places % SCORED)
        for name, values in columns.items():
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
        pq.write_table(table, folder / archive.SCORES.format(number), compression="zstd")
    (folder / archive.WORK / "archive.json").write_text(json.dumps({**content, "photos": rows}))


def page(gallery: str, **parameters: str) -> AppTest:
    """Run the page Disagreements with a gallery, without a browser."""
    app = AppTest.from_file(APP, default_timeout=120)
    app.query_params["gallery"] = gallery
    for name, value in parameters.items():
        app.query_params[name] = value
    app.switch_page("pages/disagreements.py")
    app.run()
    assert not app.exception, app.exception[0].value
    assert gallery == app.selectbox(key="gallery").value
    return app


def main() -> None:
    """Print the median seconds of every step for both galleries, and their ratio."""
    parser = argparse.ArgumentParser(description="What a large gallery costs compared with one of 300 photos.")
    parser.add_argument("rows", nargs="?", type=int, metavar="ROWS", help="of the large one")
    parser.add_argument("--archive", action="store_true", help="galleries are what siam score writes")
    options = parser.parse_args()
    rows = options.rows or (ARCHIVED if options.archive else ROWS)
    make = build_archive if options.archive else build
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        pair = siam.load("photo", device="cpu")
        folders = [Path("galleries").absolute() / label for label in ("few", "many")]
        for folder, count in zip(folders, (FEW, rows), strict=True):
            make(folder, count, pair)
        print(f"{'step':<24}{FEW:>10,}{rows:>10,}{'ratio':>8}")
        cases = [read_cases(read(folder)) for folder in folders]
        _row("open", *(lambda folder=folder: read_cases(read(folder)) for folder in folders))
        for label, (filters, order) in FILTERS.items():
            _row(label, *(lambda case=case, f=filters, o=order: _filtered(case, f, o) for case in cases))
        for folder in folders:
            page(folder.name)
        _row("page, reload", *(lambda folder=folder: page(folder.name) for folder in folders))
        _row("page, top cause", *(lambda folder=folder: page(folder.name, cause="trees") for folder in folders))


def _filtered(cases: Cases, filters: Filters, order: str) -> None:
    cases.summary(cases.select(filters, order))


def _row(label: str, few: Callable[[], object], many: Callable[[], object]) -> None:
    pairs = paired(timed(many), timed(few), ROUNDS)
    taken = [statistics.median(of) for of in (pairs.theirs, pairs.ours)]
    print(f"{label:<24}{taken[0]:>8.3f} s{taken[1]:>8.3f} s{statistics.median(pairs.ratios):>8.1f}", flush=True)


if __name__ == "__main__":
    main()
