"""The page Templates in every state."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import siam
from siam.drawing import phrases
from siam.explanation.templates import net_effects, stamp, stamp_effect, template_order, template_text, usual_amount
from siam.models.checkpoint import save
from tests.support.own_pair import believed_pair
from tests.support.pages import opened, parameter, texts
from ui.state import chosen


@pytest.fixture(scope="module")
def pair():
    return siam.load("rendered")


@pytest.fixture(scope="module")
def templates(pair):
    return pair.siam.scenicness_head.effective_templates().detach().numpy()


def shown(app):
    """The attributes in the order of the page."""
    return [of.key.removeprefix("template-") for of in app.button if of.key and of.key.startswith("template-")]


@pytest.mark.parametrize("order", ["net effect", "name", "depends on place"])
def test_all_templates_in_every_order(pair, templates, order):
    app = opened("templates", pair="Rendered", by=order)
    names = pair.siam.config.attributes
    assert shown(app) == [names[k] for k in template_order(templates, names, order)]
    for effect in net_effects(templates):
        assert phrases.signed(float(effect)) in texts(app)


def test_at_first_the_attribute_with_the_largest_effect(pair, templates):
    app = opened("templates", pair="Rendered")
    largest = pair.siam.config.attributes[int(np.abs(net_effects(templates)).argmax())]
    assert phrases.words(largest).capitalize() in [heading.value for heading in app.subheader]


def test_a_chosen_attribute_is_in_the_address_and_the_address_chooses(pair):
    app = opened("templates", pair="Rendered")
    app.button(key="template-wire").click().run()
    assert parameter(app, "attribute") == "wire"
    assert "Wire" in [heading.value for heading in app.subheader]
    again = opened("templates", pair="Rendered", attribute="wire")
    assert texts(again) == texts(app)


def test_an_unknown_attribute_is_passed_over():
    app = opened("templates", attribute="oak", row="99", column="x", by="colour")
    assert len(shown(app)) == len(siam.load("photo").siam.config.attributes)


def test_the_stamp_says_what_the_template_does_there(pair, templates):
    app = opened("templates", pair="Rendered", attribute="wire", row="2", column="3", size="3", strength="0.5")
    k = pair.siam.config.attributes.index("wire")
    cases = chosen._cases(chosen.BUNDLED / "rendered", 0)
    amount = usual_amount(cases.gallery.presence[:, k])
    cells = stamp(len(templates[k]), 1, 2, 3)
    expected = stamp_effect(templates[k], cells, 0.5 * amount)
    assert abs(expected) > 0.02
    assert app.metric[0].value == f"{phrases.signed(expected)} points"


def test_without_a_place_there_is_no_stamp():
    assert not opened("templates", attribute="wire").metric


def test_the_halves_on_request():
    app = opened("templates", attribute="trees")
    before = len(app.image)
    app.toggle(key="halves").set_value(True).run()
    assert len(app.image) == before + 2


def test_pictures_of_the_gallery_lead_to_their_cases(pair):
    app = opened("templates", pair="Rendered", attribute="wire")
    cases = chosen._cases(chosen.BUNDLED / "rendered", 0)
    k = pair.siam.config.attributes.index("wire")
    strongest = cases.gallery.contributions[:, k]
    links = [link.proto for link in app.get("page_link")]
    identifier = cases.table["identifier"].iloc[int(np.abs(strongest).argmax())]
    assert any(identifier in str(link.query_string) for link in links)
    assert phrases.signed(float(strongest[np.abs(strongest).argmax()])) in " ".join(link.label for link in links)


@pytest.fixture
def own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return believed_pair(tmp_path)


def test_the_page_says_what_the_folds_agree_on(own):
    texts_of = {
        k: texts(opened("templates", pair="runs/believed", attribute=f"attribute_{k}", by="name")) for k in range(3)
    }
    template = own.siam.scenicness_head.effective_templates().detach().numpy()[0]
    assert template_text(template) in texts_of[0] and "5 of 5 folds" in texts_of[0]
    for k in (1, 2):
        assert "no effect that the folds agree on" in texts_of[k]
    assert "0 of 5 folds" in texts_of[1] and "3 of 5 folds" in texts_of[2]


def test_cells_on_which_folds_disagree_are_explained_once(own):
    count = len(own.siam.config.attributes)
    assert len(opened("templates", pair="runs/believed").image) == count + 2  # and the two legends
    folder = Path("runs/believed")
    save(dataclasses.replace(own, fold_templates=None), folder)
    app = opened("templates", pair="runs/believed")
    assert len(app.image) == count + 1 and "folds" not in texts(app)


def test_names_carry_how_far_they_can_be_believed(own):
    app = opened("templates", pair="runs/believed", attribute="attribute_2")
    buttons = [app.button(key=f"template-attribute_{k}") for k in (0, 1, 2, 3)]
    marks = [re.sub(r"[*\[\]]|:primary|attribute \d", "", button.label).strip() for button in buttons]
    assert marks[0] == marks[3] == "" and len({*marks[:3]}) == 3
    assert ["0.16" in (button.help or "") for button in buttons] == [False, False, True, False]
    assert "0.16" in texts(app) and marks[2] in texts(app)


def test_a_card_that_says_nothing_leaves_names_alone(pair, own):
    save(dataclasses.replace(own, card={}, fold_templates=None), Path("runs/believed"))
    app = opened("templates", pair="runs/believed")
    assert "recognised" not in texts(app)
    assert not any(button.help for button in app.button if button.key and button.key.startswith("template-"))
