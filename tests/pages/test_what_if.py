"""The page What-if: what its numbers are, and what the address holds."""

import pytest

import siam
from siam.drawing import phrases
from siam.explanation import what_if
from siam.explanation.context import in_context
from siam.explanation.what_if import Erase, Misread, Move, Paint, Scale, edits_text
from siam.gallery.samples import load_samples
from siam.images.reading import read_image
from tests.support.pages import button, opened, parameter, texts
from ui.photos import picker
from ui.state import resources

SAMPLE = load_samples()[1]


@pytest.fixture(scope="module")
def explanation():
    return siam.explain(siam.load("photo"), read_image(SAMPLE.path))


@pytest.fixture(scope="module")
def named(explanation):
    """The attributes by name, the largest contribution first."""
    return {item.attribute: item.index for item in explanation.ranking()}


def what_if_page(**parameters):
    return opened("what_if", sample=SAMPLE.key, **parameters)


def address_of(explanation, *edits):
    return edits_text(edits, explanation.attributes, explanation.attribute_maps.shape[1:])


def shown(app):
    return [metric.value for metric in app.metric]


def expected(explanation, *edits):
    after = what_if.score(explanation, edits)
    return [
        phrases.score_text(explanation.scenicness, explanation.scale),
        phrases.score_text(after, explanation.scale),
        phrases.difference_text(after, explanation.scenicness),
    ]


def test_at_first_nothing_is_changed(explanation):
    app = what_if_page()
    assert shown(app) == expected(explanation)
    assert "not the photo" in texts(app)
    assert parameter(app, "edits") is None
    assert button(app, "Undo").disabled and button(app, "Redo").disabled and button(app, "Reset").disabled


def test_strength_is_one_edit_however_often_it_moves(explanation):
    app = what_if_page()
    largest = explanation.ranking()[0].index
    for factor in (0.5, 1.5, 0.25):
        app.slider(key="strength-now").set_value(factor).run()
        assert shown(app) == expected(explanation, Scale(largest, factor))
    assert parameter(app, "edits") == address_of(explanation, Scale(largest, 0.25))
    app.slider(key="strength-now").set_value(1.0).run()
    assert shown(app) == expected(explanation)
    assert parameter(app, "edits") is None


def test_edits_undo_redo_reset(explanation, named):
    app = what_if_page()
    first, second = list(named)[:2]
    button(app, "Remove it").click().run()
    app.selectbox(key="edited").set_value(phrases.words(second)).run()
    app.slider(key="strength-now").set_value(2.0).run()
    both = Scale(named[first], 0.0), Scale(named[second], 2.0)
    assert shown(app) == expected(explanation, *both)
    for step in what_if.steps(explanation, both):
        assert f"{what_if.edit_text(explanation, step.edit)}: **{phrases.signed(step.change)}**" in texts(app)
    button(app, "Undo").click().run()
    assert shown(app) == expected(explanation, both[0])
    button(app, "Redo").click().run()
    assert shown(app) == expected(explanation, *both)
    button(app, "Reset").click().run()
    assert shown(app) == expected(explanation)


def test_move_and_correct(explanation, named):
    app = what_if_page(edited=phrases.words("trees"))
    app.number_input(key="down").set_value(-3).run()
    button(app, "Move it").click().run()
    moved = Move(named["trees"], -3, 0)
    assert shown(app) == expected(explanation, moved)
    app.selectbox(key="meant").set_value("grass").run()
    button(app, "Relabel it").click().run()
    assert shown(app) == expected(explanation, moved, Misread(named["trees"], named["grass"]))


def test_erase_and_paint_cells_without_a_pointer(explanation, named):
    app = what_if_page(edited="trees")
    _, height, width = explanation.attribute_maps.shape
    assert button(app, "Erase it there").disabled
    app.toggle(key="by-number").set_value(True).run()
    app.slider(key=f"rows-{height}").set_value((1, 2)).run()
    app.slider(key=f"columns-{width}").set_value((2, 4)).run()
    cells = frozenset((row, column) for row in (0, 1) for column in (1, 2, 3))
    assert "6 cells selected" in texts(app)
    button(app, "Erase it there").click().run()
    assert shown(app) == expected(explanation, Erase(named["trees"], cells))
    brush = next(slider for slider in app.slider if slider.label == "Brush strength")
    brush.set_value(brush.max).run()
    button(app, "Paint it there").click().run()
    assert shown(app) == expected(
        explanation, Erase(named["trees"], cells), Paint(named["trees"], cells, float(brush.max))
    )


def test_the_fewest_edits_reach_the_score(explanation):
    app = what_if_page()
    target = round(explanation.scenicness - 0.4, 1)
    app.number_input(key="target").set_value(target).run()
    app.button(key="reach").click().run()
    assert shown(app)[1] == phrases.score_text(target, explanation.scale)
    found = what_if.edits_to_reach(explanation, target)
    assert parameter(app, "edits").count("scale") == len(found.edits)


