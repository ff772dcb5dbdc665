"""What built things are made of.

A material is a function of metres along and up a face and of the pixels per metre there. Details finer than a pixel
fade; courses of bricks and rows of shingles first become coarser, so that distant walls still show what they are.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from siam.worlds.landscapes.paint.light import Light
from siam.worlds.landscapes.paint.noise import SIDE, fractal, mix, smoothstep


class Grain(NamedTuple):
    """Pixels of the canvas per metre along and up a face."""

    along: float
    up: float


Colour = Sequence[float] | np.ndarray
Material = Callable[[np.ndarray, np.ndarray, Grain], np.ndarray]  # metres (n,), (n,) → colours (n, 3), or with opacity

_BRICKS = ((0.64, 0.28, 0.19), (0.70, 0.35, 0.23), (0.56, 0.27, 0.21), (0.74, 0.46, 0.30), (0.68, 0.24, 0.15))
_TILES = ((0.30, 0.31, 0.35), (0.58, 0.25, 0.16), (0.42, 0.24, 0.18), (0.24, 0.25, 0.28), (0.52, 0.32, 0.22))
_STONES = ((0.68, 0.65, 0.60), (0.74, 0.68, 0.57), (0.60, 0.60, 0.61), (0.70, 0.61, 0.52))
_WOODS = ((0.52, 0.34, 0.20), (0.60, 0.43, 0.27), (0.46, 0.31, 0.21), (0.54, 0.48, 0.42))
_METALS = ((0.66, 0.69, 0.72), (0.52, 0.58, 0.64), (0.46, 0.56, 0.52), (0.72, 0.72, 0.70), (0.40, 0.48, 0.60))
_RUST = np.array([(0.38, 0.19, 0.11), (0.72, 0.35, 0.13)], dtype=np.float32)
_FINE = 4  # places between the cells of a tile


@cache
def _clouds() -> np.ndarray:
    """Return (SIDE * _FINE) ** 2 values of seamless noise in one row, so fine that they need no interpolation."""
    place = np.arange(SIDE * _FINE) / _FINE
    return fractal(np.random.default_rng(20), 1.0).at(place[None, :], place[:, None]).reshape(-1)


def _noise(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return noise (n,) at places (n,) in cells, from -64 on."""
    side = SIDE * _FINE
    row, column = (((at + np.float32(64)) * np.float32(_FINE)).astype(np.int32) & (side - 1) for at in (y, x))
    return _clouds().take(row * side + column)


@cache
def _grains() -> np.ndarray:
    return np.random.default_rng(21).standard_normal(SIDE * SIDE).astype(np.float32)


def stain(along: np.ndarray, up: np.ndarray, at: Colour, length: float = 1.0, tall: float | None = None) -> np.ndarray:
    """Return cloudy noise (n,) of standard deviation 1 with patches of some `length` (and height) in metres."""
    scale, rise = np.float32(8 / length), np.float32(8 / (tall or length))
    return _noise(along * scale + np.float32(at[0]), up * rise + np.float32(at[1]))


