"""A pair's predictions for photos, and the photos of a dataset that it is judged on; each is read once."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from siam.datasets import layout
from siam.datasets.base import AttributePhotos, ScoredPhotos
from siam.datasets.human_masks import OutlinedPhotos
from siam.datasets.tables import SPLITS
from siam.errors import DatasetError, ImageError
from siam.explanation.batch import OnError, Together, predict, predict_pair
from siam.images.reading import upright_size
from siam.models.checkpoint import Pair
from siam.models.siam import Pooling, SIAMOutput, pooled
from siam.runtime.devices import device_of
from siam.runtime.reprs import brief

ALL = "all"


@dataclass(frozen=True, eq=False)
class PairPredictions:
    """A pair's predictions for N photos, K attributes; scores, bias and contributions are in points of its scale.

    Attributes:
        attributes: the K names, in the order of all arrays.
        siam: (N,) SIAM's scores: bias + sum of the contributions.
        bias: (N,) SIAM's bias.
        contributions: (N, K) SIAM's contributions.
        presence: (N, K) attribute scores, 0 to 1.
        baseline: (N,) the baseline's scores; None without a baseline.
        logits: (N, K) attribute logits: in the order of presence, but without saturation. None if unknown.
        maps: (N, K, h, w) attribute maps, if requested.
        total: (N, h, w) total maps, if requested.
        templates: (K, g, g) effective templates, the same for all photos, if maps were requested.
        pooling: how the network averages maps to the grid of the templates.
        interval: (N, 2) between which scores people's mean lies for four of five photos like each
            (`siam.models.doubt`); NaN or None if unknown.
        landscape: (N,) bool, whether each is like the landscapes that the networks learned from; None if unknown.
    """

    attributes: tuple[str, ...]
    siam: np.ndarray
    bias: np.ndarray
    contributions: np.ndarray
    presence: np.ndarray
    baseline: np.ndarray | None = None
    logits: np.ndarray | None = None
    maps: np.ndarray | None = None
    total: np.ndarray | None = None
    templates: np.ndarray | None = None
    pooling: Pooling = "adaptive"
    interval: np.ndarray | None = None
    landscape: np.ndarray | None = None

    __repr__ = brief

    @classmethod
    def of_photo(cls, attributes: Sequence[str], numbers: Mapping[str, Any]) -> "PairPredictions":
        """Return predictions for one photo from the values that `photo` returned.

        Raises:
            KeyError: a number is missing.
            TypeError, ValueError: a value is not a finite number, or there is not one for each attribute.
        """
        baseline = numbers["baseline"]
        columns = {name: np.array([numbers[name]], dtype=float) for name in ("siam", "bias", *_OF_ATTRIBUTES)}
        for name, values in columns.items():
            shape = (len(attributes),) if name in _OF_ATTRIBUTES else ()
            if values.shape[1:] != shape:
                raise ValueError(f"{name} of a photo has shape {values.shape[1:]}; expected {shape}")
        if odd := [name for name, values in columns.items() if not np.isfinite(values).all()]:
            raise ValueError(f"{', '.join(odd)} of a photo cannot be used; expected finite numbers")
        scores = None if baseline is None else np.array([float(baseline)])
        low, high, landscape = (numbers.get(name) for name in _TRUST)
        interval = None if low is None or high is None else np.array([[low, high]], dtype=float)
        return cls(
            tuple(attributes),
            **columns,
            baseline=scores,
            pooling="adaptive",  # without maps, it says nothing
            interval=interval,
            landscape=None if landscape is None else np.array([landscape], dtype=bool),
        )

    def __len__(self) -> int:
        return len(self.siam)

    def photo(self, row: int | np.integer) -> dict[str, Any]:
        """Return a photo's numbers as plain values, ready for JSON and for the columns of a gallery: "siam", "bias",
        "contributions", "presence", "baseline" (None without one), and "siam_low", "siam_high" and "landscape" (None
        if unknown).
        """
        known = self.interval is not None and not np.isnan(self.interval[row]).any()
        ends = self.interval[row].tolist() if self.interval is not None and known else [None, None]
        like = None if self.landscape is None else bool(self.landscape[row])
        return {
            "siam": float(self.siam[row]),
            "bias": float(self.bias[row]),
            **{name: getattr(self, name)[row].tolist() for name in _OF_ATTRIBUTES},
            "baseline": None if self.baseline is None else float(self.baseline[row]),
            **dict(zip(_TRUST, (*ends, like), strict=True)),
        }

    def rows(self, chosen: np.ndarray | Sequence[int]) -> "PairPredictions":
        """Return the predictions for some of the photos, by row or by a mask (N,)."""
        return self._taken(lambda values: values[chosen], _OF_PHOTOS)

    def in_order_of(self, attributes: Sequence[str]) -> "PairPredictions":
        """Return the predictions for some of the attributes, in the given order.

        Raises:
            ValueError: the pair does not know one of them.
        """
        if unknown := [name for name in attributes if name not in self.attributes]:
            raise ValueError(f"the pair does not know {', '.join(unknown)}: choose from its {len(self.attributes)}")
        places = [self.attributes.index(name) for name in attributes]
        photos = self._taken(lambda values: values[:, places], (*_OF_ATTRIBUTES, "logits", "maps"))
        templates = None if self.templates is None else self.templates[places]
        return replace(photos, attributes=tuple(attributes), templates=templates)

    def maps_on_grid(self) -> np.ndarray:
        """Return the maps (N, K, g, g) on the templates' grid.

        Raises:
            ValueError: maps were not requested.
        """
        maps, _total, templates = self.of_maps()
        return pooled(torch.from_numpy(maps), templates.shape[1], self.pooling).numpy()

    def of_maps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return attribute maps (N, K, h, w), total maps (N, h, w) and templates (K, g, g).

        Raises:
            ValueError: maps were not requested.
        """
        if self.maps is None or self.total is None or self.templates is None:
            raise ValueError("these predictions hold no maps: request them with predictions(..., maps=True)")
        return self.maps, self.total, self.templates

    def _taken(self, take: Callable[[np.ndarray], np.ndarray], names: Sequence[str]) -> "PairPredictions":
        known = {name: getattr(self, name) for name in names}
        return replace(self, **{name: take(values) for name, values in known.items() if values is not None})


