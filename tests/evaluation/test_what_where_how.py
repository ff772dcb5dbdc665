"""What, where and how against the truth: slow loops, networks that know everything or nothing, and exact sums."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy.stats import kendalltau, pearsonr
from sklearn.metrics import average_precision_score

import siam
from siam.cli.main import main
from siam.datasets import rendered
from siam.datasets.rendered import crowd
from siam.datasets.rendered.truth import read_masks, read_truth
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.errors import DatasetError
from siam.evaluation.predictions import PairPredictions
from siam.evaluation.stored import read as read_result
from siam.evaluation.what_where_how import judgement
from siam.evaluation.what_where_how.errors import error_figures, largest_parts, map_scales, split_error, verdicts
from siam.evaluation.what_where_how.judgement import correlation, judge, top_agreement, true_weights
from siam.evaluation.what_where_how.places import centre_prior, inside_causes, judge_maps
from siam.evaluation.what_where_how.scenes import CAUSE, CELLS, pooled, read
from siam.evaluation.what_where_how.verdicts import Verdict
from siam.images.reading import read_image
from siam.models.checkpoint import Pair, save
from tests.support.networks import baseline_network, siam_network
from tests.support.rendered_scenes import SIZE, write_scenes

GRID, SIDE = 4, 8  # of templates and maps
COUNT = 20
COLUMNS = {"siam", "ideal", "another_scene", "uniform", "centre", "random"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("rendered") / "scenes"
    write_scenes(root, COUNT)
    return root


@pytest.fixture(scope="module")
def scenes(root):
    return read(root, range(1, COUNT + 1), GRID, (SIDE, SIDE))


def perfect(scenes, root):
    """Return what a network would say that sees every mask, and weighs it as the truth does."""
    masks = np.stack([read_masks(root, truth.identifier) for truth in scenes.truths]).astype(np.float32)
    maps = pooled(masks, (SIDE, SIDE)) * 3  # the unit of a map is its own
    templates = true_weights(GRID) / 3
    contributions = np.einsum("kij,nkij->nk", templates, pooled(maps, (GRID, GRID)))
    return said(contributions, maps, scenes.total, templates, crowd.BIAS)


def said(contributions, maps, total, templates, bias):
    """Return predictions, the logits of which are the means of the maps."""
    logits, biases = maps.mean(axis=(2, 3)), np.full(len(maps), bias)
    scores = biases + contributions.sum(axis=1)
    of_maps = {"maps": maps, "total": total, "templates": templates}
    return PairPredictions(ATTRIBUTES, scores, biases, contributions, logits, logits=logits, **of_maps)


def anything(seed, scenes, sign=1.0):
    """Return what a network of random weights would say."""
    random = np.random.default_rng(seed)
    maps = (random.random((COUNT, len(ATTRIBUTES), SIDE, SIDE), dtype=np.float32) * sign).astype(np.float32)
    templates = random.normal(0, 0.2, (len(ATTRIBUTES), GRID, GRID)).astype(np.float32)
    contributions = np.einsum("kij,nkij->nk", templates, pooled(maps, (GRID, GRID)))
    total = random.normal(size=(COUNT, SIDE, SIDE)).astype(np.float32)
    return said(contributions, maps, total, templates, 5.0)


# The truth, reduced


@pytest.mark.parametrize(("pixels", "cells"), [((6, 6), (3, 2)), ((7, 5), (3, 4)), ((5, 5), (5, 5)), ((3, 4), (5, 6))])
def test_pooling_is_the_mean_over_areas(pixels, cells):
    picture = np.random.default_rng(0).random((2, *pixels))
    fine = picture.repeat(cells[0], axis=1).repeat(cells[1], axis=2)  # every pixel as cells[0] x cells[1] parts
    expected = fine.reshape(2, cells[0], pixels[0], cells[1], pixels[1]).mean(axis=(2, 4))
    assert np.allclose(pooled(picture, cells), expected)
    assert np.allclose(pooled(picture, cells).mean(axis=(1, 2)), picture.mean(axis=(1, 2)))


def test_scenes_are_what_is_stored_pixel_by_pixel(root, scenes):
    for n, truth in enumerate(scenes.truths):
        assert truth == read_truth(root, n + 1)
        masks = read_masks(root, n + 1)
        for k, name in enumerate(ATTRIBUTES):
            assert scenes.contributions[n, k] == truth.contributions[name]
            block = SIZE // GRID
            for i in range(GRID):
                for j in range(GRID):
                    cell = masks[k, i * block : (i + 1) * block, j * block : (j + 1) * block]
                    assert scenes.on_grid[n, k, i, j] == pytest.approx(cell.mean(), abs=1e-6)
            assert (n in scenes.shown[k]) == (masks[k].mean() >= 0.005)
            if n in scenes.shown[k]:
                share = scenes.shares[k][list(scenes.shown[k]).index(n)]
                assert share.shape == (CELLS, CELLS)
                assert share.astype(float).mean() == pytest.approx(masks[k].mean(), abs=1e-3)
        union = np.zeros((SIZE, SIZE), dtype=bool)
        for k, name in enumerate(ATTRIBUTES):
            if abs(truth.contributions[name]) >= CAUSE:
                union |= masks[k]
        assert scenes.causes[n].mean() == pytest.approx(union.mean(), abs=1e-5)
        assert scenes.total[n].mean() == pytest.approx(scenes.contributions[n].sum(), abs=1e-4)
    assert any(0 < area < 0.005 for truth in scenes.truths for area in truth.areas.values())
    assert scenes.quality == pytest.approx([truth.quality for truth in scenes.truths])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda truth: truth["contributions"].pop("wire"), "33 attributes"),
        (lambda truth: truth["labels"].update(wire="many"), "33 attributes"),
        (lambda truth: truth.update(nuances=[1]), "33 attributes"),
        (lambda truth: truth.pop("bias"), "lacks 'bias'"),
    ],
)
def test_a_truth_that_lacks_something_is_refused_in_one_line(tmp_path, damage, words):
    write_scenes(tmp_path / "scenes", 2)
    path = tmp_path / "scenes" / "truth" / "2.json"
    stored = json.loads(path.read_text())
    damage(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(DatasetError, match=words) as caught:
        read(tmp_path / "scenes", [1, 2], GRID, (SIDE, SIDE))
    assert "2.json" in str(caught.value) and "\n" not in str(caught.value)


def test_masks_that_are_not_square_are_refused(tmp_path):
    write_scenes(tmp_path / "scenes", 1)
    Image.fromarray(np.zeros((40, 50), dtype=np.uint8)).save(tmp_path / "scenes" / "masks" / "1.png")
    with pytest.raises(DatasetError, match="50 × 40 pixels"):
        read(tmp_path / "scenes", [1], GRID, (SIDE, SIDE))


# What


def slow_top_agreement(predicted, true):
    shares = []
    for ours, theirs in zip(predicted, true, strict=True):
        wanted = [k for k in sorted(range(len(theirs)), key=lambda k: -abs(theirs[k]))[:8] if theirs[k] != 0]
        named = sorted(range(len(ours)), key=lambda k: -abs(ours[k]))[:8]
        if wanted:
            shares.append(sum(k in named for k in wanted) / len(wanted))
    return sum(shares) / len(shares)


def test_agreement_of_the_top_8_by_hand():
    random = np.random.default_rng(3)
    predicted, true = random.normal(size=(2, 12, 20))
    true[3] = 0
    true[4, 3:] = 0
    assert top_agreement(predicted, true) == pytest.approx(slow_top_agreement(predicted, true))
    assert top_agreement(-true, true) == 1
    assert np.isnan(top_agreement(predicted, np.zeros_like(true)))


def test_a_random_order_agrees_as_often_as_told():
    random = np.random.default_rng(4)
    predicted, true = random.normal(size=(2, 4000, len(ATTRIBUTES)))
    assert top_agreement(predicted, true) == pytest.approx(8 / 33, abs=0.01)


# Where


def pixels_of(shares, maps):
    """Return cells as four pixels each, of which as many are covered as the shares (in quarters) say."""
    scores = maps.repeat(4, axis=-1).ravel()
    covered = (np.arange(4) < 4 * shares[..., None]).ravel()
    return scores, covered


def random_quarters(seed, scenes=5, size=6):
    random = np.random.default_rng(seed)
    shares = random.integers(0, 5, (scenes, size, size)) / 4
    shares[:, 0, 0] = 1
    return shares, random.integers(0, 6, (scenes, size, size)).astype(np.float32)  # with ties


@pytest.mark.parametrize("seed", range(4))
def test_pixel_ap_iou_and_pointing_are_those_of_pixels_counted_one_by_one(seed):
    shares, maps = random_quarters(seed)
    found = judge_maps(maps, shares)
    scores, covered = pixels_of(shares, maps)
    assert found["pixel_ap"] == pytest.approx(average_precision_score(covered, scores), abs=1e-6)

    def overlap(of, threshold):
        values, inside = pixels_of(shares[of], maps[of])
        above = values >= threshold
        return (above & inside).sum(), (above | inside).sum()

    halves, sums = [[0, 2, 4], [1, 3]], np.zeros(2)
    for chosen, judged in (halves, halves[::-1]):
        candidates = sorted(set(maps[chosen].ravel()), reverse=True)
        best = max(candidates, key=lambda threshold: np.divide(*overlap(chosen, threshold)))
        sums += overlap(judged, best)
    assert found["iou"] == pytest.approx(sums[0] / sums[1], abs=1e-6)

    hits = [np.mean([shares[n][cell] for cell in zip(*np.where(maps[n] == maps[n].max()), strict=True)])
            for n in range(len(maps))]  # fmt: skip
    assert found["pointing"] == pytest.approx(np.mean(hits), abs=1e-6)


def test_a_map_that_follows_the_mask_is_right_at_any_size():
    shares = np.zeros((4, 16, 16))
    shares[:, :8, :8] = 1
    maps = np.zeros((4, 4, 4), dtype=np.float32)
    maps[:, :2, :2] = 1
    right, wrong = judge_maps(maps, shares), judge_maps(maps[:, ::-1, ::-1], shares)
    assert right["pixel_ap"] > 0.97 and right["iou"] > 0.97 and right["pointing"] == 1
    assert wrong["pixel_ap"] < 0.25 and wrong["pointing"] == 0


def test_a_uniform_map_reaches_the_share_that_is_covered():
    shares, _maps = random_quarters(7)
    found = judge_maps(np.zeros((5, 3, 3)), shares)
    for value in found.values():
        assert value == pytest.approx(shares.mean(), abs=1e-6)


def test_the_centre_prior_is_highest_in_the_middle():
    prior = centre_prior((7, 7))
    assert prior[3, 3] == prior.max() == 1
    assert np.allclose(prior, prior.T) and np.allclose(prior, prior[::-1])
    side = centre_prior((100, 100))
    assert side[50, 74] / side[50, 50] == pytest.approx(np.exp(-0.5), abs=0.02)  # a quarter of the side is one sd


def test_activation_inside_causes_by_hand():
    random = np.random.default_rng(1)
    total, causes = random.normal(size=(6, 3, 4)), random.random((6, 3, 4))
    total[2], causes[3] = 0, 0
    shares = []
    for n in (0, 1, 4, 5):
        inside = sum(abs(total[n, i, j]) * causes[n, i, j] for i in range(3) for j in range(4))
        shares.append(inside / np.abs(total[n]).sum())
    assert inside_causes(total, causes) == pytest.approx(np.mean(shares))
    assert inside_causes(np.ones_like(causes), causes) == pytest.approx(causes[[0, 1, 2, 4, 5]].mean())
    assert np.isnan(inside_causes(total, np.zeros_like(causes)))


# How, and all of it


def test_correlation_is_pearsons():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 5, 4))
    assert correlation(first, second) == pytest.approx(pearsonr(first.ravel(), second.ravel())[0])
    assert np.isnan(correlation(first, np.zeros_like(second)))


def test_a_network_that_knows_the_truth_is_found_to(root, scenes):
    figures, errors = judge(perfect(scenes, root), scenes)
    own, ideal = figures["siam"], figures["ideal"]
    assert own["what"]["top_agreement"] == pytest.approx(1, abs=0.02)
    for key, value in ideal["where"].items():
        assert own["where"][key] == pytest.approx(value, abs=0.01), key
    assert own["how"]["templates"] == own["how"]["templates_all"] == own["how"]["template_signs"] == 1
    assert own["how"]["contributions"] > 0.999 and own["how"]["contribution_signs"] == 1
    for name, of in figures["per_attribute"].items():
        assert of["points"] == pytest.approx(of["true_points"], rel=0.01), name
    for name in ("misread", "misplaced", "misweighted"):
        assert figures["error"]["parts"][name]["rms"] < 0.05
    assert figures["error"]["parts"]["outside"]["share_of_variance"] == pytest.approx(1, abs=0.02)
    assert errors.total() == pytest.approx(-scenes.nuances.sum(axis=1), abs=0.1)
    blind = [n for n in range(COUNT) if abs(scenes.nuances[n].sum()) > 0.6]
    judged = verdicts(errors, None)
    for n in range(COUNT):
        assert judged[n].kind == ("outside the vocabulary" if n in blind else "right")


def test_every_column_has_its_figures_and_a_uniform_map_tells_what_is_covered(scenes):
    figures, _errors = judge(anything(0, scenes), scenes)
    assert figures.keys() == {"n", "top", "cause", *COLUMNS, "per_attribute", "error"}
    where = {"pixel_ap", "iou", "pointing", "inside_causes", "attributes"}
    for column in COLUMNS:
        assert figures[column]["where"].keys() == where
    for part in ("what", "how"):
        assert {column for column in COLUMNS if part in figures[column]} == {"siam", "another_scene", "random"}
    assert {column for column in COLUMNS if "score" in figures[column]} == {"siam", "ideal", "another_scene"}
    covered = [scenes.shares[k].astype(float).mean() for k in scenes.judged]
    assert figures["uniform"]["where"]["pixel_ap"] == pytest.approx(np.mean(covered), abs=1e-4)
    some = scenes.causes.any(axis=(1, 2))
    assert figures["uniform"]["where"]["inside_causes"] == pytest.approx(scenes.causes[some].mean(), abs=1e-4)
    json.dumps(figures, allow_nan=False)


def test_another_scene_is_the_network_with_its_scenes_exchanged(scenes):
    random = np.random.default_rng(4)
    explained = replace(anything(4, scenes), contributions=random.normal(size=(COUNT, len(ATTRIBUTES))))
    other = judgement._others(COUNT, np.random.default_rng(0))
    parts = {name: getattr(explained, name)[other] for name in ("logits", "contributions", "maps", "total")}
    figures, exchanged = judge(explained, scenes)[0], judge(replace(explained, **parts), scenes)[0]
    found = figures["another_scene"]
    assert found["what"] == exchanged["siam"]["what"] != figures["siam"]["what"]
    assert found["where"] == exchanged["siam"]["where"] != figures["siam"]["where"]
    for name, value in found["how"].items():
        assert value == exchanged["siam"]["how"][name]
    assert found["how"]["contributions"] != figures["siam"]["how"]["contributions"]


def test_scores_are_ranked_against_the_votes(scenes):
    random = np.random.default_rng(6)
    explained = replace(anything(6, scenes), contributions=random.normal(size=(COUNT, len(ATTRIBUTES))))
    figures = judge(explained, scenes)[0]
    votes = [sum(truth.votes) / len(truth.votes) for truth in scenes.truths]
    named = [truth.bias + sum(truth.contributions.values()) for truth in scenes.truths]
    totals = [bias + sum(of) for bias, of in zip(explained.bias, explained.contributions, strict=True)]
    for column, scores in (("siam", totals), ("ideal", named)):
        assert figures[column]["score"]["kendall_tau"] == pytest.approx(kendalltau(scores, votes)[0], abs=1e-4)


def test_the_ideal_does_not_depend_on_the_network(root, scenes):
    ideal = judge(anything(5, scenes), scenes)[0]["ideal"]["where"]
    best = judge(perfect(scenes, root), scenes)[0]["siam"]["where"]
    for name, value in best.items():
        assert ideal[name] == pytest.approx(value, abs=0.01)
    assert ideal["inside_causes"] > 0.9


def test_contributions_are_compared_where_they_count(scenes):
    explained = anything(1, scenes)
    how = judge(explained, scenes)[0]["siam"]["how"]
    pairs, by_attribute = [], []
    for k in range(len(ATTRIBUTES)):
        own = [
            (explained.contributions[n, k], scenes.contributions[n, k])
            for n in range(COUNT)
            if abs(scenes.contributions[n, k]) >= 0.05
        ]
        pairs += own
        if len(own) >= 3 and len({true for _predicted, true in own}) > 1:
            by_attribute.append(pearsonr(*zip(*own, strict=True))[0])
    assert how["contributions"] == pytest.approx(pearsonr(*zip(*pairs, strict=True))[0], abs=1e-4)
    assert how["contributions_of_attributes"] == pytest.approx(np.mean(by_attribute), abs=1e-4)
    assert how["contribution_signs"] == pytest.approx(np.mean([a * b > 0 for a, b in pairs]), abs=1e-4)


def test_templates_are_compared_cell_by_cell(scenes):
    explained = anything(2, scenes)
    figures = judge(explained, scenes)[0]
    true = crowd.true_templates(GRID)
    judged = [k for k in range(len(ATTRIBUTES)) if len(scenes.shown[k]) >= 3]
    found = [pearsonr(explained.templates[k].ravel(), true[k].ravel())[0] for k in judged]
    assert figures["siam"]["how"]["templates"] == pytest.approx(np.mean(found), abs=1e-4)
    signs = [explained.templates[k].mean() * true[k].mean() > 0 for k in judged]
    assert figures["siam"]["how"]["template_signs"] == pytest.approx(np.mean(signs), abs=1e-4)
    assert list(figures["per_attribute"]) == [ATTRIBUTES[k] for k in judged]


def test_another_scene_is_never_the_same(scenes):
    for count in (2, 3, 50):
        other = judgement._others(count, np.random.default_rng(count))
        assert sorted(other) == list(range(count))
        assert (other != np.arange(count)).all()


# The errors


NUMBERS = st.floats(-3, 3, width=32)


@settings(max_examples=60, deadline=None)
@given(
    maps=arrays.arrays(np.float32, (COUNT, 3, GRID, GRID), elements=NUMBERS),
    templates=arrays.arrays(np.float32, (3, GRID, GRID), elements=NUMBERS),
    stopped=arrays.arrays(np.float32, (COUNT, 3), elements=NUMBERS),
    bias=NUMBERS,
)
def test_the_parts_of_an_error_sum_to_it(scenes, maps, templates, stopped, bias):
    of_three = replace(scenes, on_grid=scenes.on_grid[:, :3], contributions=scenes.contributions[:, :3])
    contributions = np.einsum("kij,nkij->nk", templates, maps, dtype=float) + stopped
    found = split_error(maps, templates, contributions, float(bias), of_three)
    expected = bias + contributions.sum(axis=1) - of_three.quality
    assert found.total() == pytest.approx(expected, abs=1e-5)
    assert np.sum(list(found.parts().values()), axis=0) == pytest.approx(expected, abs=1e-5)
    figures = error_figures(found)
    if np.var(expected) > 1e-2:
        assert sum(part["share_of_variance"] for part in figures["parts"].values()) == pytest.approx(1, abs=1e-3)
        assert sum(part["largest"] for part in figures["parts"].values()) == pytest.approx(1, abs=1e-3)
        assert figures["rms"] == pytest.approx(np.sqrt(np.mean(expected**2)), abs=1e-3)
        assert figures["mean_absolute"] == pytest.approx(np.abs(expected).mean(), abs=1e-3)


def test_each_part_is_what_its_equation_says(scenes):
    explained = anything(3, scenes)
    maps, shares = explained.maps_on_grid().astype(float), scenes.on_grid.astype(float)
    found = split_error(maps, explained.templates, explained.contributions, explained.bias, scenes)
    for k in range(12):
        weights = explained.templates[k].astype(float)
        squares = sum((shares[n, k] ** 2).sum() for n in range(COUNT))
        scale = sum((maps[n, k] * shares[n, k]).sum() for n in range(COUNT)) / squares if squares else 0.0
        assert found.scales[k] == pytest.approx(scale)
        for n in range(COUNT):
            seen, true = maps[n, k], shares[n, k]
            if true.mean() >= 0.005:
                ratio = seen.mean() / true.mean()
                misread, misplaced = ((ratio - scale) * weights * true).sum(), (weights * (seen - ratio * true)).sum()
            else:
                misread, misplaced = (weights * (seen - scale * true)).sum(), 0.0
            assert found.misread[n, k] == pytest.approx(misread)
            assert found.misplaced[n, k] == pytest.approx(misplaced)
            misweighted = (scale * weights * true).sum() - scenes.contributions[n, k]
            assert found.misweighted[n, k] == pytest.approx(misweighted, abs=1e-5)
    assert np.array_equal(found.outside, -scenes.nuances)
    assert found.bias == pytest.approx(np.full(COUNT, explained.bias - crowd.BIAS))


def test_the_scale_is_the_best_by_least_squares_and_never_negative():
    random = np.random.default_rng(5)
    maps, shares = random.normal(0.5, 1, (7, 4, 3, 3)), random.random((7, 4, 3, 3))
    shares[:, 2], maps[:, 3] = 0, -1
    found = map_scales(maps, shares)
    assert found[2] == found[3] == 0
    for k in (0, 1):
        best = np.linalg.lstsq(shares[:, k].reshape(-1, 1), maps[:, k].ravel(), rcond=None)[0][0]
        assert found[k] == pytest.approx(best)


def one_flaw(scenes, root, flaw):
    """Return the parts (RMS) of the error of a network that is perfect but for one flaw."""
    explained = flaw(perfect(scenes, root))
    contributions = np.einsum("kij,nkij->nk", explained.templates, explained.maps_on_grid())
    figures, _errors = judge(replace(explained, contributions=contributions), scenes)
    return {name: figures["error"]["parts"][name]["rms"] for name in ("misread", "misplaced", "misweighted")}


def test_each_flaw_lands_in_its_own_part(root, scenes):
    random = np.random.default_rng(2)
    strength = random.uniform(0.2, 1.8, (COUNT, 1, 1, 1)).astype(np.float32)
    misread = one_flaw(scenes, root, lambda it: replace(it, maps=it.maps * strength))
    assert misread["misread"] > 0.2 > 10 * misread["misplaced"]
    tilted = np.linspace(-1, 1, GRID)[None, :, None] * np.ones((1, 1, GRID))
    uneven = lambda it: replace(it, templates=true_weights(GRID) / 3 + tilted / 30)  # noqa: E731
    misweighted = one_flaw(scenes, root, uneven)
    assert misweighted["misweighted"] > 0.2 and max(misweighted["misread"], misweighted["misplaced"]) < 0.01
    moved = one_flaw(scenes, root, lambda it: replace(uneven(it), maps=np.roll(it.maps, 3, axis=2)))
    assert moved["misplaced"] > 0.2 > 10 * misweighted["misplaced"]
    biased = one_flaw(scenes, root, lambda it: replace(it, bias=it.bias + 1))
    assert biased["misweighted"] == pytest.approx(1, abs=0.05)


def test_verdicts_name_the_largest_cause_in_the_direction_of_the_error(scenes):
    explained = anything(6, scenes)
    split = judge(explained, scenes)[1]
    errors, largest = split.total(), largest_parts(split)
    baseline = np.where(np.arange(COUNT) % 2 == 0, 0.4, -0.6)
    judged = verdicts(split, baseline)
    assert any(abs(error) > 0.5 for error in errors)
    for n, error in enumerate(errors):
        if abs(error) <= 0.5:
            assert str(judged[n]) == ("both right" if n % 2 == 0 else "only SIAM right")
            continue
        parts = {name: values[n] for name, values in split.parts().items()}
        towards = max(parts, key=lambda name: parts[name] * np.sign(error))
        assert largest[n] == towards
        names = split.nuances if towards == "outside" else ATTRIBUTES
        causes = dict(zip(names, getattr(split, towards)[n], strict=True))
        if towards == "misweighted":
            causes["bias"] = split.bias[n]
        title = towards if towards != "outside" else "outside the vocabulary"
        assert str(judged[n]) == f"{title}: {max(causes, key=lambda name: causes[name] * np.sign(error))}"
    shifted = replace(split, bias=split.bias - errors)  # no error left at all
    assert set(verdicts(shifted, None)) == {Verdict("right")}


# From the command


def network(attributes=ATTRIBUTES, scale=rendered.SCALE, **further):
    made = siam_network(attributes=len(attributes), grid=3, **further)
    made.config = replace(made.config, attributes=tuple(attributes), scale=scale)
    torch.nn.init.normal_(made.attribute_layer.bias)
    return made


@pytest.fixture
def run(capsys):
    def run(*arguments):
        status = main(["evaluate", "--data", "rendered", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    save(Pair("tiny", network(tuple(reversed(ATTRIBUTES))), baseline_network(), {}), folder)
    return folder


def test_the_command_judges_the_test_split_against_the_truth(run, root, pair):
    status, out, err = run("--root", root, "--model", pair, "--json")
    assert status == 0, err
    answer = json.loads(out, parse_constant=pytest.fail)
    photos = rendered.read(root)
    files = [path for path, split in zip(photos.files, photos.split, strict=True) if split == "test"]
    assert (answer["split"], answer["n"], answer["same_scale"]) == ("test", len(files), True)
    loaded = siam.load(pair, device="cpu")
    explained = [siam.explain(loaded, read_image(path)) for path in files]
    order = [explained[0].attributes.index(name) for name in ATTRIBUTES]
    assert order != sorted(order)
    found = said(
        contributions=np.array([of.contributions for of in explained])[:, order],
        maps=np.array([of.attribute_maps for of in explained])[:, order],
        total=np.array([of.total_map for of in explained]),
        templates=explained[0].templates[order],
        bias=explained[0].bias,
    )
    truth = read(root, [int(path.stem) for path in files], 3, found.maps.shape[2:])
    expected, split = judge(found, truth)
    assert_alike(answer["what_where_how"], json.loads(json.dumps(expected)))
    scores = np.array([of.scenicness for of in explained])
    assert split.total() == pytest.approx(scores - truth.quality, abs=1e-5)
    assert answer["siam"]["annotated"]["n"] == len(files)


def assert_alike(first, second):
    """Compare nested figures, numbers up to rounding."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_alike(first[key], second[key])
    else:
        assert first == (second if second is None else pytest.approx(second, abs=2e-3))


