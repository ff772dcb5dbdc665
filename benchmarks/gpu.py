"""Whether a GPU's numbers are right, and how fast it is: `python -m benchmarks.gpu [--store PATH]`.

It needs CUDA, the packages of requirements.txt and nothing else, and takes eight minutes at most. Numbers are compared
with the processor's in full single precision. Speed is measured as PyTorch computes by default (its convolutions round
to TensorFloat-32) and in bfloat16, against the bare networks: both backbones with pooling, each of them whole, on the
same pictures in the GPU's memory.
"""

import argparse
import contextlib
import copy
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import siam
from benchmarks.measuring import alone, at_least, compared, cores_used, paired, processor_name, report, run_of, seconds
from benchmarks.photos import write_photos
from siam.errors import SIAMError
from siam.evaluation.figures import Measurement, NumberCheck
from siam.explainers.registry import EXPLAINERS, title
from siam.explainers.targets import score_up
from siam.explanation.batch import Together, predict_pair
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess, target_size
from siam.images.reading import read_image
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.siam import SIAM, SIAMConfig
from siam.results import speed
from siam.training.losses import BOTH, RATED, BaselineObjective, SIAMObjective

COMMAND = "python -m benchmarks.gpu"
KEPT = 0.8  # of the bare networks' throughput, at least
EXACT, CLOSE, ROUGH = 1e-4, 1e-3, 2e-2  # shares of the largest value by which numbers may differ
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
PHOTO = (2, 3)  # height : width of the pictures for which speed is measured
_BRIEF: dict[str, dict[str, int]] = {"rise": {"masks": 64}, "integrated_gradients": {"steps": 8}}


@dataclass(frozen=True)
class Settings:
    """How much is computed; `TINY` is for trying the program without a GPU."""

    device: str = "cuda"
    batches: tuple[int, ...] = (1, 8, 32, 64)
    rounds: int = 5
    seconds: float = 0.3  # per round and network
    photos: int = 400
    side: int = 192  # px, of the pictures that explainers explain
    sides: tuple[int, int] = (384, 500)  # px, short sides for which the two pairs' speed is measured
    explainers: tuple[str, ...] = tuple(EXPLAINERS)


TINY = Settings("cpu", (1,), 1, 0.0, 2, 64, (64, 64), ("siam", "grad_cam"))


# Numbers


def checks(settings: Settings) -> Iterator[NumberCheck]:
    """Yield a check for everything that networks compute: explanations, many photos at once, training, explainers."""
    with _single_precision():
        yield from _explanations(settings)
        yield from _training(settings)
        yield from _explainers(settings)


def _explanations(settings: Settings) -> Iterator[NumberCheck]:
    here, there = _pairs(settings)
    files = [sample.path for sample in load_samples()][: 2 if settings == TINY else None]
    images = [_small(read_image(path), settings) for path in files]
    expected, found = ([siam.explain(pair, image) for image in images] for pair in (here, there))
    for name in (
        "contributions",
        "attribute_scores",
        "attribute_maps",
        "contribution_maps",
        "total_map",
        "baseline_map",
    ):
        yield _check(f"explanation: {name.replace('_', ' ')}", _of(found, name), _of(expected, name), EXACT)
    scores = [np.array([of.scenicness, of.baseline_scenicness]) for of in expected]
    yield _check(
        "explanation: scores", [np.array([of.scenicness, of.baseline_scenicness]) for of in found], scores, EXACT
    )
    sums = [np.array([of.contributions.sum() + of.bias]) for of in found]
    yield _check("contributions add up to the score", sums, [np.array([of.scenicness]) for of in found], EXACT)
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{number}.png" for number in range(len(images))]
        for image, path in zip(images, paths, strict=True):
            image.save(path)
        (siam_scores,), baseline_scores = predict_pair(there, paths, lambda output: (output.scenicness,), batch_size=3)
    assert baseline_scores is not None
    together = [np.array(pair) for pair in zip(siam_scores, baseline_scores, strict=True)]
    yield _check("many photos at once: scores", together, scores, EXACT)
    assert there.baseline is not None
    both = Together(there.siam, there.baseline)
    with _half(settings.device):
        outputs = [both(preprocess(image, both.config).to(settings.device)) for image in images]
    half = [np.array([float(one.scenicness), float(other.scenicness)]) for one, other in outputs]
    yield _check("bfloat16: scores", half, scores, ROUGH)


