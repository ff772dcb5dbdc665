"""An explanation in words."""

from collections.abc import Sequence

import numpy as np

from siam.drawing.phrases import at, difference_text, listing, score_text, signed, where, words
from siam.explanation.difference import Difference
from siam.explanation.inference import Contribution, Explanation
from siam.explanation.recognition import BELIEF_WORDS, caveat, doubts
from siam.models.agreement import agreed


def sentence(explanation: Explanation, count: int = 4) -> str:
    """Say what raised and what lowered the score, naming at most `count` attributes and summing up the others."""
    named = [
        (item.attribute, item.value, where(explanation.contribution_maps[item.index]))
        for item in explanation.ranking(count=count)
        if signed(item.value) != "0.00"
    ]
    clauses = _clauses(named, ("raised by", "lowered by"))
    if clauses:
        rest = others_text(len(explanation.attributes) - len(named), explanation.others(len(named)))
        text = "; ".join([*clauses, rest] if rest else clauses)
        return f"{text[0].upper()}{text[1:]}."
    total = signed(explanation.others(0))
    if count < 1:
        return f"All {len(explanation.attributes)} attributes together {total}."
    everything = f"; all {len(explanation.attributes)} together {total}" if len(explanation.attributes) > 1 else ""
    return f"No attribute moves the score by 0.01 or more{everything}."


def _clauses(named: Sequence[tuple[str, float, str]], verbs: tuple[str, ...]) -> list[str]:
    """Return one clause for each verb that applies: "raised by hiking (+0.41, lower left) and clouds (+0.22, top)"."""
    clauses = []
    for verb in verbs:
        sign = 1 if verb == "raised by" else -1
        items = [f"{words(name)} ({signed(value)}, {place})" for name, value, place in named if value * sign > 0]
        if items:
            clauses.append(f"{verb} {listing(items)}")
    return clauses


def difference_sentence(difference: Difference, names: tuple[str, str] | None = None, count: int = 4) -> str:
    """Say what makes the second photo's score another, naming at most `count` attributes and summing up the others.

    "The second photo scores 0.31 lower than the first photo: lowered by metal (−0.22, right) and wire (−0.12, right);
    31 others together +0.03." If it is known what changed: "The wind turbines lowered SIAM's score by 0.31, of which
    metal −0.22, right; wire −0.12, right; 31 others together +0.03." Where the photos do not show the same view, each
    place says in which photo it is.

    Args:
        difference: of two explanations.
        names: of the first and the second photo, such as their files' names.
        count: how many attributes are named.
    """
    return _difference_sentence(difference, names, count)


def difference_sentences(differences: Sequence[Difference], names: Sequence[str], count: int = 4) -> list[str]:
    """Return the `difference_sentence` of each photo; of several, each says which photo it is about.

    Args:
        differences: of the other photos from the first one.
        names: of all photos, the first one's first.
        count: how many attributes are named.
    """
    several = len(differences) > 1
    return [
        _difference_sentence(of, (names[0], name), count, several)
        for of, name in zip(differences, names[1:], strict=True)
    ]


def _difference_sentence(
    difference: Difference, names: tuple[str, str] | None, count: int, several: bool = False
) -> str:
    first, second = names or ("the first photo", "the second photo")
    photos = {"before": f" in {first}", "after": f" in {second}", None: ""}
    named = []
    for item in difference.ranking(count=count):
        place = difference.place(item.index)
        if signed(item.value) != "0.00":
            named.append((item.attribute, item.value, f"{place.place}{photos[place.photo]}"))
    change = difference_text(difference.after.scenicness, difference.before.scenicness)
    same, lower = change == "0.00", change.startswith("−")
    if what := difference.changed:
        subject = f"{what[0].upper()}{what[1:]}{f' in {second}' if several else ''}"
        verb = "lowered" if lower else "raised"
        head = f"{subject} did not change SIAM's score" if same else f"{subject} {verb} SIAM's score by {change[1:]}"
    else:
        head = f"{second if names else 'The second photo'} scores " + (
            f"the same as {first}" if same else f"{change[1:]} {'lower' if lower else 'higher'} than {first}"
        )
    rest = others_text(len(difference.values) - len(named), difference.others(len(named)))
    if not named and count > 0:
        everything = f"; all {len(difference.values)} together {signed(difference.others(0))}"
        return f"{head}: no contribution changes by 0.01 or more{everything if len(difference.values) > 1 else ''}."
    if difference.changed:
        parts = [f"{words(name)} {signed(value)}, {place}" for name, value, place in named]
        return f"{head}{': ' if same else ', of which '}{'; '.join(filter(None, (*parts, rest)))}."
    clauses = _clauses(named, ("lowered by", "raised by") if lower else ("raised by", "lowered by"))
    return f"{head}: {'; '.join([*clauses, rest] if rest else clauses)}."


def difference_caveat(difference: Difference, count: int = 4) -> str:
    """Say which of the `count` attributes that change most are doubtful; "" if none is, or nothing is known."""
    shown = difference.ranking(count=count)
    return doubts(difference.before.recognition, (item.attribute for item in shown if signed(item.value) != "0.00"))


