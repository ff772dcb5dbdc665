"""How candidates of an archive's photos are found when no memory would hold what they show.

The features of the bundled scenes, mirrored and with noise of their own for each photo, are stored as `siam score
--features` stores them, with scores to match. Candidates of the first photos, and of all, are then looked for in
processes of their own, which tells whether memory grows.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

import siam
from benchmarks.measuring import in_its_own_process, peak
from siam.archive import Settings, source_of, store
from siam.archive.reading import Photo
from siam.discovery import candidates
from siam.discovery.candidates import Scores
from siam.discovery.cells import Cells
from siam.discovery.gallery import scores_of
from siam.discovery.stored import stored
from siam.gallery.store import read
from siam.models.checkpoint import Pair
from siam.taste.maps import Maps

NOISE, ERROR = 0.1, 0.05  # of each channel of a photo; of scores, in points
_SCORES = "archive"


def varied(seen: Cells, numbers: np.ndarray, random: np.random.Generator) -> Cells:
    """Return the cells of photos (n,) made of fewer: every other time mirrored, each channel with noise of its own."""
    places, mirrored = numbers % len(seen), numbers // len(seen) % 2 == 1

    def changed(values: np.ndarray) -> np.ndarray:
        taken = values[places]
        taken[mirrored] = taken[mirrored][:, :, ::-1]
        noise = 1 + NOISE * random.standard_normal((len(numbers), 1, 1, values.shape[3]), dtype=np.float32)
        return (taken * noise).astype(np.float16)

    maps = Maps(tuple(map(str, numbers)), ("",) * len(numbers), seen.maps.pooled[places])
    return Cells(maps, changed(seen.siam), changed(seen.baseline), changed(seen.light))


def streamed(pair: Pair, seen: Cells, scores: Scores, few: int, many: int, folder: Path) -> list[dict[str, Any]]:
    """Store the features of many photos in a new folder, and return what candidates of few, and of all, take."""
    write(pair, seen, scores, many, folder)
    return [in_its_own_process(_discovered, folder, count) for count in (few, many)]


def write(pair: Pair, seen: Cells, scores: Scores, count: int, folder: Path) -> None:
    """Write an archive of photos that are made of fewer (`varied`), without pictures."""
    folder.mkdir(parents=True)
    pd.DataFrame({"file": [f"{number:06d}.jpg" for number in range(count)]}).to_csv(folder / "photos.csv", index=False)
    source, settings = source_of(str(folder / "photos.csv")), Settings(features=True)
    about = store.of_pair(pair, source, settings.shard, settings.stored(source))
    archive = store.begin(folder / _SCORES, about, source)
    random = np.random.default_rng(0)
    for start in tqdm(range(0, count, settings.shard), desc="writing", unit="file"):
        numbers = np.arange(start, min(start + settings.shard, count))
        archive.add(list(_photos(varied(seen, numbers, random), scores, numbers, random)))


def _photos(cells: Cells, scores: Scores, numbers: np.ndarray, random: np.random.Generator) -> Iterator[Photo]:
    places, none = numbers % len(scores.siam), [0.0] * cells.maps.pooled.shape[1]
    siam, baseline = (of[places] + ERROR * random.standard_normal(len(places)) for of in (scores.siam, scores.baseline))
    parts = {"maps": cells.maps.pooled, "siam": cells.siam, "baseline": cells.baseline, "light": cells.light}
    for row, number in enumerate(numbers.tolist()):
        name = f"{number:06d}.jpg"
        yield {
            "row": number, "identifier": name, "location": name, "sha256": "", "siam": siam[row],
            "baseline": baseline[row], "bias": 0.0, "contributions": none, "presence": none, "causes": ["none"],
            "features": {part: of[row].astype("<f2").tobytes() for part, of in parts.items()},
        }  # fmt: skip


def _discovered(folder: Path, count: int) -> dict[str, Any]:
    """Look for candidates of an archive's first photos; return how long that took, and how large this process got."""
    pair, gallery = siam.load("rendered", device="cpu"), read(folder / _SCORES)
    rows = np.arange(count)
    begun, worked = time.perf_counter(), time.process_time()
    with tqdm(total=1.0, desc=f"{count:,} photos", bar_format="{desc}: {percentage:3.0f}% |{bar}|") as bar:
        seen = stored(pair, gallery, rows)
        assert seen is not None
        found = candidates.discover(seen, scores_of(gallery, rows), pair.config.attributes, rows, progress=_moves(bar))
    return {
        "photos": len(found.photos.rows),
        "shown": len(found.rows),
        "seconds": time.perf_counter() - begun,
        "processor_seconds": time.process_time() - worked,
        "gib": peak() / 1024,
    }


def _moves(bar: Any) -> Callable[[float, str], object]:
    return lambda share, _text: bar.update(share - bar.n)
