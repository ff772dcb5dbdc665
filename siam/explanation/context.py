"""A photo explained by causes that count together: the groups of a pair's CSIB (`siam.models.csib`).

::

    y = base + sum_g w_g q_g            exactly; with k causes, only the k largest |w_g q_g|

A cause's map shows where its members are at once, as the weighted geometric mean of their presence in each cell. Only
in the spatial variant does this map enter the score; otherwise it illustrates a group that reads the whole photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siam.datasets.base import RatingScale
from siam.drawing.phrases import difference_text, listing, number, score_text, signed, words
from siam.explanation.inference import Explanation
from siam.models.configs import Link
from siam.models.csib import BUDGETS, CSIB, strongest
from siam.models.readout import pooling_matrix, presence

MEANING = "“A with B” counts only as far as both are in the photo: where one is missing, the other adds almost nothing."

_NAMED = 3  # members that a cause's name holds, and causes that a printed explanation names


@dataclass(frozen=True)
class Member:
    """An attribute of a group: its index, its name, whether its absence is meant, and its share of the group."""

    index: int
    attribute: str
    absent: bool
    share: float

    @property
    def text(self) -> str:
        """Its name in words: "snow", or "no snow"."""
        return f"no {words(self.attribute)}" if self.absent else words(self.attribute)


@dataclass(frozen=True)
class Cause:
    """A group in a photo.

    Attributes:
        group: its number.
        members: the largest share first.
        activation: how far it is on, 0 to 1.
        value: what it adds here, in points.
        most: what it is worth at most, in points: `CSIB.most`.
    """

    group: int
    members: tuple[Member, ...]
    activation: float
    value: float
    most: float

    @property
    def title(self) -> str:
        """Its members in words: "snow with mountains", "snow with mountains and clouds"."""
        return title(self.members)


@dataclass(frozen=True, eq=False)
class ContextExplanation:
    """A photo's score by groups: base + sum of the causes' values = score, to rounding.

    Attributes:
        scale: of score, base and values.
        base: in points.
        causes: all G, the largest magnitude first.
        scores: (9,) the score with 1 to 8 causes, and with all.
    """

    scale: RatingScale
    base: float
    causes: tuple[Cause, ...]
    scores: tuple[float, ...]

    @property
    def score(self) -> float:
        """The score with all causes."""
        return self.scores[-1]

    def score_with(self, causes: int | None) -> float:
        """Return the score with so many causes, 1 to 8, or None for all.

        Raises:
            ValueError: the number is another.
        """
        if causes is None:
            return self.score
        if causes not in BUDGETS:
            raise ValueError(f"{causes} causes; expected {BUDGETS[0]} to {BUDGETS[-1]}, or None for all")
        return self.scores[causes - 1]

    def __repr__(self) -> str:
        named = [f"{cause.title} {signed(cause.value)}" for cause in self.causes[:_NAMED]]
        rest = len(self.causes) - len(named)
        named += [f"{rest} more {signed(sum(cause.value for cause in self.causes[_NAMED:]))}"] if rest else []
        return f"ContextExplanation({score_text(self.score, self.scale)}; base {number(self.base)}, {', '.join(named)})"


def context_sentence(context: ContextExplanation, causes: int | None = None, count: int = 4) -> str:
    """Say what raised and lowered the score with context, naming at most `count` causes; or what `causes` make of it.

    "With context 5.82 of 7: raised by horizon (+0.86) and clouds (+0.49); lowered by road (−0.24); 10 others together
    −0.09." With a number of causes: "… With its 2 largest causes alone, the score would be 6.15, +0.33."

    Raises:
        ValueError: `causes` is not 1 to 8.
    """
    named = [cause for cause in context.causes[:count] if signed(cause.value) != "0.00"]
    clauses = []
    for verb, sign in (("raised by", 1), ("lowered by", -1)):
        items = [f"{cause.title} ({signed(cause.value)})" for cause in named if cause.value * sign > 0]
        if items:
            clauses.append(f"{verb} {listing(items)}")
    others = context.causes[len(named) :]
    if others:
        rest = signed(sum(cause.value for cause in others))
        number_of = "1 other" if len(others) == 1 else f"{len(others)} others together"
        clauses.append(f"{number_of} {rest}")
    text = f"With context {score_text(context.score, context.scale)}: {'; '.join(clauses)}."
    if causes is None:
        return text
    score = context.score_with(causes)
    few = "largest cause" if causes == 1 else f"{causes} largest causes"
    change = difference_text(score, context.score)
    return f"{text} With its {few} alone, the score would be {number(score)} ({change})."


def title(members: Sequence[Member]) -> str:
    """Return a group's members in words: "snow", "snow with mountains", "snow with mountains and clouds"."""
    first, *others = [member.text for member in members[:_NAMED]]
    more = len(members) - _NAMED
    if more > 0:
        others.append(f"{more} more")
    return (
        f"{first} with {' and '.join([', '.join(others[:-1]), others[-1]] if len(others) > 1 else others)}"
        if (others)
        else first
    )


