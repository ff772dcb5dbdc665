"""ScenicOrNot from the Hub, of which only the needed row groups are read, and from Geograph with attribution."""

import csv
import io
import json
import statistics

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from siam.datasets import scenicornot as reader
from siam.datasets.downloads import geograph, scenicornot
from siam.datasets.downloads.attribution import Attribution, credit
from siam.datasets.downloads.selection import Request
from siam.datasets.downloads.web import DownloadError
from tests.datasets.downloads.test_files import command, run, stop_once
from tests.support.file_server import Fault, Stored, running_server

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "owner/scenic"
GROUP, GROUPS, SHARDS = 10, 4, 3  # rows in a row group, row groups in a shard, shards
COUNT = GROUP * GROUPS * SHARDS  # photos: 90 train, 12 val, 18 test, in the paper's proportions


def picture(identifier):
    """Return a JPEG that differs for each ID, of about 15 kB."""
    pixels = np.random.default_rng(identifier).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


PICTURES = {identifier: picture(identifier) for identifier in range(1000, 1000 + COUNT)}


def votes_of(identifier):
    random = np.random.default_rng(identifier)
    return random.integers(1, 11, random.integers(3, 9)).tolist()


def rows(identifiers):
    """Return the Hub's columns for some photos."""
    votes = [votes_of(identifier) for identifier in identifiers]
    return {
        "id": pa.array(identifiers, pa.int64()),
        "gridimage_id": pa.array([identifier * 7 for identifier in identifiers], pa.int64()),
        "lat": [50 + identifier / 1000 for identifier in identifiers],
        "lon": [-identifier / 1000 for identifier in identifiers],
        "average": [statistics.fmean(vote) for vote in votes],
        "variance": [float(statistics.pvariance(vote)) for vote in votes],
        "votes": [",".join(map(str, vote)) for vote in votes],
        "title": [f'Lake "{identifier}",\n near a ford' for identifier in identifiers],
        "imagetaken": ["2010-01-01"] * len(identifiers),
        "image": pa.array([{"bytes": PICTURES[i], "path": f"{i}.jpg"} for i in identifiers]),
    }


def shard(columns, **settings):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=GROUP, **settings)
    return file.getvalue()


def put(server, order, **settings):
    """Put the dataset on the server, its photos in the given order."""
    parts = np.split(np.array(order), SHARDS)
    for number, part in enumerate(parts):
        name = f"data/train-{number:05}-of-{SHARDS:05}.parquet"
        path = f"/datasets/{REPOSITORY}/resolve/{COMMIT}/{name}"
        server.files[path] = Stored(shard(rows(part.tolist()), **settings))
    siblings = [{"rfilename": "README.md", "size": 10}]
    siblings += [
        {"rfilename": path.split(f"{COMMIT}/")[1], "size": len(stored.data)}
        for path, stored in server.files.items()
        if COMMIT in path
    ]
    about = json.dumps({"sha": COMMIT, "siblings": siblings}).encode()
    for revision in ("main", COMMIT, "v1"):
        server.files[f"/api/datasets/{REPOSITORY}/revision/{revision}"] = Stored(about)


@pytest.fixture
def server(monkeypatch):
    with running_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


def shard_bytes(server):
    return sum(asked.sent for asked in server.log if asked.path.endswith(".parquet"))


def fetch(root, web, **request):
    return scenicornot.fetch(root, web, Request(**request), REPOSITORY)


def listed(root):
    """Return the rows of attribution.csv by ID."""
    with (root / "attribution.csv").open(encoding="utf-8", newline="") as file:
        return {int(row["ID"]): row for row in csv.DictReader(file)}


def assert_photos(root, identifiers):
    """Assert that exactly these photos are there, whole, and attributed."""
    assert {path.name for path in (root / "images").iterdir()} == {f"{identifier}.jpg" for identifier in identifiers}
    for identifier in identifiers:
        assert (root / "images" / f"{identifier}.jpg").read_bytes() == PICTURES[identifier]
    assert set(listed(root)) == set(identifiers)


