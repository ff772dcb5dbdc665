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
    Network,
    Progress,
    Target,
    layers_and_gradients,
    prepared,
    quiet,
    untouched,
)


@dataclass(frozen=True)
class LayerCAM:
    """Layer-CAM at one layer; its maps have the size of that layer's output.

    Attributes:
        layer: dotted name of a module whose output is a map, such as "backbone.layer3" of a ResNet.
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

    layer: str = "backbone"

    def passes(self, model: Network, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Network, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) >= 0, in the target's unit.

        Raises:
            ValueError: the model has no module named `layer`.
        """
        with untouched(model):
            ((features, gradient),) = layers_and_gradients(model, prepared(model, images), target, [self.layer])
        return (gradient.relu() * features).sum(dim=1).relu()  # (N, h, w)
