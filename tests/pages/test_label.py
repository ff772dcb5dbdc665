"""The page Label: photos one at a time, answers on the disk at once, a table that training reads, and keys alone."""

import csv
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from siam.archive import Settings, score_into, source_of
from siam.datasets import regions, vocabulary
from siam.gallery.samples import load_samples
from siam.gallery.store import read
from siam.labelling import answers, photos
from siam.runtime.paths import ASSETS
from tests.archive.made import photo as made_photo
from tests.archive.made import stored_pair
from tests.support.pages import button, opened, texts
from tests.support.server import HEADINGS, WAIT, running_app, wait_until_idle
from ui.label import work
from ui.photos import uploads
from ui.state.markdown import plain

PLACE = "labels/open-photos"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of its own in which the app is started; the networks do not look through the photos."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work, "begin", lambda photos: None)
    return tmp_path


def asked(app):
    """The photo that is asked for."""
    (alt,) = [picture.alt for element in app.image for picture in element.proto.imgs]
    return alt.removeprefix("photo ")


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def answer(app, label):
    button(app, label).click().run()
    assert not app.exception and not app.error


def test_the_first_view_asks_for_a_photo_and_writes_nothing(here):
    app = opened("label")
    assert "Does this photo show **buildings**?" in texts(app) and "**0** of 132 answered" in texts(app)
    assert (ASSETS / "gallery" / "open-photos" / "images" / asked(app)).is_file()
    gallery = read(ASSETS / "gallery" / "open-photos")
    author = gallery.facts(photos.names_in(gallery).index(asked(app)))["author"]
    assert plain(author) in texts(app)
    assert button(app, "Undo").disabled and not button(app, "Present").disabled
    assert not list(here.iterdir())


def test_every_answer_is_on_the_disk_at_once_and_there_tomorrow(here):
    app, given = opened("label", labelled="old wall"), {}
    for label in ("Present", "Absent", "Unsure", "Absent"):
        given[asked(app)] = label.lower()
        answer(app, label)
        assert answers.read(here / PLACE / answers.FILE).said("old wall") == given
    assert len(given) == 4 and "**4** of 132 answered" in texts(app)
    sure = [[name, "1" if kind == "present" else "0"] for name, kind in sorted(given.items()) if kind != "unsure"]
    assert sorted(rows(here / PLACE / "attributes.csv")) == sorted([["file", "old wall"], *sure])
    assert app.dataframe[0].value.values.tolist() == [["old wall", "", 1, 2, 1]]
    next_ = asked(app)
    tomorrow = opened("label")
    assert "Does this photo show **old wall**?" in texts(tomorrow) and asked(tomorrow) == next_


def test_an_undo_asks_again(here):
    app = opened("label")
    first = asked(app)
    answer(app, "Present")
    second = asked(app)
    answer(app, "Absent")
    answer(app, "Undo")
    assert asked(app) == second
    answer(app, "Undo")
    assert asked(app) == first and button(app, "Undo").disabled
    assert answers.read(here / PLACE / answers.FILE).said("buildings") == {}


def test_each_word_has_its_own_answers_and_looks_alike_only_once(here):
    app = opened("label")
    answer(app, "Present")
    app.text_input(key="labelled").set_value("hedge & co <b>").run()
    assert "**0** of 132 answered" in texts(app)
    answer(app, "Absent")
    app.text_input(key="labelled").set_value(" BUILDINGS ").run()
    assert "**1** of 132 answered" in texts(app)
    answer(app, "Absent")
    counts = app.dataframe[0].value[["word", "present", "absent"]].values.tolist()
    assert counts == [["buildings", 1, 1], ["hedge & co <b>", 0, 1]]


@pytest.mark.parametrize("word", ["", "a,b", "=1+1", "file", "x" * 61])
def test_a_word_that_cannot_be_one_is_refused_in_a_line(here, word):
    app = opened("label")
    app.text_input(key="labelled").set_value(word).run()
    assert len(app.error) == 1 and not app.exception and not app.image


