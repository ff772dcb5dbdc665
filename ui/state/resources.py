"""Networks and explanations that all sessions share."""

import dataclasses
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from siam.drawing.maps import display_photo
from siam.explanation.inference import Explanation, explain
from siam.images.preprocessing import least_side
from siam.models.checkpoint import CARD, Pair, load
from siam.models.identity import identity
from siam.runtime.devices import cpu_threads, device_of
from ui.state import chosen
from ui.state.public import tidy

if TYPE_CHECKING:
    from ui.photos.photo import Photo

OWN = "own_explanations"  # in the session: of photos that nobody else may see
_MOST_OWN = 8


@st.cache_resource(max_entries=4, show_spinner="Loading the networks; the first time takes a few seconds …")
def _loaded(source: str, changed: int) -> tuple[Pair, Lock]:
    tidy()
    return load(source), Lock()


def networks(source: str | None = None) -> tuple[Pair, Lock]:
    """Return the networks in use, or others by where they are, and the lock to hold while running them.

    Other sessions use them too.
    """
    source = source or chosen.pair().source
    card = Path(source) / CARD  # a user's own pair may be retrained while the app runs
    return _loaded(source, card.stat().st_mtime_ns if card.is_file() else 0)


def pair() -> Pair:
    """Return the networks in use, loaded once for all sessions."""
    return networks()[0]


def device_name() -> str:
    """Return what the networks run on: "CPU (4 threads)"."""
    if pair().built and device_of(pair().siam).type == "cuda":
        import torch

        return f"GPU ({torch.cuda.get_device_name(device_of(pair().siam))})"
    threads = cpu_threads()
    by = ", OpenVINO" if pair().engine == "openvino" else ""
    return f"CPU ({threads} {'thread' if threads == 1 else 'threads'}{by})"


def explanation(photo: "Photo") -> Explanation:
    """Return the explanation of a photo by the networks in use, computed once per photo and pair.

    Do not change it: it is shared between sessions, unless the photo is a visitor's own. It holds the photo at display
    size, not at full size.
    """
    pair, lock = networks()
    source = chosen.pair().source
    if photo.address:
        return _explanation(source, identity(pair), photo.digest, pair, lock, photo)
    explanations = st.session_state.setdefault(OWN, {})  # a visitor's own photo stays in the visitor's session
    key = source, identity(pair), photo.digest
    if key not in explanations:
        with st.spinner("Looking at the photo …"):
            explanations[key] = _explain(pair, lock, photo)
        for old in list(explanations)[:-_MOST_OWN]:
            del explanations[old]
    return explanations[key]


@st.cache_resource(max_entries=32, show_spinner="Looking at the photo …")
def _explanation(source: str, networks: str, digest: str, _networks: Pair, _lock: Lock, _photo: "Photo") -> Explanation:
    return _explain(_networks, _lock, _photo)


def _explain(networks: Pair, lock: Lock, photo: "Photo") -> Explanation:
    image = photo.image(least_side(*networks.configs))
    with lock:
        explanation = explain(networks, image)
    return dataclasses.replace(explanation, image=display_photo(photo.display()))
