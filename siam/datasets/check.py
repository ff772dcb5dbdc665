"""Reads a whole dataset, decoding every picture, and lists what is wrong with it or which photos to skip."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
from tqdm import tqdm

from siam.datasets import reader, vocabulary
from siam.datasets.base import LeftOut
from siam.datasets.tables import Finding, Problem
from siam.errors import ImageError
from siam.images.reading import read_image
from siam.runtime.digests import digest

PROBLEMS: tuple[Problem, ...] = get_args(Problem)

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Report:
    """What was found in a dataset.

    Attributes:
        name: the dataset's key in `siam.datasets.DATASETS`.
        root: its folder.
        photos: how many were checked.
        findings: sorted by kind in the order of `PROBLEMS`, then in the order they were found.
        left_out: what else is in the folder, or lacks a rating or a photo; this is no problem.
    """

    name: str
    root: Path
    photos: int
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether there are no findings."""
        return not self.findings

    def summary(self) -> str:
        """Return the findings of each kind in numbers, and what is left out: "141 photos: 1 missing, …; left out …"."""
        counts = ", ".join(f"{sum(finding.problem == kind for finding in self.findings)} {kind}" for kind in PROBLEMS)
        left_out = f"; left out: {_printable(', '.join(map(str, self.left_out)))}" if self.left_out else ""
        return f"{self.photos} photos: {counts}{left_out}"

    def table(self) -> str:
        """Return the findings as a text table of three columns with a heading; "" if there are none."""
        if self.clean:
            return ""
        rows = [("problem", "item", "what was found")]
        rows += [(finding.problem, _printable(finding.item), _printable(finding.detail)) for finding in self.findings]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return "".join(f"{kind:{widths[0]}}  {item:{widths[1]}}  {detail}\n" for kind, item, detail in rows)

    def as_json(self) -> dict[str, Any]:
        """Return the report as a dictionary, with a list of items and details for each kind of problem."""
        kinds = {
            kind: [
                {"item": finding.item, "detail": finding.detail} for finding in self.findings if finding.problem == kind
            ]
            for kind in PROBLEMS
        }
        described = {"dataset": self.name, "root": str(self.root), "photos": self.photos, "clean": self.clean}
        left_out = {"left_out": {left.reason: list(left.names) for left in self.left_out}}
        return {**described, **{kind.replace(" ", "_"): rows for kind, rows in kinds.items()}, **left_out}


def check(name: str, root: Path) -> Report:
    """Read the tables and every picture of the dataset `name` below `root`, and report all problems.

    Missing: a file that a table names does not exist. Unreadable: the reader rejects a row, or `read_image` a picture.
    Duplicate: a photo is named twice in a table, or its content equals an earlier one's, byte for byte. Out of range: a
    score, vote, label or split has an impossible value.

    Raises:
        DatasetError: there is no such dataset, or its table is missing or not a table at all.
    """
    findings: list[Finding] = []
    dataset = reader(name).read(root, findings=findings)
    files: tuple[Path, ...] = dataset.files
    if name == "folder" and vocabulary.has_labels(root):
        files = (*files, *sorted({*vocabulary.read(root, findings=findings).files} - {*files}))
    first_with: dict[str, str] = {}
    for path, looked in zip(files, _each(_look, files, "check"), strict=True):
        item = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        if isinstance(looked, Finding):
            findings.append(Finding(looked.problem, item, looked.detail))
        elif (earlier := first_with.setdefault(looked, item)) != item:
            findings.append(Finding("duplicate", item, f"the same content as {earlier}"))
    findings.sort(key=lambda finding: PROBLEMS.index(finding.problem))
    return Report(name, root, len(files), tuple(findings), getattr(dataset, "left_out", ()))


def usable(files: Sequence[Path]) -> np.ndarray:
    """Return which photos can be read, as bool (N,); each of the others is named on stderr, with the reason."""
    good = np.ones(len(files), dtype=bool)
    for place, reason in enumerate(_each(_reason_against, files, "reading photos")):
        if reason is not None:
            good[place] = False
            with tqdm.external_write_mode(sys.stderr):
                sys.stderr.write(f"skipped: {_printable(reason)}\n")
    return good


def _look(path: Path) -> Finding | str:
    """Return what is wrong with a picture, or the SHA-256 of its content if nothing is."""
    try:
        if not path.exists():
            return Finding("missing", "", "no such file")
        read_image(path, name="the photo")
        return digest(path)
    except ImageError as error:
        return Finding("unreadable", "", str(error))
    except OSError as error:  # a name the file system rejects, or a file that has just vanished
        return Finding("unreadable", "", error.strerror or str(error))


def _reason_against(path: Path) -> str | None:
    try:
        read_image(path)
    except ImageError as error:
        return str(error)
    return None


def _each(function: Callable[[Path], _Answer], files: Iterable[Path], what: str) -> Iterator[_Answer]:
    """Yield the function's answers in the order of the files, computed in parallel threads, with a progress bar."""
    files = tuple(files)
    workers = ThreadPoolExecutor(min(32, os.cpu_count() or 1))
    try:
        answers = workers.map(function, files)
        yield from tqdm(answers, desc=what, total=len(files), unit="photo", file=sys.stderr, disable=None, leave=False)
    finally:  # also on Ctrl-C: files not yet started are dropped
        workers.shutdown(wait=True, cancel_futures=True)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