def test_the_table_and_the_stored_result_hold_it(run, root, pair, tmp_path):
    stored = tmp_path / "results" / "rendered.json"
    status, out, _err = run("--root", root, "--model", pair, "--split", "all", "--out", stored)
    assert status == 0
    figures = read_result(stored).figures["siam"].to_json()["what_where_how"]
    assert figures["n"] == COUNT
    lines = out.splitlines()
    head = next(line for line in lines if "another scene" in line)
    assert head.split()[0] == "SIAM" and head.split()[-1] == "random"
    row = next(line for line in lines if line.startswith("Where: pixel average precision"))
    assert row.split()[4:] == [f"{figures[column]['where']['pixel_ap']:.3f}" for column in
                               ("siam", "ideal", "another_scene", "uniform", "centre", "random")]  # fmt: skip
    row = next(line for line in lines if line.startswith("outside the vocabulary"))
    assert f"{figures['error']['parts']['outside']['rms']:.2f}" in row
    assert all(any(line.startswith(name) for line in lines) for name in figures["per_attribute"])


def test_stored_results_are_printed_beside_the_paper_s(run, root, pair, tmp_path, capsys):
    folder = tmp_path / "results"
    run("--root", root, "--model", pair, "--split", "all", "--out", folder / "rendered.json")
    figures = read_result(folder / "rendered.json").figures["siam"].to_json()["what_where_how"]
    names = ("siam", "ideal", "another_scene", "uniform", "centre", "random")
    pixels = [f"{figures[name]['where']['pixel_ap']:.3f}" for name in names]
    part = figures["error"]["parts"]["misplaced"]
    largest = f"{100 * part['largest']:.0f} %"
    capsys.readouterr()
    assert main(["evaluate", "--tables", str(folder)]) == 0
    plain = capsys.readouterr().out
    assert "Table 2" in plain and f"on {COUNT} rendered scenes" in plain
    assert any(line.startswith("Where: pixel") and line.split()[4:] == pixels for line in plain.splitlines())
    assert main(["evaluate", "--tables", str(folder), "--markdown"]) == 0
    marked = capsys.readouterr().out
    assert f"| Where: pixel average precision | {' | '.join(pixels)} |" in marked
    numbers = " | ".join(f"{part[key]:.2f}" for key in ("mean_absolute", "rms", "share_of_variance"))
    assert f"| misplaced | {numbers} | {largest} |" in marked
    (folder / "rendered.json").unlink()
    assert main(["evaluate", "--tables", str(folder)]) == 0
    assert "rendered scenes" not in capsys.readouterr().out


