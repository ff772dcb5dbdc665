"""SIAM's formula for one photo, in NumPy: from the output of the attribute layer to every figure of an explanation.

It is the formula of `siam.models.siam`, where axes and names are explained, for use without PyTorch.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from siam.models.configs import Link, Pooling, SIAMConfig

Tensors = Mapping[str, np.ndarray]  # of a network without its backbone, by name


@lru_cache(maxsize=64)
def pooling_matrix(size: int, grid: int, pooling: Pooling) -> np.ndarray:
    """Return the matrix P (grid, size) with rows that sum to 1: P @ x pools a column x of map cells to `grid` cells."""
    bounds = np.arange(grid + 1) * (size / grid)  # of the grid's cells, in map cells
    starts, ends = bounds[:-1, None], bounds[1:, None]
    cells = np.arange(size)
    if pooling == "adaptive":  # whole cells, all that a window touches; in integers, so that no rounding adds one
        first, last = np.arange(grid) * size // grid, -(-(np.arange(1, grid + 1) * size) // grid)
        shared = ((cells >= first[:, None]) & (cells < last[:, None])).astype(float)
    else:
        shared = (np.minimum(cells + 1, ends) - np.maximum(cells, starts)).clip(min=0)  # (grid, size)
    return (shared / shared.sum(axis=1, keepdims=True)).astype(np.float32)


def effective_templates(tensors: Tensors, head: str = "scenicness_head") -> np.ndarray:
    """Return the effective templates W (K, g, g) of a head."""
    templates, combination, weights = (tensors[f"{head}.{name}"] for name in ("templates", "combination", "weights"))
    shares = weights[:, None] * combination  # (K, 2)
    weighted = shares[:, :, None, None] * templates  # (K, 2, g, g)
    return weighted[:, 0] + weighted[:, 1]


def explained(config: SIAMConfig, tensors: Tensors, values: np.ndarray) -> dict[str, Any]:
    """Return the numbers of a `siam.explanation.Explanation` that SIAM provides, by name.

    Args:
        config: of the SIAM.
        tensors: its tensors without the backbone's.
        values: output (K, h, w) of its attribute layer for one photo.

    Raises:
        ValueError: no cell is left inside the border.
    """
    maps = np.maximum(values, 0) if config.attribute_link == "tanh" else values.copy()
    refuse_small(maps.shape[1:], config.border)
    if config.border:
        inner = (slice(None), *[slice(config.border, -config.border)] * 2)
        inside = np.zeros_like(maps)
        inside[inner] = maps[inner]
        maps = inside
    logits = maps.mean(axis=(1, 2))
    weights = _weights(config, tensors, "scenicness_head", maps)
    contribution_maps = maps * weights
    contributions = contribution_maps.sum(axis=(1, 2))
    bias = tensors["scenicness_head.bias"]
    variance = None
    if config.predicts_variance:
        spread = (maps * _weights(config, tensors, "variance_head", maps)).sum()
        variance = float(tensors["variance_head.bias"] + spread)
    return {
        "scenicness": float(bias + contributions.sum()),
        "bias": float(bias),
        "contributions": contributions,
        "attribute_scores": presence(logits, config.attribute_link),
        "attribute_maps": maps,
        "contribution_maps": contribution_maps,
        "total_map": contribution_maps.sum(axis=0),
        "templates": effective_templates(tensors),
        "cell_weights": weights,
        "scenicness_variance": variance,
    }


def presence(means: np.ndarray, link: Link) -> np.ndarray:
    """Return attribute scores, 0 to 1, of the means of attribute maps, by the link of their SIAM."""
    return np.tanh(means) if link == "tanh" else 1 / (1 + np.exp(-means))


def scored(bias: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Return the numbers of an `Explanation` that the baseline provides, by name.

    Args:
        bias: (1,) of its linear layer.
        values: what the linear layer, without its bias, makes of each cell (h, w) for one photo.
    """
    cam = values / np.float32(values.size)
    return {
        "baseline_scenicness": float(bias[0] + cam.sum()), "baseline_bias": float(bias[0]), "baseline_map": cam
    }  # fmt: skip


def refuse_small(size: tuple[int, ...], border: int) -> None:
    """Raise a ValueError if maps of that size (h, w) have no cell inside their border."""
    if min(size) <= 2 * border:
        raise ValueError(
            f"the attribute maps are {size[0]} x {size[1]} cells; a border of {border} leaves none: use larger images"
        )


def _weights(config: SIAMConfig, tensors: Tensors, head: str, maps: np.ndarray) -> np.ndarray:
    """Return the weights (K, h, w) of the cells of attribute maps (K, h, w)."""
    rows, columns = (pooling_matrix(size, config.grid, config.pooling) for size in maps.shape[1:])
    if not config.template_relu:
        return rows.T @ effective_templates(tensors, head) @ columns
    templates, combination, weights = (tensors[f"{head}.{name}"] for name in ("templates", "combination", "weights"))
    cells = rows.T @ templates @ columns  # (K, 2, h, w)
    active = (maps[:, None] * cells).sum(axis=(2, 3)) > 0  # (K, 2)
    return ((active * combination * weights[:, None])[:, :, None, None] * cells).sum(axis=1)
