"""The lesson: what its answers are, how it leads through the pages, and a learner who walks through it."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

import siam
from siam.drawing import phrases
from siam.gallery.cases import read_cases
from siam.gallery.samples import load_samples
from siam.gallery.store import read
from siam.images.reading import read_image
from siam.models.checkpoint import Pair
from tests.pages.test_browser import NARROW, nothing_is_wider, settle, watched
from tests.support.fakes import fake_explanation
from tests.support.networks import siam_network
from tests.support.pages import button, opened, parameter, texts
from tests.support.paths import ROOT
from tests.support.server import WAIT
from ui.lesson.steps import STEPS, Answer, Material, NoAnswerError, Question, conflict, ends, hits, reasons, taste
from ui.lesson.view import verdict

SEEDS = range(6)


def numbers(text):
    """The numbers of a text, in order; a true minus counts."""
    return [float(found.replace("−", "-")) for found in re.findall(r"[+−]?\d+\.\d+", text)]


@pytest.fixture(scope="module")
def pair():
    return siam.load("photo")


@pytest.fixture(scope="module")
def explained(pair):
    """The explanation of a sample photo by its key, computed once."""
    samples, known = {sample.key: sample.path for sample in load_samples()}, {}

    def of(key):
        if key not in known:
            known[key] = siam.explain(pair, read_image(samples[key]))
        return known[key]

    return of


@pytest.fixture(scope="module")
def galleries():
    return {name: read_cases(read(ROOT / "assets" / "gallery" / name)) for name in ("oasis", "rendered")}


# Answers, against slower ways


@pytest.mark.parametrize("seed", SEEDS)
def test_the_largest_contribution_is_among_the_choices(pair, seed):
    explanation = fake_explanation(seed)
    question, answer = STEPS[0].ask(Material(pair, explanation)), STEPS[0].answer(Material(pair, explanation))
    largest = max(range(33), key=lambda k: abs(explanation.contributions[k]))
    assert answer.value == phrases.words(explanation.attributes[largest])
    assert answer.value in question.options and list(question.options) == sorted(question.options)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_told_adds_up_to_the_answer(pair, seed):
    explanation = fake_explanation(seed)
    question, answer = STEPS[1].ask(Material(pair, explanation)), STEPS[1].answer(Material(pair, explanation))
    told = numbers(question.text)
    assert len(told) == 5 and sum(told) == pytest.approx(explanation.scenicness, abs=0.026)
    assert answer.value == pytest.approx(explanation.bias + explanation.contributions.sum(), abs=1e-4)


def pairs_in_order(one, other):
    """Kendall's tau without ties: the share of pairs in the same order less that in the other."""
    count = len(one)
    signs = [np.sign((one[i] - one[j]) * (other[i] - other[j])) for i in range(count) for j in range(i)]
    return sum(signs) / len(signs)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_conflict_is_the_clearest_of_all(seed):
    random = np.random.default_rng(seed)
    presence, ratings = random.uniform(size=(30, 7)), random.uniform(1, 7, 30)
    contributions = presence * random.normal(size=7)
    ratings[3] = np.nan
    known = [row for row in range(30) if row != 3]
    taus = [pairs_in_order(presence[known, k], ratings[known]) for k in range(7)]
    means = [contributions[known, k].mean() for k in range(7)]
    clashes = [-tau * mean for tau, mean in zip(taus, means, strict=True)]
    found = conflict(presence, contributions, ratings)
    if max(clashes) <= 0:
        assert found is None
        return
    worst = clashes.index(max(clashes))
    assert found.attribute == worst
    assert found.tau == pytest.approx(taus[worst]) and found.mean == pytest.approx(means[worst])
    assert found.tau * found.mean < 0 and found.share == 1
    allies = {k: np.corrcoef(presence[known].T)[worst, k] for k in range(7) if means[k] * taus[worst] > 0}
    assert found.companion == (max(allies, key=allies.get) if allies else None)


def test_without_a_conflict_there_is_none():
    ratings = np.linspace(1, 7, 20)
    presence = np.stack([ratings / 7, 1 - ratings / 7, np.full(20, 0.5)], axis=1)
    assert conflict(presence, presence * [0.5, -0.5, 0.2], ratings) is None
    found = conflict(presence, presence * [-0.5, -0.5, 0.2], ratings)
    assert (found.attribute, found.tau, found.companion) == (0, pytest.approx(1), None)


