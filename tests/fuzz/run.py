"""Runs inputs in processes of their own, so that one that hangs or ends its process is found, told and passed over."""

import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from siam.runtime.files import write_atomically
from siam.runtime.provenance import git_commit
from tests.fuzz.inputs import Outcome, Part, largest_memory, made, stored, tried

PARTS = ("pictures", "tables", "files", "addresses")
SHARES = {"tables": 0.45, "files": 0.35, "addresses": 0.2}  # of the inputs that are no pictures
MEMORY = 1500.0  # MiB by which an input may make its process grow: a few copies of the largest picture
_LIBRARIES = ("pillow", "pillow-heif", "numpy", "pandas", "pyarrow", "python-calamine", "safetensors", "streamlit")
TIMES, LEAST = 10, 10.0  # as many times the usual seconds of its kind an input may take; what takes less is no hang
PATIENCE = 300.0  # seconds by the clock after which a process is ended
BEGINNING = 600.0  # for its imports, on a busy machine


@dataclass(frozen=True)
class Failure:
    """An input that got neither an answer nor a refusal in one line, and the command that repeats it."""

    part: str
    seed: int
    outcome: Outcome
    saved: Path | None = None

    def __str__(self) -> str:
        command = f"python -m tests.fuzz --only {self.part} --seed {self.seed} --number {self.outcome.number}"
        where = "" if self.saved is None else f"\n  saved in {self.saved}"
        return f"{self.part}, {self.outcome.kind}: {self.outcome.words.strip()}\n  {command}{where}"


@dataclass
class Count:
    """What became of the inputs of one part."""

    outcomes: list[Outcome] = field(default_factory=list)

    def kinds(self) -> dict[str, list[Outcome]]:
        """Return the outcomes by kind of input, in alphabetical order."""
        return {
            kind: [of for of in self.outcomes if of.kind == kind] for kind in sorted({of.kind for of in self.outcomes})
        }

    def slow(self) -> list[Outcome]:
        """Return the inputs that took more than ten times as long as is usual for their kind."""
        found = []
        for outcomes in self.kinds().values():
            most = max(LEAST, TIMES * median(of.seconds for of in outcomes))
            found += [of for of in outcomes if of.seconds > most]
        return found


def part_of(name: str) -> Part:
    """Return one of `PARTS`; "module:name" is a part elsewhere, for tests of this module."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module if attribute else f"tests.fuzz.{module}"), attribute or "PART")


def run(
    name: str,
    numbers: Sequence[int],
    seed: int,
    *,
    patience: float = PATIENCE,
    memory: float = MEMORY,
    until: float | None = None,
) -> Iterator[Outcome]:
    """Yield what becomes of each input of a part.

    Args:
        name: of the part.
        numbers: of the inputs.
        seed: of the inputs.
        patience: seconds by the clock for one input.
        memory: MiB by which the process may grow.
        until: when to stop, by `time.monotonic`.
    """
    context, place = multiprocessing.get_context("spawn"), 0
    while place < len(numbers):
        left = numbers[place:]
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(name, left, seed, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            for outcome in _outcomes(process, ours, part_of(name), left, seed, patience):
                if outcome.answer != "failed" and outcome.grown > memory:
                    words = f"its process has grown by {outcome.grown:.0f} MiB"
                    outcome = Outcome(outcome.number, outcome.kind, "failed", words, outcome.seconds, outcome.grown)
                place += 1
                yield outcome
                if until is not None and time.monotonic() > until:
                    return
                if outcome.grown > memory:
                    break  # a process that stays large would hide what the next input needs
        finally:
            process.kill()
            process.join()
            ours.close()


def _outcomes(
    process: Any, connection: Connection, part: Part, numbers: Sequence[int], seed: int, patience: float
) -> Iterator[Outcome]:
    """Yield what a process reports, and at last, if it ended or fell silent, that."""
    if connection.poll(BEGINNING):
        with suppress(EOFError):
            connection.recv()  # it has imported the part and begins
    for number in numbers:
        words = f"no answer after {patience:g} s"
        try:
            if connection.poll(patience):
                yield connection.recv()
                continue
        except EOFError:
            process.join()
            words = f"it ended its process (exit status {process.exitcode})"
        yield Outcome(number, made(part, seed, number).kind, "failed", words, patience, 0.0)
        return


def _work(name: str, numbers: Sequence[int], seed: int, connection: Connection) -> None:
    """Try inputs and report each; what native libraries write to the terminal is dropped."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    part = part_of(name)
    part.prepare()
    begun = largest_memory()
    connection.send(None)
    with tempfile.TemporaryDirectory(prefix="siam-fuzz-") as folder:
        for number in numbers:
            connection.send(tried(part, seed, number, Path(folder) / "input", begun))


