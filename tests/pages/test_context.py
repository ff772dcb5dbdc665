"""Scores with context on the pages: their numbers are those of the library."""

import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

import siam
from siam.drawing import phrases
from siam.explanation.context import (
    cause_map_text,
    cell_presence,
    context_sentence,
    group_sentence,
    in_context,
    member_line,
)
from siam.explanation.waterfall import context_steps
from siam.figures.context import budgets_figure, groups_figure
from siam.gallery.cases import COMPARISONS, Filters, compared, read_cases, with_groups
from siam.gallery.samples import load_samples
from siam.gallery.store import read
from siam.images.reading import read_image
from siam.models.checkpoint import save
from siam.models.csib import CSIB
from siam.reports.prints import cause_maps_print, cause_print, context_print
from siam.results.context import verdict
from siam.runtime.paths import ASSETS
from tests.support.own_pair import believed_pair
from tests.support.pages import opened, texts
from tests.support.server import WAIT, wait_until_idle
from ui.explain import context
from ui.state import chosen, resources
from ui.state.markdown import plain

SAMPLE = load_samples()[3]


@pytest.fixture(scope="module")
def pair():
    return siam.load("photo")


@pytest.fixture(scope="module")
def together(pair):
    return in_context(pair.csib, siam.explain(pair, read_image(SAMPLE.path)))


@pytest.fixture
def own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return believed_pair(tmp_path)


def explained(**parameters):
    return opened(sample=SAMPLE.key, **parameters)


def test_a_switch_leads_from_adding_up_to_context_and_is_in_the_address(pair, together):
    app = explained()
    assert context.MEANING not in texts(app)
    app.segmented_control(key="counting").set_value("With context").run()
    assert not app.exception
    explanation = siam.explain(pair, read_image(SAMPLE.path))
    scores = together.score, explanation.scenicness, explanation.baseline_scenicness
    assert [metric.value for metric in app.metric] == [phrases.score_text(score, together.scale) for score in scores]
    assert plain(context_sentence(together)) in texts(app) and context.MEANING in texts(app)
    assert texts(explained(counting="With context")) == texts(app)


def test_causes_are_shown_with_their_members(pair, together):
    app = explained(counting="With context")
    shown = together.causes[:8]
    told = texts(app)
    several = [cause for cause in shown if len(cause.members) > 1]
    assert several
    explanation = siam.explain(pair, read_image(SAMPLE.path))
    for cause in shown:
        assert f"{cause.activation:.2f} × {phrases.signed(float(pair.csib.weights[cause.group]))}" in told
    for cause in several:
        assert f"**{cause.title}**" in told
        for member in cause.members:
            assert plain(member_line(member, explanation)) in told
            assert f"share {100 * member.share:.0f} %" in member_line(member, explanation)
    rest = together.causes[8:]
    assert f"The other {len(rest)} add {phrases.signed(sum(cause.value for cause in rest))}." in texts(app)


@pytest.mark.parametrize("causes", [1, 2, 8])
def test_fewer_causes_say_what_the_score_would_be(together, causes):
    app = explained(counting="With context", causes=str(causes))
    score = together.score_with(causes)
    change = phrases.difference_text(score, together.score)
    assert f"the score would be **{phrases.number(score)}**: **{change}** from the full one" in texts(app)
    drawn = app.get("plotly_chart")[0].proto.spec
    assert phrases.number(score) in drawn and phrases.number(together.base) in drawn


def test_steps_end_exactly_at_the_score(together):
    for causes in (None, 1, 5, 8):
        steps = context_steps(together, causes)
        assert steps[0].end == together.base
        assert steps[-1].end == pytest.approx(together.score_with(causes))
        assert all(before.end == after.start for before, after in pairwise(steps[:-1]))
        assert steps[-2].end == pytest.approx(steps[-1].end)
        assert len(steps) == 2 + (causes or 9)


def test_a_closer_look_shows_each_member_and_what_the_cause_is_worth(pair, together):
    explanation = siam.explain(pair, read_image(SAMPLE.path))
    cause = next(of for of in together.causes if len(of.members) == 2)
    app = explained(counting="With context")
    app.button(key=f"open-cause-{cause.group}").click().run()
    assert not app.exception
    told = texts(app)
    assert f"**Together**: on to {cause.activation:.2f} of 1" in told
    assert f"Here it moves the score by **{phrases.signed(cause.value)}**" in told
    assert plain(group_sentence(pair.csib, cause.group)) in told
    for member in cause.members:
        assert told.count(plain(member_line(member, explanation))) == 2  # below the map, and in the dialog
    figure = cause_print(pair.csib, explanation, cause)
    assert cause.title in figure.caption("") and figure.file(180, "svg", "").count(b"<image") == 3
    maps = cause_maps_print(pair.csib, explanation, together)
    assert maps.file(180, "svg", "").count(b"<image") == 8


