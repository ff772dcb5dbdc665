"""Downloads from a server that fails in every way it can: nothing lost, nothing half-written, nothing fetched twice."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import numpy as np
import pytest

from siam.datasets.downloads import files
from siam.datasets.downloads.files import download
from siam.datasets.downloads.web import DownloadError, Patience, RefusedError, Web, retry_after
from siam.errors import StorageError
from siam.runtime.files import exclusive, write_atomically
from tests.support.file_server import Fault, Stored, running_server
from tests.support.paths import ROOT

DATA = np.random.default_rng(0).bytes(300_000)
PATH = "/data/archive.bin"


@pytest.fixture(scope="module")
def one_server():
    with running_server() as server:
        yield server


@pytest.fixture
def server(one_server):
    one_server.files.clear()
    one_server.faults.clear()
    one_server.log.clear()
    one_server.go_on.clear()
    one_server.files[PATH] = Stored(DATA)
    return one_server


def run(*arguments, **settings):
    """Run `python -m siam data download` in a process of its own; return its status, stdout and stderr."""
    answer = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, **settings)
    return answer.returncode, answer.stdout, answer.stderr


def command(*arguments):
    return [sys.executable, "-m", "siam", "data", "download", *map(str, arguments)]


def stop_once(started, reached, how=signal.SIGKILL):
    """Stop a process, by default with no chance to tidy up, as soon as `reached` says so; return status and stderr."""
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background job would not hear Ctrl-C
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(started, cwd=ROOT, preexec_fn=heard, **pipes)
    try:
        until = time.monotonic() + 30
        while not reached():
            assert process.poll() is None, "the process ended before it was stopped"
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(how)
        _out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    return process.returncode, err


def refusal(web, server, target, error=DownloadError, **settings):
    """Return the one line with which a download is given up; its final name does not exist."""
    with pytest.raises(error) as caught:
        download(web, server.address + PATH, target, **settings)
    assert "\n" not in str(caught.value)
    assert not target.exists()
    return str(caught.value)


def test_a_file_comes_whole_and_leaves_nothing_else(web, server, tmp_path):
    target = tmp_path / "new" / "archive.bin"
    assert download(web, server.address + PATH, target) == target
    assert target.read_bytes() == DATA
    assert list(target.parent.iterdir()) == [target]
    download(web, server.address + PATH, target)  # it is there: nobody is asked
    assert len(server.log) == 1


def test_an_empty_file_comes_too(web, server, tmp_path):
    server.files[PATH] = Stored(b"")
    assert download(web, server.address + PATH, tmp_path / "empty").read_bytes() == b""


def test_after_dropped_connections_only_the_rest_is_asked_for(web, server, tmp_path, pauses):
    server.faults[PATH] = [Fault(drop=100_000), Fault(drop=0), Fault(drop=50_000), Fault(drop=1)]
    target = download(web, server.address + PATH, tmp_path / "archive.bin")
    assert target.read_bytes() == DATA
    assert sum(asked.sent for asked in server.log) == len(DATA)
    ranges = [asked.headers.get("Range") for asked in server.log]
    assert ranges == [None, "bytes=100000-", "bytes=100000-", "bytes=150000-", "bytes=150001-"]
    assert all(asked.headers["If-Range"] == '"one"' for asked in server.log[1:])
    assert all(asked.headers["Accept-Encoding"] == "identity" for asked in server.log)
    assert len(pauses) == 4


@pytest.mark.parametrize(
    ("stored", "resumes"),
    [
        (Stored(DATA, etag=None, modified="Sat, 21 Nov 2026 08:00:00 GMT"), True),
        (Stored(DATA, etag='W/"weak"', modified="Sat, 21 Nov 2026 08:00:00 GMT"), True),
        (Stored(DATA, etag='W/"weak"'), False),  # which does not promise the same bytes
        (Stored(DATA, etag=None), False),
        (Stored(DATA, ranges=False), False),
    ],
)
def test_it_begins_anew_where_it_cannot_go_on(web, server, tmp_path, stored, resumes):
    server.files[PATH] = stored
    server.faults[PATH] = [Fault(drop=100_000)]
    assert download(web, server.address + PATH, tmp_path / "archive.bin").read_bytes() == DATA
    assert sum(asked.sent for asked in server.log) == len(DATA) + (0 if resumes else 100_000)


def test_a_file_that_changed_on_the_server_begins_anew(web, server, tmp_path):
    target = tmp_path / "archive.bin"
    server.faults[PATH] = [Fault(drop=100_000), *[Fault(status=503)] * 5]
    refusal(web, server, target)
    assert (tmp_path / "archive.bin.part").stat().st_size == 100_000
    changed = bytes(reversed(DATA))
    server.files[PATH] = Stored(changed, etag='"two"')
    assert download(web, server.address + PATH, target).read_bytes() == changed


def test_a_server_that_continues_another_file_is_not_believed(web, server, tmp_path):
    """It heeds Range but not If-Range; only the new ETag betrays that the rest is of another file."""
    target = tmp_path / "archive.bin"
    server.faults[PATH] = [Fault(drop=100_000), *[Fault(status=503)] * 5]
    refusal(web, server, target)
    changed = bytes(reversed(DATA))
    server.files[PATH] = Stored(changed, etag='"two"', modified='"one"')
    assert download(web, server.address + PATH, target).read_bytes() == changed


def test_a_part_of_another_address_is_not_continued(web, server, tmp_path):
    target = tmp_path / "archive.bin"
    server.faults[PATH] = [Fault(drop=100_000), *[Fault(status=503)] * 5]
    refusal(web, server, target)
    server.files["/mirror"] = Stored(bytes(reversed(DATA)))
    assert download(web, server.address + "/mirror", target).read_bytes() == bytes(reversed(DATA))


@pytest.mark.parametrize("about", ["", "[]", "{", '{"url": 3}'])
def test_a_damaged_note_beside_the_part_costs_only_time(web, server, tmp_path, about):
    (tmp_path / "archive.bin.part").write_bytes(b"something else")
    (tmp_path / "archive.bin.part.json").write_text(about)
    assert download(web, server.address + PATH, tmp_path / "archive.bin").read_bytes() == DATA


def test_a_part_that_was_complete_only_gets_its_name(web, server, tmp_path):
    """Killed between the last byte and the renaming, whether or not the size was known."""
    for size, requests in ((len(DATA), 0), (None, 1)):
        server.log.clear()
        target = tmp_path / f"{size}.bin"
        target.with_name(f"{target.name}.part").write_bytes(DATA)
        about = {"url": server.address + PATH, "validator": '"one"', "size": size}
        target.with_name(f"{target.name}.part.json").write_text(json.dumps(about))
        assert download(web, server.address + PATH, target).read_bytes() == DATA
        assert len(server.log) == requests
        assert sum(asked.sent for asked in server.log) == 0


def test_a_part_longer_than_the_file_begins_anew(web, server, tmp_path):
    (tmp_path / "archive.bin.part").write_bytes(DATA + b"more")
    about = {"url": server.address + PATH, "validator": '"one"', "size": None}
    (tmp_path / "archive.bin.part.json").write_text(json.dumps(about))
    assert download(web, server.address + PATH, tmp_path / "archive.bin").read_bytes() == DATA


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_an_answer_that_will_not_change_is_taken_at_once(web, server, tmp_path, pauses, status):
    server.faults[PATH] = [Fault(status=status)]
    message = refusal(web, server, tmp_path / "archive.bin", RefusedError)
    assert str(status) in message
    assert PATH in message
    assert pauses == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_growing_pauses(web, server, tmp_path, pauses, status):
    server.faults[PATH] = [Fault(status=status)] * 4
    assert download(web, server.address + PATH, tmp_path / "archive.bin").read_bytes() == DATA
    assert len(pauses) == 4
    for number, pause in enumerate(pauses):
        assert 2**number / 2 <= pause <= 2**number


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(web, server, tmp_path, pauses, status):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.faults[PATH] = [
        Fault(status=status, headers=(("Retry-After", "7"),)),
        Fault(status=status, headers=(("Retry-After", date),)),
        Fault(status=status, headers=(("Retry-After", "soon"),)),  # then our own pause
    ]
    assert download(web, server.address + PATH, tmp_path / "archive.bin").read_bytes() == DATA
    assert pauses[0] == 7
    assert 80 < pauses[1] <= 90
    assert 2 <= pauses[2] <= 4


def test_retry_after_reads_numbers_and_dates():
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert [retry_after(value) for value in (None, "", "x", "-3", " 12 ", "0", past)] == [None] * 4 + [12, 0, 0]


def test_a_server_that_asks_for_too_long_a_wait_is_given_up(web, server, tmp_path, pauses):
    server.faults[PATH] = [Fault(status=429, headers=(("Retry-After", "7200"),))]
    assert "in 120 minutes" in refusal(web, server, tmp_path / "archive.bin")
    assert pauses == []


def test_attempts_without_progress_come_to_an_end(web, server, tmp_path, pauses):
    server.faults[PATH] = [Fault(status=503)] * 100
    message = refusal(web, server, tmp_path / "archive.bin")
    assert "503" in message
    assert "6 attempts" in message
    assert len(server.log) == 6
    assert len(pauses) == 5


def test_dropping_at_the_same_place_for_ever_comes_to_an_end(web, server, tmp_path):
    """Without parts, each attempt brings the same bytes again: that is no progress."""
    server.files[PATH].ranges = False
    server.faults[PATH] = [Fault(drop=100_000)] * 100
    refusal(web, server, tmp_path / "archive.bin")
    assert len(server.log) <= 7


def test_no_server_at_all_is_one_line(web, tmp_path, pauses):
    with pytest.raises(DownloadError, match=r"^http://127\.0\.0\.1:9/x: .* try again later"):
        download(web, "http://127.0.0.1:9/x", tmp_path / "x")
    assert len(pauses) == 5
    with pytest.raises(DownloadError, match="not an address"):
        download(web, "ftp://127.0.0.1/x", tmp_path / "x")
    assert len(pauses) == 5


def test_a_silent_server_counts_as_a_lost_connection(server, tmp_path):
    server.faults[PATH] = [Fault(stall=100_000)]
    with Web(Patience(silence=0.3), sleep=lambda _seconds: None) as web:
        assert download(web, server.address + PATH, tmp_path / "archive.bin").read_bytes() == DATA
    assert server.log[1].headers["Range"] == "bytes=100000-"


def test_a_truncated_body_is_caught_by_the_checksum(web, server, tmp_path):
    server.faults[PATH] = [Fault(cut=1000), Fault(cut=299_999)]
    digest = hashlib.sha256(DATA).hexdigest()
    assert download(web, server.address + PATH, tmp_path / "archive.bin", digest).read_bytes() == DATA
    message = refusal(web, server, tmp_path / "other.bin", sha256="0" * 64)
    assert "checksum" in message
    assert [path.name for path in tmp_path.iterdir()] == ["archive.bin"]


def test_a_truncated_rest_is_continued(web, server, tmp_path):
    """The length of a part is promised twice, by Content-Length and by Content-Range; the latter tells."""
    server.faults[PATH] = [Fault(drop=100_000), Fault(cut=1000)]
    assert download(web, server.address + PATH, tmp_path / "archive.bin").read_bytes() == DATA
    assert server.log[-1].headers["Range"] == "bytes=101000-"


def test_parts_of_a_file_come_exactly(web, server):
    server.faults[PATH] = [Fault(drop=10_000), Fault(status=503), Fault(drop=500)]
    received = []
    assert web.read_range(server.address + PATH, 1234, 56_789, received.append) == DATA[1234:56_789]
    assert sum(received) == 56_789 - 1234 == sum(asked.sent for asked in server.log)
    server.files[PATH].ranges = False
    with pytest.raises(DownloadError, match="does not serve parts"):
        web.read_range(server.address + PATH, 1234, 56_789)


def test_another_host_gets_the_range_but_not_the_key(server):
    """As on the Hub, whose addresses lead on to a storage elsewhere."""
    elsewhere = server.address.replace("127.0.0.1", "localhost")
    server.files["/elsewhere"] = Stored(DATA)
    server.faults[PATH] = [Fault(status=302, headers=(("Location", f"{elsewhere}/elsewhere"),))]
    with Web(headers={"Authorization": "Bearer secret"}) as web:
        assert web.read_range(server.address + PATH, 5, 99) == DATA[5:99]
    first, second = server.log
    assert first.headers["Authorization"] == "Bearer secret"
    assert "Authorization" not in second.headers
    assert second.headers["Range"] == "bytes=5-98"


def test_large_answers_are_refused_where_small_ones_are_expected(web, server):
    assert web.get(server.address + PATH) == DATA
    with pytest.raises(RefusedError, match="larger than 0 MB"):
        web.get(server.address + PATH, most=299_999)
    with pytest.raises(RefusedError, match="did not return JSON"):
        web.get_json(server.address + PATH)


def test_requests_keep_their_rate(server):
    pauses = []
    with Web(rate=4, sleep=pauses.append) as web:
        for _number in range(5):
            web.get(server.address + PATH)
    # Nobody really slept, so each turn lies further ahead: 1/4 s, 2/4 s, … less the time the requests took.
    assert len(pauses) == 4
    assert pauses[-1] == pytest.approx(1, abs=0.5)
    assert np.all(np.diff(pauses) > 0)


def test_too_little_room_is_said_before_anything_is_stored(web, server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 100_000})
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _path: usage)
    told = refusal(web, server, tmp_path / "archive.bin")
    assert "MB are needed, but only 0.1 MB are free: free some space" in told


def test_a_folder_that_cannot_be_written_is_one_line(web, server, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=r"check the free space and the permissions") as caught:
        download(web, server.address + PATH, tmp_path / "file" / "archive.bin")
    assert str(tmp_path / "file") in str(caught.value)


def test_writing_atomically_replaces_or_leaves_alone(tmp_path, monkeypatch):
    path = tmp_path / "photo.jpg"
    write_atomically(path, b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="No space left"):
        patch.setattr(os, "fsync", full)
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_download_into_the_same_folder_is_refused(tmp_path):
    with (
        exclusive(tmp_path),
        pytest.raises(StorageError, match="another command is writing there"),
        exclusive(tmp_path),
    ):
        pass
    with exclusive(tmp_path):
        pass


def test_a_wrong_clock_here_does_not_change_how_long_a_server_asks_to_wait():
    server = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    then, now = (format_datetime(time, usegmt=True) for time in (server + timedelta(seconds=90), server))
    assert retry_after(then, now) == 90 and retry_after(then, "no date") == 0
    assert retry_after(now, then) == 0
