"""The templates: all of them in a grid, and one of them large, in words, with example pictures and a stamp.

The chosen attribute and the cell of the stamp are part of the address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import streamlit as st

from siam.drawing import phrases
from siam.drawing.maps import hatch_key, scale_bar, scale_text
from siam.drawing.palettes import palette
from siam.explanation.recognition import legend, marked, recognition_text
from siam.explanation.templates import (
    TEMPLATE_ORDERS,
    TemplateOrder,
    net_agreement,
    net_effects,
    spreads,
    stamp,
    stamp_effect,
    template_order,
    template_text,
    usual_amount,
)
from siam.figures.templates import template_figure, template_tile
from siam.gallery.cases import Cases
from siam.models.agreement import agreement
from siam.models.checkpoint import Pair
from siam.models.recognition import Recognition
from siam.reports.prints import template_print, templates_print
from ui import printing
from ui.photos import pictures
from ui.photos.photo import short_credit, unrated
from ui.state import colours
from ui.state.address import point
from ui.state.markdown import plain, small

UNIT = "points per unit and cell"
EXAMPLES = 6
_GROUP = "group"  # an order, if the card groups attributes


@dataclass(frozen=True, eq=False)
class Templates:
    """The effective templates of a pair, in points per unit and cell.

    Attributes:
        names: K attributes.
        values: (K, g, g).
        folds: (R, K, g, g) those of the networks of the cross-validation; None if unknown.
        agreement: (K, g, g) share of these networks with the same sign; None if unknown.
        recognition: how well attributes are recognised, by name, as far as it is known.
        groups: the group of each attribute that has one, by name.
    """

    names: tuple[str, ...]
    values: np.ndarray
    folds: np.ndarray | None
    agreement: np.ndarray | None
    recognition: Mapping[str, Recognition]
    groups: Mapping[str, str]

    def of(self, k: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Return the template (g, g) of one attribute, the folds' (R, g, g) and their agreement (g, g)."""
        folds = None if self.folds is None else self.folds[:, k]
        return self.values[k], folds, None if self.agreement is None else self.agreement[k]


def effective(pair: Pair) -> Templates:
    """Return the effective templates of a pair, and how far its folds agree on them."""
    values, folds = pair.templates
    shares = None if folds is None else agreement(values, folds)
    return Templates(pair.config.attributes, values, folds, shares, pair.recognition, _groups(pair))


def _groups(pair: Pair) -> dict[str, str]:
    """Return the groups of attributes that a card names; it may come from anyone, so odd ones are left out."""
    told = pair.card.get("groups")
    if not isinstance(told, Mapping):
        return {}
    return {name: told[name] for name in pair.config.attributes if isinstance(told.get(name), str) and told[name]}


def chosen_attribute(templates: Templates) -> str:
    """Return the attribute in the address, by default the one with the largest net effect, up or down."""
    asked, names = st.query_params.get("attribute"), templates.names
    return asked if asked in names else names[int(np.abs(net_effects(templates.values)).argmax())]


