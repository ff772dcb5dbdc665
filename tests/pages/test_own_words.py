"""Every page with a pair that was trained on three words of one's own, and the gallery of its photos."""

import os
from pathlib import Path

import pytest

from siam.cli.main import main
from tests.support.own_words import write_photos, write_recipe
from tests.support.pages import opened, texts
from ui.state.markdown import plain

WORDS = ("pond", "old wall", "hedge & co. <b>")
DESCRIPTION = f"""\
["word 0"]
words = "{WORDS[0]}"
group = "water"
["word 1"]
words = "{WORDS[1]}"
["word 2"]
words = "{WORDS[2]}"
group = "green"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Train as a user does, and make a gallery; return the folder."""
    folder = tmp_path_factory.mktemp("words")
    write_photos(folder / "my", len(WORDS), 16)
    (folder / "my" / "attributes.toml").write_text(DESCRIPTION, encoding="utf-8")
    recipe, before = write_recipe(folder, steps=20), Path.cwd()
    os.chdir(folder)
    try:
        assert main(["train", str(recipe), "--root", "my", "--out", "models/mine"]) == 0
        judge = ["evaluate", "--data", "folder", "--root", "my", "--split", "all", "--model", "models/mine"]
        assert main([*judge, "--gallery", "galleries/mine"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("explain", {"sample": "lake-boats"}),
        ("templates", {}),
        ("templates", {"by": "group"}),
        ("what_if", {"sample": "lake-boats"}),
        ("compare", {"sample": "lake-boats"}),
        ("disagreements", {}),
        ("disagreements", {"case": "3"}),
        ("results", {"table": "Model cards"}),
        ("about", {}),
        ("map", {}),
        ("label", {}),
    ],
)
def test_a_page_shows_it_without_an_error(page, parameters, place, monkeypatch):
    monkeypatch.chdir(place)
    app = opened(page, pair="models/mine", **parameters)
    assert not app.error, app.error[0].value
    assert app.selectbox(key="pair").value == "models/mine"
    assert "Trained on 16 photos of its owner, in 3 attributes" in "\n".join(of.value for of in app.sidebar.caption)


def test_what_if_asks_in_the_words_of_the_pair(place, monkeypatch):
    monkeypatch.chdir(place)
    heading = opened("what_if", pair="models/mine", gallery="mine").header[0].value
    assert heading.startswith("What if SIAM saw less ") and sum(plain(word) in heading for word in WORDS) in (1, 2)
    assert "road" not in heading


def test_templates_are_shown_by_group(place, monkeypatch):
    monkeypatch.chdir(place)
    app = opened("templates", pair="models/mine", by="group")
    shown = [of.key.removeprefix("template-") for of in app.button if of.key and of.key.startswith("template-")]
    assert shown == [WORDS[0], WORDS[2], WORDS[1]]
    titles = [of.value for of in app.markdown if of.value in ("**water**", "**green**", "**others**")]
    assert titles == ["**water**", "**green**", "**others**"]
    app.selectbox(key="pair").select("Photos").run()
    assert not app.exception and "**others**" not in [of.value for of in app.markdown]


def test_results_show_the_card_with_its_figures(place, monkeypatch):
    monkeypatch.chdir(place)
    text = texts(opened("results", pair="models/mine", table="Model cards"))
    assert "16 photos labelled with 3 attributes (pond, old wall and hedge" in text
    assert "What: attributes found on 16 unseen photos of my." in text
    assert "Agreement with the crowd on unseen photos" in text
