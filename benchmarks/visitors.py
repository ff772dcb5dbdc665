"""Whether many visitors at once get their own numbers, soon, and leave nothing behind: `python -m benchmarks.visitors`.

A visitor is a browser context of its own with a photo of its own, and walks through upload, explanation, a case of the
gallery, What-if and Compare. The first 30 come as many at once as asked for. The next 30 do so without a browser
(`benchmarks.wire`): the server does the same for them, and they come faster than browsers on the same machine can.
Those after them show whether memory grows, and come a few at a time. Every number is held against `python -m siam
explain`, every picture against the photos of all visitors. The time of a page is measured in the server, from the start
of its script to the end; one visitor alone and many at once are compared within one run, so that other work on the
machine counts for both. Browsers run at the lowest priority: visitors bring processors of their own, which here are the
server's. Needs Linux.

The exit status is 1 if anything does not hold. `--store` writes docs/reliability/visitors.json.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np
import psutil
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from benchmarks.photos import write_photos
from benchmarks.wire import Wire
from siam.drawing import phrases
from siam.gallery.cases import Cases, read_cases
from siam.gallery.store import read
from siam.runtime.files import write_atomically
from siam.runtime.paths import ASSETS
from tests.support.paths import ROOT
from tests.support.server import FLAGS, GROUPS, PHOTO_INPUT, chromium_program

STORED = ROOT / "docs" / "reliability" / "visitors.json"
SLOWER, GROWN = 20, 1.2  # what is allowed: times a single visitor's page, times the memory of fewer visits
FEW, LAST = 30, 300  # visits between which memory must not grow
LATER = 4  # at once, after twice the first `FEW`
_LOST = 60  # seconds after which the server gives up lost connections; it gives up left sessions then, too
_PATIENCE = 180  # seconds to wait for that
_PICTURE = 48, 32  # to which pictures are reduced before they are compared
WAIT = 300_000  # ms; two processors that many visitors and their browsers share are slow
_IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@dataclass(frozen=True)
class Own:
    """A visitor's photo: its file, what the command line says of it, and what it looks like when small."""

    path: Path
    said: dict[str, Any]
    small: np.ndarray


@dataclass
class Found:
    """What visitors saw.

    Attributes:
        numbers: how many numbers were held against the command line.
        pictures: how many pictures were held against all photos.
        pages: how many pages were searched for the names of other visitors' photos.
        wrong: a sentence for each thing that was not as it must be.
        visits: how many were finished.
    """

    numbers: int = 0
    pictures: int = 0
    pages: int = 0
    visits: int = 0
    wrong: list[str] = field(default_factory=list)

    def number(self, of: Own, seen: str, right: str) -> None:
        """Hold a number that was seen against the right one."""
        self.numbers += 1
        if seen != right:
            self.wrong.append(f"{of.path.name}: {seen!r} instead of {right!r}")

    def hold(self, of: Own, seen: Sequence[str], right: Sequence[str]) -> None:
        """Hold the first of the numbers that were seen against the right ones."""
        for one, other in zip_longest(seen[: len(right)], right, fillvalue="nothing"):
            self.number(of, one, other)

    def picture(self, of: Own, seen: bytes, others: Sequence[Own]) -> None:
        """Hold a picture against the photos of all visitors."""
        self.pictures += 1
        small = _small(seen)
        nearest = min(others, key=lambda other: float(np.abs(other.small - small).mean()))
        if nearest is not of:
            self.wrong.append(f"{of.path.name}: the picture of {nearest.path.name}")

    def names(self, of: Own, page: str) -> None:
        """Search a page for names of photos: only the visitor's own may be there."""
        self.pages += 1
        names = set(re.findall(r"visit-\d+\.jpg", page)) - {of.path.name}
        self.wrong += [f"{of.path.name}: the name {name}" for name in sorted(names)]


