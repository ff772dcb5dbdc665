"""What the commands share: argument types, which reject a bad value in one sentence, progress, and how one fails."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from siam.drawing.palettes import GREEN_MAGENTA, PALETTES

if TYPE_CHECKING:
    from siam.explainers.base import Progress

_SMALLEST = 32  # px


def number(text: str) -> int:
    """Return `text` as a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, not {text!r}")
    return int(text)


def side(text: str) -> int:
    """Return `text` as the side of a picture in px, at least 32."""
    if not text.isdecimal() or int(text) < _SMALLEST:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {_SMALLEST} pixels, not {text!r}")
    return int(text)


def change(text: str) -> str:
    """Return `text` as what changed between photos, in words for a sentence; "" if it is blank."""
    from siam.explanation.difference import LONGEST, change_text

    words = change_text(text)
    if text.strip() and not words:
        raise argparse.ArgumentTypeError(f"expected words such as 'the wind turbines', not {text!r}")
    if len(" ".join(text.split())) > LONGEST:
        raise argparse.ArgumentTypeError(f"expected at most {LONGEST} characters, not {len(text)}")
    return words


def add_change(parser: argparse.ArgumentParser) -> None:
    """Declare `--change`."""
    parser.add_argument(
        "--change",
        type=change,
        default="",
        metavar="WORDS",
        help="what changed between the photos, for the sentence on their difference, such as 'the wind turbines'",
    )


def add_engine(parser: "argparse._ActionsContainer") -> None:
    """Declare `--engine`."""
    parser.add_argument(
        "--engine",
        metavar="NAME",
        help="what computes on a CPU: openvino or pytorch (default: SIAM_ENGINE, else the fastest that is installed)",
    )


def add_colours(parser: argparse.ArgumentParser) -> None:
    """Declare `--colours`."""
    parser.add_argument(
        "--colours",
        choices=tuple(PALETTES),
        default=GREEN_MAGENTA.name,
        help=f"of what raises and what lowers (default: {GREEN_MAGENTA.name}, the paper's; people with any colour "
        "deficiency can tell blue from orange)",
    )


@contextmanager
def progress_bar(what: str, unit: str) -> "Iterator[Progress]":
    """Yield a callback that shows progress as a bar on stderr, which appears with the first call."""
    from tqdm import tqdm

    with ExitStack() as bars:

        def progress(done: int, of: int) -> None:
            nonlocal bar
            bar = bar if bar is not None else bars.enter_context(tqdm(desc=what, unit=unit, file=sys.stderr))
            bar.total = of
            bar.update(done - bar.n)

        bar: tqdm | None = None
        yield progress


def fail(message: str) -> int:
    """Write one line to stderr and return the exit status for bad usage or bad input."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 2
