"""Where: how well attribute maps agree with the regions that people outlined in photos.

An attribute is judged on the photos in which its region (`siam.datasets.human_masks.OUTLINED`) covers 3 to 90 % of the
labelled pixels, if there are at least three. Masks are reduced to a short side of `SIDE` px (nearest pixel), and maps,
of far fewer cells, are scaled to them (bilinear). Only labelled pixels count. All figures but the last are computed for
each photo and averaged over the photos, so they ask whether a map tells the parts of a photo apart::

    pixel AP       average precision of a photo's pixels, ranked by its map
    IoU            intersection over union of the mask and the map above a threshold: one for all photos, the best of
                   `THRESHOLDS` quantiles of the map on the photos of the other folds, never on those judged with it
    pointing game  probability that the map's highest pixel is on the region, without tolerance; ties are averaged
    chance         share of the labelled pixels that the region covers: what a constant map gets in all three
    pooled AP      average precision of the pixels of all photos together: also asks whether a map is equally strong in
                   all photos. This is how `siam.evaluation.localisation` compares maps with a segmenter.

J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016, arXiv:1608.00507 (the pointing game).

Intervals are percentile bootstrap intervals over photos; that of the pooled AP ranks pixels in `BINS` classes.
Neighbouring frames of a film are drawn one by one like photos, though they resemble each other: CamVid has so few
sequences that they cannot be drawn as blocks. So intervals of attributes mostly shown by it are too narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from siam.datasets.human_masks import HEADLINE, OUTLINED, SHOWN, OutlinedPhotos
from siam.errors import DatasetError
from siam.evaluation import bootstrap
from siam.evaluation.scores import limits, number

SIDE = 160  # px; figures at 80 px differ by less than .001 on average, but fences and poles need the detail
MINIMUM_PHOTOS = 3
THRESHOLDS = 201
BINS = 1000
FOLDS = 5
FIGURES = ("pixel_ap", "iou", "pointing", "pooled_ap")


def judge(
    maps: Sequence[np.ndarray | Tensor],
    photos: OutlinedPhotos,
    attributes: Sequence[str],
    folds: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return how well the attribute maps of photos agree with people's outlines, with 95 % intervals and chance.

    In cross-validation, pass for each photo the maps of the network that has not seen it.

    Args:
        maps: N maps (K, h, w), of any sizes.
        photos: the N photos.
        attributes: K names.
        folds: (N,) fold of each photo, for the thresholds of the IoU; by default `photos.folds(FOLDS, 0)`.

    Returns:
        "n" photos, and "per_attribute": name (of `OUTLINED`) → `FIGURES`, each with its "…_interval", "chance" and
        "pooled_chance", and the number of "photos" that show it; the means of all these over the `HEADLINE` attributes,
        whose number is "attributes"; and under "all" the means over all. Undefined figures are None.

    Raises:
        DatasetError: none of the attributes was outlined in enough photos.
        ValueError: there is not one map for each photo.
    """
    if len(maps) != len(photos.files):
        raise ValueError(f"got {len(maps)} maps for {len(photos.files)} photos; expected one for each")
    judged = _judged(photos, attributes)
    reduced = [_reduced(mask) for mask in photos.masks]
    folds = photos.folds(FOLDS, 0) if folds is None else folds
    rows = {name: _row(name, shown, maps, reduced, photos, list(attributes), folds) for name, shown in judged.items()}
    headline = [name in HEADLINE for name in rows]
    means = {"": np.array(headline), "all": np.ones(len(rows), dtype=bool)}

    def with_means(each: np.ndarray) -> np.ndarray:
        return np.concatenate([each, *(_mean(each[:, chosen])[:, None] for chosen in means.values())], axis=1)

    def resampled(counts: np.ndarray) -> np.ndarray:
        return with_means(np.stack([row.resampled(counts) for row in rows.values()], axis=1))

    count = len(photos.files)
    (values,) = with_means(np.stack([row.exact() for row in rows.values()], axis=1))  # (attributes and means, figures)
    ends = bootstrap.ends(bootstrap.resampled(resampled, count)).transpose(1, 2, 0)
    described = [_described(of, pair) for of, pair in zip(values, ends, strict=True)]
    per_attribute = {
        name: {"photos": len(row.places), **of} for (name, row), of in zip(rows.items(), described, strict=False)
    }
    first, everything = described[len(rows) :]
    return {
        "n": count,
        "attributes": sum(headline),
        **first,
        "all": {"attributes": len(rows), **everything},
        "per_attribute": per_attribute,
    }


