"""What leaves the program: valid, complete, and harmless whatever a photo is called."""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from siam.drawing.colours import NEGATIVE, POSITIVE
from siam.drawing.phrases import number, signed, words
from siam.explanation.context import context_sentence, in_context, member_line, seen_text
from siam.explanation.wording import sentence
from siam.models.csib import CSIB
from siam.reports import files
from siam.reports.files import contract_json, data_json, html_report
from tests.support.fakes import fake_explanation
from tests.support.recognition import recognised

CARD = {
    "name": "Photos",
    "training_data": "12,000 <rated> photos",
    "metrics": {"rmse": 0.98123, "tau": -0.5, "by_set": {"test": 1}},
    "limits": ["one country only", "no winters"],
}
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """What a browser would see: tags with attributes, texts, and whether every tag is closed in order."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        """Note a tag; all but void ones have to be closed."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Note a tag that closes itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        """Close the tag opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note text."""
        self.texts.append(data)

    @property
    def text(self):
        """All text, as one line."""
        return " ".join(" ".join(self.texts).split())


def strictly(data):
    return json.loads(json.dumps(data, allow_nan=False), parse_constant=pytest.fail)


def test_the_contract_has_exactly_its_keys():
    explanation = fake_explanation()
    data = strictly(contract_json(explanation, "a.jpg"))
    assert list(data) == ["image", "model", "scale", "siam", "baseline"]
    assert data["image"] == "a.jpg"
    assert data["model"] == "Fake photos"
    assert data["scale"] == {"name": "scenicness", "low": 1, "high": 7}
    assert list(data["siam"]) == ["score", "bias", "contributions"]
    assert list(data["siam"]["contributions"]) == list(explanation.attributes)
    assert data["baseline"] == {"score": explanation.baseline_scenicness}
    total = data["siam"]["bias"] + sum(data["siam"]["contributions"].values())
    assert total == pytest.approx(data["siam"]["score"], abs=1e-5)


def test_the_contract_without_baseline_says_null():
    assert contract_json(fake_explanation(baseline=False), "a.jpg")["baseline"] is None


def test_data_holds_the_contract_and_every_array():
    explanation = fake_explanation()
    data = strictly(data_json(explanation, "a.jpg", CARD))
    contract = contract_json(explanation, "a.jpg")
    assert {key: data[key] for key in contract} == contract
    for name in ("attribute_maps", "contribution_maps", "total_map", "baseline_map", "templates"):
        assert np.array(data[name]) == pytest.approx(getattr(explanation, name), rel=1e-5, abs=1e-12)
        assert data["about"][name]
    assert list(data["attribute_scores"].values()) == pytest.approx(explanation.attribute_scores, rel=1e-5)
    assert data["attributes"] == list(explanation.attributes)
    assert data["device"] == "cpu"
    assert data["seconds"] == {"prepare": 0.01, "siam": 0.08, "baseline": 0.05}
    assert data["card"] == CARD
    assert sum(map(sum, data["total_map"])) == pytest.approx(explanation.scenicness - explanation.bias, abs=1e-4)


def test_numbers_that_json_does_not_know_become_null():
    explanation = fake_explanation(attributes=2, baseline=False)
    maps = explanation.attribute_maps.copy()
    maps[0, 0, 0], maps[0, 0, 1] = np.nan, np.inf
    broken = dataclasses.replace(explanation, attribute_maps=maps, scenicness=float("nan"))
    data = strictly(data_json(broken, "a.jpg", {"loss": float("inf"), "size": (1, np.float32(2)), 3: None}))
    assert data["attribute_maps"][0][0][:2] == [None, None]
    assert data["siam"]["score"] is None
    assert data["card"] == {"loss": None, "size": [1, "2.0"], "3": None}
    assert data["baseline_map"] is None


@pytest.mark.parametrize("baseline", [True, False])
def test_the_page_is_whole_and_says_everything(baseline):
    explanation = fake_explanation(baseline=baseline)
    page = Page(html_report(explanation, "hill.jpg", CARD))
    assert "hill.jpg" in page.text
    assert sentence(explanation) in page.text
    for item in explanation.ranking():
        assert words(item.attribute) in page.text
        assert signed(item.value) in page.text
    assert f"{explanation.scenicness:.2f} of 7" in page.text
    assert ("Difference" in page.text) == ("The baseline is" in page.text) == baseline
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == (3 if baseline else 2) + 8
    assert all(attributes["alt"] for attributes in images)
    assert len([tag for tag, _ in page.tags if tag == "tr"]) == 1 + 33
    assert "arXiv:1909.08442" in page.text


@pytest.mark.parametrize(("causes", "spatial"), [(None, False), (1, False), (2, True)])
def test_the_page_tells_the_score_with_context(causes, spatial):
    explanation = fake_explanation(attributes=6)
    shares = np.zeros((3, 12))
    shares[0, [0, 1]], shares[1, 3], shares[2, [4, 8]] = 0.5, 1, 0.5  # attributes 6 to 11 are absences
    weights = np.array([3.0, -5.0, 1.0])
    weights = weights[:, None, None] * np.ones((1, 2, 2)) if spatial else weights
    csib = CSIB(explanation.attributes, shares, weights, 4.0)
    together, plainly = in_context(csib, explanation), Page(html_report(explanation, "hill.jpg", CARD))
    page = Page(html_report(explanation, "hill.jpg", CARD, csib, causes))
    assert context_sentence(together, causes) in page.text and sentence(explanation)[1:] in page.text
    assert "With context" not in plainly.text
    for budget in (1, 2, None):
        assert f"{number(together.score_with(budget))}" in page.text
    for cause in together.causes:
        assert f"{signed(cause.value)}" in page.text and f"{signed(cause.most)}" in page.text
        for member in cause.members:
            line = seen_text if len(cause.members) == 1 else member_line
            assert line(member, explanation) in page.text
    images = [len([tag for tag, _ in of.tags if tag == "img"]) for of in (page, plainly)]
    assert images[0] - images[1] == (causes or 3)
    assert len([tag for tag, _ in page.tags if tag == "tr"]) == 1 + 6 + (1 + 3) + (1 + 3)


def test_the_page_shows_the_card_and_does_without_one():
    text = Page(html_report(fake_explanation(), "a.jpg", CARD)).text
    for fact in ("12,000 <rated> photos", "0.9812", "−0.5", "by set", "one country only", "no winters"):
        assert fact in text
    bare = Page(html_report(fake_explanation(), "a.jpg", {})).text
    assert "Trained on" not in bare
    assert "Computed on cpu in 0.14 s" in bare


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>.jpg", '"><img src=x onerror=alert(1)>', "a'b&amp;.jpg", "\x00</title><style>*{}"],
)
def test_names_from_outside_stay_text(name):
    explanation = dataclasses.replace(fake_explanation(attributes=2), attributes=(name, "trees"), model=name)
    card = dict.fromkeys(("name", "training_data", "limits"), name) | {"metrics": {name: name}}
    source = html_report(explanation, name, card)
    page, harmless = Page(source), Page(html_report(fake_explanation(attributes=2), "a", CARD | {"metrics": {"a": 1}}))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags}
    assert "<script" not in source
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert name.replace("\x00", "\ufffd") in "".join(page.texts)


def test_the_page_asks_the_net_for_nothing():
    source = html_report(fake_explanation(), "a.jpg", CARD)
    page = Page(source)
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form", "a"}
        for key in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(key, "data:").startswith("data:")
    assert not re.search(r"url\(|@import", source)
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_frames_and_chart_of_the_page():
    explanation = fake_explanation()
    source = html_report(explanation, "a.jpg", CARD)
    styles = [a["style"] for tag, a in Page(source).tags if tag == "figure" and "style" in a]
    shown = explanation.ranking(count=8)
    assert len(styles) == 8
    for item, style in zip(shown, styles, strict=True):
        assert ("#008000" if item.value > 0 else "#FF0080") in style or abs(item.value) < 0.005
    widths = [int(re.findall(r"--frame:(\d+)px", style)[0]) for style in styles]
    assert widths == sorted(widths, reverse=True)
    chart = ET.fromstring(re.findall(r"<svg.*?</svg>", source, re.DOTALL)[0])
    texts = [item.text for item in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "bias"
    assert "25 others" in texts
    assert "SIAM score" in texts


def test_dark_light_and_print_are_styled():
    source = html_report(fake_explanation(), "a.jpg", {})
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source
    assert {*re.findall(r"var\((--\w+)\)", source)} <= {*re.findall(r"(--\w+):", source)}
    assert f"--positive: {POSITIVE};" in source and f"--negative: {NEGATIVE};" in source


def test_write_makes_three_files(tmp_path):
    explanation = fake_explanation()
    paths = files.write(explanation, "hill.jpg", CARD, tmp_path, "hill")
    assert [path.name for path in paths] == ["hill.png", "hill.json", "hill.html"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    with Image.open(paths[0]) as image:
        image.load()
    assert json.loads(paths[1].read_text("utf-8")) == strictly(data_json(explanation, "hill.jpg", CARD))
    assert paths[2].read_text("utf-8") == html_report(explanation, "hill.jpg", CARD)


def test_file_names_that_are_not_unicode_can_be_written(tmp_path):
    """The system hands undecodable bytes of a file's name over as lone surrogates."""
    paths = files.write(fake_explanation(attributes=2), "bad\udcff.jpg", {}, tmp_path, "bad")
    assert json.loads(paths[1].read_bytes())["image"]
    assert "bad\ufffd.jpg" in paths[2].read_text("utf-8")