def test_a_folder_of_ones_own_keeps_what_others_wrote(here, monkeypatch):
    monkeypatch.setattr(uploads, "on_this_machine", lambda: True)
    (here / "my").mkdir()
    for sample in load_samples()[:3]:
        shutil.copy(sample.path, here / "my")
    names = sorted(path.name for path in (here / "my").iterdir())
    (here / "my" / "attributes.csv").write_text(f"file;trees\n{names[0]};0,5\n")
    (here / "my" / "broken.jpg").write_bytes(b"no picture")
    app = opened("label", labelled="hedge")
    app.segmented_control(key="label-of").set_value("A folder on this machine").run()
    app.text_input(key="label-folder").set_value(str(here / "my")).run()
    given = {}
    for label in ("Present", "Absent", "Present"):
        given[asked(app)] = float(label == "Present")
        answer(app, label)
    assert "All 3 photos have an answer" in "".join(of.value for of in app.success)
    found = vocabulary.read(here / "my")
    labels = {file.name: row.tolist() for file, row in zip(found.files, found.labels, strict=True)}
    assert found.attributes == ("trees", "hedge") and {name: row[1] for name, row in labels.items()} == given
    assert labels[names[0]][0] == 0.5
    assert f"--root {here / 'my'} --out models/mine" in app.code[0].value


def test_a_word_that_stands_for_a_column_is_that_column(here):
    (here / PLACE).mkdir(parents=True)
    (here / PLACE / "attributes.csv").write_text("file,greenery\n")
    (here / PLACE / "attributes.toml").write_text('[greenery]\nwords = "trees and grass"\n')
    app = opened("label", labelled="Trees and grass")
    assert "Does this photo show **greenery**?" in texts(app)
    assert "attributes.toml calls `greenery` that: your answers go to this column." in texts(app)
    photo = asked(app)
    answer(app, "Present")
    assert rows(here / PLACE / "attributes.csv") == [["file", "greenery"], [photo, "1"]]


def test_photos_that_cannot_be_read_are_said_so(here, monkeypatch):
    monkeypatch.setattr(uploads, "on_this_machine", lambda: True)
    (here / "my").mkdir()
    (here / "my" / "broken.jpg").write_bytes(b"no picture")
    app = opened("label")
    app.segmented_control(key="label-of").set_value("A folder on this machine").run()
    app.text_input(key="label-folder").set_value(str(here / "my")).run()
    assert app.error[0].value == "None of these photos can be read: give JPEG or PNG files."


def test_a_folder_that_is_none_is_refused_in_a_line(here, monkeypatch):
    monkeypatch.setattr(uploads, "on_this_machine", lambda: True)
    app = opened("label")
    app.segmented_control(key="label-of").set_value("A folder on this machine").run()
    assert "Type the folder" in texts(app)
    app.text_input(key="label-folder").set_value(str(here / "none")).run()
    assert "is not a folder" in app.error[0].value and not app.image


def test_a_visitor_from_elsewhere_is_offered_no_folder(here):
    assert not opened("label").segmented_control


