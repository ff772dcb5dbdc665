"""Galleries of photos that are scored here: in memory, of a folder, of a dataset; their table; work that is stopped."""

import csv
import hashlib
import io
import json
import re
import threading
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import siam
from siam import explain
from siam.datasets import oasis
from siam.datasets.base import RatingScale
from siam.drawing.phrases import signed
from siam.errors import DatasetError, ImageError
from siam.gallery import scoring, store
from siam.gallery.cases import read_cases
from siam.gallery.folder import Source, build, folder_for
from siam.gallery.table import csv_text
from siam.gallery.uploads import MOST, Batch, read_scores
from siam.images.reading import read_image
from siam.models.checkpoint import Pair
from siam.models.doubt import fit
from siam.models.fitted import Fitted
from siam.runtime.jobs import CancelledError, Job
from tests.gallery.test_store import network_on
from tests.support.experiment import write_photos
from tests.support.networks import baseline_network, siam_network
from tests.support.paths import ROOT

LOCK = threading.Lock()


@pytest.fixture(scope="module")
def pair():
    return Pair("tiny", network_on(oasis.SCALE), baseline_network(), {})


def jpeg(seed=0, size=(90, 70), kind="JPEG"):
    pixels = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(file, kind)
    return file.getvalue()


def scored(pair, photos, scores=None, scale=None):
    batch = Batch(list(photos), scores, scale)
    batch.go_on(pair, LOCK)
    return batch, batch.gallery(pair)


def assert_numbers(pair, found, row, picture):
    """Explaining a photo, or what a gallery keeps of it, gives the numbers of the gallery."""
    told, explained = found.photos.loc[row], siam.explain(pair, read_image(picture))
    assert told["siam"] == pytest.approx(explained.scenicness, abs=1e-5)
    assert told["baseline"] == pytest.approx(explained.baseline_scenicness, abs=1e-5)
    assert found.contributions[row] == pytest.approx(explained.contributions, abs=1e-5)
    assert found.presence[row] == pytest.approx(explained.attribute_scores, abs=1e-5)
    assert told["biggest_cause"] == explained.ranking()[0].attribute


# In memory


def test_a_batch_becomes_a_gallery_of_small_copies(pair):
    photos = [("large.jpg", jpeg(1, (2000, 1500))), ("small.png", jpeg(2, kind="PNG"))]
    batch, found = scored(pair, photos, read_scores(b"file;score (1 to 7)\nLARGE.JPG;5,5\n"))
    assert (len(found), batch.refused, batch.left(pair), batch.unused) == (2, [], 0, 0)
    assert list(found.photos["identifier"]) == ["large.jpg", "small.png"]
    files = jpeg(1, (2000, 1500)), jpeg(2, kind="PNG")
    for row, size in enumerate(((800, 600), (90, 70))):
        with Image.open(io.BytesIO(found.contents[row])) as picture:
            assert (picture.format, picture.size) == ("JPEG", size)
        assert hashlib.sha256(found.contents[row]).hexdigest() == found.photos["sha256"][row]
        assert found.picture(row) is None and found.masks(row) is None
        for picture in (files[row], found.inputs[row]):
            assert_numbers(pair, found, row, picture)
    assert found.photos["crowd_mean"].tolist() == pytest.approx([5.5, np.nan], nan_ok=True)
    cases = read_cases(found)
    assert cases.table["closer"].tolist()[0] in ("SIAM", "baseline") and cases.table["closer"].tolist()[1] == ""
    assert (found.about.model, found.about.scale, found.about.crowd_scale) == ("tiny", oasis.SCALE, None)


@pytest.mark.parametrize(
    ("heading", "told", "rated_on", "in_ranks"),
    [
        ("score", None, None, True),
        ("score (1 to 5)", None, (1, 5), True),
        ("Score [1–7]", None, (1, 7), False),
        ("score (mean)", (1, 7), (1, 7), False),
        ("score", (0, 100), (0, 100), True),
    ],
)
def test_scores_are_compared_by_rank_unless_on_the_networks_scale(pair, heading, told, rated_on, in_ranks):
    scale = None if told is None else RatingScale.between(*told)
    scores = read_scores(f"file,{heading}\na.jpg,2\nb.jpg,4\n".encode(), scale=scale)
    _batch, found = scored(pair, [("a.jpg", jpeg(1)), ("b.jpg", jpeg(2))], scores)
    about = found.about
    assert (about.rated_on and (about.rated_on.low, about.rated_on.high)) == rated_on
    assert read_cases(found).in_ranks == in_ranks


