"""The page Map: photos where they were taken, a place as a filter that Disagreements shares, and means in words."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import siam
from siam.gallery.cases import Filters, read_cases, with_groups
from siam.gallery.means import group_means, numbers
from siam.gallery.store import read
from tests.support.pages import button, opened, parameter, texts
from tests.support.places import LABEL, placed_gallery
from tests.support.server import HEADINGS, WAIT, running_app, wait_until_idle

PLACE = "-5.00000_57.20000_-4.00000_57.90000"
INSIDE = Filters(place=(-5.0, 57.2, -4.0, 57.9))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    placed_gallery(folder)
    return folder


@pytest.fixture(scope="module")
def cases(base):
    return read_cases(read(base / "galleries" / LABEL))


@pytest.fixture
def here(base, monkeypatch):
    monkeypatch.chdir(base)


def page_map(**parameters):
    return opened("map", pair="Rendered", gallery=LABEL, **parameters)


def names(cases, rows):
    return cases.table["identifier"].iloc[rows].tolist()


def listed(app):
    start = "open-case-"
    return [of.key.removeprefix(start) for of in app.button if of.key and of.key.startswith(start)]


def test_without_places_it_says_how_to_get_them_and_nothing_else():
    app = opened("map", pair="Rendered", gallery="Rendered landscapes")
    assert "`latitude` and `longitude`" in texts(app) and "siam score" in texts(app)
    assert not app.get("plotly_chart") and not app.dataframe and not app.error


def test_scores_with_context_are_on_the_map(cases, here):
    held = with_groups(cases, siam.load("rendered").csib)
    app = page_map(against="SIAM, with context", shown="with context")
    assert "Score with context, points from 1 to 10" in app.get("plotly_chart")[0].proto.spec
    means = app.dataframe[0].value.set_index("mean of")["these photos"]
    assert means["with context"] == pytest.approx(held.table["context"].mean())
    assert means["difference"] == pytest.approx((held.table["siam"] - held.table["context"]).mean())
    app = page_map(against="SIAM, with context", shown="difference")
    assert r"SIAM \u2212 with context, points" in app.get("plotly_chart")[0].proto.spec
    assert "SIAM is higher" in texts(app)


def test_the_map_and_its_means_in_words(cases, here):
    app = page_map()
    assert len(app.get("plotly_chart")) == 1
    assert "7 of 300 pictures have no place" in texts(app)
    table = app.dataframe[0].value.set_index("mean of")
    assert table["n"].tolist() == [300] * len(table)
    for name, values in numbers(cases).items():
        assert table["these photos"][name] == pytest.approx(np.nanmean(values))
    assert listed(app) == names(cases, cases.select(Filters())[:4])


def test_a_chosen_place_is_a_filter_here_and_on_disagreements(cases, here):
    rows = cases.select(INSIDE)
    assert 0 < len(rows) < len(cases.table)
    app = page_map(place=PLACE, shown="contribution: trees")
    assert f"**{len(rows)}** of 300 pictures" in texts(app)
    assert app.selectbox(key="shown").value == "contribution: trees"
    table = app.dataframe[0].value.set_index("mean of")
    values = np.column_stack([*numbers(cases).values()])
    means = group_means(values, rows, np.zeros(len(rows), int), 1)
    for place, name in enumerate(numbers(cases)):
        assert table["these photos"][name] == pytest.approx(means.mean[0, place])
        assert (table["95 %, from"][name], table["to"][name]) == pytest.approx(
            (means.low[0, place], means.high[0, place])
        )
        assert table["difference"][name] == pytest.approx(means.mean[0, place] - np.nanmean(values[:, place]))
    assert table["n"]["SIAM"] == len(rows)
    app.switch_page("pages/disagreements.py").run()
    assert parameter(app, "place") == PLACE and f"**{len(rows)}** of 300 pictures" in texts(app)
    assert listed(app) == names(cases, rows[:24])
    button(app, "5.00° W to 4.00° W, 57.20° N to 57.90° N").click().run()
    assert parameter(app, "place") is None and "**300** of 300 pictures" in texts(app)
    app.switch_page("pages/map.py").run()
    assert parameter(app, "place") is None and "**300** of 300 pictures" in texts(app)


def test_filters_of_disagreements_hold_on_the_map_and_back(cases, here):
    app = opened("disagreements", pair="Rendered", gallery=LABEL)
    app.selectbox(key="closer").set_value("baseline").run()
    rows = cases.select(Filters(closer="baseline"))
    app.switch_page("pages/map.py").run()
    assert app.selectbox(key="closer").value == "baseline" and f"**{len(rows)}** of 300 pictures" in texts(app)
    app.selectbox(key="closer").set_value(None).run()
    app.selectbox(key="shown").set_value("difference").run()
    app.switch_page("pages/disagreements.py").run()
    assert app.selectbox(key="closer").value is None and "**300** of 300 pictures" in texts(app)


@pytest.mark.parametrize("place", ["1_2_3", "a_b_c_d", "nan_1_2_3", "0_50_1_40", "-200_0_10_10", "0_-91_10_10"])
def test_an_invalid_place_is_ignored(here, place):
    assert "**300** of 300 pictures" in texts(page_map(place=place))


def test_a_place_without_photos_says_so(here):
    app = page_map(place="100_0_101_1")
    assert "**0** of 300 pictures" in texts(app) and "No picture matches these filters" in texts(app)


def test_a_place_can_be_typed_and_a_case_opens(cases, here):
    app = page_map()
    for label, value in (("West, °", -5.0), ("South, °", 57.2), ("East, °", -4.0), ("North, °", 57.9)):
        next(of for of in app.number_input if of.label == label).set_value(value)
    button(app, "Choose this place").click().run()
    assert parameter(app, "place") == PLACE
    first = listed(app)[0]
    assert first == names(cases, cases.select(INSIDE)[:1])[0]
    app.button(key=f"open-case-{first}").click().run()
    assert parameter(app, "case") == first and f"Case 1 of {len(cases.select(INSIDE))}" in texts(app)


def test_means_per_region_and_per_cell_are_a_table_with_files(cases, here):
    app = page_map()
    box = [[-5, 57.2], [-4, 57.2], [-4, 57.9], [-5, 57.9], [-5, 57.2]]
    geometry = {"type": "Polygon", "coordinates": [box]}
    region = {"type": "Feature", "properties": {"name": "=box"}, "geometry": geometry}
    app.file_uploader(key="regions").set_value(("box.geojson", json.dumps(region).encode(), "application/json")).run()
    table = app.dataframe[-1].value
    rows = cases.select(INSIDE)
    assert table["region"].tolist() == ["'=box"] and table["n"].tolist() == [len(rows)]
    assert table["siam"][0] == pytest.approx(cases.table["siam"].to_numpy()[rows].mean())
    assert f"1 region with {len(rows)} photos" in texts(app)
    assert [of.label for of in app.download_button] == ["CSV", "GeoJSON", "GeoParquet"]
    app.file_uploader(key="regions").set_value(("box.geojson", b"no", "application/json")).run()
    assert "box.geojson is no JSON" in app.error[0].value.replace("\\", "")
    app.segmented_control(key="over").set_value("cells").run()
    assert app.dataframe[-1].value["n"].sum() == 293 and not app.error


# In a browser


def query(page: Page) -> dict[str, str]:
    return {name: of[-1] for name, of in parse_qs(urlsplit(page.url).query).items()}


def until(page: Page, name: str) -> str:
    """The value of a parameter of the address, once it is there."""
    for _attempt in range(300):
        if name in query(page):
            return query(page)[name]
        page.wait_for_timeout(100)
    raise AssertionError(f"{name} is not in {page.url}")


def test_a_box_on_the_map_becomes_a_filter_and_reaches_disagreements(base, cases, browser):
    with running_app(base) as address:  # so few points need no WebGL
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        asked: list[str] = []
        page.on("request", lambda of: None if of.url.startswith((address, "data:", "blob:")) else asked.append(of.url))
        page.goto(f"{address}/map?pair=Rendered&gallery={LABEL}&shown=difference")
        expect(page.get_by_role("heading", name=HEADINGS["map"]).first).to_be_visible(timeout=WAIT)
        chart = page.locator(".js-plotly-plot").first
        expect(chart.locator(".nsewdrag").first).to_be_attached(timeout=WAIT)
        wait_until_idle(page)
        expect(page.get_by_label(re.compile("^map of 293 photos"))).to_have_count(1)
        place = chart.locator(".points path").nth(100).bounding_box()
        page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        assert until(page, "case") in set(cases.table["identifier"])
        page.get_by_role("button", name="All cases").click(timeout=WAIT)
        expect(chart.locator(".nsewdrag").first).to_be_attached(timeout=WAIT)
        wait_until_idle(page)
        chart.locator('[data-title="Box Select"]').click()
        box = chart.locator(".nsewdrag").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.7, steps=8)
        page.mouse.up()
        west, south, east, north = map(float, until(page, "place").split("_"))
        assert west < east and south < north
        rows = cases.select(Filters(place=(west, south, east, north)))
        assert 0 < len(rows) < 293
        expect(page.get_by_text(f"{len(rows)} of 300 pictures")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        page.get_by_role("link", name=f"Open these {len(rows)} in Disagreements").click()
        expect(page.get_by_role("heading", name=HEADINGS["disagreements"]).first).to_be_visible(timeout=WAIT)
        expect(page.get_by_text(f"{len(rows)} of 300 pictures")).to_be_visible(timeout=WAIT)
        assert [float(of) for of in until(page, "place").split("_")] == [west, south, east, north]
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
        page.close()
