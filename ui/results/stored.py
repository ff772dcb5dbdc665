"""The stored results that pages show: those that can be read, those of the pair in use, and where each comes from."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import streamlit as st

from siam.datasets import layout_of
from siam.errors import SIAMError
from siam.evaluation import stored
from siam.evaluation.stored import Result
from ui.state import chosen
from ui.state.markdown import plain

Part = TypeVar("Part")


def photos(name: str) -> str:
    """Return a set of photos in words: "rendered landscapes, test" for "rendered, test"."""
    first, comma, rest = name.partition(", ")
    layout = layout_of(first)
    title = None if layout is None else layout.titles.get(first.split(" ")[0])
    return f"{title or first}{comma}{rest}"


def crowd(name: str) -> str:
    """Return in words whose ratings of a set of photos these are."""
    layout = layout_of(name.partition(", ")[0])
    return "rated by people" if layout is None else layout.crowd


def results() -> list[Result]:
    """Return all results that can be read; say of each other one, in a sentence, what is wrong with it."""
    readable = []
    for path in sorted(stored.STORED.glob("*.json")):
        try:
            readable.append(_read(path, path.stat().st_mtime_ns))
        except (SIAMError, OSError) as error:
            st.warning(plain(_near(str(error), path)), icon=":material/warning:")
    return readable


def of_pair() -> list[Result]:
    """Return the results of the pair in use."""
    return [result for result in results() if result.model == chosen.pair().name]


def read_parts(reader: Callable[[Result], list[Part]], candidates: list[Result]) -> list[tuple[Result, Part]]:
    """Return what a reader takes from results, with the result; say of an odd one, in a sentence, what is wrong."""
    parts = []
    for result in candidates:
        try:
            parts += [(result, part) for part in reader(result)]
        except SIAMError as error:
            st.warning(plain(str(error)), icon=":material/warning:")
    return parts


def source(result: Result) -> None:
    """Say where a view's figures come from: the command, its date, the protocol."""
    st.caption(f"Made by `{result.command}` on {result.date}: {plain(result.protocol)}.")


def short_source(result: Result) -> str:
    """Return where a figure comes from, for the line below its title."""
    return f"networks {result.model!r}, {result.date}"


def missing(what: str, data: str) -> None:
    """Say that nothing of a kind is stored for the pair in use, and which command would store it."""
    pair = chosen.pair()
    st.info(f"No {what} stored for the networks “{plain(pair.label)}” yet. This command makes them:")
    name = f"{Path(pair.source).name}-{data}"
    st.code(
        f"python -m siam evaluate --data {data} --root DATA/{data} --model {shlex.quote(pair.source)} "
        f"--out {shlex.quote(f'assets/results/{name}.json')}",
        language=None,
        wrap_lines=True,
    )


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(path: Path, changed: int) -> Result:
    return stored.read(path)


def _near(text: str, path: Path) -> str:
    """Return an error's text with the file's name alone: where the project lies is nobody's business."""
    return text.replace(str(path), path.name)
