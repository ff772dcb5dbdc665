"""L-CAM and VEBI fitted to networks of any make: known answers, the path of baselines, files, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from siam.errors import CheckpointError, DatasetError, TrainingError
from siam.explainers import attribute_photo, explainer, fit, load_fitted, names_for, output, score_down, score_up
from siam.explainers.base import prepared, untouched
from siam.explainers.fitting.lcam import fit_fm, fit_img
from siam.explainers.fitting.settings import Settings
from siam.explainers.fitting.vebi import fit as fit_vebi
from siam.explainers.layers import Form, Place, forms_of, last_layer, maps_of, through_masks
from siam.explainers.vebi_features import ACTIVATIONS, descriptors, layer_maps, squared_norms, watched
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models import zoo
from siam.models.siam import SIAM
from siam.runtime.jobs import CancelledError
from tests.explainers.test_lcam import make_pictures, small_network, small_trunk_maps
from tests.support.architectures import CHANNELS, architecture, images_for, plain
from tests.support.explainers import assert_same_state, known, red_and_green, state_of

from torchvision.models.resnet import BasicBlock, ResNet  # after timm  # isort: skip

LEARN = ("lcam_fm", "lcam_img", "vebi")
QUICK = {"lcam_fm": {"epochs": 2}, "lcam_img": {"epochs": 1}, "vebi": {"bins": 2}}
CELL, SIDE = 8, 64

pytestmark = pytest.mark.usefixtures("one_thread")


def tensor_of(image, channels=3):
    """Return an RGB picture at 64 px as (C, H, W) in [-2, 2]; a network of one channel gets red alone."""
    pixels = np.asarray(image.resize((SIDE, SIDE)), dtype=np.float32) / 255
    tensor = 4 * torch.from_numpy(pixels).permute(2, 0, 1) - 2
    return torch.cat([tensor, tensor[:1]])[:channels]


def preparation(name):
    return lambda image: tensor_of(image, CHANNELS.get(name, 3))


def target_of(name):
    return output() if name == "regressor" else output(3)


# Known answers


class Colours(nn.Module):
    """A network that finds colours in cells of 8 px: what comes of red alone, in one of several ways."""

    def __init__(self, kind, channels=3):
        super().__init__()
        self.kind = kind
        self.cells = nn.Conv2d(channels, channels, CELL, CELL)
        self.found = nn.ReLU()
        self.mix = nn.Linear(channels, channels)
        nn.init.eye_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)
        nn.init.zeros_(self.cells.bias)
        with torch.no_grad():
            self.cells.weight.zero_()
            for channel in range(channels):
                self.cells.weight[channel, channel] = 4 / CELL**2

    def forward(self, images):  # noqa: D102
        maps = self.found(self.cells(images))  # (N, C, h, w)
        if self.kind == "tokens":  # after one that stands for no place
            tokens = maps.flatten(2).transpose(1, 2)
            tokens = self.mix(torch.cat([tokens.new_ones(len(tokens), 1, tokens.shape[2]), tokens], dim=1))
            return tokens[:, 1:, 0].mean(dim=1) + tokens[:, 0, 0]
        red = maps[:, 0].mean(dim=(1, 2))
        return red if self.kind == "pooled" else (1 + red).square()


KINDS = [("pooled", 3), ("bent", 3), ("tokens", 3), ("bent", 1)]


def squares(folder, count=60):
    """Write pictures of 64 px with a red and a green square of 16 px each on black; red differs most."""
    generator = np.random.default_rng(0)
    for number in range(count):
        pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
        (top, left), (down, right) = generator.integers(0, 4, 2) * CELL, (4 + generator.integers(0, 3, 2)) * CELL
        pixels[top : top + 16, left : left + 16, 0] = generator.integers(40, 256)
        pixels[down : down + 16, right : right + 16, 1] = generator.integers(150, 256)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return sorted(folder.glob("*.png"))


def bright(image, channels=3):
    """Return pixels in [0, 1], (C, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[:channels] / 255


@pytest.mark.parametrize(("kind", "channels"), KINDS)
@pytest.mark.parametrize("name", ["lcam_fm", "lcam_img"])
def test_lcam_covers_what_the_score_rests_on(name, kind, channels, tmp_path):
    model, files = Colours(kind, channels), squares(tmp_path)

    def prepare(image):
        return bright(image, channels)

    settings = {"epochs": 15, "batch": 9, "learning_rate": 0.2, "decay": 1.0, "weight_decay": 0.0}
    learnt = fit(model, tmp_path, output(), name, prepare=prepare, **settings)
    held_out = learnt.facts["held_out"]
    assert held_out["kept_score_variance"] > 0.3 and held_out["pictures"] == 6 and learnt.facts["pictures"] == 54
    assert held_out["controls"]["constant"]["interval"][0] > 0  # better than grey
    assert learnt.facts["layer"] == {"tokens": "mix"}.get(kind, "found")
    for path in files[9::10]:
        image = prepare(read_image(path))[None]
        found = explainer(name, learnt=learnt)(model, image, output())[0]
        cells = nn.functional.avg_pool2d(image, CELL)[0, 0] > 0.05
        assert found.shape == (8, 8) and found[cells].min() > found[~cells].max()
        assert torch.equal(explainer(name, learnt=learnt)(model, image, score_down())[0], found)


def test_vebi_traces_back_to_what_raises_the_score(tmp_path):
    for kind in ("bent", "tokens"):
        model, files = Colours(kind), squares(tmp_path)
        learnt = fit(model, files, output(), "vebi", prepare=bright, bins=3, mu=5.0)
        assert learnt.facts["layers"] == ["found"] and learnt.facts["held_out"]["r2"] > 0.3
        image = bright(read_image(files[7]))[None]
        red, green = (image[0, channel] > 0 for channel in (0, 1))
        for target, region in ((score_up(), red), (score_down(), green)):
            plain_map = explainer("vebi", learnt=learnt, artifact_free=False)(model, image, target)[0]
            assert plain_map[region].sum() > 0.99 * plain_map.sum() > 0
            found = explainer("vebi", learnt=learnt)(model, image, target)[0]  # which spreads by up to a cell
            assert found[region].sum() > 0.6 * found.sum() > 0 and not found[48:, :8].any()
        assert explainer("vebi", learnt=learnt, of="bin")(model, image, output()).shape == (1, SIDE, SIDE)


# Networks of many makes


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3", "swin", "vit", "deit", "regressor", "one channel"])
@pytest.mark.parametrize("method", LEARN)
def test_it_is_fitted_stored_and_used(method, name, tmp_path):
    model, images, target = architecture(name), images_for(name), target_of(name)
    files, reported = make_pictures(tmp_path), []
    before = state_of(model)
    learnt = fit(
        model,
        files,
        target,
        method,
        prepare=preparation(name),
        progress=lambda done, of: reported.append((done, of)),
        **QUICK[method],
    )
    assert_same_state(before, state_of(model))
    assert reported[0][0] == 0 and reported[-1][0] == reported[-1][1] and reported == sorted(reported)
    assert learnt.facts["explainer"] == method and learnt.facts["target"] == repr(target)
    maps = explainer(method, learnt=learnt)(model, images, target)
    assert_same_state(before, state_of(model))
    assert maps.ndim == 3 and maps.isfinite().all() and maps.min() >= 0 and maps.max() == 1
    for place in range(2):
        one = explainer(method, learnt=learnt)(model, images[place : place + 1], target)[0]
        torch.testing.assert_close(one, maps[place], rtol=1e-3, atol=1e-3)
    learnt.save(tmp_path / "kept" / "mine.safetensors")
    found = load_fitted(tmp_path / "kept" / "mine.safetensors", model)
    assert found.facts == learnt.facts and repr(found) == repr(learnt)
    assert torch.equal(explainer(method, learnt=found)(model, images, target), maps)
    result = attribute_photo(model, images[0], explainer(method, learnt=found), target)
    assert result.name == method and torch.allclose(result.map, maps[0], atol=1e-3)
    assert method not in names_for(model)  # which holds nothing itself


def test_networks_of_timm_say_what_they_expect(tmp_path):
    loaded = zoo.load("timm:test_resnet", "random")
    files = make_pictures(tmp_path, sizes=((64, 48), (48, 64)))
    learnt = fit(loaded.model, tmp_path, output(7), epochs=1)
    by_hand = fit(loaded.model, files, output(7), epochs=1, prepare=lambda image: preprocess(image, loaded.expects))
    for key in ("weight", "bias"):
        torch.testing.assert_close(learnt.tensors[key], by_hand.tensors[key])
    maps = explainer("lcam_fm", learnt=learnt)(loaded.model, torch.randn(1, 3, 160, 224), output(7))
    assert maps.shape == (1, 5, 7)


def test_a_siam_is_a_network_like_others(tmp_path):
    model = known(SIAM)
    model.config = replace(model.config, mean=(0.0,) * 3, std=(1.0,) * 3)
    make_pictures(tmp_path, sizes=((96, 64),))
    for method in LEARN:
        learnt = fit(model, tmp_path, score_up(), method, **QUICK[method])
        assert explainer(method, learnt=learnt)(model, red_and_green(), score_up()).max() == 1
        with pytest.raises(ValueError, match="fitted to baselines only, and this is a SIAM"):
            explainer(method)(model, red_and_green(), score_up())


# The same as baselines have


@pytest.mark.parametrize("name", LEARN)
def test_a_baseline_learns_the_same_as_from_a_recipe(name, tmp_path):
    model, files = small_trunk_maps(small_network()), make_pictures(tmp_path, 40, sizes=((32, 32), (64, 32)))
    model.eval()
    common = {"epochs": 3, "batch": 8, "learning_rate": 0.05, "decay": 0.9, "seed": 7, "pictures": 30}
    if name == "vebi":
        common = {"mu": 3.0, "bins": 2}
        wanted = fit_vebi(model, files, common)
    else:
        wanted = {"lcam_fm": fit_fm, "lcam_img": fit_img}[name](model, files, Settings(**common), tmp_path)
    found = fit(model, files, output(), name, **common)
    assert found.tensors.keys() == wanted.tensors.keys()
    for key, tensor in wanted.tensors.items():
        torch.testing.assert_close(found.tensors[key], tensor, rtol=5e-3, atol=1e-4)
    assert wanted.facts.keys() <= found.facts.keys() and found.facts["pictures"] == wanted.facts["pictures"]
    model.fitted[name] = wanted
    images = torch.randn(2, 3, 32, 64)
    torch.testing.assert_close(
        explainer(name)(model, images, score_up()),
        explainer(name, learnt=found)(model, images, score_up()),
        rtol=1e-2,
        atol=1e-2,
    )


def test_whole_passes_give_the_head_that_kept_features_give(tmp_path, monkeypatch):
    model, files = plain(3, 1), make_pictures(tmp_path)
    settings = {"epochs": 2, "learning_rate": 0.1, "batch": 6, "prepare": tensor_of}
    quick = fit(model, files, output(), **settings)
    monkeypatch.setattr("siam.explainers.fitting.lcam.is_linear", lambda *_: False)
    slow = fit(model, files, output(), **settings)
    for key in ("weight", "bias"):
        torch.testing.assert_close(quick.tensors[key], slow.tensors[key], rtol=1e-2, atol=1e-4)


def test_img_goes_on_from_fm(tmp_path):
    model, files = plain(3, 1), make_pictures(tmp_path)
    first = fit(model, files, output(), prepare=tensor_of, epochs=2)
    still = fit(model, files, output(), "lcam_img", prepare=tensor_of, start=first, epochs=1, learning_rate=0.0)
    assert torch.equal(first.tensors["weight"], still.tensors["weight"]) and first.tensors["weight"].any()
    with pytest.raises(TrainingError, match="fit both to the same layer"):
        fit(model, files, output(), "lcam_img", prepare=tensor_of, start=first, layer="0")


# Layers


@pytest.mark.parametrize(
    ("form", "shape"),
    [(Form("NCHW", 2, 3), (2, 4, 2, 3)), (Form("NHWC", 2, 3), (2, 2, 3, 4)), (Form("tokens", 2, 3, 2), (2, 8, 4))],
)
def test_a_mask_multiplies_a_layer_in_its_own_layout(form, shape):
    output, masks = torch.randn(shape), torch.rand(2, 2, 3, requires_grad=True)
    covered = through_masks(Place("any", form), output, masks)
    torch.testing.assert_close(form(covered), form(output) * masks[:, None])
    if form.prefix:
        assert torch.equal(covered[:, : form.prefix], output[:, : form.prefix])
    (gradient,) = torch.autograd.grad(covered.sum(), masks)
    torch.testing.assert_close(gradient, form(output).sum(dim=1))
    with pytest.raises(ValueError, match="let it only rearrange"):
        through_masks(Place("any", lambda output: form(output) * 2), output, masks)


def test_a_layer_can_be_chosen_and_reshaped_by_hand(tmp_path):
    model, files, images = architecture("deit"), make_pictures(tmp_path), images_for("deit")

    def reshape(tokens):
        return tokens[:, 2:].reshape(len(tokens), 4, 4, -1).permute(0, 3, 1, 2)

    found = fit(model, files, output(3), prepare=tensor_of, epochs=1)
    by_hand = fit(model, files, output(3), prepare=tensor_of, epochs=1, layer="blocks.1.norm1", reshape=reshape)
    torch.testing.assert_close(found.tensors["weight"], by_hand.tensors["weight"])
    maps = explainer("lcam_fm", learnt=by_hand, reshape=reshape)(model, images, output(3))
    torch.testing.assert_close(maps, explainer("lcam_fm", learnt=found)(model, images, output(3)))
    for learnt, given, message in ((by_hand, None, "with reshape: give it"), (found, reshape, "without reshape")):
        with pytest.raises(ValueError, match=message):
            explainer("lcam_fm", learnt=learnt, reshape=given)(model, images, output(3))
    earlier = fit(model, files, output(3), prepare=tensor_of, epochs=1, layer="blocks.0")
    assert earlier.facts["layer"] == "blocks.0"
    with pytest.raises(ValueError, match=r"no layer 'blocks\.7'"):
        fit(model, files, output(3), prepare=tensor_of, layer="blocks.7")


def test_modules_that_run_several_times_describe_a_picture_by_each_run(tmp_path):
    torch.manual_seed(0)
    model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5).eval()
    images, outputs = images_for("resnet18"), {}
    with untouched(model):
        names = list(forms_of(model, prepared(model, images), ACTIVATIONS))
    assert names[:4] == ["relu", "layer1.0.relu@1", "layer1.0.relu@2", "layer2.0.relu@1"] and len(names) == 9
    with torch.no_grad(), watched(model, names, lambda name, output: outputs.update({name: output.clone()})):
        model(images)
    torch.testing.assert_close(outputs["layer4.0.relu@2"], maps_of(model, images, Place("layer4", Form("NCHW", 2, 2))))
    block = model.layer1[0]
    with torch.no_grad():
        first = block.bn1(block.conv1(model.maxpool(outputs["relu"]))).clamp(min=0)
    torch.testing.assert_close(outputs["layer1.0.relu@1"], first)
    learnt = fit(model, make_pictures(tmp_path), output(3), "vebi", prepare=tensor_of, bins=2)
    maps = explainer("vebi", learnt=learnt)(model, images, output(3))
    assert learnt.facts["layers"] == names and maps.max() == 1
    with pytest.raises(ValueError, match=r"'layer4.0.relu@1', .* gives no map for one of \(32, 32\) px"):
        explainer("vebi", learnt=learnt)(model, images[:, :, :32, :32], output(3))


