"""Whole networks from photos to a pair, by the command that people run: killed, resumed, and in two processes."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

import siam
from siam.cli.main import main
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.evaluation.assessment import assess
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.backbones import early_parts
from siam.training.end_to_end.photos import read_photos
from tests.support.experiment import SOURCES, write_photos, write_recipe
from tests.support.masks import write_masks
from tests.support.paths import ROOT
from tests.support.rendered_scenes import write_scenes

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
PHASES = ("baseline", "attributes", "siam", "siam-frozen")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the processes here: more threads sum in another order, and Adam makes more of the difference."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, one_thread):
    """Photos, a recipe, and the result of a run without interruption."""
    root = tmp_path_factory.mktemp("experiment")
    write_photos(root)
    recipe = write_recipe(root / "tiny.toml")
    train(arguments(root, root / "whole", recipe.name))
    return root


def train(command):
    """Train in this process, as if nothing had been trained in it: a second precision would be refused."""
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        assert main(command) == 0
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def arguments(experiment, out, recipe="tiny.toml"):
    return ["train", str(experiment / recipe), "--root", str(experiment), "--out", str(out)]


def losses(out, phase, column="loss"):
    with (out / "phases" / phase / "steps.csv").open(newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file)]


def same_networks(one, other):
    names = [path.relative_to(one) for path in sorted(one.rglob("*.safetensors"))]
    assert len(names) == 3 + len(PHASES)
    for name in names:
        first, second = load_file(one / name), load_file(other / name)
        assert first.keys() == second.keys()
        if not all(torch.allclose(first[key], second[key], rtol=1e-4, atol=1e-5) for key in first):
            return False  # a step costs up to 1e-3
    return True


def test_training_writes_a_pair_and_one_without_finetuning(experiment):
    pair, frozen = siam.load(experiment / "whole"), siam.load(experiment / "whole" / "frozen")
    assert pair.siam.config.attributes == ATTRIBUTES and pair.siam.config.predicts_variance
    assert pair.siam.config.scale.high == 10 and pair.baseline is not None and frozen.baseline is None
    assert pair.baseline.config.predicts_variance
    alone = load_file(experiment / "whole" / "phases" / "attributes" / "best.safetensors")
    frozen_weights, joint_weights = frozen.siam.state_dict(), pair.siam.state_dict()
    f = [name for name in alone if name.startswith(("backbone", "attribute_layer")) and alone[name].is_floating_point()]
    assert all(torch.equal(frozen_weights[name], alone[name]) for name in f)
    assert not all(torch.equal(joint_weights[name], alone[name]) for name in f)
    assert not torch.equal(frozen_weights["scenicness_head.templates"], alone["scenicness_head.templates"])
    assert torch.equal(alone["scenicness_head.templates"], torch.full_like(alone["scenicness_head.templates"], 0.01))


def test_the_card_tells_figures_of_the_test_photos(experiment):
    card = json.loads((experiment / "whole" / "card.json").read_text())
    assert card["metrics"]["siam"]["scenicornot"]["n"] > 0
    assert card["metrics"]["baseline"]["scenicornot"]["n"] == card["metrics"]["siam"]["scenicornot"]["n"]
    assert card["metrics"]["sun_test"]["n"] == 4
    assert card["recipe"] == "tiny.toml" and card["variant"] == "siam"
    assert json.loads((experiment / "whole" / "frozen" / "card.json").read_text())["variant"] == "siam-frozen"


def test_networks_can_be_stored_in_half_precision_and_are_judged_as_stored(experiment, tmp_path):
    recipe = write_recipe(tmp_path / "tiny.toml", half_weights=True)
    train(["train", str(recipe), "--root", str(experiment), "--out", str(tmp_path / "out")])
    whole, half = (load_file(folder / "siam.safetensors") for folder in (experiment / "whole", tmp_path / "out"))
    assert {tensor.dtype for tensor in half.values() if tensor.is_floating_point()} == {torch.float16}
    for name in half:
        assert torch.allclose(half[name].float(), whole[name].float(), rtol=2e-3, atol=1e-4), name
    pair, card = siam.load(tmp_path / "out"), json.loads((tmp_path / "out" / "card.json").read_text())
    answer = assess(pair, "scenicornot", experiment / "scenicornot", "test").figures["siam"]
    assert card["metrics"]["siam"]["scenicornot"]["rmse"] == pytest.approx(answer["rmse"], abs=1e-4)


def test_the_first_stages_can_stay_as_they_were(experiment, tmp_path):
    recipe = write_recipe(tmp_path / "tiny.toml", frozen_stages=1)
    train(["train", str(recipe), "--root", str(experiment), "--out", str(tmp_path / "out")])
    trunk = siam.load(tmp_path / "out").siam.backbone
    early = {id(parameter) for part in early_parts(trunk, 1) for parameter in part.parameters()}
    for out, frozen in ((tmp_path / "out", early), (experiment / "whole", set())):
        before, after = (load_file(out / "phases" / of / "best.safetensors") for of in ("attributes", "siam"))
        for name, parameter in trunk.named_parameters():  # "siam" begins with the weights of "attributes"
            same = torch.equal(before[f"backbone.{name}"], after[f"backbone.{name}"])
            assert same == (id(parameter) in frozen), name
    recipe = write_recipe(tmp_path / "deep.toml", frozen_stages=40)
    assert main(["train", str(recipe), "--root", str(experiment), "--out", str(tmp_path / "deep")]) == 2


def test_rendered_scenes_teach_labels_places_and_scores_at_once(tmp_path):
    truths = write_scenes(tmp_path / "rendered")
    sources = (
        'attributes = { reader = "sun", folder = "rendered", regions = true }',
        'scores = { reader = "rendered", folder = "rendered" }',
    )
    recipe = write_recipe(tmp_path / "tiny.toml", sources=sources, region_weight=0.5)
    recipe.write_text(recipe.read_text().replace("predicts_variance = true", "predicts_variance = false"))
    train(["train", str(recipe), "--root", str(tmp_path), "--out", str(tmp_path / "out")])
    names = ("loss", "attribute_loss", "region_loss", "scenicness_loss")
    parts = [losses(tmp_path / "out", "siam", name) for name in names]
    for loss, attribute, region, scenicness in zip(*parts, strict=True):
        assert 0 < loss - attribute - 0.5 * region - 0.1 * scenicness < 1e-4  # the template penalty
    metrics = json.loads((tmp_path / "out" / "card.json").read_text())["metrics"]
    tested = sum(truth.split == "test" for truth in truths)
    assert metrics["rendered_test"]["n"] == metrics["siam"]["rendered"]["n"] == tested > 0
    done = json.loads((tmp_path / "out" / "phases" / "siam" / "done.json").read_text())
    assert done["validation_loss"] == pytest.approx(validation_loss(tmp_path, truths), rel=1e-3)


def validation_loss(root, truths):
    """Return the loss of the stored SIAM on the scenes that validate, one by one."""
    network, found = siam.load(root / "out").siam, []
    for truth in truths:
        if truth.split == "val":
            image = read_image(root / "rendered" / "images" / f"{truth.identifier}.jpg")
            with torch.no_grad():
                output = network(preprocess(image, network.config))
            labels = torch.tensor([list(truth.labels.values())])
            error = output.scenicness.item() - np.mean(truth.votes)
            shown = output.attribute_scores.clamp(1e-6, 1 - 1e-6)
            found.append(torch.nn.functional.binary_cross_entropy(shown, labels) + 0.1 * error**2)
    return float(np.mean(found))


def test_the_authors_losses_and_splits(experiment, tmp_path):
    write_photos(tmp_path)
    table = tmp_path / "scenicornot" / "votes.tsv"
    head, *rows = table.read_text().splitlines(keepends=True)
    table.write_text("".join([head, *reversed(rows)]))
    sources = (SOURCES[0], SOURCES[1].replace(" }", ', split = "authors" }'))
    recipe = write_recipe(
        tmp_path / "tiny.toml", epochs=1, sources=sources, loss_scaling="authors", frozen_statistics=False
    )
    train(["train", str(recipe), "--root", str(tmp_path), "--out", str(tmp_path / "out")])
    joint, of_attributes = (losses(tmp_path / "out", "siam", name) for name in ("loss", "attribute_loss"))
    assert joint == pytest.approx([1.101 * loss for loss in of_attributes], rel=1e-4)
    frozen, of_scores = (losses(tmp_path / "out", "siam-frozen", name) for name in ("loss", "scenicness_loss"))
    assert frozen == pytest.approx([1.001 * loss for loss in of_scores], rel=1e-4)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["metrics"]["siam"]["scenicornot"]["n"] == 4  # of 24 rows: 19 train, one validates
    read = read_photos({"reader": "scenicornot", "folder": "scenicornot", "split": "authors"}, tmp_path)
    assert [path.stem for path in read.files["test"]] == ["4", "3", "2", "1"]


def test_each_phase_logs_its_own_losses(experiment):
    columns = {
        "baseline": {"loss"},
        "attributes": {"loss", "attribute_loss"},
        "siam": {"loss", "attribute_loss", "scenicness_loss"},
        "siam-frozen": {"loss", "scenicness_loss"},
    }
    for phase, expected in columns.items():
        with (experiment / "whole" / "phases" / phase / "steps.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
        assert set(rows[0]) == {"step", "learning_rate", "seconds", *expected}
    parts = [losses(experiment / "whole", "siam", name) for name in ("loss", "attribute_loss", "scenicness_loss")]
    for loss, attribute, scenicness in zip(*parts, strict=True):
        assert 0 < loss - attribute - 0.1 * scenicness < 1e-4  # the template penalty


def test_a_killed_run_goes_on_to_the_same_result(experiment, tmp_path):
    command = [sys.executable, "-m", "siam", *arguments(experiment, tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    log = tmp_path / "out" / "phases" / "siam" / "steps.csv"
    while not (log.is_file() and len(log.read_text().splitlines()) > 4):  # in the second epoch of the third phase
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / "out" / "phases" / "attributes" / "done.json").is_file()
    assert not (tmp_path / "out" / "card.json").exists()
    finished = (tmp_path / "out" / "phases" / "attributes" / "steps.csv").stat().st_mtime_ns
    train([*arguments(experiment, tmp_path / "out"), "--resume"])
    assert (tmp_path / "out" / "phases" / "attributes" / "steps.csv").stat().st_mtime_ns == finished
    assert same_networks(experiment / "whole", tmp_path / "out")
    for phase in PHASES:
        assert losses(tmp_path / "out", phase) == pytest.approx(losses(experiment / "whole", phase), rel=1e-4)


def in_two_processes(command):
    """Run a command of `siam` in two processes on the CPU, where `accelerate launch` would start only one."""
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", "-m", "siam"]
    environment = {**ENVIRONMENT, "ACCELERATE_USE_CPU": "true"}
    command = [sys.executable, *launcher, *command]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=3000, check=False)


@pytest.mark.parametrize("loss_scaling", ["paper", "authors"])
def test_two_processes_see_the_losses_of_one(experiment, tmp_path, loss_scaling):
    one, two = experiment / "whole", tmp_path / "two"
    command = arguments(experiment, two)
    if loss_scaling != "paper":
        one, recipe = tmp_path / "one", write_recipe(tmp_path / "tiny.toml", loss_scaling=loss_scaling)
        command = ["train", str(recipe), "--root", str(experiment), "--out", str(two)]
        train([*command[:-1], str(one)])
    done = in_two_processes(command)
    assert done.returncode == 0, done.stderr[-3000:]
    assert any(losses(two, phase) != losses(one, phase) for phase in PHASES)  # sums in another order: there were two
    for phase in PHASES:
        assert losses(two, phase) == pytest.approx(losses(one, phase), rel=1e-4)
        for name in ("validation_loss", "steps"):
            found, exact = (json.loads((out / "phases" / phase / "done.json").read_text())[name] for out in (two, one))
            assert found == pytest.approx(exact, rel=1e-4)


def test_half_precision_learns_nearly_the_same(experiment, tmp_path):
    recipe = write_recipe(tmp_path / "tiny.toml", precision="bf16")
    train(["train", str(recipe), "--root", str(experiment), "--out", str(tmp_path / "out")])
    for phase in PHASES:
        found, exact = losses(tmp_path / "out", phase), losses(experiment / "whole", phase)
        assert found == pytest.approx(exact, rel=0.05) and found != exact


def test_an_unreadable_photo_is_named_once_and_skipped(experiment, tmp_path, capfd):
    write_photos(tmp_path)
    (tmp_path / "sun" / "images" / "3.png").write_bytes(b"not a picture")
    recipe = write_recipe(tmp_path / "tiny.toml", epochs=1)
    assert main(["train", str(recipe), "--root", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert capfd.readouterr().err.count("3.png") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('precision = "no"', 'precision = "int4"'), "precision is 'int4'"),
        (("crop = 64", "crop = 73"), "crop is 73 px"),
        (("grid = 2", "grids = 2"), "[network] of the recipe"),
        (("milestones = [1]", "milestone = [1]"), "[phases.baseline] of the recipe"),
        ((f'backbone = "{"test_efficientnet"}"', 'backbone = "resnet05"'), "no backbone named"),
        (('reader = "sun"', 'reader = "moon"'), "'moon'"),
        (('method = "end-to-end"', 'method = "magic"'), "'magic'"),
        (("patience = 5", "patient = 5"), "lacks 'patience' in [training]"),
        (
            ("workers = 0", 'workers = 0\nloss_scaling = "author"'),
            "loss_scaling is 'author'; expected 'paper' or 'authors'",
        ),
        (
            ('folder = "scenicornot"', 'folder = "scenicornot", split = "rows"'),
            "the split of the reader 'scenicornot' is 'rows'; expected 'paper' or 'authors'",
        ),
        (
            ('folder = "sun"', 'folder = "sun", split = "paper"'),
            "the split of the reader 'sun' is 'paper'; leave it out",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(experiment, tmp_path, capsys, change, message):
    text = (experiment / "tiny.toml").read_text()
    assert change[0] in text
    (tmp_path / "wrong.toml").write_text(text.replace(*change))
    command = ["train", str(tmp_path / "wrong.toml"), "--root", str(experiment), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ") and message in said


def test_photos_outlined_by_people_cannot_teach_whole_networks(experiment, tmp_path, capsys):
    write_masks(tmp_path / "sun", {"a.png": np.ones((64, 64), np.uint8)})
    text = (experiment / "tiny.toml").read_text()
    (tmp_path / "masks.toml").write_text(text.replace('reader = "sun"', 'reader = "masks"'))
    assert main(["train", str(tmp_path / "masks.toml"), "--root", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "'masks' has neither labels nor ratings" in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_run_is_never_overwritten_by_mistake(experiment, capsys):
    assert main(arguments(experiment, experiment / "whole")) == 2
    assert "--resume" in capsys.readouterr().err
    write_recipe(experiment / "other.toml", epochs=3)
    assert main([*arguments(experiment, experiment / "whole", "other.toml"), "--resume"]) == 2
    assert "another recipe" in capsys.readouterr().err


def test_a_learning_rate_far_too_high_ends_in_one_line(experiment, tmp_path, capsys):
    recipe = write_recipe(tmp_path / "wild.toml", rate=1e30, clip_norm=1e30)
    assert main(["train", str(recipe), "--root", str(experiment), "--out", str(tmp_path / "out")]) == 2
    assert "lower the learning rate" in capsys.readouterr().err
    assert (tmp_path / "out" / "phases" / "baseline" / "state.pt").is_file()
