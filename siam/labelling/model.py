"""A model of a word that learns along: which photo comes next, and how well the word is found.

::

    score(x) = w' x + b     logistic regression on the components of the features, both classes of equal weight
    chosen   the photo with the smallest |score|: the least certain one
    drawn    the next photo in an order of all, by the SHA-256 of the word and the photo's name

Every second photo is drawn, and so are the first few; the others are chosen. Until both classes have an answer, the
chosen photo is the one with the strongest map of an attribute of the same name, or else the one that is farthest from
all that were answered to.

Chosen photos are the hard ones, and whatever is judged on them alone is biased. So the average precision (AP) is that
of the *drawn* photos: the beginning of the drawn order, as far as all of it has an answer. That beginning was fixed
before anybody answered, so it is a random sample of the photos, even where an answer in it came because the photo was
chosen. Each is scored by a model that learned from nine tenths of all other answers, chosen ones included. AP is thus
what somebody can expect who ranks photos like these by the model; answers “unsure” do not count. The 95 % interval
draws photos with replacement (`siam.evaluation.bootstrap`). Half its width shrinks with 1/√n, which tells how many
answers are missing.

`python -m benchmarks.labelling` prints how many answers this order needs on rendered landscapes, whose truth is known,
and how far the AP that is said lies from that on other scenes; with few answers it is too high, since a word gets a
figure early where chance brought many photos that show it.
"""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siam.evaluation import bootstrap
from siam.labelling.answers import alike

if TYPE_CHECKING:  # they need PyTorch and scikit-learn, for which no page should have to wait
    from sklearn.linear_model import LogisticRegression

    from siam.labelling.features import Features

FEWEST = 5  # drawn photos of each class, below which nobody can say anything
WANTED = 0.05  # half the width of the interval, at which it is enough

_FIRST = 6  # photos that are drawn at first
_EVERY = 2  # after them, each so many'th
_FOLDS = 10
_FREEDOM = 10.0  # C of the logistic regression


@dataclass(frozen=True)
class Judgement:
    """How far a word has got.

    Attributes:
        present: how many photos show it.
        absent: how many do not.
        unsure: how many of which nobody can tell.
        drawn: how many of the first two were drawn at random, without a gap.
        average_precision: on these, by cross-validation; NaN if there are too few to say.
        interval: its 95 % interval, or NaN.
        chance: average precision of a random order: the share of the drawn photos that show the word, or NaN.
        more: about how many more answers make half the interval `WANTED`; 0 if it is, None if nobody can say.
    """

    present: int
    absent: int
    unsure: int
    drawn: int = 0
    average_precision: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)
    chance: float = math.nan
    more: int | None = None

    @property
    def answered(self) -> int:
        """How many photos have an answer."""
        return self.present + self.absent + self.unsure

    @property
    def half(self) -> float:
        """Half the width of the interval, or NaN."""
        return (self.interval[1] - self.interval[0]) / 2


def drawn_order(word: str, photos: Collection[str]) -> tuple[str, ...]:
    """Return photos in an order that is random, but always the same; it hardly changes as photos come and go."""
    key = alike(word)
    return tuple(sorted(photos, key=lambda name: hashlib.sha256(f"{key}\n{name}".encode()).digest()))


def next_photo(
    word: str, photos: Collection[str], said: Mapping[str, str], features: "Features | None" = None
) -> str | None:
    """Return the photo to ask for next, None if all have an answer.

    Args:
        word: which photos may show.
        photos: names of those that can be shown.
        said: photo → "present", "absent" or "unsure" (`siam.labelling.answers.Answers.said`).
        features: of photos, for the chosen ones; without them, all are drawn.
    """
    left = [name for name in drawn_order(word, photos) if name not in said]
    if not left:
        return None
    count = sum(name in said for name in photos)
    if features is None or count < _FIRST or count % _EVERY == 0:
        return left[0]
    row_of = _rows(features)
    candidates = [name for name in left if name in row_of]
    if not candidates:
        return left[0]
    rows = [row_of[name] for name in candidates]
    return candidates[int(np.argmax(_telling(word, said, features, rows)))]


