"""Grad-CAM: where a layer's features raise the target.

::

    M[n, i, j] = relu( sum_c  mean_ij(dy/dA)[n, c] * A[n, c, i, j] )

A is the layer's output, y the target of each picture.
R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017,
arXiv:1610.02391, eqs. 1-2.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from siam.explainers.base import (
    Description,
    Kind,
    Model,
    Progress,
    Target,
    prepared,
    quiet,
    untouched,
)
from siam.explainers.layers import Reshape, last_layer, layers_and_gradients


@dataclass(frozen=True)
class GradCAM:
    """Grad-CAM at one layer; its maps have the size of that layer's output.

    Attributes:
        layer: dotted name of the layer; by default the last one that gives maps (`siam.explainers.layers`).
        reshape: how its output becomes maps (N, C, h, w), if it is not to be guessed.
    """

    kind: ClassVar[Kind] = "gradient"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="Grad-CAM",
        paper="Selvaraju et al. 2017",
        link="https://arxiv.org/abs/1610.02391",
        idea="The last features, each weighted by the mean of its gradient; negative values are dropped.",
        colour="#8E6BBF",
    )

    layer: str | None = None
    reshape: Reshape | None = None

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) >= 0, in the target's unit.

        Raises:
            ValueError: the model has no such layer, or its output is not a map.
        """
        with untouched(model):
            images = prepared(model, images)
            place = last_layer(model, images, target, self.layer, self.reshape)
            ((features, gradient),) = layers_and_gradients(model, images, target, [place])
        weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        return (weights * features).sum(dim=1).relu()  # (N, h, w)
