"""Rendered flowers: the same seed, the same files; masks lie where classes differ, and nothing else tells them."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_erosion
from scipy.stats import chi2_contingency
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from siam.cli.main import main
from siam.datasets import flowers
from siam.datasets.flowers.classes import COLOURS, ORDINARY, VARIANTS, class_of, split_of
from siam.errors import DatasetError
from siam.worlds.flowers.materials import PARTS
from siam.worlds.flowers.meshes import CENTRE, LEAF, PETAL, POT, SOIL, STEM
from siam.worlds.flowers.raster import NOTHING, rasterise, weights
from siam.worlds.flowers.render import render_flowers, render_one
from siam.worlds.flowers.scene import LEAST, pose, render
from tests.support.paths import ROOT
from tests.worlds import golden

SIZE, COUNT, SEED = 64, 7, 5


@pytest.fixture(scope="module")
def garden(tmp_path_factory):
    """A few small flowers, rendered by two processes."""
    out = tmp_path_factory.mktemp("flowers")
    render_flowers(out, COUNT, SEED, "double-12c", SIZE, workers=2)
    return out


@pytest.fixture
def copy(garden, tmp_path):
    """The same folder, to be damaged."""
    shutil.copytree(garden, tmp_path, dirs_exist_ok=True)
    return tmp_path


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def assert_same_flower(one, other, number):
    """The same picture and mask, but for the rounding of floats."""
    for name in (f"images/{number}.jpg", f"masks/{number}.png"):
        with Image.open(one / name) as picture, Image.open(other / name) as again:
            assert picture.mode == again.mode
            assert golden.alike(picture.convert("RGB"), again.convert("RGB"))


# Many flowers in a folder


def test_the_same_seed_gives_the_same_flowers_one_by_one(garden, tmp_path):
    assert len(files(garden)) == 2 * COUNT + 2
    for number in (7, 4, 1):  # this process, another order, and no count
        render_one(tmp_path, "double-12c", SEED, number, SIZE)
        assert_same_flower(tmp_path, garden, number)
    assert files(tmp_path) < files(garden) and len(files(tmp_path)) == 6


def test_more_of_them_leave_the_first_as_they_are_and_what_is_missing_is_rendered_again(garden, copy):
    (copy / "images" / "3.jpg").unlink()
    (copy / "masks" / "5.png").unlink()
    before = {name: (copy / name).stat().st_mtime_ns for name in files(copy) - {"flowers.tsv"}}
    render_flowers(copy, COUNT + 1, SEED, "double-12c", SIZE, workers=1)
    assert files(copy) - files(garden) == {f"images/{COUNT + 1}.jpg", f"masks/{COUNT + 1}.png"}
    again = {"images/5.jpg", "masks/3.png"}  # of the pairs that lacked a file, the file that was left
    assert {name for name, time in before.items() if (copy / name).stat().st_mtime_ns != time} == again
    for number in (3, 5):
        assert_same_flower(copy, garden, number)
    assert (copy / "flowers.tsv").read_text().startswith((garden / "flowers.tsv").read_text())
    assert len(flowers.read(copy).files) == COUNT + 1


@pytest.mark.parametrize("name", golden.FLOWERS)
def test_flowers_look_as_they_did(name):
    picture, expected = golden.flower(name).picture, golden.read(name)
    assert golden.alike(picture, expected), golden.differences(picture, expected)
    (other,) = golden.FLOWERS.keys() - {name}
    assert not golden.alike(picture, golden.read(other))  # where a colour alone differs


@pytest.mark.parametrize(
    ("seed", "variant", "size"), [(6, "double-12c", 64), (5, "single-6c", 64), (5, "double-12c", 66)]
)
def test_a_folder_holds_flowers_of_one_kind(garden, seed, variant, size):
    with pytest.raises(DatasetError, match="choose another folder"):
        render_flowers(garden, COUNT, seed, variant, size, workers=1)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"seed": -1}, {"size": 10}, {"variant": "triple"}])
def test_wrong_arguments_are_refused_before_anything_is_written(tmp_path, wrong):
    with pytest.raises(ValueError, match="expected at least 1"):
        render_flowers(tmp_path, **{"count": 1, "seed": 0, **wrong})
    assert not list(tmp_path.iterdir())


def test_the_command_renders(garden, tmp_path, capsys):
    words = ["data", "render", "--world", "flowers", "--variant", "double-12c", "--count", "1", "--seed", str(SEED)]
    words += ["--size", str(SIZE), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main([*words, "--sheet", str(tmp_path / "sheet.jpg")]) == 0
    assert_same_flower(tmp_path / "out", garden, 1)
    assert "double-12c, with classes and masks" in capsys.readouterr().out
    assert (tmp_path / "sheet.jpg").stat().st_size > 1000
    for wrong in ([*words, "--size", "10"], ["data", "render", "--variant", "single-6c", "--count", "1", "--out", "x"]):
        assert main(wrong) == 2
        assert capsys.readouterr().err.count("\n") == 1


# Reading


def test_the_reader_returns_what_was_rendered(garden):
    found = flowers.read(garden)
    kinds = VARIANTS["double-12c"]
    assert [path.stem for path in found.files] == [str(number) for number in range(1, COUNT + 1)]
    assert found.class_names == tuple(kind.name for kind in kinds) and found.parts == tuple(kind.part for kind in kinds)
    assert found.labels.tolist() == [class_of("double-12c", SEED, number) for number in range(1, COUNT + 1)]
    assert found.split.tolist() == ["train"] * COUNT and found.variant == "double-12c" and found.size == SIZE
    for index, path in enumerate(found.files):
        flower = render(SEED, index + 1, SIZE, kinds[found.labels[index]])
        assert (found.mask(index) != flower.mask).mean() < 1e-3
        with Image.open(path) as picture, Image.open(garden / "masks" / f"{path.stem}.png") as mask:
            assert picture.size == mask.size == (SIZE, SIZE) and picture.mode == "RGB" and mask.mode == "1"
            error = np.asarray(picture, dtype=float) - np.asarray(flower.picture)
            assert np.abs(error).mean() < 3


def replaced(old, new):
    def damage(root, name):
        text = (root / name).read_text(encoding="utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


def removed(root, name):
    (root / name).unlink()


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("flowers.json", removed, "missing or damaged"),
        ("flowers.json", replaced("{", "["), "missing or damaged"),
        ("flowers.json", replaced('"size"', '"width"'), "does not give world, variant, size and classes"),
        ("flowers.json", replaced('"part"', '"piece"'), "does not give world"),
        ("flowers.json", replaced('"flowers"', '"landscapes"'), "does not give world"),
        ("flowers.tsv", removed, "a folder of flowers holds"),
        ("flowers.tsv", replaced("split", "part"), "lacks the column 'split'"),
        ("flowers.tsv", replaced("\n1\t", "\none\t"), "an id that is not a whole number"),
        ("flowers.tsv", replaced("\n2\t", "\n1\t"), "a second entry"),
        ("flowers.tsv", replaced("\ttrain", "\tpractice"), "a split other than"),
        ("flowers.tsv", replaced(" petals", " pot"), "the name '.* pot' although"),
        ("images/2.jpg", removed, "2.jpg is missing: render"),
        ("masks/4.png", removed, "4.png is missing"),
    ],
)
def test_damaged_folders_are_refused(copy, name, damage, message):
    damage(copy, name)
    with pytest.raises(DatasetError, match=message) as caught:
        flowers.read(copy)
    assert "\n" not in str(caught.value)


def test_a_class_that_does_not_exist_and_an_empty_table_are_refused(copy):
    head, first, *_rest = (copy / "flowers.tsv").read_text(encoding="utf-8").splitlines()
    for cells in ("12", "-1", "0.5", "red"):
        row = [first.split("\t")[0], cells, *first.split("\t")[2:]]
        (copy / "flowers.tsv").write_text(f"{head}\n" + "\t".join(row) + "\n", encoding="utf-8")
        with pytest.raises(DatasetError, match="a class outside 0 to 11"):
            flowers.read(copy)
    (copy / "flowers.tsv").write_text(f"{head}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="lists no flowers"):
        flowers.read(copy)


def test_damaged_masks_are_refused(copy):
    found, path = flowers.read(copy), copy / "masks" / "1.png"
    for picture in (Image.new("1", (SIZE + 1, SIZE)), Image.new("L", (SIZE, SIZE))):
        picture.save(path)
        with pytest.raises(DatasetError, match="not 1 bit and 64 × 64"):
            found.mask(0)
    for data in (b"half a pict", (copy / "masks" / "2.png").read_bytes()[:60]):
        path.write_bytes(data)
        with pytest.raises(DatasetError, match="missing or damaged"):
            found.mask(0)


# Classes


@pytest.mark.parametrize("variant", VARIANTS)
def test_classes_and_splits_are_balanced(variant):
    classes = len(VARIANTS[variant])
    numbers = range(1, 10 * classes + 1)
    labels = [class_of(variant, SEED, number) for number in numbers]
    for end in (classes, 3 * classes + 2, 10 * classes):
        counts = Counter(labels[:end])
        assert max(counts.values()) - min(counts[label] for label in range(classes)) <= 1
    shares = Counter((label, split_of(variant, number)) for label, number in zip(labels, numbers, strict=True))
    assert all(shares[label, "train"] == 7 and shares[label, "val"] == 1 for label in range(classes))
    assert labels[:classes] != labels[classes : 2 * classes]  # each group in an order of its own


def test_colours_are_well_apart():
    lab = np.array([cielab(colour) for colour in (*COLOURS.values(), *ORDINARY.values())])
    apart = np.linalg.norm(lab[:, None] - lab, axis=-1)[np.triu_indices(len(lab), 1)]
    assert apart.min() > 40  # of CIE 1976, where about 2 can just be told apart


def cielab(colour):
    linear = np.where(
        np.array(colour) <= 0.04045, np.array(colour) / 12.92, ((np.array(colour) + 0.055) / 1.055) ** 2.4
    )
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / to_xyz.sum(axis=1))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("part", ["petals", "stem"])
def test_another_class_changes_the_pixels_of_the_mask_and_no_others(part):
    kinds = [kind for kind in VARIANTS["double-12c"] if kind.part == part]
    for number in (1, 2):
        drawn = [render(SEED, number, 96, kind) for kind in kinds]
        pictures = [np.asarray(flower.picture).astype(int) for flower in drawn]
        mask = drawn[0].mask
        assert all((flower.mask == mask).all() and flower.traits == drawn[0].traits for flower in drawn)
        assert mask.mean() >= 0.9 * LEAST[part]
        for one, other in pairwise(pictures):
            change = np.abs(one - other).max(axis=2)
            assert not change[~mask].any()
            assert (change[mask] > 0).mean() > 0.98  # at the very edge a change may be rounded away
            assert (change[binary_erosion(mask)] > 3).all()


def test_what_is_no_part_of_a_class_belongs_to_none():
    assert {material for part in PARTS.values() for material in part} == {PETAL, STEM, LEAF}
    assert not {CENTRE, POT, SOIL} & {material for part in PARTS.values() for material in part}


def nuisances(variant, count):
    """Return a table (N, T) of the traits of many flowers, and their classes (N,)."""
    rows, labels = [], []
    for number in range(1, count + 1):
        traits = pose(SEED, number)[0]
        values = [getattr(traits, field.name) for field in fields(traits)]
        rows.append(np.concatenate([np.atleast_1d(np.array(value, dtype=float)) for value in values]))
        labels.append(class_of(variant, SEED, number))
    return np.array(rows), np.array(labels)


def test_nothing_else_tells_the_class():
    """A chi-square test of every trait in four equal bins, and a classifier on all of them: both at chance."""
    table, labels = nuisances("single-6c", 240)
    chances = []
    for column in table.T:
        edges = np.unique(np.quantile(column, [0.25, 0.5, 0.75]))
        counts = np.zeros((len(edges) + 1, 6))
        np.add.at(counts, (np.searchsorted(edges, column), labels), 1)
        _statistic, chance, *_rest = chi2_contingency(counts[counts.any(axis=1)])
        chances.append(chance)
    assert min(chances) > 0.01 / len(chances)  # Bonferroni
    assert 0.2 < np.mean(chances) < 0.8
    angles = np.concatenate([table, np.sin(table), np.cos(table)], axis=1)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    assert abs(cross_val_score(model, angles, labels, cv=5).mean() - 1 / 6) < 0.08  # 3.3 standard errors


# Drawing


def test_rasterising_is_asking_every_pixel_for_its_nearest_triangle():
    generator = np.random.default_rng(2)
    place, near = generator.uniform(-4, 24, (60, 2)), generator.uniform(0.1, 1, 60)
    triangles = generator.integers(0, 60, (30, 3))
    triangles = triangles[[len(set(row)) == 3 for row in triangles.tolist()]]
    owner, nearest = rasterise(place, near, triangles, 20)
    for row in range(20):
        for column in range(20):
            best, depth = NOTHING, 0.0
            for number, (a, b, c) in enumerate(triangles):
                matrix = np.stack([np.append(place[k], 1) for k in (a, b, c)], axis=1)
                shares = np.linalg.solve(matrix, [column + 0.5, row + 0.5, 1])
                if (shares >= 0).all() and shares @ near[[a, b, c]] > depth:
                    best, depth = number, shares @ near[[a, b, c]]
            assert owner[row, column] == best
            assert nearest[row, column] == pytest.approx(depth, abs=1e-4)


def test_weights_are_those_of_perspective():
    """A point halfway between two corners in space lies nearer to the far one in the picture."""
    points = np.array([[0.0, 0, 2], [2.0, 0, 6], [0.0, 3, 4]])
    middle = points.mean(axis=0)
    place, near = 40 * points[:, :2] / points[:, 2:], 1 / points[:, 2]
    column, row = (40 * middle[:2] / middle[2] - 0.5).astype(np.float32)[:, None]
    found = weights(place, near, np.array([[0], [1], [2]]), column, row)
    assert found[:, 0] == pytest.approx([1 / 3, 1 / 3, 1 / 3], abs=1e-4)


def test_flowers_stand_in_the_picture_and_nothing_is_cut_off():
    for number in range(1, 9):
        flower = render(SEED, number, 64, VARIANTS["single-6c"][0])
        assert flower.picture.size == (64, 64)
        assert not (flower.mask[[0, -1]].any() or flower.mask[:, [0, -1]].any())
        assert np.asarray(flower.picture).std() > 15


def test_rendering_needs_no_torch():
    """So that processes start at once."""
    code = "import json, sys, siam.worlds.flowers.render; print(json.dumps('torch' in sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    assert json.loads(answer.stdout) is False
