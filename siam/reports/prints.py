"""Figures for print: what each shows, its caption with networks and citation, and its file at a width.

::

    figure = explanation_print(explanation)
    data = figure.file(180, "pdf", networks_text(pair))
    text = figure.caption(networks_text(pair))

Nothing is drawn before a file is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from siam.datasets.base import RatingScale
from siam.drawing.maps import CELL_UNIT, display_photo, grey_map, overlay, signed_cells, striped
from siam.drawing.palettes import palette
from siam.drawing.phrases import number, range_text, score_text, signed, tick_text, words
from siam.drawing.printing import NARROWEST, WIDEST, Facts, Form, pixels, points, print_file
from siam.drawing.shapes import Drawing, moved
from siam.explanation.context import (
    Cause,
    ContextExplanation,
    cause_map_text,
    context_sentence,
    member_line,
    together_map,
)
from siam.explanation.difference import differences
from siam.explanation.inference import Explanation
from siam.explanation.recognition import legend, marked
from siam.explanation.templates import net_effects
from siam.explanation.waterfall import context_steps, steps_drawing, waterfall_steps
from siam.explanation.wording import difference_sentences, sentence
from siam.figures import maps
from siam.figures.charts import chart_drawing, layout_of, plain_text
from siam.figures.difference import difference_figure, most_changed
from siam.figures.gallery import MOST, disagreement_figures
from siam.figures.geography import MOST as POINTS
from siam.figures.geography import Box
from siam.figures.geography import legend as map_legend
from siam.figures.geography import title as measure_title
from siam.figures.map_drawing import map_drawing
from siam.figures.method import COUNT as IN_METHOD
from siam.figures.method import method_figure
from siam.figures.paper import COUNT, paper_figure
from siam.figures.sheet import GAP, TEXT, Cell, extended, sheet
from siam.gallery.cases import Cases
from siam.models.agreement import agreed
from siam.models.checkpoint import Pair
from siam.models.csib import CSIB
from siam.models.identity import identity
from siam.models.recognition import Recognition
from siam.reports.citation import IN_CAPTIONS

_PICTURE = 640  # px of a photo's long side in sheets
_UNIT = "points per unit and cell"
_WIDE = 330  # pt from which on things stand side by side


@dataclass(frozen=True)
class Print:
    """One figure for print.

    Attributes:
        name: the end of its file's name.
        title: what it is called where figures are chosen.
        shows: what it shows, the first sentences of the caption.
        draw: returns the drawing at a width in points.
    """

    name: str
    title: str
    shows: str
    draw: Callable[[float], Drawing] = field(repr=False)

    def caption(self, networks: str = "") -> str:
        """Return the whole caption: what is shown, by which networks, after whom."""
        parts = [self.shows, f"Networks: {networks}." if networks else "", f"{IN_CAPTIONS}."]
        return " ".join(" ".join(filter(None, parts)).split())

    def file(self, width: float, form: Form, networks: str = "") -> bytes:
        """Return the figure as a file.

        Args:
            width: 40 to 400 mm.
            form: "pdf", "svg" or "png".
            networks: their name and version, as `networks_text` says them.

        Raises:
            ValueError: the width or the format is none of these.
        """
        if not NARROWEST <= width <= WIDEST:
            raise ValueError(f"expected a width of {NARROWEST} to {WIDEST} mm, not {width:g}")
        drawing = self.draw(points(width))
        return print_file(drawing, form, Facts(drawing.title, self.caption(networks), networks, IN_CAPTIONS))


def networks_text(pair: Pair) -> str:
    """Return the name of networks, the version that tells them from others of this name, and when they were trained."""
    version = pair.card.get("version") or identity(pair)[:10]
    trained = f", trained {pair.card['trained']}" if pair.card.get("trained") else ""
    return f"“{' '.join(pair.name.split())}”, version {version}{trained}"


def explanation_print(explanation: Explanation) -> Print:
    """Return the explanation of one photo in the paper's layout."""
    shown = explanation.ranking(count=COUNT)
    signs = legend(explanation.recognition, (item.attribute for item in shown))
    text = (
        f"What raised and lowered a photo's score. {_scores(explanation)}. Total maps: {_signs()}, in {CELL_UNIT}. "
        f"Attribute maps: the {len(shown)} attributes that contribute most, bright where SIAM sees them, on one scale. "
        f"{_frames()} All contributions and the bias add up to SIAM's score."
        + (f" Beside names: {signs}." if signs else "")
    )
    return Print("explanation", "Explanation in the paper's layout", text,
                 lambda width: paper_figure(explanation, width, credit=False))  # fmt: skip


