"""Any words: a pair on one's own photos and vocabulary, judged on photos that its networks did not see."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.evaluation import stored
from siam.labelling import table as label_table
from siam.labelling.answers import Answer, Answers
from siam.labelling.marks import SIDE, written
from siam.training.own import photos as own
from siam.training.pairs import train
from siam.training.recipes import read_recipe
from tests.support.own_words import write_photos, write_recipe
from tests.support.paths import ROOT

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train once on three words; return the folder and the pair."""
    folder = tmp_path_factory.mktemp("own")
    write_photos(folder / "my", 3)
    recipe = write_recipe(folder, steps=60)
    pair = train(recipe, folder / "my", folder / "out", folder / "cache", results=folder / "result.json")
    return folder, pair


@pytest.mark.parametrize("words", [3, 120])
def test_any_number_of_words_trains_and_loads(words, tmp_path):
    write_photos(tmp_path / "my", words, 12)
    train(write_recipe(tmp_path), tmp_path / "my", tmp_path / "out", tmp_path / "cache")
    pair = siam.load(tmp_path / "out", device="cpu")
    names = tuple(f"word {k}" for k in range(words))
    assert pair.config.attributes == names and not set(names) & set(ATTRIBUTES)
    assert list(pair.recognition) == list(names)
    explanation = siam.explain(pair, tmp_path / "my" / "3.png")
    assert len(explanation.ranking()) == words
    assert np.sum([one.value for one in explanation.ranking()]) + explanation.bias == pytest.approx(
        explanation.scenicness, abs=1e-4
    )


def test_the_card_says_what_it_learned_how_well_and_where_it_ends(trained):
    folder, pair = trained
    card = json.loads((folder / "out" / "card.json").read_text())
    assert card["name"] == "out" and card["recipe"] == "words.toml" and card["folders"] == ["my"]
    assert "24 photos labelled with 3 attributes (word 0, word 1 and word 2)" in card["training_data"]
    assert "24 photos rated from 1 to 5; 24 of them are both" in card["training_data"]
    assert "hardly recognises word" in card["limits"] and "With 24 ratings" in card["limits"]
    assert pair.recognition["word 0"].average_precision > 0.9  # the pictures are green where it is 1
    assert pair.recognition["word 0"].positives == 12
    for network in ("siam", "baseline"):
        figures = card["metrics"][network]["my"]
        low, high = figures["kendall_tau_interval"]
        assert low <= figures["kendall_tau"] <= high and figures["n"] == 24
    assert card["metrics"]["difference"]["my"]["kendall_tau"] == pytest.approx(
        card["metrics"]["siam"]["my"]["kendall_tau"] - card["metrics"]["baseline"]["my"]["kendall_tau"], abs=2e-4
    )
    assert card["metrics"]["my_test"]["n"] == 24


