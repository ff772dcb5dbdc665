"""The command `attribution`: any network's map as in Python, over what the network saw, and one line for bad input."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import siam
from siam.cli.main import main
from siam.explainers import attribute as attribute_target
from siam.explainers import attribute_photo, output, probability, score_down, score_up
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models import zoo
from siam.models.backbones import timm
from siam.models.checkpoint import Pair, save
from tests.support.networks import baseline_network, siam_network

pytestmark = pytest.mark.usefixtures("one_thread")
RESNET = "timm:test_resnet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hold a photo, the weights of small networks in several files, a pair and things that are none of these."""
    folder = tmp_path_factory.mktemp("attribution")
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((192, 128), Image.Resampling.BICUBIC).save(folder / "lake.png")
    torch.manual_seed(1)
    network = timm.create_model("test_resnet", pretrained=False)
    state = network.state_dict()
    save_file(state, folder / "resnet.safetensors")
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": each for name, each in state.items()}}, folder / "run.pth")
    torch.save(timm.create_model("test_resnet", pretrained=False, num_classes=5).state_dict(), folder / "five.pt")
    torch.save(timm.create_model("test_vit", pretrained=False).state_dict(), folder / "vit.pt")
    torch.save(timm.create_model("test_vit3", pretrained=False).state_dict(), folder / "vit3.pt")
    torch.save(network, folder / "code.pt")
    (folder / "junk.pt2").write_text("junk")
    (folder / "junk.safetensors").write_text("junk")
    save(Pair("tiny", siam_network(), baseline_network(), {"summary": "Noise."}), folder / "pair")
    return folder


@pytest.fixture(scope="module")
def program(folder):
    """Return a program that takes one picture of 64 x 64 px, and the network that it was made of."""
    torch.manual_seed(2)
    network = timm.create_model("test_resnet", pretrained=False, num_classes=7).eval()
    torch.export.save(torch.export.export(network, (torch.zeros(1, 3, 64, 64),)), folder / "network.pt2")
    return folder / "network.pt2", network


@pytest.fixture
def run(folder, tmp_path, monkeypatch, capsys):
    """Run the command on the photo, in the folder of the files; return its status, stdout and stderr."""
    monkeypatch.chdir(folder)

    def run(*words, photo="lake.png"):
        status = main(["attribution", *([photo] if photo else []), *map(str, words), "--out", str(tmp_path / "out")])
        return status, *capsys.readouterr()

    return run


def stored(tmp_path, name):
    """Return the map in an NPZ, whose explainer is checked to be that of the file's name."""
    with np.load(tmp_path / "out" / f"{name}.npz") as arrays:
        assert str(arrays["explainer"]).replace(":", "-") == name.partition("-")[2]
        return arrays["map"]


def picture(tmp_path, name):
    with Image.open(tmp_path / "out" / f"{name}.png") as image:
        return image.copy()


def expected(folder, weights, explainer, target, name="test_resnet", **settings):
    """Return the map that Python gives for a network of timm."""
    loaded = zoo.load(f"timm:{name}", folder / weights, **settings)
    _part, pixels = zoo.seen(read_image(folder / "lake.png"), loaded.expects)
    return attribute_photo(loaded.model, pixels, explainer, target).numpy()


# Networks


def test_a_class_is_explained_as_in_python(run, folder, tmp_path):
    status, out, err = run(
        "--network", RESNET, "--weights", "resnet.safetensors", "--explainer", "sise", "--target", 207
    )
    assert status == 0 and "error" not in err
    assert "SISE of output 207 (golden retriever), " in out and "predicts" not in out
    found = stored(tmp_path, "lake-sise")
    assert found.shape == (160, 256) and found.max() > 0  # the whole photo: 128 x 192 px, in multiples of 32
    np.testing.assert_array_equal(found, expected(folder, "resnet.safetensors", "sise", output(207)))
    assert picture(tmp_path, "lake-sise").size == (192, 128)


def test_without_a_target_the_predicted_class_is_explained_and_named(run, folder, tmp_path):
    status, out, err = run("--network", RESNET, "--weights", "resnet.safetensors")
    loaded = zoo.load(RESNET, folder / "resnet.safetensors")
    _part, pixels = zoo.seen(read_image(folder / "lake.png"), loaded.expects)
    with torch.no_grad():
        values = loaded.model(pixels)[0]
    best = int(values.argmax())
    first, second = out.splitlines()
    assert (status, err) == (0, "")
    assert f"the network predicts output {best} ({loaded.classes[best]})" in first
    assert f"{values[best]:.4g}: " in second
    expect = expected(folder, "resnet.safetensors", "grad_cam", output(best))
    np.testing.assert_array_equal(stored(tmp_path, "lake-grad_cam"), expect)