def waterfall_print(explanation: Explanation, count: int = 8) -> Print:
    """Return the steps from the bias to the score."""
    text = f"From the bias to SIAM's score of {_score(explanation)}. {sentence(explanation)} {_bars(explanation.scale)}"
    title = "From bias to score"
    return Print("waterfall", title, text,
                 lambda width: steps_drawing(waterfall_steps(explanation, count), title, width, TEXT))  # fmt: skip


def context_print(context: ContextExplanation, causes: int | None = None) -> Print:
    """Return the steps from the base to the score by causes that count together, or to the score with so few."""
    text = f"From the base to the score with context. {context_sentence(context, causes)} {_bars(context.scale)}"
    title = "From base to score"
    return Print("causes", title, text,
                 lambda width: steps_drawing(context_steps(context, causes), title, width, TEXT))  # fmt: skip


def cause_maps_print(csib: CSIB, explanation: Explanation, context: ContextExplanation, count: int = 8) -> Print:
    """Return the maps of the causes that count most with context."""
    shown = context.causes[:count]
    text = (
        f"With context {score_text(context.score, context.scale)}: the {len(shown)} largest of "
        f"{len(context.causes)} causes. Each map is bright where all members of a cause are at once, on one scale. "
        f"{_frames('more points')}"
    )

    def draw(width: float) -> Drawing:
        fields = [together_map(csib, explanation, cause.group) for cause in shown]
        limit, size = max(float(of.max()) for of in fields), display_photo(explanation.image, _PICTURE).size
        cells = [
            Cell(cause.title, grey_map(field, limit, size), cause_map_text(cause), signed(cause.value), cause.value)
            for cause, field in zip(shown, fields, strict=True)
        ]
        return sheet("Maps of causes", width, cells, 4 if width >= _WIDE else 2)

    return Print("cause-maps", "Maps of causes", text, draw)


def cause_print(csib: CSIB, explanation: Explanation, cause: Cause) -> Print:
    """Return one cause: the photo lit where all its members are at once, and where each of them is."""
    told = "; ".join(
        [f"on to {number(cause.activation)} of 1", *(member_line(of, explanation) for of in cause.members)]
    )
    text = (
        f"{cause.title} moves the score with context by {signed(cause.value)} ({told}). The photo is lit where all "
        "members are at once, then where SIAM sees each or, if its absence is meant, does not see it."
        if len(cause.members) > 1
        else f"{cause.title} moves the score with context by {signed(cause.value)} ({told}), where the photo is lit."
    )

    def draw(width: float) -> Drawing:
        several = len(cause.members) > 1
        pictures = [("together", maps.cause_image(csib, explanation, cause))] if several else []
        pictures += [(of.text, maps.member_image(explanation, of)) for of in cause.members]
        cells = [Cell(title, picture, f"the photo lit where {title} is") for title, picture in pictures]
        return sheet(f"{cause.title} {signed(cause.value)}", width, cells, 4, explanation.image.size)

    return Print(f"cause-{cause.group + 1}", cause.title, text, draw)


def maps_print(explanation: Explanation, strength: float = 0.75) -> Print:
    """Return the photo and both total maps over it."""
    limit = maps.shared_limit(explanation)
    text = f"{_scores(explanation)}. Maps over the photo: {_signs()}, {range_text(limit)} {CELL_UNIT}."

    def draw(width: float) -> Drawing:
        photo = display_photo(explanation.image, _PICTURE)
        cells = [Cell("Photo", photo, "the photo")]
        scores = explanation.scenicness, explanation.baseline_scenicness
        for name, score, of in zip(("SIAM", "Baseline"), scores, maps.comparable_maps(explanation), strict=False):
            value = "" if score is None else score_text(score, explanation.scale)
            cells.append(Cell(name, striped(overlay(photo, of, limit, strength), of, limit), name, value))
        return extended(sheet("Total maps over the photo", width, cells, 3), limit)

    return Print("maps", "Total maps over the photo", text, draw)