def group_members(csib: CSIB, group: int) -> tuple[Member, ...]:
    """Return the members of a group that have at least a tenth of it, the largest share first."""
    return tuple(Member(index, csib.attributes[index], absent, share) for index, absent, share in csib.members(group))


def cause_lines(csib: CSIB, explanation: Explanation, cause: Cause) -> list[str]:
    """Return how far a cause is on; of several members, also the share of each and how much of it the photo shows."""
    lines = []
    if csib.grid is None:
        lines.append(f"{cause.activation:.2f} × {signed(float(csib.weights[cause.group]))} points")
    return lines if len(cause.members) == 1 else [*lines, *(member_line(of, explanation) for of in cause.members)]


def member_line(member: Member, explanation: Explanation) -> str:
    """Return how much of a member a photo shows, and its share: "snow: presence 0.61, share 50 %"."""
    return f"{member.text}: {seen_text(member, explanation)}, share {100 * member.share:.0f} %"


def seen_text(member: Member, explanation: Explanation) -> str:
    """Return how much of a member a photo shows: "presence 0.61", or "absence 0.39"."""
    seen = float(explanation.attribute_scores[member.index])
    return f"absence {1 - seen:.2f}" if member.absent else f"presence {seen:.2f}"


def cause_map_text(cause: Cause) -> str:
    """Return the alternative text of a cause's map."""
    return f"map of {cause.title}: on to {cause.activation:.2f} of 1, moves the score by {signed(cause.value)}"


def group_sentence(csib: CSIB, group: int) -> str:
    """Say what a group is worth in the photos it learned from: "Trees with flowers raises the score by up to 0.74"."""
    name, most = title(group_members(csib, group)), csib.most(group)
    text = f"{name} {'lowers' if most < 0 else 'raises'} the score by up to {number(abs(most))}"
    return f"{text[0].upper()}{text[1:]}"


def in_context(csib: CSIB, explanation: Explanation) -> ContextExplanation:
    """Return what the groups of a CSIB say of a photo, also of one whose maps were edited (`siam.explanation.what_if`).

    Raises:
        ValueError: the explanation has other attributes.

    Example:
        >>> import siam
        >>> from siam.explanation.context import in_context
        >>> from siam.runtime.paths import ASSETS
        >>> pair = siam.load("photo", device="cpu")
        >>> explanation = siam.explain(pair, ASSETS / "gallery/open-photos/images/storm-road.jpg")
        >>> together = in_context(pair.csib, explanation)
        >>> abs(together.base + sum(cause.value for cause in together.causes) - together.score) < 1e-6
        True
    """
    if csib.attributes != explanation.attributes:
        raise ValueError(
            f"the CSIB knows {len(csib.attributes)} attributes, the explanation {len(explanation.attributes)} or others"
        )
    return from_presence(csib, presence_of(csib, explanation), explanation.scenicness, explanation.scale)


def from_presence(csib: CSIB, seen: np.ndarray, scenicness: float, scale: RatingScale) -> ContextExplanation:
    """Return what the groups of a CSIB say of a photo of which only presence is known, as in a gallery.

    Args:
        csib: the groups.
        seen: presence (K,), or (K, g, g) in the spatial variant.
        scenicness: SIAM's score.
        scale: of both scores.

    Raises:
        ValueError: presence has another number of attributes or cells.
    """
    activations, values = csib.activations(seen), csib.contributions(seen)
    base = float(csib.bases(scenicness))
    means = activations if csib.grid is None else activations.mean(axis=(-2, -1))
    order = np.argsort(-np.abs(values), kind="stable").tolist()
    causes = [Cause(g, group_members(csib, g), float(means[g]), float(values[g]), csib.most(g)) for g in order]
    scores = [base + float(strongest(values, budget).sum()) for budget in (*BUDGETS, None)]
    return ContextExplanation(scale, base, tuple(causes), tuple(scores))


def presence_of(csib: CSIB, explanation: Explanation) -> np.ndarray:
    """Return the presence (K,), or (K, g, g) in the spatial variant, from which a CSIB scores a photo."""
    if csib.grid is None:
        return explanation.attribute_scores
    return cell_presence(explanation.attribute_maps, csib.grid, explanation.attribute_link)


def cell_presence(maps: np.ndarray, grid: int, link: Link = "tanh") -> np.ndarray:
    """Return presence (..., g, g), 0 to 1, within the cells of a grid: the link of maps' (..., h, w) means there."""
    rows, columns = (pooling_matrix(size, grid, "area") for size in maps.shape[-2:])
    return presence(rows @ maps @ columns.T, link)


def together_map(csib: CSIB, explanation: Explanation, group: int) -> np.ndarray:
    """Return where a group's members are at once, (h, w) from 0 to 1: q of the presence in each cell of the maps."""
    cells = presence(explanation.attribute_maps, explanation.attribute_link)  # (K, h, w)
    alone = CSIB(csib.attributes, csib.groups[[group]], np.ones(1))
    return alone.activations(np.moveaxis(cells, 0, -1))[..., 0]
