"""The classifiers of rendered flowers: of one class they are a baseline; they are stored whole, and learn colours."""

import json
import shlex
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from scipy.stats import binomtest

from siam.cli.main import main
from siam.datasets import flowers
from siam.datasets.flowers.classes import VARIANTS
from siam.errors import CheckpointError, DatasetError, TrainingError
from siam.images.preprocessing import preprocess
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.fitted import Fitted
from siam.models.flowers import BUNDLED, LOGITS, WEIGHTS, FlowerNetwork, bundled, load, save
from siam.models.identity import fingerprint
from siam.training import flowers as flower_training
from siam.training.flowers import (
    Pictures,
    Schedule,
    accuracy,
    fit,
    moved,
    read_pictures,
    train_flowers,
    wilson_interval,
)
from siam.worlds.flowers.render import render_flowers
from siam.worlds.flowers.scene import render
from tests.support.near import near
from tests.support.paths import ROOT

CONFIG = BaselineConfig("test_resnet", LOGITS, 64, 32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
NAMES = ("red petals", "blue petals", "grün", "pink stem")
SCHEDULE = Schedule(4, 1, 10, 4e-3, 0.01, 0.1, 0.2, True, 1)
COLOURS = torch.tensor([[200, 30, 30], [30, 60, 200], [30, 190, 60]], dtype=torch.uint8)


def untrained(seed=0):
    """Return a network with random weights and statistics, in evaluation mode; its features differ from 0."""
    torch.manual_seed(seed)
    network = FlowerNetwork(CONFIG, NAMES)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # timm begins some of them with weight 0
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def learnt(rows=4):
    """Return what two explainers might have learnt."""
    return {
        "lcam_fm": Fitted({"weight": torch.randn(rows, 96, 1, 1), "bias": torch.randn(rows)}, {"pictures": 3}),
        "vebi": Fitted({"relevance": torch.randn(rows, 300), "order": torch.arange(9)}, {}),
    }


# Of one class


def test_the_score_of_a_class_is_its_logit():
    network, images = untrained(), torch.randn(3, 3, 64, 96)
    logits = network(images)
    assert logits.shape == (3, len(NAMES)) and logits.std(dim=0).min() > 1e-3  # the pictures matter
    for index in range(len(NAMES)):
        found = network.of_class(index)(images)
        torch.testing.assert_close(found.scenicness, logits[:, index])
        torch.testing.assert_close(found.total_map.sum(dim=(1, 2)) + found.bias, logits[:, index])


def test_logits_are_the_linear_layer_of_averages_by_the_slow_formula():
    network, image = untrained(), torch.randn(1, 3, 64, 96)
    features = network.backbone(image)[0].double()
    assert features.std() > 0.1
    channels, height, width = features.shape
    for index in range(len(NAMES)):
        total = network.linear.bias[index].double()
        for channel in range(channels):
            average = sum(features[channel, y, x] for y in range(height) for x in range(width)) / (height * width)
            total = total + network.linear.weight[index, channel].double() * average
        torch.testing.assert_close(network(image)[0, index].double(), total, rtol=1e-5, atol=1e-6)


def test_a_class_shares_all_weights_and_follows_them():
    network, images = untrained(), torch.randn(2, 3, 64, 64)
    one = network.of_class(2)
    assert isinstance(one, Baseline) and one.backbone is network.backbone and one.config == CONFIG
    assert not any(tensor.is_meta for tensor in [*one.parameters(), *one.buffers()])
    before = one(images).scenicness
    with torch.no_grad():
        network.linear.weight.mul_(3)
        network.linear.bias.add_(1)
    torch.testing.assert_close(one(images).scenicness, network(images)[:, 2])
    assert (one(images).scenicness - before - 1).abs().min() > 1e-3  # the weights count, not only the bias


def test_making_a_class_draws_no_random_numbers_and_evaluates():
    network = untrained().train()
    before = torch.get_rng_state()
    assert not any(module.training for module in network.of_class(0).modules())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("index", [-1, len(NAMES)])
def test_there_is_no_other_class(index):
    with pytest.raises(ValueError, match=rf"no class {index}: this network has 4, numbered from 0"):
        untrained().of_class(index)


@pytest.mark.parametrize("names", [(), ("one",), ("twin", "twin")])
def test_classes_are_several_and_different(names):
    with pytest.raises(ValueError, match="at least two, all different"):
        FlowerNetwork(CONFIG, names)


def test_a_class_has_its_rows_of_what_was_learnt():
    network = untrained()
    network.fitted = learnt()
    for index in range(len(NAMES)):
        one = network.of_class(index).fitted
        assert one.keys() == network.fitted.keys() and one["lcam_fm"].facts == {"pictures": 3}
        for name, key in (("lcam_fm", "weight"), ("lcam_fm", "bias"), ("vebi", "relevance")):
            assert torch.equal(one[name].tensors[key], network.fitted[name].tensors[key][index : index + 1])
        assert torch.equal(one["vebi"].tensors["order"], torch.arange(9))


def test_what_was_learnt_for_another_number_of_classes_is_told():
    network = untrained()
    network.fitted = learnt(rows=1)
    with pytest.raises(CheckpointError, match=r"lcam_fm: the tensor weight has shape \(1, 96, 1, 1\); expected 4 rows"):
        network.of_class(0)


# Stored


@pytest.fixture
def stored(tmp_path):
    """A network's folder, with what explainers have learnt for it."""
    network = untrained()
    network.fitted = learnt()
    save(network, tmp_path / "kept", {"name": "test", "figures": {"test_accuracy": 0.5}})
    return tmp_path / "kept"


def test_it_comes_back_as_it_was_stored(stored):
    rounded, images = untrained().half().float(), torch.randn(2, 3, 64, 64)
    for source in (stored, str(stored)):
        network = load(source, device="cpu")
        assert network.config == CONFIG and network.class_names == NAMES and not network.training
        assert near(network(images), rounded(images)) and network.linear.weight.dtype == torch.float32
        assert network.fitted.keys() == {"lcam_fm", "vebi"} and network.of_class(3).fitted.keys() == {"lcam_fm", "vebi"}
    assert {file.dtype for file in load_file(stored / WEIGHTS).values()} == {torch.float16, torch.int64}
    card = json.loads((stored / "card.json").read_text(encoding="utf-8"))
    assert card["figures"] == {"test_accuracy": 0.5} and card["class_names"] == list(NAMES) and card["format"] == 1
    assert {file.name for file in stored.iterdir()} == {WEIGHTS, "card.json", "lcam_fm.safetensors", "vebi.safetensors"}


def test_another_network_in_the_folder_loses_what_the_first_had_learnt(stored):
    save(untrained(seed=1), stored, {})
    assert load(stored, device="cpu").fitted == {}


def test_a_card_without_sense_is_not_stored(tmp_path):
    with pytest.raises(CheckpointError, match="not finite"):
        save(untrained(), tmp_path / "kept", {"figures": {"test_accuracy": float("nan")}})
    assert not (tmp_path / "kept").exists()


def changed(**what):
    return lambda text: json.dumps({**json.loads(text), **what})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _text: "{", "not readable as JSON"),
        (changed(format=9), "update SIAM Explorer"),
        (changed(class_names=None), "no list of class names"),
        (changed(class_names=["a", 3]), "no list of class names"),
        (changed(class_names=["a", "a"]), "all different"),
        (changed(class_names=["a", "b"]), r"linear\.weight has shape \(4, 96\), but the card's config needs \(2, 96\)"),
        (changed(network=None), "no config for BaselineConfig"),
        (changed(network={"backbone": "test_resnet"}), "missing or unknown settings"),
        (lambda text: text.replace("test_resnet", "test_resnut"), "no backbone named 'test_resnut'"),
    ],
)
def test_damaged_cards_are_told(stored, change, message):
    path = stored / "card.json"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(CheckpointError, match=message):
        load(stored, device="cpu")


