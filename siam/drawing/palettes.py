"""The colours of signs: the paper's, and others that people with any of the three common colour deficiencies can tell.

The palette in use belongs to the context: `with using(BLUE_ORANGE): …` colours everything that is drawn inside. A new
thread begins with the paper's palette.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """The colours of signs, as "#RRGGBB", and their names.

    Attributes:
        positive: of what raises a score.
        negative: of what lowers it.
        undirected: of maps that cannot tell one from the other; it differs from both, and is visible on a grey photo.
        names: of these three, in a sentence.
    """

    positive: str
    negative: str
    undirected: str
    names: tuple[str, str, str]

    @property
    def name(self) -> str:
        """The name in addresses and on the command line: "green-magenta"."""
        return "-".join(self.names[:2])

    @property
    def legend(self) -> str:
        """What the colours of a signed map mean, as a sentence without its full stop."""
        return f"{self.names[0].capitalize()} raises the score, {self.names[1]} lowers it"

    @property
    def frames(self) -> str:
        """What the frames of attribute maps mean, as the beginning of a sentence."""
        raises, lowers = self.names[:2]
        return (
            f"{raises.capitalize()} frames (+) mark attributes that raise the score, dashed {lowers} ones (−) those "
            "that lower it"
        )


GREEN_MAGENTA = Palette("#008000", "#FF0080", "#1558C0", ("green", "magenta", "blue"))
BLUE_ORANGE = Palette("#0069B4", "#DE7A00", "#000000", ("blue", "orange", "black"))
PALETTES = {of.name: of for of in (GREEN_MAGENTA, BLUE_ORANGE)}

_IN_USE: ContextVar[Palette] = ContextVar("palette", default=GREEN_MAGENTA)


def palette() -> Palette:
    """Return the palette in use."""
    return _IN_USE.get()


def use(chosen: Palette) -> None:
    """Use a palette from now on in this context, such as a thread."""
    _IN_USE.set(chosen)


@contextmanager
def using(chosen: Palette) -> Iterator[None]:
    """Use a palette in a block."""
    before = _IN_USE.set(chosen)
    try:
        yield
    finally:
        _IN_USE.reset(before)
