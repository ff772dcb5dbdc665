"""Joint training: what learns equals the network that is kept, views show what they say, losses are the formulas."""

import copy
import shutil
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

import siam as siam_package
from siam.errors import StorageError, TrainingError
from siam.evaluation.stored import read
from siam.images import read_image
from siam.models import backbones
from siam.models.baseline import Baseline, BaselineConfig
from siam.training.heads.examples import folds
from siam.training.joint.calibration import CalibrationPhotos, calibrate, fit_templates, thresholds
from siam.training.joint.network import JointNetwork
from siam.training.joint.objective import leak, rarity, roughness
from siam.training.joint.teacher import ScoreTeacher, label_teacher, references
from siam.training.joint.views import Augmentation, View, extract
from siam.training.pairs import train
from siam.training.recipes import read_recipe
from tests.evaluation.test_metrics import slow_tau_b
from tests.support.full_disk import full_disk
from tests.support.joint import RECIPE, write_masks
from tests.support.networks import siam_network
from tests.training.test_heads import make_datasets

STAGES = 2  # frozen


def fused_siam(**config):
    return siam_network(stages=2, pooling="area", **config)


def joint_network(siam, seed=0):
    """A joint network whose heads and statistics are all random, so that nothing cancels out by chance."""
    torch.manual_seed(seed)
    network = JointNetwork(siam, STAGES, references=3).eval()
    network.start_at(4.5)
    for norm in network.norms:
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    for layer in network.f:
        nn.init.normal_(layer.weight, std=0.3)
    nn.init.normal_(network.templates)
    nn.init.normal_(network.linear.weight)
    return network


def early_of(siam):
    return nn.Sequential(*backbones.early_parts(siam.backbone, STAGES)).eval()


@pytest.mark.parametrize("size", [(64, 96), (96, 96)])
def test_the_network_that_is_kept_equals_the_one_that_learned(size):
    siam = fused_siam()
    network = joint_network(siam)
    config = BaselineConfig(**{name: getattr(siam.config, name) for name in vars(BaselineConfig)["__match_args__"]})
    baseline = Baseline(config).eval()
    baseline.backbone = siam.backbone
    with torch.no_grad():
        for layer, (weight, bias) in (
            (siam.attribute_layer, network.attribute_layer()),
            (baseline.linear, network.baseline_layer()),
        ):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        siam.scenicness_head.set_effective_templates(network.templates)
        siam.scenicness_head.bias.copy_(network.bias)
        images = torch.randn(2, 3, *size)
        learned, kept = network(early_of(siam)(images)), siam(images)
        assert torch.allclose(learned.maps, kept.attribute_maps, atol=1e-4)
        assert torch.allclose(learned.contributions, kept.contributions, atol=1e-4)
        assert torch.allclose(learned.scenicness, kept.scenicness, atol=1e-4)
        # an enlarged map has the same mean only up to its edges, unless it is enlarged by 2
        assert torch.allclose(learned.baseline, baseline(images).scenicness, atol=1e-3)


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("fused", [1, 2])
def test_a_backbone_resumes_where_its_first_stages_end(stages, fused):
    backbone, _channels = backbones.create_backbone("test_efficientnet", fused)
    backbone.eval()
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        maps = nn.Sequential(*backbones.early_parts(backbone, stages))(images)
        assert torch.allclose(backbones.resume(backbone, maps, stages), backbone(images), atol=1e-5)


def test_the_gradient_of_the_score_reaches_the_maps_in_part():
    siam = fused_siam()
    network, early = joint_network(siam), torch.randn(2, 3, 64, 96)
    early = early_of(siam)(early).detach()
    gradients = []
    for share in (1.0, 0.25, 0.0):
        network.zero_grad()
        network(early, share).scenicness.sum().backward()
        gradients.append(network.f[0].weight.grad.clone())
    assert torch.allclose(gradients[1], gradients[0] / 4, rtol=1e-3, atol=1e-6)
    assert not gradients[2].any() and gradients[0].any()


