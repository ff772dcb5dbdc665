"""From a number to a picture with its truth: a scene is planned, painted from far to near, and its truth read off."""

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from PIL import Image

from siam.worlds.landscapes.furnishing import Furnisher
from siam.worlds.landscapes.ground.cover import Ground
from siam.worlds.landscapes.ground.strips import lay
from siam.worlds.landscapes.ground.terrain import Terrain, View, look
from siam.worlds.landscapes.ground.water import paint_running, paint_sea, paint_still
from siam.worlds.landscapes.objects import LINES, THINGS
from siam.worlds.landscapes.objects.plants import FLOWERS, paint_flowers, paint_tufts
from siam.worlds.landscapes.paint.canvas import OVERSAMPLING, Camera, Canvas
from siam.worlds.landscapes.paint.light import Light, draw_light
from siam.worlds.landscapes.paint.noise import Noise, fractal, smoothstep
from siam.worlds.landscapes.places import PLACES
from siam.worlds.landscapes.places.extras import CHARMING, add_extras
from siam.worlds.landscapes.places.unusual import make_unusual
from siam.worlds.landscapes.plan import Plan, share_of
from siam.worlds.landscapes.sky import paint_sky

_FAR_HORIZON = 1500.0  # metres: from here on, the line where sky and plain meet is a horizon
_FULL_REFLECTION = 0.10  # share of the picture under mirroring water at which that nuance reaches full strength


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is in it.

    Attributes:
        picture: the picture, RGB, square.
        masks: masks (K, size, size), bool.
        place: a key of `PLACES`.
        light: name of the light.
        strengths: strengths of the nuances, which no attribute stands for, 0 to 1.
        objects: the `OBJECTS` that were placed, in that order, though some may be hidden by others.
    """

    picture: Image.Image
    masks: np.ndarray
    place: str
    light: str
    strengths: dict[str, float]
    objects: tuple[str, ...]


@dataclass(frozen=True)
class _Noises:
    smooth: Noise
    rough: Noise
    cloudy: Noise
    grain: Noise


OBJECTS = ("trees", "flowers", *sorted(THINGS), *sorted(LINES))  # what a scene can be rendered without


def render(generator: np.random.Generator, size: int, place: str | None = None, without: Collection[str] = ()) -> Scene:
    """Render a scene.

    Args:
        generator: random generator that decides everything; equal generators and sizes give equal scenes.
        size: side of the square picture, in pixels.
        place: the kind of landscape, a key of `PLACES`; by default any.
        without: names of `OBJECTS` that are left out. Everything else, behind and around them, stays as it is with
            them, and so do its random draws.

    Raises:
        ValueError: there is no such object.
    """
    check_objects(without)
    weights = np.array([weight for _make, weight in PLACES.values()])
    drawn = str(generator.choice(list(PLACES), p=weights / weights.sum()))
    plan = PLACES[place or drawn][0](generator)
    make_unusual(plan, generator.spawn(1)[0])
    add_extras(plan, generator)
    noises = _Noises(*(fractal(generator, roughness) for roughness in (2.0, 1.0, 1.25, 0.0)))
    light = draw_light(generator)
    terrain = Terrain(plan.shape, noises.smooth, noises.rough)
    canvas = Canvas(_camera(plan, terrain, size, generator), light)
    left_out = _Asked(without)
    strengths = _paint(canvas, plan, terrain, noises, generator, left_out)
    objects = tuple(name for name in OBJECTS if name in left_out.asked)
    return Scene(_picture(canvas, generator), canvas.masks(), plan.place, light.name, strengths, objects)


class _Asked(frozenset[str]):
    """The objects to leave out; it remembers which were asked for, as every object is just before it is placed."""

    def __init__(self, _names: Collection[str]) -> None:
        self.asked: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def check_objects(names: Collection[str]) -> None:
    """Raise a ValueError if one of them is not in `OBJECTS`."""
    unknown = sorted(set(names) - set(OBJECTS))
    if unknown:
        near = get_close_matches(unknown[0], OBJECTS, n=5)
        raise ValueError(f"no landscape has a {unknown[0]!r}; names like it: {', '.join(near) or ', '.join(OBJECTS)}")


def _camera(plan: Plan, terrain: Terrain, size: int, generator: np.random.Generator) -> Camera:
    pixels = OVERSAMPLING * size
    under = float(terrain.height(np.zeros(1), np.full(1, 3.0))[0])
    return Camera(pixels, plan.horizon * pixels, pixels * generator.uniform(0.85, 1.15), max(under, 0) + plan.eye)


def _paint(
    canvas: Canvas,
    plan: Plan,
    terrain: Terrain,
    noises: _Noises,
    generator: np.random.Generator,
    without: Collection[str],
) -> dict[str, float]:
    """Paint everything, and return how strong each nuance is."""
    view = look(canvas.camera, terrain)
    sky = np.isinf(view.depth)
    wet = ~sky & (view.height < 0) if terrain.shape.has_water else np.zeros_like(sky)
    paint_sky(canvas, noises.smooth, noises.cloudy, generator)
    ground = Ground(canvas, view, ~sky & ~wet, noises.smooth, noises.rough, noises.grain)
    noise = {length: noises.smooth.at(ground.x * 40 / length + 90, ground.z * 40 / length + 17)
             for length in {layer.patch_length for layer in plan.layers}}  # fmt: skip
    for layer in plan.layers:
        share = share_of(layer, ground.z, ground.height, ground.steep, noise[layer.patch_length])
        ground.spread(layer.material, share)
    for strip in plan.strips:
        lay(ground, strip)
    flowers = _flowery(ground, plan, noises, mark="flowers" not in without)
    ground.finish()
    furnisher = Furnisher(canvas, plan, terrain, ground, generator, without)
    furnisher.woods(behind=True)
    furnisher.things(behind=True)
    _paint_water(canvas, plan, view, wet, noises)
    if plan.tufts:
        grass = np.array([bool(shown & {"grass"}) for shown in canvas.sets])
        paint_tufts(canvas, lambda rows, columns: grass[canvas.cover[rows, columns]], generator)
    if flowers is not None:
        colours = [FLOWERS[n] for n in generator.permutation(len(FLOWERS))[: int(generator.integers(1, 4))]]
        paint_flowers(deepcopy(canvas) if "flowers" in without else canvas, flowers, colours, generator)
    furnisher.woods(behind=False)
    furnisher.things(behind=False)
    _mark_horizon(canvas, view)
    return _strengths(canvas, plan, canvas.light, furnisher)


def _flowery(ground: Ground, plan: Plan, noises: _Noises, *, mark: bool) -> np.ndarray | None:
    """Return the density (S, S) of flowers, and mark the meadows they cover if asked to; None if there are none."""
    if not plan.flowers:
        return None
    patches = smoothstep(noises.smooth.at(ground.x / 0.6 + 3, ground.z / 0.6), 0.5 - plan.flowers, 1.1 - plan.flowers)
    grassy = np.array([bool(shown & {"grass"}) and not shown & {"farming"} for shown in ground.canvas.sets])
    density = patches * grassy[ground.cover] * smoothstep(ground.z, 75, 35)
    if mark:
        ground.mark(["flowers"], density > 0.45)
    whole = np.zeros_like(ground.canvas.depth)
    whole[ground.rows, ground.columns] = density * (0.35 + 0.65 * plan.flowers)
    return whole


def _paint_water(canvas: Canvas, plan: Plan, view: View, wet: np.ndarray, noises: _Noises) -> None:
    if not wet.any():
        return
    if plan.water == "sea":
        paint_sea(canvas, view, wet, noises.rough, plan.wind)
    elif plan.water == "lake" or plan.shape.river is None or plan.wind < 0.5:
        paint_still(canvas, view, wet, noises.rough, plan.wind if plan.water == "lake" else 0.3)
    else:
        paint_running(canvas, view, wet, plan.shape.river, noises.rough, noises.grain)


def _mark_horizon(canvas: Canvas, view: View) -> None:
    """Mark the line where the sky meets a plain or the sea, where nothing near hides it."""
    camera = canvas.camera
    top = np.isinf(view.depth).sum(axis=0)  # (S,) the first row that is not sky
    columns = np.arange(camera.size)
    level = (np.abs(top - camera.horizon) < 0.012 * camera.size) & (top < camera.size)
    far = view.depth[np.minimum(top, camera.size - 1), columns] > _FAR_HORIZON
    rows = np.arange(camera.size)[:, None]
    band = (np.abs(rows - top) < 0.014 * camera.size) & (level & far)
    canvas.mark(["horizon"], band & (canvas.depth > 0.6 * _FAR_HORIZON))


def _strengths(canvas: Canvas, plan: Plan, light: Light, furnisher: Furnisher) -> dict[str, float]:
    still = canvas.masks_of("still_water").mean()
    mirror = min(1.0, still / _FULL_REFLECTION) * max(0.0, 1 - 2 * plan.wind) if plan.water == "lake" else 0.0
    seen = furnisher.shown
    return {
        "evening_light": light.evening,
        "reflections": float(mirror),
        "composition": float(furnisher.composed),
        "charm": float(bool(seen & set(CHARMING))),
        "litter": float("litter" in seen),
        "gloom": light.gloom,
    }


def _picture(canvas: Canvas, generator: np.random.Generator) -> Image.Image:
    """Return the canvas as a picture: averaged, with a little contrast and sensor noise."""
    size = canvas.camera.size // OVERSAMPLING
    rgb = canvas.rgb.reshape(size, OVERSAMPLING, size, OVERSAMPLING, 3).mean(axis=(1, 3))
    rgb = rgb + 0.10 * (rgb - 0.5) * (1 - np.abs(2 * rgb - 1))
    rgb = rgb + generator.normal(0, 0.008, rgb.shape[:2])[..., None]
    return Image.fromarray((rgb.clip(0, 1) * 255).round().astype(np.uint8))
