"""A link says with which networks it was made, and one that others made says so."""

import pytest

from siam.gallery.upkeep import networks_of
from siam.models.checkpoint import load
from tests.support.pages import opened, parameter
from tests.support.versions import older_gallery
from ui.state import made as links


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.chdir(older_gallery(tmp_path))
    return tmp_path


def page(name="", **parameters):
    return opened(name, pair="runs/tiny", gallery="walk", **parameters)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("1.0-abcdef", "This link was made with networks of version 1.0. You see tiny 1.1: numbers may differ"),
        ("1.1-abcdef", "This link was made with other networks. You see tiny 1.1: numbers may differ"),
        ("0-abcdef", "This link was made with other networks."),
        ("**bold**", None),
        ("1.0-abcdefg", None),
        (None, None),
    ],
)
def test_a_link_of_other_networks_says_so_in_one_line_and_older_links_work(place, word, said):
    app = page(case="1", **({} if word is None else {links.address.WORD: word}))
    found = [of.value for of in app.info if "This link" in of.value]
    assert (said is None and not found) or (len(found) == 1 and said in found[0])
    assert parameter(app, "case") == "1"
    app.run()
    assert [of.value for of in app.info if "This link" in of.value] == found  # as long as the view is the same
    app.switch_page("pages/templates.py").run()
    assert not [of.value for of in app.info if "This link" in of.value]


def test_a_link_says_with_which_networks_it_was_made(place):
    app = page()
    word = links.word(networks_of(load("runs/tiny", device="cpu")))
    assert parameter(app, "sample") is not None and parameter(app, links.address.WORD) == word
    assert word.startswith("1.1-") and len(word) == 10
    again = page(sample=parameter(app, "sample"), **{links.address.WORD: word})
    assert not [of.value for of in again.info if "This link" in of.value]


def test_choosing_other_networks_makes_another_link_and_no_warning(place):
    app = page()
    app.selectbox(key="pair").set_value("Photos").run()
    assert parameter(app, links.address.WORD).startswith("3.0-")
    assert not [of.value for of in app.info if "This link" in of.value]
