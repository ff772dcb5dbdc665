"""A contact sheet of rendered scenes."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from siam.images.reading import read_image
from siam.runtime.files import write_atomically

COLUMNS = 6
_TILE, _GAP = 260, 6  # px
_PAPER = "white"


def contact_sheet(pictures: Sequence[Path], columns: int = COLUMNS) -> Image.Image:
    """Return the pictures side by side on white, `columns` per row, in order.

    Raises:
        ImageError: a picture cannot be read.
    """
    rows = -(-len(pictures) // columns)
    step = _TILE + _GAP
    sheet = Image.new("RGB", (columns * step - _GAP, rows * step - _GAP), _PAPER)
    for number, path in enumerate(pictures):
        tile = read_image(path).resize((_TILE, _TILE), Image.Resampling.LANCZOS)
        sheet.paste(tile, (number % columns * step, number // columns * step))
    return sheet


def write_sheet(root: Path, numbers: Sequence[int], path: Path) -> None:
    """Write a contact sheet of some scenes below `root`, as a JPEG file.

    Raises:
        ImageError: a picture is missing or damaged.
    """
    stored = BytesIO()
    contact_sheet([root / "images" / f"{number}.jpg" for number in numbers]).save(stored, "JPEG", quality=88)
    write_atomically(path, stored.getvalue())
