"""Integrated gradients: the target's gradient along the path from a grey picture to this one, pixel by pixel.

::

    M[n, i, j] = sum_rgb  x * (1/m) sum_s  dy/dx( (s - 1/2)/m * x ),    s = 1 … m
    sum_ij M -> y(x) - y(0)    as m grows

x is the normalised picture, so 0 is the mean colour; y is the target. The paper's sum (eq. 3) takes the end of each of
the m steps; this one takes the middle, which is more accurate for the same m.
M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv:1703.01365, eqs. 1 and 3.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from siam.explainers.base import Description, Kind, Model, Progress, Target, prepared, quiet, untouched, values_of
from siam.explainers.minibatches import at_once, batches, is_size


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients, at the size of the picture.

    Attributes:
        steps: number of steps m along the path.
        batch_size: pictures per forward pass, by default as many as suit the device; maps differ by rounding only.
    """

    kind: ClassVar[Kind] = "gradient"
    signed: ClassVar[bool] = True
    slow: ClassVar[bool] = True
    description: ClassVar[Description] = Description(
        title="Integrated gradients",
        paper="Sundararajan, Taly, Yan 2017",
        link="https://arxiv.org/abs/1703.01365",
        idea="The gradient of every pixel, summed along the path from a plain picture to the photo.",
        colour="#D1495B",
        dash="dash",
    )

    steps: int = 50
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for fewer than one step, or a batch size below 1."""
        if self.steps < 1 or not is_size(self.batch_size):
            raise ValueError(f"steps {self.steps}, batch_size {self.batch_size}; expected at least 1 of each")

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return the number of steps."""
        return self.steps

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, H, W), in the target's unit; each sums to about y(x) − y(0)."""
        with untouched(model):
            images = prepared(model, images)
            size, total = at_once(self.batch_size, images), len(images) * self.steps
            # With the channels of a pixel side by side, a CPU passes gradients back a fifth faster.
            layout = torch.channels_last if images.device.type == "cpu" else torch.contiguous_format
            shares = (torch.arange(self.steps, device=images.device) + 0.5) / self.steps  # (m,)
            maps = []
            for number, image in enumerate(images):
                gradients = torch.zeros_like(image)  # (C, H, W)
                for part in batches(self.steps, size, progress, number * self.steps, total):
                    points = shares[part, None, None, None] * image  # (batch, 3, H, W)
                    points = points.contiguous(memory_format=layout).requires_grad_()
                    (gradient,) = torch.autograd.grad(values_of(target, model, points).sum(), points)
                    gradients += gradient.sum(dim=0)
                maps.append((image * gradients / self.steps).sum(dim=0))
        return torch.stack(maps).float()  # (N, H, W)
