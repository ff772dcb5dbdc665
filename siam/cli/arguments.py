"""What the commands share: argument types, which reject a bad value in one sentence, and how a command fails."""

import argparse
import sys

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


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Declare `--engine`."""
    parser.add_argument(
        "--engine",
        metavar="NAME",
        help="what computes on a CPU: openvino or pytorch (default: SIAM_ENGINE, else the fastest that is installed)",
    )


def fail(message: str) -> int:
    """Write one line to stderr and return the exit status for bad usage or bad input."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 2