def without(tensors):
    del tensors["linear.bias"]


def infinite(tensors):
    tensors["linear.bias"][0] = torch.inf


def another(tensors):
    tensors["linear.scale"] = torch.ones(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [(without, "lacks the tensor linear.bias"), (infinite, "NaN or infinite"), (another, "holds the tensor linear.s")],
)
def test_damaged_weights_are_told(stored, change, message):
    tensors = load_file(stored / WEIGHTS)
    change(tensors)
    save_file(tensors, stored / WEIGHTS)
    with pytest.raises(CheckpointError, match=message):
        load(stored, device="cpu")


def test_files_that_are_not_there_or_cut_are_told(stored):
    (stored / WEIGHTS).write_bytes((stored / WEIGHTS).read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load(stored, device="cpu")
    (stored / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match=r"network\.safetensors is missing"):
        load(stored, device="cpu")
    with pytest.raises(CheckpointError, match=r"no flower network named 'triple-9c': .*double-12c, single-6c"):
        load("triple-9c")


def test_a_bad_file_of_an_explainer_is_an_error_or_left_out(stored):
    (stored / "lcam_fm.safetensors").write_bytes(b"cut")
    with pytest.raises(CheckpointError, match=r"lcam_fm\.safetensors is not readable"):
        load(stored, device="cpu")
    problems = []
    network = load(stored, device="cpu", on_problem=problems.append)
    assert list(network.fitted) == ["vebi"] and list(network.of_class(3).fitted) == ["vebi"]
    assert len(problems) == 1 and "lcam_fm.safetensors is not readable" in problems[0]
    (stored / WEIGHTS).write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):  # the network itself must be whole
        load(stored, device="cpu", on_problem=problems.append)


