"""An explanation as a notebook shows it: markup with everything in it, without a style sheet or scripts.

Text has the colour of the notebook, so that it can be read on light and dark pages, and no style reaches beyond it.
"""

from collections.abc import Iterable

from PIL import Image

from siam.drawing.colours import sign_colour
from siam.drawing.maps import display_photo, fitted, frame_factor, frame_style, frame_width, grey_map, overlay
from siam.drawing.palettes import palette
from siam.drawing.phrases import score_text, signed, signed_map_text, tick_text, where, words
from siam.drawing.shapes import data_uri, render_svg, safe
from siam.explanation.inference import Contribution, Explanation
from siam.explanation.recognition import caveat, legend, marked
from siam.explanation.waterfall import waterfall_drawing
from siam.explanation.wording import attribute_map_text, sentence, trust

COUNT = 8  # attributes shown with their maps
_PHOTO, _TILE = 320, 180  # px
_ROW = "display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start;margin:12px 0"
_SMALL = "font-size:0.875em;opacity:0.8"


def html(explanation: Explanation) -> str:
    """Return the markup of an explanation: scores, sentence, photo, waterfall and the maps of eight attributes."""
    scores = f"<b>SIAM {score_text(explanation.scenicness, explanation.scale)}</b>"
    if explanation.baseline_scenicness is not None:
        scores += f" · baseline {score_text(explanation.baseline_scenicness, explanation.scale)}"
    about = f"{safe(explanation.model)}, {safe(words(explanation.scale.name))}"
    text = safe(" ".join(filter(None, (sentence(explanation), caveat(explanation), trust(explanation)))))
    shown = explanation.ranking(count=COUNT)
    chart = render_svg(waterfall_drawing(explanation, COUNT), ink="currentColor", background=None)
    return (
        '<div style="max-width:60em;font-family:system-ui,sans-serif;line-height:1.5;color:inherit">'
        f'<div><span style="font-size:1.25em">{scores}</span> <span style="{_SMALL}">{about}</span></div>'
        f"<div>{text}</div>"
        f'<div style="{_ROW}">{_photos(explanation)}<div>{chart}</div></div>'
        f'<div style="{_ROW}">{_tiles(explanation, shown)}</div>'
        f'<div style="{_SMALL}">{_key(explanation, shown)}</div></div>'
    )


def _photos(explanation: Explanation) -> str:
    photo = display_photo(explanation.image, _PHOTO)
    limit = float(abs(explanation.total_map).max())
    total = overlay(photo, explanation.total_map, limit)
    text = signed_map_text(explanation.total_map)
    return _figure(_picture(photo, "the photo"), "Photo") + _figure(_picture(total, text), "SIAM's total map")


def _tiles(explanation: Explanation, shown: list[Contribution]) -> str:
    _area, size = fitted(explanation.image.size, _TILE)
    limit, factor = map_limit(explanation, shown), frame_factor(item.value for item in shown)
    figures = []
    for item in shown:
        image = grey_map(explanation.attribute_maps[item.index], limit, size)
        frame = f"border:{frame_width(item.value, factor)}px {frame_style(item.value)} {sign_colour(item.value)}"
        title = f"{safe(marked(explanation.recognition, item.attribute))} <b>{signed(item.value)}</b>"
        place = f'<span style="{_SMALL}">{where(explanation.contribution_maps[item.index])}</span>'
        figures.append(
            _figure(_picture(image, attribute_map_text(explanation, item.index), frame), f"{title}<br>{place}")
        )
    return "".join(figures)


def _key(explanation: Explanation, shown: list[Contribution]) -> str:
    signs = legend(explanation.recognition, (item.attribute for item in shown))
    return (
        f"Maps: black is 0, white is {tick_text(map_limit(explanation, shown))}. {palette().frames}; "
        "the width is proportional to the contribution."
        f"{f' Beside a name: {safe(signs)}.' if signs else ''}"
    )


def map_limit(explanation: Explanation, shown: Iterable[Contribution]) -> float:
    """Return the largest value in the maps shown, which is white in all of them."""
    return max((float(explanation.attribute_maps[item.index].max()) for item in shown), default=0.0)


def _figure(picture: str, caption: str) -> str:
    return f'<div style="line-height:1.35">{picture}<div style="max-width:{_PHOTO}px">{caption}</div></div>'


def _picture(image: Image.Image, text: str, frame: str = "border:0") -> str:
    kind = "PNG" if image.mode == "L" else "JPEG"
    style = f"display:block;box-sizing:content-box;max-width:none;margin:0 0 4px;{frame}"
    return (
        f'<img src="{data_uri(image, kind)}" width="{image.width}" height="{image.height}" alt="{safe(text)}" '
        f'style="{style}">'
    )
