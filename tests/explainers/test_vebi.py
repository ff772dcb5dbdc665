"""VEBI: features, weights, guided backward pass, maps and mean pictures, against slow versions and known answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import siam
from siam.errors import DatasetError
from siam.explainers.base import prepared, to_unit, untouched
from siam.explainers.fitting.vebi import bounded_lasso, describe, fit
from siam.explainers.fitting.visuals import (
    foremost,
    mean_visualisations,
    receptive_fields,
    top_pictures,
    with_top,
    with_visuals,
)
from siam.explainers.guided import guided, mended_gradient
from siam.explainers.targets import attribute, score_down, score_up
from siam.explainers.vebi import VEBI
from siam.explainers.vebi_features import descriptors, entries, feature_layers, squared_norms, watched
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.backbones import timm
from siam.models.baseline import Baseline
from siam.models.fitted import Fitted
from siam.models.flowers import FlowerNetwork
from siam.models.flowers import load as load_flowers
from tests.support.explainers import OTHER, REGION, known, on_trunk, red_and_green, share_within, thin
from tests.support.networks import baseline_network, siam_network

SAME = timm.layers.Conv2dSame  # pads as TensorFlow does: by the size of its input, and unevenly


pytestmark = pytest.mark.usefixtures("one_thread")


def pictures(count=2, height=64, width=96, seed=1):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def stack():
    """Return a small baseline with both kinds of activations, in place, and a strided convolution that pads evenly."""
    torch.manual_seed(3)
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.ReLU6()]
    return on_trunk(nn.Sequential(*layers), 5, Baseline)


# Features


def slow_vector(model, image):
    """Return x of one image (3, H, W), channel by channel."""
    outputs, hidden = [], image[None]
    with torch.no_grad():
        for module in model.backbone:
            hidden = module(hidden)
            if isinstance(module, nn.ReLU | nn.ReLU6):
                outputs.append(hidden[0].clone())
    vector = []
    for output in outputs:
        norms = [sum(float(value) ** 2 for value in channel.flatten()) for channel in output]
        vector += [norm / sum(norms) for norm in norms]
    length = math.sqrt(sum(value**2 for value in vector))
    return [value / length for value in vector]


def test_the_vector_of_a_picture_equals_its_slow_version():
    model, images = stack(), 3 * pictures(2, 12, 16)
    layers = feature_layers(model)
    assert layers == ("backbone.1", "backbone.3")
    norms = {}
    with torch.no_grad(), watched(model, layers, lambda name, output: norms.update({name: squared_norms(output)})):
        model(images)
    found = descriptors([norms[name] for name in layers])
    for vector, image in zip(found, images, strict=True):
        assert vector.tolist() == pytest.approx(slow_vector(model, image), rel=1e-4)
    assert not model.backbone[1]._forward_hooks


def test_a_layer_without_answers_stays_0():
    found = descriptors([torch.tensor([[3.0, 1.0], [0, 0]]), torch.zeros(2, 1)])
    assert found.tolist() == pytest.approx(np.array([[3, 1, 0], [0, 0, 0]]) / [[10**0.5], [1]])


@pytest.mark.parametrize(
    ("backbone", "count", "first", "last", "channels"),
    [
        ("tf_efficientnet_lite0", 33, "backbone.bn1.act", "backbone.bn2.act", 19_200),
        ("resnet50", 49, "backbone.act1", "backbone.layer4.2.act3", 22_720),
        ("test_resnet", 12, "backbone.conv1.2", "backbone.layer4.0.act2", 704),
    ],
)
def test_the_layers_of_the_trunks(backbone, count, first, last, channels):
    model = Baseline(replace(baseline_network().config, backbone=backbone)).eval()
    layers = feature_layers(model)
    assert (len(layers), layers[0], layers[-1]) == (count, first, last)
    sizes = {}
    with torch.no_grad(), watched(model, layers, lambda name, output: sizes.update({name: output.shape})):
        features = model.backbone(torch.zeros(1, 3, 32, 32))
    assert sum(shape[1] for shape in sizes.values()) == channels and sizes[last] == features.shape


def test_entries():
    assert entries([3, 2], torch.tensor([0, 1, 1]), torch.tensor([2, 0, 1])).tolist() == [2, 3, 4]
    for layer, channel in ((1, 2), (2, 0)):
        with pytest.raises(ValueError, match="fit VEBI again"):
            entries([3, 2], torch.tensor([layer]), torch.tensor([channel]))


# Weights


def slow_projection(weights, mu):
    """Return the nearest w with ||w||_1 <= mu, by bisection of the soft threshold."""
    low, high = 0.0, float(np.abs(weights).max())
    if np.abs(weights).sum() <= mu:
        return weights
    for _ in range(60):
        middle = (low + high) / 2
        inside = sum(max(abs(value) - middle, 0) for value in weights) <= mu
        low, high = (low, middle) if inside else (middle, high)
    return np.array([math.copysign(max(abs(value) - high, 0), value) for value in weights])


@pytest.mark.parametrize("mu", [0.05, 0.7, 2.0, 1e3])
def test_the_weights_are_those_of_projected_gradient_descent(mu):
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((30, 8))
    wanted = vectors @ [2, -1, 0, 0, 0.3, 0, 0, 0] + 0.3 * generator.standard_normal(30)
    expected = np.zeros(8)
    step = 1 / np.linalg.norm(vectors, 2) ** 2
    for _ in range(400):
        expected = slow_projection(expected - step * vectors.T @ (vectors @ expected - wanted), mu)
    found = bounded_lasso(vectors, wanted, mu)
    assert np.abs(found).sum() <= mu * (1 + 1e-9)
    assert found == pytest.approx(expected, abs=1e-6)
    if mu == 1e3:
        assert found == pytest.approx(np.linalg.lstsq(vectors, wanted)[0])


@pytest.mark.parametrize("mu", [1.0, 30.0])
def test_the_weights_are_optimal_where_features_exceed_pictures(mu):
    generator = np.random.default_rng(1)
    vectors = np.abs(generator.standard_normal((40, 300))) / 20
    vectors[:, 7] = vectors[:, 3]  # as dead or doubled channels give them
    vectors[:, 9] = 0
    wanted = generator.standard_normal(40)
    found = bounded_lasso(vectors, wanted, mu)
    gradient = vectors.T @ (vectors @ found - wanted)
    active, price = found != 0, np.abs(gradient).max()  # Karush, Kuhn, Tucker: the price of the bound
    assert np.abs(found).sum() == pytest.approx(mu)
    assert 0 < active.sum() <= 40
    assert gradient[active] == pytest.approx(-price * np.sign(found[active]), rel=1e-6)


def test_nothing_to_predict_needs_no_weights():
    assert not bounded_lasso(np.ones((20, 3)), np.zeros(20), 1.0).any()


def painted(folder, count=40):
    """Make pictures of 96 x 64 px, half of them red within REGION, the more so the later; all have green in OTHER."""
    files = []
    for number in range(count):
        image = np.full((64, 96, 3), 20, np.uint8)
        image[*REGION, 0] = 20 + 5 * number
        image[*OTHER, 1] = 20 + (37 * number) % 200
        files.append(folder / f"{number}.png")
        Image.fromarray(image).save(files[-1])
    return files


def known_network():
    """Return the network that sees red within REGION, for pictures as small as those of `painted`."""
    model = known(Baseline)
    model.config = replace(model.config, image_size=64, size_multiple=8, mean=(0.0,) * 3, std=(1.0,) * 3)
    model.fitted = {}
    return model


def test_fitted_to_a_known_network_it_finds_what_counts(tmp_path):
    model, reported = known_network(), []
    files = painted(tmp_path)
    model.fitted["vebi"] = learnt = fit(
        model, files, {"mu": 6, "bins": 3}, progress=lambda done, total: reported.append((done, total))
    )
    assert reported == [(done, 40) for done in range(41)]
    weights = dict(zip(learnt.tensors["channel"].tolist(), learnt.tensors["relevance"][0].tolist(), strict=True))
    assert weights[0] > 0 > weights[1]  # red speaks for a higher score, and green alone for a lower
    assert learnt.facts["norms"][0] <= 6 and learnt.facts["held_out"]["r2"] > 0.5
    assert learnt.tensors["relevance"].shape == (4, 2) and learnt.tensors["bounds"].shape == (4,)
    assert share_within(VEBI()(model, red_and_green(), score_up())[0], REGION) > 0.999
    assert share_within(VEBI()(model, red_and_green(), score_down())[0], OTHER) > 0.2
    scores = describe(model, files, ["backbone"])[1][:, 0]
    known_scores = np.delete(scores, range(9, 40, 10))
    assert learnt.tensors["bounds"].tolist() == pytest.approx(np.quantile(known_scores, [0, 1 / 3, 2 / 3, 1]), rel=1e-5)


def test_fitted_to_a_classifier_it_has_a_row_for_each_class(tmp_path):
    files = painted(tmp_path, 24)
    torch.manual_seed(0)
    config = replace(baseline_network().config, backbone="test_resnet", image_size=64)
    model = FlowerNetwork(config, ("dark", "bright", "neither")).eval()
    labels = [int(number >= 12) for number in range(24)]
    model.fitted["vebi"] = learnt = fit(model, files, {"mu": 5}, labels)
    assert learnt.tensors["relevance"].shape == (3, len(learnt.tensors["layer"])) and "bounds" not in learnt.tensors
    assert learnt.facts["held_out"] == {"accuracy": 1.0} and not learnt.tensors["relevance"][2].any()
    assert max(learnt.facts["norms"]) <= 5
    image = preprocess(read_image(files[20]), config)
    bright = model.of_class(1)
    assert VEBI()(bright, image, score_up()).max() > 0
    assert not VEBI()(model.of_class(2), image, score_up()).any()  # which no feature speaks for
    with pytest.raises(ValueError, match="no bins"):
        VEBI(of="bin")(bright, image, score_up())
    own = fit(model, files, {"mu": 5})  # to what it says itself, untrained
    said = describe(model, files, feature_layers(model))[1].argmax(axis=1)
    as_said = fit(model, files, {"mu": 5}, said)
    torch.testing.assert_close(own.tensors["relevance"], as_said.tensors["relevance"], rtol=1e-3, atol=1e-4)
    for wrong in (labels[1:], [*labels[1:], 3]):
        with pytest.raises(ValueError, match="expected 24 numbers from 0 to 2"):
            fit(model, files, {}, wrong)


def test_what_cannot_be_fitted_is_told(tmp_path):
    model, files = known_network(), painted(tmp_path, 20)
    with pytest.raises(DatasetError, match="19 pictures are too few"):
        fit(model, files[1:], {})
    with pytest.raises(DatasetError, match="do not divide into 5 bins"):
        fit(model, files[:1] * 20, {})
    with pytest.raises(ValueError, match="omit them"):
        fit(model, files, {}, [0] * 20)
    for wrong in ({"mu": 0}, {"bins": 1}):
        with pytest.raises(ValueError, match="expected mu > 0 and at least 2 bins"):
            fit(model, files, wrong)


# The backward pass


def slow_mended(convolution, gradient, height, width):
    """Return the mended gradient of the input of one picture, output cell by output cell, as if at stride 1."""
    (kernel, _), (stride, _), (dilation, _) = convolution.kernel_size, convolution.stride, convolution.dilation
    before, dense = [], []
    for size in (height, width):
        padding = 2 * convolution.padding[0]
        if isinstance(convolution, SAME):
            padding = max((math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        before.append(padding // 2)
        dense.append(size + padding - dilation * (kernel - 1))
    found = torch.zeros(convolution.in_channels, height, width)
    inputs = convolution.in_channels // convolution.groups
    for channel in range(convolution.out_channels):
        first = channel // (convolution.out_channels // convolution.groups) * inputs
        for i in range(dense[0]):
            for j in range(dense[1]):
                nearest = gradient[channel, i * gradient.shape[1] // dense[0], j * gradient.shape[2] // dense[1]]
                for y in range(kernel):
                    for x in range(kernel):
                        row, column = i + dilation * y - before[0], j + dilation * x - before[1]
                        if 0 <= row < height and 0 <= column < width:
                            weights = convolution.weight[channel, :, y, x]
                            found[first : first + inputs, row, column] += nearest / stride**2 * weights
    return found


@pytest.mark.parametrize("size", [(8, 10), (7, 9), (8, 7)])
@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.Conv2d(3, 2, 7, stride=2, padding=3),
        nn.Conv2d(3, 4, 1, stride=2),
        nn.Conv2d(2, 2, 3, stride=2, padding=2, dilation=2),
        SAME(3, 4, 3, stride=2),
        SAME(4, 4, 5, stride=2, groups=4),
        nn.Conv2d(3, 4, 3, padding=1),
    ],
    ids=["3", "7", "1", "dilated", "same", "depthwise", "stride 1"],
)
@torch.no_grad()
def test_the_mended_backward_pass_equals_its_slow_version(convolution, size):
    inputs = torch.randn(2, convolution.in_channels, *size)
    gradient = torch.randn_like(convolution(inputs))
    found = mended_gradient(convolution, gradient, *size)
    for own, of in zip(found, gradient, strict=True):
        torch.testing.assert_close(own, slow_mended(convolution, of, *size), rtol=1e-4, atol=1e-5)
    if convolution.stride == (1, 1):
        with torch.enable_grad():
            inputs.requires_grad_()
            (plain,) = torch.autograd.grad(convolution(inputs), inputs, gradient)
        torch.testing.assert_close(found, plain)


@torch.no_grad()
def test_mending_keeps_the_sum_of_the_gradient_far_from_the_border():
    convolution, gradient = nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False), torch.zeros(1, 1, 8, 8)
    gradient[:, :, 3:5, 3:5] = torch.rand(2, 2)
    total = float(gradient.sum() * convolution.weight.sum())
    assert float(mended_gradient(convolution, gradient, 16, 16).sum()) == pytest.approx(total, abs=1e-5)


def slow_guided(model, image, artifact_free):
    """Return the guided gradient (3, H, W) of the last map of `stack`, seeded with channel 2 of it, layer by layer."""
    first, _relu, second, _relu6 = model.backbone
    with torch.no_grad():
        z1 = first(image[None])
        z2 = second(z1.clamp(min=0))
        gradient = torch.zeros_like(z2)
        gradient[:, 2] = z2[:, 2].clamp(0, 6)
        gradient = gradient.clamp(min=0) * ((z2 > 0) & (z2 < 6))
        if artifact_free:
            gradient = slow_mended(second, gradient[0], *z1.shape[2:])[None]
        else:
            gradient = nn.functional.conv_transpose2d(
                gradient, second.weight, stride=2, padding=1, output_padding=[1 - size % 2 for size in z1.shape[2:]]
            )
        gradient = gradient.clamp(min=0) * (z1 > 0)
        return nn.functional.conv_transpose2d(gradient, first.weight, padding=1)[0]


@pytest.mark.parametrize("artifact_free", [True, False])
def test_the_guided_backward_pass_equals_its_slow_version(artifact_free):
    model, images = stack(), 20 * pictures(2, 9, 12)  # so large that ReLU6 is saturated here and there
    with torch.no_grad():
        plain = model.backbone(images)
    assert (plain == 6).any()
    with untouched(model), guided(model, artifact_free):
        inputs = prepared(model, images).requires_grad_()
        output = model.backbone(inputs)
        seed = torch.zeros_like(output)
        seed[:, 2] = output[:, 2].detach()
        (found,) = torch.autograd.grad(output, inputs, seed)
    torch.testing.assert_close(output, plain, rtol=1e-4, atol=1e-5)
    for own, image in zip(found, images, strict=True):
        torch.testing.assert_close(own, slow_guided(model, image, artifact_free), rtol=1e-4, atol=1e-4)
    inputs = images.clone().requires_grad_()  # afterwards, gradients are plain again
    (after,) = torch.autograd.grad(model.backbone(inputs), inputs, seed)
    assert not torch.allclose(after, found, atol=1e-3)


def grid(signal, period):
    """Return how much of a signal (h, w) is a grid: the spread of the means over places of equal phase, by its mean."""
    inner = signal.abs()[8:-8, 8:-8]
    phases = torch.stack([inner[i::period, j::period].mean() for i in range(period) for j in range(period)])
    return float(phases.std() / phases.mean())


@pytest.mark.parametrize("kind", [nn.Conv2d, SAME], ids=["even", "same"])
def test_the_grid_of_strided_convolutions_is_there_and_mended_it_is_not(kind):
    padding = {"padding": 1} if kind is nn.Conv2d else {}
    torch.manual_seed(0)
    layers = [layer for width in (3, 6, 6) for layer in (kind(width, 6, 3, stride=2, **padding), nn.ReLU())]
    for layer in layers[::2]:  # kernels that only tell differences would let nothing smooth through
        nn.init.uniform_(layer.weight)
    model = on_trunk(nn.Sequential(*layers), 6, Baseline)
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="ij")
    smooth = torch.exp(-(rows**2) - columns**2)
    found = {}
    for artifact_free in (False, True):
        with untouched(model), guided(model, artifact_free):
            image = torch.full(
                (1, 3, 128, 128), 0.5, requires_grad=True
            )  # so that nothing but the kernels has a pattern
            output = model.backbone(image)
            (gradient,) = torch.autograd.grad(output, image, (output.detach() > 0) * smooth)
        found[artifact_free] = {period: grid(gradient[0].abs().amax(dim=0), period) for period in (2, 4, 8)}
    for period in (2, 4, 8):
        assert found[False][period] > 0.2
        assert found[True][period] < 0.02


# Maps


def slow_vebi(explain, model, image, sign):
    """Return the map of one image (3, H, W), one feature after the other."""
    learnt = model.fitted["vebi"]
    layers, outputs = learnt.facts["layers"], {}
    with torch.no_grad(), watched(model, layers, lambda name, output: outputs.update({name: output[0].clone()})):
        score = float(model(image[None]).scenicness)
    row = learnt.tensors["relevance"][0]
    if explain.of == "bin":
        row = learnt.tensors["relevance"][1 if score < learnt.tensors["bounds"][1] else 2]
    shares = [outputs[name].square().sum(dim=(1, 2)) for name in layers]
    shares = [share / share.sum() for share in shares]
    length = math.sqrt(sum(float(share.square().sum()) for share in shares))
    where = list(zip(learnt.tensors["layer"].tolist(), learnt.tensors["channel"].tolist(), strict=True))
    r = [
        sign * float(shares[layer][channel]) / length * float(row[place])
        for place, (layer, channel) in enumerate(where)
    ]
    found = torch.zeros(image.shape[1:])
    for place in sorted(range(len(r)), key=lambda place: -r[place])[: explain.features]:
        if r[place] <= 0:
            continue
        layer, channel = where[place]
        kept = {}
        with untouched(model), guided(model, explain.artifact_free):
            inputs = prepared(model, image[None]).requires_grad_()
            with watched(model, [layers[layer]], lambda _name, output, kept=kept: kept.update({"output": output})):
                model(inputs)
            activation = kept["output"][:, channel]
            (gradient,) = torch.autograd.grad(activation, inputs, activation.detach())
        found = torch.maximum(found, to_unit(gradient[0].abs().max(dim=0).values))
    return found


@pytest.mark.parametrize("trunk", ["lite", "resnet"])
@pytest.mark.parametrize(
    ("explain", "target", "sign"),
    [
        (VEBI(), score_up(), 1),
        (VEBI(features=1, artifact_free=False), score_up(), 1),
        (VEBI(features=2), score_down(), -1),
        (VEBI(of="bin"), score_up(), 1),
        (VEBI(of="bin"), score_down(), -1),
    ],
    ids=["up", "one, plain", "down", "bin", "not bin"],
)
def test_maps_equal_their_slow_version(explain, target, sign, trunk):
    model, images = thin(trunk, Baseline), pictures(2)
    with torch.no_grad():  # each picture in a bin of its own
        model.fitted["vebi"].tensors["bounds"][1] = model(images).scenicness.mean()
    found = explain(model, images, target)
    for own, image in zip(found, images, strict=True):
        expected = slow_vebi(explain, model, image, sign)
        assert expected.max() == 1
        torch.testing.assert_close(own, expected, rtol=1e-3, atol=1e-3)
    assert not torch.equal(found[0], found[1])


def test_features_may_speak_for_or_against():
    model, image = known(Baseline), red_and_green()
    weights = model.fitted["vebi"].tensors
    weights["relevance"] = torch.tensor([[1.0, -1.0], [0, 1], [1, 0]])
    weights["bounds"] = torch.tensor([0.0, 0.1, 9])
    assert share_within(VEBI()(model, image, score_up())[0], REGION) > 0.999
    assert share_within(VEBI()(model, image, score_down())[0], OTHER) > 0.999
    assert share_within(VEBI(of="bin")(model, image, score_up())[0], REGION) > 0.999  # its score is in the second bin
    weights["bounds"] = torch.tensor([0.0, 8.9, 9])
    assert share_within(VEBI(of="bin")(model, image, score_up())[0], OTHER) > 0.999
    assert not VEBI(of="bin")(model, image, score_down()).any()  # nothing speaks against it
    assert not VEBI()(model, torch.zeros_like(image), score_up()).any()  # no feature answers at all


def test_what_it_is_not_defined_for_is_an_error():
    model, images = known(Baseline), red_and_green()
    with pytest.raises(ValueError, match="this is a SIAM: use SIAM's own map"):
        VEBI()(siam_network(), images, score_up())
    with pytest.raises(ValueError, match="vebi must be fitted"):
        VEBI()(baseline_network(), images, score_up())
    with pytest.raises(ValueError, match="only a SIAM has attributes"):
        VEBI()(model, images, attribute(0))
    with pytest.raises(ValueError, match=r"expected score_up\(\) or score_down\(\)"):
        VEBI()(model, images, lambda network, pixels: network(pixels).scenicness)
    with pytest.raises(ValueError, match="ran the layer 'backbone' 2 times; expected once"):
        VEBI()(model, images, lambda network, pixels: network(pixels).scenicness + network(pixels).scenicness)
    for wrong in ({"features": 0}, {"of": "class"}):
        with pytest.raises(ValueError, match="expected at least 1, and 'score' or 'bin'"):
            VEBI(**wrong)


# Mean pictures


def test_receptive_fields_of_plain_averages():
    trunk = nn.Sequential(nn.Conv2d(3, 2, 5, padding=2, bias=False), nn.ReLU(), nn.AvgPool2d(4), nn.ReLU())
    nn.init.constant_(trunk[0].weight, 1.0)
    model = on_trunk(trunk, 2, Baseline)
    with torch.no_grad():
        trunk[0].bias = nn.Parameter(torch.full((2,), 100.0))  # so that no ReLU stops a gradient
    # A cell of the first sees 5 x 5 px alike. One of the second sees 4 x 4 of them: 8 x 8 px, most the middle ones, and
    # its middle lies between pixels.
    sides = receptive_fields(model, ["backbone.1", "backbone.3", "backbone.1"])
    assert sides[0] == sides[2] == 5 and sides[1] in (7, 9)


def lamps(folder):
    """Make grey pictures of 96 x 64 px with a blue square of 8 px, brighter from one to the next, each elsewhere."""
    files = []
    for number in range(10):
        image = np.full((64, 96, 3), 60, np.uint8)
        top, left = 8 * (number % 8), 8 * ((5 * number) % 12)
        image[top : top + 8, left : left + 8] = (60, 60, 100 + 10 * number)
        files.append(folder / f"{number}.png")
        Image.fromarray(image).save(files[-1])
    return files


def blue_network():
    """Return a baseline with one layer of cells of 8 px: how blue they are, and nothing."""
    trunk = nn.Sequential(nn.AvgPool2d(8), nn.Conv2d(3, 2, 1), nn.ReLU())
    with torch.no_grad():
        trunk[1].weight.zero_()
        trunk[1].weight[0, 2] = 1.0
        trunk[1].bias.copy_(torch.tensor([0.0, -1.0]))
    model = on_trunk(trunk, 2, Baseline)
    model.config = replace(model.config, image_size=64, size_multiple=8, mean=(0.0,) * 3, std=(1.0,) * 3)
    tensors = {
        "relevance": torch.tensor([[1.0, -0.5]]),
        "layer": torch.tensor([0, 0]),
        "channel": torch.tensor([0, 1]),
        "strength": torch.tensor([1.0, 0.5]),
    }
    return model, Fitted(tensors, {"layers": ["backbone.2"]})


def test_mean_pictures_show_what_a_feature_answers_to(tmp_path):
    model, learnt = blue_network()
    files = lamps(tmp_path)
    trained = with_visuals(model, learnt, files, count=4, size=16)
    means = trained.tensors["means"]
    assert (
        means.shape == (2, 16, 16, 3) and means.dtype == torch.uint8 and trained.tensors["means_of"].tolist() == [0, 1]
    )
    # The four brightest, 160 to 190, each in the middle of its crop, which is about as wide as a cell.
    assert means[0, 8, 8].tolist() == pytest.approx([60, 60, 175], abs=2)
    assert (means[0, 4:12, 4:12, 2] > 160).all()
    assert (means[1] == 128).all()  # what never answers shows nothing
    rows = top_pictures(model, learnt, files, count=3)
    assert rows[0].tolist() == [9, 8, 7] and rows.shape == (2, 3)
    named = with_top(model, trained, "lamps", {f"lamp {number}": path for number, path in enumerate(files)}, count=2)
    assert named.facts["top"] == {"lamps": {"0": ["lamp 9", "lamp 8"], "1": ["lamp 0", "lamp 1"]}}
    again = with_top(model, named, "one", {"x": files[0]})
    assert again.facts["top"]["one"] == {"0": ["x"], "1": ["x"]} and "lamps" in again.facts["top"]


def test_what_lies_outside_the_picture_does_not_count(tmp_path, monkeypatch):
    model, learnt = blue_network()
    file = tmp_path / "corner.png"
    image = np.full((64, 96, 3), 200, np.uint8)
    image[:8, :8, 2] = 255  # a cell at the corner answers most
    Image.fromarray(image).save(file)
    monkeypatch.setattr("siam.explainers.fitting.visuals.receptive_fields", lambda _model, layers: [32] * len(layers))
    mean = mean_visualisations(model, learnt, [file], size=32)[0, :, :, 0]
    assert (mean[13:, 13:] == 200).all() and (mean[:10] == 128).all() and (mean[:, :10] == 128).all()


def test_where_many_cells_are_as_high_the_one_in_their_middle_counts(tmp_path, monkeypatch):
    model, learnt = blue_network()
    image = np.zeros((64, 96, 3), np.uint8)
    image[16:40, 40:64] = (0, 200, 200)  # 3 x 3 cells, alike
    Image.fromarray(image).save(tmp_path / "square.png")
    monkeypatch.setattr("siam.explainers.fitting.visuals.receptive_fields", lambda _model, layers: [24] * len(layers))
    mean = mean_visualisations(model, learnt, [tmp_path / "square.png"], size=24)[0]
    assert (mean[1:-1, 1:-1] == (0, 200, 200)).all()  # so the crop is the square


def test_the_foremost_features_are_few():
    generator = torch.Generator().manual_seed(0)
    for rows, count in ((1, 8), (6, 48), (12, 48)):
        tensors = {"relevance": torch.randn(rows, 200, generator=generator), "strength": torch.ones(200)}
        chosen = foremost(Fitted(tensors, {}))
        assert len(chosen) <= count and chosen.tolist() == sorted(set(chosen.tolist()))
        assert all(row.abs().argmax() in chosen for row in tensors["relevance"])
    weights = torch.tensor([[0.0, 2.0, 1.0]])
    assert foremost(Fitted({"relevance": weights, "strength": torch.tensor([1.0, 0.0, 3.0])}, {})).tolist() == [2]


# What is bundled


@pytest.mark.parametrize("name", ["photo", "rendered"])
def test_the_bundled_weights(name):
    model = siam.load(name, "cpu").baseline
    learnt = model.fitted["vebi"]
    tensors, facts = learnt.tensors, learnt.facts
    assert facts["layers"] == list(feature_layers(model)) and facts["held_out"]["r2"] > 0.4
    assert (tensors["relevance"].abs().sum(dim=1) <= facts["settings"]["mu"] * 1.0001).all()
    assert tensors["relevance"].shape == (6, len(tensors["layer"])) and (tensors["relevance"] != 0).any(dim=0).all()
    assert (
        torch.equal(tensors["means_of"], foremost(learnt)) and len(tensors["means"]) == len(tensors["means_of"]) <= 48
    )
    shown = {str(int(feature)) for feature in tensors["means_of"]}
    assert facts["top"] and all(gallery.keys() == shown for gallery in facts["top"].values())
    assert sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) < 700_000
    grids = {True: 0.0, False: 0.0}
    for sample in load_samples()[:3]:
        image = preprocess(read_image(sample.path), replace(model.config, image_size=192))
        for artifact_free in grids:
            found = VEBI(artifact_free=artifact_free)(model, image, score_up())[0]
            assert found.max() == 1 and 0.001 < float(found.mean()) < 0.7
            grids[artifact_free] += grid(found, 2) / 3
    assert grids[False] > 0.2 and grids[True] < 0.5 * grids[False]


@pytest.mark.parametrize("name", ["single-6c", "double-12c"])
def test_the_bundled_weights_of_the_flowers(name):
    network = load_flowers(name, "cpu")
    learnt = network.fitted["vebi"]
    assert learnt.facts["held_out"]["accuracy"] > 0.95 and learnt.facts["layers"] == list(feature_layers(network))
    sums = learnt.tensors["relevance"].abs().sum(dim=1)
    assert len(sums) == len(network.class_names) and (sums <= 5.0001).all() and (sums > 4.9).all()
    assert torch.equal(learnt.tensors["means_of"], foremost(learnt)) and len(learnt.tensors["means"]) > 0