ORDERS = {"sorted": list(PICTURES), "shuffled": np.random.default_rng(0).permutation(list(PICTURES)).tolist()}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("settings", [{}, {"write_statistics": False}], ids=["statistics", "no statistics"])
def test_the_papers_split_comes_from_all_ids(server, web, tmp_path, order, settings):
    put(server, ORDERS[order], **settings)
    test = sorted(PICTURES)[-18:]
    summary = fetch(tmp_path, web, split="test")
    assert (summary.asked, summary.here) == (18, 18)
    assert_photos(tmp_path, test)
    photos = reader.read(tmp_path)
    assert photos.files == tuple(tmp_path / "images" / f"{identifier}.jpg" for identifier in test)
    assert set(photos.split) == {"test"}
    assert photos.scores.tolist() == pytest.approx([statistics.fmean(votes_of(i)) for i in test])
    assert photos.variances is not None
    assert photos.variances.tolist() == pytest.approx([float(statistics.pvariance(votes_of(i))) for i in test])


def test_only_the_needed_row_groups_are_read(server, web, tmp_path):
    """Five photos of a sorted dataset lie in one row group; beside it come footers and the columns without pictures."""
    put(server, ORDERS["sorted"])
    whole = sum(len(stored.data) for path, stored in server.files.items() if path.endswith(".parquet"))
    group = sum(len(PICTURES[identifier]) for identifier in sorted(PICTURES)[-10:])
    fetch(tmp_path, web, split="test", limit=5)
    first = shard_bytes(server)
    # Footers are fetched with PyArrow's guess of 64 KiB, or the whole shard if that is smaller.
    assert first < group + SHARDS * 65_536 + whole / 20
    assert first < whole / 2
    server.log.clear()
    fetch(tmp_path, web, split="test", limit=5)
    assert shard_bytes(server) == 0  # all is here
    fetch(tmp_path, web, split="test", limit=10)
    assert 0 < shard_bytes(server) < group * 1.2  # the tables are kept; the same row group once more
    assert_photos(tmp_path, sorted(PICTURES)[-10:])


def test_with_a_limit_the_fullest_row_groups_come_first(server, web, tmp_path):
    """In a shuffled dataset, photos of a split lie everywhere: few row groups, not the lowest IDs, keep it quick."""
    put(server, ORDERS["shuffled"])
    test = set(sorted(PICTURES)[-18:])
    groups = [set(ORDERS["shuffled"][start : start + GROUP]) & test for start in range(0, COUNT, GROUP)]
    fetch(tmp_path, web, split="test", limit=max(map(len, groups)))
    assert set(listed(tmp_path)) in groups


def test_with_votes_at_hand_statistics_spare_the_other_tables(server, web, tmp_path):
    put(server, ORDERS["sorted"])
    other = tmp_path / "other"
    fetch(other, web, split="test", limit=5)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "votes.tsv").write_bytes((other / "votes.tsv").read_bytes())
    server.log.clear()
    fetch(tmp_path / "mine", web, split="test", limit=5)
    assert_photos(tmp_path / "mine", listed(other))
    ranges = {}
    for asked in server.log:
        if asked.path.endswith(".parquet"):
            ranges.setdefault(asked.path[-22:-8], []).append(asked.headers["Range"])
    # The last shard: footer, the tables of the two row groups that reach into the test split, one with pictures.
    assert [len(found) for _name, found in sorted(ranges.items())] == [1, 1, 4]


