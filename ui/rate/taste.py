"""A person's taste beside the crowd's: how far it can be trusted, what it is made of, and where both differ most."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import streamlit as st

from siam.drawing import phrases
from siam.drawing.maps import scale_bar, scale_text
from siam.errors import SIAMError
from siam.explanation.templates import template_text
from siam.figures.taste import effects_figure
from siam.figures.templates import template_tile
from siam.reports.prints import chart_print
from siam.taste import agreement
from siam.taste.order import consistency
from siam.taste.personal import Design, Personal, differences, fit, like_crowd, on_scale, too_few
from siam.taste.ratings import Answer, Answers
from ui import printing
from ui.photos.pictures import small, thumbnail
from ui.rate.tasks import Task
from ui.state import colours
from ui.state.markdown import plain
from ui.state.public import public

EVERYBODY = "everybody"
_TEMPLATES, _PHOTOS = 4, 6
_UNIT = "points per cell"


@dataclass(frozen=True, eq=False)
class Rated:
    """The photos that somebody judged, and how: `values` (n,) from 1 to 7, or logits of a comparison if `compared`."""

    names: tuple[str, ...]
    values: np.ndarray
    compared: bool

    def __len__(self) -> int:
        return len(set(self.names))


def rated(task: Task, answers: tuple[Answer, ...]) -> Rated:
    """Return what standing answers say about photos."""
    if task.study.mode == "rating":
        some = [of for of in answers if of.kind == "rating" and of.value is not None]
        return Rated(tuple(of.photo for of in some), np.array([of.value for of in some], dtype=float), False)
    pairs = [of for of in answers if of.kind == "pair"]
    names = tuple(dict.fromkeys(name for of in pairs for name in (of.photo, of.other)))
    return Rated(names, agreement.bradley_terry(names, pairs), True)


def personal(task: Task, answers: tuple[Answer, ...], design: Design) -> Personal | str:
    """Return the fit to standing answers, or in one sentence why there is none; computed once per session."""
    known = rated(task, answers)
    rows = design.maps.rows({name: task.photos.sha256(name) for name in known.names if name in task.photos.names})
    kept = [place for place, name in enumerate(known.names) if name in rows]
    names = [known.names[place] for place in kept]
    if told := too_few(len(set(names))):
        return told
    places, values = np.array([rows[name] for name in names]), known.values[kept]
    values = like_crowd(design, places, values) if known.compared else on_scale(values, design.crowd.scale)
    key = id(design), tuple(names), tuple(values)
    fits = st.session_state.setdefault("fits", {})
    if key not in fits:
        fits.clear()
        fits[key] = fit(design, places, values, seed=task.study.seed)
    return fits[key]


def verdict(task: Task, given: tuple[Answer, ...], design: Design | None) -> str:
    """Return how far somebody has come, in one line."""
    count = len(rated(task, given))
    skipped = sum(of.kind == "skip" for of in given)
    done = f"{count} {'photo' if count == 1 else 'photos'} judged" + (f", {skipped} skipped" if skipped else "")
    told = too_few(count)
    if told is None and design is not None:
        found = personal(task, given, design)
        told = found if isinstance(found, str) else found.verdict
    return f"{done} · {told}" if told else done


def show(task: Task, rater: str, answers: Answers, design: Design) -> None:
    """Show somebody's taste, from top to bottom."""
    whose, given = _whose(answers, rater)
    found = personal(task, given, design)
    if isinstance(found, str):
        st.info(f"{found[:1].upper()}{found[1:]}.", icon=":material/hourglass_empty:")
        return
    you = "you" if whose == rater else "everybody here"
    _trust(found, given, you)
    if found.says_something:
        _made_of(task, found, design, you)
    else:
        with st.expander("See it all the same", icon=":material/casino:"):
            _made_of(task, found, design, you)


def _made_of(task: Task, found: Personal, design: Design, you: str) -> None:
    figure = effects_figure(found, design.maps, you)
    st.subheader("What this beauty is made of" if you != "you" else "What your beauty is made of", anchor=False)
    st.plotly_chart(
        figure, key="effects", config={"displayModeBar": False}, alt=f"effects of attributes, {you} and the crowd"
    )
    printing.chart(chart_print("taste", figure), "taste", own_networks=True)
    _templates(found, design, you)
    _photos(task, found, design, you)


def _whose(answers: Answers, rater: str) -> tuple[str, tuple[Answer, ...]]:
    """Let the visitor choose between their taste and that of everybody whom this page may show."""
    everybody = answers.standing
    mine = tuple(of for of in everybody if of.rater == rater)
    if len(answers.raters) < 2 or public():
        return rater, mine
    options = {rater: f"mine ({rater})", EVERYBODY: f"all {len(answers.raters)} raters together"}
    whose = st.segmented_control(
        "Whose taste", list(options), default=rater, required=True, format_func=options.__getitem__, key="whose"
    )
    return (EVERYBODY, everybody) if whose == EVERYBODY else (rater, mine)