def _training(settings: Settings) -> Iterator[NumberCheck]:
    """Compare the loss, the gradient and the loss after a step of Adam, of both networks."""
    results: list[dict[str, dict[str, np.ndarray]]] = []
    for pair in _pairs(settings):
        assert pair.baseline is not None
        objectives: dict[str, nn.Module] = {
            "SIAM": SIAMObjective(copy.deepcopy(pair.siam), 0.1, 0.001),
            "baseline": BaselineObjective(copy.deepcopy(pair.baseline)),
        }
        results.append({name: _step(objective, pair, settings) for name, objective in objectives.items()})
    expected, found = results
    for name in expected:
        for what, value in expected[name].items():
            yield _check(f"training {name}: {what}", [found[name][what]], [value], CLOSE)


def _step(objective: Any, pair: siam.Pair, settings: Settings) -> dict[str, np.ndarray]:
    generator = torch.Generator().manual_seed(0)
    count, attributes = 4, len(pair.siam.config.attributes)
    known = {
        "images": torch.randn(count, 3, settings.side, settings.side, generator=generator),
        "labels": torch.rand(count, attributes, generator=generator),
        "scores": 1 + 6 * torch.rand(count, generator=generator),
    }
    known = {name: value.to(next(objective.parameters()).device) for name, value in known.items()}
    minibatch = {BOTH: known} if isinstance(objective, SIAMObjective) else {RATED: known}
    objective.train().requires_grad_(True)
    optimizer = torch.optim.Adam(objective.parameters(), 1e-5)
    loss = objective(minibatch)["loss"]
    loss.backward()
    parts = [parameter.grad.flatten() for parameter in objective.parameters() if parameter.grad is not None]
    gradient = torch.cat(parts).cpu().numpy()
    optimizer.step()
    objective.after_step()
    with torch.no_grad():
        after = objective(minibatch)["loss"]
    return {
        "loss": np.array([float(loss.detach())]),
        "gradient": gradient,
        "loss after a step": np.array([float(after)]),
    }


def _explainers(settings: Settings) -> Iterator[NumberCheck]:
    pairs = _pairs(settings)
    for name in settings.explainers:
        explainer = EXPLAINERS[name]
        method = explainer(**_BRIEF.get(name, {}))
        maps = []
        for pair in pairs:
            model = pair.siam if explainer.description.networks == "siam" else pair.baseline
            assert model is not None
            image = preprocess(_small(read_image(load_samples()[1].path), settings), model.config)
            image = nn.functional.interpolate(image, (settings.side, settings.side * PHOTO[1] // PHOTO[0]))
            device = next(model.parameters()).device
            maps.append(method(model, image.to(device), score_up()).detach().float().cpu().numpy())
        yield _check(title(name), [maps[1]], [maps[0]], CLOSE)


def _pairs(settings: Settings) -> tuple[siam.Pair, siam.Pair]:
    """Return the photo pair on the processor, by PyTorch, and on the device."""
    return siam.load("photo", device="cpu", engine="pytorch"), siam.load("photo", device=settings.device)


def _small(image: Any, settings: Settings) -> Any:
    return image.reduce(8) if settings == TINY else image


def _of(explanations: Sequence[siam.Explanation], name: str) -> list[np.ndarray]:
    return [getattr(explanation, name) for explanation in explanations]


def _check(name: str, found: Sequence[np.ndarray], expected: Sequence[np.ndarray], allowed: float) -> NumberCheck:
    """Compare arrays: the largest difference as a share of the largest value; what is not finite does not pass."""
    largest = max(float(np.abs(of).max()) for of in expected)
    difference = max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))
    share = difference / max(largest, 1e-9)
    if not np.isfinite(share):
        share = 1e9  # JSON has no infinity
    return NumberCheck(name=name, difference=float(f"{share:.2g}"), allowed=allowed, passed=share <= allowed)


# Speed


def measurements(settings: Settings, folder: Path) -> Iterator[Measurement]:
    """Yield photos per second of the bundled pair and of ResNet-50, in both precisions, for several batch sizes."""
    for pair, side, part in (
        (siam.load("photo", device=settings.device), settings.sides[0], "Photos"),
        (_resnet(settings), settings.sides[1], "Two ResNet-50"),
    ):
        assert pair.baseline is not None
        height, width = target_size((side * PHOTO[0], side * PHOTO[1]), replace(pair.siam.config, image_size=side))
        both = Together(pair.siam, pair.baseline).eval()
        for half in (False, True):
            for batch in settings.batches:
                yield _throughput(both, f"{part}, {width} × {height} px", (batch, 3, height, width), half, settings)
    yield _files(settings, folder)


