"""What the benchmarks share: two things measured in turn, the machine, and the table that is printed and stored."""

import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TypeVar

import torch
from tqdm import tqdm

from siam.evaluation.figures import Goal, Measurement, NumberCheck, SpeedFigures
from siam.results import speed
from siam.runtime.provenance import git_commit

_Result = TypeVar("_Result")

LIBRARIES = ("torch", "torchvision", "timm", "openvino", "numpy", "pillow", "streamlit", "ray")


@dataclass(frozen=True)
class Pairs:
    """What was measured in each round, of ours and of what it is compared with."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Ours / theirs, for each round."""
        return [one / other for one, other in zip(self.ours, self.theirs, strict=True)]

    def rates(self, ours: int = 1, theirs: int = 1) -> "Pairs":
        """Return numbers per second, of seconds for a number of things."""
        return Pairs([ours / value for value in self.ours], [theirs / value for value in self.theirs])


def peak() -> float:
    """Return the largest size of this process so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: there, ru_maxrss would count the size of the process that started this one
        kibibytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kibibytes) / 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def in_its_own_process(function: Callable[..., _Result], *arguments: object) -> _Result:
    """Return what a function returns in a new process, whose memory and time are its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def seconds(step: Callable[[], object]) -> float:
    """Return the seconds a step takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def timed(step: Callable[[], object]) -> Callable[[], float]:
    """Return a function that takes a step and returns its seconds."""
    return lambda: seconds(step)


def paired(ours: Callable[[], float], theirs: Callable[[], float], rounds: int, title: str | None = None) -> Pairs:
    """Measure two things in turn, so that their ratio holds on a busy machine; every other round begins with theirs.

    Args:
        ours: measures once and returns the figure.
        theirs: the same of what it is compared with.
        rounds: how often.
        title: of the progress bar; None for no bar.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for number in progress(range(rounds), title):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            taken[which].append((ours, theirs)[which]())
    return Pairs(*taken)


def progress(rounds: range, title: str | None) -> Iterable[int]:
    """Return rounds with a progress bar on stderr."""
    return tqdm(rounds, desc=title, unit="round", disable=title is None)


def compared(
    pairs: Pairs,
    *,
    name: str,
    part: str,
    description: str,
    against: str,
    unit: str,
    note: str,
    goal: Goal | None = None,
    ratios: Sequence[float] | None = None,
) -> Measurement:
    """Return the measurement of pairs; if these are medians, `ratios` are those of the rounds, ours / theirs."""
    ratios = pairs.ratios if ratios is None else ratios
    ours, ratio = _rounded(statistics.median(pairs.ours)), _rounded(statistics.median(ratios))
    return Measurement(
        name=name,
        part=part,
        description=description,
        unit=unit,
        ours=ours,
        against=against,
        theirs=_rounded(statistics.median(pairs.theirs)),
        ratio=ratio,
        low=_rounded(min(ratios)),
        high=_rounded(max(ratios)),
        rounds=len(ratios),
        goal=goal,
        reached=speed.reached(goal, ours, ratio),
        note=note,
    )


def alone(
    values: Sequence[float], *, name: str, part: str, description: str, unit: str, note: str, goal: Goal | None = None
) -> Measurement:
    """Return the measurement of something that is compared with nothing."""
    ours = _rounded(statistics.median(values))
    several = len(values) > 1
    return Measurement(
        name=name,
        part=part,
        description=description,
        unit=unit,
        ours=ours,
        low=_rounded(min(values)) if several else None,
        high=_rounded(max(values)) if several else None,
        rounds=len(values),
        goal=goal,
        reached=speed.reached(goal, ours, None),
        note=note,
    )


def at_most(number: float, *, of: str = "ratio") -> Goal:
    """Return the goal that a ratio, or "ours", does not exceed a number."""
    return Goal(of=of, direction="at most", number=number)


def at_least(number: float, *, of: str = "ratio") -> Goal:
    """Return the goal that a ratio, or "ours", reaches a number."""
    return Goal(of=of, direction="at least", number=number)


def _rounded(value: float) -> float:
    """Return a figure with four significant digits, all that a clock gives."""
    return float(f"{value:.4g}")


def run_of(
    command: str,
    measurements: Sequence[Measurement],
    *,
    processor: str | None = None,
    cores: int | None = None,
    checks: Sequence[NumberCheck] | None = None,
) -> SpeedFigures:
    """Return what a run found, with the machine, the date, the commit and the versions."""
    versions = {name: number for name in LIBRARIES if (number := _version(name)) is not None}
    return SpeedFigures(
        format=speed.FORMAT,
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        git_commit=git_commit(),
        processor=processor or processor_name(),
        cores=cores,
        versions={"Python": platform.python_version(), **versions},
        measurements=tuple(measurements),
        checks=None if checks is None else tuple(checks),
    )


def report(figures: SpeedFigures) -> str:
    """Return a run as plain text: the table, what each line means, and the machine."""
    parts = []
    if figures.measurements:
        parts.append(_aligned([speed.heads(against=True), *speed.rows(figures.measurements, against=True)]))
    if figures.checks:
        parts.append(_aligned([[speed.CHECKED, *speed.CHECK_HEADS], *speed.check_rows(figures.checks)]))
    parts.append("\n".join(f"{what}: {how}" for what, how in speed.notes(figures.measurements)))
    parts.append(speed.source(figures))
    return "\n\n".join(parts)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines with their cells in columns; a row with a single cell is a heading."""
    whole = [row for row in rows if len(row) > 1]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    lines = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=len(row) > 1)).rstrip() for row in rows
    )
    return "\n".join(lines)


def processor_name() -> str:
    """Return the name of the processor, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            name, _colon, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown processor"


def cores_used() -> int:
    """Return how many cores the networks use: as many as PyTorch has threads, but no more than there are."""
    return min(torch.get_num_threads(), os.cpu_count() or 1)


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
