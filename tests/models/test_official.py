"""The authors' networks: our pair gives what a slow restatement of their forward pass gives; bad files are refused."""

import hashlib
import os
import pickle
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import siam
from siam.cli.main import main
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.images.preprocessing import preprocess, target_size
from siam.models import backbones  # makes torchvision importable
from siam.models.official import import_official

COUNT, GRID = len(ATTRIBUTES), 15
SIZES = {"450 x 450": (450, 450), "500 x 667": (500, 667)}  # (H, W): maps of 15 x 15 and of 16 x 21 cells


def their_trunk(last):
    """Return torchvision's ResNet-50 without its last `last` modules: the positions are the first part of the keys."""
    assert backbones.timm
    from torchvision.models import resnet50

    return nn.Sequential(*list(resnet50(weights=None).children())[:-last])


def loaded_trunk(last, state):
    """Return their trunk with their weights."""
    with torch.device("meta"):  # no time for values that are replaced
        trunk = their_trunk(last)
    trunk.load_state_dict({key: value for key, value in state.items() if int(key.split(".")[0]) < 8}, assign=True)
    return trunk.eval()


def random_trunk(seed):
    """Return their trunk with random weights, such that activations are of natural size and differ between places."""
    torch.manual_seed(seed)
    trunk = their_trunk(2)
    for module in trunk.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.uniform_(module.bias, -0.2, 0.2)
            module.momentum = None  # keep the plain average of what it sees
    with torch.no_grad():  # inputs as they will come: in [0, 1/255]
        trunk.train()(torch.cat([their_input(random_picture(k, 256, 256)) for k in range(3)]))
    return trunk.eval()


def random_picture(seed, height, width):
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def siam_state(trunk, lowest=0.0):
    """Return random weights of SIAM in the authors' layout; templates are uniform in [lowest, 1] / 15."""
    state = dict(trunk)
    state["8.conv1.weight"] = torch.randn(COUNT, 2048, 1, 1) / 20
    state["8.conv1.bias"] = torch.randn(COUNT) / 10
    for suffix, bias in (("avg", 4.4), ("var", 1.9)):
        state[f"9.conv_templates_{suffix}.weight"] = (
            torch.rand(2 * COUNT, 1, GRID, GRID).mul(1 - lowest).add(lowest) / 15
        )
        state[f"9.conv_combine_templates_{suffix}.weight"] = torch.randn(COUNT, 2, 1, 1)
        state[f"9.fc1_{suffix}.weight"] = torch.randn(1, COUNT) / 5
        state[f"9.fc1_{suffix}.bias"] = torch.tensor([bias])
    return state


def baseline_state(trunk):
    state = {key: value * 1.01 if key == "7.2.conv3.weight" else value for key, value in trunk.items()}
    state["9.conv_sun.weight"], state["9.conv_sun.bias"] = torch.randn(34, 2048, 1, 1), torch.randn(34)
    state["9.conv_son.weight"], state["9.conv_son.bias"] = torch.randn(2, 2048, 1, 1) / 20, torch.tensor([4.4, 1.9])
    return state


@pytest.fixture(scope="module")
def states():
    trunk = dict(random_trunk(0).state_dict())
    return {"siam": siam_state(trunk), "baseline": baseline_state(trunk), "signed": siam_state(trunk, lowest=-0.9)}


@pytest.fixture(scope="module")
def folder(states, tmp_path_factory):
    """Return a folder with the files; names say nothing of what is in them."""
    folder = tmp_path_factory.mktemp("official")
    for name, file in (("siam", "a.pt"), ("baseline", "b.pt"), ("signed", "c.pt")):
        torch.save(states[name], folder / file)
    return folder


@pytest.fixture(scope="module")
def pair(folder):
    return import_official([folder / "b.pt", folder / "a.pt"], "official")


@pytest.fixture(scope="module")
def signed(folder):
    return import_official([folder / "c.pt"], "signed")


@pytest.fixture(scope="module", params=list(SIZES))
def picture(request):
    return random_picture(9, *SIZES[request.param])


@pytest.fixture(scope="module")
def crop():
    """The smaller picture alone, for what does not depend on the cells."""
    return random_picture(9, *SIZES["450 x 450"])


def their_input(image):
    """Return an image as their loaders do: floats, divided by 255 twice, without mean and std."""
    pixels = torch.tensor(np.asarray(image), dtype=torch.float64).permute(2, 0, 1)[None]  # (1, 3, H, W)
    return (pixels / 255 / 255).float()