_OF_ATTRIBUTES = ("contributions", "presence")  # one number for each attribute of each photo
_TRUST = ("siam_low", "siam_high", "landscape")  # columns of a gallery
_NUMBERS = ("siam", "bias", *_OF_ATTRIBUTES, "baseline", "logits", "interval", "landscape")  # first axis: photos
_OF_PHOTOS = (*_NUMBERS, "maps", "total")


@dataclass(frozen=True, eq=False)
class JudgedPhotos:
    """The photos that are judged.

    Attributes:
        split: the split they are from.
        places: (n,) their rows in the dataset.
        files: (n,) their paths.
        skipped: names of the split's photos that cannot be read.
        predictions: the networks' predictions for them.
    """

    split: str
    places: np.ndarray
    files: list[Path]
    skipped: list[str]
    predictions: PairPredictions

    __repr__ = brief


def judge(
    photos: AttributePhotos | ScoredPhotos | OutlinedPhotos,
    data: str,
    root: Path,
    split: str | None,
    known: np.ndarray,
    networks: Callable[[list[Path], OnError], PairPredictions],
) -> JudgedPhotos:
    """Run the networks on the photos of a split; unreadable ones are named once on stderr and skipped.

    Args:
        photos: photos of the dataset.
        data: name of its layout.
        root: its folder.
        split: "train", "val", "test" or "all"; None for test if the dataset has its own test split, otherwise all.
        known: (N,) which photos have labels.
        networks: `predictions` of a pair.

    Raises:
        DatasetError: there is no such split, or no photo in it.
        ImageError: none of its photos can be read.
    """
    if split is None:
        split = "test" if layout(data).has_split(root) and (known & (photos.split == "test")).any() else ALL
    if split not in (*SPLITS, ALL):
        raise DatasetError(f"there is no split {split!r}: choose one of {', '.join((*SPLITS, ALL))}")
    places = np.flatnonzero(known & ((split == ALL) | (photos.split == split)))
    if len(places) == 0:
        raise DatasetError(f"{root} has no labelled photos in the split {split!r}: choose another, or all")
    files = [photos.files[place] for place in places]
    good = np.ones(len(files), dtype=bool)

    def skip(place: int, error: ImageError) -> None:
        good[place] = False
        with tqdm.external_write_mode(sys.stderr):
            sys.stderr.write(f"skipped: {' '.join(str(error).split())}\n")

    everything = networks(files, skip)
    readable = [file for file, can in zip(files, good, strict=True) if can]
    skipped = [file.relative_to(root).as_posix() for file, can in zip(files, good, strict=True) if not can]
    return JudgedPhotos(split, places[good], readable, skipped, everything.rows(good))


def predictions(
    pair: Pair, files: list[Path], on_error: OnError, *, baseline: bool = True, maps: bool = False
) -> PairPredictions:
    """Run a pair on photos; each is read once if both networks take the same input.

    Args:
        pair: the networks.
        files: (n,) photos.
        on_error: called with the row and the error for each photo that cannot be read; its rows are NaN.
        baseline: whether to return the baseline's scores too.
        maps: whether to return maps too; then all photos must be square, so that all maps have one size.

    Raises:
        DatasetError: maps are requested, and a photo is not square.
        ImageError: none of the photos can be read.
    """
    if maps and (odd := [path for path in files if (size := upright_size(path)) and size[0] != size[1]]):
        raise DatasetError(f"{odd[0]} is not square, as rendered scenes are: render the scenes again")
    return _predictions(pair, files, on_error, baseline=baseline, maps=maps)


