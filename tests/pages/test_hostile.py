"""Markup of every kind, wherever text from outside goes: pages show it as it is, and nothing in it takes effect."""

import io
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.hostile import FILE, KINDS, TEXT, hostile_place
from tests.support.server import PHOTO_INPUT, WAIT, file_input, running_app, wait_until_idle

# What took effect, as markup; headings link to themselves, and pages to each other.
TAKEN = r"""() => {
  const found = [];
  const add = elements => found.push(...[...elements].map(element => element.outerHTML.slice(0, 200)));
  const all = selector => [...document.querySelectorAll(selector)];
  add(all("[href]").filter(link => new URL(link.href, location).host.includes("evil")));
  add(all("a").filter(link => link.protocol == "mailto:"));
  add(all("[src*='evil'], [src='x'], .katex, [alt='Streamlit logo'], [aria-label='skull icon']"));
  const alone = /^\s*(strong|leaning|gone|typed|bold|redder|smaller|badge|link|photo)\s*$/;
  add(all("strong, b, em, i, del, s, u, a, code, span, tspan").filter(element => alone.test(element.textContent)));
  const signs = /[\u{1F355}\u{1F44D}\u2194\u2192\u2190\u2014\u2265\u2264\u2248\u00A9]/u;
  const leaves = all("p, span, li, td, label, text").filter(element => !element.childElementCount);
  add(leaves.filter(element => signs.test(element.textContent)));
  if (document.title.includes("taken")) found.push("a script ran");
  return found;
}"""
PATHS = {
    "explain": (),
    "templates": (),
    "disagreements": (),
    f"disagreements?case={quote(TEXT)}": (TEXT,),
    f"disagreements?case=no-{quote(TEXT)}": (TEXT,),
    f"what_if?edits={quote(TEXT)}": (TEXT,),
    "compare?methods=cam": (),
    f"results?table={quote('Scores and people')}": (TEXT,),
    f"results?table={quote('Model cards')}": (TEXT,),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with running_app(hostile_place(tmp_path_factory.mktemp("hostile"))) as address:
        yield address


@pytest.fixture
def page(browser, place):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    strangers: list[str] = []

    def asked(request):
        if urlsplit(request.url).scheme.startswith("http") and not request.url.startswith(place):
            strangers.append(request.url)

    page.on("request", asked)
    yield page
    assert strangers == []
    page.close()


def entered(page: Page, place: str, path: str) -> None:
    names = f"pair={quote(f'runs/{FILE[:200]}')}&gallery={quote(FILE[:200])}"
    page.goto(f"{place}/{path}{'&' if '?' in path else '?'}{names}")
    expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=WAIT)
    settled(page)


def settled(page: Page) -> None:
    page.wait_for_timeout(500)
    wait_until_idle(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def shown(page: Page) -> str:
    """What the page says, without spaces of no width."""
    return " ".join(page.locator("body").inner_text().replace("\u200b", "").split())


def jpeg() -> bytes:
    content, pixels = io.BytesIO(), np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


def test_what_takes_effect_is_noticed(browser):
    page = browser.new_page()
    for markup in (
        "<a href='https://evil.example'>a</a>", "<a href='mailto:me@evil.example'>a</a>", "<img src='x'>",
        "<p>a <strong>strong</strong></p>", "<span style='color: red'>redder</span>", "<p>\u2192</p>",
        "<span class='katex'>x</span>",
    ):  # fmt: skip
        page.set_content(markup)
        assert page.evaluate(TAKEN), markup
    page.close()


@pytest.mark.parametrize("path", PATHS)
def test_nothing_takes_effect_on_a_page(page, place, path):
    entered(page, place, path)
    assert page.evaluate(TAKEN) == []
    text = shown(page)
    for wanted in PATHS[path]:
        assert wanted in text
    if not path.startswith("results"):
        assert any(kind in text for kind in KINDS.values())


def test_nothing_takes_effect_in_charts_and_dialogs(page, place):
    page.set_viewport_size({"width": 1900, "height": 900})  # room for long names beside the bars
    entered(page, place, f"disagreements?case={quote(TEXT)}")
    page.get_by_role("button", name="Look closer").first.click()
    expect(page.get_by_role("dialog").get_by_role("img")).to_have_count(3, timeout=WAIT)
    settled(page)
    assert page.evaluate(TAKEN) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=WAIT)
    waterfall = page.locator(".js-plotly-plot").last
    expect(waterfall.locator(".yaxislayer-above")).to_contain_text("<b>bold</b>", timeout=WAIT)
    bar = waterfall.locator(".barlayer path").first
    bar.scroll_into_view_if_needed()
    bar.hover(force=True)
    expect(waterfall.locator(".hoverlayer")).to_contain_text(", to ", timeout=WAIT)
    assert page.evaluate(TAKEN) == []
    entered(page, place, "disagreements")
    mark = page.get_by_test_id("stVegaLiteChart").locator(".mark-symbol.role-mark path").first
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    expect(page.locator("#vg-tooltip-element")).to_contain_text("bold", timeout=WAIT)
    assert page.evaluate(TAKEN) == []


def test_nothing_takes_effect_in_names_of_uploads(page, place):
    entered(page, place, "explain")
    name = f"{FILE[:200]}.jpg"
    upload = page.locator(PHOTO_INPUT)
    upload.set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": b"no photo"})
    expect(page.get_by_test_id("stAlert")).to_contain_text("![photo]", timeout=WAIT)
    settled(page)
    assert page.evaluate(TAKEN) == []
    upload.set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": jpeg()})
    expect(page.get_by_test_id("stMain")).to_contain_text("# <img", timeout=WAIT)
    settled(page)
    assert page.evaluate(TAKEN) == []
    page.get_by_role("button", name="Add a gallery").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible(timeout=WAIT)
    settled(page)
    photo = {"name": name, "mimeType": "image/jpeg", "buffer": b"no photo"}
    table = {
        "name": f"{FILE[:200]}.csv",
        "mimeType": "text/csv",
        "buffer": f"file,score\n{FILE[:200]},{TEXT}\n".encode(),
    }
    dialog.locator(file_input("Photos")).set_input_files(photo)
    settled(page)
    dialog.locator(file_input("ratings (optional)")).set_input_files(table)
    expect(dialog.get_by_test_id("stAlert").first).to_contain_text("![photo]", timeout=WAIT)
    settled(page)
    assert page.evaluate(TAKEN) == []
