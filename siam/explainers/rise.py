"""RISE: how much the score gains, on average over random masks, when a pixel is kept.

::

    M[i, j] = 1/(n p) sum_m (y(I * m) - mean_m y(I * m)) m[i, j]

m are n masks: grids of s x s cells, each kept with probability p, enlarged to (s + 1) times the cell, shifted at random
by less than a cell and cropped. I is the normalised picture as in the authors' code, so masked pixels get the mean
colour. The paper's map (eq. 6) has y alone, which is a probability. A score has no natural 0, and an offset b would add
b mean_m m[i, j] / p, the unevenness of the masks. With the mean of y subtracted, an offset changes nothing; in
expectation the map is the paper's minus a constant, and it is signed: the mean score of masks that keep the pixel,
minus the mean score of all masks.

V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018,
arXiv:1806.07421, sec. 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from siam.explainers.base import Description, Kind, Model, Progress, Target, prepared, quiet, untouched, values_of
from siam.explainers.minibatches import at_once, batches, is_size


@dataclass(frozen=True)
class RISE:
    """RISE; every picture of a batch gets the same masks.

    Attributes:
        masks: number of masks n. The authors use 4000 to 8000; 2000 is a compromise for two processor cores, and makes
            the map noisier by a factor of 1.4 to 2.
        grid: cells s along each side of a mask, before it is shifted.
        keep: probability p of keeping a cell, between 0 and 1.
        seed: seed for the masks.
        batch_size: pictures per forward pass, by default as many as suit the device; maps differ by rounding only.
    """

    kind: ClassVar[Kind] = "perturbation"
    signed: ClassVar[bool] = True
    slow: ClassVar[bool] = True
    description: ClassVar[Description] = Description(
        title="RISE",
        paper="Petsiuk, Das, Saenko 2018",
        link="https://arxiv.org/abs/1806.07421",
        idea="Thousands of random masks: a place counts by the mean score of the masks that show it.",
        colour="#D69A2D",
    )

    masks: int = 2000
    grid: int = 7
    keep: float = 0.5
    seed: int = 0
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for settings that give no masks."""
        if not is_size(self.batch_size) or min(self.masks, self.grid) < 1 or not 0 < self.keep < 1:
            raise ValueError(
                f"masks {self.masks}, grid {self.grid}, batch_size {self.batch_size}, keep {self.keep}; expected whole "
                "numbers of at least 1, and keep between 0 and 1"
            )

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return the number of masks."""
        return self.masks

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return signed maps (N, H, W) of images (N, C, H, W), in the target's unit; see `Explainer`."""
        with untouched(model), torch.no_grad():
            images = prepared(model, images)
            size, total = at_once(self.batch_size, images), len(images) * self.masks
            return torch.stack(
                [
                    self._map_of(model, image, target, batches(self.masks, size, progress, before, total))
                    for before, image in zip(range(0, total, self.masks), images, strict=True)
                ]
            )

    def _map_of(self, model: Model, image: Tensor, target: Target, parts: Iterator[slice]) -> Tensor:
        """Return the map (H, W) of one image (C, H, W)."""
        height, width = image.shape[1:]
        grids, shifts = (drawn.to(image.device) for drawn in self._draw(height, width))
        # Bilinear enlargement is linear in rows and in columns, so a mask is a product of three small matrices.
        rows, columns = (self._spread(length, image.device).unfold(0, length, 1) for length in (height, width))
        first = score_sum = torch.zeros((), device=image.device)
        weighted = mask_sum = torch.zeros(height, width, device=image.device)
        for part in parts:
            top, left = shifts[part].unbind(1)  # (b,) each
            masks = rows[top].transpose(1, 2) @ grids[part] @ columns[left]  # (b, H, s) (b, s, s) (b, s, W)
            scores = values_of(target, model, image * masks[:, None])  # (b,)
            if part.start == 0:
                first = scores[0]  # stands in for the mean, not known yet, to limit rounding
            scores = scores - first
            weighted = weighted + torch.einsum("b,bhw->hw", scores, masks)
            mask_sum, score_sum = mask_sum + masks.sum(dim=0), score_sum + scores.sum()
        return (weighted - score_sum / self.masks * mask_sum) / (self.masks * self.keep)

    def _draw(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Return which cells are kept (n, s, s), 0 or 1, and the shifts of the masks (n, 2) in px."""
        generator = torch.Generator().manual_seed(self.seed)
        grids = (torch.rand(self.masks, self.grid, self.grid, generator=generator) < self.keep).float()
        cells = torch.tensor([ceil(height / self.grid), ceil(width / self.grid)])
        shifts = (torch.rand(self.masks, 2, generator=generator) * cells).long()
        return grids, shifts

    def _spread(self, length: int, device: torch.device) -> Tensor:
        """Return the share (l, s) of each cell in each px along one side of a mask that is not cropped yet."""
        cells = torch.eye(self.grid, device=device)[:, None]  # (s, 1, s): each is 1 in turn
        large = F.interpolate(cells, (self.grid + 1) * ceil(length / self.grid), mode="linear")  # (s, 1, l)
        return large[:, 0].T.contiguous()
