"""The command line: arguments in, results to stdout, progress and errors to stderr.

Exit status: 0 for success; 2 for bad usage or bad input, with one line on stderr that names the file and the remedy.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from siam.cli import (
    app,
    attribution,
    calibrate,
    compare,
    data,
    discover,
    doctor,
    evaluate,
    explain,
    figure,
    fit,
    gallery,
    import_official,
    map,
    push,
    score,
    train,
)
from siam.cli.arguments import fail
from siam.drawing.palettes import GREEN_MAGENTA, PALETTES, using
from siam.errors import SIAMError
from siam.models.compiled import VARIABLE, chosen

_PIPE_CLOSED = 141  # as a shell reports it
_COMMANDS = (
    app, explain, figure, attribution, score, evaluate, compare, train, fit, calibrate, data, gallery, map,
    discover, import_official, push, doctor,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # a file name the terminal cannot show is no error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if getattr(options, "engine", None):
            os.environ[VARIABLE] = chosen(options.engine)  # for all networks that the command loads
        with using(PALETTES[getattr(options, "colours", GREEN_MAGENTA.name)]):
            status = options.run(options)
        sys.stdout.flush()  # here, where a full disk can still be told
        return status
    except SIAMError as error:
        return fail(str(error))
    except BrokenPipeError:  # whoever reads the results, such as head, has seen enough
        _close_output()
        return _PIPE_CLOSED
    except OSError as error:  # an output folder that cannot be written, a full disk
        _close_output()
        return fail(f"{error.filename or 'file system'}: {error.strerror or error}: check the path and the free space")
    except KeyboardInterrupt:
        return fail("interrupted; finished work is kept")


def _close_output() -> None:
    """Drop results that cannot be written, which Python would try to write once more as it ends."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}: see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands, from which the reference of the command line is written."""
    script = Path(sys.argv[0]).stem == "siam"  # the console script, so that help shows what the user typed
    whole = _Parser(
        prog="siam" if script else "python -m siam", description="Explain why a network finds a landscape beautiful."
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return whole