def attribute_print(explanation: Explanation, index: int) -> Print:
    """Return what, where and how of one attribute: its map, its template and their product."""
    name, value = words(explanation.attributes[index]), signed(float(explanation.contributions[index]))
    limits = float(np.abs(explanation.templates).max()), float(np.abs(explanation.contribution_maps).max())
    text = (
        f"{name} contributes {value} to SIAM's score of {_score(explanation)}. Left: the photo lit where SIAM sees it. "
        f"Middle: its template, {range_text(limits[0])} {_UNIT}. Right: their product, {range_text(limits[1])} "
        f"{CELL_UNIT}, which sums to the contribution; {_signs()}."
    )

    def draw(width: float) -> Drawing:
        template, product = explanation.templates[index], explanation.contribution_maps[index]
        pictures = (
            ("what and where", maps.presence_image(explanation, index)),
            ("how", striped(maps.template_image(explanation, index), template, limits[0])),
            ("product", striped(maps.contribution_image(explanation, index), product, limits[1])),
        )
        cells = [Cell(title, picture, title) for title, picture in pictures]
        return sheet(f"{name} {value}", width, cells, 3, explanation.image.size)

    return Print(f"{name.replace(' ', '-')}", f"{name}: what, where, how", text, draw)


def difference_print(explanations: Sequence[Explanation], names: Sequence[str], changed: str = "") -> Print:
    """Return two to four photos side by side: what leads from the first one's score to the others'.

    Args:
        explanations: the one that the others are compared with first.
        names: of the photos.
        changed: what changed, such as "the wind turbines", for the caption.

    Raises:
        ValueError: these are not two to four photos, explained by the same networks.
    """
    found = differences(explanations, changed)
    told = " ".join(difference_sentences(found, names))
    recognition, attributes = explanations[0].recognition, explanations[0].attributes
    signs = legend(recognition, (attributes[index] for index in most_changed(found)))
    text = (
        f"{told} Total maps: {_signs()}. Steps: from the first score to each other one. Attribute maps: the attributes "
        f"that changed most, on one scale for all photos. {_frames()}" + (f" Beside names: {signs}." if signs else "")
    )
    return Print("difference", "Photos side by side", text,
                 lambda width: difference_figure(explanations, names, width, credit=False))  # fmt: skip


def what_if_print(before: Explanation, after: Explanation, edits: Sequence[str], count: int = 8) -> Print:
    """Return the steps from the bias to the score, before and after edits of the attribute maps."""
    made = "; ".join(edits) or "no edits"
    text = (
        f"SIAM's score before ({number(before.scenicness)}) and after ({_score(after)}) edits of the attribute maps, "
        f"not of the photo: {made}. {_bars(before.scale)}"
    )

    def draw(width: float) -> Drawing:
        columns = 2 if width >= _WIDE else 1
        across = (width - (columns - 1) * GAP) / columns
        drawing = Drawing(width, 0, "Before and after edits")
        for place, (title, of) in enumerate((("Before", before), ("After", after))):
            steps = waterfall_steps(of, count)
            steps[-1] = steps[-1]._replace(label=f"score {title.lower()}")
            chart = steps_drawing(steps, title, across, TEXT)
            right, down = (place * (across + GAP), 0.0) if columns == 2 else (0.0, place * (chart.height + GAP))
            drawing.items += moved(chart, right, down)
            drawing.height = max(drawing.height, down + chart.height)
        return drawing

    return Print("what-if", "Before and after the edits", text, draw)


def templates_print(
    names: Sequence[str],
    values: np.ndarray,
    agreement: np.ndarray | None,
    recognition: Mapping[str, Recognition],
    order: Sequence[int],
) -> Print:
    """Return all templates (K, g, g) in an order, on one scale, each with its net effect."""
    limit, effects = float(np.abs(values).max()), net_effects(values)
    signs = legend(recognition, names)
    text = (
        f"What each of {len(names)} attributes adds to the score at each place in a picture: {_signs()}, "
        f"{range_text(limit)} {_UNIT}. Numbers: the points that one unit of the attribute everywhere adds."
        + _doubtful(agreement)
        + (f" Beside names: {signs}." if signs else "")
    )

    def draw(width: float) -> Drawing:
        columns = max(2, min(8, int(width / 58)))
        side = pixels(width / columns)
        cells = [
            Cell(
                marked(recognition, names[k]), _template(values[k], limit, side, agreement, k), words(names[k]),
                signed(float(effects[k])),
            )
            for k in order
        ]  # fmt: skip
        return extended(sheet("Templates", width, cells, columns, least=40), limit, _UNIT)

    return Print("templates", "All templates", text, draw)