def test_the_downloads_hold_what_is_shown(browser: Browser, address: str, pair, together):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/?sample={SAMPLE.key}&counting=With+context&causes=2")
    button = page.get_by_role("button", name="Data (JSON)")
    expect(button).to_be_visible(timeout=WAIT)
    wait_until_idle(page)
    saved = {}
    for label in ("Data (JSON)", "Report (HTML)"):
        with page.expect_download(timeout=WAIT) as download:
            page.get_by_role("button", name=label).click()
        saved[label] = Path(download.value.path()).read_text(encoding="utf-8")
    page.close()
    data = json.loads(saved["Data (JSON)"])
    context = data["context"]
    assert context["score"] == pytest.approx(together.score, abs=1e-3)
    assert context["scores"] == pytest.approx(list(together.scores), abs=1e-3)
    assert context["base"] + sum(of["contribution"] for of in context["causes"]) == pytest.approx(context["score"])
    assert [of["most"] for of in context["causes"]] == pytest.approx([of.most for of in together.causes])
    assert data["siam"]["score"] == pytest.approx(siam.explain(pair, read_image(SAMPLE.path)).scenicness, abs=1e-3)
    assert "With its 2 largest causes alone" in saved["Report (HTML)"]


def test_the_steps_are_a_figure_for_print(together):
    figure = context_print(together, 2)
    assert phrases.number(together.score_with(2)) in figure.caption("")
    assert figure.file(180, "svg", "").count(b"<text") == 2 * len(("base", "first", "second", "score"))


def test_networks_without_groups_have_no_switch(own):
    app = opened(pair="runs/believed", counting="With context")
    assert not [of for of in app.segmented_control if of.key == "counting"]
    assert context.MEANING not in texts(app)


def test_an_absence_is_a_member_and_fewer_groups_shorten_the_slider(own):
    names = own.config.attributes
    groups = np.zeros((2, 2 * len(names)))
    groups[0, [0, len(names) + 1]] = 0.5  # attribute 0 without attribute 1
    groups[1, 2] = 1
    save(dataclasses.replace(own, csib=CSIB(names, groups, np.array([2.0, -1.0]), 5.0)), Path("runs/believed"))
    app = opened(pair="runs/believed", counting="With context", causes="7")
    assert "attribute 0 with no attribute 1" in texts(app) and plain("no attribute 1: absence") in texts(app)
    slider = next(of for of in app.select_slider if of.key == "causes")
    assert slider.value == "all" and slider.options == ["1", "all"]
    assert "stays the default" not in texts(app)  # nothing is known of groups that were not judged


def test_a_case_of_a_gallery_is_shown_with_context():
    pair = siam.load("rendered")
    cases = chosen._cases(chosen.BUNDLED / "rendered", 0)
    path = chosen.BUNDLED / "rendered" / "images" / "898.jpg"
    together = in_context(pair.csib, siam.explain(pair, path))
    app = opened("disagreements", pair="Rendered", case="898", counting="With context")
    assert cases.row_of("898") is not None
    assert app.metric[0].value == phrases.score_text(together.score, together.scale)
    assert plain(context_sentence(together)) in texts(app)


@pytest.mark.parametrize("name", ["Photos", "Rendered"])
def test_templates_say_what_counts_together(name):
    csib = siam.load({"Photos": "photo"}.get(name, "rendered")).csib
    told = texts(opened("templates", pair=name))
    presence = read(ASSETS / "gallery" / {"Photos": "oasis"}.get(name, "rendered")).presence
    for group, weight in enumerate(csib.weights):
        sentence = group_sentence(csib, group)
        assert f"{group + 1}. {sentence}" in told
        verb, most = "raises" if weight > 0 else "lowers", abs(csib.contributions(presence)[:, group]).max()
        assert sentence.endswith(f" {verb} the score by up to {phrases.number(most)}")


