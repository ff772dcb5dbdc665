"""The choices in the sidebar: the pair and the gallery, the same on all pages and part of the address."""

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from siam.errors import CheckpointError, DatasetError
from siam.gallery import store
from siam.gallery.cases import Cases, read_cases
from siam.models.checkpoint import CARD, bundled, find, read_configs
from siam.models.configs import BaselineConfig, SIAMConfig
from siam.runtime.paths import ASSETS, GALLERY_VARIABLE, MODEL_VARIABLE
from ui.state.public import public

BUNDLED = ASSETS / "gallery"
OWN_GALLERIES = Path("galleries")  # like the next, in the folder in which the app was started
OWN_PAIRS = (Path("runs"), Path("models"))
DEFAULT = "Photos"

_TITLES = {"photo": DEFAULT, "rendered": "Rendered"}
_GALLERIES = {"open-photos": "Open photos", "oasis": "OASIS scenes", "rendered": "Rendered landscapes"}  # in this order


@dataclass(frozen=True)
class Named:
    """A pair on offer: its label on the pages, where to load it from, and the name that its galleries store."""

    label: str
    source: str
    name: str


def pairs() -> dict[str, Named]:
    """Return the pairs on offer, by label: the bundled ones, and the user's own, unless the server is public.

    That with which the app was told to begin is the first.
    """
    labels = [name for name in _TITLES if name in bundled()] + [name for name in bundled() if name not in _TITLES]
    named = [Named(_TITLES.get(name, name), name, name) for name in labels]
    for folder in () if public() else OWN_PAIRS:
        for card in sorted(folder.glob(f"*/{CARD}")):
            named.append(Named(card.parent.as_posix(), card.parent.as_posix(), _name(card, card.stat().st_mtime_ns)))
    first = os.environ.get(MODEL_VARIABLE)
    if first and all(first != pair.source for pair in named):
        card = find(first) / CARD
        named.append(Named(card.parent.name, first, _name(card, card.stat().st_mtime_ns)))
    return {pair.label: pair for pair in sorted(named, key=lambda pair: pair.source != first)}


def pair() -> Named:
    """Return the pair in use."""
    choices = pairs()
    return choices.get(st.session_state.get("pair", "")) or next(iter(choices.values()))


def inputs() -> list[tuple[SIAMConfig | BaselineConfig, ...]]:
    """Return the configs of the networks of each pair on offer, without those that cannot be read."""
    found = []
    for named in pairs().values():
        with suppress(CheckpointError):
            found.append(tuple(config for config in read_configs(named.source) if config is not None))
    return found


def galleries() -> dict[str, Path | Cases]:
    """Return the galleries that the pair in use has scored, by label: folders, and this session's cases in memory.

    That with which the app was told to begin is the first.
    """
    choices: dict[str, Path | Cases] = {}
    first = os.environ.get(GALLERY_VARIABLE)
    folders = [Path(first)] if first and store.changed(Path(first)) else []
    for place in (BUNDLED,) if public() else (BUNDLED, OWN_GALLERIES):
        folders += sorted(store.galleries_in(place), key=_place)
    for folder in folders:
        about = _peek(folder, store.changed(folder))
        if not isinstance(about, str) and about.model == pair().name:
            choices.setdefault(label_in(folder), folder)
    uploads = st.session_state.get("own_cases", {}).get(pair().name)
    return choices if uploads is None else {**choices, label_of(uploads): uploads}


def _place(folder: Path) -> tuple[int, Path]:
    """Return the sort key of a gallery: bundled galleries in the order of their titles, others by name."""
    titled = list(_GALLERIES) if folder.parent == BUNDLED else []
    return titled.index(folder.name) if folder.name in titled else len(titled), folder


def label_in(folder: Path) -> str:
    """Return the label of the gallery in a folder."""
    if folder.parent == BUNDLED:
        return _GALLERIES.get(folder.name, folder.name)
    match = re.fullmatch(r"scenicornot-(\d+)-.+", folder.name)
    return f"ScenicOrNot, {match[1]} test photos" if match else folder.name


def choose_gallery(label: str) -> None:
    """Make the next run of the page use another gallery."""
    st.session_state["wanted_gallery"] = label


def keep_uploads(cases: Cases) -> None:
    """Add cases in memory to the galleries of this session; they replace earlier ones of the same networks."""
    uploads = st.session_state.setdefault("own_cases", {})
    before = uploads.get(cases.gallery.about.model)
    if before is not None and st.session_state.get("gallery") == label_of(before):
        choose_gallery(label_of(cases))
    uploads[cases.gallery.about.model] = cases


def forget_uploads() -> None:
    """Forget the cases in memory and their thumbnails."""
    for key in ("own_cases", "own_thumbnails"):
        st.session_state.pop(key, None)


def label_of(cases: Cases) -> str:
    """Return the label of a gallery in memory."""
    return f"Your photos ({len(cases.gallery)})"


def cases() -> Cases | None:
    """Return the cases of the gallery in use; None if there is none, or if it is damaged (the sidebar says so)."""
    answer = _in_use()
    return None if isinstance(answer, str) else answer


def problem() -> str | None:
    """Return a sentence saying what is wrong with the gallery in use or one of the user's own; None if all are fine."""
    folders = [] if public() else store.galleries_in(OWN_GALLERIES)
    answers = [_in_use(), *(_peek(folder, store.changed(folder)) for folder in folders)]
    return next((of for of in answers if isinstance(of, str)), None)


def _in_use() -> Cases | str | None:
    choices = galleries()
    chosen = choices.get(st.session_state.get("gallery", "")) or next(iter(choices.values()), None)
    try:
        return cases_in(chosen) if isinstance(chosen, Path) else chosen
    except DatasetError as error:
        return str(error)


def cases_in(folder: Path) -> Cases:
    """Return the cases of a gallery, read once for all sessions and again when its file changes.

    Raises:
        DatasetError: it is missing or damaged.
    """
    return _cases(folder, store.changed(folder))


@st.cache_resource(show_spinner="Opening the gallery …", max_entries=8)
def _cases(folder: Path, changed: int) -> Cases:
    return read_cases(store.read(folder))


@st.cache_resource(show_spinner=False, max_entries=64)
def _peek(folder: Path, changed: int) -> store.About | str:
    """Return a gallery's description, or a sentence saying what is wrong with it."""
    try:
        return store.peek(folder)[0]
    except DatasetError as error:
        return str(error)


@st.cache_data(show_spinner=False, max_entries=64)
def _name(card: Path, changed: int) -> str:
    """Return the name on a pair's card, or the folder's name if the card is damaged; loading reports that."""
    try:
        return str(json.loads(card.read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return card.parent.name
