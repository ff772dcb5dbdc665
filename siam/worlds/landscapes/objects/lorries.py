"""Vans, lorries and buses."""

import numpy as np

from siam.worlds.landscapes.objects.solids import (
    BACK,
    DARK,
    FRONT,
    LEFT,
    PAINTS,
    RIGHT,
    block,
    gloss,
    paint_of,
    panel,
    prism,
    wheels,
    window_panes,
)
from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, corrugated


def van(pen: Pen, generator: np.random.Generator) -> None:
    """A panel van, about 2.3 m high."""
    colour, panes = paint_of(PAINTS, generator), window_panes(pen, generator)
    tall, shows = float(generator.uniform(2.1, 2.5)), ("transport", "metal")
    pen.shadow(2.7, 1.0)
    outline = [
        (-2.6, 0.25),
        (2.55, 0.25),
        (2.6, 0.9),
        (2.35, 1.12),
        (1.45, tall - 0.1),
        (1.2, tall),
        (-2.55, tall),
        (-2.6, 0.5),
    ]
    body = prism(pen, outline, -0.98, 0.98, gloss(colour), shows, under=colour * 0.7)
    panel(pen, body[3], (0.06, 0.94, 0.06, 0.9), panes, shows, glow=True)
    panel(pen, body[1], (0.02, 0.98, 0.0, 0.45), DARK, shows)
    for z, order in ((-1.0, 1), (1.0, -1)):
        window = [(1.05, 1.2), (2.05, 1.2), (1.45, tall - 0.25), (1.05, tall - 0.25)]
        corners = (
            [(x, y, z) for x, y in window] if order == 1 else [(window[n][0], window[n][1], z) for n in (1, 0, 3, 2)]
        )
        face(pen, corners, panes, shows, both=False, glow=True)
        for x in (-0.75, 0.95):
            seam = [(x, 0.4, z), (x + 0.04 * order, 0.4, z), (x + 0.04 * order, tall - 0.2, z), (x, tall - 0.2, z)]
            face(pen, seam, colour * 0.5, shows, both=False)
    wheels(pen, (-1.7, 1.7), 0.34, 1.0, shows, 0.22)


def lorry(pen: Pen, generator: np.random.Generator) -> None:
    """A lorry with a ribbed box, 3.5 m high."""
    cab, box, ribs = paint_of(PAINTS, generator), paint_of(PAINTS, generator), corrugated(generator)
    panes, long, shows = window_panes(pen, generator), float(generator.uniform(5.5, 8.5)), ("transport", "metal")
    pen.shadow(0.5 * long + 1.4, 1.3)

    def sheets(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        tone = ribs(along, up, grain).mean(axis=1, keepdims=True) / 0.6
        return (box * tone).astype(np.float32)

    end = long / 2 - 1.0
    block(pen, (-end - 1.9, end + 1.9, -0.9, 0.9, 0.55), (-end - 1.9, end + 1.9, -0.9, 0.9, 1.0), DARK, shows)
    block(
        pen,
        (-end - 2, end, -1.25, 1.25, 1.0),
        (-end - 2, end, -1.25, 1.25, 3.5),
        sheets,
        shows,
        under=box * 0.7,
        top=box,
    )
    nose = block(
        pen,
        (end + 0.25, end + 2.2, -1.2, 1.2, 0.5),
        (end + 0.25, end + 1.95, -1.15, 1.15, 2.9),
        gloss(cab),
        shows,
        under=cab * 0.7,
    )
    panel(pen, nose[RIGHT], (0.06, 0.94, 0.5, 0.86), panes, shows, glow=True)
    panel(pen, nose[RIGHT], (0.1, 0.9, 0.1, 0.3), DARK, shows)
    panel(pen, nose[FRONT], (0.38, 0.92, 0.5, 0.84), panes, shows, glow=True)
    panel(pen, nose[BACK], (0.08, 0.62, 0.5, 0.84), panes, shows, glow=True)
    wheels(pen, (-end - 1.1, -end, end + 1.2), 0.5, 1.22, shows)


def bus(pen: Pen, generator: np.random.Generator) -> None:
    """A bus, 3.1 m high, its front at the right."""
    colour, band, panes = (
        paint_of(PAINTS, generator),
        paint_of(PAINTS, generator),
        window_panes(pen, generator, 1.5, 0.10),
    )
    half, shows, seen = float(generator.uniform(4.8, 6.0)), ("transport",), ("transport", "glass")
    pen.shadow(half, 1.3)
    body = block(pen, (-half, half, -1.25, 1.25, 0.32), (-half, half, -1.22, 1.22, 3.1), gloss(colour), shows,
                 under=colour * 0.7, top=colour * 0.9)  # fmt: skip
    for side, door in ((FRONT, 0.86), (BACK, 0.04)):
        panel(pen, body[side], (0.0, 1.0, 0.1, 0.22), band, shows)
        panel(pen, body[side], (0.02, 0.98, 0.42, 0.86), panes, seen, glow=True)
        panel(pen, body[side], (door, door + 0.1, 0.06, 0.86), panes, seen, out=0.03, glow=True)
    panel(pen, body[RIGHT], (0.05, 0.95, 0.36, 0.84), panes, seen, glow=True)
    panel(pen, body[RIGHT], (0.2, 0.8, 0.87, 0.97), (0.9, 0.6, 0.1), shows)
    panel(pen, body[LEFT], (0.1, 0.9, 0.45, 0.84), panes, seen, glow=True)
    for left in (0.06, 0.8):
        panel(pen, body[RIGHT], (left, left + 0.14, 0.12, 0.2), (0.92, 0.92, 0.86), shows)
        panel(pen, body[LEFT], (left, left + 0.14, 0.12, 0.22), (0.66, 0.05, 0.05), shows)
    wheels(pen, (-0.55 * half, 0.58 * half), 0.48, 1.27, shows)
