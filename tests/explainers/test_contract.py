"""The contract of all explainers, the classical ones against slow versions of their papers, and known answers."""

import copy
import dataclasses
import math

import pytest
import torch
from torch import nn

import siam
from siam.explainers import EXPLAINERS, explainer, names_for
from siam.explainers.base import enlarged, to_unit, untouched
from siam.explainers.cam import CAM
from siam.explainers.eigen_cam import EigenCAM
from siam.explainers.grad_cam import GradCAM
from siam.explainers.grad_cam_pp import GradCAMPP
from siam.explainers.integrated_gradients import IntegratedGradients
from siam.explainers.layer_cam import LayerCAM
from siam.explainers.layers import block_layers, layers_and_gradients
from siam.explainers.minibatches import at_once, batches
from siam.explainers.occlusion import Occlusion
from siam.explainers.registry import names_that_learn
from siam.explainers.score_cam import ScoreCAM
from siam.explainers.siam_maps import SIAMMap
from siam.explainers.targets import attribute, output, score_down, score_up
from siam.images.preprocessing import preprocess
from siam.models.baseline import Baseline
from siam.models.checkpoint import Pair
from siam.models.flowers import FlowerNetwork
from siam.models.siam import SIAM
from siam.models.weights import attach
from siam.runtime.jobs import CancelledError
from tests.explanation.test_inference import picture
from tests.support.explainers import (
    OTHER,
    REGION,
    assert_same_state,
    counted,
    known,
    on_trunk,
    red_and_green,
    share_within,
    state_of,
    thin,
    unusual,
)
from tests.support.networks import baseline_network, siam_network

FEW = {"rise": {"masks": 40, "grid": 5}, "integrated_gradients": {"steps": 4}}  # what makes the slow ones quick
KINDS = {"all": (SIAM, Baseline), "siam": (SIAM,), "baseline": (Baseline,)}  # of networks
CASES = [
    pytest.param(name, trunk, kind, id=f"{name}-{trunk}-{kind.__name__}")
    for name in EXPLAINERS
    for trunk in ("lite", "resnet", "fused")
    for kind in KINDS[EXPLAINERS[name].description.networks]
    if trunk == "lite" or kind is KINDS[EXPLAINERS[name].description.networks][-1]  # the heads do not differ
]


pytestmark = pytest.mark.usefixtures("one_thread")


def made(name):
    return EXPLAINERS[name](**FEW.get(name, {}))


def pictures(count=2, height=64, width=96, seed=1):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def close(one, two):
    scale = max(float(two.abs().max()), 1e-6)
    return float((one - two).abs().max()) <= 1e-3 * scale


@pytest.mark.parametrize(("name", "trunk", "kind"), CASES)
def test_contract(name, trunk, kind):
    explain, model, images = made(name), unusual(thin(trunk, kind)), pictures()
    before, original = state_of(model), images.clone()
    reported: list[tuple[int, int]] = []
    with counted(model) as sizes:
        maps = explain(model, images, score_up(), progress=lambda done, total: reported.append((done, total)))

    assert maps.dtype == torch.float32 and maps.device == images.device and not maps.requires_grad
    assert maps.ndim == 3 and len(maps) == 2 and maps.isfinite().all()
    assert explain.signed or maps.min() >= 0
    assert sum(sizes) <= 2 * explain.passes(model, 64, 96)
    if explain.slow:
        assert reported[0][0] == 0 and reported[-1][0] == reported[-1][1] <= 2 * explain.passes(model, 64, 96)
        assert [done for done, _total in reported] == sorted(done for done, _total in reported)
        assert len({total for _done, total in reported}) == 1
    else:
        assert reported == [] and explain.passes(model, 64, 96) <= 3
    assert_same_state(before, state_of(model))
    assert torch.equal(images, original) and torch.is_grad_enabled() and not torch.is_inference_mode_enabled()

    # One by one, after other random numbers, and from a caller who wants no gradients: the same maps.
    torch.manual_seed(5)
    before = state_of(model)
    with torch.inference_mode():
        assert close(explain(model, images[:1].clone(), score_up()), maps[:1])
    with torch.no_grad():
        second = explain(model, images[1:], score_down() if explain.signed else score_up())
    assert close(-second if explain.signed else second, maps[1:])
    assert_same_state(before, state_of(model))

    assert_left_alone_on_failure(explain, model, images)


