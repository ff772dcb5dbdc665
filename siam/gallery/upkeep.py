"""Whether a gallery was scored by the networks in use, or by others of the same name, and how to say so.

Nothing here needs PyTorch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from siam.drawing.phrases import date_text
from siam.errors import CheckpointError
from siam.gallery.store import About
from siam.models import card as cards
from siam.models import versions
from siam.models.checkpoint import Pair, called, scores_key
from siam.models.identity import identity

State = Literal["current", "older", "newer", "changed", "unknown"]
CROSS_VALIDATION = "cross-validation"  # the split of galleries that networks of a cross-validation scored


@dataclass(frozen=True)
class Networks:
    """A pair as galleries know it: its name, its version (None if unknown), and the hash of what scores depend on."""

    name: str
    version: str | None
    key: str

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name} {self.version}"


def networks_of(pair: Pair) -> Networks:
    """Return what galleries know of a loaded pair."""
    return Networks(pair.name, pair.version, identity(pair, learnt=False))


def networks_in(folder: Path) -> Networks:
    """Return what galleries know of the pair in a folder, without loading it.

    Raises:
        CheckpointError: its card is damaged.
        StorageError: a file cannot be read.
    """
    card = cards.read(folder)
    return Networks(str(card.get("name", folder.name)), versions.known(card), scores_key(folder))


def folder_of_networks(gallery: Path, about: About) -> Path:
    """Return the folder of the networks that a gallery names: bundled, or below `runs` and `models` here.

    Args:
        gallery: its folder, for the message.
        about: the gallery's provenance.

    Raises:
        CheckpointError: none of them is called so, or several are.
    """
    named = called(about.model)
    if len(named) != 1:
        found = f"several are: {', '.join(map(str, named))}" if named else "none here is"
        raise CheckpointError(f"{gallery} was scored by {about.model!r}, and {found} called so: give --model DIR")
    return named[0]


def state(about: About, networks: Networks) -> State:
    """Return what a gallery's scores are to networks of the same name.

    Returns:
        "current": they are theirs; "older" or "newer": those of a version before or after; "changed": those of other
        networks, whose version is the same or not known; "unknown": the gallery does not say.
    """
    if about.networks is None:
        return "unknown"
    if about.networks == networks.key:
        return "current"
    if about.version is None or networks.version is None or about.version == networks.version:
        return "changed"
    before, now = (tuple(map(int, of.split("."))) for of in (about.version, networks.version))
    return "older" if before < now else "newer"


def made_with(about: About) -> str:
    """Return in words what scored a gallery: "photo 1.0"."""
    known = about.version is not None or about.networks is None
    name = versions.named(about.model, about.version) if known else about.model
    return f"the cross-validation of {name}" if about.split == CROSS_VALIDATION else name


def sentence(about: About, networks: Networks, scores: str = "scores here") -> str | None:
    """Return one line that says whose scores a gallery holds, None if they are those of the networks in use.

    Args:
        about: of the gallery.
        networks: in use.
        scores: what the line calls the gallery's scores.

    Example:
        >>> from dataclasses import replace
        >>> from siam.gallery.store import peek
        >>> from siam.gallery.upkeep import Networks, sentence
        >>> from siam.runtime.paths import ASSETS
        >>> about, _count = peek(ASSETS / "gallery" / "open-photos")
        >>> sentence(replace(about, version="1.0", date="2026-11-12"), Networks("photo", "1.1", "0" * 64))
        'Scored by photo 1.0 on 12 November 2026; you chose photo 1.1: scores here are the old ones.'
    """
    found = state(about, networks)
    if found == "current":
        return None
    begun = f"Scored by {made_with(about)} on {date_text(about.date)}"
    if found == "changed" and about.version == networks.version:
        return f"{begun}; it was trained again since: {scores} are the old ones."
    whose = {"older": "are the old ones", "newer": "are the newer ones", "unknown": "may be old ones"}
    return f"{begun}; you chose {networks}: {scores} {whose.get(found, 'are those of other networks')}."
