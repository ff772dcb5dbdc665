"""`calibrate`: from photos to intervals, and the figures of how they were checked."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.explanation.batch import predict_pair
from siam.gallery.calibration import calibrate, cross_coverage, read_recipe
from siam.models.checkpoint import Pair, save
from siam.models.doubt import half_width
from tests.support.networks import baseline_network, siam_network

RECIPE = """
[rated]
data = "folder"
folder = "rated"

[[landscapes]]
photos = "rated"

[[landscapes]]
photos = "more"
table = "more/kinds.csv"
where = { outdoor = "1" }

[[coverage]]
name = "other people"
data = "folder"
folder = "rated"

[[flagged]]
name = "indoors"
landscapes = false
photos = "more"
table = "more/kinds.csv"
where = { outdoor = "0" }
"""


def table(path, head, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return a folder with 24 rated photos and 16 more, of which every fourth shows stripes."""
    folder, made = tmp_path_factory.mktemp("calibration"), np.random.default_rng(0)
    for name in ("rated", "more"):
        (folder / name).mkdir()
    for number in range(24):
        pixels = made.integers(0, 256, (4, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((96, 64)).save(folder / "rated" / f"{number}.png")
    for number in range(16):
        pixels = made.integers(0, 256, (4, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((96, 64))
        if number % 4 == 0:
            picture = Image.fromarray(255 * (np.indices((64, 96)).sum(axis=0) // 3 % 2).astype(np.uint8)).convert("RGB")
        picture.save(folder / "more" / f"m{number}.png")
    table(folder / "rated/ratings.csv", ["file", "score (1-10)"], [(f"{n}.png", 1 + n % 9) for n in range(24)])
    table(folder / "more/kinds.csv", ["file", "outdoor"], [(f"m{n}.png", int(n % 4 > 0)) for n in range(16)])
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pair():
    return Pair("test", siam_network(), baseline_network(), {})


@pytest.fixture(scope="module")
def found(pair, root):
    return calibrate(pair, read_recipe(root / "recipe.toml"), root, "the command")


def test_it_holds_the_errors_of_both_networks(pair, root, found):
    files = [root / "rated" / f"{n}.png" for n in range(24)]
    (scores,), other = predict_pair(pair, files, lambda output: (output.scenicness,))
    people = np.array([1 + n % 9 for n in range(24)], dtype=float)
    order = np.lexsort(found.residuals.T)
    wanted = np.abs(np.stack([people - scores, people - other], axis=1))
    assert found.residuals[order] == pytest.approx(wanted[np.lexsort(wanted.T)], abs=1e-4)
    assert len(found.landscapes) == 24 + 12  # the table leaves out the stripes


def test_it_was_checked_on_photos_kept_out(found):
    about = found.about
    assert about["command"] == "the command" and about["level"] == 0.8
    names = {(entry["name"], entry["network"]): entry for entry in about["coverage"]}
    for column, network in enumerate(("siam", "baseline")):
        inside = cross_coverage(found.residuals[:, column], found.distances, found.usual)
        own = names["rated photos, kept out in turn", network]
        assert (own["n"], own["share"]) == (24, round(inside.mean(), 4))
        assert own["interval"][0] < own["share"] < own["interval"][1]
        half = half_width(found.residuals[:, column], found.distances, found.distances, found.usual)
        assert own["width"] == pytest.approx(2 * np.median(half), abs=1e-4)
        assert names["other people", network]["n"] == 24
    (flagged,) = about["flagged"]
    assert (flagged["name"], flagged["landscapes"], flagged["n"]) == ("indoors", False, 4)
    assert flagged["share"] == 1  # stripes are unlike anything


def test_each_photo_is_judged_by_the_others():
    made = np.random.default_rng(0)
    residuals, away = made.random(60), made.random(60)
    inside, fold = cross_coverage(residuals, away, 0.5, seed=4), np.random.default_rng(4).permutation(60) % 10
    for photo in range(60):
        others = fold != fold[photo]
        half = half_width(residuals[others], away[others], away[[photo]], 0.5)[0]
        assert inside[photo] == (residuals[photo] <= half)


def test_the_command_stores_it_beside_the_networks(pair, root, tmp_path, capsys):
    save(pair, tmp_path / "mine")
    before = (tmp_path / "mine/siam.safetensors").read_bytes()
    words = ["calibrate", str(root / "recipe.toml"), "--root", str(root), "--model", str(tmp_path / "mine")]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "rated photos, kept out in turn, siam: " in printed and "indoors: 100% of 4 not a landscape" in printed
    again = siam.load(tmp_path / "mine", device="cpu")
    assert again.doubt is not None and len(again.doubt.residuals) == 24
    assert (tmp_path / "mine/siam.safetensors").read_bytes() == before
    explanation = siam.explain(again, root / "rated/3.png")
    assert explanation.interval is not None and explanation.is_landscape is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("[rated]", "[ratings]"), "lacks [rated]"),
        (lambda text: text + "\n[[extra]]\nname = 'x'", "has a part 'extra'"),
        (lambda text: text.replace("landscapes = false", "landscape = false"), "[flagged] has 'landscape'"),
        (lambda text: text + "[", "is not TOML"),
        (lambda text: text.replace('photos = "more"', 'photos = "less"'), "less is no folder"),
        (lambda text: text.replace("more/kinds.csv", "more/kind.csv"), "kind.csv is missing"),
        (lambda text: text.replace('outdoor = "1"', 'indoor = "1"'), "has no column 'indoor'"),
        (lambda text: text.replace('outdoor = "0"', 'outdoor = "2"'), "indoors: there are no photos"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_one_line(pair, root, tmp_path, capsys, change, message):
    save(pair, tmp_path / "mine")
    (tmp_path / "recipe.toml").write_text(change(RECIPE), encoding="utf-8")
    words = ["calibrate", str(tmp_path / "recipe.toml"), "--root", str(root), "--model", str(tmp_path / "mine")]
    assert main(words) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert [line for line in error if line.startswith("error: ")] and message in error[-1]
    assert not (tmp_path / "mine/doubt.safetensors").exists()


def test_a_pair_without_a_baseline_has_intervals_of_its_own(pair, root):
    alone = calibrate(replace(pair, baseline=None), read_recipe(root / "recipe.toml"), root, "")
    assert np.isfinite(alone.residuals[:, 0]).all() and np.isnan(alone.residuals[:, 1]).all()
    assert {entry["network"] for entry in alone.about["coverage"]} == {"siam"}
