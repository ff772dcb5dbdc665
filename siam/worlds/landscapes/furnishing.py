"""Where trees and things stand: in view, on dry land or afloat, apart from each other, from far to near."""

from collections.abc import Collection
from copy import deepcopy

import numpy as np

from siam.worlds.landscapes.ground.cover import Ground
from siam.worlds.landscapes.ground.terrain import Terrain
from siam.worlds.landscapes.objects import LINES, THINGS
from siam.worlds.landscapes.objects.plants import Grove
from siam.worlds.landscapes.paint.canvas import Canvas
from siam.worlds.landscapes.paint.noise import smoothstep
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.plan import Plan, Strip, Thing, Wood

_TRIES = 40
_ON_ROADS = ("car", "van", "lorry", "bus", "vintage_tram")
_OVERHEAD = {"pylon_line": 140.0, "pole_line": 34.0}  # wires, with the metres from pole to pole
_NEAR_TREES = 60.0  # metres: nearer trees are placed one by one
_LARGE = 18.0  # metres: things that may stand no nearer are buildings, and need room
_COMPOSED = 0.22  # share of scenes whose foreground is composed


class Furnisher:
    """Places trees and things in a scene.

    What is to be left out is painted on a copy of the canvas, so that everything else is drawn as it would be with it.

    Attributes:
        shown: names of the things that were placed.
        composed: whether the foreground is composed: a tree at one third, or trees that frame the view.
    """

    def __init__(
        self,
        canvas: Canvas,
        plan: Plan,
        terrain: Terrain,
        ground: Ground,
        generator: np.random.Generator,
        without: Collection[str] = (),
    ) -> None:
        self.canvas, self.plan, self.terrain, self.generator = canvas, plan, terrain, generator
        self._without = without
        self.shown: set[str] = set()
        self.composed = False
        self._taken: list[tuple[float, float]] = []  # intervals of x / z that things occupy
        lake = plan.shape.lake
        self._limit = lake[1] + 0.8 * lake[3] if lake else np.inf  # anything farther is mirrored in the lake
        made = {kind: Grove((kind,), canvas.light, generator) for kind in self._kinds()}
        self._groves = [Grove.of([made[kind] for kind in wood.kinds]) for wood in plan.woods]
        self._trees = [self._places(wood, ground) for wood in plan.woods]
        self._things = self._set_out()

    def woods(self, *, behind: bool) -> None:
        """Place the trees behind the water, or those in front of it."""
        for wood, grove, places in zip(self.plan.woods, self._groves, self._trees, strict=True):
            chosen = [place for place in places if (place[2] > self._limit) == behind]
            grove.set(self._canvas_for("trees"), chosen, wood.height, self.generator)

    def _canvas_for(self, name: str) -> Canvas:
        """Return the canvas to paint something on: a copy, if it is to be left out."""
        return deepcopy(self.canvas) if name in self._without else self.canvas

    def _show(self, name: str) -> None:
        if name not in self._without:
            self.shown.add(name)

    def things(self, *, behind: bool) -> None:
        """Place the things and lines behind the water, or those in front of it and on it, from far to near."""
        items = [(z, name, x, ground, turn) for name, x, ground, z, turn in self._things if (z > self._limit) == behind]
        for z, name, x, ground, turn in sorted(items, key=lambda item: -item[0]):
            THINGS[name](Pen(self._canvas_for(name), x, z, ground, turn=turn), self.generator)
            self._show(name)
        if not behind:
            for name, ahead in sorted(self.plan.lines, key=lambda line: -line[1]):
                self._line(name, ahead)
            self._compose()

    def _kinds(self) -> list[str]:
        return sorted({kind for wood in self.plan.woods for kind in wood.kinds})

    def _height(self, x: float, z: float) -> float:
        return float(self.terrain.height(np.array([x]), np.array([z]))[0])

    def _places(self, wood: Wood, ground: Ground) -> list[tuple[float, float, float]]:
        """Return where trees stand (x, ground, z): evenly over the pixels of their patches, off the strips."""
        if wood.far <= _NEAR_TREES or (wood.patches is None and wood.count < 30):
            spots = [self._spot(wood.near, wood.far, 1.5, 0.0) for _number in range(wood.count)]
            return [place for place in spots if place is not None]
        noise = ground.smooth.at(ground.x / 3 + 5, ground.z / 3 + 55)
        weight = np.ones(len(ground.z), dtype=np.float32)
        if wood.patches is not None:
            weight = smoothstep(noise, *wood.patches)
        weight *= (ground.z > wood.near) & (ground.z < wood.far) & (ground.steep < 0.62) & (ground.height > 0.15)
        for strip in self.plan.strips:
            weight *= np.abs(strip.course.offset(ground.x, ground.z)) > strip.course.width / 2 + 2.5
        total = float(weight.sum())
        if total < 40:
            return []
        few = min(wood.count, int(total / 12))
        chosen = np.searchsorted(weight.cumsum(), self.generator.random(few) * total).clip(max=len(weight) - 1)
        return [(float(ground.x[n]), float(ground.height[n]), float(ground.z[n])) for n in chosen]

    def _set_out(self) -> list[tuple[str, float, float, float, float]]:
        """Return name, x, height of the ground, z and turn of every thing that finds a place."""
        placements = []
        for thing in self.plan.things:
            strip = self._strip_for(thing)
            place = self._on_strip(thing, strip) if strip else self._place(thing)
            if place is not None:
                placements.append((thing.name, *place))
        return placements

    def _strip_for(self, thing: Thing) -> Strip | None:
        wanted = "rails" if thing.name == "train" else "road" if thing.name in _ON_ROADS else ""
        wanted = "path" if thing.name in ("walker", "walkers") else wanted
        return next((strip for strip in self.plan.strips if strip.kind == wanted), None)

    def _on_strip(self, thing: Thing, strip: Strip) -> tuple[float, float, float, float] | None:
        course, generator = strip.course, self.generator
        side = 0.0 if strip.kind in ("rails", "path") else generator.choice([-1, 1]) * course.width / 4
        if course.across:
            z = float(course.middle(np.zeros(1))[0])
            x = float(generator.uniform(-0.35, 0.35)) * z
            z, along = float(course.middle(np.array([x]))[0]) + side, float(course.slope)
            return (x, self._height(x, z), z, float(np.arctan(along))) if z > 5 else None
        z = float(generator.uniform(thing.near, thing.far))
        ahead = course.middle(np.array([z, z + 1.0]))
        x = float(ahead[0]) + side
        if abs(x) > 0.45 * z or not course.within(np.array([z]))[0]:
            return None
        return x, self._height(x, z), z, float(np.pi / 2 - np.arctan(ahead[1] - ahead[0]))

    def _place(self, thing: Thing) -> tuple[float, float, float, float] | None:
        turn = float(self.generator.uniform(-0.6, 0.6)) + float(self.generator.choice([0, np.pi / 2, np.pi]))
        if thing.x is not None:
            z = float(self.generator.uniform(thing.near, thing.far))
            return thing.x, self._height(thing.x, z), z, float(self.generator.uniform(-0.5, 0.5))
        large = thing.near >= _LARGE and not thing.afloat
        spot = self._spot(thing.near, thing.far, *((9.0, 6.0) if large else (3.0, 2.5)), afloat=thing.afloat)
        return None if spot is None else (*spot, turn)

    def _spot(
        self, near: float, far: float, room: float, free: float, *, afloat: bool = False
    ) -> tuple[float, float, float] | None:
        """Return a place (x, height, z) in view, `free` metres from other things; None if there is no room."""
        half_view = 0.42 * self.canvas.camera.size / self.canvas.camera.focal
        for _try in range(_TRIES):
            z = float(near * (far / near) ** self.generator.random())
            slant = float(self.generator.uniform(-half_view, half_view))
            x = slant * z
            height = self._height(x, z)
            if afloat != (height < -0.25) or (not afloat and self.terrain.shape.has_water and height < 0.12):
                continue
            if not afloat and self._beside_strips(x, z) < room:
                continue
            gap = free / z
            if free and any(begin - gap < slant < end + gap for begin, end in self._taken):
                continue
            if free:
                self._taken.append((slant - gap, slant + gap))
            return x, 0.0 if afloat else height, z
        return None

    def _beside_strips(self, x: float, z: float) -> float:
        """Return the metres to the nearest edge of a strip."""
        place = np.array([x]), np.array([z])
        gaps = [abs(float(s.course.offset(*place)[0])) - s.course.width / 2 for s in self.plan.strips]
        return min(gaps, default=np.inf)

    def _line(self, name: str, ahead: float) -> None:
        """Draw a line of fences or wires from left to right, or slanting away."""
        slope = float(self.generator.uniform(-0.5, 0.5))
        reach = 0.75 * self.canvas.camera.size / self.canvas.camera.focal * ahead
        step = _OVERHEAD.get(name, 2.2)
        across = np.arange(-reach, reach + step, step)
        along = np.maximum(ahead + slope * across, 4.0)
        heights = self.terrain.height(across, along)
        water = self.terrain.shape.has_water and name not in _OVERHEAD
        run: list[tuple[float, float, float]] = []
        for x, height, z in [*zip(across, heights, along, strict=True), (0.0, -np.inf, 1.0)]:
            free = (height > 0.1 or not water) and np.isfinite(height)
            if free and (name in _OVERHEAD or self._beside_strips(float(x), float(z)) > 0.6):
                run.append((float(x), max(float(height), 0.0), float(z)))
                continue
            if len(run) >= 2:  # a gate or a ford: the line stops, and starts again behind it
                LINES[name](self._canvas_for(name), run, self.generator)
                self._show(name)
            run = []

    def _compose(self) -> None:
        """In some scenes, place a tree at one third of the picture, or trees on both sides."""
        generator, camera = self.generator, self.canvas.camera
        if generator.random() >= _COMPOSED or self.plan.place in ("beach", "woodland", "snowfield"):
            return
        half = 0.5 * camera.size / camera.focal
        framed = generator.random() < 0.5
        slants = (-0.95 * half, 0.95 * half) if framed else (float(generator.choice([-1, 1])) * half / 3,)
        z = float(generator.uniform(9, 13)) if framed else float(generator.uniform(14, 22))
        spots = [(slant * z, self._height(slant * z, z), z) for slant in slants]
        if any(self._beside_strips(x, distance) < 1.5 for x, _height, distance in spots):
            return
        if any(height < 0.12 for _x, height, _z in spots) and self.terrain.shape.has_water:
            return
        kinds = ("oak",) if framed else (str(generator.choice(["oak", "beech", "birch", "pine"])),)
        Grove(kinds, self.canvas.light, generator).set(self._canvas_for("trees"), spots, (6.5, 8.5), generator)
        self.composed = "trees" not in self._without
