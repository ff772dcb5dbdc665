"""L-CAM: its map, loss and training against plain loops, a network with a known answer, and the heads that ship."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import siam
from siam.errors import TrainingError
from siam.explainers.fitting.lcam import (
    centred,
    constant,
    drawn,
    fit_fm,
    fit_img,
    infidelity,
    judged,
    mask_area,
    masked_images,
    variation,
)
from siam.explainers.fitting.settings import Settings, settings_from
from siam.explainers.lcam import LCAMFm, LCAMImg, doubt
from siam.explainers.targets import attribute, score_down, score_up
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.baseline import Baseline
from siam.models.checkpoint import bundled
from siam.models.fitted import Fitted
from siam.models.flowers import FlowerNetwork
from tests.support.explainers import REGION, assert_same_state, known, share_within, state_of, thin, unusual
from tests.support.networks import baseline_network, siam_network
from tests.support.paths import ROOT

BOTH = {"lcam_fm": LCAMFm(), "lcam_img": LCAMImg()}
FITS = {"lcam_fm": fit_fm, "lcam_img": fit_img}
SAMPLES = ROOT / "assets/gallery/open-photos/images"


pytestmark = pytest.mark.usefixtures("one_thread")


def make_pictures(folder, count=20, sizes=((32, 32),)):
    """Write pictures of a few large patches of random colours; of the sizes (width, height) in turn."""
    generator = np.random.default_rng(3)
    paths = []
    for number in range(count):
        pixels = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        paths.append(folder / f"{number:02}.png")
        Image.fromarray(pixels).resize(sizes[number % len(sizes)], Image.Resampling.BICUBIC).save(paths[-1])
    return paths


def small_network(classes=1):
    """Return a baseline, or a classifier, whose input is 32 px; its outputs differ from picture to picture."""
    torch.manual_seed(4)
    config = replace(baseline_network().config, image_size=32)
    model = Baseline(config) if classes == 1 else FlowerNetwork(config, tuple("abcdef"[:classes]))
    nn.init.normal_(model.linear.weight)
    return model.eval()


def small_trunk_maps(model):
    """Let a network's trunk end early, so that 32 px give a map of 8 x 8 cells; return it."""
    backbone = nn.Sequential(nn.Conv2d(3, 6, 3, stride=4, padding=1), nn.ReLU())
    nn.init.normal_(backbone[0].weight, std=0.5)
    model.backbone, model.linear = backbone, nn.Linear(6, model.linear.out_features)
    nn.init.normal_(model.linear.weight)
    return model


# The map


