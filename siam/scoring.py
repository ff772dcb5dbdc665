"""Run a network over many photos: read ahead in threads, batched by size, with memory that does not grow."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from siam.images import preprocess, read_image
from siam.inference import device_of
from siam.model import SIAM, Baseline

_WAITING = 4  # batches of photos that may wait for others of their size


def predict(
    network: SIAM | Baseline,
    files: Sequence[Path],
    function: Callable[[Any], tuple[Tensor, ...]],
    *,
    batch_size: int = 8,
    workers: int = 2,
    description: str | None = None,
) -> tuple[np.ndarray, ...]:
    """Return what `function` takes from the network's output, for all photos in the order of `files`.

    Photos of the same size at the network's input go through it together; results are those of one by one, up to
    rounding. No more than a few batches of pictures are in memory at a time.

    Args:
        network: in evaluation mode, on any device.
        files: (N,) photos.
        function: maps the network's output of n photos to tensors whose first axis is n.
        batch_size: photos at a time.
        workers: threads that read and scale photos ahead.
        description: of the progress bar on stderr; None for none.

    Raises:
        ImageError: a photo cannot be read.
        ValueError: there are no photos.
    """
    if not files:
        raise ValueError("there are no photos to score")
    found: list[tuple[np.ndarray, ...] | None] = [None] * len(files)
    progress = tqdm(total=len(files), desc=description, unit="photo", file=sys.stderr, disable=description is None)
    with progress, torch.inference_mode():
        for places, images in _batches(network, files, batch_size, workers):
            outputs = [part.float().cpu().numpy() for part in function(network(images.to(device_of(network))))]
            for row, place in enumerate(places):
                found[place] = tuple(part[row] for part in outputs)
            progress.update(len(places))
    return tuple(np.stack(column) for column in zip(*(row for row in found if row is not None), strict=True))


def _batches(
    network: SIAM | Baseline, files: Sequence[Path], batch_size: int, workers: int
) -> Iterator[tuple[list[int], Tensor]]:
    """Yield the places of some photos of one size, and their pictures (n, 3, H, W)."""
    waiting: dict[tuple[int, ...], list[tuple[int, Tensor]]] = defaultdict(list)
    for place, pixels in _read_ahead(network, files, batch_size, workers):
        group = waiting[tuple(pixels.shape[2:])]
        group.append((place, pixels))
        if len(group) < batch_size:
            if sum(map(len, waiting.values())) < _WAITING * batch_size:
                continue
            group = max(waiting.values(), key=len)  # too many sizes at once: the fullest group goes as it is
        yield [place for place, _pixels in group], torch.cat([pixels for _place, pixels in group])
        group.clear()
    for group in waiting.values():
        if group:
            yield [place for place, _pixels in group], torch.cat([pixels for _place, pixels in group])


def _read_ahead(
    network: SIAM | Baseline, files: Sequence[Path], batch_size: int, workers: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield each photo's place and its pixels (1, 3, H, W), in order, a few of them prepared ahead of time."""

    def prepare(path: Path) -> Tensor:
        return preprocess(read_image(path), network.config)

    remaining = iter(enumerate(files))
    with ThreadPoolExecutor(max(1, workers)) as pool:
        ahead: list[tuple[int, Future[Tensor]]] = [
            (place, pool.submit(prepare, path)) for place, path in islice(remaining, 2 * batch_size)
        ]
        try:
            while ahead:
                place, pixels = ahead.pop(0)
                yield place, pixels.result()
                ahead += [(place, pool.submit(prepare, path)) for place, path in islice(remaining, 1)]
        finally:
            for _place, pixels in ahead:
                pixels.cancel()
