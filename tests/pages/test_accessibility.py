"""Every page as axe-core judges it: light, dark and on a phone; what Streamlit itself causes is listed here."""

import re
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import ImageColor
from playwright.sync_api import Browser, Page, expect

from siam.drawing.palettes import BLUE_ORANGE, GREEN_MAGENTA
from tests.support.server import HEADINGS, WAIT, wait_until_idle

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
CASE = "pair=Rendered&case=898"
ADDRESSES = {  # each page, and the states that look different
    "explain": "?with=lake-boats",
    "context": "?counting=With+context",
    "templates": "templates?attribute=wire&row=2&column=3&halves=true",
    "disagreements": "disagreements",
    "case": f"disagreements?{CASE}",
    "map": "map",
    "what_if": f"what_if?{CASE}&edits=transport:scale:0",
    "rate": "rate",
    "label": "label",
    "discover": "discover",
    "compare": f"compare?{CASE}",
    "results": "results",
    "results: truth": "results?table=What,+where,+how&pair=Rendered",
    "results: context": "results?table=With+context",
    "results: explainers": "results?table=Explainers",
    "about": "about",
}


class Cause(NamedTuple):
    """What Streamlit, or a library in it, causes: a rule of axe, and what the markup of the element holds."""

    rule: str
    markup: str
    why: str


STREAMLIT = (  # docs/explanation/accessibility.md has the same list
    Cause("presentation-role-conflict", "stFileUploaderDropzone", "st.file_uploader labels a part without a role"),
    Cause("svg-img-alt", "area_brush", "Vega gives no text to the box that is drawn over a chart"),
    Cause("scrollable-region-focusable", "katex-display", "a formula in Markdown scrolls, but takes no focus"),
    Cause("list", "stSidebarNavItems", "on a phone, st.navigation puts groups of pages between a list and its items"),
    Cause("listitem", '<li class="st-emotion-cache', "the items in these groups are, to axe, in no list"),
)


def violations(page: Page, *rules: str) -> list[tuple[str, str, str]]:
    """What axe finds on a page as it is: rule, markup and reason of each element; with `rules`, by these alone."""
    only = {"runOnly": list(rules)} if rules else {}
    page.evaluate(AXE)
    found = page.evaluate("only => axe.run(document, {resultTypes: ['violations'], ...only})", only)["violations"]
    return [
        (rule["id"], node["html"][:300], "; ".join(of["message"] for of in node["any"] + node["all"] + node["none"]))
        for rule in found
        for node in rule["nodes"]
    ]


def light(page: Page, scheme: str) -> None:
    """Change to light or dark, and wait until every colour has arrived."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        "dark => (parseInt(getComputedStyle(document.querySelector('[data-testid=stApp]'))"
        ".backgroundColor.match(/\\d+/)[0]) < 128) === dark",
        arg=scheme == "dark",
        timeout=WAIT,
    )
    page.wait_for_timeout(300)  # transitions begin
    page.wait_for_function(
        "document.getAnimations().every(of => of.playState !== 'running'"
        " || !isFinite(of.effect.getTiming().iterations))",
        timeout=WAIT,
    )


def in_every_light(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds on an open page in the light theme, in the dark one, and on a phone."""
    found = violations(page)
    light(page, "dark")
    found += violations(page, "color-contrast")
    light(page, "light")
    page.set_viewport_size(NARROW)
    page.wait_for_timeout(300)
    found += violations(page)
    page.set_viewport_size(WIDE)
    return found


def come_to_rest(page: Page) -> None:
    page.wait_for_timeout(400)
    wait_until_idle(page)
    page.wait_for_function("[...document.images].every(image => image.complete)", timeout=WAIT)
    page.wait_for_timeout(300)  # charts and dialogs fade in