def test_votes_are_written_in_the_owners_columns(server, web, tmp_path):
    put(server, ORDERS["shuffled"])
    fetch(tmp_path, web, split="val")
    lines = (tmp_path / "votes.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "ID\tLat\tLon\tAverage\tVariance\tVotes\tGeograph URI"
    assert len(lines) == COUNT + 1
    first = lines[1].split("\t")
    assert first[0] == "1000"
    assert first[5] == ",".join(map(str, votes_of(1000)))
    assert first[6] == "http://www.geograph.org.uk/photo/7000"


def test_authors_stand_beside_the_photos(server, web, tmp_path):
    put(server, ORDERS["sorted"])
    fetch(tmp_path, web, split="test", limit=2)
    for identifier, row in listed(tmp_path).items():
        assert row["file"] == f"images/{identifier}.jpg"
        assert row["page"] == f"https://www.geograph.org.uk/photo/{identifier * 7}"
        assert row["title"] == f'Lake "{identifier}", near a ford'
        assert row["author"] == "see page"
        assert row["licence"].startswith("CC BY-SA 2.0")


def test_bad_rows_and_pictures_are_named_and_left_out(server, web, tmp_path, capsys):
    order = ORDERS["sorted"]
    columns = rows(order[:40])
    columns["votes"][0] = "7;4"
    columns["votes"][1] = None
    columns["average"][2] += 1
    columns["title"][3] = None
    pictures = [{"bytes": PICTURES[i], "path": ""} for i in order[:40]]
    pictures[4], pictures[5], pictures[6] = {"bytes": b"no picture", "path": ""}, {"bytes": None, "path": ""}, None
    columns["image"] = pa.array(pictures)
    put(server, order)
    name = "train-00000-of-00003.parquet"
    server.files[f"/datasets/{REPOSITORY}/resolve/{COMMIT}/data/{name}"] = Stored(shard(columns))
    for path, stored in server.files.items():
        if "/api/" in path:
            about = json.loads(stored.data)
            about["siblings"][1]["size"] = len(shard(columns))
            stored.data = json.dumps(about).encode()
    summary = fetch(tmp_path, web, split="train")
    assert (summary.asked, summary.here) == (88, 85)  # 117 good rows, of which three in four
    said = capsys.readouterr().err
    for identifier in (1000, 1002, 1004, 1005, 1006):
        assert f"skipped: photo {identifier}: " in said
    assert said.count("skipped") == 5  # 1001 has too few votes, which is no fault
    assert not {1000, 1001, 1002, 1004, 1005, 1006} & set(listed(tmp_path))
    assert 1003 in listed(tmp_path)
    assert len(reader.read(tmp_path).files) == 85  # the table that was written is in order


def test_drops_and_busy_answers_on_the_way_change_nothing(server, web, tmp_path, pauses):
    put(server, ORDERS["shuffled"])
    for path in server.files:
        server.faults[path] = [Fault(status=503), Fault(drop=100), Fault(status=429, headers=(("Retry-After", "30"),))]
    fetch(tmp_path, web)
    assert_photos(tmp_path, PICTURES)
    assert pauses.count(30) == len([path for path in server.files if path.endswith(".parquet")]) + 1


def test_the_first_runs_commit_is_kept(server, web, tmp_path):
    put(server, ORDERS["sorted"])
    fetch(tmp_path, web, split="test", limit=2)
    moved = json.dumps({"sha": "f" * 40, "siblings": [{"rfilename": "data/x.parquet", "size": 1}]}).encode()
    server.files[f"/api/datasets/{REPOSITORY}/revision/main"] = Stored(moved)
    fetch(tmp_path, web, split="test", limit=4)
    assert len(listed(tmp_path)) == 4
    scenicornot.fetch(tmp_path, web, Request("test", 6), REPOSITORY, "v1")
    assert len(listed(tmp_path)) == 6


def test_damaged_tables_in_the_cache_are_read_again(server, web, tmp_path):
    put(server, ORDERS["sorted"])
    fetch(tmp_path, web, split="test", limit=2)
    for path in (tmp_path / ".hub" / COMMIT).iterdir():
        path.write_bytes(path.read_bytes()[:50])
    fetch(tmp_path, web, split="test", limit=4)
    assert len(listed(tmp_path)) == 4


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"<html>", b'{"sha": "../..", "siblings": []}'])
def test_a_hub_that_answers_nonsense_is_one_line(server, web, tmp_path, answer):
    server.files[f"/api/datasets/{REPOSITORY}/revision/main"] = Stored(answer)
    with pytest.raises(DownloadError) as caught:
        fetch(tmp_path, web)
    assert "\n" not in str(caught.value)


def test_shards_of_something_else_are_one_line(server, web, tmp_path):
    put(server, ORDERS["sorted"])
    path = next(path for path in server.files if path.endswith(".parquet"))
    good = server.files[path].data
    other = io.BytesIO()
    pq.write_table(pa.table({"id": [1]}), other)
    for data in (bytes(len(good)), other.getvalue()):
        server.files[path] = Stored(data)
        put_size(server, path, len(data))
        with pytest.raises(DownloadError) as caught:
            fetch(tmp_path, web)
        assert "\n" not in str(caught.value)
        assert path in str(caught.value)


