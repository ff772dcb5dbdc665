"""The plant: stem, leaves, sepals, petals and centre."""

import numpy as np

from siam.worlds.flowers.meshes import CENTRE, LEAF, PETAL, STEM, Mesh, join, sheets, turned
from siam.worlds.flowers.traits import TAU, Traits

_GOLDEN = TAU * (1 - 2 / (1 + 5**0.5))  # the angle between a leaf and the next, or a floret and the next
_UP = np.array([0.0, 1.0, 0.0])
_FLORETS = 90


def grow(traits: Traits, soil: float, rim: float, generator: np.random.Generator) -> Mesh:
    """Return the plant.

    Args:
        traits: traits of the flower.
        soil: height at which the stem emerges.
        rim: height of the pot's rim; no leaf falls below it.
        generator: generator for small irregularities.
    """
    aside = np.array([np.cos(traits.bend_azimuth), 0.0, np.sin(traits.bend_azimuth)])
    axis = np.cos(traits.tilt) * _UP + np.sin(traits.tilt) * aside
    middle = _stem_line(traits, soil, aside, axis)  # (R, 3)
    frame = _frame(traits, axis)
    return join(
        [
            _stem(traits, middle, aside),
            _leaves(traits, middle, rim, generator),
            _sepals(traits, middle[-1], frame, generator),
            _petals(traits, middle[-1], frame, generator),
            _centre(traits, middle[-1], frame, generator),
        ]
    )


def _frame(traits: Traits, axis: np.ndarray) -> np.ndarray:
    """Return the head's axes as rows: two in its plane, and between them the axis it faces along."""
    second = np.array([-np.sin(traits.bend_azimuth), 0.0, np.cos(traits.bend_azimuth)])
    return np.stack([np.cross(axis, second), axis, second])


