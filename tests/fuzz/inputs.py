"""What an input is, and how it is judged."""

import resource
import shutil
import sys
import time
import traceback
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from siam.errors import SIAMError

LONGEST = 1500  # characters of a message: what a page or a terminal can still show
_UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # controls, halves of characters, ends of lines


@dataclass(frozen=True)
class Input:
    """Files that are read as one: their kind, such as "PNG", and name → content; the first is the one in question."""

    kind: str
    files: dict[str, bytes]


@dataclass(frozen=True)
class Part:
    """A part of the program to be tried.

    Attributes:
        name: of the part, as on the command line.
        make: given a random generator, returns an input.
        read: given an input and a folder that holds its files, reads it with everything that the program has for such
            files. It raises the program's `SIAMError` for a refusal, and anything else for a failure.
        prepare: called once in each process, before the first input.
    """

    name: str
    make: Callable[[Random], Input]
    read: Callable[[Input, Path], None]
    prepare: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        number: of the input.
        kind: of the input.
        answer: "read", "refused" or "failed".
        words: the refusal, or what failed.
        seconds: of the processor.
        grown: MiB by which the largest memory of the process has grown since its first input.
    """

    number: int
    kind: str
    answer: str
    words: str
    seconds: float
    grown: float


class Refusals:
    """Collects refusals of one input that several readers see: they are wrong only if they are badly told."""

    def __init__(self) -> None:
        self.first: SIAMError | None = None

    def of(self, reader: Callable[[], object]) -> object:
        """Return what a reader answers, None if it refuses."""
        try:
            return reader()
        except SIAMError as error:
            if problem := problem_of(error):
                raise AssertionError(problem) from error
            self.first = self.first or error
            return None

    def end(self) -> None:
        """Raise the first refusal, if there was one."""
        if self.first is not None:
            raise self.first


def made(part: Part, seed: int, number: int) -> Input:
    """Return an input."""
    return part.make(Random(f"{part.name} {seed} {number}"))


def stored(given: Input, folder: Path) -> None:
    """Write an input's files into an empty folder."""
    for name, content in given.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def tried(part: Part, seed: int, number: int, folder: Path, memory: float = 0.0) -> Outcome:
    """Read an input, from a folder that is emptied before, and return what became of it.

    Args:
        part: to which it belongs.
        seed: of the input.
        number: of the input.
        folder: for its files.
        memory: MiB that the process needed before any input.
    """
    given = made(part, seed, number)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stored(given, folder)
    begun = time.process_time()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        answer, words = _answer(part, given, folder)
    if told and answer != "failed":
        first = told[0]
        answer = "failed"
        words = f"it warns: {first.category.__name__}: {first.message} ({first.filename}:{first.lineno})"
    return Outcome(number, given.kind, answer, words, time.process_time() - begun, largest_memory() - memory)


def _answer(part: Part, given: Input, folder: Path) -> tuple[str, str]:
    try:
        part.read(given, folder)
    except SIAMError as error:
        problem = problem_of(error)
        return ("refused", str(error)) if problem is None else ("failed", problem)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # panics of Rust are no Exception
        return "failed", "".join(traceback.format_exception(error))[-4000:]
    return "read", ""


def problem_of(error: SIAMError) -> str | None:
    """Return what is wrong with a refusal, or None if it is one line that can be shown."""
    message = str(error)
    if odd := unshown(message):
        return f"a refusal holds {odd!r}: {message[:500]!r}"
    if not message.strip() or len(message) > LONGEST:
        return f"a refusal has {len(message)} characters: {message[:500]!r}"
    return None


def unshown(text: str) -> str:
    """Return the characters that cannot be shown in one line."""
    return "".join(character for character in text if unicodedata.category(character) in _UNSHOWN)


def largest_memory() -> float:
    """Return the largest memory of this process so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: what resource says there includes the process that started this one
        return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) / 2**10
    unit = 1 if sys.platform == "darwin" else 1024  # bytes or KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