def assert_left_alone_on_failure(explain, model, images):
    def broken(model, images):
        model.train().requires_grad_(True)
        for module in model.modules():
            module.register_forward_hook(lambda *_: None)
            module.register_forward_pre_hook(lambda *_: None)
        with torch.enable_grad():
            model(images).scenicness.sum().backward()  # also moves the running means
        model.backbone.register_full_backward_pre_hook(lambda *_: None)
        model.backbone.register_full_backward_hook(lambda *_: None)
        torch.rand(3)
        raise RuntimeError("broken")

    def cancel(done, of):
        if done > 0:
            raise CancelledError

    before = state_of(model)
    if explain.kind != "features":
        with pytest.raises(RuntimeError, match="broken"):
            explain(model, images, broken)
        assert_same_state(before, state_of(model))
    if explain.slow:
        with pytest.raises(CancelledError):
            explain(model, images, score_up(), progress=cancel)
        assert_same_state(before, state_of(model))
    for wrong in (images[0], images[:, :1], images[:0]):
        with pytest.raises(ValueError, match=r"expected \(N, 3, H, W\)"):
            explain(model, wrong, score_up())
    assert_same_state(before, state_of(model))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("name", EXPLAINERS)
def test_an_explainer_is_a_value(name):
    made_by = EXPLAINERS[name]
    assert dataclasses.is_dataclass(made_by) and made_by.__dataclass_params__.frozen
    assert made_by() == made_by() and hash(made_by()) == hash(made_by()) and made_by.__name__ in repr(made_by())
    assert type(made_by.signed) is type(made_by.slow) is bool
    assert made_by.kind in ("exact", "features", "gradient", "perturbation")
    assert made_by.__mro__ == (made_by, object)
    assert explainer(name) == made_by()


def test_names():
    assert explainer("siam:grass") == SIAMMap("grass")
    for wrong in ("", "siam:", "cam:grass", "Grad-CAM"):
        with pytest.raises(ValueError, match="choose one of siam, cam,"):
            explainer(wrong)
    model = siam_network(2)
    names = names_for(model)
    assert names[:3] == ("siam", "siam:attribute_0", "siam:attribute_1") and "cam" not in names
    assert explainer(names[2])(model, pictures(1), score_up()).shape == (1, 2, 3)
    assert not {"lcam_fm", "lcam_img", "vebi"} & set(names)
    assert set(names_for(baseline_network())) == set(EXPLAINERS) - {"siam", *names_that_learn()}
    assert set(names_for(thin("lite", Baseline))) == set(EXPLAINERS) - {"siam"}


def test_targets_are_values_and_say_what_they_are_not_for():
    assert score_up() == score_up() != score_down() and len({attribute(1), attribute(1), attribute(2)}) == 2
    model, images = siam_network(3), pictures(2)
    with torch.no_grad():
        said = model(images)
        assert torch.allclose(score_up()(model, images), said.scenicness)
        assert torch.allclose(score_down()(model, images), -said.scenicness)
        assert torch.allclose(attribute(2)(model, images), said.attribute_logits[:, 2], atol=1e-5)
    for index in (3, -1):
        with pytest.raises(ValueError, match=f"no attribute {index}: this network has 3"):
            attribute(index)(model, images)
    with pytest.raises(ValueError, match="only a SIAM has attributes"):
        GradCAM()(baseline_network(), images, attribute(0))


