"""The classes of both variants: which part of the flower identifies them, and by which colour.

::

    single-6c    six classes: the petals have one of six colours; stem and leaves are green.
    double-12c   twelve classes. 0 to 5: as single-6c. 6 to 11: stem, leaves and sepals have one of these six
                 colours, and the petals are ivory, a colour that identifies no class.

The part in one of the six colours thus identifies the class on its own; in double-12c the other part, ivory or green,
shows only which half of the classes the flower belongs to.

The two variants follow an8Flower: J. Oramas, K. Wang, T. Tuytelaars, "Visual Explanation by Interpretation: Improving
Visual Feedback Capabilities of Deep Neural Networks", ICLR 2019, arXiv:1712.06302. Its generator was never released;
these flowers, colours and masks are our own.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Part = Literal["petals", "stem"]
Colour = tuple[float, float, float]  # sRGB, 0 to 1

COLOURS: dict[str, Colour] = {
    "red": (0.76, 0.05, 0.09),
    "yellow": (0.98, 0.80, 0.06),
    "turquoise": (0.04, 0.68, 0.66),
    "blue": (0.06, 0.40, 0.86),
    "violet": (0.50, 0.12, 0.62),
    "pink": (0.95, 0.44, 0.66),
}
ORDINARY: dict[Part, Colour] = {"petals": (0.95, 0.93, 0.86), "stem": (0.28, 0.52, 0.16)}  # ivory, green

_SPLITS = ("train", "train", "test", "train", "val", "train", "train", "test", "train", "train")


@dataclass(frozen=True)
class FlowerClass:
    """A class: the part that identifies it, and that part's colour.

    Attributes:
        part: "petals", or "stem", which means everything green on an ordinary flower: stem, leaves and sepals.
        colour: a key of `COLOURS`.
    """

    part: Part
    colour: str

    @property
    def name(self) -> str:
        """The name to display, such as "red petals"."""
        return f"{self.colour} {self.part}"

    def colour_of(self, part: Part) -> Colour:
        """Return the colour of a part: the class's own for its identifying part, else the ordinary one."""
        return COLOURS[self.colour] if part == self.part else ORDINARY[part]


_PETALS = tuple(FlowerClass("petals", colour) for colour in COLOURS)
VARIANTS: dict[str, tuple[FlowerClass, ...]] = {
    "single-6c": _PETALS,
    "double-12c": (*_PETALS, *(FlowerClass("stem", colour) for colour in COLOURS)),
}


def class_of(variant: str, seed: int, number: int) -> int:
    """Return the class of a picture, an index into `VARIANTS[variant]`.

    Pictures 1 to K, the next K and so on show each of the K classes once, in an order drawn from the seed, so the
    classes are balanced whatever the count, and a picture always keeps its class.
    """
    classes = len(VARIANTS[variant])
    block, place = divmod(number - 1, classes)
    return int(np.random.default_rng([seed, block, classes]).permutation(classes)[place])


def split_of(variant: str, number: int) -> str:
    """Return a picture's split: of every ten groups of K pictures, seven are "train", one is "val" and two are "test".

    The groups are those of `class_of`, so every split is balanced, and a picture always keeps its split.
    """
    return _SPLITS[(number - 1) // len(VARIANTS[variant]) % len(_SPLITS)]
