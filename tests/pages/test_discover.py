"""The page Discover: from the button to an attribute in Explain, with answers that *Label* shares, and back again."""

import io
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from playwright.sync_api import expect

from siam.archive import Settings, score_into, source_of
from siam.cli.main import main
from siam.discovery import gallery
from siam.discovery.candidates import Candidate, Discovery, Gain
from siam.discovery.cells import Cells
from siam.gallery.folder import Source, build
from siam.gallery.store import read
from siam.gallery.upkeep import CROSS_VALIDATION
from siam.gallery.writing import entries_of, write
from siam.labelling import answers
from siam.labelling.answers import Answer
from siam.models.card import DISCOVERED
from siam.models.checkpoint import Pair, load, save
from siam.runtime.paths import GALLERY_VARIABLE, MODEL_VARIABLE
from siam.taste.maps import Maps
from tests.archive.made import stored_pair, write_photos
from tests.support.pages import button, opened, texts
from tests.support.paths import ROOT
from tests.support.server import WAIT, running_app, wait_until_idle
from tests.support.versions import older_gallery
from ui.state.zipped import zipped

COUNT, WORD = 64, "old wall"
LOOK, MAKE = "Look for what SIAM misses", "Make it an attribute"
LABELS = "labels/mine/labels.jsonl"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A place to start the app in, with pairs and galleries of its own."""
    place = tmp_path_factory.mktemp("discover")
    pair = stored_pair(place / "models" / "tiny", attribute_link="tanh")
    save(Pair("alone", pair.siam, None, {}), place / "models" / "alone")
    write_photos(place / "photos", COUNT)
    write_photos(place / "few", 5)
    for name, folder, of in (("mine", "photos", "tiny"), ("few", "few", "tiny"), ("bare", "few", "alone")):
        source = Source("folder", place / folder, f"models/{of}")
        build(load(place / "models" / of, "cpu"), nullcontext(), source, place / "galleries" / name)
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """The same, without answers and pairs of other tests."""
    for kind in ("models", "galleries"):
        (tmp_path / kind).mkdir()
        for path in (made / kind).iterdir():
            (tmp_path / kind / path.name).symlink_to(path)
    (tmp_path / "photos").symlink_to(made / "photos")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(made / "cache"))
    return tmp_path


@pytest.fixture
def fresh():
    """Nothing that other tests found, which the server keeps, nor anything for them."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def discover(pair="models/tiny", gallery="mine"):
    return opened("discover", pair=pair, gallery=gallery)


def until(app, there):
    """Run the page until something is there; its work goes on in the background."""
    for _try in range(600):
        if there(app):
            return
        time.sleep(0.1)
        app.run()
        assert not app.exception
    raise AssertionError(texts(app))


def labels(app):
    return [one.label for one in app.button]


def found(**parameters):
    """The page with its candidates."""
    app = discover(**parameters)
    if LOOK in labels(app):
        button(app, LOOK).click().run()
        until(app, lambda app: "Name it" in labels(app))
    return app


def name(app, place=0, word=WORD):
    app.button(key=f"name-{place}").click().run()
    app.text_input(key=f"discover-word-{place}").set_value(word).run()
    return app


def asked(app):
    """The photo that is asked about."""
    alts = [picture.alt for element in app.image for picture in element.proto.imgs]
    return next(alt.removeprefix("photo ") for alt in alts if alt.startswith("photo "))


def photo_names(place):
    return [str(file) for file in read(place / "galleries" / "mine").photos["file"]]


def given(place, present=6, absent=6):
    """Somebody has answered on the page Label."""
    (place / LABELS).parent.mkdir(parents=True)
    names = photo_names(place)
    for number, photo in enumerate(names[: present + absent]):
        answers.add(place / LABELS, Answer("present" if number < present else "absent", WORD, photo))


def answered(app):
    """Answer by turns until an attribute can be made."""
    for label in ("Present", "Absent") * 6:
        button(app, label).click().run()
    return app


def finished(app):
    until(app, lambda app: any(label.startswith("Explain with") for label in labels(app)))


def test_candidates_come_on_a_click_and_stay_for_the_session(place, fresh):
    app = discover()
    assert LOOK in labels(app) and not app.image and not app.error
    button(app, LOOK).click().run()
    until(app, lambda app: "Name it" in labels(app))
    text = texts(app)
    assert f"SIAM orders these {COUNT} photos with τ" in text and "the baseline’s scores, since nobody rated" in text
    assert "points per standard deviation" in text and "95 % interval" in text and "random halves" in text
    alts = [picture.alt for element in app.image for picture in element.proto.imgs]
    assert any("average of its places" in alt for alt in alts) and any("much: " in alt for alt in alts)
    assert not (place / "labels").exists()
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/discover.py").run()
    assert "Name it" in labels(app)
    assert "Name it" in labels(discover())  # another visitor need not wait for the same
    assert LOOK in labels(discover("Rendered", "Rendered landscapes"))  # nor sees what was found elsewhere


