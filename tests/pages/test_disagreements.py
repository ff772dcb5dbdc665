"""The page Disagreements in every state: list, filters, case, and what the address holds."""

import dataclasses
import threading
from shutil import copytree

import numpy as np
import pytest

import siam
from siam.datasets.base import RatingScale
from siam.drawing import phrases
from siam.explanation import wording
from siam.gallery.cases import ORDERS, Filters, read_cases
from siam.gallery.store import read
from siam.images.reading import read_image
from tests.support.pages import FOLDER, button, opened, parameter, texts
from ui.add_gallery import fetch, tasks
from ui.disagreements.listing import PER_PAGE
from ui.state import chosen


@pytest.fixture(scope="module")
def cases():
    return read_cases(read(chosen.BUNDLED / "rendered"))


def listed(app):
    """The identifiers of the cards, in the order of the page."""
    start = "open-case-"
    return [of.key.removeprefix(start) for of in app.button if of.key and of.key.startswith(start)]


def names(cases, rows):
    return cases.table["identifier"].iloc[rows].tolist()


def rendered(**parameters):
    return opened("disagreements", pair="Rendered", **parameters)


def test_the_worst_disagreement_comes_first(cases):
    app = rendered()
    ranked = np.argsort(-cases.table["difference"].abs().to_numpy(), kind="stable")
    assert listed(app) == names(cases, ranked[:PER_PAGE])
    case = cases.table.iloc[ranked[0]]
    assert f"SIAM **{phrases.number(case['siam'])}**" in texts(app)
    assert f"baseline **{phrases.number(case['baseline'])}**" in texts(app)
    assert f"{case['closer']} closer" in texts(app)
    assert f"**{len(cases.table)}** of {len(cases.table)} pictures" in texts(app)
    assert len(app.get("vega_lite_chart")) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_orders(cases, order):
    assert listed(rendered(sort=order)) == names(cases, cases.select(Filters(), order)[:PER_PAGE])


@pytest.mark.parametrize(
    ("parameters", "filters"),
    [
        ({"closer": "baseline"}, Filters(closer="baseline")),
        ({"side": "underestimated"}, Filters(side="underestimated")),
        ({"cause": "still water"}, Filters(cause="still_water")),
        ({"crowd": ["6.5", "8.0"]}, Filters(crowd=(6.5, 8.0))),
        ({"kind": "outside the vocabulary"}, Filters(kind="outside the vocabulary")),
        ({"text": "lake"}, Filters(text="lake")),
        ({"area": "2.00_5.00_5.00_9.00"}, Filters(area=(2, 5, 5, 9))),
    ],
)
def test_every_filter_is_in_the_address(cases, parameters, filters):
    rows = cases.select(filters)
    assert 0 < len(rows) < len(cases.table)
    app = rendered(**parameters)
    assert listed(app) == names(cases, rows[:PER_PAGE])
    assert f"**{len(rows)}** of" in texts(app)


def test_filters_and_order_that_are_set(cases):
    app = rendered()
    app.selectbox(key="closer").set_value("baseline").run()
    app.selectbox(key="sort").set_value("SIAM higher").run()
    assert listed(app) == names(cases, cases.select(Filters(closer="baseline"), "SIAM higher")[:PER_PAGE])


@pytest.mark.parametrize("area", ["1_2_3", "a_b_c_d", "nan_1_2_3", "", "1_2_3_4_5"])
def test_an_invalid_area_is_ignored(cases, area):
    assert len(listed(rendered(area=area))) == PER_PAGE


def test_pages_of_cards(cases):
    rows = cases.select(Filters())
    assert listed(rendered(page="2")) == names(cases, rows[PER_PAGE : 2 * PER_PAGE])
    assert listed(rendered(page="999"))


def test_no_match_is_reported():
    app = rendered(text="no such thing")
    assert listed(app) == []
    assert "No picture matches these filters" in texts(app)
    assert app.download_button(key="export").disabled


