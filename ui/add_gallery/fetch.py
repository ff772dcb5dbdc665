"""What “Add a gallery” offers to fetch: pictures that a gallery lacks, and test photos of ScenicOrNot."""

import streamlit as st

from siam.errors import DatasetError
from siam.gallery.pictures import PICTURE_BYTES
from siam.gallery.store import Gallery
from ui.add_gallery import tasks
from ui.photos import pictures
from ui.state import chosen
from ui.state.markdown import plain


def missing_pictures() -> None:
    """Offer the pictures that the gallery in use tells of but lacks, else those of the OASIS scenes."""
    galleries = [(label, gallery, pictures.missing(gallery)) for label, gallery in _galleries()]
    lacking = [of for of in galleries if of[2]]
    if not lacking:
        return
    label, gallery, missing = lacking[0]
    with st.container(border=True):
        st.markdown(f"**Pictures of “{plain(label)}”**")
        st.caption(
            f"The gallery comes with numbers alone; {missing:,} of its {len(gallery):,} pictures are not here yet, "
            f"about {missing * PICTURE_BYTES / 1e6:,.0f} MB. They are fetched from where their authors published them, "
            "checked, and kept in the cache of the user who runs the app."
        )
        st.button(
            "Fetch the pictures",
            key="fetch-pictures",
            icon=":material/download:",
            on_click=tasks.fetch_pictures,
            args=(gallery, label),
        )


def _galleries() -> list[tuple[str, Gallery]]:
    in_use, oasis = chosen.cases(), chosen.BUNDLED / "oasis"
    galleries = [] if in_use is None else [(st.session_state.get("gallery", ""), in_use.gallery)]
    try:
        return [*galleries, (chosen.label_in(oasis), chosen.cases_in(oasis).gallery)]
    except (DatasetError, OSError):
        return galleries


def scenicornot() -> None:
    """Offer test photos of ScenicOrNot, scored by the networks in use."""
    count = tasks.COUNT
    with st.container(border=True):
        st.markdown(f"**ScenicOrNot, {count} test photos**")
        st.caption(
            f"Places all over Great Britain, rated from 1 to 10 (photos CC BY-SA 2.0, ratings ODbL). They come from "
            f"the Hugging Face Hub, 60 to 500 MB: how much exactly is known once its tables are read. Kept in "
            f"{tasks.SCENICORNOT.as_posix()}/, then scored by the networks “{plain(chosen.pair().label)}”, "
            "which takes some minutes."
        )
        st.button(
            "Fetch and score",
            key="fetch-scenicornot",
            icon=":material/download:",
            on_click=tasks.fetch_scenicornot,
        )
