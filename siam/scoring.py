"""Run a network over many photos: read ahead in threads, batched by size, with memory that does not grow."""

import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from siam.checkpoint import Pair
from siam.errors import ImageError
from siam.images import InputConfig, preprocess, read_image
from siam.inference import device_of
from siam.model import SIAM, Baseline, BaselineOutput, SIAMOutput

_ON_CPU, _ON_GPU = 1, 8  # photos at a time
_WAITING = 4  # batches of photos that may wait for others of their size

OnError = Callable[[int, ImageError], None]


class Together(nn.Module):
    """Both networks of a pair as one, so that each photo is read once: its output is (SIAM's, the baseline's).

    Attributes:
        siam: of the pair.
        baseline: of the pair.
        config: how photos are prepared, the same for both.
    """

    def __init__(self, siam: SIAM, baseline: Baseline) -> None:
        super().__init__()
        self.siam, self.baseline, self.config = siam, baseline, siam.config

    def forward(self, images: Tensor) -> tuple[SIAMOutput, BaselineOutput]:
        """Explain preprocessed images (N, 3, H, W)."""
        return self.siam(images), self.baseline(images)


def predict(
    network: SIAM | Baseline | Together,
    files: Sequence[Path],
    function: Callable[[Any], tuple[Tensor, ...]],
    *,
    batch_size: int | None = None,
    workers: int = 2,
    description: str | None = None,
    on_error: OnError | None = None,
) -> tuple[np.ndarray, ...]:
    """Return what `function` takes from the network's output, for all photos in the order of `files`.

    Photos of the same size at the network's input go through it together; results are those of one by one, up to
    rounding. No more than a few batches of pictures are in memory at a time, however many sizes there are.

    Args:
        network: in evaluation mode, on any device.
        files: (N,) photos.
        function: maps the network's output of n photos to tensors whose first axis is n.
        batch_size: photos at a time; by default 8 on a GPU, 1 on a CPU, whose caches several overrun.
        workers: threads that read and scale photos ahead.
        description: of the progress bar on stderr; None for none.
        on_error: told the place and the reason of each photo that cannot be read, which is then left out; None for an
            exception at the first one.

    Returns:
        An array (N, …) for each tensor, float32; rows of photos that were left out are NaN.

    Raises:
        ImageError: a photo cannot be read and `on_error` is None, or none of them can; or the network's input size
            leaves no cell inside the border of its maps.
        ValueError: there are no photos.
    """
    if not files:
        raise ValueError("there are no photos to score")
    device = device_of(network)
    size = batch_size or (_ON_CPU if device.type == "cpu" else _ON_GPU)
    found: tuple[np.ndarray, ...] = ()
    progress = tqdm(
        total=len(files), desc=description, unit="photo", file=sys.stderr, disable=description is None or None
    )
    with progress, torch.inference_mode():
        for places, images in _batches(network.config, files, size, workers, on_error):
            try:
                output = network(images.to(device))
            except ValueError as error:  # no cell is left inside the border
                raise ImageError(f"{files[places[0]]}: {error}") from error
            parts = [part.float().cpu().numpy() for part in function(output)]
            if not found:
                found = tuple(np.full((len(files), *part.shape[1:]), np.nan, dtype=np.float32) for part in parts)
            for column, part in zip(found, parts, strict=True):
                column[places] = part
            progress.update(len(places))
    if not found:
        raise ImageError(f"none of the {len(files)} photos can be read, the first of which is {files[0]}")
    return found


def predict_pair(
    pair: Pair, files: Sequence[Path], function: Callable[[SIAMOutput], tuple[Tensor, ...]], **settings: Any
) -> tuple[tuple[np.ndarray, ...], np.ndarray | None]:
    """Return what `function` takes from SIAM's output, and the baseline's scenicness (N,), None without a baseline.

    Where both networks take the same input, each photo is read once.

    Args:
        pair: the networks.
        files: (N,) photos.
        function: as in `predict`.
        settings: of `predict`: batch_size, workers, description, on_error.

    Raises:
        ImageError: as in `predict`.
        ValueError: there are no photos.
    """
    network, baseline = pair.siam, pair.baseline
    if baseline is None:
        return predict(network, files, function, **settings), None
    if _input_settings(network.config) == _input_settings(baseline.config):
        both = Together(network, baseline).eval()
        *found, scores = predict(both, files, lambda out: (*function(out[0]), out[1].scenicness), **settings)
        return tuple(found), scores
    found = predict(network, files, function, **settings)
    if settings.get("on_error") is not None:
        settings["on_error"] = lambda _place, _error: None  # it was told already
    (scores,) = predict(baseline, files, lambda output: (output.scenicness,), **settings)
    return found, scores


def _batches(
    config: InputConfig, files: Sequence[Path], batch_size: int, workers: int, on_error: OnError | None
) -> Iterator[tuple[list[int], Tensor]]:
    """Yield the places of some photos of one size, and their pictures (n, 3, H, W)."""
    waiting: dict[tuple[int, ...], list[tuple[int, Tensor]]] = defaultdict(list)
    count = 0
    for place, pixels in _read_ahead(config, files, batch_size, workers, on_error):
        size = tuple(pixels.shape[2:])
        waiting[size].append((place, pixels))
        count += 1
        if len(waiting[size]) < batch_size:
            if count < _WAITING * batch_size:
                continue
            size = max(waiting, key=lambda key: len(waiting[key]))  # too many sizes at once: the fullest group goes
        group = waiting.pop(size)
        count -= len(group)
        yield _stack(group)
    yield from map(_stack, waiting.values())


def _stack(group: Sequence[tuple[int, Tensor]]) -> tuple[list[int], Tensor]:
    return [place for place, _pixels in group], torch.cat([pixels for _place, pixels in group])


def _read_ahead(
    config: InputConfig, files: Sequence[Path], batch_size: int, workers: int, on_error: OnError | None
) -> Iterator[tuple[int, Tensor]]:
    """Yield each photo's place and its pixels (1, 3, H, W), in order, a few of them prepared ahead of time."""

    def prepare(path: Path) -> Tensor:
        return preprocess(read_image(path), config)

    remaining = enumerate(files)
    pool = ThreadPoolExecutor(max(1, workers))
    ahead: deque[tuple[int, Future[Tensor]]] = deque()
    try:
        ahead.extend(
            (place, pool.submit(prepare, path)) for place, path in islice(remaining, 2 * max(batch_size, workers))
        )
        while ahead:
            place, pixels = ahead.popleft()
            ahead.extend((next_place, pool.submit(prepare, path)) for next_place, path in islice(remaining, 1))
            try:
                prepared = pixels.result()
            except ImageError as error:
                if on_error is None:
                    raise
                on_error(place, error)
                continue
            del pixels  # the future keeps the picture as long as it lives itself
            yield place, prepared
    finally:  # also after an error, and where nobody asks for more
        pool.shutdown(wait=True, cancel_futures=True)


def _input_settings(config: InputConfig) -> tuple[object, ...]:
    return config.image_size, config.size_multiple, config.mean, config.std