def test_a_case_opens_with_everything_and_its_link_does_the_same(cases):
    app = rendered()
    first = listed(app)[0]
    app.button(key=f"open-case-{first}").click().run()
    assert parameter(app, "case") == first
    row = cases.row_of(first)
    explanation = siam.explain(siam.load("rendered"), read_image(cases.gallery.picture(row)))
    case = cases.table.iloc[row]
    assert explanation.scenicness == pytest.approx(case["siam"], abs=2e-3)  # the gallery's numbers are those shown
    values = [metric.value for metric in app.metric]
    assert values[:2] == [
        phrases.score_text(explanation.scenicness, explanation.scale),
        phrases.score_text(explanation.baseline_scenicness, explanation.scale),
    ]
    said = texts(app)
    assert wording.sentence(explanation) in said
    assert f"Crowd {phrases.number(case['crowd'])} of 10" in said
    assert "What happened" in said and "The truth" in said
    table = app.dataframe[0].value  # true beside predicted contributions
    truth = cases.gallery.truths[row]
    assert table["true"].sum() == pytest.approx(truth["quality"] - truth["bias"], abs=1e-3)
    assert table["SIAM"].sum() == pytest.approx(explanation.scenicness - explanation.bias, abs=1e-3)
    assert texts(rendered(case=first)) == said


def test_next_and_previous_follow_the_filtered_order(cases):
    order = names(cases, cases.select(Filters(cause="wire"), "crowd: lowest"))
    app = rendered(cause="wire", sort="crowd: lowest", case=order[1])
    assert "2 of" in texts(app)
    app.button(key="case-next").click().run()
    assert parameter(app, "case") == order[2]
    app.button(key="case-previous").click().run()
    app.button(key="case-previous").click().run()
    assert parameter(app, "case") == order[0]
    assert app.button(key="case-previous").disabled and not app.button(key="case-next").disabled
    button(app, "All cases").click().run()
    assert parameter(app, "case") is None
    assert listed(app) == order[:PER_PAGE]


def test_a_case_outside_the_filters_is_shown_with_a_note(cases):
    outside = names(cases, cases.select(Filters(closer="baseline")))[0]
    app = rendered(closer="SIAM", case=outside)
    assert "Not among the filtered cases" in texts(app)
    assert app.button(key="case-next").disabled and app.button(key="case-previous").disabled


def test_an_unknown_case_is_reported():
    app = rendered(case="no *such* case")
    assert r"There is no picture no \*such\* case" in texts(app)
    assert len(listed(app)) == PER_PAGE


def test_the_open_photos_come_first_with_credits_and_without_what_needs_a_crowd():
    photos = read_cases(read(chosen.BUNDLED / "open-photos"))
    app = opened("disagreements")
    first = photos.select(Filters())[:PER_PAGE]
    assert listed(app) == names(photos, first)
    for row in first:
        facts = photos.gallery.facts(int(row))
        assert facts["author"] in texts(app)
    assert "Nobody rated these photos, and neither network was trained on them." in texts(app)
    assert "not on this machine" not in texts(app) and "no rating" not in texts(app)
    assert app.selectbox(key="sort").options == list(photos.orders())
    opened_case = opened("disagreements", case=listed(app)[0])
    facts = photos.gallery.facts(int(first[0]))
    assert "Nobody rated this photo" in texts(opened_case)


def test_the_button_says_whether_the_server_answers_before_one_click_starts(monkeypatch):
    started = []
    monkeypatch.setattr(tasks, "fetch_pictures", lambda _gallery, label, _rows: started.append(label))
    for online, words in ((True, "server online"), (False, "cannot be reached from here")):
        fetch._check.clear()
        monkeypatch.setattr(fetch, "reachable", lambda _address, online=online: online)
        app = opened("disagreements", gallery="OASIS scenes")
        while "checking" in app.button(key="fetch").label:
            app.run()
        assert words in app.button(key="fetch").label
    fetch._check.clear()
    app.button(key="fetch").click().run()
    assert started == ["OASIS scenes"]