def _throughput(both: Together, part: str, shape: tuple[int, ...], half: bool, settings: Settings) -> Measurement:
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(settings.device)
    precision = "bfloat16" if half else "float32"

    def ours() -> Tensor:
        output, reference = both(images)
        return torch.stack([output.scenicness, reference.scenicness])

    def theirs() -> Tensor:
        return torch.stack([network.backbone(images).mean(dim=(2, 3))[:, 0] for network in (both.siam, both.baseline)])

    with torch.inference_mode(), _half(settings.device) if half else contextlib.nullcontext():
        _repeat(ours, 2)
        _repeat(theirs, 2)  # warm: kernels are chosen
        if settings.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        single = _repeat(ours, 1)
        memory = torch.cuda.max_memory_allocated() >> 20 if settings.device == "cuda" else None
        times = max(1, round(settings.seconds / single))
        pairs = paired(lambda: _repeat(ours, times), lambda: _repeat(theirs, times), settings.rounds)
    photos = times * shape[0]
    measurement = compared(
        pairs.rates(photos, photos),
        name=f"{part.split(',')[0].lower().replace(' ', '-')}/{precision}/{shape[0]}",
        part=part,
        description=f"{precision}, {shape[0]} at a time",
        against="both networks bare",
        unit="photos/s",
        goal=at_least(KEPT),
        note="both networks with all maps and contributions, on pictures in the GPU's memory; MiB: the most that "
        "PyTorch holds at once",
    )
    return replace(measurement, peak_mib=memory)


def _files(settings: Settings, folder: Path) -> Measurement:
    files = write_photos(folder, settings.photos)
    pair = siam.load("photo", device=settings.device)

    def score() -> None:
        predict_pair(pair, files, lambda output: (output.scenicness,), workers=cores_used())

    seconds(score)  # warm
    return alone(
        [len(files) / seconds(score) for _round in range(min(3, settings.rounds))],
        name="files",
        part="Files",
        description="Scores of many photos",
        unit="photos/s",
        note=f"{len(files)} JPEG files of 1200 px, read and scored by the bundled pair; {cores_used()} threads read",
    )


def _repeat(step: Callable[[], Tensor], times: int) -> float:
    """Return the seconds that a step takes if it is repeated, until its result is there."""
    began = time.perf_counter()
    results = [step() for _time in range(times)]
    results[-1].cpu()  # waits for the GPU
    return time.perf_counter() - began


def _resnet(settings: Settings) -> siam.Pair:
    """Return the networks of the paper, with random weights."""
    of = siam.load("photo", device="cpu").siam.config
    shared: dict[str, Any] = {
        **IMAGENET, "backbone": "resnet50", "scale": of.scale, "image_size": settings.sides[1], "size_multiple": 1,
    }  # fmt: skip
    torch.manual_seed(0)
    border = 0 if settings == TINY else 2
    network = SIAM(SIAMConfig(**shared, attributes=of.attributes, border=border, predicts_variance=True))
    baseline = Baseline(BaselineConfig(**shared))
    return siam.Pair("resnet50", network.to(settings.device).eval(), baseline.to(settings.device).eval(), {})


def _half(device: str) -> contextlib.AbstractContextManager[object]:
    stack = contextlib.ExitStack()
    stack.enter_context(torch.inference_mode())
    stack.enter_context(torch.autocast(device, torch.bfloat16))
    return stack


@contextlib.contextmanager
def _single_precision() -> Iterator[None]:
    """Let a GPU compute in full single precision."""
    cudnn: Any = torch.backends.cudnn
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, cudnn.conv)
    before = [backend.fp32_precision for backend in backends]
    for backend in backends:
        backend.fp32_precision = "ieee"
    try:
        yield
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, measure, print and store; return 0 if all numbers are right."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Check and measure the networks on a GPU.")
    parser.add_argument("--store", type=Path, metavar="PATH", help="write what is printed as JSON")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write("error: PyTorch sees no GPU with CUDA: run this on a machine that has one\n")
        return 2
    settings = Settings() if options.device == "cuda" else TINY
    began = time.perf_counter()
    checked, measured = [], []
    for check in checks(settings):
        checked.append(check)
        _say(began, check.name)
    with tempfile.TemporaryDirectory() as name:
        for measurement in measurements(settings, Path(name)):
            measured.append(measurement)
            _say(began, f"{measurement.part}: {measurement.description}")
    gpu = options.device == "cuda"
    figures = run_of(
        COMMAND,
        measured,
        processor=torch.cuda.get_device_name() if gpu else processor_name(),
        cores=None if gpu else cores_used(),
        checks=checked,
    )
    sys.stdout.write(f"{report(figures)}\n")
    if options.store is not None:
        try:
            speed.write(figures, options.store)
        except SIAMError as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
    return 0 if all(check.passed for check in checked) else 1


def _say(began: float, what: str) -> None:
    sys.stderr.write(f"{time.perf_counter() - began:6.1f} s  {what}\n")


if __name__ == "__main__":
    sys.exit(main())