def test_the_matrix_holds_the_shares_of_all_members(pair):
    csib = pair.csib
    (drawn,) = groups_figure(csib).data
    names = groups_figure(csib).layout.yaxis.ticktext
    assert len(set(names)) == len(names) and drawn.z.shape == (len(names), len(csib))
    shown = 0
    for group, weight in enumerate(csib.weights):
        for index, _absent, share in csib.members(group):
            row = names.index(phrases.words(csib.attributes[index]))
            assert drawn.z[row, group] == pytest.approx(share if weight > 0 else -share)
            shown += 1
    assert np.isfinite(drawn.z).sum() == shown


def test_networks_without_groups_have_no_section_and_no_figures(own):
    assert "What counts together" not in texts(opened("templates", pair="runs/believed"))
    app = opened("results", pair="runs/believed", table="With context")
    assert "no groups" in texts(app) and not app.get("plotly_chart")


@pytest.mark.parametrize("name", ["photo", "rendered"])
def test_results_say_what_counting_together_bought(name):
    csib = siam.load(name).csib
    app = opened("results", pair={"photo": "Photos"}.get(name, "Rendered"), table="With context")
    told = texts(app)
    assert plain(verdict(csib)) in told
    for of in csib.about["figures"].values():
        assert phrases.number(of["kendall_tau"]) in told and phrases.number(of["rmse_interval"][1]) in told
    assert f"{csib.about['causes']} causes explain 90 %" in told
    assert f"{100 * csib.about['same']:.0f} % are among those" in told
    drawn = budgets_figure(csib, "").data
    assert list(drawn[-1].y) == csib.about["budgets"] and len(drawn[-1].x) == 9
    assert {of.name: of.y[0] for of in drawn[:-1]} == {
        key.replace("siam", "SIAM"): csib.about["figures"][key]["rmse"] for key in ("siam", "baseline")
    }


@pytest.mark.parametrize("networks", COMPARISONS)
def test_disagreements_compare_any_two(networks):
    csib = siam.load("rendered").csib
    cases = compared(with_groups(read_cases(read(chosen.BUNDLED / "rendered")), csib), networks)
    way = ", ".join(networks)
    app = opened("disagreements", pair="Rendered", against=way)
    told = texts(app)
    first = cases.case(int(cases.select(Filters())[0]))
    for name, column in zip(networks, ("first", "second"), strict=True):
        assert f"{name} **{phrases.number(first[column])}**" in told
    (absent,) = {"SIAM", "baseline", "with context"} - set(networks)
    assert f"{absent} **" not in told
    assert f"{first['closer']} closer" in told
    for mark, cause in zip("▲▼", cases.causes(cases.row_of(first["identifier"])), strict=True):
        assert cause is None or f"{mark}] {phrases.words(cause[0])} {phrases.signed(cause[1])}" in told
    (order,) = [of for of in app.selectbox if of.key == "sort"]
    assert {f"{networks[0]} higher", f"{networks[1]} higher"} <= set(order.options)
    assert f"{absent} higher" not in order.options
    figures = cases.summary(np.arange(len(cases.table)))
    for called, name in zip(cases.called, ("first_closer", "second_closer"), strict=True):
        assert f"{called} in **{100 * figures[name]:.0f} %**" in told
    learned = csib.about["data"] == cases.gallery.about.data and "with context" in networks
    assert ("have learned from these ratings" in told) == learned
    if networks != COMPARISONS[0]:
        app.segmented_control(key="against").set_value(", ".join(COMPARISONS[0])).run()
        assert not app.exception and "with context **" not in texts(app)


def test_the_case_follows_what_is_compared():
    networks = ("with context", "baseline")
    cases = compared(with_groups(read_cases(read(chosen.BUNDLED / "rendered")), siam.load("rendered").csib), networks)
    facts = cases.case(cases.row_of("898"))
    assert context.MEANING not in texts(opened("disagreements", pair="Rendered", case="898"))
    app = opened("disagreements", pair="Rendered", case="898", against=", ".join(networks))
    assert context.MEANING in texts(app)
    errors = ", ".join(
        f"{name} {phrases.signed(facts[of])}"
        for name, of in zip(networks, ("first_error", "second_error"), strict=True)
    )
    assert f"**{facts['closer']} is closer** (errors in points: {errors})" in texts(app)
    app.segmented_control(key="counting").set_value("Adding up").run()
    assert not app.exception and context.MEANING not in texts(app)