def drawn_by_hand(names):
    """What is found about a few photos: the warmest lower the score, and that is certain; another thing is not."""
    count, random = len(names), np.random.default_rng(0)
    maps = np.full((count, 7, 7), 0.1, dtype=np.float16) * np.arange(count)[:, None, None].astype(np.float16)
    none = np.zeros((count, 7, 7, 1), dtype=np.float16)
    cells = Cells(Maps(names, ("",) * count, none[..., :1].reshape(count, 1, 7, 7)), none, none, none)
    where = random.normal(size=(7, 7))
    sure, unsure = Gain(0.02, 0.01, 0.03), Gain(0.001, -0.01, 0.02)
    amount = maps.mean(axis=(1, 2), dtype=float)
    warm = Candidate("warmth", maps, amount, -0.25, 0.7, sure, sure, where, (("wire", 0.5),), (("old_stone", -0.4),))
    other = Candidate("pattern 3", maps, -amount, 0.1, 0.5, unsure, unsure, where, (), ())
    scores = np.arange(count, dtype=float)
    return Discovery((warm, other), np.arange(count), cells, scores, scores, True, 0.5, -0.1)


def test_a_card_tells_what_is_certain_and_what_is_not(place, fresh, monkeypatch):
    names = tuple(map(str, read(place / "galleries" / "few").photos["identifier"]))
    monkeypatch.setattr(gallery, "discover_in", lambda *_pair, **_others: drawn_by_hand(names))
    app = found(gallery="few")
    text = texts(app)
    assert "τ 0.50 against people’s ratings" in text and "nothing reliable was found" in text
    assert "**1 · warmth** · ▼ lowers, −0.25 points per standard deviation" in text
    assert "Would add +0.020 to τ (95 % interval +0.010 to +0.030)." in text and "in 70 % of random halves" in text
    assert "Like: wire · unlike: old stone." in text and "And least warmth:" in text
    assert "**2 · pattern 3** · ▲ raises, +0.10" in text and "Like none of the named attributes." in text
    assert "Would add +0.001 to τ (**not certain**, 95 % interval −0.010 to +0.020)." in text
    alts = [picture.alt for element in app.image for picture in element.proto.imgs]
    much, little = ([of for of in alts if of.startswith(f"warmth, {how}: ")] for how in ("much", "little"))
    assert [of.rpartition(" ")[2] for of in much] == list(reversed(names))
    assert [of.rpartition(" ")[2] for of in little] == list(names)
    assert not any(of.startswith("pattern 3, little") for of in alts)


def test_answers_are_those_of_the_page_label(place):
    app = name(found())
    first = asked(app)
    button(app, "Present").click().run()
    second = asked(app)
    button(app, "Absent").click().run()
    assert answers.read(place / LABELS).said(WORD) == {first: "present", second: "absent"}
    label = opened("label", pair="models/tiny", gallery="mine")
    assert f"**{WORD}**" in texts(label) and f"**2** of {COUNT} answered" in texts(label)
    button(app, "Undo").click().run()
    assert asked(app) == second and answers.read(place / LABELS).said(WORD) == {first: "present"}


