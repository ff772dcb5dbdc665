"""Calibrates a pair: finds how far to trust its scores (`siam.models.doubt`), and checks that on photos kept out.

A recipe says from which photos. Folders of photos are below --root, galleries as on the command line::

    model = "photo"

    [rated]                                   # photos that the networks scored without having seen them
    gallery = "assets/gallery/oasis"          # by the networks of a cross-validation
    photos = "oasis_scenes/images"            # its pictures, if they are not in the gallery
    # or: data = "rendered", folder = "scenes"    a dataset that the pair never saw, which it scores now

    [[landscapes]]                            # what the networks learned from
    photos = "sun_attributes/images"
    table = "sun_attributes/labels.csv"       # optional: only the files of the rows in which
    where = { outdoor = "1", split = "train" }    # these columns have these values; files are paths within the folder

    [[coverage]]                              # further rated photos on which the intervals are checked
    name = "rendered test scenes"
    gallery = "assets/gallery/rendered"

    [[flagged]]                               # photos on which "not a landscape" is checked
    name = "indoor photos of SUN, unseen"
    landscapes = false                        # whether they are landscapes
    photos = "sun_attributes/images"
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest
from torch import Tensor

from siam.datasets import read_rated
from siam.datasets.cells import numbers_in
from siam.datasets.names import Spellings, identity, is_there, known_as
from siam.datasets.tables import Sieve, read_table
from siam.errors import DatasetError, TrainingError
from siam.explanation.batch import predict_pair
from siam.gallery import store
from siam.images.formats import SUFFIXES
from siam.models import doubt as doubts
from siam.models.checkpoint import Pair
from siam.models.doubt import Doubt, Network
from siam.models.siam import SIAMOutput
from siam.runtime.provenance import git_commit

FOLDS = 10  # of the photos from which the intervals come, to check them

_PHOTOS = ("photos", "table", "where")
_KEYS = {
    "rated": ("gallery", "photos", "data", "folder"),
    "landscapes": _PHOTOS,
    "coverage": ("name", "gallery", "photos", "data", "folder"),
    "flagged": ("name", "landscapes", *_PHOTOS),
}


@dataclass(frozen=True, eq=False)
class Rated:
    """Photos that people rated and that the networks had not seen: m files, (m,) means, (m,) scores of each network."""

    files: list[Path]
    people: np.ndarray
    siam: np.ndarray | None
    baseline: np.ndarray | None


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the recipe of a calibration.

    Raises:
        TrainingError: it cannot be read, or a part or a setting of it is missing or unknown.
    """
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror or error}): check the path") from error
    except ValueError as error:
        raise TrainingError(f"{path} is not TOML ({error}): see recipes/doubt-photo.toml") from error
    for part in ("rated", "landscapes"):
        if part not in recipe:
            raise TrainingError(f"{path} lacks [{part}]: see recipes/doubt-photo.toml")
    for part, entries in recipe.items():
        if part != "model" and part not in _KEYS:
            raise TrainingError(f"{path} has a part {part!r}: expected model, {', '.join(_KEYS)}")
        for entry in entries if isinstance(entries, list) else [entries] if part != "model" else []:
            odd = sorted(set(entry) - set(_KEYS[part])) if isinstance(entry, Mapping) else [entry]
            if odd:
                raise TrainingError(f"{path}: [{part}] has {odd[0]!r}: expected {', '.join(_KEYS[part])}")
    return recipe


def calibrate(pair: Pair, recipe: Mapping[str, Any], root: Path, command: str) -> Doubt:
    """Return how far to trust a pair's scores, with the figures of how it was checked.

    Args:
        pair: the networks.
        recipe: as `read_recipe` returns it.
        root: the folder that holds the photos.
        command: that repeats this.

    Raises:
        DatasetError: a folder, table, gallery or picture is missing, or too few photos are left.
        ImageError: none of some photos can be read.
    """
    rated = _rated(recipe["rated"], root)
    files = list(dict.fromkeys(file for entry in recipe["landscapes"] for file in _photos(entry, root)))
    landscapes, _scores = _features(pair, files, "landscapes")
    features, scores = _features(pair, rated.files, "rated photos")
    if len(landscapes) < doubts.FEWEST or len(features) < doubts.FEWEST:
        raise DatasetError(
            f"{len(landscapes)} landscapes and {len(features)} rated photos: at least {doubts.FEWEST} of each needed"
        )
    places = {file.resolve(): row for row, file in enumerate(files)}
    rows = np.array([places.get(file.resolve(), -1) for file in rated.files])
    found = doubts.fit(landscapes, features, _residuals(rated, scores), rows)
    about = {
        "model": pair.name,
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "git_commit": git_commit(),
        "level": doubts.LEVEL,
        "coverage": _coverage(pair, found, recipe.get("coverage", ()), root),
        "flagged": [_flagged(pair, found, entry, root) for entry in recipe.get("flagged", ())],
    }
    return replace(found, about=about)


def cross_coverage(residuals: np.ndarray, distances: np.ndarray, usual: float, seed: int = 0) -> np.ndarray:
    """Return which photos (m,) bool lie inside intervals that were found from nine tenths of the others.

    Args:
        residuals: (m,) |people - network|.
        distances: (m,) of the photos.
        usual: distance from which on intervals widen.
        seed: of the division into folds.
    """
    fold = np.random.default_rng(seed).permutation(len(residuals)) % FOLDS
    inside = np.zeros(len(residuals), dtype=bool)
    for number in range(FOLDS):
        out = fold == number
        inside[out] = residuals[out] <= doubts.half_width(residuals[~out], distances[~out], distances[out], usual)
    return inside