def template_print(name: str, template: np.ndarray, agreement: np.ndarray | None, told: str) -> Print:
    """Return one template (g, g) with both its halves; `told` says in words what it does."""
    limit = float(np.abs(template).max())
    text = f"{words(name)} {told}. {_signs().capitalize()}, {range_text(limit)} {_UNIT}." + _doubtful(agreement)

    def draw(width: float) -> Drawing:
        side = pixels(min(width, 400) / 3)
        parts = (
            (words(name), template),
            ("T⁺ raises", np.maximum(template, 0)),
            ("T⁻ lowers", np.minimum(template, 0)),
        )
        cells = [Cell(title, _template(of, limit, side, agreement), title, hairline=True) for title, of in parts]
        return extended(sheet(f"The template of {words(name)}", width, cells, 3), limit, _UNIT)

    return Print(f"template-{name}", f"The template of {words(name)}", text, draw)


def method_print(explanation: Explanation, credit: str) -> Print:
    """Return how SIAM works, with the maps of one photo of 4 by 3; `credit` says who took it."""
    shown = [item.index for item in explanation.ranking(count=IN_METHOD)]
    agreement = explanation.template_agreement
    text = (
        "How SIAM works. A backbone finds features of the photo; from these come maps of attributes, bright where SIAM "
        "sees them. Each map times its template gives the attribute's contribution, and all contributions and the bias "
        f"add up to SIAM's score. Templates and contributions: {_signs()}."
        + _doubtful(None if agreement is None else agreement[shown])
        + f" {_scores(explanation)}. Photo: {credit}."
    )
    return Print("method", "How SIAM works", text, lambda width: method_figure(explanation, width))


def truth_print(
    scene: str, masks: Mapping[str, np.ndarray], true: Mapping[str, float], explanation: Explanation
) -> Print:
    """Return where attributes really are in a rendered scene, each beside where SIAM sees it.

    Args:
        scene: its name.
        masks: by attribute, (H, W) of bool.
        true: contribution of each attribute, in points.
        explanation: of the scene.
    """
    shown = [item for item in explanation.ranking() if item.attribute in masks]
    limit, found = maps.map_limit(explanation, shown), {item.attribute: item for item in shown}
    text = (
        f"What SIAM sees in rendered scene {scene}, beside the truth: white where an attribute is, with its true "
        "contribution to the score, then where SIAM sees it, with the contribution that SIAM gives it, in points; in "
        f"SIAM's maps, black is 0 and white is {tick_text(limit)}."
    )

    def draw(width: float) -> Drawing:
        cells = []
        for name in masks:
            mask = Image.fromarray(masks[name].astype(np.uint8) * 255)
            seen = maps.attribute_map(explanation, found[name].index, limit or 1.0, mask.size)
            value = signed(found[name].value)
            cells += [
                Cell(words(name), mask, f"where {words(name)} really is", signed(true[name]), hairline=True),
                Cell("SIAM", seen, f"where SIAM sees {words(name)}", value, hairline=True),
            ]
        return sheet("The truth beside SIAM's maps", width, cells, 4 if width >= _WIDE else 2)

    return Print("truth", "The truth beside SIAM's maps", text, draw)


def features_print(
    features: Sequence[tuple[str, float]], network: str, pictures: Callable[[], Sequence[Image.Image]]
) -> Print:
    """Return the features that VEBI finds in a network, each with its picture.

    Args:
        features: name and weight of each.
        network: that they are found in, such as "the baseline".
        pictures: returns one for each feature, called when the figure is drawn: the mean of the places where it is
            strongest, and beside it the pictures in which it is.
    """
    title = "What VEBI looks for"
    text = (
        f"What VEBI looks for: features inside {network} that go with high scores (+) or low ones (−), the most "
        "important first. Each picture is the mean of the places where one feature is strongest; beside it are "
        "the pictures in which it is strongest. Numbers: the features' weights."
    )

    def draw(width: float) -> Drawing:
        cells = [
            Cell(name, picture, f"mean picture of {name}", signed(weight), hairline=True)
            for (name, weight), picture in zip(features, pictures(), strict=True)
        ]
        return sheet(title, width, cells, 4, least=90)

    return Print("vebi", title, text, draw)


def pictures_print(
    name: str, title: str, shows: str, pictures: Callable[[], Sequence[tuple[str, Image.Image]]]
) -> Print:
    """Return pictures of one shape, each with its name, such as the maps of explainers over a photo."""

    def draw(width: float) -> Drawing:
        return sheet(title, width, [Cell(of, picture, of) for of, picture in pictures()], 4)

    return Print(name, title, shows, draw)


