"""Run a network over many photos: read ahead in threads, batched by size, in bounded memory."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from siam.errors import ImageError
from siam.images.photos import Photo, as_photo
from siam.images.preprocessing import InputConfig, input_settings, least_side, preprocess
from siam.images.reading import read_image
from siam.models.backbones import features_of_both
from siam.models.baseline import Baseline, BaselineOutput
from siam.models.checkpoint import Pair
from siam.models.engine import computed
from siam.models.siam import SIAM, SIAMOutput
from siam.runtime.ahead import Futures, ahead
from siam.runtime.devices import device_of

_ON_GPU = 8  # photos at a time
_WAITING = 4  # batches of photos that may wait for more of the same size

OnError = Callable[[int, ImageError], None]
_Results = Iterator[tuple[list[int], list[np.ndarray]]]
_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


class _NoCellError(ImageError):
    """The network takes no photo of that shape, whatever its content, so there is no point in trying the others."""


class Looking(nn.Module):
    """Networks put together for one purpose; `config` says how photos are prepared for them."""

    config: InputConfig


class Together(Looking):
    """Both networks of a pair as one, so that each photo is read once; the output is (SIAM's, the baseline's).

    Attributes:
        siam: the pair's SIAM.
        baseline: the pair's baseline.
        config: how photos are prepared, the same for both.
    """

    def __init__(self, siam: SIAM, baseline: Baseline) -> None:
        super().__init__()
        self.siam, self.baseline, self.config = siam, baseline, siam.config

    def forward(self, images: Tensor) -> tuple[SIAMOutput, BaselineOutput]:
        """Return both networks' outputs for preprocessed images (N, 3, H, W)."""
        ready = computed([self.siam, self.baseline], images)
        if ready is not None:
            return self.siam.interpret_layer(*ready[0]), self.baseline.interpret_layer(ready[1][0])
        features, others = features_of_both(self.siam.backbone, self.baseline.backbone, images)
        return self.siam.interpret(features), self.baseline.interpret(others)


_Network = SIAM | Baseline | Looking


def predict(
    network: _Network,
    files: Sequence[Photo],
    function: Callable[[Any], tuple[Tensor, ...]],
    *,
    batch_size: int | None = None,
    workers: int = 2,
    description: str | None = None,
    on_error: OnError | None = None,
) -> tuple[np.ndarray, ...]:
    """Return what `function` takes from the network's output, for all photos in the order of `files`.

    Photos of the same input size go through the network together; up to rounding, the results are the same as one by
    one. Only a few batches of pictures are in memory at a time, however many sizes there are.

    Args:
        network: in evaluation mode, on any device.
        files: (N,) photos: paths, or in any other form that `siam.images.as_photo` takes.
        function: maps the network's output of n photos to tensors whose first axis is n.
        batch_size: photos at a time; by default 8 on a GPU. On a CPU, where batches overrun the caches, by default
            each core takes one photo from the file to the result.
        workers: threads that read and scale photos ahead of the batches.
        description: of the progress bar on stderr; None for no bar.
        on_error: called with the index and the error of each photo that cannot be read, which is then skipped; None
            raises the first error.

    Returns:
        A float32 array (N, …) for each tensor; rows of skipped photos are NaN.

    Raises:
        ImageError: a photo cannot be read and `on_error` is None, or no photo can be read; or the network's input size
            leaves no cell inside the border of its maps.
        TypeError: `files` is one photo, not a list.
        ValueError: there are no photos.
    """
    _check_list(files)
    if batch_size is None and device_of(network).type == "cpu":
        results = _on_cores(network, files, function, on_error)
    else:
        results = _in_batches(network, files, function, batch_size or _ON_GPU, workers, on_error)
    columns: tuple[np.ndarray, ...] = ()
    progress = tqdm(
        total=len(files), desc=description, unit="photo", file=sys.stderr, disable=description is None or None
    )
    with progress:
        for places, parts in results:
            if not columns:
                columns = tuple(np.full((len(files), *part.shape[1:]), np.nan, dtype=np.float32) for part in parts)
            for column, part in zip(columns, parts, strict=True):
                column[places] = part
            progress.update(len(places))
    if not columns:
        raise ImageError(f"none of the {len(files)} photos can be read; the first is {_name(files[0])}")
    return columns