def test_a_frozen_variant_is_stored_under_its_own_name(run, root, tmp_path):
    save(Pair("tiny-frozen", network(), None, {"variant": "siam-frozen"}), tmp_path / "frozen")
    status, _out, _err = run("--root", root, "--model", tmp_path / "frozen", "--out", tmp_path / "result.json")
    assert status == 0
    figures = read_result(tmp_path / "result.json").figures
    assert figures.keys() == {"siam-frozen"}
    assert figures["siam-frozen"].what_where_how.siam.figure("where", "pixel_ap") > 0


def test_another_scale_has_no_errors_in_points_and_other_attributes_have_no_truth(run, root, tmp_path):
    save(Pair("other", network(scale=replace(rendered.SCALE, high=7)), None, {}), tmp_path / "scale")
    answer = json.loads(run("--root", root, "--model", tmp_path / "scale", "--json")[1])
    assert answer["what_where_how"]["error"] is None
    assert answer["what_where_how"]["siam"]["how"]["contributions"] is not None
    assert "Why SIAM errs" not in run("--root", root, "--model", tmp_path / "scale")[1]
    save(Pair("few", network(ATTRIBUTES[:5]), None, {}), tmp_path / "few")
    status, out, err = run("--root", root, "--model", tmp_path / "few", "--json")
    assert (status, json.loads(out).get("what_where_how")) == (0, None)
    assert "note: no what-where-how" in err


def test_scenes_that_are_not_as_rendered_are_told_in_one_line(run, pair, tmp_path):
    root = tmp_path / "scenes"
    write_scenes(root, 10)
    arguments = ("--root", root, "--model", pair, "--split", "all")
    (root / "images" / "4.jpg").write_bytes(b"no picture")
    status, out, err = run(*arguments, "--json")
    assert (status, json.loads(out)["what_where_how"]["n"], err.count("4.jpg")) == (0, 9, 1)
    Image.new("RGB", (90, 80)).save(root / "images" / "5.jpg")
    status, out, err = run(*arguments)
    assert (status, out) == (2, "") and "5.jpg is not square" in err
    Image.new("RGB", (80, 80)).save(root / "images" / "5.jpg")
    (root / "truth" / "6.json").unlink()
    status, out, err = run(*arguments)
    assert (status, out) == (2, "") and "6.json is missing" in err and "Traceback" not in err
