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

from torch import Tensor

from siam.drawing.colours import BASELINE_COLOUR
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
from siam.models.baseline import Baseline


@dataclass(frozen=True)
class CAM:
    """The baseline's own map, at the size of its last feature map (a 32nd of the picture with these backbones)."""

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

    def passes(self, model: Network, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Network, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w), positive where the target is raised; each sums to the target minus the bias.

        That holds for scenicness and for any other linear function of the pooled features.

        Raises:
            ValueError: the model is not a baseline.
        """
        if not isinstance(model, Baseline):
            raise ValueError(
                f"CAM needs average pooling and a linear layer, as the baseline has; this is a {type(model).__name__}: "
                "use Grad-CAM, or SIAM's own map"
            )
        with untouched(model):
            ((features, gradient),) = layers_and_gradients(model, prepared(model, images), target, ["backbone"])
        return (gradient * features).sum(dim=1)  # (N, h, w): the gradient of every cell is w / (h w)