def test_joint_training_needs_fused_stages():
    with pytest.raises(TrainingError, match="stages >= 2"):
        JointNetwork(siam_network(), STAGES, 3)


@settings(deadline=None, max_examples=30)
@given(
    left=st.integers(0, 3),
    top=st.integers(0, 3),
    wide=st.integers(1, 4),
    tall=st.integers(1, 4),
    mirrored=st.booleans(),
)
def test_a_view_of_cells_shows_its_part_of_the_photo(left, top, wide, tall, mirrored):
    cells = torch.arange(64.0).reshape(1, 8, 8)
    view = View(left / 8, top / 8, (left + wide) / 8, (top + tall) / 8, mirrored)
    part = cells[:, top : top + tall, left : left + wide]
    assert torch.equal(view.of(cells, (tall, wide)), part.flip(2) if mirrored else part)
    assert view.of(cells, (1, 1)).item() == pytest.approx(part.mean().item(), rel=1e-5)


def test_views_are_computed_once_and_show_what_they_say(tmp_path):
    """Of a photo whose colours tell the place, each view holds the colours of its part, mirrored if it says so."""
    gradient = np.indices((96, 128)).transpose(1, 2, 0) * 2
    Image.fromarray(np.dstack([gradient, gradient[..., :1]]).astype(np.uint8)).save(tmp_path / "photo.png")
    config = siam_network().config
    early = nn.AvgPool2d(8)
    passes = []
    early.register_forward_hook(lambda *_: passes.append(1))
    augmentation = Augmentation(count=5, smallest=0.5, largest=0.8, colour=0.0)
    arguments = (early, config, (48, 64), [tmp_path / "photo.png"], augmentation, tmp_path / "cache")
    views, again = extract(*arguments), extract(*arguments)
    assert len(passes) == 1 and views.shown == again.shown and np.array_equal(views.features, again.features)
    assert views.features.shape == (1, 5, 3, 6, 8)
    mean, std = (np.array(of)[:, None, None] for of in (config.mean, config.std))
    for view, features in zip(views.shown[0], views.features[0], strict=True):
        down, across = ((features * std + mean) * 255 / 2)[:2]  # rows and columns of the photo
        across = across[:, ::-1] if view.mirrored else across
        assert down[0].mean() == pytest.approx(view.top * 96 + (view.bottom - view.top) * 96 / 12, abs=2)
        assert across[:, -1].mean() == pytest.approx(view.right * 128 - (view.right - view.left) * 128 / 16, abs=2)
    assert (views.shown[0][0].left, views.shown[0][0].right) == (0, 1) and views.shown[0][1].mirrored


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A joint training of two folds on noise; its backbone starts from made-up weights."""
    root = tmp_path_factory.mktemp("joint")
    make_datasets(root)
    write_masks(root / "masks")
    (root / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    judged = []
    with patch.dict(backbones.LOADERS, test_efficientnet=made_up_weights):
        arguments = root / "tiny.toml", root, root / "out", root / "cache"
        pair = train(*arguments, results=root / "results.json", on_cross_validated=judged.append)
        yield SimpleNamespace(
            root=root, pair=pair, judged=judged[0], again=lambda out: train(*arguments[:2], out, arguments[3])
        )


def made_up_weights(backbone):
    generator = torch.Generator().manual_seed(0)
    for tensor in backbone.state_dict().values():
        if tensor.is_floating_point() and tensor.ndim > 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.2)


def test_training_writes_a_pair_that_loads_and_explains(trained):
    loaded = siam_package.load(trained.root / "out", device="cpu")
    picture = read_image(trained.root / "near" / "images" / "1.png")
    stored, kept = siam_package.explain(loaded, picture), siam_package.explain(trained.pair, picture)
    assert stored.scenicness == pytest.approx(kept.scenicness, abs=0.02)  # half precision
    assert stored.scenicness == pytest.approx(stored.bias + stored.contributions.sum(), abs=1e-4)
    assert stored.attribute_maps.shape[1:] == (4, 6)  # of 64 x 96 px, at stride 16
    assert loaded.fold_templates.shape == (2, 33, 2, 2)
    assert set(loaded.recognition) == set(loaded.siam.config.attributes)


def test_both_networks_share_their_early_stages_only(trained):
    pair = siam_package.load(trained.root / "out", device="cpu")
    ours, other = (backbones.split(network.backbone, STAGES) for network in (pair.siam, pair.baseline))
    assert all(one is two for (_name, one), (_name_too, two) in zip(ours[0], other[0], strict=True))
    assert any(one is not two for (_name, one), (_name_too, two) in zip(ours[1], other[1], strict=True))


def test_siam_is_the_average_of_both_phases_and_the_baseline_the_second(trained):
    first, second = (
        torch.load(trained.root / "out" / "folds" / f"{name}.pt", weights_only=True) for name in ("attributes", "all")
    )
    for network, share in ((trained.pair.siam, 0.5), (trained.pair.baseline, 1.0)):
        late = nn.ModuleList(part for _name, part in backbones.split(network.backbone, STAGES)[1])
        for name, tensor in late.state_dict().items():
            if tensor.is_floating_point():
                expected = (1 - share) * first[f"late.{name}"] + share * second[f"late.{name}"]
                assert torch.allclose(tensor.float(), expected, atol=1e-3, rtol=1e-3), name


def test_the_frozen_stages_are_as_they_were(trained):
    start, _channels = backbones.create_backbone("test_efficientnet", 2)
    made_up_weights(start.net)
    frozen = backbones.early_parts(start.half().float(), STAGES)
    kept = backbones.early_parts(trained.pair.siam.backbone, STAGES)
    for before, after in zip(frozen, kept, strict=True):
        for name, tensor in before.state_dict().items():
            assert torch.equal(tensor, after.state_dict()[name]), name
    late = [
        tensor for _name, part in backbones.split(trained.pair.siam.backbone, STAGES)[1] for tensor in part.parameters()
    ]
    before = [tensor for _name, part in backbones.split(start, STAGES)[1] for tensor in part.parameters()]
    assert any(not torch.equal(one, other) for one, other in zip(before, late, strict=True))


def test_a_training_resumes_after_its_last_network(trained, tmp_path):
    """With the runs but the last kept, the pair is the same, and only the last is trained again."""
    shutil.copytree(trained.root / "out" / "folds", tmp_path / "out" / "folds")
    (tmp_path / "out" / "folds" / "all.pt").unlink()
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "folds").glob("*.pt")}
    pair = trained.again(tmp_path / "out")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "folds").glob("fold-*.pt")} == {
        name: stamp for name, stamp in stamps.items() if name.startswith("fold-")
    }
    for name, tensor in trained.pair.siam.state_dict().items():
        assert torch.allclose(tensor.float(), pair.siam.state_dict()[name].float(), atol=1e-3), name


def another_rate(text):
    return text.replace("late_rate = 1e-3", "late_rate = 2e-3")


def another_seed(text):
    return text.replace("seed = 3", "seed = 4")


@pytest.mark.parametrize("change", [another_rate, another_seed])
def test_networks_of_another_recipe_are_never_taken(trained, tmp_path, change):
    shutil.copytree(trained.root / "out" / "folds", tmp_path / "out" / "folds")
    (tmp_path / "other.toml").write_text(change(RECIPE), encoding="utf-8")
    with pytest.raises(TrainingError, match="folds belongs to another recipe or other photos: choose another --out"):
        train(tmp_path / "other.toml", trained.root, tmp_path / "out", trained.root / "cache")


def another_rating(root):
    table = pandas.read_csv(root / "near" / "ratings.csv")
    table.loc[3, "beauty_mean"] += 1
    table.to_csv(root / "near" / "ratings.csv", index=False)


def another_picture(root):
    Image.new("RGB", (80, 64), "red").save(root / "masks" / "images" / "2.jpg")


def another_outline(root):
    Image.fromarray(np.ones((64, 80), np.uint8)).save(root / "masks" / "masks" / "3.png")


@pytest.mark.parametrize("change", [another_rating, another_picture, another_outline])
def test_networks_of_other_photos_are_never_taken(trained, tmp_path, change):
    root = tmp_path / "root"
    shutil.copytree(trained.root, root, ignore=shutil.ignore_patterns("cache"))
    change(root)
    before = {path.name: path.read_bytes() for path in (root / "out" / "folds").iterdir()}
    with pytest.raises(TrainingError, match="folds belongs to another recipe or other photos: choose another --out"):
        train(root / "tiny.toml", root, root / "out", tmp_path / "cache")
    assert {path.name: path.read_bytes() for path in (root / "out" / "folds").iterdir()} == before


@pytest.mark.parametrize("content", [None, b"", b"[1]"])
def test_networks_that_do_not_say_what_they_learned_from_are_never_taken(trained, tmp_path, content):
    shutil.copytree(trained.root / "out" / "folds", tmp_path / "out" / "folds")
    for path in (tmp_path / "out" / "folds").glob("*.json"):
        path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(TrainingError, match="folds belongs to another recipe or other photos: choose another --out"):
        trained.again(tmp_path / "out")


def test_a_damaged_network_is_told(trained, tmp_path):
    shutil.copytree(trained.root / "out" / "folds", tmp_path / "out" / "folds")
    (tmp_path / "out" / "folds" / "all.pt").write_bytes(b"cut")
    with pytest.raises(TrainingError, match=r"all\.pt is damaged .*: delete it and run the same command again"):
        trained.again(tmp_path / "out")


def test_nothing_is_predicted_by_a_network_that_learned_from_it(trained, tmp_path):
    """Other ratings for the photos of one fold change the networks of the others, but not this fold's predictions."""
    root = tmp_path / "root"
    shutil.copytree(trained.root, root, ignore=shutil.ignore_patterns("out", "cache"))
    recipe = read_recipe(root / "tiny.toml")
    fold = folds(np.repeat([0, 1], 7), recipe["folds"], recipe["seed"])
    table = pandas.read_csv(root / "near" / "ratings.csv")
    table.loc[fold[:7] == 0, "beauty_mean"] += 2
    table.to_csv(root / "near" / "ratings.csv", index=False)
    judged = []
    train(root / "tiny.toml", root, tmp_path / "out", trained.root / "cache", on_cross_validated=judged.append)
    before, after = trained.judged.predictions, judged[0].predictions
    for name in ("siam", "baseline"):
        assert np.allclose(getattr(before, name)[fold == 0], getattr(after, name)[fold == 0], atol=1e-3)
        assert not np.allclose(getattr(before, name)[fold == 1], getattr(after, name)[fold == 1], atol=1e-2)


