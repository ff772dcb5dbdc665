"""Whether the bundled heads of L-CAM do better than masks that look at nothing: `python -m benchmarks.heads NAME DIR`.

NAME is a bundled pair or a variant of flowers, DIR a folder of rendered scenes or flowers, whose train split is left
out: no head learnt from the others. `python -m siam data render` makes both, with the seeds and counts that the heads'
facts name.
"""

import json
import sys
import tempfile
from pathlib import Path

import siam
from siam.datasets import flowers, rendered
from siam.explainers.fitting.lcam import judged
from siam.models import flowers as flower_networks

HEADS = "lcam_fm", "lcam_img"


def main() -> None:
    """Print the figures of both heads as JSON, as their files hold them."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    of_flowers = (flower_networks.BUNDLED / name).is_dir()
    photos = flowers.read(folder) if of_flowers else rendered.read(folder)
    files = [path for path, split in zip(photos.files, photos.split, strict=True) if split != "train"]
    model = flower_networks.load(name, "cpu") if of_flowers else siam.load(name, "cpu").baseline
    if model is None:
        sys.exit(f"error: {name} has no baseline, which L-CAM explains")
    with tempfile.TemporaryDirectory() as cache:
        for head in HEADS:
            print(head, json.dumps(judged(head, model, files, Path(cache))), flush=True)


if __name__ == "__main__":
    main()
