"""How fast photos are explained and scored, compared with the bare networks in PyTorch.

The bare networks are the least that anybody's own code would run: both backbones on prepared pictures, one by one, with
pooling, each of them whole and by PyTorch alone.
"""

from collections.abc import Callable, Sequence
from itertools import count, cycle, islice
from pathlib import Path

import torch

import siam
from benchmarks.measuring import (
    Pairs,
    alone,
    at_least,
    at_most,
    compared,
    in_its_own_process,
    paired,
    peak,
    seconds,
    timed,
)
from benchmarks.photos import write_large, write_photos
from siam.evaluation.figures import Measurement
from siam.explanation.batch import predict_pair
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models import engine
from siam.models.siam import SIAMOutput

PART = "Networks"
BARE = "both networks in PyTorch"
SAMPLE = 20  # photos of which the bare networks' throughput is measured
FEW = 1000  # photos after which memory should no longer grow: pictures of all sizes have passed
FLAT = 50  # MiB that it may grow nevertheless


def explain(rounds: int) -> list[Measurement]:
    """Measure a full explanation of a photo that has been read."""
    pair = siam.load("photo", device="cpu")
    images = [read_image(sample.path) for sample in load_samples()]
    pixels = [preprocess(image, pair.siam.config) for image in images]

    def ours() -> None:
        for image in images:
            siam.explain(pair, image)

    def theirs() -> None:
        bare(pair, pixels)

    paired(timed(ours), timed(theirs), 1)  # warms
    pairs = paired(timed(ours), timed(theirs), rounds, "explain")
    pairs = Pairs([value / len(images) for value in pairs.ours], [value / len(images) for value in pairs.theirs])
    return [
        compared(
            pairs,
            name="explain",
            part=PART,
            description="Explanation of a photo",
            against=BARE,
            unit="s",
            goal=at_most(0.35),
            note=f"the photo's preparation, and all maps, contributions and totals of both networks, which share their "
            f"first stages, with {_named(engine.name_of(pair.siam))}; mean of {len(images)} sample photos",
        )
    ]


def score(rounds: int, photos: int, folder: Path) -> list[Measurement]:
    """Measure scoring many photo files, and the memory that it takes."""
    files = write_photos(folder, photos)
    pair = siam.load("photo", device="cpu")
    pixels = [preprocess(read_image(path), pair.siam.config) for path in files[: min(SAMPLE, photos)]]
    each = max(1, photos // rounds)
    next_files = cycle(files)

    def ours() -> float:
        chunk = list(islice(next_files, each))
        return seconds(lambda: predict_pair(pair, chunk, lambda output: (output.scenicness,)))

    theirs = timed(lambda: bare(pair, pixels))
    paired(ours, theirs, 1)  # warms
    pairs = paired(ours, theirs, rounds, "score")
    few, all_of_them = in_its_own_process(_peaks, files, min(FEW, photos // 2))
    return [
        compared(
            pairs.rates(each, len(pixels)),
            name="score",
            part=PART,
            description="Scores of many photos",
            against=BARE,
            unit="photos/s",
            goal=at_least(3),
            note=f"{rounds * each:,} JPEG files of 1200 px, read and scored by both networks; the bare networks got "
            f"{len(pixels)} of them prepared and in memory",
        ),
        alone(
            [max(0.0, all_of_them - few)],
            name="score/memory",
            part=PART,
            description="Memory that scoring adds",
            unit="MiB",
            goal=at_most(FLAT, of="ours"),
            note=f"growth of the process's largest size from the first {min(FEW, photos // 2)} photos, {few:,.0f} MiB, "
            f"to all {photos:,}",
        ),
    ]


def jpeg(rounds: int, folder: Path) -> list[Measurement]:
    """Measure what reading and explaining a large photo costs compared with a small one."""
    pair = siam.load("photo", device="cpu")
    source = load_samples()[0].path
    large, small = (write_large(folder / f"{size}.jpg", source, size) for size in (20, 2))

    def explained(path: Path) -> Callable[[], float]:
        return timed(lambda: siam.explain(pair, read_image(path)))

    paired(explained(large), explained(small), 1)  # warms
    pairs = paired(explained(large), explained(small), rounds, "jpeg")
    return [
        compared(
            pairs,
            name="jpeg",
            part=PART,
            description="JPEG of 20 megapixels",
            against="the same photo at 2 megapixels",
            unit="s",
            goal=at_most(2),
            note=f"read and explained; the files have {large.stat().st_size / 1e6:.1f} and "
            f"{small.stat().st_size / 1e6:.1f} MB",
        )
    ]


def bare(pair: siam.Pair, pictures: Sequence[torch.Tensor]) -> None:
    """Run both backbones with pooling, each whole, on prepared pictures (1, 3, H, W), one by one."""
    assert pair.baseline is not None
    with torch.inference_mode():
        for pixels in pictures:
            for network in (pair.siam, pair.baseline):
                network.backbone(pixels).mean(dim=(2, 3))  # called directly, a backbone is computed by PyTorch


def _peaks(files: Sequence[Path], few: int) -> tuple[float, float]:
    """Return the largest size of this process in MiB after scoring some photos, and after all of them."""
    pair = siam.load("photo", device="cpu")
    number, peaks = count(1), []

    def scores(output: SIAMOutput) -> tuple[torch.Tensor]:
        if next(number) == few:
            peaks.append(peak())
        return (output.scenicness,)

    predict_pair(pair, files, scores, description="score/memory")
    return peaks[0], peak()


def _named(engine_name: str) -> str:
    return {"openvino": "OpenVINO", "pytorch": "PyTorch"}[engine_name]
