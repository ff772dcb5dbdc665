"""The sample photos of the page Explain, chosen from the gallery of open photos, and their credits."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from siam.datasets.downloads.open_photos import IMAGES, LIST, LONGEST, read_list
from siam.runtime.paths import ASSETS

FOLDER = ASSETS / "gallery/open-photos"


@dataclass(frozen=True)
class Sample:
    """A sample photo with the details its licence requires."""

    key: str
    path: Path
    name: str  # one word, for a button
    title: str  # the author's, or ours if the package gives none
    description: str
    author: str
    licence: str  # SPDX identifier, or "Public Domain"
    licence_url: str
    origin: str  # the package, its version, and the file in it
    link: str  # the photo's page, or ""
    changes: str

    @property
    def credit(self) -> str:
        """Title, author, licence and origin, in one line."""
        return f"{self.title}, {self.author}, {self.licence}, {self.origin}"


@lru_cache(maxsize=1)
def load_samples() -> tuple[Sample, ...]:
    """Return the sample photos in the order of samples.json."""
    entries = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))
    photos = {photo.file: photo for photo in read_list(FOLDER / LIST)}
    return tuple(
        Sample(
            key=Path(entry["file"]).stem,
            path=FOLDER / IMAGES / entry["file"],
            name=entry["name"],
            title=photo.title,
            description=entry["description"],
            author=photo.author,
            licence=photo.licence,
            licence_url=photo.licence_url,
            origin=f"{photo.origin}, {photo.member}",
            link=photo.link,
            changes=f"scaled to at most {LONGEST} px, saved again as JPEG without metadata",
        )
        for entry in entries
        for photo in [photos[entry["file"]]]
    )
