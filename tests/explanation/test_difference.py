"""A difference of two scores is the sum of the changes of the contributions, and its words are true of the arrays."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import siam
from siam.datasets.base import RatingScale
from siam.explanation.difference import LONGEST, change_text, difference, differences, distinct
from siam.explanation.waterfall import difference_steps
from siam.explanation.wording import (
    difference_caveat,
    difference_sentence,
    difference_sentences,
    interval_text,
    intervals_text,
    trust,
    view_text,
)
from siam.models.checkpoint import Pair
from tests.support.fakes import fake_explanation, fake_picture, from_maps
from tests.support.networks import baseline_network, siam_network
from tests.support.recognition import recognised

seeds = st.integers(0, 10_000)


def two(seed, attributes=6, **changes):
    """Explanations of two made-up photos by the same networks."""
    before = fake_explanation(seed, attributes, **changes)
    random = np.random.default_rng([seed, 9])
    maps = before.attribute_maps * random.uniform(0, 2, before.attribute_maps.shape)
    after = from_maps(maps, before.cell_weights, before.templates, before.baseline_map, before.image)
    return before, dataclasses.replace(after, baseline_scenicness=3.0 if before.baseline_map is not None else None)


def with_changes(*values, places=None, **changes):
    """Explanations whose contributions differ by these values, each spread over its map or over the cells given."""
    before = fake_explanation(attributes=len(values))
    shape = before.total_map.shape
    cells = np.zeros((len(values), *shape))
    for index, place in enumerate(places or [(slice(None), slice(None))] * len(values)):
        cells[index][place] = 1
    maps = before.contribution_maps + cells * (np.array(values) / cells.sum(axis=(1, 2)))[:, None, None]
    contributions = before.contributions + np.array(values)
    after = dataclasses.replace(
        before,
        contribution_maps=maps,
        contributions=contributions,
        total_map=maps.sum(axis=0),
        scenicness=before.scenicness + sum(values),
        **changes,
    )
    return before, after


@settings(max_examples=12, deadline=None)
@given(seeds, st.integers(1, 33))
def test_changes_sum_to_the_difference_of_the_scores(seed, attributes):
    before, after = two(seed, attributes)
    found = difference(before, after)
    slow = [float(after.contributions[k]) - float(before.contributions[k]) for k in range(attributes)]
    assert found.values == pytest.approx(slow)
    assert sum(slow) == pytest.approx(found.change, abs=1e-5)
    assert found.change == pytest.approx(after.scenicness - before.scenicness)
    ranked = [item.value for item in found.ranking()]
    assert sorted(ranked) == pytest.approx(sorted(slow))
    assert [abs(value) for value in ranked] == sorted((abs(value) for value in slow), reverse=True)
    for count in range(attributes + 1):
        named = sum(item.value for item in found.ranking(count=count))
        assert named + found.others(count) == pytest.approx(found.change, abs=1e-5)


@settings(max_examples=12, deadline=None)
@given(seeds)
def test_a_photo_does_not_differ_from_itself(seed):
    explanation = fake_explanation(seed)
    found = difference(explanation, explanation)
    assert found.change == 0 and not found.values.any() and found.baseline_change == 0
    assert found.view.matches and found.same_frame
    assert all(found.place(k).place == "nowhere" for k in range(33))
    text = difference_sentence(found)
    assert text == (
        "The second photo scores the same as the first photo: no contribution changes by 0.01 or more; "
        "all 33 together 0.00."
    )


@settings(max_examples=12, deadline=None)
@given(seeds)
def test_the_other_way_round_every_sign_turns(seed):
    before, after = two(seed)
    there, back = difference(before, after), difference(after, before)
    assert there.change == pytest.approx(-back.change)
    assert there.values == pytest.approx(-back.values)
    assert there.baseline_change is not None and back.baseline_change is not None
    assert there.baseline_change == pytest.approx(-back.baseline_change)
    assert [item.attribute for item in there.ranking()] == [item.attribute for item in back.ranking()]
    assert [there.place(k) for k in range(6)] == [back.place(k) for k in range(6)]  # the view is the same in both


def test_real_networks_add_up_whatever_the_photos_are():
    pair = Pair("tiny", siam_network(attributes=6), baseline_network(), {})
    sizes = ((150, 220), (220, 150), (40, 300), (96, 96))
    photos = [Image.fromarray(np.random.default_rng(k).integers(0, 256, (*size, 3), dtype=np.uint8))
              for k, size in enumerate(sizes)]  # fmt: skip
    explanations = [siam.explain(pair, photo) for photo in photos]
    found = differences(explanations)
    assert [of.before for of in found] == [explanations[0]] * 3
    assert [of.after for of in found] == explanations[1:]
    for of in found:
        assert of.values.sum() == pytest.approx(of.after.scenicness - of.before.scenicness, abs=1e-4)
        assert not of.view.matches and not of.same_frame
        assert {of.place(k).photo for k in range(6)} <= {"before", "after"}


@pytest.mark.parametrize("count", [0, 1, 5])
def test_two_to_four_photos(count):
    with pytest.raises(ValueError, match=f"{count} photos cannot be compared; give two to four"):
        differences([fake_explanation()] * count)


@pytest.mark.parametrize(
    "other",
    [
        {"bias": 4.0},
        {"attributes": tuple(f"other_{k}" for k in range(33))},
        {"scale": RatingScale("scenicness", 1, 10)},
        {"templates": fake_explanation(3).templates},
        {"templates": fake_explanation().templates[:, :7, :7]},
        {"baseline_scenicness": None},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_networks_are_refused(other):
    explanation = fake_explanation()
    with pytest.raises(ValueError, match=r"different networks.*explain both with the same pair"):
        difference(explanation, dataclasses.replace(explanation, **other))


def test_the_same_networks_on_another_device_are_the_same():
    explanation = fake_explanation()
    elsewhere = dataclasses.replace(explanation, templates=explanation.templates * (1 + 1e-6), device="cuda")
    assert difference(explanation, elsewhere).change == 0


def test_without_a_baseline_there_is_no_difference_of_it():
    explanation = fake_explanation(baseline=False)
    assert difference(explanation, explanation).baseline_change is None


RIGHT, TOP = (slice(None), slice(9, None)), (slice(0, 3), slice(None))


def test_the_sentence_names_amount_attributes_and_places():
    before, after = with_changes(-0.22, -0.12, 0.05, -0.02, places=[RIGHT, TOP, RIGHT, TOP])
    found = difference(before, after)
    assert difference_sentence(found, count=3) == (
        "The second photo scores 0.31 lower than the first photo: lowered by hiking (−0.22, right) and clouds "
        "(−0.12, top); raised by dry (+0.05, right); 1 other −0.02."
    )
    back = difference_sentence(difference(after, before), ("a.jpg", "b.jpg"), count=2)
    assert back == (
        "b.jpg scores 0.31 higher than a.jpg: raised by hiking (+0.22, right) and clouds (+0.12, top); "
        "2 others together −0.03."
    )


def test_the_sentence_begins_with_what_changed():
    before, after = with_changes(-0.22, -0.12, 0.05, -0.02, places=[RIGHT, TOP, RIGHT, TOP])
    found = difference(before, after, changed=" The wind turbines. ")
    assert difference_sentence(found, count=3) == (
        "The wind turbines lowered SIAM's score by 0.31, of which hiking −0.22, right; clouds −0.12, top; dry +0.05, "
        "right; 1 other −0.02."
    )
    back = difference(after, before, changed="felling the wood")
    assert difference_sentence(back, ("a.jpg", "b.jpg"), count=1) == (
        "Felling the wood raised SIAM's score by 0.31, of which hiking +0.22, right; 3 others together +0.09."
    )
    assert difference_sentence(difference(before, after, changed=" . ")) == difference_sentence(
        difference(before, after)
    )


def test_of_several_photos_each_sentence_says_which_it_is_about():
    before, after = with_changes(-0.22, -0.12, places=[RIGHT, TOP])
    found = differences([before, after, before], "the new road")
    first, second = difference_sentences(found, ["a.jpg", "b.jpg", "c.jpg"])
    assert first == (
        "The new road in b.jpg lowered SIAM's score by 0.34, of which hiking −0.22, right; clouds −0.12, top."
    )
    assert second == (
        "The new road in c.jpg did not change SIAM's score: no contribution changes by 0.01 or more; all 2 together "
        "0.00."
    )
    (alone,) = difference_sentences(found[:1], ["a.jpg", "b.jpg"])
    assert alone.startswith("The new road lowered")
    unnamed = differences([before, after, before])
    names = ["a.jpg", "b.jpg", "c.jpg"]
    assert difference_sentences(unnamed, names) == [
        difference_sentence(of, ("a.jpg", name)) for of, name in zip(unnamed, names[1:], strict=True)
    ]


def test_what_changed_is_told_of_changes_that_cancel_out():
    before, after = with_changes(-0.2, 0.2, places=[RIGHT, TOP])
    assert difference_sentence(difference(before, after, changed="Snow")) == (
        "Snow did not change SIAM's score: hiking −0.20, right; clouds +0.20, top."
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("the wind turbines", "the wind turbines"),
        ("  The\n wind\tturbines!? ", "the wind turbines"),
        ("A fence", "a fence"),
        ("Turbines of Enercon", "Turbines of Enercon"),
        ("Theatre", "Theatre"),
        ("a 110 kV line", "a 110 kV line"),
        ("", ""),
        (" ... ", ""),
        ("x" * 500, "x" * LONGEST),
        ("äöü — 風力発電", "äöü — 風力発電"),
    ],
)
def test_what_changed_fits_into_a_sentence(text, kept):
    assert change_text(text) == kept
    assert difference(*two(0), changed=text).changed == kept


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=200))
def test_any_words_for_what_changed_give_one_sentence(text):
    before, after = with_changes(-0.22, 0.12)
    found = difference(before, after, changed=text)
    told = difference_sentence(found)
    assert "\n" not in told and told.endswith(".") and change_text(found.changed) == found.changed
    assert len(found.changed) <= LONGEST


def test_each_score_has_its_interval_and_the_difference_has_none():
    before, after = with_changes(-0.22, 0.05)
    assert interval_text(before) == intervals_text([before, after]) == ""
    known = [dataclasses.replace(of, interval=(4.2, 5.83), is_landscape=True) for of in (before, after)]
    assert interval_text(known[0]) == "For four of five photos like this one, people say 4.2 to 5.8."
    assert trust(known[0]) == interval_text(known[0])
    assert "for the difference of two scores, none is known" in intervals_text(known)
    drawing = dataclasses.replace(known[0], is_landscape=False)
    assert "not look like a landscape" in interval_text(drawing) and "people say" not in interval_text(drawing)
    assert intervals_text([drawing, drawing]) == ""


def test_changes_that_cancel_out_are_still_named():
    before, after = with_changes(-0.2, 0.2, places=[RIGHT, TOP])
    assert difference_sentence(difference(before, after)) == (
        "The second photo scores the same as the first photo: raised by clouds (+0.20, top); "
        "lowered by hiking (−0.20, right)."
    )


@settings(max_examples=12, deadline=None)
@given(seeds, st.integers(1, 12), st.integers(1, 12))
def test_the_sentence_accounts_for_the_whole_difference(seed, attributes, count):
    found = difference(*two(seed, attributes))
    text = difference_sentence(found, count=count)
    values = [float(value.replace("−", "-")) for value in re.findall(r"[+−]\d+\.\d\d", text)]
    assert sum(values) == pytest.approx(found.change, abs=0.0051 * (count + 1))
    scored = re.match(r"The second photo scores (?:(\d+\.\d\d) (lower|higher) than|the same as) the first photo", text)
    assert scored is not None
    amount = float(scored[1] or 0) * (-1 if scored[2] == "lower" else 1)
    shown = round(found.after.scenicness, 2) - round(found.before.scenicness, 2)
    assert amount == pytest.approx(shown)  # agrees with the two scores beside it


def test_doubtful_names_among_those_that_change_are_told():
    known = {"hiking": recognised("hardly"), "clouds": recognised("roughly"), "dry": recognised("well")}
    before, after = with_changes(-0.22, 0.001, 0.05, recognition=known)
    found = difference(dataclasses.replace(before, recognition=known), after)
    assert difference_caveat(found) == "SIAM hardly recognises hiking."  # clouds do not change
    assert difference_caveat(difference(before, after)) == ""


def test_where_photos_do_not_register_a_place_names_its_photo():
    before, after = with_changes(-0.9, 3.0, places=[RIGHT, TOP], image=fake_picture(77, (300, 200)))
    before = dataclasses.replace(before, contributions=np.array([0.9, 0.1]))
    after = dataclasses.replace(after, contributions=np.array([0.1, 3.1]))
    found = difference(before, after)
    assert not found.view.matches
    assert [found.place(k).photo for k in range(2)] == ["before", "after"]
    text = difference_sentence(found, ("old.jpg", "new.jpg"))
    assert re.search(r"clouds \(\+3\.00, [a-z ]+ in new\.jpg\)", text)
    assert re.search(r"hiking \(−0\.80, [a-z ]+ in old\.jpg\)", text)
    assert view_text(found, ("old.jpg", "new.jpg")) == (
        "old.jpg and new.jpg do not show the same view, so they are not laid over each other."
    )


def test_a_view_that_moved_far_has_no_common_places():
    image = fake_picture(1, (600, 400))
    pen = ImageDraw.Draw(image)
    for x, y in np.random.default_rng(0).integers(0, 600, (300, 2)):
        pen.rectangle((x, y, x + 15, y + 15), fill=(int(x) % 256, int(y) % 256, 90))
    shifted = image.transform(image.size, Image.Transform.AFFINE, (1, 0, -90, 0, 1, 0))
    explanation = dataclasses.replace(fake_explanation(), image=image, photo_size=(1200, 800))
    found = difference(explanation, dataclasses.replace(explanation, image=shifted))
    assert found.view.matches and not found.same_frame
    assert view_text(found) == (
        f"The first photo and the second photo show the same view, moved by {round(found.view.right)} pixels to the "
        f"right{f' and {abs(round(found.view.down))} pixels up' if round(found.view.down) else ''}."
    )
    assert found.view.right == pytest.approx(180, abs=6)  # of 1200, the size at which the photo was read
    assert difference(explanation, explanation).same_frame


def test_photos_of_other_shapes_say_so():
    before, after = fake_explanation(), fake_explanation(size=(200, 200))
    after = dataclasses.replace(after, photo_size=(4000, 4000))
    assert view_text(difference(before, after)) == (
        "The first photo (300 × 200 pixels) and the second photo (4000 × 4000 pixels) have different shapes, so they "
        "are not laid over each other."
    )


@settings(max_examples=12, deadline=None)
@given(seeds, st.integers(1, 12), st.integers(0, 12))
def test_the_waterfall_leads_from_one_score_to_the_other(seed, attributes, count):
    found = difference(*two(seed, attributes))
    first, *between, last = difference_steps(found, count)
    assert (first.end, last.end) == (found.before.scenicness, found.after.scenicness)
    assert len(between) == min(count, attributes) + (count < attributes)
    at = first.end
    for step in between:
        assert step.start == pytest.approx(at)
        at = step.end
    assert at == pytest.approx(last.end, abs=1e-5)


def test_long_names_are_cut_short_in_the_waterfall():
    found = difference(*two(0))
    first, *_between, last = difference_steps(found, names=("a" * 300 + ".jpg", "b.jpg"))
    assert first.label.startswith("aaa") and first.label.endswith("…") and len(first.label) < 40
    assert last.label == "b.jpg"


def test_printed_in_one_line():
    before, after = with_changes(-0.22, -0.12, 0.05, -0.02)
    assert repr(difference(before, after)) == (
        f"Difference(Fake photos: {before.scenicness:.2f} to {after.scenicness:.2f} of 7, −0.31; hiking −0.22, clouds "
        "−0.12, dry +0.05, 1 more −0.02)"
    )


def test_names_of_photos_differ():
    assert distinct(["a", "b", "a", "a", "a (2)"]) == ["a", "b", "a (2)", "a (3)", "a (2) (2)"]
