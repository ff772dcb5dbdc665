"""Where: how well attribute maps agree with the true masks of rendered scenes, beside maps that know nothing.

An attribute is judged over the scenes in which it covers at least half a percent of the picture, if there are at least
three. Maps are scaled (bilinear) to the cells of the masks; a cell that an attribute partly covers counts in part, so
thin things such as wires are judged as their pixels would be. ::

    pixel AP       average precision of all pixels of these scenes, ranked by the map
    IoU            intersection over union of mask and map, with one threshold on the map for all scenes, chosen on
                   every other scene and judged on the rest, then the other way round
    pointing game  probability that the mask covers the map's highest place; ties are averaged
    inside causes  share of the sum of |total map| that lies inside the true causes: the masks of the attributes that
                   truly move the score by `CAUSE` points or more

J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016, arXiv:1608.00507 (the pointing game).
The references are judged in the same way::

    ideal           the true masks, averaged over each cell of the network's maps: the best that such coarse maps can do
    another scene   the network's maps of another scene
    uniform         the same value everywhere
    centre          a Gaussian around the middle, its standard deviation a quarter of the picture's side
    random          uniform noise in each cell of the maps
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from siam.evaluation.scores import number
from siam.evaluation.what_where_how.scenes import Scenes, pooled

_SPREAD = 0.25  # of the centre prior, as a share of the picture's side
FIGURES = ("pixel_ap", "iou", "pointing")

Maps = Callable[[int], np.ndarray]  # attribute → its maps (n_k, h, w) of the scenes that show it


def place_figures(maps: np.ndarray, total: np.ndarray, scenes: Scenes, other: np.ndarray, seed: int) -> dict[str, Any]:
    """Return how well maps agree with masks, for the network and for every reference.

    Args:
        maps: (N, K, h, w) the network's attribute maps.
        total: (N, h, w) its total maps.
        scenes: the truth.
        other: (N,) the scene that serves as "another scene" for each.
        seed: seed of the random maps.

    Returns:
        Column ("siam", "ideal", "another_scene", "uniform", "centre", "random") → "pixel_ap", "iou" and "pointing"
        (means over the judged attributes), "inside_causes", and "per_attribute": name → "scenes" and the three
        figures. The figures of "uniform" are the shares of the picture that are covered.
    """
    size = maps.shape[2:]
    generator = np.random.default_rng(seed)
    noise = generator.random(total.shape, dtype=np.float32)
    by_attribute: dict[str, Maps] = {
        "siam": lambda k: maps[scenes.shown[k], k],
        "ideal": lambda k: pooled(scenes.shares[k].astype(np.float32), size),
        "another_scene": lambda k: maps[other[scenes.shown[k]], k],
        # Zeros, because scaling keeps them exactly equal.
        "uniform": lambda k: np.zeros((len(scenes.shown[k]), *size), dtype=np.float32),
        "centre": lambda k: np.broadcast_to(centre_prior(size), (len(scenes.shown[k]), *size)),
        "random": lambda k: generator.random((len(scenes.shown[k]), *size), dtype=np.float32),
    }
    totals = {
        "siam": total,
        "ideal": scenes.total,
        "another_scene": total[other],
        "uniform": np.ones_like(total),
        "centre": np.broadcast_to(centre_prior(size), total.shape),
        "random": noise,
    }
    return {
        name: {**_over_attributes(found, scenes), "inside_causes": number(inside_causes(totals[name], scenes.causes))}
        for name, found in by_attribute.items()
    }


def centre_prior(size: tuple[int, int]) -> np.ndarray:
    """Return a Gaussian around the middle of h x w cells, with peak 1."""
    row, column = ((np.arange(side) + 0.5) / side - 0.5 for side in size)
    return np.exp(-(row[:, None] ** 2 + column[None, :] ** 2) / (2 * _SPREAD**2)).astype(np.float32)


def inside_causes(total: np.ndarray, causes: np.ndarray) -> float:
    """Return the mean share of the magnitude of total maps (N, h, w) inside the causes (N, h, w), given as cell shares.

    Scenes without causes or with an empty map do not count; NaN if none counts.
    """
    size = np.abs(total).sum(axis=(1, 2), dtype=float)
    counts = (size > 0) & causes.any(axis=(1, 2))
    if not counts.any():
        return float("nan")
    inside = (np.abs(total) * causes).sum(axis=(1, 2), dtype=float)
    return float((inside[counts] / size[counts]).mean())


def judge_maps(maps: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Return `FIGURES` for the maps (n, h, w) of one attribute in the scenes that show it.

    Args:
        maps: (n, h, w) maps of n >= 2 scenes.
        shares: (n, s, s) share of each mask cell that the attribute covers, from 0 to 1, in no scene all 0.
    """
    scaled = interpolate(torch.from_numpy(np.array(maps, dtype=np.float32))[:, None], shares.shape[1:], mode="bilinear")
    scores, covered = (
        scaled.numpy().reshape(len(maps), -1),
        shares.astype(np.float32).reshape(len(maps), -1),
    )  # (n, s s)
    precision, _threshold = _ranked(scores, covered)
    halves = np.arange(len(maps)) % 2 == 0
    common = union = 0.0
    for half in (halves, ~halves):
        above = scores[~half] >= _ranked(scores[half], covered[half])[1]
        hit = covered[~half][above].sum(dtype=float)
        common, union = common + hit, union + covered[~half].sum(dtype=float) + above.sum() - hit
    top = scores == scores.max(axis=1, keepdims=True)
    pointing = (covered * top).sum(axis=1) / top.sum(axis=1)
    return {"pixel_ap": precision, "iou": float(common / union), "pointing": float(pointing.mean())}


def _over_attributes(maps: Maps, scenes: Scenes) -> dict[str, Any]:
    judged = scenes.judged
    figures = {scenes.attributes[k]: judge_maps(maps(k), scenes.shares[k]) for k in judged}
    means = {key: np.mean([found[key] for found in figures.values()]) if figures else np.nan for key in FIGURES}
    return {
        **{key: number(mean) for key, mean in means.items()},
        "attributes": len(judged),
        "per_attribute": {
            name: {"scenes": len(scenes.shown[k]), **{key: number(found[key]) for key in FIGURES}}
            for k, (name, found) in zip(judged, figures.items(), strict=True)
        },
    }


def _ranked(scores: np.ndarray, covered: np.ndarray) -> tuple[float, float]:
    """Return the average precision of cells by score, and the threshold with the best IoU; ties are not ranked."""
    order = np.argsort(-scores, axis=None)
    ranked = scores.ravel()[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(order) - 1)  # the last cell of each equal score
    hit = np.cumsum(covered.ravel()[order], dtype=float)[ends]
    taken = ends + 1
    precision = (np.diff(hit, prepend=0) * hit / taken).sum() / hit[-1]
    return float(precision), float(ranked[ends][(hit / (hit[-1] + taken - hit)).argmax()])
