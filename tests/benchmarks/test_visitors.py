"""A few visitors at once: their own numbers and photos, and no waiting for others' slow methods."""

import asyncio
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import visitors
from benchmarks.visitors import Found, Place, Server
from benchmarks.wire import Wire
from siam.gallery.cases import read_cases
from siam.gallery.store import read
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return visitors.own_photos(tmp_path_factory.mktemp("photos"), 3)


@pytest.fixture
def server(tmp_path):
    """The app, watched."""
    of = Server(tmp_path, lost=10)
    of.wait()
    yield of
    of.stop()


def run(work):
    """Run a coroutine in a thread of its own: the browser of other tests may have an event loop in this one."""
    errors = []

    def begin():
        try:
            asyncio.run(work)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def test_visitors_have_their_own_numbers_and_wait_for_nobody(server, photos):
    cases, found = read_cases(read(ROOT / "assets" / "gallery" / "open-photos")), Found()
    there, working = [], []

    async def visits():
        async with visitors.chromium() as browser:
            place = Place(browser, server, photos, cases, found)
            async with place.visitor(0) as slow:
                await slow.explain()
                await slow.compare()
                await slow.slow(".*")
                await asyncio.gather(two_pages(place, 1), two_pages(place, 2))
                working.append(await slow.works())
                there.append(await asyncio.to_thread(server.held))

    async def two_pages(place, number):
        async with place.visitor(number) as one:
            await one.explain()
            await one.what_if()

    run(visits())
    assert found.wrong == []
    assert (found.numbers, found.pictures, found.pages) == ((2 + 1) + 2 * (2 + 3), 2 + 2 * 2, 2 + 2 * 2)
    assert working == [True]  # the slow methods of one were not done when two others had finished
    (during,) = there
    assert during["sessions"] >= 1 and during["photos"] >= 1 and during["slow"] == 1
    left = server.left(120)  # though nobody else comes, what was theirs is freed, and slow work stops
    assert {name: left[name] for name in ("sessions", "uploads", "pictures", "slow")} == {
        "sessions": 0, "uploads": 0, "pictures": 0, "slow": 0
    }  # fmt: skip


def test_what_a_visitor_left_is_freed_even_if_the_server_was_busy_until_streamlit_forgot_the_session(tmp_path, photos):
    own, server = photos[0], Server(tmp_path, lost=4)
    server.wait()
    try:
        wire = Wire(server.address, 300)
        wire.open()
        wire.upload("Upload a photo of a landscape", own.path.name, own.path.read_bytes())
        held = server.held()
        wire.close()
        time.sleep(1)  # until the server knows
        os.kill(server.process, signal.SIGSTOP)
        time.sleep(5)
        os.kill(server.process, signal.SIGCONT)
        left = server.left(60)
    finally:
        server.stop()
    assert (held["sessions"], held["uploads"]) == (1, 1)
    assert (left["sessions"], left["uploads"]) == (0, 0)


def test_a_visitor_without_a_browser_sees_what_one_with_a_browser_sees(server, photos):
    cases = read_cases(read(ROOT / "assets" / "gallery" / "open-photos"))
    seen, called = Found(), Found()

    async def visits():
        async with visitors.chromium() as browser:
            await Place(browser, server, photos, cases, seen).many([0, 1], 2, print)
            await Place(browser, server, photos, cases, called).many([0, 1], 2, print, browser=False)

    run(visits())
    assert seen == called and seen.wrong == []
    assert (seen.visits, seen.numbers, seen.pictures, seen.pages) == (2, 2 * (2 + 2 + 3 + 1), 2 * 3, 2 * 4)
    pages = [line["page"] for line in server.lines("seconds")]
    for page in ("disagreements", "what_if", "compare"):  # the server's work is the same, too
        assert pages[: len(pages) // 2].count(page) == pages[len(pages) // 2 :].count(page) > 0


def test_what_differs_is_noticed(photos):
    found = Found()
    found.number(photos[0], "5.00 of 7", "5.00 of 7")
    assert found.wrong == []
    found.number(photos[0], "5.00 of 7", "5.01 of 7")
    assert found.numbers == 2 and found.wrong == [f"{photos[0].path.name}: '5.00 of 7' instead of '5.01 of 7'"]
    found.hold(photos[0], ["5.00 of 7"], ["5.00 of 7", "4.00 of 7"])
    assert found.numbers == 4 and found.wrong[1:] == [f"{photos[0].path.name}: 'nothing' instead of '4.00 of 7'"]
    found.picture(photos[0], photos[0].path.read_bytes(), photos)
    found.picture(photos[0], photos[1].path.read_bytes(), photos)
    found.names(photos[0], f"{photos[0].path.name} {photos[2].path.name}")
    assert found.wrong[2:] == [
        f"{photos[0].path.name}: the picture of {photos[1].path.name}",
        f"{photos[0].path.name}: the name {photos[2].path.name}",
    ]


@pytest.mark.parametrize("held", [True, False])
def test_the_table_is_printed_and_stored_and_the_exit_status_says_whether_all_holds(
    held, monkeypatch, tmp_path, capsys
):
    async def measured(at_once, visits, _folder, _say):
        return [{"what": f"{visits} visits, {at_once} at once", "tried": visits, "result": "1", "held": held}]

    monkeypatch.setattr(visitors, "measure", measured)
    monkeypatch.setattr(visitors, "STORED", tmp_path / "docs" / "visitors.json")
    monkeypatch.setattr(visitors, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.8"\n')
    with ThreadPoolExecutor(1) as thread:  # the browser of other tests may have an event loop in this one
        status = thread.submit(visitors.main, ["--visitors", "4", "--visits", "1000", "--store"]).result()
    assert status == (0 if held else 1)
    word = "holds" if held else "FAILS"
    assert capsys.readouterr().out == f"{word}  1000 visits, 4 at once: 1 (1,000 tried)\n"
    content = json.loads((tmp_path / "docs" / "visitors.json").read_text(encoding="utf-8"))
    assert content["version"] == "9.8" and content["rows"] == [
        {"what": "1000 visits, 4 at once", "tried": 1000, "result": "1", "held": "yes" if held else "no",
         "command": "python -m benchmarks.visitors --visitors 4 --visits 1000"}
    ]  # fmt: skip


@pytest.mark.parametrize("words", [["--visitors", "0"], ["--visits", "-1"]])
def test_nobody_is_no_measurement(words, capsys):
    with pytest.raises(SystemExit):
        visitors.main(words)
    assert "at least 1" in capsys.readouterr().err