@dataclass(frozen=True)
class Right:
    """What a visitor must see, by what the command line says of the photo and what the gallery holds."""

    said: dict[str, Any]
    cases: Cases

    def scores(self) -> list[str]:
        """Return the photo's scores by SIAM and the baseline."""
        return [self._text(self.said[network]["score"]) for network in ("siam", "baseline")]

    def line(self) -> str:
        """Return the same in a line, as Compare shows it."""
        siam, baseline = self.scores()
        return f"SIAM {siam} · baseline {baseline}"

    def of_case(self, identifier: str) -> list[str]:
        """Return the scores of a case of the gallery."""
        row = self.cases.row_of(identifier)
        assert row is not None, identifier
        facts = self.cases.case(row)
        return [self._text(facts[name]) for name in ("siam", "baseline")]

    def without_the_strongest(self) -> list[str]:
        """Return the score before and after the attribute that counts most is taken away, and the difference."""
        contributions: dict[str, float] = self.said["siam"]["contributions"]
        before = self.said["siam"]["score"]
        after = before - max(contributions.values(), key=abs)
        return [self._text(before), self._text(after), phrases.difference_text(after, before)]

    def _text(self, score: float) -> str:
        return phrases.score_text(score, self.cases.gallery.about.scale)


class Server:
    """The app in a process of its own, watched by `benchmarks.served`.

    Args:
        folder: for its file of times.
        lost: seconds after which it gives up lost connections.
    """

    def __init__(self, folder: Path, lost: int = _LOST) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._file = folder / "served.jsonl"
        self._file.touch()
        command = [sys.executable, "-m", "benchmarks.served", str(self._file), "--server.headless", "true"]
        command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
        command += ["--server.disconnectedSessionTTL", str(lost)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)

    @property
    def process(self) -> int:
        """The number of its process."""
        return self._process.pid

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it stopped.
        """
        while True:
            if self._process.poll() is not None:
                raise RuntimeError("the app stopped on start; its message is above")
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.2)

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(timeout=60)

    def lines(self, key: str) -> list[dict[str, Any]]:
        """Return the lines written so far that have a key."""
        text = self._file.read_text(encoding="utf-8")
        return [line for line in map(json.loads, text.splitlines()) if key in line]

    def held(self) -> dict[str, int]:
        """Ask what the process holds."""
        before = len(self.lines("held"))
        os.kill(self._process.pid, signal.SIGUSR1)
        while len(self.lines("held")) == before:
            if self._process.poll() is not None:
                raise RuntimeError("the app stopped; its message is above")
            time.sleep(0.1)
        return self.lines("held")[-1]["held"]

    def left(self, patience: float) -> dict[str, int]:
        """Return what is held once nothing of visitors is left, or after so many seconds."""
        until = time.monotonic() + patience
        while of_visitors(held := self.held()) and time.monotonic() < until:
            time.sleep(1)
        return held


def of_visitors(held: dict[str, int]) -> int:
    """Return how many things are held that only visitors who are there need.

    One photo does not count: Streamlit keeps the variables of the script that ran last.
    """
    return max(0, held["photos"] - 1) + sum(held[name] for name in ("sessions", "uploads", "pictures", "slow"))


@asynccontextmanager
async def chromium(*, yielding: bool = False) -> AsyncIterator[Browser]:
    """Start the system's Chromium at the lowest priority, which the calling thread gets, too.

    Args:
        yielding: also among sessions, which leaves it only what others do not use.
    """
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    async with async_playwright() as playwright:
        before = _sessions()
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=FLAGS)
        if yielding:
            _yield_the_cores(_sessions() - before)
        yield browser
        await browser.close()


def _sessions() -> set[int]:
    """Return the sessions of all programs that this process has started and that still run."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with suppress(ProcessLookupError):  # it has just ended
            found.add(os.getsid(process.pid))
    return found


def _yield_the_cores(sessions: Iterable[int]) -> None:
    """Give sessions of programs the lowest priority.

    Linux shares the cores among sessions first ("autogroup", sched(7)), so that a low priority within one of them does
    not count for others. Playwright starts the browser in a session of its own; the server is in ours.
    """
    for session in sessions:
        with suppress(OSError):  # a system that does not do so
            Path(f"/proc/{session}/autogroup").write_text("19")