def test_an_output_of_several_is_a_target():
    torch.manual_seed(3)
    config = dataclasses.replace(baseline_network().config, backbone="tf_efficientnet_lite0")
    network, images = FlowerNetwork(config, ("red", "blue", "white")).eval(), pictures(2)
    assert output(1) == output(1) != output(2) and len({output(1), output(1)}) == 1
    with torch.no_grad():
        assert torch.allclose(output(2)(network, images), network(images)[:, 2], atol=1e-5)
    one_class = network.of_class(1)
    assert close(GradCAM()(network, images, output(1)), GradCAM()(one_class, images, score_up()))
    assert not close(GradCAM()(network, images, output(0)), GradCAM()(one_class, images, score_up()))
    for index in (3, -1):
        with pytest.raises(ValueError, match=f"no output {index}: this network has 3"):
            output(index)(network, images)
    with pytest.raises(ValueError, match=r"gives 3 numbers for a picture: choose one of output\(0\) … output\(2\)"):
        output()(network, images)
    assert torch.equal(output(0)(one_class, images), score_up()(one_class, images))


def test_what_a_method_is_not_defined_for_is_an_error():
    images = pictures(1)
    with pytest.raises(ValueError, match="this is a SIAM: use Grad-CAM"):
        CAM()(siam_network(), images, score_up())
    with pytest.raises(ValueError, match="this is a Baseline: use CAM"):
        SIAMMap()(baseline_network(), images, score_up())
    with pytest.raises(ValueError, match="no attribute 'attribute_O'; names like it: attribute_"):
        SIAMMap("attribute_O")(siam_network(), images, score_up())
    with pytest.raises(ValueError, match="no layer 'backbon'; names like it: backbone"):
        GradCAM("backbon")(siam_network(), images, score_up())
    with pytest.raises(ValueError, match="ran the layer 'backbone' 2 times; expected once"):
        GradCAM()(siam_network(), images, lambda model, x: model(x).scenicness + model(x).scenicness)
    with pytest.raises(ValueError, match="ran the model 0 times; expected once"):
        SIAMMap()(siam_network(), images, lambda _model, x: x.mean(dim=(1, 2, 3)))
    for wrong in ({"cell": 0}, {"margin": -1}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="expected at least 1, 0 and 1"):
            Occlusion(**wrong)
    with pytest.raises(ValueError, match="expected at least 1"):
        IntegratedGradients(steps=0)
    for wrong in ({"batch_size": 0}, {"zero": "grey"}):
        with pytest.raises(ValueError, match="expected 'mean' or 'paper', and at least 1"):
            ScoreCAM(**wrong)


# The steps in common


def test_untouched_removes_added_hooks_and_restores_buffers():
    model = unusual(thin("lite", SIAM))
    before = state_of(model)
    with untouched(model):
        assert not any(module.training for module in model.modules())
        assert not any(parameter.requires_grad for parameter in model.parameters())
        for buffer in model.buffers():
            buffer.add_(1)
        model.backbone.register_forward_hook(lambda *_: None)
        torch.rand(2)
    assert_same_state(before, state_of(model))


def test_a_hook_that_its_owner_removes_in_the_body_does_not_come_back():
    model = thin("lite", SIAM)
    handle = model.backbone.register_forward_hook(lambda *_: None)
    with untouched(model):
        handle.remove()
    assert not model.backbone._forward_hooks


def test_gradients_of_two_layers_are_those_of_finite_differences():
    model = small(SIAM)
    model.backbone = nn.Sequential(model.backbone, nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True))
    names = ["backbone.0", "backbone.1"]
    with untouched(model):
        images = pictures(1, 32, 40)
        places = block_layers(model, images, score_up(), names)
        (early, early_gradient), (late, late_gradient) = layers_and_gradients(model, images, score_up(), places)
        assert late.min() < 0  # as it was before the ReLU in place
    assert torch.allclose(early, model.backbone[0](pictures(1, 32, 40)), atol=1e-6)
    double = copy.deepcopy(model).double()
    tail = lambda features: double.interpret(double.backbone[2](features.clone())).scenicness  # noqa: E731
    assert torch.allclose(late_gradient.double(), slow_gradient(tail, late.double()), atol=1e-5)
    tail = lambda features: double.interpret(double.backbone[1:](features)).scenicness  # noqa: E731
    assert torch.allclose(early_gradient.double(), slow_gradient(tail, early.double()), atol=1e-5)