def failures(name: str, count: Count, seed: int, keep: Path | None = None) -> list[Failure]:
    """Return what went wrong, and save its inputs below a folder."""
    slow = {of.number: of for of in count.slow()}
    found = []
    for outcome in count.outcomes:
        if outcome.answer != "failed" and outcome.number in slow:
            words = f"it takes {outcome.seconds:.1f} s, more than {TIMES} times as long as others of its kind"
            outcome = Outcome(outcome.number, outcome.kind, "failed", words, outcome.seconds, outcome.grown)
        if outcome.answer == "failed":
            saved = None if keep is None else keep / f"{name.replace(':', '-')}-{seed}-{outcome.number}"
            if saved is not None:
                stored(made(part_of(name), seed, outcome.number), saved)
            found.append(Failure(name, seed, outcome, saved))
    return found


def all_parts(
    counts: dict[str, int], seed: int, seconds: float | None = None, tell: Callable[[str], object] = lambda _line: None
) -> dict[str, Count]:
    """Run so many inputs of each part, or as many as fit into some seconds.

    Args:
        counts: part → number of inputs.
        seed: of the inputs.
        seconds: in all; the parts share them.
        tell: called with a line about the progress now and then.
    """
    done: dict[str, Count] = {}
    for place, (name, many) in enumerate(counts.items()):
        share = None if seconds is None else seconds / len(counts)
        until = None if share is None else time.monotonic() + share
        done[name] = Count()
        for outcome in run(name, range(many), seed, until=until):
            done[name].outcomes.append(outcome)
            if outcome.answer == "failed" or len(done[name].outcomes) % 1000 == 0:
                told = f"{outcome.answer} {outcome.words[-300:]}"
                tell(f"{name} {outcome.number} ({place + 1} of {len(counts)} parts): {told}")
    return done


def write(done: dict[str, Count], seed: int, command: str, path: Path) -> None:
    """Store the counts as JSON; parts that were stored before and did not run now stay as they are.

    ::

        format    1
        limits    memory_mib, times_usual, least_seconds: beyond which an answer is a failure
        parts     part → command, date (YYYY-MM-DD), git_commit (or null), versions (program → version) and seed of its
                  run; tried, read, refused, failed: numbers of inputs; usual_ms and slowest_s: of the processor, for
                  one input; largest_mib: by which a process grew; kinds: kind → tried, read, refused, failed
    """
    before = json.loads(path.read_text(encoding="utf-8"))["parts"] if path.exists() else {}
    parts = {name: _stored_part(name, count, seed, command) for name, count in done.items()}
    content = {
        "format": 1,
        "limits": {"memory_mib": MEMORY, "times_usual": TIMES, "least_seconds": LEAST},
        "parts": {name: {**before, **parts}[name] for name in PARTS if name in {**before, **parts}},
    }
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _stored_part(name: str, count: Count, seed: int, command: str) -> dict[str, Any]:
    failed, outcomes = {failure.outcome.number for failure in failures(name, count, seed)}, count.outcomes
    return {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "git_commit": git_commit(),
        "versions": {"python": platform.python_version(), **{of: version(of) for of in _LIBRARIES}},
        "seed": seed,
        **_answers(outcomes, failed),
        "usual_ms": round(1000 * median(of.seconds for of in outcomes), 1),
        "slowest_s": round(max(of.seconds for of in outcomes), 2),
        "largest_mib": round(max(of.grown for of in outcomes)),
        "kinds": {kind: _answers(of, failed) for kind, of in count.kinds().items()},
    }


def _answers(outcomes: Sequence[Outcome], failed: set[int]) -> dict[str, int]:
    """Return how many inputs were tried, read, refused and failed."""
    sound = [of.answer for of in outcomes if of.number not in failed]
    return {
        "tried": len(outcomes),
        "read": sound.count("read"),
        "refused": sound.count("refused"),
        "failed": len(outcomes) - len(sound),
    }
