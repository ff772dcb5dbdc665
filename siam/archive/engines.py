"""What runs the stages of an archive: this process alone, or Ray Data (`siam.archive.on_ray`).

Both take the same units (`siam.archive.store.Archive.units`) and yield the same rows, in any order. Ray decides what
runs where, and runs again what a killed worker has lost.
"""

import importlib.util
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from siam.archive.reading import Photo, Reader, decode, prepare
from siam.archive.sources import Source
from siam.errors import EngineError
from siam.models.checkpoint import Pair
from siam.runtime.ahead import ahead
from siam.runtime.devices import device_of

ENGINES = ("ray", "local")
_UNITS = 16, 128  # photos that are passed on together, at least and at most
_BATCH = 32  # photos that a GPU takes together
_READERS = 4  # threads that read and prepare photos for a GPU


@dataclass(frozen=True)
class Settings:
    """How an archive is scored.

    Attributes:
        maps: whether to store attribute maps, too.
        place: whether to read from photos where they were taken.
        shard: of how many photos each file holds the scores.
        engine: "ray" or "local"; None takes Ray, if it is installed.
        ray_address: of a cluster of Ray; None for this machine.
        features: whether to store what *Discover* looks at, too, which takes twice the time.
    """

    maps: bool = False
    place: bool = True
    shard: int = 500
    engine: str | None = None
    ray_address: str | None = None
    features: bool = False

    def stored(self, source: Source) -> dict[str, Any]:
        """Return what must stay the same when work goes on."""
        named = {name: getattr(source, name) for name in ("image", "identifier", "latitude", "longitude")}
        further = {"features": True} if self.features else {}  # which older archives do not mention
        return {**named, "keep": list(source.keep), "maps": self.maps, "place": self.place, **further}


def chosen(name: str | None) -> str:
    """Return the engine that was asked for; by default Ray, if it is installed.

    Raises:
        EngineError: there is no such engine, or it is not installed.
    """
    there = importlib.util.find_spec("ray") is not None
    if name not in (None, *ENGINES):
        raise EngineError(f"there is no engine {name!r} for archives: choose {' or '.join(ENGINES)}")
    if name == "ray" and not there:
        raise EngineError("Ray is not installed: pip install -r requirements-ray.txt, or choose local")
    return name or ("ray" if there else "local")


def unit(photos: int) -> int:
    """Return how many photos of an archive to pass on together: more of a long one, as Ray takes time for each unit.

    Args:
        photos: that are to be scored.
    """
    least, most = _UNITS
    return min(max(photos // 128, least), most)


def run(
    pair: Pair, units: Iterator[pa.Table], source: Source, settings: Settings
) -> Generator[list[Photo], None, None]:
    """Yield the photos of all units with their scores, in any order.

    Args:
        pair: the networks.
        units: rows of the source's listing, with "row".
        source: of the photos.
        settings: how to score.

    Raises:
        EngineError: the engine is not there or cannot be started; or it is Ray, and the networks are not in files that
            its workers can load.
    """
    if chosen(settings.engine) == "local":
        return _here(pair, units, source, settings)
    from siam.archive.on_ray import scored

    if pair.files is None:
        raise EngineError(f"the networks {pair.name!r} were not loaded from files, which Ray's workers need: save them")
    return scored(units, source.image, pair.files.folder, pair.configs, settings, _BATCH)


def _here(
    pair: Pair, units: Iterator[pa.Table], source: Source, settings: Settings
) -> Generator[list[Photo], None, None]:
    from siam.archive.networks import Networks  # imported here, since it needs PyTorch
    from siam.explanation.batch import on_cores

    networks, configs = Networks(pair, settings.maps, settings.features), pair.configs

    def ready(photo: Photo) -> Photo:
        return prepare(decode(photo, configs, settings.place), configs)

    with Reader() as read:
        photos = (photo for unit in units for photo in read(unit, source.image))
        if device_of(pair.siam).type == "cpu":  # each core takes a photo from its file to its scores
            with closing(on_cores(lambda photo: networks([ready(photo)]), photos)) as done:
                yield from (future.result() for future in done)
            return
        with closing(ahead(ready, photos, ThreadPoolExecutor(_READERS), 2 * _BATCH)) as prepared:
            remaining = (future.result() for future in prepared)
            while batch := list(islice(remaining, _BATCH)):
                yield networks(batch)