def own_photos(folder: Path, count: int) -> list[Own]:
    """Write photos, and ask the command line about them."""
    paths = [path.rename(folder / f"visit-{path.name}") for path in write_photos(folder, count)]
    command = [sys.executable, "-m", "siam", "explain", "--json", *map(str, paths)]
    said = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    said = said if isinstance(said, list) else [said]
    return [Own(path, of, _small(path.read_bytes())) for path, of in zip(paths, said, strict=True)]


def _small(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB").resize(_PICTURE, Image.Resampling.BOX), dtype=np.float32)


class Visitor:
    """One visitor with a browser context of its own.

    Args:
        context: the browser's.
        address: of the app.
        own: the visitor's photo.
        others: all visitors' photos, its own among them.
        cases: the gallery.
        found: takes what is seen.
    """

    def __init__(
        self, context: BrowserContext, address: str, own: Own, others: Sequence[Own], cases: Cases, found: Found
    ) -> None:
        self._context, self._address, self._own, self._others = context, address, own, others
        self._right, self._found = Right(own.said, cases), found
        self.page: Page

    async def walk(self, number: int) -> None:
        """Walk through all pages, with the case of that number."""
        await self.explain()
        await self.case(number)
        await self.what_if()
        await self.compare()
        self._found.visits += 1

    async def explain(self) -> None:
        """Open the first page, upload the photo and read its scores."""
        self.page = await self._context.new_page()
        await self.page.goto(self._address, timeout=WAIT)
        await self._idle()
        await self.upload()
        right = self._right.scores()
        await expect(self.page.get_by_test_id("stMetricValue").first).to_have_text(right[0], timeout=WAIT)
        await self._hold(right)
        await self._look()

    async def upload(self) -> None:
        """Choose the photo's file."""
        await self.page.locator(PHOTO_INPUT).set_input_files(self._own.path)
        await expect(self._photo().first).to_be_attached(timeout=WAIT)

    async def case(self, number: int) -> None:
        """Open a case of the gallery and read its scores."""
        await self._go("Disagreements", "disagree")
        opened = self.page.get_by_role("button", name=re.compile("^Open "))
        await expect(opened.first).to_be_visible(timeout=WAIT)
        await self._idle()
        chosen = opened.nth(number % await opened.count())
        identifier = (await chosen.inner_text()).removeprefix("Open ").strip()
        await chosen.click(timeout=WAIT)
        await expect(self.page.get_by_role("heading", name=f"Picture {identifier}")).to_be_visible(timeout=WAIT)
        await expect(self.page.get_by_test_id("stMetricValue").first).to_be_visible(timeout=WAIT)
        await self._hold(self._right.of_case(identifier))
        self._found.names(self._own, await self.page.content())

    async def what_if(self) -> None:
        """Take away the attribute that counts most, and read the score before and after."""
        await self._go("What-if", "What if")
        await expect(self.page.get_by_role("button", name="Remove it")).to_be_visible(timeout=WAIT)
        await self._idle()
        await self.page.get_by_role("button", name="Remove it").click(timeout=WAIT)
        await expect(self.page.get_by_role("button", name="Undo")).to_be_enabled(timeout=WAIT)
        await self._hold(self._right.without_the_strongest())
        await self._look()

    async def compare(self) -> None:
        """Let the fast explainers draw their maps."""
        await self._go("Compare", "Compare explainers")
        await expect(self.page.get_by_role("img", name=re.compile("'s map: ")).last).to_be_visible(timeout=WAIT)
        await self._idle()
        line = self.page.get_by_text(re.compile(r"^SIAM .* · baseline ")).first
        self._found.number(self._own, await line.inner_text(), self._right.line())
        await self._look()

    async def slow(self, names: str = "RISE") -> None:
        """Begin the slow explainers on Compare whose names fit a pattern, and stay."""
        for choice in await self.page.get_by_role("button", name=re.compile(f"^{names} · (about|less)")).all():
            await choice.click(timeout=WAIT)
        await self.page.get_by_role("button", name="Run the slow explainers").click(timeout=WAIT)
        await expect(self.page.get_by_text(re.compile(" of [0-9,]+ passes$"))).to_be_visible(timeout=WAIT)

    async def works(self) -> bool:
        """Return whether the slow explainer still runs."""
        return await self.page.get_by_role("button", name="Cancel").count() > 0

    async def _go(self, label: str, heading: str) -> None:
        """Go to another page by its link, as people do: the session stays."""
        link = self.page.get_by_role("link", name=label, exact=True).first
        for group, pages in GROUPS.items():
            if label in pages:
                await self.page.get_by_test_id("stTopNavSection").filter(has_text=group).click(timeout=WAIT)
                link = self.page.get_by_test_id("stTopNavDropdownLink").filter(has_text=label)
        await link.click(timeout=WAIT)
        await expect(self.page.get_by_role("heading", name=re.compile(heading)).first).to_be_visible(timeout=WAIT)

    async def _idle(self) -> None:
        await self.page.wait_for_timeout(200)
        await self.page.wait_for_selector(_IDLE, timeout=WAIT)

    async def _hold(self, right: Sequence[str]) -> None:
        """Hold the first metrics of the page, once its script has ended, against the right ones."""
        await self._idle()
        self._found.hold(self._own, await self.page.get_by_test_id("stMetricValue").all_inner_texts(), right)

    def _photo(self) -> Any:
        return self.page.get_by_role("img", name=f"Your photo {self._own.path.name}", exact=True)

    async def _look(self) -> None:
        """Hold the photo on the page against those of all visitors, and search the page for their names."""
        self._found.names(self._own, await self.page.content())
        source = await self._photo().last.get_attribute("src") or ""
        answer = await self.page.request.get(urljoin(self._address, source))
        self._found.picture(self._own, await answer.body(), self._others)


class Caller:
    """A visitor without a browser, who does the same and looks at the same; the arguments are those of `Visitor`."""

    def __init__(self, address: str, own: Own, others: Sequence[Own], cases: Cases, found: Found) -> None:
        self._address, self._own, self._others = address, own, others
        self._right, self._found = Right(own.said, cases), found

    def walk(self, number: int) -> None:
        """Walk through all pages, with the case of that number."""
        wire = Wire(self._address, WAIT / 1000)
        try:
            wire.open()
            wire.upload("Upload a photo of a landscape", self._own.path.name, self._own.path.read_bytes())
            self._found.hold(self._own, wire.metrics(), self._right.scores())
            self._look(wire)
            wire.open("disagreements")
            labels = [label for label in wire.labels() if label.startswith("Open ")]
            label = labels[number % len(labels)]
            wire.click(label)
            self._found.hold(self._own, wire.metrics(), self._right.of_case(label.removeprefix("Open ")))
            self._found.names(self._own, wire.text)
            wire.open("what_if")
            wire.click("Remove it")
            self._found.hold(self._own, wire.metrics(), self._right.without_the_strongest())
            self._look(wire)
            wire.open("compare")
            if not any("'s map: " in alt for alt in wire.pictures()):
                raise RuntimeError("Compare shows no map")
            self._found.number(self._own, next(of for of in wire.lines() if "· baseline" in of), self._right.line())
            self._look(wire)
        finally:
            wire.close()
        self._found.visits += 1

    def _look(self, wire: Wire) -> None:
        """Hold the photo on the page against those of all visitors, and search the page for their names."""
        self._found.names(self._own, wire.text)
        self._found.picture(self._own, wire.image(f"Your photo {self._own.path.name}"), self._others)


@dataclass(frozen=True)
class Place:
    """What all visitors share: the browser, the server, the photos and the gallery."""

    browser: Browser
    server: Server
    photos: Sequence[Own]
    cases: Cases
    found: Found

    @asynccontextmanager
    async def visitor(self, number: int) -> AsyncIterator[Visitor]:
        """A visitor, who leaves at the end."""
        context = await self.browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        context.set_default_timeout(WAIT)
        own = self.photos[number % len(self.photos)]
        try:
            yield Visitor(context, self.server.address, own, self.photos, self.cases, self.found)
        finally:
            await context.close()

    async def visit(self, number: int, *, browser: bool = True) -> None:
        """Let a visitor walk through all pages; what goes wrong is written down."""
        try:
            if browser:
                async with self.visitor(number) as one:
                    await one.walk(number)
            else:
                own = self.photos[number % len(self.photos)]
                caller = Caller(self.server.address, own, self.photos, self.cases, self.found)
                await asyncio.to_thread(caller.walk, number)
        except Exception as error:  # whatever it is, the other visitors go on
            self.found.wrong.append(f"visit {number}: {str(error).splitlines()[0]}")

    async def many(
        self, numbers: Iterable[int], at_once: int, say: Callable[[str], object], *, browser: bool = True
    ) -> None:
        """Let visitors come, so many at once, each as soon as another leaves."""
        waiting = iter(numbers)

        async def come() -> None:
            for number in waiting:
                known, began = len(self.found.wrong), time.monotonic()
                await self.visit(number, browser=browser)
                for sentence in self.found.wrong[known:]:
                    say(sentence)
                say(f"visit {number + 1} of {time.monotonic() - began:.0f} s: {self.found.visits} finished")

        await asyncio.gather(*(come() for _visitor in range(at_once)))

    async def timed(
        self, numbers: Iterable[int], at_once: int, say: Callable[[str], object], *, browser: bool = True
    ) -> list[float]:
        """Do the same, and return the seconds of their pages."""
        began = self.so_far()
        await self.many(numbers, at_once, say, browser=browser)
        return self.times(began)

    def times(self, since: int) -> list[float]:
        """Return the seconds of pages since the first so many."""
        return [line["seconds"] for line in self.server.lines("seconds")[since:]]

    def so_far(self) -> int:
        """Return how many pages were timed."""
        return len(self.server.lines("seconds"))


async def measure(visitors: int, visits: int, folder: Path, say: Callable[[str], object]) -> list[dict[str, Any]]:
    """Let visitors come and return the rows of the table; in each, `held` says whether it is as it must be."""
    cases = read_cases(read(ASSETS / "gallery" / "open-photos"))
    photos = own_photos(folder, min(visits, LAST))
    server = Server(folder)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(visitors + 1))  # callers wait in threads
    try:
        server.wait()
        async with chromium(yielding=True) as browser:
            place = Place(browser, server, photos, cases, Found())
            await place.many(range(_WARM), 1, say)  # warms: networks, files, imports
            rows = await _alone_and_slow(place, say)
            alone = rows.pop(0)
            few, crowd = min(FEW, visits), min(2 * FEW, visits)
            times = [await place.timed(range(few), visitors, say)]
            early = await asyncio.to_thread(server.left, _PATIENCE)
            times.append(await place.timed(range(few, crowd), visitors, say, browser=False))
            await place.many(range(crowd, visits), min(visitors, LATER), say, browser=False)
            late = await asyncio.to_thread(server.left, _PATIENCE)
    finally:
        server.stop()
    found = place.found
    slowest = max(float(np.percentile(of, 95)) for of in times if of)
    slower, grown = slowest / alone["seconds"], late["bytes"] / early["bytes"]
    return [
        _row(f"visits finished, each with upload, explanation, case, what-if and compare; {few} in a browser", visits,
             f"{found.visits - _WARM - _ALONE}", found.visits == visits + _WARM + _ALONE),
        _row("numbers on pages that differ from the command line’s or the gallery’s", found.numbers,
             str(_told(found, " instead of ")), not _told(found, " instead of ")),
        _row("photos on pages that are another visitor’s", found.pictures, str(_told(found, "the picture of")),
             not _told(found, "the picture of")),
        _row("pages with the name of another visitor’s photo", found.pages, str(_told(found, "the name ")),
             not _told(found, "the name ")),
        _row(f"95th percentile of the server’s page time, {visitors} visitors at once, in browsers or without: "
             f"at most {SLOWER} times a single visitor’s", sum(map(len, times)),
             f"{slowest:.2f} s, {slower:.1f} × {alone['seconds']:.2f} s", slower < SLOWER),
        *rows,
        _row(f"memory after {visits} visits: at most {GROWN:g} times that after {few}", visits,
             f"{late['bytes'] / 1e6:.0f} MB, {grown:.2f} × {early['bytes'] / 1e6:.0f} MB", grown < GROWN),
        _row("sessions, photos, uploads and jobs left when all visitors are gone", visits, str(of_visitors(late)),
             of_visitors(late) == 0),
    ]  # fmt: skip


