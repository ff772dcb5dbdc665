"""The method in one figure, with the real maps of a photo: a wide drawing, and a narrow one for phones and columns."""

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image, ImageOps

from siam.drawing import phrases
from siam.drawing.colours import BASELINE_COLOUR, CROWD, PAPER, SIAM_COLOUR
from siam.drawing.maps import signed_colours, striped
from siam.drawing.printing import DPI, LEAST_TEXT
from siam.drawing.shapes import Box, Drawing, Label, Line, Picture, render_svg, scaled, shortened
from siam.explanation.inference import Contribution, Explanation
from siam.figures import maps

COUNT = 3  # attributes shown
TITLE = "How SIAM works: maps of attributes times templates give contributions; these and the bias add up to the score"
TILE = 100, 75  # size of a map, in the proportions of the photo
PIXELS = 1.5  # px of the photo per unit of the drawing
SMOOTH = 50, 38  # px of a map; browsers smooth it to its size
TEXT, SMALL = 15, 13


def method_svg(explanation: Explanation, *, narrow: bool) -> str:
    """Return the figure for a page, as SVG, for a photo of 4 by 3.

    Text takes the colour of the page around the drawing, and the background is transparent, so it suits light and dark
    pages.
    """
    drawing = _narrow(explanation) if narrow else _wide(explanation)
    text = render_svg(drawing, ink="currentColor", background=None)
    kind = "narrow" if narrow else "wide"
    size = f'width="{drawing.width:g}" height="{drawing.height:g}"'
    text = text.replace(size, f'class="method-{kind}" style="max-width: 100%; height: auto" {size}', 1)
    return text.replace("DejaVu Sans, Verdana, sans-serif", "inherit", 1) + "\n"


def method_figure(explanation: Explanation, width: float) -> Drawing:
    """Return the figure for print, at a width in points, for a photo of 4 by 3: the wide one if its text is legible.

    Where maps are negative, they have level lines.
    """
    draw, across = (_wide, 1000) if SMALL * width / 1000 >= LEAST_TEXT else (_narrow, 400)
    drawing = scaled(draw(explanation, DPI / 72 * width / across), width / across)
    items = [_legible(item, drawing.width) if isinstance(item, Label) else item for item in drawing.items]
    return replace(drawing, items=items)


def _legible(label: Label, width: float) -> Label:
    """Return a label large enough to be read, cut short at the edge of the page."""
    size = max(LEAST_TEXT, label.size)
    room = width - label.x if label.anchor == "start" else width
    return replace(label, size=size, text=shortened(label.text, size, room))


def _wide(explanation: Explanation, fine: float | None = None) -> Drawing:
    """Draw from left to right; `fine` are the px of pictures per unit, by default few, for a page."""
    drawing = Drawing(1000, 400, TITLE)
    step, top = TILE[1] + 23, 54
    middle = top + 1.5 * step - 12
    _photo(drawing, explanation, (0, middle - 72, 192), fine)
    _arrow(drawing, (196, middle), (216, middle))
    _backbone(drawing, (220, middle - 72, 72, 144))
    _arrow(drawing, (296, middle), (330, middle))
    columns = 336, 476, 616
    _heads(drawing, explanation, columns, 16)
    shown = explanation.ranking(count=COUNT)
    for row, item in enumerate(shown):
        _row(drawing, explanation, item, columns, top + row * step, shown, fine)
    right, low = 800, top + COUNT * step - 23
    drawing.items += [
        Line(right, top, right, low, CROWD), Line(right - 8, top, right, top, CROWD),
        Line(right - 8, low, right, low, CROWD),
    ]  # fmt: skip
    _sum(drawing, explanation, right + 18, middle - 62)
    bottom = 385
    drawing.items += [
        Line(261, middle + 72, 261, bottom - 5, BASELINE_COLOUR, 1.5), Label(274, bottom, _baseline(explanation), TEXT)
    ]  # fmt: skip
    drawing.items += [Line(261, bottom - 5, 270, bottom - 5, BASELINE_COLOUR, 1.5)]
    return drawing


def _narrow(explanation: Explanation, fine: float | None = None) -> Drawing:
    """Draw from top to bottom."""
    drawing = Drawing(400, 826, TITLE)
    _photo(drawing, explanation, (104, 0, 192), fine)
    _arrow(drawing, (200, 168), (200, 186))
    _backbone(drawing, (104, 190, 192, 34))
    _arrow(drawing, (200, 228), (200, 246))
    columns = 20, 150, 280
    _heads(drawing, explanation, columns, 268)
    shown = explanation.ranking(count=COUNT)
    top, step = 300, TILE[1] + 42
    for row, item in enumerate(shown):
        _row(drawing, explanation, item, columns, top + row * step, shown, fine, below=True)
    _sum(drawing, explanation, 150, top + COUNT * step + 10)
    drawing.items += [
        Line(104, 207, 6, 207, BASELINE_COLOUR, 1.5), Line(6, 207, 6, 807, BASELINE_COLOUR, 1.5),
        Line(6, 807, 16, 807, BASELINE_COLOUR, 1.5), Label(20, 812, _baseline(explanation), SMALL),
    ]  # fmt: skip
    return drawing


