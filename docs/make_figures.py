"""Draw the pictures of README and the documentation: `python -m docs.make_figures`.

The figures of the method and of four samples are drawn by the bundled networks, the pages by the running app in the
browser that the tests drive, so they always show the pages as they are. The photo in the method's figure is "Picos de
Europa" by Aitzol Berasategi, CC BY 4.0, scaled down to few colours.
"""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

import siam
from siam.drawing.colours import INK, PAPER, SOFT_INK
from siam.drawing.shapes import font
from siam.explanation import wording
from siam.figures import maps
from siam.figures.method import method_svg
from siam.gallery.samples import load_samples
from siam.images.reading import read_image
from tests.screenshots import PAGES, settle
from tests.support.server import chromium, running_app

ROOT = Path(__file__).parent.parent
METHOD = "mountain-path"  # the sample in the figure of the method
SHOWN = ("lake-boats", "forest-path", "mountain-path", "storm-road")
PICTURES = ROOT / "docs" / "pictures"
SHOTS = {  # address and height, px
    "explain": ("?sample=forest-path", 1900),
    "case": (PAGES["case"], 1440),
    "what_if": (PAGES["what_if"], 1840),
    "templates": (PAGES["templates"], 1500),
    "compare": (PAGES["compare"], 1700),
}
TILE, TILES, GAP, CAPTION = 230, 5, 10, 34  # px


def row(explanation: siam.Explanation, name: str) -> Image.Image:
    """Return one photo with its scores, its total map, and the five attributes that count most."""
    tiles = [tile for _, tile in maps.tiles(explanation, count=TILES, width=TILE)]
    height = tiles[0].height
    size = (round(height * 4 / 3), height)
    pictures = [
        ImageOps.fit(explanation.image, size),
        ImageOps.fit(maps.total_maps(explanation, side=800).siam, size),
    ]
    width = 2 * (size[0] + GAP) + TILES * (TILE + GAP) - GAP
    strip = Image.new("RGB", (width, height + CAPTION), PAPER)
    pen = ImageDraw.Draw(strip)
    pen.text((0, 22), name, INK, font(19), "ls")
    left = 0
    told = f"{wording.scores(explanation)}. {wording.sentence(explanation)}"  # what is doubtful would not fit
    pen.text((110, 22), told, SOFT_INK, font(15), "ls")
    for picture in [*pictures, *tiles]:
        strip.paste(picture, (left, CAPTION))
        left += picture.width + GAP
    return strip


def draw_pages() -> None:
    """Save the pages as a visitor sees them."""
    with running_app() as address, chromium() as browser:
        for name, (path, height) in SHOTS.items():
            page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme="light")
            page.goto(f"{address}/{path}")
            settle(page)
            with Image.open(io.BytesIO(page.screenshot())) as picture:
                picture.convert("RGB").save(PICTURES / f"{name}.jpg", quality=82)
            page.close()


def main() -> None:
    """Write the pictures in docs/pictures, and the method's figures in assets."""
    draw_pages()
    pair = siam.load("photo", device="cpu")
    samples = {sample.key: sample for sample in load_samples()}
    shown = siam.explain(pair, read_image(samples[METHOD].path))
    for name, narrow in (("method.svg", False), ("method-narrow.svg", True)):
        (ROOT / "assets" / name).write_text(method_svg(shown, narrow=narrow), encoding="utf-8")
    rows = [row(siam.explain(pair, read_image(samples[key].path)), samples[key].name) for key in SHOWN]
    figure = Image.new("RGB", (max(r.width for r in rows) + 2 * GAP, sum(r.height + GAP for r in rows) + GAP), PAPER)
    top = GAP
    for strip in rows:
        figure.paste(strip, (GAP, top))
        top += strip.height + GAP
    figure.save(PICTURES / "samples.jpg", quality=88)


if __name__ == "__main__":
    main()
