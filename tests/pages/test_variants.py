"""Explain, "Compare with another photo": what it shows is what the package computes, and nothing is aligned in vain."""

import io

import numpy as np
import pytest
from PIL import Image

import siam
from siam.drawing import phrases
from siam.explanation import wording
from siam.explanation.difference import difference, differences
from siam.gallery.samples import load_samples
from siam.images.reading import read_image
from tests.support.own_pair import believed_pair
from tests.support.pages import opened, parameter, texts
from ui.state import resources
from ui.state.markdown import plain

SAMPLES = load_samples()
FIRST, OTHER = SAMPLES[0], SAMPLES[3]


def content(image, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def edited(path=FIRST.path):
    image = read_image(path).copy()
    image.paste("white", (image.width * 6 // 10, image.height // 8, image.width * 7 // 10, image.height * 5 // 8))
    return image


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """A small pair in the folder in which the app starts."""
    monkeypatch.chdir(tmp_path)
    return believed_pair(tmp_path)


def start(**parameters):
    return opened(pair="runs/believed", **parameters)


def upload(app, *files):
    app.file_uploader(key="variants").set_value([(name, data, "image/png") for name, data in files])
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def explained(pair, other, first=FIRST.path):
    return siam.explain(pair, read_image(first)), siam.explain(pair, other)


def found(pair, other, first=FIRST.path):
    return difference(*explained(pair, other, first))


def splits(app):
    return [slider for slider in app.slider if slider.key.startswith("split-")]


def test_nothing_is_compared_until_another_photo_is_there(pair):
    app = start()
    assert len(app.metric) == 3 and len(app.download_button) == 2 and not splits(app)
    assert "Compare with another photo" in [header.value for header in app.subheader]


def test_an_edit_of_the_photo_is_compared_with_it():
    after = edited()
    app = upload(opened(), ("turbine.png", content(after)))
    of, names = found(siam.load("photo"), after), (FIRST.path.name, "turbine.png")
    assert of.view.matches and abs(of.change) > 0.01
    for explanation, metric in zip((of.before, of.after), app.metric[3:], strict=True):
        assert metric.value == phrases.score_text(explanation.scenicness, explanation.scale)
    assert plain(wording.difference_sentence(of, names)) in texts(app)
    assert f"**{phrases.difference_text(of.after.scenicness, of.before.scenicness)}** points" in texts(app)
    assert len(app.get("plotly_chart")) == 2
    (split,) = splits(app)
    before = len(app.image)
    split.set_value(0).run()
    assert not app.exception and len(app.image) == before
    table = app.dataframe[-1].value
    assert table.iloc[:, -1].sum() == pytest.approx(of.change, abs=1e-4)
    assert (table.iloc[:, 2] - table.iloc[:, 1]).to_numpy() == pytest.approx(table.iloc[:, 3].to_numpy(), abs=1e-6)
    assert np.abs(table.iloc[:, 3]).is_monotonic_decreasing


def test_what_changed_begins_the_sentence_and_is_part_of_the_address(pair):
    after = edited()
    app = start(changed="the *new* <b>road</b>")
    assert not [field for field in app.text_input if field.key == "changed"]  # nothing is compared yet
    app = upload(app, ("turbine.png", content(after)))
    field = app.text_input(key="changed")
    assert field.value == "the *new* <b>road</b>"
    names = [FIRST.path.name, "turbine.png"]
    (sentence,) = wording.difference_sentences(differences(list(explained(pair, after)), field.value), names)
    assert plain(sentence) in texts(app) and sentence.startswith("The *new* <b>road</b> ")
    assert r"\*new\*" in texts(app) and r"\<b\>" in texts(app)
    field.set_value("The wind turbines.").run()
    assert not app.exception and "**The wind turbines " in texts(app)
    assert app.text_input(key="changed").proto.max_chars == 80
    app.text_input(key="changed").set_value("").run()
    assert f"**{plain('turbine.png')} scores " in texts(app)


def test_each_score_shows_its_interval():
    after = edited()
    app = upload(opened(), ("turbine.png", content(after)))
    for explanation in explained(siam.load("photo"), after):
        text = wording.interval_text(explanation)
        assert text and plain(text) in [caption.value for caption in app.caption]
    assert "for the difference of two scores, none is known" in texts(app)


def test_networks_without_intervals_show_none(pair):
    app = upload(start(), ("turbine.png", content(edited())))
    assert "people say" not in texts(app) and "none is known" not in texts(app)


def test_the_address_names_photos_on_offer_and_keeps_them():
    app = opened(**{"with": OTHER.key})
    of = found(siam.load("photo"), read_image(OTHER.path))
    assert [metric.value for metric in app.metric[3:]] == [
        phrases.score_text(explanation.scenicness, explanation.scale) for explanation in (of.before, of.after)
    ]
    assert not splits(app)
    assert "not laid over each other" in texts(app)
    captions = " ".join(picture.caption for image in app.image for picture in image.proto.imgs)
    assert OTHER.author in captions  # whoever shows a photo names its author
    app.multiselect(key="with").set_value([OTHER.key, SAMPLES[1].key]).run()
    assert not app.exception
    assert len(app.metric) == 3 + 3 and parameter(app, "with") == f"{OTHER.key},{SAMPLES[1].key}"
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/explain.py").run()
    assert len(app.metric) == 3 + 3 and parameter(app, "with") == f"{OTHER.key},{SAMPLES[1].key}"
    app.query_params["with"] = SAMPLES[2].key  # what the browser's Back does
    app.run()
    assert [metric.label for metric in app.metric[3:]][1:] == [SAMPLES[2].path.name]
    app.multiselect(key="with").set_value([]).run()
    assert len(app.metric) == 3 and parameter(app, "with") is None


def test_photos_on_offer_are_those_of_the_networks():
    app = opened(pair="Rendered", **{"with": OTHER.key})
    assert len(app.metric) == 3 and OTHER.name not in app.multiselect(key="with").options
    assert len(app.multiselect(key="with").options) > 3


@pytest.mark.parametrize("value", ["no-such-photo", "", ",,", "../../etc/passwd"])
def test_an_unknown_photo_in_the_address_is_ignored(pair, value):
    app = start(**{"with": value})
    assert len(app.metric) == 3


def test_a_bad_file_is_refused_in_a_sentence_and_the_others_are_compared(pair):
    app = upload(
        start(),
        ("notes.png", b"words"),
        ("edit.png", content(edited())),
        ("dot.png", content(Image.new("RGB", (1, 1)))),
    )
    assert len(app.error) == 2
    assert "notes.png" in app.error[0].value and "dot.png" in app.error[1].value
    assert len(app.metric) == 3 + 2


def test_at_most_three_photos_are_compared_with_the_first(pair):
    files = [(f"{k}.png", content(Image.new("RGB", (60 + k, 60), (40 * k, 90, 90)))) for k in range(5)]
    app = upload(start(), *files)
    assert len(app.metric) == 3 + 4
    assert "At most 3 photos" in texts(app)


def test_photos_of_one_name_can_be_told_apart(pair):
    app = upload(start(), ("a.png", content(edited())), ("a.png", content(edited(OTHER.path))))
    labels = [metric.label for metric in app.metric[3:]]
    assert len(set(labels)) == 3 and labels[2] == "a.png (2)"


def test_names_of_files_are_shown_as_they_are(pair):
    app = upload(start(), ("*b* `c` :smile: $x$.png", content(edited())))
    assert r"\*b\* \`c\`" in app.metric[4].label and r"\*b\* \`c\`" in texts(app)


def test_names_that_are_hard_to_believe_are_told(pair):
    after = edited()
    app = upload(start(), ("edit.png", content(after)))
    assert "≈ roughly recognised, ? hardly recognised" in texts(app)


def test_a_move_of_the_slider_runs_no_network(pair, monkeypatch):
    app = upload(start(), ("edit.png", content(edited())))
    monkeypatch.setattr(resources, "explain", lambda *_: pytest.fail("a control ran the network"))
    splits(app)[0].set_value(80).run()
    app.slider(key="overlay").set_value(90).run()
    assert not app.exception
