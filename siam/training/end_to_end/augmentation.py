"""Random views for training: photos rotated slightly, cropped and mirrored, as in the authors' code.

A view depends on the generator alone, so resumed training sees the same views.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Augmentation:
    """How far views may differ from the photo.

    Attributes:
        short_side: px; the photo's short side is first scaled to it, keeping the aspect ratio.
        crop: px; side of the randomly placed square crop, at most `short_side`.
        rotation: degrees; the photo is rotated by up to this much either way. Corners from outside it are black.
        mirror: whether half of the views are mirrored left to right.
    """

    short_side: int = 500
    crop: int = 450
    rotation: float = 5.0
    mirror: bool = True

    def __post_init__(self) -> None:
        """Raise a ValueError if the crop does not fit or the rotation is out of range."""
        if not 0 < self.crop <= self.short_side:
            raise ValueError(f"the crop is {self.crop} px; expected 1 to {self.short_side}, the short side")
        if not 0 <= self.rotation <= 90:
            raise ValueError(f"the rotation is {self.rotation} degrees; expected 0 to 90")

    def __call__(
        self,
        image: Image.Image,
        generator: np.random.Generator,
        resample: Image.Resampling = Image.Resampling.BICUBIC,
    ) -> Image.Image:
        """Return a random view of a picture, crop x crop px; generators in the same state give the same view."""
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