def test_tokens_describe_a_picture_as_maps():
    model, images = architecture("vit"), images_for("vit")
    with untouched(model):
        maps = layer_maps(model, images, output(3))
    assert len(maps) == 2 and all(name.endswith("mlp.1") for name in maps)
    norms, tokens = {}, {}
    with torch.no_grad(), watched(model, list(maps), lambda name, of: norms.update({name: squared_norms(of)}), maps):
        model(images)
    with torch.no_grad(), watched(model, list(maps), lambda name, of: tokens.update({name: of})):
        model(images)
    for name, values in tokens.items():
        torch.testing.assert_close(norms[name], values[:, 1:].square().sum(dim=1))  # of places, not the class token
    assert descriptors(list(norms.values())).shape == (2, 96)


def test_a_network_without_activations_is_described_by_its_last_layer():
    model, images = (
        nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        torch.randn(1, 3, 32, 32),
    )
    with untouched(model):
        assert list(layer_maps(model, images, output(1))) == ["0"] == [last_layer(model, images, output(1)).name]


# What is refused, in one sentence


def test_it_belongs_to_its_network_target_and_explainer(tmp_path):
    torch.manual_seed(0)
    model, other, files, images = plain(3), plain(3), make_pictures(tmp_path), images_for("resnet18")
    learnt = {name: fit(model, files, output(3), name, prepare=tensor_of, **QUICK[name]) for name in LEARN}
    for name, of in learnt.items():
        label = "VEBI" if name == "vebi" else name
        for target in (output(2), lambda model, images: model(images)[:, 3]):
            with pytest.raises(ValueError, match=rf"{label} was fitted to output\(3\), but the target is .*: fit it"):
                explainer(name, learnt=of)(model, images, target)
        message = rf"{label} was fitted to output\(3\) of a Sequential with other weights than this Sequential"
        with pytest.raises(ValueError, match=message):
            explainer(name, learnt=of)(other, images, output(3))
        of.save(tmp_path / f"{name}.safetensors")
        with pytest.raises(CheckpointError, match=r"output\(3\) of a Sequential with other weights than this Conv"):
            load_fitted(tmp_path / f"{name}.safetensors", nn.Conv2d(3, 4, 3))
        with pytest.raises(ValueError, match=f"{name} must be fitted .*Sequential: .* siam.explainers.fit for others"):
            explainer(name)(model, images, output(3))
    with pytest.raises(ValueError, match="was fitted for 'lcam_fm', and cannot be used by 'lcam_img'"):
        explainer("lcam_img", learnt=learnt["lcam_fm"])(model, images, output(3))
    with torch.no_grad():
        model[0].weight[0] += 1  # in place: the network is another one now
    with pytest.raises(ValueError, match="with other weights"):
        explainer("lcam_fm", learnt=learnt["lcam_fm"])(model, images, output(3))


