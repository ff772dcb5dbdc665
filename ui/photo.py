"""The photo picker: upload, camera or a bundled sample; it owns the session's keys `photo` and `source`.

The last choice counts. A file that cannot be read is refused with a sentence, and the photo before it stays in view.
"""

import re
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from PIL import Image, ImageOps

from siam.errors import ImageError
from siam.images import ACCEPTED, read_image
from siam.samples import Sample, load_samples
from ui import resources

Source = Literal["sample", "upload", "camera"]


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo that was read: its name, its content's digest, upright RGB, and the sample it is, if it is one."""

    name: str
    digest: str
    image: Image.Image
    sample: Sample | None = None


def choose() -> Photo:
    """Show the picker and return the chosen photo: on the first visit the first sample, or the one in the address."""
    samples = {sample.key: sample for sample in load_samples()}
    _start(samples)
    own, bundled = st.columns([2, 3], gap="medium")
    with own:
        upload, camera = _inputs()
    with bundled:
        _sample_grid(list(samples.values()))
    source = st.session_state["source"]
    chosen = {"upload": upload, "camera": camera}.get(source)
    if source == "sample":
        st.query_params["sample"] = st.session_state["address"] = st.session_state["sample"]
        st.session_state["photo"] = _read_sample(st.session_state["sample"])
    elif chosen is not None:
        _keep(chosen.name if source == "upload" else "camera photo", chosen.getvalue())
        if st.session_state["photo"].sample is None:
            st.query_params.pop("sample", None)
            st.session_state["address"] = None
    return st.session_state["photo"]


def plain(text: str) -> str:
    """Return text such as a file name so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]$~:<#])", r"\\\1", text)


def _start(samples: dict[str, Sample]) -> None:
    asked = st.query_params.get("sample")
    moved = asked in samples and asked != st.session_state.get("address")  # back, forward, or a link
    if "source" in st.session_state and not moved:
        return
    st.session_state["source"] = "sample"
    st.session_state["sample"] = asked if asked in samples else next(iter(samples))
    st.session_state["photo"] = _read_sample(st.session_state["sample"])


def _inputs():
    upload = st.file_uploader(
        "Your photo of a landscape",
        key="upload",
        on_change=_use,
        args=("upload",),
        help=f"{ACCEPTED}. It stays on the machine that runs this page.",
    )
    camera = None
    if st.toggle("Take a photo with the camera", key="camera_on"):
        camera = st.camera_input("Photo with the camera", key="camera", on_change=_use, args=("camera",))
    return upload, camera


def _sample_grid(samples: list[Sample]) -> None:
    st.markdown("Or one of these")
    with st.grid(5, min_column_width=60, gap="xsmall"):
        for sample in samples:
            with st.container(gap=None):
                st.image(_thumbnail(sample.key), width="stretch", alt=sample.description)
                used = st.session_state["source"] == "sample" and st.session_state["sample"] == sample.key
                st.button(
                    f"**:primary[{sample.name}]**" if used else sample.name,
                    key=f"sample-{sample.key}",
                    type="tertiary",
                    width="stretch",
                    on_click=_use,
                    args=("sample", sample.key),
                )


def _use(source: Source, sample: str | None = None) -> None:
    """Remember which input was used last; an emptied one leaves the photo as it is."""
    if source == "sample":
        st.session_state["sample"] = sample
    elif st.session_state[source] is None:
        return
    st.session_state["source"] = source


def _keep(name: str, data: bytes) -> None:
    """Make the bytes the session's photo, or say why not."""
    digest = resources.digest_of(data)
    if st.session_state["photo"].digest == digest:
        return
    try:
        st.session_state["photo"] = Photo(name, digest, read_image(data, name=name))
    except ImageError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
        st.caption(f"Still showing {plain(st.session_state['photo'].name)}.")


@st.cache_resource(max_entries=16, show_spinner=False)
def _read_sample(key: str) -> Photo:
    sample = next(sample for sample in load_samples() if sample.key == key)
    data = sample.path.read_bytes()
    return Photo(sample.path.name, resources.digest_of(data), read_image(data, name=sample.path.name), sample)


@st.cache_resource(show_spinner=False)
def _thumbnail(key: str) -> Image.Image:
    picture = _read_sample(key).image
    return ImageOps.fit(picture, (240, 150))
