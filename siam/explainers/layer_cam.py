"""Layer-CAM: each cell of each channel is weighted by its own positive gradient, so shallow layers work too.

::

    M[n, i, j] = relu( sum_c  relu(dy/dA)[n, c, i, j] * A[n, c, i, j] )

A is the layer's output, y the target of each picture.
P.-T. Jiang, C.-B. Zhang, Q. Hou, M.-M. Cheng, Y. Wei, "LayerCAM: Exploring Hierarchical Class Activation Maps for
Localization", IEEE Transactions on Image Processing 30, 2021, doi:10.1109/TIP.2021.3089943.
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
class LayerCAM:
    """Layer-CAM at one layer; its maps have the size of that layer's output.

    Attributes:
        layer: dotted name of the layer, such as "layer3" of a ResNet; by default the last one that gives maps
            (`siam.explainers.layers`).
        reshape: how its output becomes maps (N, C, h, w), if it is not to be guessed.
    """

    kind: ClassVar[Kind] = "gradient"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="Layer-CAM",
        paper="Jiang et al. 2021",
        link="https://doi.org/10.1109/TIP.2021.3089943",
        idea="The last features, each weighted by its gradient at the same place.",
        colour="#2A9D8F",
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
        return (gradient.relu() * features).sum(dim=1).relu()  # (N, h, w)
