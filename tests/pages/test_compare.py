"""The page Compare: what it shows is what the engine computes, long work can be cancelled, nobody is locked out."""

import dataclasses
import io
import json
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit import config

import siam
from siam.comparison.agreement import against_mask, evidence, rank_correlation
from siam.comparison.pictures import true_density
from siam.datasets.rendered import crowd
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.drawing import phrases
from siam.drawing.colours import SIAM_COLOUR
from siam.drawing.maps import display_photo, map_picture, pattern_picture, relative
from siam.errors import ImageError
from siam.evaluation.stored import STORED, read_all
from siam.explainers import EXPLAINERS, explainer
from siam.explainers.attribution import attribute_photo, names_of, network_for
from siam.explainers.faithfulness import PASSES, faithfulness
from siam.explainers.registry import title
from siam.explainers.targets import score_down, score_up
from siam.explanation import wording
from siam.figures.attributions import curves_figure, map_text, pattern, region_picture
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.baseline import Baseline
from siam.models.checkpoint import Pair
from siam.models.fitted import Fitted
from siam.results.explainers import comparisons
from tests.support.networks import baseline_network, siam_network
from tests.support.pages import FOLDER, button, opened, parameter, texts
from ui.compare import cost, vebi
from ui.compare import work as compare_work
from ui.photos.photo import plain
from ui.state import chosen, resources

SAMPLE = load_samples()[0]
CARD = {"summary": "Tiny.", "training_data": "made up", "limits": "all"}
FAST = ("cam", "grad_cam", "grad_cam_pp", "layer_cam", "eigen_cam")


@pytest.fixture(scope="module", autouse=True)
def no_collection():
    """Streamlit collects garbage after every run, which takes longer than these runs themselves."""
    before = config.get_option("runner.postScriptGC")
    config.set_option("runner.postScriptGC", False)
    yield
    config.set_option("runner.postScriptGC", before)


@pytest.fixture
def pair(monkeypatch):
    """Tiny networks in the place of the bundled ones."""
    yield from put_in_place(Pair("photo", lively(siam_network()), lively(baseline_network()), dict(CARD)), monkeypatch)


@pytest.fixture
def lonely(monkeypatch):
    """The same without a baseline."""
    yield from put_in_place(Pair("photo", lively(siam_network()), None, dict(CARD)), monkeypatch)


def lively(model):
    """The network with features as large as trained ones have them, so that its maps are not nearly 0."""
    torch.manual_seed(1)
    for module in model.backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 1, 2)
            torch.nn.init.normal_(module.bias, std=0.5)
    head = model.linear if isinstance(model, Baseline) else model.attribute_layer
    torch.nn.init.normal_(head.weight)
    return model


def put_in_place(networks, monkeypatch):
    monkeypatch.setattr(resources, "load", lambda _name: networks)
    for _time in range(2):
        resources._loaded.clear()
        resources._explanation.clear()
        cost._passes.clear()
        if _time == 0:
            yield networks


def page(**parameters):
    return opened("compare", **parameters)


def kept(app):
    """What the session keeps of maps, by the names of the methods."""
    return {key[-1]: found for key, found in app.session_state["comparison"].maps.items()}


def direct(pair, name, target=None):
    """The map of a method without the page."""
    model = network_for(pair, name)
    return attribute_photo(model, image(model), name, target or score_up())


def image(model):
    return preprocess(read_image(SAMPLE.path), model.config)


def alternatives(app):
    return [picture.alt for element in app.image for picture in element.proto.imgs]


def shown_maps(app):
    """Which methods' maps are shown, by their alternative texts."""
    return [text.partition("'s map: ")[0] for text in alternatives(app) if "'s map: " in text]


def finished(app, seconds=60):
    """Wait for the session's job, and for the page to take in its result."""
    work = app.session_state["comparison"].work
    assert work is None or work.job.wait(seconds)
    app.run()
    assert not app.exception
    assert app.session_state["comparison"].work is None
    return app


def until(condition, seconds=20.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.01)


