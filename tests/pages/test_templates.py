"""The page Templates in every state."""

import numpy as np
import pytest

import siam
from siam.drawing import phrases
from siam.explanation.templates import net_effects, stamp, stamp_effect, template_order, usual_amount
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
