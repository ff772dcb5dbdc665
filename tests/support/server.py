"""A running app and a real browser, for the browser test and for screenshots."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.paths import ROOT

WAIT = 90_000  # ms; a loaded machine is slow
HEADINGS = {  # words of each page's heading, by its path
    "": re.compile("beautiful"),
    "templates": re.compile("attribute worth"),
    "disagreements": re.compile("disagree"),
    "map": re.compile("taken"),
    "what_if": re.compile("What if"),
    "rate": re.compile("beautiful to you"),
    "label": re.compile("Label photos"),
    "discover": re.compile("no name"),
    "compare": re.compile("Compare explainers"),
    "results": re.compile("Results"),
    "about": re.compile("About"),
}
GROUPS = {"Build your own": ["Rate", "Label", "Discover"], "Evidence": ["Compare", "Results", "About"]}
NAMES = ["Explain", "What-if", "Templates", "Disagreements", "Map"]  # of the pages outside a group

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def file_input(label: str) -> str:
    """Return a selector for the input of a file uploader by its label: uploaders do not appear in the page's order."""
    return f'[data-testid="stFileUploader"]:has(label:has-text("{label}")) input[type="file"]'


PHOTO_INPUT = file_input("Upload a photo of a landscape")


@contextmanager
def running_app(folder: Path = ROOT, **variables: str) -> Iterator[str]:
    """Start the app on a free port; yield its address once it answers.

    Args:
        folder: in which it is started, with runs/ and galleries/ of its own.
        variables: of its environment.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.fileWatcherType", "none", "--server.port"]
    with served(command, folder, **variables) as address:
        yield address


@contextmanager
def served(command: Sequence[str | Path], folder: Path, **variables: str) -> Iterator[str]:
    """Start a server on a free port, which becomes the command's last word; yield its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*command, str(port)],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:  # a thread still waits for another server
            process.kill()
            process.communicate()


def _wait(address: str, process: subprocess.Popen[str], seconds: float = 60) -> None:
    for _attempt in range(int(seconds * 5)):
        if process.poll() is not None:
            raise RuntimeError(f"the app stopped on start: {process.communicate()[0]}")
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"the app did not answer at {address} within {seconds:g} s")


def wait_until_idle(page: Page) -> None:
    """Wait until the page's script has finished: a button of the previous run would no longer respond."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=WAIT)


def navigation(page: Page) -> tuple[list[str], dict[str, list[str]]]:
    """Return the names of the pages at the top of a wide page, and those in each group, opened by keyboard."""

    def names(kind: str) -> list[str]:
        return [link.inner_text().split()[-1] for link in page.get_by_test_id(kind).all()]

    expect(page.get_by_test_id("stTopNavSection")).to_have_count(len(GROUPS), timeout=WAIT)  # laid out
    groups = {}
    for group in page.get_by_test_id("stTopNavSection").all():
        group.focus()
        page.keyboard.press("Enter")
        expect(group).to_have_attribute("aria-expanded", "true", timeout=WAIT)
        groups[group.inner_text().strip()] = names("stTopNavDropdownLink")
        page.keyboard.press("Escape")
        expect(group).to_have_attribute("aria-expanded", "false", timeout=WAIT)
    return names("stTopNavLink"), groups


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=FLAGS)
        yield browser
        browser.close()


def chromium_program() -> str:
    """Return the path of the system's Chromium.

    Raises:
        RuntimeError: there is none.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for path in map(shutil.which, names) if path), None)
    if program is None:
        raise RuntimeError("the browser tests need Chromium: install Debian's package chromium, or Google Chrome")
    return program
