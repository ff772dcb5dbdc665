"""What can happen to work: it is killed, the disk is full or cannot be written to, it meets itself, the clock jumps."""

import ctypes
import os
import random
import resource
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.running import Ended, Run, is_temporary, read_everything
from tests.faults.work import Work, same

NAMES = {
    "killed": "killed",
    "full": "a disk that fills up",
    "read-only": "a read-only folder",
    "two": "two processes",
    "clock": "a clock that jumps",
}
CHAIN = 5  # kills before a run is left to finish
YEARS = 365.25 * 86400  # seconds
_SHARES = (0.1, 0.4, 0.7, 0.9)  # of the space that is needed
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass
class Report:
    """What a disturbance did: how often, how often all was well, and in a line each what was not."""

    kind: str
    disturbance: str
    times: int = 0
    survived: int = 0
    found: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def bad(self, problem: object) -> None:
        """Add what went wrong, once."""
        line = " ".join(str(problem).split())[:300]
        if line not in self.found:
            self.found.append(line)


def undisturbed(work: Work, base: Path) -> tuple[Path, float]:
    """Run the work once in `base`/whole; return the folder and how long it took in seconds."""
    folder, begun = base / "whole", time.monotonic()
    ended = Run(work.start(False), folder).wait()
    assert ended.status == 0, f"{work.kind} failed without any disturbance: {ended.lines[-3:]}"
    return folder, time.monotonic() - begun


def killed(work: Work, base: Path, whole: Path, seconds: float, kills: int, seed: int) -> Report:
    """Kill the work at moments spread over a whole run, look at what is left, and let it go on."""
    report, chance = Report(work.kind, NAMES["killed"]), random.Random(seed)
    moments = [(number + chance.random()) / kills for number in range(kills)]  # shares of a whole run
    chance.shuffle(moments)
    number, folder, waiting, known, sound = 0, base / "killed-0", 0, {}, True
    for moment in moments:
        while not (run := Run(work.start(waiting > 0), folder)).kill(moment * seconds):
            if waiting == 0:
                seconds = min(0.95 * seconds, run.seconds)  # quicker than the one that was timed
            _finish(report, work, folder, whole, waiting if sound else 0, known)
            number, waiting, known, sound = number + 1, 0, {}, True
            folder = base / f"killed-{number}"
        report.times, waiting = report.times + 1, waiting + 1
        try:
            read_everything(folder)
            now = work.kept(folder)
            lost = [name for name, value in known.items() if now.get(name) != value]
            assert all(name.startswith("~") for name in lost), f"{lost[0]} was made again or is gone"
            known = now
        except AssertionError as problem:
            report.bad(problem)
            sound = False
        if waiting == CHAIN:
            _finish(report, work, folder, whole, waiting if sound else 0, known)
            number, waiting, known, sound = number + 1, 0, {}, True
            folder = base / f"killed-{number}"
    _finish(report, work, folder, whole, waiting if sound else 0, known)
    report.facts = {"seconds": round(seconds, 1), "runs": number + 1}
    return report


def _finish(report: Report, work: Work, folder: Path, whole: Path, kills: int, known: dict[str, Any]) -> None:
    """Let a run end after some kills and compare what it gives; without any, or after a finding, forget it."""
    if kills == 0:
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        _ends_well(Run(work.start(True), folder).wait(), work, folder)
        now = work.kept(folder)
        lost = [name for name, value in known.items() if not name.startswith("~") and now.get(name) != value]
        assert not lost, f"{lost[0]} was made again or is gone"
        same(work, whole, folder)
        left = [path for path in folder.rglob("*.part*") if is_temporary(path.relative_to(folder))]
        assert not left, f"{left[0].relative_to(folder)} is never removed" if left else ""
        report.survived += kills
        shutil.rmtree(folder)
    except AssertionError as problem:
        report.bad(problem)


def _ends_well(ended: Ended, work: Work, folder: Path) -> None:
    """Assert success; a command that must go on in another way may say so in one line, and then does."""
    if ended.refusal is not None and "--resume" not in work.command and work.again is not None:
        ended = Run(work.start(False), folder).wait()
    assert ended.status == 0, f"going on ended with {ended.status}: {ended.lines[-1:] or ''}"


def full(work: Work, base: Path, whole: Path, mounted: bool, few: bool) -> Report:
    """Give the work too small a disk, or files that may not become large, then more space."""
    report = Report(work.kind, NAMES["full"])
    sizes = [path.stat().st_size for path in whole.rglob("*") if path.is_file()]
    for share in _SHARES[1:2] if few else _SHARES:
        report.times += 1
        place = disk(base / "full", max(16_384, int(sum(sizes) * share))) if mounted else _new(base / f"full-{share}")
        with place as folder, _counted(report, work, whole, folder):
            most = int(max(sizes) * share)
            before = (lambda: None) if mounted else partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
            ended = Run(work.start(False), folder, before).wait()
            if ended.status != 0:
                assert ended.refusal, f"no one line: {ended.status} {ended.lines[-3:]}"
                report.facts[f"{share:.0%}"] = ended.refusal
                read_everything(folder)
                if mounted:
                    mount("-o", f"remount,size={sum(sizes) * 3 + (8 << 20)}", str(folder))
                _ends_well(Run(work.start(True), folder).wait(), work, folder)
    return report