def test_batches():
    reported: list[tuple[int, int]] = []
    parts = list(batches(5, 2, lambda done, total: reported.append((done, total))))
    assert [(part.start, part.stop) for part in parts] == [(0, 2), (2, 4), (4, 5)]
    assert reported == [(0, 5), (2, 5), (4, 5), (5, 5)]
    reported.clear()
    list(batches(2, 9, lambda done, total: reported.append((done, total)), before=2, of=4))
    assert reported == [(4, 4)]


def test_enlarged_and_to_unit():
    maps = torch.tensor([[[0.0, 4.0]], [[3.0, 3.0]]])
    assert torch.allclose(enlarged(maps, 2, 4), torch.tensor([[[0.0, 1, 3, 4]] * 2, [[3.0] * 4] * 2]))
    assert torch.allclose(to_unit(maps), torch.tensor([[[0.0, 1.0]], [[0.0, 0.0]]]))


# The engine


@pytest.mark.parametrize("name", EXPLAINERS)
def test_an_engine_makes_all_passes_but_those_that_need_gradients_within(name, monkeypatch, tmp_path):
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    kind, explain, images = KINDS[EXPLAINERS[name].description.networks][-1], made(name), pictures()
    model = thin("fused", kind)
    expected = explain(model, images, score_up())
    attach(*((model, None) if isinstance(model, SIAM) else (None, model)), key=f"{kind} {tmp_path}")
    with torch.no_grad():
        model(images)  # converts the backbone
    by_pytorch: list[int] = []
    forward = model.backbone.forward
    monkeypatch.setattr(model.backbone, "forward", lambda x: by_pytorch.append(len(x)) or forward(x))
    found = explain(model, images, score_up())
    hard_edges = name in ("sise", "ada_sise")  # which rounding may move
    assert close(found, expected) or (hard_edges and ((found - expected).abs() > 1e-3).float().mean() < 0.01)
    within = {"sise": 2, "ada_sise": 2, "vebi": 2, "integrated_gradients": 2 * 4}
    assert sum(by_pytorch) == within.get(name, 0)


# Slow versions, from the papers


def small(kind):
    """Return a network with features (N, 4, H / 8, W / 8) >= 0, of which a few are 0."""
    torch.manual_seed(2)
    backbone = nn.Sequential(nn.Conv2d(3, 4, 8, stride=8), nn.ReLU())
    nn.init.normal_(backbone[0].weight, std=0.1)
    return on_trunk(backbone, 4, kind)


def slow_gradient(function, features, step=1e-6):
    """Return d function / d features by central differences, number by number."""
    gradient = torch.zeros_like(features)
    with torch.no_grad():
        for place in range(features.numel()):
            change = torch.zeros_like(features)
            change.view(-1)[place] = step
            gradient.view(-1)[place] = (function(features + change) - function(features - change)).item() / (2 * step)
    return gradient


def slow_parts(model, images):
    """Return the features (C, h, w) of one picture, and the score's gradient there, both in double precision."""
    double = copy.deepcopy(model).double()
    with torch.no_grad():
        features = double.backbone(images.double())
    return features[0], slow_gradient(lambda x: double.interpret(x).scenicness, features)[0]


def slow_grad_cam(features, gradient):
    channels, height, width = features.shape
    found = torch.zeros(height, width)
    for c in range(channels):
        alpha = sum(gradient[c, i, j] for i in range(height) for j in range(width)) / (height * width)
        found += (alpha * features[c]).float()
    return found.clamp(min=0)


def slow_grad_cam_pp(features, gradient):
    channels, height, width = features.shape
    found = torch.zeros(height, width)
    for c in range(channels):
        weight = 0.0
        for i in range(height):
            for j in range(width):
                g = float(gradient[c, i, j])
                below = 2 * g**2 + float(features[c].sum()) * g**3
                alpha = g**2 / below if g > 0 else 0.0
                weight += alpha * max(g, 0.0)
        found += (weight * features[c]).float()
    return found.clamp(min=0)


