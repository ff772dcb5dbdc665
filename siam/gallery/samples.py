"""The bundled sample photos and their credits."""

import json
from dataclasses import dataclass
from pathlib import Path

from siam.runtime.paths import ASSETS

_FOLDER = ASSETS / "samples"


@dataclass(frozen=True)
class Sample:
    """A sample photo with the details its licence requires."""

    key: str
    path: Path
    name: str  # one word, for a button
    title: str  # the author's
    description: str
    author: str
    licence: str  # SPDX identifier, or the author's own wording
    licence_url: str
    origin: str
    changes: str

    @property
    def credit(self) -> str:
        """Title, author, licence and origin, in one line."""
        return f"{self.title}, {self.author}, {self.licence}, {self.origin}"


def load_samples() -> tuple[Sample, ...]:
    """Return the sample photos in the order of samples.json."""
    entries = json.loads((_FOLDER / "samples.json").read_text(encoding="utf-8"))
    return tuple(
        Sample(key=Path(file).stem, path=_FOLDER / file, **entry) for entry in entries for file in [entry.pop("file")]
    )
