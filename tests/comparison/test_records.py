"""The comparison: records that go on where they stopped, controls, what objects truly add, and the command."""

import gzip
import json
import multiprocessing
import shutil
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch.nn.functional import interpolate

from siam.cli import compare as cli
from siam.cli.main import main
from siam.comparison import values
from siam.comparison.agreement import rank_correlation
from siam.comparison.cost import cost
from siam.comparison.pictures import BUNDLED_SCENES, OF_SIAM, World, cases_of, names_in, network_of
from siam.comparison.records import FIGURES, RAISED, Extent, against_relabelled, compare, shuffled_weights
from siam.errors import DatasetError
from siam.evaluation.stored import STORED, read, read_all
from siam.explainers import EXPLAINERS
from siam.explainers.references import REFERENCES
from siam.explainers.registry import description, title
from siam.explainers.targets import score_up
from siam.models import checkpoint
from siam.models.checkpoint import Pair
from siam.results.explainers import comparisons
from siam.worlds.flowers.render import render_flowers
from tests.support.explainers import counted
from tests.support.networks import baseline_network, siam_network
from tests.support.rendered_scenes import write_scenes

METHODS = {"cam": None, "grad_cam": None}
EXTENT = Extent(sanity=1, slow=2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Untrained networks on two scenes of the bundled gallery."""
    folder = tmp_path_factory.mktemp("networks") / "tiny"
    checkpoint.save(Pair("tiny", siam_network(attribute_link="sigmoid"), baseline_network(), {}), folder)
    yield World("gallery", str(folder), BUNDLED_SCENES, 2, 96, "cpu")
    cases_of.cache_clear()


@pytest.fixture(scope="module")
def records(world, tmp_path_factory):
    """Two scenes compared, the first with the sanity check; their file, which tests copy."""
    path = tmp_path_factory.mktemp("records") / "records.jsonl"
    return path, compare(world, METHODS, EXTENT, path)


def test_scenes_do_not_depend_on_their_number_and_have_a_truth(world):
    few, more = cases_of(world), cases_of(replace(world, count=4))
    assert [case.identifier for case in more[:2]] == [case.identifier for case in few]
    for case in more:
        assert case.image.shape == (1, 3, world.size, world.size) and 0 < case.mask.mean() < 1
        assert case.density is not None and case.density[case.mask].min() > 0
    assert names_in(replace(world, network="siam")) == OF_SIAM
    assert "siam" not in names_in(world) and "lcam_fm" not in names_in(world)  # which was not fitted


def test_what_was_made_is_not_made_again(world, records, tmp_path):
    path, first = tmp_path / "records.jsonl", records[1]
    shutil.copy(records[0], path)
    assert len(first) == 2 * (len(METHODS) + len(REFERENCES))
    with path.open("a") as file:
        file.write('{"identifier": "8", "meth')  # cut off
    with counted(cases_of(world)[0].network) as passes:
        again = compare(world, METHODS, EXTENT, path)
    assert again == first and not passes
    only = compare(world, {"cam": None}, EXTENT, path)
    assert only == [record for record in first if record["method"] != "grad_cam"]
    with pytest.raises(DatasetError, match="was started with"):
        compare(world, METHODS, replace(EXTENT, sanity=2), path)
    more = compare(replace(world, count=3), METHODS, EXTENT, path)
    assert more[: len(first)] == first and len(more) == 3 * (len(METHODS) + len(REFERENCES))
    path.write_text('{"settings": 1}\nno json\n')
    with pytest.raises(DatasetError, match="is damaged"):
        compare(world, METHODS, EXTENT, path)


def test_slow_methods_see_fewer_pictures(world, tmp_path):
    made = compare(world, {"occlusion": None, "cam": None}, Extent(0, 1), tmp_path / "records.jsonl")
    count = {name: sum(record["method"] == name for record in made) for name in ("occlusion", "cam", "truth")}
    assert count == {"occlusion": 1, "cam": 2, "truth": 2}
    more = compare(world, {"occlusion": None, "cam": None}, Extent(0, 2), tmp_path / "records.jsonl")
    assert len(more) == len(made) + 1
    again = compare(world, {"occlusion": None, "cam": None}, Extent(0, 1), tmp_path / "records.jsonl")
    assert again == made  # what was measured beyond it is kept in the file, but not part of this comparison


def test_processes_make_the_same_records(world, records, tmp_path):
    together = compare(replace(world, count=1), {"cam": None}, Extent(0), tmp_path / "two.jsonl", workers=2)
    assert multiprocessing.parent_process() is None
    by_name = {(record["identifier"], record["method"]): record for record in records[1]}
    assert len(together) == 1 + len(REFERENCES)
    for record in together:
        if record["method"] == "truth_elsewhere":
            continue  # with one scene, there is no other
        other = by_name[record["identifier"], record["method"]]
        assert record.keys() == other.keys() - {"randomised"}
        for figure in record.keys() - {"identifier", "method"}:
            assert record[figure] == pytest.approx(other[figure], abs=1e-3), figure


def test_records_hold_what_they_say(world, records):
    made = records[1]
    first = {record["method"]: record for record in made[: len(METHODS) + len(REFERENCES)]}
    assert list(first) == [*REFERENCES, *METHODS]
    assert first["cam"]["passes"] == 1 and first["random"]["passes"] == 0
    for name in ("truth", "centre", "random", "edges", "truth_elsewhere"):  # they look at no network
        assert first[name]["randomised"] == pytest.approx(1, abs=1e-4)
    assert "randomised" not in made[-1]
    truth, chance = first["truth"], first["truth"]["chance"]
    assert truth["ebpg"] > max(first["random"]["ebpg"], chance) and truth["ebpg"] > first["truth_elsewhere"]["ebpg"]
    for name in ("uniform", "black"):
        assert first[name]["ebpg"] == pytest.approx(chance) and first[name]["pixel_ap"] == pytest.approx(chance)
    case = cases_of(world)[0]
    one, other = (
        EXPLAINERS["grad_cam"]()(model, case.image, score_up())[0]
        for model in (case.network, shuffled_weights(case.network))
    )
    assert first["grad_cam"]["randomised"] == pytest.approx(np.nan_to_num(rank_correlation(one, other)), abs=1e-4)


def test_a_paler_map_has_the_same_order_and_another_brightness(world, tmp_path):
    made = compare(replace(world, count=1), {"grad_cam": None}, Extent(0), tmp_path / "records.jsonl")
    of = {record["method"]: record for record in made}
    by_order = ("pixel_ap", *(figure for figure in RAISED if figure.startswith(("kept", "rises"))))
    assert {of["grad_cam"].get(figure) for figure in by_order} != {None}
    for figure in by_order:
        assert of["grad_cam_pale"].get(figure) == pytest.approx(of["grad_cam"].get(figure), abs=2e-2), figure
    assert of["grad_cam_pale"]["ebpg"] != pytest.approx(of["grad_cam"]["ebpg"], rel=0.1)


def test_shuffled_weights_are_the_same_weights_elsewhere():
    model = baseline_network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    other = shuffled_weights(model)
    for name, parameter in other.named_parameters():
        assert torch.equal(parameter.flatten().sort().values, before[name].flatten().sort().values)
    assert not torch.equal(other.backbone.state_dict()["conv_stem.weight"], before["backbone.conv_stem.weight"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.fixture
def scenes(tmp_path):
    """Made-up scenes; of the first one, there are pictures without four of its objects."""
    write_scenes(tmp_path / "scenes", 3)
    picture = np.asarray(Image.open(tmp_path / "scenes" / "images" / "1.jpg")).copy()
    places = {"car": (0, 30), "tent": (40, 10), "ruin": (50, 50), "silo": (10, 5)}
    for name, (top, left) in places.items():
        other = picture.copy()
        other[top : top + 24, left : left + 24] = 255 * (name in ("car", "tent"))
        path = tmp_path / "scenes" / "without" / name / "1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(other).save(path)
        path.rename(path.with_suffix(".jpg"))  # lossless, so that nothing else changes
    (tmp_path / "scenes" / "without" / "1.json").write_text(json.dumps(list(places)))
    return tmp_path / "scenes"


def test_objects_are_held_against_what_they_truly_add(world, scenes, tmp_path):
    of_scenes = replace(world, kind="scenes", folder=scenes, count=3)
    made = compare(of_scenes, {"cam": None}, Extent(0), tmp_path / "records.jsonl")
    case = next(case for case in cases_of(of_scenes) if case.identifier == "1")
    with torch.no_grad():
        whole = float(case.network(case.image).scenicness)
        falls = [whole - float(case.network(other).scenicness) for other in case.altered()]
    for record in made:
        if record["identifier"] != "1":
            assert record.get("removal") is None
    found = EXPLAINERS["cam"]()(case.network, case.image, score_up())
    large = interpolate(found[None], (world.size, world.size), mode="bilinear")[0, 0]
    inside = []
    for other in case.altered():
        changed = (other - case.image)[0].abs().mean(dim=0) > 0.02
        inside.append(float(large[changed].sum()))
    assert len(falls) == 4
    of = {record["method"]: record for record in made if record["identifier"] == "1"}
    assert of["cam"]["removal"] == pytest.approx(spearmanr(inside, falls).statistic, abs=1e-4)
    assert of["black"]["removal"] is None  # it says nothing of any object


def test_what_cannot_be_lost_is_not_measured(world, records):
    for record in records[1]:
        case = next(case for case in cases_of(world) if case.identifier == record["identifier"])
        with torch.no_grad():
            whole, empty = (
                float(case.network(image).scenicness) for image in (case.image, torch.zeros_like(case.image))
            )
        assert all((record.get(figure) is not None) == (whole > empty) for figure in RAISED)


def test_every_explainer_has_its_facts():
    assert all(description(name).link.startswith("https://") and description(name).idea for name in EXPLAINERS)
    titles = [title(name) for name in (*EXPLAINERS, *REFERENCES)]
    assert len(set(titles)) == len(titles)
    assert title("siam:still_water") == "SIAM: still water" and title("grad_cam") == "Grad-CAM"


def test_cost_is_measured_apart(world):
    found = cost(partial(network_of, world), cases_of(world)[0].image, "grad_cam", score_up())
    assert found.seconds > 0 and (found.megabytes is None or 0 < found.megabytes < 500)


def test_the_command_goes_on_from_what_it_stored(world, tmp_path, capsys):
    out, kept = tmp_path / "results" / "found.json", str(tmp_path / "kept")
    fixed = f"compare --model {world.model} --size 96 --sanity 1 --methods cam --workers 1 --without-cost --explainer"
    words = [*fixed.split(), "tests.support.explainers:LeftHalf", "--out", str(out), "--json"]
    assert main([*words, "--records", kept, "--count", "10"]) == 0
    printed = json.loads(capsys.readouterr().out)["comparison"]
    result = read(out)
    assert printed == result.figures["baseline"].to_json()["comparison"] and printed["n"] == 10
    assert "10 rendered scenes" in result.protocol and "--size 96 --methods cam" in result.command
    assert {"cam", "tests.support.explainers:LeftHalf", *REFERENCES} == set(printed["methods"])
    table = pd.read_csv(values.beside(out))
    assert len(table) == 10 * (2 + len(REFERENCES)) and set(table["network"]) == {"tiny"}
    mean = table[table["method"] == "cam"]["ebpg"].mean()
    assert printed["methods"]["cam"]["ebpg"]["mean"] == pytest.approx(mean, abs=1e-4)
    table.loc[table["method"] == "cam", "ebpg"] = 0.125  # a mark that only what is stored bears
    values.write(table.astype(object).where(table.notna(), None).to_dict("records"), values.beside(out))
    for further, marked in ((["--count", "10"], True), (["--count", "10", "--sanity", "2"], False)):
        kept = str(tmp_path / f"elsewhere-{marked}")  # as on another machine
        assert main([*words, "--records", kept, *further]) == 0
        again = json.loads(capsys.readouterr().out)["comparison"]["methods"]["cam"]["ebpg"]["mean"]
        assert again == pytest.approx(0.125 if marked else mean, abs=1e-4)  # other settings go on from nothing
    assert main(["compare", "--tables", str(tmp_path / "nowhere")]) == 2
    capsys.readouterr()
    assert main(["compare", "--tables", str(tmp_path / "results"), "--markdown"]) == 0
    assert "| CAM |" in capsys.readouterr().out


def test_any_classifier_of_any_flowers(tmp_path, capsys):
    render_flowers(tmp_path / "flowers", 12, 4, "single-6c", 64, workers=1)
    words = "compare --network timm:test_resnet --weights random --size 64 --methods grad_cam --sanity 1 --count 12"
    words += f" --workers 1 --without-cost --data {tmp_path / 'flowers'} --records {tmp_path / 'kept'} --json"
    assert main(words.split()) == 0
    printed = json.loads(capsys.readouterr().out)["comparison"]
    assert printed["world"] == "flowers" and printed["n"] == 12
    assert printed["methods"]["truth"]["pixel_ap"]["mean"] > printed["methods"]["random"]["pixel_ap"]["mean"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--methods nonsense", "there is no explainer 'nonsense'"),
        ("--count 0", "expected a whole number of at least 1, not '0'"),
        ("--flowers roses", "there is no flower network named 'roses'"),
        ("--flowers single-6c double-12c", "expected networks of one variant"),
        ("--gallery nowhere", "gallery.parquet is missing"),
        ("--scenes nowhere", "nowhere holds no rendered scenes"),
        ("--network timm:test_resnet", "--network needs --data DIR"),
        ("--flowers single-6c --relabelled a b", "--relabelled names 2 networks, --flowers 1: give at most one"),
        ("--relabelled a", "--relabelled names 1 networks, --flowers 0"),
        ("--explainer nothing", "expected MODULE:CLASS"),
        ("--explainer nowhere:Nothing", "cannot be made"),
    ],
)
def test_bad_arguments_are_told_in_one_line(world, words, message, tmp_path, capsys):
    fixed = ["--model", world.model, "--count", "1", "--size", "96", "--workers", "1"]
    fixed += ["--records", str(tmp_path / "kept")]
    with pytest.raises(SystemExit) if "--count" in words else pytest.MonkeyPatch.context():
        assert main(["compare", *fixed, *words.split()]) == 2
    printed = capsys.readouterr().err.splitlines()[-1]
    assert printed.startswith("error: ") and message in printed


@pytest.mark.parametrize("words", ["--flowers single-6c", "--gallery nowhere", "--scenes nowhere"])
def test_missing_opencv_is_told_before_any_work(words, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert main(["compare", *words.split(), "--records", str(tmp_path / "kept")]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and "needs OpenCV, which is not installed: pip install -r" in printed
    assert not (tmp_path / "kept").exists()


def test_maps_are_held_against_those_of_shuffled_labels(tmp_path, capsys):
    render_flowers(tmp_path / "flowers", 12, 4, "single-6c", 64, workers=1)
    words = (
        "compare --flowers single-6c --relabelled single-6c-seed1 --size 64 --methods cam rise --count 12 --sanity 10"
    )
    words += f" --slow 1 --slow-sanity 1 --workers 1 --without-cost --data {tmp_path / 'flowers'} --json"
    words += f" --records {tmp_path / 'kept'} --out {tmp_path / 'found.json'}"
    assert main(words.split()) == 0
    assert json.loads(capsys.readouterr().out)["comparison"]["methods"]["cam"]["relabelled"]["n"] == 10
    found = {(one["identifier"], one["method"]): one["relabelled"] for one in values.read(tmp_path / "found.csv.gz")}
    one, other = (
        World("flowers", name, tmp_path / "flowers", 12, 64, "cpu") for name in ("single-6c", "single-6c-seed1")
    )
    for number, cases in enumerate(zip(cases_of(one), cases_of(other), strict=True)):
        maps = [EXPLAINERS["cam"]()(case.network, case.image, score_up())[0] for case in cases]
        alike = None if number >= 10 else pytest.approx(rank_correlation(*maps), abs=1e-3)
        assert found[cases[0].identifier, "cam"] == alike
        assert found[cases[0].identifier, "random"] == (None if number >= 10 else pytest.approx(1, abs=1e-4))
    assert sum(value is not None for (_picture, name), value in found.items() if name == "rise") == 1
    path = next((tmp_path / "kept").glob("*-relabelled.jsonl"))
    before = path.read_text()
    again = against_relabelled(one, other, {"cam": None}, Extent(10, 1, 1), path)
    assert path.read_text() == before and len(again) == 10 * (1 + len(REFERENCES))
    assert all(value == found[key] for key, value in again.items())


def test_other_networks_do_not_go_on_with_the_same_file(world, records, tmp_path):
    path, folder = tmp_path / "records.jsonl", tmp_path / "tiny"
    elsewhere = replace(world, model=str(folder))
    path.write_text(records[0].read_text().replace(world.model, str(folder)))
    shutil.copytree(world.model, folder)
    assert compare(elsewhere, METHODS, EXTENT, path) == records[1]  # the same networks go on
    cases_of.cache_clear()
    checkpoint.save(Pair("tiny", siam_network(attribute_link="sigmoid"), baseline_network(seed=5), {}), folder)
    with pytest.raises(DatasetError, match="was started with"):
        compare(elsewhere, METHODS, EXTENT, path)


def test_damaged_values_are_refused(tmp_path):
    path = tmp_path / "found.csv.gz"
    for content in (b"nonsense", b""):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="cannot be read"):
            values.read(path)
    whole = gzip.compress(b"network,made_with\n" * 99)
    for content in (whole[:-9], whole[:12] + b"\xff" + whole[13:]):  # cut off, and of other bits
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="cannot be read"):
            values.read(path)
    row = {"network": "a", "made_with": "x", "identifier": "NA", "method": "cam", **dict.fromkeys(FIGURES, 0.5)}
    values.write([row], path)
    assert values.read(path) == [row]
    for name, cell in (("ebpg", "much"), ("passes", "inf"), ("identifier", "")):
        values.write([{**row, name: cell}], path)
        with pytest.raises(DatasetError, match="compare again"):
            values.read(path)
    pd.DataFrame({"network": ["a"], "made_with": ["x"], "identifier": ["1"], "method": ["cam"]}).to_csv(path)
    with pytest.raises(DatasetError, match="lacks the column ebpg"):
        values.read(path)


def test_bundled_comparisons_are_whole_and_their_controls_stand_where_they_must():
    found = {figures.world: (result, figures) for result, figures in comparisons(read_all(STORED).values())}
    assert set(found) == {"scenes", "scenes-siam", "flowers", "photos"}
    for name, (result, figures) in found.items():
        explainers = set(OF_SIAM) if name in ("scenes-siam", "photos") else set(EXPLAINERS) - {"siam"}
        assert set(figures.methods) == explainers | set(REFERENCES)
        assert result.command.startswith("python -m siam compare --") and "/tmp" not in result.command
        assert result.git_commit and figures.n >= {"flowers": 200, "photos": 40}.get(name, 125)
        assert figures.halves.contradicted == 0
        for key, measure in figures.measures.items():
            assert not measure.decides or (measure.over_uniform.gain > 0 and measure.over_random.gain > 0), key
        assert sum(measure.decides for measure in figures.measures.values()) >= 3
        for method, of in figures.methods.items():
            assert ("seconds" in of) == (method not in REFERENCES)
            assert all(one.n >= 10 for key, one in of.items() if key not in ("seconds", "megabytes"))
        made = values.read(values.beside(next(STORED.glob(f"explainers-{name}.json"))))
        mean = np.nanmean([one["ebpg"] for one in made if one["method"] == "grad_cam"])
        assert figures.methods["grad_cam"]["ebpg"].mean == pytest.approx(mean, abs=1e-4)
        assert {one["network"] for one in made} == set(figures.networks)
        assert len({one["made_with"] for one in made}) == len(figures.networks)


def test_records_that_were_cut_or_written_by_two_processes_count_once(world, records, tmp_path):
    path, first = tmp_path / "records.jsonl", records[1]
    lines = records[0].read_text().splitlines(keepends=True)
    cut = lines[1][: len(lines[1]) // 2]
    path.write_text("".join([*lines[:3], cut, lines[3], lines[0], *lines[2:6], cut]))
    before = path.read_text()
    assert compare(world, METHODS, EXTENT, path) == first
    assert path.read_text().startswith(before)  # another process may be adding to it
    with counted(cases_of(world)[0].network) as passes:
        assert compare(world, METHODS, EXTENT, path) == first
    assert not passes


def test_a_comparison_that_another_process_began_is_not_begun_again(tmp_path):
    path, settings = tmp_path / "records.jsonl", {"kind": "gallery"}
    record = {"identifier": "8", "method": "cam", "made_with": values.made_with(settings), "network": "tiny"}
    values.begin([record], settings, path)
    before = path.read_text()
    assert [json.loads(line) for line in before.splitlines()] == [
        {"settings": settings}, {"identifier": "8", "method": "cam"},
    ]  # fmt: skip
    values.begin([], settings, path)
    assert path.read_text() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["--out", "--records"])
def test_a_place_that_cannot_be_written_to_is_told_before_any_work(world, where, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(cli, "_compared", lambda *_: pytest.fail("work has begun"))
    assert main(["compare", "--model", world.model, where, str(tmp_path / "file" / "found.json")]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {tmp_path / 'file'} is a file, but a folder is needed")