def difference(model, images):
    """Return how much more there is of class 3 than of class 1."""
    return model(images)[:, 3] - model(images)[:, 1]


def of_class_2(model, images):
    """Return class 2."""
    return model(images)[:, 2]


def test_a_function_with_a_name_is_a_target(tmp_path):
    model, files, images = plain(3), make_pictures(tmp_path), images_for("resnet18")
    learnt = fit(model, files, of_class_2, prepare=tensor_of, epochs=1)
    assert learnt.facts["target"] == f"{__name__}.of_class_2"
    assert explainer("lcam_fm", learnt=learnt)(model, images, of_class_2).max() == 1
    with pytest.raises(ValueError, match="but the target is <function difference"):
        explainer("lcam_fm", learnt=learnt)(model, images, difference)
    with pytest.raises(ValueError, match="this one has none: define it as a function"):
        fit(model, files, lambda model, images: model(images)[:, 2], prepare=tensor_of)
    for method in ("lcam_fm", "vebi"):
        with pytest.raises(ValueError, match=r"ran the layer '\w' 2 times; expected once"):
            fit(model, files, difference, method, prepare=tensor_of)


def test_wrong_arguments_are_told(tmp_path):
    model, files = plain(3), make_pictures(tmp_path)
    ready, known_target = {"prepare": tensor_of}, (files, output(3))
    for error, message, arguments, settings in (
        (ValueError, "Sequential does not say what pictures it expects: give prepare=", known_target, {}),
        (ValueError, "'cam' cannot be fitted to any network: choose one of lcam_fm,", (*known_target, "cam"), {}),
        (ValueError, r"prepare returns \(64, 64\); expected", known_target, {"prepare": lambda x: tensor_of(x)[0]}),
        (ValueError, "prepare returns Image; expected", known_target, {"prepare": lambda x: x}),
        (ValueError, "does not take pictures", known_target, {"prepare": lambda x: tensor_of(x)[:1]}),
        (ValueError, "there is no output 9", (files, output(9)), ready),
        (DatasetError, "nowhere is not a folder", (tmp_path / "nowhere", output(3)), ready),
        (TrainingError, "got 19 pictures", (files[:19], output(3)), ready),
        (TrainingError, "unknown L-CAM setting 'epoch'", known_target, {**ready, "epoch": 1}),
        (TrainingError, "image_size is for recipes", known_target, {**ready, "image_size": 32}),
        (TrainingError, "start is 'lcam_fm'; expected", known_target, {**ready, "start": "lcam_fm"}),
        (TrainingError, "unknown VEBI setting 'layer'", (*known_target, "vebi"), {**ready, "layer": "1"}),
        (DatasetError, "19 pictures are too few", (files[:19], output(3), "vebi"), ready),
    ):
        before = state_of(model)
        with pytest.raises(error, match=message) as caught:
            fit(model, *arguments, **settings)
        assert "\n" not in str(caught.value)
        assert_same_state(before, state_of(model))
    with pytest.raises(ValueError, match="makes no finite numbers of a black picture"):
        fit(model, files, output(3), "lcam_img", prepare=lambda x: tensor_of(x) / float(np.asarray(x).max()))
    with pytest.raises(ValueError, match="fitted to networks, and this is a function"):
        fit(difference, files, output(3), prepare=tensor_of)
    with pytest.raises(ValueError, match=r"mine.pt does not end in \.safetensors"):
        fit(model, files, output(3), prepare=tensor_of, epochs=1).save(tmp_path / "mine.pt")
    with pytest.raises(CheckpointError, match="does not exist"):
        load_fitted(tmp_path / "none.safetensors", model)


@pytest.mark.parametrize("name", LEARN)
def test_the_network_is_left_as_it_was_when_cancelled(name, tmp_path):
    model, files = plain(3), make_pictures(tmp_path)
    model.train()[0].requires_grad_(False)
    model[2].register_forward_hook(lambda *_: None)
    seen = []
    fit(model, files, output(3), name, prepare=tensor_of, progress=lambda done, of: seen.append(done), **QUICK[name])
    for stop in (0, seen[len(seen) // 2], seen[-2]):

        def cancel(done, of, stop=stop):
            if done >= stop:
                raise CancelledError

        before = state_of(model)
        with pytest.raises(CancelledError):
            fit(model, files, output(3), name, prepare=tensor_of, progress=cancel, **QUICK[name])
        assert_same_state(before, state_of(model))
