"""Times of day and weather: the sun's position, the colour of everything, and the visibility."""

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]  # red, green, blue from 0 to 1


@dataclass(frozen=True)
class Light:
    """The light of a scene.

    Attributes:
        name: such as "evening".
        sun: colour of direct light.
        ambient: colour of the light from the whole sky.
        zenith: colour of the sky overhead.
        low: colour of the sky at the horizon.
        haze: colour of things infinitely far away.
        visibility: metres after which haze hides 63 % of a colour.
        azimuth: the sun's azimuth in radians, from straight ahead to the right; beyond pi / 2 it is behind the camera.
        elevation: the sun's elevation in radians.
        cover: rough share of the sky under clouds.
        evening: strength of the nuance "evening_light", from 0 to 1.
        gloom: strength of the nuance "gloom".
    """

    name: str
    sun: Colour
    ambient: Colour
    zenith: Colour
    low: Colour
    haze: Colour
    visibility: float
    azimuth: float
    elevation: float
    cover: float
    evening: float = 0.0
    gloom: float = 0.0

    @property
    def direction(self) -> np.ndarray:
        """Unit vector (x to the right, y up, z ahead) towards the sun."""
        flat = np.cos(self.elevation)
        return np.array([np.sin(self.azimuth) * flat, np.sin(self.elevation), np.cos(self.azimuth) * flat])

    def hazed(self, colour: np.ndarray, metres: np.ndarray | float) -> np.ndarray:
        """Return colours (…, 3) as they look from a distance (…)."""
        left = np.exp(-np.asarray(metres, dtype=np.float32) / np.float32(self.visibility))
        left = left[..., None] if left.ndim else left
        haze = np.array(self.haze, dtype=np.float32)
        return haze + (colour - haze) * left

    def lit(self, colour: np.ndarray, facing: np.ndarray | float) -> np.ndarray:
        """Return a surface's colour (…, 3); `facing` (…) is from -1 to 1, where 1 faces the sun straight on."""
        facing = np.clip(np.asarray(facing, dtype=np.float32), 0, 1)
        facing = facing[..., None] if facing.ndim else facing
        return colour * (np.array(self.ambient, dtype=np.float32) + np.array(self.sun, dtype=np.float32) * facing)


_LIGHTS = {  # sun, ambient, zenith, low, haze, visibility, elevation, cover, evening, gloom
    "noon": ((0.72, 0.70, 0.64), (0.42, 0.45, 0.52), (0.20, 0.42, 0.74), (0.68, 0.82, 0.94), (0.66, 0.78, 0.90),
             9000, 0.95, 0.30, 0.0, 0.0),
    "afternoon": ((0.80, 0.72, 0.56), (0.38, 0.41, 0.50), (0.24, 0.46, 0.76), (0.78, 0.86, 0.92),
                  (0.72, 0.79, 0.87), 8000, 0.60, 0.38, 0.1, 0.0),
    "evening": ((1.00, 0.62, 0.30), (0.34, 0.32, 0.40), (0.28, 0.38, 0.62), (1.00, 0.72, 0.42),
                (0.92, 0.68, 0.52), 6000, 0.20, 0.42, 1.0, 0.0),
    "morning": ((0.92, 0.76, 0.58), (0.38, 0.40, 0.48), (0.40, 0.56, 0.78), (0.96, 0.86, 0.76),
                (0.86, 0.84, 0.84), 2600, 0.30, 0.25, 0.45, 0.0),
    "overcast": ((0.20, 0.20, 0.20), (0.76, 0.78, 0.81), (0.56, 0.61, 0.68), (0.80, 0.83, 0.86),
                 (0.74, 0.77, 0.80), 4000, 0.90, 0.95, 0.0, 0.55),
    "storm": ((0.42, 0.40, 0.36), (0.50, 0.52, 0.57), (0.32, 0.36, 0.43), (0.68, 0.71, 0.73),
              (0.56, 0.60, 0.64), 4500, 0.55, 0.85, 0.0, 0.8),
    "mist": ((0.22, 0.22, 0.21), (0.72, 0.67, 0.70), (0.72, 0.75, 0.79), (0.86, 0.87, 0.88),
             (0.84, 0.85, 0.86), 420, 0.70, 0.15, 0.0, 0.35),
}  # fmt: skip
_SHARES = {
    "noon": 0.27, "afternoon": 0.25, "evening": 0.15, "morning": 0.09, "overcast": 0.13, "storm": 0.07, "mist": 0.04,
}  # fmt: skip


def draw_light(generator: np.random.Generator) -> Light:
    """Return the light of a scene: one of several times of day and weathers, a little different every time."""
    name = str(generator.choice(list(_SHARES), p=list(_SHARES.values())))
    sun, ambient, zenith, low, haze, visibility, elevation, cover, evening, gloom = _LIGHTS[name]
    side = float(generator.choice([-1, 1]))
    ahead = name in ("evening", "morning") and generator.random() < 0.45  # the sun is in the picture
    azimuth = side * generator.uniform(0.05, 0.30) if ahead else side * generator.uniform(0.9, 2.3)
    return Light(
        name=name,
        sun=sun,
        ambient=ambient,
        zenith=_varied(zenith, generator),
        low=_varied(low, generator),
        haze=haze,
        visibility=visibility * generator.uniform(0.7, 1.5),
        azimuth=azimuth,
        elevation=elevation * generator.uniform(0.75, 1.2),
        cover=float(np.clip(cover + generator.normal(0, 0.18), 0, 1)),
        evening=evening,
        gloom=gloom,
    )


def _varied(colour: Colour, generator: np.random.Generator) -> Colour:
    red, green, blue = (float(np.clip(value * generator.uniform(0.93, 1.07), 0, 1)) for value in colour)
    return red, green, blue