async def _alone_and_slow(place: Place, say: Callable[[str], object]) -> list[dict[str, Any]]:
    """Measure a single visitor's pages, then those of another while a slow explainer runs for the first.

    Returns:
        first the single visitor's figures, then the rows.
    """
    began = place.so_far()
    alone = float(np.percentile(await place.timed(range(_ALONE), 1, say), 95))
    finished = 0
    async with place.visitor(0) as slow:
        await slow.explain()
        await slow.compare()
        await slow.slow()
        began = place.so_far()
        for number in range(1, 1 + _BESIDE):
            async with place.visitor(number) as fast:
                await fast.explain()
            if not await slow.works():
                break
            finished += 1
        beside = place.times(began)
    share = float(np.percentile(beside, 95)) / alone
    say(f"{finished} pages while a slow explainer ran")
    held = await asyncio.to_thread(place.server.left, _PATIENCE)
    return [
        {"seconds": alone},
        _row(f"pages of others finished while a visitor’s RISE ran: all, and within {SLOWER} times the usual",
             _BESIDE, f"{finished}, 95th percentile {share:.1f} ×", finished == _BESIDE and share < SLOWER),
        _row("slow explainers that go on after their visitor left", 1, str(held["slow"]), held["slow"] == 0),
    ]  # fmt: skip


