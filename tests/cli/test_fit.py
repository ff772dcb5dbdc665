"""`python -m siam fit`: which pictures, which network, where it is stored, and one line where something is wrong."""

import json
import shutil
import tomllib

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

import siam
from siam.cli.main import main
from siam.datasets import flowers
from siam.datasets.flowers.layout import COLUMNS as FLOWER_COLUMNS
from siam.datasets.flowers.layout import FACTS, TABLE, image_path, mask_path
from siam.datasets.rendered import split_of
from siam.datasets.votes import COLUMNS
from siam.errors import CheckpointError, ImageError
from siam.explainers import explainer
from siam.explainers.fitting import vebi as vebi_fit
from siam.explainers.fitting import visuals
from siam.explainers.registry import names_that_learn
from siam.explainers.targets import score_up
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models import fitted
from siam.models import flowers as flower_network
from siam.models.checkpoint import Pair, load, save
from siam.models.fitted import Fitted
from siam.models.flowers import FlowerNetwork
from tests.support.networks import baseline_network, siam_network

RECIPE = """
seed = 3
[lcam_fm]
epochs = 1
learning_rate = 0.1
[lcam_img]
epochs = 1
image_size = 32
start = "lcam_fm"
[vebi]
mu = 10
"""
LCAM = "seed = 0\n[lcam_fm]\nepochs = 1\n"  # a section that could be fitted before the one that is wrong


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def networks(tmp_path):
    folder = tmp_path / "networks"
    save(Pair("tiny", siam_network(), baseline_network(), {}), folder)
    return folder


@pytest.fixture
def photos(tmp_path):
    generator = np.random.default_rng(0)
    for number in range(24):
        path = tmp_path / "photos" / f"{number % 2}" / f"{number}.PNG"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((40, 40), Image.Resampling.BICUBIC).save(path)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


