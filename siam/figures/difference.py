"""Two to four photos side by side: what leads from the first one's score to the others', and the maps that changed."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from siam.drawing.colours import SOFT_INK
from siam.drawing.maps import (
    CELL_UNIT,
    DISPLAY_SIDE,
    display_photo,
    end_texts,
    frame_factor,
    frame_width,
    framed,
    inner_size,
    overlay,
    signed_colours,
    swiped,
)
from siam.drawing.phrases import number, score_text, signed, signed_map_text, tick_text
from siam.drawing.shapes import (
    Drawing,
    Label,
    Picture,
    moved,
    render_png,
    render_svg,
    shortened,
    text_width,
    wrapped,
)
from siam.explanation.difference import Difference, differences
from siam.explanation.inference import Explanation
from siam.explanation.recognition import marked
from siam.explanation.waterfall import difference_steps, steps_drawing
from siam.explanation.wording import attribute_map_text, difference_sentence, view_text
from siam.figures.maps import attribute_map
from siam.figures.paper import SOURCE, draw_scale, framing

COUNT = 4  # attributes whose maps are shown
STEPS = 8  # attributes in the waterfall

_UNCOVERED = "#8A949E"  # where a photo that moved has nothing to show
_MARGIN, _GAP, _TITLE, _BLOCK = 28, 28, 28, 48  # around the page, between cells, above a picture, between both halves
_WIDTH, _HIGHEST, _LOWEST = 230, 240, 90  # of the area for one picture
_TEXT, _SMALL, _LEAD = 13, 11.5, 15
_PIXELS = 2  # per unit, in embedded maps


@dataclass(frozen=True)
class Change:
    """An attribute that changed: its index, and its framed map in each photo, the first one's first."""

    index: int
    tiles: tuple[Image.Image, ...]


def explanations_of(found: Sequence[Difference]) -> list[Explanation]:
    """Return the explanations of all photos, the first one's first."""
    return [found[0].before, *(of.after for of in found)]


def most_changed(found: Sequence[Difference], count: int = COUNT) -> list[int]:
    """Return the `count` attributes that change most in any of these differences, the largest change first."""
    largest = np.max([np.abs(of.values) for of in found], axis=0)
    return [int(index) for index in np.argsort(-largest, kind="stable")[:count]]


def grey_limit(found: Sequence[Difference], indices: Sequence[int]) -> float:
    """Return the largest value in these attributes' maps of all photos, which is white in all of them."""
    return max(
        (float(of.attribute_maps[index].max()) for of in explanations_of(found) for index in indices), default=0.0
    )


def frames(found: Sequence[Difference], indices: Sequence[int]) -> float:
    """Return how many px of frame one point gets, in all maps of a view."""
    return frame_factor(float(of.contributions[index]) for of in explanations_of(found) for index in indices)


def total_limit(found: Sequence[Difference]) -> float:
    """Return the largest magnitude in the total maps of all photos, the end of their common scale."""
    return max(float(np.abs(of.total_map).max()) for of in explanations_of(found))


def changes(found: Sequence[Difference], names: Sequence[str], count: int = COUNT, width: int = 320) -> list[Change]:
    """Return the attributes that changed most, each with its maps in all photos, on one scale of grey and of frames.

    Args:
        found: of `siam.explanation.difference.differences`.
        names: of the photos, below their maps.
        count: number of attributes.
        width: of a tile in px.
    """
    indices, photos = most_changed(found, count), explanations_of(found)
    limit, factor = grey_limit(found, indices), frames(found, indices)
    return [
        Change(
            index,
            tuple(
                framed(
                    attribute_map(of, index, limit, inner_size(of.image.size, width)),
                    name,
                    float(of.contributions[index]),
                    factor,
                    width,
                )
                for of, name in zip(photos, names, strict=True)
            ),
        )
        for index in indices
    ]


def total_map_over(
    explanation: Explanation, limit: float, strength: float = 0.75, side: int = DISPLAY_SIDE
) -> Image.Image:
    """Return an explanation's total map over its photo, on a scale that ends at `limit`."""
    return overlay(display_photo(explanation.image, side), explanation.total_map, limit, strength)