def doubtful(*beliefs, **changes):
    """Return an explanation with beliefs for the attributes that contribute most."""
    explanation = fake_explanation()
    names = [item.attribute for item in explanation.ranking()]
    known = {name: recognised(belief) for name, belief in zip(names, beliefs, strict=False)}
    return dataclasses.replace(explanation, recognition=known, **changes)


def test_the_data_say_how_far_names_and_templates_can_be_believed():
    shares = np.random.default_rng(0).integers(0, 6, fake_explanation().templates.shape) / 5
    explanation = doubtful("hardly", "well", template_agreement=shares)
    data = strictly(data_json(explanation, "a.jpg", CARD))
    assert np.array(data["template_agreement"]) == pytest.approx(shares)
    first, second = (item.attribute for item in explanation.ranking(count=2))
    assert data["siam"]["recognised"] == {first: "hardly", second: "well"}
    assert data_json(fake_explanation(), "a.jpg", CARD)["template_agreement"] is None


def test_the_page_says_which_names_are_hard_to_believe():
    page, bare = (Page(html_report(of, "a.jpg", CARD)) for of in (doubtful("hardly", "well", "roughly"), doubtful()))
    titles = [attributes["title"] for tag, attributes in page.tags if "title" in attributes and tag == "span"]
    assert len(titles) == 6  # three tiles, three rows
    assert [title for title in titles if "0.16 on 200 test photos" in title]
    for text in ("hardly recognised", "roughly recognised"):
        assert text in page.text and text not in bare.text
    assert "recognised" not in Page(html_report(doubtful(*["well"] * 33), "a.jpg", CARD)).text
