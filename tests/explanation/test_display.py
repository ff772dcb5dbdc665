"""How explanations and what belongs to them show themselves: in one line, and in a notebook."""

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

import siam
from siam.drawing.phrases import signed, words
from siam.evaluation.predictions import PairPredictions, predictions
from siam.explainers import attribute_photo, output, score_up
from siam.explanation import predict
from siam.explanation.wording import sentence
from siam.gallery import read
from siam.gallery.cases import read_cases
from siam.images import preprocess
from siam.models import zoo
from siam.models.checkpoint import Pair
from siam.runtime.paths import ASSETS
from tests.support.fakes import fake_explanation
from tests.support.near import near
from tests.support.networks import baseline_network, siam_network
from tests.support.recognition import recognised

PIXELS = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)


class Fragment(HTMLParser):
    """The tags and texts of a piece of markup, in which every tag must be closed in order."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Note a tag that closes itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        """Close the tag opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note text."""
        self.text += data


@pytest.fixture(scope="module")
def pair():
    return Pair("tiny", siam_network(attributes=6), baseline_network(), {})


def is_short(text):
    return "\n" not in text and len(text) < 400 and "tensor(" not in text and "array(" not in text


# One line


def test_an_explanation_in_one_line():
    explanation = fake_explanation()
    text = repr(explanation)
    assert is_short(text)
    first, *_others = explanation.ranking()
    for part in (f"{explanation.scenicness:.2f} of 7", f"{words(first.attribute)} {signed(first.value)}", "30 more"):
        assert part in text
    assert f"baseline {explanation.baseline_scenicness:.2f}" in text
    assert "baseline" not in repr(fake_explanation(baseline=False))
    assert "more" not in repr(fake_explanation(attributes=3))


def test_names_with_line_breaks_do_not_break_the_line():
    explanation = dataclasses.replace(fake_explanation(attributes=2), model="a\nb", attributes=("x\ny", "z"))
    assert is_short(repr(explanation)) and "a b" in repr(explanation)


def test_a_pair_in_one_line_without_building_it(pair):
    assert is_short(repr(pair)) and "6 attributes" in repr(pair) and "'tiny'" in repr(pair)
    assert "no baseline" in repr(Pair("alone", pair.siam, None, {}))
    loaded = siam.load("photo", "cpu", engine="openvino")
    built = loaded.built
    assert "'photo'" in repr(loaded) and "33 attributes" in repr(loaded) and loaded.built == built


def test_what_holds_arrays_shows_their_shapes_only(pair, tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    gallery = read(ASSETS / "gallery" / "rendered")
    found = predictions(pair, [tmp_path / "a.png"], lambda _place, _error: None, baseline=True)
    network = zoo.load("timm:test_resnet", "random")
    with torch.no_grad():
        images = torch.zeros(1, 3, 96, 96)
        outputs = pair.siam(images), pair.baseline(images)
    for thing in (gallery, read_cases(gallery), found, network, *outputs):
        assert is_short(repr(thing)), repr(thing)[:500]
    assert "300 photos" in repr(gallery) and "contributions=float32 (1, 6)" in repr(found)
    assert isinstance(found, PairPredictions) and "model=ResNet" in repr(network)


# A notebook


@pytest.mark.parametrize("baseline", [True, False])
def test_a_notebook_shows_scores_sentence_waterfall_and_eight_maps(baseline):
    explanation = fake_explanation(baseline=baseline)
    page = Fragment(explanation._repr_html_())
    text = " ".join(page.text.split())
    assert f"{explanation.scenicness:.2f} of 7" in text and sentence(explanation) in text
    assert ("baseline" in text) == baseline
    for item in explanation.ranking(count=8):
        assert f"{words(item.attribute)} {signed(item.value)}" in text
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 2 + 8 and all(picture["alt"] for picture in pictures)
    assert len([tag for tag, _attributes in page.tags if tag == "svg"]) == 1


def test_it_needs_nothing_else_and_reaches_no_further():
    page = Fragment(fake_explanation()._repr_html_())
    assert not {"script", "style", "link", "iframe", "object"} & {tag for tag, _attributes in page.tags}
    for _tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("class", "id")]
        for name in ("src", "href"):
            assert attributes.get(name, "data:image/").startswith("data:image/")
        assert "url(" not in attributes.get("style", "")


def test_text_has_the_colour_of_the_notebook():
    page = Fragment(fake_explanation()._repr_html_())
    assert {attributes["fill"] for tag, attributes in page.tags if tag == "text"} == {"currentColor"}
    styles = [attributes.get("style", "") for _tag, attributes in page.tags]
    assert not [style for style in styles if "background" in style or "color:#" in style]


def test_names_from_anyone_are_escaped():
    bad = '"><script>alert(1)</script>&'
    base = fake_explanation(attributes=3)
    names = (bad, f"{bad}2", f"{bad}3")
    explanation = dataclasses.replace(
        base,
        model=bad,
        attributes=names,
        scale=dataclasses.replace(base.scale, name=bad),
        recognition=dict.fromkeys(names, recognised("hardly")),
    )
    source = explanation._repr_html_()
    assert "<script" not in source and "&lt;script&gt;" in source
    assert Fragment(source).text.count(bad) > 3


def test_an_attribute_with_no_effect_and_a_black_photo():
    base = fake_explanation(attributes=1)
    nothing = {name: np.zeros_like(getattr(base, name)) for name in ("contributions", "contribution_maps", "total_map")}
    Fragment(dataclasses.replace(base, **nothing)._repr_html_())


# Photos in any form


def test_explain_takes_a_photo_in_any_form(pair, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    expected = siam.explain(pair, Image.fromarray(PIXELS))
    for photo in (path, str(path), path.read_bytes(), Image.open(path), PIXELS, PIXELS / 255):
        found = siam.explain(pair, photo)
        assert near(found.contributions, expected.contributions) and found.photo_size == (96, 64)
        assert np.array_equal(np.asarray(found.image), PIXELS)
    with pytest.raises(siam.ImageError, match=r"missing.jpg does not exist"):
        siam.explain(pair, tmp_path / "missing.jpg")
    with pytest.raises(ValueError, match=r"divide it by 255"):
        siam.explain(pair, PIXELS.astype(np.float32))


def test_predict_takes_photos_in_any_form_but_not_one_alone(pair, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    photos = [path, str(path), path.read_bytes(), Image.open(path), PIXELS, PIXELS / 255]
    for size in (None, 4):
        (scores,) = predict(pair.baseline, photos, lambda out: (out.scenicness,), batch_size=size)
        assert near(scores, np.full(6, scores[0]))
    for photo in (path, str(path), path.read_bytes(), PIXELS):
        with pytest.raises(TypeError, match=r"expected a list of photos, not one \w+: put it into a list"):
            predict(pair.baseline, photo, lambda out: (out.scenicness,))  # pyright: ignore[reportArgumentType]


def test_attribute_photo_takes_a_photo_if_the_network_says_what_it_expects(pair, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    pixels = preprocess(Image.fromarray(PIXELS), pair.baseline.config)
    expected = attribute_photo(pair.baseline, pixels, "grad_cam", score_up())
    for photo in (path, str(path), PIXELS, Image.fromarray(PIXELS)):
        assert near(attribute_photo(pair.baseline, photo, "grad_cam", score_up()).map, expected.map)
    assert expected.overlay(PIXELS).size == expected.overlay(str(path)).size == (96, 64)
    network = zoo.load("timm:test_resnet", "random").model
    assert attribute_photo(network, path, "grad_cam", output(3)).map.ndim == 2
    silent = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    for model in (silent, lambda images: images.mean(dim=(1, 2, 3))):
        with pytest.raises(ValueError, match=r"does not say what pictures it expects: give the picture as a tensor"):
            attribute_photo(model, path, "occlusion", output(0))