def test_the_card_holds_the_figures_of_the_cross_validation(trained):
    metrics = trained.pair.card["metrics"]
    sources = trained.judged.sources
    scores = [pandas.read_csv(trained.root / name / "ratings.csv")["beauty_mean"] for name in ("near", "far")]
    for number, name in enumerate(("near", "far")):
        predicted = trained.judged.predictions.siam[sources == number]
        assert metrics["siam"][name]["kendall_tau"] == pytest.approx(slow_tau_b(predicted, scores[number]), abs=1e-3)
    assert metrics["masks"]["n"] == 6 and metrics["masks"]["per_attribute"]["trees"]["photos"] == 6
    assert read(trained.root / "results.json").figures["siam"]


def test_penalties_are_their_formulas():
    generator = torch.Generator().manual_seed(0)
    templates = torch.randn(2, 3, 3, generator=generator)
    slow = 0.0
    for template in templates.tolist():
        for i in range(3):
            for j in range(3):
                slow += (template[i][j] - template[i][2 - j]) ** 2
                slow += (template[i + 1][j] - template[i][j]) ** 2 if i < 2 else 0
                slow += (template[i][j + 1] - template[i][j]) ** 2 if j < 2 else 0
    assert roughness(templates).item() == pytest.approx(slow, rel=1e-4)
    contributions, believed = torch.tensor([[1.0, -2.0], [0.5, 0.0]]), torch.tensor([[1.0, 0.5], [0.0, 0.2]])
    assert leak(contributions, believed).item() == pytest.approx((2 * 0.25 + 0.5) / 2)
    weights = rarity(torch.tensor([0.0, 10.0, 100.0]))
    assert weights[0] > weights[1] > weights[2] > 0


