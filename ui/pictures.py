"""Pictures of a gallery: thumbnails that load at once, and a designed place where a picture is not here."""

from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw, ImageOps

from siam.gallery import Gallery
from siam.gallery_pictures import cache_folder, here

THUMBNAIL = 320, 240


def path_of(gallery: Gallery, row: int) -> Path | None:
    """Return the file of a picture, if it is here."""
    return _here(str(gallery.folder), gallery.about.date, len(gallery), gallery)[row]


def thumbnail(gallery: Gallery, row: int, text: str | None = None) -> None:
    """Show a small picture with an alternative text, or say that it is not here."""
    path = path_of(gallery, row)
    name = text or f"picture {gallery.photos['identifier'].iloc[row]}"
    if path is not None:
        st.image(small(path), width="stretch", alt=name)
    else:
        st.image(_absent(), width="stretch", alt=f"{name}: not on this machine")


def small(path: Path) -> Image.Image:
    """Return a thumbnail, made once."""
    return _small(path, path.stat().st_mtime_ns)


def forget() -> None:
    """Look anew which pictures are here, after some were fetched."""
    _here.clear()


@st.cache_resource(show_spinner=False, max_entries=8)
def _here(folder: str, date: str, count: int, _gallery: Gallery) -> tuple[Path | None, ...]:
    return here(_gallery, cache_folder())


@st.cache_resource(show_spinner=False, max_entries=2000)
def _small(path: Path, changed: int) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (2 * THUMBNAIL[0], 2 * THUMBNAIL[1]))
            return ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), THUMBNAIL)
    except OSError:
        return _absent()


@st.cache_resource(show_spinner=False)
def _absent() -> Image.Image:
    """Return a quiet drawing of a picture that is not here: hills below a sun, in the crowd's blue-grey."""
    width, height = THUMBNAIL
    picture = Image.new("RGB", THUMBNAIL, "#DCE3EA")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.62, height * 0.2, width * 0.62 + 40, height * 0.2 + 40), fill="#C3CED8")
    draw.polygon([(0, height), (width * 0.38, height * 0.4), (width * 0.76, height)], fill="#B4C1CD")
    draw.polygon([(width * 0.4, height), (width * 0.72, height * 0.58), (width, height * 0.9), (width, height)],
                 fill="#C3CED8")  # fmt: skip
    return picture
