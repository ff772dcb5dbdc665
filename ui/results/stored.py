"""The stored results that pages show: which can be read, which belong to the pair in use, where each comes from."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import streamlit as st

from siam.datasets import layout_of
from siam.errors import SIAMError
from siam.evaluation import stored
from siam.evaluation.stored import Result
from siam.runtime.digests import digest
from ui.state import chosen
from ui.state.markdown import code, plain
from ui.state.public import message, private

Part = TypeVar("Part")


def photos(name: str) -> str:
    """Return the name of a set of photos in words: "rendered landscapes, test" for "rendered, test"."""
    first, comma, rest = name.partition(", ")
    layout = layout_of(first)
    title = None if layout is None else layout.titles.get(first.split(" ")[0])
    return f"{title or first}{comma}{rest}"


def crowd(name: str) -> str:
    """Say who rated a set of photos."""
    layout = layout_of(name.partition(", ")[0])
    return "rated by people" if layout is None else layout.crowd


def results() -> list[Result]:
    """Return all results that can be read; show a warning for each of the others."""
    return list(by_file().values())


def by_file() -> dict[Path, Result]:
    """Return all results that can be read, by their file; show a warning for each of the others."""
    readable = {}
    for path in stored.paths(stored.STORED):
        try:
            readable[path] = _read(path, path.stat().st_mtime_ns)
        except (SIAMError, OSError) as error:
            st.warning(message(near(str(error), path)), icon=":material/warning:")
    return readable


def of_pair() -> list[Result]:
    """Return the results of the pair in use."""
    return [result for result in results() if result.model == chosen.pair().name]


def read_parts(reader: Callable[[Result], list[Part]], candidates: list[Result]) -> list[tuple[Result, Part]]:
    """Return each result with the parts a reader takes from it; show a warning for each that it cannot read."""
    parts = []
    for result in candidates:
        try:
            parts += [(result, part) for part in reader(result)]
        except SIAMError as error:
            st.warning(message(error), icon=":material/warning:")
    return parts


def source(result: Result) -> None:
    """Show where a view's figures come from: the command, its date and the protocol."""
    st.caption(f"Made by {code(private(result.command))} on {plain(result.date)}: {plain(result.protocol)}.")


def key(result: Result) -> str:
    """Return what tells a result's widgets from those of others; a page's markup holds it, so it names no path."""
    return digest(f"{result.command} {result.date}".encode())


def short_source(result: Result) -> str:
    """Return the networks and the date, for the line below a chart's title."""
    return f"networks “{result.model}”, {result.date}"


def missing(what: str, data: str) -> None:
    """Say that nothing of a kind, such as "presence figures", is stored for the pair in use, and how to make it."""
    pair = chosen.pair()
    st.info(f"No {what} are stored for the “{plain(pair.label)}” networks yet. This command makes them:")
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


def near(text: str, path: Path) -> str:
    """Return an error's text with only the file's name, since the path on the server is private."""
    return text.replace(str(path), path.name)
