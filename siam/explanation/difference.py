"""What the difference of two scores consists of: photos of one place, or a photo and its edit.

::

    y' - y = sum_k (c'_k - c_k)        exactly, since both scores have the same bias

c_k and c'_k are the contributions of attribute k to the scores y and y' of the two photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from siam.drawing.phrases import difference_text, number, score_text, signed, where, words
from siam.explanation.inference import Explanation, Order, ranked
from siam.images.registration import Registration, register

MOST = 4  # photos that are compared with each other
LONGEST = 80  # characters of what changed, in somebody's words
_NAMED = 3  # attributes that a difference names when it is printed
_MOVED = 1 / 12  # of a side, by which the view may move until "left" or "top" no longer mean the same in both photos


@dataclass(frozen=True)
class Change:
    """One attribute's exact share of the difference: its contributions to both scores, in points."""

    index: int
    attribute: str
    before: float
    after: float

    @property
    def value(self) -> float:
        """Return what it adds to the difference."""
        return self.after - self.before


class Place(NamedTuple):
    """Where a change lies, in words, and in which photo: None if the place is the same in both."""

    place: str
    photo: Literal["before", "after"] | None


@dataclass(frozen=True, eq=False)
class Difference:
    """What leads from one photo's score to another's: sum(values) = change, to rounding.

    Attributes:
        before: explanation of the first photo.
        after: of the second, by the same networks.
        view: whether both photos show the same view.
        changed: what changed, as somebody calls it, such as "the wind turbines"; "" if nobody said.
    """

    before: Explanation
    after: Explanation
    view: Registration
    changed: str = ""

    def __repr__(self) -> str:
        scale = self.before.scale
        scores = f"{number(self.before.scenicness)} to {score_text(self.after.scenicness, scale)}"
        shown = self.ranking(count=_NAMED)
        causes = [f"{words(item.attribute)} {signed(item.value)}" for item in shown]
        if len(self.before.attributes) > len(shown):
            causes.append(f"{len(self.before.attributes) - len(shown)} more {signed(self.others(len(shown)))}")
        change = difference_text(self.after.scenicness, self.before.scenicness)
        return f"Difference({' '.join(self.before.model.split())}: {scores}, {change}; {', '.join(causes)})"

    @property
    def change(self) -> float:
        """Return the difference of the scores in points."""
        return self.after.scenicness - self.before.scenicness

    @property
    def baseline_change(self) -> float | None:
        """Return the difference of the baseline's scores; None for a pair without a baseline."""
        if self.before.baseline_scenicness is None or self.after.baseline_scenicness is None:
            return None
        return self.after.baseline_scenicness - self.before.baseline_scenicness

    @property
    def values(self) -> np.ndarray:
        """Return what each attribute adds to the difference (K,)."""
        return self.after.contributions.astype(float) - self.before.contributions.astype(float)

    def ranking(self, order: Order = "magnitude", count: int | None = None) -> list[Change]:
        """Return the `count` attributes that change most by magnitude (None: all), in the order asked for."""
        pairs = zip(self.before.contributions, self.after.contributions, strict=True)
        items = [
            Change(index, self.before.attributes[index], float(old), float(new))
            for index, (old, new) in enumerate(pairs)
        ]
        return ranked(items, order, count)

    def others(self, count: int) -> float:
        """Return the summed change of all attributes but the `count` that change most."""
        return float(sum(item.value for item in self.ranking()[count:]))

    @property
    def same_frame(self) -> bool:
        """Return whether a place in one photo is the same place in the other, to a twelfth of a side."""
        width, height = self.view.size
        near = abs(self.view.right) <= _MOVED * width and abs(self.view.down) <= _MOVED * height
        return self.view.matches and near and self.before.total_map.shape == self.after.total_map.shape

    def place(self, index: int) -> Place:
        """Say where an attribute's contribution changes.

        Where the photos do not show the same view, it is where the attribute lies in the photo in which it weighs more.
        """
        old, new = self.before.contribution_maps[index], self.after.contribution_maps[index]
        if self.same_frame:
            return Place(where(new.astype(float) - old), None)
        if abs(float(self.after.contributions[index])) >= abs(float(self.before.contributions[index])):
            return Place(where(new), "after")
        return Place(where(old), "before")


def difference(before: Explanation, after: Explanation, *, changed: str = "") -> Difference:
    """Return what leads from the score of one photo to that of another.

    Args:
        before: explanation of the first photo.
        after: of the second, by the same networks; the photos may have any sizes.
        changed: what changed, such as "the wind turbines", for sentences; whether it did is not looked at.

    Raises:
        ValueError: they were explained by different networks.

    Example:
        >>> import siam
        >>> from siam.explanation.difference import difference
        >>> from siam.images import read_image
        >>> from siam.runtime.paths import ASSETS
        >>> photo = read_image(ASSETS / "gallery/open-photos/images/mountain-path.jpg")
        >>> edited = photo.copy()
        >>> edited.paste("grey", (0, 0, photo.width, photo.height // 3))  # the sky is gone
        >>> pair = siam.load("photo", device="cpu")
        >>> found = difference(siam.explain(pair, photo), siam.explain(pair, edited))
        >>> f"{found.change:.2f} = {found.values.sum():.2f}, same view: {found.view.matches}"
        '-0.39 = -0.39, same view: True'
    """
    if not _alike(before, after):
        raise ValueError(
            f"the photos were explained by different networks, {before.model!r} and {after.model!r}; "
            "explain both with the same pair"
        )
    return Difference(before, after, register(before.image, after.image, before.photo_size), change_text(changed))


def differences(explanations: Sequence[Explanation], changed: str = "") -> list[Difference]:
    """Return the difference of each photo from the first one; what `changed` is the same in all.

    Raises:
        ValueError: these are not two to four photos, explained by the same networks.
    """
    if not 2 <= len(explanations) <= MOST:
        raise ValueError(f"{len(explanations)} photos cannot be compared; give two to four")
    return [difference(explanations[0], other, changed=changed) for other in explanations[1:]]


def change_text(text: str) -> str:
    """Return what changed as a sentence says it: on one line, without a full stop, with a small article, not too long.

    Example:
        >>> change_text(" The wind  turbines. ")
        'the wind turbines'
    """
    text = " ".join(text.split())[:LONGEST].strip(" .,;:!?")
    first, space, rest = text.partition(" ")
    return f"{first.lower()}{space}{rest}" if first in ("The", "A", "An") else text


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of photos of which no two are the same: a second "lake.jpg" becomes "lake.jpg (2)"."""
    found: list[str] = []
    for name in names:
        unlike, count = name, 1
        while unlike in found:
            count += 1
            unlike = f"{name} ({count})"
        found.append(unlike)
    return found


def _alike(first: Explanation, second: Explanation) -> bool:
    """Return whether two explanations come from the same networks, perhaps on different devices."""
    return (
        first.attributes == second.attributes
        and first.scale == second.scale
        and first.templates.shape == second.templates.shape
        and bool(np.isclose(first.bias, second.bias))
        and bool(np.allclose(first.templates, second.templates, rtol=1e-3, atol=1e-6))
        and (first.baseline_scenicness is None) == (second.baseline_scenicness is None)
    )
