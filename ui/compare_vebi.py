"""Compare, what VEBI looks for: the baseline's features that go with high and low scores, each as a mean picture."""

from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from siam import wording
from ui import chosen
from ui.compare_choice import View
from ui.photo import plain

_MOST = 12  # features
_MOST_NAMES = 3  # of the pictures in which a feature is strongest


def show(view: View) -> None:
    """Show the pictures of the features that VEBI found for this baseline, the heaviest first, where it was fitted."""
    baseline = view.pair.baseline
    if baseline is None or "vebi" not in baseline.fitted:
        return
    fitted = baseline.fitted["vebi"]
    if "means" not in fitted.tensors:
        return
    means, of = fitted.tensors["means"].numpy(), fitted.tensors["means_of"].numpy()
    weights = fitted.tensors["relevance"][0].numpy()[of]  # the first row speaks for the score
    strength = fitted.tensors["strength"].numpy()[of] if "strength" in fitted.tensors else np.ones_like(weights)
    heaviest = np.argsort(-np.abs(weights * strength), kind="stable")[:_MOST]
    with st.expander("What VEBI looks for", icon=":material/visibility:"):
        st.caption(
            "VEBI first asks which features inside the baseline go with the scores. Each picture is the mean of the "
            "places where one of them is strongest: the features that count most come first, and what they stand for "
            "is yours to name. A weight above 0 goes with higher scores, one below 0 with lower ones."
        )
        with st.grid(6, min_column_width=110, gap="small"):
            for place in heaviest[weights[heaviest] != 0]:
                with st.container(gap="xxsmall"):
                    index = int(of[place])
                    name = _name(fitted.facts, fitted.tensors, index)
                    st.image(Image.fromarray(means[place]), width="stretch", alt=f"mean picture of {name}")
                    st.markdown(f"**{wording.signed(float(weights[place]))}**")
                    st.caption(" · ".join(filter(None, (name, _strongest(fitted.facts, index)))))


def _name(facts: dict[str, Any], tensors: dict[str, Any], index: int) -> str:
    """Return what a feature is called: its layer, counted from the photo on, and its channel."""
    layer, count = int(tensors["layer"][index]) + 1, len(facts.get("layers", ()))
    return f"layer {layer}{f' of {count}' if count else ''}, channel {int(tensors['channel'][index])}"


def _strongest(facts: dict[str, Any], index: int) -> str:
    """Say in which pictures of the gallery, else of the samples, a feature is strongest."""
    cases, top = chosen.cases(), facts.get("top", {})
    places = [] if cases is None else [cases.gallery.folder.name, cases.gallery.about.data]
    found = next((top[name] for name in [*places, "samples"] if name in top), {})
    names = [plain(str(name)) for name in found.get(str(index), ())[:_MOST_NAMES]]
    return f"strongest in {wording.listing(names)}" if names else ""
