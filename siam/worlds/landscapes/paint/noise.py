"""Seamless fractal noise, from which clouds, hills and the grain of every surface are made."""

from typing import NamedTuple

import numpy as np

SIDE = 512  # cells of a tile


class Noise(NamedTuple):
    """A square tile of noise that repeats in both directions; mean 0, standard deviation 1.

    Attributes:
        values: (SIDE + 1, SIDE + 1) float32; the last row and column are the first ones again.
    """

    values: np.ndarray

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the noise (…) at places (…) in cells, smoothly interpolated; float32."""
        row, column = np.floor(y), np.floor(x)
        t, s = (y - row).astype(np.float32), (x - column).astype(np.float32)
        place = (row.astype(np.int64) % SIDE) * (SIDE + 1) + column.astype(np.int64) % SIDE
        flat = self.values.reshape(-1)
        top = flat[place] + s * (flat[place + 1] - flat[place])
        place += SIDE + 1
        below = flat[place] + s * (flat[place + 1] - flat[place])
        return top + t * (below - top)


def fractal(generator: np.random.Generator, roughness: float) -> Noise:
    """Return noise whose amplitude falls with frequency f as f ** -roughness: 1 is cloudy, 2 smooth, 0.5 grainy."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    frequency[0, 0] = np.inf
    phases = np.exp(2j * np.pi * generator.random(frequency.shape))
    tile = np.fft.irfft2(phases * frequency ** -(roughness + 0.5), (SIDE, SIDE))
    tile = (tile - tile.mean()) / tile.std()
    return Noise(np.pad(tile, (0, 1), mode="wrap").astype(np.float32))


def smoothstep(value: np.ndarray | float, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between; `low` may be the higher of the two."""
    t = np.clip((np.asarray(value, dtype=np.float32) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Return a mix of two colours (…, 3), with a `share` (…) of the second."""
    weight = np.asarray(share, dtype=np.float32)
    weight = weight[..., None] if weight.ndim else weight
    return first + (second - first) * weight
