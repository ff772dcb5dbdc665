"""The classes of both variants: which part of the flower tells them apart, and by what colour.

single-6c    six classes: the petals have one of six colours; stem and leaves are green.
double-12c   twelve classes. 0 to 5: as single-6c. 6 to 11: stem, leaves and sepals have one of the same six colours,
             and the petals are ivory, which no class has for its own.

So the part that has one of the six colours tells the class by itself; in double-12c the other part, ivory or green,
tells no more than in which half of the classes the flower is.

The idea of the two variants is that of an8Flower: J. Oramas, K. Wang, T. Tuytelaars, "Visual Explanation by
Interpretation: Improving Visual Feedback Capabilities of Deep Neural Networks", ICLR 2019, arXiv:1712.06302. Its
generator was never released; these flowers, colours and masks are our own.
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
    """A class: its discriminative part, and that part's colour.

    Attributes:
        part: "petals", or "stem", which stands for all that is green on an ordinary flower: stem, leaves and sepals.
        colour: a key of `COLOURS`.
    """

    part: Part
    colour: str

    @property
    def name(self) -> str:
        """What people read, such as "red petals"."""
        return f"{self.colour} {self.part}"

    def colour_of(self, part: Part) -> Colour:
        """Return the colour of a part, the ordinary one where the class does not differ by it."""
        return COLOURS[self.colour] if part == self.part else ORDINARY[part]


_PETALS = tuple(FlowerClass("petals", colour) for colour in COLOURS)
VARIANTS: dict[str, tuple[FlowerClass, ...]] = {
    "single-6c": _PETALS,
    "double-12c": (*_PETALS, *(FlowerClass("stem", colour) for colour in COLOURS)),
}


def class_of(variant: str, seed: int, number: int) -> int:
    """Return the class of a picture, an index into `VARIANTS[variant]`.

    Pictures 1 to K, the next K, … show each of the K classes once, in an order drawn from the seed, so that the classes
    are balanced whatever the count is, and a picture keeps its class.
    """
    classes = len(VARIANTS[variant])
    block, place = divmod(number - 1, classes)
    return int(np.random.default_rng([seed, block, classes]).permutation(classes)[place])


def split_of(variant: str, number: int) -> str:
    """Return "train", "val" or "test": of ten groups of K pictures, seven train, one validates and two test.

    The groups are those of `class_of`, so that every split is balanced, and a picture keeps its split.
    """
    return _SPLITS[(number - 1) // len(VARIANTS[variant]) % len(_SPLITS)]