def calibration_photos(labels, scores, positives):
    labels = torch.as_tensor(labels)
    count = len(positives)
    return CalibrationPhotos(
        labels=labels,
        beliefs=labels.nan_to_num(0.5),
        scores=torch.as_tensor(scores),
        trust=torch.ones(len(scores)),
        positives=torch.as_tensor(positives, dtype=torch.float32),
        rarity=torch.ones(count),
    )


def test_ordinary_evidence_becomes_zero():
    """In photos without an attribute hardly a cell answers, and to a rare attribute fewer still."""
    generator = torch.Generator().manual_seed(0)
    evidence = [torch.randn(3, 20, 30, generator=generator) for _photo in range(40)]
    labels = torch.zeros(40, 3)
    labels[:10, 0] = 1
    labels[:, 2] = torch.nan  # nobody said
    for of_photo in evidence[:10]:
        of_photo[0] += 5
    theta = thresholds(evidence, calibration_photos(labels, torch.zeros(40), [50, 3, 50]), 0.05, (0.98, 0.999))
    answers = [torch.stack([of[k] > theta[k] for of in evidence[10:]]).float().mean().item() for k in (0, 1)]
    assert answers[0] == pytest.approx(0.02, abs=0.005) and answers[1] == pytest.approx(0.001, abs=0.001)
    assert torch.stack([of[0] > theta[0] for of in evidence[:10]]).float().mean() > 0.95
    assert theta[2] == 0


