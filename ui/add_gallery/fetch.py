"""What “Add a gallery” offers to download: a gallery's missing pictures, and test photos from ScenicOrNot.

The work itself is imported when it begins: it takes PyTorch, which no page should have to wait for.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from siam.errors import DatasetError
from siam.gallery.pictures import PICTURE_BYTES, reachable
from siam.gallery.store import Gallery, is_archive
from ui.photos import pictures
from ui.state import chosen
from ui.state.markdown import plain


def missing_pictures() -> None:
    """Offer the pictures missing from the gallery in use, else those of the OASIS scenes."""
    galleries = [
        (label, gallery, pictures.missing(gallery))
        for label, gallery in _galleries()
        if not is_archive(gallery.folder)  # of whose thousands a page at a time is enough
    ]
    lacking = [of for of in galleries if of[2]]
    if not lacking:
        return
    label, gallery, missing = lacking[0]
    with st.container(border=True):
        st.markdown(f"**Pictures of “{plain(label)}”**")
        st.caption(
            f"This gallery comes without pictures. Still to download: {missing:,} of {len(gallery):,}, about "
            f"{missing * PICTURE_BYTES / 1e6:,.0f} MB. They are downloaded from where their authors published them, "
            "checked, and kept in the cache of the user who runs the app."
        )
        button(gallery, label, "fetch-pictures")


def button(gallery: Gallery, label: str, key: str, rows: Sequence[int] | None = None) -> None:
    """Show a button that starts the download and says before it is pressed whether the server answers.

    The check runs in the background, so it delays no page; its answer is kept for a few minutes.

    Args:
        gallery: whose pictures are elsewhere.
        label: of the gallery.
        key: of the button.
        rows: the photos whose pictures are wanted; None: all.
    """
    address = pictures.address_of(gallery, rows)
    check = None if address is None else _check(address)
    answer = "checking the server …"
    if check is None or check.done():
        answer = "server online" if check is not None and check.result() else "server cannot be reached from here"
    st.button(
        f"Download {'the' if rows is None else 'these'} pictures ({answer})",
        key=key,
        icon=":material/download:",
        on_click=_fetch,
        args=(gallery, label, rows),
    )
    if check is not None and not check.done():
        _await(check)


def _fetch(gallery: Gallery, label: str, rows: Sequence[int] | None) -> None:
    from ui.add_gallery import tasks

    tasks.fetch_pictures(gallery, label, rows)


@st.cache_resource(ttl=300, max_entries=16, show_spinner=False)
def _check(address: str) -> "Future[bool]":
    """Start to check whether a server answers."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="reachable")
    check = executor.submit(reachable, address)
    executor.shutdown(wait=False)
    return check


@st.fragment(run_every=0.5)
def _await(check: "Future[bool]") -> None:
    """Run the page again once the answer is known."""
    if check.done():
        st.rerun()


def _galleries() -> list[tuple[str, Gallery]]:
    in_use, oasis = chosen.cases(), chosen.BUNDLED / "oasis"
    galleries = [] if in_use is None else [(st.session_state.get("gallery", ""), in_use.gallery)]
    try:
        return [*galleries, (chosen.label_in(oasis), chosen.cases_in(oasis).gallery)]
    except (DatasetError, OSError):
        return galleries


def scenicornot() -> None:
    """Offer test photos from ScenicOrNot, scored by the networks in use."""
    from ui.add_gallery import tasks

    count = tasks.COUNT
    with st.container(border=True):
        st.markdown(f"**ScenicOrNot, {count} test photos**")
        st.caption(
            "Places all over Great Britain, rated from 1 to 10 (photos CC BY-SA 2.0, ratings ODbL). The download from "
            "the Hugging Face Hub is 60 to 500 MB; the exact size is known once its tables are read. The photos are "
            f"kept in {tasks.SCENICORNOT.as_posix()}/ and scored by the “{plain(chosen.pair().label)}” networks, which "
            "takes a few minutes."
        )
        st.button(
            "Download and score",
            key="fetch-scenicornot",
            icon=":material/download:",
            on_click=tasks.fetch_scenicornot,
        )