def slow_layer_cam(features, gradient):
    channels, height, width = features.shape
    found = torch.zeros(height, width)
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                found[i, j] += max(float(gradient[c, i, j]), 0.0) * float(features[c, i, j])
    return found.clamp(min=0)


@pytest.mark.parametrize("kind", [SIAM, Baseline])
@pytest.mark.parametrize(
    ("explain", "slow"),
    [(GradCAM(), slow_grad_cam), (GradCAMPP(), slow_grad_cam_pp), (LayerCAM(), slow_layer_cam)],
    ids=["grad_cam", "grad_cam_pp", "layer_cam"],
)
def test_gradient_methods(explain, slow, kind):
    model, images = small(kind), pictures(2, 32, 40)
    found = explain(model, images, score_up())
    for place in range(2):
        expected = slow(*slow_parts(model, images[place : place + 1]))
        assert expected.max() > 0 and close(found[place], expected)


def slow_score_cam(model, image, softmax, zero):
    """Return the map (h, w) of one picture, channel by channel, and how many masks there were."""
    features = model.backbone(image)[0]
    nothing = model(torch.zeros_like(image)).scenicness
    scores, masks = [], 0
    for channel in features:
        mask = nn.functional.interpolate(channel[None, None], image.shape[2:], mode="bilinear")[0, 0]
        varies = bool(mask.max() > mask.min())
        mask = (mask - mask.min()) / (mask.max() - mask.min()) if varies else torch.zeros_like(mask)
        scores.append(float(model(image * mask).scenicness) if varies else None)
        masks += varies
    known = [score for score in scores if score is not None]
    origin = sum(known) / len(known) if zero == "mean" and not softmax and len(known) > 1 else float(nothing)
    weights = [0.0 if score is None else score - origin for score in scores]
    if softmax:
        weights = [math.exp(weight) / sum(map(math.exp, weights)) for weight in weights]
    found = sum(weight * channel for weight, channel in zip(weights, features, strict=True)).clamp(min=0)
    return found, masks


@pytest.mark.parametrize(("softmax", "zero"), [(False, "mean"), (False, "paper"), (True, "paper")])
@pytest.mark.parametrize("constant", [(), (1,), (1, 2), (0, 1, 2, 3)], ids=len)
def test_score_cam_skips_constant_channels_only(softmax, zero, constant):
    model, images = small(Baseline), pictures(2, 32, 40)
    with torch.no_grad():
        for channel in constant:  # some at 0, as behind a ReLU, some above
            model.backbone[0].weight[channel] = 0
            model.backbone[0].bias[channel] = (-1.0, 0.5)[channel % 2]
        slow = [slow_score_cam(model, image, softmax, zero) for image in images.split(1)]
    expected = torch.stack([found for found, _masks in slow])
    explain, reported = ScoreCAM(softmax=softmax, zero=zero, batch_size=3), []
    with counted(model) as sizes:
        found = explain(model, images, score_up(), progress=lambda done, total: reported.append((done, total)))
    assert [masks for _found, masks in slow] == [4 - len(constant)] * 2
    assert sum(sizes) == 2 * (2 + 4 - len(constant)) <= 2 * explain.passes(model, 32, 40)
    assert reported[0] == (0, sum(sizes)) and reported[-1] == (sum(sizes), sum(sizes))
    assert len(constant) == 4 or zero == "paper" or expected.max() > 0
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    assert ScoreCAM(batch_size=3) == ScoreCAM()  # the maps are the same


def test_eigen_cam_by_power_iteration():
    model, images = small(Baseline), pictures(2, 32, 40)
    found = EigenCAM()(model, images, score_up())
    for place in range(2):
        with torch.no_grad():
            matrix = model.backbone(images[place : place + 1])[0].flatten(1).T.double()  # (h w, C)
        direction = torch.ones(4, dtype=torch.float64)
        for _ in range(500):
            direction = matrix.T @ (matrix @ direction)
            direction /= direction.norm()
        assert close(found[place], (matrix @ direction).clamp(min=0).float().view(4, 5))
    assert close(EigenCAM()(model, images, score_down()), found)