SETTINGS = {"ordinary": (0.9, 0.999), "score_weight": 1.0, "leak_weight": 0.0, "template_weight": 1e-4}


def test_templates_fit_the_scores_that_planted_ones_give():
    generator = torch.Generator().manual_seed(1)
    maps = torch.rand(400, 2, 3, 3, generator=generator)
    planted = torch.tensor([0.5, -0.3])[:, None, None].expand(2, 3, 3)
    scores = 4 + torch.einsum("nkij,kij->n", maps, planted)
    found, bias = fit_templates(
        maps,
        calibration_photos(torch.ones(400, 2), scores, [50, 50]),
        torch.zeros(2, 3, 3),
        torch.tensor(4.0),
        SETTINGS,
    )
    predicted = bias + torch.einsum("nkij,kij->n", maps, found)
    assert (predicted - scores).square().mean() < 0.02 * scores.var()
    assert torch.allclose(found.mean(dim=(1, 2)), torch.tensor([0.5, -0.3]), atol=0.05)


def test_what_is_not_there_carries_no_score():
    """Of two attributes that go with the score equally, the leak leaves it to the one that is really there."""
    generator = torch.Generator().manual_seed(2)
    shared = torch.rand(300, 1, 1, 1, generator=generator)
    maps = torch.cat([shared, shared], dim=1).expand(300, 2, 3, 3).contiguous()
    labels = torch.cat([torch.ones(300, 1), torch.zeros(300, 1)], dim=1)
    photos = calibration_photos(labels, 4 + 5 * shared[:, 0, 0, 0], [50, 50])
    found, _bias = fit_templates(
        maps, photos, torch.zeros(2, 3, 3), torch.tensor(4.0), {**SETTINGS, "leak_weight": 0.3}
    )
    there, absent = (maps.mean(dim=0) * found).sum(dim=(1, 2)).abs()
    assert there > 20 * absent


