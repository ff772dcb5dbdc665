"""What lies in the folder in which the code of a page runs: small data instead of the real ones."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from siam.datasets import DATASETS
from siam.discovery.candidates import FEWEST
from siam.explainers import EXPLAINERS
from siam.gallery.folder import Source, build
from siam.gallery.samples import load_samples
from siam.gallery.store import FILE
from siam.images.reading import read_image
from siam.models.backbones import LOADERS, create_backbone
from siam.models.checkpoint import Pair, save
from tests.support.experiment import write_photos, write_recipe
from tests.support.heads import RECIPE_TEXT
from tests.support.hub_server import used_hub
from tests.support.networks import baseline_network, siam_network
from tests.support.own_words import write_recipe as write_words_recipe
from tests.support.paths import ROOT

Maker = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[None]]


@dataclass(frozen=True)
class Folder:
    """How a page's folder is made, and what each command of `python -m siam` gets besides its own words."""

    make: Maker
    further: Callable[[list[str]], list[str]] = lambda words: []


@contextmanager
def photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a photo there, and a folder of three."""
    samples = {sample.key: sample.path for sample in load_samples()}
    shutil.copy(samples["mountain-path"], folder / "photo.jpg")
    (folder / "photos").mkdir()
    for name, key in {"lake": "lake-boats", "forest": "forest-path", "road": "storm-road"}.items():
        shutil.copy(samples[key], folder / "photos" / f"{name}.jpg")
    yield


@contextmanager
def archive(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a table of twenty photos there, with places and years."""
    pictures(folder / "archive" / "photos", 20)
    rows = [f"photos/{n}.png,{57 + n / 100},{-6 + n / 50},{2000 + n % 3}\n" for n in range(20)]
    (folder / "archive" / "photos.csv").write_text("".join(["file,latitude,longitude,year\n", *rows]))
    yield


