"""Differences as files: numbers that add up, and pages that are harmless whatever a photo is called."""

import dataclasses
import json

import numpy as np
import pytest

from siam.drawing.phrases import score_text, signed, words
from siam.explanation.difference import differences
from siam.explanation.wording import difference_sentence, difference_sentences, interval_text, view_text
from siam.reports import files
from siam.reports.difference import difference_report
from siam.reports.files import contract_json, difference_data_json, difference_json
from tests.figures.test_difference import variants
from tests.reports.test_report import CARD, Page
from tests.support.fakes import fake_picture
from tests.support.recognition import recognised

NASTY = ["<script>alert(1)</script>.jpg", '"><img src=x onerror=alert(1)>.jpg', "né & Ü\udcff\x07.jpg", "plain.jpg"]


@pytest.mark.parametrize("count", [2, 4])
def test_json_adds_up(count):
    explanations = variants(count)
    names = NASTY[:count]
    data = json.loads(json.dumps(difference_json(explanations, names), allow_nan=False))
    assert data["photos"] == [contract_json(of, name) for of, name in zip(explanations, names, strict=True)]
    assert [(of["from"], of["to"]) for of in data["differences"]] == [(names[0], name) for name in names[1:]]
    for of, explanation in zip(data["differences"], explanations[1:], strict=True):
        assert of["change"] == pytest.approx(explanation.scenicness - explanations[0].scenicness)
        assert sum(of["contributions"].values()) == pytest.approx(of["change"], abs=1e-5)
        assert list(of["contributions"]) == list(of["places"]) == list(explanations[0].attributes)
        assert of["baseline"]["change"] == pytest.approx(0, abs=1e-6)
        assert of["same_view"] is False and of["shift"] is None
        assert {place["photo"] for place in of["places"].values()} <= {of["from"], of["to"]}
        assert f"scores {abs(round(of['change'], 2)):.2f}"[:-1] in of["sentence"]


def test_the_same_view_has_a_shift_and_common_places():
    first, second = variants(2)
    second = dataclasses.replace(second, image=first.image, baseline_scenicness=None)
    first = dataclasses.replace(first, baseline_scenicness=None)
    (found,) = difference_json([first, second], ["a.jpg", "b.jpg"])["differences"]
    assert found["same_view"] is True and found["shift"] == {"right": 0, "down": 0}
    assert {place["photo"] for place in found["places"].values()} == {None}
    assert found["baseline"] is None


def test_data_hold_the_explanations_too():
    explanations = variants(3)
    data = difference_data_json(explanations, NASTY[:3], CARD)
    maps = np.array([of["attribute_maps"] for of in data["explanations"]])
    assert maps == pytest.approx(np.array([of.attribute_maps for of in explanations]), rel=1e-5)
    assert list(data)[:2] == ["photos", "differences"]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_report_says_what_the_package_says(count):
    explanations, names = variants(count), [f"photo {k}.jpg" for k in range(count)]
    page = Page(difference_report(explanations, names, CARD))
    found = differences(explanations)
    for of, name in zip(found, names[1:], strict=True):
        assert difference_sentence(of, (names[0], name)) in page.text
        assert view_text(of, (names[0], name)) in page.text
        for item in of.ranking():
            assert words(item.attribute) in page.text
            assert signed(item.value) in page.text
    for of in explanations:
        assert score_text(of.scenicness, of.scale) in page.text
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 2 * count + 4 * count
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in images)
    assert sum(tag == "svg" for tag, _ in page.tags) == count - 1
    assert sum(tag == "tr" for tag, _ in page.tags) == 1 + len(explanations[0].attributes)


def test_report_is_harmless_whatever_photos_are_called():
    report = difference_report(variants(4), NASTY, CARD)
    page = Page(report)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [name for _tag, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all(image["src"].startswith("data:") for tag, image in page.tags if tag == "img")
    assert NASTY[0] in page.text
    report.encode()


@pytest.mark.parametrize("count", [2, 4])
def test_every_file_says_what_changed(count):
    explanations, names = variants(count), NASTY[:count]
    changed = '<img src=x onerror=alert(1)> & "turbines"'
    told = difference_sentences(differences(explanations, changed), names)
    page = Page(difference_report(explanations, names, CARD, changed))
    assert told[0] in page.text and changed in page.text
    assert all(image["src"].startswith("data:") for tag, image in page.tags if tag == "img")
    data = json.loads(files.difference_file(".json", explanations, names, CARD, changed))
    assert data["changed"] == changed
    assert [of["sentence"].encode(errors="replace") for of in data["differences"]] == [
        sentence.encode(errors="replace") for sentence in told
    ]
    assert "changed" not in difference_json(explanations, names)
    for ending in files.DIFFERENCE_ENDINGS:
        assert files.difference_file(ending, explanations, names, CARD, changed)


def test_each_score_shows_its_interval():
    explanations = variants(3)
    known = [
        dataclasses.replace(of, interval=(2 + k / 10, 4.0), baseline_interval=(2.0, 4.0), is_landscape=True)
        for k, of in enumerate(explanations)
    ]
    known[2] = dataclasses.replace(known[2], is_landscape=False)
    names = ["a", "b", "c"]
    text = Page(difference_report(known, names, CARD)).text
    assert all(interval_text(of) in text for of in known)
    assert "people say 2.0 to 4.0" in text and "people say 2.1 to 4.0" in text and "people say 2.2" not in text
    assert "for the difference of two scores, none is known" in text
    photos = json.loads(json.dumps(difference_json(known, names)))["photos"]
    assert [of["intervals"]["siam"] for of in photos] == [[2.0, 4.0], [2.1, 4.0], [2.2, 4.0]]
    assert [of["intervals"]["level"] for of in photos] == [0.8] * 3
    assert [of["landscape"] for of in photos] == [True, True, False]
    unknown = Page(difference_report(explanations, names, CARD)).text
    assert "people say" not in unknown and "none is known" not in unknown
    assert all("intervals" not in of for of in difference_json(explanations, names)["photos"])


def test_report_tells_which_names_are_hard_to_believe():
    explanations = variants(2)
    (found,) = differences(explanations)
    name = found.ranking()[0].attribute
    known = [dataclasses.replace(of, recognition={name: recognised("hardly")}) for of in explanations]
    text = Page(difference_report(known, ["a", "b"], {})).text
    assert f"SIAM hardly recognises {words(name)}." in text and "? hardly recognised" in text
    assert "recognises" not in Page(difference_report(explanations, ["a", "b"], {})).text


@pytest.mark.parametrize("ending", files.DIFFERENCE_ENDINGS)
def test_every_file_is_written_for_any_shape_and_number(ending):
    explanations = variants(4, 2, sizes=((300, 200), (200, 300), (800, 100), (32, 32)))
    explanations[2] = dataclasses.replace(explanations[2], image=fake_picture(3, (1300, 900)))
    content = files.difference_file(ending, explanations, NASTY, CARD)
    starts = {".png": b"\x89PNG", ".svg": b"<svg", ".json": b'{"photos"', ".html": b"<!DOCTYPE html>"}
    assert content.startswith(starts[ending])