class Endless:
    """`attribute_photo` whose slow methods, but those named, go on until they are stopped."""

    def __init__(self, monkeypatch, quick=()):
        self.began, self.ended, self.models = threading.Event(), threading.Event(), []
        self.quick = quick
        monkeypatch.setattr(compare_work, "attribute_photo", self)

    def __call__(self, model, picture, name, target, progress):
        """Explain, or go on until `progress` raises."""
        if name in self.quick or not explainer(name).slow:
            return attribute_photo(model, picture, name, target, progress)
        self.models.append(model)
        self.began.set()
        try:
            for step in range(100_000):
                progress(step, 100_000)
                time.sleep(0.002)
        finally:
            self.ended.set()
        raise AssertionError("nobody stopped it")


# What the page draws from.


def test_true_density_is_the_sum_of_templates_over_their_masks():
    generator = np.random.default_rng(0)
    masks = generator.random((len(ATTRIBUTES), 6, 6)) < 0.3
    templates = crowd.true_templates(6)
    slow = np.zeros((6, 6))
    for row in range(6):
        for column in range(6):
            for index in range(len(ATTRIBUTES)):
                if masks[index, row, column]:
                    slow[row, column] += templates[index, row, column]
    np.testing.assert_allclose(true_density(masks), slow, rtol=1e-5)
    assert true_density(masks).mean() == pytest.approx(crowd.contributions(masks).sum(), rel=1e-5)
    shares = masks * 0.5
    np.testing.assert_allclose(true_density(shares), slow / 2, rtol=1e-5)


@pytest.mark.parametrize("shape", [(len(ATTRIBUTES), 6, 7), (5, 6, 6), (6, 6)])
def test_masks_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(\d+, H, H\)"):
        true_density(np.zeros(shape, dtype=bool))


def test_maps_are_coloured_by_what_they_do_to_the_score_whatever_their_unit():
    photo, field = Image.new("RGB", (40, 20), (128, 128, 128)), np.array([[4.0, 0.0]])
    red, green, blue = map_picture(photo, field, 1).getpixel((0, 10))
    assert green > red + 40 and green > blue + 40  # green: it raises
    red, green, blue = map_picture(photo, field, -1).getpixel((0, 10))
    assert red > green + 40 and blue > green  # magenta: it lowers
    for other in (field * 1000, field / 1000):
        assert map_picture(photo, other, 1).tobytes() == map_picture(photo, field, 1).tobytes()
    assert map_picture(photo, field, 1, 0).tobytes() == photo.tobytes()
    nothing = np.asarray(map_picture(photo, np.zeros((1, 2)), 1))
    assert np.ptp(nothing, axis=2).max() == 0  # no colour where there is no evidence


def test_single_pixels_do_not_pale_a_fine_map():
    field = np.zeros((100, 100))
    field[:10], field[50, 50] = 2.0, 1000.0
    assert relative(field, 1)[:10].min() == 1 and relative(field, -1).min() == -1
    field[:10] = 0.0  # what is left is the only evidence there is
    assert relative(field, 1).max() == 1 and relative(field, 1).sum() == 1
    coarse = np.array([[1.0, -4.0]])
    assert relative(coarse, 1).tolist() == [[0.25, -1.0]] and relative(coarse, -1).tolist() == [[-0.25, 1.0]]


def test_maps_that_know_no_direction_are_blue():
    photo, field = Image.new("RGB", (40, 20), (200, 120, 60)), np.array([[4.0, 0.0]])
    picture = pattern_picture(photo, field)
    red, green, blue = picture.getpixel((0, 10))
    assert blue > green + 40 and blue > red + 40
    assert np.ptp(picture.getpixel((39, 10))) < 20  # nearly grey where nothing is found
    for other in (field * 1000, field / 1000):
        assert pattern_picture(photo, other).tobytes() == picture.tobytes()
    assert pattern_picture(photo, field, 0).tobytes() == photo.tobytes()
    assert pattern_picture(photo, field, 1).getpixel((0, 10)) == (21, 88, 192)
    flat = np.asarray(pattern_picture(photo, np.zeros((1, 2))))
    assert np.ptp(flat.reshape(-1, 3), axis=0).max() == 0  # no evidence, no pattern