def _heads(drawing: Drawing, explanation: Explanation, columns: tuple[int, int, int], y: float) -> None:
    shown = f"{COUNT} of {len(explanation.attributes)} maps"
    heads = ("what, where", shown), ("how", "template"), ("contribution", "their product")
    for x, (head, below) in zip(columns, heads, strict=True):
        drawing.items += [Label(x, y, head, TEXT), Label(x, y + 18, below, SMALL)]


def _photo(drawing: Drawing, explanation: Explanation, place: tuple[float, float, float], fine: float | None) -> None:
    x, y, width = place
    height = width * 3 / 4
    size = round(width * (fine or PIXELS)), round(height * (fine or PIXELS))
    photo = ImageOps.fit(explanation.image, size)
    drawing.items += [
        Picture(x, y, width, height, photo if fine else photo.quantize(96), "the photo"),
        Label(x, y + height + 18, "photo", TEXT),
    ]


def _backbone(drawing: Drawing, place: tuple[float, float, float, float]) -> None:
    x, y, width, height = place
    drawing.items += [
        Box(x, y, width, height, SIAM_COLOUR),
        Label(x + width / 2, y + height / 2 + 5, "backbone", SMALL, "middle", PAPER),
    ]


def _row(
    drawing: Drawing,
    explanation: Explanation,
    item: Contribution,
    columns: tuple[int, int, int],
    y: float,
    shown: Sequence[Contribution],
    fine: float | None,
    *,
    below: bool = False,
) -> None:
    """Draw one attribute: its map times its template gives its contribution."""
    name, value = phrases.words(item.attribute), phrases.signed(item.value)
    pictures = _pictures(explanation, item.index, [one.index for one in shown], fine)
    for x, picture, text in zip(columns, pictures, ("map", "template", "contribution"), strict=True):
        drawing.items.append(Box(x - 1, y - 1, TILE[0] + 2, TILE[1] + 2, CROWD))
        drawing.items.append(Picture(x, y, *TILE, picture, f"{text} of {name}"))
    for x, sign in zip(columns[1:], "×=", strict=True):
        gap = x - columns[0] - TILE[0] if x == columns[1] else x - columns[1] - TILE[0]
        drawing.items.append(Label(x - gap / 2, y + TILE[1] / 2 + 6, sign, 18, "middle"))
    drawing.items.append(Label(columns[0], y + TILE[1] + 16, name, SMALL))
    if below:
        drawing.items += [Label(columns[2] + TILE[0], y + TILE[1] + 17, value, TEXT, "end")]
    else:
        drawing.items += [Label(columns[2] + TILE[0] + 14, y + TILE[1] / 2 + 5, value, TEXT)]


def _pictures(
    explanation: Explanation, index: int, shown: list[int], fine: float | None
) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Return map, template and contribution of an attribute, on the scales of all that are shown."""
    size = SMOOTH if fine is None else (round(TILE[0] * fine), round(TILE[1] * fine))
    template, contribution = explanation.templates[index], explanation.contribution_maps[index]
    limits = (
        float(explanation.attribute_maps[shown].max()),
        float(abs(explanation.templates[shown]).max()),
        float(abs(explanation.contribution_maps[shown]).max()),
    )
    presence = maps.attribute_map(explanation, index, limits[0], size)
    how = maps.template_image(explanation, index, limits[1], side=TILE[0] if fine is None else size[0])
    product = signed_colours(contribution, limits[2], size)
    if fine is None:
        return presence, how, product
    return presence, striped(how, template, limits[1]), striped(product, contribution, limits[2])


def _sum(drawing: Drawing, explanation: Explanation, x: float, y: float) -> None:
    """Write the sum, line by line, down to the score."""
    shown = sum(item.value for item in explanation.ranking(count=COUNT))
    others = len(explanation.attributes) - COUNT
    lines = [
        ("bias", phrases.number(explanation.bias)),
        (f"these {COUNT}", phrases.signed(shown)),
        (f"{others} others", phrases.signed(explanation.others(COUNT))),
    ]
    for place, (text, value) in enumerate(lines):
        drawing.items += [Label(x, y + 24 * place, text, TEXT), Label(x + 165, y + 24 * place, value, TEXT, "end")]
    y += 24 * len(lines)
    score = phrases.score_text(explanation.scenicness, explanation.scale)
    drawing.items += [
        Line(x, y - 14, x + 165, y - 14, CROWD),
        Label(x, y + 10, "score", 18),
        Label(x + 165, y + 10, score, 18, "end"),
    ]


def _baseline(explanation: Explanation) -> str:
    assert explanation.baseline_scenicness is not None  # the bundled pair has one
    score = phrases.score_text(explanation.baseline_scenicness, explanation.scale)
    return f"baseline: mean of the features, one linear layer: {score}"


def _arrow(drawing: Drawing, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow to the right or down."""
    (x1, y1), (x, y) = start, end
    drawing.items.append(Line(x1, y1, x, y, CROWD, 1.5))
    tips = ((x - 6, y - 5), (x - 6, y + 5)) if y1 == y else ((x - 5, y - 6), (x + 5, y - 6))
    drawing.items += [Line(*tip, x, y, CROWD, 1.5) for tip in tips]