def test_rated_photos_hold_a_conflict_that_the_answer_tells(pair, galleries):
    material = Material(pair, cases=galleries["oasis"])
    question, answer = STEPS[2].ask(material), STEPS[2].answer(material)
    gallery, crowd = galleries["oasis"].gallery, galleries["oasis"].table["crowd"]
    name = re.search(r"more \*(.+?)\*", question.text)[1]
    k = [phrases.words(of) for of in gallery.about.attributes].index(name)
    raises = gallery.contributions[:, k].mean() > 0
    assert answer.value == question.options[0 if raises else 1]
    assert (np.corrcoef(gallery.presence[:, k], crowd)[0, 1] > 0) == ("ratings are higher" in question.text) != raises
    of_sign = gallery.contributions[:, k] * (1 if raises else -1) > 0
    assert f"{100 * of_sign.mean():.0f} % of the photos" in answer.text and of_sign.mean() > 0.5


@pytest.mark.parametrize("size", [1, 3, 7, 8])
def test_both_ends_of_a_template_are_means_of_squares(size):
    template = np.random.default_rng(size).normal(size=(size, size))
    found = ends(template, 0.4)
    for row, effect in zip(found.rows, (found.top, found.bottom), strict=True):
        square = [
            template[i][j]
            for i in range(size)
            for j in range(size)
            if abs(i + 1 - row) <= 1 and abs(j + 1 - found.column) <= 1
        ]
        assert effect == pytest.approx(0.4 * size * size * sum(square) / len(square))


def test_the_wire_counts_where_the_world_says(galleries):
    material = Material(siam.load("rendered"), cases=galleries["rendered"])
    answer = STEPS[3].answer(material)
    assert answer.value in STEPS[3].ask(material).options
    top, bottom, times, learned = numbers(answer.text)
    assert learned == pytest.approx(top / bottom, rel=0.15)
    assert (answer.value == "near the top") == (top < bottom)
    assert 1 < times < 3  # the world's formula halves it towards the bottom and raises it towards the top


@pytest.mark.parametrize("seed", SEEDS)
def test_without_the_worst_attribute_the_score_is_higher_by_its_contribution(pair, seed):
    explanation = fake_explanation(seed)
    answer = STEPS[4].answer(Material(pair, explanation))
    others = [value for value in explanation.contributions if value != explanation.contributions.min()]
    assert answer.value == pytest.approx(explanation.bias + sum(others), abs=1e-4)


def test_maps_agree_with_themselves_and_not_with_their_reverse():
    field = np.random.default_rng(1).normal(size=(11, 11))
    same, reverse = reasons(field, field * 3, field), reasons(field, -field, field)
    assert same == pytest.approx((1, 1, 1)) and reverse == pytest.approx((-1, 1, -1))


def test_the_map_that_marks_the_region_hits_it():
    density = np.zeros((20, 20))
    density[4:8, 10:14] = 1
    found, chance = hits({"right": density, "flat": np.ones((20, 20)), "wrong": -density}, density)
    assert found["right"] == pytest.approx(1) and found["flat"] == pytest.approx(chance)
    assert found["wrong"] <= chance
    assert chance == pytest.approx(16 / 400)
    with pytest.raises(NoAnswerError):
        hits({"right": density}, np.ones((20, 20)))


def test_the_card_says_whose_taste_it_is(pair, galleries):
    found = taste(pair, galleries["oasis"])
    assert found.photos == sum(of["n"] for of in pair.card["metrics"]["siam"].values())
    assert found.raters == int(np.median(galleries["oasis"].table["votes"].astype(int)))
    assert set(found.never) == {name for name, of in pair.card["attributes"].items() if of["belief"] == "hardly"}


@pytest.mark.parametrize("step", range(1, 9))
def test_what_cannot_be_answered_is_said(step):
    network = siam_network()
    material = Material(Pair("mine", network, None, {}))
    with pytest.raises(NoAnswerError):
        STEPS[step - 1].ask(material)


@pytest.mark.parametrize(("said", "right"), [(4.99, True), (5.09, True), (4.9, True), (5.2, False), (1.0, False)])
def test_a_number_is_right_if_it_is_near(said, right):
    text = verdict(Question("?", low=1, high=7), said, Answer(4.99, ""))
    assert ("Right" in text) == right and phrases.number(said) in text and "4.99" in text


def test_the_lesson_takes_45_minutes():
    assert len(STEPS) == 8 and sum(step.minutes for step in STEPS) == 45


# The way through the pages