def test_maps_that_know_no_direction_are_not_said_to_raise_the_score():
    assert {name for name in EXPLAINERS if pattern(name)} == {
        name for name, method in EXPLAINERS.items() if method.kind == "features"
    }
    field = np.zeros((6, 6))
    field[:2, :2] = 1.0
    for sign in (1, -1):
        assert map_text("lcam_fm", field, sign) == "L-CAM-Fm's map: what the score rests on is in the upper left"
        said = map_text("eigen_cam", field, sign)
        assert said == "Eigen-CAM's map: the main pattern of the last features is in the upper left"
    assert map_text("cam", field, 1) == "CAM's map: raised in the upper left"
    assert map_text("lcam_img", 0 * field, 1) == "L-CAM-Img's map: what the score rests on is nowhere"


def test_durations_in_words():
    assert [cost.text(of) for of in (0.0, 0.3, 1.2, 8.6, 17, 89, 90, 200)] == [
        "less than a second", "less than a second", "about 1 s", "about 9 s", "about 20 s", "about 90 s", "about 2 min",
        "about 3 min",
    ]  # fmt: skip


def test_small_pictures_stand_in_two_columns():
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    sheet = vebi._sheet([Image.new("RGB", (320, 240), colour) for colour in colours])
    assert sheet.size == (244, 184)
    corners = [sheet.getpixel(at) for at in ((5, 5), (239, 5), (5, 179), (239, 179))]
    assert corners == [*((*colour, 255) for colour in colours), (0, 0, 0, 0)]
    assert vebi._sheet([Image.new("RGB", (320, 240))]).size == (244, 90)


def test_a_region_is_lit_and_the_rest_is_dark():
    photo, mask = Image.new("RGB", (20, 10), (200, 100, 50)), np.zeros((10, 20), dtype=bool)
    mask[:, :10] = True
    picture = region_picture(photo, mask)
    assert picture.getpixel((2, 5)) == (200, 100, 50)
    assert max(picture.getpixel((17, 5))) < 50


def test_curves_hold_their_numbers_with_siam_on_top():
    shares = np.linspace(0, 1, 3)
    curves = {"siam": np.array([1.0, 0.5, 0.0]), "rise": np.array([2.0, 1.5, 0.0])}
    figure = curves_figure(curves, shares, "Deletion", "lower is better", "pixels", "points")
    assert [trace.name for trace in figure.data] == ["RISE", "SIAM"]
    assert figure.data[1].line.color == SIAM_COLOUR and figure.data[1].line.width > figure.data[0].line.width
    assert list(figure.data[1].y) == [1.0, 0.5, 0.0] and list(figure.data[1].x) == [0, 50, 100]
    assert figure.layout.xaxis.title.text == "pixels" and figure.layout.yaxis.title.text == "points"


def test_every_explainer_has_a_line_of_its_own():
    lines = {(method.description.colour, method.description.dash) for method in EXPLAINERS.values()}
    assert len(lines) == len(EXPLAINERS)


# The page.


def test_at_first_the_quick_methods_answer(pair):
    app = page()
    assert app.pills(key="fast_methods").value == list(FAST)
    assert app.pills(key="slow_methods").value == []
    assert shown_maps(app) == ["SIAM", *map(title, FAST)]
    explanation = siam.explain(pair, read_image(SAMPLE.path))
    assert wording.sentence(explanation) in texts(app)
    assert parameter(app, "methods") is None
    assert all(alternatives(app))
    table = app.dataframe[0].value
    assert table["method"].tolist() == ["SIAM", *map(title, FAST)]
    assert table["network"].tolist() == ["SIAM"] + ["baseline"] * len(FAST)
    assert "run-slow" not in [of.key for of in app.button]


@pytest.mark.parametrize(("label", "target"), [("what raises", score_up()), ("what lowers", score_down())])
def test_maps_are_those_of_the_engine(pair, label, target):
    app = page(explained=f"{label} the score", methods="cam,grad_cam")
    for name in ("siam", "cam", "grad_cam"):
        expected, found = direct(pair, name, target), kept(app)[name]
        torch.testing.assert_close(found.map, expected.map)
        assert found.passes == expected.passes == 1
    agreement = rank_correlation(direct(pair, "cam", target).map, direct(pair, "siam", target).map)
    assert app.dataframe[0].value["agreement"].tolist()[:2] == pytest.approx([1.0, agreement])