# Trained


def plain(count, seed=0, side=32):
    """Return pictures of one colour each, a little noisy, in three classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % len(COLOURS)
    noise = torch.randint(-20, 21, (count, 3, side, side), generator=generator)
    pixels = COLOURS[labels][:, :, None, None].int() + noise
    return Pictures(pixels.clamp(0, 255).to(torch.uint8), labels)


@pytest.fixture(scope="module")
def taught():
    return fit(CONFIG, ("red", "blue", "green"), plain(60), plain(30, seed=1), SCHEDULE, seed=0)


def test_colours_are_learnt_within_seconds(taught):
    unseen = plain(30, seed=2)
    assert accuracy(taught, unseen) == 1 and not taught.training
    wrong = Pictures(unseen.pixels, (unseen.labels + 1) % 3)
    assert accuracy(taught, wrong) == 0
    half = Pictures(unseen.pixels, torch.where(torch.arange(30) < 15, unseen.labels, wrong.labels))
    assert accuracy(taught, half) == 0.5


def test_the_same_seed_gives_the_same_weights_and_leaves_the_generator(taught):
    before = torch.get_rng_state()
    again = fit(CONFIG, ("red", "blue", "green"), plain(60), plain(3), SCHEDULE, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert fingerprint(again) == fingerprint(taught)
    other = fit(CONFIG, ("red", "blue", "green"), plain(60), plain(3), replace(SCHEDULE, epochs=1), seed=1)
    assert fingerprint(other) != fingerprint(taught)


def test_a_loss_that_is_no_number_ends_the_training():
    with pytest.raises(TrainingError, match="the loss became nan: lower learning_rate"):
        fit(CONFIG, ("red", "blue", "green"), plain(60), plain(3), replace(SCHEDULE, learning_rate=1e30), seed=0)


def test_views_without_settings_are_the_pictures_themselves():
    pixels = plain(4).pixels / 255
    still = replace(SCHEDULE, shift=0, zoom=0, mirror=False)
    torch.testing.assert_close(moved(pixels, still, torch.Generator()), pixels, rtol=0, atol=1e-5)


def test_views_are_mirrored_shifted_and_scaled_as_far_as_told():
    side = 64
    ramp = (torch.arange(side) + 0.5) / side  # the place in the picture: 0 at its left border, 1 at its right
    pixels = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side), torch.zeros(side, side)])
    views = moved(pixels.expand(300, 3, side, side), SCHEDULE, torch.Generator().manual_seed(0))
    rates, middles = [], []
    for view in views:
        across, down = view[0, side // 2], view[1, :, side // 2]
        inner = slice(side // 4, -side // 4)  # never outside the picture
        step = (across[inner].diff().mean() * side, down[inner].diff().mean() * side)
        assert abs(step[0]).item() == pytest.approx(step[1].item(), abs=1e-3)  # the aspect stays
        rates.append(step[0].item())
        middles.append([(across[side // 2 - 1] + across[side // 2]) / 2, (down[side // 2 - 1] + down[side // 2]) / 2])
    rates, middles = np.array(rates), np.array(middles)
    assert 0.4 < (rates < 0).mean() < 0.6  # mirrored
    assert 1 / 1.2 - 1e-3 <= abs(rates).min() < 0.86 and 1.21 < abs(rates).max() <= 1 / 0.8 + 1e-3
    assert 0.4 - 1e-3 <= middles.min() < 0.42 and 0.58 < middles.max() <= 0.6 + 1e-3
    assert abs(np.corrcoef(middles.T)[0, 1]) < 0.2 and views[:, 2].abs().max() == 0


def test_the_interval_is_the_one_of_scipy():
    for right, count in ((300, 300), (297, 300), (1, 3), (0, 7)):
        wanted = binomtest(right, count).proportion_ci(0.95, method="wilson")
        assert wilson_interval(right / count, count) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


@pytest.mark.parametrize(
    "what", [{"epochs": 0}, {"threads": 0}, {"learning_rate": 0.0}, {"zoom": 1.0}, {"shift": -0.1}]
)
def test_schedules_without_sense_are_refused(what):
    with pytest.raises(ValueError, match=f"{next(iter(what.values()))}"):
        replace(SCHEDULE, **what)


RECIPE = """\
method = "flowers"
name = "tiny"
seed = 0
[data]
folder = "garden"
summary = "A test."
training_data = "Few."
limits = "All."
[network]
backbone = "test_resnet"
image_size = 64
size_multiple = 32
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
[training]
epochs = 2
small_epochs = 1
batch = 20
learning_rate = 2e-3
weight_decay = 0.01
shift = 0.1
zoom = 0.2
mirror = true
threads = 1
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Enough small flowers for all three splits, and a recipe."""
    root = tmp_path_factory.mktemp("world")
    render_flowers(root / "garden", 30, 3, "single-6c", 64, workers=1)
    (root / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    return root


def test_hidden_parts_are_grey_and_the_rest_is_as_it_was(world):
    photos = flowers.read(world / "garden")
    shown, hidden = (read_pictures(photos, "test", CONFIG, hide_part=hide) for hide in (False, True))
    chosen = np.flatnonzero(photos.split == "test")
    assert shown.labels.tolist() == photos.labels[chosen].tolist() and len(chosen) == 6
    for row, index in enumerate(chosen):
        mask = torch.tensor(photos.mask(index))
        assert (hidden.pixels[row][:, mask] == 128).all() and mask.any()
        assert torch.equal(hidden.pixels[row][:, ~mask], shown.pixels[row][:, ~mask])
        assert not torch.equal(hidden.pixels[row], shown.pixels[row])
        picture = np.asarray(Image.open(photos.files[index]))
        assert torch.equal(shown.pixels[row], torch.from_numpy(picture.copy()).permute(2, 0, 1))


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # another number than the recipe's
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_the_command_trains_judges_and_stores(world, tmp_path, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(flower_training, "train_flowers", lambda *paths: made.append(train_flowers(*paths)))
    monkeypatch.chdir(world)
    assert main(["train", "tiny.toml", "--root", ".", "--out", str(tmp_path / "kept")]) == 0
    assert torch.get_num_threads() == 2 and "val_accuracy" in capsys.readouterr().err
    network = load(tmp_path / "kept", device="cpu")
    for name, tensor in network.state_dict().items():  # what was judged is what is stored
        assert torch.equal(made[0].state_dict()[name], tensor), name
    photos = flowers.read(world / "garden")
    card = json.loads((tmp_path / "kept" / "card.json").read_text(encoding="utf-8"))
    figures, chosen = card["figures"], np.flatnonzero(photos.split == "test")
    right = 0
    for index in chosen:
        with torch.no_grad(), Image.open(photos.files[index]) as picture:
            right += int(network(preprocess(picture, network.config)).argmax() == photos.labels[index])
    assert figures["test_accuracy"] == round(right / len(chosen), 4) and figures["test_pictures"] == len(chosen) == 6
    assert figures["interval"][0] <= figures["test_accuracy"] <= figures["interval"][1]
    assert figures["chance"] == round(1 / 6, 4) and 0 <= figures["accuracy_without_the_part"] <= 1
    words = shlex.split(card["command"])
    assert words[:5] == ["python", "-m", "siam", "train", "tiny.toml"] and words[5:7] == ["--root", "."]
    assert card["variant"] == "single-6c" and card["name"] == "tiny" and network.class_names == photos.class_names


def test_another_seed_gives_another_network_that_says_so(world, tmp_path, monkeypatch):
    monkeypatch.chdir(world)
    for out, seed in (("one", ["--seed", "1"]), ("two", ["--seed", "1"]), ("three", ["--seed", "2"])):
        assert main(["train", "tiny.toml", "--root", ".", "--out", str(tmp_path / out), *seed]) == 0
    one, two, three = (load(tmp_path / out, device="cpu").linear.weight for out in ("one", "two", "three"))
    assert torch.equal(one, two) and not torch.allclose(one, three)
    card = json.loads((tmp_path / "three" / "card.json").read_text(encoding="utf-8"))
    assert card["name"] == "tiny-seed2" and card["command"].endswith("three --seed 2")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (("seed = 0\n", ""), DatasetError, "'seed' is missing or unknown"),
        (("[data]\n", "[data]\ncolour = 1\n"), DatasetError, "'colour' is missing or unknown"),
        (("epochs = 2", "epochs = 0"), TrainingError, "expected epochs, batch and threads of at least 1"),
        (("batch = 20\n", ""), TrainingError, "missing 1 required positional argument: 'batch'"),
        (("epochs = 2", "epoch = 2"), TrainingError, "unexpected keyword argument 'epoch'"),
        (("image_size = 64", "image_size = 0"), TrainingError, "image_size is 0"),
        (('"garden"', '"desert"'), DatasetError, "desert"),
    ],
)
def test_wrong_recipes_are_told(world, tmp_path, capsys, change, error, message):
    assert RECIPE.count(change[0]) >= 1 and issubclass(error, Exception)
    recipe = tmp_path / "wrong.toml"
    recipe.write_text(RECIPE.replace(change[0], change[1], 1), encoding="utf-8")
    with pytest.raises(error, match=message):
        train_flowers(recipe, world, tmp_path / "out")
    assert main(["train", str(recipe), "--root", str(world), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "out").exists()


def test_shuffled_labels_teach_a_network_that_says_so(world, tmp_path, monkeypatch):
    fitted = []
    real_fit = flower_training.fit

    def fit_and_keep(config, names, train, *further):
        fitted.append(train)
        return real_fit(config, names, train, *further)

    monkeypatch.setattr(flower_training, "fit", fit_and_keep)
    monkeypatch.chdir(world)
    for out in ("one", "two"):
        assert main(["train", "tiny.toml", "--root", ".", "--out", str(tmp_path / out), "--shuffle-labels"]) == 0
    assert main(["train", "tiny.toml", "--root", ".", "--out", str(tmp_path / "true")]) == 0
    one, two, true = fitted
    assert torch.equal(one.pixels, true.pixels) and torch.equal(one.labels, two.labels)  # the same order each time
    assert not torch.equal(one.labels, true.labels)
    assert torch.equal(one.labels.sort().values, true.labels.sort().values)  # as many of each class
    cards = [json.loads((tmp_path / out / "card.json").read_text(encoding="utf-8")) for out in ("one", "true")]
    assert [card["name"] for card in cards] == ["tiny-shuffled", "tiny"]
    assert "random order" in cards[0]["summary"] and "random order" not in cards[1]["summary"]
    assert cards[0]["command"].endswith(" --shuffle-labels") and "--shuffle-labels" not in cards[1]["command"]
    network = load(tmp_path / "one", device="cpu")
    expected = round(accuracy(network, one), 4)
    assert cards[0]["figures"]["accuracy_on_shuffled_labels"] == pytest.approx(expected)
    assert "accuracy_on_shuffled_labels" not in cards[1]["figures"]


def test_shuffled_labels_are_for_flowers_alone(tmp_path, capsys):
    words = ["train", str(ROOT / "recipes" / "photo-heads.toml"), "--root", str(tmp_path), "--out", str(tmp_path / "o")]
    assert main([*words, "--shuffle-labels"]) == 2
    assert "--shuffle-labels needs a recipe whose method is flowers" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("option", [["--resume"], ["--results", "r.json"], ["--gallery", "g"]])
def test_options_of_the_other_methods_are_refused(world, tmp_path, capsys, option):
    assert main(["train", str(world / "tiny.toml"), "--out", str(tmp_path / "out"), *option]) == 2
    assert option[0] in capsys.readouterr().err and not (tmp_path / "out").exists()


# The networks that come with the project


BUNDLED_NAMES = ("double-12c", "single-6c", "single-6c-seed1", "single-6c-seed2")


@pytest.mark.parametrize("name", BUNDLED_NAMES)
def test_the_bundled_networks_know_flowers_they_never_saw(name):
    assert bundled() == BUNDLED_NAMES
    network, kinds = load(name, device="cpu"), VARIANTS[name.partition("-seed")[0]]
    assert network.class_names == tuple(kind.name for kind in kinds)
    right = 0
    for number in range(12):
        kind = number % len(kinds)
        picture = render(77, number + 1, 256, kinds[kind]).picture
        with torch.no_grad():
            right += int(network(preprocess(picture, network.config)).argmax() == kind)
    assert right >= 11


@pytest.mark.parametrize("name", BUNDLED_NAMES)
def test_the_bundled_cards_hold_their_promises(name):
    folder, (variant, _, seed) = BUNDLED / name, name.partition("-seed")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    figures = card["figures"]
    assert (card["name"], card["variant"]) == (name, variant)
    assert figures["test_accuracy"] > 0.99 and figures["test_pictures"] >= 300
    assert figures["accuracy_without_the_part"] < 0.5
    assert card["command"] == (
        f"python -m siam train recipes/flowers-{variant}.toml --root DATA --out assets/flowers/{name}"
        + (f" --seed {seed}" if seed else "")
    )
    assert (folder / WEIGHTS).stat().st_size < 1_500_000