def test_from_label_s_answers_to_an_attribute_in_explain_and_back(place):
    given(place)
    app = name(found())
    assert "**12** answered: 6 present, 6 absent" in texts(app)
    app.text_input(key="discover-by").set_value("  Ada  *Byron* ")  # not sent before the click
    button(app, MAKE).click().run()
    finished(app)
    card = load(place / "models" / "tiny-old-wall", "cpu").card[DISCOVERED]
    assert (card["word"], card["pair"], card["gallery"], card["by"]) == (WORD, "tiny", "mine", "Ada *Byron*")
    assert card["answers"] == {"present": 6, "absent": 6, "unsure": 0}
    pair = load(place / "models" / "tiny-old-wall", "cpu")
    assert pair.name == "tiny-old-wall" and pair.config.attributes[-1] == WORD and len(pair.config.attributes) == 6
    assert "with it (" in texts(app) and "95 % interval" in texts(app)
    gallery = read(place / "galleries" / "tiny-old-wall")
    assert gallery.about.attributes[-1] == WORD and len(gallery) == COUNT
    next(one for one in app.button if one.label.startswith("Explain with")).click().run()
    assert not app.exception and app.selectbox(key="pair").value == "models/tiny-old-wall"
    assert app.header[0].value == "What makes this landscape beautiful?" and not app.warning
    assert any(WORD in (picture.alt or picture.caption) for of in app.image for picture in of.proto.imgs)
    assert WORD in texts(opened("results", table="Model cards", pair="models/tiny-old-wall"))
    for page in ("templates", "disagreements", "what_if", "about", "results", "label", "rate"):
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception and not app.error, page
    app.switch_page("pages/discover.py").run()
    assert r"named by Ada \*Byron\* from 12 answers" in texts(app)
    button(app, "Delete").click().run()
    assert not app.exception and not app.error and app.selectbox(key="pair").value == "models/tiny"
    assert sorted(path.name for path in (place / "models").iterdir()) == ["alone", "tiny"]
    assert not (place / "galleries" / "tiny-old-wall").exists() and (place / LABELS).exists()
    assert "Delete" not in labels(app)


def test_a_second_pair_of_one_name_replaces_no_other(place):
    given(place)
    save(Pair("mine", load(place / "models" / "tiny", "cpu").siam, None, {}), place / "models" / "tiny-old-wall")
    app = name(found())
    button(app, MAKE).click().run()
    finished(app)
    assert load(place / "models" / "tiny-old-wall", "cpu").name == "mine"
    assert load(place / "models" / "tiny-old-wall-2", "cpu").config.attributes[-1] == WORD


def test_a_gallery_of_a_cross_validation_gets_one_for_the_new_networks_too(made, place):
    given(place)
    own = place / "galleries" / "mine"
    own.unlink()
    shutil.copytree(made / "galleries" / "mine", own)
    table = read(own)
    write(own, replace(table.about, split=CROSS_VALIDATION, command="python -m siam train it"), entries_of(table))
    before = (own / "gallery.parquet").read_bytes()
    app = name(found())
    button(app, MAKE).click().run()
    finished(app)
    assert "learned from these, so here they look better than they are" in texts(app)
    new = read(place / "galleries" / "tiny-old-wall").about
    assert new.split == "all" and new.attributes[-1] == WORD and " rescore " in new.command
    assert (own / "gallery.parquet").read_bytes() == before
    assert load(place / "models" / "tiny-old-wall", "cpu").card[DISCOVERED]["by"] == ""


def test_an_archive_tells_how_the_new_networks_score_it(place):
    source = source_of(str(place / "photos"))
    settings = Settings(engine="local", features=True)
    score_into(load(place / "models" / "tiny", "cpu"), source, place / "galleries" / "walks", settings)
    app = answered(name(found(gallery="walks")))
    button(app, MAKE).click().run()
    finished(app)
    (command,) = [of.value for of in app.code if " score " in of.value]
    assert command.endswith("--out galleries/tiny-old-wall --model models/tiny-old-wall --features")
    assert main([*shlex.split(command)[3:], "--runner", "local"]) == 0
    gallery = read(place / "galleries" / "tiny-old-wall")
    assert gallery.about.attributes[-1] == WORD and len(gallery) == COUNT


def test_too_few_answers_say_what_is_missing(place):
    given(place, 3, 1)
    app = name(found())
    assert "Needed: 2 more that do not." in texts(app) and button(app, MAKE).disabled


@pytest.mark.parametrize("word", ["Attribute 1", "a,b", "=1+1", "x" * 61])
def test_a_word_that_cannot_be_one_is_refused_in_a_line(place, word):
    app = name(found(), word=word)
    assert len(app.error) == 1 and "Present" not in labels(app)


def test_words_that_make_no_folder_still_make_an_attribute(place):
    app = answered(name(found(), word="../wall/ old"))
    button(app, MAKE).click().run()
    finished(app)
    assert load(place / "models" / "tiny-wall-old", "cpu").config.attributes[-1] == "../wall/ old"


