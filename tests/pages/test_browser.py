"""The pages in a real browser: from the worst disagreement to a link that can be sent, and a first photo."""

import io
import json
import os
import re
from contextlib import nullcontext
from pathlib import Path
from statistics import fmean
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Locator, Page, expect
from pypdf import PdfReader

import siam
from siam.comparison import thumbnails
from siam.comparison import values as values_table
from siam.drawing import phrases
from siam.evaluation.stored import STORED
from siam.evaluation.stored import read as read_result
from siam.explainers.references import REFERENCES
from siam.explainers.registry import title
from siam.explanation import wording
from siam.figures.comparison import measures_of
from siam.gallery.cases import Filters, read_cases
from siam.gallery.samples import load_samples
from siam.gallery.store import read
from siam.images.reading import read_image
from siam.results.explainers import comparisons
from tests.support.paths import ROOT
from tests.support.server import GROUPS, HEADINGS, NAMES, PHOTO_INPUT, WAIT, navigation, running_app, wait_until_idle

NARROW = 390  # px; what is wider than the screen shows here first


TITLE = "Picos de Europa"  # of the photo in the figure of the method


@pytest.fixture(scope="module")
def cases():
    return read_cases(read(ROOT / "assets" / "gallery" / "rendered"))


@pytest.fixture
def folder(tmp_path):
    """Where screenshots go: SCREENSHOTS of the environment, or a folder of the test."""
    pictures = Path(os.environ.get("SCREENSHOTS", tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    return pictures


def watched(browser: Browser, address: str, width: int, theme: str = "light") -> tuple[Page, list[str]]:
    """A page that writes down what goes wrong: errors of its scripts, answers missing, and every other host."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"error {error}"))

    def heard(message):
        # Below the address of a page, the client first looks for a server there; that one answer is missing. A picture
        # of a view that was left while it loaded is no longer served; settle() looks at those that are shown.
        at = message.location.get("url", "")
        passing = "/_stcore/" in at or "/media/" in at or "Image source error" in message.text
        if message.type == "error" and not passing:
            troubles.append(f"console {message.text} {message.location}")

    def asked(request):
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(address):
            troubles.append(f"another host {request.url}")

    page.on("console", heard)
    page.on("request", asked)
    return page, troubles


def settle(page: Page) -> None:
    """Wait until the page stands still, without an error and with every picture whole."""
    page.wait_for_timeout(400)
    wait_until_idle(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    broken = "[...document.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.src)"
    page.wait_for_function(f"{broken}.length == 0", timeout=WAIT)


def nothing_is_wider(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_test_id("stMain").evaluate("element => element.scrollWidth") <= width


def query(page: Page) -> dict[str, str]:
    """The parameters of the address, but for the version of the networks, which `test_links` is about."""
    found = {name: values[-1] for name, values in parse_qs(urlsplit(page.url).query).items()}
    found.pop("v", None)
    return found


def until_query(page: Page, name: str, value: str | None) -> None:
    """Wait until the address has a parameter with a value, or None: does not have it."""
    for _attempt in range(300):
        if query(page).get(name) == value:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{name} is {query(page).get(name)!r}, not {value!r}: {page.url}")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse from one place to another."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    page.mouse.up()


def centre(mark: Locator) -> tuple[float, float]:
    """Where a mark is on the screen."""
    box = mark.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def open_with_plot(browser: Browser, address: str, path: str) -> tuple[Page, list[str], Locator]:
    """A wide page that has come to rest, what went wrong on it, and its first plotly chart."""
    page, troubles = watched(browser, address, 1280)
    page.goto(f"{address}/{path}")
    chart = page.locator(".js-plotly-plot").first
    expect(chart).to_be_visible(timeout=WAIT)
    settle(page)
    return page, troubles, chart


def draw_a_box(page: Page, chart: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a box in a plotly chart from one place to another, each as shares of its width and height."""
    chart.scroll_into_view_if_needed()
    box = chart.locator(".nsewdrag").first.bounding_box()
    first, last = ((box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end))
    drag(page, first, last)


def values(page: Page) -> list[str]:
    return page.get_by_test_id("stMetricValue").all_inner_texts()


def test_from_the_worst_disagreement_to_a_link(browser, address, cases, folder):
    width = NARROW
    page, troubles = watched(browser, address, width)
    row = int(cases.select(Filters())[0])
    case = cases.table.iloc[row]
    identifier = case["identifier"]

    # See the worst disagreement, and understand it from its card.
    page.goto(f"{address}/disagreements?pair=Rendered")
    first = page.get_by_role("button", name=re.compile("^Open ")).first
    expect(first).to_have_text(f"Open {identifier}", timeout=WAIT)
    card = page.get_by_text(f"SIAM {phrases.number(case['siam'])} · baseline {phrases.number(case['baseline'])}")
    expect(card.first).to_be_visible()
    settle(page)
    nothing_is_wider(page, width)
    page.screenshot(path=folder / f"disagreements-{width}.png", full_page=True)

    # Open its explanation.
    first.click()
    scores = [phrases.score_text(case[name], cases.gallery.about.scale) for name in ("siam", "baseline")]
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(scores[0], timeout=WAIT)
    settle(page)
    assert values(page)[:2] == scores
    expect(page.get_by_text("What happened:")).to_be_visible()
    nothing_is_wider(page, width)
    assert query(page) == {"pair": "Rendered", "case": identifier}
    page.screenshot(path=folder / f"case-{width}.png", full_page=True)

    # Change it in What-if.
    page.get_by_role("link", name="Edit it in What-if").click()
    expect(page.get_by_role("heading", name="Change what SIAM sees")).to_be_visible(timeout=WAIT)
    settle(page)
    assert query(page) == {"pair": "Rendered", "case": identifier}
    assert values(page)[0] == scores[0] == values(page)[1]
    page.get_by_role("button", name="Remove it").click()
    until_query(page, "edits", "flowers:scale:0")
    settle(page)
    changed = values(page)
    assert changed[0] == scores[0] != changed[1] and changed[2] == "−1.48"  # its contribution, taken away
    nothing_is_wider(page, width)
    page.screenshot(path=folder / f"what-if-{width}.png", full_page=True)

    # The link leads somebody else there, and a reload keeps it.
    other, _ = watched(browser, address, width)
    other.goto(page.url)
    expect(other.get_by_test_id("stMetricValue").nth(2)).to_have_text(changed[2], timeout=WAIT)
    settle(other)
    assert values(other) == changed
    other.close()
    page.reload()
    expect(page.get_by_test_id("stMetricValue").nth(2)).to_have_text(changed[2], timeout=WAIT)

    # Back to the case; the template behind its largest cause.
    page.go_back()
    until_query(page, "edits", None)
    page.go_back()
    expect(page.get_by_text("What happened:")).to_be_visible(timeout=WAIT)
    settle(page)
    assert query(page) == {"pair": "Rendered", "case": identifier}
    page.get_by_role("button", name="Look closer").first.click()
    expect(page.get_by_role("dialog").get_by_role("img")).to_have_count(3, timeout=WAIT)
    settle(page)
    page.get_by_role("link", name=re.compile("The template of flowers")).click()
    expect(page.get_by_role("heading", name="Flowers", exact=True)).to_be_visible(timeout=WAIT)
    settle(page)
    assert query(page) == {"pair": "Rendered", "attribute": "flowers"}
    nothing_is_wider(page, width)
    page.screenshot(path=folder / f"templates-{width}.png", full_page=True)
    assert troubles == []
    page.close()


@pytest.mark.parametrize(("width", "theme"), [(NARROW, "light"), (1280, "dark")])
def test_every_page_is_a_way_in_fits_and_is_quiet(browser, address, folder, width, theme):
    """The wide visitor is the first of a fresh server and enters each page by its address, a deep one first."""
    with nullcontext(address) if width == NARROW else running_app() as place:
        walk_through_all_pages(browser, place, folder, width, theme)


def walk_through_all_pages(browser, address, folder, width, theme):
    page, troubles = watched(browser, address, width, theme)
    for path, words in {**dict(reversed(HEADINGS.items())), "explain": HEADINGS[""]}.items():
        page.goto(f"{address}/{path}")
        expect(page.get_by_role("heading", name=words).first).to_be_visible(timeout=WAIT)
        if width > NARROW:  # where the navigation is no menu
            assert navigation(page) == (NAMES, GROUPS)
        expect(page.get_by_role("dialog")).to_have_count(0)
        settle(page)
        nothing_is_wider(page, width)
        pictures = page.get_by_test_id("stMain").locator("img")
        texts = [picture.get_attribute("alt") for picture in pictures.all()]
        assert all(texts), path
        background = page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
        brightness = sum(int(part) for part in background[4:-1].split(",")[:3])
        assert (brightness < 200) == (theme == "dark"), path
        page.screenshot(path=folder / f"page-{path or 'first'}-{theme}-{width}.png", full_page=True)
    assert troubles == []
    page.close()


def test_a_phone_shows_all_pages_in_their_groups(browser, address):
    page, troubles = watched(browser, address, NARROW)
    page.goto(f"{address}/about")
    expect(page.get_by_role("heading", name=HEADINGS["about"]).first).to_be_visible(timeout=WAIT)
    page.get_by_test_id("stExpandSidebarButton").click()
    pages = page.get_by_test_id("stSidebarNavItems")
    expect(pages).to_be_visible(timeout=WAIT)
    icons = re.compile("^[a-z]+(_[a-z]+)*$")  # a font draws them from these words
    shown = [line.strip() for line in pages.inner_text().splitlines() if line.strip() and not icons.match(line.strip())]
    assert shown == [*NAMES, *(word for group, names in GROUPS.items() for word in (group, *names))]
    page.get_by_role("link", name="Label").click()
    expect(page.get_by_role("heading", name=HEADINGS["label"]).first).to_be_visible(timeout=WAIT)
    assert troubles == []
    page.close()


def test_filters_are_in_the_address_and_come_back(browser, address, cases):
    page, troubles = watched(browser, address, 1280)
    page.goto(f"{address}/disagreements?pair=Rendered")
    expect(page.get_by_role("button", name=re.compile("^Open ")).first).to_be_visible(timeout=WAIT)
    settle(page)
    page.get_by_role("combobox", name="Closer to the crowd").click()
    page.get_by_role("option", name="baseline").click()
    until_query(page, "closer", "baseline")
    settle(page)
    ranked = cases.table["identifier"].iloc[cases.select(Filters(closer="baseline"))].tolist()
    expect(page.get_by_role("button", name=re.compile("^Open ")).first).to_have_text(f"Open {ranked[0]}")
    page.get_by_role("button", name=f"Open {ranked[0]}", exact=True).click()
    until_query(page, "case", ranked[0])
    settle(page)
    page.locator("body").press("ArrowRight")
    until_query(page, "case", ranked[1])
    page.go_back()
    until_query(page, "case", ranked[0])
    settle(page)
    page.get_by_role("link", name="Templates").click()
    expect(page.get_by_role("button", name="trees", exact=True)).to_be_visible(timeout=WAIT)
    settle(page)
    page.go_back()
    until_query(page, "closer", "baseline")
    until_query(page, "case", ranked[0])
    settle(page)
    assert troubles == []
    page.close()


def test_a_box_in_the_scatter_filters_and_a_click_opens(browser, address, cases):
    page, troubles = watched(browser, address, 1280)
    page.goto(f"{address}/disagreements?pair=Rendered")
    chart = page.get_by_test_id("stVegaLiteChart").first
    points = chart.locator(".mark-symbol.role-mark path")
    expect(points).to_have_count(len(cases.table), timeout=WAIT)
    settle(page)
    bars = chart.locator(".mark-rect.role-mark path[fill='#FF0080'], .mark-rect.role-mark path[fill='#008000']")
    every = [bar.get_attribute("d") for bar in bars.all()]
    assert every

    # The box filters the cards, and leaves the bars of its points in colour.
    chart.scroll_into_view_if_needed()
    drag(page, centre(points.nth(40)), centre(points.nth(200)))
    page.wait_for_function("location.search.includes('area=')", timeout=WAIT)
    settle(page)
    low, high, bottom, top = (float(part) for part in query(page)["area"].split("_"))
    inside = cases.select(Filters(area=(low, high, bottom, top)))
    assert 0 < len(inside) < len(cases.table)
    expect(page.get_by_text(f"{len(inside)} of {len(cases.table)} pictures")).to_be_visible(timeout=WAIT)
    assert [bar.get_attribute("d") for bar in bars.all()] != every
    page.get_by_role("button", name=re.compile("^Baseline .* SIAM")).click()
    until_query(page, "area", None)
    expect(page.get_by_text(f"{len(cases.table)} of {len(cases.table)} pictures")).to_be_visible(timeout=WAIT)
    settle(page)

    # The point that was drawn first is the worst disagreement's, far from the others.
    expect(points).to_have_count(len(cases.table), timeout=WAIT)
    chart.scroll_into_view_if_needed()
    page.mouse.click(*centre(points.first))
    until_query(page, "case", str(cases.table["identifier"].iloc[cases.select(Filters())[0]]))
    expect(page.get_by_text("What happened:")).to_be_visible(timeout=WAIT)
    assert troubles == []
    page.close()


def test_cells_chosen_in_the_picture_are_erased(browser, address):
    page, troubles, chart = open_with_plot(browser, address, "what_if?pair=Rendered&case=898")
    erase = page.get_by_role("button", name="Erase it there")
    expect(erase).to_be_disabled()
    draw_a_box(page, chart, (0.01, 0.6), (0.99, 0.99))
    expect(erase).to_be_enabled(timeout=WAIT)
    settle(page)
    erase.click()
    page.wait_for_function("location.search.includes('erase')", timeout=WAIT)
    settle(page)
    assert float(values(page)[2].replace("−", "-")) < -1  # nearly all flowers are gone
    page.keyboard.press("Control+z")
    until_query(page, "edits", None)
    settle(page)
    assert values(page)[2] == "0.00"
    assert troubles == []
    page.close()


def test_a_click_puts_the_stamp(browser, address):
    page, troubles, chart = open_with_plot(browser, address, "templates?pair=Rendered&attribute=wire")
    chart.locator(".points path").nth(9).click(force=True)
    expect(page.get_by_test_id("stMetricValue")).to_be_visible(timeout=WAIT)
    until_query(page, "row", "2")
    assert query(page)["column"] == "3"
    assert troubles == []
    page.close()


def test_a_click_on_the_forest_shows_every_picture(browser, address):
    ((_result, found),) = comparisons([read_result(STORED / "explainers-scenes.json")])
    measure = measures_of(found)[0]
    leads = {
        name: of[measure].over_random.gain
        for name, of in found.methods.items()
        if name not in REFERENCES and measure in of
    }
    best, pictures = max(leads, key=leads.__getitem__), {}
    for record in values_table.read(STORED / "explainers-scenes.csv.gz"):
        if record["method"] in (best, "truth") and record[measure] is not None:
            pictures.setdefault(record["method"], {}).setdefault(record["identifier"], []).append(record[measure])
    both = pictures[best].keys() & pictures["truth"].keys()  # each picture has a value of every network
    most = max(both, key=lambda name: abs(fmean(pictures[best][name]) - fmean(pictures["truth"][name])))

    page, troubles, chart = open_with_plot(browser, address, "results?table=Explainers")
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    chart.locator(".points path").last.click(force=True)  # the explainer that was drawn last is farthest ahead
    expect(page.get_by_text(f"{title(best)}: every picture")).to_be_visible(timeout=WAIT)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    settle(page)
    expect(page.get_by_text(f"{title(best)} and the truth differ most on the pictures {most}")).to_be_visible()
    picture = page.get_by_role("img", name=f"picture {most}", exact=True)
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.naturalWidth") == thumbnails.SIDE
    assert troubles == []
    page.close()


def test_explainers_are_chosen_cancelled_and_measured(browser, address, folder):
    width = NARROW
    page, troubles = watched(browser, address, width)
    page.goto(f"{address}/compare?pair=Rendered&case=898&methods=cam")
    expect(page.get_by_role("img", name=re.compile("^CAM's map: "))).to_be_visible(timeout=WAIT)
    settle(page)

    # Choose a slow method, run it, and cancel it: its place is kept, and nothing else is lost.
    page.get_by_role("button", name=re.compile("^RISE · about ")).click()
    until_query(page, "methods", "cam,rise")
    expect(page.get_by_role("img", name="RISE has no map yet")).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Run the slow explainers").click()
    expect(page.get_by_text(re.compile("^RISE: .* of 2,000 passes"))).to_be_visible(timeout=WAIT)
    nothing_is_wider(page, width)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Stopped; finished maps are kept.")).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("button", name="Run the slow explainers")).to_be_enabled(timeout=WAIT)

    # Measure what is there.
    page.get_by_role("button", name="Measure faithfulness").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=WAIT)  # two curves, and many pictures
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=WAIT)
    settle(page)
    nothing_is_wider(page, width)
    page.screenshot(path=folder / f"compare-{width}.png", full_page=True)
    with page.expect_download() as download:
        page.get_by_role("button", name="Figures (CSV)").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in lines] == ["method", "SIAM", "CAM"]
    assert "deletion" in lines[0] and ",," not in lines[1]

    # Another question has other maps; what was chosen stays, also after a look elsewhere.
    page.get_by_text("what lowers the score", exact=True).click()
    until_query(page, "explained", "what lowers the score")
    settle(page)
    page.goto(f"{address}/about")
    expect(page.get_by_role("heading", name=HEADINGS["about"]).first).to_be_visible(timeout=WAIT)
    page.go_back()
    expect(page.get_by_role("img", name=re.compile("^CAM's map: "))).to_be_visible(timeout=WAIT)
    assert query(page)["methods"] == "cam,rise" and query(page)["explained"] == "what lowers the score"
    assert troubles == []
    page.close()


