"""Figures for print from explanations: their numbers are the explanation's, and captions say what is needed."""

import dataclasses
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

import siam
from siam.drawing.phrases import number, signed, words
from siam.drawing.printing import FORMS, LEAST_TEXT, points
from siam.drawing.shapes import Label, Picture, text_width
from siam.figures.attributions import curves_figure
from siam.models.checkpoint import Pair
from siam.reports.prints import (
    attribute_print,
    chart_print,
    difference_print,
    explanation_print,
    features_print,
    maps_print,
    method_print,
    networks_text,
    pictures_print,
    template_print,
    templates_print,
    truth_print,
    waterfall_print,
    what_if_print,
)
from tests.support.fakes import fake_explanation, fake_picture, from_maps
from tests.support.networks import baseline_network, siam_network

SVG = "{http://www.w3.org/2000/svg}"
TRUE = {"still_water": 0.31, "clouds": -0.2, "hiking": 0.0}
FEATURES = [(f"layer {k} of 7, channel {37 * k}", (-1) ** k * k / 10) for k in range(1, 6)]
NETWORKS = "“Photos”, version 1a2b3c, trained 2026-11-20"


@pytest.fixture(scope="module")
def explanation():
    return fake_explanation(seed=4)


def every(explanation):
    more = explanation.attribute_maps * np.random.default_rng(1).uniform(0, 2, explanation.attribute_maps.shape)
    other = from_maps(
        more, explanation.cell_weights, explanation.templates, explanation.baseline_map, fake_picture(1, (300, 200))
    )
    names = ["before.jpg", "after with a long name and <b>markup</b>.jpg"]
    shares = np.linspace(0, 1, 5)
    return [
        explanation_print(explanation),
        waterfall_print(explanation),
        maps_print(explanation),
        attribute_print(explanation, 2),
        difference_print([explanation, other], names),
        what_if_print(explanation, other, ["trees × 2.00"]),
        templates_print(explanation.attributes, explanation.templates, None, {}, range(33)),
        template_print("still_water", explanation.templates[0], None, "helps at the top"),
        pictures_print("maps", "Maps", "Two maps.", lambda: [("a <b>", fake_picture(0, (90, 60)))] * 2),
        method_print(explanation, "“Hills” by A. <b>, CC BY 4.0"),
        truth_print("7", {name: np.eye(30, dtype=bool) for name in TRUE}, TRUE, explanation),
        features_print(FEATURES, "the baseline", lambda: [fake_picture(k, (90, 140)) for k in range(len(FEATURES))]),
        chart_print("deletion", curves_figure({"siam": shares}, shares, "Deletion", "lower is better", "%", "points")),
    ]


@pytest.mark.parametrize("width", [85, 180])
def test_every_figure_is_complete_in_every_format(explanation, width):
    for figure in every(explanation):
        drawing = figure.draw(points(width))
        labels = [item for item in drawing.items if isinstance(item, Label)]
        texts = [item.text for item in labels]
        for item in labels:
            left = item.x - {"start": 0, "middle": 0.5, "end": 1}[item.anchor] * text_width(item.text, item.size)
            assert item.size >= LEAST_TEXT and 0 < item.y < drawing.height, (figure.name, item)
            assert left >= -0.5 and left + text_width(item.text, item.size) <= drawing.width + 0.5, (figure.name, item)
        files = {form: figure.file(width, form, NETWORKS) for form in FORMS if form != "png" or width == 85}
        page = PdfReader(io.BytesIO(files["pdf"])).pages[0]
        assert float(page.mediabox.width) == pytest.approx(width / 25.4 * 72, abs=1e-3)
        together = "".join(page.extract_text().split())
        assert not [text for text in texts if "".join(text.split()) not in together], figure.name
        root = ET.fromstring(files["svg"])
        assert root.get("width") == f"{width}mm"
        assert [item.text for item in root.iter(f"{SVG}text")] == texts
        if "png" in files:
            with Image.open(io.BytesIO(files["png"])) as image:
                assert image.width == round(width / 25.4 * 300)
        for data in (files["svg"].decode(), str(PdfReader(io.BytesIO(files["pdf"])).metadata)):
            assert "Photos" in data and "arXiv.1909.08442" in data


def test_the_numbers_are_those_of_the_explanation(explanation):
    texts = PdfReader(io.BytesIO(explanation_print(explanation).file(180, "pdf"))).pages[0].extract_text().split("\n")
    for item in explanation.ranking(count=8):
        assert words(item.attribute) in texts and signed(item.value) in texts
    assert {"bias", number(explanation.bias), number(explanation.scenicness)} <= set(texts)
    steps = PdfReader(io.BytesIO(waterfall_print(explanation).file(85, "pdf"))).pages[0].extract_text().split("\n")
    assert {signed(item.value) for item in explanation.ranking(count=8)} <= set(steps)


