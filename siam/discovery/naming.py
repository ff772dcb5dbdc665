"""From a candidate to an attribute: somebody names it, says of a dozen photos whether they show it, and SIAM gets it.

The question is always the photo of which the answers so far leave most open: at first, in turn, one with most of the
candidate and one halfway down; then, by a logistic regression on amount and features, the likeliest to show it (or not
to) until three do (or do not), and from then on the one of which it is least certain.

From the answers, a copy of the pair's SIAM gets one attribute more::

    f   a row for it: ridge regression of what its map should show on the features of SIAM's cells. That is the
        candidate's map, times the probability that the photo shows it; then the row is scaled until the presence of
        photos is as near to that probability as it can be
    g   all templates, from those of the pair, as far as cross-validation likes (`siam.taste.personal`); it starts
        without any for the new attribute

The τ of the new SIAM is out of fold for g; f has seen all photos, but no score. N photos, K attributes, S x S cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from siam.discovery.candidates import Candidate, Discovery
from siam.errors import DatasetError
from siam.labelling.features import reduced
from siam.models import card as cards
from siam.models import recognition
from siam.models.checkpoint import Pair
from siam.runtime.provenance import provenance
from siam.runtime.reprs import brief
from siam.taste import personal
from siam.taste.maps import Maps
from siam.taste.personal import Personal

ENOUGH = 12  # answers
FEWEST = 3  # that show it, and as many that do not
KEY = cards.DISCOVERED  # of the card

_COMPONENTS = 12  # of the features, beside the amount, for the questions
_FREEDOM = 0.3  # C of their logistic regression
_RIDGE = 0.02  # times the number of cells


@dataclass(frozen=True, eq=False)
class Named:
    """A pair with one attribute more.

    Attributes:
        pair: the pair; its last attribute is the new one.
        maps: pooled maps of the gallery's photos, K + 1.
        fit: of its templates, with τ before and after.
    """

    pair: Pair
    maps: Maps
    fit: Personal

    __repr__ = brief


class Questions:
    """Which photo to ask about next.

    Args:
        discovery: with the candidate.
        candidate: that is asked about.
    """

    def __init__(self, discovery: Discovery, candidate: Candidate) -> None:
        self.candidate = candidate
        amount = candidate.amount
        order = np.argsort(np.argsort(amount, kind="stable"), kind="stable") / max(len(amount) - 1, 1)
        self._order = order  # (N,) from 0, least, to 1, most
        seen = discovery.cells.siam.mean(axis=(1, 2), dtype=np.float64)
        self._values = np.column_stack([2 * order, reduced(seen, _COMPONENTS)])

    def next(self, said: Mapping[int, bool | None]) -> int | None:
        """Return the place of the photo to ask about, None if all have an answer.

        Args:
            said: place → whether the photo shows it, or None if nobody can tell.
        """
        left = np.array([place for place in range(len(self._order)) if place not in said], dtype=int)
        if not len(left):
            return None
        certain = [place for place, shows in said.items() if shows is not None]
        shown = np.array([said[place] for place in certain], dtype=bool)
        if len(certain) < 4 or shown.all() or not shown.any():
            # one with most of it, then ever further down, or up again where nobody said yes
            at = 1.0 if len(said) % 2 == 0 else (0.5 if not len(shown) or shown.any() else 0.9) ** (1 + len(said) // 2)
            return int(left[np.argmin(np.abs(self._order[left] - at))])
        decision = self._decision(certain, shown)[left]
        if shown.sum() < FEWEST or (~shown).sum() < FEWEST:  # of these there may be few: look where they must be
            return int(left[(decision if shown.sum() >= FEWEST else -decision).argmin()])
        return int(left[np.abs(decision).argmin()])

    def likely(self, said: Mapping[int, bool | None]) -> np.ndarray:
        """Return how likely each photo is to show it (N,), from −∞ to ∞ with 0 for even odds; NaN without answers."""
        certain = [place for place, shows in said.items() if shows is not None]
        shown = np.array([said[place] for place in certain], dtype=bool)
        if not len(shown) or shown.all() or not shown.any():
            return np.full(len(self._order), np.nan)
        return self._decision(certain, shown)

    def _decision(self, certain: list[int], shown: np.ndarray) -> np.ndarray:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=_FREEDOM, class_weight="balanced", max_iter=1000)
        return model.fit(self._values[certain], shown).decision_function(self._values)


def too_few(said: Mapping[int, bool | None]) -> str | None:
    """Return what to tell somebody who has answered so far, None if an attribute can be made."""
    present, absent = (sum(shows is of for shows in said.values()) for of in (True, False))
    missing = []
    if present < FEWEST:
        missing.append(f"{FEWEST - present} more that {'shows' if FEWEST - present == 1 else 'show'} it")
    if absent < FEWEST:
        missing.append(f"{FEWEST - absent} more that {'does' if FEWEST - absent == 1 else 'do'} not")
    return f"needed: {' and '.join(missing)}" if missing else None


def name(
    pair: Pair,
    discovery: Discovery,
    candidate: Candidate,
    said: Mapping[int, bool | None],
    word: str,
    by: str = "",
    gallery: str = "",
) -> Named:
    """Return a copy of a pair whose SIAM has a candidate as one attribute more.

    Args:
        pair: the networks, which stay as they are.
        discovery: of a gallery with this pair.
        candidate: one of its candidates.
        said: place among the discovery's photos → whether that photo shows it; None: nobody can tell.
        word: the name of the attribute.
        by: who answered, for the card.
        gallery: its name, for the card.

    Raises:
        DatasetError: the word is taken, or there are too few answers or photos.
    """
    if word in pair.config.attributes:
        raise DatasetError(f"{word!r} is already an attribute of {pair.name!r}: choose another name")
    if (problem := too_few(said)) is not None:
        raise DatasetError(f"too few answers; {problem}")
    siam, maps = _with_row(pair, discovery, candidate, said, word)
    start = personal.crowd(pair)
    empty = np.zeros((1, *start.templates.shape[1:]))
    start = replace(start, attributes=(*start.attributes, word), templates=np.concatenate([start.templates, empty]))
    values = discovery.target - discovery.siam + start.scores(maps)  # the gallery's scores may be out of fold
    freedom = np.ones(len(start.attributes))
    freedom[-1] = len(start.attributes) - 1  # as much as all others together, which are known already
    fit = personal.fit(personal.Design(start, maps, freedom), np.arange(len(maps)), values)
    made = Pair(pair.name, siam, pair.baseline, {}, pair.fold_templates)
    made = personal.as_pair(fit, made, f"{pair.name}-{word.replace(' ', '-')}")
    card = _card(pair, discovery, candidate, said, word, by, gallery, fit)
    return Named(Pair(made.name, made.siam, pair.baseline, card, made.fold_templates), maps, fit)


def _with_row(
    pair: Pair, discovery: Discovery, candidate: Candidate, said: Mapping[int, bool | None], word: str
) -> tuple[Any, Maps]:
    """Return a copy of SIAM with a row for the word, and the pooled maps with its own."""
    import torch

    from siam.models.siam import SIAM, pooled

    alone = SIAM(replace(pair.config, attributes=(word,), border=0))
    share = 1 / (1 + np.exp(-Questions(discovery, candidate).likely(said)))  # (N,)
    for place, shows in said.items():
        share[place] = share[place] if shows is None else float(shows)
    weights, bias = _row(discovery.cells.siam, share[:, None, None] * candidate.maps)
    features = torch.from_numpy(discovery.cells.siam).permute(0, 3, 1, 2)  # (N, C, S, S)
    alone.attribute_layer.load_state_dict(
        {"weight": torch.from_numpy(weights).float()[None, :, None, None], "bias": torch.tensor([bias]).float()}
    )
    with torch.inference_mode():
        _scale(alone, alone.attribute_maps(features.float()).mean(dim=(1, 2, 3)).numpy(), share)
    whole = SIAM(replace(pair.config, attributes=(*pair.config.attributes, word), predicts_variance=False))
    state = pair.siam.state_dict()
    for part in ("weight", "bias"):
        key = f"attribute_layer.{part}"
        state[key] = torch.cat([state[key].cpu(), alone.state_dict()[key]])
    kept = {key: value for key, value in state.items() if not key.startswith(("variance_head.", "scenicness_head."))}
    whole.load_state_dict(kept, strict=False)
    with torch.inference_mode():
        own = pooled(alone.attribute_maps(features.float()), pair.config.grid, pair.config.pooling).numpy()
    known = discovery.cells.maps
    return whole.eval(), Maps(
        known.identifiers, known.sha256, np.concatenate([known.pooled, own.astype(np.float16)], axis=1)
    )


def _scale(network: Any, means: np.ndarray, share: np.ndarray) -> None:
    """Make a network's maps so much brighter that presence is as near to the shares (N,) as it can be."""
    import torch

    factors = np.geomspace(0.1, 1000, 81)
    presence = np.tanh(factors[:, None] * means) if network.config.attribute_link == "tanh" else None
    if presence is None:
        return
    factor = float(factors[np.square(presence - share).sum(axis=1).argmin()])
    with torch.no_grad():
        network.attribute_layer.weight.mul_(factor)
        network.attribute_layer.bias.mul_(factor)


