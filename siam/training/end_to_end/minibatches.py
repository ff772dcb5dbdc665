"""Minibatches that depend only on the number of their step, so that training can stop and resume anywhere.

Photos of each kind come in random order, each of them once before any comes again. Step s takes the photos at the
places s n … (s + 1) n - 1 of that order, and each place has its own random view. With P processes, each takes every
P-th photo of the same minibatch, so together they see what one process would.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from siam.errors import SIAMError, TrainingError, WorkerError
from siam.images.preprocessing import InputConfig, normalise
from siam.images.reading import read_image
from siam.runtime.reprs import brief
from siam.training.end_to_end.augmentation import Augmentation

_REGION_CELL = 16  # px: side of the cells in which regions are given

Minibatch = dict[str, dict[str, Tensor]]


@dataclass(frozen=True, eq=False)
class Source:
    """One kind of photos to train on.

    Attributes:
        files: (N,) paths.
        values: name → (N, …) float32, what is known about each photo, such as "labels" (N, K) or "scores" (N,).
        batch: photos of this kind per minibatch, over all processes.
        masks: reads the masks of a photo, returned as by `datasets.rendered.truth.read_sets`; if not None, minibatches
            hold "regions" (n, K, s, s), the share of each cell of the view that an attribute covers.
    """

    files: tuple[Path, ...]
    values: Mapping[str, np.ndarray]
    batch: int
    masks: Callable[[Path], tuple[Image.Image, np.ndarray]] | None = None

    __repr__ = brief


class Minibatches(Dataset[Minibatch]):
    """Minibatch s, for each step s: kind → {"images": (n, 3, H, W), and the source's values}."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        augmentation: Augmentation,
        config: InputConfig,
        seed: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        for kind, source in sources.items():
            if len(source.files) == 0:
                raise ValueError(f"there are no {kind} photos to train on")
            if source.batch % processes != 0:
                raise TrainingError(
                    f"{source.batch} {kind} photos in a minibatch cannot be shared evenly by {processes} processes: "
                    "change the batch in the recipe"
                )
        self.sources = sources
        self.augmentation = augmentation
        self.config = config
        self.seed = seed
        self.process, self.processes = process, processes

    def places(self, step: int, kind: str) -> np.ndarray:
        """Return the places in the endless random order that this process uses at a step."""
        batch = self.sources[kind].batch
        return np.arange(step * batch + self.process, (step + 1) * batch, self.processes)

    def photo_at(self, place: int, kind: str) -> int:
        """Return the index of the photo at a place in the endless random order."""
        count = len(self.sources[kind].files)
        return int(_order(self.seed, _number(kind), place // count, count)[place % count])

    def __getitem__(self, step: int) -> Minibatch:
        return {kind: self._of_kind(step, kind, source) for kind, source in self.sources.items()}

    def _of_kind(self, step: int, kind: str, source: Source) -> dict[str, Tensor]:
        photos, images, regions = [], [], []
        for place in self.places(step, kind):
            photo = self.photo_at(int(place), kind)
            seed = [self.seed, _number(kind), 1, int(place)]
            path = source.files[photo]
            view = self.augmentation(read_image(path), np.random.default_rng(seed))
            images.append(normalise(view, self.config))
            photos.append(photo)
            if source.masks is not None:
                index, member = source.masks(path)
                same = self.augmentation(index, np.random.default_rng(seed), Image.Resampling.NEAREST)
                regions.append(_shares(same, member))
        values = {name: torch.from_numpy(known[photos]) for name, known in source.values.items()}
        if regions:
            values["regions"] = torch.stack(regions)
        return {"images": torch.cat(images), **values}


def load(minibatches: Minibatches, steps: range, workers: int) -> Iterator[Minibatch]:
    """Yield the minibatches of `steps` in order, prepared by `workers` processes ahead of time (0: none).

    What goes wrong in these is told as `errors_of_workers` does it, around whatever is done with the minibatches.
    """
    return iter(DataLoader(minibatches, batch_size=None, sampler=steps, num_workers=workers))


@contextmanager
def errors_of_workers() -> Iterator[None]:
    """Tell in one line what happened to the processes that prepare minibatches.

    PyTorch reports a killed one by an error in the midst of any other work, and what one raised with its traceback.

    Raises:
        WorkerError: one of the processes was killed.
        SIAMError: what one raised, as it was.
    """
    try:
        yield
    except SIAMError as error:
        text = str(error.args[0]) if error.args else ""
        before, traceback, _ = text.partition("Original Traceback")
        if not (traceback and before.startswith("Caught")):
            raise
        raise type(error)(text.strip().splitlines()[-1].partition(": ")[2]) from error
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise WorkerError(
            "one of the processes that prepare photos was ended from outside, as when memory runs out: run the command "
            "again with --resume, perhaps with fewer workers in [training] of the recipe"
        ) from error


def _shares(index: Image.Image, member: np.ndarray) -> Tensor:
    """Return the share (K, s, s) of each cell that each attribute covers, from a square picture of set numbers."""
    side, sets = index.width, member.shape[1]
    cells = max(1, side // _REGION_CELL)
    cell = np.arange(side) * cells // side  # of each row and column
    places = (cell[:, None] * cells + cell) * sets + np.array(index)  # (H, W), a number for each cell and set
    counts = np.bincount(places.ravel(), minlength=cells * cells * sets).reshape(cells, cells, sets)
    shares = counts / counts.sum(axis=2, keepdims=True)
    return torch.from_numpy(np.einsum("ks,ijs->kij", member, shares).astype(np.float32))


@lru_cache(maxsize=8)
def _order(seed: int, kind: int, turn: int, count: int) -> np.ndarray:
    return np.random.default_rng([seed, kind, 0, turn]).permutation(count)


def _number(kind: str) -> int:
    return int.from_bytes(kind.encode(), "big")  # Python's own hash differs from run to run