def test_the_address_holds_the_edits(explanation, named):
    edits = Scale(named["trees"], 0.5), Move(named["clouds"], 2, 1)
    app = what_if_page(edits=address_of(explanation, *edits))
    assert shown(app) == expected(explanation, *edits)
    app.query_params["edits"] = address_of(explanation, edits[0])  # what the browser's Back does
    app.run()
    assert shown(app) == expected(explanation, edits[0])


@pytest.mark.parametrize("text", ["oak:scale:1", "trees:erase:ff", "<b>", "trees:scale:99"])
def test_edits_that_do_not_fit_are_reported_in_a_sentence(explanation, text):
    app = what_if_page(edits=text)
    assert not app.exception
    assert "do not fit" in app.warning[0].value
    assert shown(app) == expected(explanation)


def test_an_address_shows_no_links_of_its_own():
    app = what_if_page(edits="[Sign in](https://example.org)")
    assert r"\[Sign in\](https" in app.warning[0].value


def test_ones_own_photo_is_kept_in_the_session_alone():
    app = opened("")
    data = SAMPLE.path.read_bytes() + b"mine"
    resources._explanation.clear()
    app.file_uploader[0].set_value(("mine.jpg", data, "image/jpeg")).run()
    assert not app.exception
    assert len(app.session_state[resources.OWN]) == 1
    other = opened("")
    assert resources.OWN not in other.session_state


def test_another_photo_starts_without_edits(explanation):
    app = what_if_page()
    button(app, "Remove it").click().run()
    other = load_samples()[2]
    app.button(key=f"sample-{other.key}").click().run()
    assert shown(app) == expected(siam.explain(siam.load("photo"), read_image(other.path)))
    assert parameter(app, "edits") is None


def test_edits_run_no_network(monkeypatch):
    app = what_if_page()
    monkeypatch.setattr(resources, "explain", lambda *_: pytest.fail("an edit ran the network"))
    button(app, "Remove it").click().run()
    app.slider(key="strength-now").set_value(0.5).run()
    assert not app.exception


def test_a_case_of_the_gallery_can_be_changed():
    app = opened("what_if", pair="Rendered", case="898")
    assert app.metric[0].value.endswith("of 10")
    assert parameter(app, "case") == "898"


def test_rendered_landscapes_are_offered_to_their_networks():
    app = opened("", pair="Rendered")
    offered = [of.key for of in app.button if of.key and of.key.startswith("case-")]
    assert len(offered) == picker.OFFERED
    app.button(key=offered[3]).click().run()
    assert parameter(app, "case") == offered[3].removeprefix("case-")
    assert not app.exception


def test_a_change_of_networks_changes_the_photos_on_offer_but_not_an_uploaded_one():
    app = opened("")
    app.selectbox(key="pair").set_value("Rendered").run()
    assert parameter(app, "case") is not None and parameter(app, "sample") is None
    data = SAMPLE.path.read_bytes()
    app.file_uploader[0].set_value(("mine.jpg", data, "image/jpeg")).run()
    own = shown(app)
    app.selectbox(key="pair").set_value("Photos").run()
    expected_score = siam.explain(siam.load("photo"), read_image(data)).scenicness
    assert shown(app)[0] == f"{phrases.number(expected_score)} of 7" != own[0]
    assert parameter(app, "case") is None and parameter(app, "sample") is None


def test_the_score_with_context_follows_every_edit(explanation, named):
    csib = siam.load("photo").csib
    before = in_context(csib, explanation)
    assert f"With context**, the score is {phrases.score_text(before.score, before.scale)}." in texts(what_if_page())
    group = max(range(len(csib)), key=lambda of: len(csib.members(of)))
    index = csib.members(group)[0][0]
    edit = Paint(index, frozenset({(row, column) for row in range(4) for column in range(4)}), 1.0)
    after = in_context(csib, what_if.apply(explanation, [edit, Scale(named["road"], 0)]))
    app = what_if_page(edits=address_of(explanation, edit, Scale(named["road"], 0)))
    change = phrases.difference_text(after.score, before.score)
    assert change != "0.00"
    ends = f"from {phrases.number(before.score)} to {phrases.score_text(after.score, after.scale)}: **{change}**"
    assert ends in texts(app)
    values = [{cause.group: cause.value for cause in of.causes} for of in (before, after)]
    changed = {of for of in values[0] if phrases.signed(values[1][of] - values[0][of]) != "0.00"}
    assert group in changed
    assert {cause.group for cause in after.causes if f"{cause.title} {phrases.signed(values[0][cause.group])} →" in
            texts(app)} == changed  # fmt: skip
    touched = {index, named["road"]}
    assert all(touched & {member for member, _absent, _share in csib.members(of)} for of in changed)
