"""How people with a colour deficiency see, and how far apart two colours look to them.

After G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation of color vision
deficiency", 2009, at full severity; distances in CAM02-UCS, in which about 1 can just be told side by side.
"""

import numpy as np
from colorspacious import cspace_convert
from PIL import Image, ImageColor

DEFICIENCIES = {"protanopia": "protanomaly", "deuteranopia": "deuteranomaly", "tritanopia": "tritanomaly"}


def rgb(colour: str) -> np.ndarray:
    """Return a colour "#RRGGBB" as three shares of 1."""
    return np.array(ImageColor.getrgb(colour)) / 255


def seen(colours: np.ndarray, deficiency: str) -> np.ndarray:
    """Return colours (…, 3) in [0, 1] as people see them with one of `DEFICIENCIES`; "none" leaves them as they are."""
    if deficiency == "none":
        return colours
    space = {"name": "sRGB1+CVD", "cvd_type": DEFICIENCIES[deficiency], "severity": 100}
    return np.clip(cspace_convert(colours, space, "sRGB1"), 0, 1)


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the distance of two colours in CAM02-UCS."""
    return float(
        np.linalg.norm(cspace_convert(first, "sRGB1", "CAM02-UCS") - cspace_convert(second, "sRGB1", "CAM02-UCS"))
    )


def contrast(first: np.ndarray, second: np.ndarray) -> float:
    """Return the contrast of two colours by WCAG 2: 1 to 21."""
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def picture_seen(picture: Image.Image, deficiency: str) -> Image.Image:
    """Return a picture as people see it with a deficiency."""
    pixels = seen(np.asarray(picture.convert("RGB")) / 255, deficiency)
    return Image.fromarray((255 * pixels + 0.5).astype(np.uint8))


def _luminance(colour: np.ndarray) -> float:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