def view_text(difference: Difference, names: tuple[str, str] | None = None) -> str:
    """Say whether both photos show the same view, and how far it has moved."""
    first, second = names or ("The first photo", "the second photo")
    view = difference.view
    if not view.same_shape:
        sizes = [" × ".join(map(str, of.photo_size or of.image.size)) for of in (difference.before, difference.after)]
        return (
            f"{first} ({sizes[0]} pixels) and {second} ({sizes[1]} pixels) have different shapes, so they are not laid "
            "over each other."
        )
    if not view.matches:
        return f"{first} and {second} do not show the same view, so they are not laid over each other."
    ways = ((round(view.right), "to the right", "to the left"), (round(view.down), "down", "up"))
    moves = [f"{abs(by)} pixels {on if by > 0 else back}" for by, on, back in ways if by]
    return f"{first} and {second} show the same view{f', moved by {listing(moves)}' if moves else ''}."


def scores(explanation: Explanation) -> str:
    """Return the score, or both scores of a pair with a baseline, each with its scale."""
    text = f"SIAM {score_text(explanation.scenicness, explanation.scale)}"
    if explanation.baseline_scenicness is not None:
        text += f", baseline {score_text(explanation.baseline_scenicness, explanation.scale)}"
    return text


def summary(explanation: Explanation, count: int = 4) -> str:
    """Return the two scores, each with its scale, the sentence, which of its attributes are doubtful, and `trust`."""
    parts = f"{scores(explanation)}.", sentence(explanation, count), caveat(explanation, count)
    return " ".join(filter(None, (*parts, trust(explanation, count))))


def trust(explanation: Explanation, count: int = 4) -> str:
    """Say how far to trust the score and the signs of the `count` attributes that count most; "" if nothing is known.

    "For four of five photos like this one, people say 4.2 to 5.8."
    """
    texts = [interval_text(explanation)]
    shown = explanation.ranking(count=count)
    if names := [
        words(item.attribute) for item in shown if signed(item.value) != "0.00" and _unsure(explanation, item)
    ]:
        texts.append(f"Networks trained on other ratings do not agree on the sign of {listing(names)}.")
    return " ".join(filter(None, texts))


def interval_text(explanation: Explanation) -> str:
    """Say between which scores people's mean lies, or that this is not a landscape; "" if nothing is known."""
    if explanation.is_landscape is False:
        return (
            "This does not look like a landscape to the networks: they learned from other kinds of pictures, so the "
            "score says little."
        )
    if explanation.interval is None:
        return ""
    low, high = explanation.interval
    return f"For four of five photos like this one, people say {low:.1f} to {high:.1f}."


def intervals_text(explanations: Sequence[Explanation]) -> str:
    """Say that the intervals of photos say nothing of the difference of their scores; "" if none is shown."""
    if all(of.interval is None or of.is_landscape is False for of in explanations):
        return ""
    return "Each interval is about one score; for the difference of two scores, none is known."


def _unsure(explanation: Explanation, item: Contribution) -> bool:
    shares = explanation.sign_agreement
    return shares is not None and not agreed(shares[item.index])


def sign_text(explanation: Explanation, index: int) -> str:
    """Say how many networks trained on other ratings agree on the sign of a contribution; "" if unknown."""
    shares = explanation.sign_agreement
    if shares is None or not np.isfinite(shares[index]):
        return ""
    many = "All" if shares[index] == 1 else "None" if shares[index] == 0 else f"{100 * shares[index]:.0f} %"
    return f"{many} of the networks trained on other parts of the ratings agree on the sign"


def others_text(number_of_others: int, value: float) -> str:
    """Return the sum of the attributes that are not named: "29 others together +0.03"; "" if there are none."""
    if number_of_others <= 0:
        return ""
    return f"{number_of_others} others together {signed(value)}" if number_of_others > 1 else f"1 other {signed(value)}"


def attribute_map_text(explanation: Explanation, index: int) -> str:
    """Return the alternative text of one attribute's map: where SIAM sees it, and its contribution in points.

    It also says so if the attribute is not recognised well.
    """
    name = words(explanation.attributes[index])
    place = at(where(explanation.attribute_maps[index]))
    text = f"map of {name}: seen {place}, contributes {signed(float(explanation.contributions[index]))}"
    known = explanation.recognition.get(explanation.attributes[index])
    return text if known is None or known.belief == "well" else f"{text}; {BELIEF_WORDS[known.belief]}"


_VERDICTS = {  # by the kinds of `siam.evaluation.what_where_how.verdicts`
    "right": "SIAM is right: within half a point of the true score.",
    "both right": "Both networks are right: within half a point of the true score.",
    "only SIAM right": "SIAM is right, within half a point of the true score; the baseline is not.",
    "misread": "SIAM misread an attribute: it sees too much or too little of it.",
    "misplaced": "SIAM sees the right attribute in the wrong place.",
    "misweighted": "SIAM sees what is there but gives it the wrong weight.",
    "outside the vocabulary": "What moves the score is outside the vocabulary, so SIAM cannot see it.",
}


def verdict_sentence(kind: str, cause: str | None = None) -> str:
    """Return the verdict on a rendered scene as Markdown: its kind, and the cause if there is one."""
    return _VERDICTS[kind] + (f" Cause: **{words(cause)}**." if cause else "")
