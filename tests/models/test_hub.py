"""The Hub: what is pushed comes back, pinned revisions stay, the cache answers, and errors are one plain sentence."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest
from huggingface_hub import constants

import siam
from siam.cli.main import main
from siam.models.checkpoint import Pair, save
from siam.models.model_card import model_card
from tests.support.hub_server import TOKEN, Repository, used_hub
from tests.support.networks import baseline_network, siam_network
from tests.support.paths import ROOT

REPOSITORY = "someone/some-networks"
FILES = {"card.json", "siam.safetensors", "baseline.safetensors"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("networks"), "first")


def make_folder(folder, name, **changes):
    card = {"summary": "Noise | only.", "training_data": "Noise.", "metrics": {"siam": {"oasis": {"tau": 0.25}}}}
    baseline = None if changes.pop("alone", False) else baseline_network()
    save(Pair(name, siam_network(**changes), baseline, card), folder)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Serve a Hub and let huggingface_hub use it, with a cache and a token of its own."""
    with used_hub(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def stored(hub, folder, tmp_path):
    """Put two commits into a repository: the first, tagged v1, and a newer one that is called second."""
    repository = hub.repositories[REPOSITORY] = Repository()
    first = repository.commit({**contents(folder), "README.md": b"for people"}, "main", "v1")
    newer = make_folder(tmp_path / "newer", "second", alone=True, seed=1)
    second = repository.commit(contents(newer), "main", "feature/new")
    return first, second


def load_name(source):
    return siam.load(source, device="cpu").name


def test_newest_tag_branch_and_commit(stored):
    first, second = stored
    assert load_name(REPOSITORY) == "second"
    for revision in ("v1", first):
        assert load_name(f"{REPOSITORY}@{revision}") == "first"
    for revision in ("main", "feature/new", second):
        assert load_name(f"{REPOSITORY}@{revision}") == "second"


def test_only_the_files_of_the_pair_are_fetched_and_only_once(hub, stored):
    siam.load(f"{REPOSITORY}@v1", device="cpu")
    assert {request.rsplit("/", 1)[1] for request in hub.files_asked_for()} == FILES
    hub.requests.clear()
    assert load_name(f"{REPOSITORY}@v1") == "first"
    assert hub.requests == [f"GET /api/models/{REPOSITORY}/revision/v1"]  # where v1 points to now
    hub.requests.clear()
    assert load_name(f"{REPOSITORY}@{stored[0]}") == "first"  # a commit cannot change
    assert hub.requests == []


def test_a_moved_branch_brings_the_new_files(hub, stored, folder):
    assert load_name(REPOSITORY) == "second"
    hub.repositories[REPOSITORY].commit(contents(folder))
    assert load_name(REPOSITORY) == "first"


def test_offline_the_cache_answers_alone(hub, stored, monkeypatch):
    load_name(f"{REPOSITORY}@v1")
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_name(f"{REPOSITORY}@v1") == "first"
    assert load_name(f"{REPOSITORY}@{stored[0]}") == "first"
    with pytest.raises(siam.CheckpointError, match="'someone/some-networks' is not in the local cache, and HF_HUB_O"):
        siam.load(REPOSITORY)
    with pytest.raises(siam.CheckpointError, match="'other/networks@v2' is not in the local cache"):
        siam.load("other/networks@v2")
    assert hub.requests == []


def test_without_network_the_cache_answers_too(hub, stored, monkeypatch):
    load_name(REPOSITORY)
    with socket.socket() as probe:  # a port that nobody listens on
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{probe.getsockname()[1]}")
        assert load_name(REPOSITORY) == "second"
        with pytest.raises(siam.CheckpointError, match=r"the Hub could not be reached for 'other/n' \(.*refused.*\)"):
            siam.load("other/n")


@pytest.mark.parametrize(
    ("source", "failures", "message"),
    [
        ("other/networks", {}, r"the Hub has no repository 'other/networks', or it is private \(401\): check the name"),
        (f"{REPOSITORY}@v9", {}, "'someone/some-networks@v9': the Hub has no such revision"),
        (REPOSITORY, {"GET /api": 404}, r"the Hub has no repository 'someone/some-networks', .*\(404\)"),
        (REPOSITORY, {"GET /api": 403}, r"does not allow this for 'someone/some-networks' \(403\): .* may read"),
        (REPOSITORY, {"GET /api": 500}, r"the Hub answered 500 for 'someone/some-networks' \(as the test wants it\)"),
        (REPOSITORY, {"HEAD /": 404}, r"the Hub has no repository .someone/some-networks., or it is private \(404\)"),
        (f"{REPOSITORY}@", {}, "names no revision"),
        ("-/networks", {}, "'-/networks' is not the name of a Hub repository: expected owner/name"),
        ("a..b/networks", {}, "is not the name of a Hub repository"),
    ],
)
def test_what_the_hub_does_not_give(hub, stored, source, failures, message, capfd):
    hub.failures |= failures
    with pytest.raises(siam.CheckpointError, match=message) as raised:
        siam.load(source)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")  # the library's own remarks are kept from the user


@pytest.mark.parametrize("source", ["models/official", "-/networks", "a..b/networks"])
def test_a_missing_folder_is_told_beside_the_hub(hub, source):
    with pytest.raises(
        siam.CheckpointError, match=rf"^there is no folder {source}, and as a Hub repository: \S"
    ) as told:
        siam.load(source)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("source", ["./a", "../a", "/models/a", "~/a", "models/", "a\\b"])
def test_what_can_only_be_a_folder_is_not_looked_for_on_the_hub(hub, source):
    with pytest.raises(siam.CheckpointError, match=rf"^there is no folder {re.escape(source)}: give a folder with"):
        siam.load(source)
    assert hub.requests == []


def test_a_file_and_a_name_nearly_right(hub, tmp_path):
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(siam.CheckpointError, match=r"card\.json is a file: give the folder that holds it"):
        siam.load(str(tmp_path / "card.json"))
    with pytest.raises(siam.CheckpointError, match=r"no networks named 'Photos'; did you mean 'photo'\?: give a"):
        siam.load("Photos")
    assert hub.requests == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files.pop("card.json"), "on the Hub holds no card.json, so it is not a pair of this program"),
        (lambda files: files.clear(), "on the Hub holds no card.json"),
        (lambda files: files.pop("siam.safetensors"), "siam.safetensors is missing"),
        (lambda files: files.update({"siam.safetensors": b"\x80\x02."}), "not a readable safetensors file"),
        (
            lambda files: files.update({"card.json": files["card.json"].replace(b'"format": 1', b'"format": 2')}),
            "has format 2; this version reads format 1: update SIAM Explorer",
        ),
    ],
)
def test_repository_that_holds_no_sound_pair(hub, folder, change, message):
    files = contents(folder)
    change(files)
    hub.repositories[REPOSITORY] = repository = Repository()
    repository.commit({**files, "other.bin": b"1"})
    with pytest.raises(siam.CheckpointError, match=message):
        siam.load(REPOSITORY)