def test_wrapped_state_dicts_of_parallel_training_are_understood(run, folder, tmp_path):
    assert run("--network", RESNET, "--weights", "run.pth", "--target", "probability:3")[0] == 0
    expect = expected(folder, "resnet.safetensors", "grad_cam", probability(3))
    np.testing.assert_array_equal(stored(tmp_path, "lake-grad_cam"), expect)


def test_the_network_gets_as_many_classes_as_its_weights(run):
    status, out, _err = run("--network", RESNET, "--weights", "five.pt", "--target", 4)
    assert status == 0 and "Grad-CAM of output 4, " in out  # no name: these are not ImageNet's classes
    status, _out, err = run("--network", RESNET, "--weights", "five.pt", "--target", 5)
    assert status == 2 and "this network has 5" in err


def test_a_network_of_one_size_sees_the_middle(run, folder, tmp_path):
    assert run("--network", "timm:test_vit", "--weights", "vit.pt", "--target", 1)[0] == 0
    assert picture(tmp_path, "lake-grad_cam").size == (128, 128)
    expect = expected(folder, "vit.pt", "grad_cam", output(1), "test_vit")
    np.testing.assert_array_equal(stored(tmp_path, "lake-grad_cam"), expect)


def test_size_and_normalisation_can_be_chosen(run, folder, tmp_path):
    given = ("--size", "64", "--mean", 0.1, 0.2, 0.3, "--std", 1, 0.5, 0.25)
    assert (
        run("--network", RESNET, "--weights", "resnet.safetensors", "--target", 1, "--layer", "layer2", *given)[0] == 0
    )
    settings = {"size": (64, 64), "mean": (0.1, 0.2, 0.3), "std": (1.0, 0.5, 0.25)}
    found = stored(tmp_path, "lake-grad_cam")
    assert found.shape == (8, 12)
    method = siam.explainers.explainer("grad_cam", layer="layer2")
    np.testing.assert_array_equal(found, expected(folder, "resnet.safetensors", method, output(1), **settings))


def test_random_weights_must_be_asked_for_and_are_the_same_each_time(run, tmp_path):
    found = []
    for _ in range(2):
        status, _out, err = run("--network", "torchvision:shufflenet_v2_x0_5", "--weights", "random", "--size", "64")
        assert status == 0 and err.startswith("note: the weights are random")
        found.append(stored(tmp_path, "lake-grad_cam"))
    np.testing.assert_array_equal(*found)


def test_a_program_is_explained_by_what_it_returns(run, program, folder, tmp_path):
    path, network = program
    normalised = ("--mean", 0.5, 0.5, 0.5, "--std", 0.5, 0.5, 0.5)
    status, out, _err = run("--network", path.name, *normalised, "--explainer", "occlusion", "--target", 2)
    assert status == 0 and "Occlusion of output 2, " in out
    expects = zoo.Input(64, 64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), fixed=True)
    _part, pixels = zoo.seen(read_image(folder / "lake.png"), expects)
    expect = attribute_photo(network, pixels, "occlusion", output(2)).numpy()
    np.testing.assert_allclose(stored(tmp_path, "lake-occlusion"), expect, atol=1e-5)
    assert run("--network", path.name, *normalised, "--target", 2)[0] == 0  # its layers can be looked into
    expect = attribute_photo(network, pixels, "grad_cam", output(2)).numpy()
    np.testing.assert_allclose(stored(tmp_path, "lake-grad_cam"), expect, atol=1e-5)
    status, _out, err = run("--network", path.name, "--explainer", "occlusion")
    assert status == 2 and "give --mean and --std" in err
    status, _out, err = run("--network", path.name, *normalised, "--size", "96")
    assert status == 2 and "takes pictures of 64 x 64 px only" in err


@pytest.mark.parametrize(
    ("words", "name", "target", "label"),
    [
        ((), "grad_cam", score_up(), "Grad-CAM of the score"),
        (("--target", "down"), "grad_cam", score_down(), "Grad-CAM of minus the score"),
        (
            ("--target", "attribute_1", "--explainer", "occlusion"),
            "occlusion",
            attribute_target("attribute_1"),
            "Occlusion of the attribute attribute_1",
        ),
        (("--explainer", "siam"), "siam", score_up(), "SIAM of the score"),
        (("--explainer", "siam:attribute_2"), "siam:attribute_2", score_up(), "SIAM: attribute 2 of the score"),
    ],
)
def test_a_pair_is_explained_by_its_score_or_an_attribute(run, folder, tmp_path, words, name, target, label):
    pair = siam.load(folder / "pair", device="cpu")
    model = pair.siam if "siam" in name or "attribute_1" in words else pair.baseline
    status, out, err = run("--network", "pair", *words)
    assert status == 0 and "error" not in err and label in out
    pixels = preprocess(read_image(folder / "lake.png"), model.config)
    expect = attribute_photo(model, pixels, name, target).numpy()
    np.testing.assert_allclose(stored(tmp_path, f"lake-{name.replace(':', '-')}"), expect, rtol=1e-5, atol=1e-6)


