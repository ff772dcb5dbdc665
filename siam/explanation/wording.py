"""The words and numbers of an explanation, as people read them."""

from siam.drawing.phrases import listing, score_text, signed, where, words
from siam.explanation.inference import Explanation


def sentence(explanation: Explanation, count: int = 4) -> str:
    """Say in plain English what raised and what lowered the score, naming at most `count` attributes."""
    named = [item for item in explanation.ranking(count=count) if signed(item.value) != "0.00"]
    clauses = []
    for verb, sign in (("raised by", 1), ("lowered by", -1)):
        items = [
            f"{words(item.attribute)} ({signed(item.value)}, {where(explanation.contribution_maps[item.index])})"
            for item in named
            if item.value * sign > 0
        ]
        if items:
            clauses.append(f"{verb} {listing(items)}")
    rest = others_text(len(explanation.attributes) - len(named), explanation.others(len(named)))
    if clauses:
        reasons = "; ".join(clauses)
        return f"{reasons[0].upper()}{reasons[1:]}." + (f" {rest}." if rest else "")
    everything = f"All {len(explanation.attributes)} attributes together {signed(explanation.others(0))}."
    return everything if count < 1 else f"No attribute moves the score by 0.01 or more. {everything}"


def summary(explanation: Explanation, count: int = 4) -> str:
    """Return the two scores, each with its scale, and the sentence."""
    scores = f"SIAM {score_text(explanation.scenicness, explanation.scale)}"
    if explanation.baseline_scenicness is not None:
        scores += f", baseline {score_text(explanation.baseline_scenicness, explanation.scale)}"
    return f"{scores}. {sentence(explanation, count)}"


def others_text(number_of_others: int, value: float) -> str:
    """Return what the attributes that are not named add up to: "29 others together +0.03"; "" if there are none."""
    if number_of_others <= 0:
        return ""
    return f"{number_of_others} others together {signed(value)}" if number_of_others > 1 else f"1 other {signed(value)}"


def attribute_map_text(explanation: Explanation, index: int) -> str:
    """Say what one attribute's map shows: its alternative text."""
    name = words(explanation.attributes[index])
    place = where(explanation.attribute_maps[index])
    return f"map of {name}: found {place}, contributes {signed(float(explanation.contributions[index]))}"


_VERDICTS = {  # by the kinds of `siam.evaluation.what_where_how.verdicts`
    "right": "SIAM is right, within half a point of the true score.",
    "both right": "Both networks are right, within half a point of the true score.",
    "only SIAM right": "SIAM is right, within half a point of the true score; the baseline is not.",
    "misread": "SIAM misread an attribute: it sees more or less of it than there is.",
    "misplaced": "SIAM sees the right attribute in the wrong place.",
    "misweighted": "SIAM sees what is there, but counts it wrongly.",
    "outside the vocabulary": "The cause has no name among the attributes, so SIAM is blind to it.",
}


def verdict_sentence(kind: str, cause: str | None = None) -> str:
    """Say what happened on a rendered scene, as Markdown: the kind of its verdict, and the cause where there is one."""
    return _VERDICTS[kind] + (f" Here: **{words(cause)}**." if cause else "")
