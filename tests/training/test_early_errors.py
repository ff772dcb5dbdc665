"""What is wrong with a recipe, its data or a place to write is told in one line before anything is computed."""

from pathlib import Path

import pytest

from siam.cli.main import main
from siam.errors import DatasetError
from siam.runtime.files import exclusive
from siam.training.recipes import read_recipe
from tests.support import heads, joint
from tests.support.experiment import write_photos, write_recipe
from tests.support.paths import ROOT

OWN = (
    'attributes = { reader = "sun", folder = "sun" }',
    'scores = { reader = "folder", folder = "own", scale = [1, 10] }',
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_photos(root)
    (root / "own").mkdir()
    (root / "own" / "images").symlink_to(root / "scenicornot" / "images")
    splits = ("train", "train", "val", "test")
    rows = [f"images/{number}.jpg,{2 + number / 5:.1f},{splits[number % 4]}" for number in range(1, 25)]
    (root / "own" / "ratings.csv").write_text("\n".join(["file,score,split", *rows]) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def refused(data, tmp_path, capsys):
    """Return the line that `train` says, after which nothing may have been computed."""

    def refused(recipe, *further, out=tmp_path / "out"):
        status = main(
            ["train", str(recipe), "--root", str(data), "--out", str(out), "--cache", str(tmp_path / "cache"), *further]
        )
        stdout, stderr = capsys.readouterr()
        assert status == 2 and stdout == ""
        assert not (tmp_path / "out" / "phases").exists() and not (tmp_path / "cache").exists()
        (line,) = stderr.splitlines()
        assert line.startswith("error: ")
        return line

    return refused


def changed(tmp_path, old, new, **settings):
    path = write_recipe(tmp_path / "recipe.toml", **settings)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_ratings_without_a_variance(refused, tmp_path):
    line = refused(write_recipe(tmp_path / "recipe.toml", sources=OWN))
    assert "predicts_variance is true, but these ratings have no variance: set it to false in [network]" in line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"test_efficientnet"', '"resnet5O"', "timm has no backbone named 'resnet5O'; names like it: resnet50"),
        ('"test_efficientnet"', '"ResNet-50"', "names like it: resnet50"),
        ('"test_efficientnet"', '"efficientvit_b0"', "cannot be built without its pooling"),
        ('"test_efficientnet"', '"coatnet_pico_rw_224"', "takes no pictures of 256 x 320 px"),
        ('"test_efficientnet"', '"vit_tiny_patch16_224"', "expected maps (N, 192, h, w): choose a"),
        ("border = 0", "border = 1", "at 64 x 64 px, the attribute maps are 2 x 2 cells; a border of 1 leaves none"),
        ("grid = 2", "grid = 0", "expected a grid of at least 1"),
        ("grid = 2", "gird = 2", "unknown setting 'gird' in [network] of the recipe: did you mean 'grid'?"),
        ("rotation = 5.0", "rotation = 500", "the rotation is 500 degrees; expected 0 to 90"),
        ("workers = 0", "workers = 0\nfrozen_stages = 9", "separable stages; expected more than 9"),
        ("workers = 0", "workers = 0\nregion_wieght = 1", "did you mean 'region_weight'?"),
        ("milestones = [1] }", "milestones = [1], warmup = 3 }", "unexpected keyword argument 'warmup'"),
        ("seed = 3", "seed = 3\nsede = 4", "unknown setting 'sede': did you mean 'seed'?"),
        ('folder = "sun" }', 'folder = "sun", spilt = "paper" }', "'spilt' of a dataset in [data] of"),
        ("[phases]", "[phases]\nsiam-forzen = 1", "'siam-forzen' in [phases] of the recipe: did you mean"),
        ('folder = "sun"', 'folder = "moon"', "moon"),
    ],
)  # fmt: skip
def test_a_wrong_setting(old, new, words, refused, tmp_path):
    assert words in refused(changed(tmp_path, old, new))


def test_a_misspelt_setting_that_must_be_there(tmp_path):
    path = changed(tmp_path, "patience", "patiance")
    with pytest.raises(DatasetError, match=r"lacks 'patience' in \[training\]; 'patiance' is no setting"):
        read_recipe(path)


