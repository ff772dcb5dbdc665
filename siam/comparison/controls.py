"""The controls of a comparison (`siam.explainers.references`): what a measure says of maps whose worth is known.

A measure that does not put the truth ahead of uniform and random maps cannot tell good explainers from bad ones.
"""

import zlib

import torch
from scipy.ndimage import sobel
from torch import Tensor

from siam.comparison.pictures import Case
from siam.evaluation.what_where_how.places import centre_prior
from siam.evaluation.what_where_how.scenes import pooled
from siam.explainers.registry import explainer

_CELL = 32  # px, of the coarse ones


def control(case: Case, following: Case, name: str) -> Tensor:
    """Return the map (h, w) of a control.

    Args:
        case: the picture.
        following: the next picture, for "truth_elsewhere".
        name: a key of `siam.explainers.references.REFERENCES`.
    """
    height, width = case.image.shape[2:]
    cells = max(1, height // _CELL), max(1, width // _CELL)
    if name == "random":
        generator = torch.Generator().manual_seed(zlib.crc32(case.identifier.encode()))
        return torch.rand(*cells, generator=generator)
    if name == "centre":
        return torch.from_numpy(centre_prior(cells))
    if name == "uniform":
        return torch.ones(cells)
    if name == "black":
        return torch.zeros(cells)
    if name == "edges":
        grey = case.image[0].mean(dim=0).numpy()
        steepness = torch.from_numpy(sobel(grey, axis=0) ** 2 + sobel(grey, axis=1) ** 2).sqrt()
        return torch.nn.functional.adaptive_avg_pool2d(steepness[None], cells)[0]
    if name == "grad_cam_pale":
        return explainer("grad_cam")(case.network, case.image, case.target)[0].detach().cpu().clamp(min=0) ** 0.25
    return torch.from_numpy(pooled((case if name == "truth" else following).mask.astype("float32"), cells))