def test_methods_are_in_the_address(pair):
    app = page()
    app.pills(key="fast_methods").set_value(["cam"]).run()
    assert parameter(app, "methods") == "cam"
    assert shown_maps(app) == ["SIAM", "CAM"]
    app.pills(key="slow_methods").set_value(["rise"]).run()
    assert parameter(app, "methods") == "cam,rise"
    app.pills(key="slow_methods").set_value([]).run()
    app.pills(key="fast_methods").set_value([]).run()
    assert parameter(app, "methods") == "none"
    assert shown_maps(app) == ["SIAM"] and "Choose explainers above" in texts(app)
    app.query_params["methods"] = "grad_cam,no-such,siam:trees"  # what the browser's Back does, or somebody types
    app.run()
    assert not app.exception
    assert shown_maps(app) == ["SIAM", "Grad-CAM"]
    app.pills(key="fast_methods").set_value(list(FAST)).run()
    assert parameter(app, "methods") is None


def test_slow_methods_run_when_asked_and_are_kept(pair, monkeypatch):
    app = page(methods="cam,occlusion")
    assert shown_maps(app) == ["SIAM", "CAM"] and "Occlusion has no map yet" in alternatives(app)
    app.button(key="run-slow").click().run()
    finished(app)
    expected = direct(pair, "occlusion")
    torch.testing.assert_close(kept(app)["occlusion"].map, expected.map, rtol=1e-3, atol=1e-5)
    assert shown_maps(app) == ["SIAM", "CAM", "Occlusion"]
    assert f"s · {expected.passes} passes" in texts(app)
    app.segmented_control(key="explained").set_value("what lowers the score").run()
    assert shown_maps(app) == ["SIAM", "CAM"]
    monkeypatch.setattr(compare_work, "attribute_photo", lambda *_: pytest.fail("a network ran again"))
    app.segmented_control(key="explained").set_value("what raises the score").run()
    assert not app.exception
    assert shown_maps(app) == ["SIAM", "CAM", "Occlusion"]


def test_cancelling_keeps_what_was_finished(pair, monkeypatch):
    endless = Endless(monkeypatch, quick=("occlusion",))
    app = page(methods="occlusion,rise")
    app.button(key="run-slow").click().run()
    assert endless.began.wait(60)
    app.run()
    assert shown_maps(app) == ["SIAM", "Occlusion"]
    assert app.button(key="measure").disabled  # one thing at a time
    began = time.monotonic()
    app.button(key="cancel-compare").click()
    app.run()
    assert endless.ended.wait(5)
    assert time.monotonic() - began < 5
    until(lambda: app.session_state["comparison"].work is None or not app.session_state["comparison"].work.job.running)
    app.run()
    assert "Stopped; finished maps are kept. RISE:" in texts(app)
    app.segmented_control(key="explained").set_value("what lowers the score").run()
    assert "RISE:" in texts(app) and "Stopped" not in texts(app)  # nobody stopped anything for this question
    app.button(key=f"sample-{load_samples()[2].key}").click().run()
    assert "Stopped" not in texts(app)
    app.button(key=f"sample-{load_samples()[0].key}").click().run()
    app.segmented_control(key="explained").set_value("what raises the score").run()
    assert shown_maps(app) == ["SIAM", "Occlusion"]
    assert not button(app, "Run the slow explainers").disabled


@pytest.mark.parametrize("how", ["page", "photo", "target", "networks"])
def test_going_elsewhere_cancels(pair, monkeypatch, how):
    endless = Endless(monkeypatch)
    app = page(methods="rise")
    app.button(key="run-slow").click().run()
    assert endless.began.wait(60)
    if how == "page":
        app.switch_page(f"{FOLDER}/about.py").run()
    elif how == "photo":
        app.button(key=f"sample-{load_samples()[2].key}").click().run()
    elif how == "target":
        app.segmented_control(key="explained").set_value("what lowers the score").run()
    else:
        app.selectbox(key="pair").set_value("Rendered").run()
    assert not app.exception
    assert endless.ended.wait(20)
    assert "rise" not in kept(app)