def test_what_people_marked_teaches_where_a_word_is(tmp_path):
    """Photos that show the word are green on the left and blue on the right, and only marks can tell which it is."""
    write_photos(tmp_path / "my", 1)
    given = []
    for number in range(24):
        pixels = np.random.default_rng(number).integers(0, 90, (64, 64, 3), dtype=np.uint8)
        if number % 2:
            pixels[:, :32, 1] += 150
            pixels[:, 32:, 2] += 150
        Image.fromarray(pixels).save(tmp_path / "my" / f"{number}.png")
        left = written((row, column) for row in range(SIDE) for column in range(SIDE // 2)) if number % 4 == 1 else ""
        given.append(Answer("present" if number % 2 else "absent", "word 0", f"{number}.png", where=left))
    recipe, shares, texts = write_recipe(tmp_path, steps=60), [], []
    for folder in ("labelled", "marked"):
        if folder == "marked":
            label_table.write(Answers(tuple(given)), tmp_path / "my")
        pair = train(recipe, tmp_path / "my", tmp_path / folder, tmp_path / "cache")
        (row,) = siam.explain(pair, tmp_path / "my" / "3.png").attribute_maps  # a photo that nobody marked
        shares.append(row[:, : row.shape[1] // 2].sum() / row.sum())
        texts.append(pair.card["training_data"])
    assert shares[0] < 0.65 < 0.85 < shares[1], shares
    assert (
        "it was marked" not in texts[0] and "(word 0), in 6 of which it was marked where they are, and 24" in texts[1]
    )


def test_folds_are_kept_and_figures_can_be_stored(trained):
    folder, _pair = trained
    pair = siam.load(folder / "out", device="cpu")
    grid = pair.config.grid
    assert pair.templates[1] is not None and pair.templates[1].shape == (2, 3, grid, grid)
    result = stored.read(folder / "result.json")
    assert result.model == "out" and set(result.figures) == {"siam", "baseline"}
    assert result.data == "my; attributes: my"


def test_the_figures_do_not_come_from_photos_that_were_seen(tmp_path):
    """With labels and ratings of noise, networks that had seen a photo would know its answers."""
    random = np.random.default_rng(5)
    write_photos(tmp_path / "my", 1, 40)
    names = [f"{number}.png" for number in range(40)]
    shares = random.permutation(np.arange(40) % 2)
    for name in names:
        Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "my" / name)
    (tmp_path / "my" / "attributes.csv").write_text(
        "file,odd\n" + "".join(f"{name},{share}\n" for name, share in zip(names, shares, strict=True))
    )
    (tmp_path / "my" / "ratings.csv").write_text(
        "file,score (1 to 5)\n" + "".join(f"{name},{random.uniform(1, 5):.2f}\n" for name in names)
    )
    recipe = write_recipe(tmp_path, folds=4, steps=40, further="ridge_penalty = 0.01\n")
    pair = train(recipe, tmp_path / "my", tmp_path / "out", tmp_path / "cache")
    assert abs(pair.card["metrics"]["baseline"]["my"]["kendall_tau"]) < 0.4
    assert pair.card["attributes"]["odd"]["belief"] == "hardly"


def test_a_photo_is_in_one_fold_however_often_it_is_there_and_whatever_it_is_called(tmp_path):
    root = tmp_path / "my"
    write_photos(root / "labelled", 2, 20)
    shutil.copytree(root / "labelled", root / "rated")
    for number in range(20):
        (root / "rated" / f"{number}.png").rename(root / "rated" / f"again-{number}.png")
    table = (root / "rated" / "ratings.csv").read_text()
    (root / "rated" / "ratings.csv").write_text(re.sub(r"(?m)^(\d+\.png)", r"again-\1", table))
    recipe = write_recipe(tmp_path)
    text = recipe.read_text().replace('folder = "." }\n', 'folder = "labelled" }\n')
    recipe.write_text(text.replace('folder = "." }]', 'folder = "rated" }]'))
    photos = own.read(read_recipe(recipe), root)
    assert len(photos.files) == 20
    by_name = {path.name: number for path, number in zip(photos.labelled.files, photos.number_of_labelled, strict=True)}
    for path, number in zip(photos.ratings[0].files, photos.number_of_rated, strict=True):
        assert by_name[path.name.removeprefix("again-")] == number
    fold = photos.folds(5, 0)
    assert np.bincount(fold).tolist() == [4] * 5
    assert np.array_equal(fold, photos.folds(5, 0)) and not np.array_equal(fold, photos.folds(5, 1))


def test_photos_marked_for_testing_are_not_learned_from(tmp_path):
    root = write_photos(tmp_path / "my", 1, 12)
    rows = [f"{number}.png,{number % 2},{'test' if number < 4 else 'train'}" for number in range(12)]
    (root / "attributes.csv").write_text("\n".join(["file,word,split", *rows]))
    photos = own.read(read_recipe(write_recipe(tmp_path)), root)
    kept = {f"{number}.png" for number in range(4, 12)}
    assert {path.name for path in photos.labelled.files} == {path.name for path in photos.ratings[0].files} == kept


def test_words_of_which_little_is_known_are_trained_and_warned_of(tmp_path, capsys):
    root = write_photos(tmp_path / "my", 1, 24)
    cells = {"often": "1", "never": "0", "unknown": "", "rare": None}
    rows = [
        f"{number}.png,{number % 2},{cells['often']},{cells['never']},{cells['unknown']},{int(number < 2)}"
        for number in range(24)
    ]
    (root / "attributes.csv").write_text("\n".join(["file,green,often,never,unknown,rare", *rows]))
    status = main(["train", str(write_recipe(tmp_path, steps=40)), "--root", str(root), "--out", str(tmp_path / "out"),
                   "--cache", str(tmp_path / "cache")])  # fmt: skip
    out = capsys.readouterr().out
    assert status == 0
    lines = [line for line in out.splitlines() if line.startswith("warning: ")]
    assert len(lines) == 4
    for name, words in {
        "often": "all 24 labelled photos show it; label photos that do not show it",
        "never": "no labelled photo shows it; label at least 10 that do",
        "unknown": "no photo is labelled; label at least 10 photos that show it",
        "rare": "only 2 of 24 photos show it; label at least 10 that do",
    }.items():
        assert f"warning: too few examples of “{name}” to believe it: {words}" in lines
    assert re.search(
        r"^green +12 of 24 +\d\.\d\d +\d\.\d\d to \d\.\d\d +0\.50 +(well|roughly|hardly)$", out, re.MULTILINE
    )
    assert re.search(r"^unknown +0 of 0 +– +0\.00 +hardly$", out, re.MULTILINE)
    assert re.search(r"^SIAM − baseline +-?\d\.\d\d +-?\d\.\d\d to", out, re.MULTILINE)
    assert f"siam app --model {tmp_path / 'out'}" in out
    pair = siam.load(tmp_path / "out", device="cpu")
    assert all(pair.recognition[name].belief == "hardly" for name in cells)


# What cannot be trained is told in one line, before anything is computed


@pytest.fixture
def refused(tmp_path, capsys):
    def refused(change, further=""):
        root = write_photos(tmp_path / "my", 2, 12)
        recipe = write_recipe(tmp_path, further=further)
        change(root, recipe)
        arguments = ["train", str(recipe), "--root", str(root), "--out", str(tmp_path / "out")]
        assert main([*arguments, "--cache", str(tmp_path / "cache")]) == 2
        assert not (tmp_path / "cache").exists() and not (tmp_path / "out" / "card.json").exists()
        lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("skipped")]
        (line,) = lines
        assert line.startswith("error: ")
        return line

    return refused


def table(name, text):
    return lambda root, _recipe: (root / name).write_text(text)


def replaced(old, new):
    def change(_root, recipe):
        assert old in recipe.read_text()
        recipe.write_text(recipe.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root, _recipe: (root / "ratings.csv").unlink(), "holds no ratings: add a ratings.csv"),
        (lambda root, _recipe: (root / "attributes.csv").unlink(), "attributes.csv is missing"),
        (table("ratings.csv", "file,score\n0.png,3\n1.png,4\n"), "head their column “score (1 to 5)”"),
        (table("ratings.csv", "file,score (1 to 5)\n0.png,3\n1.png,3\n2.png,3\n"), "are 3: there is nothing to learn"),
        (table("ratings.csv", "file,score (1 to 5)\n0.png,3\n"), "nothing to learn"),
        (table("attributes.csv", "file,a\n0.png,1\n"), "1 labelled photos are too few for 2 folds"),
        (replaced("folds = 2", "folds = 13"), "12 labelled photos are too few for 13 folds"),
        (replaced("folds = 2", "folds = 1"), "has folds = 1; expected 2 or more"),
        (replaced("folds = 2", "folds = true"), "has folds = True; expected 2 or more"),
        (replaced("steps = 3", "steps = 0"), "[training] of the recipe: steps is 0"),
        (replaced("steps = 3", "setps = 3"), "unknown setting 'setps' in [training] of the recipe: did you mean"),
        (replaced("image_size = 64", "backbone = 'resnet50'"), "unknown setting 'backbone' in [network]"),
        (replaced("steps = 3", "ridge_penalty = -1"), "ridge_penalty is -1"),
        (replaced('trunk = "', 'trunk = "no'), "there are no networks named"),
        (replaced('[{ reader = "folder", folder = "." }]', "[]"), "names no scores"),
        (replaced('folder = "." }]', 'folder = "." }, { reader = "folder", folder = "." }]'), "several folders of"),
    ],
)  # fmt: skip
def test_one_line(refused, change, words):
    assert words in refused(change)


