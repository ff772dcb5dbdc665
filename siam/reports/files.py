"""An explanation, or several side by side, as files: data (JSON), figure (`siam.figures`) and report (HTML)."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from siam.explanation.context import ContextExplanation, in_context
from siam.explanation.difference import Difference, differences
from siam.explanation.inference import Explanation
from siam.explanation.wording import difference_sentences
from siam.figures.difference import difference_figure_png, difference_figure_svg
from siam.figures.paper import paper_figure_png
from siam.models.csib import CSIB
from siam.models.doubt import LEVEL
from siam.reports.difference import difference_report
from siam.reports.page import html_report as html_report
from siam.runtime.files import write_atomically

DIFFERENCE_ENDINGS = (".png", ".svg", ".json", ".html")
DIGITS = 6  # significant digits of every number in an array

ARRAYS = {
    "attribute_scores": "presence of each attribute, 0 to 1",
    "attribute_maps": "[attribute][row][column]: where SIAM sees each attribute, in cells of the photo, top left first",
    "contribution_maps": "[attribute][row][column]: points from each cell; each map sums to the contribution",
    "total_map": "[row][column]: sum of the contribution maps; sums to siam.score - siam.bias",
    "baseline_map": "[row][column]: class activation map; sums to baseline.score - baseline_bias, or null",
    "templates": "[attribute][row][column]: effective templates, points per unit of each attribute at each place",
    "template_agreement": "[attribute][row][column]: share of the networks of the cross-validation whose template has "
    "the same sign, or null",
}


def contract_json(explanation: Explanation, image_name: str, csib: CSIB | None = None) -> dict:
    """Return the scores and contributions of one photo; up to rounding, sum of contributions + bias = score.

    `siam` has a key `recognised`, "well", "roughly" or "hardly" for each attribute, and the whole a key `version`, that
    of the pair, if the pair's card says so; `siam` has `sign_agreement`, the share of the networks of the
    cross-validation with the contribution's sign, if it is known. `intervals` says between which scores people's mean
    lies for four of five photos like this one, by each network, and `landscape` whether the photo is like those that
    they learned from; both only if it is known. `context` holds the score by the groups of `csib` (`context_json`), if
    they are given.
    """
    scale = explanation.scale
    score = explanation.baseline_scenicness
    contributions = zip(explanation.attributes, explanation.contributions, strict=True)
    beliefs = {name: known.belief for name, known in explanation.recognition.items()}
    shares = explanation.sign_agreement
    signs = None if shares is None else [_finite(share) for share in shares]
    return {
        "image": image_name,
        "model": explanation.model,
        **({} if explanation.version is None else {"version": explanation.version}),
        "scale": {"name": scale.name, "low": scale.low, "high": scale.high},
        "siam": {
            "score": _finite(explanation.scenicness),
            "bias": _finite(explanation.bias),
            "contributions": {name: _finite(value) for name, value in contributions},
            **({"recognised": beliefs} if beliefs else {}),
            **({} if signs is None else {"sign_agreement": dict(zip(explanation.attributes, signs, strict=True))}),
        },
        "baseline": None if score is None else {"score": _finite(score)},
        **_trust(explanation),
        **({} if csib is None else {"context": context_json(in_context(csib, explanation))}),
    }


def _trust(explanation: Explanation) -> dict:
    """Return how far to trust the scores, as far as it is known."""
    siam, baseline, landscape = explanation.interval, explanation.baseline_interval, explanation.is_landscape
    known = {} if siam is None else {"intervals": {"level": LEVEL, "siam": siam, "baseline": baseline}}
    return known if landscape is None else {**known, "landscape": landscape}


def data_json(explanation: Explanation, image_name: str, card: dict, csib: CSIB | None = None) -> dict:
    """Return everything that an explanation holds, what its arrays are and, given groups, what these make of it."""
    scores = zip(explanation.attributes, explanation.attribute_scores, strict=True)
    return {
        **contract_json(explanation, image_name, csib),
        "about": {**ARRAYS, "attributes": "names in the order of the first axis of the arrays"},
        "attributes": list(explanation.attributes),
        "attribute_scores": {name: _rounded(value) for name, value in scores},
        "attribute_maps": _rounded(explanation.attribute_maps),
        "contribution_maps": _rounded(explanation.contribution_maps),
        "total_map": _rounded(explanation.total_map),
        "baseline_bias": None if explanation.baseline_bias is None else _finite(explanation.baseline_bias),
        "baseline_map": None if explanation.baseline_map is None else _rounded(explanation.baseline_map),
        "templates": _rounded(explanation.templates),
        "template_agreement": None
        if explanation.template_agreement is None
        else _rounded(explanation.template_agreement),
        "scenicness_variance": None
        if explanation.scenicness_variance is None
        else _finite(explanation.scenicness_variance),
        "image_size": dict(zip(("width", "height"), explanation.photo_size or explanation.image.size, strict=True)),
        "seconds": {step: _rounded(value) for step, value in explanation.seconds.items()},
        "device": explanation.device,
        "card": _plain(card),
    }


def context_json(context: ContextExplanation) -> dict:
    """Return a photo's score with context: up to rounding, base + sum of the causes' contributions = score.

    `scores` are those with 1 to 8 causes, and with all. `activation` is how far a cause is on, 0 to 1, and `most` what
    it adds at most, in points. The members of a cause that have less than a tenth of it are not listed.
    """
    return {
        "score": _finite(context.score),
        "base": _finite(context.base),
        "scores": [_finite(score) for score in context.scores],
        "causes": [
            {
                "contribution": _finite(cause.value),
                "activation": _finite(cause.activation),
                "most": _finite(cause.most),
                "members": [
                    {"attribute": member.attribute, "absent": member.absent, "share": _finite(member.share)}
                    for member in cause.members
                ],
            }
            for cause in context.causes
        ],
    }


def difference_json(explanations: Sequence[Explanation], names: Sequence[str], changed: str = "") -> dict:
    """Return the scores and contributions of two to four photos, and what leads from the first score to the others.

    Up to rounding, the sum of a difference's contributions is its change. Its shift is given in pixels of the first
    photo, right and down; null if the photos do not show the same view. What `changed` is a key only if it was said.

    Raises:
        ValueError: these are not two to four photos, explained by the same networks.
    """
    found = differences(explanations, changed)
    sentences = difference_sentences(found, names)
    told = zip(found, names[1:], sentences, strict=True)
    return {
        "photos": [contract_json(of, name) for of, name in zip(explanations, names, strict=True)],
        **({"changed": found[0].changed} if found[0].changed else {}),
        "differences": [_difference(of, (names[0], name), sentence) for of, name, sentence in told],
    }


def _difference(found: Difference, names: tuple[str, str], sentence: str) -> dict:
    view, change = found.view, found.baseline_change
    attributes = found.before.attributes
    places = {item.attribute: found.place(item.index) for item in found.ranking()}
    photos = {"before": names[0], "after": names[1], None: None}
    return {
        "from": names[0],
        "to": names[1],
        "change": _finite(found.change),
        "contributions": {name: _finite(value) for name, value in zip(attributes, found.values, strict=True)},
        "places": {
            name: {"place": place.place, "photo": photos[place.photo]}
            for name, place in ((name, places[name]) for name in attributes)
        },
        "baseline": None if change is None else {"change": _finite(change)},
        "same_view": view.matches,
        "shift": {"right": _rounded(view.right), "down": _rounded(view.down)} if view.matches else None,
        "sentence": sentence,
    }


def difference_data_json(
    explanations: Sequence[Explanation], names: Sequence[str], card: dict, changed: str = ""
) -> dict:
    """Return `difference_json` with everything that the explanations hold under `explanations`, one for each photo."""
    return {
        **difference_json(explanations, names, changed),
        "explanations": [data_json(of, name, card) for of, name in zip(explanations, names, strict=True)],
    }


def difference_file(
    ending: str, explanations: Sequence[Explanation], names: Sequence[str], card: dict, changed: str = ""
) -> bytes:
    """Return a file on two to four photos: its ending is one of `DIFFERENCE_ENDINGS`."""
    if ending == ".png":
        return difference_figure_png(explanations, names, changed)
    if ending == ".svg":
        return difference_figure_svg(explanations, names, changed).encode()
    if ending == ".json":
        data = difference_data_json(explanations, names, card, changed)
        return json.dumps(data, ensure_ascii=False, allow_nan=False).encode(errors="replace")
    return difference_report(explanations, names, card, changed).encode()


def write(
    explanation: Explanation,
    image_name: str,
    card: dict,
    folder: Path,
    stem: str,
    csib: CSIB | None = None,
    causes: int | None = None,
) -> list[Path]:
    """Write figure, data and report as `stem`.png, .json and .html into a folder, and return their paths.

    Args:
        explanation: the explanation.
        image_name: name of the photo.
        card: the pair's model card.
        folder: that exists.
        stem: of the files' names.
        csib: groups, so that data and report also hold the score with context.
        causes: with how many of these the report explains it, 1 to 8; None: all.

    Raises:
        StorageError: a file cannot be written.
    """
    data = json.dumps(data_json(explanation, image_name, card, csib), ensure_ascii=False, allow_nan=False)
    contents = {
        ".png": paper_figure_png(explanation),
        ".json": data.encode(errors="replace"),  # a file's name need not be valid Unicode
        ".html": html_report(explanation, image_name, card, csib, causes).encode(),
    }
    paths = []
    for ending, content in contents.items():
        paths.append(folder / f"{stem}{ending}")
        write_atomically(paths[-1], content)
    return paths


def _finite(value: float) -> float | None:
    """Return a number that JSON can hold: NaN and infinity become null."""
    return float(value) if math.isfinite(value) else None


def _rounded(values: np.ndarray | float) -> object:
    """Return an array as nested lists of rounded numbers, and a number as a rounded number."""
    if np.ndim(values) > 0:
        return [_rounded(value) for value in np.asarray(values)]
    value = _finite(float(values))
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _plain(value: object) -> object:
    """Return a value of a card in types that JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return _finite(value)
    return value if value is None or isinstance(value, str | int) else str(value)
