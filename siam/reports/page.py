"""The report: one explanation as a self-contained web page to keep, send or print."""

from collections.abc import Sequence

from siam.drawing.colours import sign_colour
from siam.drawing.maps import display_photo, fitted, frame_factor
from siam.drawing.palettes import palette
from siam.drawing.phrases import difference_text, number, score_text, signed, signed_map_text, tick_text, where, words
from siam.drawing.shapes import render_svg, safe
from siam.explanation.context import ContextExplanation, context_sentence, in_context
from siam.explanation.inference import Contribution, Explanation
from siam.explanation.recognition import BELIEF_WORDS, caveat, legend, marked, recognition_text
from siam.explanation.waterfall import waterfall_drawing
from siam.explanation.wording import attribute_map_text, sentence, trust
from siam.figures.maps import attribute_map, map_limit, total_maps
from siam.models.csib import CSIB
from siam.reports.context import context_parts
from siam.reports.markup import document, framed, network, picture, scale_bar, score_entry

COUNT = 8  # attributes shown with their maps
PHOTO_SIDE = 900  # px

_HOW_TO_READ = (
    "SIAM first draws a map of where it sees each named attribute. The score is then a plain sum: the bias, which is "
    "the score of a photo without any attribute, and what each attribute adds or takes away.",
    "{legend}, white does neither. The wider the frame of a map, the larger the attribute's contribution; the map "
    "itself is bright where SIAM sees the attribute.",
    "All of this describes how the networks scored this photo, not what makes a landscape beautiful.",
)
_ABOUT_BASELINE = (
    "The baseline is an ordinary network trained on the ratings alone. Its map shows where its evidence lies, not what "
    "it sees."
)


def html_report(
    explanation: Explanation, image_name: str, card: dict, csib: CSIB | None = None, causes: int | None = None
) -> str:
    """Return the report of one explanation as HTML.

    Args:
        explanation: the explanation.
        image_name: name of the photo; it may come from anyone, so it is escaped.
        card: the pair's model card, of which `name`, `training_data`, `metrics` and `limits` are shown.
        csib: groups with which the report also tells the score with context; None: it does not.
        causes: with how many causes it explains that score, 1 to 8; None: with all.

    Raises:
        ValueError: the groups know other attributes, or `causes` is not 1 to 8.
    """
    together = None if csib is None else in_context(csib, explanation)
    parts = [
        _header(explanation, image_name, together, causes),
        *([] if csib is None or together is None else context_parts(csib, explanation, together, causes)),
        _total_maps(explanation),
        _attribute_maps(explanation),
        _waterfall(explanation),
        _table(explanation),
        network(explanation, card),
    ]
    return document(image_name, parts)


def _header(explanation: Explanation, image_name: str, together: ContextExplanation | None, causes: int | None) -> str:
    scale = explanation.scale
    of, scores, told = f" of {scale.high:g}", [], sentence(explanation)
    texts = [told]
    if together is not None:
        scores.append(score_entry("With context", together.score, of))
        texts = [context_sentence(together, causes), f"Adding up: {told[0].lower()}{told[1:]}"]
    scores.append(score_entry("SIAM", explanation.scenicness, of))
    if explanation.baseline_scenicness is not None:
        scores.append(score_entry("Baseline", explanation.baseline_scenicness, of))
    if explanation.baseline_scenicness is not None and together is None:
        difference = difference_text(explanation.scenicness, explanation.baseline_scenicness)
        scores.append(f"<div><dt>Difference</dt><dd>{difference}<small> points</small></dd></div>")
    rating = f"{safe(words(scale.name))}, on a scale from {scale.low:g} to {scale.high:g}"
    texts += [text for text in (caveat(explanation), trust(explanation)) if text]
    below = "".join(f"<p>{safe(text)}</p>" for text in texts[1:])
    return (
        f'<header><p class="quiet">{safe(explanation.model)} · {rating}</p><h1>{safe(image_name)}</h1>'
        f'<dl class="scores">{"".join(scores)}</dl><p class="lead">{safe(texts[0])}</p>{below}</header>'
    )


