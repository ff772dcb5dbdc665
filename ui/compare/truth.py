"""Compare, the truth: where the score of a rendered scene really comes from, beside what the methods say."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from siam.comparison.agreement import evidence
from siam.comparison.pictures import true_density
from siam.datasets.rendered import ATTRIBUTES
from siam.drawing import phrases
from siam.errors import DatasetError
from siam.figures import attributions
from ui.compare.choice import View
from ui.state import chosen

_VERBS = {1: "raises", -1: "lowers"}


@dataclass(frozen=True, eq=False)
class Truth:
    """The true density (H, W) of a scene, and of what is asked about it the region (H, W) of bool that counts most.

    There is no region where nothing truly raises, or lowers, the score.
    """

    density: np.ndarray
    region: np.ndarray | None


def truth_of(view: View) -> Truth | None:
    """Return the truth about a view's photo, None where it is not known."""
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
        return None  # as where the scene came without
    if masks is None or masks.shape[1] != masks.shape[2]:
        return None
    density = true_density(masks)
    region = evidence(sign * density)
    return Truth(density, region if 0 < region.mean() < 1 else None)


def truth_tiles(truth: Truth, photo: Image.Image, sign: int, strength: float) -> None:
    """Show what is true in the first tiles of a grid."""
    with st.container(gap="xxsmall"):
        picture = attributions.map_picture(photo, truth.density, 1, strength)
        st.image(
            picture, width="stretch", output_format="JPEG", alt=f"The truth: {phrases.signed_map_text(truth.density)}"
        )
        st.markdown("**Truth**", help="What each place of this rendered scene truly adds to its score.")
        st.caption("what truly counts, place by place")
    if truth.region is not None:
        with st.container(gap="xxsmall"):
            picture = attributions.region_picture(photo, truth.region)
            where = phrases.where(truth.region.astype(float))
            st.image(
                picture,
                width="stretch",
                output_format="JPEG",
                alt=f"Half of what truly {_VERBS[sign]} the score is {where}",
            )
            st.markdown("**True region**", help="The table below holds the maps against it.")
            st.caption(f"smallest region that holds half of what truly {_VERBS[sign]} the score")
