"""How a command says that something went wrong."""

import sys


def fail(message: str) -> int:
    """Write one line to stderr and return the exit status for bad usage or bad input."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 2
