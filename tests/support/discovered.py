"""A gallery of 64 small photos that a tiny pair has scored, and that somebody rated; and a discovery made by hand."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np

from siam.discovery.candidates import Candidate, Discovery, Gain
from siam.discovery.cells import Cells
from siam.gallery.folder import Source, build
from siam.gallery.store import Gallery, read
from siam.taste.maps import Maps
from tests.archive.made import stored_pair, write_photos

COUNT = 64


def rated_gallery(base: Path) -> Path:
    """Put a pair into runs/tiny below a folder, photos into photos, and what the pair says of them into galleries/walk;
    return the latter.
    """
    pair = stored_pair(base / "runs" / "tiny")
    names = write_photos(base / "photos", COUNT)
    ratings = np.random.default_rng(0).uniform(1, 10, COUNT).round(1)
    rows = [f"{name},{rating}\n" for name, rating in zip(names, ratings, strict=True)]
    (base / "photos" / "ratings.csv").write_text("".join(["file,score (1 to 10)\n", *rows]))
    folder = base / "galleries" / "walk"
    build(pair, nullcontext(), Source("folder", base / "photos", "tiny"), folder)
    return folder


def by_hand(gallery: Gallery, amounts: dict[str, np.ndarray]) -> Discovery:
    """Return a discovery in a gallery, with a candidate for each amount (N,), whose maps are the same in all cells."""
    count, random = len(gallery), np.random.default_rng(1)
    names = tuple(gallery.photos["identifier"])
    maps = Maps(names, ("",) * count, random.random((count, 5, 4, 4)).astype(np.float16))
    cells = Cells(maps, *(random.random((count, 7, 7, channels)).astype(np.float16) for channels in (6, 6, 4)))
    candidates = tuple(
        Candidate(
            name, np.repeat(amount, 49).reshape(count, 7, 7).astype(np.float16), amount, -0.25 + place, 0.5,
            Gain(0.0123, -0.0004, 0.0251), Gain(0.02, 0.01, 0.03), random.normal(size=(7, 7)),
            (("still_water", 0.61),) if place else (), (("=sum", -0.42),) if place else (),
        )
        for place, (name, amount) in enumerate(amounts.items())
    )  # fmt: skip
    siam = gallery.photos["siam"].to_numpy(dtype=float)
    return Discovery(candidates, np.arange(count), cells, siam + random.normal(size=count), siam, True, 0.5, 0.181)


def read_gallery(base: Path) -> Gallery:
    """Return `rated_gallery`, read."""
    return read(rated_gallery(base))