@pytest.mark.parametrize("kind", [SIAM, Baseline])
@pytest.mark.parametrize(("cell", "margin"), [(16, 5), (13, 0), (100, 0)])
def test_occlusion(kind, cell, margin):
    model, image = small(kind), pictures(1, 32, 40)
    found = Occlusion(cell, margin, batch_size=4)(model, image, score_up())[0]
    rows, columns = math.ceil(32 / cell), math.ceil(40 / cell)
    assert found.shape == (rows, columns)
    with torch.no_grad():
        whole = model(image).scenicness
        for i in range(rows):
            for j in range(columns):
                hidden = image.clone()
                for y in range(32):
                    for x in range(40):
                        inside = 32 * i // rows - margin <= y < 32 * (i + 1) // rows + margin
                        if inside and 40 * j // columns - margin <= x < 40 * (j + 1) // columns + margin:
                            hidden[..., y, x] = 0
                assert found[i, j].item() == pytest.approx((whole - model(hidden).scenicness).item(), abs=1e-5)


@pytest.mark.parametrize("kind", [SIAM, Baseline])
def test_integrated_gradients(kind):
    model, image = small(kind), pictures(1, 32, 40)
    found = IntegratedGradients(steps=5, batch_size=2)(model, image, score_up())[0]
    total = torch.zeros_like(image)
    for step in range(5):
        point = ((step + 0.5) / 5 * image).requires_grad_()
        (gradient,) = torch.autograd.grad(model(point).scenicness.sum(), point)
        total += gradient / 5
    assert found.shape == (32, 40) and close(found, (total * image)[0].sum(dim=0))


@pytest.mark.parametrize("kind", [SIAM, Baseline])
@pytest.mark.parametrize(("steps", "within"), [(50, 0.05), (500, 0.005)])
def test_integrated_gradients_add_up(kind, steps, within):
    model, images = small(kind), pictures(2, 32, 40)
    with torch.no_grad():
        rise = model(images).scenicness - model(torch.zeros_like(images)).scenicness
    found = IntegratedGradients(steps, batch_size=100)(model, images, score_up())
    assert found.sum(dim=(1, 2)) == pytest.approx(rise, abs=within * float(rise.abs().max()))


# Identities


def test_own_maps_are_those_of_explain():
    pair, image = Pair("test", siam_network(attributes=6), baseline_network(), {}), picture()
    expected, pixels = siam.explain(pair, image), preprocess(image, pair.siam.config)
    assert CAM()(pair.baseline, pixels, score_up())[0].numpy() == pytest.approx(expected.baseline_map, abs=1e-6)
    assert SIAMMap()(pair.siam, pixels, score_up())[0].numpy() == pytest.approx(expected.total_map, abs=1e-5)
    assert SIAMMap()(pair.siam, pixels, score_down())[0].numpy() == pytest.approx(-expected.total_map, abs=1e-5)
    for index, name in enumerate(expected.attributes):
        one = SIAMMap(name)(pair.siam, pixels, score_up())[0].numpy()
        assert one == pytest.approx(expected.contribution_maps[index], abs=1e-5)
        one = SIAMMap(name)(pair.siam, pixels, attribute(index))[0].numpy()
        assert one == pytest.approx(expected.attribute_maps[index] / one.size, abs=1e-6)
    assert not SIAMMap("attribute_1")(pair.siam, pixels, attribute(0)).any()


@pytest.mark.parametrize("settings", [{"template_relu": True}, {"attribute_link": "sigmoid"}, {"border": 1}])
def test_own_maps_of_other_heads(settings):
    model, images = siam_network(attributes=6, **settings), pictures(2, 96, 128)
    nn.init.normal_(model.scenicness_head.templates)  # a ReLU then stops some
    with torch.no_grad():
        expected = model(images).total_map
    assert expected.abs().max() > 0 and close(SIAMMap()(model, images, score_up()), expected)


