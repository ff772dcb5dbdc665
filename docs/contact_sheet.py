"""Draw photos that were never trained on or chosen for a gallery, with the three biggest causes of each score.

`python -m docs.contact_sheet DIR` draws the photos of docs/results/twenty.csv into docs/pictures/twenty.jpg; they come
into DIR by `python -m siam data open-photos DIR --list docs/results/twenty.csv`.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

import siam
from siam.datasets.downloads.open_photos import IMAGES, read_list
from siam.drawing.colours import INK, PAPER, SOFT_INK
from siam.drawing.phrases import signed
from siam.drawing.shapes import font
from siam.explanation.recognition import marked
from siam.figures import maps
from siam.images.reading import read_image

ROOT = Path(__file__).parent.parent
LIST = ROOT / "docs" / "results" / "twenty.csv"
SHEET = ROOT / "docs" / "pictures" / "twenty.jpg"
ACROSS, CAUSES = 4, 3
WIDTH, HEIGHT, TEXT, GAP = 300, 225, 92, 14  # px: of a picture, of the lines below it, and between photos


def card(number: int, title: str, explanation: siam.Explanation) -> Image.Image:
    """Return a photo with its number and title, its total map, its scores and its biggest causes."""
    drawn = Image.new("RGB", (2 * WIDTH, HEIGHT + TEXT), PAPER)
    drawn.paste(ImageOps.fit(explanation.image, (WIDTH, HEIGHT)), (0, 0))
    drawn.paste(ImageOps.fit(maps.total_maps(explanation, side=600).siam, (WIDTH, HEIGHT)), (WIDTH, 0))
    pen = ImageDraw.Draw(drawn)
    scores = f"SIAM {explanation.scenicness:.1f}"
    if explanation.baseline_scenicness is not None:
        scores += f", baseline {explanation.baseline_scenicness:.1f}"
    pen.text((2, HEIGHT + 22), f"{number}. {title}", INK, font(17), "ls")
    pen.text((2 * WIDTH - 2, HEIGHT + 22), scores, SOFT_INK, font(15), "rs")
    causes = [
        f"{marked(explanation.recognition, item.attribute)} {signed(item.value)}"
        for item in explanation.ranking(count=CAUSES)
    ]
    pen.text((2, HEIGHT + 52), "   ".join(causes), INK, font(17), "ls")
    return drawn


def main() -> None:
    """Draw the sheet from the photos in the folder that the command line names."""
    folder = Path(sys.argv[1]) / IMAGES
    pair = siam.load("photo", device="cpu")
    photos = read_list(LIST)
    cards = [
        card(number, photo.title, siam.explain(pair, read_image(folder / photo.file)))
        for number, photo in enumerate(photos, start=1)
    ]
    columns = ACROSS // 2
    rows = -(-len(cards) // columns)
    width, height = cards[0].size
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), PAPER)
    for place, drawn in enumerate(cards):
        row, column = divmod(place, columns)
        sheet.paste(drawn, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    sheet.save(SHEET, quality=80)


if __name__ == "__main__":
    main()
