"""Galleries: what is written comes back, sums stay exact, foreign files are refused, and pictures come when asked."""

import csv
import hashlib
import json
import sys
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.datasets import oasis, rendered, scenicornot
from siam.datasets.downloads import files
from siam.datasets.downloads.web import DownloadError, Patience, Web
from siam.datasets.oasis import public_pictures
from siam.datasets.rendered.truth import read_masks, read_truth
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.datasets.votes import ATTRIBUTION_COLUMNS
from siam.errors import DatasetError, StorageError
from siam.evaluation.assessment import assess
from siam.gallery import pictures, store, writing
from siam.gallery.cases import read_cases
from siam.gallery.metadata import identifiers, truths
from siam.gallery.pictures import fetch, here
from siam.gallery.store import About
from siam.gallery.table import csv_text
from siam.gallery.writing import Entry
from siam.images.reading import read_image
from siam.models.checkpoint import Pair, save
from tests.support.experiment import write_photos
from tests.support.file_server import Fault, Stored, running_server
from tests.support.networks import baseline_network, siam_network
from tests.support.rendered_scenes import write_scenes


def network_on(scale, attributes=ATTRIBUTES):
    network = siam_network(attributes=len(attributes), grid=3)
    network.config = replace(network.config, attributes=tuple(attributes), scale=scale)
    network.scenicness_head.set_effective_templates(network.scenicness_head.effective_templates().detach() / 20)
    return network


def networks(folder, scale, **further):
    save(Pair("tiny", network_on(scale, **further), baseline_network(), {}), folder)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("rendered") / "scenes"
    write_scenes(root, 12)
    return root


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return networks(tmp_path_factory.mktemp("networks"), rendered.SCALE)


