"""The terms of L-CAM's loss, and how a picture is masked: see `siam.explainers.fitting.lcam`, which says where they
are from.

Axes: N pictures, T outputs of the network, H W picture, h w map.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from siam.explainers.base import enlarged
from siam.images.preprocessing import InputConfig


def masked_images(images: Tensor, attention: Tensor, config: InputConfig) -> Tensor:
    """Return normalised images (N, 3, H, W) times maps (N, h, w) in [0, 1], enlarged, and normalised again.

    The pixels in [0, 1] are masked, so that 0 is black and not the mean colour.
    """
    mean, std = (torch.tensor(of, dtype=images.dtype).view(1, 3, 1, 1) for of in (config.mean, config.std))
    mask = enlarged(attention, *images.shape[2:])[:, None]  # (N, 1, H, W)
    return ((images * std + mean) * mask - mean) / std


def mask_area(attention: Tensor) -> Tensor:
    """Return mean((a + 0.0005)^0.3) (N,) of maps (N, h, w) in [0, 1]: steep near 0, so that masks become sparse."""
    return (attention + 0.0005).pow(0.3).mean(dim=(1, 2))


def variation(attention: Tensor) -> Tensor:
    """Return TV (N,) of maps (N, h, w), with 0.3 times the squares of the outer rows and columns; corners count twice.

    It is a sum, not a mean: larger maps pay more, as in the paper.
    """
    squares = attention.square()
    sides = torch.cat([squares[:, 0], squares[:, -1], squares[:, :, 0], squares[:, :, -1]], dim=1)
    down, right = (attention.diff(dim=dim).square().sum(dim=(1, 2)) for dim in (1, 2))
    return (down + right + 0.3 * sides.sum(dim=1)) / 2


def infidelity(seen: Tensor, whole: Tensor, variance: float) -> Tensor:
    """Return E (N,): what the masks cost.

    Args:
        seen: outputs (N, T) of the masked pictures.
        whole: outputs (N, T) of the whole pictures; T = 1 is a score, more are a classifier's logits.
        variance: of the score over the training pictures; a classifier's is not looked at.
    """
    if whole.shape[1] == 1:
        return (seen - whole)[:, 0].square() / variance
    return F.cross_entropy(seen, whole.argmax(dim=1), reduction="none")