def _total_maps(explanation: Explanation) -> str:
    maps, photo = total_maps(explanation, side=PHOTO_SIDE), display_photo(explanation.image, PHOTO_SIDE)
    scale = explanation.scale
    figures = [
        ("Photo", "", photo, "the photo"),
        ("SIAM", score_text(explanation.scenicness, scale), maps.siam, signed_map_text(explanation.total_map)),
    ]
    if maps.baseline is not None and explanation.baseline_map is not None:
        score = score_text(explanation.baseline_scenicness or 0.0, scale)
        figures.append(("Baseline", score, maps.baseline, signed_map_text(explanation.baseline_map)))
    shown = "".join(
        f"<figure><figcaption><span>{name}</span><span>{score}</span></figcaption>{picture(image, text)}</figure>"
        for name, score, image, text in figures
    )
    return (
        f'<section><h2>Where the scores come from</h2><div class="maps n{len(figures)}">{shown}</div>'
        f"{scale_bar(maps.limit)}</section>"
    )


def _attribute_maps(explanation: Explanation) -> str:
    shown = explanation.ranking(count=COUNT)
    limit, factor = map_limit(explanation, shown), frame_factor(item.value for item in shown)
    figures = "".join(_attribute_figure(explanation, item, limit, factor) for item in shown)
    title = "The attribute" if len(shown) == 1 else f"The {len(shown)} attributes"
    return (
        f"<section><h2>{title} that count{'s' * (len(shown) == 1)} most here</h2>"
        f'<div class="tiles">{figures}</div><p class="quiet">In every map, black is 0 and white is '
        f"{tick_text(limit)}. {palette().frames}; "
        f"the width is proportional to the contribution.{_legend(explanation, shown)}</p></section>"
    )


def _legend(explanation: Explanation, shown: Sequence[Contribution]) -> str:
    """Return the legend of the marks beside the names shown."""
    signs = legend(explanation.recognition, (item.attribute for item in shown))
    return f" Beside a name: {signs}, by average precision on test photos." if signs else ""


def _name(explanation: Explanation, name: str) -> str:
    """Return an attribute's name with its mark and, when pointed at, how well it is recognised."""
    text = safe(marked(explanation.recognition, name))
    if name not in explanation.recognition:
        return text
    return f'<span title="{safe(recognition_text(explanation.recognition[name]))}">{text}</span>'


def _attribute_figure(explanation: Explanation, item: Contribution, limit: float, factor: float) -> str:
    _, size = fitted(explanation.image.size, 300)
    image = attribute_map(explanation, item.index, limit, size)
    name = f"{_name(explanation, item.attribute)}<small>{where(explanation.contribution_maps[item.index])}</small>"
    text = attribute_map_text(explanation, item.index)
    return framed(image, text, item.value, factor, name, signed(item.value))


def _waterfall(explanation: Explanation) -> str:
    chart = render_svg(waterfall_drawing(explanation, COUNT), ink="currentColor", background=None)
    paragraphs = [paragraph.format(legend=palette().legend) for paragraph in _HOW_TO_READ]
    if explanation.baseline_map is not None:
        paragraphs.insert(2, _ABOUT_BASELINE)
    text = "".join(f"<p>{safe(paragraph)}</p>" for paragraph in paragraphs)
    return (
        f'<div class="pair"><section><h2>From bias to score</h2>{chart}</section>'
        f"<section><h2>How to read this</h2>{text}</section></div>"
    )


def _table(explanation: Explanation) -> str:
    ranking = explanation.ranking()
    largest = max((abs(item.value) for item in ranking), default=0.0) or 1.0
    rows = []
    for item in ranking:
        presence = float(explanation.attribute_scores[item.index])
        share = abs(item.value) / largest * 100
        bar, place, doubt = "", "–", ""
        if signed(item.value) != "0.00":
            known = explanation.recognition.get(item.attribute)
            doubt = f" <small>{BELIEF_WORDS[known.belief]}</small>" if known and known.belief != "well" else ""
            bar = f'<i style="width:{share:.0f}%;background:{sign_colour(item.value)}"></i>'
            place = where(explanation.contribution_maps[item.index])
        rows.append(
            f'<tr><th scope="row">{_name(explanation, item.attribute)}{doubt}</th>'
            f'<td class="n">{number(presence)}</td>'
            f'<td class="n">{signed(item.value)}</td><td class="b">{bar}</td><td>{place}</td></tr>'
        )
    return (
        f"<section><h2>All {len(ranking)} attributes</h2><table><thead><tr><th>Attribute</th>"
        '<th class="n">Presence</th><th class="n">Contribution</th><td class="b"></td><th>Where</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )
