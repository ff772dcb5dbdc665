"""Every state of the pages, driven without a browser."""

import dataclasses
import io
import struct
import zlib

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import siam
from siam.drawing import phrases
from siam.explanation import wording
from siam.explanation.recognition import caveat, legend, recognition_text
from siam.gallery.samples import load_samples
from siam.images.reading import read_image
from siam.models.checkpoint import save
from siam.reports.files import data_json
from tests.support.own_pair import believed_pair
from tests.support.pages import FOLDER, opened, texts
from tests.support.paths import ROOT
from ui.photos.photo import plain, uploaded_photo
from ui.state import resources

APP = ROOT / "app.py"
SAMPLES = load_samples()


@pytest.fixture
def app():
    return AppTest.from_file(APP, default_timeout=120)


@pytest.fixture(scope="module")
def pair():
    return siam.load("photo")


def picture_bytes(kind="JPEG", size=(320, 240), colour=(90, 140, 200)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def png_header(width, height):
    """A PNG that claims a size and holds no pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


BAD_FILES = {
    "empty.jpg": (b"", "empty"),
    "notes.jpg": (b"these are words, not a picture", "notes.jpg"),
    "cut.jpg": (picture_bytes(size=(800, 600))[:2000], "cut.jpg"),
    "dot.png": (picture_bytes("PNG", (1, 1)), "1 × 1"),
    "line.png": (picture_bytes("PNG", (10000, 1)), "10000 × 1"),
    "huge.png": (png_header(20000, 20000), "megapixel"),
    "heavy.jpg": (picture_bytes() + b"\0" * 20_000_000, "20 MB"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg"),
}


def metrics(app):
    return [metric.value for metric in app.metric]


def expected_metrics(explanation):
    difference = round(explanation.scenicness, 2) - round(explanation.baseline_scenicness, 2)
    return [
        phrases.score_text(explanation.scenicness, explanation.scale),
        phrases.score_text(explanation.baseline_scenicness, explanation.scale),
        phrases.signed(difference),
    ]


def tile_texts(app):
    """The alternative texts of the framed maps, in the order of the page."""
    return [button.help.split(":")[0] for button in app.button if button.key and button.key.startswith("open-")]


def upload(app, name, data):
    app.file_uploader[0].set_value((name, data, "application/octet-stream"))
    return app.run()


def test_first_visit_explains_the_first_sample(app, pair):
    app.run()
    assert not app.exception
    explanation = siam.explain(pair, read_image(SAMPLES[0].path))
    assert metrics(app) == expected_metrics(explanation)
    assert any(wording.sentence(explanation) in text.value for text in app.markdown)
    assert tile_texts(app) == [phrases.words(item.attribute) for item in explanation.ranking(count=8)]
    assert [button.label for button in app.download_button] == ["Data (JSON)", "Report (HTML)"]


def test_every_sample_can_be_chosen_and_shows_its_credit(app, pair):
    app.run()
    for sample in SAMPLES[1:]:
        app.button(key=f"sample-{sample.key}").click().run()
        assert not app.exception
        assert metrics(app) == expected_metrics(siam.explain(pair, read_image(sample.path)))
        captions = " ".join(picture.caption for image in app.image for picture in image.proto.imgs)
        assert sample.author in captions
        assert sample.licence in captions
        assert app.query_params["sample"] == sample.key


def test_address_names_a_sample(app, pair):
    app.query_params["sample"] = SAMPLES[3].key
    app.run()
    assert metrics(app) == expected_metrics(siam.explain(pair, read_image(SAMPLES[3].path)))


def test_address_with_an_unknown_sample_shows_the_first(app, pair):
    app.query_params["sample"] = "no-such-sample"
    app.run()
    assert not app.exception
    assert metrics(app) == expected_metrics(siam.explain(pair, read_image(SAMPLES[0].path)))


def test_upload_gives_the_numbers_of_the_package(app, pair):
    app.run()
    data = picture_bytes()
    upload(app, "blue.jpg", data)
    assert not app.exception
    assert not app.error
    assert metrics(app) == expected_metrics(siam.explain(pair, read_image(data)))
    assert "sample" not in app.query_params


def test_camera_photo_is_explained(app, pair):
    app.run()
    assert not app.camera_input
    app.toggle(key="camera_on").set_value(True).run()
    data = picture_bytes(colour=(20, 120, 30))
    app.camera_input[0].set_value(("camera.jpg", data, "image/jpeg")).run()
    assert not app.exception
    assert metrics(app) == expected_metrics(siam.explain(pair, read_image(data)))


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_gets_one_sentence_and_costs_nothing(app, name):
    data, word = BAD_FILES[name]
    app.run()
    before = metrics(app)
    upload(app, name, data)
    assert not app.exception
    assert len(app.error) == 1
    message = app.error[0].value
    assert word in message
    assert name in message
    assert "\n" not in message
    assert metrics(app) == before
    # Afterwards a good file works as if nothing had been.
    upload(app, "good.png", picture_bytes("PNG"))
    assert not app.error
    assert metrics(app) != before


def test_removed_upload_leaves_the_photo_in_view(app):
    app.run()
    upload(app, "blue.jpg", picture_bytes())
    shown = metrics(app)
    app.file_uploader[0].set_value(None).run()
    assert not app.exception
    assert metrics(app) == shown


def test_order_and_number_of_maps(app, pair):
    app.run()
    explanation = siam.explain(pair, read_image(SAMPLES[0].path))
    app.number_input(key="count").set_value(33).run()
    assert len(tile_texts(app)) == 33
    app.number_input(key="count").set_value(5).run()
    for order in ("positive first", "name"):
        app.segmented_control(key="order").set_value(order).run()
        expected = [phrases.words(item.attribute) for item in explanation.ranking(order, 5)]
        assert tile_texts(app) == expected


def test_controls_do_not_run_the_network(app, monkeypatch):
    app.run()
    monkeypatch.setattr(resources, "explain", lambda *_: pytest.fail("a control ran the network"))
    app.slider(key="overlay").set_value(90).run()
    app.number_input(key="count").set_value(3).run()
    app.toggle(key="paper").set_value(True).run()
    assert not app.exception


def test_one_attribute_opens_with_map_template_and_product(app):
    app.run()
    before = len(app.image)
    app.button(key=next(b.key for b in app.button if b.key and b.key.startswith("open-"))).click().run()
    assert not app.exception
    assert len(app.image) == before + 3
    assert any("sums to" in caption.value for caption in app.caption)


def test_table_holds_every_attribute_and_sums_to_the_score(app, pair):
    app.run()
    explanation = siam.explain(pair, read_image(SAMPLES[0].path))
    table = app.dataframe[0].value
    assert len(table) == len(explanation.attributes)
    assert table["contribution"].sum() + explanation.bias == pytest.approx(explanation.scenicness, abs=1e-4)


def test_networks_are_loaded_once_for_all_sessions(monkeypatch):
    resources._loaded.clear()
    loads = []

    def counted(name):
        loads.append(name)
        return siam.load(name)

    monkeypatch.setattr(resources, "load", counted)
    for tab in range(2):
        app = AppTest.from_file(APP, default_timeout=120).run()
        for upload_number in range(2):
            upload(app, "photo.jpg", picture_bytes(colour=(tab * 90, upload_number * 90, 60)))
            assert not app.exception
    assert loads == ["photo"]


def test_pair_without_baseline(monkeypatch, pair):
    resources._loaded.clear()
    resources._explanation.clear()
    monkeypatch.setattr(resources, "load", lambda _name: dataclasses.replace(pair, baseline=None))
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    assert len(metrics(app)) == 1
    resources._loaded.clear()
    resources._explanation.clear()


def test_device_and_training_data_are_shown(app, pair):
    app.run()
    sidebar = " ".join(caption.value for caption in app.sidebar.caption)
    assert pair.card["summary"] in sidebar
    assert "CPU" in sidebar or "GPU" in sidebar


def test_results_show_the_card_and_presence_and_about_links_to_them(app, pair):
    app.run()
    app.switch_page(f"{FOLDER}/results.py").run()
    app.pills(key="table").set_value("Model cards").run()
    assert not app.exception
    text = " ".join(markdown.value for markdown in app.markdown)
    assert pair.card["limits"] in text
    for variant, name in (("siam", "SIAM"), ("siam-frozen", "SIAM, no fine-tuning"), ("baseline", "baseline")):
        assert app.dataframe[0].value[f"τ {name}"].tolist() == [
            figures["kendall_tau"] for figures in pair.card["metrics"][variant].values()
        ]
    app.pills(key="table").set_value("Presence").run()
    assert len(app.get("plotly_chart")) == 1
    app.switch_page(f"{FOLDER}/about.py").run()
    assert not app.exception
    assert any("Model cards" in link.proto.label for link in app.get("page_link"))
    app.switch_page(f"{FOLDER}/explain.py").run()
    assert metrics(app)


def test_a_sparse_card_is_shown(app, pair):
    """As that of imported networks, which were not measured here."""
    bare = {key: pair.card[key] for key in ("summary", "training_data", "limits")}
    kept = dict(pair.card)
    try:
        pair.card.clear()
        pair.card.update(bare)
        app.run()
        app.switch_page(f"{FOLDER}/results.py").run()
        app.pills(key="table").set_value("Model cards").run()
        assert not app.exception
        assert any(plain(bare["training_data"]) in markdown.value for markdown in app.markdown)
    finally:
        pair.card.clear()
        pair.card.update(kept)


def test_wide_and_tall_pictures(app):
    app.run()
    for size in ((2000, 300), (300, 2000), (40, 40)):
        upload(app, "odd.png", picture_bytes("PNG", size))
        assert not app.exception
        assert not app.error


def test_back_and_forward_follow_the_address(app, pair):
    app.run()
    app.button(key=f"sample-{SAMPLES[2].key}").click().run()
    app.query_params["sample"] = SAMPLES[0].key  # what the browser's Back does
    app.run()
    assert metrics(app) == expected_metrics(siam.explain(pair, read_image(SAMPLES[0].path)))
    assert app.query_params["sample"] in (SAMPLES[0].key, [SAMPLES[0].key])


def test_bad_file_first_leaves_the_address(app):
    app.query_params["sample"] = SAMPLES[1].key
    app.run()
    upload(app, "notes.jpg", b"words")
    assert app.query_params["sample"] in (SAMPLES[1].key, [SAMPLES[1].key])


def test_file_name_is_shown_as_it_is(app):
    app.run()
    upload(app, "my *best* `photo`.jpg", b"words")
    assert r"my \*best\* \`photo\`.jpg" in app.error[0].value


def test_networks_that_cannot_be_loaded_are_reported_in_a_sentence(monkeypatch):
    def refuse(_name):
        raise siam.CheckpointError("card.json is missing: copy it again")

    resources._loaded.clear()
    monkeypatch.setattr(resources, "load", refuse)
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    assert app.error[0].value == plain("card.json is missing: copy it again")


def test_large_photo_keeps_its_size_in_the_data(pair):
    image = Image.new("RGB", (2000, 1500), (90, 140, 200))
    data = io.BytesIO()
    image.save(data, "PNG")
    shown = resources.explanation(uploaded_photo("a.png", data.getvalue()))
    assert shown.photo_size == (2000, 1500)
    assert max(shown.image.size) < 2000
    assert data_json(shown, "a.jpg", {})["image_size"] == {"width": 2000, "height": 1500}


def test_names_that_are_hard_to_believe_are_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pair = believed_pair(tmp_path)
    app = opened(pair="runs/believed")
    explanation = siam.explain(pair, read_image(SAMPLES[0].path))
    assert caveat(explanation) in texts(app)
    assert legend(explanation.recognition, explanation.attributes) in texts(app)
    helps = {button.key: button.help for button in app.button if button.key and button.key.startswith("open-")}
    for name, known in explanation.recognition.items():
        assert recognition_text(known) in helps[f"open-{name}"]
    table = app.dataframe[0].value.set_index("attribute")["recognised"]
    assert table[["attribute 0", "attribute 1", "attribute 2"]].tolist() == ["well", "roughly", "hardly"]
    app.button(key="open-attribute_2").click().run()
    assert not app.exception
    assert any("0.16 on 200 test photos" in caption.value for caption in app.caption)


def test_a_card_that_says_nothing_of_names(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pair = believed_pair(tmp_path)
    save(dataclasses.replace(pair, card={}, fold_templates=None), tmp_path / "runs" / "believed")
    app = opened(pair="runs/believed")
    assert "recognise" not in texts(app) and "recognised" not in app.dataframe[0].value


def test_a_landscape_has_an_interval_and_a_drawing_a_warning(app, pair):
    sample = SAMPLES[0]
    explanation = siam.explain(pair, sample.path)
    low, high = explanation.interval
    app.query_params["sample"] = sample.key
    said = texts(app.run())
    assert f"For four of five photos like this one, people say {low:.1f} to {high:.1f}." in said
    assert low <= explanation.scenicness <= high and "not look like a landscape" not in said
    chart = io.BytesIO()
    drawing = Image.new("RGB", (480, 320), "white")
    for bar in range(6):
        drawing.paste(["navy", "orange"][bar % 2], (40 + 70 * bar, 280 - 40 * bar, 90 + 70 * bar, 300))
    drawing.save(chart, "PNG")
    app.file_uploader[0].set_value(("chart.png", chart.getvalue(), "image/png")).run()
    said = texts(app)
    assert "This does not look like a landscape to the networks" in said and "For four of five" not in said
    assert metrics(app)  # it has a score all the same