def test_bad_photos_are_named_and_cost_nothing_else(pair):
    photos = [("notes.jpg", b"words"), ("good.jpg", jpeg(1)), ("cut.jpg", jpeg(2, (800, 600))[:2000]), ("", jpeg(3))]
    batch, found = scored(pair, photos)
    assert list(found.photos["identifier"]) == ["good.jpg", "photo"]
    assert [refused.name for refused in batch.refused] == ["notes.jpg", "cut.jpg"]
    assert all(refused.name in refused.reason for refused in batch.refused)
    batch, found = scored(pair, [("notes.jpg", b"words")])
    assert found is None and len(batch.refused) == 1


def test_a_photo_without_a_score_never_costs_the_batch(pair, monkeypatch):
    explain = scoring.explain

    def odd(networks, image):
        if image.width == 50:
            raise ImageError("too small for these networks")
        if image.width == 51:
            raise MemoryError
        found = explain(networks, image)
        return replace(found, scenicness=float("nan")) if image.width == 52 else found

    monkeypatch.setattr(scoring, "explain", odd)
    photos = [(f"{width}.jpg", jpeg(width, (width, 60))) for width in (50, 60, 51, 52, 61)]
    batch, found = scored(pair, photos)
    assert list(found.photos["identifier"]) == ["60.jpg", "61.jpg"]
    assert [refused.name for refused in batch.refused] == ["50.jpg", "51.jpg", "52.jpg"]


def test_two_photos_of_one_name_stay_two(pair):
    photos = [("a.jpg", jpeg(1)), ("a.jpg", jpeg(2)), ("a.jpg (2)", jpeg(3)), ("b\nc.jpg", jpeg(4))]
    _batch, found = scored(pair, photos, {"a.jpg": 3})
    assert list(found.photos["identifier"]) == ["a.jpg", "a.jpg (2)", "a.jpg (2) (2)", "b?c.jpg"]
    assert found.photos["crowd_mean"].notna().tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    "name",
    ["./a ü.jpg", "walk\\a ü.jpg", "/home/me/A Ü.JPG", "C:\\me\\a ü.jpg", unicodedata.normalize("NFD", "a ü.jpg")],
)
def test_uploads_find_their_scores_however_a_table_spells_them(pair, name):
    scores = read_scores(f"file,score\n{name},3\nother.jpg,4\n".encode(), photos=["a ü.jpg"])
    batch, found = scored(pair, [("a ü.jpg", jpeg(1))], scores)
    assert batch.unused == 1 and found.photos["crowd_mean"].tolist() == [3]
    assert found.photos["file"].tolist() == [name]
    row = next(csv.DictReader(io.StringIO(csv_text(read_cases(found), np.arange(1)))))
    assert (row["identifier"], row["file"]) == ("a ü.jpg", name)


def test_what_is_no_photo_lacks_no_rating(pair):
    photos = [("a.jpg", jpeg(1)), ("a.mov", b"no picture"), ("b.jpg", jpeg(2)), (".DS_Store", b"Bud1")]
    batch, found = scored(pair, photos, {"a": 3})
    assert found.photos["crowd_mean"].tolist()[:1] == [3]
    assert [one.name for one in batch.refused] == ["a.mov", ".DS_Store"]
    assert [(left.reason, left.names) for left in batch.left_out] == [("no rating", ("b.jpg",))]


def test_scores_that_may_mean_several_uploads_are_refused_by_both_names():
    for names, photos, words in (
        (("x/a.jpg", "y/a.jpg"), ["a.jpg"], "lists 'x/a.jpg' and 'y/a.jpg', which mean the same photo"),
        (("A.JPG",), ["a.jpg", "A.jpg"], "a name that may mean 'a.jpg' or 'A.jpg'"),
        (("a.jpg", "./a.jpg"), ["a.jpg"], "the photo of 'a.jpg' in row 2 again, for './a.jpg' in row 3"),
    ):
        table = "file,score\n" + "".join(f"{name},3\n" for name in names)
        with pytest.raises(DatasetError, match=re.escape(words)):
            read_scores(table.encode(), "mine.csv", photos)
    with pytest.raises(DatasetError, match="the same photo"):
        Batch([("a.jpg", b"")], {"x/a.jpg": 1, "y/a.jpg": 2})


