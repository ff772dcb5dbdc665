"""How well made-up attributes are recognised."""

from siam.models.recognition import Belief, Recognition

_LOW = {"well": 0.7, "roughly": 0.3, "hardly": 0.06}  # lower end of the interval of the average precision


def recognised(belief: Belief, **changes) -> Recognition:
    """Return what a card says of an attribute with a belief; every number fits it."""
    low = _LOW[belief]
    values = {"positives": 40, "test_positives": 10, "test_photos": 200, "chance": 0.05, "belief": belief}
    return Recognition(**{**values, "average_precision": low + 0.1, "interval": (low, low + 0.2), **changes})
