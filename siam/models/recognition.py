"""How well a network recognises each attribute, and how far its name can be believed.

The card's `attributes` says it for each name; training writes the entries (`siam.evaluation.belief`). A figure on few
photos is a matter of luck, so the rule looks at the lower end of the 95 % interval of the average precision, as the
share of the way from chance (0) to perfection (1):

::

    gain(p) = (p - chance) / (1 - chance)          chance: share of the test photos that show the attribute

    hardly     fewer than 10 training photos or 3 test photos show it, or gain(lower end) < 0.1
    well       gain(lower end) >= 0.5
    roughly    otherwise

The way from chance makes frequent and rare attributes comparable: where a third of the photos show trees, a random
order already has an average precision of a third. A tenth rather than nothing, because luck and repeated photos in the
resamples lift the figure of an attribute that few photos show; of 1,800 random orders of 205 photos, of which 3 to 40
showed the attribute, none reached it. Half, because then even at the lower end a network is nearer to perfection than
to chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from siam.errors import CheckpointError
from siam.runtime.parsing import is_number

Belief = Literal["well", "roughly", "hardly"]
BELIEFS: tuple[Belief, ...] = ("well", "roughly", "hardly")
KEY = "attributes"  # of the card

TRAINING_PHOTOS, TEST_PHOTOS = 10, 3  # fewest that must show an attribute
WELL, HARDLY = 0.5, 0.1  # of the way from chance to perfection


@dataclass(frozen=True)
class Recognition:
    """How well one attribute is recognised.

    Attributes:
        positives: training photos that show it: more than half of the annotators said so.
        test_positives: test photos that show it.
        test_photos: all test photos.
        average_precision: on the test photos; None if fewer than three show it.
        interval: both ends of its 95 % interval; None if it has none.
        chance: average precision of a random order, the share of the test photos that show it.
        belief: "well", "roughly" or "hardly".
    """

    positives: int
    test_positives: int
    test_photos: int
    average_precision: float | None
    interval: tuple[float, float] | None
    chance: float
    belief: Belief

    def entry(self) -> dict[str, Any]:
        """Return the entry of the card."""
        return {**asdict(self), "interval": None if self.interval is None else list(self.interval)}


def belief(positives: int, test_positives: int, interval: Sequence[float] | None, chance: float) -> Belief:
    """Return how far an attribute's name can be believed, by the rule above.

    Args:
        positives: training photos that show it.
        test_positives: test photos that show it.
        interval: ends of the 95 % interval of its average precision; None if there is none.
        chance: share of the test photos that show it.

    Example:
        >>> from siam.models.recognition import belief
        >>> belief(65, 25, (0.86, 0.99), 0.12)  # many photos, and a high lower end
        'well'
        >>> belief(10, 7, (0.11, 0.70), 0.03)  # not clearly better than chance
        'hardly'
    """
    if positives < TRAINING_PHOTOS or test_positives < TEST_PHOTOS or interval is None or chance >= 1:
        return "hardly"
    gain = (interval[0] - chance) / (1 - chance)
    return "hardly" if gain < HARDLY else "well" if gain >= WELL else "roughly"


def read(stored: Any, names: Sequence[str], path: Path) -> dict[str, Recognition]:
    """Return what a card says of its attributes, by name; nothing if it says nothing.

    Args:
        stored: the card's `attributes`; None if it has none.
        names: the pair's attributes.
        path: of the card, for messages.

    Raises:
        CheckpointError: an entry is not one of `Recognition.entry`, or belongs to no attribute of the pair.
    """
    if stored is None:
        return {}
    if not isinstance(stored, Mapping):
        raise CheckpointError(f"{path}: {KEY} is {_short(stored)}; expected an entry for each attribute")
    if unknown := [name for name in stored if name not in names]:
        raise CheckpointError(f"{path}: {KEY} has an entry for {_short(unknown[0])}, which the pair does not know")
    return {name: _recognition(entry, f"{path}: {KEY}: {name}") for name, entry in stored.items()}


def _recognition(entry: Any, place: str) -> Recognition:
    """Return one entry; a `CheckpointError` that starts with `place` if it is malformed."""
    if not isinstance(entry, Mapping):
        raise CheckpointError(f"{place} is {_short(entry)}; expected an object: train again")
    counts = ("positives", "test_positives", "test_photos")
    valid = {name: type(entry.get(name)) is int and entry[name] >= 0 for name in counts}
    valid["average_precision"] = entry.get("average_precision") is None or _is_share(entry["average_precision"])
    interval = entry.get("interval")
    valid["interval"] = interval is None or (
        isinstance(interval, list | tuple) and len(interval) == 2 and all(map(_is_share, interval))
    )
    valid["chance"] = _is_share(entry.get("chance"))
    valid["belief"] = entry.get("belief") in BELIEFS
    if wrong := [name for name, fine in valid.items() if not fine]:
        raise CheckpointError(f"{place}: {wrong[0]} is {_short(entry.get(wrong[0]))}, which it cannot be: train again")
    return Recognition(
        **{name: entry[name] for name in (*counts, "chance", "belief")},
        average_precision=entry.get("average_precision"),
        interval=None if interval is None else (float(interval[0]), float(interval[1])),
    )


def _is_share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 80 else f"{words[:79]}…"