# A first photo of one's own


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A real photo that is not a sample: one of them mirrored, cropped and saved again."""
    path = tmp_path_factory.mktemp("photos") / "my photo.jpg"
    with Image.open(load_samples()[1].path) as picture:
        ImageOps.mirror(picture).crop((100, 50, 1000, 700)).save(path, quality=92)
    return path


@pytest.fixture(scope="module")
def explanation(photo):
    return siam.explain(siam.load("photo"), read_image(photo))


@pytest.fixture(scope="module")
def explained(browser: Browser, address: str, photo, explanation):
    """The page Explain with the photo, which all tests read; what one opens it closes, and the bad file comes last."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page.goto(address)
    expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=WAIT)
    page.locator(PHOTO_INPUT).set_input_files(photo)
    score = phrases.score_text(explanation.scenicness, explanation.scale)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(score, timeout=WAIT)
    wait_until_idle(page)
    yield page
    page.close()


def framed_maps(page: Page):
    return page.get_by_role("button", name="Look closer")


def test_uploaded_photo_is_explained(explained: Page, explanation):
    values = explained.get_by_test_id("stMetricValue")
    expect(values.nth(1)).to_have_text(phrases.score_text(explanation.baseline_scenicness, explanation.scale))
    expect(explained.get_by_text(wording.sentence(explanation))).to_be_visible(timeout=WAIT)
    expect(framed_maps(explained)).to_have_count(8, timeout=WAIT)
    for item in explanation.ranking(count=8):
        text = wording.attribute_map_text(explanation, item.index)
        expect(explained.get_by_role("img", name=text, exact=True)).to_be_visible(timeout=WAIT)
    expect(explained.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)
    expect(explained.get_by_test_id("stException")).to_have_count(0)


