"""An explanation in words."""

from siam.drawing.phrases import at, listing, score_text, signed, where, words
from siam.explanation.inference import Explanation
from siam.explanation.recognition import BELIEF_WORDS, caveat


def sentence(explanation: Explanation, count: int = 4) -> str:
    """Say what raised and what lowered the score, naming at most `count` attributes and summing up the others."""
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
    if clauses:
        rest = others_text(len(explanation.attributes) - len(named), explanation.others(len(named)))
        text = "; ".join([*clauses, rest] if rest else clauses)
        return f"{text[0].upper()}{text[1:]}."
    total = signed(explanation.others(0))
    if count < 1:
        return f"All {len(explanation.attributes)} attributes together {total}."
    everything = f"; all {len(explanation.attributes)} together {total}" if len(explanation.attributes) > 1 else ""
    return f"No attribute moves the score by 0.01 or more{everything}."


def summary(explanation: Explanation, count: int = 4) -> str:
    """Return the two scores, each with its scale, the sentence, and which of the attributes in it are doubtful."""
    scores = f"SIAM {score_text(explanation.scenicness, explanation.scale)}"
    if explanation.baseline_scenicness is not None:
        scores += f", baseline {score_text(explanation.baseline_scenicness, explanation.scale)}"
    return f"{scores}. {sentence(explanation, count)} {caveat(explanation, count)}".strip()


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
