"""What commands share: arguments, each of which refuses what it cannot be in one sentence, and how a command fails."""

import argparse
import sys

_SMALLEST = 32  # px


def number(text: str) -> int:
    """Return a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def side(text: str) -> int:
    """Return the side of a picture in px."""
    if not text.isdecimal() or int(text) < _SMALLEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of pixels from {_SMALLEST} on")
    return int(text)


def fail(message: str) -> int:
    """Write one line to stderr and return the exit status for bad usage or bad input."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 2