def _coverage(pair: Pair, found: Doubt, entries: Sequence[Mapping[str, Any]], root: Path) -> list[dict[str, Any]]:
    figures = []
    for column, network in enumerate(doubts.NETWORKS):
        residuals = found.residuals[:, column]
        if np.isfinite(residuals).all():
            inside = cross_coverage(residuals, found.distances, found.usual)
            widths = 2 * doubts.half_width(residuals, found.distances, found.distances, found.usual)
            figures.append(_covered("rated photos, kept out in turn", network, inside, widths))
    for entry in entries:
        rated = _rated(entry, root)
        features, scores = _features(pair, rated.files, entry["name"])
        away, residuals = found.distance(features), _residuals(rated, scores)
        for column, network in enumerate(doubts.NETWORKS):
            half = doubts.half_width(found.residuals[:, column], found.distances, away, found.usual)
            if np.isfinite(residuals[:, column]).all():
                figures.append(_covered(entry["name"], network, residuals[:, column] <= half, 2 * half))
    return figures


def _covered(name: str, network: Network, inside: np.ndarray, widths: np.ndarray) -> dict[str, Any]:
    return {"name": name, "network": network, **_share(inside), "width": round(float(np.median(widths)), 4)}


def _flagged(pair: Pair, found: Doubt, entry: Mapping[str, Any], root: Path) -> dict[str, Any]:
    features, _scores = _features(pair, _photos(entry, root), entry["name"])
    return {
        "name": entry["name"],
        "landscapes": bool(entry["landscapes"]),
        **_share(found.distance(features) > found.usual),
    }


def _share(values: np.ndarray) -> dict[str, Any]:
    """Return how many of n are true, with the 95 % interval of Wilson."""
    count, n = int(values.sum()), len(values)
    bounds = binomtest(count, n).proportion_ci(method="wilson")
    return {"n": n, "share": round(count / n, 4), "interval": [round(bounds.low, 4), round(bounds.high, 4)]}


def _residuals(rated: Rated, scores: np.ndarray) -> np.ndarray:
    """Return |people - network| (m, 2) by the scores of `rated`, or else by those of the pair (m, 2)."""
    columns = [rated.siam, rated.baseline] if rated.siam is not None else [scores[:, 0], scores[:, 1]]
    absent = np.full(len(rated.people), np.nan)
    return np.stack([absent if of is None else np.abs(rated.people - of) for of in columns], axis=1)


def _features(pair: Pair, files: Sequence[Path], description: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean features (N, C) and both networks' scores (N, 2); the baseline's are NaN without one."""
    if not files:
        raise DatasetError(f"{description}: there are no photos; check the recipe")
    (features, scores), baseline = predict_pair(pair, list(files), _parts, description=description)
    return features, np.stack([scores, np.full(len(files), np.nan) if baseline is None else baseline], axis=1)


def _parts(output: SIAMOutput) -> tuple[Tensor, Tensor]:
    assert output.mean_features is not None  # whoever starts from a picture has them
    return output.mean_features, output.scenicness


def _photos(entry: Mapping[str, Any], root: Path) -> list[Path]:
    """Return the photos of a folder, or those that a table beside it chooses."""
    folder = root / entry["photos"]
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder: check photos in the recipe, and --root")
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    if "table" not in entry:
        return files
    where: Mapping[str, object] = entry.get("where", {})
    path = root / entry["table"]
    table = read_table(path, ("file", *where), "check table and where in the recipe, and --root")
    chosen = np.ones(len(table), dtype=bool)
    for column, value in where.items():
        chosen &= _equal(table[column].tolist(), value)
    rows = np.array(table.attrs["rows"])[chosen].tolist()
    sieve = Sieve(path, table["file"][chosen].tolist(), None, rows)
    spellings = Spellings((file.relative_to(folder).as_posix() for file in files), folder)
    photos = sieve.locate(lambda name: spellings.find(name) or identity(name, folder))
    return [folder / photo for photo in photos if is_there(folder / photo)]


def _equal(cells: Sequence[str], value: object) -> np.ndarray:
    """Return which cells (N,) hold a value of a recipe, however both are written: "1", 1 and 1.0; true and TRUE."""
    text = str(value).strip().casefold()
    alike = np.array([cell.strip().casefold() == text for cell in cells], dtype=bool)
    return alike | (numbers_in(cells) == numbers_in([text]))


def _rated(entry: Mapping[str, Any], root: Path) -> Rated:
    if "gallery" not in entry:
        photos = read_rated(entry["data"], root / entry["folder"], None)
        known = np.flatnonzero(~np.isnan(photos.scores))
        return Rated([photos.files[row] for row in known], photos.scores[known], None, None)
    gallery = store.read(Path(entry["gallery"]))
    rows = np.flatnonzero(gallery.photos["crowd_mean"].notna()).tolist()
    if "photos" in entry:
        names = {known_as(path.name): path for path in _photos(entry, root)}
        found = [names.get(known_as(str(gallery.photos["identifier"][row]))) for row in rows]
    else:
        found = [gallery.scored(row) or gallery.picture(row) for row in rows]
    kept = [row for row, file in zip(rows, found, strict=True) if file is not None]
    of, baseline = gallery.photos.iloc[kept], gallery.photos["baseline"].iloc[kept]
    return Rated(
        [file for file in found if file is not None],
        of["crowd_mean"].to_numpy(float),
        of["siam"].to_numpy(float),
        None if baseline.isna().any() else baseline.to_numpy(float),
    )
