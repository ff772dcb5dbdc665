"""What an explainer that learns needs before it explains: that it was fitted to this network, and to this target."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from siam.explainers.base import Model, Target
from siam.explainers.targets import score_down, score_up
from siam.models.fitted import Fitted, fitted_to, fitted_what
from siam.models.identity import known_fingerprint
from siam.models.siam import SIAM

_OPPOSITE = {repr(score_up()): repr(score_down()), repr(score_down()): repr(score_up())}


def name_of(target: Target) -> str:
    """Return the name by which what is learnt is bound to a target: "output(3)", or "module.function" for a function.

    Raises:
        ValueError: the target has no name, as a lambda.
    """
    words = repr(target)
    if " at 0x" not in words:
        return words
    name = getattr(target, "__qualname__", "<")
    if "<lambda>" in name or name == "<":
        raise ValueError(
            "what is learnt belongs to a target, by its name, and this one has none: define it as a function, or use "
            "output(…)"
        )
    return f"{target.__module__}.{name}"


def learnt_for(name: str, title: str, model: Model, learnt: Fitted | None) -> Fitted:
    """Return what an explainer has learnt for a network: what was given, or else what the network holds itself.

    Args:
        name: of the explainer.
        title: its name in print.
        model: the network.
        learnt: what `siam.explainers.fit` returned, or None.

    Raises:
        ValueError: it was not fitted to this network, or by another explainer.
    """
    if learnt is None:
        if isinstance(model, SIAM):
            raise ValueError(
                f"{title} is fitted to baselines only, and this is a SIAM: use SIAM's own map, or Grad-CAM, or give "
                "learnt=siam.explainers.fit(…)"
            )
        return fitted_to(model, name)
    facts = learnt.facts
    if facts.get("explainer", name) != name:
        raise ValueError(f"this was fitted for {facts['explainer']!r}, and cannot be used by {name!r}: fit that")
    if not isinstance(model, nn.Module) or facts.get("network", "") not in ("", known_fingerprint(model)):
        raise ValueError(
            f"{title} was fitted to {fitted_what(facts)} with other weights than this {type(model).__name__}: give "
            "that network, or fit it again"
        )
    return learnt


def sign_of(title: str, target: Target, facts: Mapping[str, Any]) -> int:
    """Return 1 if a target is the one that was fitted to, −1 if it is minus that.

    Raises:
        ValueError: it is neither.
    """
    fitted = facts.get("target", repr(score_up()))
    try:
        asked = name_of(target)
    except ValueError:
        asked = repr(target)
    if asked == fitted:
        return 1
    if fitted in _OPPOSITE:
        if asked == _OPPOSITE[fitted]:
            return -1
        raise ValueError(
            f"{title} was fitted to the network's score, but the target is {target!r}; expected score_up() or "
            "score_down(): use Grad-CAM for other targets"
        )
    raise ValueError(
        f"{title} was fitted to {fitted}, but the target is {target!r}: fit it to that, too, or use Grad-CAM"
    )
