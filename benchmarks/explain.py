"""What an explanation costs compared with the two networks' bare forward passes: `python -m benchmarks.explain`.

Both are timed alternately in one run, so that the ratio holds on a busy machine; the budget is 1.10.
"""

import statistics
import time

import torch

import siam
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image

ROUNDS = 15


def bare(pair: siam.Pair, pixels: torch.Tensor) -> float:
    """Return the seconds that both backbones take with pooling: the least that any score needs."""
    assert pair.baseline is not None
    began = time.perf_counter()
    with torch.inference_mode():
        for network in (pair.siam, pair.baseline):
            network.backbone(pixels).mean(dim=(2, 3))
    return time.perf_counter() - began


def main() -> None:
    """Print one line per sample photo and the median ratio."""
    pair = siam.load("photo", device="cpu")
    ratios = []
    print(f"{'photo':<20}{'bare ms':>10}{'explain ms':>12}{'ratio':>8}   (medians of {ROUNDS}; photo already read)")
    for sample in load_samples():
        image = read_image(sample.path)
        pixels = preprocess(image, pair.siam.config)
        plain, full = [], []
        for _round in range(ROUNDS):
            plain.append(bare(pair, pixels))
            full.append(siam.explain(pair, image).seconds["networks"])
        ratios.append(statistics.median(full) / statistics.median(plain))
        print(
            f"{sample.key:<20}{1000 * statistics.median(plain):>10.1f}{1000 * statistics.median(full):>12.1f}"
            f"{ratios[-1]:>8.2f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f} (budget 1.10), {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