def download(page: Page, label: str, ending: str = "") -> bytes:
    """Download a file, again until its name has this ending: a choice takes a moment to arrive at the server."""
    for _attempt in range(20):
        with page.expect_download(timeout=WAIT) as waiting:
            page.get_by_role("button", name=label).click(timeout=WAIT)
        if waiting.value.suggested_filename.endswith(ending):
            return waiting.value.path().read_bytes()
        page.wait_for_timeout(250)
    raise AssertionError(f"the file is called {waiting.value.suggested_filename}, without {ending}")


def test_downloads_hold_what_the_page_shows(explained: Page, explanation):
    data = json.loads(download(explained, "Data (JSON)"))
    assert data["siam"]["score"] == pytest.approx(explanation.scenicness, abs=1e-5)
    total = sum(data["siam"]["contributions"].values())
    assert total + data["siam"]["bias"] == pytest.approx(data["siam"]["score"], abs=1e-5)
    assert wording.sentence(explanation) in download(explained, "Report (HTML)").decode()


def test_a_figure_for_print_is_taken_home(explained: Page, explanation):
    explained.locator("summary", has_text="Figure for print").click(timeout=WAIT)
    expect(explained.get_by_text("Marcos, Lobry and Tuia").first).to_be_visible(timeout=WAIT)
    explained.get_by_text("85 mm, one column", exact=True).click(timeout=WAIT)
    page = PdfReader(io.BytesIO(download(explained, "Download the figure", "-85mm.pdf"))).pages[0]
    assert float(page.mediabox.width) == pytest.approx(85 / 25.4 * 72, abs=1e-3)
    texts = page.extract_text().split("\n")
    assert {phrases.signed(item.value) for item in explanation.ranking(count=8)} <= set(texts)
    assert phrases.score_text(explanation.scenicness, explanation.scale) in texts


