"""What-if edits: kept in the session and in the address, with undo and redo, and the tools that make them."""

import math

import streamlit as st

from siam.drawing import phrases
from siam.explanation import wording
from siam.explanation.inference import Explanation
from siam.explanation.what_if import STRONGEST, Edit, Erase, Misread, Move, Paint, Scale, edits_text, read_edits
from siam.figures.brush import brush_figure
from ui.photos import cells
from ui.photos.cells import Cells
from ui.state.address import point
from ui.state.markdown import plain


def start(explanation: Explanation, key: str) -> None:
    """Start again if the photo or the pair has changed, or if the address holds other edits than the session.

    Edits in the address take precedence: they come from a link or from Back.
    """
    asked = st.query_params.get("edits", "")
    session = st.session_state.setdefault("what_if", {"of": None, "made": [], "undone": [], "text": ""})
    if session["of"] == key and asked == session["text"]:
        return
    if session["of"] is not None and session["of"] != key and asked == session["text"]:
        asked = ""  # they belong to the previous photo
    try:
        made = read_edits(asked, explanation.attributes, _shape(explanation))
    except ValueError as error:
        st.warning(f"The edits in this address do not fit: {plain(str(error))}.", icon=":material/link_off:")
        made = []
    session.update(of=key, made=made, undone=[], text=asked)


def publish(explanation: Explanation) -> None:
    """Put the edits into the address."""
    session = st.session_state["what_if"]
    session["text"] = edits_text(made(), explanation.attributes, _shape(explanation))
    point("edits", session["text"] or None)


def made() -> list[Edit]:
    """Return the edits so far, in order."""
    return st.session_state["what_if"]["made"]


def undone() -> list[Edit]:
    """Return the edits that Redo can make again, the next one last."""
    return st.session_state["what_if"]["undone"]


def do(*new: Edit) -> None:
    """Add edits."""
    st.session_state["what_if"].update(made=[*made(), *new], undone=[])


def undo() -> None:
    """Undo the last edit."""
    if made():
        undone().append(made().pop())


def redo() -> None:
    """Redo the edit undone last."""
    if undone():
        made().append(undone().pop())


def reset() -> None:
    """Undo all edits; Redo makes them again one by one."""
    while made():
        undo()


def tools(before: Explanation, after: Explanation) -> None:
    """Show the picture in which cells are selected, and the tools for one attribute."""
    names = {phrases.words(item.attribute): item.index for item in before.ranking()}
    st.subheader("Change what SIAM sees", anchor=False)
    name = st.selectbox("Attribute, largest contribution first", list(names), key="edited", bind="query-params")
    index = names[name or next(iter(names))]
    left, right = st.columns([3, 2], gap="large")
    with left:
        chosen = _cells(after, index)
    with right:
        _scale(index, after)
        _brush(after, index, chosen)
        with st.expander("Move or relabel it"):
            _move(index)
            _misread(after, index)


def _cells(after: Explanation, index: int) -> Cells:
    """Show the photo lit where SIAM sees the attribute, and return the cells selected in it."""
    limit = max(float(after.attribute_maps[index].max()), 1e-9)
    figure = brush_figure(after, index, limit)
    drawn = cells.selected(figure, f"brush-{index}", wording.attribute_map_text(after, index))
    st.caption(
        "The photo is lit where SIAM sees the attribute. Draw a box to select cells, or use the lasso above for a free "
        "shape."
    )
    return drawn | cells.by_number(_shape(after))


def _scale(index: int, after: Explanation) -> None:
    """Show the slider of the strength: moving it again replaces the previous edit, so that one slider is one edit."""
    last = made()[-1] if made() else None
    current = last.factor if isinstance(last, Scale) and last.attribute == index else 1.0
    st.session_state["strength-now"] = round(current, 2)
    st.slider(
        f"Strength of {plain(phrases.words(after.attributes[index]))}", 0.0, STRONGEST, step=0.05, key="strength-now",
        format="× %.2f", on_change=_rescale, args=(index,),
    )  # fmt: skip
    st.button("Remove it", icon=":material/block:", on_click=do, args=(Scale(index, 0.0),), width="stretch",
              help="Sets its whole map to 0.")  # fmt: skip


def _rescale(index: int) -> None:
    factor, last = st.session_state["strength-now"], made()[-1] if made() else None
    if isinstance(last, Scale) and last.attribute == index:
        made().pop()
    if factor != 1:
        do(Scale(index, factor))


def _brush(after: Explanation, index: int, chosen: Cells) -> None:
    st.markdown(f"**{_cells_text(len(chosen))} selected**")
    st.button("Erase it there", icon=":material/ink_eraser:", on_click=do, args=(Erase(index, chosen),),
              disabled=not chosen, width="stretch")  # fmt: skip
    strongest, largest = float(after.attribute_maps[index].max()), float(after.attribute_maps.max())
    most = math.ceil(10 * max(strongest, largest / 4, 0.1)) / 10
    value = st.slider("Brush strength", 0.0, most, min(most, round(strongest, 1) or most / 2), most / 50,
                      key=f"brush-strength-{index}-{most}", format="%.2f")  # fmt: skip
    st.button("Paint it there", icon=":material/brush:", on_click=do, args=(Paint(index, chosen, float(value)),),
              disabled=not chosen, width="stretch")  # fmt: skip


def _cells_text(count: int) -> str:
    return f"{count or 'No'} {'cell' if count == 1 else 'cells'}"


def _move(index: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        down = st.number_input("Cells down", -20, 20, 0, key="down", width=130)
        right = st.number_input("Cells right", -20, 20, 0, key="right", width=130)
        st.button("Move it", on_click=do, args=(Move(index, int(down), int(right)),), disabled=not (down or right))


def _misread(after: Explanation, index: int) -> None:
    others = {phrases.words(name): k for k, name in enumerate(after.attributes) if k != index}
    meant = st.selectbox("It is really", sorted(others), None, placeholder="another attribute", key="meant")
    args = (Misread(index, others[meant]),) if meant else ()
    st.button("Relabel it", on_click=do, args=args, disabled=meant is None, width="stretch",
              help="Adds its map to that of the other attribute.")  # fmt: skip


def _shape(explanation: Explanation) -> tuple[int, int]:
    _, height, width = explanation.attribute_maps.shape
    return height, width
