"""The report of two to four photos: a self-contained page on what leads from the first one's score to the others'."""

from collections.abc import Sequence

from siam.drawing.maps import display_photo, fitted
from siam.drawing.palettes import palette
from siam.drawing.phrases import difference_text, score_text, signed, signed_map_text, tick_text, words
from siam.drawing.shapes import render_svg, safe
from siam.explanation.difference import Difference, differences
from siam.explanation.inference import Explanation
from siam.explanation.recognition import doubts, legend, marked
from siam.explanation.waterfall import difference_steps, steps_drawing
from siam.explanation.wording import attribute_map_text, difference_sentences, interval_text, intervals_text, view_text
from siam.figures.difference import STEPS, frames, grey_limit, most_changed, total_limit, total_map_over
from siam.figures.maps import attribute_map
from siam.reports.markup import document, framed, network, picture, scale_bar, score_entry

_SIDE = 720  # px of a photo
_HOW_TO_READ = (
    "Both scores are plain sums of the same bias and of what each attribute adds or takes away. So the difference of "
    "the scores is exactly the sum of the differences of these contributions, which the steps show.",
    "{legend}. In the maps, the frame shows what the attribute contributes to that "
    "photo's score, dashed if it lowers it; the map is bright where SIAM sees the attribute.",
    "All of this describes how the networks scored these photos, not what makes a landscape beautiful.",
)


def difference_report(explanations: Sequence[Explanation], names: Sequence[str], card: dict, changed: str = "") -> str:
    """Return the report as HTML.

    Args:
        explanations: of two to four photos by the same networks, the one that the others are compared with first.
        names: of the photos; they may come from anyone, so they are escaped.
        card: the pair's model card, as in `siam.reports.page.html_report`.
        changed: what changed, such as "the wind turbines"; escaped, too.

    Raises:
        ValueError: these are not two to four photos, explained by the same networks.
    """
    found = differences(explanations, changed)
    parts = [
        _header(explanations, found, names),
        _photos(explanations, found, names),
        _waterfalls(found, names),
        _maps(explanations, found, names),
        _table(explanations, found, names),
        network(explanations[0], card),
    ]
    return document(" and ".join([", ".join(names[:-1]), names[-1]]), parts)


def _header(explanations: Sequence[Explanation], found: Sequence[Difference], names: Sequence[str]) -> str:
    scale = explanations[0].scale
    scores = []
    for index, (of, name) in enumerate(zip(explanations, names, strict=True)):
        change = ""
        if index:
            change = f" ({difference_text(of.scenicness, explanations[0].scenicness)})"
        scores.append(score_entry(safe(name), of.scenicness, f" of {scale.high:g}{change}", interval_text(of)))
    rating = f"{safe(words(scale.name))}, on a scale from {scale.low:g} to {scale.high:g}"
    shown = [index for index in most_changed(found) if any(signed(of.values[index]) != "0.00" for of in found)]
    doubtful = doubts(explanations[0].recognition, (explanations[0].attributes[index] for index in shown))
    lines = "".join(
        f'<p class="lead">{safe(sentence)}</p><p class="quiet">{safe(view_text(of, (names[0], name)))}</p>'
        for of, name, sentence in zip(found, names[1:], difference_sentences(found, names), strict=True)
    )
    notes = "".join(f"<p>{safe(text)}</p>" for text in (doubtful, intervals_text(explanations)) if text)
    return (
        f'<header><p class="quiet">{safe(explanations[0].model)} · {rating}</p>'
        f'<h1>{safe(" → ".join(names) if len(names) == 2 else ", ".join(names))}</h1>'
        f'<dl class="scores">{"".join(scores)}</dl>{lines}{notes}</header>'
    )  # fmt: skip


