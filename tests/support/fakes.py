"""Made-up explanations for tests: random, but with every identity of a real one."""

import numpy as np
from PIL import Image

from siam.datasets.base import RatingScale
from siam.explanation.inference import Explanation

SOME_NAMES = ("hiking", "clouds", "dry", "trees", "still_water", "fencing_railing", "rugged_scene", "running_water")
GRID = 15


def fake_explanation(
    seed: int = 0,
    attributes: int = 33,
    baseline: bool = True,
    size: tuple[int, int] = (300, 200),
    cells: tuple[int, int] = (9, 13),
) -> Explanation:
    """Return an explanation of a made-up picture of `size` (width, height) with maps of `cells` (h, w)."""
    maps = blobs(seed, attributes, cells)  # (K, h, w)
    random = np.random.default_rng([seed, 1])
    strength = random.normal(0, 0.6, attributes) * 0.85 ** np.arange(attributes)
    templates = strength[:, None, None] * random.uniform(0.2, 1, (attributes, GRID, GRID)) / max(cells)
    rows = np.arange(cells[0]) * GRID // cells[0]
    columns = np.arange(cells[1]) * GRID // cells[1]
    weights = templates[:, rows][:, :, columns]  # (K, h, w)
    baseline_map = random.normal(0.004, 0.01, cells)
    return from_maps(maps, weights, templates, baseline_map if baseline else None, fake_picture(seed, size))


def blobs(seed: int, attributes: int, cells: tuple[int, int]) -> np.ndarray:
    """Return smooth maps (K, h, w) >= 0, each with its attribute in one place, and an unused border."""
    random = np.random.default_rng([seed, 0])
    y, x = np.mgrid[: cells[0], : cells[1]]
    maps = np.zeros((attributes, *cells))
    for map_ in maps:
        row, column = random.uniform(0, cells[0]), random.uniform(0, cells[1])
        height, width = random.uniform(0.1, 0.5, 2) * cells
        map_ += random.uniform(0.2, 3) * np.exp(-(((y - row) / height) ** 2) - ((x - column) / width) ** 2)
    border = 2 if min(cells) > 4 else 0
    inner = np.zeros(cells)
    inner[border : cells[0] - border, border : cells[1] - border] = 1
    return maps * inner


def fake_picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Return coloured noise of a given size, smooth like a photo."""
    coarse = np.random.default_rng([seed, 2]).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def from_maps(
    maps: np.ndarray,
    weights: np.ndarray,
    templates: np.ndarray,
    baseline_map: np.ndarray | None,
    image: Image.Image,
    bias: float = 4.55,
) -> Explanation:
    """Return the explanation given by attribute maps (K, h, w) and cell weights (K, h, w)."""
    contribution_maps = (maps * weights).astype(np.float32)
    contributions = contribution_maps.sum(axis=(1, 2), dtype=np.float64).astype(np.float32)
    names = [SOME_NAMES[k] if k < len(SOME_NAMES) else f"attribute_{k}" for k in range(len(maps))]
    return Explanation(
        image=image,
        model="Fake photos",
        scale=RatingScale("scenicness", 1, 7),
        attributes=tuple(names),
        scenicness=bias + float(contributions.sum(dtype=np.float64)),
        bias=bias,
        contributions=contributions,
        attribute_scores=np.tanh(maps.mean(axis=(1, 2))).astype(np.float32),
        attribute_maps=maps.astype(np.float32),
        contribution_maps=contribution_maps,
        total_map=contribution_maps.sum(axis=0),
        templates=templates.astype(np.float32),
        cell_weights=weights.astype(np.float32),
        baseline_scenicness=None if baseline_map is None else 4.4 + float(baseline_map.sum()),
        baseline_bias=None if baseline_map is None else 4.4,
        baseline_map=None if baseline_map is None else baseline_map.astype(np.float32),
        scenicness_variance=None,
        device="cpu",
        seconds={"prepare": 0.01, "siam": 0.08, "baseline": 0.05},
    )
