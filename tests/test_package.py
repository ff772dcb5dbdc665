"""The package: what importing it loads, and that it is whole once installed, far from its checkout."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.paths import ROOT
from tests.support.server import HEADINGS, WAIT, served

SOURCES = (
    *("siam", "assets", "ui", "pages", "app.py", ".streamlit"),
    *("pyproject.toml", "setup.py", "requirements.txt", "requirements-train.txt", "README.md"),
)
WHERE = "import sys; from siam.runtime.paths import ASSETS; sys.stdout.write(str(ASSETS))"


def answer_of(*arguments, folder=ROOT, path=None):
    """Return what Python writes to stdout in a process of its own, begun in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    answer = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=300, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def loaded_by(code):
    """Return the names of the modules that a process has loaded after some code."""
    code += "\nimport json, sys\nsys.stdout.write(json.dumps(sorted(sys.modules)))"
    return set(json.loads(answer_of("-c", code)))


def files(folder, leave_out="__pycache__"):
    """Return the paths of all files below a folder that is not empty, but for compiled ones and those of one folder."""
    paths = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert paths
    return {path for path in paths if not {leave_out, "__pycache__"} & set(path.parts)}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel and install it into a folder, which is returned."""
    folder = tmp_path_factory.mktemp("package")
    source, wheels, site = folder / "source", folder / "wheels", folder / "site"
    source.mkdir()
    for name in SOURCES:  # a copy, for building leaves files beside what it builds
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    quiet = ("--quiet", "--no-deps", "--disable-pip-version-check")
    answer_of("-m", "pip", "wheel", source, "--no-build-isolation", "--wheel-dir", wheels, *quiet, folder=folder)
    (wheel,) = wheels.glob("*.whl")
    answer_of("-m", "pip", "install", wheel, "--no-compile", "--target", site, *quiet, folder=folder)
    return site


def test_library_loads_neither_streamlit_nor_matplotlib():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / "siam").rglob("*.py"))
        if path.name != "__main__.py"  # which runs the command line
    ]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert set(names) <= loaded and "siam.models.siam" in loaded
    assert not loaded & {"streamlit", "matplotlib", "ui"}


def test_import_waits_for_nothing_heavy():
    loaded = loaded_by("import siam")
    assert "siam" in loaded
    assert not loaded & {"torch", "timm", "pandas", "PIL", "plotly"}


def test_the_installed_command_explains_a_photo(installed, tmp_path):
    shutil.copy(ROOT / "assets/gallery/open-photos/images/forest-path.jpg", tmp_path / "photo.jpg")
    (script,) = (installed / "bin").glob("siam*")
    arguments = (script, "explain", "photo.jpg", "--json", "--out", "out")
    answer = json.loads(answer_of(*arguments, folder=tmp_path, path=installed))
    assert answer["image"] == "photo.jpg" and answer["model"] == "photo"
    total = sum(answer["siam"]["contributions"].values()) + answer["siam"]["bias"]
    assert total == pytest.approx(answer["siam"]["score"], abs=1e-4)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["photo.html", "photo.json", "photo.png"]


def test_the_installed_package_has_all_that_is_bundled(installed, tmp_path):
    assets = Path(answer_of("-c", WHERE, folder=tmp_path, path=installed))
    assert assets.is_relative_to(installed)
    assert files(assets) == files(ROOT / "assets")
    library = {path for path in files(installed / "siam", leave_out="assets") if path.parts[0] != "dashboard"}
    assert library == files(ROOT / "siam")
    app = files(installed / "siam" / "dashboard")
    assert app == {
        Path("app.py"), Path(".streamlit/config.toml"),
        *(Path(name) / path for name in ("ui", "pages") for path in files(ROOT / name)),
    }  # fmt: skip


def test_the_installed_command_opens_the_dashboard_from_anywhere(installed, tmp_path, browser):
    """In a folder of its own, with the settings of the app and the networks that were asked for."""
    (script,) = (installed / "bin").glob("siam*")
    command = [sys.executable, script, "app", "--no-browser", "--model", "rendered", "--port"]
    with served(command, tmp_path, PYTHONPATH=str(installed)) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        expect(page.get_by_role("heading", name=HEADINGS[""]).first).to_be_visible(timeout=WAIT)
        expect(page.get_by_test_id("stFileUploaderDropzone").first).to_contain_text("20MB", timeout=WAIT)
        expect(page.get_by_test_id("stSidebar").get_by_role("combobox").first).to_have_value("Rendered")
        expect(page.get_by_test_id("stException")).to_have_count(0)
        page.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == []


def test_an_installed_package_has_no_commit_of_another_project(installed, tmp_path):
    folder = installed.parent
    for arguments in (
        ["init"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "Other"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    code = "import sys; from siam.runtime.provenance import git_commit; sys.stdout.write(repr(git_commit()))"
    assert answer_of("-c", code, folder=tmp_path, path=installed) == "None"
    if (ROOT / ".git").exists():
        assert answer_of("-c", code) != "None"


def test_help_names_what_was_typed(installed, tmp_path):
    (script,) = (installed / "bin").glob("siam*")
    assert answer_of(script, "--help", folder=tmp_path, path=installed).startswith("usage: siam [-h]")
    assert answer_of("-m", "siam", "--help", folder=tmp_path, path=installed).startswith("usage: python -m siam [-h]")


def test_the_wheel_holds_the_library_alone(installed):
    top = {path.name for path in installed.iterdir()} - {"bin"}
    assert {name for name in top if not name.endswith(".dist-info")} == {"siam"}