def test_a_photo_uploaded_twice_is_kept_once_and_told(pair):
    batch, found = scored(
        pair, [("ü.jpg", jpeg(1)), (unicodedata.normalize("NFD", "ü.jpg"), jpeg(1)), ("b.jpg", jpeg(1))]
    )
    assert found.photos["identifier"].tolist() == ["ü.jpg", "b.jpg"]
    assert [refused.reason for refused in batch.refused] == [
        f"{unicodedata.normalize('NFD', 'ü.jpg')} is the same photo as ü.jpg, which is kept."
    ]


def test_a_batch_that_was_stopped_goes_on(pair, monkeypatch):
    asked, explain = [], scoring.explain
    monkeypatch.setattr(scoring, "explain", lambda *given: asked.append(1) or explain(*given))
    brought = [(f"{number}.jpg", jpeg(number)) for number in range(5)]
    batch = Batch(brought)
    assert brought == []  # nobody else keeps the files

    def stop(done, of):
        assert of == 5
        if done == 2:
            raise CancelledError

    with pytest.raises(CancelledError):
        batch.go_on(pair, LOCK, stop)
    assert batch.left(pair) == 3 and len(batch.gallery(pair)) == 2
    batch.go_on(pair, LOCK)
    assert batch.left(pair) == 0 and len(asked) == 5
    whole = batch.gallery(pair)
    for row in range(5):
        assert_numbers(pair, whole, row, jpeg(row))


def test_other_networks_score_the_same_photos_from_their_own_input(pair):
    other = Pair("other", network_of_size(96), None, {})
    brought = [("a.jpg", jpeg(1, (900, 700))), ("b.png", jpeg(2, (200, 150), "PNG"))]
    batch = Batch(list(brought), others=[(other.config,)])
    batch.go_on(pair, LOCK)
    assert batch.left(other) == 2 and batch.gallery(other) is None
    batch.go_on(other, LOCK)
    first, second = batch.gallery(pair), batch.gallery(other)
    assert second.contents == first.contents and second.folder != first.folder
    assert second.photos["baseline"].isna().all() and second.about.model == "other"
    for row, (_name, data) in enumerate(brought):
        assert second.photos["siam"][row] == pytest.approx(siam.explain(other, data).scenicness, abs=1e-5)
    unforeseen = Pair("third", network_of_size(128), None, {})
    with pytest.raises(DatasetError, match="prepared for other networks than 'third': upload them again"):
        batch.go_on(unforeseen, LOCK)
    assert len(batch.gallery(pair)) == 2


def network_of_size(side):
    network = network_on(replace(oasis.SCALE, high=9))
    network.config = replace(network.config, image_size=side)
    return network


def test_nothing_of_a_batch_is_written(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("open", "write_bytes", "write_text", "mkdir"):
        monkeypatch.setattr(Path, name, lambda *_given, **_further: pytest.fail("something was opened or written"))
    scored(pair, [("a.jpg", jpeg(1)), ("b.jpg", b"words")], {"a.jpg": 3})
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_batch_has_a_limit():
    with pytest.raises(DatasetError, match=f"{MOST + 1} photos, but at most {MOST}"):
        Batch([("a.jpg", b"")] * (MOST + 1))


@pytest.mark.parametrize(
    "text",
    [
        "file,score\na.jpg,3\nb.jpg,4.5\n",
        "score;file\n3;a.jpg\n4,5;b.jpg\n",
        "\ufeffFile\tScore\tnote\r\na.jpg\t3\r\n\r\nb.jpg\t4.5\r\n",
    ],
)
def test_scores_in_every_usual_form(text):
    assert read_scores(text.encode(), photos=["B.jpg"]) == {"a.jpg": 3.0, "b.jpg": 4.5}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not readable as a table (it is empty)"),
        (b"name,score\na,1\n", "lacks the column 'file': it begins with name, score"),
        (b"\xff\xfe\x00", "not readable as a table"),
        (b'file,score\n"a,1\n', "not readable as a table"),
        (b"file,score\n", "holds no scores"),
        (b"file,score\na.jpg,good\n", "a score that is not a number ('good') for 'a.jpg' in row 2"),
        (b"file,score\na.jpg,inf\n", "a score that is not a number ('inf') for 'a.jpg' in row 2"),
        (b"file,score\na.jpg,1\n,2\n", "no name in row 3"),
        (b"file,score\na.jpg\n", "a score that is not a number ('') for 'a.jpg' in row 2"),
        (b"file,score\na.jpg,1\nb.jpg,2\na.jpg,3\n", "a second entry for 'a.jpg' in row 4"),
        (
            b"file,score\na.jpg,1\nA.JPG,2\n",
            "lists 'a.jpg' and 'A.JPG', which mean the same photo: keep one row per photo",
        ),
        (b"file,score\nc.jpg,1\n", "lists none of these photos: its column file has names like 'c.jpg'"),
    ],
)
def test_a_table_of_scores_that_is_none_is_told_in_one_sentence(data, words):
    with pytest.raises(DatasetError) as caught:
        read_scores(data, "mine.csv", ["a.jpg"])
    assert str(caught.value).startswith("mine.csv ") and words in str(caught.value)
    assert "\n" not in str(caught.value)


