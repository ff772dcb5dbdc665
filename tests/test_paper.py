"""The commands of docs/how-to/repeat-the-paper.md, from an empty disk to the paper's tables, on small data from a local
server.
"""

import io
import json
import re
import tarfile

import numpy as np
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.datasets.downloads import sun
from siam.training.recipes import read_recipe
from tests.datasets.downloads.test_scenicornot import COUNT, PICTURES, REPOSITORY, put
from tests.datasets.test_readers import save_archives
from tests.docs.blocks import siam_commands
from tests.support.experiment import write_recipe
from tests.support.file_server import Stored, running_server
from tests.support.paths import ROOT

PHOTOS = 60
PAGE = "how-to/repeat-the-paper.md"


def commands():
    """Return the commands of the page, without `python -m siam`."""
    found = siam_commands(PAGE)
    assert len(found) >= 10
    return found


def sun_archives(folder):
    """Return the two archives of SUN: made-up photos, green where trees are labelled."""
    names = [f"a/abbey/sun_{number:03}.jpg" for number in range(PHOTOS)]
    labels = np.zeros((PHOTOS, 102))
    labels[::2, 40] = 1.0
    save_archives(folder, labels, names)
    archives = {name: io.BytesIO() for name in sun.ARCHIVES}
    tables, photos = archives.values()
    with tarfile.open(fileobj=tables, mode="w:gz") as tar:
        tar.add(folder / "SUNAttributeDB", "SUNAttributeDB")
    with tarfile.open(fileobj=photos, mode="w:gz") as tar:
        for number, name in enumerate(names):
            pixels = np.random.default_rng(number).integers(0, 90, (64, 80, 3), dtype=np.uint8)
            pixels[..., 1] += np.uint8(140 * (number % 2 == 0))
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG")
            entry = tarfile.TarInfo(f"images/{name}")
            entry.size = file.tell()
            file.seek(0)
            tar.addfile(entry, file)
    return {name: file.getvalue() for name, file in archives.items()}


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Walk through the commands, in a folder of their own with a small recipe under the name of the real one."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "recipes").mkdir()
    (folder / "made").mkdir()
    text = (ROOT / "recipes" / "scenicornot-resnet50.toml").read_text(encoding="utf-8")
    real = read_recipe(ROOT / "recipes" / "scenicornot-resnet50.toml")
    write_recipe(folder / "recipes" / "scenicornot-resnet50.toml")
    assert real["data"]["attributes"] == {"reader": "sun", "folder": "sun"} and "scenicornot" in text
    said = []
    with running_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, data in sun_archives(folder / "made").items():
            server.files[f"/{name}"] = Stored(data)
        put(server, list(PICTURES))
        patch.setenv("HF_ENDPOINT", server.address)
        patch.chdir(folder)
        for arguments in commands():
            further = []
            if arguments[:2] == ["data", "download"]:
                further = ["--url", server.address] if arguments[2] == "sun" else ["--repo", REPOSITORY]
            said.append((arguments, main([*arguments, *further])))
    return folder, said


def test_every_command_succeeds(walked):
    _folder, said = walked
    assert [status for _arguments, status in said] == [0] * len(said)
    done = {arguments[0] for arguments, _status in said}
    assert done == {"data", "train", "evaluate"}


def test_photos_networks_and_results_are_there(walked):
    folder, _said = walked
    assert len(list((folder / "DATA" / "sun" / "images").rglob("*.jpg"))) == PHOTOS
    assert len(list((folder / "DATA" / "scenicornot" / "images").glob("*.jpg"))) == COUNT
    out = folder / "runs" / "scenicornot-resnet50"
    assert siam.load(out).baseline is not None and siam.load(out / "frozen").baseline is None
    results = [json.loads(path.read_text()) for path in sorted((folder / "results").glob("*.json"))]
    assert len(results) == 4
    for result in results:
        assert result["command"] and result["date"] and result["model"] and result["data"]


def test_the_tables_hold_what_was_measured_beside_what_the_paper_reports(walked, capsys, monkeypatch):
    folder, _said = walked
    monkeypatch.chdir(folder)
    assert main(commands()[-1]) == 0
    tables = capsys.readouterr().out
    for reported in ("0.640", "0.607", "0.496", "0.987", "1.01", "1.24"):
        assert reported in tables
    frozen = json.loads((folder / "results" / "frozen-scores.json").read_text())["figures"]
    assert set(frozen) == {"siam-frozen"}
    assert re.search(rf"\b{frozen['siam-frozen']['rmse']:.2f}", tables)
    scores = json.loads((folder / "results" / "siam-scores.json").read_text())["figures"]
    for variant in ("siam", "baseline"):
        assert re.search(rf"\b{scores[variant]['rmse']:.2f}", tables)


def test_groups_of_attributes_are_found_in_the_photos_by_their_recipe(walked, capsys, monkeypatch):
    """By the commands in the recipe's first lines; 18 test photos are too few, so here the gallery holds all."""
    folder, _said = walked
    monkeypatch.chdir(folder)
    text = (ROOT / "recipes" / "scenicornot-csib.toml").read_text(encoding="utf-8")
    small = text.replace("groups = 200", "groups = 8").replace("steps = 800", "steps = 30")
    (folder / "recipes" / "scenicornot-csib.toml").write_text(small, encoding="utf-8")
    evaluate, train = re.findall(r"^#   python -m siam (.*)$", text, re.MULTILINE)
    assert main([*evaluate.split(), "--split", "all"]) == 0
    assert main(train.split()) == 0
    assert "groups of attributes that count together" in capsys.readouterr().out
    pair = siam.load(folder / "runs" / "scenicornot-csib")
    assert pair.csib is not None and pair.csib.about["n"] == COUNT
    photo = next((folder / "DATA" / "scenicornot" / "images").glob("*.jpg"))
    assert main(["explain", str(photo), "--model", "runs/scenicornot-csib", "--context"]) == 0
    assert "With context" in capsys.readouterr().out


def test_the_real_recipe_differs_in_size_alone():
    """What the small recipe sets, the real one sets too, and the other way round."""
    real = read_recipe(ROOT / "recipes" / "scenicornot-resnet50.toml")
    assert real["network"]["backbone"] == "resnet50" and real["network"]["grid"] == 15
    assert real["training"]["scenicness_weight"] == 0.1 and real["augmentation"]["crop"] == 450
    for name in ("baseline", "attributes", "siam", "siam-frozen"):
        assert real["phases"][name]["milestones"] == [10, 20]
