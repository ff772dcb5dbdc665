"""The sky: its gradient, the glow of the sun, and fractal clouds in perspective."""

import numpy as np

from siam.worlds.landscapes.paint.canvas import Canvas
from siam.worlds.landscapes.paint.noise import Noise, mix, smoothstep

_DENSE = 0.35  # opacity from which a cloud counts as one


def paint_sky(canvas: Canvas, smooth: Noise, cloudy: Noise, generator: np.random.Generator) -> None:
    """Paint sky and clouds over the whole canvas, whatever will stand in front."""
    camera, light = canvas.camera, canvas.light
    place = np.arange(camera.size) + 0.5
    up = ((camera.horizon - place) / camera.focal)[:, None]  # (S, 1) tangent of the elevation
    across = ((place - camera.size / 2) / camera.focal)[None, :]  # (1, S)
    rise = 1 - np.exp(-np.maximum(up, 0) * 3.2)
    sky = mix(np.array(light.low, dtype=np.float32), np.array(light.zenith, dtype=np.float32), rise)  # (S, 1, 3)
    sky = np.broadcast_to(sky, canvas.rgb.shape).copy()
    ray = np.stack(np.broadcast_arrays(across, up, np.ones_like(across + up)), axis=-1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    towards = ray @ light.direction  # (S, S) cosine of the angle to the sun
    sun = np.array(light.sun, dtype=np.float32)
    if light.elevation < 0.5:
        sky = mix(sky, np.minimum(sun * 1.25, 1), 0.65 * np.clip(towards, 0, 1) ** 8)
    seen = max(0.0, 1 - light.gloom)
    sky = mix(sky, np.ones(3, dtype=np.float32), seen * smoothstep(towards, 0.9993, 0.9997))
    opacity, brightness = _clouds(canvas, up, across, smooth, cloudy, generator)
    dark = np.array(light.ambient, dtype=np.float32) * (0.95 - 0.35 * light.gloom)
    bright = np.minimum(np.array(light.ambient, dtype=np.float32) * 0.75 + sun * 0.85, 1)
    colour = mix(dark, bright, brightness)
    colour = mix(colour, np.minimum(sun * 1.3, 1), 0.5 * np.clip(towards, 0, 1) ** 6 * brightness)
    colour = light.hazed(colour, 450 / np.maximum(up, 0.01))
    canvas.rgb[:] = mix(sky, colour, opacity)
    canvas.cover[opacity > _DENSE] = canvas.set_of(["clouds"])


def _clouds(
    canvas: Canvas, up: np.ndarray, across: np.ndarray, smooth: Noise, cloudy: Noise, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return opacity and brightness (S, S) of a layer of clouds, seen from below in perspective."""
    light = canvas.light
    tall = generator.uniform(0.12, 0.30)  # the higher, the less foreshortened the layer
    detail = generator.uniform(20, 34)
    shift = generator.uniform(0, 512, 2)
    if light.cover < 0.08:
        return np.zeros_like(across + up), np.zeros_like(across + up)
    distance = 1 / (np.maximum(up, 0) + tall)
    x, z = across * distance * detail + shift[0], distance * detail * 1.6 + shift[1]
    x, z = np.broadcast_arrays(x, z)
    warp = 5 * smooth.at(x / 3, z / 3)
    density = cloudy.at(x + warp, z + warp)
    level = np.interp(light.cover, [0, 0.5, 1], [1.3, 0.15, -1.6])
    opacity = smoothstep(density, level, level + 0.5)
    towards_sun = np.clip(light.direction[[0, 2]], -0.7, 0.7)
    behind = cloudy.at(x + warp + 5 * towards_sun[0], z + warp - 5 * towards_sun[1] - 3)
    brightness = np.clip(0.62 + 0.42 * (density - behind) - 0.22 * (density - level), 0.0, 1)
    if light.name in ("overcast", "mist"):
        brightness = 0.45 + 0.25 * brightness
    return opacity * smoothstep(up, -0.005, 0.035 + 0.03 * (1 - light.cover)), brightness