def _photos(explanations: Sequence[Explanation], found: Sequence[Difference], names: Sequence[str]) -> str:
    limit = total_limit(found)
    figures = []
    for of, name in zip(explanations, names, strict=True):
        score = of.baseline_scenicness
        baseline = "" if score is None else f"baseline {score_text(score, of.scale)}"
        photo = picture(display_photo(of.image, _SIDE), f"photo {name}")
        total = picture(total_map_over(of, limit, side=_SIDE), signed_map_text(of.total_map))
        figures.append(
            f"<figure><figcaption><span>{safe(name)}</span><span>{baseline}</span></figcaption>{photo}"
            f"<figcaption><span>SIAM</span><span>{score_text(of.scenicness, of.scale)}</span></figcaption>{total}"
            "</figure>"
        )
    return (
        f'<section><h2>Where the scores come from</h2><div class="maps variants">{"".join(figures)}</div>'
        f"{scale_bar(limit)}</section>"
    )


def _waterfalls(found: Sequence[Difference], names: Sequence[str]) -> str:
    charts = []
    for of, name in zip(found, names[1:], strict=True):
        steps = difference_steps(of, STEPS, names=(names[0], name))
        chart = steps_drawing(steps, f"From {names[0]} to {name}")
        title = safe(f"From {names[0]} to {name}")
        charts.append(f"<section><h2>{title}</h2>{render_svg(chart, ink='currentColor', background=None)}</section>")
    text = "".join(f"<p>{safe(paragraph.format(legend=palette().legend))}</p>" for paragraph in _HOW_TO_READ)
    return f'<div class="pair">{"".join(charts)}<section><h2>How to read this</h2>{text}</section></div>'


def _maps(explanations: Sequence[Explanation], found: Sequence[Difference], names: Sequence[str]) -> str:
    indices = most_changed(found)
    limit, factor = grey_limit(found, indices), frames(found, indices)
    known, attributes = explanations[0].recognition, explanations[0].attributes
    rows = []
    for index in indices:
        figures = []
        for of, name in zip(explanations, names, strict=True):
            value = float(of.contributions[index])
            _, size = fitted(of.image.size, 300)
            text = f"{name}: {attribute_map_text(of, index)}"
            image = attribute_map(of, index, limit, size)
            figures.append(framed(image, text, value, factor, safe(name), signed(value)))
        changes = ", ".join(signed(float(of.values[index])) for of in found)
        rows.append(
            f'<section class="row"><h3>{safe(marked(known, attributes[index]))} {changes}</h3>'
            f'<div class="tiles">{"".join(figures)}</div></section>'
        )
    signs = legend(known, (attributes[index] for index in indices))
    marks = f" Beside a name: {signs}, by average precision on test photos." if signs else ""
    title = "The attribute" if len(indices) == 1 else f"The {len(indices)} attributes"
    return (
        f"<section><h2>{title} that change{'s' * (len(indices) == 1)} most</h2>"
        f'<p class="quiet">In every map, black is 0 and white is {tick_text(limit)}.{marks}</p>'
        f'<div class="rows">{"".join(rows)}</div></section>'
    )


def _table(explanations: Sequence[Explanation], found: Sequence[Difference], names: Sequence[str]) -> str:
    known, attributes = explanations[0].recognition, explanations[0].attributes
    heads = [safe(names[0])]
    for name in names[1:]:
        heads += [safe(name), "change"]
    rows = []
    for index in most_changed(found, len(attributes)):
        cells = [signed(float(explanations[0].contributions[index]))]
        for of in found:
            cells += [signed(float(of.after.contributions[index])), signed(float(of.values[index]))]
        place = ""
        if len(found) == 1:
            shows = signed(float(found[0].values[index])) != "0.00"
            where, photo = found[0].place(index)
            of_photo = f" in {names[('before', 'after').index(photo)]}" if photo else ""
            place = f"<td>{safe(where + of_photo) if shows else '–'}</td>"
        values = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        rows.append(f'<tr><th scope="row">{safe(marked(known, attributes[index]))}</th>{values}{place}</tr>')
    columns = "".join(f'<th class="n">{head}</th>' for head in heads) + ("<th>Where</th>" if len(found) == 1 else "")
    return (
        f'<section class="wide"><h2>All {len(attributes)} attributes</h2><table><thead><tr><th>Attribute</th>{columns}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></section>"
    )
