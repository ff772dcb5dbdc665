"""The random views that a network is trained on: turned a little, cropped and mirrored, as in the authors' code.

A view depends on the generator alone, so training that was interrupted goes on with the same views.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Augmentation:
    """How far views may differ from the photo.

    Attributes:
        short_side: px; the photo is first scaled to it, its aspect kept.
        crop: px; side of the square that is cut out at random, at most `short_side`.
        rotation: degrees; the photo is turned by up to this much, either way. Corners that come from outside are black.
        mirror: whether half of the views are mirrored left to right.
    """

    short_side: int = 500
    crop: int = 450
    rotation: float = 5.0
    mirror: bool = True

    def __post_init__(self) -> None:
        """Refuse a crop that does not fit, with a ValueError."""
        if not 0 < self.crop <= self.short_side:
            raise ValueError(f"the crop is {self.crop} px of a short side of {self.short_side} px; expected it to fit")
        if not 0 <= self.rotation <= 90:
            raise ValueError(f"the rotation is up to {self.rotation} degrees; expected 0 to 90")

    def __call__(
        self,
        image: Image.Image,
        generator: np.random.Generator,
        resample: Image.Resampling = Image.Resampling.BICUBIC,
    ) -> Image.Image:
        """Return a random view, crop x crop px, of a picture; generators in the same state give the same view."""
        scale = self.short_side / min(image.size)
        width, height = (max(self.short_side, round(side * scale)) for side in image.size)
        angle, left, top, mirrored = generator.random(4)  # always four draws, whatever the settings
        view = image.resize((width, height), resample)
        if self.rotation > 0:
            view = view.rotate((2 * angle - 1) * self.rotation, resample)
        x, y = int(left * (width - self.crop + 1)), int(top * (height - self.crop + 1))
        view = view.crop((x, y, x + self.crop, y + self.crop))
        if self.mirror and mirrored < 0.5:
            view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return view