def test_layers_are_listed_without_a_photo(run):
    status, out, _err = run("--network", RESNET, "--weights", "five.pt", "--list-layers", photo=None)
    assert status == 0
    assert [line.split() for line in out.splitlines()][-1] == [
        *("layer4", "5", "x", "5", "cells,", "96", "channels,", "Sequential")
    ]


# Bad input


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("timm:test_resnett", "--weights", "five.pt"), "names like it: test_resnet"),
        (("torchvision:resnet19", "--weights", "five.pt"), "names like it: resnet18"),
        (("resnet18",), "expected timm:NAME, torchvision:NAME, a bundled pair (photo, rendered)"),
        ((RESNET,), "no --weights"),
        ((RESNET, "--weights", "none.pt"), "none.pt does not exist"),
        ((RESNET, "--weights", "lake.png"), "expected a file that ends in .safetensors, .pt, .pth"),
        ((RESNET, "--weights", "code.pt"), "holds code, which was not run"),
        ((RESNET, "--weights", "junk.safetensors"), "junk.safetensors is not a file of tensors only"),
        (("timm:test_vit", "--weights", "five.pt"), "missing: cls_token, pos_embed"),
        (("timm:test_vit", "--weights", "five.pt"), "unexpected: conv1.0.weight"),
        (("junk.pt2",), "junk.pt2 is not a program that takes pictures"),
        (("none.pt2",), "none.pt2 does not exist"),
        (("junk.pt2", "--weights", "five.pt"), "leave out --weights"),
        (("pair", "--size", "64"), "leave out --size"),
        (("pair", "--target", "attribut_1"), "names like it: attribute_1"),
        (("pair", "--target", "7"), "there is no output 7"),
        ((RESNET, "--weights", "five.pt", "--target", "trees"), "only a SIAM has attributes"),
        ((RESNET, "--weights", "five.pt", "--target", "up"), "choose one of output(0)"),
        ((RESNET, "--weights", "five.pt", "--explainer", "gradcam"), "choose one of siam, cam, grad_cam"),
        ((RESNET, "--weights", "five.pt", "--explainer", "siam"), "use CAM"),
        ((RESNET, "--weights", "five.pt", "--layer", "layer5"), "names like it: layer4"),
        ((RESNET, "--weights", "five.pt", "--layer", "layer3", "--layer", "layer4"), "takes one layer at most"),
        ((RESNET, "--weights", "five.pt", "--layer", "layer4", "--explainer", "rise"), "rise has no setting 'layer'"),
        ((RESNET, "--weights", "five.pt", "--std", "1", "1", "0"), "each of --std above 0"),
        (("timm:test_vit3", "--weights", "vit3.pt", "--size", "96"), "takes no pictures (1, 3, 96, 96)"),
    ],
)
def test_bad_input_gets_one_line(run, tmp_path, words, said):
    status, out, err = run("--network", *words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ") and err.endswith("\n") and err.count("\n") == 1 and said in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [("--target", "class:3"), ("--target", "probability:x"), ("--size", "8"), ("--std", "1")]
)
def test_bad_arguments_get_one_line(run, capsys, words):
    with pytest.raises(SystemExit) as ended:
        run("--network", RESNET, *words)
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_a_photo_is_needed(run):
    status, _out, err = run("--network", RESNET, photo=None)
    assert status == 2 and err.startswith("error: expected IMAGE")


def test_weights_that_are_not_numbers_are_noticed(run, folder):
    state = timm.create_model("test_resnet", pretrained=False, num_classes=5).state_dict()
    torch.save({name: each * float("nan") for name, each in state.items()}, folder / "nan.pt")
    status, _out, err = run("--network", RESNET, "--weights", "nan.pt", "--target", 1)
    assert status == 2 and "the network gives nan" in err


def test_an_interruption_ends_it(run, tmp_path, monkeypatch):
    def interrupt(*_given):
        raise KeyboardInterrupt

    monkeypatch.setattr("siam.explainers.rise.values_of", interrupt)
    status, out, err = run("--network", RESNET, "--weights", "five.pt", "--explainer", "rise")
    assert (status, out) == (2, "") and err.splitlines()[-1].startswith("error: interrupted")
    assert not (tmp_path / "out").exists()