def each(row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Return one standard normal number (n,) for every brick, board or shingle, numbered (n,), (n,)."""
    index = row.astype(np.int32) * 7919 + column.astype(np.int32) * 104729
    return _grains()[index % (SIDE * SIDE)]


def _coarser(size: float, pixels: float, most: float, least: float = 4.0) -> float:
    """Return a size in metres, enlarged to take `least` pixels but at most to `most` metres."""
    return float(np.clip(least / max(pixels, 1e-6), size, most))


def _gap(place: np.ndarray, size: float, width: float, pixels: float) -> np.ndarray:
    """Return the share (n,) of each pixel in gaps `width` metres wide at the borders 0 and 1 of parts of a size."""
    distance = np.minimum(place, 1 - place) * np.float32(size * pixels)
    share = np.clip(np.float32(width * pixels / 2 + 0.5) - distance, 0, 1) * min(1.0, width * pixels)
    return share * float(smoothstep(size * pixels, 1.6, 3.2))


def _draw(choices: Sequence[Colour], generator: np.random.Generator, spread: float = 0.1) -> tuple[np.ndarray, Colour]:
    """Return a slightly varied colour, and where its noise begins."""
    base = np.asarray(choices[int(generator.integers(len(choices)))])
    base = base * generator.uniform(1 - spread, 1 + spread) * generator.uniform(0.97, 1.03, 3)
    return base.astype(np.float32), generator.uniform(0, SIDE, 2)


def plain(colour: Colour, generator: np.random.Generator, spots: float = 0.05, length: float = 2.0) -> Material:
    """Return paint or plaster of a colour, with faint stains."""
    base, at = _draw([colour], generator, 0.02)

    def material(along: np.ndarray, up: np.ndarray, _grain: Grain) -> np.ndarray:
        return base * (1 + np.float32(spots) * stain(along, up, at, length))[:, None]

    return material


def brick(generator: np.random.Generator) -> Material:
    """Return bricks in stretcher bond, with mortar."""
    base, at = _draw(_BRICKS, generator)
    mortar = np.float32(generator.uniform(0.58, 0.76)) * np.array([1.0, 0.95, 0.88], dtype=np.float32)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        tall = _coarser(0.10, grain.up, 0.26)
        long = max(3 * tall, _coarser(0.3, grain.along, 0.9, 5))
        row = np.floor(up / tall)
        place = along / long + 0.5 * (row % 2)
        column = np.floor(place)
        tone = 1 + 0.13 * each(row, column) + 0.05 * stain(along, up, at, 3.0)
        joints = np.maximum(
            _gap(up / tall - row, tall, 0.2 * tall, grain.up), _gap(place - column, long, 0.16 * tall, grain.along)
        )
        return mix(base * tone[:, None], mortar, 0.85 * joints)

    return material


def stone(generator: np.random.Generator, block: float = 0.34, rough: float = 1.0, moss: float = 0.0) -> Material:
    """Return walls of stone: ashlar in blocks `block` metres high, or rubble where `rough` is 1; mossy from 0 to 1."""
    (base, at), ratio = _draw(_STONES, generator), generator.uniform(1.5, 2.1)
    green = np.array([0.30, 0.34, 0.16], dtype=np.float32)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        tall = _coarser(block, grain.up, 0.8, 5)
        long = tall * ratio
        high = up + np.float32(0.12 * rough * tall) * stain(along, up, at, 4 * long)
        row = np.floor(high / tall)
        place = along / long + 0.37 * row + 0.3 * rough * each(row, row + 3)
        column = np.floor(place)
        tone = 1 + 0.15 * each(row, column) + 0.09 * stain(along, up, at, 0.8) + 0.07 * stain(along, up, at, 6.0)
        warm = 0.03 * each(column, row)[:, None] * np.array([1.0, 0.2, -1.0], dtype=np.float32)
        joints = np.maximum(
            _gap(high / tall - row, tall, 0.12 * tall, grain.up), _gap(place - column, long, 0.12 * tall, grain.along)
        )
        colour = mix(base * tone[:, None] + warm, base * np.float32(0.45), 0.8 * joints)
        return (
            mix(colour, green, moss * 0.7 * smoothstep(stain(along, up, at[::-1], 5.0), 0.3, 1.6)) if moss else colour
        )

    return material


def shingles(generator: np.random.Generator, colours: Sequence[Colour] = _TILES, worn: float = 0.0) -> Material:
    """Return rows of shingles or tiles, each row throwing a shadow on the one below; mossy where worn."""
    base, at = _draw(colours, generator)
    moss = np.array([0.34, 0.36, 0.18], dtype=np.float32)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        tall = _coarser(0.26, grain.up, 0.62, 4.5)
        long = max(0.8 * tall, _coarser(0.2, grain.along, 0.6, 4))
        row = np.floor(up / tall)
        place = along / long + 0.5 * (row % 2) + 0.06 * each(row, row)
        column = np.floor(place)
        rise = up / tall - row
        clear = float(smoothstep(tall * grain.up, 1.6, 3.2))
        tone = 1 + 0.12 * each(row, column) + (0.06 + 0.06 * worn) * stain(along, up, at, 2.5)
        tone = tone * (1 + clear * (0.16 - 0.52 * smoothstep(rise, 0.42, 0.0)))
        gaps = _gap(place - column, long, 0.09 * tall, grain.along)
        colour = base * (tone * (1 - 0.45 * gaps))[:, None]
        return (
            mix(colour, moss, 0.75 * worn * smoothstep(stain(along, up, at[::-1], 1.6), 0.4, 1.5)) if worn else colour
        )

    return material


def boards(generator: np.random.Generator, upright: bool = False, width: float = 0.2, *, log: bool = False,
           colours: Sequence[Colour] = _WOODS) -> Material:  # fmt: skip
    """Return boards or round logs, lying or upright."""
    base, at = _draw(colours, generator, 0.15)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        across, length, pixels = (along, up, grain.along) if upright else (up, along, grain.up)
        wide = _coarser(width, pixels, max(width, 0.42), 4.5)
        row = np.floor(across / wide)
        place = across / wide - row
        tone = 1 + 0.15 * each(row, np.floor(length / 3.7 + 0.5 * (row % 2)))
        tone += 0.10 * _noise(length * np.float32(6) + np.float32(at[0]), across * np.float32(90) + np.float32(at[1]))
        dark = _gap(place, wide, 0.16 * wide, pixels)
        if log:
            tone *= 0.55 + 0.6 * np.sin(np.pi * place)
        return base * (tone * (1 - 0.6 * dark))[:, None]

    return material


def corrugated(generator: np.random.Generator, rust: float = 0.0, upright: bool = True) -> Material:
    """Return sheets of corrugated metal, its ribs upright or lying; rusty from 0 to 1."""
    base, at = _draw(_METALS, generator)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        across, pixels = (along, grain.along) if upright else (up, grain.up)
        pitch = _coarser(0.22, pixels, 0.8, 5)
        clear = float(smoothstep(pitch * pixels, 1.6, 3.5))
        phase = across * np.float32(2 * np.pi / pitch)
        tone = 1 + clear * (0.17 * np.sin(phase) + 0.07 * np.sin(2 * phase + 1)) + 0.04 * stain(along, up, at, 5.0)
        tone = tone + 0.05 * each(np.floor(along / 1.1), np.floor(up / 2.6))
        seams = np.maximum(_gap(along / 1.1 % 1, 1.1, 0.03, grain.along) * 0.5, _gap(up / 2.6 % 1, 2.6, 0.05, grain.up))
        colour = base * (tone * (1 - 0.35 * seams))[:, None]
        if not rust:
            return colour
        patches = stain(along, up, at, 3.0, 4.0) + 0.7 * stain(along, up, at[::-1], 0.7, 5.0)
        return mix(colour, _rusted(along, up, at) * tone[:, None], smoothstep(patches + 3 * rust - 1.6, -0.6, 0.7))

    return material


def rust(generator: np.random.Generator) -> Material:
    """Return metal that is rusty all over."""
    at = generator.uniform(0, SIDE, 2)
    return lambda along, up, _grain: _rusted(along, up, at)


def _rusted(along: np.ndarray, up: np.ndarray, at: Colour) -> np.ndarray:
    return mix(_RUST[0], _RUST[1], smoothstep(stain(along, up, at, 0.9, 2.0), -1.4, 1.6))


def cloth(colours: Sequence[Colour], generator: np.random.Generator, stripe: float = 0, fold: float = 0.5) -> Material:
    """Return cloth, in upright stripes `stripe` metres wide where given, in folds `fold` metres apart."""
    tones, phase = np.asarray(colours, dtype=np.float32), generator.uniform(0, 6)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        number = np.floor(along / stripe).astype(int) % len(tones) if stripe else np.zeros(len(along), dtype=int)
        clear = 0.12 * float(smoothstep(fold * grain.along, 2.0, 4.0))
        return tones[number] * (1 + clear * np.sin(along * (2 * np.pi / fold) + 0.9 * up + phase))[:, None]

    return material


def glass(
    light: Light, generator: np.random.Generator, pane: tuple[float, float] = (1.5, 1.6), frame: float = 0.07,
    inside: Colour = (0.10, 0.12, 0.14),
) -> Material:  # fmt: skip
    """Return panes of glass that reflect sky and land, in frames `frame` metres wide; paint them with `glow`."""
    at, bright = generator.uniform(0, SIDE, 2), float(np.clip(generator.normal(0.75, 0.15), 0.45, 1.0))
    low, zenith, haze = (np.array(colour, dtype=np.float32) for colour in (light.low, light.zenith, light.haze))
    behind = light.lit(np.asarray(inside, dtype=np.float32), 0.3)
    steel = light.lit(np.full(3, 0.72, dtype=np.float32), 0.5)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        column, row = np.floor(along / pane[0]), np.floor(up / pane[1])
        tilt = 0.10 * each(row, column)
        clouds = stain(along, up, at, 7.0)
        sky = mix(low, zenith, smoothstep(up / 9 + tilt, 0.0, 1.0))
        sky = mix(sky, haze * 1.03, smoothstep(clouds, 0.2, 1.4) * 0.7)
        land = smoothstep(up / pane[1] % 1 + tilt + 0.12 * clouds, 0.30, 0.22)
        shown = mix(behind, sky, np.clip(bright + tilt, 0.15, 1.0) * (1 - 0.7 * land))
        bars = np.maximum(_gap(along / pane[0] % 1, pane[0], frame, grain.along),
                          _gap(up / pane[1] % 1, pane[1], frame, grain.up))  # fmt: skip
        return mix(shown, steel, bars)

    return material
