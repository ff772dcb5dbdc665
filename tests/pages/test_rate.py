"""The page Rate: by keyboard alone, on the disk at once, and what somebody's beauty is made of."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from playwright.sync_api import expect

from siam.gallery.folder import Source, build
from siam.gallery.store import read as read_gallery
from siam.models.checkpoint import load
from siam.taste import ratings
from siam.taste.ratings import Answer
from tests.archive.made import stored_pair, write_photos
from tests.support.pages import button, opened, texts
from tests.support.server import HEADINGS, WAIT, running_app, wait_until_idle

COUNT = 24


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A place to start the app in, with a pair and a gallery of its own; nobody has rated."""
    place = tmp_path_factory.mktemp("rate")
    pair = stored_pair(place / "models" / "tiny")
    write_photos(place / "photos", COUNT)
    build(pair, nullcontext(), Source("folder", place / "photos", "models/tiny"), place / "galleries" / "mine")
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """The same, without answers of other tests."""
    for name in ("models", "galleries", "photos"):
        (tmp_path / name).symlink_to(made / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(made / "cache"))
    return tmp_path


def rate(**parameters):
    return opened("rate", pair="models/tiny", gallery="mine", **parameters)


def answers(place: Path, name: str = "ratings/mine.jsonl") -> ratings.Answers:
    return ratings.read(place / name)


def names(place):
    return [str(name) for name in read_gallery(place / "galleries" / "mine").photos["identifier"]]


def given(place, count=20, rater="k7m2pq", name="ratings/mine.jsonl"):
    """Somebody rates photos in the order of the gallery."""
    path = place / name
    path.parent.mkdir(exist_ok=True)
    for number, photo in enumerate(names(place)[:count]):
        ratings.add(path, Answer(rater, "rating", photo, value=1 + (number * 3) % 7))


def test_each_answer_is_on_the_disk_at_once_and_can_be_undone(place):
    app = rate()
    assert not app.error and not (place / "ratings").exists()
    button(app, "5").click().run()
    button(app, "Skip").click().run()
    button(app, "2").click().run()
    kinds = [(of.kind, of.value) for of in answers(place).answers]
    assert kinds == [("rating", 5), ("skip", None), ("rating", 2)]
    assert len({of.photo for of in answers(place).answers}) == 3 and "2 photos judged, 1 skipped" in texts(app)
    withdrawn = answers(place).answers[-1].photo
    button(app, "Undo").click().run()
    button(app, "7").click().run()
    assert (answers(place).answers[-1].photo, answers(place).answers[-1].value) == (withdrawn, 7)  # it came again
    button(app, "Undo").click().run()
    assert [(of.kind, of.value) for of in answers(place).standing] == kinds[:2]
    hashes = dict(zip(names(place), read_gallery(place / "galleries" / "mine").photos["sha256"], strict=True))
    assert all(of.sha256 == hashes[of.photo] for of in answers(place).standing)


def test_who_comes_back_goes_on(place):
    given(place, 3)
    app = rate()
    assert "3 photos judged" in texts(app)
    button(app, "4").click().run()
    (one,) = answers(place).answers[3:]
    assert one.rater == "k7m2pq" and one.photo not in names(place)[:3]


def test_nothing_is_said_of_any_score_before_the_rating(place):
    app = rate()
    facts = read_gallery(place / "galleries" / "mine").photos
    shown = texts(app)
    assert not app.metric
    assert not any(f"{value:.2f}" in shown for value in [*facts["siam"], *facts["baseline"]])


def taste_of(app):
    app.segmented_control(key="rate-view").set_value("Your taste").run()
    for _again in range(60):  # until the photos were looked at
        if not app.button or all(of.key != "cancel-looking" for of in app.button):
            break
        app.run()
    assert not app.exception and not app.error
    return app


def test_from_fifteen_on_it_says_what_their_beauty_is_made_of(place):
    given(place, 14)
    app = taste_of(rate())
    assert "After 14: too few to say; 1 more rating is needed." in texts(app) and not app.metric
    app.segmented_control(key="rate-view").set_value("Rate").run()
    button(app, "7").click().run()
    app = taste_of(app)
    titles = [of.label for of in app.metric]
    assert titles[:2] == ["Your SIAM and you (τ)", "The crowd and you"]
    assert "after 15" in texts(app).casefold() and len(app.get("plotly_chart")) == 1


def test_a_personal_siam_is_a_pair_that_all_pages_can_use(place):
    (place / "models").unlink()  # of all tests
    stored_pair(place / "models" / "tiny")
    given(place, 20)
    app = taste_of(rate())
    button(app, "Keep my SIAM").click().run()
    kept = load(place / "models" / "taste-k7m2pq", "cpu")
    assert kept.config.attributes == load(place / "models" / "tiny", "cpu").config.attributes
    other = opened("explain", pair="models/taste-k7m2pq", sample="lake-boats")
    assert not other.error and "One person’s taste, from ratings of 20 photos" in other.sidebar.caption[0].value


