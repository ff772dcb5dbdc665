"""What to compare: what is explained, and by which explainers. Both are part of the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import streamlit as st

from siam.explainers import attribution, explainer
from siam.explainers.base import Target
from siam.explainers.registry import title
from siam.explainers.targets import score_down, score_up
from siam.explanation.inference import Explanation
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from ui.add_gallery.tasks import Lock
from ui.compare import cost
from ui.photos.photo import Photo
from ui.state import chosen, resources
from ui.state.address import point

TARGETS = {"what raises the score": 1, "what lowers the score": -1}
_NONE = "none"  # in the address, where no explainer is chosen


@dataclass(frozen=True, eq=False)
class View:
    """What is compared.

    Attributes:
        pair: the networks.
        lock: to hold while they work.
        photo: the photo they score.
        explanation: SIAM's explanation of it.
        sign: 1: what raises the score is explained; -1: what lowers it.
        names: of the methods, SIAM first, then the chosen explainers.
        key: of the pair, the photo and the question, under which results are kept.
    """

    pair: Pair
    lock: Lock
    photo: Photo
    explanation: Explanation
    sign: Literal[1, -1]
    names: tuple[str, ...]
    key: tuple[str, str, str, int]

    @property
    def target(self) -> Target:
        """What is explained."""
        return score_up() if self.sign == 1 else score_down()


def ask(photo: Photo) -> View:
    """Show the choices and return what to compare; by default, SIAM and all fast explainers."""
    explanation = resources.explanation(photo)
    pair, lock = resources.networks()
    fast, slow = _offered(pair)
    _start(fast, slow)
    st.divider()
    asked = st.segmented_control(
        "What to explain", list(TARGETS), default=next(iter(TARGETS)), required=True, key="explained",
        bind="query-params",
    )  # fmt: skip
    sign = TARGETS[asked or next(iter(TARGETS))]
    _pills("Fast explainers", fast, "fast_methods", {name: title(name) for name in fast})
    if slow:
        costs = cost.seconds(pair, lock, explanation, slow)
        labels = {name: f"{title(name)} · {cost.text(costs[name])}" for name in slow}
        _pills(
            "Slow explainers", slow, "slow_methods", labels,
            help="Each needs hundreds of forward passes. Times are estimates for this machine; SISE and Ada-SISE often "
            "need less.",
        )  # fmt: skip
    _publish(fast)
    key = chosen.pair().source, identity(pair), photo.digest, sign
    return View(pair, lock, photo, explanation, cast("Literal[1, -1]", sign), ("siam", *_chosen()), key)


def _offered(pair: Pair) -> tuple[list[str], list[str]]:
    """Return the explainers on offer: the fast ones and the slow ones."""
    names = [name for name in attribution.names_of(pair) if name != "siam"]
    return [name for name in names if not explainer(name).slow], [name for name in names if explainer(name).slow]


def _start(fast: list[str], slow: list[str]) -> None:
    """Take the explainers from a new address, otherwise from the session; unknown ones are ignored."""
    asked = st.query_params.get("methods")
    choice = st.session_state.setdefault("compare", {"methods": None, "address": None})
    if asked != choice["address"]:
        choice.update(methods=None if asked is None else asked.split(","), address=asked)
    wanted = fast if choice["methods"] is None else choice["methods"]
    st.session_state["fast_methods"] = [name for name in fast if name in wanted]
    st.session_state["slow_methods"] = [name for name in slow if name in wanted]


def _pills(label: str, names: Sequence[str], key: str, labels: dict[str, str], help: str | None = None) -> None:
    st.pills(label, names, selection_mode="multi", key=key, format_func=labels.__getitem__, help=help, on_change=_take)


def _take() -> None:
    """Remember the choice: the values of a page's widgets are lost when the visitor leaves it."""
    st.session_state["compare"]["methods"] = _chosen()


def _chosen() -> list[str]:
    return [*st.session_state["fast_methods"], *st.session_state.get("slow_methods", [])]


def _publish(fast: list[str]) -> None:
    """Put the chosen explainers into the address, unless they are the default."""
    choice, names = st.session_state["compare"], _chosen()
    choice["methods"] = None if names == fast else names
    choice["address"] = None if names == fast else ",".join(names) or _NONE
    point("methods", choice["address"])
