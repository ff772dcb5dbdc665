"""Two versions of a small pair, and a gallery that the first has scored."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from siam.datasets import oasis
from siam.gallery.folder import Source, build
from siam.models.checkpoint import Pair, load, save
from tests.gallery.test_store import network_on
from tests.support.networks import baseline_network

MORE = 0.25  # points: what the newer version adds to every score
LOCK = nullcontext()


def stored_pair(place, scale=oasis.SCALE, more=0.0, version="1.0", **settings):
    """Save networks of which only SIAM's bias, and so every score, is `more` than those of version 1.0."""
    network, other = network_on(scale), baseline_network()
    with torch.no_grad():
        network.scenicness_head.bias += more
    network.config = replace(network.config, **settings)
    other.config = replace(other.config, **settings)
    save(Pair("tiny", network, other, {"version": version}), place)
    return place


def pictures(root, count=3):
    random = np.random.default_rng(0)
    root.mkdir(parents=True)
    for number in range(count):
        pixels = random.integers(0, 256, (40 + number, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((1200, 800 + 20 * number)).save(root / f"{number}.png")
    (root / "ratings.csv").write_text("file,score (1 to 7)\n0.png,2\n1.png,5\n")
    return root


def older_gallery(base):
    """Put version 1.1 into runs/tiny below a folder, and into galleries/walk what version 1.0 says of photos."""
    stored_pair(base / "before")
    stored_pair(base / "runs" / "tiny", more=MORE, version="1.1")
    source = Source("folder", pictures(base / "photos"), "tiny")
    build(load(base / "before", device="cpu"), LOCK, source, base / "galleries" / "walk")
    return base
