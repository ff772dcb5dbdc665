"""The truth about a rendered scene beside SIAM's explanation: masks, contributions, and where SIAM went wrong."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from siam.drawing import phrases
from siam.errors import DatasetError
from siam.explanation.inference import Explanation
from siam.explanation.wording import verdict_sentence
from siam.figures.maps import attribute_map, map_limit
from siam.gallery.cases import Cases
from siam.reports.prints import truth_print
from siam.runtime.spreadsheets import defused
from ui import printing
from ui.state.markdown import plain
from ui.state.public import message


def verdict(cases: Cases, row: int) -> None:
    """Say in one line whether SIAM is right about a rendered scene, or how it went wrong."""
    if (known := cases.gallery.verdict(row)) is not None:
        cause = None if known.cause is None else plain(phrases.words(known.cause))
        st.markdown(f"**What happened:** {verdict_sentence(known.kind, cause)}")


def show(cases: Cases, row: int, explanation: Explanation, count: int = 4) -> None:
    """Show the masks beside the maps, and the true beside the predicted contributions."""
    truth = cases.gallery.truths[row]
    if truth is None:
        return
    st.subheader("The truth", anchor=False)
    st.caption(
        f"True score {phrases.number(truth['quality'])}: bias {phrases.number(truth['bias'])}, "
        f"attributes {phrases.signed(sum(truth['contributions'].values()))}, "
        f"outside the vocabulary {phrases.signed(sum(truth['nuances'].values()))}."
    )
    _masks(cases, row, truth, explanation, count)
    _contributions(truth, explanation)


def _masks(cases: Cases, row: int, truth: dict[str, Any], explanation: Explanation, count: int) -> None:
    try:
        masks = cases.gallery.masks(row)
    except DatasetError as error:
        st.warning(message(error), icon=":material/broken_image:")
        return
    if masks is None:
        return
    names = cases.gallery.about.attributes
    true = truth["contributions"]
    largest = sorted(true, key=lambda name: -abs(true[name]))[:count]
    shown = [item for item in explanation.ranking() if item.attribute in largest and item.attribute in names]
    limit = map_limit(explanation, shown) or 1.0
    with st.grid(4, min_column_width=150, gap="small"):
        for item in sorted(shown, key=lambda item: largest.index(item.attribute)):
            with st.container(gap="xxsmall"):
                name = phrases.words(item.attribute)
                mask = Image.fromarray(masks[names.index(item.attribute)].astype(np.uint8) * 255)
                st.image(mask, width="stretch", alt=f"where {name} really is")
                picture = attribute_map(explanation, item.index, limit, mask.size)
                st.image(picture, width="stretch", alt=f"where SIAM sees {name}")
                st.caption(f"{plain(name)}: truth above, SIAM below")
    if shown:
        named = {name: masks[names.index(name)] for name in largest if name in names}
        scene = str(cases.case(row)["identifier"])
        printing.figures(lambda: [truth_print(scene, named, true, explanation)], "truth", scene)


def _contributions(truth: dict[str, Any], explanation: Explanation) -> None:
    rows = [
        {
            "attribute": defused(phrases.words(item.attribute)),
            "true": truth["contributions"].get(item.attribute, 0.0),
            "SIAM": item.value,
        }
        for item in explanation.ranking()
    ]
    rows += [
        {"attribute": defused(phrases.words(name)), "true": value, "SIAM": 0.0}
        for name, value in truth["nuances"].items()
    ]
    table = pd.DataFrame(rows)
    table["difference"] = table["SIAM"] - table["true"]
    table = table.sort_values("difference", key=np.abs, ascending=False)
    points = st.column_config.NumberColumn(format="%+.2f", help="points of the scale")
    with st.expander("True and predicted contributions, largest difference first", expanded=True):
        st.dataframe(table, hide_index=True, column_config=dict.fromkeys(("true", "SIAM", "difference"), points))
