"""What the score is when only the highest part of a map is kept: it depends on the order of the map's cells alone.

::

    kept_p_fill    max(0, y - y(O)) in points        O: the picture with the top p % of its pixels, the rest filled
    rises_p_fill   100 [y(O) > y] percent

The drop and increase of the Grad-CAM++ and L-CAM papers (`siam.explainers.faithfulness`) also weigh the pixels by the
map, so they measure how bright a map is: raised to the power 1/4 it drops far less, though its order is the same. Here
the mask is binary. What is hidden becomes::

    grey      the mean colour, as in RISE's deletion
    blur      the picture blurred as in RISE's insertion
    inpaint   what the visible pixels around suggest (A. Telea, "An image inpainting technique based on the fast
              marching method", Journal of Graphics Tools 9(1), 2004), computed by OpenCV at a quarter of the size
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from siam.errors import DatasetError
from siam.explainers.base import Model, Target, prepared, quiet, untouched, values_of
from siam.explainers.faithfulness import blurred, normalisation
from siam.explainers.minibatches import at_once, batches

SHARES = (15, 30, 50)  # p, in percent of the pixels
FILLS = ("grey", "blur", "inpaint")
_SHRINK = 4  # times smaller, for inpainting
_RADIUS = 3.0  # px of the smaller picture, from where a pixel is filled


def kept(
    model: Model,
    image: Tensor,
    rank: Tensor,
    whole: float,
    target: Target,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> dict[str, float]:
    """Return "kept_p_fill" and "rises_p_fill" of a map for each p in `SHARES` and each of `FILLS`.

    Args:
        model: the network; it is left as it was.
        image: the picture (1, C, H, W), normalised as the network takes it.
        rank: (H, W) rank of each pixel by falling saliency, from 0 on.
        whole: the target of the whole picture.
        target: the target that the map explains.
        mean: of each channel, as `siam.explainers.faithfulness` takes it.
        std: likewise.

    Raises:
        DatasetError: OpenCV is not installed.
    """
    with untouched(model), torch.no_grad():
        images = prepared(model, image)
        picture, names = images[0], [(share, fill) for share in SHARES for fill in FILLS]
        soft, inpainted = blurred(picture), inpainting(picture, *normalisation(model, picture, mean, std))

        def altered(share: int, fill: str) -> Tensor:
            shown = rank.to(picture.device) < round(rank.numel() * share / 100)
            hidden = inpainted(shown) if fill == "inpaint" else soft if fill == "blur" else torch.zeros_like(picture)
            return picture.where(shown, hidden)

        scores = []
        for part in batches(len(names), at_once(None, images), quiet):
            scores.append(values_of(target, model, torch.stack([altered(*name) for name in names[part]])))
    figures: dict[str, float] = {}
    for (share, fill), score in zip(names, torch.cat(scores).tolist(), strict=True):
        figures[f"kept_{share}_{fill}"] = max(0.0, whole - score)
        figures[f"rises_{share}_{fill}"] = 100.0 * (score > whole)
    return figures


def opencv() -> Any:
    """Return the module cv2; call it before long work, to be told early that it is missing.

    Raises:
        DatasetError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise DatasetError(
            "comparing explainers needs OpenCV, which is not installed: pip install -r requirements-train.txt"
        ) from error
    return cv2


def inpainting(picture: Tensor, mean: Tensor, std: Tensor) -> Callable[[Tensor], Tensor]:
    """Return a function of what is shown (H, W), bool, that gives the picture (C, H, W) with the rest inpainted.

    mean and std (C, 1, 1) are those that the picture was normalised by.

    Raises:
        DatasetError: OpenCV is not installed.
    """
    cv2 = opencv()
    size = [max(1, side // _SHRINK) for side in picture.shape[1:]]
    small = F.interpolate((picture * std + mean)[None], size, mode="area")[0]
    pixels = (small.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()

    def filled(shown: Tensor) -> Tensor:
        share = F.interpolate(shown[None, None].float(), size, mode="area")[0, 0].cpu().numpy()
        hidden = (share < 0.5).astype(np.uint8)
        if hidden.all():
            return torch.zeros_like(picture)
        found = torch.from_numpy(cv2.inpaint(np.ascontiguousarray(pixels), hidden, _RADIUS, cv2.INPAINT_TELEA))
        large = F.interpolate(found.permute(2, 0, 1)[None].float() / 255, picture.shape[1:], mode="bilinear")[0]
        return (large.to(picture) - mean) / std

    return filled
