"""How well a pair's intervals hold, and which photos it takes for landscapes, as `calibrate` stored them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from siam.errors import CheckpointError
from siam.models.doubt import Doubt

_NETWORKS = {"siam": "SIAM", "baseline": "baseline"}


@dataclass(frozen=True)
class Share:
    """A share of n photos, with its 95 % interval; `width` is that of the score intervals, in points."""

    label: str
    share: float
    interval: tuple[float, float]
    n: int
    width: float | None = None

    @property
    def text(self) -> str:
        """The share and of how many: "80 % of 141"."""
        return f"{100 * self.share:.0f} % of {self.n:,}"


@dataclass(frozen=True)
class Trust:
    """What is known of how far to trust a pair.

    Attributes:
        coverage: shares of photos whose mean rating lies inside the interval of a score.
        landscapes: shares of landscapes that are not called landscapes.
        others: the same for other pictures.
        level: the share of photos that should lie inside.
        date: of the calibration.
        command: that repeats it.
    """

    coverage: tuple[Share, ...]
    landscapes: tuple[Share, ...]
    others: tuple[Share, ...]
    level: float
    date: str
    command: str


def trust(doubt: Doubt) -> Trust:
    """Return what is known of a pair, as stored with its doubt.

    Raises:
        CheckpointError: a figure is missing or malformed.
    """
    about = doubt.about
    try:
        flagged = [(bool(of["landscapes"]), _share(of, str(of["name"]))) for of in about["flagged"]]
        return Trust(
            tuple(
                _share(of, f"{_NETWORKS[of['network']]}, {of['name']}", float(of["width"])) for of in about["coverage"]
            ),
            tuple(share for landscapes, share in flagged if landscapes),
            tuple(share for landscapes, share in flagged if not landscapes),
            float(about["level"]),
            str(about["date"]),
            str(about["command"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the figures of the calibration are incomplete ({error}): calibrate again") from error


def together(shares: tuple[Share, ...]) -> tuple[float, int]:
    """Return the share over all photos of some sets, and how many photos these are; (0, 0) without any."""
    n = sum(of.n for of in shares)
    return (sum(of.share * of.n for of in shares) / n if n else 0.0), n


def _share(of: Mapping[str, Any], label: str, width: float | None = None) -> Share:
    low, high = map(float, of["interval"])
    return Share(label, float(of["share"]), (low, high), int(of["n"]), width)