@contextmanager
def two_views(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a photo there, and an edit of it."""
    photo = read_image(load_samples()[0].path)
    photo.save(folder / "before.jpg")
    width, height = photo.size
    photo.paste("white", (width * 2 // 3, height // 8, width * 2 // 3 + 12, height * 2 // 3))
    photo.save(folder / "after.jpg")
    yield


@contextmanager
def many_photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a photo there, and as many as explainers need to learn."""
    shutil.copy(load_samples()[0].path, folder / "photo.jpg")
    pictures(folder / "photos", 24)
    yield


@contextmanager
def own_photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the photos there that the page rates."""
    (folder / "photos" / "walk").mkdir(parents=True)
    names = ("lake.jpg", "forest.jpg", "road.jpg", "walk/summit.jpg")
    for name, sample in zip(names, load_samples(), strict=False):
        shutil.copy(sample.path, folder / "photos" / name)
    yield


@contextmanager
def rated_photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the same photos there, rated."""
    with own_photos(folder, monkeypatch):
        ratings = "file,score (1 to 7)\nlake.jpg,5\nforest.jpg,4\nroad.jpg,2\nwalk/summit.jpg,6\n"
        (folder / "photos" / "ratings.csv").write_text(ratings)
        yield


@contextmanager
def older_gallery(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a gallery there that other networks have scored."""
    pictures(folder / "photos", 2)
    pair = Pair("photo", siam_network(), baseline_network(), {"version": "0.1"})
    build(pair, nullcontext(), Source("folder", folder / "photos", "photo"), folder / "galleries" / "walk")
    yield


@contextmanager
def own_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the project's pictures and the tutorial's tables there, and a small recipe under the name of the real one."""
    (folder / "recipes").mkdir()
    write_words_recipe(folder / "recipes", folds=5).rename(folder / "recipes" / "own.toml")
    with project(folder, monkeypatch):
        yield


@contextmanager
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the project's pictures and pages there."""
    (folder / "assets").symlink_to(ROOT / "assets")
    (folder / "docs").symlink_to(ROOT / "docs")
    yield


@contextmanager
def few_scenes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the first scenes of the rendered gallery there, no more than candidates need."""
    place, whole = folder / "assets" / "gallery" / "rendered", ROOT / "assets" / "gallery" / "rendered"
    place.mkdir(parents=True)
    for part in ("images", "masks"):
        (place / part).symlink_to(whole / part)
    pq.write_table(pq.read_table(whole / FILE).slice(0, FEWEST), place / FILE)
    yield


@contextmanager
def quick_groups(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the project's pictures there, and the recipe of groups with few steps."""
    recipe = (ROOT / "recipes" / "photo-context.toml").read_text()
    (folder / "recipes").mkdir()
    (folder / "recipes" / "photo-context.toml").write_text(recipe.replace("steps = 800", "steps = 20"))
    with project(folder, monkeypatch):
        yield


@contextmanager
def valley(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put three photos to rate there."""
    pictures(folder / "valley", 3)
    yield


@contextmanager
def labelled_photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the photos and tables of that tutorial there, too, and others with the same words."""
    tables, images = (
        ROOT / "docs" / "tutorials" / "your-own-words",
        ROOT / "assets" / "gallery" / "open-photos" / "images",
    )
    with own_words(folder, monkeypatch):
        for place, count in (("my", 50), ("new", 12)):
            (folder / place).mkdir()
            for table in tables.glob("*.csv"):
                head, *rows = table.read_text().splitlines()
                (folder / place / table.name).write_text("\n".join([head, *rows[:count]]) + "\n")
                for row in rows[:count]:
                    shutil.copy(images / row.partition(",")[0], folder / place)
        called = {"water": "water", "old_stone": "old stonework", "greenery": "trees and grass"}
        text = "".join(f'[{name}]\nwords = "{words}"\n' for name, words in called.items())
        (folder / "new" / "attributes.toml").write_text(text)
        yield


@contextmanager
def shared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a photo and a pair there, and serve a Hub."""
    shutil.copy(load_samples()[0].path, folder / "photo.jpg")
    save(Pair("mine", siam_network(), baseline_network(), {"summary": "Noise."}), folder / "runs" / "mine")
    with used_hub(folder / "hub", monkeypatch):
        yield


@contextmanager
def experiment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put labelled and rated photos there, and small recipes under the names of the real ones."""
    write_photos(folder)
    (folder / "DATA").mkdir()
    (folder / "sun").rename(folder / "DATA" / "labelled")
    for name, count in (("rated", 12), ("unseen", 6)):
        pictures(folder / "DATA" / name, count, [f"{number % 7 + 1}" for number in range(count)])
    (folder / "scenicornot").rename(folder / "DATA" / "scenicornot")
    shutil.copytree(folder / "DATA" / "labelled", folder / "DATA" / "sun")
    (folder / "recipes").mkdir()
    recipe = RECIPE_TEXT.replace("seeds = [3, 4]", "seeds = [3]").replace("members = 2", "members = 1")
    (folder / "recipes" / "photo-heads.toml").write_text(recipe)
    (folder / "recipes" / "explainers.toml").write_text("seed = 0\n[lcam_fm]\nepochs = 1\n")
    write_recipe(folder / "recipes" / "scenicornot-resnet50.toml", epochs=1, steps=1)
    yield


@contextmanager
def extension(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let modules of the folder be imported and registered, until the page ends; its data are those of the pages."""
    shutil.copy(load_samples()[0].path, folder / "photo.jpg")
    splits = ("train", "train", "test")
    votes = [f"{splits[number % 3]} {number % 5} {(number + 1) % 5} {(2 * number) % 5}" for number in range(9)]
    pictures(folder / "meadows" / "images", 9)
    lines(folder / "meadows" / "ratings.txt", votes)
    with experiment(folder, monkeypatch):
        backbone, _channels = create_backbone("resnet18")
        torch.save(backbone.state_dict(), folder / "resnet18.pt")
        monkeypatch.syspath_prepend(folder)
        known = set(sys.modules)
        with patch.dict(DATASETS), patch.dict(EXPLAINERS), patch.dict(LOADERS):
            yield
        for name in {path.stem for path in folder.glob("*.py")} - known:
            sys.modules.pop(name, None)


def lines(path: Path, rows: list[str]) -> None:
    """Write a table without a head: a picture of `pictures` and its row in each line."""
    path.write_text("".join(f"{number}.png {row}\n" for number, row in enumerate(rows)))


def pictures(folder: Path, count: int, ratings: list[str] | None = None) -> None:
    """Write pictures of noise, from 0.png on, with a `ratings.csv` where there are ratings."""
    random = np.random.default_rng(count)
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    if ratings is not None:
        rows = [f"{number}.png,{rating}\n" for number, rating in enumerate(ratings)]
        (folder / "ratings.csv").write_text("".join(["file,score\n", *rows]))


def small_comparison(words: list[str]) -> list[str]:
    """Return what makes a comparison quick."""
    return ["--count", "2", "--sanity", "1", "--size", "64", "--without-cost"] if words[0] == "compare" else []


def without_ray(words: list[str]) -> list[str]:
    """Return what spares the page Ray, which tests of its own start."""
    return ["--runner", "local"] if words[0] == "score" else []


@contextmanager
def importable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the modules that a page writes be imported until it ends."""
    monkeypatch.syspath_prepend(folder)
    known = set(sys.modules)
    yield
    for name in {path.stem for path in folder.glob("*.py")} - known:
        sys.modules.pop(name, None)


WALKED = {  # pages whose commands a test of their own runs, which looks at what they leave
    "how-to/repeat-the-paper.md": "tests/test_paper.py",
    "how-to/scenicornot.md": "tests/models/test_paper_networks.py",
}

FOLDERS = {
    "tutorials/adding-up-or-together.md": Folder(quick_groups),
    "tutorials/first-gallery.md": Folder(photos),
    "tutorials/first-photo.md": Folder(photos),
    "tutorials/lesson.md": Folder(photos),
    "tutorials/what-has-no-name.md": Folder(few_scenes),
    "tutorials/words-without-labels.md": Folder(own_words),
    "tutorials/your-own-words.md": Folder(own_words),
    "tutorials/your-taste.md": Folder(project),
    "how-to/add-a-backbone.md": Folder(extension),
    "how-to/add-a-dataset.md": Folder(extension),
    "how-to/add-a-vocabulary.md": Folder(labelled_photos),
    "how-to/add-an-explainer.md": Folder(extension, small_comparison),
    "how-to/compare-two-views.md": Folder(two_views),
    "how-to/figures-for-papers.md": Folder(two_views),
    "how-to/compare-explainers.md": Folder(importable, small_comparison),
    "how-to/from-captum.md": Folder(photos),
    "how-to/from-pytorch-grad-cam.md": Folder(photos),
    "how-to/from-torch-cam.md": Folder(photos),
    "how-to/fit-to-your-network.md": Folder(many_photos),
    "how-to/keep-up-to-date.md": Folder(older_gallery),
    "how-to/run-a-study.md": Folder(valley),
    "how-to/score-an-archive.md": Folder(archive, without_ray),
    "how-to/own-photos.md": Folder(own_photos),
    "how-to/run-as-a-server.md": Folder(photos),
    "how-to/see-photos-on-a-map.md": Folder(rated_photos),
    "how-to/share-on-the-hub.md": Folder(shared),
    "how-to/train-a-pair.md": Folder(experiment),
    "how-to/use-in-a-notebook.md": Folder(photos),
    "how-to/your-own-network.md": Folder(photos),
}
