"""Eigen-CAM: the strongest pattern among a layer's features, whatever the target.

::

    A_n = U S V^T,    M[n] = relu( A_n V_1 )

A_n is the layer's output for one picture as a matrix (h w, C), V_1 its first right singular vector, with the sign that
makes its product with the mean features positive: the decomposition leaves the sign open, and the paper does not fix
it. As in the paper, the features are not centred: where their mean is large, V_1 is close to it. The package
pytorch-grad-cam subtracts each channel's mean first and gets another map; `centred=True` does so, too.
M. B. Muhammad, M. Yeasin, "Eigen-CAM: Class Activation Map using Principal Components", IJCNN 2020, arXiv:2008.00299.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from siam.explainers.base import Description, Kind, Model, Progress, Target, prepared, quiet, untouched
from siam.explainers.layers import Reshape, last_layer, maps_of


@dataclass(frozen=True)
class EigenCAM:
    """Eigen-CAM of one layer, at the size of its maps. It shows what stands out, not what raises the score.

    Attributes:
        layer: dotted name of the layer; by default the last one that gives maps (`siam.explainers.layers`).
        reshape: how its output becomes maps (N, C, h, w), if it is not to be guessed.
        centred: whether each channel's mean is subtracted first, as in a principal component analysis.
    """

    kind: ClassVar[Kind] = "features"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="Eigen-CAM",
        paper="Muhammad, Yeasin 2020",
        link="https://arxiv.org/abs/2008.00299",
        idea="The main direction of the last features, whatever the target.",
        colour="#6E7F8D",
        dash="dot",
        pattern="the main pattern of the last features",
    )

    layer: str | None = None
    reshape: Reshape | None = None
    centred: bool = False

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) >= 0, in the unit of the features; `target` is ignored.

        Raises:
            ValueError: the model has no such layer, or its output is not a map.
        """
        with untouched(model):
            images = prepared(model, images)
            place = last_layer(model, images, target, self.layer, self.reshape)
            features = maps_of(model, images, place)  # (N, C, h, w)
            matrix = features.flatten(2).transpose(1, 2)  # (N, h w, C)
            if self.centred:
                matrix = matrix - matrix.mean(dim=1, keepdim=True)
            projection = torch.stack([_first_projection(each) for each in matrix])  # (N, h w)
            # V_1 = matrix^T projection / S_1^2. The sum of the projection would not do: that of a centred one is 0.
            means = features.mean(dim=(2, 3))  # (N, C)
            along = torch.einsum("nc,npc,np->n", means, matrix, projection)[:, None]
            projection = torch.where(along < 0, -projection, projection)
        return projection.relu().unflatten(1, features.shape[2:])  # (N, h, w)


def _first_projection(matrix: Tensor) -> Tensor:
    """Return A V_1 (P,) of a matrix A (P, C), with any sign.

    It comes from the smaller of the two squares: that takes a third of the time of the whole decomposition, and the
    first vector is as exact, since its own eigenvalue is the largest.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return matrix @ torch.linalg.eigh(matrix.T @ matrix).eigenvectors[:, -1]
    values, vectors = torch.linalg.eigh(matrix @ matrix.T)  # A A^T = U S^2 U^T, and A V_1 = U_1 S_1
    return vectors[:, -1] * values[-1].clamp(min=0).sqrt()
