"""What a pair of the method "own" says of itself: the texts of its card, in plain words."""

from collections.abc import Mapping
from typing import Any

from siam.drawing.phrases import listing, words
from siam.models.recognition import BELIEFS
from siam.training.own.photos import OwnPhotos

_FEW = 100  # rated photos; with fewer, agreement with people is known only roughly


def card_texts(
    photos: OwnPhotos,
    attributes: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, Any],
    trunk: str,
    outlined: int,
) -> dict[str, str]:
    """Return the card's "summary", "training_data" and "limits".

    Args:
        photos: all photos.
        attributes: the card's entries of how well each is recognised.
        metrics: the card's figures.
        trunk: the pair whose backbone it has.
        outlined: in how many of the labelled photos it is known where an attribute is.
    """
    labelled, rated, both = _counts(photos)
    scale = photos.scale
    names = [words(name) for name in attributes]
    some = f"{listing(names[:6])}{' and others' if len(names) > 6 else ''}"
    known = f"{len(names)} attribute{'s' * (len(names) != 1)} ({some})"
    total = len(photos.files)
    where = f", in {outlined} of which it was marked where they are" if outlined else ""
    return {
        "summary": f"Trained on {_photos(total)} of its owner, in {known}.",
        "training_data": (
            f"{_photos(labelled)} labelled with {known}{where}, and {_photos(rated)} rated from {scale.low:g} to "
            f"{scale.high:g}; {both} of them are both. Backbone: that of the pair {trunk!r}, frozen."
        ),
        "limits": " ".join(_limits(photos, attributes, metrics)),
    }


def _limits(photos: OwnPhotos, attributes: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, Any]) -> list[str]:
    said = ["It knows nothing but these words: what they do not name cannot count in a score."]
    doubtful = {belief: [words(of) for of in attributes if attributes[of]["belief"] == belief] for belief in BELIEFS}
    if doubtful["hardly"]:
        said.append(f"It hardly recognises {listing(doubtful['hardly'])}: their maps and contributions mean little.")
    if doubtful["roughly"]:
        said.append(f"It recognises {listing(doubtful['roughly'])} only roughly.")
    for source, of in metrics["siam"].items():
        tau, ends = of["kendall_tau"], of["kendall_tau_interval"]
        where = f" of {source}" if len(metrics["siam"]) > 1 else ""
        if tau is None:
            said.append(f"How far it agrees with people’s ratings{where} could not be measured.")
        else:
            between = "" if ends is None else f" (95 %: {ends[0]:.2f} to {ends[1]:.2f})"
            said.append(
                f"On photos{where} that it had not seen, its Kendall’s τ with the ratings is {tau:.2f}{between}."
            )
    if len(photos.scores) < _FEW:
        said.append(f"With {len(photos.scores)} ratings, that is known only roughly.")
    return said


def _counts(photos: OwnPhotos) -> tuple[int, int, int]:
    """Return how many photos are labelled, rated and both."""
    labelled, rated = set(photos.number_of_labelled.tolist()), set(photos.number_of_rated.tolist())
    return len(labelled), len(rated), len(labelled & rated)


def _photos(count: int) -> str:
    return f"{count:,} photo{'s' * (count != 1)}"
