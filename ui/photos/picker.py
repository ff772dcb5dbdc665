"""The photo picker: upload, camera, or a photo on offer; it owns the session's keys `photo` and `source`.

The last choice counts. A file that cannot be read is refused with a message, and the previous photo stays in view.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from siam.errors import ImageError
from siam.gallery.samples import load_samples
from siam.images.reading import ACCEPTED
from ui.photos import pictures, quota
from ui.photos.photo import Photo, case_photo, readable, sample_photo, uploaded_photo
from ui.state import chosen
from ui.state.address import point
from ui.state.markdown import plain
from ui.state.public import message

Source = Literal["offered", "upload", "camera"]
OFFERED = 10


@dataclass(frozen=True)
class Offer:
    """A photo on offer: its parameter in the address, its file, the name on its button, and an alternative text."""

    parameter: Literal["sample", "case"]
    value: str
    path: Path
    name: str
    description: str


def choose() -> Photo:
    """Show the picker and return the chosen photo: at first the one in the address, or else the first on offer."""
    offered = offers()
    _start(offered)
    left, ready = st.columns([2, 3], gap="medium")
    with left:
        upload, camera = _inputs()
    with ready:
        _grid(offered)
    source = st.session_state["source"]
    new = {"upload": upload, "camera": camera}.get(source)
    if (problem := quota.problem([new])) is not None:
        st.error(plain(problem), icon=":material/inventory_2:")
    elif new is not None:
        _keep(new.name if source == "upload" else "camera photo", new.getvalue())
    photo: Photo = st.session_state["photo"]
    for name in ("sample", "case"):
        point(name, photo.address.get(name))
    st.session_state["asked"] = photo.address
    return photo


def offers() -> list[Offer]:
    """Return the bundled photos, or one rendered scene per kind of place for networks that know only scenes."""
    cases, scenes = chosen.cases(), []
    if cases is not None and cases.gallery.about.data == "rendered":
        firsts = cases.table.drop_duplicates("place").query("place != ''").head(OFFERED)
        listed = zip(firsts.index, firsts["identifier"], firsts["place"], strict=True)
        scenes = [
            Offer("case", identifier, path, place, f"rendered landscape, {place}")
            for row, identifier, place in listed
            if (path := pictures.path_of(cases.gallery, row)) is not None
        ]
    return scenes or [Offer("sample", of.key, of.path, of.name, of.description) for of in load_samples()]


def _start(offered: list[Offer]) -> None:
    """Load the photo in the address if it is new: on the first visit, after Back, or from a link.

    If the networks changed, an offered photo gives way to the first one offered with the new networks; an uploaded
    photo stays.
    """
    asked = {name: st.query_params[name] for name in ("sample", "case") if name in st.query_params}
    new = asked != st.session_state.get("asked", {})
    now = chosen.pair().label, st.session_state.get("gallery")
    before = st.session_state.get("photo_of", now)
    of_gallery = "photo" in st.session_state and "case" in st.session_state["photo"].address
    changed = before != now if of_gallery else before[0] != now[0]
    st.session_state["photo_of"] = now
    if "photo" not in st.session_state or (asked and new):
        photo = _named(asked) or photo_of(offered[0])
    elif changed and st.session_state["photo"].address:
        photo = photo_of(offered[0])
    else:
        return
    st.session_state.update(source="offered", photo=photo)


def _named(asked: dict[str, str]) -> Photo | None:
    if asked.get("sample") in {sample.key for sample in load_samples()}:
        return sample_photo(asked["sample"])
    cases = chosen.cases() if "case" in asked else None
    if cases is None or (row := cases.row_of(asked["case"])) is None:
        return None
    photo = readable(case_photo(cases, row))
    if photo is None:
        st.info(
            f"Picture {plain(asked['case'])} cannot be shown, so here is another. “Add a gallery” downloads missing "
            "pictures.",
            icon=":material/hide_image:",
        )
    return photo


def photo_of(offer: Offer) -> Photo:
    """Return a photo on offer; the first sample if its file is damaged."""
    return _named({offer.parameter: offer.value}) or sample_photo(load_samples()[0].key)


def _inputs():
    upload = st.file_uploader(
        "Upload a photo of a landscape",
        key="upload",
        on_change=_use,
        args=("upload",),
        help=f"{ACCEPTED}. Your photo stays on the machine that runs this app.",
    )
    camera = None
    if st.toggle("Take a photo with the camera", key="camera_on"):
        camera = st.camera_input("Camera", key="camera", on_change=_use, args=("camera",))
    return upload, camera


def _grid(offered: list[Offer]) -> None:
    st.markdown("Or choose one of these")
    with st.grid(5, min_column_width=60, gap="xsmall"):
        for offer in offered:
            with st.container(gap=None):
                st.image(pictures.small(offer.path), width="stretch", alt=offer.description)
                used = st.session_state["photo"].address == {offer.parameter: offer.value}
                st.button(
                    f"**:primary[{plain(offer.name)}]**" if used else plain(offer.name),
                    key=f"{offer.parameter}-{offer.value}",
                    type="tertiary",
                    width="stretch",
                    on_click=_take,
                    args=(offer,),
                )


def _take(offer: Offer) -> None:
    photo = photo_of(offer)
    st.session_state.update(source="offered", photo=photo, asked=photo.address)
    for name in ("sample", "case"):
        point(name, photo.address.get(name))


def _use(source: Source) -> None:
    """Remember which input was used last; clearing one leaves the photo as it is."""
    if st.session_state[source] is not None:
        st.session_state["source"] = source


def _keep(name: str, data: bytes) -> None:
    """Make a file the session's photo, or say why it cannot be."""
    photo = uploaded_photo(name, data)
    if st.session_state["photo"].digest == photo.digest:
        return
    try:
        photo.image()
    except ImageError as error:
        st.error(message(error), icon=":material/broken_image:")
        st.caption(f"Still showing {plain(st.session_state['photo'].name)}.")
    else:
        st.session_state["photo"] = photo