# Of a folder


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "walk"
    (root / "north").mkdir(parents=True)
    for number in range(4):
        (root / f"{number}.jpg").write_bytes(jpeg(number))
    (root / "north" / "lake.png").write_bytes(jpeg(9, kind="PNG"))
    (root / "broken.jpg").write_bytes(jpeg(5, (300, 200))[:900])
    (root / "ratings.csv").write_text("file,score\n./0.jpg,3\nNorth\\lake.png,6\ngone.jpg,2\n")
    return root


def test_a_folder_becomes_a_gallery(pair, photos, tmp_path):
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    source = Source("folder", photos, "tiny")
    folder = folder_for(tmp_path / "galleries", photos.name, source)
    assert folder == tmp_path / "galleries" / "walk"
    told = []
    built = build(pair, LOCK, source, folder, lambda *numbers: told.append(numbers))
    assert (built.folder, built.count) == (folder, 5) and told[-1] == (7, 7)
    assert {refused.name for refused in built.refused} == {"broken.jpg", "gone.jpg"}
    found = store.read(folder)
    rated = dict(zip(found.photos["identifier"], found.photos["crowd_mean"], strict=True))
    assert {name: score for name, score in rated.items() if not np.isnan(score)} == {"0": 3.0, "north/lake.png": 6.0}
    assert set(rated) == {"0", "1", "2", "3", "north/lake.png"}
    assert set(found.photos["file"]) == {"./0.jpg", "1.jpg", "2.jpg", "3.jpg", "North\\lake.png"}
    for row, name in enumerate(found.photos["identifier"]):
        assert_numbers(pair, found, row, photos / (name if name.endswith("png") else f"{name}.jpg"))
        assert_numbers(pair, found, row, found.scored(row) or found.picture(row))
        if name.endswith("png"):
            assert found.scored(row).is_file()
        else:  # a small JPEG is kept as it is
            assert found.scored(row) is None
            assert found.picture(row).read_bytes() == (photos / f"{name}.jpg").read_bytes()
    assert found.contents is None and (found.about.model, found.about.data) == ("tiny", "walk")
    assert not (folder / "scores.part").exists()
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def test_a_folder_that_was_stopped_goes_on_and_a_changed_one_is_scored_anew(pair, photos, tmp_path, monkeypatch):
    asked, explain = [], scoring.explain
    monkeypatch.setattr(scoring, "explain", lambda *given: asked.append(1) or explain(*given))
    source, folder = Source("folder", photos, "tiny"), tmp_path / "out"

    def stop(done, _of):
        if done == 5:
            raise CancelledError

    with pytest.raises(CancelledError):
        build(pair, LOCK, source, folder, stop)
    assert not (folder / store.FILE).exists() and len(asked) == 3
    with (folder / "scores.part").open("a") as file:
        file.write('{"sha256": "cut by a cra')
    assert folder_for(tmp_path, "out", source) == folder  # begun there
    build(pair, LOCK, source, folder)
    assert len(asked) == 5
    (photos / "0.jpg").unlink()
    (photos / "ratings.csv").unlink()
    assert build(pair, LOCK, source, folder).count == 4
    assert not (folder / "images" / "0.jpg").exists()


def test_scores_of_other_networks_are_not_taken_for_ours(pair, photos, tmp_path):
    def stop(done, _of):
        if done == 2:
            raise CancelledError

    source = Source("folder", photos, "tiny")
    with pytest.raises(CancelledError):
        build(Pair("tiny", network_on(oasis.SCALE), baseline_network(seed=5), {}), LOCK, source, tmp_path / "out", stop)
    build(pair, LOCK, source, tmp_path / "out")
    found = store.read(tmp_path / "out")
    for row in range(len(found)):
        assert_numbers(pair, found, row, found.scored(row) or found.picture(row))