def _stem_line(traits: Traits, soil: float, aside: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Return the stem's middle line (R, 3), a cubic curve that starts upwards and ends along the head's axis."""
    t = np.linspace(0, 1, 30)[:, None]
    first = np.array([0.0, soil - 0.06, 0.0])
    last = first + (traits.height + 0.06) * _UP + traits.bend * aside
    second, third = first + 0.45 * traits.height * _UP, last - 0.35 * traits.height * axis
    return (1 - t) ** 3 * first + 3 * t * (1 - t) ** 2 * second + 3 * t**2 * (1 - t) * third + t**3 * last


def _stem(traits: Traits, middle: np.ndarray, aside: np.ndarray) -> Mesh:
    """Return a tube around the middle line, which lies in the plane of `aside` and up."""
    along = np.gradient(middle, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(aside, _UP)  # stays perpendicular to the line
    other = np.cross(along, side)
    t = np.linspace(0, 1, len(middle))
    radius = traits.thickness * (1 - 0.28 * t + 0.5 * np.exp(-t / 0.05))
    angles = np.linspace(0, TAU, 15)[:, None]
    around = np.cos(angles) * side + np.sin(angles) * other[:, None]  # (R, C, 3)
    return sheets((middle[:, None] + radius[:, None, None] * around)[None], STEM, closed=True)


def _blades(
    origin: np.ndarray, axis: np.ndarray, radial: np.ndarray, half_width: np.ndarray, length: np.ndarray,
    rise: np.ndarray, curl: float, *, cup: float, notch: float = 0.0, lean: float = 0.0, columns: int = 9,
) -> np.ndarray:  # fmt: skip
    """Return thin curved blades (B, R, C, 3), such as petals and leaves.

    Args:
        origin: (B, 3) or (3,) where the blades begin.
        axis: unit vector along which they rise.
        radial: (B, 3) unit vectors across the axis, along which they extend outwards.
        half_width: (R,) half widths from foot to tip, at places that lie closer together near the tip.
        length: (B,) lengths.
        rise: (B,) angles at the foot above the plane across the axis.
        curl: change of that angle towards the tip.
        cup: how far the edges rise, in half widths.
        notch: how much shorter the middle is at the tip, as a share of the length.
        lean: how far one edge lies above the other, in half widths.
        columns: number C of points across.
    """
    u = _along(len(half_width))
    v = np.linspace(-1, 1, columns)
    angle = rise[:, None] + curl * u  # (B, R)
    step = np.diff(u, prepend=0.0)
    out, up = (np.cumsum(part(angle) * step, axis=1) * length[:, None] for part in (np.cos, np.sin))
    reach = 1 - notch * (1 - np.abs(v)) * u[:, None] ** 4  # (R, C)
    above = half_width[:, None] * (cup * v**2 + lean * v)  # (R, C) across the blade
    outwards = out[..., None] * reach - np.sin(angle)[..., None] * above  # (B, R, C)
    upwards = up[..., None] * reach + np.cos(angle)[..., None] * above
    sideways = half_width[:, None] * v
    across = np.cross(axis, radial)
    places = radial[:, None, None] * outwards[..., None] + across[:, None, None] * sideways[..., None]
    return np.atleast_2d(origin)[:, None, None] + places + axis * upwards[..., None]


def _along(rows: int) -> np.ndarray:
    return np.sin(np.linspace(0, np.pi / 2, rows))


def _rounded(rows: int, waist: float, blunt: float) -> np.ndarray:
    """Return the half width (R,) of a petal, about 1 at its widest."""
    u = _along(rows)
    return (1 - waist * (1 - np.sin(np.pi / 2 * np.minimum(u / 0.65, 1)))) * np.sqrt(1 - u**blunt)


def _pointed(rows: int, stalk: float) -> np.ndarray:
    """Return the half width (R,) of a leaf above its stalk, about 1 at its widest."""
    u = _along(rows)
    return np.maximum(np.sin(np.pi * u**0.8) ** 1.15, stalk * (1 - u))


def _around(frame: np.ndarray, angles: np.ndarray) -> np.ndarray:
    return np.cos(angles)[:, None] * frame[0] + np.sin(angles)[:, None] * frame[2]


def _leaves(traits: Traits, middle: np.ndarray, rim: float, generator: np.random.Generator) -> Mesh:
    number = traits.leaves
    angles = traits.leaf_turn + _GOLDEN * np.arange(number) + generator.normal(0, 0.25, number)
    heights = np.linspace(0.16, 0.62, number) + generator.uniform(-0.04, 0.04, number)
    feet = np.stack([np.interp(heights, np.linspace(0, 1, len(middle)), middle[:, k]) for k in range(3)], axis=1)
    length = traits.leaf_length * (1.1 - 0.5 * heights) * generator.uniform(0.85, 1.15, number)
    rise = 0.95 - 0.2 * heights + generator.normal(0, 0.12, number)
    half_width = traits.leaf_width * _pointed(18, 0.12)
    radial = np.stack([np.cos(angles), np.zeros(number), np.sin(angles)], axis=1)
    points = _blades(feet, _UP, radial, half_width, length, rise, -traits.leaf_droop, cup=0.45, columns=9)
    low = rim + 0.02
    points[..., 1] = low + 0.05 * np.logaddexp(0, (points[..., 1] - low) / 0.05)  # rest softly on the rim
    return sheets(points, LEAF, shade=generator.uniform(0.9, 1.1, number))


def _sepals(traits: Traits, head: np.ndarray, frame: np.ndarray, generator: np.random.Generator) -> Mesh:
    """Return the green cup below the petals, and its leaves."""
    t = np.linspace(0, 1, 7)
    foot = 0.72 * traits.thickness
    cup = turned(foot + (1.02 * traits.centre - foot) * t**1.5, -0.14 + 0.165 * t, LEAF, 25)
    cup = Mesh(cup.points @ frame + head, cup.normals @ frame, cup.surface, cup.triangles, cup.material)
    number = 5 + traits.petals % 4
    angles = traits.turn + TAU / number * np.arange(number) + generator.normal(0, 0.06, number)
    length = 0.42 * traits.petal_length * generator.uniform(0.9, 1.1, number)
    rise = np.full(number, traits.open - 0.35)
    radial = _around(frame, angles)
    points = _blades(
        head - 0.07 * frame[1] + 0.5 * traits.centre * radial, frame[1], radial, 0.085 * _pointed(10, 0.8), length,
        rise, traits.curl, cup=0.3, columns=5,
    )  # fmt: skip
    return join([cup, sheets(points, LEAF, shade=generator.uniform(0.9, 1.1, number))])


def _petals(traits: Traits, head: np.ndarray, frame: np.ndarray, generator: np.random.Generator) -> Mesh:
    number, layers = traits.petals, []
    spacing = np.pi * (0.6 * traits.petal_length + 0.7 * traits.centre) / number
    widest = min(traits.petal_width * spacing, 0.5 * traits.petal_length)
    for layer in range(traits.layers):
        smaller = 0.84**layer
        angles = traits.turn + TAU / number * (np.arange(number) + 0.5 * layer) + generator.normal(0, 0.04, number)
        length = traits.petal_length * smaller * generator.uniform(0.93, 1.05, number)
        rise = traits.open + 0.28 * layer + generator.normal(0, 0.05, number)
        radial = _around(frame, angles)
        foot = head + 0.03 * layer * frame[1] + 0.6 * traits.centre * radial
        half_width = widest * smaller * _rounded(16, traits.waist, traits.blunt)
        points = _blades(
            foot, frame[1], radial, half_width, length, rise, traits.curl, cup=traits.cup, notch=traits.notch,
            lean=0.12,
        )  # fmt: skip
        layers.append(sheets(points, PETAL, shade=generator.uniform(0.93, 1.07, number) * (1 + 0.04 * layer)))
    return join(layers)


def _centre(traits: Traits, head: np.ndarray, frame: np.ndarray, generator: np.random.Generator) -> Mesh:
    """Return a dome of florets in spirals, as on a sunflower."""
    t = np.linspace(0, np.pi / 2, 9)
    dome = turned(0.95 * traits.centre * np.cos(t), traits.dome * np.sin(t), CENTRE, 31)
    dome.surface[:, 2] = 0.7
    order = (np.arange(_FLORETS) + 0.5) / _FLORETS
    turn = _GOLDEN * np.arange(_FLORETS) + generator.normal(0, 0.05, _FLORETS)
    flat = 0.9 * np.sqrt(order)
    places = np.stack([traits.centre * flat * np.cos(turn), traits.dome * np.sqrt(1 - flat**2),
                       traits.centre * flat * np.sin(turn)], axis=1)  # fmt: skip
    radius = 1.05 * traits.centre / np.sqrt(_FLORETS) * generator.uniform(0.85, 1.1, _FLORETS)
    normals = places / np.array([traits.centre**2, traits.dome**2, traits.centre**2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    side = np.cross(normals, [0.3, 0.1, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(normals, side)
    bow, angles = np.linspace(0, np.pi / 2, 3)[:, None, None], np.linspace(0, TAU, 8)[:, None]
    ring = np.cos(angles) * side[:, None, None] + np.sin(angles) * other[:, None, None]  # (B, 1, C, 3)
    knobs = ring * np.cos(bow) + 1.3 * normals[:, None, None] * np.sin(bow)  # (B, R, C, 3)
    florets = sheets(places[:, None, None] + radius[:, None, None, None] * knobs, CENTRE, closed=True,
                     shade=generator.uniform(0.85, 1.1, _FLORETS))  # fmt: skip
    florets.surface[:, 0] = np.repeat(flat, 3 * 8)  # from the middle to the edge
    both = join([dome, florets])
    return Mesh(
        both.points @ frame + head + 0.02 * frame[1], both.normals @ frame, both.surface, both.triangles, both.material
    )
