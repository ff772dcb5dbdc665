"""How long people wait for the app: from an upload to the finished page, and from the start to a first explanation."""

import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page

import siam
from benchmarks.measuring import alone, at_most, compared, paired, progress, timed
from benchmarks.photos import write_photos
from siam.evaluation.figures import Measurement
from siam.explanation import wording
from siam.gallery.samples import load_samples
from siam.images.reading import read_image
from tests.support.paths import ROOT
from tests.support.server import PHOTO_INPUT, WAIT, chromium, running_app

PART = "App"
IMPORT = "import torch, streamlit"
ANSWERED = """sentence =>
    [...document.querySelectorAll("h5")].some(heading => heading.textContent.includes(sentence))
"""
FINISHED = """sentence =>
    document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning"
    && [...document.querySelectorAll("h5")].some(heading => heading.textContent.includes(sentence))
    && document.querySelector(".js-plotly-plot .main-svg") !== null
    && [...document.images].every(image => image.complete && image.naturalWidth > 0)
"""


def upload(rounds: int, folder: Path) -> list[Measurement]:
    """Measure the time from choosing a photo's file to the finished page Explain, in a browser."""
    pair = siam.load("photo", device="cpu")
    files = write_photos(folder, rounds + 1, first=10_000)
    sentences = [wording.sentence(siam.explain(pair, read_image(path))) for path in files]
    answered, taken = [], []
    with running_app() as address, chromium() as browser:
        page = _opened(browser, address)
        for number in progress(range(len(files)), "upload"):
            began = time.perf_counter()
            page.locator(PHOTO_INPUT).set_input_files(files[number])
            _wait(page, sentences[number], ANSWERED)
            answered.append(time.perf_counter() - began)
            _wait(page, sentences[number])
            taken.append(time.perf_counter() - began)
    return [
        alone(
            answered[1:],
            name="upload/answer",
            part=PART,
            description="Upload to answer",
            unit="s",
            note="in Chromium on the same machine, from choosing a photo of 1200 px to its scores and the sentence "
            "below them; another photo each time",
        ),
        alone(
            taken[1:],  # the first one warms
            name="upload",
            part=PART,
            description="Upload to finished page",
            unit="s",
            goal=at_most(0.4, of="ours"),
            note="the same uploads, to the last picture on the page",
        ),
    ]


def start(rounds: int) -> list[Measurement]:
    """Measure the time from the start of a process to a first explained photo: in a terminal, and in a browser."""
    sample = load_samples()[0]
    command = [sys.executable, "-m", "siam", "explain", str(sample.path)]

    explained, imported = (timed(lambda line=line: _run(line)) for line in (command, [sys.executable, "-c", IMPORT]))
    paired(explained, imported, 1)  # warms: the files are in memory, the networks converted
    terminal = paired(explained, imported, rounds, "start")
    sentence = wording.sentence(siam.explain(siam.load("photo", device="cpu"), read_image(sample.path)))
    answered = []
    with chromium() as browser:

        def served() -> float:
            began = time.perf_counter()
            with running_app() as address:
                page = _opened(browser, address, sentence, ANSWERED)
                answered.append(time.perf_counter() - began)
                _wait(page, sentence)
                taken = time.perf_counter() - began
                page.close()
            return taken

        in_browser = paired(served, imported, rounds, "start/app")
    against = f'python -c "{IMPORT}"'
    return [
        compared(
            terminal,
            name="start",
            part=PART,
            description="First photo, terminal",
            against=against,
            unit="s",
            goal=at_most(1.5, of="ours"),
            note="python -m siam explain PHOTO, from start to end; its files are in memory, the networks converted",
        ),
        alone(
            answered,
            name="start/answer",
            part=PART,
            description="First answer, browser",
            unit="s",
            note="from the start of the server to the scores of the sample photo on the page Explain, and the sentence "
            "below them",
        ),
        compared(
            in_browser,
            name="start/app",
            part=PART,
            description="First photo, browser",
            against=against,
            unit="s",
            goal=at_most(4, of="ours"),
            note="the same starts, to the last picture on the page",
        ),
    ]


def _opened(browser: Browser, address: str, sentence: str = "", condition: str = FINISHED) -> Page:
    """Return the page Explain once it shows a sentence, by default once it is finished."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    _wait(page, sentence, condition)
    return page


def _wait(page: Page, sentence: str, condition: str = FINISHED) -> None:
    page.wait_for_function(condition, arg=sentence, polling="raf", timeout=WAIT)


def _run(command: list[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
