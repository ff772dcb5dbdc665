"""What is disturbed: each kind of work as a command on small data, what it must not lose, and what it must give."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from siam.cli.main import main
from siam.models.checkpoint import Pair, load, save
from tests.faults.running import files_in, read, stamps
from tests.support.file_server import Stored, running_server

Kept = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class Work:
    """One kind of work; all paths are relative to the folder that it runs in, beside which the data lie.

    Attributes:
        kind: its name.
        command: what people type after `python -m siam`, or what stands for it.
        again: how they go on after an interruption; by default the same.
        prepare: writes the data that the work needs into a folder.
        kept: what is finished in a folder, by name, with a value that changes if it is made again.
        loose: files that may differ between two runs, such as logs with times.
        run: carries it out, in place of the command line.
        served: whether `prepare` fills a server, whose address stands for URL.
        modules: what it imports, which takes longer than the work itself.
    """

    kind: str
    command: tuple[str, ...]
    prepare: Callable[[Path], object]
    again: tuple[str, ...] | None = None
    kept: Kept = lambda _folder: {}
    loose: tuple[str, ...] = ()
    run: Callable[[], int] | None = None
    served: bool = False
    modules: tuple[str, ...] = ()

    def start(self, begun: bool) -> Callable[[], int]:
        """Return what carries out the work in the current folder, or goes on with it."""
        words = list(self.again if begun and self.again is not None else self.command)
        return self.run or (lambda: main([word.replace("URL", os.environ.get("HF_ENDPOINT", "")) for word in words]))


def _pictures(folder: Path, count: int, size: int = 64) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC).save(folder / f"{number}.png")


def _networks(data: Path, **settings: Any) -> None:
    from tests.support.networks import baseline_network, siam_network

    save(Pair("tiny", siam_network(**settings), baseline_network(), {}), data / "tiny")


def _end_to_end(data: Path) -> None:
    from tests.support.experiment import write_photos, write_recipe

    write_photos(data)
    write_recipe(data / "recipe.toml", epochs=4, steps=4)


def _finished_phases(folder: Path) -> dict[str, Any]:
    done = [path.parent.relative_to(folder) for path in folder.glob("out/phases/*/done.json")]
    return stamps(folder, *(f"{phase}/{name}" for phase in done for name in ("done.json", "best.safetensors")))


def _few_photos(recipe: str) -> Callable[[Path], None]:
    def prepare(data: Path) -> None:
        from siam.models import backbones
        from tests.support.joint import write_masks
        from tests.training.test_heads import make_datasets

        make_datasets(data)
        write_masks(data / "masks")
        backbones.LOADERS["test_efficientnet"] = _made_up  # which no package brings; forks know it, too
        (data / "recipe.toml").write_text(recipe.replace('"tf_efficientnet_lite0"', '"test_efficientnet"'))

    return prepare


def _made_up(backbone: Any) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    for tensor in backbone.state_dict().values():
        if tensor.is_floating_point() and tensor.ndim > 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.2)


def _heads_recipe() -> str:
    from tests.support.heads import RECIPE_TEXT

    return RECIPE_TEXT


def _joint_recipe() -> str:
    from tests.support.joint import RECIPE

    return RECIPE


def _flowers(data: Path) -> None:
    from tests.cli.test_fit import make_flowers

    make_flowers(data / "flowers", ("red", "blue", "white"))
    texts = 'folder = "flowers"\nsummary = "Noise."\ntraining_data = "Plain pictures."\nlimits = "Knows nothing."'
    network = 'backbone = "test_resnet"\nimage_size = 64\nsize_multiple = 32\nmean = [0, 0, 0]\nstd = [1, 1, 1]'
    schedule = "epochs = 20\nsmall_epochs = 10\nbatch = 8\nlearning_rate = 0.01\nweight_decay = 0.05\nthreads = 1"
    (data / "recipe.toml").write_text(
        f'method = "flowers"\nname = "tiny"\nseed = 0\n[data]\n{texts}\n[network]\n{network}\n[training]\n{schedule}\n'
        "shift = 0.1\nzoom = 0.2\nmirror = true\n"
    )


def _to_fit(data: Path) -> None:
    _networks(data)
    _pictures(data / "photos", 40)
    sections = "[lcam_fm]\nepochs = 3\n[lcam_img]\nepochs = 3\nimage_size = 32\n[vebi]\nmu = 10\n"
    (data / "recipe.toml").write_text(f"seed = 3\n{sections}")


def _fitted(folder: Path) -> dict[str, Any]:
    pictured = folder / "out" / "vebi.safetensors"
    done = ("out/vebi.safetensors",) if pictured.exists() and "means" in read(pictured) else ()
    return stamps(folder, "out/lcam_*.safetensors", "cache/*", *done)


def _records(folder: Path) -> dict[str, Any]:
    paths = list(folder.glob("runs/*.jsonl"))
    lines = [line for path in paths for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return dict.fromkeys(lines, True)


def _to_score(data: Path) -> None:
    _networks(data)
    _pictures(data / "photos", 120, 128)


def _score_folder() -> int:
    """Score a folder as the dashboard does."""
    from siam.cli.arguments import fail
    from siam.errors import SIAMError
    from siam.gallery.folder import Source, build

    try:
        build(load("../data/tiny", "cpu"), nullcontext(), Source("folder", Path("../data/photos"), "tiny"), Path("out"))
    except SIAMError as error:
        return fail(str(error))
    return 0


def _scores(folder: Path) -> dict[str, Any]:
    path = folder / "out" / "scores.part"
    return {f"~{line}": True for line in (path.read_text().splitlines() if path.exists() else [])}


def _to_evaluate(data: Path) -> None:
    from tests.support.rendered_scenes import write_scenes

    _networks(data)
    write_scenes(data / "scenes", 30)


def _hub(server: Any) -> None:
    from tests.datasets.downloads.test_scenicornot import PICTURES, put

    put(server, list(PICTURES))


def _archives(server: Any) -> None:
    from siam.datasets.downloads.sun import ARCHIVES
    from tests.datasets.downloads.test_sun import archive

    labels, images = ARCHIVES
    photos = {f"a/abbey/sun_{n}.bin": np.random.default_rng(n).bytes(20_000) for n in range(200)}
    server.files[f"/{labels}"] = Stored(archive({"images.mat": b"1", "attributes.mat": b"2"}, "SUNAttributeDB"))
    server.files[f"/{images}"] = Stored(archive(photos, "images"))


def _photos_listed(folder: Path) -> dict[str, Any]:
    table = folder / "out" / "attribution.csv"
    lines = table.read_text().splitlines(keepends=True) if table.exists() else []
    identifiers = [line.partition(",")[0] for line in lines if line.endswith("\n")]
    return stamps(folder, *(f"out/images/{identifier}.jpg" for identifier in identifiers))


@contextmanager
def serving(fill: Callable[[Any], None], pause: float = 0.02) -> Iterator[str]:
    """Serve files from a process of its own, slowly enough to be interrupted; yield the address."""
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, fill, pause), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.kill()
        process.join()


def _serve(pipe: Any, fill: Callable[[Any], None], pause: float) -> None:
    with running_server() as server:
        server.pause = pause
        fill(server)
        pipe.send(server.address)
        parent = parent_process()
        assert parent is not None
        parent.join()  # to the end of the program, even if it is killed


_TRAIN = ("train", "../data/recipe.toml", "--root", "../data", "--out", "out", "--cache", "cache")
_SCORE = (
    *("score", "../data/photos", "--out", "out", "--model", "../data/tiny"),
    *("--runner", "local", "--shard", "10"),
)
WORKS = (
    Work(
        "train (end-to-end)",
        _TRAIN,
        _end_to_end,
        again=(*_TRAIN, "--resume"),
        kept=_finished_phases,
        loose=("*.csv", "events.*"),
        modules=("siam.training.end_to_end.experiment",),
    ),
    Work(
        "train (joint)",
        _TRAIN,
        _few_photos(_joint_recipe()),
        kept=lambda folder: stamps(folder, "out/folds/*.pt", "cache/*"),
        modules=("siam.training.joint.cross_validation",),
    ),
    Work(
        "train (heads)",
        _TRAIN,
        _few_photos(_heads_recipe()),
        kept=lambda folder: stamps(folder, "cache/*"),
        modules=("siam.training.heads.cross_validation",),
    ),
    Work(
        "train (flowers)",
        ("train", "../data/recipe.toml", "--root", "../data", "--out", "out"),
        _flowers,
        modules=("siam.training.flowers",),
    ),
    Work(
        "fit",
        ("fit", "../data/recipe.toml", "--model", "../data/tiny", "--photos", "../data/photos", "--out", "out"),
        _to_fit,
        kept=_fitted,
        modules=("siam.explainers.fitting.lcam", "siam.explainers.fitting.vebi"),
    ),
    Work(
        "compare",
        (
            *("compare", "--model", "../data/tiny", "--count", "3", "--size", "96", "--sanity", "1", "--slow", "1"),
            *("--workers", "1", "--methods", "cam", "grad_cam", "layer_cam", "--without-cost", "--out", "out.json"),
        ),
        lambda data: _networks(data, attribute_link="sigmoid"),
        kept=_records,
        loose=("*.jsonl",),
        modules=("siam.comparison.records",),
    ),
    Work(
        "download (archives)",
        ("data", "download", "sun", "--root", "out", "--url", "URL"),
        _archives,
        kept=lambda folder: stamps(folder, "out/images", "out/SUNAttributeDB"),
        served=True,
        modules=("siam.datasets.downloads.sun",),
    ),
    Work(
        "download (photos)",
        ("data", "download", "scenicornot", "--root", "out", "--repo", "owner/scenic"),
        _hub,
        kept=_photos_listed,
        served=True,
        modules=("siam.datasets.downloads.scenicornot",),
    ),
    Work(
        "score",
        _SCORE,
        _to_score,
        again=(*_SCORE, "--resume"),
        kept=lambda folder: stamps(folder, "out/scores-*.parquet"),
        modules=("siam.archive.scoring", "siam.archive.networks"),
    ),
    Work(
        "gallery (folder)",
        ("gallery of a folder",),
        _to_score,
        kept=_scores,
        run=_score_folder,
        modules=("siam.gallery.folder", "siam.explanation.inference"),
    ),
    Work(
        "gallery (evaluate)",
        (
            *("evaluate", "--data", "rendered", "--root", "../data/scenes", "--split", "all"),
            *("--model", "../data/tiny", "--gallery", "out", "--out", "out.json"),
        ),
        _to_evaluate,
        modules=("siam.results.assessment",),
    ),
    Work(
        "data render (landscapes)",
        ("data", "render", "--count", "8", "--size", "64", "--workers", "1", "--out", "out"),
        lambda data: data.mkdir(parents=True),
        kept=lambda folder: stamps(folder, "out/truth/*.json"),
        modules=("siam.worlds.landscapes.render",),
    ),
    Work(
        "data render (flowers)",
        ("data", "render", "--world", "flowers", "--count", "8", "--size", "64", "--workers", "1", "--out", "out"),
        lambda data: data.mkdir(parents=True),
        kept=lambda folder: stamps(folder, "out/images/*.jpg"),
        modules=("siam.worlds.flowers.render",),
    ),
)  # fmt: skip


def facts(content: Any) -> Any:
    """Return JSON without what differs from day to day."""
    if isinstance(content, dict):
        return {key: facts(value) for key, value in content.items() if key not in ("trained", "date", "git_commit")}
    return content


def same(work: Work, one: Path, other: Path) -> None:
    """Raise an AssertionError unless two folders hold the same results."""
    names = [[path.relative_to(folder) for path in files_in(folder)] for folder in (one, other)]
    fixed = [[name for name in of if not any(name.match(loose) for loose in work.loose)] for of in names]
    assert fixed[0] == fixed[1], f"other files: {sorted(map(str, set(fixed[0]) ^ set(fixed[1])))[:4]}"
    for name in fixed[0]:
        first, second = (facts(read(folder / name)) for folder in (one, other))
        try:
            np.testing.assert_equal(second, first)
        except AssertionError:
            raise AssertionError(f"{name} differs from that of an undisturbed run") from None
