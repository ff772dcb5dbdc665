"""What is said of names that are hard to believe, and that nothing is said of the others."""

from dataclasses import replace

import pytest

from siam.explanation.recognition import caveat, legend, marked, recognition_text
from siam.explanation.wording import attribute_map_text, sentence, summary
from tests.support.fakes import fake_explanation
from tests.support.recognition import recognised


@pytest.fixture
def explanation():
    return fake_explanation(attributes=6)


def believed(explanation, *beliefs):
    """Return the explanation, with beliefs for the attributes that contribute most."""
    names = [item.attribute for item in explanation.ranking()]
    return replace(explanation, recognition={n: recognised(b) for n, b in zip(names, beliefs, strict=False)})


def test_names_in_the_sentence_that_are_doubtful_are_told(explanation):
    first, second, third, fourth, fifth, _ = (item.attribute.replace("_", " ") for item in explanation.ranking())
    text = caveat(believed(explanation, "hardly", "roughly", "well", "roughly", "hardly"))
    for name, told in ((first, True), (second, True), (third, False), (fourth, True), (fifth, False)):
        assert (name in text) == told
    roughly, hardly = text.split("hardly")
    assert second in roughly and fourth in roughly and first in hardly
    assert text in summary(believed(explanation, "hardly", "roughly", "well", "roughly", "hardly"))


@pytest.mark.parametrize("beliefs", [(), ("well",) * 6, ("well",) * 4 + ("hardly", "roughly")])
def test_nothing_is_said_without_doubt(explanation, beliefs):
    sure = believed(explanation, *beliefs)
    assert caveat(sure) == "" and summary(sure) == summary(explanation)
    assert summary(sure).endswith(sentence(explanation))


def test_a_contribution_of_nothing_needs_no_doubt(explanation):
    quiet = replace(explanation, contributions=explanation.contributions * 0)
    assert caveat(believed(quiet, *["hardly"] * 6)) == ""


def test_marks_differ_and_the_legend_explains_those_in_view():
    known = {name: recognised(name) for name in ("well", "roughly", "hardly")}
    assert marked(known, "well") == "well" and marked({}, "still_water") == "still water"
    signs = {name: marked(known, name).removeprefix(name).strip() for name in ("roughly", "hardly")}
    assert len(set(signs.values())) == 2 and all(signs.values())
    assert legend(known, ["well", "unknown"]) == legend({}, ["well"]) == ""
    assert signs["hardly"] in legend(known, ["well", "hardly"])
    assert signs["roughly"] not in legend(known, ["well", "hardly"])


def test_the_figures_behind_a_belief_are_given():
    text = recognition_text(recognised("roughly"))
    assert "0.40" in text and "200 test photos" in text and "0.05" in text
    rare = recognised("hardly", positives=1, test_positives=2, average_precision=None, interval=None)
    text = recognition_text(rare)
    assert "2 of 200" in text and "1 photo" in text and "1 photos" not in text and "precision" not in text


def test_the_text_of_a_map_says_it_too(explanation):
    index = explanation.ranking()[0].index
    plain = attribute_map_text(explanation, index)
    assert attribute_map_text(believed(explanation, "well"), index) == plain
    assert attribute_map_text(believed(explanation, "hardly"), index) != plain
