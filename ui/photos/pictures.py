"""Pictures of a gallery: thumbnails that load at once, and a placeholder for missing pictures."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw, ImageOps

from siam.gallery.pictures import cache_folder, here, path_here
from siam.gallery.store import Gallery, changed, is_address
from siam.images.photos import bare

THUMBNAIL = 320, 240


def path_of(gallery: Gallery, row: int) -> Path | None:
    """Return the file of a picture; None if it is missing or in memory only."""
    if gallery.contents is not None:
        return None
    return path_here(gallery, row)


def is_here(gallery: Gallery, row: int) -> bool:
    """Return whether a picture is on this machine."""
    return gallery.contents is not None or path_of(gallery, row) is not None


def missing(gallery: Gallery) -> int:
    """Return how many pictures are missing but can be downloaded from the address in the gallery."""
    if gallery.contents is not None:
        return 0
    images = gallery.photos["image"]
    return sum(isinstance(of, str) and path is None for of, path in zip(images, _paths(gallery), strict=True))


def address_of(gallery: Gallery, rows: Sequence[int] | None = None) -> str | None:
    """Return the address of one picture, of these photos or of all, that can be downloaded; None if there is none."""
    images = gallery.photos["image"] if rows is None else gallery.photos["image"].iloc[list(rows)]
    return next((image for image in images if isinstance(image, str) and is_address(image)), None)


def content_of(gallery: Gallery, row: int) -> bytes | None:
    """Return the content of a picture's file; None if it is missing."""
    if gallery.contents is not None:
        return gallery.contents[row]
    path = path_of(gallery, row)
    try:
        return None if path is None else path.read_bytes()
    except OSError:
        return None  # removed while the app was running


def scored_of(gallery: Gallery, row: int) -> bytes | None:
    """Return the content of the file that the networks scored, if it is another than that of the picture."""
    if gallery.inputs is not None:
        return gallery.inputs[row]
    path = gallery.scored(row)
    try:
        return None if path is None else path.read_bytes()
    except OSError:
        return None  # removed while the app was running


def thumbnail_of(gallery: Gallery, row: int) -> Image.Image | None:
    """Return a picture's thumbnail, made once; None if the picture is missing."""
    if gallery.contents is not None:
        return _in_memory(str(gallery.photos["sha256"].iloc[row]), gallery.contents[row])
    path = path_of(gallery, row)
    return None if path is None else small(path)


def thumbnail(gallery: Gallery, row: int, text: str | None = None) -> None:
    """Show a thumbnail with an alternative text, or a placeholder if the picture is missing."""
    picture = thumbnail_of(gallery, row)
    name = text or f"picture {gallery.photos['identifier'].iloc[row]}"
    if picture is not None:
        st.image(picture, width="stretch", alt=name)
    else:
        st.image(_absent(), width="stretch", alt=f"{name}: not on this machine")


def small(path: Path) -> Image.Image:
    """Return the thumbnail of a file, made once."""
    return _small(path, path.stat().st_mtime_ns if path.exists() else 0)


def forget() -> None:
    """Check again which pictures are on this machine, after some were downloaded."""
    _here.clear()


def _paths(gallery: Gallery) -> tuple[Path | None, ...]:
    return _here(str(gallery.folder.resolve()), changed(gallery.folder), gallery)


@st.cache_resource(show_spinner=False, max_entries=8)
def _here(folder: str, changed: int, _gallery: Gallery) -> tuple[Path | None, ...]:
    return here(_gallery, cache_folder())


@st.cache_resource(show_spinner=False, max_entries=2000)
def _small(path: Path, changed: int) -> Image.Image:
    return _fitted(path)


def _in_memory(digest: str, content: bytes) -> Image.Image:
    """Return the thumbnail of a picture in memory; only the session that uploaded it keeps it."""
    thumbnails = st.session_state.setdefault("own_thumbnails", {})
    if digest not in thumbnails:
        thumbnails[digest] = _fitted(BytesIO(content))
    return thumbnails[digest]


def _fitted(source: Path | BytesIO) -> Image.Image:
    try:
        with Image.open(source) as picture:
            picture.draft("RGB", (2 * THUMBNAIL[0], 2 * THUMBNAIL[1]))
            return bare(ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), THUMBNAIL))
    except OSError:
        return _absent()


@st.cache_resource(show_spinner=False)
def _absent() -> Image.Image:
    """Return the placeholder for a missing picture: hills below a sun, in the crowd's blue-grey."""
    width, height = THUMBNAIL
    picture = Image.new("RGB", THUMBNAIL, "#DCE3EA")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.62, height * 0.2, width * 0.62 + 40, height * 0.2 + 40), fill="#C3CED8")
    draw.polygon([(0, height), (width * 0.38, height * 0.4), (width * 0.76, height)], fill="#B4C1CD")
    draw.polygon([(width * 0.4, height), (width * 0.72, height * 0.58), (width, height * 0.9), (width, height)],
                 fill="#C3CED8")  # fmt: skip
    return picture