def read_only(work: Work, base: Path, whole: Path, seconds: float, mounted: bool, few: bool) -> Report:
    """Start the work in a folder that cannot be written to, at first and after half of it is done."""
    report = Report(work.kind, NAMES["read-only"])
    for begun in (True,) if few else (False, True):
        report.times += 1
        place = disk(base / "read-only", 1 << 30) if mounted else _new(base / f"read-only-{begun}")
        with place as folder, _counted(report, work, whole, folder):
            if begun:
                Run(work.start(False), folder).kill(seconds / 2)
            _protect(folder, True, mounted)
            ended = Run(work.start(begun), folder, before=as_anybody).wait()
            assert ended.refusal, f"no one line: {ended.status} {ended.lines[-3:]}"
            report.facts["begun" if begun else "empty"] = ended.refusal
            _protect(folder, False, mounted)
            _ends_well(Run(work.start(begun), folder).wait(), work, folder)
    return report


@contextmanager
def _counted(report: Report, work: Work, whole: Path, folder: Path) -> Iterator[None]:
    """Count a trial as survived if what is asserted in it holds and the folder then equals the undisturbed one."""
    try:
        yield
        same(work, whole, folder)
        report.survived += 1
    except AssertionError as problem:
        report.bad(problem)


def two(work: Work, base: Path, whole: Path, seconds: float, few: bool) -> Report:
    """Start the work twice in one folder: at once, and the second in the middle of the first."""
    report = Report(work.kind, NAMES["two"])
    for share in (0.2,) if few else (0.0, 0.2, 0.5):
        report.times, folder = report.times + 1, base / f"two-{share}"
        try:
            first = Run(work.start(False), folder)
            time.sleep(share * seconds)
            second = Run(work.start(share > 0), folder)
            answers = [first.wait(), second.wait()]
            assert any(answer.status == 0 for answer in answers), f"neither ended well: {answers[0].lines[-1:]}"
            for answer in answers:
                assert answer.status == 0 or answer.refusal, f"no one line: {answer.status} {answer.lines[-3:]}"
                if answer.refusal:
                    report.facts[f"{share:.0%}"] = answer.refusal
            read_everything(folder)
            same(work, whole, folder)
            report.survived += 1
            shutil.rmtree(folder)
        except AssertionError as problem:
            report.bad(problem)
    return report


def clock(work: Work, base: Path, whole: Path, seconds: float, few: bool) -> Report:
    """Let the clock jump while the work runs, and files be from the past and from the future when it goes on."""
    report = Report(work.kind, NAMES["clock"])
    for years in (30,) if few else (-56, -1, 30):
        report.times, folder = report.times + 1, base / f"clock{years}"
        try:
            Run(work.start(False), folder, before=jumping).kill(seconds / 2)
            when = max(0.0, time.time() + years * YEARS)
            for path in folder.rglob("*"):
                os.utime(path, (when, when))
            ended = Run(work.start(True), folder, before=jumping).wait()
            _ends_well(ended, work, folder)
            same(work, whole, folder)
            report.survived += 1
            shutil.rmtree(folder)
        except AssertionError as problem:
            report.bad(problem)
    return report


def jumping() -> None:
    """Let this process's clock jump by up to forty years, back and forth, at every look at it."""
    true, chance = time.time, random.Random(0)
    time.time = lambda: max(0.0, true() + chance.uniform(-40, 40) * YEARS)


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a small disk in memory at a folder; needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def mount(*words: str) -> None:
    """Call mount; only root may."""
    subprocess.run(["mount", *words], check=True)


@contextmanager
def _new(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    yield folder


def _protect(folder: Path, protected: bool, mounted: bool) -> None:
    """Let nobody write to a folder and those in it, or everybody again."""
    if mounted:
        mount("-o", f"remount,{'ro' if protected else 'rw'}", str(folder))
        return
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(path.stat().st_mode & ~_WRITE if protected else path.stat().st_mode | stat.S_IWUSR)


def as_anybody() -> None:
    """Let permissions apply to this process even if it is root's (Linux), by giving up all its capabilities."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and hasattr(libc, "capset"):
        header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # _LINUX_CAPABILITY_VERSION_3
        if libc.capset(header, nothing) != 0:
            raise OSError(ctypes.get_errno(), "capset")