def put_size(server, path, size):
    """Tell another size of a shard."""
    for name, stored in server.files.items():
        if "/api/" in name:
            about = json.loads(stored.data)
            for sibling in about["siblings"]:
                if path.endswith(sibling["rfilename"]):
                    sibling["size"] = size
            stored.data = json.dumps(about).encode()


def test_the_command_killed_half_way_goes_on(server, tmp_path):
    """Killed in the middle of the second row group's pictures."""
    put(server, ORDERS["sorted"])
    arguments = ("scenicornot", "--root", tmp_path, "--split", "test", "--repo", REPOSITORY)
    assert run(*arguments, "--limit", 1)[0] == 0  # the tables
    server.log.clear()
    last = f"/datasets/{REPOSITORY}/resolve/{COMMIT}/data/train-00002-of-00003.parquet"
    server.faults[last] = [Fault(), Fault(stall=50_000)]  # one row group comes, the next one does not
    stop_once(command(*arguments), lambda: len(server.asked(last)) == 2 and server.asked(last)[1].sent == 50_000)
    before = {path.name: path.read_bytes() for path in (tmp_path / "images").iterdir() if path.suffix == ".jpg"}
    assert len(before) == 10
    assert all(data == PICTURES[int(name.removesuffix(".jpg"))] for name, data in before.items())
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert "18 of 18 photos" in out
    assert_photos(tmp_path, sorted(PICTURES)[-18:])
    assert len(server.asked(last)) == 3  # the row group that had come was not read again


