"""The truth on the page Compare: where the score of a rendered scene really comes from."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from siam.comparison.agreement import evidence
from siam.comparison.pictures import true_density
from siam.datasets.rendered import ATTRIBUTES
from siam.drawing import phrases
from siam.drawing.maps import map_picture
from siam.errors import DatasetError
from siam.figures import attributions
from ui.compare.choice import View
from ui.state import chosen

_VERBS = {1: "raises", -1: "lowers"}


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth about one scene.

    Attributes:
        density: (H, W), what each place really adds to the score or takes away.
        region: (H, W) bool, the smallest that holds half of what raises (or lowers) the score; None if nothing does.
    """

    density: np.ndarray
    region: np.ndarray | None


def truth_of(view: View) -> Truth | None:
    """Return the truth about a view's photo; None if it is not known."""
    identifier = view.photo.address.get("case")
    cases = chosen.cases() if identifier else None
    row = None if cases is None else cases.row_of(identifier)
    if cases is None or row is None or tuple(cases.gallery.about.attributes) != ATTRIBUTES:
        return None
    return _truth(str(cases.gallery.folder), view.photo.digest, str(identifier), view.sign, cases, row)


@st.cache_resource(show_spinner=False, max_entries=32)
def _truth(folder: str, digest: str, identifier: str, sign: int, _cases, _row: int) -> Truth | None:
    try:
        masks = _cases.gallery.masks(_row)
    except DatasetError:
        return None  # as for a scene without masks
    if masks is None or masks.shape[1] != masks.shape[2]:
        return None
    density = true_density(masks)
    region = evidence(sign * density)
    return Truth(density, region if 0 < region.mean() < 1 else None)


def truth_text(truth: Truth, sign: int) -> str:
    """Say what the pictures of the truth show, for a caption."""
    text = "Truth: what each place in this rendered scene really adds to the score or takes away."
    if truth.region is None:
        return text
    return f"{text} True region: the smallest that holds half of what really {_VERBS[sign]} the score."


def truth_tiles(truth: Truth, photo: Image.Image, sign: int, strength: float) -> None:
    """Show the truth in the first tiles of a grid."""
    with st.container(gap="xxsmall"):
        picture = map_picture(photo, truth.density, 1, strength)
        st.image(
            picture, width="stretch", output_format="JPEG", alt=f"The truth: {phrases.signed_map_text(truth.density)}"
        )
        st.markdown("**Truth**", help="What each place in this rendered scene really adds to the score.")
        st.caption("what really counts, and where")
    if truth.region is not None:
        with st.container(gap="xxsmall"):
            picture = attributions.region_picture(photo, truth.region)
            where = phrases.at(phrases.where(truth.region.astype(float)))
            st.image(
                picture,
                width="stretch",
                output_format="JPEG",
                alt=f"Half of what really {_VERBS[sign]} the score is {where}",
            )
            st.markdown("**True region**", help="The table below compares each map with it.")
            st.caption(f"smallest region that holds half of what really {_VERBS[sign]} the score")