def test_a_missing_picture_leaves_what_its_groups_say():
    """The gallery of the OASIS scenes holds presence, and no pictures."""
    cases = with_groups(read_cases(read(chosen.BUNDLED / "oasis")), siam.load("photo").csib)
    app = opened("disagreements", gallery="OASIS scenes", case="Beach_4.jpg", against="SIAM, with context")
    row = cases.row_of("Beach_4.jpg")
    facts = cases.case(row)
    scores = [f"{phrases.number(facts[name])} of 7" for name in ("siam", "context")]
    assert [metric.value for metric in app.metric][:2] == scores
    together = cases.together(row)
    assert together.score == pytest.approx(facts["context"])
    assert plain(context_sentence(together)) in texts(app)
    assert app.dataframe[0].value["contribution"].tolist() == [cause.value for cause in together.causes]


def spatial_pair(own):
    """Save a pair with groups in the spatial variant, one of them of two attributes; return it with its groups."""
    names = own.config.attributes
    groups = np.zeros((2, len(names)))
    groups[0, :2], groups[1, 2] = 0.5, 1
    weights = np.random.default_rng(0).normal(size=(2, 3, 3))
    pair = dataclasses.replace(own, csib=CSIB(names, groups, weights, 5.0))
    save(pair, Path("runs/believed"))
    return pair


def test_the_spatial_variant_is_explained(own):
    pair = spatial_pair(own)
    explanation = siam.explain(pair, read_image(SAMPLE.path))
    together = in_context(pair.csib, explanation)
    app = opened(pair="runs/believed", sample=SAMPLE.key, counting="With context")
    told = texts(app)
    assert app.metric[0].value == phrases.score_text(together.score, together.scale)
    assert plain(context_sentence(together)) in told
    assert "not from where" not in told and "× " not in told  # cells are weighed by place: no single weight
    cells = cell_presence(explanation.attribute_maps, 3, explanation.attribute_link)
    q = np.sqrt((cells[0] + 0.001) * (cells[1] + 0.001)) - 0.001
    cause = next(of for of in together.causes if of.group == 0)
    assert cause.value == pytest.approx((q * pair.csib.weights[0]).mean(), abs=1e-4)
    app.button(key="open-cause-0").click().run()
    assert not app.exception and f"**{phrases.signed(cause.value)}**" in texts(app)
    app = opened(pair="runs/believed", sample=SAMPLE.key, counting="With context", causes="1")
    assert f"**{phrases.number(together.score_with(1))}**" in texts(app)


def test_other_pages_hold_the_spatial_variant(own):
    pair = spatial_pair(own)
    told = texts(opened("templates", pair="runs/believed"))
    for group in range(2):
        assert group_sentence(pair.csib, group) in told
    assert "were judged" in texts(opened("results", pair="runs/believed", table="With context"))
    edits = opened("what_if", pair="runs/believed", sample=SAMPLE.key, edits="attribute_0:scale:0")
    assert "**With context**" in texts(edits)


def test_a_gallery_holds_no_scores_of_the_spatial_variant(monkeypatch):
    pair = siam.load("rendered")
    count = len(pair.csib)
    spatial = dataclasses.replace(pair.csib, weights=np.ones((count, 2, 2)))
    monkeypatch.setattr(resources, "pair", lambda: dataclasses.replace(pair, csib=spatial))
    app = opened("disagreements", pair="Rendered", against="SIAM, with context")
    assert not [of for of in app.segmented_control if of.key == "against"]


def test_a_gallery_is_compared_with_the_baseline_alone_where_no_groups_fit(own):
    app = opened("disagreements", pair="runs/believed")
    assert not [of for of in app.segmented_control if of.key == "against"]


def test_a_visitor_reads_a_cause_made_of_two_things(browser: Browser, address: str, together):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/?sample={SAMPLE.key}")
    page.get_by_role("radio", name="With context").click(timeout=WAIT)
    expect(page.get_by_text(context_sentence(together))).to_be_visible(timeout=WAIT)
    wait_until_idle(page)
    assert "counting=With+context" in page.url
    maps = page.get_by_role("img", name="map of ")
    expect(maps).to_have_count(8, timeout=WAIT)
    cause = next(of for of in together.causes if len(of.members) == 2)
    expect(page.get_by_role("img", name=cause_map_text(cause), exact=True)).to_be_visible()
    slider = page.get_by_role("slider", name="Explain with this many causes")
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text("With the largest cause alone", exact=False)).to_be_visible(timeout=WAIT)
    expect(maps).to_have_count(1, timeout=WAIT)
    wait_until_idle(page)
    assert "causes=1" in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
