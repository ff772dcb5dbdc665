"""The first visitor of a fresh server comes by a deep link: to every page, as if somebody had been there before.

Beside a folder `pages/`, Streamlit runs the page's script without app.py until somebody has reached `st.navigation`,
and then never again. So one server shows the fault once, and each page here is entered on a server of its own, which is
left as soon as the heading is there: the router has done its part by then.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.paths import ROOT
from tests.support.server import HEADINGS, WAIT, running_app


@contextmanager
def entered(browser: Browser, path: str) -> Iterator[Page]:
    """Yield the page at a path as the first visitor of a fresh server sees it, with the router around it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with running_app() as address:
        page.goto(f"{address}/{path}")
        heading = HEADINGS[path.partition("?")[0].replace("explain", "")]
        expect(page.get_by_role("heading", name=heading).first).to_be_visible(timeout=WAIT)
        expect(page.get_by_test_id("stTopNavLink")).to_have_count(len(HEADINGS))
        expect(page.get_by_test_id("stSidebar").get_by_text("Networks", exact=True)).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        yield page
    page.close()


def test_a_link_to_an_attribute_is_the_first_visit(browser):
    with entered(browser, "templates?attribute=ocean") as page:
        expect(page.get_by_role("heading", name="Ocean", exact=True)).to_be_visible(timeout=WAIT)
        expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("path", sorted({path.stem for path in (ROOT / "pages").glob("*.py")} - {"templates"}))
def test_every_page_is_a_way_in(browser, path):
    with entered(browser, path):
        pass
