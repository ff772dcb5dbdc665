"""Occlusion: how far the target falls when a window of the picture is hidden.

::

    M[n, i, j] = y(x) - y(x with window (i, j) at 0)

The picture is divided into cells, and a window around each is set to 0 in the normalised picture: the mean colour, the
paper's grey. y is the target, x the picture.
M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901, sec. 4.2.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import ClassVar

import torch
from torch import Tensor

from siam.explainers.base import Description, Kind, Model, Progress, Target, prepared, quiet, untouched, values_of
from siam.explainers.minibatches import at_once, batches, is_size


@dataclass(frozen=True)
class Occlusion:
    """Occlusion by a window that moves from cell to cell.

    Attributes:
        cell: largest height and width of a cell in px; a map has ceil(H / cell) x ceil(W / cell) cells of equal size,
            up to rounding.
        margin: px by which the window extends beyond its cell on each side, cut off at the picture's border.
        batch_size: pictures per forward pass, by default as many as suit the device; maps differ by rounding only.
    """

    kind: ClassVar[Kind] = "perturbation"
    signed: ClassVar[bool] = True
    slow: ClassVar[bool] = True
    description: ClassVar[Description] = Description(
        title="Occlusion",
        paper="Zeiler, Fergus 2014",
        link="https://arxiv.org/abs/1311.2901",
        idea="How far the score falls when a window is hidden, window by window.",
        colour="#D1495B",
    )

    cell: int = 32
    margin: int = 16
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for an empty window, or a batch size below 1."""
        if self.cell < 1 or self.margin < 0 or not is_size(self.batch_size):
            raise ValueError(
                f"cell {self.cell}, margin {self.margin}, batch_size {self.batch_size}; expected at least 1, 0 and 1"
            )

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return one pass for each cell, and one for the whole picture."""
        return 1 + ceil(height / self.cell) * ceil(width / self.cell)

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) of how far the target falls, in its unit: negative where hiding raises it."""
        with untouched(model), torch.no_grad():
            images = prepared(model, images)
            height, width = images.shape[2:]
            windows = [(rows, columns) for rows in self._windows(height) for columns in self._windows(width)]
            count = 1 + len(windows)
            size = at_once(self.batch_size, images)
            maps = []
            for number, image in enumerate(images):
                scores = []
                for part in batches(count, size, progress, number * count, len(images) * count):
                    hidden = image.repeat(part.stop - part.start, 1, 1, 1)  # (batch, 3, H, W)
                    for place, picture in zip(range(part.start, part.stop), hidden, strict=True):
                        if place > 0:  # the first is whole
                            picture[:, *windows[place - 1]] = 0
                    scores.append(values_of(target, model, hidden))
                values = torch.cat(scores)  # (1 + h w,)
                maps.append((values[0] - values[1:]).view(ceil(height / self.cell), -1))  # (h, w)
        return torch.stack(maps).float()  # (N, h, w)

    def _windows(self, length: int) -> list[slice]:
        """Return the window around each cell along one side of the picture."""
        count = ceil(length / self.cell)
        edges = [length * number // count for number in range(count + 1)]
        return [slice(max(0, first - self.margin), min(length, end + self.margin)) for first, end in pairwise(edges)]