def test_networks_are_locked_while_they_are_shared_and_slow_methods_have_their_own(pair, monkeypatch):
    app, locked = page(methods="none"), []
    lock = resources._loaded("photo", 0)[1]  # what was loaded for the page

    def watched(model, picture, name, target, progress):
        locked.append((name, model is pair.baseline, lock.locked()))
        return attribute_photo(model, picture, name, target, progress)

    monkeypatch.setattr(compare_work, "attribute_photo", watched)
    app.query_params["methods"] = "cam,occlusion"
    app.run()
    app.button(key="run-slow").click().run()
    finished(app)
    assert locked == [("cam", True, True), ("occlusion", False, False)]
    assert not pair.baseline.backbone._forward_hooks


def test_whatever_runs_the_shared_networks_holds_their_lock(pair):
    """Two at once would see each other's hooks; left behind, these kept every later photo's features in memory."""
    lock, locked = resources.networks("photo")[1], []
    for network in (pair.siam, pair.baseline):
        network.backbone.register_forward_pre_hook(lambda *_: locked.append(lock.locked()))
    app = page(methods="cam,score_cam,sise,vebi")
    assert not app.exception
    assert "score_cam" not in kept(app)  # only its passes were counted
    assert len(locked) > 3 and all(locked)


def test_jobs_of_two_visitors_take_turns(pair, monkeypatch):
    endless = Endless(monkeypatch)
    first, second = page(methods="rise"), page(methods="rise")
    first.button(key="run-slow").click().run()
    assert endless.began.wait(60)
    second.button(key="run-slow").click().run()
    waiting = second.session_state["comparison"].work.job
    until(lambda: waiting.progress.text == "You are first in the queue")
    assert len(endless.models) == 1
    first.button(key="cancel-compare").click().run()
    until(lambda: len(endless.models) == 2)
    waiting.cancel()
    assert waiting.wait(20)


def test_faithfulness_is_measured_when_asked(pair):
    app = page(methods="cam")
    assert "deletion" not in app.dataframe[0].value
    assert len(app.get("plotly_chart")) == 1  # of many pictures
    app.button(key="measure").click().run()
    finished(app)
    table = app.dataframe[0].value.set_index("method")
    for name in ("siam", "cam"):
        model = network_for(pair, name)
        expected = faithfulness(model, image(model), direct(pair, name).map, score_up())
        row = table.loc[title(name)]
        assert row["deletion"] == pytest.approx(expected.deletion_area, abs=1e-4)
        assert row["insertion"] == pytest.approx(expected.insertion_area, abs=1e-4)
        for p in (100, 50, 15):
            np.testing.assert_allclose(row[f"drop {p} %"], expected.drop[p], atol=1e-4)
            np.testing.assert_allclose(row[f"increase {p} %"], expected.increase[p])
    assert len(app.get("plotly_chart")) == 1 + 2
    assert "measure" not in [of.key for of in app.button]
    app.pills(key="fast_methods").set_value(["cam", "grad_cam"]).run()
    assert PASSES == 105 and "1 map, 105 forward passes" in texts(app)  # only what is new


@pytest.mark.parametrize(("networks", "own"), [("Rendered", True), ("Photos", False)])
def test_many_pictures_say_what_one_cannot(networks, own):
    app = page(pair=networks, methods="none")
    stored = [figures for _result, figures in comparisons(read_all(STORED).values())]
    pair_name = {"Rendered": "rendered", "Photos": "photo"}[networks]
    shown = next((one for one in stored if pair_name in one.networks and one.world == "scenes"), None)
    assert (shown is not None) == own
    assert ("the same explainers of the same network" in texts(app)) == own
    assert ("Nobody compared explainers of “photo”" in texts(app)) != own
    if shown is None:
        shown = next((one for one in stored if one.world == "photos"), None)
    measure = app.selectbox(key="evidence").value
    (chart,) = (json.loads(of.proto.spec) for of in app.get("plotly_chart"))
    if shown is not None:
        leads = {title(name) for name, of in shown.methods.items() if name != "random" and measure in of}
        assert set(chart["layout"]["yaxis"]["categoryarray"]) == leads
    assert len(chart["layout"]["shapes"]) >= 2  # the controls are shaded, beside the line at 0
    assert any("what papers claim" in link.proto.label for link in app.get("page_link"))