def grid(templates: Templates, chosen: str) -> None:
    """Show all templates; a click chooses one."""
    values, names, known = templates.values, templates.names, templates.recognition
    limit, effects, spread = float(np.abs(values).max()), net_effects(values), spreads(values)
    orders = (*TEMPLATE_ORDERS, *((_GROUP,) if templates.groups else ()))
    if st.session_state.get("by", orders[0]) not in orders:
        st.session_state.pop("by")  # left from networks whose attributes have groups
    st.caption(f"Each square stands for a picture. {palette().legend}, all on one scale. Click a name to look closer.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        order = st.segmented_control("Order", orders, default=orders[0], required=True, key="by", bind="query-params")
        st.image(scale_bar(limit, 360, UNIT), width=360, alt=scale_text(limit, UNIT))
        _agreement_key(templates)
    sections = _sections(templates, order or orders[0])
    ranked = [k for _title, of_section in sections for k in of_section]
    for title, of_section in sections:
        if title:
            st.markdown(f"**{plain(title)}**")
        with st.grid(8, min_column_width=100, gap="small"):
            for k in of_section:
                with st.container(gap=None):
                    template, folds, shares = templates.of(k)
                    name = marked(known, names[k])
                    text = f"{phrases.words(names[k])} {template_text(template, folds)}"
                    st.image(
                        template_tile(template, limit, agreement=shares),
                        width="stretch",
                        alt=f"{text}; net effect {phrases.signed(effects[k])}",
                    )
                    st.button(
                        f"**:primary[{plain(name)}]**" if names[k] == chosen else plain(name),
                        key=f"template-{names[k]}",
                        type="tertiary",
                        width="stretch",
                        help=recognition_text(known[names[k]]).capitalize() if names[k] in known else None,
                        on_click=point,
                        args=("attribute", names[k]),
                    )
                    st.caption(f"{phrases.signed(effects[k])} ± {phrases.number(spread[k])}", text_alignment="center")
    st.caption(
        "Below each template: its net effect, the points added by one unit of the attribute everywhere in the picture, "
        "± how much that depends on place (standard deviation over the cells, on the same scale)."
        + (f" Beside a name: {signs}." if (signs := legend(known, names)) else "")
    )
    printing.figures(lambda: [templates_print(names, values, templates.agreement, known, ranked)], "templates")


def _sections(templates: Templates, order: str) -> list[tuple[str, list[int]]]:
    """Return the attributes in an order, under the title of each group if it is that of groups."""
    if order != _GROUP:
        return [("", template_order(templates.values, templates.names, cast("TemplateOrder", order)))]
    ranked = template_order(templates.values, templates.names)
    titles = [*dict.fromkeys(templates.groups.values()), ""]
    sections = [
        (title, [k for k in ranked if templates.groups.get(templates.names[k], "") == title]) for title in titles
    ]
    return [(title or "others", of_title) for title, of_title in sections if of_title]


def _agreement_key(templates: Templates) -> None:
    """Explain the hatched cells, if the folds' templates are known."""
    if templates.folds is None:
        return
    count = len(templates.folds)
    text = "fewer than 4 of 5 folds agree on the sign"
    st.image(
        hatch_key(text),
        caption=f"Folds: {count} networks, each trained without a part of the ratings",
        alt=f"hatched and paler: {text}",
    )


@colours.fragment
def one(templates: Templates, name: str, amount: float) -> None:
    """Show one template large and in words, its two halves on request, and a stamp to place on it.

    `amount` is how much of the attribute a picture usually has (`siam.explanation.templates.usual_amount`).
    """
    k, title = templates.names.index(name), phrases.words(name)
    template, folds, shares = templates.of(k)
    limit, text = float(np.abs(template).max()), template_text(template, folds)
    st.subheader(plain(title.capitalize()), anchor=False)
    sure = "" if folds is None else f" (the same sign in {net_agreement(template, folds)} of {len(folds)} folds)"
    st.markdown(
        f"**{plain(title.capitalize())} {text}.** Net effect "
        f"{phrases.signed(float(net_effects(templates.values)[k]))} points{sure}, varying by "
        f"{phrases.number(float(spreads(templates.values)[k]))} with place."
    )
    if name in templates.recognition:
        st.caption(f"{recognition_text(templates.recognition[name]).capitalize()}.")
    left, right = st.columns([3, 2], gap="large")
    with right:
        cells = _stamp(template, title, amount)
        if st.toggle("Show T⁺ and T⁻", key="halves", bind="query-params"):
            _halves(template, limit, title, shares)
    with left:
        st.plotly_chart(
            template_figure(template, limit, name, cells, shares),
            key=f"large-{name}",
            on_select=_place,
            selection_mode="points",
            config={"displayModeBar": False},
            alt=f"the template of {title}: {text}",
        )
        printing.figures(lambda: [template_print(name, template, shares, text)], "template")


def _place() -> None:
    """Put the stamp where the visitor clicked; the chart's key names the attribute."""
    for key, state in st.session_state.items():
        if str(key).startswith("large-") and (points := state["selection"]["points"]):
            st.session_state["row"], st.session_state["column"] = int(points[0]["y"]) + 1, int(points[0]["x"]) + 1


def _stamp(template: np.ndarray, title: str, amount: float) -> np.ndarray | None:
    """Show the controls of the stamp and its effect; return its cells, None until it is placed."""
    size = len(template)
    st.markdown("**Place it in a picture**")
    st.caption(
        f"Click a cell, or enter its row and column, to see how much {plain(title)} there would change the score."
    )
    with st.container(horizontal=True):
        row = st.number_input("Row from the top", 1, size, None, key="row", width=150, bind="query-params")
        column = st.number_input("Column from the left", 1, size, None, key="column", width=150, bind="query-params")
    if not 1 <= st.session_state.get("size", 1) <= size:
        st.session_state.pop("size")  # left from networks with a finer grid
    side = st.slider("Size (cells)", 1, size, min(3, size), key="size", bind="query-params")
    strength = st.slider("Amount (times the usual)", 0.0, 2.0, 1.0, 0.05, key="strength", bind="query-params")
    if row is None or column is None:
        return None
    cells = stamp(size, row - 1, column - 1, side)
    effect = stamp_effect(template, cells, strength * amount)
    st.metric(f"{plain(title.capitalize())} there changes the score by", f"{phrases.signed(effect)} points")
    st.caption(
        f"Amount × the template's mean under the stamp × its number of cells. The usual amount is {amount:.2g}, the "
        "mean of the attribute map over the whole picture; here all of it is under the stamp."
    )
    return cells


def _halves(template: np.ndarray, limit: float, title: str, agreement: np.ndarray | None) -> None:
    st.caption(
        "The template is the difference of two templates that are never negative: T⁺ raises the score, T⁻ lowers it."
    )
    with st.grid(2, min_column_width=120, gap="small"):
        for part, what in ((np.maximum(template, 0), "T⁺ raises"), (np.minimum(template, 0), "T⁻ lowers")):
            st.image(
                template_tile(part, limit, 240, agreement),
                caption=what,
                width="stretch",
                alt=f"where {title} {what[3:]} the score",
            )


def usual(cases: Cases | None, pair: Pair, name: str) -> float:
    """Return how much of an attribute a picture of the gallery usually has; 1 without a gallery."""
    if cases is None or name not in cases.gallery.about.attributes:
        return 1.0
    k = cases.gallery.about.attributes.index(name)
    return usual_amount(cases.gallery.presence[:, k], pair.config.attribute_link)


def examples(cases: Cases, name: str) -> None:
    """Show the pictures with most of an attribute, and those whose score it moved most; each links to its case."""
    if name not in cases.gallery.about.attributes:
        return  # made by networks of the same name with another vocabulary
    k = cases.gallery.about.attributes.index(name)
    if not cases.rated:
        st.caption(unrated(cases, "these photos"))
    contributions, presence = cases.gallery.contributions[:, k], cases.gallery.presence[:, k]
    lists = (
        ("Highest presence in this gallery", presence, "presence {:.2f}".format),
        ("Largest contribution in this gallery", contributions, lambda value: f"{phrases.signed(value)} points"),
    )
    for title, values, text in lists:
        ranked = np.argsort(-np.abs(values), kind="stable")
        st.markdown(f"**{title}**")
        with st.grid(EXAMPLES, min_column_width=112, gap="small"):
            for row in ranked[:EXAMPLES]:
                with st.container(gap=None):
                    pictures.thumbnail(cases.gallery, int(row))
                    identifier = str(cases.table["identifier"].iloc[row])
                    credit = short_credit(cases.gallery.facts(int(row)))
                    st.page_link(
                        "pages/disagreements.py",
                        label=text(float(values[row])),
                        query_params={"case": identifier},
                        help=f"Open picture {plain(identifier)}",
                    )
                    if credit:
                        st.markdown(small(credit))
