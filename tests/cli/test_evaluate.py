"""The `evaluate` command: the contract's figures against slow formulas, splits, bad photos, scales, plain errors."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.datasets import human_masks, scenicornot
from siam.datasets.oasis import SCALE as OASIS
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.evaluation import outlines
from siam.evaluation.stored import read as read_result
from siam.gallery import store
from siam.images.reading import read_image
from siam.models.checkpoint import Pair, save
from tests.evaluation.test_metrics import slow_average_precision, slow_rmse, slow_tau_b
from tests.support.experiment import write_photos
from tests.support.masks import REGIONS, write_masks
from tests.support.networks import baseline_network, siam_network


def network_on(scale, attributes=ATTRIBUTES):
    network = siam_network(attributes=len(attributes), attribute_link="sigmoid")
    network.config = replace(network.config, attributes=tuple(attributes), scale=scale)
    return network


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    save(Pair("tiny", network_on(scenicornot.SCALE), baseline_network(), {"summary": "Noise."}), folder)
    return folder


@pytest.fixture(scope="module")
def pair(networks):
    return siam.load(networks, device="cpu")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_photos(root)
    return root


@pytest.fixture
def run(networks, capsys):
    """Run `evaluate` with the small pair; return its status, stdout and stderr."""

    def run(*arguments, model=networks):
        status = main(["evaluate", *map(str, arguments), "--model", str(model)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def answer(run):
    """Return what `evaluate --json` prints."""

    def answer(data, root, *arguments, **options):
        status, out, _err = run("--data", data, "--root", root, "--json", *arguments, **options)
        assert status == 0
        return json.loads(out, parse_constant=pytest.fail)  # NaN is no JSON

    return answer


def make_folder(root, scores, table=("file", "score")):
    """Write a folder of small photos with a table; return it."""
    root.mkdir(parents=True)
    random = np.random.default_rng(5)
    for name in scores:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 9, 3), dtype=np.uint8)).resize((90, 80)).save(root / name)
    with (root / "ratings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([table, *((name.removeprefix("images/"), *of) for name, of in scores.items())])
    return root


def explained(pair, photos):
    return [siam.explain(pair, read_image(path)) for path in photos]


def assert_interval(figures, name):
    low, high = figures[f"{name}_interval"]
    assert low <= figures[name] <= high


def test_scores_as_the_contract_has_them_and_as_the_slow_formulas_do(answer, pair, datasets):
    root = datasets / "scenicornot"
    found = answer("scenicornot", root, "--split", "all")
    photos = scenicornot.read(root)
    one_by_one = explained(pair, photos.files)
    for name, predicted in (
        ("siam", [of.scenicness for of in one_by_one]),
        ("baseline", [of.baseline_scenicness for of in one_by_one]),
    ):
        figures = found[name]
        assert {"rmse", "kendall_tau", "n"} <= figures.keys()
        assert figures["rmse"] == pytest.approx(slow_rmse(predicted, photos.scores), abs=1e-4)
        assert figures["kendall_tau"] == pytest.approx(slow_tau_b(predicted, photos.scores), abs=1e-4)
        assert figures["n"] == len(photos.files)
        assert_interval(figures, "rmse")
        assert_interval(figures, "kendall_tau")
    for name in ("rmse", "kendall_tau"):
        assert found["difference"][name] == pytest.approx(found["siam"][name] - found["baseline"][name], abs=2e-4)
        assert_interval(found["difference"], name)
    assert found["scale"] == found["data_scale"] == {"name": "scenicness, ScenicOrNot", "low": 1, "high": 10}
    assert (found["model"], found["split"], found["skipped"], found["notes"]) == ("tiny", "all", [], [])


def test_presence_of_each_attribute_goes_with_the_score_as_by_hand(answer, pair, datasets):
    root = datasets / "scenicornot"
    found = answer("scenicornot", root, "--split", "all")["presence"]
    assert found.keys() == {"predicted"}
    assert list(found["predicted"]["attributes"]) == list(ATTRIBUTES)
    photos = scenicornot.read(root)
    scores = photos.scores.astype(float)
    presence = np.array([of.attribute_scores for of in explained(pair, photos.files)])
    for k in (0, 7):
        of = found["predicted"]["attributes"][ATTRIBUTES[k]]
        assert of["kendall_tau"] == pytest.approx(slow_tau_b(presence[:, k], scores), abs=1e-4)
        order = np.argsort(presence[:, k])
        third = len(order) // 3
        assert (of["present"], of["absent"]) == (third, third)
        assert of["mean_present"] == pytest.approx(scores[order[-third:]].mean(), abs=1e-4)
        assert of["mean_absent"] == pytest.approx(scores[order[:third]].mean(), abs=1e-4)


def test_attributes_as_the_contract_has_them_and_as_the_slow_formulas_do(answer, pair, datasets):
    root = datasets / "sun"
    found = answer("sun", root, "--split", "train")["siam"]
    numbers = [number for number in range(24) if number % 6 < 3]
    present = [number % 2 == 1 for number in numbers]
    one_by_one = explained(pair, [root / "images" / f"{number}.png" for number in numbers])
    expected = slow_average_precision([of.attribute_scores[0] for of in one_by_one], present)
    assert found["per_attribute"] == {"trees": pytest.approx(expected, abs=1e-4)}  # the only one with positives
    assert found["mean_average_precision"] == pytest.approx(expected, abs=1e-4)
    assert found["n"] == 12
    assert found["positives"] == {"trees": sum(present)}
    low, high = found["per_attribute_interval"]["trees"]
    assert low <= expected <= high


def test_a_split_without_positives_has_no_mean(answer, datasets, tmp_path):
    root = tmp_path / "sun"
    (root / "images").mkdir(parents=True)
    Image.new("RGB", (80, 64)).save(root / "images" / "0.png")
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", *ATTRIBUTES], ["0.png", *[0] * len(ATTRIBUTES)]])
    found = answer("sun", root, "--split", "all")["siam"]
    assert (found["mean_average_precision"], found["per_attribute"], found["n"]) == (None, {}, 1)


def test_the_test_split_is_the_default_where_the_dataset_has_one(answer, datasets, tmp_path):
    assert answer("sun", datasets / "sun")["siam"]["n"] == 4
    found = answer("scenicornot", datasets / "scenicornot")
    expected = (scenicornot.read(datasets / "scenicornot").split == "test").sum()
    assert (found["split"], found["siam"]["n"]) == ("test", expected)
    scores = {f"images/{number}.jpg": (number % 7 + 1,) for number in range(9)}
    whole = make_folder(tmp_path / "whole", scores, ("file", "beauty_mean"))
    found = answer("oasis", whole)
    assert (found["split"], found["siam"]["n"]) == ("all", 9)
    split = {name: (*score, "test" if place < 4 else "train") for place, (name, score) in enumerate(scores.items())}
    found = answer("oasis", make_folder(tmp_path / "split", split, ("file", "beauty_mean", "split")))
    assert (found["split"], found["siam"]["n"]) == ("test", 4)


def test_a_bad_photo_is_named_once_and_skipped(run, answer, tmp_path):
    root = make_folder(tmp_path / "own", {f"{number}.jpg": (number + 1,) for number in range(6)})
    (root / "3.jpg").write_bytes(b"no picture")
    status, out, err = run("--data", "folder", "--root", root, "--json")
    found = json.loads(out)
    assert (status, found["siam"]["n"], found["baseline"]["n"], found["skipped"]) == (0, 5, 5, ["3.jpg"])
    assert err.count("3.jpg") == 1


def test_rmse_is_not_told_where_scales_differ(answer, pair, tmp_path):
    scores = {f"images/{number}.jpg": (1 + 0.5 * number,) for number in range(8)}
    found = answer("oasis", make_folder(tmp_path / "oasis", scores, ("file", "beauty_mean")))
    assert found["data_scale"]["name"] == OASIS.name
    assert found["same_scale"] is False
    for name in ("siam", "baseline"):
        assert (found[name]["rmse"], found[name]["rmse_interval"]) == (None, None)
        assert 0 <= found[name]["rank_rmse"] <= 0.58
        assert -1 <= found[name]["kendall_tau"] <= 1
    assert "rank_rmse" in found["notes"][0]


def test_scores_of_a_folder_are_compared_by_rank_until_their_scale_is_told(answer, tmp_path):
    root = make_folder(tmp_path / "inside", {f"{number}.jpg": (number + 1,) for number in range(6)})
    found = answer("folder", root)
    assert (found["siam"]["rmse"], found["difference"]["rmse"], found["data_scale"]) == (None, None, None)
    assert found["siam"]["kendall_tau"] is not None and "--scale LOW HIGH" in found["notes"][0]
    told = answer("folder", root, "--scale", 1, 10)
    assert told["siam"]["rmse"] > 0 and told["data_scale"]["high"] == 10
    other = answer("folder", root, "--scale", 0, 100)
    assert other["siam"]["rmse"] is None and "0 to 100" in other["notes"][0]


def test_equal_scores_have_no_tau_and_no_nan(answer, run, tmp_path):
    root = make_folder(tmp_path / "flat", {f"{number}.jpg": (4,) for number in range(3)})
    found = answer("folder", root)
    assert (found["siam"]["kendall_tau"], found["siam"]["kendall_tau_interval"]) == (None, None)
    status, out, _err = run("--data", "folder", "--root", root)
    assert status == 0
    assert "–" in out


def test_a_pair_without_baseline_says_so(answer, pair, tmp_path):
    save(Pair("alone", pair.siam, None, {}), tmp_path / "alone")
    root = make_folder(tmp_path / "own", {f"{number}.jpg": (number + 1,) for number in range(4)})
    found = answer("folder", root, model=tmp_path / "alone")
    assert (found["baseline"], found["difference"]) == (None, None)


def test_photos_with_labels_too_give_true_presence_and_the_figures_of_table_3(answer, run, datasets, tmp_path):
    scores = {f"images/{number}.jpg": (number % 5 + 1,) for number in range(8)}
    root = make_folder(tmp_path / "both", scores, ("file", "beauty_mean"))
    rows = [[f"{number}.jpg", number % 2, *[0] * (len(ATTRIBUTES) - 1)] for number in range(6)]
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", *ATTRIBUTES], *rows])
    found = answer("oasis", root, "--out", tmp_path / "results" / "both.json")
    assert found["siam"]["n"] == 8
    assert found["siam"]["annotated"]["n"] == found["baseline"]["annotated"]["n"] == 6
    assert 0 < found["siam"]["annotated"]["mean_average_precision"] <= 1
    trees = found["presence"]["true"]["attributes"]["trees"]
    values = np.array([score for (score,) in list(scores.values())[:6]], dtype=float)
    assert trees["mean_present"] == pytest.approx(values[1::2].mean(), abs=1e-4)
    assert trees["mean_absent"] == pytest.approx(values[::2].mean(), abs=1e-4)
    assert trees["kendall_tau"] == pytest.approx(slow_tau_b([0.0, 1.0] * 3, values), abs=1e-4)
    _status, out, _err = run("--tables", tmp_path / "results")
    table = out[out.index("Table 3") :]
    precision = found["siam"]["annotated"]["mean_average_precision"]
    assert f"{precision:.3f}" in table
    assert "6 photos [1]" in table


def test_figures_on_photos_seen_in_training_come_with_a_warning(run, pair, datasets, tmp_path):
    protocol = {"protocol": "5-fold cross-validation on the rated photos"}
    card = {"training_data": "All of them.", "metrics": protocol}
    save(Pair("seen", pair.siam, None, card), tmp_path / "crossed")
    save(Pair("split", pair.siam, None, {**card, "metrics": {"protocol": "on the test split"}}), tmp_path / "split")
    for data, split, model, warned in (
        ("scenicornot", "test", "crossed", True),
        ("scenicornot", "test", "split", False),
        ("scenicornot", "train", "split", True),
        ("sun", "test", "crossed", False),
        ("sun", "train", "crossed", True),
    ):
        _status, out, err = run(
            "--data", data, "--root", datasets / data, "--split", split, "--json", model=tmp_path / model
        )
        assert ("seen these photos in training" in err) is warned, (data, split, model)
        assert err.count("\nnote: ") + err.startswith("note: ") == warned
        json.loads(out)


def test_figures_on_photos_seen_in_training_are_not_stored(run, pair, datasets, tmp_path):
    card = {"training_data": "All of them.", "metrics": {"protocol": "5-fold cross-validation on the rated photos"}}
    save(Pair("seen", pair.siam, None, card), tmp_path / "seen")
    out = tmp_path / "results" / "seen.json"
    status, _out, _err = run(
        "--data", "scenicornot", "--root", datasets / "scenicornot", "--out", out, model=tmp_path / "seen"
    )
    assert status == 0
    assert set(read_result(out).figures["siam"].to_json()) == {"presence"}
    out.unlink()
    status, _out, err = run(
        "--data", "sun", "--root", datasets / "sun", "--split", "train", "--out", out, model=tmp_path / "seen"
    )
    assert status == 2 and "nothing stored" in err and not out.exists()


CROSSED = {
    "training_data": "Photos of two datasets.",
    "metrics": {
        "protocol": "5-fold cross-validation on the rated photos",
        "siam": {"oasis_scenes": {"rmse": 0.7}, "vessel_landscapes": {"rmse": 0.8}},
        "sun_test": {"mean_average_precision": 0.5},
    },
}


def own_photos(root):
    scores = {f"{number}.jpg": (3 + number,) for number in range(4)}
    return make_folder(root, scores, ("file", "score"))


def test_own_photos_were_not_seen_in_training_and_all_their_figures_are_stored(run, pair, tmp_path):
    save(Pair("crossed", pair.siam, pair.baseline, CROSSED), tmp_path / "crossed")
    out = tmp_path / "result.json"
    arguments = ("--data", "folder", "--root", own_photos(tmp_path / "walk"), "--out", out, "--json")
    status, text, err = run(*arguments, model=tmp_path / "crossed")
    found = json.loads(text)
    assert status == 0 and found["seen_in_training"] is False and "seen" not in err
    figures = {name: of.to_json() for name, of in read_result(out).figures.items()}
    assert {"rmse", "kendall_tau", "presence", "difference"} <= figures["siam"].keys()
    assert figures["siam"]["kendall_tau"] == found["siam"]["kendall_tau"]
    assert figures["baseline"]["rmse"] == found["baseline"]["rmse"]


@pytest.mark.parametrize(
    ("entries", "folder", "seen"),
    [
        ({"folders": ["walk", "sun"]}, "walk", True),
        ({"folders": ["walk", "sun"]}, "other", False),
        ({}, "oasis_scenes", True),  # a card that does not list folders names those of its figures
        ({}, "walk", False),
        ({"metrics": {"protocol": "cross-validation"}}, "walk", True),  # it names none, so nobody can know
    ],
)
def test_what_was_seen_is_told_by_the_card(run, pair, entries, folder, seen, tmp_path):
    save(Pair("crossed", pair.siam, None, {**CROSSED, **entries}), tmp_path / "crossed")
    out = tmp_path / "result.json"
    root = own_photos(tmp_path / folder)
    _status, text, err = run("--data", "folder", "--root", root, "--out", out, "--json", model=tmp_path / "crossed")
    assert json.loads(text)["seen_in_training"] is seen
    assert ("may have seen these photos" in err) is seen
    assert ("result.json holds only how the presence" in err) is seen  # what is left out is said
    assert ("rmse" in read_result(out).figures["siam"].to_json()) is not seen


def test_other_photos_in_the_layout_of_a_dataset_that_taught_are_asked_about(run, pair, datasets, tmp_path):
    metrics = {"protocol": "cross-validation", "siam": {"scenicornot": {"rmse": 1.2}}}
    save(Pair("crossed", pair.siam, None, {**CROSSED, "metrics": metrics}), tmp_path / "crossed")
    (tmp_path / "mine").symlink_to(datasets / "scenicornot")
    (tmp_path / "copy").mkdir()
    for name in ("votes.tsv", "images"):
        (tmp_path / "copy" / name).symlink_to(datasets / "scenicornot" / name)
    for root, seen in ((tmp_path / "mine", True), (tmp_path / "copy", False)):
        arguments = ("--data", "scenicornot", "--root", root, "--json")
        _status, text, err = run(*arguments, model=tmp_path / "crossed")
        assert json.loads(text)["seen_in_training"] is seen
        assert ("learned from scenicornot, in the same layout: if these are the same" in err) is not seen


def test_without_json_a_table(run, datasets):
    status, out, _err = run("--data", "scenicornot", "--root", datasets / "scenicornot", "--split", "all")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("tiny on scenicornot, split all: ")
    assert [line.split("  ")[0] for line in lines[3:6]] == ["SIAM", "baseline", "SIAM − baseline"]
    assert {line.split()[0] for line in lines if line.strip()} >= set(ATTRIBUTES)
    _status, out, _err = run("--data", "sun", "--root", datasets / "sun", "--split", "train")
    assert out.splitlines()[2].startswith("mean average precision 0.")


def test_out_stores_a_result_that_tables_show(run, datasets, tmp_path):
    stored = tmp_path / "results"
    for data in ("scenicornot", "sun"):
        arguments = ("--data", data, "--root", datasets / data, "--split", "all", "--out", stored / f"{data}.json")
        status, out, _err = run(*arguments, "--json")
        assert status == 0
        found, result = json.loads(out), read_result(stored / f"{data}.json")
        for name in ("rmse", "kendall_tau", "mean_average_precision"):
            assert result.figures["siam"].to_json().get(name) == found["siam"].get(name)
        assert (result.model, result.data, result.split) == ("tiny", data, "all")
        assert f"evaluate --data {data}" in result.command
    assert result.figures.keys() == {"siam"}
    assert read_result(stored / "scenicornot.json").figures["siam"].presence["predicted"].attributes
    for style in ((), ("--markdown",)):
        status, out, _err = run("--tables", stored, *style)
        assert status == 0
        assert "1.01 / 0.607" in out and "reported by the paper" in out and "measured on our data" in out
        assert "scenicornot" in out and "RMSE / τ" in out


@pytest.fixture
def outlined(tmp_path):
    """Photos of three sizes with masks, one of the photos damaged."""
    random = np.random.default_rng(0)
    sizes = [(64, 80), (64, 80), (72, 64), (80, 64), (64, 80), (90, 64)]
    masks = {f"{n}.jpg": random.integers(0, len(REGIONS), size, dtype=np.uint8) for n, size in enumerate(sizes)}
    root = write_masks(tmp_path / "human_masks", masks)
    (root / "images" / "5.jpg").write_bytes((root / "images" / "5.jpg").read_bytes()[:-200])
    return root


def test_maps_are_judged_by_people_s_outlines(answer, run, pair, outlined, tmp_path):
    stored = tmp_path / "masks.json"
    found = answer("masks", outlined, "--out", stored)
    assert (found["n"], found["skipped"], found["split"]) == (5, ["images/5.jpg"], "all")
    photos = human_masks.read(outlined).rows([0, 1, 2, 3, 4])
    maps = [of.attribute_maps for of in explained(pair, photos.files)]
    expected = outlines.judge(maps, photos, pair.siam.config.attributes)
    masks = found["siam"]["masks"]
    assert masks["per_attribute"].keys() == expected["per_attribute"].keys() >= {"trees", "water", "social"}
    for name, figures in expected["per_attribute"].items():
        for key in ("photos", *outlines.FIGURES):
            assert masks["per_attribute"][name][key] == pytest.approx(figures[key], abs=2e-3)
    assert read_result(stored).figures["siam"].masks.to_json() == masks
    assert "evaluate --data masks" in read_result(stored).command
    status, out, _err = run("--data", "masks", "--root", outlined)
    assert status == 0 and f"{masks['pixel_ap']:.3f}" in out and f"{masks['all']['chance']:.3f}" in out
    assert {"water", "trees", "clouds (sky)"} <= {line.split("  ")[0] for line in out.splitlines()}


def test_outlines_that_taught_a_pair_do_not_judge_it(run, pair, outlined, tmp_path):
    card = {"training_data": "All of them.", "metrics": {"masks": {"pixel_ap": 0.5}}}
    save(Pair("taught", pair.siam, None, card), tmp_path / "taught")
    stored = tmp_path / "masks.json"
    status, _out, err = run("--data", "masks", "--root", outlined, "--out", stored, model=tmp_path / "taught")
    assert status == 2 and "cross-validated" in err and not stored.exists()


def test_outlined_photos_make_a_gallery_without_a_crowd(run, outlined, tmp_path):
    status, _out, _err = run("--data", "masks", "--root", outlined, "--gallery", tmp_path / "gallery")
    gallery = store.read(tmp_path / "gallery")
    assert status == 0 and len(gallery) == 5 and gallery.photos["crowd_mean"].isna().all()


def test_what_cannot_be_evaluated_is_told_in_one_line(run, datasets, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (80, 64)).save(photos / "lake.jpg")
    own = make_folder(tmp_path / "own", {"a.jpg": (1, "train"), "b.jpg": (2, "train")}, ("file", "score", "split"))
    broken = make_folder(tmp_path / "broken", {"a.jpg": (1,)})
    (broken / "a.jpg").write_bytes(b"no picture")
    sun = ("--data", "sun", "--root", datasets / "sun")
    for arguments, words in (
        (("--data", "folder", "--root", photos), "holds no scores"),
        (("--data", "folder", "--root", own, "--split", "test"), "no labelled photos in the split 'test'"),
        (("--data", "folder", "--root", broken), "a.jpg"),
        (("--data", "folder", "--root", tmp_path / "gone"), "gone"),
        (("--tables", tmp_path / "gone"), "gone"),
        (("--data", "sun"), "--root"),
        ((), "--data"),
        ((*sun, "--model", tmp_path / "none"), "none"),
    ):
        status, out, err = run(*arguments, **({"model": tmp_path / "none"} if words == "none" else {}))
        errors = [line for line in err.splitlines() if line.startswith("error: ")]
        assert (status, out, len(errors)) == (2, "", 1)
        assert words in errors[0]
        assert "Traceback" not in err
    for wrong in (("--split", "middle"), ("--data", "imagenet")):
        with pytest.raises(SystemExit) as stopped:
            run(*sun, *wrong)
        assert stopped.value.code == 2


def test_a_model_without_the_labelled_attributes_is_refused(run, datasets, tmp_path):
    save(Pair("other", network_on(scenicornot.SCALE, ("a", "b")), None, {}), tmp_path / "other")
    status, _out, err = run("--data", "sun", "--root", datasets / "sun", model=tmp_path / "other")
    assert status == 2
    assert "knows none of the labelled attributes" in err
