"""The truth of many rendered scenes, at the sizes used to compare networks with it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from siam.datasets.regions import MINIMUM_SHARE
from siam.datasets.rendered import ATTRIBUTES, crowd
from siam.datasets.rendered.truth import Truth, read_masks, read_truth
from siam.errors import DatasetError
from siam.evaluation.localisation import MINIMUM_PHOTOS
from siam.runtime.reprs import brief

CELLS = 64  # along each side, for comparing maps and masks
CAUSE = 0.05  # points: an attribute that truly moves a score by this much is one of its causes


@dataclass(frozen=True, eq=False)
class Scenes:
    """The truth of N scenes, K attributes; scores in points.

    Attributes:
        attributes: the K names, in the order of all arrays.
        truths: (N,) truths as stored.
        contributions: (N, K) true contributions.
        nuances: (N, J) points of the causes outside the vocabulary.
        nuance_names: J names.
        labels: (N, K) shares of annotators.
        on_grid: (N, K, g, g) share of each cell of the templates' grid that each attribute covers, float32.
        causes: (N, h, w) share of each cell of the network's maps that the true causes cover, float32.
        total: (N, h, w) what each of these cells truly adds to the score, up to a common factor, float32.
        shown: K arrays of the scenes in which the attribute covers at least `MINIMUM_SHARE` of the picture.
        shares: K arrays (n_k, CELLS, CELLS), float16: the share of each cell that it covers in these scenes.
    """

    attributes: tuple[str, ...]
    truths: tuple[Truth, ...]
    contributions: np.ndarray
    nuances: np.ndarray
    nuance_names: tuple[str, ...]
    labels: np.ndarray
    on_grid: np.ndarray
    causes: np.ndarray
    total: np.ndarray
    shown: tuple[np.ndarray, ...]
    shares: tuple[np.ndarray, ...]

    __repr__ = brief

    @property
    def bias(self) -> np.ndarray:
        """The true bias (N,) of each scene's score."""
        return np.array([truth.bias for truth in self.truths])

    @property
    def quality(self) -> np.ndarray:
        """The true scores (N,), around which the crowd's votes scatter."""
        return self.bias + self.contributions.sum(axis=1) + self.nuances.sum(axis=1)

    @property
    def judged(self) -> list[int]:
        """The attributes that at least `MINIMUM_PHOTOS` scenes show; with fewer, a figure means nothing."""
        return [k for k, rows in enumerate(self.shown) if len(rows) >= MINIMUM_PHOTOS]


def read(root: Path, identifiers: Sequence[int], grid: int, size: tuple[int, int]) -> Scenes:
    """Read the truth of scenes.

    Args:
        root: folder of the dataset.
        identifiers: (N,) identifiers of the scenes, at least one.
        grid: g, cells along each side of the network's templates.
        size: (h, w) of its maps.

    Raises:
        DatasetError: a scene's truth is missing or invalid.
    """
    truths = tuple(_read_truth(root, identifier) for identifier in identifiers)
    names = tuple(sorted({name for truth in truths for name in truth.nuances}))
    contributions = np.array([[truth.contributions[name] for name in ATTRIBUTES] for truth in truths], dtype=float)
    on_grid = np.zeros((len(truths), len(ATTRIBUTES), grid, grid), dtype=np.float32)
    causes = np.zeros((len(truths), *size), dtype=np.float32)
    total = np.zeros((len(truths), *size), dtype=np.float32)
    shown: list[list[int]] = [[] for _ in ATTRIBUTES]
    shares: list[list[np.ndarray]] = [[] for _ in ATTRIBUTES]
    for n, identifier in enumerate(tqdm(identifiers, desc="truth", unit="scene", file=sys.stderr, disable=None)):
        masks = _read_square_masks(root, identifier)
        here = np.flatnonzero(masks.any(axis=(1, 2)))
        seen = masks[here].astype(np.float32)  # (A, H, H): only the attributes that occur
        on_grid[n, here] = pooled(seen, (grid, grid))
        is_cause = np.abs(contributions[n]) >= CAUSE
        causes[n] = pooled(np.any(masks[is_cause], axis=0, keepdims=True).astype(np.float32), size)[0]
        weights = crowd.true_templates(masks.shape[1])[here]  # (A, H, H)
        total[n] = pooled(np.sum(weights * seen, axis=0, keepdims=True), size)[0]
        cells = pooled(seen, (CELLS, CELLS)).astype(np.float16)
        for row in np.flatnonzero(seen.mean(axis=(1, 2)) >= MINIMUM_SHARE).tolist():
            shown[here[row]].append(n)
            shares[here[row]].append(cells[row])
    return Scenes(
        attributes=ATTRIBUTES,
        truths=truths,
        contributions=contributions,
        nuances=np.array([[truth.nuances.get(name, 0.0) for name in names] for truth in truths], dtype=float),
        nuance_names=names,
        labels=np.array([[truth.labels[name] for name in ATTRIBUTES] for truth in truths], dtype=float),
        on_grid=on_grid,
        causes=causes,
        total=total,
        shown=tuple(np.array(rows, dtype=int) for rows in shown),
        shares=tuple(np.array(share, dtype=np.float16).reshape(-1, CELLS, CELLS) for share in shares),
    )


def pooled(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the mean of pictures (…, H, W) over each of h x w cells of equal area: (…, h, w).

    If the sizes do not divide, a pixel counts in each cell by the part that lies there, so the mean over the cells is
    the mean over the picture.
    """
    rows, columns = (_areas(*sides).astype(pictures.dtype) for sides in zip(pictures.shape[-2:], size, strict=True))
    return rows @ pictures @ columns.T


@lru_cache(maxsize=32)
def _areas(pixels: int, cells: int) -> np.ndarray:
    """Return (cells, pixels): the share of each cell of a line that lies in each of its pixels."""
    ends = np.arange(cells + 1) * (pixels / cells)
    pixel = np.arange(pixels)
    overlap = np.minimum(ends[1:, None], pixel + 1) - np.maximum(ends[:-1, None], pixel)
    return overlap.clip(min=0) * (cells / pixels)


def _read_truth(root: Path, identifier: int) -> Truth:
    """Read a scene's truth and check that it has a number for every attribute."""
    truth = read_truth(root, identifier)
    try:
        every = [float(numbers[name]) for numbers in (truth.contributions, truth.labels) for name in ATTRIBUTES]
        known = np.isfinite([truth.bias, *every, *map(float, truth.nuances.values())]).all()
    except (AttributeError, KeyError, TypeError, ValueError):
        known = False
    if not known:
        raise DatasetError(
            f"{root / 'truth' / f'{identifier}.json'} lacks a number for one of the {len(ATTRIBUTES)} attributes: "
            "render the scenes again"
        )
    return truth


def _read_square_masks(root: Path, identifier: int) -> np.ndarray:
    masks = read_masks(root, identifier)
    if masks.shape[1] != masks.shape[2]:
        raise DatasetError(
            f"{root / 'masks' / f'{identifier}.png'} has {masks.shape[2]} × {masks.shape[1]} pixels, but scenes are "
            "square: render the scenes again"
        )
    return masks
