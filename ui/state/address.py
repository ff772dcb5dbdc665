"""The address of a view, beyond what widgets bind to it themselves.

When the visitor goes to another page, Streamlit drops the parameters of the page they leave. They are remembered here,
and a page opened without any parameters gets its previous ones back: nobody loses a filter by looking elsewhere.
"""

from typing import Any

import streamlit as st

# For each page, by its path: the keys of bound widgets, and the parameters that the page sets itself.
WIDGETS = {
    "": ("overlay", "order", "count", "paper", "changed", "counting", "causes"),
    "templates": ("by", "halves", "row", "column", "size", "strength"),
    "disagreements": (
        "sort", "closer", "side", "cause", "kind", "crowd", "text", "page", "overlay", "order", "count", "paper",
        "counting", "causes", "against",
    ),
    "map": (
        "sort", "closer", "side", "cause", "kind", "crowd", "text", "page", "shown", "overlay", "order", "count",
        "paper", "counting", "causes", "against",
    ),
    "what_if": ("edited",),
    "rate": ("mode",),
    "label": ("labelled",),
    "discover": (),
    "compare": ("explained", "overlay"),
    "results": ("table",),
    "about": (),
}  # fmt: skip
PARAMETERS = {
    "": ("sample", "case", "with"),
    "templates": ("attribute",),
    "disagreements": ("case", "area", "place"),
    "map": ("case", "area", "place"),
    "what_if": ("sample", "case", "edits"),
    "rate": ("study", "rater"),
    "label": (),
    "discover": (),
    "compare": ("sample", "case", "methods"),
    "results": (),
    "about": (),
}
TWINS = {"disagreements": "map", "map": "disagreements"}  # pages with the same filters: a change holds for both
FILTERS = ("against", "sort", "closer", "side", "cause", "kind", "crowd", "text", "area", "place")

WORD = "v"  # the parameter that says with which networks a link was made: `ui.state.made`
NUMBERS = frozenset(WIDGETS) - {"label", "rate", "discover", "results", "about"}  # pages of numbers of the networks


def enter(path: str) -> None:
    """Remember the state of the previous page and restore that of this one, unless its address has parameters."""
    views, before = st.session_state.setdefault("views", {}), st.session_state.get("at")
    if before is not None:
        values = {key: st.session_state[key] for key in WIDGETS[before] if key in st.session_state}
        views.setdefault(before, {"widgets": {}, "parameters": {}, "of": _of()})["widgets"].update(values)
        _share(before, "widgets", values)
    st.session_state["at"] = path
    if before in (None, path) or any(key in st.query_params for key in WIDGETS[path] + PARAMETERS[path]):
        return
    if path in views and views[path]["of"] == _of() and (views[path]["widgets"] or views[path]["parameters"]):
        st.session_state.update(views[path]["widgets"])
        st.query_params.update(views[path]["parameters"])
        st.rerun()  # a widget puts only values from the previous run into the address


def leave(path: str) -> None:
    """Remember the parameters that a page set itself; called when its script has ended."""
    view = st.session_state.setdefault("views", {}).setdefault(path, {"widgets": {}, "parameters": {}, "of": _of()})
    if view["of"] != _of():
        view.update(widgets={}, of=_of())
    view["parameters"] = {key: st.query_params[key] for key in PARAMETERS[path] if key in st.query_params}
    _share(path, "parameters", view["parameters"])


def _share(path: str, kind: str, values: dict[str, Any]) -> None:
    """Give the filters of a page, also those that were cleared, to its twin."""
    if path not in TWINS:
        return
    other = st.session_state["views"].setdefault(TWINS[path], {"widgets": {}, "parameters": {}, "of": _of()})
    if other["of"] != _of():
        other.update(widgets={}, parameters={}, of=_of())
    other[kind] = {
        **{key: of for key, of in other[kind].items() if key not in FILTERS},
        **{key: of for key, of in values.items() if key in FILTERS},
    }


def forget_gallery() -> None:
    """Remove what belongs to the previous gallery from the address: its case, the area of its scores and the place."""
    for name in ("case", "area", "place"):
        st.query_params.pop(name, None)


def _of() -> tuple[str | None, str | None]:
    """Return the pair and the gallery to which remembered views belong; they do not fit others."""
    return st.session_state.get("pair"), st.session_state.get("gallery")


def point(name: str, value: str | None) -> None:
    """Set a parameter of the address, or remove it if `value` is None; an unchanged one adds no step to Back.

    With it goes the word for the networks in use (`ui.state.made`).
    """
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        word = st.session_state.get("word")
        st.query_params.update({name: value} if word is None else {name: value, WORD: word})  # together: one step
