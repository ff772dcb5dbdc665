"""Addresses of pages with odd parameters: every page must open, and say in a line what it cannot follow."""

import json
from pathlib import Path
from random import Random

import numpy as np
from streamlit.testing.v1 import AppTest

from siam.explanation.what_if import edited_maps, edits_text, read_edits
from tests.fuzz.inputs import Input, Part, unshown
from tests.fuzz.mutations import ODD_TEXTS, odd_text
from tests.support.paths import ROOT
from ui.state.address import PARAMETERS, WIDGETS

_ATTRIBUTES, _SHAPE = ("trees", "still_water", "clouds"), (4, 6)
_EDITS = "trees:scale:0.5,still_water:erase:0f00f0,clouds:move:1:-2,trees:paint:ffffff:0.7,clouds:misread:trees"
_SOUND = {
    "pair": ("Photos", "Rendered"), "gallery": ("Open photos", "Rendered landscapes"),
    "colours": ("blue-orange",),
    "table": ("Speed", "Model cards"),
    "with": ("lake-boats", "lake-boats,storm-road"), "changed": ("the wind turbines",),
    "sample": ("lake-boats",), "case": ("898", "1"), "edits": ("trees:scale:0",), "attribute": ("trees", "wire"),
    "methods": ("grad_cam", "occlusion,grad_cam"), "area": ("2_5_5_9",), "count": ("5",), "overlay": ("40",),
    "crowd": ("2", "8"),
    "order": ("magnitude",), "row": ("2",), "column": ("3",), "strength": ("0.5",), "page": ("2",), "size": ("4",),
}  # fmt: skip
_ODD = (
    "1e999",
    "-1",
    "nan_nan_nan_nan",
    "2_1_9_3",
    "99999999999999999999",
    "1.5",
    "0",
    "inf_0_0_0",
    "trees:scale",
    ",,,",
    ":::",
)
_PAGES_SHARE = 0.05  # an opened page takes as long as a hundred texts of edits


def make(random: Random) -> Input:
    """Return the address of a page with odd parameters, or a text of edits as an address holds it."""
    if random.random() > _PAGES_SHARE:
        return Input("edits", {"address.json": json.dumps({"edits": odd_text(random, _EDITS)}).encode()})
    page = random.choice(
        [name for name in WIDGETS if name != "compare"]
    )  # whose maps take long; its choice is read alike
    names = [*WIDGETS[page], *PARAMETERS[page], "pair", "gallery", "colours", "lesson", "unknown"]
    chosen = {name: _value(random, name) for name in random.sample(names, min(len(names), random.choice((1, 2, 4))))}
    return Input(f"page {page or 'explain'}", {"address.json": json.dumps(chosen).encode()})


def _value(random: Random, name: str) -> str | list[str]:
    value = random.choice((*_SOUND.get(name, ("1",)), *_ODD, *(text for text in ODD_TEXTS if len(text) < 5000)))
    return [value, random.choice(_ODD)] if random.random() < 0.1 else value


def read(given: Input, folder: Path) -> None:
    """Open a page, or read edits and write them again.

    Raises:
        AssertionError: the page shows an exception or a message of several lines, or edits are not what they were.
    """
    parameters = json.loads(given.files["address.json"])
    if given.kind == "edits":
        _read_edits(parameters["edits"])
        return
    app = AppTest.from_file(ROOT / "app.py", default_timeout=250)
    app.query_params.update(parameters)
    page = given.kind.removeprefix("page ")
    if page != "explain":
        app.switch_page(f"pages/{page}.py")
    app.run()
    assert not app.exception, f"{app.exception[0].message}\n{''.join(app.exception[0].stack_trace)}"
    assert app.title or app.header or app.subheader or app.markdown, "the page is empty"
    for message in (*app.error, *app.warning):
        assert not unshown(message.value), f"a message holds {unshown(message.value)!r}"


def _read_edits(text: str) -> None:
    try:
        edits = read_edits(text, _ATTRIBUTES, _SHAPE)
    except ValueError as error:
        assert not unshown(str(error)), f"a message holds {unshown(str(error))!r}"
        return
    maps = edited_maps(np.ones((len(_ATTRIBUTES), *_SHAPE)), edits)
    assert maps.shape == (len(_ATTRIBUTES), *_SHAPE) and np.isfinite(maps).all() and (maps >= 0).all()
    written = edits_text(edits, _ATTRIBUTES, _SHAPE)
    assert edits_text(read_edits(written, _ATTRIBUTES, _SHAPE), _ATTRIBUTES, _SHAPE) == written


PART = Part("addresses", make, read)