def printed(page: Page, place: str) -> list[str]:
    """Return the texts of the figure for print at a place of the page, as PDF."""
    page.locator(f".st-key-{place}-print summary").click(timeout=WAIT)
    expect(page.get_by_text("Marcos, Lobry and Tuia").first).to_be_visible(timeout=WAIT)
    wait_until_idle(page)
    return PdfReader(io.BytesIO(download(page, "Download the figure"))).pages[0].extract_text().split("\n")


def test_the_method_and_the_truth_are_taken_home(browser: Browser, address: str, cases):
    page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page.goto(f"{address}/about?pair=Rendered")
    texts = printed(page, "method")
    shown = siam.explain(siam.load("photo"), read_image(next(of.path for of in load_samples() if of.title == TITLE)))
    assert {phrases.signed(item.value) for item in shown.ranking(count=3)} | {"bias", "template"} <= set(texts)
    expect(page.get_by_text(f"Photo: “{TITLE}” by").first).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Networks: “photo”, version").first).to_be_visible(timeout=WAIT)
    page.goto(f"{address}/disagreements?pair=Rendered&case=898")
    texts = printed(page, "truth")
    true = cases.gallery.truths[cases.row_of("898")]["contributions"]
    largest = sorted(true, key=lambda name: -abs(true[name]))[:4]
    expected = {text for name in largest for text in (phrases.words(name), phrases.signed(true[name]))}
    assert expected <= set(texts) and texts.count("SIAM") == 4
    expect(page.get_by_text("Networks: “rendered”, version").first).to_be_visible(timeout=WAIT)
    page.close()


def test_attribute_opens_in_a_dialog(explained: Page, explanation):
    first = explanation.ranking()[0]
    framed_maps(explained).first.click(timeout=WAIT)
    dialog = explained.get_by_role("dialog")
    heading = f"{phrases.words(first.attribute)} {phrases.signed(first.value)}"
    expect(dialog.get_by_text(heading, exact=True)).to_be_visible(timeout=WAIT)
    expect(dialog.get_by_role("img")).to_have_count(3, timeout=WAIT)
    explained.keyboard.press("Escape")
    expect(dialog).to_have_count(0, timeout=WAIT)


def test_bad_file_says_why_and_keeps_the_photo(explained: Page, explanation, tmp_path):
    bad = tmp_path / "holiday.jpg"
    bad.write_bytes(b"not a picture")
    explained.locator(PHOTO_INPUT).set_input_files(bad)
    expect(explained.get_by_test_id("stAlert").get_by_text("holiday.jpg")).to_be_visible(timeout=WAIT)
    score = phrases.score_text(explanation.scenicness, explanation.scale)
    expect(explained.get_by_test_id("stMetricValue").first).to_have_text(score, timeout=WAIT)
