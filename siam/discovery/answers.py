"""Answers of people, by the names that tables give the photos, as `naming` takes them."""

from collections.abc import Mapping

from siam.datasets.names import Spellings
from siam.discovery.candidates import Discovery
from siam.gallery.store import Gallery
from siam.labelling.photos import names_in


def placed(
    said: Mapping[str, bool | None], gallery: Gallery, discovery: Discovery
) -> tuple[dict[int, bool | None], tuple[str, ...]]:
    """Return answers by the place of their photo among those of a discovery, and the names of all other photos.

    Args:
        said: name of a photo, in any spelling → whether it shows something; None: nobody can tell.
        gallery: of the photos.
        discovery: in this gallery.
    """
    names = names_in(gallery)
    place = {names[row]: place for place, row in enumerate(discovery.rows)}
    spellings, found, others = Spellings(place), {}, []
    for photo, shows in said.items():
        try:
            name = spellings.find(photo)
        except ValueError:  # it may mean several photos
            name = None
        if name is None:
            others.append(photo)
        else:
            found[place[name]] = shows
    return found, tuple(others)