@pytest.fixture
def evaluate(capsys):
    def evaluate(data, root, model, folder, *further):
        arguments = ["--data", data, "--root", root, "--model", model, "--gallery", folder, "--json", *further]
        status = main(["evaluate", *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return evaluate


# From photos to a gallery


@pytest.fixture(scope="module")
def written(root, pair, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery") / "rendered"
    arguments = ["--data", "rendered", "--root", root, "--model", pair, "--split", "all", "--gallery", folder]
    assert main(["evaluate", *map(str, [*arguments, "--gallery-size", 60])]) == 0
    return store.read(folder)


def test_explaining_a_picture_of_it_gives_its_numbers_again_and_the_votes_are_those_cast(written, root, pair):
    loaded = siam.load(pair, device="cpu")
    assert list(written.photos["identifier"]) == [str(number) for number in range(1, 13)]
    for row in range(len(written)):
        told = written.photos.loc[row]
        found = siam.explain(loaded, written.scored(row) or written.picture(row))
        photo = siam.explain(loaded, root / "images" / f"{row + 1}.jpg")
        assert told["siam"] == pytest.approx(found.scenicness, abs=1e-4)
        assert told["siam"] == pytest.approx(photo.scenicness, abs=1e-4)
        assert told["baseline"] == pytest.approx(found.baseline_scenicness, abs=1e-4)
        assert told["bias"] == pytest.approx(found.bias, abs=1e-5)
        assert written.contributions[row] == pytest.approx(found.contributions, abs=1e-4)
        assert written.presence[row] == pytest.approx(found.attribute_scores, abs=1e-4)
        assert told["biggest_cause"] == found.ranking()[0].attribute
        votes = read_truth(root, row + 1).votes
        assert tuple(told["votes"]) == votes and told["vote_count"] == len(votes)
        assert told["crowd_mean"] == pytest.approx(np.mean(votes), abs=1e-5)
        assert told["crowd_sd"] == pytest.approx(np.std(votes), abs=1e-5)


def test_contributions_and_bias_sum_to_the_score(written):
    total = written.photos["bias"].to_numpy(dtype=float) + written.contributions.sum(axis=1)
    assert total == pytest.approx(written.photos["siam"].to_numpy(dtype=float), abs=1e-5)


def test_it_tells_where_its_numbers_come_from(written, root, pair):
    about = written.about
    assert (about.model, about.data, about.split, about.attributes) == ("tiny", "scenes", "all", ATTRIBUTES)
    assert (about.scale, about.crowd_scale) == (rendered.SCALE, None)
    assert f"--root {root} --split all --model {pair} --gallery" in about.command
    assert "--gallery-size 60" in about.command and "--gallery-count" not in about.command


def test_pictures_are_small_jpegs_of_the_photos(written, root):
    for row in range(len(written)):
        path = written.picture(row)
        assert path == written.folder / "images" / f"{row + 1}.jpg"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == written.photos["sha256"][row]
        with Image.open(path) as copy, Image.open(root / "images" / f"{row + 1}.jpg") as own:
            assert (copy.format, copy.size) == ("JPEG", (60, 60))
            scaled = np.asarray(own.resize((60, 60), Image.Resampling.LANCZOS), dtype=float)
            assert np.abs(np.asarray(copy, dtype=float) - scaled).mean() < 6


def test_the_truth_of_a_scene_comes_along(written, root):
    for row, told in enumerate(written.truths):
        truth = read_truth(root, row + 1)
        assert (told["place"], told["light"], told["bias"]) == (truth.place, truth.light, truth.bias)
        assert told["quality"] == pytest.approx(truth.quality, abs=1e-4)
        for name in ("contributions", "nuances", "labels", "areas"):
            assert told[name] == pytest.approx({key: of for key, of in getattr(truth, name).items() if of}, abs=1e-4)
        error = written.photos["siam"][row] - truth.quality
        assert sum(told["errors"].values()) == pytest.approx(error, abs=1e-3)
        wrong = abs(error) > 0.5
        assert wrong == (told["verdict"] not in ("both right", "only SIAM right"))
        if wrong:
            part, _colon, cause = told["verdict"].partition(": ")
            assert part in ("misread", "misplaced", "misweighted", "outside the vocabulary")
            assert cause in (*ATTRIBUTES, "bias", *truth.nuances)
        author = written.photos["author"][row], written.photos["licence"][row]
        assert author == ("rendered by SIAM Explorer", "Apache-2.0")


def test_a_verdict_tells_whether_the_baseline_is_right_too(root, pair):
    loaded = siam.load(pair, device="cpu")
    assessment = assess(loaded, "rendered", root, "all")
    found, quality = assessment.judged.predictions, assessment.scenes.quality
    bias = assessment.errors.bias - assessment.errors.total()  # as if SIAM were right everywhere
    right = replace(assessment, errors=replace(assessment.errors, bias=bias))
    for beside, verdict in ((quality + 0.4, "both right"), (quality - 0.6, "only SIAM right"), (None, "right")):
        judged = replace(assessment.judged, predictions=replace(found, baseline=beside))
        assert {truth["verdict"] for truth in truths(replace(right, judged=judged))} == {verdict}


def test_masks_come_at_the_size_of_the_picture(written, root):
    for row in range(len(written)):
        masks, own = written.masks(row), read_masks(root, row + 1)
        assert masks.shape == (len(ATTRIBUTES), 60, 60)
        for k in np.flatnonzero(own.any(axis=(1, 2))):
            scaled = Image.fromarray(own[k].astype(np.uint8)).resize((60, 60), Image.Resampling.NEAREST)
            assert np.array_equal(masks[k], np.asarray(scaled, dtype=bool))
        assert not masks[~own.any(axis=(1, 2))].any()


def test_the_attributes_of_a_network_in_another_order_are_not_mixed_up(evaluate, root, tmp_path):
    model = networks(tmp_path / "model", rendered.SCALE, attributes=tuple(reversed(ATTRIBUTES)))
    evaluate("rendered", root, model, tmp_path / "out", "--gallery-count", 2)
    found = store.read(tmp_path / "out")
    assert found.about.attributes == tuple(reversed(ATTRIBUTES))
    assert np.array_equal(found.masks(0)[::-1].mean(axis=(1, 2)) > 0, read_masks(root, 8).any(axis=(1, 2)))
    explained = siam.explain(siam.load(model, device="cpu"), read_image(found.picture(0)))
    assert found.contributions[0] == pytest.approx(explained.contributions, abs=1e-4)


def test_the_first_n_by_id_and_never_larger_than_the_photo(evaluate, root, pair, tmp_path):
    status, out, err = evaluate("rendered", root, pair, tmp_path / "out", "--gallery-count", 3, "--split", "all")
    assert status == 0 and err.endswith("out holds 3 photos\n")
    assert json.loads(out)["n"] == 12  # figures are still those of all
    found = store.read(tmp_path / "out")
    assert list(found.photos["identifier"]) == ["1", "2", "3"]
    assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    with Image.open(found.picture(0)) as picture:
        assert picture.size == (80, 80)


def test_a_gallery_is_replaced_with_what_only_it_needed(evaluate, root, pair, tmp_path):
    folder = tmp_path / "out"
    evaluate("rendered", root, pair, folder, "--split", "all")
    (folder / "images" / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in (folder / "images").iterdir()}
    evaluate("rendered", root, pair, folder, "--split", "all", "--gallery-count", 4)
    assert {path.name for path in (folder / "images").iterdir()} == {"1.jpg", "2.jpg", "3.jpg", "4.jpg", "notes.txt"}
    assert {path.name for path in (folder / "masks").iterdir()} == {"1.png", "2.png", "3.png", "4.png"}
    assert (folder / "images" / "3.jpg").read_bytes() == before["3.jpg"]


def test_photos_of_the_dataset_are_never_overwritten(evaluate, root, pair, tmp_path):
    for folder in (root, root / "images" / ".."):
        status, out, err = evaluate("rendered", root, pair, folder)
        assert (status, out) == (2, "") and "choose another folder for the gallery" in err
    odd = tmp_path / "odd"
    odd.mkdir()
    for name in ("ö.png", "ü.png"):
        Image.new("RGB", (50, 40)).save(odd / name)
    (odd / "ratings.csv").write_text("file,score\nö.png,3\nü.png,5\n", encoding="utf-8")
    status, _out, err = evaluate("folder", odd, pair, odd)  # its copy would be a photo of the dataset from then on
    assert status == 2 and "another folder" in err
    own = tmp_path / "images"
    own.mkdir()
    for name in ("1.jpg", "2.jpg"):
        (own / name).write_bytes((root / "images" / name).read_bytes())
    (own / "ratings.csv").write_text("file,score\n1.jpg,3\n2.jpg,5\n")
    status, _out, err = evaluate("folder", own, pair, tmp_path)
    assert status == 2 and "another folder" in err
    assert (own / "1.jpg").read_bytes() == (root / "images" / "1.jpg").read_bytes()


def test_where_the_scales_differ_there_is_no_verdict(evaluate, root, tmp_path):
    model = networks(tmp_path / "model", oasis.SCALE)
    evaluate("rendered", root, model, tmp_path / "out")
    found = store.read(tmp_path / "out")
    assert found.truths[0]["verdict"] is None and found.truths[0]["errors"] == {}
    assert (found.about.scale, found.about.crowd_scale) == (oasis.SCALE, rendered.SCALE)


# Other datasets


def test_photos_of_scenicornot_keep_their_authors(evaluate, tmp_path):
    write_photos(tmp_path / "data")
    root = tmp_path / "data" / "scenicornot"
    rows = [(n, f"images/{n}.jpg", f"Author {n}", "A “hill”", f"https://www.geograph.org.uk/photo/{n}", "CC BY-SA 2.0")
            for n in range(1, 25)]  # fmt: skip
    with (root / "attribution.csv").open("w", newline="") as file:
        csv.writer(file).writerows([ATTRIBUTION_COLUMNS, *rows])
    status, _out, _err = evaluate("scenicornot", root, networks(tmp_path / "m", scenicornot.SCALE), tmp_path / "out")
    found = store.read(tmp_path / "out")
    assert status == 0 and len(found) > 2 and set(found.truths) == {None}
    for _row, photo in found.photos.iterrows():
        number = int(photo["identifier"])
        assert photo["author"] == f"Author {number}" and photo["link"].endswith(f"/photo/{number}")
        assert (photo["title"], photo["licence"]) == ("A “hill”", "CC BY-SA 2.0")
        assert tuple(photo["votes"]) == (7 + number % 2, 3 + 4 * (number % 2), 5 + number % 2)
    assert found.masks(0) is None


def write_oasis(root):
    """Write six rated photos; the second is not public."""
    (root / "images").mkdir(parents=True)
    lines = ["file,beauty_mean,beauty_sd,beauty_n,source,public_name,sha256"]
    contents = {}
    for n in range(6):
        picture = Image.new("RGB", (90, 70), (40 * n, 100, 200))
        picture.save(root / "images" / f"Lake_{n}.jpg")
        data = (root / "images" / f"Lake_{n}.jpg").read_bytes()
        contents[f"Lake {n}.jpg"] = data
        public = f"Lake {n}.jpg,{hashlib.sha256(data).hexdigest()}" if n != 1 else ","
        lines.append(f"Lake_{n}.jpg,{2 + n / 2},1.5,{100 + n},Pixabay,{public}")
    (root / "ratings.csv").write_text("\n".join(lines) + "\n")
    return contents


def test_without_pictures_it_names_their_public_addresses(evaluate, tmp_path):
    contents = write_oasis(tmp_path / "oasis")
    model = networks(tmp_path / "model", oasis.SCALE)
    status, _out, _err = evaluate("oasis", tmp_path / "oasis", model, tmp_path / "out", "--gallery-without-pictures")
    assert status == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["gallery.parquet"]
    found = store.read(tmp_path / "out")
    photos = found.photos
    assert photos["image"][0] == (
        "https://raw.githubusercontent.com/bkurdi/shiny-server/1a3bcada01115bbe651bf0e69f7410c8ef63cc94/images/"
        "Lake%200.jpg"
    )
    assert photos["sha256"][0] == hashlib.sha256(contents["Lake 0.jpg"]).hexdigest()
    assert photos["link"][0].startswith("https://github.com/bkurdi/shiny-server/blob/1a3bcada")
    assert photos["author"][0] == "Pixabay, by way of OASIS"
    assert pd.isna(photos["image"][1]) and pd.isna(photos["sha256"][1]) and pd.isna(photos["link"][1])
    assert [found.picture(row) for row in range(6)] == [None] * 6
    assert list(photos["vote_count"]) == [100, 101, 102, 103, 104, 105]
    assert photos["crowd_sd"][0] == pytest.approx(1.5) and photos["votes"].isna().all()


def test_photos_without_ratings_have_scores_but_no_crowd(evaluate, tmp_path):
    write_photos(tmp_path / "data")
    model = networks(tmp_path / "model", scenicornot.SCALE)
    status, _out, _err = evaluate("sun", tmp_path / "data" / "sun", model, tmp_path / "out")
    found = store.read(tmp_path / "out")
    assert status == 0 and len(found) == 4
    for column in ("crowd_mean", "crowd_sd", "votes", "vote_count", "author", "truth"):
        assert column == "truth" or found.photos[column].isna().all()
    assert found.photos["baseline"].notna().all()
    assert list(found.photos["identifier"]) == ["5", "11", "17", "23"] and found.picture(0).suffix == ".jpg"


def test_names_that_do_not_do_as_files_become_numbers(evaluate, tmp_path):
    root = tmp_path / "own"
    for name in ("a/lake.jpg", "b/lake.jpg", "Größe.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (50, 40)).save(root / name)
    (root / "ratings.csv").write_text("file,score\na/lake.jpg,3\nb/lake.jpg,5\nGröße.png,4\n", encoding="utf-8")
    status, _out, _err = evaluate("folder", root, networks(tmp_path / "m", scenicornot.SCALE), tmp_path / "out")
    found = store.read(tmp_path / "out")
    assert status == 0
    told = dict(zip(found.photos["identifier"], found.photos["image"], strict=True))
    assert told == {"Größe.png": "images/00001.jpg", "a/lake.jpg": "images/00002.jpg", "b/lake.jpg": "images/00003.jpg"}


@pytest.mark.parametrize("wrong", [("--gallery-count", "0"), ("--gallery-size", "5"), ("--gallery-size", "big")])
def test_settings_that_cannot_be_are_refused(evaluate, root, pair, tmp_path, wrong):
    with pytest.raises(SystemExit) as stopped:
        evaluate("rendered", root, pair, tmp_path / "out", *wrong)
    assert stopped.value.code == 2


# The file


ABOUT = About("tiny", scenicornot.SCALE, ("sky", "road"), "made up", "all", "2026-11-21", "python", None)
DIGEST = "0" * 64
ENTRY = Entry("1", siam=5.5, bias=5.0, contributions=[1.25, -0.75], presence=[0.9, 0.1])


def refusal(folder):
    with pytest.raises(DatasetError) as caught:
        store.read(folder)
    message = str(caught.value)
    assert message.startswith(str(folder / "gallery.parquet")) and "\n" not in message
    return message


def test_the_smallest_gallery_comes_back(tmp_path):
    writing.write(tmp_path, ABOUT, [ENTRY, replace(ENTRY, identifier="2", contributions=[-0.5, 1.0])])
    found = store.read(tmp_path)
    assert found.about == ABOUT and len(found) == 2
    assert list(found.photos["biggest_cause"]) == ["sky", "road"]
    assert found.contributions.tolist() == [[1.25, -0.75], [-0.5, 1.0]]
    assert found.presence == pytest.approx(np.array([[0.9, 0.1], [0.9, 0.1]]))
    assert found.picture(0) is None and found.masks(0) is None and found.photos["baseline"].isna().all()
    with pytest.raises(ValueError, match="with 2 contributions and presences"):
        writing.write(tmp_path, ABOUT, [replace(ENTRY, contributions=[1.0])])
    with pytest.raises(ValueError, match="presence"):
        writing.write(tmp_path, ABOUT, [replace(ENTRY, presence=[1.0])])
    with pytest.raises(ValueError):
        writing.write(tmp_path, ABOUT, [])


def test_a_glance_tells_what_reading_tells(tmp_path):
    writing.write(tmp_path, ABOUT, [ENTRY, replace(ENTRY, identifier="2")])
    assert store.peek(tmp_path) == (ABOUT, 2)
    facts = store.read(tmp_path).facts(0)
    assert facts["identifier"] == "1" and facts["author"] is None and facts["crowd_mean"] is None
    path = tmp_path / "gallery.parquet"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DatasetError, match="not readable as parquet"):
        store.peek(tmp_path)
    path.unlink()
    with pytest.raises(DatasetError, match="is missing"):
        store.peek(tmp_path)


def test_no_two_photos_are_called_the_same():
    root = Path("/data")
    for names, expected in (
        (["images/7.jpg", "images/a.png"], ["7", "a.png"]),
        (["1.jpg", "1.png", "2.jpg"], ["1.jpg", "1.png", "2"]),
        (["a.jpg", "images/a.jpg"], ["a.jpg", "images/a.jpg"]),
        (["1.jpg", "images/1.jpg", "sub/1.jpg"], ["1.jpg", "images/1.jpg", "sub/1.jpg"]),
    ):
        assert identifiers([root / name for name in names], root) == expected


PLACES = [(57.5, -6.25), (None, None), (-90.0, 180.0), (0.1234567891, -180.0)]


def test_where_photos_were_taken_comes_back_to_the_last_digit(tmp_path):
    placed = [
        replace(ENTRY, identifier=str(n), latitude=north, longitude=east) for n, (north, east) in enumerate(PLACES)
    ]
    writing.write(tmp_path, ABOUT, placed)
    found = store.read(tmp_path)
    assert [(found.facts(row)["latitude"], found.facts(row)["longitude"]) for row in range(4)] == PLACES
    assert writing.entries_of(found)[2].longitude == 180 and writing.entries_of(found)[1].latitude is None
    cases = read_cases(found)
    assert cases.table["latitude"].tolist() == pytest.approx([57.5, np.nan, -90, 0.1234567891], nan_ok=True)
    told = list(csv.DictReader(StringIO(csv_text(cases, np.arange(4)))))
    assert [(row["latitude"], row["longitude"]) for row in told] == [
        ("57.500000", "-6.250000"), ("", ""), ("-90.000000", "180.000000"), ("0.123457", "-180.000000"),
    ]  # fmt: skip


def test_photos_are_located_by_identifier_or_by_the_name_of_their_owner(tmp_path):
    writing.write(tmp_path, ABOUT, [replace(ENTRY, file="b/2.jpg"), replace(ENTRY, identifier="2", file="walk/1.jpg")])
    assert writing.locate(tmp_path, {"1": (57.5, -6.25)}) == 1
    assert writing.locate(tmp_path, {"walk/1.jpg": (-90, 180)}) == 2
    found = store.read(tmp_path)
    assert found.photos[["latitude", "longitude"]].to_numpy().tolist() == [[57.5, -6.25], [-90, 180]]
    assert found.about == ABOUT and found.facts(0)["siam"] == 5.5
    before = (tmp_path / "gallery.parquet").read_bytes()
    for places, words in (
        ({"3": (0, 0)}, "no photo '3': give names such as '1'"),
        ({"1": (-6.25, 257.5)}, "cannot be at latitude -6.25, longitude 257.5"),
        ({"1": (float("nan"), 0)}, "cannot be at latitude nan"),
    ):
        with pytest.raises(DatasetError, match=words):
            writing.locate(tmp_path, places)
    assert (tmp_path / "gallery.parquet").read_bytes() == before


def test_a_file_from_before_photos_had_places_is_read_as_ever(tmp_path):
    rewritten(tmp_path / "gallery.parquet", lambda table: table.drop_columns(["latitude", "longitude"]))
    found = store.read(tmp_path)
    assert found.facts(0)["latitude"] is None and read_cases(found).table["longitude"].isna().all()


@pytest.mark.parametrize(
    ("latitude", "longitude", "words"),
    [
        (57.5, None, "only one of latitude and longitude of '2'"),
        (None, 6.0, "only one of latitude and longitude of '2'"),
        (90.001, 6.0, "the latitude 90.001 of '2', not -90 to 90"),
        (-91.0, 6.0, "the latitude -91 of '2'"),
        (57.5, 180.5, "the longitude 180.5 of '2', not -180 to 180"),
        (6_400_000.0, 250_000.0, "the latitude 6.4e+06 of '2'"),
        (float("nan"), 6.0, "the latitude nan of '2'"),
        (57.5, float("-inf"), "the longitude -inf of '2'"),
    ],
)
def test_a_place_that_is_none_is_refused(latitude, longitude, words, tmp_path):
    bad = replace(ENTRY, identifier="2", latitude=latitude, longitude=longitude)
    writing.write(tmp_path, ABOUT, [replace(ENTRY, latitude=57.5, longitude=-6.25), bad])
    assert words in refusal(tmp_path)


def test_two_photos_of_one_name_are_refused(tmp_path):
    writing.write(tmp_path, ABOUT, [ENTRY, ENTRY])
    assert "two photos called '1'" in refusal(tmp_path)


def test_what_is_no_gallery_is_refused(tmp_path):
    assert "is missing" in refusal(tmp_path)
    path = tmp_path / "gallery.parquet"
    writing.write(tmp_path, ABOUT, [ENTRY])
    whole = path.read_bytes()
    for damage in (b"", b"no parquet", whole[: len(whole) // 2], whole[:-30] + bytes(30), b"\0" * len(whole)):
        path.write_bytes(damage)
        assert "not readable as parquet" in refusal(tmp_path)
    table = pq.read_table(BytesIO(whole))
    for column in ("identifier", "title"):  # text of other bytes than UTF-8
        text = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 2], np.int32)), pa.py_buffer(b"\xff\xfe"))
        place = table.schema.get_field_index(column)
        pq.write_table(table.set_column(place, table.schema.field(column), text), path)
        assert "not readable as parquet" in refusal(tmp_path)
    pq.write_table(pa.table({"a": [1]}), path)
    assert "a parquet file but not a gallery" in refusal(tmp_path)
    path.unlink()
    path.mkdir()
    assert "not readable" in refusal(tmp_path)


def rewritten(path, change=lambda table: table, **told):
    """Store the gallery of one entry with something other in it."""
    writing.write(path.parent, ABOUT, [ENTRY])
    table = pq.read_table(path)
    metadata = json.loads(table.schema.metadata[b"siam_gallery"]) | told
    pq.write_table(change(table).replace_schema_metadata({b"siam_gallery": json.dumps(metadata)}), path)


@pytest.mark.parametrize(
    ("change", "told", "words"),
    [
        (lambda table: table, {"format": 2}, "a format other than 1"),
        (lambda table: table, {"scale": {"name": "x"}}, "does not say where its scores come from"),
        (lambda table: table, {"scale": {"name": "x", "low": 1, "high": float("nan")}}, "two numbers, the lowest"),
        (lambda table: table, {"attributes": 5}, "does not say where"),
        (lambda table: table, {"attributes": ["sky"]}, "2 numbers as contributions of '1'"),
        (lambda table: table.drop_columns(["crowd_sd"]), {}, "lacks the column 'crowd_sd'"),
        (lambda table: table.set_column(7, "siam", pa.array(["5"])), {}, "column 'siam' as string"),
        (lambda table: table.slice(0, 0), {}, "holds no photos"),
        (lambda table: table.set_column(7, "siam", pa.array([6.0], pa.float32())), {}, "do not sum to SIAM's score"),
        (lambda table: table.set_column(7, "siam", pa.array([None], pa.float32())), {}, "empty cell"),
        (lambda table: table.set_column(7, "siam", pa.array([np.nan], pa.float32())), {}, "do not sum"),
        (lambda table: table.set_column(1, "image", pa.array(["../1.jpg"])), {}, "outside its folder"),
        (lambda table: table.set_column(1, "image", pa.array(["/etc/passwd"])), {}, "outside its folder"),
        (lambda table: table.set_column(1, "image", pa.array(["https://a/1.jpg"])), {}, "without its SHA-256"),
        (lambda table: table.set_column(1, "image", pa.array(["file:///a/1.jpg"])), {}, "outside its folder"),
        (lambda table: table.set_column(17, "truth", pa.array(["{"])), {}, "a damaged truth"),
        (lambda table: table.set_column(17, "truth", pa.array(['{"mask": "../1.png"}'])), {}, "something other"),
        (lambda table: table.set_column(17, "truth", pa.array(['{"verdict": "guilty"}'])), {}, "an unknown verdict"),
    ],
)
def test_a_file_that_is_not_as_its_schema_says_is_refused(change, told, words, tmp_path):
    rewritten(tmp_path / "gallery.parquet")
    assert len(store.read(tmp_path)) == 1
    rewritten(tmp_path / "gallery.parquet", change, **told)
    assert words in refusal(tmp_path)


def test_masks_that_are_gone_or_do_not_fit_are_told(root, pair, evaluate, tmp_path):
    evaluate("rendered", root, pair, tmp_path / "out")
    found = store.read(tmp_path / "out")
    Image.fromarray(np.full((60, 60), 250, dtype=np.uint8)).save(tmp_path / "out" / found.truths[0]["mask"])
    (tmp_path / "out" / found.truths[1]["mask"]).unlink()
    for row in (0, 1):
        with pytest.raises(DatasetError, match=r"masks/\d+\.png"):
            found.masks(row)


def test_a_write_that_fails_leaves_the_old_gallery(tmp_path, monkeypatch):
    writing.write(tmp_path, ABOUT, [ENTRY])

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        writing.write(tmp_path, ABOUT, [replace(ENTRY, identifier="2")])
    assert list(store.read(tmp_path).photos["identifier"]) == ["1"]


# Pictures that come when asked


@pytest.fixture
def server():
    with running_server() as server:
        yield server


@pytest.fixture
def web():
    with Web(Patience(attempts=2, silence=5), sleep=lambda _seconds: None) as web:
        yield web


def picture_files():
    found = []
    for n in range(3):
        stored = BytesIO()
        Image.new("RGB", (40, 40), (80 * n, 0, 0)).save(stored, "JPEG")
        found.append(stored.getvalue())
    return found


@pytest.fixture
def shipped(server, tmp_path):
    """A gallery of three public pictures and one photo without any."""
    entries = [replace(ENTRY, identifier="none")]
    for n, data in enumerate(picture_files()):
        server.files[f"/images/Lake%20{n}.JPG"] = Stored(data)
        entries.append(
            replace(
                ENTRY,
                identifier=str(n),
                image=f"{server.address}/images/Lake%20{n}.JPG",
                sha256=hashlib.sha256(data).hexdigest(),
            )
        )
    writing.write(tmp_path / "shipped", ABOUT, entries)
    return store.read(tmp_path / "shipped")


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_pictures_are_fetched_once_and_checked(shipped, server, web, tmp_path):
    folder, told = tmp_path / "cache", []
    assert here(shipped, folder) == (None,) * 4 and server.log == []
    found = fetch(shipped, folder, lambda done, of: told.append((done, of)), web)
    assert found[0] is None and [path.read_bytes() for path in found[1:]] == picture_files()
    assert told == [(1, 3), (2, 3), (3, 3)] and len(server.log) == 3
    assert here(shipped, folder) == found and fetch(shipped, folder, web=web) == found
    assert len(server.log) == 3
    assert {path.suffix for path in found[1:]} == {".jpg"}


def test_a_damaged_picture_in_the_cache_is_fetched_anew(shipped, server, web, tmp_path):
    found = fetch(shipped, tmp_path / "cache", web=web)
    found[2].write_bytes(b"half")
    assert fetch(shipped, tmp_path / "cache", web=web)[2].read_bytes() == picture_files()[1]
    assert len(server.log) == 4


def test_another_picture_is_refused_and_leaves_nothing(shipped, server, web, tmp_path):
    server.files["/images/Lake%201.JPG"] = Stored(b"something other")
    with pytest.raises(DownloadError, match=r"Lake%201\.JPG is not the picture") as caught:
        fetch(shipped, tmp_path / "cache", web=web)
    assert "\n" not in str(caught.value)
    assert names(tmp_path / "cache") == [f"{shipped.photos['sha256'][1]}.jpg"]  # what came before is kept


@pytest.mark.parametrize("fault", [Fault(drop=100), Fault(cut=100), Fault(status=503), Fault(status=404)])
def test_what_the_server_does_wrong_leaves_nothing_by_half(shipped, server, web, tmp_path, fault):
    server.faults["/images/Lake%200.JPG"] = [fault] * 2
    with pytest.raises(DownloadError) as caught:
        fetch(shipped, tmp_path / "cache", web=web)
    assert "\n" not in str(caught.value)
    assert names(tmp_path / "cache") == []
    server.faults.clear()
    found = fetch(shipped, tmp_path / "cache", web=web)  # once it is well again
    assert [path.read_bytes() for path in found[1:]] == picture_files()


def test_offline_it_says_so_in_one_line(shipped, tmp_path):
    with running_server() as gone:
        address = gone.address
    photos = shipped.photos.assign(image=[None, *[f"{address}/{n}.jpg" for n in range(3)]])
    with Web(Patience(attempts=2), sleep=lambda _seconds: None) as web, pytest.raises(DownloadError) as caught:
        fetch(replace(shipped, photos=photos), tmp_path / "cache", web=web)
    assert address in str(caught.value) and "\n" not in str(caught.value)
    assert names(tmp_path / "cache") == []


def test_a_cache_that_cannot_be_written_is_told_in_one_line(shipped, web, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError) as caught:
        fetch(shipped, tmp_path / "cache", web=web)
    assert "cache" in str(caught.value) and "\n" not in str(caught.value)


def test_by_default_pictures_are_kept_in_the_users_cache(shipped, web, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    found = fetch(shipped, web=web)
    assert found[1].parent == tmp_path / "xdg" / "siam-explorer" / "pictures"
    assert here(shipped) == found
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert pictures.cache_folder() == tmp_path / ".cache" / "siam-explorer" / "pictures"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert pictures.cache_folder() == tmp_path / "Library" / "Caches" / "siam-explorer" / "pictures"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert pictures.cache_folder() == tmp_path / "local" / "siam-explorer" / "pictures"


def test_a_dataset_without_public_names_has_no_addresses(tmp_path):
    (tmp_path / "ratings.csv").write_text("file,beauty_mean\na.jpg,3\n")
    assert public_pictures(tmp_path) == {}