def test_galleries_do_not_take_each_others_place(pair, photos, tmp_path):
    base, source = tmp_path / "galleries", Source("folder", photos, "tiny")
    first = folder_for(base, "my walk: north/", source)
    assert first == base / "my-walk-north"
    build(pair, LOCK, source, first)
    assert folder_for(base, "my walk: north/", source) == first  # its own, again
    assert folder_for(base, "my-walk-north", replace(source, model="other")) == base / "my-walk-north-2"
    (base / "notes").mkdir()
    (base / "notes" / "mine.txt").write_text("mine")
    assert folder_for(base, "notes", source) == base / "notes-2"
    assert folder_for(base, "..", source) == base / "photos"


def test_folders_that_are_refused_in_one_sentence(pair, photos, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "a.jpg").write_text("words")
    for root, words in (
        (tmp_path / "nothing", "is not a folder"),
        (empty, "holds no photos"),
        (tmp_path / "words", "none of the 1 photos"),
        (tmp_path, "choose a folder that holds only your photos"),
    ):
        with pytest.raises(DatasetError, match=words) as caught:
            build(pair, LOCK, Source("folder", root, "tiny"), tmp_path / "out")
        assert "\n" not in str(caught.value)
    monkeypatch.setattr("siam.datasets.folder.MOST", 3)
    with pytest.raises(DatasetError, match="holds more than 3 photos"):
        build(pair, LOCK, Source("folder", photos, "tiny"), tmp_path / "out")


def test_photos_of_a_dataset_keep_authors_votes_and_scale(pair, tmp_path):
    write_photos(tmp_path, rated=6)
    root = tmp_path / "scenicornot"
    source = Source("scenicornot", root, "tiny", "all", 4)
    assert build(pair, LOCK, source, tmp_path / "out").count == 4
    found = store.read(tmp_path / "out")
    assert list(found.photos["identifier"]) == ["1", "2", "3", "4"]
    assert found.about.crowd_scale.high == 10 and read_cases(found).in_ranks
    assert all(len(votes) == 3 for votes in found.photos["votes"])


# The table


@pytest.fixture(scope="module")
def cases(pair):
    names = ("=1+1.jpg", "+a.jpg", "-b.jpg", "@c.jpg", " =d.jpg", 'ü, "e".jpg')
    scores = dict.fromkeys(names[:3], 4.0)
    photos = [(name, jpeg(seed)) for seed, name in enumerate(names)]
    return read_cases(scored(pair, photos, scores, RatingScale.between(1, 7))[1])


def test_the_table_sums_to_the_scores(cases):
    rows = list(csv.DictReader(io.StringIO(csv_text(cases, np.array([5, 0, 2])))))
    assert len(rows) == 3
    for row, told in zip((5, 0, 2), rows, strict=True):
        parts = [float(value) for name, value in told.items() if name.startswith("contribution: ")]
        assert len(parts) == len(cases.gallery.about.attributes)
        assert float(told["bias"]) + sum(parts) == pytest.approx(float(told["SIAM"]), abs=1e-4)
        assert float(told["SIAM"]) - float(told["baseline"]) == pytest.approx(float(told["difference"]), abs=2e-6)
        for k, name in enumerate(cases.gallery.about.attributes):
            assert float(told[f"presence: {name}"]) == pytest.approx(cases.gallery.presence[row, k], abs=1e-6)
    assert rows[0]["crowd"] == rows[0]["votes"] == rows[0]["error of SIAM"] == rows[0]["who is closer"] == ""
    assert float(rows[1]["error of SIAM"]) == pytest.approx(float(rows[1]["SIAM"]) - 4, abs=2e-6)
    assert rows[1]["who is closer"] in ("SIAM", "baseline")
    assert {row["SIAM, low"] + row["SIAM, high"] + row["landscape"] for row in rows} == {""}  # unknown of this pair


