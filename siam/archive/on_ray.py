"""Runs the stages of an archive by Ray Data, on all cores and GPUs of a machine or cluster.

Ray decides what runs where, holds back what is too early, and runs again what a killed worker has lost. Workers that
read photos and those that hold networks are processes of their own.
"""

import logging
import os
import pickle
import socket
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from siam.archive.reading import Photo, Reader, decode, prepare
from siam.errors import EngineError
from siam.images.preprocessing import InputConfig
from siam.models.checkpoint import load

if TYPE_CHECKING:
    from siam.archive.engines import Settings

LISTED = 500_000  # photos that Ray knows of at a time, for which it takes some 250 MB
_SHARE = 0.75  # of a core, of each process that holds networks; the rest reads and decodes
_FEW = 8  # photos that are read, and without a GPU scored, at a time
_STORE_BYTES = 1_000_000_000  # of memory in which photos wait between processes of this machine
_PATIENCE = 10  # seconds until a cluster counts as unreachable
_REMEDY = "check --ray-address"


def scored(
    units: Iterator[pa.Table],
    image: str | None,
    folder: Path,
    configs: Sequence[InputConfig],
    settings: "Settings",
    batch: int,
) -> Generator[list[Photo], None, None]:
    """Yield the photos of all units with their scores, in any order.

    Args:
        units: rows of a listing, with "row".
        image: the column with the pictures, for photos in Parquet files.
        folder: of the networks, which each worker loads.
        configs: of the networks.
        settings: how to score.
        batch: photos that a GPU takes together.

    Raises:
        EngineError: Ray cannot be started.
    """
    ray, started = _started(settings.ray_address)
    try:
        from ray import data

        for name in ("ray.data", "ray.data._internal"):
            logging.getLogger(name).setLevel(logging.ERROR)
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        holders = gpus or max(1, int(resources.get("CPU", 1)))
        heavy: dict[str, Any] = {"num_gpus": 1} if gpus else {"num_cpus": _SHARE}
        light: dict[str, Any] = {"num_cpus": 1 if gpus else 1 - _SHARE}
        tables: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}
        for rows in _parts(units, LISTED):
            photos = data.from_arrow(rows)
            photos = photos.map_batches(partial(_read, image=image), **tables, **light)
            photos = photos.map_batches(partial(_decode, configs=configs, place=settings.place), **tables, **light)
            photos = photos.map_batches(partial(_prepare, configs=configs), **tables, **light)
            photos = photos.map_batches(
                _Worker,
                batch_size=batch if gpus else _FEW,
                batch_format="pyarrow",
                fn_constructor_kwargs={
                    "folder": str(folder),
                    "maps": settings.maps,
                    "features": settings.features,
                    "gpu": bool(gpus),
                },
                compute=data.ActorPoolStrategy(min_size=1, max_size=holders, initial_size=holders),
                **heavy,
            )
            for scores in photos.iter_batches(batch_size=None, batch_format="pyarrow"):
                yield list(_unpacked(scores))
    finally:
        if started:
            ray.shutdown()


def _parts(units: Iterable[pa.Table], most: int) -> Iterator[list[pa.Table]]:
    """Yield units in groups of some `most` photos, so that Ray need not know a whole archive at once."""
    group, count = list[pa.Table](), 0
    for unit in units:
        group.append(unit)
        count += len(unit)
        if count >= most:
            yield group
            group, count = [], 0
    if group:
        yield group


# Between its stages, Ray keeps photos in tables, whose columns must not change from photo to photo. So all that is
# known of a photo is one cell, and what weighs most, its file or its pixels, is another.

_TABLE = pa.schema({"facts": pa.binary(), "payload": pa.large_binary()})


def _packed(photos: Iterable[Photo]) -> pa.Table:
    facts, payloads = list[bytes](), list[bytes]()
    for photo in photos:
        name = next((name for name in ("content", "pixels") if name in photo), "")
        facts.append(pickle.dumps((name, {key: value for key, value in photo.items() if key != name})))
        payloads.append(photo.get(name, b""))
    return pa.table([facts, payloads], _TABLE)


def _unpacked(table: pa.Table) -> Iterator[Photo]:
    for packed, payload in zip(table["facts"], table["payload"], strict=True):
        name, facts = pickle.loads(packed.as_py())
        yield {**facts, name: payload.as_py()} if name else facts


@cache
def _reader() -> Reader:
    return Reader()  # one for each process, which keeps its connections


def _read(unit: pa.Table, image: str | None) -> Iterator[pa.Table]:
    photos = _reader()(unit, image)
    while some := list(islice(photos, _FEW)):
        yield _packed(some)


def _decode(photos: pa.Table, configs: Sequence[InputConfig], place: bool) -> pa.Table:
    return _packed(decode(photo, configs, place) for photo in _unpacked(photos))


def _prepare(photos: pa.Table, configs: Sequence[InputConfig]) -> pa.Table:
    return _packed(prepare(photo, configs) for photo in _unpacked(photos))


class _Worker:
    """A process of Ray that holds the networks."""

    def __init__(self, folder: str, maps: bool, features: bool, gpu: bool) -> None:
        import torch  # imported here, since workers that only read photos need not wait for it

        from siam.archive.networks import Networks

        torch.set_num_threads(1)
        self._networks = Networks(load(Path(folder), None if gpu else "cpu"), maps, features)

    def __call__(self, photos: pa.Table) -> pa.Table:
        """Return the photos of a batch with their scores."""
        return _packed(self._networks(_unpacked(photos)))


def _started(address: str | None) -> tuple[Any, bool]:
    """Return Ray, and whether it was started here: on this machine, or as part of a cluster.

    Raises:
        EngineError: it cannot be started.
    """
    if address is not None:
        _check(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would send statistics to its makers
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its own processes write to our stderr
    import ray

    if ray.is_initialized():
        return ray, False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    here: dict[str, Any] = {} if address else {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    try:
        ray.init(address=address or "local", **quiet, **here)
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise EngineError(f"Ray cannot be started at {address or 'this machine'} ({reason}): {_REMEDY}") from error
    return ray, True


def _check(address: str) -> None:
    """Raise an EngineError unless somebody answers at an address; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
        except OSError as error:
            raise EngineError(f"Ray does not answer at {address} ({error.strerror or error}): {_REMEDY}") from error
