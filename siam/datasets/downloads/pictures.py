"""Saves a downloaded photo: checked first, then written atomically."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from siam.images.reading import quiet_pillow
from siam.runtime.files import write_atomically


def save(root: Path, identifier: int, data: bytes) -> bool:
    """Write a photo, from any thread, to `images/<ID>.jpg` if it can be decoded; return whether it could.

    Raises:
        StorageError: it cannot be stored.
    """
    try:
        with quiet_pillow(), Image.open(BytesIO(data)) as image:
            image.load()
    except Exception:  # on hostile bytes, Pillow's decoders raise nearly anything
        return False
    write_atomically(root / "images" / f"{identifier}.jpg", data)
    return True
