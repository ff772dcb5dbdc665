"""Solid shapes of vehicles and machines: blocks with visible sides, wheels, panels, outlines."""

from collections.abc import Sequence

import numpy as np

from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.pen import Pen, Point
from siam.worlds.landscapes.paint.textures import Material, glass

Colour = Sequence[float] | np.ndarray
Rect = tuple[float, float, float, float, float]  # metres: left, right, front, back, height
DARK, TYRE, HUB = (0.09, 0.09, 0.10), (0.07, 0.07, 0.075), (0.62, 0.63, 0.65)
PAINTS = (
    (0.70, 0.08, 0.08),
    (0.10, 0.22, 0.50),
    (0.80, 0.80, 0.79),
    (0.88, 0.88, 0.86),
    (0.14, 0.15, 0.17),
    (0.46, 0.50, 0.54),
    (0.20, 0.40, 0.28),
    (0.86, 0.62, 0.10),
    (0.42, 0.58, 0.70),
    (0.50, 0.12, 0.16),
)
FRONT, RIGHT, BACK, LEFT, TOP = range(5)  # sides of a block, as seen at turn 0


def sides(low: Rect, high: Rect) -> list[list[tuple[float, float, float]]]:
    """Return the four sides and the top of a block, each by four corners as seen from outside, lower left first."""
    below = [(low[0], low[4], low[2]), (low[1], low[4], low[2]), (low[1], low[4], low[3]), (low[0], low[4], low[3])]
    above = [(high[0], high[4], high[2]), (high[1], high[4], high[2]), (high[1], high[4], high[3]),
             (high[0], high[4], high[3])]  # fmt: skip
    around = [[below[n], below[(n + 1) % 4], above[(n + 1) % 4], above[n]] for n in range(4)]
    return [*around, above]


def silhouette(
    pen: Pen, points: Sequence[Point], colour: Colour, attributes: Sequence[str] | None, facing: float = 0.5
) -> None:
    """Fill the convex outline of points, at the farthest one's distance: for wheels, and behind the seams of faces."""
    places = [pen.place(point) for point in points]
    camera, depth = pen.canvas.camera, max(z for _x, _y, z in places)
    hull = convex_outline([camera.project(*place) for place in places])
    if len(hull) >= 3:
        seen = pen.light.hazed(pen.light.lit(np.asarray(colour, dtype=np.float32), facing), depth)
        pen.canvas.fill(hull, seen, attributes, depth + 0.03)