def mean(figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of several networks' `judge` on the same photos: of the figures, and of the ends of intervals.

    "pixel_ap_sd" is the standard deviation of the mean pixel average precision over the networks.
    """
    together, each = _averaged(figures), [of["pixel_ap"] for of in figures]
    return {**together, "pixel_ap_sd": None if None in each else number(np.std(each))}


def _averaged(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, dict):
        return {name: _averaged([value[name] for value in values]) for name in first}
    if isinstance(first, list):
        return [_averaged(ends) for ends in zip(*values, strict=True)]
    return first if first is None or isinstance(first, int) else number(np.mean(values))


@dataclass(frozen=True, eq=False)
class _Row:
    """One attribute in the photos that show it.

    Attributes:
        places: (n,) rows of these photos among all.
        values: (n, 4) pixel AP, IoU, pointing and chance in each; an IoU is NaN where no other fold gives a threshold.
        pixels: (n, B) pixels of each photo in each class of the map's strength, the strongest first.
        hits: (n, B) those of them on the region.
        precision: exact pooled average precision.
    """

    places: np.ndarray
    values: np.ndarray
    pixels: np.ndarray
    hits: np.ndarray
    precision: float

    def exact(self) -> np.ndarray:
        """Return `FIGURES`, chance and pooled chance (1, 6) of the photos."""
        figures = self._of(np.ones((1, len(self.places)), dtype=int))
        figures[:, FIGURES.index("pooled_ap")] = self.precision
        return figures

    def resampled(self, counts: np.ndarray) -> np.ndarray:
        """Return the same (R, 6) of resamples (R, N) of all photos, NaN in those without a photo that shows it."""
        return self._of(counts[:, self.places])

    def _of(self, drawn: np.ndarray) -> np.ndarray:
        known = ~np.isnan(self.values)
        means = _ratio(drawn @ np.where(known, self.values, 0.0), drawn @ known.astype(int))
        share = _ratio(drawn @ self.hits.sum(axis=1), drawn @ self.pixels.sum(axis=1))
        pooled = _pooled(drawn @ self.pixels, drawn @ self.hits)
        return np.column_stack([means[:, :3], pooled, means[:, 3], share])


def refuse_others(photos: OutlinedPhotos, attributes: Sequence[str]) -> None:
    """Raise the DatasetError of `judge` before any map is computed."""
    _judged(photos, attributes)


def _judged(photos: OutlinedPhotos, attributes: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the attributes that are judged, each with the rows of the photos that show it."""
    low, high = SHOWN
    shares = photos.shares()
    shown = {
        name: np.flatnonzero((shares[:, k] >= low) & (shares[:, k] <= high))
        for k, (name, of) in enumerate(OUTLINED.items())
        if set(of.attributes) <= set(attributes)
    }
    if not shown:
        raise DatasetError(f"the model knows none of the outlined attributes, such as {HEADLINE[0]}: use one that does")
    judged = {name: rows for name, rows in shown.items() if len(rows) >= MINIMUM_PHOTOS}
    if not judged:
        raise DatasetError(
            f"at most {max(map(len, shown.values()))} of {len(photos.files)} photos show an outlined attribute that "
            f"the model knows, and {MINIMUM_PHOTOS} were expected: use more photos"
        )
    return judged


def _row(
    name: str,
    shown: np.ndarray,
    maps: Sequence[np.ndarray | Tensor],
    reduced: Sequence[np.ndarray],
    photos: OutlinedPhotos,
    attributes: list[str],
    folds: np.ndarray,
) -> _Row:
    chosen = [attributes.index(attribute) for attribute in OUTLINED[name].attributes]
    strengths, regions = [], []  # of the labelled pixels of each photo
    for photo in shown.tolist():
        numbers = reduced[photo]
        labelled = numbers > 0
        strongest = torch.as_tensor(maps[photo])[chosen].float().amax(dim=0)
        scaled = interpolate(strongest[None, None], numbers.shape, mode="bilinear")[0, 0].numpy()
        strengths.append(scaled[labelled])
        regions.append(photos.covered(name, numbers[labelled]))
    everything, inside = np.concatenate(strengths), np.concatenate(regions)
    quantiles = np.quantile(everything, np.linspace(0, 1, BINS + 1)).astype(np.float32)
    thresholds, edges = quantiles[:: BINS // (THRESHOLDS - 1)], np.unique(quantiles)
    ranked = [_ranked(*of) for of in zip(strengths, regions, strict=True)]
    overlaps = np.stack([_overlaps(*of, thresholds) for of in ranked])  # (n, THRESHOLDS)
    values = np.column_stack(
        [
            [_precision(*of) for of in ranked],
            _held_out(overlaps, folds[shown]),
            [_pointing(*of) for of in zip(strengths, regions, strict=True)],
            [region.mean() for region in regions],
        ]
    )
    classes = [len(edges) - 1 - np.searchsorted(edges, one, side="right").clip(max=len(edges) - 1) for one in strengths]
    pixels = np.stack([np.bincount(one, minlength=len(edges)) for one in classes])
    hits = np.stack(
        [np.bincount(one[region], minlength=len(edges)) for one, region in zip(classes, regions, strict=True)]
    )
    return _Row(shown, values, pixels, hits, _precision(*_ranked(everything, inside)))


def _reduced(mask: np.ndarray) -> np.ndarray:
    """Return a mask (H, W) at a short side of at most `SIDE`: of every new pixel, the old one at its centre."""
    scale = max(1.0, min(mask.shape) / SIDE)
    rows, columns = (
        ((np.arange(round(side / scale)) + 0.5) * scale).astype(int).clip(max=side - 1) for side in mask.shape
    )
    return mask[rows][:, columns]


def _ranked(strengths: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the strengths (P,) in falling order, and how many pixels of the region (P,) are among the first."""
    order = np.argsort(-strengths, kind="stable")
    return strengths[order], np.cumsum(region[order])


def _precision(ranked: np.ndarray, hits: np.ndarray) -> float:
    """Return the average precision of ranked pixels; pixels of equal strength are not ranked among themselves."""
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last pixel of each strength
    found = hits[ends]
    return float((np.diff(found, prepend=0) * (found / (ends + 1))).sum() / found[-1])


def _overlaps(ranked: np.ndarray, hits: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the IoU (T,) of the region and the pixels at or above each threshold."""
    above = np.searchsorted(-ranked, -thresholds, side="right")
    found = np.append(0, hits)[above]
    return found / (hits[-1] + above - found)


def _held_out(overlaps: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return the IoU (n,) of each photo at the threshold that is best on average in the other folds, or NaN."""
    held_out = np.full(len(overlaps), np.nan)
    for fold in np.unique(folds):
        inside = folds == fold
        if not inside.all():
            held_out[inside] = overlaps[inside, overlaps[~inside].mean(axis=0).argmax()]
    return held_out


def _pointing(strengths: np.ndarray, region: np.ndarray) -> float:
    return float(region[strengths == strengths.max()].mean())


def _pooled(pixels: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Return the average precision (R,) of pixels in classes (R, B), NaN without a pixel of the region."""
    taken, found = np.cumsum(pixels, axis=1), np.cumsum(hits, axis=1)
    return _ratio((hits * found / np.maximum(taken, 1)).sum(axis=1), found[:, -1])


def _mean(figures: np.ndarray) -> np.ndarray:
    """Return the mean (R, …) over the attributes (R, A, …) that have a figure; NaN without any."""
    known = ~np.isnan(figures)
    return _ratio(np.where(known, figures, 0.0).sum(axis=1), known.sum(axis=1))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def _described(values: np.ndarray, ends: np.ndarray) -> dict[str, Any]:
    names = (*FIGURES, "chance", "pooled_chance")
    figures = {name: number(value) for name, value in zip(names, values, strict=True)}
    intervals = {f"{name}_interval": limits(pair) for name, pair in zip(FIGURES, ends, strict=False)}
    return {
        key: part[key]
        for name in names
        for part in (figures, intervals)
        for key in (name, f"{name}_interval")
        if key in part
    }
