"""The comparison: records that go on where they stopped, what they add up to, tables, and the command."""

import json
import multiprocessing
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from siam.cli.main import main
from siam.comparison.agreement import rank_correlation
from siam.comparison.cost import Cost, cost
from siam.comparison.pictures import BUNDLED_SCENES, World, cases_of, names_in, network_of
from siam.comparison.records import REFERENCES, compare, shuffled_weights
from siam.comparison.statistics import summary
from siam.errors import DatasetError
from siam.evaluation.stored import STORED, Result, read, read_all, variant_figures
from siam.explainers import EXPLAINERS
from siam.explainers.registry import description, title
from siam.explainers.targets import score_up
from siam.models import checkpoint
from siam.models.checkpoint import Pair
from siam.results.explainers import comparisons, order_sentences, tables
from tests.support.explainers import counted
from tests.support.networks import baseline_network, siam_network

METHODS = ("siam", "cam", "grad_cam")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Untrained networks on two scenes of the bundled gallery."""
    folder = tmp_path_factory.mktemp("networks") / "tiny"
    checkpoint.save(Pair("tiny", siam_network(attribute_link="sigmoid"), baseline_network(), {}), folder)
    yield World("rendered", str(folder), BUNDLED_SCENES, 2, 96, "cpu")
    cases_of.cache_clear()


@pytest.fixture(scope="module")
def records(world, tmp_path_factory):
    """Two scenes compared, the first with the sanity check; their file, which tests copy."""
    path = tmp_path_factory.mktemp("records") / "records.jsonl"
    return path, compare(world, METHODS, 1, path)


def test_scenes_do_not_depend_on_their_number_and_have_a_truth(world):
    few, more = cases_of(world), cases_of(replace(world, count=4))
    assert [case.identifier for case in more[:2]] == [case.identifier for case in few]
    for case in more:
        assert case.image.shape == (1, 3, world.size, world.size) and 0 < case.mask.mean() < 1
        assert case.density is not None and case.density[case.mask].min() > 0
        assert case.network("siam") is case.siam and case.network("siam:trees") is case.siam
        assert case.network("rise") is case.baseline
    assert names_in(world)[0] == "siam" and "lcam_fm" not in names_in(world)  # which was not fitted


def test_what_was_made_is_not_made_again(world, records, tmp_path):
    path, first = tmp_path / "records.jsonl", records[1]
    shutil.copy(records[0], path)
    assert len(first) == 2 * (len(METHODS) + len(REFERENCES))
    with path.open("a") as file:
        file.write('{"identifier": "8", "meth')  # cut off
    with counted(cases_of(world)[0].baseline) as baseline, counted(cases_of(world)[0].siam) as own:
        again = compare(world, METHODS, 1, path)
    assert again == first and not baseline and not own
    assert [record for record in compare(world, METHODS[:1], 1, path) if record["method"] not in REFERENCES] == [
        record for record in first if record["method"] == "siam"
    ]
    with pytest.raises(DatasetError, match="was started with"):
        compare(world, METHODS, 2, path)
    more = compare(replace(world, count=3), METHODS, 1, path)
    assert more[: len(first)] == first and len(more) == 3 * (len(METHODS) + len(REFERENCES))
    path.write_text('{"settings": 1}\nno json\n')
    with pytest.raises(DatasetError, match="is damaged"):
        compare(world, METHODS, 1, path)


def test_processes_make_the_same_records(world, records, tmp_path):
    together = compare(replace(world, count=1), ("cam",), 0, tmp_path / "two.jsonl", workers=2)
    assert multiprocessing.parent_process() is None
    by_name = {(record["identifier"], record["method"]): record for record in records[1]}
    assert len(together) == 1 + len(REFERENCES)
    for record in together:
        other = by_name[record["identifier"], record["method"]]
        assert record.keys() == other.keys() - {"randomised"}
        for figure in record.keys() - {"identifier", "method"}:
            assert record[figure] == pytest.approx(other[figure], abs=1e-3), figure


def test_records_hold_what_they_say(world, records):
    made = records[1]
    first = {record["method"]: record for record in made[: len(METHODS) + len(REFERENCES)]}
    assert first["siam"]["agreement"] == pytest.approx(1, abs=1e-4)
    assert first["cam"]["passes"] == 1 and first["random"]["passes"] == 0
    for name in REFERENCES:  # they look at no network
        assert first[name]["randomised"] == pytest.approx(1, abs=1e-4)
    same = ("ebpg", "pixel_ap", "agreement")
    noise = [[first[name][key] for key in same] for name in ("random", "siam_random")]
    assert noise[0] == pytest.approx(noise[1], abs=1e-4)  # the same map
    assert first["random"]["deletion"] != first["siam_random"]["deletion"]  # another network's score
    assert "randomised" not in made[-1]
    assert first["truth"]["ebpg"] > max(first["random"]["ebpg"], first["truth"]["chance"])
    case = cases_of(world)[0]
    one, other = (
        EXPLAINERS["grad_cam"]()(model, case.image, score_up())[0]
        for model in (case.baseline, shuffled_weights(case.baseline))
    )
    assert first["grad_cam"]["randomised"] == pytest.approx(np.nan_to_num(rank_correlation(one, other)), abs=1e-4)


def test_shuffled_weights_are_the_same_weights_elsewhere():
    model = baseline_network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    other = shuffled_weights(model)
    for name, parameter in other.named_parameters():
        assert torch.equal(parameter.flatten().sort().values, before[name].flatten().sort().values)
    assert not torch.equal(other.backbone.state_dict()["conv_stem.weight"], before["backbone.conv_stem.weight"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def made_up(count=30):
    """Return records in which SISE is clearly better than RISE, and Grad-CAM as good as Score-CAM, by chance."""
    random = np.random.default_rng(0)
    records = []
    for number in range(count):
        common = random.normal()
        for name, level in (("rise", 0.3), ("sise", 0.5), ("grad_cam", 0.9), ("lcam_fm", 0.4), ("random", 0.1)):
            value = level + common + random.normal() / 50
            records.append({"identifier": str(number), "method": name, "ebpg": value, "drop_15": value})
    return records


def test_summary_means_intervals_and_orders():
    found = summary(made_up(), {"rise": Cost(2.0, None), "sise": Cost(1.0, 33.33)})
    ebpg = [record["ebpg"] for record in made_up() if record["method"] == "sise"]
    figures = found["methods"]["sise"]["ebpg"]
    assert figures["mean"] == pytest.approx(np.mean(ebpg), abs=1e-4) and figures["n"] == found["n"] == 30
    assert figures["interval"][0] < figures["mean"] < figures["interval"][1]
    assert list(found["methods"]) == ["grad_cam", "rise", "sise", "lcam_fm", "random"]
    assert "megabytes" not in found["methods"]["rise"] and found["methods"]["sise"]["megabytes"]["mean"] == 33.33
    orders = {(order["better"], order["worse"]): order for order in found["orders"]}
    assert orders["sise", "rise"]["outcome"] == "holds"  # paired: what pictures have in common does not count
    assert orders["sise", "rise"]["gain"] == pytest.approx(0.2, abs=0.02)
    assert orders["sise", "grad_cam"]["outcome"] == "reversed"
    assert orders["lcam_fm", "grad_cam"]["outcome"] == "holds"  # of drops, low is good
    assert ("sise", "score_cam") not in orders


def stored(figures):
    of_variants = variant_figures({"baseline": {"comparison": figures}})
    return Result("rendered", "gallery", "test", "so", "2026-11-21", "python …", None, of_variants)


def test_tables():
    result = stored({"world": "rendered", **summary(made_up(), {"rise": Cost(2.0, None)})})
    text, markdown = tables([result]), tables([result], markdown=True)
    assert "SISE ahead of RISE in EBPG (SISE on VOC 2007): holds" in text and "| RISE |" in markdown
    assert "L-CAM-Fm ahead of Grad-CAM in drop at 15 %" in markdown
    assert text.splitlines()[2].split()[:2] == ["method", "EBPG"]
    assert tables([]) == "" and comparisons([stored(None)]) == []
    assert order_sentences(comparisons([result])[0][1])[0].count("30 pictures") == 1


def test_every_explainer_has_its_facts():
    assert all(description(name).link.startswith("https://") and description(name).idea for name in EXPLAINERS)
    titles = [title(name) for name in (*EXPLAINERS, *REFERENCES)]
    assert len(set(titles)) == len(titles)
    assert title("siam:still_water") == "SIAM: still water" and title("grad_cam") == "Grad-CAM"


def test_cost_is_measured_apart(world):
    found = cost(partial(network_of, world, "grad_cam"), cases_of(world)[0].image, "grad_cam")
    assert found.seconds > 0 and (found.megabytes is None or 0 < found.megabytes < 500)


def test_command(world, tmp_path, capsys):
    out = tmp_path / "found.json"
    words = (
        f"compare --model {world.model} --count 2 --size 96 --sanity 1 --methods siam cam --workers 1 --without-cost"
    )
    assert main([*words.split(), "--records", str(tmp_path / "kept.jsonl"), "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["comparison"]
    result = read(out)
    assert printed == result.figures["baseline"].to_json()["comparison"] and printed["n"] == 2
    assert "2 rendered scenes" in result.protocol and "--size 96 --methods siam cam" in result.command
    assert main(["compare", "--tables", str(tmp_path / "nowhere")]) == 2
    capsys.readouterr()
    assert main(["compare", "--tables", str(tmp_path), "--markdown"]) == 0
    assert "| CAM |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--methods nonsense", "there is no explainer 'nonsense'"),
        ("--count 0", "expected a whole number of at least 1, not '0'"),
        ("--flowers roses", "invalid choice"),
        ("--gallery nowhere", "gallery.parquet is missing"),
    ],
)
def test_bad_arguments_are_told_in_one_line(world, words, message, tmp_path, capsys):
    fixed = ["--model", world.model, "--count", "1", "--size", "96", "--workers", "1"]
    fixed += ["--records", str(tmp_path / "kept.jsonl")]
    with pytest.raises(SystemExit) if "0" in words or "roses" in words else pytest.MonkeyPatch.context():
        assert main(["compare", *fixed, *words.split()]) == 2
    printed = capsys.readouterr().err.splitlines()[-1]
    assert printed.startswith("error: ") and message in printed


def test_other_networks_do_not_go_on_with_the_same_file(world, records, tmp_path):
    path, folder = tmp_path / "records.jsonl", tmp_path / "tiny"
    elsewhere = replace(world, model=str(folder))
    path.write_text(records[0].read_text().replace(world.model, str(folder)))
    shutil.copytree(world.model, folder)
    assert compare(elsewhere, METHODS, 1, path) == records[1]  # the same networks go on
    cases_of.cache_clear()
    checkpoint.save(Pair("tiny", siam_network(attribute_link="sigmoid"), baseline_network(seed=5), {}), folder)
    with pytest.raises(DatasetError, match="was started with"):
        compare(elsewhere, METHODS, 1, path)


def test_bundled_comparisons_are_whole():
    found = comparisons(read_all(STORED).values())
    assert {figures.world for _result, figures in found} == {"rendered", "flowers"}
    for result, figures in found:
        rendered = figures.world == "rendered"
        wanted = (
            set(EXPLAINERS) | set(REFERENCES)
            if rendered
            else (set(EXPLAINERS) | set(REFERENCES)) - {"siam", "siam_random"}
        )
        assert wanted == set(figures.methods) and figures.n >= 10 and result.git_commit
        assert result.command.startswith("python -m siam compare --") and "/tmp" not in result.command
        for name, of in figures.methods.items():
            assert ("seconds" in of and "megabytes" in of) == (name not in REFERENCES)
            always = {"ebpg", "pixel_ap", "iou_area", "deletion", "insertion", "drop_15", "increase_15"}
            assert all(of[key].n == figures.n and of[key].interval is not None for key in always)
        assert len(figures.orders) >= 10
