"""A person's first minutes, in a real browser."""

import io
import json

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect

import siam
from siam.drawing import phrases
from siam.explanation import wording
from siam.gallery.samples import load_samples
from siam.images.reading import read_image
from tests.support.server import WAIT, wait_until_idle


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A real photo that is no sample: one of them mirrored, cropped and stored anew."""
    path = tmp_path_factory.mktemp("photos") / "my photo.jpg"
    with Image.open(load_samples()[1].path) as picture:
        ImageOps.mirror(picture).crop((100, 50, 1000, 700)).save(path, quality=92)
    return path


@pytest.fixture(scope="module")
def explanation(photo):
    return siam.explain(siam.load("photo"), read_image(photo))


@pytest.fixture(scope="module")
def page(browser: Browser, address: str, photo, explanation):
    """The page Explain with the photo, which all tests read; what one opens it closes, and the bad file comes last."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page.goto(address)
    expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=WAIT)
    page.locator('input[type="file"]').first.set_input_files(photo)
    score = phrases.score_text(explanation.scenicness, explanation.scale)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(score, timeout=WAIT)
    wait_until_idle(page)
    yield page
    page.close()


def framed_maps(page: Page):
    return page.get_by_role("button", name="Look closer")


def test_uploaded_photo_is_explained(page: Page, explanation):
    values = page.get_by_test_id("stMetricValue")
    expect(values.nth(1)).to_have_text(phrases.score_text(explanation.baseline_scenicness, explanation.scale))
    expect(page.get_by_text(wording.sentence(explanation))).to_be_visible(timeout=WAIT)
    expect(framed_maps(page)).to_have_count(8, timeout=WAIT)
    for item in explanation.ranking(count=8):
        text = wording.attribute_map_text(explanation, item.index)
        expect(page.get_by_role("img", name=text, exact=True)).to_be_visible(timeout=WAIT)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def download(page: Page, label: str) -> bytes:
    with page.expect_download(timeout=WAIT) as waiting:
        page.get_by_role("button", name=label).click(timeout=WAIT)
    return waiting.value.path().read_bytes()


def test_downloads_hold_what_the_page_shows(page: Page, explanation):
    figure = Image.open(io.BytesIO(download(page, "Figure (PNG)")))
    assert min(figure.size) > 500
    data = json.loads(download(page, "Data (JSON)"))
    assert data["siam"]["score"] == pytest.approx(explanation.scenicness, abs=1e-5)
    total = sum(data["siam"]["contributions"].values())
    assert total + data["siam"]["bias"] == pytest.approx(data["siam"]["score"], abs=1e-5)
    assert wording.sentence(explanation) in download(page, "Report (HTML)").decode()
    assert download(page, "Figure (SVG)").startswith(b"<svg")


def test_attribute_opens_in_a_dialog(page: Page, explanation):
    first = explanation.ranking()[0]
    framed_maps(page).first.click(timeout=WAIT)
    dialog = page.get_by_role("dialog")
    heading = f"{phrases.words(first.attribute)} {phrases.signed(first.value)}"
    expect(dialog.get_by_text(heading, exact=True)).to_be_visible(timeout=WAIT)
    expect(dialog.get_by_role("img")).to_have_count(3, timeout=WAIT)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0, timeout=WAIT)


def test_bad_file_says_why_and_keeps_the_photo(page: Page, explanation, tmp_path):
    bad = tmp_path / "holiday.jpg"
    bad.write_bytes(b"not a picture")
    page.locator('input[type="file"]').first.set_input_files(bad)
    expect(page.get_by_test_id("stAlert").get_by_text("holiday.jpg")).to_be_visible(timeout=WAIT)
    score = phrases.score_text(explanation.scenicness, explanation.scale)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(score, timeout=WAIT)