def _row(features: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights (C,) and bias of the ridge regression from cells' features (N, S, S, C) to targets (N, S, S)."""
    x, y = features.reshape(-1, features.shape[3]).astype(np.float32), targets.reshape(-1)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-3
    x = (x - mean) / spread
    gram = x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1], dtype=np.float32)
    weights = np.linalg.solve(gram, x.T @ (y - y.mean())) / spread
    return weights, float(y.mean() - mean @ weights)


def _card(
    pair: Pair,
    discovery: Discovery,
    candidate: Candidate,
    said: Mapping[int, bool | None],
    word: str,
    by: str,
    gallery: str,
    fit: Personal,
) -> dict[str, Any]:
    present, absent, unsure = (sum(shows is of for shows in said.values()) for of in (True, False, None))
    day, target = (
        datetime.now(UTC).date().isoformat(),
        "people’s ratings" if discovery.rated else "the baseline’s scores",
    )
    source = pair.name if pair.version is None else f"{pair.name} {pair.version}"
    kept = {key: pair.card[key] for key in ("folders", "offsets", "groups") if key in pair.card}
    told = {**pair.card.get(recognition.KEY, {})}
    return {
        **kept,
        "summary": f"{source} with one attribute more, “{word}”, which {by or 'somebody'} named on {day}.",
        "training_data": f"{pair.card.get('training_data', source)} “{word}”: {candidate.name} of {len(fit.rows)} "
        f"photos, of which {present} were said to show it and {absent} not; templates fitted again to {target}.",
        "limits": f"{pair.card.get('limits', '')} “{word}” was learned from {present + absent} answers.".strip(),
        **({recognition.KEY: told} if told else {}),
        KEY: {
            "word": word, "by": by, "date": day, "pair": pair.name, "gallery": gallery, "candidate": candidate.name,
            "answers": {"present": present, "absent": absent, "unsure": unsure},
        },
        "metrics": {
            "protocol": "templates out of fold, ten folds of the gallery’s photos; interval: bootstrap over photos",
            "siam": {"gallery": _figures(fit.tau, fit.interval, len(fit.rows))},
            "before": {"gallery": {"kendall_tau": fit.crowd_tau, "n": len(fit.rows)}},
        },
        **provenance(),
    }  # fmt: skip


def _figures(tau: float, interval: np.ndarray, n: int) -> dict[str, Any]:
    return {"kendall_tau": tau, "kendall_tau_interval": [float(end) for end in interval], "n": n}
