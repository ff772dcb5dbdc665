"""A network of the visitor's own on the page Compare: a program that `torch.export.save` wrote.

Such a file is code. So this is offered only where the server runs on the visitor's own machine, and only if whoever
started it has set SIAM_OWN_NETWORKS to 1.
"""

import os
from threading import Lock

import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from siam.drawing.maps import display_photo
from siam.drawing.palettes import palette
from siam.errors import SIAMError
from siam.explainers import attribute_photo, explainer, names_for, output
from siam.explainers.attribution import Attribution
from siam.explainers.base import Target
from siam.explainers.registry import description
from siam.explainers.targets import outputs
from siam.figures.attributions import map_text
from siam.models import zoo
from ui.compare import cost
from ui.photos.photo import Photo
from ui.photos.uploads import folder, on_this_machine
from ui.state import colours
from ui.state.markdown import plain

FLAG = "SIAM_OWN_NETWORKS"
_SIDE = 640  # px of a picture's long side
_SIZE = 224, 224  # px of what a network sees that takes pictures of any size
_NORMALISED: dict[str, tuple[zoo.Triple, zoo.Triple]] = {
    "as for ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "from −1 to 1": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "from 0 to 1": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
_TROUBLES = (ValueError, RuntimeError, MemoryError, OSError, TypeError, SIAMError)


def allowed() -> bool:
    """Return whether a visitor may have a network of their own explained here."""
    return os.environ.get(FLAG) == "1" and on_this_machine()


def show(photo: Photo) -> None:
    """Ask for a network, and show the maps of all fast explainers of it; nothing where that is not allowed."""
    if not allowed():
        return
    st.divider()
    st.subheader("A network of your own", anchor=False)
    st.caption(
        "Explain any network that `torch.export.save` wrote to a file. Such a file is a program, and it runs on this "
        "computer: open only one that you trust."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input("File", key="own_network", placeholder="/home/me/network.pt2")
        pixels = st.selectbox("Pixels it expects", list(_NORMALISED), key="own_pixels", width=220)
        number = st.number_input(
            "Output to explain", 0, value=None, step=1, key="own_output", placeholder="the largest", width=180
        )
    path = folder(typed)
    if path is None:
        return
    try:
        loaded, lock = _loaded(str(path), path.stat().st_mtime_ns if path.is_file() else 0, pixels)
        with lock:
            _explained(loaded, photo, number)
    except _TROUBLES as error:
        st.error(plain(str(error)))


@st.cache_resource(max_entries=2, show_spinner="Loading your network …")
def _loaded(source: str, _changed: int, pixels: str) -> tuple[zoo.Loaded, Lock]:
    mean, std = _NORMALISED[pixels]
    try:
        return zoo.load(source, mean=mean, std=std), Lock()
    except ValueError:  # it takes pictures of any size
        return zoo.load(source, mean=mean, std=std, size=_SIZE), Lock()


def _explained(loaded: zoo.Loaded, photo: Photo, number: int | None) -> None:
    part, images = zoo.seen(photo.image(), loaded.expects)
    picture = display_photo(part, _SIDE)
    with torch.no_grad():
        values = outputs(loaded.model, images)[0]
    chosen = int(values.argmax()) if number is None else number
    target = output(chosen)
    target(loaded.model, images)  # too large a number is reported once, and not by every method
    st.markdown(
        f"The network gives {len(values)} {'numbers' if len(values) > 1 else 'number'}; explained is output {chosen}, "
        f"**{float(values[chosen]):.4g}**" + (", the largest." if number is None and len(values) > 1 else ".")
    )
    raises, lowers, undirected = (colours.coloured(name, f"**{name}**") for name in palette().names)
    st.caption(f"In the maps, {raises} raises that number, {lowers} lowers it; {undirected} may do either.")
    names = [name for name in names_for(loaded.model) if not explainer(name).slow]
    with st.grid(4, min_column_width=150, gap="small"):
        for name in names:
            with st.container(gap="xxsmall"):
                _tile(loaded, images, name, target, picture)
    st.caption("Slow explainers: `python -m siam attribution PHOTO --network FILE --explainer sise`.")


def _tile(loaded: zoo.Loaded, images: Tensor, name: str, target: Target, picture: Image.Image) -> None:
    """Show one method's map over what the network saw, or why there is none."""
    try:
        found: Attribution | str = attribute_photo(loaded.model, images, name, target)
    except _TROUBLES as error:
        found = str(error)
    st.markdown(f"**[{description(name).title}]({description(name).link})**", help=description(name).idea)
    if isinstance(found, str):
        st.warning(plain(found))
        return
    st.image(found.overlay(picture), width="stretch", output_format="JPEG", alt=map_text(name, found.numpy(), 1))
    st.caption(cost.cost_text(found.seconds, found.passes))