def test_calibration_leaves_a_network_whose_score_is_what_was_fitted():
    siam = fused_siam(attributes=2)
    generator = torch.Generator().manual_seed(3)
    features = [torch.rand(siam.attribute_layer.in_channels, 6, 8, generator=generator) for _photo in range(30)]
    with torch.no_grad():
        evidence = [siam.attribute_layer(of[None])[0] for of in features]
    labels = torch.randint(0, 2, (30, 2), generator=generator).float()
    scores = 4 + labels.sum(dim=1)
    before = copy.deepcopy(siam)
    calibrate(siam, evidence, calibration_photos(labels, scores, [50, 3]), 0.05, SETTINGS)
    with torch.no_grad():
        outputs = [siam.interpret(of[None]) for of in features]
        theta = before.attribute_layer.bias - siam.attribute_layer.bias
        shown = [(of - theta[:, None, None]).relu() for of in evidence]
    assert (theta >= 0).all() and theta.any()
    assert all(torch.allclose(out.attribute_maps[0], maps, atol=1e-5) for out, maps in zip(outputs, shown, strict=True))
    found = torch.cat([out.scenicness for out in outputs])
    with torch.no_grad():
        start = torch.cat([before.interpret(of[None]).scenicness for of in features])
    assert (found - scores).square().mean() < (start - scores).square().mean()


def test_the_teacher_learns_scores_up_to_the_offsets_of_their_sources():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(200, 6))
    sources = np.arange(200) % 2
    truth = 4 + features @ [0.5, -0.3, 0.2, 0.0, 0.1, 0.4]
    taught = ScoreTeacher(features[:160], (truth - 1.5 * sources)[:160], sources[:160])
    assert taught.offsets == pytest.approx([0, -1.5], abs=0.3)
    found = taught(features[160:]).numpy()
    assert np.corrcoef(found, truth[160:])[0, 1] > 0.9 and abs((found - truth[160:]).mean()) < 0.3


def test_labels_of_the_teacher_lie_between_what_it_sees_and_the_prior():
    generator = np.random.default_rng(1)
    features = generator.normal(size=(120, 4))
    labels = (features[:, :2] > 0).astype(np.float32)
    prior = np.full((20, 2), 0.5, np.float32)
    found = label_teacher(features[:100], labels[:100], features[100:], prior).numpy()
    assert found.min() >= 0 and found.max() <= 1
    assert found[labels[100:] == 1].mean() > 0.6 > 0.4 > found[labels[100:] == 0].mean()


def test_references_keep_what_distinguishes_photos():
    generator = np.random.default_rng(2)
    features = generator.normal(size=(80, 3)) @ generator.normal(size=(3, 20))  # three things vary
    seen = np.arange(60)
    found = references(features, 3, seen).numpy()
    assert np.abs(np.corrcoef(found[seen].T) - np.eye(3)).max() < 1e-3  # each component says something new
    standard = (features - features[seen].mean(axis=0)) / (features[seen].std(axis=0) + 1e-3)
    rest = standard - found @ np.linalg.lstsq(found, standard, rcond=None)[0]
    assert np.abs(rest).max() < 1e-3
    others = features.copy()
    others[60:] += 5  # photos from which nothing is computed
    assert np.allclose(references(others, 3, seen).numpy()[seen], found[seen], atol=1e-5)


def test_a_disk_that_fills_up_is_told_and_leaves_nothing(tmp_path):
    Image.fromarray(np.zeros((96, 128, 3), dtype=np.uint8)).save(tmp_path / "photo.png")
    augmentation = Augmentation(count=2, smallest=0.5, largest=0.8, colour=0.0)
    files, cache = [tmp_path / "photo.png"] * 4, tmp_path / "cache"
    arguments = (nn.AvgPool2d(8), siam_network().config, (48, 64), files, augmentation, cache)
    with full_disk(1_000), pytest.raises(StorageError, match="check the free space"):
        extract(*arguments)
    assert not list(cache.iterdir())
    assert extract(*arguments).features.shape == (4, 2, 3, 6, 8)