def predictions_and_maps(
    pair: Pair, files: list[Path], on_error: OnError, *, baseline: bool = True
) -> tuple[PairPredictions, dict[Path, np.ndarray]]:
    """Run a pair on photos of any sizes; each is read once if both networks take the same input.

    Args:
        pair: the networks.
        files: (n,) photos.
        on_error: called with the row and the error for each photo that cannot be read; its rows are NaN.
        baseline: whether to return the baseline's scores too.

    Returns:
        The predictions, without maps; and the attribute maps (K, h, w) of each photo that can be read.

    Raises:
        ImageError: none of the photos can be read.
    """
    by_size: dict[tuple[int, int] | None, list[int]] = {}
    for place, path in enumerate(files):
        by_size.setdefault(upright_size(path), []).append(place)
    arrays: dict[str, np.ndarray] = {}
    maps: dict[Path, np.ndarray] = {}
    last: ImageError | None = None
    for rows in by_size.values():
        failed: set[int] = set()

        def report(row: int, error: ImageError, rows: list[int] = rows, failed: set[int] = failed) -> None:
            failed.add(row)
            on_error(rows[row], error)

        try:
            of_size = _predictions(pair, [files[row] for row in rows], report, baseline=baseline, maps=True)
        except ImageError as error:
            if len(failed) < len(rows):
                raise
            last = error
            continue
        for name in (name for name in _NUMBERS if getattr(of_size, name) is not None):
            values = getattr(of_size, name)
            arrays.setdefault(name, np.full((len(files), *values.shape[1:]), np.nan).astype(values.dtype))[rows] = (
                values
            )
        found, _total, _templates = of_size.of_maps()
        maps.update({files[row]: found[place] for place, row in enumerate(rows) if place not in failed})
    if last is not None and not maps:
        raise last
    config = pair.config
    return PairPredictions(config.attributes, **arrays, pooling=config.pooling), maps


@torch.inference_mode()
def prepared_predictions(
    pair: Pair, images: Tensor, others: Tensor | None = None, *, maps: bool = False
) -> PairPredictions:
    """Run a pair on photos that are prepared already, all of one size.

    Args:
        pair: the networks.
        images: (N, 3, H, W) on any device, as `siam.images.preprocess` prepares them for SIAM.
        others: the same for the baseline, if it takes another input.
        maps: whether to return maps too.

    Raises:
        ValueError: no cell is left inside the border of the maps.
    """
    network, baseline, device = pair.siam, pair.baseline, device_of(pair.siam)
    images = images.to(device)
    if baseline is not None and others is None:
        output, reference = Together(network, baseline)(images)
    else:
        output = network(images)
        reference = None if baseline is None or others is None else baseline(others.to(device))
    outputs = [_array(part) for part in _parts_of(output, maps)]
    return _of_outputs(pair, outputs, None if reference is None else _array(reference.scenicness), maps)


def _predictions(pair: Pair, files: list[Path], on_error: OnError, *, baseline: bool, maps: bool) -> PairPredictions:
    def parts(output: SIAMOutput) -> tuple[Tensor, ...]:
        return _parts_of(output, maps)

    if baseline:
        outputs, other = predict_pair(pair, files, parts, description="scores", on_error=on_error)
    else:
        outputs, other = predict(pair.siam, files, parts, description="attributes", on_error=on_error), None
    return _of_outputs(pair, outputs, other, maps)


def _parts_of(output: SIAMOutput, maps: bool) -> tuple[Tensor, ...]:
    """Return of SIAM's output what `_of_outputs` takes."""
    assert output.mean_features is not None  # whoever starts from a picture has them
    always = output.scenicness, output.attribute_logits, output.contributions, output.mean_features
    return (*always, output.attribute_maps, output.total_map) if maps else always


def _of_outputs(pair: Pair, outputs: Sequence[np.ndarray], baseline: np.ndarray | None, maps: bool) -> PairPredictions:
    network = pair.siam
    scores, logits, contributions, features, *of_maps = outputs
    head, doubt = network.scenicness_head, pair.doubt
    away = None if doubt is None else doubt.distance(features)
    return PairPredictions(
        attributes=network.config.attributes,
        siam=scores,
        bias=np.full(len(scores), head.bias.item()),
        contributions=contributions,
        presence=network.link(torch.from_numpy(logits)).numpy(),
        baseline=baseline,
        logits=logits,
        maps=of_maps[0] if maps else None,
        total=of_maps[1] if maps else None,
        templates=head.effective_templates().detach().cpu().numpy() if maps else None,
        pooling=network.config.pooling,
        interval=None if doubt is None or away is None else doubt.intervals(scores, away, pair.config.scale),
        landscape=None if doubt is None or away is None else doubt.are_landscapes(away),
    )


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
