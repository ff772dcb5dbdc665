"""What crosses the land: paths, tracks, roads and railways."""

import numpy as np

from siam.worlds.landscapes.ground.cover import Ground
from siam.worlds.landscapes.paint.noise import smoothstep
from siam.worlds.landscapes.plan import Strip

_GAUGE, _SLEEPERS = 1.45, 0.62  # metres between the rails, and from sleeper to sleeper
_DASHES = 6.0  # metres from dash to dash of a road's middle line


def lay(ground: Ground, strip: Strip) -> None:
    """Lay a strip over the land: its surface, and whatever is painted or fixed on it."""
    _KINDS[strip.kind](ground, strip)


def _along(ground: Ground, strip: Strip) -> np.ndarray:
    return ground.x if strip.course.across else ground.z


def _fine(ground: Ground, metres: float) -> np.ndarray:
    """Return how well (n,), 0 to 1, a pixel resolves details of a size."""
    pixels = metres * ground.canvas.camera.focal / ground.z
    if metres < 1:
        pixels = pixels * np.minimum(1, ground.canvas.camera.height * 6 / ground.z)  # foreshortened
    return smoothstep(pixels, 0.6, 2.5)


def _path(ground: Ground, strip: Strip) -> None:
    ragged = 0.35 * ground.rough.at(ground.x * 2, ground.z * 2)
    blur = 0.10 + ground.z / ground.canvas.camera.focal
    aside = np.abs(strip.course.offset(ground.x, ground.z)) + ragged * np.minimum(1, 8 / ground.z)
    half = strip.course.width / 2
    ground.spread("gravel", smoothstep(aside, half + blur, half - blur) * strip.course.within(ground.z))


def _track(ground: Ground, strip: Strip) -> None:
    share, aside = ground.strip(strip.course, strip.course.width)
    ground.spread("earth", 0.45 * share)
    blur = 0.06 + ground.z / ground.canvas.camera.focal
    ruts = smoothstep(np.abs(np.abs(aside) - 0.3 * strip.course.width), 0.38 + blur, 0.38 - blur)
    ground.spread("mud", ruts * share)


def _road(ground: Ground, strip: Strip) -> None:
    course = strip.course
    verge, _aside = ground.strip(course, course.width + 1.2)
    ground.spread("lawn", verge)
    share, aside = ground.strip(course, course.width)
    ground.spread("asphalt", share)
    blur = 0.02 + 0.5 * ground.z / ground.canvas.camera.focal
    edge = smoothstep(np.abs(np.abs(aside) - (course.width / 2 - 0.25)), 0.06 + blur, 0.06) * _fine(ground, 0.12)
    dashed = (_along(ground, strip) % _DASHES) < 0.5 * _DASHES
    middle = smoothstep(np.abs(aside), 0.07 + blur, 0.07) * dashed * _fine(ground, 0.14)
    ground.tint((0.88, 0.88, 0.85), np.clip(edge + middle, 0, 1) * 0.85 * share)


def _rails(ground: Ground, strip: Strip) -> None:
    share, aside = ground.strip(strip.course, strip.course.width)
    ground.spread("ballast", share)
    along = _along(ground, strip) % _SLEEPERS / _SLEEPERS
    sleepers = (np.abs(aside) < 1.25) * smoothstep(np.abs(along - 0.5), 0.26, 0.2)
    seen = _fine(ground, _SLEEPERS)
    ground.tint((0.27, 0.20, 0.15), share * (np.abs(aside) < 1.25) * (0.4 * (1 - seen) + sleepers * seen) * 0.9)
    blur = 0.02 + 0.6 * ground.z / ground.canvas.camera.focal
    rails = smoothstep(np.abs(np.abs(aside) - _GAUGE / 2), 0.05 + blur, 0.04)
    ground.tint((0.66, 0.64, 0.62), share * rails * np.minimum(1, 0.12 / blur * 2))


_KINDS = {"path": _path, "track": _track, "road": _road, "rails": _rails}
