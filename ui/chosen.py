"""What the sidebar chose: the pair of networks and the gallery, the same on all pages and part of the address."""

import json
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from siam import gallery
from siam.cases import Cases, read_cases
from siam.checkpoint import CARD, bundled
from siam.errors import DatasetError

BUNDLED = Path(__file__).parent.parent / "assets" / "gallery"
OWN_GALLERIES = Path("galleries")  # these and the next below the folder in which the app was started
OWN_PAIRS = (Path("runs"), Path("models"))
DEFAULT = "Photos"

_TITLES = {"photo": DEFAULT, "rendered": "Rendered"}
_GALLERIES = {"oasis": "OASIS scenes", "rendered": "Rendered landscapes"}


@dataclass(frozen=True)
class Named:
    """A pair to choose: what it is called on the pages, where it is, and the name that its galleries know it by."""

    label: str
    source: str
    name: str


def pairs() -> dict[str, Named]:
    """Return the pairs to choose from, by label: the bundled ones, and the user's own below runs/ and models/."""
    labels = [name for name in _TITLES if name in bundled()] + [name for name in bundled() if name not in _TITLES]
    found = [Named(_TITLES.get(name, name), name, name) for name in labels]
    for folder in OWN_PAIRS:
        for card in sorted(folder.glob(f"*/{CARD}")):
            found.append(Named(card.parent.as_posix(), card.parent.as_posix(), _name(card, card.stat().st_mtime_ns)))
    return {pair.label: pair for pair in found}


def pair() -> Named:
    """Return the pair in use."""
    found = pairs()
    return found.get(st.session_state.get("pair", DEFAULT)) or next(iter(found.values()))


def galleries() -> dict[str, Path]:
    """Return the galleries whose numbers are those of the pair in use, by label."""
    found = {}
    for folder, labels in ((BUNDLED, _GALLERIES), (OWN_GALLERIES, {})):
        for path in sorted(folder.glob(f"*/{gallery.FILE}")):
            told = _peek(path.parent, path.stat().st_mtime_ns)
            if told is not None and told[0].model == pair().name:
                found[labels.get(path.parent.name, path.parent.name)] = path.parent
    return found


def gallery_folder() -> Path | None:
    """Return the folder of the gallery in use, None where the pair has none."""
    found = galleries()
    return found.get(st.session_state.get("gallery", "")) or next(iter(found.values()), None)


def cases() -> Cases | None:
    """Return the cases of the gallery in use, read once for all sessions, and anew when its file changes.

    Raises:
        DatasetError: the gallery is damaged.
    """
    folder = gallery_folder()
    return None if folder is None else _cases(folder, (folder / gallery.FILE).stat().st_mtime_ns)


@st.cache_resource(show_spinner="Opening the gallery …", max_entries=8)
def _cases(folder: Path, changed: int) -> Cases:
    return read_cases(gallery.read(folder))


@st.cache_resource(show_spinner=False, max_entries=64)
def _peek(folder: Path, changed: int) -> tuple[gallery.About, int] | None:
    try:
        return gallery.peek(folder)
    except DatasetError:
        return None


@st.cache_data(show_spinner=False, max_entries=64)
def _name(card: Path, changed: int) -> str:
    """Return what a pair calls itself; of a damaged card, which loading will tell of, the folder's name."""
    try:
        return str(json.loads(card.read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return card.parent.name
