"""SIAM, its baseline and their backbones, and how they are stored, shared and described."""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.models.baseline import Baseline, BaselineConfig
    from siam.models.checkpoint import Pair, load, save
    from siam.models.publishing import push
    from siam.models.siam import SIAM, SIAMConfig

__all__ = ["SIAM", "Baseline", "BaselineConfig", "Pair", "SIAMConfig", "load", "push", "save"]

__getattr__ = lazily(
    __name__,
    {
        "Baseline": "baseline",
        "BaselineConfig": "baseline",
        "Pair": "checkpoint",
        "SIAM": "siam",
        "SIAMConfig": "siam",
        "load": "checkpoint",
        "push": "publishing",
        "save": "checkpoint",
    },
)
