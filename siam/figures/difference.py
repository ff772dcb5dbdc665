"""Two to four photos side by side: what leads from the first one's score to the others', and the maps that changed."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from siam.drawing.colours import INK, SOFT_INK
from siam.drawing.maps import (
    DISPLAY_SIDE,
    display_photo,
    frame_factor,
    framed,
    inner_size,
    overlay,
    signed_colours,
    striped,
    swiped,
)
from siam.drawing.phrases import number, score_text, signed, signed_map_text
from siam.drawing.printing import DPI, PAGE, points
from siam.drawing.shapes import Drawing, Label, moved, render_png, render_svg, wrapped
from siam.explanation.difference import Difference, differences
from siam.explanation.inference import Explanation
from siam.explanation.recognition import marked
from siam.explanation.waterfall import difference_steps, steps_drawing
from siam.explanation.wording import attribute_map_text, difference_sentences, view_text
from siam.figures.maps import attribute_map
from siam.figures.paper import write_credit
from siam.figures.sheet import (
    GAP,
    MARGIN,
    SMALL,
    TEXT,
    Cell,
    Grid,
    draw_cell,
    draw_grey_scale,
    draw_signed_scale,
    frame_scale,
    grid,
)

COUNT = 4  # attributes whose maps are shown
STEPS = 8  # attributes in the waterfall

_UNCOVERED = "#8A949E"  # where a photo that moved has nothing to show
_NARROWEST = 49  # pt of a picture
_CHART = 140  # pt of a waterfall, at least
_TALLEST = 0.75  # height / width of the area for a picture, at most


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


def difference_figure_png(explanations: Sequence[Explanation], names: Sequence[str], changed: str = "") -> bytes:
    """Return the figure as a PNG file, as wide as a page at 300 dpi."""
    stream = io.BytesIO()
    render_png(difference_figure(explanations, names, changed=changed), DPI / 72).save(stream, "PNG", dpi=(DPI, DPI))
    return stream.getvalue()


def difference_figure_svg(explanations: Sequence[Explanation], names: Sequence[str], changed: str = "") -> str:
    """Return the figure as an SVG file with real text and embedded pictures."""
    drawing = difference_figure(explanations, names, changed=changed)
    return render_svg(drawing, size=(f"{PAGE}mm", f"{drawing.height / points(1):.4f}mm"))


def difference_figure(
    explanations: Sequence[Explanation],
    names: Sequence[str],
    width: float = points(PAGE),
    credit: bool = True,
    changed: str = "",
) -> Drawing:
    """Return the layout of the figure: photos, total maps, waterfalls, and the maps that changed, from top to bottom.

    Args:
        explanations: of two to four photos by the same networks, the one that the others are compared with first.
        names: of the photos.
        width: of the figure in points.
        credit: whether the differences are also told in words, with networks, scale and source at the bottom.
        changed: what changed, such as "the wind turbines", for these words.

    Raises:
        ValueError: these are not two to four photos, explained by the same networks.
    """
    found = differences(explanations, changed)
    drawing = Drawing(width, 0, f"Scores of {len(explanations)} photos by {explanations[0].model}")
    end = _sentences(drawing, found, names) if credit else 0.0
    end = _photos(drawing, explanations, names, end)
    end = _waterfalls(drawing, found, names, end)
    drawing.height = _changes(drawing, found, end + GAP)
    if credit:
        write_credit(drawing, explanations[0])
    return drawing


def _sentences(drawing: Drawing, found: Sequence[Difference], names: Sequence[str]) -> float:
    """Write what makes the scores differ, and how far the views agree, at the top; return where they end."""
    line, room = TEXT + 3.0, drawing.width - 2 * MARGIN
    for of, name, sentence in zip(found, names[1:], difference_sentences(found, names), strict=True):
        for text, size, ink in ((sentence, TEXT, INK), (view_text(of, (names[0], name)), SMALL, SOFT_INK)):
            for part in wrapped(text, size, room):
                drawing.items.append(Label(MARGIN, line, part, size, fill=ink))
                line += size + 3
        line += 4
    return line


def _grid(explanations: Sequence[Explanation], width: float) -> Grid:
    """Return a grid with two columns for each photo if there is room, else with one; the tallest sets its rows."""
    shape = min(max(of.image.height / of.image.width for of in explanations), _TALLEST)
    fitting = grid(width, 2 * len(explanations), (1000, max(1, round(1000 * shape))), 2, _NARROWEST)
    columns = fitting.columns if fitting.columns == 2 * len(explanations) else min(fitting.columns, len(explanations))
    return replace(fitting, columns=columns)


def _draw(
    drawing: Drawing, of: Grid, explanations: Sequence[Explanation], cells: Sequence[Cell], top: float,
    scale: float = 1.0,
) -> float:  # fmt: skip
    """Draw cells, the photos' in turn, in as many rows as are needed; return where they end."""
    for place, cell in enumerate(cells):
        draw_cell(
            drawing, _own(of, explanations[place % len(explanations)]), divmod(place, of.columns), cell, scale, top
        )
    return top + -(-len(cells) // of.columns) * of.row


def _own(of: Grid, explanation: Explanation) -> Grid:
    return replace(of, own=explanation.image.height / explanation.image.width)


def _photos(drawing: Drawing, explanations: Sequence[Explanation], names: Sequence[str], top: float) -> float:
    """Draw photos and total maps; return where they end."""
    limit = max(float(np.abs(each.total_map).max()) for each in explanations)
    of, photos, maps = _grid(explanations, drawing.width), [], []
    for each, name in zip(explanations, names, strict=True):
        score, size = each.baseline_scenicness, _own(of, each).pixels
        baseline = "" if score is None else f"baseline {number(score)}"
        photos.append(Cell(name, display_photo(each.image, max(size)), f"photo {name}", baseline))
        image = striped(signed_colours(each.total_map, limit, size), each.total_map, limit)
        text = score_text(each.scenicness, each.scale)
        maps.append(Cell("SIAM", image, signed_map_text(each.total_map), text, hairline=True))
    return _draw(drawing, of, explanations, [*photos, *maps], top)


def _changes(drawing: Drawing, found: Sequence[Difference], top: float) -> float:
    """Draw the maps that changed most, those of one attribute in turn, and both scales; return where they end."""
    indices, photos, width = most_changed(found), explanations_of(found), drawing.width
    of, limit = _grid(photos, width), grey_limit(found, indices)
    scale = frame_scale([float(each.contributions[index]) for each in photos for index in indices])
    cells = []
    for index in indices:
        for place, each in enumerate(photos):
            name = marked(each.recognition, each.attributes[index])
            title = name if place == 0 else f"change {signed(float(found[place - 1].values[index]))}"
            value, image = float(each.contributions[index]), attribute_map(each, index, limit, _own(of, each).pixels)
            cells.append(Cell(title, image, attribute_map_text(each, index), signed(value), value))
    y = _draw(drawing, of, photos, cells, top, scale)
    total, across = total_limit(found), min(150.0, (width - 2 * MARGIN - GAP) / 2)
    draw_signed_scale(drawing, (MARGIN, y + 2, across), total)
    draw_grey_scale(drawing, (MARGIN + across + GAP, y + 2, across), limit)
    return y + 22


def _waterfalls(drawing: Drawing, found: Sequence[Difference], names: Sequence[str], top: float) -> float:
    """Draw the steps from the first score to each other one, side by side if there is room; return where they end."""
    width = drawing.width - 2 * MARGIN
    columns = max(1, min(len(found), int((width + GAP) / (_CHART + GAP))))
    across, end = (width - (columns - 1) * GAP) / columns, top
    for place, (of, name) in enumerate(zip(found, names[1:], strict=True)):
        column = place % columns
        steps = difference_steps(of, STEPS, names=(names[0], name))
        chart = steps_drawing(steps, f"From {names[0]} to {name}", across, TEXT)
        top = top if column else end
        drawing.items += moved(chart, MARGIN + column * (across + GAP), top)
        end = max(end, top + chart.height)
    return end
