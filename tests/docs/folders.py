"""What lies in the folder in which the code of a page runs: small data instead of the real ones."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from siam.gallery.samples import load_samples

Maker = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[None]]


@dataclass(frozen=True)
class Folder:
    """How a page's folder is made, and what each command of `python -m siam` gets besides its own words."""

    make: Maker
    further: Callable[[list[str]], list[str]] = lambda words: []


@contextmanager
def photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a photo there, and a folder of three."""
    samples = {sample.key: sample.path for sample in load_samples()}
    shutil.copy(samples["mountain-path"], folder / "photo.jpg")
    (folder / "photos").mkdir()
    for name, key in {"lake": "lake-boats", "forest": "forest-path", "road": "storm-road"}.items():
        shutil.copy(samples[key], folder / "photos" / f"{name}.jpg")
    yield


FOLDERS = {
    "tutorials/first-gallery.md": Folder(photos),
    "tutorials/first-photo.md": Folder(photos),
}