def test_drops_are_given_in_points_and_increases_in_percent(pair):
    app = page(methods="none")
    app.button(key="measure").click().run()
    columns = json.loads(finished(app).dataframe[0].proto.columns)
    for p in (100, 50, 15):
        drop, increase = columns[f"drop {p} %"], columns[f"increase {p} %"]
        assert drop["type_config"]["format"] == "%.2f" and increase["type_config"]["format"] == "%.0f"
        said = f"points the score loses when only the map's top {p} % of pixels are kept, weighted by"
        assert drop["help"].startswith(said) and "percent" not in drop["help"]
        assert increase["help"].startswith("percent") and f"top {p} %" in increase["help"]


def test_faithfulness_takes_as_many_passes_as_the_page_says(pair):
    model, seen = pair.baseline, []
    handle = model.backbone.register_forward_hook(lambda _module, inputs, _output: seen.append(len(inputs[0])))
    faithfulness(model, image(model), torch.ones(2, 2), score_up())
    handle.remove()
    assert sum(seen) == PASSES


def test_measuring_can_be_cancelled(pair, monkeypatch):
    def endless(model, picture, saliency, target, progress):
        for step in range(100_000):
            progress(step, 100_000)
            time.sleep(0.002)

    monkeypatch.setattr(compare_work, "faithfulness", endless)
    app = page(methods="cam")
    app.button(key="measure").click().run()
    work = app.session_state["comparison"].work
    until(lambda: "passes" in work.job.progress.text)
    app.button(key="cancel-compare").click().run()
    assert work.job.wait(5)
    app.run()
    assert "Stopped; finished measurements are kept." in texts(app)
    app.segmented_control(key="explained").set_value("what lowers the score").run()
    assert "measure" in [of.key for of in app.button] and "Stopped" not in texts(app)  # that was another question


def test_nothing_begins_while_a_job_runs(pair, monkeypatch):
    endless = Endless(monkeypatch)
    app = page(methods="rise")
    with monkeypatch.context() as stale:
        stale.setattr(compare_work, "doing", lambda: None)  # the button stays, as until the page is drawn anew
        app.button(key="run-slow").click().run()
        assert endless.began.wait(60)
        work = app.session_state["comparison"].work
        app.button(key="run-slow").click().run()
    assert not app.exception
    assert app.session_state["comparison"].work is work and work.job.running and not work.job.stopping
    work.job.cancel()
    assert endless.ended.wait(20)


def test_without_baseline_all_explain_siam(lonely):
    app = page()
    assert not app.exception
    assert "cam" not in app.pills(key="fast_methods").options
    assert "no baseline, so they explain SIAM" in texts(app)
    assert set(app.dataframe[0].value["network"]) == {"SIAM"}
    assert shown_maps(app) == [title(name) for name in names_of(lonely) if not explainer(name).slow]


@pytest.mark.parametrize("error", [ValueError("this network has no layers"), RuntimeError("out of memory")])
def test_a_method_that_fails_says_so_and_the_others_are_shown(pair, monkeypatch, error):
    def failing(model, picture, name, target, progress):
        if name == "grad_cam":
            raise error
        return attribute_photo(model, picture, name, target, progress)

    monkeypatch.setattr(compare_work, "attribute_photo", failing)
    app = page(methods="cam,grad_cam")
    assert not app.exception
    assert app.warning[0].value == plain(f"Grad-CAM cannot explain this photo: {error}")
    assert shown_maps(app) == ["SIAM", "CAM"]


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("_copy", RuntimeError("out of memory")),
        ("_copy", MemoryError("no room")),
        ("preprocess", ImageError("it is damaged")),
        ("preprocess", OSError("no file")),
    ],
)
def test_trouble_before_the_network_runs_is_reported_like_any_other(pair, monkeypatch, where, error):
    def failing(*_arguments):
        raise error

    app = page(methods="cam,occlusion")
    monkeypatch.setattr(compare_work, where, failing)
    app.button(key="run-slow").click().run()
    warnings = [of.value for of in finished(app).warning]
    assert warnings == [plain(f"Occlusion cannot explain this photo: {error}")]
    assert shown_maps(app) == ["SIAM", "CAM"]
    app.button(key="measure").click().run()
    warnings = [of.value for of in finished(app).warning]
    assert set(warnings[1:]) == {plain(f"{name} cannot be measured: {error}") for name in ("SIAM", "CAM")}
    if where == "preprocess":  # the shared networks are not copied
        app.segmented_control(key="explained").set_value("what lowers the score").run()
        assert not app.exception
        assert plain(f"CAM cannot explain this photo: {error}") in [of.value for of in app.warning]


