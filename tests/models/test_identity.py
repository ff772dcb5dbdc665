"""Networks are known by their numbers, and by nothing else."""

import gc
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import siam
from siam.models.checkpoint import Pair, save
from siam.models.fitted import Fitted
from siam.models.identity import fingerprint, identity, record_name
from siam.runtime.digests import digest
from tests.support.networks import baseline_network, siam_network


def pair(seed=0):
    return Pair("tiny", siam_network(seed=seed), baseline_network(seed=seed), {})


def test_it_depends_on_the_numbers_not_on_the_object(tmp_path):
    first = pair()
    save(first, tmp_path)
    assert identity(first) == identity(pair())
    assert identity(siam.load(tmp_path, device="cpu")) == identity(siam.load(tmp_path, device="cpu"))
    assert len({identity(first), identity(pair(1)), identity(first.siam), identity(first.baseline)}) == 4
    assert identity(Pair("other", first.siam, None, {})) not in (identity(first), identity(first.baseline))


def change_a_weight(networks):
    with torch.no_grad():
        networks.siam.scenicness_head.bias += 1e-6


def exchange_a_layer(networks):
    networks.baseline.linear.weight = torch.nn.Parameter(networks.baseline.linear.weight * 2)


def load_others(networks):
    networks.siam.load_state_dict(siam_network(seed=1).state_dict())


def change_a_statistic(networks):
    next(networks.siam.buffers()).add_(1)


def change_the_config(networks):
    networks.siam.config = replace(networks.siam.config, image_size=64)


def learn(networks):
    networks.baseline.fitted = {"vebi": Fitted({"relevance": torch.ones(3)}, {})}


@pytest.mark.parametrize(
    "change", [change_a_weight, exchange_a_layer, load_others, change_a_statistic, learn, change_the_config]
)
def test_a_change_is_noticed(change):
    networks = pair()
    before = identity(networks)
    assert identity(networks) == before
    change(networks)
    assert identity(networks) != before
    assert (identity(networks, learnt=False) == before) == (change is learn)  # nothing had been learnt before


def test_it_is_computed_once(monkeypatch):
    networks = pair()
    first = identity(networks), identity(networks, learnt=False)
    monkeypatch.setattr(hashlib, "sha256", None)
    assert (identity(networks), identity(networks, learnt=False)) == first


def test_an_object_at_the_place_of_one_that_is_gone_is_not_taken_for_it():
    seen = set()
    for seed in range(8):  # each lies where the one before lay
        seen.add(identity(baseline_network(seed)))
        gc.collect()
    assert len(seen) == 8


def test_the_names_in_stored_files_stay_as_they_are():
    """Computed as the files that are stored were: were a name to change, none would be known again."""
    networks = pair()
    learn(networks)
    half, exact = hashlib.sha256(), hashlib.sha256()
    for name, tensor in sorted(networks.baseline.state_dict().items()):
        half.update(name.encode() + tensor.half().numpy().tobytes())
    assert fingerprint(networks.baseline) == half.hexdigest()
    record = hashlib.sha256(half.hexdigest().encode())
    record.update(b"vebi relevance" + torch.ones(3).numpy().tobytes())
    assert record_name(networks.baseline) == record.hexdigest()[:16]
    for network in (networks.siam, networks.baseline):
        exact.update(repr(network.config).encode())
        for name, tensor in network.state_dict().items():
            exact.update(name.encode() + tensor.numpy().tobytes())
    assert identity(networks, learnt=False) == exact.hexdigest()


def test_one_checksum_for_bytes_and_files(tmp_path):
    path = Path(tmp_path / "photo.jpg")
    path.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert digest(path) == digest(b"abc") == known