@pytest.fixture(scope="module")
def found(browser: Browser, address: str) -> dict[str, list[tuple[str, str, str]]]:
    """What axe finds, by the state of a page."""
    page = browser.new_page(viewport=WIDE, color_scheme="light")
    answers = {}
    for name, path in ADDRESSES.items():
        page.goto(f"{address}/{path}")
        words = HEADINGS[path.partition("?")[0]]
        expect(page.get_by_role("heading", name=words).first).to_be_visible(timeout=WAIT)
        come_to_rest(page)
        answers[name] = in_every_light(page)
        if name == "explain":
            for button in ("Add a gallery", "Look closer"):
                page.get_by_role("button", name=button).first.click(timeout=WAIT)
                expect(page.get_by_role("dialog")).to_be_visible(timeout=WAIT)
                come_to_rest(page)
                answers[f"dialog: {button}"] = in_every_light(page)
                page.keyboard.press("Escape")
                expect(page.get_by_role("dialog")).to_have_count(0, timeout=WAIT)
                page.mouse.move(640, 2)  # off the button, whose tooltip would cover the next
    page.close()
    return answers


def causes(rule: str, markup: str) -> list[Cause]:
    return [cause for cause in STREAMLIT if cause.rule == rule and cause.markup in markup]


def test_nothing_that_is_ours_is_out_of_reach(found):
    ours = {
        name: [f"{rule}: {markup} ({reason})" for rule, markup, reason in of if not causes(rule, markup)]
        for name, of in found.items()
    }
    assert {name: of for name, of in ours.items() if of} == {}


def test_what_streamlit_causes_still_occurs(found):
    """What it has mended is struck off the list."""
    seen = {cause for of in found.values() for rule, markup, _ in of for cause in causes(rule, markup)}
    assert set(STREAMLIT) - seen == set()


def test_the_documentation_lists_what_streamlit_causes():
    text = (Path(__file__).parents[2] / "docs/explanation/accessibility.md").read_text(encoding="utf-8")
    for cause in STREAMLIT:
        assert re.search(rf"^\| `{cause.rule}` \| {re.escape(cause.why)} \|$", text, re.MULTILINE), cause


def nearest(page: Page, picture: str | None, colour: str) -> int:
    """How far the nearest pixel of a picture, as the browser decodes it, is from a colour, in its worst channel."""
    return page.evaluate(
        """async ([source, colour]) => {
            const bitmap = await createImageBitmap(await (await fetch(source)).blob());
            const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
            pen.drawImage(bitmap, 0, 0);
            const pixels = pen.getImageData(0, 0, bitmap.width, bitmap.height).data;
            let least = 255;
            for (let i = 0; i < pixels.length; i += 4)
                least = Math.min(least, Math.max(...colour.map((value, k) => Math.abs(value - pixels[i + k]))));
            return least;
        }""",
        [picture, list(ImageColor.getrgb(colour))],
    )


def test_chosen_colours_reach_fragments_files_and_the_address(browser: Browser, address: str):
    """A fragment runs alone, in another thread than the page, and a file is made in one more, on the click."""
    page = browser.new_page(viewport=WIDE, accept_downloads=True)
    page.goto(f"{address}/?colours={BLUE_ORANGE.name}&count=4")
    tiles = page.get_by_role("img", name=re.compile("^map of "))
    expect(tiles).to_have_count(4, timeout=WAIT)
    come_to_rest(page)
    largest = tiles.first.get_attribute("alt") or ""
    assert "contributes +" in largest
    page.get_by_text("name", exact=True).click()  # the order, which the fragment alone takes up
    expect(tiles.first).not_to_have_attribute("alt", largest, timeout=WAIT)
    come_to_rest(page)
    framed = page.get_by_role("img", name=largest, exact=True).get_attribute("src")
    assert nearest(page, framed, BLUE_ORANGE.positive) < 20
    for tile in tiles.all():
        of = tile.get_attribute("src")
        assert min(nearest(page, of, colour) for colour in (GREEN_MAGENTA.positive, GREEN_MAGENTA.negative)) > 40
    page.locator("summary", has_text="Figure for print").last.click(timeout=WAIT)
    page.get_by_text("SVG", exact=True).click(timeout=WAIT)
    come_to_rest(page)
    with page.expect_download(timeout=WAIT) as waiting:
        page.get_by_role("button", name="Download the figure").click(timeout=WAIT)
    figure = waiting.value.path().read_text(encoding="utf-8")
    assert BLUE_ORANGE.positive in figure and GREEN_MAGENTA.positive not in figure
    page.get_by_role("link", name="Templates", exact=True).click()  # while the figure for print is open
    expect(page.get_by_text(BLUE_ORANGE.legend)).to_be_visible(timeout=WAIT)
    assert f"colours={BLUE_ORANGE.name}" in page.url
    page.close()