def test_vebi_of_layers_that_the_network_has_not_says_so(pair):
    tensors = {name: torch.zeros(1, dtype=torch.long) for name in ("layer", "channel")}
    pair.baseline.fitted["vebi"] = Fitted({**tensors, "relevance": torch.ones(1, 1)}, {"layers": ["backbone.no_such"]})
    app = page(methods="cam,vebi")
    assert not app.exception
    assert plain("VEBI cannot explain this photo: the network has no layer 'backbone.no_such'") in app.warning[0].value
    assert shown_maps(app) == ["SIAM", "CAM"]


def test_maps_without_direction_say_what_they_show(pair):
    weight = torch.randn(1, pair.baseline.linear.in_features)
    pair.baseline.fitted["lcam_fm"] = Fitted({"weight": weight, "bias": torch.zeros(1)}, {})
    app = page(methods="cam,eigen_cam,lcam_fm")
    said = {text.partition("'s map: ")[0]: text.partition("'s map: ")[2] for text in alternatives(app)}
    assert said["Eigen-CAM"].startswith("the main pattern of the last features is ")
    assert said["L-CAM-Fm"].startswith("what the score rests on is ")
    captions = [of.value for of in app.caption]
    for what in ("the main pattern of the last features", "what the score rests on"):
        assert sum(f"1 pass · {what}, the same either way" in of for of in captions) == 1
    assert ":blue[**Blue**]: Eigen-CAM and L-CAM-Fm do not say whether the score rises or falls." in texts(app)
    shown = app.session_state["compare_pictures"]
    for name, draw in (("cam", lambda *of: map_picture(*of, 1)), ("lcam_fm", pattern_picture)):
        photo = display_photo(siam.explain(pair, read_image(SAMPLE.path)).image, 640)
        assert shown[name].tobytes() == draw(photo, kept(app)[name].map.numpy()).tobytes()
    assert "Blue" not in texts(page(methods="cam"))


@pytest.mark.parametrize(("kept", "doubted"), [(0.6, True), (0.9, False)])
def test_where_masks_are_no_better_than_plain_ones_the_page_says_so(pair, kept, doubted):
    weight = torch.randn(1, pair.baseline.linear.in_features)
    of = {"kept_score_variance": 0.68, "gain": round(kept - 0.68, 2), "interval": [kept - 0.78, kept - 0.58]}
    held_out = {"pictures": 12, "mask_area": 0.2, "kept_score_variance": kept, "controls": {"constant": of}}
    tensors = {"weight": weight, "bias": torch.zeros(1)}
    pair.baseline.fitted["lcam_fm"] = Fitted(tensors, {"held_out": held_out})
    said = "L-CAM-Fm's masks keep 60 % of the score's variance, and with the same area an even grey mask 68 %"
    assert (said in texts(page(methods="cam,lcam_fm"))) == doubted
    assert said not in texts(page(methods="cam"))


def test_wide_and_tall_photos(pair):
    app = page(methods="cam,eigen_cam")
    for size in ((2000, 300), (300, 2000)):
        data = io.BytesIO()
        Image.new("RGB", size, (90, 140, 200)).save(data, "PNG")
        app.file_uploader[0].set_value(("odd.png", data.getvalue(), "image/png")).run()
        assert not app.exception
        assert shown_maps(app) == ["SIAM", "CAM", "Eigen-CAM"]


def test_a_session_keeps_a_limited_number_of_maps(pair, monkeypatch):
    monkeypatch.setattr(compare_work, "_MOST", 4)
    app = page(methods="cam,grad_cam")
    for sample in load_samples()[1:4]:
        app.button(key=f"sample-{sample.key}").click().run()
    assert not app.exception
    app.run()
    assert len(app.session_state["comparison"].maps) == 4
    assert shown_maps(app) == ["SIAM", "CAM", "Grad-CAM"]


