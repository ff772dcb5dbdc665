"""Readers that do everything wrong, which the fuzzer must find."""

import os
import time
import warnings
from pathlib import Path
from random import Random

from siam.errors import DatasetError
from tests.fuzz.inputs import Input, Part


class _TwoLinesError(DatasetError):
    def __str__(self) -> str:
        return "It is damaged.\nSave it again."


def _make(random: Random) -> Input:
    return Input("word", {"word.txt": random.randbytes(8)})


def _raise(_given: Input, _folder: Path) -> None:
    raise ValueError("nobody expects this")


def _tell_in_two_lines(_given: Input, _folder: Path) -> None:
    raise _TwoLinesError


def _hang(_given: Input, _folder: Path) -> None:
    time.sleep(3600)


def _end(_given: Input, _folder: Path) -> None:
    os.abort()


def _warn(_given: Input, _folder: Path) -> None:
    warnings.warn("odd numbers", RuntimeWarning, stacklevel=1)


def _grow(_given: Input, _folder: Path) -> None:
    _kept.append(b"x" * 100_000_000)


def _read_or_refuse(given: Input, folder: Path) -> None:
    assert (folder / "word.txt").read_bytes() == given.files["word.txt"]
    if given.files["word.txt"][0] % 2:
        raise DatasetError("It is odd: give an even one")


def _once_slow(given: Input, folder: Path) -> None:
    if given.files["word.txt"] == _make(Random("SLOW 0 3")).files["word.txt"]:
        begun = time.process_time()
        while time.process_time() - begun < 0.3:
            pass


_kept: list[bytes] = []
SOUND = Part("SOUND", _make, _read_or_refuse)
RAISES = Part("RAISES", _make, _raise)
LINES = Part("LINES", _make, _tell_in_two_lines)
HANGS = Part("HANGS", _make, _hang)
ENDS = Part("ENDS", _make, _end)
WARNS = Part("WARNS", _make, _warn)
GROWS = Part("GROWS", _make, _grow)
SLOW = Part("SLOW", _make, _once_slow)