@torch.no_grad()
def their_forward(state, pixels):
    """Restate SIAM's forward pass from METHODS, one attribute and one template at a time.

    Returns for both heads the prediction () and the contributions (K), and the means of the maps (K).
    """
    features = loaded_trunk(2, state)(pixels)[0]  # (2048, h, w)
    means, answers = [], {"avg": [], "var": []}
    for k in range(COUNT):
        attribute = state["8.conv1.bias"][k] + (state["8.conv1.weight"][k] * features).sum(dim=0)  # (h, w)
        attribute = torch.where(attribute > 0, attribute, 0.0)
        height, width = attribute.shape
        for row in range(height):
            for column in range(width):
                if row < 2 or column < 2 or row >= height - 2 or column >= width - 2:
                    attribute[row, column] = 0
        means.append(attribute.mean())
        pooled = adaptive_pool(attribute)
        for suffix, contributions in answers.items():
            combined = 0.0
            for t in range(2):
                template = state[f"9.conv_templates_{suffix}.weight"][2 * k + t, 0]
                response = max(float((template * pooled).sum()), 0.0)
                combined += float(state[f"9.conv_combine_templates_{suffix}.weight"][k, t]) * response
            contributions.append(float(state[f"9.fc1_{suffix}.weight"][0, k]) * combined)
    bias = {suffix: float(state[f"9.fc1_{suffix}.bias"]) for suffix in answers}
    return {
        "mean": bias["avg"] + sum(answers["avg"]),
        "variance": bias["var"] + sum(answers["var"]),
        "contributions": answers["avg"],
        "logits": torch.stack(means).tolist(),
    }


