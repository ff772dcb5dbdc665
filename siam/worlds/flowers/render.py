"""Render many flowers into a folder: in parallel, each from its own seed, and resumable."""

import csv
import json
import os
import sys
from io import BytesIO, StringIO
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from siam.datasets.flowers.classes import COLOURS, ORDINARY, VARIANTS, class_of, split_of
from siam.datasets.flowers.layout import COLUMNS, FACTS, TABLE, image_path, mask_path
from siam.errors import DatasetError
from siam.runtime.files import remove_left_over, write_atomically
from siam.runtime.processes import in_parallel
from siam.worlds.flowers.scene import render

SIZES = (64, 1024)  # pixels: smallest and largest square pictures
_QUALITY = 92  # of the JPEG files, without chroma subsampling


def render_flowers(
    out: Path, count: int, seed: int, variant: str = "single-6c", size: int = 256, workers: int | None = None
) -> None:
    """Render flowers 1 to `count` of a seed into `out`; existing ones are kept.

    Flower n of a seed, variant and size is always the same, whatever `count` and `workers` are.

    Args:
        out: the folder, in the layout of `siam.datasets.flowers`.
        count: number of pictures.
        seed: seed of the flowers, at least 0.
        variant: a key of `classes.VARIANTS`.
        size: side of the square pictures, in pixels.
        workers: number of processes; by default one per core.

    Raises:
        DatasetError: the folder holds flowers of another seed, variant or size.
        StorageError: the folder cannot be written to.
        ValueError: a number is out of range, or there is no such variant.
    """
    if count < 1 or seed < 0 or not SIZES[0] <= size <= SIZES[1] or variant not in VARIANTS:
        raise ValueError(
            f"got count {count}, seed {seed}, size {size}, variant {variant!r}; expected at least 1, at least 0, "
            f"{SIZES[0]} to {SIZES[1]}, one of {', '.join(VARIANTS)}"
        )
    _claim(out, variant, seed, size)
    waiting = [number for number in range(1, count + 1) if not _is_whole(out, number)]
    jobs = ((out, variant, seed, number, size) for number in waiting)
    processes = min(workers or os.cpu_count() or 1, len(waiting))
    steps = in_parallel(render_one, jobs, processes) if processes > 1 else (render_one(*job) for job in jobs)
    with tqdm(total=count, initial=count - len(waiting), desc="flowers", unit="flower", file=sys.stderr) as progress:
        for _step in steps:
            progress.update()
    _write_table(out, variant, seed)


def render_one(out: Path, variant: str, seed: int, number: int, size: int) -> None:
    """Render one flower into its two files, the picture last."""
    flower = render(seed, number, size, VARIANTS[variant][class_of(variant, seed, number)])
    picture, mask = BytesIO(), BytesIO()
    flower.picture.save(picture, "JPEG", quality=_QUALITY, subsampling=0)
    Image.fromarray(flower.mask).save(mask, "PNG", optimize=True)
    write_atomically(mask_path(out, number), mask.getvalue())
    write_atomically(image_path(out, number), picture.getvalue())


def _claim(out: Path, variant: str, seed: int, size: int) -> None:
    """Write the facts about the rendering, or check that they match an earlier one's."""
    path = out / FACTS
    remove_left_over(out)
    facts = {
        "world": "flowers",
        "variant": variant,
        "seed": seed,
        "size": size,
        "classes": [{"name": kind.name, "part": kind.part, "colour": kind.colour} for kind in VARIANTS[variant]],
        "colours_srgb": {**COLOURS, **{f"ordinary {part}": colour for part, colour in ORDINARY.items()}},
        "parts": {"petals": "all petals", "stem": "stem, leaves and sepals"},
        "mask": "pixels that show the part of the picture's class, if only at their edge",
    }
    text = json.dumps(facts, indent=1) + "\n"
    if not path.exists():
        write_atomically(path, text.encode())
    elif path.read_text(encoding="utf-8", errors="replace") != text:
        raise DatasetError(
            f"{path} describes other flowers than {variant}, seed {seed}, {size} px: choose another folder, or render "
            "the flowers it describes"
        )


def _is_whole(out: Path, number: int) -> bool:
    return image_path(out, number).exists() and mask_path(out, number).exists()


def _write_table(out: Path, variant: str, seed: int) -> None:
    """Write the table of all flowers in the folder, ordered by number."""
    numbers = (int(path.stem) for path in image_path(out, 0).parent.glob("*.jpg") if path.stem.isdecimal())
    text = StringIO()
    rows = csv.writer(text, delimiter="\t", lineterminator="\n")
    rows.writerow(COLUMNS)
    for number in sorted(number for number in numbers if _is_whole(out, number)):
        kind = class_of(variant, seed, number)
        rows.writerow([number, kind, VARIANTS[variant][kind].name, split_of(variant, number), seed])
    write_atomically(out / TABLE, text.getvalue().encode())
