"""The report: one explanation as a self-contained web page to keep, send or print."""

from collections.abc import Mapping, Sequence
from importlib import resources

from PIL import Image

from siam.drawing.colours import NEGATIVE, POSITIVE, sign_colour
from siam.drawing.maps import CELL_UNIT, display_photo, fitted, frame_factor, frame_width
from siam.drawing.phrases import difference_text, number, score_text, signed, signed_map_text, tick_text, where, words
from siam.drawing.shapes import data_uri, render_svg, safe
from siam.explanation.inference import Contribution, Explanation
from siam.explanation.recognition import BELIEF_WORDS, caveat, legend, marked, recognition_text
from siam.explanation.waterfall import waterfall_drawing
from siam.explanation.wording import attribute_map_text, sentence
from siam.figures.maps import attribute_map, map_limit, total_maps

COUNT = 8  # attributes shown with their maps
PHOTO_SIDE = 900  # px

# Nothing may be loaded or run, whatever a file is called.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_CITATION = (
    "D. Marcos, S. Lobry, D. Tuia: Semantically Interpretable Activation Maps: what-where-how explanations within "
    "CNNs. ICCV Workshops, 2019. arXiv:1909.08442."
)
_HOW_TO_READ = (
    "SIAM first draws a map of where it sees each named attribute. The score is then a plain sum: the bias, which is "
    "the score of a photo without any attribute, and what each attribute adds or takes away.",
    "Green raises the score, magenta lowers it, white does neither. The wider the frame of a map, the larger the "
    "attribute's contribution; the map itself is bright where SIAM sees the attribute.",
    "All of this describes how the networks scored this photo, not what makes a landscape beautiful.",
)
_ABOUT_BASELINE = (
    "The baseline is an ordinary network trained on the ratings alone. Its map shows where its evidence lies, not what "
    "it sees."
)
_DETAILS = {"per_attribute", "minimum_positives"}  # figures left out here, like standard deviations
_CARD = (("name", "Name"), ("training_data", "Trained on"), ("metrics", "Figures"), ("limits", "Limits"))


def html_report(explanation: Explanation, image_name: str, card: dict) -> str:
    """Return the report of one explanation as HTML.

    Args:
        explanation: the explanation.
        image_name: name of the photo; it may come from anyone, so it is escaped.
        card: the pair's model card, of which `name`, `training_data`, `metrics` and `limits` are shown.
    """
    parts = [
        _header(explanation, image_name),
        _total_maps(explanation),
        _attribute_maps(explanation),
        _waterfall(explanation),
        _table(explanation),
        _network(explanation, card),
        f"<footer>{safe(_CITATION)}</footer>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{safe(image_name)} · SIAM Explorer</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _style() -> str:
    """Return the style sheet, with the colours of the signs."""
    sheet = resources.files("siam.reports").joinpath("report.css").read_text(encoding="utf-8")
    return f"\n:root {{ --positive: {POSITIVE}; --negative: {NEGATIVE}; }}\n{sheet}"


def _header(explanation: Explanation, image_name: str) -> str:
    scale = explanation.scale
    scores = [_score("SIAM", explanation.scenicness, f" of {scale.high:g}")]
    if explanation.baseline_scenicness is not None:
        scores.append(_score("Baseline", explanation.baseline_scenicness, f" of {scale.high:g}"))
        difference = difference_text(explanation.scenicness, explanation.baseline_scenicness)
        scores.append(f"<div><dt>Difference</dt><dd>{difference}<small> points</small></dd></div>")
    rating = f"{safe(words(scale.name))}, on a scale from {scale.low:g} to {scale.high:g}"
    doubts = f"<p>{safe(text)}</p>" if (text := caveat(explanation)) else ""
    return (
        f'<header><p class="quiet">{safe(explanation.model)} · {rating}</p><h1>{safe(image_name)}</h1>'
        f'<dl class="scores">{"".join(scores)}</dl><p class="lead">{safe(sentence(explanation))}</p>{doubts}</header>'
    )


def _score(name: str, value: float, scale: str) -> str:
    return f"<div><dt>{name}</dt><dd>{number(value)}<small>{scale}</small></dd></div>"


def _picture(image: Image.Image, text: str) -> str:
    kind = "PNG" if image.mode == "L" else "JPEG"
    return f'<img src="{data_uri(image, kind)}" width="{image.width}" height="{image.height}" alt="{safe(text)}">'


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
        f"<figure><figcaption><span>{name}</span><span>{score}</span></figcaption>{_picture(image, text)}</figure>"
        for name, score, image, text in figures
    )
    end = tick_text(maps.limit)
    return (
        f'<section><h2>Where the scores come from</h2><div class="maps n{len(figures)}">{shown}</div>'
        f'<div class="scale"><div class="bar"></div><span>−{end}</span><span>{CELL_UNIT}</span><span>+{end}</span>'
        "</div></section>"
    )


def _attribute_maps(explanation: Explanation) -> str:
    shown = explanation.ranking(count=COUNT)
    limit, factor = map_limit(explanation, shown), frame_factor(item.value for item in shown)
    figures = "".join(_attribute_figure(explanation, item, limit, factor) for item in shown)
    title = "The attribute" if len(shown) == 1 else f"The {len(shown)} attributes"
    return (
        f"<section><h2>{title} that count{'s' * (len(shown) == 1)} most here</h2>"
        f'<div class="tiles">{figures}</div><p class="quiet">In every map, black is 0 and white is '
        f"{tick_text(limit)}. Green frames mark attributes that raise the score, magenta ones those that lower it; "
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
    frame = frame_width(item.value, factor)
    style = f"--frame:{frame}px;--colour:{sign_colour(item.value)}"
    place = where(explanation.contribution_maps[item.index])
    return (
        f'<figure style="{style}">{_picture(image, attribute_map_text(explanation, item.index))}<figcaption>'
        f"<span>{_name(explanation, item.attribute)}<small>{place}</small></span><span>{signed(item.value)}</span>"
        "</figcaption></figure>"
    )


def _waterfall(explanation: Explanation) -> str:
    chart = render_svg(waterfall_drawing(explanation, COUNT), ink="currentColor", background=None)
    paragraphs = [*_HOW_TO_READ]
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


def _network(explanation: Explanation, card: dict) -> str:
    """Show the main entries of the card, and how this explanation was computed."""
    facts = [(title, _value(card[key])) for key, title in _CARD if card.get(key)]
    seconds = sum(explanation.seconds.values())
    computed = f"on {safe(explanation.device)}" + (f" in {number(seconds)} s" if seconds else "")
    facts.append(("Computed", computed))
    listed = "".join(f"<dt>{title}</dt><dd>{value}</dd>" for title, value in facts)
    return f'<section><h2>The networks</h2><dl class="card">{listed}</dl></section>'


def _value(value: object) -> str:
    """Return a card's entry of any type as markup."""
    if isinstance(value, Mapping):
        entries = {
            str(key): item for key, item in value.items() if key not in _DETAILS and not str(key).endswith("_sd")
        }
        rows = "".join(f"<dt>{safe(words(key))}</dt><dd>{_value(item)}</dd>" for key, item in entries.items())
        return f'<dl class="card">{rows}</dl>'
    if isinstance(value, list | tuple):
        return f"<ul>{''.join(f'<li>{_value(item)}</li>' for item in value)}</ul>"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    return safe(str(value))