def test_a_folder_that_cannot_be_deleted_is_said_so(place, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    card = {DISCOVERED: {"word": WORD, "pair": "tiny"}}
    save(Pair("other", load(place / "models" / "tiny", "cpu").siam, None, card), place / "models" / "other")
    app = discover()
    monkeypatch.setattr("shutil.rmtree", refuse)
    button(app, "Delete").click().run()
    assert "Not removed" in app.error[0].value and not app.exception
    assert (place / "models" / "other").exists()


def test_a_pair_without_a_baseline_says_so(place):
    app = discover("models/alone", "bare")
    assert "has no baseline" in texts(app) and LOOK not in labels(app)


def test_scores_of_other_networks_are_said_so(tmp_path, monkeypatch):
    monkeypatch.chdir(older_gallery(tmp_path))
    app = opened("discover", pair="runs/tiny", gallery="walk")
    assert "tiny 1.0" in texts(app) and "Score again" in labels(app)


def test_a_gallery_that_is_too_small_says_so(place):
    app = discover(gallery="few")
    button(app, LOOK).click().run()
    until(app, lambda app: app.warning)
    assert "need 60 photos" in app.warning[0].value and LOOK in labels(app)


def test_a_pair_without_a_gallery_and_a_gallery_without_pictures_say_so(place, monkeypatch):
    for link in (place / "galleries").iterdir():
        link.unlink()
    assert "no gallery yet" in texts(opened("discover", pair="models/tiny"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    assert "not on this machine" in texts(opened("discover", gallery="OASIS scenes"))


def test_a_job_that_is_cancelled_can_begin_again(place, fresh, monkeypatch):
    def slow(*_pair, progress, **_others):
        while True:
            progress(0.5, "Looking")
            time.sleep(0.01)

    monkeypatch.setattr(gallery, "discover_in", slow)
    app = discover()
    button(app, LOOK).click().run()
    button(app, "Cancel").click().run()
    until(app, lambda app: "Stopped" in texts(app))
    assert not app.error
    monkeypatch.undo()
    monkeypatch.chdir(place)
    button(app, LOOK).click().run()
    until(app, lambda app: "Name it" in labels(app))


def test_a_public_server_gives_the_networks_away_and_writes_nothing_down(place, public_server, monkeypatch):
    monkeypatch.setenv(MODEL_VARIABLE, str(place / "models" / "tiny"))
    monkeypatch.setenv(GALLERY_VARIABLE, str(place / "galleries" / "mine"))
    before = sorted(place.rglob("*"))
    app = name(found(pair="tiny"))
    app = answered(app)
    button(app, MAKE).click().run()
    until(app, lambda app: app.get("download_button"))
    (download,) = app.get("download_button")
    assert download.proto.label == "The networks (ZIP)" and "Unpack it below models/" in texts(app)
    assert sorted(place.rglob("*")) == before and not any(label.startswith("Explain with") for label in labels(app))


def test_the_zip_holds_a_pair(place):
    (place / "home").mkdir()
    pair = load(place / "models" / "tiny", "cpu")
    zipfile.ZipFile(io.BytesIO(zipped(pair, "mine"))).extractall(place / "home")
    assert load(place / "home" / "mine", "cpu").config == pair.config


def test_the_page_can_be_opened_without_pytorch():
    modules = ["cards", "looking", "making", "naming", "pictures", "removal"]
    code = f"import sys; from ui.discover import {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# In a browser


def test_a_candidate_is_named_by_keys_on_a_narrow_screen(made, tmp_path, browser):
    for kind in ("models", "galleries"):
        (tmp_path / kind).symlink_to(made / kind)
    (tmp_path / "photos").symlink_to(made / "photos")
    with (
        running_app(tmp_path, XDG_CACHE_HOME=str(made / "cache")) as address,
        browser.new_page(viewport={"width": 390, "height": 844}) as page,
    ):
        page.goto(f"{address}/discover?pair=models/tiny&gallery=mine")
        page.get_by_role("button", name=LOOK).click(timeout=WAIT)
        page.get_by_role("button", name="Name it").first.click(timeout=WAIT)
        page.get_by_role("textbox", name="What is it?").fill("old wall", timeout=WAIT)
        page.keyboard.press("Tab")
        expect(page.get_by_text("Does this photo show old wall?")).to_be_visible(timeout=WAIT)
        for count, key in enumerate("paua", 1):
            wait_until_idle(page)
            page.keyboard.press(key)
            expect(page.get_by_text(f"{count} answered")).to_be_visible(timeout=WAIT)
        wait_until_idle(page)
        page.keyboard.press("z")
        expect(page.get_by_text("3 answered: 1 present, 1 absent")).to_be_visible(timeout=WAIT)
        overflow = "document.querySelector('[data-testid=stMain]').scrollWidth > window.innerWidth"
        assert not page.evaluate(overflow)
        expect(page.get_by_test_id("stException")).to_have_count(0)
    assert len(answers.read(tmp_path / LABELS).said("old wall")) == 3