@pytest.mark.parametrize("name", ["photo", "photo-heads", "photo-unoutlined", "rendered", "scenicornot-resnet50"])
def test_our_own_recipes_are_accepted(name):
    assert read_recipe(ROOT / "recipes" / f"{name}.toml")["name"]


@pytest.mark.parametrize(
    ("recipe", "old", "new", "words"),
    [
        ("photo", 'backbones = ["tf_efficientnet_lite2"', 'backbones = ["tf_efficientnet_lite22"', "[teacher] of"),
        ("photo", "frozen_stages = 3", "frozen_stages = 30", "[joint] of the recipe: the backbone has"),
        ("photo", "colour = 0.0", "color = 0.0", "[views.rated] of the recipe"),
        ("photo", 'pooling = "area"', 'predicts_variance = true', "unknown setting 'predicts_variance' in [network]"),
        ("photo", "stages = 2", "stages = 9", "stages is 9; expected 1 to"),
        ("photo-heads", "tf_efficientnet_lite0", "efficientvit_b0", "cannot be built without its pooling"),
        ("photo", "folds = 5", "folds = 0", "has folds = 0; expected 2 or more"),
        ("photo-heads", "folds = 5", "folds = 1", "has folds = 1; expected 2 or more, or 0 for no cross-validation"),
        ("photo-heads", "folds = 5", "folds = 2.5", "has folds = 2.5; expected 2 or more, or 0"),
        ("photo-heads", "[baseline]", "[baseline]\nridge_penality = 1", "did you mean 'ridge_penalty'?"),
    ],
)  # fmt: skip
def test_a_wrong_setting_of_the_other_methods(recipe, old, new, words, refused, tmp_path):
    text = (ROOT / "recipes" / f"{recipe}.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert words in refused(path)


# Places to write


def places(tmp_path):
    (tmp_path / "file").write_text("x")
    return [tmp_path / "file", tmp_path / "file" / "below", Path("/proc/siam/out")]


@pytest.mark.parametrize("number", range(3))
def test_an_output_that_cannot_be_written_is_told_by_train(number, refused, tmp_path):
    place = places(tmp_path)[number]
    recipe = write_recipe(tmp_path / "recipe.toml")
    assert "file is a file, but" in (line := refused(recipe, out=place)) or "cannot be written to" in line
    heads = ROOT / "recipes" / "photo-heads.toml"
    for option in ("--gallery", "--results"):
        line = refused(heads, option, str(place / "of.json" if option == "--results" else place))
        assert "file is a file, but" in line or "cannot be written to" in line


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    "command",
    [
        ["explain", "nowhere.jpg", "--model", "nowhere", "--out"],
        ["evaluate", "--data", "folder", "--root", "nowhere", "--model", "nowhere", "--gallery"],
        ["evaluate", "--data", "folder", "--root", "nowhere", "--model", "nowhere", "--out"],
        ["attribution", "nowhere.jpg", "--network", "nowhere", "--out"],
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_networks_and_photos_are_read(
    command, number, tmp_path, capsys
):
    place = places(tmp_path)[number]
    if command[-2:] == ["nowhere", "--out"] and command[0] == "evaluate":
        place = place / "result.json"
    assert main([*command, str(place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "file is a file, but" in line or "cannot be written to" in line


def test_a_folder_where_a_file_is_expected(tmp_path, capsys):
    assert main(["evaluate", "--data", "folder", "--root", "x", "--model", "x", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path} is a folder: give the name of a file" in capsys.readouterr().err


def test_checking_leaves_nothing_behind(refused, tmp_path):
    refused(changed(tmp_path, "border = 0", "border = 1"), out=tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == [tmp_path / "recipe.toml"]


def test_a_gallery_in_place_of_the_dataset(data, tmp_path, capsys):
    arguments = ["evaluate", "--data", "folder", "--root", str(data / "own"), "--model", "nowhere"]
    assert main([*arguments, "--gallery", str(data / "own")]) == 2
    assert "holds photos of" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["heads", "joint", "end-to-end"])
def test_a_second_training_into_the_same_folder_is_refused(refused, tmp_path, method):
    recipe = tmp_path / "recipe.toml"
    if method == "end-to-end":
        write_recipe(recipe)
    else:
        recipe.write_text({"heads": heads.RECIPE_TEXT, "joint": joint.RECIPE}[method])
    with exclusive(tmp_path / "out"):
        assert "another command is writing there" in refused(recipe)