def test_a_check_that_takes_long_delays_no_page(monkeypatch):
    fetch._check.clear()
    answer = threading.Event()
    monkeypatch.setattr(fetch, "reachable", lambda _address: answer.wait(60))
    app = opened("disagreements", gallery="OASIS scenes")
    assert "checking" in app.button(key="fetch").label and len(listed(app)) == PER_PAGE
    answer.set()
    fetch._check.clear()


def test_a_gallery_without_pictures_shows_its_numbers():
    """That of the OASIS scenes, whose pictures are not bundled."""
    oasis = read_cases(read(chosen.BUNDLED / "oasis"))
    app = opened("disagreements", gallery="OASIS scenes")
    assert listed(app) == names(oasis, oasis.select(Filters())[:PER_PAGE])
    assert "pictures of this gallery are not on this machine" in texts(app)
    first = listed(app)[0]
    app.button(key=f"open-case-{first}").click().run()
    assert not app.exception
    assert "missing or damaged" in texts(app)
    case = oasis.table.iloc[oasis.row_of(first)]
    assert app.metric[0].value == f"{phrases.number(case['siam'])} of 7"
    assert len(app.dataframe[0].value) == len(oasis.gallery.about.attributes)


def test_errors_are_in_ranks_where_scales_differ(monkeypatch, cases):
    about = dataclasses.replace(cases.gallery.about, crowd_scale=RatingScale("beauty of another crowd", 1, 100))
    other = read_cases(dataclasses.replace(cases.gallery, about=about))
    monkeypatch.setattr(chosen, "cases", lambda: other)
    app = rendered()
    assert "compare percentile ranks" in texts(app) and "beauty of another crowd" in texts(app)


def test_nothing_is_in_points_where_nobody_told_the_scale(monkeypatch, cases):
    about = dataclasses.replace(cases.gallery.about, crowd_scale_known=False)
    other = read_cases(dataclasses.replace(cases.gallery, about=about))
    monkeypatch.setattr(chosen, "cases", lambda: other)
    assert "scale of these ratings is not known" in texts(rendered())
    row = int(np.flatnonzero(other.table["crowd"].notna())[0])
    app = rendered(case=str(other.table["identifier"][row]))
    told = next(of.value for of in app.markdown if of.value.startswith("**Crowd "))
    assert f"**Crowd {phrases.number(other.table['crowd'][row])}**" in told and "percentile points" in told


def test_without_a_gallery_the_page_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(chosen, "galleries", dict)
    app = opened("disagreements")
    assert "no gallery yet" in texts(app)
    assert listed(app) == []


def test_going_elsewhere_and_back_keeps_filters(cases):
    app = rendered(closer="baseline", sort="SIAM higher")
    before = listed(app)
    app.switch_page(f"{FOLDER}/templates.py").run()
    app.switch_page(f"{FOLDER}/disagreements.py").run()
    assert not app.exception
    assert listed(app) == before


def test_without_a_baseline_there_is_nothing_to_compare(monkeypatch, cases):
    nothing = cases.table["siam"] * np.nan
    unknown = dict.fromkeys(("baseline", "second", "difference"), nothing)
    alone = dataclasses.replace(cases, table=cases.table.assign(**unknown, closer=""))
    monkeypatch.setattr(chosen, "cases", lambda: alone)
    app = rendered()
    assert "has no baseline" in texts(app) and not app.get("vega_lite_chart")
    assert len(listed(app)) == PER_PAGE
    app.button(key=f"open-case-{listed(app)[0]}").click().run()
    assert not app.exception