_WARM, _ALONE, _BESIDE = 2, 3, 3  # visits


def _version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _told(found: Found, words: str) -> int:
    return sum(words in sentence for sentence in found.wrong)


def _row(what: str, tried: int, result: str, held: bool) -> dict[str, Any]:
    return {"what": what, "tried": tried, "result": result, "held": held}


def main(arguments: Sequence[str] | None = None) -> int:
    """Let visitors come, print the table, and store it if asked; return the exit status."""
    description = "Whether many visitors at once get their own numbers, soon, and leave nothing behind."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.visitors", description=description)
    parser.add_argument("--visitors", type=int, default=20, help=f"how many at once, of the first {FEW} (default: 20)")
    parser.add_argument("--visits", type=int, default=LAST, help=f"how many in all (default: {LAST})")
    parser.add_argument("--quick", action="store_true", help="3 at once, 6 in all: whether the program runs")
    parser.add_argument("--store", action="store_true", help=f"write {STORED.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    visitors, visits = (3, 6) if options.quick else (options.visitors, options.visits)
    if min(visitors, visits) < 1:
        parser.error("--visitors and --visits must be at least 1")
    command = f"python -m benchmarks.visitors --visitors {visitors} --visits {visits}"
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(
            measure(visitors, visits, Path(folder), lambda line: print(line, file=sys.stderr, flush=True))
        )
    for row in rows:
        print(f"{'holds' if row['held'] else 'FAILS'}  {row['what']}: {row['result']} ({row['tried']:,} tried)")
    if options.store:
        content = {
            "date": datetime.now(UTC).date().isoformat(),
            "version": _version(),
            "rows": [{**row, "held": "yes" if row["held"] else "no", "command": command} for row in rows],
        }
        STORED.parent.mkdir(exist_ok=True)
        write_atomically(STORED, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    return 0 if all(row["held"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