def said(app, number, value):
    """Predict and ask for the answer."""
    (app.radio if app.radio else app.number_input)(key=f"lesson-said-{number}").set_value(value)
    button(app, "Show the answer").click().run()
    assert not app.exception
    return app


def headings(app):
    return [heading.value for heading in app.header]


def test_the_page_comes_after_the_prediction(explained):
    app = opened(lesson="1")
    assert headings(app) == [f"1. {STEPS[0].title}"]
    button(app, "Show the answer").click().run()
    assert "Predict first" in texts(app) and headings(app) == [f"1. {STEPS[0].title}"]
    answer = STEPS[0].answer(Material(siam.load("photo"), explained("mountain-path")))
    wrong = next(option for option in app.radio[0].options if option.lower() != answer.value).lower()
    said(app, 1, wrong)
    assert f"You said *{wrong}*; the program says *{answer.value}*" in texts(app) and answer.text in texts(app)
    assert len(headings(app)) == 2
    button(app, "Leave the lesson").click().run()
    assert len(headings(app)) == 1 and parameter(app, "lesson") is None and not app.radio
    assert parameter(app, "sample") == "mountain-path"


def test_a_step_leads_to_its_page_from_any_other():
    app = opened("about", lesson="5")
    assert headings(app) == [f"5. {STEPS[4].title}"]
    assert parameter(app, "sample") == STEPS[4].parameters["sample"]


@pytest.mark.parametrize("value", ["0", "9", "-1", "³", "1.5", "", "one", "1" * 5000, "00031"])
def test_a_step_that_is_not_there_is_passed_over(value):
    app = opened("about", lesson=value)
    assert headings(app) == ["About SIAM Explorer"] and parameter(app, "lesson") is None


def test_other_networks_answer_for_themselves():
    app = opened("what_if", sample="street-with-a-mural", pair="Rendered", lesson="5")
    mural = next(sample for sample in load_samples() if sample.key == "street-with-a-mural")
    explanation = siam.explain(siam.load("rendered"), read_image(mural.path))
    answer = STEPS[4].answer(Material(siam.load("rendered"), explanation))
    said(app, 5, 5.0)
    assert answer.text in texts(app) and "not the networks that this step is made for" in texts(app)
    button(app, "Back to this step").click().run()
    assert answer.text not in texts(app) and "not the networks" not in texts(app)


def test_networks_that_are_not_there_are_passed_over():
    app = opened("what_if", sample="street-with-a-mural", pair="Oaks", gallery="Oaks", lesson="5")
    assert headings(app) == [f"5. {STEPS[4].title}"] and app.number_input


def test_a_step_without_its_gallery_leads_back():
    case = STEPS[5].parameters["case"]
    app = opened("disagreements", pair="Photos", case=case, lesson="6")
    assert "needs other networks or another gallery" in texts(app) and not app.radio
    button(app, "Back to this step").click().run()
    assert parameter(app, "pair") == "Rendered" and parameter(app, "case") == case
    assert len(app.radio) == 1 and "needs other networks" not in texts(app)


# A learner


def test_a_learner_walks_through_the_lesson_on_a_phone(browser, address):
    page, troubles = watched(browser, address, NARROW)
    page.goto(f"{address}/about")
    page.get_by_role("link", name=re.compile("A lesson in 8 steps")).click()
    for number, step in enumerate(STEPS, 1):
        expect(page.get_by_role("heading", name=f"{number}. {step.title}")).to_be_visible(timeout=WAIT)
        form = page.get_by_test_id("stForm")
        expect(form).to_be_visible(timeout=WAIT)
        settle(page)
        nothing_is_wider(page, NARROW)
        if form.get_by_role("radio").count():
            form.get_by_role("radio").last.check(force=True)
        else:
            form.get_by_role("spinbutton").fill("4.2")
        form.get_by_role("button", name="Show the answer").click()
        expect(page.get_by_text("the program says")).to_be_visible(timeout=WAIT)
        expect(page.get_by_text("Now you.")).to_be_visible()
        expect(page.get_by_role("heading", level=2)).to_have_count(2, timeout=WAIT)  # the step's and the page's
        settle(page)
        nothing_is_wider(page, NARROW)
        if number < len(STEPS):
            page.get_by_role("link", name=f"Next: {STEPS[number].title}").click()
    page.get_by_role("button", name="Leave the lesson").click()
    expect(page.get_by_role("heading", level=2)).to_have_count(1, timeout=WAIT)
    assert "lesson" not in page.url and troubles == []
    page.close()
