"""A trained pair takes its place: it gets a version, and the history of the pair that it replaces."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from siam.errors import CheckpointError, StorageError
from siam.models import card as cards
from siam.models import versions
from siam.models.checkpoint import Pair, save, scores_key, stored_key
from siam.training.recipes import EDITION


def save_successor(pair: Pair, out: Path, recipe: Mapping[str, Any], *, half: bool) -> None:
    """Write a pair to `out` with its version, and add the pair of the same name that was there to its history.

    The recipe may give `version` and `changes`. Networks that are the same as before keep their version.

    Args:
        pair: as it was trained; its card is completed.
        out: folder for networks and card.
        recipe: from which it was trained.
        half: whether to store weights in half precision.

    Raises:
        StorageError: a file cannot be written; existing ones are then left unchanged.
    """
    before, same = None, False
    with suppress(CheckpointError, StorageError):  # there is no pair, or none that can be read
        found = cards.read(out)
        versions.read(found, out / cards.CARD)
        if found.get("name") == pair.name:
            before, same = found, scores_key(out) == stored_key(pair, half=half)
    number, changes = (recipe.get(name) for name in EDITION)
    pair.card.update(versions.told(before, number, changes, same=same))
    save(pair, out, half=half)