@pytest.mark.parametrize("name", BOTH)
def test_the_map_is_the_convolution_before_the_sigmoid_from_lowest_to_highest(name):
    model, images = thin("lite", Baseline), torch.randn(2, 3, 96, 128)
    tensors = model.fitted[name].tensors
    with torch.no_grad():
        features = model.backbone(images)
    found = BOTH[name](model, images, score_up())
    for picture in range(2):
        z = torch.zeros(3, 4)
        for i in range(3):
            for j in range(4):
                products = [float(tensors["weight"][0, c] * features[picture, c, i, j]) for c in range(24)]
                z[i, j] = sum(products) + float(tensors["bias"])
        expected = (z - z.min()) / (z.max() - z.min())
        torch.testing.assert_close(found[picture], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(BOTH[name](model, images, score_down()), found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", BOTH)
def test_what_it_is_not_fitted_for_is_an_error(name):
    images = torch.randn(1, 3, 64, 96)
    for target in (attribute(0), lambda model, x: model(x).scenicness):
        with pytest.raises(ValueError, match=rf"{name} was fitted to the network's score.*expected score_up\(\)"):
            BOTH[name](thin("lite", Baseline), images, target)
    with pytest.raises(ValueError, match=f"{name} is fitted to baselines only, and this is a SIAM"):
        BOTH[name](siam_network(), images, score_up())
    with pytest.raises(ValueError, match=f"{name} must be fitted .* python -m siam fit"):
        BOTH[name](baseline_network(), images, score_up())


def test_a_constant_map_is_0():
    model = thin("lite", Baseline)
    model.fitted["lcam_fm"] = Fitted({"weight": torch.zeros(1, 24), "bias": torch.ones(1)}, {})
    assert not LCAMFm()(model, torch.randn(1, 3, 64, 96), score_up()).any()


def test_a_class_is_explained_by_its_own_row():
    network, images = small_network(classes=3), torch.randn(2, 3, 96, 128)
    rows = torch.randn(3, network.linear.in_features)
    network.fitted["lcam_fm"] = Fitted({"weight": rows, "bias": torch.randn(3)}, {})
    for index in range(3):
        alone = network.of_class(index)
        alone.fitted = {"lcam_fm": Fitted({"weight": rows[index][None], "bias": torch.zeros(1)}, {})}
        expected = LCAMFm()(alone, images, score_up())  # the bias moves all cells alike
        torch.testing.assert_close(LCAMFm()(network.of_class(index), images, score_up()), expected)
        assert expected.std() > 0.1


# The loss


def slow_variation(a):
    height, width = a.shape
    steps = [(a[i + 1, j] - a[i, j]) ** 2 for i in range(height - 1) for j in range(width)]
    steps += [(a[i, j + 1] - a[i, j]) ** 2 for i in range(height) for j in range(width - 1)]
    border = [a[i, j] ** 2 for i in (0, height - 1) for j in range(width)]
    border += [a[i, j] ** 2 for i in range(height) for j in (0, width - 1)]
    return (sum(steps) + 0.3 * sum(border)) / 2


def slow_area(a):
    return sum((cell + 0.0005) ** 0.3 for cell in a.flatten()) / a.numel()


def slow_masked(image, a, config):
    """Mask one normalised picture (3, H, W) pixel by pixel."""
    height, width = image.shape[1:]
    mask = nn.functional.interpolate(a[None, None], (height, width), mode="bilinear")[0, 0]
    colours = []
    for colour, mean, std in zip(image, config.mean, config.std, strict=True):
        rows = [[((colour[i, j] * std + mean) * mask[i, j] - mean) / std for j in range(width)] for i in range(height)]
        colours.append(torch.stack([torch.stack(row) for row in rows]))
    return torch.stack(colours)


def test_the_terms_are_those_of_the_formulas():
    maps = torch.rand(3, 5, 4)
    torch.testing.assert_close(variation(maps), torch.stack([slow_variation(a) for a in maps]))
    torch.testing.assert_close(mask_area(maps), torch.stack([slow_area(a) for a in maps]))
    assert mask_area(torch.zeros(1, 2, 2)).item() == pytest.approx(0.0005**0.3)
    seen, whole = torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [3.5]])
    assert infidelity(seen, whole, variance=0.5).tolist() == pytest.approx([2.0, 0.5], rel=1e-6)
    seen, whole = torch.randn(2, 3), torch.tensor([[0.0, 9.0, 1.0], [5.0, 0.0, 4.0]])
    expected = [-float(seen[0].softmax(0)[1].log()), -float(seen[1].softmax(0)[0].log())]
    assert infidelity(seen, whole, variance=0.0).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_picture_is_masked_before_it_is_normalised():
    config, image, a = baseline_network().config, torch.randn(1, 3, 8, 12), torch.rand(1, 2, 3)
    black = (0 - torch.tensor(config.mean)) / torch.tensor(config.std)
    torch.testing.assert_close(masked_images(image, a, black)[0], slow_masked(image[0], a[0], config))
    torch.testing.assert_close(masked_images(image, torch.ones(1, 2, 3), black), image)
    assert masked_images(image, torch.zeros(1, 2, 3), black)[0, :, 3, 5].tolist() == pytest.approx(black.tolist())


# The training


