"""`doctor`: what is installed and where things are, in ten lines, and what to do about what is missing.

It imports none of the libraries that it looks for, so it works where they do not.
"""

import argparse
import importlib.metadata as installed
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from siam.errors import EngineError, SIAMError
from siam.models import card, checkpoint, compiled
from siam.runtime.devices import best_device, cpu_threads
from siam.runtime.paths import ASSETS, user_cache
from siam.runtime.provenance import git_commit

if TYPE_CHECKING:
    from siam.gallery.store import About
    from siam.gallery.upkeep import Networks

_PROJECT = "siam-explorer"
_SHOWN = ("torch", "timm", "openvino", "streamlit")
_STATES = {
    "older": "older than",
    "newer": "newer than",
    "changed": "other networks than",
    "unknown": "perhaps older than",
}
_LEAST_SPACE = 2e9  # bytes: the networks as OpenVINO computes them, some pictures and results


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="say what is installed, where things are, and what is missing",
        description="Say what is installed, which device and engine compute, which networks, galleries and caches "
        "there are, and what to do about what is missing.",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the lines; return 2 if something that is needed is missing."""
    del options
    remedies: list[str] = []
    lines = {
        "version": _version(),
        "Python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "libraries": _libraries(remedies),
        "for training": _for_training(),
        "computes on": _engine(remedies),
        "networks": _networks(remedies),
        "galleries": _galleries(ASSETS / "gallery", Path("galleries")),
        "cache": f"{user_cache()} ({_size(user_cache())}; it may be deleted)",
        "free space": _space(remedies),
    }
    width = max(map(len, lines))
    sys.stdout.writelines(f"{name:<{width}}  {text}\n" for name, text in lines.items())
    sys.stdout.write(f"{'to do':<{width}}  {'; '.join(remedies) or 'nothing, all is well'}\n")
    return 2 if remedies else 0


def _version() -> str:
    try:
        number = installed.version(_PROJECT)
    except installed.PackageNotFoundError:
        number = "not installed"
    commit = git_commit()
    return f"{number}, a checkout at {commit[:7]}{commit[40:]}" if commit else number


def requirements(file: str, extra: str = "") -> list[Requirement]:
    """Return what a list of the checkout asks for, or what the installed project does."""
    path = ASSETS.parent / file
    if path.is_file():
        lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
        known = [Requirement(line) for line in lines if line and not line.startswith("-")]
    else:
        known = [Requirement(line) for line in installed.requires(_PROJECT) or ()]
        known = [of for of in known if (of.marker is not None and "extra" in str(of.marker)) == bool(extra)]
    return [of for of in known if of.marker is None or of.marker.evaluate({"extra": extra})]


def _lacking(requirements: list[Requirement]) -> Iterator[str]:
    """Yield what is missing or has another version than it should have."""
    for of in requirements:
        try:
            version = installed.version(of.name)
        except installed.PackageNotFoundError:
            yield of.name
            continue
        if not of.specifier.contains(version, prereleases=True):
            yield f"{of.name} {version} instead of {of.specifier}"


def _libraries(remedies: list[str]) -> str:
    lacking = list(_lacking(requirements("requirements.txt")))
    if lacking:
        remedies.append(f"install {', '.join(lacking)}: pip install -r requirements.txt")
    versions = {name: _version_of(name) for name in _SHOWN}
    shown = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return f"{shown}{'; lacking: ' if lacking else ''}{', '.join(lacking)}"


def _version_of(name: str) -> str | None:
    try:
        return installed.version(name)
    except installed.PackageNotFoundError:
        return None


def _for_training() -> str:
    lacking = list(_lacking(requirements("requirements-train.txt", "train")))
    return f"lacking {', '.join(lacking)}: pip install -r requirements-train.txt" if lacking else "all is there"


def _engine(remedies: list[str]) -> str:
    try:
        engine = {"openvino": "OpenVINO", "pytorch": "PyTorch"}[compiled.chosen()]
    except EngineError as error:
        remedies.append(str(error))
        engine = "PyTorch"
    try:
        if best_device() == "cuda":
            return "a GPU, with PyTorch"
    except ImportError:  # there is a driver, but no PyTorch, which the libraries tell
        pass
    threads = cpu_threads()
    return f"CPU ({threads} {'thread' if threads == 1 else 'threads'}), with {engine}"


def _networks(remedies: list[str]) -> str:
    for name in checkpoint.bundled():
        try:
            card.read(checkpoint.BUNDLED / name)
        except SIAMError as error:
            remedies.append(str(error))
    return _folders(card.CARD, checkpoint.BUNDLED, Path("runs"), Path("models"))


def _galleries(*places: Path) -> str:
    """Name the galleries in each place, and say of each whether the networks of today scored it."""
    try:
        from siam.gallery import store, upkeep
    except ImportError:  # a library is missing, which the line on libraries tells
        return _folders("gallery.parquet", *places)
    states, networks = list[str](), dict[str, upkeep.Networks | None]()
    for folder in (folder for place in places for folder in store.galleries_in(place)):
        try:
            about, _count = store.peek(folder)
        except SIAMError:
            states.append(f"{folder.name}: cannot be read")
            continue
        if about.model not in networks:
            networks[about.model] = _networks_called(about.model)
        how = _state(about, networks[about.model], folder)
        states.append(f"{folder.name}: scored by {upkeep.made_with(about)}, {how}")
    return "; ".join([_folders(store.FILE, *places), *states])


def _networks_called(name: str) -> "Networks | None":
    """Return the networks with a name, None if there are none, several or damaged ones."""
    from siam.gallery import upkeep

    named = checkpoint.called(name)
    try:
        return upkeep.networks_in(named[0]) if len(named) == 1 else None
    except SIAMError:  # which the line on networks tells
        return None


def _state(about: "About", networks: "Networks | None", folder: Path) -> str:
    """Say whether scores are those of the networks, and what to do if they are not."""
    from siam.gallery import upkeep

    if networks is None:
        return f"and no networks called {about.model!r} are here"
    found = upkeep.state(about, networks)
    if found == "current":
        return found
    again = f"python -m siam gallery rescore {shlex.quote(str(folder))}"
    remedy = about.command if about.split == upkeep.CROSS_VALIDATION else again
    return f"{_STATES[found]} {networks}: {remedy}"


def _folders(file: str, *places: Path) -> str:
    """Name the folders in each place that hold a file."""
    found = {place: sorted(path.parent.name for path in place.glob(f"*/{file}")) for place in places}
    return (
        "; ".join(f"{', '.join(names)} in {place} ({_size(place)})" for place, names in found.items() if names)
        or "none"
    )


def _size(place: Path) -> str:
    count = sum(path.stat().st_size for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return f"{count / 1e6:,.0f} MB"


def _space(remedies: list[str]) -> str:
    place = next(path for path in (user_cache(), *user_cache().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < _LEAST_SPACE:
        remedies.append(f"free some space below {place}: {free / 1e9:.1f} GB are left")
    return f"{free / 1e9:,.0f} GB below {place}"
