"""CAM: each cell's exact share of the score of a network that ends in average pooling and a linear layer.

::

    M[n, i, j] = sum_c  w_c A[n, c, i, j] / (h w),        y = b + sum_ij M[n, i, j]

A is the last feature map, w and b the linear layer, y the score. Each cell is divided by the number of cells, which the
paper leaves to the pooling, so that maps are in points of the score.
B. Zhou, A. Khosla, A. Lapedriza, A. Oliva, A. Torralba, "Learning Deep Features for Discriminative Localization",
CVPR 2016, arXiv:1512.04150, eqs. 1-2.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from siam.drawing.colours import BASELINE_COLOUR
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
from siam.explainers.layers import Place, Reshape, last_layer, layers_and_gradients
from siam.models.baseline import Baseline
from siam.models.flowers import FlowerNetwork
from siam.models.siam import SIAM

_TOLERANCE = 1e-3  # relative, by which gradients may differ between cells and pictures if they are a linear layer's


@dataclass(frozen=True)
class CAM:
    """The network's own map, at the size of its last feature map (a 32nd of the picture with most backbones).

    Attributes:
        layer: dotted name of the layer before pooling; by default it is found (`siam.explainers.layers`).
        reshape: how its output becomes maps (N, C, h, w), if it is not to be guessed.
    """

    kind: ClassVar[Kind] = "exact"
    signed: ClassVar[bool] = True
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="CAM",
        paper="Zhou et al. 2016",
        link="https://arxiv.org/abs/1512.04150",
        idea="The baseline's own terms, cell by cell: last features times final weights. Exact, but names nothing.",
        colour=BASELINE_COLOUR,
        networks="baseline",
    )

    layer: str | None = None
    reshape: Reshape | None = None

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1, or 2 for a network of unknown make, which is checked to be linear."""
        return 1 if isinstance(model, (Baseline, FlowerNetwork)) else 2

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w), positive where the target is raised; each sums to the target minus the bias.

        That holds for any linear function of the pooled features, such as a score or a class's logit.

        Raises:
            ValueError: between that layer and the target is more than average pooling and a linear layer.
        """
        if isinstance(model, SIAM):
            raise ValueError(
                "CAM needs average pooling and a linear layer, as the baseline has; this is a SIAM: use Grad-CAM, or "
                "SIAM's own map"
            )
        with untouched(model):
            images = prepared(model, images)
            place = last_layer(model, images, target, self.layer, self.reshape)
            ((features, gradient),) = layers_and_gradients(model, images, target, [place])
            if not isinstance(model, (Baseline, FlowerNetwork)) and not is_linear(
                model, images, target, place, gradient
            ):
                raise ValueError(
                    f"CAM needs nothing but average pooling and a linear layer between the layer {place.name!r} and "
                    f"the target {target!r}, and there is more: use Grad-CAM"
                )
        return (gradient * features).sum(dim=1).float()  # (N, h, w): the gradient of every cell is w / (h w)


def is_linear(model: Model, images: Tensor, target: Target, place: Place, gradient: Tensor) -> bool:
    """Return whether gradients (N, C, h, w) are the same in all cells, and for half the features."""
    assert isinstance(model, nn.Module)

    def halve(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        return output / 2

    handle = model.get_submodule(place.name).register_forward_hook(halve)
    try:
        ((_features, other),) = layers_and_gradients(model, images, target, [place])
    finally:
        handle.remove()
    limit = _TOLERANCE * gradient.abs().amax()
    even = (gradient - gradient.mean(dim=(2, 3), keepdim=True)).abs().amax() <= limit
    return bool(even) and bool((gradient - other).abs().amax() <= limit)
