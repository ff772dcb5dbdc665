"""How good networks are on labelled photos: figures with intervals, and stored results."""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.evaluation.assessment import Assessment, assess
    from siam.evaluation.stored import Result

__all__ = ["Assessment", "Result", "assess"]

__getattr__ = lazily(__name__, {"Assessment": "assessment", "Result": "stored", "assess": "assessment"})
