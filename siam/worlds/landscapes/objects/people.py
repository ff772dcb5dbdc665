"""People: walking, standing together, sitting on a blanket, watching in rows."""

from collections.abc import Callable, Sequence

import numpy as np

from siam.worlds.landscapes.objects.earth import ground_patch
from siam.worlds.landscapes.objects.figures import Shapes, figure
from siam.worlds.landscapes.objects.looks import Look, Pose, draw_look, sitting, standing, walking
from siam.worlds.landscapes.paint.pen import Pen

_BLANKETS = ((0.80, 0.16, 0.16), (0.18, 0.32, 0.64), (0.16, 0.48, 0.30), (0.86, 0.60, 0.14))


def _crowd(pen: Pen, people: Sequence[tuple[tuple[float, float], Callable[[tuple[float, float]], None]]]) -> None:
    """Draw people and things at their places (right, away), from far to near."""
    for place, drawn in sorted(people, key=lambda item: -pen.place((item[0][0], 0.0, item[0][1]))[2]):
        drawn(place)


def _hiker(pen: Pen, generator: np.random.Generator, way: int) -> Callable[[tuple[float, float]], None]:
    """Return a person walking along the pen's x axis: to its right if `way` is 1, otherwise to its left."""
    start, ahead = pen.place((0.0, 0.0, 0.0)), pen.place((float(way), 0.0, 0.0))
    across = (ahead[0] - start[0]) / pen.scale
    view = 0 if abs(across) > 0.72 else -1 if ahead[2] > start[2] else 1
    look, pose = draw_look(generator), walking(generator, view, 1 if across > 0 else -1)
    return lambda place: figure(pen, place, look, pose, ("hiking",), hiker=True)


def walker(pen: Pen, generator: np.random.Generator) -> None:
    """A hiker along the x axis, with rucksack and sticks."""
    _hiker(pen, generator, int(generator.choice([-1, 1])))((0.0, 0.0))


def walkers(pen: Pen, generator: np.random.Generator) -> None:
    """Two to four hikers in single file along the x axis."""
    count, way = int(generator.integers(2, 5)), int(generator.choice([-1, 1]))
    people = []
    for number in range(count):
        along = (number - (count - 1) / 2) * 1.7 + float(generator.uniform(-0.3, 0.3))
        people.append(((along, float(generator.uniform(-0.3, 0.3))), _hiker(pen, generator, way)))
    _crowd(pen, people)


def _somebody(pen: Pen, generator: np.random.Generator, view: int | None) -> Callable[[tuple[float, float]], None]:
    """Return a person standing, seen from the given side; None picks one at random."""
    look, drawn = draw_look(generator), int(generator.choice([-1, 0, 1]))
    pose = standing(generator, drawn if view is None else view)
    return lambda place: figure(pen, place, look, pose, ("social",))


def group(pen: Pen, generator: np.random.Generator) -> None:
    """Four to eight people standing in a ring and talking."""
    count, begin = int(generator.integers(4, 9)), float(generator.uniform(0, 6))
    people = []
    for number in range(count):
        angle = begin + 2 * np.pi * (number + float(generator.uniform(-0.2, 0.2))) / count
        radius = float(generator.uniform(0.9, 1.2)) + 0.12 * max(count - 5, 0)
        place = (1.25 * radius * float(np.cos(angle)), radius * float(np.sin(angle)))
        behind = pen.place((place[0], 0.0, place[1]))[2] - pen.z
        view = None if abs(behind) < 0.3 else 1 if behind > 0 else -1  # they look at each other
        people.append((place, _somebody(pen, generator, view)))
    _crowd(pen, people)


def spectators(pen: Pen, generator: np.random.Generator) -> None:
    """Two rows of five to eight people watching something, most of them seen from behind."""
    count, view = int(generator.integers(5, 9)), int(generator.choice([-1, -1, 1]))
    people = []
    for row in range(2):
        for number in range(count):
            along = 0.72 * (number - (count - 1) / 2 + 0.5 * row) + float(generator.uniform(-0.12, 0.12))
            turned = None if generator.random() < 0.15 else view
            place = (along, 1.0 * row + float(generator.uniform(-0.15, 0.15)))
            people.append((place, _somebody(pen, generator, turned)))
    _crowd(pen, people)


def picnic(pen: Pen, generator: np.random.Generator) -> None:
    """Three to five people sitting around a chequered blanket, with a basket."""
    colour, white = np.array(_BLANKETS[int(generator.integers(4))]), np.array((0.92, 0.90, 0.86))
    count, begin = int(generator.integers(3, 6)), float(generator.uniform(0, 6))

    def chequered(along: np.ndarray, away: np.ndarray, grain: tuple[float, float]) -> np.ndarray:
        size = float(np.clip(3 / max(grain[0], 1e-6), 0.22, 0.5))
        dark = (np.floor(along / size) % 2 + np.floor(away / size) % 2) / 2
        return white + (colour - white) * dark[:, None]

    pen.shadow(1.9, 1.3)
    ground_patch(pen, [(-1.7, -1.1), (1.7, -1.1), (1.6, 1.15), (-1.6, 1.1)], chequered, ("social", "cloth"), 0.05)
    people: list[tuple[tuple[float, float], Callable[[tuple[float, float]], None]]] = []
    for number in range(count):
        angle = begin + 2 * np.pi * (number + float(generator.uniform(-0.2, 0.2))) / count
        look, pose = draw_look(generator), sitting(generator)
        drawn = _seated(pen, look, pose)
        people.append(((1.25 * float(np.cos(angle)), 0.85 * float(np.sin(angle))), drawn))
    people.append(
        ((float(generator.uniform(-0.3, 0.3)), float(generator.uniform(-0.2, 0.2))), lambda at: _basket(pen, at))
    )
    _crowd(pen, people)


def _seated(pen: Pen, look: Look, pose: Pose) -> Callable[[tuple[float, float]], None]:
    return lambda place: figure(pen, place, look, pose, ("social",))


def _basket(pen: Pen, at: tuple[float, float]) -> None:
    x, y, z = pen.place((at[0], 0.05, at[1]))
    shapes = Shapes(Pen(pen.canvas, x, z, y, scale=pen.scale), ("social",))
    shapes.fill([(-0.20, 0), (0.20, 0), (0.26, 0.26), (-0.26, 0.26)], (0.50, 0.33, 0.17))
    shapes.fill([(-0.26, 0.22), (0.26, 0.22), (0.26, 0.29), (-0.26, 0.29)], (0.62, 0.44, 0.24))
    shapes.limb((0.34, 0.0), (0.34, 0.26), 0.08, 0.05, np.array((0.10, 0.28, 0.14)))
    shapes.paint()


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "walker": walker, "walkers": walkers, "group": group, "picnic": picnic, "spectators": spectators,
}  # fmt: skip
SHOWS: dict[str, tuple[str, ...]] = {
    "walker": ("hiking",), "walkers": ("hiking",), "group": ("social",), "picnic": ("social", "cloth"),
    "spectators": ("social",),
}  # fmt: skip