def test_no_gallery_is_promised(tmp_path, capsys):
    root = write_photos(tmp_path / "my", 1, 6)
    command = ["train", str(write_recipe(tmp_path)), "--root", str(root), "--out", str(tmp_path / "out")]
    assert main([*command, "--gallery", str(tmp_path / "gallery")]) == 2
    assert "use siam evaluate --gallery" in capsys.readouterr().err


def test_our_recipe_is_accepted():
    recipe = read_recipe(ROOT / "recipes" / "own.toml")
    assert recipe["method"] == "own"


def test_labels_without_ratings_can_be_evaluated(trained, tmp_path, capsys):
    folder, _pair = trained
    root = write_photos(tmp_path / "new", 3, 10, seed=9)
    arguments = ["evaluate", "--model", str(folder / "out"), "--data", "folder", "--root", str(root), "--split", "all"]
    assert main([*arguments, "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert both["siam"]["annotated"]["per_attribute"].keys() == {"word 0", "word 1", "word 2"}
    (root / "ratings.csv").unlink()
    assert main([*arguments, "--json"]) == 0
    labels = json.loads(capsys.readouterr().out)
    assert labels["siam"]["per_attribute"] == both["siam"]["annotated"]["per_attribute"]
    assert labels["siam"]["per_attribute"]["word 0"] > 0.9