def swipe(difference: Difference, first: Image.Image, second: Image.Image, share: float) -> Image.Image:
    """Return pictures of both photos as one: the first up to `share` of the width, then the second, moved onto it.

    Args:
        difference: of photos that show the same view.
        first: the first photo, or a map over it, at any size.
        second: the same of the second photo.
        share: 0 to 1.

    Raises:
        ValueError: the photos do not show the same view, so that laying them over each other would mislead.
    """
    view = difference.view
    if not view.matches:
        raise ValueError("the photos do not show the same view; show them side by side")
    second = second.convert("RGB").resize(first.size)
    right, down = (
        moved_by / side * size
        for moved_by, side, size in zip((view.right, view.down), view.size, first.size, strict=True)
    )
    if max(abs(right), abs(down)) >= 1:
        shift = (1, 0, right, 0, 1, down)
        second = second.transform(second.size, Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR,
                                  fillcolor=_UNCOVERED)  # fmt: skip
    return swiped(first, second, share)


def difference_figure_png(explanations: Sequence[Explanation], names: Sequence[str]) -> bytes:
    """Return the figure as a PNG file."""
    stream = io.BytesIO()
    render_png(difference_figure(explanations, names)).save(stream, "PNG")
    return stream.getvalue()


def difference_figure_svg(explanations: Sequence[Explanation], names: Sequence[str]) -> str:
    """Return the figure as an SVG file with real text and embedded pictures."""
    return render_svg(difference_figure(explanations, names))


def difference_figure(explanations: Sequence[Explanation], names: Sequence[str]) -> Drawing:
    """Return the layout of the figure: photos, total maps and waterfalls on the left, the maps that changed beside.

    Args:
        explanations: of two to four photos by the same networks, the one that the others are compared with first.
        names: of the photos.

    Raises:
        ValueError: these are not two to four photos, explained by the same networks.
    """
    found = differences(explanations)
    count, height = len(explanations), _height(explanations)
    half = count * _WIDTH + (count - 1) * _GAP
    width = 2 * (_MARGIN + half) + _BLOCK
    drawing = Drawing(width, 0, f"Scores of {count} photos by {explanations[0].model}")
    line = _MARGIN + 8.0
    for of, name in zip(found, names[1:], strict=True):
        pair = (names[0], name)
        texts = wrapped(difference_sentence(of, pair), _LEAD, width - 2 * _MARGIN)
        notes = wrapped(view_text(of, pair), _SMALL, width - 2 * _MARGIN)
        for text, size, ink in [
            *((text, _LEAD, None) for text in texts),
            *((text, _SMALL, SOFT_INK) for text in notes),
        ]:
            drawing.items.append(Label(_MARGIN, line, text, size) if ink is None else
                                 Label(_MARGIN, line, text, size, fill=ink))  # fmt: skip
            line += size + 7
        line += 8
    top = line + 4
    below = _left(drawing, explanations, names, top, height)
    below = max(_waterfalls(drawing, found, names, below, half), _right(drawing, found, top, height, half))
    drawing.height = below + 2 * _MARGIN
    _caption(drawing, explanations[0])
    return drawing


def _height(explanations: Sequence[Explanation]) -> float:
    """Return the height of the area for a picture, in which those of all photos fit."""
    tallest = max(of.image.height / of.image.width for of in explanations)
    return min(max(_WIDTH * tallest, _LOWEST), _HIGHEST)


def _left(
    drawing: Drawing, explanations: Sequence[Explanation], names: Sequence[str], top: float, height: float
) -> float:
    """Draw photos and total maps in columns; return where they end."""
    limit = max(float(np.abs(of.total_map).max()) for of in explanations)
    for column, (of, name) in enumerate(zip(explanations, names, strict=True)):
        x = _MARGIN + column * (_WIDTH + _GAP)
        score = of.baseline_scenicness
        baseline = "" if score is None else f"baseline {number(score)}"
        _cell(drawing, (x, top, height), of, (name, baseline), display_photo(of.image, 2 * _WIDTH), f"photo {name}")
        image = signed_colours(of.total_map, limit, _size(of, height))
        title, y = ("SIAM", score_text(of.scenicness, of.scale)), top + _TITLE + height + _GAP
        _cell(drawing, (x, y, height), of, title, image, signed_map_text(of.total_map), 1)
    return top + 2 * (_TITLE + height + _GAP)


