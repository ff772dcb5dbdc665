"""Grad-CAM++: like Grad-CAM, but each cell's positive gradient counts by how far it alone raises the target.

::

    g = dy/dA,    alpha = g^2 / (2 g^2 + g^3 sum_ab A_ab) = 1 / (2 + g sum_ab A_ab)
    M[n, i, j] = relu( sum_c  w[n, c] A[n, c, i, j] ),    w[n, c] = sum_ij alpha relu(g)

A is the layer's output, y the target of each picture. The alphas are those of Y = exp(y), whose derivatives are powers
of g; exp(y) itself would only scale the whole map, and is left out.
A. Chattopadhyay, A. Sarkar, P. Howlader, V. N. Balasubramanian, "Grad-CAM++: Improved Visual Explanations for Deep
Convolutional Networks", WACV 2018, arXiv:1710.11063, eqs. 7 and 19.
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
class GradCAMPP:
    """Grad-CAM++ at one layer; its maps have the size of that layer's output.

    Attributes:
        layer: dotted name of the layer; by default the last one that gives maps (`siam.explainers.layers`). They should
            be >= 0, as after a ReLU; in the alphas, values below 0 count as 0.
        reshape: how its output becomes maps (N, C, h, w), if it is not to be guessed.
    """

    kind: ClassVar[Kind] = "gradient"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="Grad-CAM++",
        paper="Chattopadhay et al. 2018",
        link="https://arxiv.org/abs/1710.11063",
        idea="Grad-CAM whose weights favour places where a feature alone would raise the score.",
        colour="#8E6BBF",
        dash="dot",
    )

    layer: str | None = None
    reshape: Reshape | None = None

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) >= 0, in no meaningful unit.

        Raises:
            ValueError: the model has no such layer, or its output is not a map.
        """
        with untouched(model):
            images = prepared(model, images)
            place = last_layer(model, images, target, self.layer, self.reshape)
            ((features, gradient),) = layers_and_gradients(model, images, target, [place])
        raising = gradient.relu()  # where this is 0, alpha does not matter
        total = features.relu().sum(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        weights = (raising / (2 + raising * total)).sum(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        return (weights * features).sum(dim=1).relu()  # (N, h, w)
