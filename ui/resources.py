"""Networks and explanations that all sessions share."""

import dataclasses
import hashlib
from threading import Lock

import streamlit as st
import torch
from PIL import Image

from siam.checkpoint import Pair, load
from siam.inference import Explanation, explain
from siam.visualization import display_photo

DEFAULT_PAIR = "photo"


@st.cache_resource(show_spinner="Loading the networks; the first time this takes some seconds …")
def _loaded(name: str) -> tuple[Pair, Lock]:
    return load(name), Lock()


def pair(name: str = DEFAULT_PAIR) -> Pair:
    """Return the networks of a pair, loaded once for all sessions."""
    return _loaded(name)[0]


def device_name(name: str = DEFAULT_PAIR) -> str:
    """Return in words what the networks run on."""
    device = next(pair(name).siam.parameters()).device
    if device.type == "cuda":
        return f"GPU ({torch.cuda.get_device_name(device)})"
    return f"CPU ({torch.get_num_threads()} threads)"


@st.cache_resource(max_entries=32, show_spinner="Looking at the photo …")
def explanation(name: str, digest: str, _image: Image.Image) -> Explanation:
    """Return the explanation of a photo, computed once per photo and pair.

    The result is shared between sessions and must not be changed. It keeps the photo at the size shown, not at full
    size.
    """
    networks, lock = _loaded(name)
    with lock:
        found = explain(networks, _image)
    return dataclasses.replace(found, image=display_photo(_image))


def digest_of(data: bytes) -> str:
    """Return a key for a photo's bytes."""
    return hashlib.sha256(data).hexdigest()