def test_captions_name_signs_scale_networks_and_citation(explanation):
    for figure in every(explanation):
        caption = figure.caption(NETWORKS)
        assert (
            NETWORKS in caption and "Marcos, Lobry and Tuia" in caption and "doi:10.48550/arXiv.1909.08442" in caption
        )
        assert "\n" not in caption and "  " not in caption
    caption = explanation_print(explanation).caption()
    assert "Networks:" not in caption
    assert "dashed magenta (−) lowers" in caption and "scenicness from 1 to 7" in caption
    assert number(explanation.scenicness) in caption
    assert "trees × 2.00" in what_if_print(explanation, explanation, ["trees × 2.00"]).caption()


def printed(figure, width=180):
    return PdfReader(io.BytesIO(figure.file(width, "pdf"))).pages[0].extract_text().split("\n")


def test_the_method_adds_up(explanation):
    shown, texts = explanation.ranking(count=3), printed(method_print(explanation, "by A"))
    assert {words(item.attribute) for item in shown} | {signed(item.value) for item in shown} <= set(texts)
    together = signed(sum(item.value for item in shown)), signed(explanation.others(3)), number(explanation.bias)
    assert set(together) <= set(texts)
    caption = method_print(explanation, "by A").caption()
    assert "magenta with level lines lowers" in caption and "Photo: by A." in caption


def test_the_truth_stands_beside_what_siam_sees(explanation):
    given = dict(zip(explanation.attributes, explanation.contributions, strict=True))
    masks = {name: np.eye(30, dtype=bool) for name in TRUE}
    figure = truth_print("7", masks, TRUE, explanation)
    for width in (85, 180):
        labels = [item.text for item in figure.draw(points(width)).items if isinstance(item, Label)]
        pairs = [labels[start : start + 4] for start in range(0, len(labels), 4)]
        expected = [[words(name), signed(TRUE[name]), "SIAM", signed(float(given[name]))] for name in TRUE]
        assert pairs == expected
    pictures = [item.image for item in figure.draw(points(180)).items if isinstance(item, Picture)]
    assert np.array_equal(np.asarray(pictures[0]) > 0, masks["still_water"])
    assert "scene 7" in figure.caption() and "black is 0 and white is" in figure.caption()


def test_features_have_their_weights():
    texts = printed(features_print(FEATURES, "the baseline", lambda: [fake_picture(0, (60, 60))] * len(FEATURES)))
    assert {name for name, _weight in FEATURES} | {signed(weight) for _name, weight in FEATURES} <= set(texts)


def test_marks_beside_names_are_explained_in_the_caption():
    pair = siam.load("photo", device="cpu")
    explanation = siam.explain(pair, fake_picture(3, (300, 200)))
    caption = explanation_print(explanation).caption(networks_text(pair))
    shown = [explanation.recognition[item.attribute].belief for item in explanation.ranking(count=8)]
    assert ("≈ roughly recognised" in caption) == ("roughly" in shown)
    assert ("? hardly recognised" in caption) == ("hardly" in shown)
    assert f"trained {pair.card['trained']}" in caption


def test_networks_of_one_name_have_their_own_versions():
    first, second = (Pair("tiny", siam_network(attributes=3, seed=seed), baseline_network(), {}) for seed in (0, 1))
    assert networks_text(first) != networks_text(second)
    assert networks_text(first) == networks_text(first)
    assert "version 2.1, trained 2026-01-01" in networks_text(
        Pair("tiny", first.siam, None, {"version": "2.1", "trained": "2026-01-01"})
    )


def test_names_from_outside_break_nothing(explanation):
    bad = dataclasses.replace(
        explanation, model='<script>&"\x00\udce9', attributes=("<b>]]>", "\udce9\x01(\\", *explanation.attributes[2:])
    )
    for figure in (explanation_print(bad), waterfall_print(bad), attribute_print(bad, 1), maps_print(bad)):
        for form in FORMS:
            data = figure.file(85, form, "“<script>\udce9”")
            assert data
            if form == "svg":
                assert not [item for item in ET.fromstring(data).iter() if item.tag.lower().endswith("}script")]


@pytest.mark.parametrize("width", [0, 39, 401, float("nan"), float("inf")])
def test_other_widths_are_refused(explanation, width):
    with pytest.raises(ValueError, match="40 to 400 mm"):
        explanation_print(explanation).file(width, "pdf")
