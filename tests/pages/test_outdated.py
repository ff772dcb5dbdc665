"""In a real browser: a gallery that an earlier version scored says so, and one click scores it again."""

from playwright.sync_api import expect

from siam.gallery import store
from tests.support.server import WAIT, running_app, wait_until_idle
from tests.support.versions import MORE, older_gallery

NARROW = 390


def test_a_click_scores_a_gallery_again(browser, tmp_path):
    folder = older_gallery(tmp_path) / "galleries" / "walk"
    before = store.read(folder).photos["siam"]
    with running_app(tmp_path) as address, browser.new_page(viewport={"width": NARROW, "height": 900}) as page:
        page.goto(f"{address}/disagreements?pair=runs%2Ftiny&v=1.0-abcdef")
        line = page.get_by_text("Scored by tiny 1.0 on")
        expect(line).to_be_visible(timeout=WAIT)
        expect(page.get_by_text("This link was made with networks of version 1.0")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
        wait_until_idle(page)  # while the page draws, the button of the run before is still there
        page.locator(".st-key-score-again").get_by_role("button").click()
        expect(line).to_have_count(0, timeout=WAIT)
        expect(page.get_by_test_id("stException")).to_have_count(0)
    after = store.read(folder)
    assert after.about.version == "1.1"
    assert abs(after.photos["siam"] - before - MORE).max() < 1e-3