def test_the_commands_mistakes_are_one_line(server, tmp_path):
    for arguments, words in (
        (("--repo", "no/such"), "404"),
        (("--limit", "0"), "--limit"),
        (("--source", "geograph", "--rate", "11"), "--rate"),
        (("--split", "all"), "--split"),
    ):
        status, out, err = run("scenicornot", "--root", tmp_path, *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert words in err


# Geograph


def put_votes(server, identifiers):
    """Put votes.tsv, and for each photo what oEmbed tells, and its picture."""
    lines = ["ID\tLat\tLon\tAverage\tVariance\tVotes\tGeograph URI"]
    for identifier in reversed(identifiers):
        votes = votes_of(identifier)
        cells = (identifier, 50.1, -1.2, f"{statistics.fmean(votes):.4f}", f"{statistics.pvariance(votes):.4f}")
        lines.append("\t".join(map(str, (*cells, ",".join(map(str, votes)), page_of(identifier)))))
        about = {"url": f"{server.address}/{identifier}.jpg", "author_name": f"Åsa {identifier}", "title": "A ford"}
        server.files[oembed_of(identifier)] = Stored(json.dumps(about).encode(), etag=None)
        server.files[f"/{identifier}.jpg"] = Stored(PICTURES[identifier])
    server.files["/votes.tsv"] = Stored(("\n".join(lines) + "\n").encode())


def page_of(identifier):
    return f"http://www.geograph.org.uk/photo/{identifier * 7}"


def oembed_of(identifier):
    return f"/oembed?url=https://www.geograph.org.uk/photo/{identifier * 7}&format=json"


def fetch_one_by_one(root, web, server, **request):
    addresses = (f"{server.address}/votes.tsv", f"{server.address}/oembed")
    return geograph.fetch(root, web, Request(**request), *addresses)


def test_geograph_gives_photos_and_authors(server, web, tmp_path):
    identifiers = sorted(PICTURES)[:40]  # 30 train, 4 val, 6 test
    put_votes(server, identifiers)
    server.faults["/1030.jpg"] = [Fault(drop=100), Fault(status=503)]
    summary = fetch_one_by_one(tmp_path, web, server, split="val")
    assert (summary.asked, summary.here) == (4, 4)
    assert_photos(tmp_path, identifiers[30:34])
    row = listed(tmp_path)[1030]
    assert (row["author"], row["title"]) == ("Åsa 1030", "A ford")
    assert row["page"] == "https://www.geograph.org.uk/photo/7210"
    assert row["licence"].startswith("CC BY-SA 2.0")
    requests = len(server.log)
    fetch_one_by_one(tmp_path, web, server, split="val")
    assert len(server.log) == requests
    assert set(reader.read(tmp_path).split) == {"val"}


def test_photos_that_are_gone_are_named_and_skipped(server, web, tmp_path, capsys):
    put_votes(server, sorted(PICTURES)[:8])
    del server.files[oembed_of(1000)]
    del server.files["/1001.jpg"]
    server.files["/1002.jpg"] = Stored(b"<html>no longer here</html>")
    server.files[oembed_of(1003)] = Stored(b'{"error": "not found"}')
    server.files[oembed_of(1004)] = Stored(b"not found")
    server.files[oembed_of(1005)] = Stored(b'{"url": "file:///etc/passwd"}')
    summary = fetch_one_by_one(tmp_path, web, server)
    assert (summary.asked, summary.here) == (8, 2)
    said = capsys.readouterr().err
    assert [f"skipped: photo {i}: " in said for i in range(1000, 1008)] == [True] * 6 + [False] * 2
    assert_photos(tmp_path, [1006, 1007])
    put_votes(server, sorted(PICTURES)[:8])
    assert fetch_one_by_one(tmp_path, web, server).here == 8  # the next run tries again


def test_a_service_that_knows_nothing_is_given_up(server, web, tmp_path):
    put_votes(server, sorted(PICTURES)[:40])
    for path in list(server.files):
        if path.startswith("/oembed"):
            del server.files[path]
    with pytest.raises(DownloadError, match="20 photos in a row"):
        fetch_one_by_one(tmp_path, web, server)


def test_geograph_killed_half_way_goes_on(server, tmp_path):
    put_votes(server, sorted(PICTURES)[:8])
    server.faults["/1004.jpg"] = [Fault(stall=1000)]
    addresses = ("--votes-url", f"{server.address}/votes.tsv", "--oembed-url", f"{server.address}/oembed")
    arguments = ("scenicornot", "--root", tmp_path, "--source", "geograph", "--rate", 10, *addresses)
    stop_once(command(*arguments), lambda: server.asked("/1004.jpg") and server.asked("/1004.jpg")[0].sent == 1000)
    assert_photos(tmp_path, [1000, 1001, 1002, 1003])
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert "8 of 8 photos" in out
    assert_photos(tmp_path, sorted(PICTURES)[:8])
    assert len(server.asked("/1003.jpg")) == 1
    assert len(server.asked("/votes.tsv")) == 1
    moments = sorted(asked.when for asked in server.log)[-8:]  # all of the second run's, and the last are in a row
    assert moments[-1] - moments[0] > 0.9 * 7 / 10


# attribution.csv


def make_list(root, *identifiers):
    attribution = Attribution(root)
    (root / "images").mkdir(exist_ok=True)
    for identifier in identifiers:
        (root / "images" / f"{identifier}.jpg").write_bytes(b"photo")
        attribution.add([credit(identifier, "Ann", 'A "lake",\nnorth\u2028side', "page")])


def test_a_list_cut_anywhere_by_a_crash_is_mended(tmp_path):
    make_list(tmp_path, 11, 12, 13)
    whole = (tmp_path / "attribution.csv").read_bytes()
    for length in range(0, len(whole), 3):
        (tmp_path / "attribution.csv").write_bytes(whole[:length])
        attribution = Attribution(tmp_path)
        has = [attribution.has(identifier) for identifier in (11, 12, 13)]
        complete = whole[:length].count(b"\n") - 1
        assert has == [number < complete for number in range(3)]
        attribution.add(
            [credit(identifier, "Ann", 'A "lake",\nnorth\u2028side', "page") for identifier in (11, 12, 13)]
        )
        assert (tmp_path / "attribution.csv").read_bytes() == whole


def test_a_listed_photo_that_was_removed_is_not_here(tmp_path):
    make_list(tmp_path, 11, 12)
    (tmp_path / "images" / "11.jpg").unlink()
    assert [Attribution(tmp_path).has(identifier) for identifier in (11, 12, 13)] == [False, True, False]


def test_another_file_of_that_name_is_left_alone(tmp_path):
    path = tmp_path / "attribution.csv"
    path.write_text("who,what\nme,this\n")
    with pytest.raises(Exception, match="lacks its header"):
        Attribution(tmp_path)
    assert path.read_text() == "who,what\nme,this\n"