def test_several_raters_and_how_far_they_agree(place):
    given(place, 16, "anna22")
    given(place, 18, "bert33")
    app = taste_of(rate())
    assert "How far 2 raters agree" in texts(app)
    assert "From 16 of 18 photos, which all of them rated; 2 others were rated by some only." in texts(app)
    (agreed,) = [of.value for of in app.metric if of.label == "Kendall’s W"]
    assert agreed == "1.00"
    app.segmented_control(key="whose").set_value("everybody").run()
    assert "Where everybody here and the crowd differ most" in texts(app)


def test_pairs_are_judged_and_fitted(place):
    path = place / "ratings" / "mine.jsonl"
    path.parent.mkdir()
    of = names(place)
    for first in range(COUNT - 1):
        ratings.add(path, Answer("k7m2pq", "pair", of[first], other=of[first + 1], value=1 + first % 2))
    app = rate(mode="pairs")
    app.button(key=f"pair-{COUNT - 1}-2").click().run()
    assert answers(place).answers[-1].kind == "pair" and answers(place).answers[-1].value == 2
    assert f"{COUNT} photos judged" in texts(app)
    assert "Your SIAM and you (τ)" in [shown.label for shown in taste_of(app).metric]


def test_an_undo_withdraws_no_answer_of_the_other_kind(place):
    given(place, 2)
    app = rate(mode="pairs")
    assert button(app, "Undo").disabled
    app.button(key="pair-2-1").click().run()
    assert not button(app, "Undo").disabled
    button(app, "Undo").click().run()
    assert button(app, "Undo").disabled and [of.kind for of in answers(place).standing] == ["rating"] * 2


STUDY = """\
title = "Beauty of the valley"
photos = "../photos"
instructions = "Go by your first impression."
consent = "Your answers may be published."
low = "ugly"
high = "lovely"
order = "random"
seed = 7
number = 3
"""


def study(place):
    (place / "studies").mkdir()
    (place / "studies" / "valley.toml").write_text(STUDY, encoding="utf-8")


@pytest.mark.parametrize("public", [False, True])
def test_a_study_asks_for_consent_stores_and_ends(public, place, monkeypatch):
    study(place)
    if public:
        monkeypatch.setattr("ui.state.public.public", lambda: True)
        for module in ("tasks", "taste", "home"):
            monkeypatch.setattr(f"ui.rate.{module}.public", lambda: True)
        monkeypatch.setenv("SIAM_STUDIES", str(place / "studies"))
    app = rate(study="valley")
    assert "Your answers may be published." in texts(app) and all(of.label != "1" for of in app.button)
    button(app, "I agree").click().run()
    assert "Go by your first impression." in texts(app) and "1 ugly · 7 lovely" in texts(app)
    for value in "263":
        button(app, value).click().run()
    assert "Thank you!" in app.success[0].value
    stored = answers(place, "studies/valley.jsonl").standing
    assert [of.value for of in stored] == [2, 6, 3] and len({of.rater for of in stored}) == 1
    again = rate(study="valley", rater=stored[0].rater)  # with the link, on another day
    assert "Thank you!" in again.success[0].value
    new = rate(study="valley")
    button(new, "I agree").click().run()
    button(new, "1").click().run()
    last = answers(place, "studies/valley.jsonl").standing[-1]
    assert last.rater != stored[0].rater and last.photo == stored[0].photo  # one order for all


def test_on_a_public_server_other_answers_stay_with_the_visitor(place, monkeypatch):
    for module in ("tasks", "taste", "home"):
        monkeypatch.setattr(f"ui.rate.{module}.public", lambda: True)
    study(place)  # not in the folder that the owner named
    app = rate(study="valley")
    assert "There is no study valley here." in texts(app)
    button(app, "6").click().run()
    assert "1 photo judged" in texts(app) and not (place / "ratings").exists()
    assert not list((place / "studies").glob("*.jsonl"))


def test_answers_that_were_taken_home_are_read_back(place):
    given(place, 17)
    table = ratings.to_csv(answers(place).answers)
    (place / "ratings" / "mine.jsonl").unlink()
    app = taste_of(rate())
    app.file_uploader(key="back-0").upload("mine.csv", table, "text/csv").run()
    assert "17 new answers in 17 rows; 17 about photos that are here." in texts(app)
    button(app, "Add them").click().run()
    assert ratings.to_csv(answers(place).answers) == table
    assert [of.label for of in app.metric][:1] == ["Your SIAM and you (τ)"]
    app.file_uploader(key="back-1").upload("bad.csv", b"rater,kind\nx,y\n", "text/csv").run()
    assert "bad.csv lacks the column 'photo'" in app.error[0].value