@pytest.mark.parametrize(("label", "sign"), [("what raises the score", 1), ("what lowers the score", -1)])
def test_the_truth_of_a_rendered_scene_stands_beside_the_maps(label, sign):
    app = page(pair="Rendered", case="898", methods="cam", explained=label)
    cases = chosen.cases_in(chosen.BUNDLED / "rendered")
    density = true_density(cases.gallery.masks(cases.row_of("898")))
    region = evidence(sign * density)
    table = app.dataframe[0].value.set_index("method")
    for name in ("siam", "cam"):
        expected = against_mask(kept(app)[name].map, region)
        row = table.loc[title(name)]
        assert [row["EBPG"], row["pixel AP"], row["IoU area"]] == pytest.approx(
            [expected[key] for key in ("ebpg", "pixel_ap", "iou_area")]
        )
    verb = {1: "raises", -1: "lowers"}[sign]
    assert f"smallest region that holds half of what really {verb} the score" in texts(app)
    assert f"The truth: {phrases.signed_map_text(density)}" in alternatives(app)


def test_photos_have_no_truth(pair):
    app = page()
    assert "EBPG" not in app.dataframe[0].value
    assert "truly" not in texts(app)


def put_vebi(pair, top):
    """VEBI with two features that have a mean picture, and the pictures in which they are strongest."""
    means = torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
    tensors = {
        "means": means, "means_of": torch.tensor([1, 3]), "relevance": torch.tensor([[0.0, 0.25, 0.0, -0.75]]),
        "strength": torch.ones(4), "layer": torch.tensor([0, 0, 1, 1]), "channel": torch.tensor([5, 6, 7, 8]),
    }  # fmt: skip
    pair.baseline.fitted["vebi"] = Fitted(tensors, {"layers": ["blocks.1", "blocks.5"], "top": top})


def strongest(app):
    """Which pictures are shown as those in which a feature is strongest, by their alternative texts."""
    return [text for text in alternatives(app) if text.startswith("strongest in ")]


def test_what_vebi_looks_for(pair):
    assert "What VEBI looks for" not in [of.label for of in page(methods="cam").expander]
    names = ["forest-path", "lake-boats", "dune-grass", "storm-road", "rocamadour"]
    put_vebi(pair, {"samples": {"1": names, "3": ["a", "b", "c", "d", "e"]}})
    app = page(methods="cam")
    assert not app.exception
    assert "What VEBI looks for" in [of.label for of in app.expander]
    shown = texts(app)
    assert shown.index("**−0.75**") < shown.index("**+0.25**")  # the heaviest first
    assert "layer 2 of 2, channel 8\nstrongest in a, b, c and d" in shown  # they are not here
    assert strongest(app) == ["strongest in forest-path, lake-boats, dune-grass and storm-road"]
    put_vebi(pair, {"samples": {"1": ["forest-path", "a"]}})
    app = page(methods="cam")
    assert strongest(app) == ["strongest in forest-path"] and "also strongest in a" in texts(app)
    fitted = pair.baseline.fitted["vebi"]
    bare = {name: tensor for name, tensor in fitted.tensors.items() if name not in ("means", "means_of")}
    pair.baseline.fitted["vebi"] = dataclasses.replace(fitted, tensors=bare)
    assert "What VEBI looks for" not in [of.label for of in page(methods="cam").expander]


@pytest.mark.parametrize("in_use", [True, False])
def test_vebi_shows_pictures_of_the_gallery_of_the_pair(pair, monkeypatch, in_use):
    put_vebi(pair, {"samples": {"1": ["forest-path"]}, "rendered": {"1": ["8", "9"], "3": ["18"]}})
    if not in_use:  # but one of the visitor's own, say
        monkeypatch.setattr(chosen, "cases", lambda: None)
    assert strongest(page(pair="Rendered", methods="cam")) == ["strongest in 18", "strongest in 8 and 9"]
    assert strongest(page(methods="cam")) == ["strongest in forest-path"]  # those scenes are not this pair's
