"""How much scores change when large JPEGs are decoded at reduced size: `python -m benchmarks.decoding DIR [SIDE]`.

DIR is searched for large JPEG photos, such as the originals of the open photos in their packages. Each is scaled so
that its shorter side has twice SIDE px (by default the least that photos keep, `LEAST_SIDE`), saved, and scored twice:
decoded whole, and decoded at half its size, which leaves SIDE px.
"""

import random
import statistics
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

import siam
from siam.images.reading import LEAST_SIDE, read_image, upright_size

COUNT, ASPECT, WHOLE = 70, 3, 10_000


def main() -> None:
    """Print the median and the largest change of both scores."""
    folder, side = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else LEAST_SIDE
    photos = [path for path in sorted(folder.rglob("*.jp*g")) if _is_large(path, 2 * side)]
    random.Random(0).shuffle(photos)
    pair, changes = siam.load("photo", device="cpu"), []
    for path in photos[:COUNT]:
        data = _scaled(path, 2 * side)
        whole, reduced = (siam.explain(pair, read_image(data, least=least)) for least in (WHOLE, side))
        assert min(reduced.image.size) == side < min(whole.image.size)
        changes.append(abs(whole.scenicness - reduced.scenicness))
        if whole.baseline_scenicness is not None and reduced.baseline_scenicness is not None:
            changes.append(abs(whole.baseline_scenicness - reduced.baseline_scenicness))
    if not changes:
        sys.exit(f"error: {folder} holds no JPEG photos whose shorter side has {2 * side} px or more")
    count = min(COUNT, len(photos))
    print(f"{count} photos at {side} px: median {statistics.median(changes):.4f}, largest {max(changes):.4f} points")


def _is_large(path: Path, side: int) -> bool:
    size = upright_size(path)
    return size is not None and side <= min(size) and max(size) <= ASPECT * min(size)


def _scaled(path: Path, side: int) -> bytes:
    """Return a photo as a JPEG file whose shorter side has `side` px."""
    with Image.open(path) as photo:
        share = side / min(photo.size)
        size = (round(photo.width * share), round(photo.height * share))
        stream = BytesIO()
        photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=92)
    return stream.getvalue()


if __name__ == "__main__":
    main()