def test_a_gallery_that_cannot_be_read_is_reported_and_breaks_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "galleries" / "broken").mkdir(parents=True)
    (tmp_path / "galleries" / "broken" / "gallery.parquet").write_bytes(b"no parquet")
    app = rendered()
    assert "not readable as parquet" in app.sidebar.error[0].value
    assert len(listed(app)) == PER_PAGE


def test_a_gallery_of_ones_own_is_listed_for_its_networks(monkeypatch, tmp_path, cases):
    monkeypatch.chdir(tmp_path)
    copytree(chosen.BUNDLED / "rendered", tmp_path / "galleries" / "mine")
    assert app_galleries(rendered()) == ["Rendered landscapes", "mine"]
    app = rendered(gallery="mine", closer="SIAM")
    assert app.selectbox(key="gallery").value == "mine"
    assert listed(app) == names(cases, cases.select(Filters(closer="SIAM"))[:PER_PAGE])
    assert app_galleries(opened("disagreements")) == ["Open photos", "OASIS scenes"]


def app_galleries(app):
    return app.selectbox(key="gallery").options


def test_filters_of_another_scale_are_left_behind():
    """Crowds rate rendered landscapes from 1 to 10 and OASIS from 1 to 7."""
    app = rendered(crowd=["8.0", "10.0"], case="898")
    app.switch_page(f"{FOLDER}/explain.py").run()
    app.selectbox(key="pair").set_value("Photos").run()
    app.selectbox(key="gallery").set_value("OASIS scenes").run()
    app.switch_page(f"{FOLDER}/disagreements.py").run()
    assert not app.exception
    assert app.slider(key="crowd").value == (1.0, 7.0)
    assert parameter(app, "case") is None and len(listed(app)) == PER_PAGE


def test_another_gallery_leaves_the_case_and_the_area(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    copytree(chosen.BUNDLED / "rendered", tmp_path / "galleries" / "mine")
    app = rendered(case="898", area="2.00_5.00_5.00_9.00")
    app.selectbox(key="gallery").set_value("mine").run()
    assert not app.exception
    assert parameter(app, "case") is None and parameter(app, "area") is None
    assert len(listed(app)) == PER_PAGE


def own_gallery(tmp_path, monkeypatch):
    """A copy of the rendered gallery, chosen in the sidebar, whose files may be spoilt."""
    monkeypatch.chdir(tmp_path)
    return copytree(chosen.BUNDLED / "rendered", tmp_path / "galleries" / "mine")


def test_a_damaged_picture_leaves_its_numbers(monkeypatch, tmp_path, cases):
    folder = own_gallery(tmp_path, monkeypatch)
    (folder / cases.gallery.photos["image"][cases.row_of("898")]).write_bytes(b"no picture")
    app = rendered(gallery="mine", case="898")
    assert "or damaged" in texts(app) and app.metric[0].value == "5.67 of 10"
    app = opened("what_if", pair="Rendered", gallery="mine", case="898")
    assert "cannot be shown" in texts(app) and app.metric
    (folder / cases.gallery.photos["image"][cases.row_of("1228")]).unlink()
    assert "or damaged" in texts(rendered(gallery="mine", case="1228"))


def test_a_missing_mask_is_reported_and_the_rest_is_shown(monkeypatch, tmp_path, cases):
    folder = own_gallery(tmp_path, monkeypatch)
    (folder / cases.gallery.truths[cases.row_of("898")]["mask"]).unlink()
    app = rendered(gallery="mine", case="898")
    assert "is missing or does not match" in app.warning[0].value
    assert "true" in app.dataframe[0].value


def test_rendered_scenes_without_pictures_give_way_to_the_samples(monkeypatch, tmp_path):
    folder = own_gallery(tmp_path, monkeypatch)
    for picture in folder.glob("images/*"):
        picture.unlink()
    app = opened("", pair="Rendered", gallery="mine")
    assert [of.key for of in app.button if of.key and of.key.startswith("sample-")]
    assert parameter(app, "sample")