def _right(drawing: Drawing, found: Sequence[Difference], top: float, height: float, half: float) -> float:
    """Draw the maps that changed most, one attribute in a row, and both scales; return where they end."""
    indices, photos = most_changed(found), explanations_of(found)
    limit, factor = grey_limit(found, indices), frames(found, indices)
    left, y = _MARGIN + half + _BLOCK, top
    for index in indices:
        for column, of in enumerate(photos):
            name = marked(of.recognition, of.attributes[index])
            title = name if column == 0 else f"change {signed(float(found[column - 1].values[index]))}"
            value, image = float(of.contributions[index]), attribute_map(of, index, limit, _size(of, height))
            _cell(
                drawing, (left + column * (_WIDTH + _GAP), y, height), of, (title, signed(value)), image,
                attribute_map_text(of, index), frame_width(value, factor), value,
            )  # fmt: skip
        y += _TITLE + height + _GAP
    total = total_limit(found)
    (low, high), bar = end_texts(total), signed_colours(np.linspace(-total, total, 256)[None], total)
    end = draw_scale(drawing, (left, y + 6, 200), bar, (low, CELL_UNIT, high))
    grey = Image.linear_gradient("L").rotate(90)  # from black to white
    draw_scale(drawing, (left + _WIDTH + _GAP, y + 6, 200), grey, ("0", "attribute maps", tick_text(limit)))
    return end + 9


def _waterfalls(drawing: Drawing, found: Sequence[Difference], names: Sequence[str], top: float, half: float) -> float:
    """Draw the steps from the first score to each other one, side by side; return where they end."""
    width, end = (half - (len(found) - 1) * _GAP) / len(found), top
    for column, (of, name) in enumerate(zip(found, names[1:], strict=True)):
        steps = difference_steps(of, STEPS, names=(names[0], name))
        chart = steps_drawing(steps, f"From {names[0]} to {name}", round(width))
        drawing.items += moved(chart, _MARGIN + column * (width + _GAP), top)
        end = max(end, top + chart.height)
    return end


def _size(explanation: Explanation, height: float) -> tuple[int, int]:
    """Return the size in px at which a map of an explanation is drawn into its area."""
    width, high = explanation.image.size
    ratio = _PIXELS * min(_WIDTH / width, height / high)
    return max(1, round(width * ratio)), max(1, round(high * ratio))


def _cell(
    drawing: Drawing,
    place: tuple[float, float, float],
    explanation: Explanation,
    texts: tuple[str, str],
    image: Image.Image,
    text: str,
    frame: int = 0,
    contribution: float | None = None,
) -> None:
    """Draw a picture below its title and value, in the area at (x, y) of a given height."""
    x, y, height = place
    title, value = texts
    room = _WIDTH - text_width(value, _TEXT) - 8
    drawing.items.append(Label(x, y + 12, shortened(title, _TEXT, room), _TEXT))
    if value:
        drawing.items.append(Label(x + _WIDTH, y + 12, value, _TEXT, "end"))
    size = explanation.image.size
    ratio = min(_WIDTH / size[0], height / size[1])
    width, high = size[0] * ratio, size[1] * ratio
    area = (x + (_WIDTH - width) / 2, y + _TITLE + (height - high) / 2, width, high)
    drawing.items += framing(area, frame, contribution)
    drawing.items.append(Picture(*area, image, text))


def _caption(drawing: Drawing, explanation: Explanation) -> None:
    """Write the networks, the scale and the source at the bottom."""
    scale, line = explanation.scale, drawing.height - _MARGIN + 4
    text = f"{explanation.model} · {scale.name} from {scale.low:g} to {scale.high:g}"
    room = drawing.width - 2 * _MARGIN - text_width(SOURCE, _SMALL) - 16
    drawing.items += [
        Label(_MARGIN, line, shortened(text, _SMALL, room), _SMALL),
        Label(drawing.width - _MARGIN, line, SOURCE, _SMALL, "end", SOFT_INK),
    ]
