"""`fit`: fits the explainers that must learn something about a network before they can explain it."""

import argparse
import hashlib
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from siam.cli.arguments import add_engine, fail, progress_bar
from siam.errors import CheckpointError, DatasetError, TrainingError

if TYPE_CHECKING:
    from siam.models.baseline import Baseline
    from siam.models.fitted import Fitted
    from siam.models.flowers import FlowerNetwork

_LEAST = 20  # pictures, of which every tenth is held out


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "fit",
        help="fit the explainers that learn, L-CAM and VEBI, to a network",
        description="Fit the explainers that must learn a network before they can explain it: L-CAM and VEBI. "
        "No labels are needed.",
    )
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file, such as recipes/explainers.toml")
    parser.add_argument(
        "--model", metavar="NAME|DIR", help="bundled pair or folder, whose baseline is used (default: photo)"
    )
    parser.add_argument(
        "--photos",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folders of pictures to fit to; of rendered scenes, the train split",
    )
    parser.add_argument(
        "--flowers", metavar="VARIANT|DIR", help="single-6c, double-12c or a folder, in place of --model and --photos"
    )
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="with --flowers: a rendered dataset, whose train split is used"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="sections of the recipe to use (default: all)")
    parser.add_argument("--count", type=int, metavar="N", help="use at most N pictures, drawn with the recipe's seed")
    parser.add_argument(
        "--cache", type=Path, default=Path("cache"), metavar="DIR", help="folder for features (default: cache)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the results (default: the network's)")
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="DIR",
        help="VEBI: gallery whose pictures illustrate its features (default: the samples)",
    )
    add_engine(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fit the explainers one after another and store each as soon as it is fitted; go on with those that are stored."""
    wrong = _wrong(options)
    if wrong is not None:
        return fail(f"{wrong}: see python -m siam fit --help")
    recipe = _recipe(options.recipe, options.only)
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    import torch

    from siam.explainers.fitting.lcam import drawn
    from siam.explainers.fitting.subject import pictures_below
    from siam.explainers.registry import names_that_learn
    from siam.runtime.files import check_folder, remove_left_over

    if options.flowers is not None:
        (model, folder), files = _flower_network(options.flowers), _flowers(options.root)
    else:
        (model, folder), files = _baseline(options.model or "photo"), pictures_below(options.photos)
    if len(files) < _LEAST:
        where = ", ".join(map(str, options.photos or [options.root]))
        raise DatasetError(
            f"{where}: {len(files)} pictures to fit to; expected at least {_LEAST}: add some or give more folders"
        )
    files = drawn(files, options.count or 0, recipe["seed"])
    shown, out = _shown(options.gallery), options.out or folder
    for place in (out, options.cache):
        check_folder(place)
        remove_left_over(place, levels=0)
    # as the features of L-CAM leave it: what follows them is the same to the last bit if they are kept
    model.backbone.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - the stub lacks it
    pictures = _digest((path.name, path) for path in files)
    for name in (name for name in names_that_learn() if name in recipe):
        _fit(name, model, files, pictures, {"seed": recipe["seed"], **recipe[name]}, options.cache, out)
        if hasattr(_learner(name), "illustrate"):  # what was learnt is already stored, even if illustrating it fails
            _illustrate(name, model, files, shown, out)
    return 0


def _fit(
    name: str,
    model: "Baseline | FlowerNetwork",
    files: Sequence[Path],
    pictures: str,
    section: Mapping[str, Any],
    cache: Path,
    out: Path,
) -> None:
    """Fit and store one explainer, unless it is stored and was fitted to the same pictures with the same settings."""
    from siam.models import fitted

    path = out / f"{name}.safetensors"
    origin = _origin(section, pictures, model.fitted.get(section.get("start", "")))
    try:
        model.fitted[name] = fitted.load_fitted(path, model)
        done = model.fitted[name].facts.get("origin") == origin
    except CheckpointError:  # there is none, or it is damaged or of another network
        done = False
    if done:
        sys.stdout.write(f"{path}: kept, as settings and pictures are the same: delete it to fit it again\n")
        return
    with progress_bar(name, "picture") as progress:
        learnt = _learner(name).learn(name, model, files, section, cache, progress)
    _store(name, model, learnt, {"origin": origin}, out)
    sys.stdout.write(f"{path}: {_summary(learnt)}\n")


def _illustrate(
    name: str,
    model: "Baseline | FlowerNetwork",
    files: Sequence[Path],
    shown: tuple[str, dict[str, Path]],
    out: Path,
) -> None:
    """Add to what was learnt what shows it, unless it is there and of the same gallery."""
    gallery = _digest(shown[1].items(), shown[0])
    if model.fitted[name].facts.get("shown") == gallery:
        return
    with progress_bar(f"{name}'s features", "picture") as progress:
        illustrated = _learner(name).illustrate(model, model.fitted[name], files, shown, progress)
    _store(name, model, illustrated, {"shown": gallery}, out)


def _store(name: str, model: "Baseline | FlowerNetwork", learnt: "Fitted", facts: dict[str, Any], out: Path) -> None:
    """Store what an explainer has learnt, with some more facts, and give it to the network."""
    from siam.models.fitted import Fitted, write

    model.fitted[name] = Fitted(learnt.tensors, {**learnt.facts, **facts})
    write(name, model.fitted[name], model, out)


def _digest(pictures: "Iterable[tuple[str, Path]]", name: str = "") -> str:
    """Return a checksum of names and contents of pictures, and of a name for all of them."""
    from siam.runtime.digests import digest

    return digest("\n".join([name, *(f"{digest(path)} {key}" for key, path in pictures)]).encode())


def _origin(section: Mapping[str, Any], pictures: str, start: "Fitted | None") -> str:
    """Return a checksum of what a fit depends on: settings, pictures, and the head that it starts from."""
    origin = hashlib.sha256((json.dumps(section, sort_keys=True) + pictures).encode())
    for key, tensor in sorted(start.tensors.items()) if start is not None else ():
        origin.update(key.encode() + tensor.numpy().tobytes())
    return origin.hexdigest()


def _learner(name: str) -> ModuleType:
    """Return the module that fits an explainer: `check`, `learn`, and `illustrate` where it has pictures to show."""
    from siam.explainers.registry import EXPLAINERS

    return import_module(EXPLAINERS[name].description.learner)


def _wrong(options: argparse.Namespace) -> str | None:
    """Return what is wrong with the arguments taken together."""
    if options.flowers is not None and (options.root is None or options.photos or options.model or options.gallery):
        return "--flowers needs --root DIR and excludes --model, --photos and --gallery"
    if options.flowers is None and (options.photos is None or options.root is not None):
        return "expected --photos DIR, or --flowers VARIANT with --root DIR"
    if options.count is not None and options.count < _LEAST:
        return f"--count {options.count}: expected at least {_LEAST}, since every tenth is held out"
    return None


def _recipe(path: Path, only: Sequence[str] | None) -> dict[str, Any]:
    """Return the requested sections and "seed"; all sections are checked before the first is fitted."""
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: give a recipe such as recipes/explainers.toml") from None
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} is not readable as TOML ({error}): compare it with recipes/explainers.toml"
        ) from error
    from siam.explainers.registry import names_that_learn

    names = names_that_learn()
    unknown = sorted(recipe.keys() - {"seed", *names})
    odd = [name for name in names if not isinstance(recipe.get(name, {}), dict)]
    if unknown or odd or type(recipe.get("seed")) is not int or recipe["seed"] < 0:
        raise TrainingError(
            f"{path}: expected seed, a whole number of at least 0, and sections among {', '.join(names)}; found "
            f"{', '.join(recipe) or 'nothing'}"
        )
    absent = [name for name in only or () if name not in recipe or name not in names]
    if absent or not recipe.keys() & set(names):
        raise TrainingError(f"{path} has no section [{absent[0] if absent else names[0]}]: add it or choose another")
    for name in names:
        try:
            _learner(name).check(recipe.get(name, {}))
        except TrainingError as error:
            raise TrainingError(f"{path}: [{name}]: {error}") from error
    return {name: section for name, section in recipe.items() if name == "seed" or not only or name in only}


def _baseline(source: str) -> "tuple[Baseline, Path]":
    """Return a pair's baseline and folder, with whatever fitted files are readable and belong to it.

    `siam.load` would reject the pair if one is not; fitting it again is the remedy.
    """
    from siam.models import card, fitted
    from siam.models.baseline import Baseline, BaselineConfig
    from siam.models.checkpoint import bundled, find
    from siam.models.weights import load_tensors
    from siam.runtime.memory import keep_freed_memory

    if source not in bundled() and not Path(source).is_dir():
        raise CheckpointError(
            f"there are no networks named {source!r}: give a bundled name ({', '.join(bundled())}) or a folder"
        )
    keep_freed_memory()
    folder = find(source)
    stored = card.read(folder).get("baseline")
    if stored is None:
        raise CheckpointError(
            f"{folder / card.CARD} has no baseline, and explainers are fitted to baselines only: choose another pair"
        )
    try:
        model = Baseline(card.config(BaselineConfig, stored, folder / card.CARD)).eval()
    except ValueError as error:  # the card describes no network that can be built
        raise CheckpointError(f"{folder / card.CARD}: {error}") from error
    load_tensors(model, folder / "baseline.safetensors")
    model.fitted = fitted.read(folder, model, _note)
    return model, folder


def _flower_network(source: str) -> "tuple[FlowerNetwork, Path]":
    from siam.models.flowers import find, load

    return load(source, "cpu", _note), find(source)


def _note(problem: str) -> None:
    """Report why an earlier fit is ignored; this must not be an error, since the remedy is to run `fit` again."""
    sys.stderr.write(f"note: {problem}\n")


def _flowers(root: Path) -> list[Path]:
    from siam.datasets.flowers import read

    flowers = read(root)
    return [path for path, split in zip(flowers.files, flowers.split, strict=True) if split == "train"]


def _shown(gallery: Path | None) -> tuple[str, dict[str, Path]]:
    """Return a gallery's name and its pictures by name; the sample photos if `gallery` is None."""
    from siam.explainers.fitting.subject import pictures_below
    from siam.gallery.samples import load_samples

    if gallery is None:
        return "samples", {sample.key: sample.path for sample in load_samples()}
    pictures = pictures_below([gallery / "images"])
    if not pictures:
        raise DatasetError(f"{gallery / 'images'} holds no pictures: give a gallery that has some")
    return gallery.resolve().name, {path.stem: path for path in pictures}


def _summary(result: "Fitted") -> str:
    held_out = dict(result.facts.get("held_out", {}))
    controls: dict[str, dict[str, Any]] = held_out.pop("controls", {})
    parts = [f"{name} {value}" for name, value in held_out.items()]
    parts += [f"gain over {name} {of['gain']} {of['interval']}" for name, of in controls.items()]
    figures = ", ".join(parts)
    return f"fitted to {result.facts.get('pictures', '?')} pictures; on held-out pictures: {figures or 'no figures'}"