def slow_training(name, model, files, settings):
    """Return weight (T, C) and bias (T,) after the training, one picture at a time, SGD written out."""
    files = [path for index, path in enumerate(files) if index % 10 < 9]
    with torch.no_grad():
        images = [[image, image.flip(3)] for image in (preprocess(read_image(path), model.config) for path in files)]
        features = [[model.backbone(view).half().float() for view in views] for views in images]
        whole = [[model.linear(view.mean(dim=(2, 3)))[0] for view in views] for views in features]
    scores = torch.stack([views[0] for views in whole])
    variance = ((scores - scores.mean(dim=0)) ** 2).mean()
    values = [torch.zeros_like(model.linear.weight), torch.zeros_like(model.linear.bias)]
    speeds = [torch.zeros_like(value) for value in values]
    generator = np.random.default_rng(settings.seed)
    for epoch in range(settings.epochs):
        rate = settings.learning_rate * settings.decay**epoch
        order, mirrored = generator.permutation(len(files)), generator.integers(2, size=len(files))
        for first in range(0, len(files), settings.batch):
            values = [value.detach().requires_grad_() for value in values]
            chosen = list(zip(order, mirrored, strict=True))[first : first + settings.batch]
            losses = []
            for p, v in chosen:
                own = int(whole[p][v].argmax())
                z = sum(values[0][own, c] * features[p][v][0, c] for c in range(values[0].shape[1])) + values[1][own]
                a = 1 / (1 + torch.exp(-z))
                if name == "lcam_fm":
                    seen = model.linear((features[p][v] * a).mean(dim=(2, 3)))[0]
                else:
                    mean, std = (torch.tensor(of).view(3, 1, 1) for of in (model.config.mean, model.config.std))
                    mask = nn.functional.interpolate(a[None, None], images[p][v].shape[2:], mode="bilinear")[0]
                    picture = ((images[p][v][0] * std + mean) * mask - mean) / std
                    seen = model.linear(model.backbone(picture[None]).mean(dim=(2, 3)))[0]
                if len(seen) == 1:
                    cost = (seen[0] - whole[p][v][0]) ** 2 / variance
                else:
                    cost = -torch.log(torch.exp(seen[own]) / torch.exp(seen).sum())
                losses.append(1.5 * cost + 2 * slow_area(a) + 0.01 * slow_variation(a))
            gradients = torch.autograd.grad(sum(losses) / len(losses), values)
            for place, gradient in enumerate(gradients):
                gradient = gradient + settings.weight_decay * values[place]
                speeds[place] = 0.9 * speeds[place] + gradient
                values[place] = (values[place] - rate * (gradient + 0.9 * speeds[place])).detach()
    return values


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", BOTH)
def test_training_is_that_of_the_slow_version(name, classes, tmp_path):
    model = small_trunk_maps(small_network(classes))
    files = make_pictures(tmp_path, sizes=((32, 32), (64, 32)) if name == "lcam_fm" else ((32, 32),))
    settings = Settings(epochs=2, batch=8, learning_rate=0.05, decay=0.5, weight_decay=0.01, seed=7)
    fitted = FITS[name](model, files, settings, tmp_path)
    weight, bias = slow_training(name, model, files, settings)
    assert weight.abs().max() > 0.01
    torch.testing.assert_close(fitted.tensors["weight"], weight, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(fitted.tensors["bias"], bias, rtol=1e-3, atol=1e-5)
    assert fitted.facts["pictures"] == 18 and fitted.facts["held_out"]["pictures"] == 2
    assert fitted.facts["explainer"] == name and fitted.facts["settings"]["learning_rate"] == 0.05


@pytest.mark.parametrize("name", BOTH)
def test_only_the_head_learns(name, tmp_path):
    model, files = unusual(small_network()), make_pictures(tmp_path)
    before = state_of(model)
    first = FITS[name](model, files, Settings(epochs=1, learning_rate=0.1), tmp_path)
    assert_same_state(before, state_of(model))
    assert first.tensors["weight"].abs().max() > 0 and not first.tensors["weight"].requires_grad
    torch.rand(3)  # the global generator plays no part
    second = FITS[name](model, files, Settings(epochs=1, learning_rate=0.1), tmp_path)
    for key in ("weight", "bias"):
        torch.testing.assert_close(first.tensors[key], second.tensors[key], rtol=1e-4, atol=1e-5)


def test_a_class_that_no_picture_has_learns_nothing(tmp_path):
    model = small_network(classes=4)
    with torch.no_grad():
        model.linear.bias.copy_(torch.tensor([0.0, 0.0, -1e4, 0.0]))
    found = fit_fm(model, make_pictures(tmp_path), Settings(epochs=1, learning_rate=0.1), tmp_path)
    assert found.tensors["weight"].shape == model.linear.weight.shape and found.tensors["bias"].shape == (4,)
    assert not found.tensors["weight"][2].any() and found.tensors["weight"].any()
    assert 0 <= found.facts["held_out"]["kept_class"] <= 1


def test_img_goes_on_from_fm(tmp_path):
    model, files = small_network(), make_pictures(tmp_path)
    model.fitted["lcam_fm"] = fit_fm(model, files, Settings(epochs=2, learning_rate=0.1), tmp_path)
    still = fit_img(model, files, Settings(epochs=1, learning_rate=0.0, start="lcam_fm"), tmp_path)
    assert torch.equal(still.tensors["weight"], model.fitted["lcam_fm"].tensors["weight"])
    with pytest.raises(TrainingError, match="lcam_img starts from 'vebi', which is not fitted yet: fit that first"):
        fit_img(model, files, Settings(start="vebi"), tmp_path)


def known_network():
    """Return the network whose score is red within REGION, on pixels in [0, 10], 64 px high."""
    model = known(Baseline)
    model.config = replace(model.config, image_size=64, mean=(0.0, 0.0, 0.0), std=(0.1, 0.1, 0.1))
    return model


def red_and_green_pictures(folder, count=60):
    """Write pictures 96 x 64 px: more or less red all over, and green below REGION, where it stays when mirrored."""
    generator = np.random.default_rng(0)
    for number in range(count):
        pixels = np.zeros((64, 96, 3), dtype=np.uint8)
        pixels[..., 0] = generator.uniform(0.1, 1) * generator.integers(150, 256, (64, 96))
        top, left = generator.integers(24, 48), generator.integers(0, 72)
        pixels[top : top + 16, left : left + 24, 1] = 255
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return sorted(folder.glob("*.png"))


@pytest.mark.parametrize("name", BOTH)
def test_it_finds_the_region_that_the_score_looks_at(name, tmp_path):
    model, files = known_network(), red_and_green_pictures(tmp_path)
    settings = Settings(epochs=12, batch=9, learning_rate=0.05, decay=1.0, weight_decay=0.0)
    model.fitted[name] = FITS[name](model, files, settings, tmp_path)
    held_out = model.fitted[name].facts["held_out"]
    assert held_out["kept_score_variance"] > 0.8
    assert held_out["mask_area"] < 0.3  # REGION is a sixteenth; all began at a half
    for path in files[9::10]:
        image = preprocess(read_image(path), model.config)
        found = BOTH[name](model, image, score_up())[0]
        cells = torch.zeros(8, 12, dtype=torch.bool)
        cells[tuple(slice(side.start // 8, side.stop // 8) for side in REGION)] = True
        assert found[cells].min() > found[~cells].max()
        image[:, 1] = 0  # of green, which pulls the map down, nothing is left
        assert share_within(BOTH[name](model, image, score_up())[0], REGION) > 0.99


def test_pictures_may_be_fewer_and_smaller(tmp_path):
    model, files, sizes = small_network(), make_pictures(tmp_path, 40, ((64, 64),)), []
    model.config = replace(model.config, image_size=64)
    model.backbone.register_forward_hook(lambda _module, inputs, _output: sizes.append(tuple(inputs[0].shape)))
    found = fit_img(model, files, Settings(epochs=1, pictures=20, image_size=32, batch=5), tmp_path)
    assert found.facts["pictures"] == 18 and found.facts["held_out"]["pictures"] == 2
    assert {size[1:] for size in sizes} == {(3, 32, 32)}
    assert drawn(files, 0, 0) == drawn(files, 40, 0) == files
    few = drawn(files, 20, 0)
    assert len(set(few)) == 20 and few == sorted(few) and few not in (files[:20], drawn(files, 20, 1))


# Masks that look at nothing


def slow_centred(a):
    """Return the Gaussian in the middle with the mean of a map (h, w); the best of 800 widths."""
    height, width = a.shape

    def gaussian(sigma):
        ys, xs = ([(2 * place + 1) / side - 1 for place in range(side)] for side in (height, width))
        return torch.tensor([[math.exp(-(y * y + x * x) / (2 * sigma**2)) for x in xs] for y in ys])

    return min(
        (gaussian(sigma) for sigma in np.geomspace(0.05, 20, 800)), key=lambda of: abs(float(of.mean() - a.mean()))
    )


def test_the_controls_have_the_area_of_the_masks():
    maps = torch.rand(5, 6, 9) * torch.tensor([1.0, 0.5, 0.2, 0.02, 1e-4])[:, None, None]
    for of in (constant(maps), centred(maps)):
        assert of.shape == maps.shape and of.min() >= 0 and of.max() <= 1
        torch.testing.assert_close(of.mean(dim=(1, 2)), maps.mean(dim=(1, 2)))
    assert constant(maps)[2].std() < 1e-6
    torch.testing.assert_close(centred(maps)[1], slow_centred(maps[1]), rtol=0.02, atol=2e-3)
    assert centred(torch.ones(1, 4, 4)).min() > 0.99


@pytest.mark.parametrize("classes", [1, 3])
def test_a_head_is_held_against_its_controls(classes, tmp_path):
    model, files = small_trunk_maps(small_network(classes)), make_pictures(tmp_path, 60)
    fitted = fit_fm(model, files, Settings(epochs=3, batch=9, learning_rate=0.1), tmp_path)
    weight, bias = fitted.tensors["weight"], fitted.tensors["bias"]
    lost, wholes = {"head": [], "constant": [], "centre": []}, []
    for path in files[9::10]:
        with torch.no_grad():
            features = model.backbone(preprocess(read_image(path), model.config)).half().float()[0]
            whole = model.linear(features.mean(dim=(1, 2)))
        own = int(whole.argmax())
        a = ((weight[own][:, None, None] * features).sum(dim=0) + bias[own]).sigmoid()
        for name, mask in (("head", a), ("constant", torch.full_like(a, float(a.mean()))), ("centre", slow_centred(a))):
            with torch.no_grad():
                seen = model.linear((features * mask).mean(dim=(1, 2)))
            lost[name].append(float((seen - whole) ** 2) if classes == 1 else 1 - float(seen.softmax(0)[own]))
        wholes.append(whole)
    spread = float(torch.stack(wholes).var(correction=0)) if classes == 1 else 1.0
    kept = {name: 1 - float(np.mean(of)) / spread for name, of in lost.items()}
    key, held_out = "kept_score_variance" if classes == 1 else "kept_probability", fitted.facts["held_out"]
    assert held_out[key] == pytest.approx(kept["head"], abs=2e-3)
    for name in ("constant", "centre"):
        of = held_out["controls"][name]
        assert of[key] == pytest.approx(kept[name], abs=2e-3)
        assert of["gain"] == pytest.approx(kept["head"] - kept[name], abs=4e-3)
        assert of["interval"][0] <= of["gain"] <= of["interval"][1]


def facts(key, kept, constant, centre):
    controls = {
        name: {key: of, "gain": round(kept - of, 4), "interval": [kept - of - 0.05, kept - of + 0.05]}
        for name, of in (("constant", constant), ("centre", centre))
    }
    return {"held_out": {"pictures": 12, "mask_area": 0.2, key: kept, "controls": controls}}


def test_doubt_is_what_the_figures_say():
    assert doubt("L-CAM-Fm", facts("kept_score_variance", 0.7, 0.5, 0.6)) == "" == doubt("L-CAM-Fm", {})
    assert doubt("L-CAM-Img", facts("kept_score_variance", 0.6, 0.68, 0.3)) == (
        "On 12 pictures kept aside, L-CAM-Img's masks keep 60 % of the score's variance, and with the same area an "
        "even grey mask 68 %: not clearly better."
    )
    assert doubt("L-CAM-Fm", facts("kept_probability", 0.9, 0.88, 0.92)) == (
        "On 12 pictures kept aside, L-CAM-Fm's masks keep 90 % of the class's probability, and with the same area an "
        "even grey mask 88 % and a spot in the middle 92 %: not clearly better."
    )


# What goes wrong


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"epoch": 3}, "unknown L-CAM setting 'epoch': choose from pictures, epochs"),
        ({"epochs": 0}, "epochs is 0; expected at least 1"),
        ({"epochs": 2.5}, "epochs is 2.5; expected a value of type int"),
        ({"batch": True}, "batch is True; expected a value of type int"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0; expected at least 0"),
        ({"decay": float("nan")}, "decay is nan; expected at least 0"),
        ({"start": 1}, "start is 1; expected a value of type str"),
    ],
)
def test_settings_that_cannot_be_are_named(section, message):
    with pytest.raises(TrainingError, match=message):
        settings_from(section)


def test_settings_default_to_the_paper():
    assert settings_from({}) == Settings() and settings_from({"decay": 1, "seed": 3}).seed == 3


def test_what_cannot_be_fitted_is_an_error(tmp_path):
    model, files = small_network(), make_pictures(tmp_path)
    with pytest.raises(TrainingError, match="got 19 pictures to fit lcam_fm; expected 20 or more"):
        fit_fm(model, files[:19], Settings(), tmp_path)
    with pytest.raises(TrainingError, match=r"the loss of lcam_fm is (nan|inf): lower its learning_rate"):
        fit_fm(model, files, Settings(fidelity_weight=1e38), tmp_path)
    model.linear.weight.data.zero_()
    with pytest.raises(TrainingError, match="the network's output is the same for all 18 pictures"):
        fit_fm(model, files, Settings(), tmp_path)


# What ships


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("pair", bundled())
def test_the_bundled_heads_are_neither_blind_nor_see_all(pair, name):
    model = siam.load(pair, device="cpu").baseline
    assert model.fitted[name].tensors["weight"].shape == (1, model.linear.in_features)
    held_out = model.fitted[name].facts["held_out"]
    assert held_out["mask_area"] < 0.95
    assert held_out["kept_score_variance"] > 0.1  # through masks that hide everything, 0 at most
    for sample in ("lake-boats.jpg", "mountain-path.jpg"):
        image = preprocess(read_image(SAMPLES / sample), model.config)
        found = BOTH[name](model, image, score_up())
        assert found.min() == 0 and found.max() == 1
        assert found.std() > 0.1 and 0.05 < found.mean() < 0.95


@pytest.mark.parametrize("classes", [1, 3])
def test_a_head_is_judged_again_with_the_same_figures(classes, tmp_path):
    model, files = small_network(classes), make_pictures(tmp_path, 40)
    for name, fit in (("lcam_fm", fit_fm), ("lcam_img", fit_img)):
        learnt = fit(model, files, Settings(epochs=1, learning_rate=0.1), tmp_path)
        model.fitted[name] = learnt
        assert judged(name, model, files[9::10], tmp_path) == learnt.facts["held_out"]
        assert judged(name, model, files[:4], tmp_path) != learnt.facts["held_out"]
    model.fitted.clear()
    with pytest.raises(ValueError, match="has not been fitted to this"):
        judged("lcam_fm", model, files, tmp_path)
