"""Where the score of a rendered scene truly comes from: what maps are held against.

    D(x, y) = sum_k  T_k(x, y) mask_k(x, y),        mean over the picture of D = sum_k c_k

T_k and c_k are the true templates and contributions of `siam.datasets.rendered.crowd`. The bias and the nuances, which
no attribute stands for, have no place in the picture and are not in it.
"""

import numpy as np

from siam.datasets.rendered.crowd import true_templates


def true_density(masks: np.ndarray) -> np.ndarray:
    """Return D (H, W), float32: what each place truly adds, in points of the scale if all of the picture were like it.

    Args:
        masks: (K, H, W) of a square scene, bool or shares of pixels, in the order of the attributes.

    Raises:
        ValueError: the masks have another shape.
    """
    count, *sides = true_templates(1).shape[0], *masks.shape[1:]
    if masks.ndim != 3 or len(masks) != count or len(set(sides)) != 1:
        raise ValueError(f"the masks have shape {masks.shape}; expected ({count}, H, H), one for each attribute")
    return np.einsum("kij,kij->ij", true_templates(sides[0]), masks)