def test_a_gallery_without_its_pictures_says_so(here, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    app = opened("label", gallery="OASIS scenes")
    assert "The pictures of this gallery are not on this machine" in texts(app) and not app.error


def test_an_archive_in_parquet_files_is_labelled_too(here, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    pair = stored_pair(here / "models" / "tiny")
    cells = [{"bytes": made_photo(number), "path": f"{number}.jpeg"} for number in range(4)]
    pq.write_table(pa.table({"photo": cells}), here / "a.parquet")
    source = source_of(str(here / "a.parquet"), image="photo")
    score_into(pair, source, here / "galleries" / "mine", Settings(engine="local", shard=4))
    app = opened("label", pair="models/tiny", gallery="mine", labelled="hedge")
    given = {}
    for label in ("Present", "Absent"):
        given[asked(app)] = "1" if label == "Present" else "0"
        answer(app, label)
    assert "**2** of 4 answered" in texts(app) and set(given) < {f"{number}.jpeg" for number in range(4)}
    assert sorted(rows(here / "labels" / "mine" / "attributes.csv")[1:]) == sorted(map(list, given.items()))


def test_a_table_that_cannot_be_kept_is_left_as_it_is(here):
    (here / PLACE).mkdir(parents=True)
    (here / PLACE / "attributes.csv").write_text("no photos,trees\n1,1\n")
    app = opened("label")
    assert "lacks the column 'file'" in app.error[0].value
    assert (here / PLACE / "attributes.csv").read_text() == "no photos,trees\n1,1\n"


def test_a_public_server_writes_nothing_down(here, public_server):
    app = opened("label")
    first = asked(app)
    answer(app, "Present")
    assert asked(app) != first and "**1** of 132 answered" in texts(app)
    assert "in this session alone: download attributes.csv before" in texts(app)
    assert not button_csv(app).proto.disabled
    assert not list(here.iterdir())
    assert "**0** of 132 answered" in texts(opened("label"))


def button_csv(app):
    return next(of for of in app.get("download_button") if of.proto.label == "attributes.csv")


# In a browser


@pytest.fixture(scope="module")
def app_address(tmp_path_factory):
    with running_app(tmp_path_factory.mktemp("app")) as address:
        yield address


def shown(page: Page) -> str:
    return page.get_by_test_id("stMain").get_by_role("img", name="photo ").get_attribute("alt", timeout=WAIT) or ""


def focus(page: Page, label: str) -> None:
    """Go to a field by the tabulator key, once it is there."""
    expect(page.get_by_label(label, exact=True)).to_be_visible(timeout=WAIT)
    wait_until_idle(page)
    for _step in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.getAttribute('aria-label') ?? ''") == label:
            return
    raise AssertionError(f"no tabulator leads to {label}")


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_a_word_is_labelled_by_keyboard_alone(width, app_address, browser):
    with browser.new_page(viewport={"width": width, "height": 844}) as page:
        page.goto(f"{app_address}/label?labelled=word+{width}")
        expect(page.get_by_role("heading", name=HEADINGS["label"]).first).to_be_visible(timeout=WAIT)
        focus(page, "Word")
        page.keyboard.press("Control+a")
        page.keyboard.type(f"hedges {width}")
        page.keyboard.press("Tab")
        expect(page.get_by_text(f"Does this photo show hedges {width}?")).to_be_visible(timeout=WAIT)
        seen = []
        for count, key in enumerate("pau", 1):
            wait_until_idle(page)
            seen.append(shown(page))
            page.keyboard.press(key)
            expect(page.get_by_text(f"{count} of 132 answered")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        page.keyboard.press("z")
        expect(page.get_by_text("2 of 132 answered")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        assert shown(page) == seen[-1] and len(set(seen)) == 3
        overflow = "document.querySelector('[data-testid=stMain]').scrollWidth > window.innerWidth"
        assert not page.evaluate(overflow)
        for name in ("Present", "Absent", "Unsure", "Undo"):
            box = page.get_by_test_id("stMain").get_by_role("button", name=name).bounding_box()
            assert box is not None and box["width"] >= 100 and box["height"] >= 36
        expect(page.get_by_test_id("stException")).to_have_count(0)


def draw(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a box on the photo, from one place to another as shares of its width and height."""
    chart = page.locator(".js-plotly-plot").first
    expect(chart).to_be_visible(timeout=WAIT)
    wait_until_idle(page)
    chart.scroll_into_view_if_needed()
    box = chart.locator(".nsewdrag").first.bounding_box(timeout=WAIT)
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=8)
    page.mouse.up()


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_marked_is_where_training_finds_it(width, tmp_path, browser):
    with running_app(tmp_path) as address, browser.new_page(viewport={"width": width, "height": 900}) as page:
        page.goto(f"{address}/label?labelled=hedges")
        expect(page.get_by_text("Does this photo show hedges?")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        photo = shown(page).removeprefix("photo ")
        page.keyboard.press("m")
        draw(page, (0.02, 0.51), (0.48, 0.98))
        expect(page.get_by_text(re.compile("of the photo is marked"))).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        page.keyboard.press("p")
        expect(page.get_by_text("1 of 132 answered")).to_be_visible(timeout=WAIT)
        expect(page.get_by_text("Draw a box over hedges")).to_be_visible(timeout=WAIT)  # of the next photo, unmarked
        wait_until_idle(page)
        page.keyboard.press("a")
        expect(page.get_by_text("2 of 132 answered")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        with page.expect_download(timeout=WAIT) as waiting:
            page.locator(".st-key-label-regions").get_by_role("button").first.click()
        taken = waiting.value.path().read_bytes()
        expect(page.get_by_test_id("stException")).to_have_count(0)
    place = tmp_path / PLACE
    assert taken == (place / "regions.npz").read_bytes()
    stored = answers.read(place / answers.FILE).answers
    assert [(of.kind, of.photo == photo, bool(of.where)) for of in stored] == [
        ("present", True, True), ("absent", False, False),
    ]  # fmt: skip
    found = vocabulary.read(place)
    seen = regions.read(place / "regions.npz", [path.name for path in found.files], found.regions)
    share = seen.share([path.name for path in found.files].index(photo))[0].numpy()
    down, across = (of.astype(float) for of in share.nonzero())
    assert down.min() >= 11 and across.max() <= 12 and down.max() >= 22 and across.min() == 0  # the lower left
    assert share.mean() > 0.15
