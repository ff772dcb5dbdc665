"""Things of cloth: tents, washing, flags, parasols."""

import numpy as np

from siam.worlds.landscapes.objects.building import box
from siam.worlds.landscapes.objects.lumps import beside, bright_colour, rod, row
from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.pen import Pen


def tent(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a ridge tent with an opening at each end, 1.4 m high."""
    colour = np.array(bright_colour(generator))
    half, long, high = generator.uniform(1.0, 1.3), generator.uniform(1.2, 1.6), generator.uniform(1.25, 1.5)
    sheet = textures.cloth([colour], generator, fold=0.7)
    pen.shadow(1.25 * half, 1.15 * long)
    for sign in (-1, 1):
        x, z = sign * half, sign * long
        side = [(x, 0.0, -z), (x, 0.0, z), (0.0, high, 0.85 * z), (0.0, high, -0.85 * z)]
        face(pen, side, sheet, ("cloth",), both=False)
        face(pen, [(x, 0.0, z), (-x, 0.0, z), (0.0, high, 0.85 * z)], sheet, ("cloth",), both=False)
        out = z + 0.02 * sign
        door = [(0.34 * x, 0.0, out), (-0.34 * x, 0.0, out), (0.0, 0.8 * high, 0.88 * z + 0.02 * sign)]
        face(pen, door, 0.35 * colour, ("cloth",), both=False)


def tents_group(pen: Pen, generator: np.random.Generator) -> None:
    """Draw three to six tents, 1.4 m high, over 12 x 8 m."""
    for x, z in row(pen, generator, int(generator.integers(3, 7)), 11.0, 3.5):
        tent(beside(pen, x, z), generator)


def washing_line(pen: Pen, generator: np.random.Generator) -> None:
    """Draw washing on a line between two poles, 2.1 m high and 6 m long."""
    half, high = generator.uniform(2.6, 3.4), 2.0
    pen.shadow(half, 0.5, 0.2)
    for x in (-half, half):
        rod(pen, (x, 0.0, 0.0), (x, high + 0.1, 0.0), 0.08, (0.62, 0.60, 0.56), ())
    line = [(float(x), high - 0.18 * (1 - (x / half) ** 2), 0.0) for x in np.linspace(-half, half, 9)]
    pen.line(line, 0.015, (0.8, 0.8, 0.8), ())
    x = -half + 0.3
    for _piece in range(14):
        wide, long, gap = generator.uniform(0.4, 1.3), generator.uniform(0.6, 1.35), generator.uniform(0.04, 0.2)
        colour, sway, stripe = bright_colour(generator), generator.uniform(-0.12, 0.12, 2), generator.random() < 0.3
        if x + wide > half - 0.2:
            continue
        up = high - 0.18 * (1 - ((x + wide / 2) / half) ** 2)
        sheet = textures.cloth([colour, (0.92, 0.92, 0.9)], generator, 0.14 if stripe else 0.0, 0.35)
        corners = [(x + 0.03 + sway[0], up - long, sway[1]), (x + wide - 0.03 + sway[0], up - long, sway[1]),
                   (x + wide, up, 0.0), (x, up, 0.0)]  # fmt: skip
        face(pen, corners, sheet, ("cloth",))
        x += wide + gap


def flags(pen: Pen, generator: np.random.Generator) -> None:
    """Draw three to five flags that wave on white poles, 6.5 m."""
    count, high = int(generator.integers(3, 6)), generator.uniform(6.0, 7.0)
    wind, phase = float(generator.choice([-1, 1])), generator.uniform(0, 6, 5)
    designs = [[bright_colour(generator), bright_colour(generator), (0.94, 0.94, 0.92)] for _flag in range(5)]
    upright = generator.random(5) < 0.5
    pen.shadow(1.6 * count, 0.8, 0.15)
    order = sorted(range(count), key=lambda k: -pen.place(((k - (count - 1) / 2) * 3.2, 0, 0))[2])
    for number in order:
        x, colours = (number - (count - 1) / 2) * 3.2, designs[number]
        rod(pen, (x, 0.0, 0.0), (x, high, 0.0), 0.09, (0.86, 0.86, 0.86), ())
        for band in range(3):
            along = np.linspace(0, 2.1, 8)
            wave = 0.14 * np.sin(3.2 * along + phase[number]) * (along / 2.1) - 0.05 * along**2
            low, top = (0.0, 1.4) if upright[number] else (1.4 - 1.4 * (band + 1) / 3, 1.4 - 1.4 * band / 3)
            part = slice(None) if not upright[number] else [slice(0, 4), slice(3, 6), slice(5, 8)][band]
            edge = [(x + wind * float(a), high - 1.5 + float(w)) for a, w in zip(along[part], wave[part], strict=True)]
            ring = [(u, v + low, -0.06) for u, v in edge] + [(u, v + top, -0.06) for u, v in reversed(edge)]
            pen.polygon(ring, colours[band], ("cloth",), facing=0.6)


def parasols(pen: Pen, generator: np.random.Generator) -> None:
    """Draw three to seven parasols in two colours, 2.3 m high, over 10 x 5 m, with loungers in their shade."""
    for x, z in row(pen, generator, int(generator.integers(3, 8)), 9.0, 2.2):
        _parasol(beside(pen, x, z), generator)


def _parasol(pen: Pen, generator: np.random.Generator) -> None:
    radius, low, tip = generator.uniform(1.05, 1.35), generator.uniform(1.75, 1.95), generator.uniform(2.25, 2.4)
    colours = [bright_colour(generator), (0.94, 0.93, 0.90)]
    pen.shadow(radius, radius)
    rod(pen, (0.0, 0.0, 0.0), (0.0, tip, 0.0), 0.05, (0.8, 0.78, 0.72), ())
    box(pen, 0.3, 0.9, -0.9, 0.9, 0.12, 0.36, (colours[0], ("cloth",)))
    angle = np.linspace(0, 2 * np.pi, 13)
    rim = [(radius * float(np.cos(a)), low, radius * float(np.sin(a))) for a in angle]
    for wedge in sorted(range(12), key=lambda k: -pen.place(rim[k])[2]):
        face(pen, [rim[wedge], rim[wedge + 1], (0.0, tip, 0.0)], colours[wedge % 2], ("cloth",))
