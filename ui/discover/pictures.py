"""Pictures of a candidate: photos with their maps, and what its places have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from siam.drawing.maps import display_photo, lit
from siam.errors import ImageError
from siam.gallery.store import Gallery
from siam.images.reading import read_image
from ui.discover.looking import Found
from ui.photos.pictures import content_of

if TYPE_CHECKING:
    from siam.discovery.candidates import Candidate

SIDE = 360  # px of a photo
CROP = 112  # px of the average crop

_SHOWN, _CROPPED = 6, 24  # photos
_DIM = 0.45  # of the light where the map is 0


@dataclass(frozen=True)
class Picture:
    """A photo of a gallery, by its row, as a JPEG."""

    row: int
    data: bytes


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures of a candidate.

    Attributes:
        most: photos with most of it, lit where its map is.
        least: photos with least of it, as they are; only of what the eye sees in every photo, such as brightness.
        crop: mean of the crops around the brightest cell of the first photos; None if none can be read.
    """

    most: tuple[Picture, ...]
    least: tuple[Picture, ...]
    crop: bytes | None


def drawn(found: Found, place: int) -> Drawn:
    """Return the pictures of a candidate, drawn once."""
    if place not in found.drawn:
        found.drawn[place] = _draw(found, found.candidate(place))
    return found.drawn[place]


def photo(gallery: Gallery, row: int, side: int = SIDE) -> Image.Image | None:
    """Return a photo with its longer side at most `side` px; None if it cannot be read."""
    content = content_of(gallery, row)
    try:
        return None if content is None else display_photo(read_image(content, least=side), side)
    except ImageError:
        return None


def _draw(found: Found, candidate: "Candidate") -> Drawn:
    from siam.models.cells import LIGHT

    gallery, rows = found.cases.gallery, found.discovery.rows
    most: list[Picture] = []
    crops: list[np.ndarray] = []
    for at in candidate.most(_CROPPED).tolist():
        picture = photo(gallery, int(rows[at]))
        if picture is None:
            continue
        if len(most) < _SHOWN:
            most.append(_jpeg(int(rows[at]), lit(picture, candidate.maps[at].astype(np.float32), 1.0, _DIM)))
        left, top, right, bottom = candidate.peak(at)
        width, height = picture.size
        box = left * width, top * height, right * width, bottom * height
        crops.append(np.asarray(picture.resize((CROP, CROP), box=box), dtype=np.float32))
    least = candidate.least(_SHOWN).tolist() if candidate.name in LIGHT else []
    crop = None
    if crops:
        crop = _jpeg(0, Image.fromarray(np.mean(crops, axis=0).round().astype(np.uint8))).data
    return Drawn(tuple(most), tuple(_plain(gallery, [int(rows[at]) for at in least])), crop)


def _plain(gallery: Gallery, rows: Sequence[int]) -> list[Picture]:
    return [_jpeg(row, picture) for row in rows if (picture := photo(gallery, row)) is not None]


def _jpeg(row: int, picture: Image.Image) -> Picture:
    data = BytesIO()
    picture.save(data, "JPEG", quality=88)
    return Picture(row, data.getvalue())
