"""How long explainers take on this machine, in seconds and in words."""

import time
from collections.abc import Sequence

import streamlit as st
import torch

from siam.explainers import explainer
from siam.explainers.attribution import network_for
from siam.explanation.inference import Explanation
from siam.gallery.scoring import take_half_of_the_cores
from siam.images.preprocessing import target_size
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from siam.runtime.devices import device_of
from siam.runtime.jobs import Job, Watch
from ui.add_gallery.tasks import Lock
from ui.state import chosen

_BACKWARD = 3  # a forward pass with its gradient costs about as much as three without


def seconds(pair: Pair, lock: Lock, explanation: Explanation, names: Sequence[str]) -> dict[str, float]:
    """Return roughly how many seconds each explainer takes at most for one photo, in a job on half the cores."""
    source, networks, size = chosen.pair().source, identity(pair), _input(pair, explanation)
    passes = {name: _passes(source, networks, name, size, pair, lock) for name in names}
    return {
        name: count * (_BACKWARD if explainer(name).kind == "gradient" else 1) * of_a_pass(pair, lock, explanation)
        for name, count in passes.items()
    }


def of_a_pass(pair: Pair, lock: Lock, explanation: Explanation) -> float:
    """Return roughly how many seconds one forward pass of a photo takes on half the cores."""
    height, width = _input(pair, explanation)
    return height * width * _of_a_pixel(chosen.pair().source, identity(pair), pair, lock)


def text(duration: float) -> str:
    """Return a duration in words: "less than a second", "about 20 s", "about 2 min"."""
    if round(duration) < 1:
        return "less than a second"
    if duration >= 90:
        return f"about {duration / 60:.0f} min"
    return f"about {duration:.0f} s" if duration < 10 else f"about {round(duration, -1):.0f} s"


def cost_text(duration: float, passes: int) -> str:
    """Return what a map cost: "0.07 s · 1 pass"."""
    spent = f"{duration:.2f} s" if duration < 10 else f"{duration:.0f} s"
    return f"{spent} · {passes:,} {'pass' if passes == 1 else 'passes'}"


def _input(pair: Pair, explanation: Explanation) -> tuple[int, int]:
    width, height = explanation.photo_size or explanation.image.size
    return target_size((height, width), pair.config)


@st.cache_resource(show_spinner=False, max_entries=256)
def _passes(source: str, identity: str, name: str, size: tuple[int, int], _pair: Pair, _lock: Lock) -> int:
    """Return how many passes an explainer takes for pictures of that height and width, counted for all sessions."""
    with _lock:  # a method may have to run the network to know
        return explainer(name).passes(network_for(_pair, name), *size)


@st.cache_resource(show_spinner=False, max_entries=8, ttl=600)
def _of_a_pixel(source: str, identity: str, _pair: Pair, _lock: Lock) -> float:
    """Return the seconds per pixel of one forward pass, measured for all sessions and repeated as the load changes."""
    return Job(lambda watch: _measured(_pair, _lock, watch)).result()


def _measured(pair: Pair, lock: Lock, watch: Watch) -> float:
    take_half_of_the_cores()
    model = pair.baseline or pair.siam
    side, best = pair.config.image_size, float("inf")
    images = torch.zeros(2, 3, side, side, device=device_of(model))
    with lock, torch.inference_mode():
        for _warm in range(3):
            watch.check()
            began = time.perf_counter()
            model(images).scenicness.cpu()  # waits for a graphics card
            best = min(best, time.perf_counter() - began)
    return best / (len(images) * side * side)