def _trust(found: Personal, given: tuple[Answer, ...], you: str) -> None:
    """Show how well the fit and the crowd order photos that the fit did not see, and how consistent answers are."""
    low, high = found.interval
    with st.grid(3, min_column_width=150, gap="small"):
        st.metric(
            "Your SIAM and you (τ)" if you == "you" else "Their SIAM and they (τ)",
            phrases.number(found.tau),
            help=f"Kendall’s τ on photos that the fit had not seen; 95 % interval {phrases.number(float(low))} to "
            f"{phrases.number(float(high))}. 1: the same order, 0: by chance.",
        )
        st.metric("The crowd and " + you, phrases.number(found.crowd_tau), help="τ of the crowd’s scores, same photos")
        again = consistency(given)
        if again.count:
            st.metric(
                "When asked again",
                f"± {phrases.number(again.difference)}",
                help=f"mean difference of two ratings of the same photo, in steps of 1 to 7; {again.count} photos",
            )
    st.markdown(f"**{plain(_capital(found.verdict))}.**")
    if not found.says_something:
        st.caption("The order of photos that you have not rated may still be chance. More ratings narrow the interval.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _templates(found: Personal, design: Design, you: str) -> None:
    """Show the templates that moved furthest, beside the crowd's, for a usual increase of each attribute."""
    usual = design.maps.means[design.maps.known].std(axis=0)[:, None, None]
    yours, crowds, names = found.taste.templates * usual, found.crowd.templates * usual, found.taste.attributes
    moved = np.argsort(-np.abs(yours - crowds).sum(axis=(1, 2)), kind="stable")[:_TEMPLATES]
    limit = float(max(np.abs(of[moved]).max() for of in (yours, crowds))) or 1.0
    st.subheader("Where in the picture", anchor=False)
    st.caption("What a usual increase of an attribute is worth at each place: the templates that moved furthest.")
    st.image(scale_bar(limit, 360, _UNIT), width=360, alt=scale_text(limit, _UNIT))
    with st.grid(_TEMPLATES, min_column_width=150, gap="small"):
        for k in moved.tolist():
            with st.container(gap="xxsmall"):
                st.markdown(f"**{plain(phrases.words(names[k]))}**")
                with st.grid(2, min_column_width=60, gap="xsmall"):
                    for of, whose in ((yours, you), (crowds, "the crowd")):
                        st.image(
                            template_tile(of[k], limit), width="stretch", caption=whose,
                            alt=f"{phrases.words(names[k])}, {whose}: {template_text(of[k], None)}",
                        )  # fmt: skip


def _photos(task: Task, found: Personal, design: Design, you: str) -> None:
    """Show the photos on which person and crowd differ most, with the reasons."""
    st.subheader(f"Where {you} and the crowd differ most", anchor=False)
    scale, names = found.taste.scale, design.maps.identifiers
    with st.grid(3, min_column_width=220, gap="small"):
        for of in differences(found, design.maps, _PHOTOS):
            name = names[of.row]
            with st.container(gap="xxsmall"):
                if task.cases is not None:
                    thumbnail(task.cases.gallery, task.photos.row(name))
                else:
                    st.image(small(cast("Path", task.photos.folder) / name), width="stretch", alt=f"photo {name}")
                st.markdown(
                    f"**{_capital(you)} {phrases.score_text(of.person, scale)}, the crowd {phrases.number(of.crowd)}**"
                )
                causes = ", ".join(f"{phrases.words(cause)} {phrases.signed(points)}" for cause, points in of.causes)
                st.caption(plain(f"{causes}; the rest {phrases.signed(of.rest)}"))


@colours.fragment
def agree(answers: Answers) -> None:
    """Show how far several raters agree, if there are several."""
    photos, raters, table = agreement.table(answers.standing)
    if len(raters) < 2 or public():
        return
    st.subheader(f"How far {len(raters)} raters agree", anchor=False)
    try:
        found = agreement.agreement(table)
    except SIAMError as error:
        st.caption(plain(_capital(str(error)) + "."))
        return
    with st.grid(3, min_column_width=150, gap="small"):
        for title, value, (low, high), help in (
            ("Kendall’s W", found.kendall_w, found.kendall_w_interval, "0: no agreement, 1: the same order"),
            ("One rater, ICC(2,1)", found.icc_one, found.icc_one_interval, "how far one rater stands for another"),
            ("Their mean, ICC(2,k)", found.icc_mean, found.icc_mean_interval, "how reliable the mean of all is"),
        ):
            ends = f"95 % interval {phrases.number(low)} to {phrases.number(high)}"
            st.metric(title, phrases.number(value), help=f"{help}; {ends}")
    some = f"; {found.left_out:,} others were rated by some only" if found.left_out else ""
    st.caption(f"From {found.photos:,} of {len(photos):,} photos, which all of them rated{some}.")
