"""The first visitor of a fresh server comes by a deep link, as if somebody had been there before.

Beside a folder `pages/`, Streamlit runs the page's script without app.py until somebody has reached `st.navigation`,
and then never again: so this test has a server of its own, and so has the walk of `test_browser` through all
pages.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import streamlit as st
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from tests.support.paths import ROOT
from tests.support.server import GROUPS, HEADINGS, NAMES, WAIT, navigation, running_app
from ui import router


@contextmanager
def entered(browser: Browser, address: str, path: str) -> Iterator[Page]:
    """Yield the page at a path as a new visitor sees it, with the router around it."""
    with browser.new_page(viewport={"width": 1280, "height": 900}) as page:
        page.goto(f"{address}/{path}")
        heading = HEADINGS[path.partition("?")[0].replace("explain", "")]
        expect(page.get_by_role("heading", name=heading).first).to_be_visible(timeout=WAIT)
        assert navigation(page) == (NAMES, GROUPS)
        expect(page.get_by_test_id("stSidebar").get_by_text("Networks", exact=True)).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        yield page


def test_a_link_to_an_attribute_is_the_first_visit(browser):
    with running_app() as address, entered(browser, address, "templates?attribute=ocean") as page:
        expect(page.get_by_role("heading", name="Ocean", exact=True)).to_be_visible(timeout=WAIT)
        expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_no_page_runs_without_the_router(path, monkeypatch):
    """A script that Streamlit runs alone goes the router's way before it shows anything of its own."""
    ways = []
    monkeypatch.setattr(router, "ensure", lambda: ways.append(path) or st.stop())
    app = AppTest.from_file(path).run()
    assert ways == [path]
    assert not app.exception and len(app.main) == 0
