"""`discover`: candidates on stdout and in a folder, an attribute made of one, and one line where something is wrong."""

import csv
import shutil

import numpy as np
import pytest

import siam
from siam.cli.main import main
from siam.discovery import cells, directions, discover_in
from siam.discovery.candidates import COUNT as CANDIDATES
from siam.discovery.candidates import MOST
from siam.gallery.store import read
from siam.images.reading import read_image
from siam.labelling import answers, table
from siam.labelling.answers import Answer
from siam.models.checkpoint import Pair, save
from tests.archive.made import photo
from tests.support.discovered import COUNT, rated_gallery
from tests.support.networks import baseline_network, siam_network

pytestmark = pytest.mark.usefixtures("one_thread")
WORD = "old stone"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    base = tmp_path_factory.mktemp("discover")
    rated_gallery(base)
    return base


@pytest.fixture
def run(base, capsys, monkeypatch):
    monkeypatch.chdir(base)

    def run(*words):
        status = main(["discover", *map(str, words)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def labels(tmp_path, base):
    """Answers to every fourth photo as *Label* keeps them; the first of them shows it, the second not, and so on."""
    names = list(read(base / "galleries" / "walk").photos["file"])[::4]
    for number, name in enumerate(names):
        answers.add(tmp_path / answers.FILE, Answer(("present", "absent")[number % 2], WORD, name))
    answers.add(tmp_path / answers.FILE, Answer("unsure", WORD, names[-1]))
    table.write(answers.read(tmp_path / answers.FILE), tmp_path)
    return tmp_path


def naming(labels, *words):
    saved = labels / "pair"
    return ["galleries/walk", "--name", f"1={WORD}", "--answers", labels / answers.FILE, "--save", saved, *words]


def test_candidates_are_printed_as_python_finds_them(run, base):
    status, out, err = run("galleries/walk", "--count", 3, "--seed", 5)
    heading, *lines = out.splitlines()
    found = discover_in(siam.load(base / "runs" / "tiny"), read(base / "galleries" / "walk"),
                                       count=3, seed=5)  # fmt: skip
    assert status == 0 and heading.startswith(f"{COUNT} photos: ") and f"τ {found.tau:.3f}".replace("-", "−") in heading
    assert [line.split(":")[0] for line in lines] == [f"{n}. {one.name}" for n, one in enumerate(found.candidates, 1)]
    assert f"of {COUNT} photos" in err and "Done: 100%" in err and "error" not in err


def test_a_folder_gets_tables_and_sheets(run, tmp_path):
    status, out, err = run("galleries/walk", "--count", 2, "--out", tmp_path / "new")
    with (tmp_path / "new" / "candidates.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert status == 0 and [line.split(": ")[0] for line in out.splitlines()[1:]] == [
        f"{row['number']}. {row['name']}" for row in rows
    ]
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"candidates.csv", "amounts.csv", *(row["picture"] for row in rows)}
    assert f"{tmp_path / 'new'}: candidates.csv, amounts.csv and 2 sheets" in err


def test_fewer_photos_are_drawn_from_a_larger_gallery(run, tmp_path):
    status, out, _err = run("galleries/walk", "--most", 61, "--method", "random", "--count", 1, "--out", tmp_path)
    assert status == 0 and out.startswith("61 photos: ") and "\n1. " in out
    assert len((tmp_path / "amounts.csv").read_text().splitlines()) == 62


def test_the_options_are_those_of_the_library(capsys):
    with pytest.raises(SystemExit):
        main(["discover", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"(default: {CANDIDATES})" in text and f"(default: {MOST})" in text
    assert "{" + ",".join(directions.METHODS) + "}" in text


def test_after_a_stop_only_the_rest_is_looked_at(run, base, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    looks, stop_at, original = [], 3, cells.predict

    def predict(*of, **settings):
        if len(looks) == stop_at:
            raise KeyboardInterrupt
        looks.append(1)
        return original(*of, **settings)

    monkeypatch.setattr(cells, "predict", predict)
    status, out, err = run("galleries/walk")
    assert status == 2 and out == "" and err.endswith("error: interrupted; finished work is kept\n")
    stop_at = 99
    assert run("galleries/walk", "--count", 1)[0] == 0
    assert len(looks) == 4  # 64 photos, sixteen at a time


@pytest.mark.parametrize("file", [answers.FILE, table.NAME])
def test_a_candidate_becomes_an_attribute(run, labels, file):
    status, out, _err = run(*naming(labels, "--answers", labels / file, "--by", "Ada"))
    first, second, third = out.splitlines()
    pair = siam.load(labels / "pair")
    assert status == 0 and pair.config.attributes[-1] == WORD and len(pair.config.attributes) == 6
    assert first.startswith(f"{WORD}: attribute 6 of tiny-old-stone, made of ")
    assert first.endswith(" and 15 answers, 8 of them yes") and third == f"{labels / 'pair'}: saved"
    metrics = pair.card["metrics"]
    before, after = (metrics[of]["gallery"]["kendall_tau"] for of in ("before", "siam"))
    assert second.replace("−", "-").startswith(f"τ {before:.3f} before, {after:.3f} after, out of fold: ")
    assert pair.card["discovered"]["by"] == "Ada" and pair.card["discovered"]["gallery"] == "walk"
    explanation = siam.explain(pair, read_image(photo(3)))
    assert {of.attribute for of in explanation.ranking()} >= {WORD}


def test_a_second_attribute_can_follow(run, labels, capsys):
    assert run(*naming(labels))[0] == 0
    words = ["galleries/walk", "--model", labels / "pair", "--out", labels / "again"]
    assert main(["gallery", "rescore", *map(str, words)]) == 0
    for number, name in enumerate(list(read(labels / "again").photos["file"])[1::5]):
        answers.add(labels / answers.FILE, Answer(("present", "absent")[number % 2], "moss", name))
    capsys.readouterr()
    status, out, _err = run(
        *naming(labels, "--name", "2=moss", "--save", labels / "second", "--model", labels / "pair")[1:],
        labels / "again",
    )
    assert status == 0 and out.startswith("moss: attribute 7 of tiny-old-stone-moss, made of ")
    assert siam.load(labels / "second").config.attributes[-2:] == (WORD, "moss")


def test_a_candidate_goes_by_its_name_too(run, labels):
    name = run("galleries/walk", "--count", 2)[1].splitlines()[2].split(":")[0].removeprefix("2. ")
    _status, by_number, _err = run(*naming(labels, "--name", f"2={WORD}"))
    _status, by_name, _err = run(*naming(labels, "--name", f" {name} = {WORD}"))
    assert by_name == by_number and f"made of {name} and" in by_name


def test_answers_to_other_photos_are_told(run, labels):
    for number in range(9):
        answers.add(labels / "others.jsonl", Answer("present", WORD, f"elsewhere/{number}.jpg"))
    status, out, err = run(*naming(labels, "--answers", labels / "others.jsonl"))
    assert (
        status == 2 and out == "" and "speaks of 0 of the 64 photos and of 9 others, such as 'elsewhere/0.jpg'" in err
    )
    assert not (labels / "pair").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "none/gallery.parquet"),
        (["photos"], "gallery.parquet"),
        (["galleries/walk", "--model", "photo"], "was scored by 'tiny', not by 'photo'"),
        (["galleries/walk", "--model", "./nowhere"], "there is no folder ./nowhere"),
        (["galleries/walk", "--most", "20"], "candidates need 60 photos"),
        (["galleries/walk", "--name", "1=moss"], "give --answers and --save, too"),
        (["galleries/walk", "--name", "1=moss", "--save", "new"], "give --answers, too"),
        (["galleries/walk", "--by", "Ada"], "give --name, --answers and --save, too"),
        (["galleries/walk", "--out", "photos/ratings.csv"], "is a file, but a folder is needed"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(run, words, said):
    status, out, err = run(*words)
    last = err.splitlines()[-1]
    assert status == 2 and out == "" and said in last and last.startswith("error: ") and "Traceback" not in err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--name", f"99={WORD}"], "there is no candidate '99': give its number, 1 to 10, or "),
        (["--name", f"0={WORD}"], "there is no candidate '0'"),
        (["--name", "1=attribute_2"], "'attribute_2' is already an attribute of 'tiny'"),
        (["--name", "1=Attribute 2"], "'attribute_2' is already an attribute of 'tiny'"),
        (["--name", "1=moss"], f"says nothing of 'moss': its words are '{WORD}'"),
        (["--name", "1=file"], "take another word"),
        (["--answers", "none.csv"], "none.csv is no file"),
        (["--save", "photos/ratings.csv"], "is a file, but a folder is needed"),
    ],
)
def test_a_name_that_cannot_be_given_is_told_in_one_line(run, labels, changes, said):
    status, out, err = run(*naming(labels, *changes))
    last = err.splitlines()[-1]
    assert status == 2 and out == "" and said in last and last.startswith("error: ")
    assert not (labels / "pair").exists()


@pytest.mark.parametrize("words", [[], ["--count", "0"], ["--most", "-3"], ["--seed", "-1"], ["--seed", "x"],
                                   ["--method", "magic"], ["--name", "moss"], ["--name", "=moss"],
                                   ["--name", "1="]])  # fmt: skip
def test_bad_usage_is_refused(run, words, capsys):
    with pytest.raises(SystemExit) as caught:
        run(*(["galleries/walk"] if words else []), *words)
    assert caught.value.code == 2 and capsys.readouterr().err.startswith("error: ")


def test_a_pair_without_baseline_cannot_discover(run, base, tmp_path):
    save(Pair("tiny", siam_network(attribute_link="sigmoid"), None, {}), tmp_path / "alone")
    status, out, err = run("galleries/walk", "--model", tmp_path / "alone")
    assert status == 2 and out == "" and "'tiny' has no baseline" in err.splitlines()[-1]


def test_scores_of_another_version_are_noted(run, tmp_path):
    save(Pair("tiny", siam_network(seed=4, attribute_link="sigmoid"), baseline_network(), {}), tmp_path / "newer")
    status, _out, err = run("galleries/walk", "--model", tmp_path / "newer", "--count", 1)
    assert status == 0 and err.startswith("note: Scored by tiny") and "the old ones" in err


def test_the_scores_of_an_archive_are_a_gallery(run, base, tmp_path, capsys):
    assert main(["score", str(base / "photos"), "--out", str(tmp_path / "archive"), "--runner", "local",
                 "--model", "runs/tiny"]) == 0  # fmt: skip
    capsys.readouterr()
    status, out, _err = run(tmp_path / "archive", "--count", 2)
    assert status == 0 and "the baseline’s scores agree by" in out.splitlines()[0] and len(out.splitlines()) == 3


def test_photos_that_are_gone_are_told(run, base, tmp_path):
    shutil.copytree(base / "galleries" / "walk", tmp_path / "walk")
    for path in (tmp_path / "walk" / "images").iterdir():
        path.unlink()
    status, out, err = run(tmp_path / "walk")
    assert status == 2 and out == "" and "not 0" in err.splitlines()[-1]


def test_scores_without_a_rest_are_told(run, tmp_path, base):
    pair, gallery = siam.load(base / "runs" / "tiny"), read(base / "galleries" / "walk")
    gallery.photos["crowd_mean"] = np.nan
    gallery.photos["baseline"] = gallery.photos["siam"] + 1
    with pytest.raises(siam.DatasetError, match="leaves nothing to explain"):
        discover_in(pair, gallery)