def chart_print(name: str, figure: go.Figure, shows: str = "") -> Print:
    """Return a chart of the pages; its title and the line below it begin the caption, unless `shows` says it all."""
    heading = layout_of(figure).title
    title, below = (plain_text(of or "").replace("\n", " ") for of in (heading.text, heading.subtitle.text))
    return Print(name, title, shows or f"{title} ({below})." if below else shows or f"{title}.",
                 lambda width: chart_drawing(figure, width))  # fmt: skip


def disagreement_print(cases: Cases, rows: np.ndarray) -> Print:
    """Return the scores of two networks against each other, and the histogram of their differences."""
    drawn = "" if len(rows) <= MOST else f" {MOST:,} of {len(rows):,} points are drawn, evenly sampled."
    rated = " Points have the colour of the crowd's rating, darker where it is higher." if cases.rated else ""
    text = (
        f"{cases.versus}, {len(rows):,} pictures of {cases.gallery.about.data}; dotted: the same score.{rated}{drawn} "
        f"Below: how far they are apart, {cases.networks[0]} minus {cases.networks[1]}, in points; bars right of 0: "
        f"{cases.called[0]} is higher."
    )

    def draw(width: float) -> Drawing:
        drawing = Drawing(width, 0, cases.versus)
        for figure in disagreement_figures(cases, rows):
            chart = chart_drawing(figure, width)
            drawing.items += moved(chart, 0, drawing.height)
            drawing.height += chart.height + GAP
        return drawing

    return Print("disagreements", cases.versus, text, draw)


def map_print(cases: Cases, rows: np.ndarray, measure: str, place: Box | None = None) -> Print:
    """Return where photos were taken, coloured by a measure; a chosen place is shown larger.

    Args:
        cases: of the gallery.
        rows: the photos, at least one, all of them with coordinates.
        measure: one of `siam.figures.geography.measures`.
        place: west, south, east and north in degrees, or None.
    """
    what = "Squares: the means of the photos in them. " if len(rows) > POINTS else ""
    text = (
        f"Where {len(rows):,} pictures of {cases.gallery.about.data} were taken. Colour: "
        f"{measure_title(cases, measure)}. {map_legend(cases, measure, len(rows))} {what}Coast: Natural Earth."
    )
    title = f"Map: {measure_title(cases, measure).partition(',')[0]}"
    return Print("map", title, text, lambda width: map_drawing(cases, rows, measure, width, place))


def _template(
    template: np.ndarray, limit: float, side: int, agreement: np.ndarray | None, k: int | None = None
) -> Image.Image:
    """Return a template cell by cell, striped where it is negative, hatched and paler where folds disagree."""
    cells = len(template)
    side = max(1, -(-side // cells)) * cells
    shares = agreement if agreement is None or k is None else agreement[k]
    colours = signed_cells(template, limit, (side, side), None if shares is None else ~agreed(shares))
    return striped(colours, template, limit)


def _doubtful(agreement: np.ndarray | None) -> str:
    if agreement is None or agreed(agreement).all():
        return ""
    return " Paler, with slanted lines: fewer than 4 of 5 networks of the cross-validation agree on the sign."


def _score(explanation: Explanation) -> str:
    return score_text(explanation.scenicness, explanation.scale)


def _scores(explanation: Explanation) -> str:
    """Return both scores with the name and the ends of their scale."""
    scale, baseline = explanation.scale, explanation.baseline_scenicness
    beside = "" if baseline is None else f", baseline {number(baseline)}"
    return f"SIAM {number(explanation.scenicness)}{beside}; {scale.name} from {scale.low:g} to {scale.high:g}"


def _signs() -> str:
    raises, lowers, _undirected = palette().names
    return f"{raises} raises the score, {lowers} with level lines lowers it"


def _frames(more: str = "larger the contribution") -> str:
    raises, lowers, _undirected = palette().names
    return f"Frames: unbroken {raises} (+) raises the score, dashed {lowers} (−) lowers it; the wider, the {more}."


def _bars(scale: RatingScale) -> str:
    raises, lowers, _undirected = palette().names
    return (
        f"Bars: unbroken {raises} raises the score, striped {lowers} lowers it, in points of {scale.name} "
        f"({scale.low:g} to {scale.high:g})."
    )