def test_push_uploads_exactly_the_files_of_the_pair(hub, folder, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name, data in contents(folder).items():
        (source / name).write_bytes(data)
    (source / "secret.txt").write_text("not for others")
    (source / "README.md").write_text("my notes")
    address = siam.push(source, "me/new", message="The first")
    repository = hub.repositories["me/new"]
    digest = repository.references["main"]
    assert address == f"{hub.address}/me/new/commit/{digest}"
    files = repository.commits[digest]
    assert set(files) == {*FILES, "README.md", ".gitattributes"}
    assert {name: files[name] for name in FILES} == contents(folder)
    assert files["README.md"].decode() == model_card(json.loads(files["card.json"]), "me/new")
    assert repository.messages == ["The first"]
    assert not repository.private
    assert (source / "README.md").read_text() == "my notes"
    assert load_name("me/new") == "first"


def test_push_without_baseline_to_a_branch_of_a_private_repository(hub, tmp_path):
    make_folder(tmp_path / "alone", "alone", alone=True)
    (tmp_path / "alone" / "baseline.safetensors").write_bytes(b"left over")
    for _ in range(2):  # repository and branch exist the second time
        siam.push(tmp_path / "alone", "me/new", private=True, revision="trial")
    repository = hub.repositories["me/new"]
    assert repository.private
    assert set(repository.commits[repository.references["main"]]) == {".gitattributes"}
    assert set(repository.commits[repository.references["trial"]]) == {
        "card.json", "siam.safetensors", "README.md", ".gitattributes",
    }  # fmt: skip
    assert load_name("me/new@trial") == "alone"


def test_private_push_does_not_go_to_a_public_repository(hub, stored, folder):
    with pytest.raises(siam.CheckpointError, match="exists and is public"):
        siam.push(folder, REPOSITORY, private=True)
    assert hub.repositories[REPOSITORY].messages == []


def test_push_needs_a_token(hub, folder, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(siam.CheckpointError, match=r"needs a token for the Hub.*hf auth login.*HF_TOKEN"):
        siam.push(folder, "me/new")
    assert hub.requests == []
    (tmp_path / "token").write_text(TOKEN)  # where `hf auth login` puts it
    siam.push(folder, "me/new")
    assert "me/new" in hub.repositories


@pytest.mark.parametrize(
    ("failures", "message"),
    [
        ({"POST /api/repos": 401}, r"needs a valid token \(401\) for 'me/new'"),
        ({"POST /api/repos": 403}, r"does not allow this for 'me/new' \(403\): use a token that may write it"),
        ({"POST /api/repos": 404}, r"the Hub has no repository 'me/new'"),
        ({"POST /api/repos": 500}, r"the Hub answered 500 for 'me/new'"),
        ({"POST /api/models": 403}, r"\(403\)"),
        ({"PUT /lfs": 403}, r"\(403\)"),
        ({"POST /api/models/me/new/commit": 500}, "the Hub answered 500"),
    ],
)
def test_push_that_the_hub_refuses(hub, folder, failures, message, capfd):
    hub.failures |= failures
    status = main(["push", str(folder), "me/new"])
    out, err = capfd.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(message, err)


def test_push_with_a_wrong_token_or_no_network(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(siam.CheckpointError, match=r"needs a valid token \(401\)"):
        siam.push(folder, "me/new")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(siam.CheckpointError, match="HF_HUB_OFFLINE is set, so nothing can be pushed"):
        siam.push(folder, "me/new")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(siam.CheckpointError, match="the Hub could not be reached for 'me/new'"):
        siam.push(folder, "me/new")


def test_nothing_damaged_is_pushed(hub, folder, tmp_path):
    for name, data in contents(folder).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "siam.safetensors").write_bytes(b"")
    with pytest.raises(siam.CheckpointError, match="not a readable safetensors file"):
        siam.push(tmp_path, "me/new")
    for source, message in (("nothing", "no networks named 'nothing'"), ("other/networks", "is not a folder")):
        with pytest.raises(siam.CheckpointError, match=message):
            siam.push(source, "me/new")
    for repository in ("new", "me/new/er", "me/new@trial", "me/", "me/n ew"):
        with pytest.raises(siam.CheckpointError, match="is not the name of a Hub repository"):
            siam.push(folder, repository)
    assert hub.requests == []


def test_commands_with_the_address_in_the_environment(hub, folder, tmp_path):
    """As users have it: HF_ENDPOINT, HF_HOME and HF_TOKEN choose Hub, cache and token of a process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": TOKEN}
    environment |= {"HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"}

    def run(*arguments, **changes):
        command = [sys.executable, "-m", "siam", *map(str, arguments)]
        return subprocess.run(
            command, cwd=ROOT, env={**environment, **changes}, capture_output=True, text=True, timeout=1200
        )

    pushed = run("push", folder, "me/new", "--private", "--revision", "trial", "--message", "From a process")
    assert pushed.returncode == 0, pushed.stderr
    repository = hub.repositories["me/new"]
    assert pushed.stdout == f"{hub.address}/me/new/commit/{repository.references['trial']}\n"
    assert repository.private and repository.messages == ["From a process"]
    photo = ROOT / "assets/gallery/open-photos/images/lake-boats.jpg"
    online = run("explain", photo, "--json", "--model", "me/new@trial")
    offline = run("explain", photo, "--json", "--model", "me/new@trial", HF_HUB_OFFLINE="1")
    assert online.returncode == offline.returncode == 0, online.stderr + offline.stderr
    assert online.stderr == offline.stderr == pushed.stderr == ""
    assert json.loads(online.stdout) == json.loads(offline.stdout)
    assert json.loads(online.stdout)["model"] == "first"


def test_model_card_says_what_the_card_says():
    card = {
        "name": "a <b>",
        "summary": "Two\nlines.",
        "training_data": "Photos.",
        "limits": "Many.",
        "metrics": {"siam": {"oasis": {"tau": 0.631612, "n": 141}}, "tau": None, "sun": {"per_attribute": {"sand": 1}}},
        "siam": {"backbone": "resnet50", "attributes": ["x"], "scale": {"name": "beauty | OASIS", "low": 1, "high": 7}},
        "baseline": None,
    }
    text = model_card(card, "me/new")
    assert text.startswith("---\nlibrary_name: siam-explorer\n")
    for words in (
        "# a &lt;b>\n",
        "\nTwo lines.\n",
        'siam.load("me/new")',
        "SIAM alone, backbone `resnet50`, 1 attributes. Scores: beauty \\| OASIS, 1 to 7.",
        "| siam · oasis · tau | 0.631612 |\n| siam · oasis · n | 141 |\n| tau | undefined |",
        "## Limits\n\nMany.",
    ):
        assert words in text, words
    assert "sand" not in text