@pytest.fixture
def vebi(monkeypatch):
    """Let all of VEBI's fit be quick; give a list of what it is called with."""
    calls = []

    def fit(model, files, settings, labels=None, progress=None):
        calls.append((model, list(files), settings))
        progress(len(files), len(files))
        return Fitted({"relevance": torch.ones(1, 2)}, {"pictures": len(files), "held_out": {"r2": 0.5}})

    def with_visuals(model, found, files, progress):
        assert torch.equal(model.linear.weight, calls[-1][0].linear.weight) and list(files) == calls[-1][1]
        return Fitted({**found.tensors, "means": torch.zeros(1)}, found.facts)

    def with_top(model, found, gallery, pictures):
        return Fitted(found.tensors, {**found.facts, "top": {gallery: sorted(pictures)}})

    monkeypatch.setattr(vebi_fit, "fit", fit)
    monkeypatch.setattr(visuals, "with_visuals", with_visuals)
    monkeypatch.setattr(visuals, "with_top", with_top)
    return calls


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run `fit` with a recipe in a folder of its own; return its status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, recipe=RECIPE):
        path = tmp_path / "recipe.toml"
        path.write_text(recipe)
        status = main(["fit", str(path), *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def assert_fails(result, *words):
    status, out, err = result
    assert (status, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    for word in words:
        assert word in err


def one_note(err, words):
    """Return whether exactly one line is a note, and has these words and what to do."""
    notes = [line for line in err.splitlines() if "note: " in line]
    return len(notes) == 1 and words in notes[0] and "fit it again with python -m siam fit" in notes[0]


def kept(folder):
    return sorted(path.name for path in folder.iterdir())


def test_everything_is_fitted_and_stored_beside_the_network(run, networks, photos, vebi):
    status, out, _err = run("--model", networks, "--photos", photos, photos / "1")
    assert status == 0
    lines = out.splitlines()
    assert [line.split(":")[0].rpartition("/")[2] for line in lines] == [
        f"{name}.safetensors" for name in names_that_learn()
    ]
    assert "fitted to 22 pictures; on held-out pictures: pictures 2, mask_area 0." in lines[0]
    model = load(networks, device="cpu").baseline
    assert list(model.fitted) == ["lcam_fm", "lcam_img", "vebi"]
    assert model.fitted["lcam_img"].facts["settings"]["seed"] == 3
    assert torch.equal(vebi[0][0].linear.weight, model.linear.weight)
    files = vebi[0][1]
    assert len(files) == 24 and files == sorted(set(photos.rglob("*.PNG"))) and vebi[0][2] == {"mu": 10}
    assert set(model.fitted["vebi"].tensors) == {"relevance", "means"}
    assert "dune-grass" in model.fitted["vebi"].facts["top"]["samples"]
    image = preprocess(read_image(files[0]), model.config)
    for name in ("lcam_fm", "lcam_img"):
        assert explainer(name)(model, image, score_up()).max() == 1


def test_a_few_pictures_drawn_by_the_seed_and_another_folder(run, networks, photos, vebi, tmp_path):
    options = "--model", networks, "--photos", photos, "--count", 20, "--only", "vebi", "--out", tmp_path / "out"
    assert run(*options)[0] == run(*options, recipe="seed = 4\n[vebi]")[0] == run(*options)[0] == 0
    chosen = [files for _model, files, _settings in vebi]
    assert chosen[0] == chosen[2] == sorted(chosen[0]) and len(chosen[0]) == 20 and chosen[1] != chosen[0]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["vebi.safetensors"]
    assert not (networks / "vebi.safetensors").exists()


def test_a_gallery_shows_what_features_stand_for(run, networks, photos, vebi, tmp_path):
    (tmp_path / "scenes").mkdir()
    shutil.copytree(photos, tmp_path / "scenes" / "images")
    options = "--model", networks, "--photos", photos, "--only", "vebi", "--gallery"
    assert run(*options, tmp_path / "scenes")[0] == 0
    assert load(networks).baseline.fitted["vebi"].facts["top"] == {"scenes": sorted(str(n) for n in range(24))}
    (tmp_path / "bare" / "images").mkdir(parents=True)


@pytest.mark.parametrize(
    ("gallery", "message"), [("bare", "images holds no pictures"), ("gone", "images is not a folder")]
)
def test_a_gallery_is_checked_before_the_first_fit(run, networks, photos, vebi, tmp_path, gallery, message):
    (tmp_path / "bare" / "images").mkdir(parents=True)
    before = kept(networks)
    assert_fails(run("--model", networks, "--photos", photos, "--gallery", tmp_path / gallery), message)
    assert not vebi and kept(networks) == before


@pytest.mark.parametrize("step", ["with_visuals", "with_top"])
def test_the_weights_are_kept_where_what_shows_them_fails(run, networks, photos, vebi, monkeypatch, step):
    def broken(*_arguments, **_options):
        raise ImageError("7.jpg is not readable: leave it out")

    monkeypatch.setattr(visuals, step, broken)
    status, out, err = run("--model", networks, "--photos", photos, "--only", "vebi")
    assert status == 2 and err.splitlines()[-1] == "error: 7.jpg is not readable: leave it out"
    assert "vebi.safetensors: fitted to 24 pictures; on held-out pictures: r2 0.5" in out and len(vebi) == 1
    found = siam.load(networks).baseline.fitted["vebi"]
    assert set(found.tensors) == {"relevance"} and torch.equal(found.tensors["relevance"], torch.ones(1, 2))


def test_what_numpy_refuses_is_told_in_one_line(run, networks, photos, vebi, monkeypatch):
    def fit(*_arguments, **_options):
        raise ValueError("Input contains NaN.\nmore")

    monkeypatch.setattr(vebi_fit, "fit", fit)
    status, out, err = run("--model", networks, "--photos", photos, "--only", "vebi")
    told = "error: vebi cannot be fitted to these pictures: Input contains NaN. more"
    assert (status, out, err.splitlines()[-1]) == (2, "", told)


# What was finished before: kept if it would be the same


def lines_of(out):
    return {line.partition(".safetensors: ")[0].rpartition("/")[2]: "kept, as" in line for line in out.splitlines()}


ALL = dict.fromkeys(names_that_learn(), False)


def test_what_is_fitted_is_kept_and_the_next_call_goes_on(run, networks, photos, vebi):
    """Without the second file, as after a kill: the others stay as they are, and it is the same again."""
    options = "--model", networks, "--photos", photos
    status, out, _err = run(*options)
    assert status == 0 and lines_of(out) == ALL
    stamps = {name: (networks / f"{name}.safetensors").stat().st_mtime_ns for name in ALL}
    before = load(networks).baseline.fitted
    for lost, damage in (("lcam_img", lambda _path: None), ("lcam_fm", lambda path: path.write_bytes(b"cut"))):
        path = networks / f"{lost}.safetensors"
        path.unlink()  # not written over, since what was read is still there in memory
        damage(path)
        status, out, _err = run(*options)
        assert status == 0 and lines_of(out) == {name: name != lost for name in ALL}
    after = load(networks).baseline.fitted
    assert (networks / "vebi.safetensors").stat().st_mtime_ns == stamps["vebi"] and len(vebi) == 1
    for name in ALL:
        assert before[name].facts == after[name].facts
        assert all(torch.equal(of, after[name].tensors[key]) for key, of in before[name].tensors.items())
    assert set(lines_of(run(*options)[1]).values()) == {True}


@pytest.mark.parametrize("lost", names_that_learn())
def test_what_is_kept_changes_no_bit_of_the_rest(run, networks, photos, tmp_path, lost):
    options = "--model", networks, "--photos", photos, "--out", tmp_path / "out"
    assert run(*options)[0] == 0
    before = load_file(tmp_path / "out" / f"{lost}.safetensors")
    (tmp_path / "out" / f"{lost}.safetensors").unlink()
    assert lines_of(run(*options)[1]) == {name: name != lost for name in ALL}
    after = load_file(tmp_path / "out" / f"{lost}.safetensors")
    assert before.keys() == after.keys() and all(np.array_equal(before[key], after[key]) for key in before)


def another_rate(text, _photos):
    return text.replace("learning_rate = 0.1", "learning_rate = 0.2")


def another_seed(text, _photos):
    return text.replace("seed = 3", "seed = 4")


def another_picture(text, photos):
    Image.new("RGB", (40, 40), "red").save(photos / "0" / "8.PNG")
    return text


def fewer_pictures(text, photos):
    (photos / "0" / "8.PNG").unlink()
    return text


@pytest.mark.parametrize("change", [another_rate, another_seed, another_picture, fewer_pictures])
def test_other_settings_or_pictures_are_fitted_to(run, networks, photos, change):
    options = "--model", networks, "--photos", photos, "--only", "lcam_fm", "lcam_img"
    assert run(*options)[0] == 0
    status, out, _err = run(*options, recipe=change(RECIPE, photos))
    assert status == 0 and lines_of(out) == {"lcam_fm": False, "lcam_img": False}  # which starts from the other


def test_what_was_fitted_to_another_network_is_never_kept(run, networks, photos, tmp_path):
    save(Pair("other", siam_network(), baseline_network(seed=1), {}), tmp_path / "other")
    options = "--photos", photos, "--only", "lcam_fm", "--out", tmp_path / "out", "--model"
    assert lines_of(run(*options, networks)[1]) == lines_of(run(*options, tmp_path / "other")[1]) == {"lcam_fm": False}
    assert lines_of(run(*options, tmp_path / "other")[1]) == {"lcam_fm": True}


def test_pictures_that_could_not_be_made_are_made_by_the_next_call(run, networks, photos, vebi, monkeypatch):
    """The weights are kept, and only what shows them is made: at first, and for another gallery."""

    def broken(*_arguments, **_options):
        raise ImageError("7.jpg is not readable: leave it out")

    options = "--model", networks, "--photos", photos, "--only", "vebi"
    with monkeypatch.context() as patch:
        patch.setattr(visuals, "with_visuals", broken)
        assert run(*options)[0] == 2
    status, out, _err = run(*options)
    assert status == 0 and lines_of(out) == {"vebi": True} and len(vebi) == 1
    found = load(networks).baseline.fitted["vebi"]
    assert set(found.tensors) == {"relevance", "means"} and list(found.facts["top"]) == ["samples"]
    shutil.copytree(photos, networks.parent / "scenes" / "images")
    assert run(*options, "--gallery", networks.parent / "scenes")[0] == 0 and len(vebi) == 1
    assert list(load(networks).baseline.fitted["vebi"].facts["top"]) == ["scenes"]


# Files that were fitted before, and are stale or damaged


def test_it_mends_what_was_fitted_to_another_network(run, networks, photos):
    fitted.write("lcam_fm", Fitted({"bias": torch.ones(1)}, {}), baseline_network(seed=1), networks)
    with pytest.raises(CheckpointError, match="fit it again with python -m siam fit"):
        siam.load(networks)
    status, _out, err = run("--model", networks, "--photos", photos, "--only", "lcam_fm")
    assert status == 0 and one_note(err, "lcam_fm.safetensors was fitted to a network other than")
    assert load(networks).baseline.fitted["lcam_fm"].facts["pictures"] == 22


def test_a_damaged_file_hides_no_other(run, networks, photos, vebi):
    options = "--model", networks, "--photos", photos, "--only"
    assert run(*options, "lcam_fm")[0] == 0
    first = (networks / "lcam_fm.safetensors").read_bytes()
    (networks / "vebi.safetensors").write_bytes(b"cut")
    status, _out, err = run(*options, "lcam_img")  # the recipe lets it start from lcam_fm
    assert status == 0 and one_note(err, "vebi.safetensors is not readable")
    assert (networks / "lcam_fm.safetensors").read_bytes() == first and not vebi
    with pytest.raises(CheckpointError, match=r"vebi\.safetensors is not readable"):
        siam.load(networks)
    assert run(*options, "vebi")[0] == 0
    assert list(siam.load(networks).baseline.fitted) == list(names_that_learn())


def test_flowers_are_fitted_anew_as_the_message_asks_for(run, vebi, tmp_path):
    make_flowers(tmp_path / "flowers", ("red", "blue", "white"))
    folder = small_flower_network(tmp_path)
    options = "--flowers", folder, "--root", tmp_path / "flowers", "--only"
    assert run(*options, "lcam_fm")[0] == 0
    first = (folder / "lcam_fm.safetensors").read_bytes()
    fitted.write("vebi", Fitted({"relevance": torch.ones(3, 2)}, {}), baseline_network(seed=1), folder)
    with pytest.raises(CheckpointError, match="fit it again with python -m siam fit"):
        flower_network.load(folder)
    status, _out, err = run(*options, "lcam_img")
    assert status == 0 and one_note(err, "vebi.safetensors was fitted to a network other than")
    assert run(*options, "vebi")[0] == 0 and len(vebi) == 1
    assert list(flower_network.load(folder).fitted) == list(names_that_learn())
    assert (folder / "lcam_fm.safetensors").read_bytes() == first


def test_of_rendered_scenes_those_of_the_train_split(run, networks, vebi, tmp_path):
    scenes = tmp_path / "scenes"
    (scenes / "images").mkdir(parents=True)
    (scenes / "masks").mkdir()
    (scenes / "rendered.json").write_text("{}")
    rows = [f"{number}\t0\t0\t5\t2.6667\t3,5,7\t-" for number in range(1, 31)]
    (scenes / "votes.tsv").write_text("\n".join(["\t".join(COLUMNS), *rows]) + "\n")
    for number in range(1, 31):
        Image.new("RGB", (40, 40)).save(scenes / "images" / f"{number}.jpg")
        Image.new("L", (40, 40)).save(scenes / "masks" / f"{number}.png")
    assert run("--model", networks, "--photos", scenes, "--only", "vebi")[0] == 0
    train = {number for number in range(1, 31) if split_of(number) == "train"}
    assert {path.name for path in vebi[0][1]} == {f"{number}.jpg" for number in train} and len(train) == 21


def make_flowers(folder, names):
    """Write 40 plain pictures in the layout of the flowers, of which 28 are of the train split."""
    classes = [{"name": name, "part": "petals"} for name in names]
    facts = {"world": "flowers", "variant": "single-6c", "seed": 0, "size": 40, "classes": classes}
    rows = []
    for number in range(1, 41):
        for path, mode in ((image_path(folder, number), "RGB"), (mask_path(folder, number), "1")):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new(mode, (40, 40), (5 * number, 9, 99) if mode == "RGB" else 1).save(path)
        split = (*["train"] * 7, "val", "test", "test")[number % 10]
        rows.append([str(number), str(number % len(names)), names[number % len(names)], split, "0"])
    (folder / FACTS).write_text(json.dumps(facts))
    (folder / TABLE).write_text("".join("\t".join(row) + "\n" for row in [FLOWER_COLUMNS, *rows]))


def small_flower_network(root):
    torch.manual_seed(0)
    network = FlowerNetwork(baseline_network().config, ("red", "blue", "white")).eval()
    flower_network.save(network, root / "network", {})
    return root / "network"


def test_flowers(run, vebi, tmp_path):
    make_flowers(tmp_path / "flowers", ("red", "blue", "white"))
    small_flower_network(tmp_path)
    status, _out, err = run("--flowers", tmp_path / "network", "--root", tmp_path / "flowers")
    assert status == 0, err
    found = flower_network.load(tmp_path / "network")
    assert found.fitted["lcam_fm"].tensors["weight"].shape == (3, found.linear.in_features)
    assert 0 <= found.fitted["lcam_img"].facts["held_out"]["kept_class"] <= 1
    read = flowers.read(tmp_path / "flowers")
    train = [path for path, split in zip(read.files, read.split, strict=True) if split == "train"]
    assert vebi[0][1] == train and len(train) == 28


def test_arguments_that_do_not_go_together(run, networks, photos):
    assert_fails(run("--model", networks), "expected --photos DIR, or --flowers VARIANT with --root DIR")
    assert_fails(run("--photos", photos, "--root", photos), "expected --photos DIR, or --flowers")
    assert_fails(run("--flowers", "single-6c"), "--flowers needs --root DIR")
    assert_fails(run("--flowers", "single-6c", "--root", photos, "--model", "photo"), "excludes --model")
    assert_fails(run("--flowers", "single-6c", "--root", photos, "--gallery", photos), "and --gallery")
    assert_fails(run("--photos", photos, "--count", 19), "--count 19: expected at least 20")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("seed = ", "recipe.toml is not readable as TOML"),
        (
            "seed = 0\n[lcam]",
            "expected seed, a whole number of at least 0, and sections among lcam_fm, lcam_img, vebi; found seed",
        ),
        ("seed = -1\n[vebi]", "expected seed"),
        ("[vebi]", "expected seed"),
        ("seed = 0\nvebi = 3", "expected seed"),
        ("seed = 0", "has no section [lcam_fm]"),
        ("seed = 0\n[lcam_img]\nepochs = 0", "recipe.toml: [lcam_img]: epochs is 0"),
        (LCAM + "[lcam_img]\npictures = 19", "[lcam_img]: pictures is 19; expected at least 20, or 0 for all"),
        (LCAM + "[lcam_img]\nlearning_rate = inf", "[lcam_img]: learning_rate is inf; expected at least 0, and finite"),
        (LCAM + "[lcam_img]\nstart = 'vebi'", "[lcam_img]: start is 'vebi'; expected '' or 'lcam_fm'"),
        (LCAM + "[lcam_img]\nstart = 'lcam_img'", "[lcam_img]: start is 'lcam_img'; expected '' or 'lcam_fm'"),
        (LCAM + "[vebi]\nmy = 3", "[vebi]: unknown VEBI setting 'my': choose from mu, bins"),
        (LCAM + "[vebi]\nmu = 0", "[vebi]: mu is 0; expected a finite number above 0"),
        (LCAM + "[vebi]\nmu = inf", "[vebi]: mu is inf; expected a finite number above 0"),
        (LCAM + "[vebi]\nmu = nan", "[vebi]: mu is nan; expected"),
        (LCAM + "[vebi]\nmu = 1" + 400 * "0", "[vebi]: mu is 1000"),
        (LCAM + "[vebi]\nmu = true", "[vebi]: mu is True; expected"),
        (LCAM + "[vebi]\nmu = '10'", "[vebi]: mu is '10'; expected"),
        (LCAM + "[vebi]\nbins = 1", "[vebi]: bins is 1; expected a whole number from 2 to 47"),
        (LCAM + "[vebi]\nbins = 5.0", "[vebi]: bins is 5.0; expected a whole number"),
        (LCAM + f"[vebi]\nbins = {visuals.MOST}", "[vebi]: bins is 48; expected"),  # too many to be shown
    ],
)
def test_recipes_that_are_not_as_they_should_be_are_refused_before_a_fit(run, networks, photos, vebi, recipe, message):
    before = kept(networks)
    assert_fails(run("--model", networks, "--photos", photos, recipe=recipe), message)
    assert not vebi and kept(networks) == before


@pytest.mark.parametrize("section", ["mu = 0.5\nbins = 2", "mu = 7\nbins = 47", ""])
def test_recipes_of_vebi_that_are_as_they_should_be(run, networks, photos, vebi, section):
    assert run("--model", networks, "--photos", photos, recipe=f"seed = 0\n[vebi]\n{section}")[0] == 0
    assert vebi[0][2] == tomllib.loads(section)


def test_what_is_not_there(run, networks, photos, tmp_path):
    assert_fails(run("--model", "nothing", "--photos", photos), "no networks named 'nothing'", "photo, rendered")
    assert_fails(run("--model", networks, "--photos", tmp_path / "gone"), "gone is not a folder")
    assert_fails(run("--model", networks, "--photos", networks), "0 pictures to fit to; expected at least 20")
    assert_fails(
        run("--model", networks, "--photos", photos, "--only", "vebi", recipe="seed = 0\n[lcam_fm]"),
        "has no section [vebi]",
    )
    save(Pair("alone", siam_network(), None, {}), tmp_path / "alone")
    assert_fails(run("--model", tmp_path / "alone", "--photos", photos), "has no baseline")
    card = json.loads((networks / "card.json").read_text())
    card["baseline"]["backbone"] = "no such"
    (networks / "card.json").write_text(json.dumps(card))
    assert_fails(run("--model", networks, "--photos", photos), "card.json: timm has no backbone named 'no such'")
    assert main(["fit", str(tmp_path / "none.toml"), "--photos", str(photos)]) == 2
