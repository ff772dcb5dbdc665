"""What both networks, and the eye, find in the cells of a picture, by which *Discover* looks for what has no name.

Each picture is cut into S x S cells, S = 7. N pictures, K attributes, C channels, grid g x g of the templates.
"""

import torch
from torch import Tensor

from siam.images.preprocessing import InputConfig
from siam.models.baseline import Baseline
from siam.models.engine import features
from siam.models.siam import SIAM, pooled

SIDE = 7  # cells of a row
LIGHT = ("brightness", "contrast", "saturation", "warmth")

_LUMINANCE = 0.299, 0.587, 0.114  # of red, green and blue (ITU-R BT.601)


def cells(siam: SIAM | None, baseline: Baseline | None, images: Tensor, config: InputConfig) -> dict[str, Tensor]:
    """Return what the networks that are given find in the cells of preprocessed images (N, 3, H, W).

    Args:
        siam: gives its pooled attribute "maps" (N, K, g, g), and "siam", its backbone's features (N, S, S, C).
        baseline: gives "baseline", its features (N, S, S, C), and "light" (N, S, S, 4), in the order of `LIGHT`: mean
            and standard deviation of the luminance; how far the largest of red, green and blue is above the smallest;
            and red above blue. Colours run from 0 to 1.
        images: of one size.
        config: how they were prepared.
    """
    found = {}
    if siam is not None:
        seen = features(siam, images)
        maps = siam.attribute_maps(seen)
        found |= {"maps": pooled(maps, siam.config.grid, siam.config.pooling), "siam": _averaged(seen)}
    if baseline is not None:
        found |= {"baseline": _averaged(features(baseline, images)), "light": _light(images, config)}
    return found


def _averaged(maps: Tensor) -> Tensor:
    """Return maps (N, C, h, w) averaged over the cells, (N, S, S, C)."""
    return pooled(maps, SIDE, "area").permute(0, 2, 3, 1)


def _light(images: Tensor, config: InputConfig) -> Tensor:
    mean, std = (torch.tensor(of)[:, None, None].to(images) for of in (config.mean, config.std))
    colours = (images * std + mean).clamp(0, 1)
    luminance = (colours * torch.tensor(_LUMINANCE)[:, None, None].to(images)).sum(dim=1, keepdim=True)
    saturation = colours.amax(dim=1, keepdim=True) - colours.amin(dim=1, keepdim=True)
    warmth = colours[:, :1] - colours[:, 2:]
    seen = pooled(torch.cat([luminance, luminance.square(), saturation, warmth], dim=1), SIDE, "area")
    contrast = (seen[:, 1] - seen[:, 0].square()).clamp(min=0).sqrt()
    return torch.stack([seen[:, 0], contrast, seen[:, 2], seen[:, 3]], dim=3)