def predict_pair(
    pair: Pair, files: Sequence[Photo], function: Callable[[SIAMOutput], tuple[Tensor, ...]], **settings: Any
) -> tuple[tuple[np.ndarray, ...], np.ndarray | None]:
    """Return what `function` takes from SIAM's output, and the baseline's scores (N,), None without a baseline.

    If both networks take the same input, each photo is read once.

    Args:
        pair: the networks.
        files: (N,) photos: paths, or in any other form that `siam.images.as_photo` takes.
        function: as in `predict`.
        settings: of `predict`: batch_size, workers, description, on_error.

    Raises:
        ImageError: as in `predict`.
        ValueError: there are no photos.
    """
    network, baseline = pair.siam, pair.baseline
    if baseline is None:
        return predict(network, files, function, **settings), None
    if input_settings(network.config) == input_settings(baseline.config):
        both = Together(network, baseline).eval()
        *columns, scores = predict(both, files, lambda out: (*function(out[0]), out[1].scenicness), **settings)
        return tuple(columns), scores
    columns = predict(network, files, function, **settings)
    if settings.get("on_error") is not None:
        settings["on_error"] = lambda _place, _error: None  # already reported
    (scores,) = predict(baseline, files, lambda output: (output.scenicness,), **settings)
    return columns, scores


def _check_list(files: Sequence[Photo]) -> None:
    if isinstance(files, str | Path | bytes | Image.Image | np.ndarray):
        raise TypeError(f"expected a list of photos, not one {type(files).__name__}: put it into a list, [photo]")
    if not len(files):
        raise ValueError("there are no photos to score")


def _name(photo: Photo) -> str:
    return str(photo) if isinstance(photo, str | Path) else f"a photo given as {type(photo).__name__}"


def _on_cores(
    network: _Network, files: Sequence[Photo], function: Callable[[Any], tuple[Tensor, ...]], on_error: OnError | None
) -> _Results:
    """Yield each photo's index and results; each of PyTorch's threads takes one photo at a time on one core."""

    def whole(photo: Photo) -> list[np.ndarray]:
        with torch.inference_mode():
            return _parts(network, _pixels(photo, network.config), photo, function)

    for place, parts in _unless_refused(on_cores(whole, files), on_error):
        yield [place], parts


def _in_batches(
    network: _Network,
    files: Sequence[Photo],
    function: Callable[[Any], tuple[Tensor, ...]],
    batch_size: int,
    workers: int,
    on_error: OnError | None,
) -> _Results:
    """Yield the indices of some photos and their results."""
    device = device_of(network)
    for places, images in _batches(network.config, files, batch_size, workers, on_error):
        with torch.inference_mode():
            parts = _parts(network, images.to(device), files[places[0]], function)
        yield places, parts


def _parts(
    network: _Network, images: Tensor, photo: Photo, function: Callable[[Any], tuple[Tensor, ...]]
) -> list[np.ndarray]:
    try:
        output = network(images)
    except ValueError as error:  # no cell is left inside the border
        raise _NoCellError(f"{_name(photo)}: {error}") from error
    return [part.float().cpu().numpy() for part in function(output)]


def _batches(
    config: InputConfig, files: Sequence[Photo], batch_size: int, workers: int, on_error: OnError | None
) -> Iterator[tuple[list[int], Tensor]]:
    """Yield the indices of some photos of one size, and their pictures (n, 3, H, W)."""
    waiting: dict[tuple[int, ...], list[tuple[int, Tensor]]] = defaultdict(list)
    count = 0
    most = 2 * max(batch_size, workers)
    ready = ahead(lambda photo: _pixels(photo, config), files, ThreadPoolExecutor(max(1, workers)), most)
    for place, pixels in _unless_refused(ready, on_error):
        size = tuple(pixels.shape[2:])
        waiting[size].append((place, pixels))
        count += 1
        if len(waiting[size]) < batch_size:
            if count < _WAITING * batch_size:
                continue
            size = max(waiting, key=lambda key: len(waiting[key]))  # too many sizes at once: send the fullest group
        group = waiting.pop(size)
        count -= len(group)
        yield _stack(group)
    yield from map(_stack, waiting.values())


def _pixels(photo: Photo, config: InputConfig) -> Tensor:
    is_file = isinstance(photo, str | Path | bytes)
    return preprocess(read_image(photo, least=least_side(config)) if is_file else as_photo(photo), config)


def _stack(group: Sequence[tuple[int, Tensor]]) -> tuple[list[int], Tensor]:
    return [place for place, _pixels in group], torch.cat([pixels for _place, pixels in group])


def _unless_refused(done: Futures[_Done], on_error: OnError | None) -> Iterator[tuple[int, _Done]]:
    """Yield the index and the result of each photo that can be read."""
    with closing(done):
        for place, future in enumerate(done):
            try:
                result = future.result()
            except _NoCellError:
                raise
            except ImageError as error:
                if on_error is None:
                    raise
                on_error(place, error)
                continue
            del future  # it would keep the picture alive
            yield place, result


def on_cores(work: Callable[[_Item], _Done], items: Iterable[_Item]) -> Futures[_Done]:
    """Yield what `work` makes of each item, in order; each of PyTorch's threads takes one at a time, on one core."""
    threads = torch.get_num_threads()
    try:
        pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
        yield from ahead(work, items, pool, 2 * threads)
    finally:
        torch.set_num_threads(threads)  # a thread's own setting becomes the default for new threads
