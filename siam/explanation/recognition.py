"""How far the name of an attribute can be believed, in words and as a mark beside the name.

An attribute that is recognised well has no mark, so that what is doubtful stands out.
"""

from collections.abc import Iterable, Mapping

from siam.drawing.phrases import listing, number, words
from siam.explanation.inference import Explanation
from siam.models.recognition import TEST_PHOTOS, TRAINING_PHOTOS, Belief, Recognition

MARKS: dict[Belief, str] = {"well": "", "roughly": "≈", "hardly": "?"}
BELIEF_WORDS: dict[Belief, str] = {
    "well": "recognised well",
    "roughly": "roughly recognised",
    "hardly": "hardly recognised",
}


def mark(recognition: Mapping[str, Recognition], name: str) -> str:
    """Return the mark of an attribute: "≈" or "?", and "" if it is recognised well or nothing is known."""
    return MARKS[recognition[name].belief] if name in recognition else ""


def marked(recognition: Mapping[str, Recognition], name: str) -> str:
    """Return an attribute's name as words with its mark: "brick ?"; the space between them does not break."""
    sign = mark(recognition, name)
    return f"{words(name)}\u00a0{sign}" if sign else words(name)


def recognition_text(recognition: Recognition) -> str:
    """Say how well an attribute is recognised, and why that is known or not.

    "recognised well: average precision 0.82 on 205 test photos (chance 0.05)"
    """
    text = BELIEF_WORDS[recognition.belief]
    few = f"only {recognition.test_positives}" if recognition.test_positives else "none"
    reasons = []
    if recognition.average_precision is None:
        reasons.append(f"{few} of {recognition.test_photos} test photos show it, too few to measure")
    else:
        reasons.append(
            f"average precision {number(recognition.average_precision)} on {recognition.test_photos} test photos "
            f"(chance {number(recognition.chance)})"
        )
        if recognition.test_positives < TEST_PHOTOS:
            reasons.append(f"{few} of them show it")
    if recognition.positives < TRAINING_PHOTOS:
        reasons.append(f"learned from {recognition.positives} photo{'s' * (recognition.positives != 1)}")
    return f"{text}: {', '.join(reasons)}"


def legend(recognition: Mapping[str, Recognition], names: Iterable[str]) -> str:
    """Return the legend of the marks that some attributes have, "≈ roughly recognised, ? hardly recognised", or ""."""
    shown = {recognition[name].belief for name in names if name in recognition}
    return ", ".join(f"{sign} {BELIEF_WORDS[belief]}" for belief, sign in MARKS.items() if sign and belief in shown)


def caveat(explanation: Explanation, count: int = 4) -> str:
    """Say which of the `count` attributes that contribute most are doubtful; "" if none is, or nothing is known.

    "SIAM recognises wood only roughly and hardly recognises brick."
    """
    shown = explanation.ranking(count=count)
    return doubts(explanation.recognition, (item.attribute for item in shown if number(item.value) != "0.00"))


def doubts(recognition: Mapping[str, Recognition], names: Iterable[str]) -> str:
    """Say which of these attributes are doubtful; "" if none is, or nothing is known of them."""
    beliefs: dict[Belief, list[str]] = {"roughly": [], "hardly": []}
    for name in names:
        if name in recognition and recognition[name].belief != "well":
            beliefs[recognition[name].belief].append(words(name))
    clauses = []
    if beliefs["roughly"]:
        clauses.append(f"recognises {listing(beliefs['roughly'])} only roughly")
    if beliefs["hardly"]:
        clauses.append(f"hardly recognises {listing(beliefs['hardly'])}")
    return f"SIAM {' and '.join(clauses)}." if clauses else ""
