"""Sea, lakes and rivers: reflections, waves and foam."""

import numpy as np

from siam.worlds.landscapes.ground.terrain import Course, View
from siam.worlds.landscapes.paint.canvas import Canvas
from siam.worlds.landscapes.paint.noise import Noise, mix, smoothstep

_ROUNDS = 4  # of the search for what a mirroring pixel shows


def paint_sea(canvas: Canvas, view: View, water: np.ndarray, rough: Noise, swell: float) -> None:
    """Paint the sea where `water` (S, S): waves, whitecaps in a wind, and surf along the shore.

    Args:
        canvas: the canvas, with everything behind the shore already painted.
        view: the view of the land.
        water: pixels of the sea.
        rough: noise for the waves.
        swell: from 0, calm, to 1, a storm.
    """
    light = canvas.light
    rows, columns = np.nonzero(water)
    z, x, bottom = view.depth[rows, columns], view.x[rows, columns], view.height[rows, columns]
    steep = _waves(canvas, rough, x, z)
    mirrored = _mirrored(canvas, rows, columns, (0.8 + 3 * swell) * steep)
    grazing = np.exp(-canvas.camera.height / z * 9)  # the flatter the view, the more water reflects
    deep = np.array(light.ambient, dtype=np.float32) * (0.13, 0.34, 0.42) + np.array(light.sun) * (0.02, 0.13, 0.15)
    shallow = deep + (0.10, 0.22, 0.16) * np.array(light.ambient, dtype=np.float32)
    colour = mix(deep.astype(np.float32), shallow.astype(np.float32), smoothstep(bottom, -2.5, 0))
    colour = mix(colour, mirrored, 0.25 + 0.55 * grazing)
    colour = colour * (1 + (0.10 + 0.12 * swell) * steep * np.exp(-z / 900))[:, None]
    colour = light.hazed(colour.astype(np.float32), z * 0.7)
    white = np.minimum(np.array(light.ambient) + 0.6 * np.array(light.sun), 0.98).astype(np.float32)
    caps = smoothstep(rough.at(x / 1.1 + 90, z / 0.35), 2.5 - 1.2 * swell, 3.1 - 1.2 * swell) * np.exp(-z / 500)
    breakers = bottom + 0.10 * rough.at(x / 1.5, z / 3.0) + 0.14 * np.sin(bottom * 6.5)
    surf = smoothstep(breakers, -0.55, -0.12) * smoothstep(rough.at(x * 1.3, z * 1.3), -0.9, 0.9)
    colour = mix(colour, white, np.clip(caps + surf, 0, 1) * 0.9)
    _lay(canvas, view, rows, columns, colour, "ocean")


def paint_still(canvas: Canvas, view: View, water: np.ndarray, rough: Noise, breeze: float) -> None:
    """Paint a lake or a calm river where `water` (S, S): it mirrors the scene, blurred by ripples.

    Args:
        canvas: the canvas, with everything behind the shore already painted.
        view: the view of the land.
        water: pixels of the lake.
        rough: noise for the ripples.
        breeze: from 0, a mirror, to 1, hardly any reflection.
    """
    light = canvas.light
    rows, columns = np.nonzero(water)
    z, x = view.depth[rows, columns], view.x[rows, columns]
    ripples = rough.at(x * 2.2, z * 0.9) * np.clip(60 / z, 0.15, 1)
    mirrored = _mirrored(canvas, rows, columns, (0.5 + 5 * breeze) * ripples)
    tint = np.array(light.ambient, dtype=np.float32) * (0.20, 0.30, 0.32)
    clear = (0.92 - 0.55 * breeze) * (0.72 + 0.28 * np.exp(-canvas.camera.height / z * 6))
    colour = mix(np.broadcast_to(tint, mirrored.shape), mirrored * 0.93, clear)
    patches = smoothstep(rough.at(x / 14, z / 30 + 40), 0.6, 1.6) * (0.12 + 0.3 * breeze)  # where the wind touches
    colour = mix(colour, np.array(light.low, dtype=np.float32), patches)
    _lay(canvas, view, rows, columns, colour * (1 + 0.04 * ripples)[:, None], "still_water")


def paint_running(canvas: Canvas, view: View, water: np.ndarray, course: Course, rough: Noise, grain: Noise) -> None:
    """Paint a stream where `water` (S, S): dark water with white streaks along its course, and rapids."""
    light = canvas.light
    rows, columns = np.nonzero(water)
    z, x = view.depth[rows, columns], view.x[rows, columns]
    aside, along = course.offset(x, z), x if course.across else z
    mirrored = _mirrored(canvas, rows, columns, 5 * rough.at(x * 2, z))
    tint = np.array(light.ambient, dtype=np.float32) * (0.22, 0.36, 0.36)
    colour = mix(np.broadcast_to(tint, mirrored.shape), mirrored, 0.35)
    fine = np.clip(canvas.camera.focal / z / 30, 0, 1)  # far away, streaks blur into a mean brightness
    streaks = grain.at(aside * 9 + 11, along * 1.3) + 0.7 * grain.at(aside * 24, along * 4)
    rapids = smoothstep(rough.at(aside * 3 + 5, along * 1.2), -0.6, 1.4)
    foam = smoothstep(streaks, 1.5 - 1.5 * rapids, 2.2 - 1.3 * rapids) * fine + 0.35 * (0.3 + rapids) * (1 - fine)
    white = np.minimum(np.array(light.ambient) + 0.5 * np.array(light.sun), 0.97).astype(np.float32)
    colour = mix(colour * (1 + 0.15 * streaks * fine)[:, None], white, np.clip(0.9 * foam, 0, 1))
    _lay(canvas, view, rows, columns, light.hazed(colour.astype(np.float32), z), "running_water")


def _lay(canvas: Canvas, view: View, rows: np.ndarray, columns: np.ndarray, colour: np.ndarray, attribute: str) -> None:
    canvas.rgb[rows, columns] = colour.clip(0, 1)
    canvas.cover[rows, columns] = canvas.set_of([attribute])
    canvas.depth[rows, columns] = view.depth[rows, columns]


def _waves(canvas: Canvas, rough: Noise, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return how far waves (n,) tilt the water towards the camera: long crests across, finer ones nearby."""
    near = np.clip(canvas.camera.focal / z / 40, 0, 1)
    crests = rough.at(x / 2.2, z / 0.9) * np.clip(canvas.camera.focal / z / 6, 0.05, 1)
    return crests * 0.8 + 0.6 * near * rough.at(x * 2.1 + 50, z * 3.3)


def _mirrored(canvas: Canvas, rows: np.ndarray, columns: np.ndarray, jitter: np.ndarray) -> np.ndarray:  # fmt: skip
    """Return the colours (n, 3) that pixels of the plane y = 0 mirror.

    A point at distance z and row r is mirrored at 2 p(z) - r, where p is the row of the plane at that distance. The row
    is found by looking up the distance repeatedly, starting at the far shore. Water counts as infinitely far, like the
    sky, because it has not been painted yet.
    """
    camera = canvas.camera
    shore = np.full(camera.size, camera.size)
    np.minimum.at(shore, columns, rows)
    wanted = rows + 0.5 + jitter
    source = 2 * shore[columns] - wanted
    for _round in range(_ROUNDS):
        place = np.clip(source, 0, camera.size - 1).astype(np.int64)
        plane = camera.horizon + camera.focal * camera.height / canvas.depth[place, columns]
        source = 2 * plane - wanted
    place = np.clip(source, 0, np.maximum(rows - 1, 0)).astype(np.int64)
    return canvas.rgb[place, columns]
