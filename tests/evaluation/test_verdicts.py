"""Verdicts are the text that galleries store, and nothing else."""

import pytest

from siam.evaluation.what_where_how.verdicts import KINDS, WRONG, Verdict
from siam.explanation.wording import verdict_sentence


@pytest.mark.parametrize(
    ("text", "verdict", "group"),
    [
        ("right", Verdict("right"), "right"),
        ("both right", Verdict("both right"), "right"),
        ("only SIAM right", Verdict("only SIAM right"), "right"),
        ("misread: road", Verdict("misread", "road"), "misread"),
        ("misweighted: bias", Verdict("misweighted", "bias"), "misweighted"),
        ("outside the vocabulary: litter", Verdict("outside the vocabulary", "litter"), "outside the vocabulary"),
    ],
)
def test_a_verdict_is_its_stored_text(text, verdict, group):
    assert Verdict.parse(text) == verdict and str(verdict) == text and verdict.group == group


@pytest.mark.parametrize("text", ["", "wrong: road", "misread", "misread: ", "both right: road", "Right"])
def test_other_texts_are_no_verdicts(text):
    with pytest.raises(ValueError, match="verdict"):
        Verdict.parse(text)


def test_every_kind_has_its_sentence():
    sentences = [verdict_sentence(kind, "still_water" if kind in WRONG else None) for kind in KINDS]
    assert len(set(sentences)) == len(KINDS) and all(sentence.endswith(".") for sentence in sentences)
    assert ["**still water**" in sentence for sentence in sentences] == [kind in WRONG for kind in KINDS]
    assert "baseline is not" in verdict_sentence("only SIAM right")
