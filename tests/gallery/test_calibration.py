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
from tests.support.spreadsheets import xlsx

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
    table(folder / "more/twice.csv", ["file", "outdoor"], [("m1.png", 1), ("m1.png", 1)])
    (folder / "more/photo.csv").write_bytes((folder / "more/m1.png").read_bytes())
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


TABLES = {
    "semicolons": ("kinds.csv", lambda text: text.replace(",", ";").encode()),
    "tabs": ("kinds.tsv", lambda text: text.replace(",", "\t").encode()),
    "byte order mark": ("kinds.csv", lambda text: text.encode("utf-8-sig")),
    "UTF-16": ("kinds.txt", lambda text: text.encode("utf-16")),
    "headings": ("kinds.csv", lambda text: text.replace("file,outdoor", "File , OUTDOOR").encode()),
    "numbers": ("kinds.csv", lambda text: text.replace(",1\n", ",1.0\n").replace(",0\n", ",0.0\n").encode()),
    "no endings": ("kinds.csv", lambda text: text.replace(".png", "").encode()),
    "other spellings": ("kinds.csv", lambda text: text.replace("m1", "./M1").encode()),
    "blank rows": ("kinds.csv", lambda text: text.replace("\n", "\n,\n").encode()),
    "spreadsheet": ("kinds.xlsx", lambda text: xlsx([line.split(",") for line in text.splitlines()])),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_read_like_any_other(pair, root, found, kind):
    name, written = TABLES[kind]
    text = (root / "more/kinds.csv").read_text(encoding="utf-8").replace("\r\n", "\n")
    (root / "tables").mkdir(exist_ok=True)
    (root / "tables" / name).write_bytes(written(text))
    recipe = RECIPE.replace("more/kinds.csv", f"tables/{name}")
    (root / "tables/recipe.toml").write_text(recipe, encoding="utf-8")
    again = calibrate(pair, read_recipe(root / "tables/recipe.toml"), root, "")
    assert again.landscapes == pytest.approx(found.landscapes, abs=1e-5)
    assert again.about["flagged"] == found.about["flagged"]


@pytest.mark.parametrize("value", ["1", "true", "1.0"])
def test_values_of_a_recipe_need_no_quotes(pair, root, found, tmp_path, value):
    words = {"true": "TRUE"}.get(value, "1")
    rows = [(f"m{n}.png", words if n % 4 else "0") for n in range(16)]
    table(root / "more/other.csv", ["file", "outdoor"], rows)
    recipe = RECIPE.replace("more/kinds.csv", "more/other.csv").replace('outdoor = "1"', f"outdoor = {value}")
    (tmp_path / "recipe.toml").write_text(recipe, encoding="utf-8")
    again = calibrate(pair, read_recipe(tmp_path / "recipe.toml"), root, "")
    assert len(again.landscapes) == len(found.landscapes)


def test_photos_of_one_name_in_two_folders_are_two(pair, root, tmp_path):
    for folder in ("rated", "more"):
        (tmp_path / "all" / folder).mkdir(parents=True)
    for number in range(24):
        (tmp_path / "all/rated" / f"{number}.png").write_bytes((root / "rated" / f"{number}.png").read_bytes())
    for number in range(16):
        (tmp_path / "all/more" / f"{number}.png").write_bytes((root / "more" / f"m{number}.png").read_bytes())
    table(tmp_path / "kinds.csv", ["file", "kind"], [("more/1.png", "a"), ("rated\\1.png", "a"), ("more/2.png", "b")])
    recipe = {
        "rated": {"data": "folder", "folder": str(root / "rated")},
        "landscapes": [{"photos": "all"}],
        "flagged": [
            {"name": "all", "landscapes": True, "photos": "all"},
            {"name": "a", "landscapes": True, "photos": "all", "table": "kinds.csv", "where": {"kind": "A"}},
        ],
    }
    found = calibrate(pair, recipe, tmp_path, "")
    assert [entry["n"] for entry in found.about["flagged"]] == [40, 2]


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
        (lambda text: text.replace('outdoor = "1"', 'indoor = "1"'), "lacks the column 'indoor'"),
        (lambda text: text.replace("more/kinds.csv", "more/twice.csv"), "a second entry for 'm1.png' in row 3"),
        (lambda text: text.replace("more/kinds.csv", "more/photo.csv"), "is not readable as a table"),
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
