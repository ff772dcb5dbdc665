"""How much time keeping freed memory saves the networks: `python -m benchmarks.memory`.

Both networks of the photo pair score the same picture in alternating processes: one with the C library's defaults, one
with `siam.runtime.memory`. The choice applies to a whole process, so a round is one process of each.
"""

import statistics
import subprocess
import sys
import time
from unittest.mock import patch

import torch

import siam
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image

ROUNDS, TIMES = 5, 10
USUAL, KEPT = "usual", "kept"


def milliseconds() -> float:
    """Return the milliseconds that both networks take for a picture: the median of several runs."""
    pair = siam.load("photo", device="cpu")
    assert pair.baseline is not None
    pixels = preprocess(read_image(load_samples()[0].path), pair.siam.config)
    taken = []
    with torch.inference_mode():
        for _time in range(TIMES):
            began = time.perf_counter()
            pair.siam(pixels)
            pair.baseline(pixels)
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[2:])  # after warming up


def main() -> None:
    """Print one line per round, and the median ratio."""
    if sys.argv[1:] == [USUAL]:
        with patch("siam.models.checkpoint.keep_freed_memory"):
            print(milliseconds())
        return
    if sys.argv[1:] == [KEPT]:
        print(milliseconds())
        return
    ratios = []
    print(f"{'round':<8}{'usual, ms':>12}{'kept, ms':>12}{'ratio':>8}")
    for number in range(ROUNDS):
        command = [sys.executable, "-m", "benchmarks.memory"]
        usual, kept = (float(subprocess.check_output([*command, which])) for which in (USUAL, KEPT))
        ratios.append(kept / usual)
        print(f"{number:<8}{usual:>12.1f}{kept:>12.1f}{ratios[-1]:>8.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
