"""The line that says whose scores a gallery holds, and the button that scores it again."""

import shutil
from dataclasses import replace

import pytest

from siam.errors import StorageError
from siam.gallery import store
from siam.gallery.upkeep import Networks
from siam.gallery.writing import entries_of, write
from tests.support.pages import opened, texts
from tests.support.versions import MORE, older_gallery
from ui.add_gallery import tasks
from ui.state import public

OLD = "by tiny 1.0 on"
CHOSEN = "you chose tiny 1.1"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Version 1.1 of a pair, as runs/tiny, and a gallery that version 1.0 has scored."""
    return older_gallery(tmp_path_factory.mktemp("app"))


@pytest.fixture
def place(made, monkeypatch, tmp_path):
    """A copy of it, in which the app is started."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(name="", **parameters):
    return opened(name, pair="runs/tiny", gallery="walk", **parameters)


def keys(app):
    return {button.key for button in app.button}


@pytest.mark.parametrize(
    ("name", "parameters", "scores"),
    [
        ("disagreements", {}, "scores here are the old ones"),
        ("disagreements", {"case": "1"}, "the gallery’s scores are the old ones"),
        ("templates", {}, "scores here are the old ones"),
        ("what_if", {"case": "1"}, "the gallery’s scores are the old ones"),
        ("", {"case": "1"}, "the gallery’s scores are the old ones"),
    ],
)
def test_pages_that_show_a_gallery_say_in_one_line_that_others_scored_it(place, name, parameters, scores):
    app = page(name, **parameters)
    (line,) = (of.value for of in app.markdown if OLD in of.value)
    assert CHOSEN in line and scores in line and "score-again" in keys(app)


def test_a_photo_that_is_of_no_gallery_has_no_such_line(place):
    app = page(sample="mountain-path")
    assert OLD not in texts(app) and "score-again" not in keys(app)


def test_one_click_scores_again_and_the_line_is_gone(place):
    app = page("disagreements")
    before = store.read(place / "galleries" / "walk")
    app.button(key="score-again").click().run()
    assert app.session_state["task"].job.wait(60)
    app.run()
    assert app.session_state["task"].kind == "success"
    after = store.read(place / "galleries" / "walk")
    assert (after.photos["siam"] - before.photos["siam"]).tolist() == pytest.approx([MORE] * 3, abs=1e-4)
    assert after.photos["crowd_mean"].tolist() == pytest.approx(before.photos["crowd_mean"].tolist(), nan_ok=True)
    said = texts(app)
    assert OLD not in said and "score-again" not in keys(app)
    assert "3 scores changed, by 0.25 points" in said


def test_missing_pictures_leave_the_old_scores_and_the_page_says_so(place):
    folder = place / "galleries" / "walk"
    gallery = store.read(folder)
    write(folder, replace(gallery.about, command="made --root gone"), entries_of(gallery))
    for name in ("images", "scored"):
        shutil.rmtree(folder / name)
    app = page("disagreements")
    app.button(key="score-again").click().run()
    assert app.session_state["task"].job.wait(60)
    app.run()
    assert not app.exception
    said = texts(app)
    assert "3 of its 3 pictures are missing" in said and OLD in said and "score-again" in keys(app)
    assert store.read(folder).about.version == "1.0"


def test_a_gallery_that_cannot_be_written_to_is_scored_into_a_new_one(place, monkeypatch):
    folder = place / "galleries" / "walk"
    check = tasks.check_folder

    def refused(path):
        if path.resolve() == folder.resolve():
            raise StorageError(f"{path} cannot be written to")
        check(path)

    monkeypatch.setattr(tasks, "check_folder", refused)
    app = page("disagreements")
    app.button(key="score-again").click().run()
    assert app.session_state["task"].job.wait(60)
    app.run()
    assert not app.exception
    assert store.read(folder).about.version == "1.0"
    assert store.read(place / "galleries" / "walk-2").about.version == "1.1"
    assert app.selectbox(key="gallery").value == "walk-2" and OLD not in texts(app)


def test_what_only_training_makes_again_has_no_button(place):
    folder = place / "galleries" / "walk"
    gallery = store.read(folder)
    write(folder, replace(gallery.about, split="cross-validation"), entries_of(gallery))
    app = page("disagreements")
    assert "Scored by the cross-validation of tiny 1.0" in texts(app)
    assert "Only training makes it again." in texts(app) and "score-again" not in keys(app)


def test_on_a_public_server_nobody_can_change_a_gallery(monkeypatch):
    monkeypatch.setenv("SIAM_PUBLIC", "1")
    public.public.cache_clear()
    public.limits.cache_clear()
    monkeypatch.setattr("siam.gallery.upkeep.networks_of", lambda _pair: Networks("photo", "9.0", "0" * 64))
    try:
        app = opened("disagreements")
        assert "you chose photo 9.0" in texts(app) and "Whoever runs this server can score it again." in texts(app)
        assert "score-again" not in keys(app)
    finally:
        public.public.cache_clear()
        public.limits.cache_clear()
