"""Candidates of a gallery: its photos that are here, its scores, and its crowd's ratings, if it has any."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from siam.discovery import candidates, cells, directions
from siam.discovery.candidates import Discovery, Progress, Scores
from siam.discovery.stored import stored
from siam.errors import DatasetError
from siam.gallery.pictures import here
from siam.gallery.store import Gallery
from siam.models.checkpoint import Pair
from siam.taste.maps import of_rows

_LOOKING = 0.7  # of the work is looking at the photos


def discover_in(
    pair: Pair,
    gallery: Gallery,
    *,
    method: str = directions.METHODS[0],
    count: int = candidates.COUNT,
    most: int = candidates.MOST,
    seed: int = 0,
    progress: Progress = lambda _share, _text: None,
    lock: AbstractContextManager[object] | None = None,
    networks: tuple[Any, Any] | None = None,
) -> Discovery:
    """Return the candidates of a gallery, for the pair that scored it.

    Nobody looks at photos again whose features were stored with their scores.

    Args:
        pair: the networks.
        gallery: its photos.
        method: how the features are taken apart, one of `siam.discovery.directions.METHODS`.
        count: of candidates, at most.
        most: photos that are looked at; of more, so many are drawn. Of scores with features (`siam score --features`),
            photos that are held in memory, while all are read.
        seed: of everything that is drawn.
        progress: called with the share that is done, and a text; what it raises ends the work.
        lock: held while the networks work, some photos at a time.
        networks: copies of SIAM and baseline that do the work, if others use the pair's at the same time.

    Raises:
        DatasetError: too few of the photos are here, or have both scores; or the pair has no baseline.
        ImageError: no photo can be read.
    """
    rows = usable(gallery)
    if len(rows) < candidates.FEWEST:
        raise DatasetError(
            f"candidates need {candidates.FEWEST} photos that are on this machine and have both scores, not "
            f"{len(rows)}: choose a larger gallery, or download its pictures"
        )
    seen = stored(pair, gallery, rows)
    if seen is not None:
        return candidates.discover(
            seen, scores_of(gallery, rows), pair.config.attributes, rows, method, count, seed, progress, most
        )
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))

    def looked(done: int, total: int) -> None:
        progress(_LOOKING * done / total, f"Both networks have looked at {done:,} of {total:,} photos")

    seen = cells.of_photos(pair, of_rows(gallery, rows), looked, lock, networks)
    read = np.flatnonzero(seen.maps.known & ~np.isnan(seen.light[:, 0, 0, 0]))
    if len(read) < len(rows):
        rows, seen = rows[read], seen.some(read)
    return candidates.discover(
        seen,
        scores_of(gallery, rows),
        pair.config.attributes,
        rows,
        method,
        count,
        seed,
        lambda share, text: progress(_LOOKING + (1 - _LOOKING) * share, text),
    )


def usable(gallery: Gallery) -> np.ndarray:
    """Return the rows of the photos that are here and have both scores."""
    siam, baseline = (gallery.photos[name].to_numpy(dtype=float) for name in ("siam", "baseline"))
    scored = ~np.isnan(siam + baseline)
    if gallery.contents is not None:
        return np.flatnonzero(scored)
    return np.array([row for row, path in enumerate(here(gallery)) if path is not None and scored[row]], dtype=int)


def scores_of(gallery: Gallery, rows: np.ndarray) -> Scores:
    """Return the scores of some photos; ratings count if all of these have one.

    Ratings on another scale get the mean and the spread of the baseline's scores.
    """
    siam, baseline, crowd = (
        gallery.photos[name].to_numpy(dtype=float)[rows] for name in ("siam", "baseline", "crowd_mean")
    )
    if np.isnan(crowd).any() or not np.ptp(crowd) > 0:
        return Scores(siam, baseline)
    if gallery.about.rated_on != gallery.about.scale:
        crowd = baseline.mean() + (crowd - crowd.mean()) * baseline.std() / crowd.std()
    return Scores(siam, baseline, crowd)
