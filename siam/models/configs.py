"""The settings from which networks are rebuilt, as a card holds them. Reading them does not need PyTorch."""

from dataclasses import dataclass
from typing import Literal

from siam.datasets.base import RatingScale

Pooling = Literal["adaptive", "area"]
Link = Literal["tanh", "sigmoid"]


@dataclass(frozen=True)
class BaselineConfig:
    """Everything needed to rebuild a `Baseline` and to prepare its input."""

    backbone: str
    scale: RatingScale
    image_size: int  # of the short side, in px
    size_multiple: int  # in px: both sides are rounded to a multiple of it, the backbone's stride
    mean: tuple[float, float, float]  # of RGB pixels in [0, 1]
    std: tuple[float, float, float]
    stages: int = 1  # see `create_backbone`
    predicts_variance: bool = False  # a second linear layer for the spread of the votes


@dataclass(frozen=True)
class SIAMConfig:
    """Everything needed to rebuild a `SIAM` and to prepare its input; shared settings as in `BaselineConfig`."""

    backbone: str
    scale: RatingScale
    image_size: int
    size_multiple: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    attributes: tuple[str, ...]
    grid: int = 15  # the paper's templates are 15 x 15
    border: int = 2  # outer cells of the maps that are ignored, to avoid border effects
    attribute_link: Link = "tanh"  # with tanh, maps pass a ReLU first
    predicts_variance: bool = False  # a second set of templates for the spread of the votes
    template_relu: bool = False  # a negative template response counts as 0; no effect if all templates are >= 0
    pooling: Pooling = "adaptive"  # how maps are averaged to the grid of the templates
    stages: int = 1  # see `create_backbone`

    def __post_init__(self) -> None:
        """Raise a ValueError for settings from which no network can be built."""
        if self.attribute_link not in ("tanh", "sigmoid"):
            raise ValueError(f"attribute_link is {self.attribute_link!r}; expected 'tanh' or 'sigmoid'")
        if self.pooling not in ("adaptive", "area"):
            raise ValueError(f"pooling is {self.pooling!r}; expected 'adaptive' or 'area'")
        if self.grid < 1 or self.border < 0 or not self.attributes:
            raise ValueError(
                f"grid {self.grid}, border {self.border}, {len(self.attributes)} attributes; expected a grid of at "
                "least 1, a border of at least 0 and at least one attribute"
            )