def adaptive_pool(values):
    """Return the mean of each of 15 x 15 bins: bin i of n cells goes from floor(i n / 15) to ceil((i + 1) n / 15)."""
    bins = [
        [(i * size // GRID, -((i + 1) * size // -GRID)) for i in range(GRID)] for size in values.shape
    ]  # of rows and of columns
    return torch.stack(
        [torch.stack([values[top:bottom, left:right].mean() for left, right in bins[1]]) for top, bottom in bins[0]]
    )


def their_baseline(state, pixels):
    with torch.no_grad():
        features = loaded_trunk(1, state)(pixels)[0, :, 0, 0]
    return float(state["9.conv_son.bias"][0] + (state["9.conv_son.weight"][0, :, 0, 0] * features).sum())


def our_input(config, picture):
    """Return the picture as the config prepares it, at its own size (450 px is the size of their training crops)."""
    return preprocess(picture, replace(config, image_size=min(picture.size)))


@pytest.fixture(scope="module")
def theirs(states, picture):
    return their_forward(states["siam"], their_input(picture))


@torch.no_grad()
def test_mean_variance_and_contributions_are_theirs(theirs, pair, picture):
    ours = pair.siam(our_input(pair.siam.config, picture))
    assert float(ours.scenicness) == pytest.approx(theirs["mean"], abs=1e-4)
    assert float(ours.scenicness_variance) == pytest.approx(theirs["variance"], abs=1e-4)
    assert ours.contributions[0].tolist() == pytest.approx(theirs["contributions"], abs=1e-4)
    assert ours.attribute_logits[0].tolist() == pytest.approx(theirs["logits"], abs=1e-4)
    # what is compared is large enough for a mistake to show
    assert torch.tensor(theirs["contributions"]).abs().median() > 0.02
    assert min(abs(theirs["mean"] - 4.4), abs(theirs["variance"] - 1.9)) > 0.02


@torch.no_grad()
@pytest.mark.parametrize("change", [{"std": (1.0, 1.0, 1.0)}, {"mean": (0.485, 0.456, 0.406)}])
def test_another_preprocessing_would_not_pass(pair, crop, change):
    ours = pair.siam(our_input(pair.siam.config, crop))  # which is theirs
    other = pair.siam(our_input(replace(pair.siam.config, **change), crop))
    assert (ours.contributions - other.contributions).abs().median() > 1e-3
    assert abs(float(ours.scenicness) - float(other.scenicness)) > 1e-3


@torch.no_grad()
def test_baseline_is_theirs(states, pair, crop):
    score = their_baseline(states["baseline"], their_input(crop))
    ours = pair.baseline(our_input(pair.baseline.config, crop))
    assert float(ours.scenicness) == pytest.approx(score, abs=1e-4)
    assert abs(score - 4.4) > 0.02


@torch.no_grad()
def test_negative_templates_keep_the_relu(states, signed, crop):
    theirs = their_forward(states["signed"], their_input(crop))
    network = signed.siam
    assert network.config.template_relu
    ours = network(our_input(network.config, crop))
    assert float(ours.scenicness) == pytest.approx(theirs["mean"], abs=1e-4)
    assert float(ours.scenicness_variance) == pytest.approx(theirs["variance"], abs=1e-4)
    assert ours.contributions[0].tolist() == pytest.approx(theirs["contributions"], abs=1e-4)
    linear = ours.attribute_maps * network.scenicness_head.cell_weights(*ours.attribute_maps.shape[2:])
    assert (linear.sum(dim=(2, 3)) - ours.contributions).abs().max() > 0.01  # the ReLU did count


def test_the_pair_says_what_it_is(pair, folder):
    assert pair.siam.config.attributes == ATTRIBUTES
    assert not pair.siam.config.template_relu
    assert not pair.siam.training and not pair.baseline.training
    for config in (pair.siam.config, pair.baseline.config):
        assert (config.scale.low, config.scale.high) == (1, 10)
        assert target_size((1200, 1601), config) == (500, 667)
    digest = hashlib.sha256((folder / "a.pt").read_bytes()).hexdigest()
    assert pair.card["source"]["SIAM"] == {"file": "a.pt", "sha256": digest}


def test_command_writes_a_pair_that_loads_and_explains(folder, pair, tmp_path, capsys):
    out = tmp_path / "released"
    assert main(["import-official", str(folder / "a.pt"), str(folder / "b.pt"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: SIAM and baseline\n"
    found = siam.load(out, device="cpu")
    for mine, theirs in ((pair.siam, found.siam), (pair.baseline, found.baseline)):
        assert mine.config == theirs.config
        assert all(torch.equal(tensor, theirs.state_dict()[name]) for name, tensor in mine.state_dict().items())
    explanation = siam.explain(found, random_picture(9, 100, 100))
    assert explanation.model == "released"
    assert explanation.contributions.sum() + explanation.bias == pytest.approx(explanation.scenicness, abs=1e-4)


def test_explanation_behind_a_relu_stays_consistent(signed):
    found = siam.explain(signed, random_picture(9, 100, 150))
    assert found.attribute_maps * found.cell_weights == pytest.approx(found.contribution_maps, abs=1e-6)
    assert found.contribution_maps.sum(axis=(1, 2)) == pytest.approx(found.contributions, abs=1e-4)
    assert found.baseline_scenicness is None


def light(state):
    """Return tensors of the same shapes that take no room: one value each, seen everywhere."""
    return {key: value.flatten()[0].clone().expand(value.shape) for key, value in state.items()}


@pytest.fixture
def refused(tmp_path, capsys):
    """Import files by the command; assert that it fails in one line, writes nothing, and return the line."""

    def refused(*paths):
        status = main(["import-official", *map(str, paths), "--out", str(tmp_path / "out")])
        out, err = capsys.readouterr()
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("error: ") and "Traceback" not in err
        assert not (tmp_path / "out").exists()
        return err

    return refused


def saved(content, path, **settings):
    torch.save(content, path, **settings)
    return path


def test_files_of_old_pytorch_are_read(states, tmp_path):
    """Without the counters of batch normalisation, which came with PyTorch 0.4.1, and in the format before 1.6."""
    state = {key: value for key, value in light(states["siam"]).items() if "num_batches" not in key}
    path = saved(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert not zipfile.is_zipfile(path)
    assert import_official([path], "old").baseline is None


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("siam", lambda s: s.pop("8.conv1.bias"), "lacks the tensor 8.conv1.bias"),
        ("siam", lambda s: s.pop("7.2.bn3.running_var"), "lacks the tensor 7.2.bn3.running_var"),
        ("siam", lambda s: s.pop("9.fc1_var.weight"), "lacks the tensor 9.fc1_var.weight"),
        ("siam", lambda s: s.pop("9.conv_templates_avg.weight"), "not one of the authors' networks: it has neither"),
        ("siam", lambda s: s.update({"9.fc2.bias": torch.zeros(1)}), "holds '9.fc2.bias', which is in none"),
        (
            "siam",
            lambda s: s.update({"9.fc1_avg.bias": torch.zeros(2)}),
            r"fc1_avg.bias has shape \(2,\).*has \(1,\)",
        ),
        ("siam", lambda s: s.update({"9.fc1_avg.weight": torch.zeros(33, 1)}), r"shape \(33, 1\).*has \(1, 33\)"),
        ("siam", lambda s: s.update({"8.conv1.bias": torch.full((33,), torch.nan)}), "8.conv1.bias holds NaN"),
        ("siam", lambda s: s.update({"1.bias": torch.full((64,), torch.inf)}), "1.bias holds NaN or infinite"),
        (
            "siam",
            lambda s: s.update({"1.bias": torch.zeros(64, dtype=torch.int64)}),
            "1.bias does not hold plain floats",
        ),
        ("siam", lambda s: s.update({"1.bias": torch.zeros(64, device="meta")}), "1.bias does not hold plain floats"),
        ("siam", lambda s: s.update({"1.bias": torch.zeros(64).to_sparse()}), "1.bias does not hold plain floats"),
        ("siam", lambda s: s.update({"9.conv_son.weight": torch.zeros(2)}), "keys of both SIAM and baseline"),
        ("siam", lambda s: s.clear(), "not one of the authors' networks"),
        ("baseline", lambda s: s.pop("9.conv_sun.weight"), "lacks 9.conv_sun"),
        ("baseline", lambda s: s.update({"9.conv_son.bias": torch.zeros(1)}), "9.conv_son.bias has shape"),
        ("baseline", lambda s: s.update({"8.conv1.bias": torch.zeros(33)}), "holds '8.conv1.bias'"),
    ],
)
def test_state_that_is_not_theirs(states, folder, tmp_path, refused, kind, change, message):
    state = light(states[kind])
    change(state)
    path = saved(state, tmp_path / "changed.pt")
    other = [saved(light(states["siam"]), tmp_path / "siam.pt")] if kind == "baseline" else []
    line = refused(path, *other)
    assert "changed.pt" in line
    assert re.search(message, line), line


@pytest.mark.parametrize(
    "content", [[torch.zeros(2)], torch.zeros(2), {"state_dict": {"a": torch.zeros(2)}}, {3: 4}, 5]
)
def test_file_that_holds_no_state_dict(tmp_path, refused, content):
    assert "holds something other than named tensors" in refused(saved(content, tmp_path / "odd.pt"))


def test_which_files_make_a_pair(states, tmp_path, refused):
    paths = {kind: saved(light(states[kind]), tmp_path / f"{kind}.pt") for kind in ("siam", "baseline")}
    copies = {kind: shutil.copy(path, tmp_path / f"{kind}-2.pt") for kind, path in paths.items()}
    assert "siam.pt and" in (line := refused(paths["siam"], copies["siam"])) and "both a SIAM" in line
    assert "both a baseline" in refused(paths["siam"], paths["baseline"], copies["baseline"])
    assert "is a baseline, and a pair needs its SIAM" in refused(paths["baseline"])


def test_damaged_and_odd_files(states, tmp_path, refused):
    good = saved(light(states["siam"]), tmp_path / "good.pt").read_bytes()
    contents = {"empty": b"", "text": b"not a network", "cut": good[: len(good) // 2], "tail": good[-5000:]}
    with zipfile.ZipFile(tmp_path / "archive.pt", "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02.")
    for name, content in contents.items():
        (tmp_path / f"{name}.pt").write_bytes(content)
        assert f"{name}.pt is not a PyTorch file of tensors only" in refused(tmp_path / f"{name}.pt")
    assert "archive.pt is not a PyTorch file" in refused(tmp_path / "archive.pt")
    assert "does not exist" in refused(tmp_path / "missing.pt")
    assert "is not an ordinary file" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe.pt")  # opening it would wait for ever
    assert "is not an ordinary file" in refused(tmp_path / "pipe.pt")


class Payload:
    """Unpickling it writes a file: what an attacker's code would do, and worse."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("form", ["pickle", "zip", "legacy", "module"])
def test_code_in_a_file_is_not_run(states, tmp_path, refused, form):
    marker, path = tmp_path / "executed", tmp_path / "evil.pt"
    content = {**light(states["siam"]), "9.fc1_avg.bias": Payload(marker)}
    if form == "pickle":
        path.write_bytes(pickle.dumps({"9.conv_templates_avg.weight": Payload(marker)}))
        pickle.loads(path.read_bytes())
    elif form == "module":  # a whole network instead of its tensors
        network = nn.Linear(2, 2)
        network.extra = Payload(marker)
        saved(network, path)
        torch.load(path, weights_only=False)
    else:
        saved(content, path, _use_new_zipfile_serialization=form == "zip")
        torch.load(path, weights_only=False)
    assert marker.exists()  # the payload works where a file is trusted
    marker.unlink()
    line = refused(path)
    assert "evil.pt is not a PyTorch file of tensors only (it is damaged, or holds code, which was not run)" in line
    assert not marker.exists()
