"""What VEBI looks for: the baseline's features that go with high and low scores, each as a mean picture."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from siam.datasets.downloads.open_photos import IMAGES
from siam.drawing import phrases
from siam.drawing.colours import PAPER
from siam.errors import DatasetError
from siam.gallery import store
from siam.gallery.cases import Cases
from siam.gallery.samples import FOLDER
from siam.reports.prints import features_print
from ui import printing
from ui.compare.choice import View
from ui.photos import pictures
from ui.state import chosen
from ui.state.markdown import plain

_MOST = 12  # features
_MOST_TOP = 4  # of the pictures in which a feature is strongest
_SMALL = 120, 90  # px of one of them: sharp at half the width of a tile
_GAP = 4  # px between them

Finder = Callable[[str], Image.Image | None]  # of a picture's thumbnail, by its identifier


def show(view: View) -> None:
    """Show the features that VEBI found in this baseline, most important first; nothing unless it was fitted."""
    baseline = view.pair.baseline
    if baseline is None or "vebi" not in baseline.fitted:
        return
    fitted = baseline.fitted["vebi"]
    if "means" not in fitted.tensors:
        return
    means, of = fitted.tensors["means"].numpy(), fitted.tensors["means_of"].numpy()
    weights = fitted.tensors["relevance"][0].numpy()[of]  # the first row is for the score
    strength = fitted.tensors["strength"].numpy()[of] if "strength" in fitted.tensors else np.ones_like(weights)
    heaviest = np.argsort(-np.abs(weights * strength), kind="stable")[:_MOST]
    top, finder = _top(fitted.facts.get("top", {}))
    shown = [int(place) for place in heaviest[weights[heaviest] != 0]]
    names = {place: _name(fitted.facts, fitted.tensors, int(of[place])) for place in shown}
    with st.expander("What VEBI looks for", icon=":material/visibility:"):
        st.caption(
            "VEBI finds the features inside the baseline that go with high or low scores. Each tile is the mean of the "
            "places where one feature is strongest; below it are the pictures in which it is strongest. The most "
            "important features come first, and naming them is up to you. A positive weight goes with higher scores, a "
            "negative one with lower scores."
        )
        with st.grid(6, min_column_width=110, gap="small"):
            for place, name in names.items():
                with st.container(gap="xxsmall"):
                    st.image(Image.fromarray(means[place]), width="stretch", alt=f"mean picture of {name}")
                    st.markdown(f"**{phrases.signed(float(weights[place]))}**")
                    st.caption(plain(name))
                    _strongest(top.get(str(of[place]), ()), finder)
        if not shown:
            return

        def drawn() -> list[Image.Image]:
            return [_printed(Image.fromarray(means[place]), top.get(str(of[place]), ()), finder) for place in shown]

        features = [(names[place], float(weights[place])) for place in shown]
        printing.figures(lambda: [features_print(features, "the baseline", drawn)], "vebi")


def _name(facts: dict[str, Any], tensors: dict[str, Any], index: int) -> str:
    """Return the name of a feature: its layer, counted from the input, and its channel."""
    layer, count = int(tensors["layer"][index]) + 1, len(facts.get("layers", ()))
    return f"layer {layer}{f' of {count}' if count else ''}, channel {int(tensors['channel'][index])}"


def _top(facts: dict[str, Any]) -> tuple[dict[str, Any], Finder]:
    """Return the pictures in which each feature is strongest, and where to find them.

    They come from a gallery of this pair if there is one, otherwise from the samples.
    """
    in_use = chosen.cases()
    for cases in (in_use, *(_bundled(name) for name in facts)):
        if cases is None:
            continue
        for name in (cases.gallery.folder.name, cases.gallery.about.data):
            if name in facts:
                return facts[name], _in_gallery(cases)
    samples = {path.stem: path for path in (FOLDER / IMAGES).glob("*.jpg")}  # they are among the open photos
    return facts.get("samples", {}), lambda name: pictures.small(samples[name]) if name in samples else None


def _bundled(name: str) -> Cases | None:
    """Return the cases of a bundled gallery if the pair in use scored it."""
    folder = chosen.BUNDLED / name
    if not (folder / store.FILE).is_file():
        return None
    try:
        cases = chosen.cases_in(folder)
    except DatasetError:
        return None
    return cases if cases.gallery.about.model == chosen.pair().name else None


def _in_gallery(cases: Cases) -> Finder:
    def find(name: str) -> Image.Image | None:
        row = cases.row_of(name)
        return None if row is None else pictures.thumbnail_of(cases.gallery, row)

    return find


def _strongest(names: Sequence[str], find: Finder) -> None:
    """Show the pictures in which a feature is strongest; missing ones are named."""
    shown = {str(name): find(str(name)) for name in names[:_MOST_TOP]}
    here = {name: picture for name, picture in shown.items() if picture is not None}
    if here:
        st.image(_sheet(list(here.values())), width="stretch", alt=f"strongest in {phrases.listing(list(here))}")
    missing = [plain(name) for name in shown if name not in here]
    if missing:
        st.caption(f"{'also ' if here else ''}strongest in {phrases.listing(missing)}")


def _printed(mean: Image.Image, names: Sequence[str], find: Finder) -> Image.Image:
    """Return a feature's mean picture and, on its right, the pictures in which it is strongest."""
    here = [picture for name in names[:_MOST_TOP] if (picture := find(str(name))) is not None]
    (width, height), gap = _SMALL, 2 * _GAP
    side = 2 * height + _GAP
    whole = Image.new("RGB", (side + (gap + 2 * width + _GAP if here else 0), side), PAPER)
    whole.paste(mean.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))
    if here:
        sheet = _sheet(here)
        whole.paste(sheet, (side + gap, 0), sheet)
    return whole


def _sheet(small: Sequence[Image.Image]) -> Image.Image:
    """Return up to four pictures in two columns; an empty place is transparent."""
    (width, height), rows = _SMALL, -(-len(small) // 2)
    sheet = Image.new("RGBA", (2 * width + _GAP, rows * (height + _GAP) - _GAP))
    for place, picture in enumerate(small):
        corner = (place % 2) * (width + _GAP), (place // 2) * (height + _GAP)
        sheet.paste(picture.resize(_SMALL, Image.Resampling.LANCZOS), corner)
    return sheet
