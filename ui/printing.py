"""“Figure for print”: an expander below every figure, with its width, format, caption and file.

Not a popover: a click on a link to another page would also close the popover, and Streamlit would then rerun the page
that the visitor leaves.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import streamlit as st

from siam.drawing.printing import COLUMN, DPI, PAGE, Form
from siam.reports.prints import Print, networks_text
from ui.state import colours, resources

_WIDTHS = {COLUMN: f"{COLUMN} mm, one column", PAGE: f"{PAGE} mm, a page"}
_FORMS: dict[Form, tuple[str, str]] = {
    "pdf": ("PDF", "application/pdf"),
    "svg": ("SVG", "image/svg+xml"),
    "png": (f"PNG, {DPI} dpi", "image/png"),
}


@colours.fragment
def figures(
    make: Callable[[], Sequence[Print]],
    key: str,
    name: str = "",
    own_networks: bool = True,
    networks: Callable[[], str] | None = None,
) -> None:
    """Offer figures for print.

    Args:
        make: returns the figures, called when the expander is open.
        key: of the widgets, one for each place on a page.
        name: the beginning of the file's name, such as that of the photo.
        own_networks: whether the networks in use drew them, so that the caption names these.
        networks: returns the name of others that drew them, as `networks_text` says it.
    """
    expander = st.expander(
        "Figure for print", type="compact", icon=":material/print:", key=f"{key}-print", on_change="rerun"
    )
    if not expander.open:
        return
    offered = {of.title: of for of in make()}
    with expander:
        title = next(iter(offered))
        if len(offered) > 1:
            title = st.selectbox("Figure", list(offered), key=f"{key}-figure") or title
        width = st.segmented_control(
            "Width", list(_WIDTHS), default=PAGE, required=True, format_func=_WIDTHS.__getitem__, key=f"{key}-width"
        )
        form = st.segmented_control(
            "Format", list(_FORMS), default="pdf", required=True, format_func=lambda of: _FORMS[of][0],
            key=f"{key}-format",
        )  # fmt: skip
        figure, form = offered[title], cast("Form", form or "pdf")
        named = networks() if networks else networks_text(resources.pair()) if own_networks else ""
        st.download_button(
            "Download the figure",
            colours.kept(lambda: figure.file(width or PAGE, form, named)),
            f"{'-'.join(filter(None, (Path(name).stem, figure.name)))}-{width or PAGE}mm.{form}",
            _FORMS[form][1],
            key=f"{key}-download",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption("Caption")
        st.code(figure.caption(named), language=None, wrap_lines=True)


def chart(figure: Print, key: str, own_networks: bool = False) -> None:
    """Offer one chart for print; one of stored results names its networks itself."""
    figures(lambda: [figure], key, own_networks=own_networks)