def convex_outline(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of the convex hull of places in a plane, in turn (Andrew's monotone chain, 1979)."""
    ordered = sorted(set(places))
    hull: list[tuple[float, float]] = []
    for path in (ordered, ordered[::-1]):
        begin = len(hull)
        for place in path:
            while len(hull) >= begin + 2 and turn_of_corners(hull[-2], hull[-1], place) <= 0:
                hull.pop()
            hull.append(place)
        hull.pop()
    return hull


def turn_of_corners(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Return twice the signed area of a triangle: which way its corners turn."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def block(
    pen: Pen, low: Rect, high: Rect, paint: Material | Colour, attributes: Sequence[str], *, under: Colour = DARK,
    top: Material | Colour | None = None,
) -> list[list[tuple[float, float, float]]]:  # fmt: skip
    """Draw a block between two level rectangles, and return its sides.

    Args:
        pen: the pen to draw with.
        low: the lower rectangle.
        high: the upper one, smaller if the sides lean in.
        paint: colour of its sides.
        attributes: attributes it shows.
        under: roughly the colour of its sides, for the seams between them.
        top: colour of its top, if different.
    """
    faces = sides(low, high)
    silhouette(pen, [*faces[FRONT], *faces[BACK]], under, attributes)
    for number, corners in enumerate(faces):
        material = paint if number != TOP or top is None else top
        face(pen, corners, material, attributes, both=False)
    return faces


def panel(
    pen: Pen, corners: Sequence[tuple[float, float, float]], where: tuple[float, float, float, float],
    paint: Material | Colour, attributes: Sequence[str], *, out: float = 0.02, glow: bool = False,
) -> None:  # fmt: skip
    """Put a panel on a side: `where` gives its left, right, lower and upper edge as shares of the side."""
    a, b, c, d = (np.array(corner) for corner in corners)
    normal = np.cross(b - a, d - a)
    offset = -normal * out / max(float(np.linalg.norm(normal)), 1e-9)
    left, right, low, high = where
    size = min((right - left) * float(np.linalg.norm(b - a)), (high - low) * float(np.linalg.norm(d - a)))
    if size * pen.pixels_per_metre < 0.7:
        return

    def at(u: float, v: float) -> tuple[float, float, float]:
        x, y, z = (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v + offset
        return float(x), float(y), float(z)

    face(
        pen, [at(left, low), at(right, low), at(right, high), at(left, high)], paint, attributes, both=False, glow=glow
    )


def stroke(
    pen: Pen, points: Sequence[Point], width: float, colour: Colour, attributes: Sequence[str] | None, *,
    least: float = 1.0,
) -> None:  # fmt: skip
    """Draw a line as `Pen.line` does, its colour an array or a sequence."""
    pen.line(points, width, np.asarray(colour, dtype=np.float64).tolist(), attributes, least=least)


def wheel(
    pen: Pen, x: float, z: float, radius: float, width: float, attributes: Sequence[str], *, hub: Colour = HUB,
    tyre: Colour = TYRE,
) -> None:  # fmt: skip
    """Draw a wheel that rolls along the x axis, its outer face at z, its inner one nearer to the middle."""
    inner = z - np.sign(z) * width
    angles = np.linspace(
        0,
        2 * np.pi,
        22 if radius * pen.pixels_per_metre > 20 else 12 if radius * pen.pixels_per_metre > 6 else 8,
        endpoint=False,
    )
    ring = [(x + radius * float(np.cos(a)), radius + radius * float(np.sin(a))) for a in angles]
    silhouette(pen, [(*p, z) for p in ring] + [(*p, inner) for p in ring], tyre, attributes, 0.3)
    if radius * pen.pixels_per_metre > 4:
        order = ring if z < 0 else ring[::-1]
        for share, colour in ((0.92, np.asarray(tyre) * 1.5), (0.58, hub), (0.2, np.asarray(hub) * 0.5)):
            points = [
                (x + share * (p - x), radius + share * (q - radius), z * (1 + 0.02 * (1 - share))) for p, q in order
            ]
            face(pen, points, colour, attributes, both=False)


def prism(
    pen: Pen, outline: Sequence[tuple[float, float]], front: float, back: float, paint: Material | Colour,
    attributes: Sequence[str], *, under: Colour = DARK,
) -> list[list[tuple[float, float, float]]]:  # fmt: skip
    """Draw a convex solid whose outline (x, y), lower edge first from left to right, runs from front to back.

    Returns:
        The faces along the outline, then the front and the back.
    """
    near, far = [(x, y, front) for x, y in outline], [(x, y, back) for x, y in outline]
    silhouette(pen, [*near, *far], under, attributes)
    edges = zip(near, far, [*far[1:], far[0]], [*near[1:], near[0]], strict=True)
    faces = [*[list(edge) for edge in edges], near, [far[1], far[0], *far[:1:-1]]]
    for corners in faces:
        face(pen, corners, paint, attributes, both=False)
    return faces


def inner(pen: Pen, x: float, z: float, turn: float = 0.0) -> Pen:
    """Return a pen at a place of another pen, turned by a further angle."""
    here, right = pen.place((x, 0.0, z)), pen.place((x + 1.0, 0.0, z))
    angle = float(np.arctan2(right[2] - here[2], right[0] - here[0]))
    return Pen(pen.canvas, here[0], here[2], here[1], turn=angle + turn, scale=pen.scale)


def gloss(colour: Colour) -> Material:
    """Return a painted surface, brighter towards its upper edge."""
    base = np.asarray(colour, dtype=np.float32)
    return lambda _along, up, _grain: base * (0.82 + 0.3 * np.clip(up, 0, 0.9))[:, None]


def paint_of(colours: Sequence[Colour], generator: np.random.Generator) -> np.ndarray:
    """Return one of the colours, a little lighter or darker."""
    return np.array(colours[int(generator.integers(len(colours)))]) * generator.uniform(0.85, 1.1)


def window_panes(pen: Pen, generator: np.random.Generator, pane: float = 4.0, frame: float = 0.02) -> Material:
    """Return the windows of a vehicle; `pane` is their width and `frame` the frames' width, in metres."""
    return glass(pen.light, generator, pane=(pane, 3.0), frame=frame)


def wheels(
    pen: Pen, places: Sequence[float], radius: float, half: float, attributes: Sequence[str], width: float = 0.3
) -> None:
    """Draw a wheel on both sides, `half` metres from the middle, at every place along the x axis."""
    for z in (half, -half):
        for x in places:
            wheel(pen, x, z, radius, width, attributes)