def test_the_table_says_how_far_to_trust_each_score(pair):
    channels, made = pair.siam.attribute_layer.in_channels, np.random.default_rng(0)
    landscapes = made.random((40, channels))
    trusted = replace(pair, doubt=fit(landscapes, landscapes[:20], made.random((20, 2))))
    photos = [(f"{seed}.jpg", jpeg(seed)) for seed in range(3)]
    of = read_cases(scored(trusted, photos)[1])
    told = list(csv.DictReader(io.StringIO(csv_text(of, np.arange(3)))))
    for row in told:
        score, low, high = (float(row[name]) for name in ("SIAM", "SIAM, low", "SIAM, high"))
        found = explain(trusted, dict(photos)[row["file"]])
        assert (low, high) == pytest.approx(found.interval, abs=1e-4) and low <= score <= high
        assert row["landscape"] == ("yes" if found.is_landscape else "no")


def test_no_cell_of_the_table_is_a_formula(cases):
    found = [row["identifier"] for row in csv.DictReader(io.StringIO(csv_text(cases, np.arange(6))))]
    assert found == ["'=1+1.jpg", "'+a.jpg", "'-b.jpg", "'@c.jpg", "' =d.jpg", 'ü, "e".jpg']
    assert "−" not in csv_text(cases, np.arange(6)) and "−" in signed(-1)  # a true minus would be no number


def test_the_table_says_where_errors_are_ranks(pair):
    found = scored(pair, [("a.jpg", jpeg(1)), ("b.jpg", jpeg(2))], {"a.jpg": 20, "b.jpg": 80})[1]
    header = csv_text(read_cases(found), np.array([], dtype=int)).splitlines()
    assert len(header) == 1 and "error of SIAM in ranks,error of baseline in ranks" in header[0]


def test_the_table_of_a_stored_gallery():
    held = store.read(ROOT / "assets" / "gallery" / "rendered")
    text = csv_text(read_cases(held), np.arange(3))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["author"] for row in rows] == ["rendered by SIAM Explorer"] * 3
    assert int(rows[0]["votes"]) == held.photos["vote_count"][0]


# Jobs


def test_a_job_tells_how_far_it_is_and_ends():
    go_on = threading.Event()

    def work(watch):
        watch(1, 4, "one of four")
        go_on.wait(10)
        return "done"

    job = Job(work)
    while not job.progress.text:
        pass
    assert (job.progress.share, job.progress.text, job.running, job.stopping) == (0.25, "one of four", True, False)
    go_on.set()
    assert job.wait(10) and job.result() == "done" and not job.running


def test_a_cancelled_job_stops_at_its_next_word_even_while_it_sleeps():
    job = Job(lambda watch: watch.sleep(60))
    job.cancel()
    assert job.wait(10)
    with pytest.raises(CancelledError):
        job.result()


def test_what_work_raises_comes_to_who_asks_for_the_result():
    def work(_watch):
        raise DatasetError("no photos")

    with pytest.raises(DatasetError, match="no photos"):
        Job(work).result()


def test_a_job_that_nobody_holds_is_cancelled():
    ended = threading.Event()

    def work(watch):
        try:
            watch.sleep(60)
        finally:
            ended.set()

    Job(work)
    assert ended.wait(10)


def test_json_of_scores_is_strict(pair, tmp_path):
    path, attributes = tmp_path / "scores.part", pair.siam.config.attributes
    scores = scoring.ScoreFile(path, "networks", attributes)
    scores.add("one", scoring.score(pair, LOCK, jpeg(1), "a.jpg"))
    again = scoring.ScoreFile(path, "networks", attributes)
    assert again.get("one").photo(0) == scores.get("one").photo(0)
    lines = (tmp_path / "scores.part").read_text().splitlines()
    assert json.loads(lines[1])["sha256"] == "one"
    assert scoring.ScoreFile(path, "others", attributes).get("one") is None


def test_a_thread_takes_half_of_the_cores_and_leaves_the_others_theirs():
    told, whole = {}, torch.get_num_threads()

    def work():
        scoring.take_half_of_the_cores()
        told["own"] = torch.get_num_threads()

    for name, target in (("work", work), ("new", lambda: told.update(new=torch.get_num_threads()))):
        thread = threading.Thread(target=target, name=name)
        thread.start()
        thread.join()
    assert told == {"own": max(1, whole // 2), "new": whole} and torch.get_num_threads() == whole


def test_scores_stay_known_when_explainers_have_learnt_something():
    pair = Pair("tiny", siam_network(), baseline_network(), {})
    before = scoring.fingerprint(pair)
    pair.baseline.fitted = {"vebi": Fitted({"relevance": torch.ones(3)}, {})}
    assert scoring.fingerprint(pair) == before