def test_exact_maps_add_up_to_the_score():
    images = pictures(2)
    for explain, model in ((SIAMMap(), thin("lite", SIAM)), (CAM(), thin("resnet", Baseline))):
        with torch.no_grad():
            output = model(images)
        total = explain(model, images, score_up()).sum(dim=(1, 2)) + output.bias
        assert total.tolist() == pytest.approx(output.scenicness.tolist(), rel=1e-4)


def test_grad_cam_of_average_pooling_and_a_linear_layer_is_cam():
    model, images = thin("resnet", Baseline), pictures(2)
    own = CAM()(model, images, score_up())
    assert own.min() < 0 < own.max()
    assert close(GradCAM()(model, images, score_up()), own.relu())


def test_layer_cam_of_an_early_layer_has_its_size():
    assert LayerCAM("backbone.layer2")(thin("resnet", SIAM), pictures(1), score_up()).shape == (1, 8, 12)


@pytest.mark.parametrize("name", ["cam", "grad_cam", "grad_cam_pp", "layer_cam", "eigen_cam"])
@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet50"])
def test_trunks_at_full_width(name, backbone):
    model = full_width(backbone)
    maps = EXPLAINERS[name]()(model, pictures(1), score_up())
    assert maps.shape == (1, 2, 3) and maps.isfinite().all()
    assert ScoreCAM().passes(model, 64, 96) == 2 + model.linear.in_features


_KEPT: dict[str, Baseline] = {}


def full_width(backbone):
    if backbone not in _KEPT:
        _KEPT[backbone] = Baseline(dataclasses.replace(baseline_network().config, backbone=backbone)).eval()
    return _KEPT[backbone]


# A network with a known answer


@pytest.mark.parametrize("kind", [SIAM, Baseline])
def test_the_network_is_as_said(kind):
    image = red_and_green()
    with torch.no_grad():
        score = known(kind)(image).scenicness.item()
    assert score == pytest.approx(0.5 + image[0, 0, *REGION].sum().item() / (64 * 96), abs=1e-5)


@pytest.mark.parametrize("kind", [SIAM, Baseline])
@pytest.mark.parametrize("name", [name for name in EXPLAINERS if EXPLAINERS[name].kind != "features"])
def test_known_answer(name, kind):
    if kind not in KINDS[EXPLAINERS[name].description.networks]:
        return
    settings = {"occlusion": {"cell": 8, "margin": 0}, "rise": {"masks": 1000, "grid": 8}}
    explain, model, image = EXPLAINERS[name](**settings.get(name, {})), known(kind), red_and_green()
    found = explain(model, image, score_up())[0]
    random = name == "rise"
    spread = random or name in ("sise", "ada_sise")  # whose masks are soft
    assert share_within(found, REGION) > (0.2 if random else 0.5 if spread else 0.999)
    opposite = explain(model, image, score_down())[0]
    if explain.signed:
        assert close(opposite, -found)
    else:
        assert share_within(opposite, REGION) < 0.1 or not opposite.any()


@pytest.mark.parametrize("name", ["grad_cam", "grad_cam_pp", "layer_cam", "score_cam", "occlusion", "siam"])
def test_known_answer_of_an_attribute(name):
    explain = Occlusion(8, 0) if name == "occlusion" else EXPLAINERS[name]()
    found = explain(known(SIAM), red_and_green(), attribute(1))[0]
    assert share_within(found, OTHER) > 0.999


def test_known_answer_of_one_attribute_map():
    model, image = known(SIAM), red_and_green()
    assert torch.allclose(SIAMMap("red")(model, image, score_up()), SIAMMap()(model, image, score_up()))
    assert not SIAMMap("green")(model, image, score_up()).any()


def test_batches_suit_the_pictures():
    assert at_once(7, torch.zeros(1, 3, 352, 352)) == 7
    small, large, huge = (at_once(None, torch.zeros(3, side, side)) for side in (64, 352, 2000))
    assert small > large > huge == 1
