"""Names and paths of the files in a folder of flowers."""

from pathlib import Path

TABLE, FACTS = "flowers.tsv", "flowers.json"
COLUMNS = ("id", "class", "name", "split", "seed")


def image_path(root: Path, number: int) -> Path:
    """Return the path of a picture."""
    return root / "images" / f"{number}.jpg"


def mask_path(root: Path, number: int) -> Path:
    """Return the path of a mask."""
    return root / "masks" / f"{number}.png"