def judge(word: str, photos: Collection[str], said: Mapping[str, str], features: "Features | None" = None) -> Judgement:
    """Return how far a word has got; arguments are those of `next_photo`."""
    kinds = [said[name] for name in photos if name in said]
    counts = (kinds.count("present"), kinds.count("absent"), kinds.count("unsure"))
    if features is None:
        return Judgement(*counts)
    from sklearn.metrics import average_precision_score

    from siam.evaluation.metrics import average_precision_of_resamples

    row_of = _rows(features)
    drawn = []
    for name in drawn_order(word, [name for name in photos if name in row_of]):
        if name not in said:
            break
        drawn.append(name)
    drawn = [name for name in drawn if said[name] != "unsure"]
    names, shown = _learned(said, row_of)
    if not drawn or min(shown.sum(), (~shown).sum()) < FEWEST:
        return Judgement(*counts, len(drawn))
    scores = dict(zip(names, _out_of_fold(features.values[[row_of[name] for name in names]], shown), strict=True))
    scored, present = np.array([scores[name] for name in drawn]), np.array([said[name] == "present" for name in drawn])
    if min(present.sum(), (~present).sum()) < FEWEST:
        return Judgement(*counts, len(drawn))
    found = float(average_precision_score(present, scored))
    low, high = bootstrap.ends(
        bootstrap.resampled(lambda of: average_precision_of_resamples(scored, present, of), len(drawn))
    )
    half = (high - low) / 2
    wanted = math.ceil(len(drawn) * (half / WANTED) ** 2) - len(drawn) if half > WANTED else 0
    return Judgement(*counts, len(drawn), found, (float(low), float(high)), float(present.mean()), _EVERY * wanted)


def scores(word: str, said: Mapping[str, str], features: "Features") -> np.ndarray:
    """Return the score of each photo (N,), positive if it rather shows the word; NaN where nobody can tell."""
    row_of = _rows(features)
    names, shown = _learned(said, row_of)
    found = np.full(len(features.photos), np.nan)
    if shown.any() and not shown.all():
        model = _fit(features.values[[row_of[name] for name in names]], shown)
        rows = list(row_of.values())
        found[rows] = model.decision_function(features.values[rows])
    return found


def _telling(word: str, said: Mapping[str, str], features: "Features", rows: Sequence[int]) -> np.ndarray:
    """Return how much an answer to each of some photos would tell, (n,) in any unit."""
    found: np.ndarray = scores(word, said, features)[list(rows)]
    if not np.isnan(found).any():
        return -np.abs(found)
    alike_to = [place for place, name in enumerate(features.attributes) if alike(name) == alike(word)]
    if alike_to:
        return features.presence[rows, alike_to[0]]
    row_of = _rows(features)
    known = features.values[[row_of[name] for name in said if name in row_of]]  # (m, D)
    some = features.values[rows]
    squares = np.square(some).sum(axis=1)[:, None] + np.square(known).sum(axis=1) - 2 * some @ known.T  # (n, m)
    return squares.min(axis=1, initial=np.inf)


def _rows(features: "Features") -> dict[str, int]:
    """Return the rows of the photos that could be read."""
    return {features.photos[row]: int(row) for row in np.flatnonzero(~np.isnan(features.values).any(axis=1))}


def _learned(said: Mapping[str, str], row_of: Mapping[str, int]) -> tuple[list[str], np.ndarray]:
    """Return the photos that somebody was sure of, and whether they show the word."""
    names = [name for name, kind in said.items() if kind != "unsure" and name in row_of]
    return names, np.array([said[name] == "present" for name in names], dtype=bool)


def _out_of_fold(values: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return the score of each answered photo by a model that did not learn from it."""
    from sklearn.model_selection import StratifiedKFold

    found = np.empty(len(values))
    folds = StratifiedKFold(min(_FOLDS, int(min(shown.sum(), (~shown).sum()))), shuffle=True, random_state=0)
    for learned, rest in folds.split(values, shown):
        found[rest] = _fit(values[learned], shown[learned]).decision_function(values[rest])
    return found


def _fit(values: np.ndarray, shown: np.ndarray) -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=_FREEDOM, class_weight="balanced", max_iter=1000).fit(values, shown)
