"""Fits the groups of a CSIB (`siam.models.csib`) to scores, from the presence of attributes in each photo.

::

    L     = mean over k = 1 … 8 and all of mean over photos of (y - y_k)^2      y_k: the k groups of largest |w_g q_g|
            + few * mean over groups of u_g entropy(s_g)                        few members in a group
            + distinct * sum over pairs g != h of u_g u_h <s_g, s_h>            groups that differ from each other
            + shrinkage * sum over groups of mean |w_g q_g|                     few groups
            + ridge / N * sum over groups of w_g^2                              no large weight that few photos decide
    u_g   = share of group g in sum_h mean |w_h q_h|

L's first line is that of Marcos et al. 2020 (arXiv:2009.08720); the shares are kept on the simplex by Euclidean
projection after every step, as there. Their penalty, which makes activations differ between photos, is replaced by the
four above, since a few hundred rated photos do not determine two hundred groups. Presence is divided by its 99th
percentile while learning, so that an attribute that never covers much of a picture starts like any other; a weighted
geometric mean only passes such a factor on to w, so that the model stays the same.

N photos, I members to choose from (K, or 2K with negations), G groups.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from siam.errors import TrainingError
from siam.models.csib import BUDGETS, CSIB, TINY
from siam.runtime.devices import threads

_START = 0.3  # concentration of the random shares that groups begin with: a few members each
_NEGLIGIBLE = 0.005  # points: groups whose contribution never reaches this are left out at the end
_FEWEST_SHARE = 0.05  # of a group: smaller members are left out at the end
_FEWEST = 20  # photos
_LEAST = 0.02  # presence: attributes that hardly ever cover more are not enlarged further while learning


@dataclass(frozen=True)
class Settings:
    """How groups are fitted: their number, the penalties of the loss, and the steps of Adam.

    Raises:
        ValueError: a number is out of range.
    """

    groups: int = 100
    negations: bool = False
    spatial: bool = False
    linear: bool = False
    few: float = 0.02
    distinct: float = 0.1
    shrinkage: float = 0.05
    ridge: float = 1.0
    steps: int = 1500
    learning_rate: float = 0.02

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.groups < 1 or self.steps < 1 or not self.learning_rate > 0:
            raise ValueError(
                f"groups is {self.groups}, steps {self.steps}, learning_rate {self.learning_rate}; expected at least "
                "1, at least 1 and more than 0"
            )
        for name in ("few", "distinct", "shrinkage", "ridge"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 0")


def to_simplex(rows: Tensor) -> Tensor:
    """Return the nearest points (…, I) of the simplex (x >= 0, sum 1) to `rows` (…, I), by squared distance.

    W. Wang, M. A. Carreira-Perpinan, "Projection onto the probability simplex", arXiv:1309.1541 (sorting algorithm).
    """
    ranked = rows.sort(dim=-1, descending=True).values
    excess = (ranked.cumsum(dim=-1) - 1) / torch.arange(1, rows.shape[-1] + 1, dtype=rows.dtype)
    last = (ranked > excess).sum(dim=-1, keepdim=True) - 1  # the smallest entry that stays positive
    return (rows - excess.gather(-1, last)).clamp(min=0)


def budget_scores(contributions: Tensor) -> Tensor:
    """Return the sums (len(BUDGETS) + 1, N) of the k largest contributions (N, G) by magnitude, and of all."""
    order = contributions.abs().topk(min(max(BUDGETS), contributions.shape[1]), dim=1).indices
    sums = contributions.gather(1, order).cumsum(dim=1)  # (N, most)
    columns = [sums[:, min(k, sums.shape[1]) - 1] for k in BUDGETS]
    return torch.stack([*columns, contributions.sum(dim=1)])


def fit(
    presence: np.ndarray,
    scores: np.ndarray,
    attributes: tuple[str, ...],
    settings: Settings,
    *,
    siam: np.ndarray | None = None,
    seed: int = 0,
    on_step: Callable[[int], None] = lambda _step: None,
) -> CSIB:
    """Return a CSIB fitted to scores.

    Args:
        presence: (N, K) of photos; for the spatial variant (N, K, g, g) of their cells.
        scores: (N,), in points.
        attributes: the K names.
        settings: of the fit.
        siam: (N,) SIAM's scores of the photos; with `settings.linear`, the groups learn what is left.
        seed: of the groups at the start.
        on_step: called with the number of each step; what it raises ends the fit.

    Raises:
        TrainingError: there are fewer than 20 photos, shapes do not fit together, or a value is not finite.
    """
    cells = 3 if settings.spatial else 1
    if presence.ndim != 1 + cells or presence.shape[1] != len(attributes) or scores.shape != presence.shape[:1]:
        raise TrainingError(
            f"presence has shape {presence.shape} and scores {scores.shape}; expected (N, {len(attributes)}"
            f"{', g, g' if settings.spatial else ''}) and (N,)"
        )
    if len(scores) < _FEWEST or not np.isfinite(presence).all() or not np.isfinite(scores).all():
        raise TrainingError(f"{len(scores)} rated photos; expected at least {_FEWEST}, and finite values")
    if settings.linear and siam is None:
        raise TrainingError("a linear part needs SIAM's scores")
    rest = scores - siam if settings.linear and siam is not None else scores
    base = float(rest.mean())
    logs, offsets = _logs(presence, settings.negations)
    target = torch.from_numpy((rest - base).astype(np.float32))
    with threads(1):  # the steps are too small to be shared between cores
        groups, weights = _minimise(logs, offsets, target, settings, seed, on_step)
        groups, weights = _pruned(groups, weights, logs, offsets)
    scaled = weights * np.exp(-(groups @ offsets.numpy())).reshape(-1, *[1] * (weights.ndim - 1))
    return CSIB(attributes, groups, scaled, base, settings.linear)


def _logs(presence: np.ndarray, negations: bool) -> tuple[Tensor, Tensor]:
    """Return logarithms (N, I) or (N, cells, I) of presence divided by each attribute's usual most, and the (I,)
    logarithms of the latter; absences are not divided.
    """
    cells = presence.reshape(*presence.shape[:2], -1).transpose(0, 2, 1) if presence.ndim == 4 else presence
    cells = np.clip(cells.astype(np.float64), 0, 1)
    most = np.quantile(cells.reshape(-1, cells.shape[-1]), 0.99, axis=0)
    offsets = np.log(np.maximum(most, _LEAST))
    logs = np.log(cells + TINY) - offsets
    if negations:
        logs = np.concatenate([logs, np.log(1 - cells + TINY)], axis=-1)
        offsets = np.concatenate([offsets, np.zeros_like(offsets)])
    return torch.from_numpy(logs.astype(np.float32)), torch.from_numpy(offsets.astype(np.float32))


def _contributions(logs: Tensor, offsets: Tensor, groups: Tensor, weights: Tensor) -> Tensor:
    """Return w q (N, G); the mean over the cells in the spatial variant, where weights are (G, cells)."""
    q = torch.exp(logs @ groups.T) - TINY * torch.exp(-groups @ offsets)
    return q * weights if weights.ndim == 1 else (q * weights.T).mean(dim=1)


def _minimise(
    logs: Tensor, offsets: Tensor, target: Tensor, settings: Settings, seed: int, on_step: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    members = logs.shape[-1]
    start = generator.dirichlet(np.full(members, _START / np.sqrt(members)), settings.groups)
    start = np.nan_to_num(start, nan=1 / members)
    groups = torch.from_numpy(start.astype(np.float32)).requires_grad_()
    shape = (settings.groups,) if logs.ndim == 2 else (settings.groups, logs.shape[1])
    weights = torch.zeros(shape, requires_grad=True)
    optimiser = torch.optim.Adam([groups, weights], lr=settings.learning_rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    for step in range(settings.steps):
        optimiser.zero_grad()
        contributions = _contributions(logs, offsets, groups, weights)
        loss = ((budget_scores(contributions) - target) ** 2).mean() + _penalty(
            contributions, groups, weights, settings
        )
        loss.backward()
        optimiser.step()
        decay.step()
        with torch.no_grad():
            groups.copy_(to_simplex(groups))
        on_step(step)
    if not torch.isfinite(weights).all():
        raise TrainingError("the loss is no longer finite: use a smaller learning_rate in [context]")
    side = round(logs.shape[1] ** 0.5) if logs.ndim == 3 else 0
    found = weights.detach().double().numpy()
    return groups.detach().double().numpy(), found.reshape(-1, side, side) if side else found


def _penalty(contributions: Tensor, groups: Tensor, weights: Tensor, settings: Settings) -> Tensor:
    size = contributions.abs().mean(dim=0)  # (G,)
    use = (size / (size.sum() + 1e-6)).detach()
    entropy = -(groups * torch.log(groups.clamp(min=1e-6))).sum(dim=1)
    alike = groups @ groups.T
    pairs = use @ (alike - torch.diag(torch.diag(alike))) @ use
    ridge = settings.ridge / len(contributions) * (weights**2).sum() / weights[0].numel()
    return settings.shrinkage * size.sum() + settings.few * (use @ entropy) + settings.distinct * pairs + ridge


def _pruned(groups: np.ndarray, weights: np.ndarray, logs: Tensor, offsets: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return groups and weights without small members and without groups that never matter, the largest first.

    Groups with the same members become one: their weights are added.
    """
    kept = np.where(groups >= _FEWEST_SHARE, groups, 0)
    kept = np.where(kept.sum(axis=1, keepdims=True) > 0, kept, groups)
    kept = kept / kept.sum(axis=1, keepdims=True)
    rounded, place = np.unique(np.round(kept, 2), axis=0, return_inverse=True)
    place = place.reshape(-1)
    merged = np.zeros((len(rounded), *weights.shape[1:]))
    np.add.at(merged, place, weights)
    shares = np.stack([kept[place == number].mean(axis=0) for number in range(len(rounded))])
    flat = merged.reshape(len(merged), -1)
    values = _contributions(
        logs,
        offsets,
        torch.from_numpy(shares.astype(np.float32)),
        torch.from_numpy(flat.astype(np.float32) if merged.ndim == 3 else merged.astype(np.float32)),
    ).abs()
    order = np.argsort(-values.mean(dim=0).numpy(), kind="stable")
    order = order[values.amax(dim=0).numpy()[order] >= _NEGLIGIBLE]
    order = order if len(order) else np.array([0])
    return shares[order], merged[order]
