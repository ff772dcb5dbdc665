"""Scores single photos for galleries, from the pictures that `siam.gallery.copies` keeps of them."""

import contextlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import numpy as np
import torch

from siam.datasets.base import RatingScale
from siam.errors import ImageError
from siam.evaluation.predictions import PairPredictions
from siam.explanation.inference import Explanation, explain
from siam.gallery.copies import settings_of
from siam.gallery.store import About
from siam.images.preprocessing import least_side
from siam.images.reading import read_image
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from siam.runtime.files import append, write_atomically
from siam.runtime.provenance import git_commit

LONGEST = 800  # px of the longer side of a copy

Progress = Callable[[int, int], object]  # called with (photos done, photos in all); raising in it stops


@dataclass(frozen=True)
class Refused:
    """A photo that was left out, and why."""

    name: str
    reason: str


def score(pair: Pair, lock: AbstractContextManager[object], picture: bytes, name: str) -> PairPredictions:
    """Return a pair's scores and contributions for one picture; the lock is held only while the networks work.

    Raises:
        ImageError: the picture cannot be scored.
    """
    return numbers_of(explained(pair, lock, picture, name))


def explained(pair: Pair, lock: AbstractContextManager[object], picture: bytes, name: str) -> Explanation:
    """Return a pair's explanation of one picture, as `score` does its numbers; raises the same."""
    image = read_image(picture, name=name, least=least_side(*pair.configs))
    try:
        with lock:
            explanation = explain(pair, image)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ImageError(f"{name} needs more memory than is available: crop it to a less extreme shape.") from error
    if not np.isfinite([explanation.scenicness, *explanation.contributions]).all():
        raise ImageError(f"{name} gets a score that is not a finite number: choose another photo or other networks.")
    return explanation


def numbers_of(explanation: Explanation) -> PairPredictions:
    """Return the scores and contributions of an explanation."""
    numbers = {
        "siam": explanation.scenicness,
        "bias": explanation.bias,
        "contributions": explanation.contributions,
        "presence": explanation.attribute_scores,
        "baseline": explanation.baseline_scenicness,
        "siam_low": None if explanation.interval is None else explanation.interval[0],
        "siam_high": None if explanation.interval is None else explanation.interval[1],
        "landscape": explanation.is_landscape,
    }
    return PairPredictions.of_photo(explanation.attributes, numbers)


def take_half_of_the_cores() -> None:
    """Make the calling thread compute on half of the cores, so that other people's pages stay responsive.

    A thread's setting becomes the default for all new threads, so another thread restores that default at once.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 2))
    other = Thread(target=torch.set_num_threads, args=(threads,))
    other.start()
    other.join()


def about(
    pair: Pair, data: str, split: str, command: str, crowd_scale: RatingScale | None, *, told: bool = True
) -> About:
    """Return the provenance of a pair's scores, as of today.

    Args:
        pair: the networks.
        data: name of the photos.
        split: of the photos.
        command: that repeats this.
        crowd_scale: of the ratings, perhaps the pair's own; None if there are none, or if it is not known.
        told: whether the scale of the ratings is known; a told scale with the same ends is the pair's own.
    """
    config = pair.config
    other = None if crowd_scale == config.scale else crowd_scale
    today = datetime.now(UTC).date().isoformat()
    made_with = pair.version, fingerprint(pair), settings_of(pair)
    return About(
        pair.name, config.scale, config.attributes, data, split, today, command, git_commit(), other, told, *made_with
    )


def own_scale(told: RatingScale | None, scale: RatingScale) -> RatingScale | None:
    """Return the scale of somebody's own ratings as told, or the networks' if it has the same ends."""
    return scale if scale.same_points(told) else told


def fingerprint(pair: Pair) -> str:
    """Return the identity of a pair's networks, without what explainers have learnt, on which scores do not depend."""
    return identity(pair, learnt=False)


class ScoreFile:
    """Scores that survive an interruption: one line of JSON each, after a first line that identifies the networks.

    Args:
        path: of the file; existing scores by the same networks are read, others are dropped.
        networks: `fingerprint` of the pair.
        attributes: of the pair.

    Raises:
        StorageError: the file cannot be written.
    """

    def __init__(self, path: Path, networks: str, attributes: Sequence[str]) -> None:
        self._path, self._known = path, dict[str, PairPredictions]()
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if lines[:1] == [networks]:
            for line in lines[1:]:
                with contextlib.suppress(ValueError, KeyError, TypeError):  # cut by a crash
                    numbers = json.loads(line)
                    self._known[numbers["sha256"]] = PairPredictions.of_photo(attributes, numbers)
        write_atomically(path, ("\n".join([networks, *map(self._line, self._known)]) + "\n").encode())

    def get(self, digest: str) -> PairPredictions | None:
        """Return the scores of a picture, or None if they are not known."""
        return self._known.get(digest)

    def add(self, digest: str, scores: PairPredictions) -> PairPredictions:
        """Store the scores of a picture and return them."""
        self._known[digest] = scores
        append(self._path, f"{self._line(digest)}\n".encode())
        return scores

    def remove(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    def _line(self, digest: str) -> str:
        return json.dumps({"sha256": digest, **self._known[digest].photo(0)})