def test_a_folder_of_ones_own(place, monkeypatch):
    monkeypatch.setattr("ui.photos.uploads.on_this_machine", lambda: True)
    app = rate()
    app.radio(key="rated").set_value("a folder on this machine").run()
    app.text_input(key="rated-folder").set_value(str(place / "nowhere")).run()
    assert "is not a folder" in app.error[0].value
    app.text_input(key="rated-folder").set_value(str(place / "photos")).run()
    button(app, "3").click().run()
    (stored,) = (place / "ratings").glob("photos-*.jsonl")
    (one,) = ratings.read(stored).answers
    assert (place / "photos" / one.photo).is_file() and one.value == 3


def test_an_answer_that_cannot_be_stored_is_told(place):
    (place / "ratings").write_text("a file where the folder should be")
    app = rate()
    button(app, "5").click().run()
    assert "Not stored" in app.error[0].value and not app.exception
    assert button(app, "5")


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_by_keyboard_alone(width, place, browser):
    """Rate, skip, undo and rate again with the keys on the page; the photo and its keys fit into the window."""
    with running_app(place) as address, browser.new_page(viewport={"width": width, "height": 900}) as page:
        page.goto(f"{address}/rate?pair=models%2Ftiny&gallery=mine")
        expect(page.get_by_role("heading", name=HEADINGS["rate"])).to_be_visible(timeout=WAIT)
        keys = page.get_by_role("button", name="7", exact=True)
        expect(keys).to_be_in_viewport(timeout=WAIT)
        assert page.get_by_test_id("stMain").evaluate("it => it.scrollWidth <= it.clientWidth")
        expect(page.get_by_text("Or slide a thumb")).to_be_hidden()  # where there is no touch screen
        for key, said in (
            ("6", "1 photo judged"), ("s", "1 photo judged, 1 skipped"), ("2", "2 photos judged, 1 skipped"),
            ("z", "1 photo judged, 1 skipped"), ("7", "2 photos judged, 1 skipped"),
        ):  # fmt: skip
            wait_until_idle(page)
            page.keyboard.press(key)
            expect(page.get_by_text(f"{said} · after", exact=False)).to_be_visible(timeout=WAIT)
    stored = [json.loads(line) for line in (place / "ratings" / "mine.jsonl").read_text().splitlines()[1:]]
    assert [(of["kind"], of.get("value")) for of in stored] == [
        ("rating", 6), ("skip", None), ("rating", 2), ("undo", None), ("rating", 7),
    ]  # fmt: skip
    assert stored[2]["photo"] == stored[4]["photo"] != stored[0]["photo"]


def slide(page, photo: str, start: float, end: float, *, away: bool = False) -> str:
    """Slide a thumb across a photo, from one share of its width to another; return what is shown meanwhile.

    With `away`, it leaves the photo at the top, and nothing counts.
    """
    picture = page.locator(f".st-key-{photo} img")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box(timeout=WAIT)
    steps = [(start + (end - start) * step / 10, 0.5) for step in range(11)]
    if away:
        steps.append((end, -0.5))
    touch = page.context.new_cdp_session(page)
    for number, (x, y) in enumerate(steps):
        place = {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y}
        kind = "touchMove" if number else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    page.wait_for_timeout(200)  # the page hears of a touch with its next frame
    shown = page.locator("output")
    told = shown.inner_text() if shown.is_visible() else ""
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    return told


def test_a_thumb_answers(place, browser):
    screen = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    with running_app(place) as address, screen, screen.new_page() as page:
        page.goto(f"{address}/rate?pair=models/tiny&gallery=mine")
        expect(page.get_by_text("Or slide a thumb across the photo")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        assert slide(page, "rate-photo", 0.2, 0.93, away=True) == slide(page, "rate-photo", 0.5, 0.55) == ""
        for count, (start, end, wanted) in enumerate([(0.2, 0.93, 7), (0.9, 0.03, 1), (0.1, 0.5, 4)], 1):
            assert slide(page, "rate-photo", start, end) == str(wanted)
            expect(page.get_by_text(f"{count} photo{'s' * (count > 1)} judged")).to_be_visible(timeout=WAIT)
            wait_until_idle(page)
        page.goto(f"{address}/rate?pair=models/tiny&gallery=mine&mode=pairs")
        expect(page.get_by_text("Or push the more beautiful photo aside")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        assert slide(page, "rate-photo-2", 0.3, 0.8) == "✓"
        expect(page.get_by_text("2 photos judged")).to_be_visible(timeout=WAIT)
        expect(page.get_by_test_id("stException")).to_have_count(0)
    standing = answers(place).answers
    assert [(of.kind, of.value) for of in standing] == [("rating", 7), ("rating", 1), ("rating", 4), ("pair", 2)]
    assert len({of.photo for of in standing[:3]}) == 3
