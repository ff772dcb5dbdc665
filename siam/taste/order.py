"""Which photo comes next: by a seed, or the one whose rating tells most; some come again, to see how consistent
answers are.

::

    C      covariance of the weights (a, q, u) of `siam.taste.personal` after the ratings so far, noise variance v
    told   sum over the gallery of (x_z' C x)^2 / (v + x' C x): by how much the rating of photo x narrows all scores

The chosen order takes the photo for which `told` is largest (V-optimal design; K. Chaloner, I. Verdinelli, "Bayesian
experimental design: a review", Statistical Science 10, 1995). It does not depend on what the ratings say. The first
photo is drawn, and so is each photo of the random order.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siam.runtime.reprs import brief
from siam.taste.personal import Design
from siam.taste.ratings import Answer

GAP = 8  # answers at least between a photo and its repeat
_NOISE = 3.0  # v, where the weights have variance 1


@dataclass(frozen=True)
class Turn:
    """What is shown next: a photo, or a pair; and whether the rater has answered to it before."""

    photo: str
    other: str = ""
    repeat: bool = False


@dataclass(frozen=True, eq=False)
class Order:
    """The order in which photos are shown.

    Attributes:
        photos: identifiers of those that may be shown, each once.
        seed: of all that is drawn.
        design: of a gallery that holds the photos, for the chosen order; None for the random one.
        repeats: share of the answers that are asked for again.
        number: of photos, or of pairs, after which a rater is done; None for all of them.
    """

    photos: tuple[str, ...]
    seed: int = 0
    design: Design | None = None
    repeats: float = 0.1
    number: int | None = None

    __repr__ = brief

    def photo(self, given: Sequence[Answer]) -> Turn | None:
        """Return what a rater sees next, None if they are done.

        Args:
            given: the rater's standing answers (`siam.taste.ratings.standing`), ratings and skips.
        """
        seen = {answer.photo for answer in given}
        rated = [answer.photo for answer in given if answer.kind == "rating" and not answer.repeat]
        if (again := self._repeat(given, rated)) is not None:
            return Turn(again, repeat=True)
        left = [name for name in self.photos if name not in seen]
        if not left or (self.number is not None and len(rated) >= self.number):
            return None
        if self.design is None or not rated:
            return Turn(self._drawn(left, 0))
        return Turn(most_telling(self.design, rated, left))

    def pair(self, given: Sequence[Answer]) -> Turn | None:
        """Return the two photos that a rater compares next, those that were compared least; None if they are done.

        Args:
            given: the rater's standing answers, pairs.
        """
        pairs = [answer for answer in given if answer.kind == "pair"]
        if len(self.photos) < 2 or (self.number is not None and len(pairs) >= self.number):
            return None
        often = Counter(name for answer in pairs for name in (answer.photo, answer.other))
        met = {frozenset((answer.photo, answer.other)) for answer in pairs}
        drawn = self._random(len(pairs)).permutation(len(self.photos))
        ranked = sorted((self.photos[place] for place in drawn), key=lambda name: often[name])
        for first in ranked:
            for second in ranked:
                if first != second and frozenset((first, second)) not in met:
                    return Turn(first, second)
        return None

    def _repeat(self, given: Sequence[Answer], rated: Sequence[str]) -> str | None:
        """Return a photo that it is time to show again, or None."""
        done = {answer.photo for answer in given if answer.repeat}
        if len(done) >= int(self.repeats * max(0, len(rated) - GAP)):
            return None
        lately = {answer.photo for answer in given[-GAP:]}
        allowed = [name for name in rated if name not in done and name not in lately]
        return self._drawn(allowed, 1 + len(done)) if allowed else None

    def _drawn(self, names: Sequence[str], number: int) -> str:
        """Return the first of some photos in an order of all that depends on the seed and a number."""
        places = self._random(number).permutation(len(self.photos))
        allowed = set(names)
        return next(self.photos[place] for place in places if self.photos[place] in allowed)

    def _random(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])


def most_telling(design: Design, rated: Sequence[str], left: Sequence[str]) -> str:
    """Return that one of some photos whose rating tells most of all photos of a gallery.

    Args:
        design: of the gallery.
        rated: identifiers of the photos that were rated.
        left: identifiers to choose from, at least one; those without maps come last.
    """
    maps = design.maps
    row_of = {name: row for row, name in enumerate(maps.identifiers)}
    known = maps.known
    candidates = [row_of[name] for name in left if name in row_of and known[row_of[name]]]
    if not candidates:
        return left[0]
    answered = design.whole[[row_of[name] for name in rated if name in row_of and known[row_of[name]]]]
    covariance = np.linalg.inv(np.eye(design.whole.shape[1]) + answered.T @ answered / _NOISE)
    every = design.whole[known].copy()
    every[:, 0] = 0  # the offset moves all scores alike
    towards = design.whole[candidates] @ covariance  # (n, d)
    told = np.einsum("nd,de,ne->n", towards, every.T @ every, towards)
    told /= _NOISE + (towards * design.whole[candidates]).sum(axis=1)
    return maps.identifiers[candidates[int(told.argmax())]]


@dataclass(frozen=True)
class Consistency:
    """How a rater answered to photos that came again.

    Attributes:
        count: photos that were rated twice.
        difference: mean absolute difference of the two ratings, in steps of the scale; NaN without any.
        correlation: of first and second ratings; NaN with fewer than three photos, or where one side is constant.
    """

    count: int
    difference: float
    correlation: float


def consistency(given: Sequence[Answer]) -> Consistency:
    """Return how consistent one rater's standing ratings are."""
    first: dict[str, int] = {}
    twice: dict[str, tuple[int, int]] = {}
    for answer in given:
        if answer.kind == "rating" and answer.value is not None:
            if answer.photo in first:
                twice.setdefault(answer.photo, (first[answer.photo], answer.value))
            first.setdefault(answer.photo, answer.value)
    pairs = np.array(list(twice.values()), dtype=float).reshape(-1, 2)
    varied = len(pairs) > 2 and (np.ptp(pairs, axis=0) > 0).all()
    return Consistency(
        len(pairs),
        float(np.abs(pairs[:, 0] - pairs[:, 1]).mean()) if len(pairs) else float("nan"),
        float(np.corrcoef(pairs.T)[0, 1]) if varied else float("nan"),
    )
