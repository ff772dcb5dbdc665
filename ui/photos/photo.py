"""A photo from any source: an upload, the camera, a bundled sample, or a gallery."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import streamlit as st
from PIL import Image

from siam.errors import ImageError
from siam.gallery.cases import Cases
from siam.gallery.samples import FOLDER, Sample, load_samples
from siam.images.reading import LEAST_SIDE, read_image
from siam.runtime.digests import digest
from ui.photos import pictures
from ui.state.markdown import plain

_SAFE = ":/?#@!$&'*+,;=%~"  # characters that need no escaping in a link; brackets do


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo: its file, with a digest, and the texts that go with it.

    Attributes:
        name: of the file.
        data: content of the file that the networks score.
        digest: of that content.
        credit: author and licence, as Markdown.
        description: alternative text.
        address: parameters of the address that lead to it; none for a visitor's own photo, which nobody else can see.
        shown: content of the file that is shown, if it is another one.
    """

    name: str
    data: bytes = field(repr=False)
    digest: str
    credit: str
    description: str
    address: dict[str, str] = field(default_factory=dict)
    shown: bytes | None = field(default=None, repr=False)

    def image(self, least: int = LEAST_SIDE) -> Image.Image:
        """Return it upright, in RGB; do not change it, since the latest are kept.

        Args:
            least: px that the shorter side of a large JPEG keeps.

        Raises:
            ImageError: it cannot be read.
        """
        return _read(self.data, self.name, least)

    def display(self, least: int = LEAST_SIDE) -> Image.Image:
        """Return what is shown of it, as `image` returns what the networks score; raises the same."""
        return self.image(least) if self.shown is None else _read(self.shown, self.name, least)


@lru_cache(maxsize=2)  # a new photo is read to see whether that works, and again to be explained
def _read(data: bytes, name: str, least: int) -> Image.Image:
    return read_image(data, name=name, least=least)


def forget() -> None:
    """Forget the latest pictures that were read, which may be those of visitors who have left."""
    _read.cache_clear()


def uploaded_photo(name: str, data: bytes) -> Photo:
    """Return a photo that the visitor uploaded or took."""
    return Photo(name, data, digest(data), plain(name), f"Your photo {name}")


@st.cache_resource(max_entries=16, show_spinner=False)
def sample_photo(key: str) -> Photo:
    """Return the bundled sample photo with a key."""
    sample = next(sample for sample in load_samples() if sample.key == key)
    data = sample.path.read_bytes()
    return Photo(sample.path.name, data, digest(data), _sample_credit(sample), sample.description, {"sample": key})


def case_photo(cases: Cases, row: int) -> Photo | None:
    """Return a photo of a gallery, None if its picture is missing.

    A photo kept in memory has no address: nobody else could open it.
    """
    shown = pictures.content_of(cases.gallery, row)
    if shown is None:
        return None
    data = pictures.scored_of(cases.gallery, row) or shown
    path, facts = pictures.path_of(cases.gallery, row), cases.gallery.facts(row)
    name = str(facts["identifier"])
    description = " ".join(
        filter(None, ("picture", name, cases.table["title"].iloc[row], cases.table["place"].iloc[row]))
    )
    checksum, credit = digest(data), case_credit(facts)
    if path is None:
        return Photo(name, data, checksum, plain(name), f"Your photo {name}", shown=shown)
    return Photo(f"{name}{path.suffix}", data, checksum, credit, description, {"case": name}, shown)


def readable(photo: Photo | None) -> Photo | None:
    """Return the photo if its file can be read, otherwise None."""
    try:
        if photo is not None:
            photo.image()
    except ImageError:
        return None
    return photo


def case_credit(facts: dict[str, Any]) -> str:
    """Return title, author, licence and source as Markdown, from `siam.gallery.store.Gallery.facts`."""
    link = facts["link"] or ""
    page = f"[source]({quote(link, safe=_SAFE)})" if link.startswith(("https://", "http://")) else ""
    parts = [short_credit(facts), page, plain(facts["source"] or "")]
    return ", ".join(filter(None, parts)) or f"picture {plain(facts['identifier'])}"


def short_credit(facts: dict[str, Any]) -> str:
    """Return title, author and licence as Markdown, as far as they are known."""
    title, author, licence = (facts[name] or "" for name in ("title", "author", "licence"))
    parts = [f"“{plain(title)}”" if title else "", plain(author), _licence(licence)]
    return ", ".join(filter(None, parts))


def unrated(cases: Cases, what: str) -> str:
    """Return a sentence on photos without ratings; of the bundled open photos, it also says that no network knows them.

    Args:
        cases: of the gallery.
        what: "this photo" or "these photos".
    """
    known = f", and neither network was trained on {'it' if what.startswith('this') else 'them'}"
    return f"Nobody rated {what}{known if cases.gallery.folder == FOLDER else ''}."


def _licence(text: str) -> str:
    """Return a licence as Markdown; "NAME https://…" becomes a link."""
    name, _space, address = text.rpartition(" ")
    if name and address.startswith(("https://", "http://")):
        return f"[{plain(name)}]({quote(address, safe=_SAFE)})"
    return plain(text)


def _sample_credit(sample: Sample) -> str:
    licence = (
        f"[{plain(sample.licence)}]({quote(sample.licence_url, safe=_SAFE)})"
        if sample.licence_url
        else plain(sample.licence)
    )
    page = f", [source]({quote(sample.link, safe=_SAFE)})" if sample.link else ""
    origin, changes = plain(sample.origin.split(",")[0]), plain(sample.changes)
    return f"“{plain(sample.title)}” by {plain(sample.author)}, {licence}{page}; {origin}; {changes}"
