"""What a comparison shows: means, differences with intervals, and which claims of papers they bear out.

::

    g_sn    how much better one method is than another for network s on picture n; positive is better
    gain    mean of g_sn over all s and n for which both are defined
    gain*   the same for networks drawn with replacement, and for each draw pictures drawn with replacement
    interval     2.5 % and 97.5 % quantile of gain*, R = 1000
    effect       gain / standard deviation of g_sn
    detectable   (1.96 + 0.84) standard deviation of gain*: the gain that this size finds four times out of five

Networks are those of other training seeds. All are judged on the same pictures, so pictures are drawn for all networks
at once, and the interval holds for other networks and other pictures of the same kind. With one network it holds for
that network alone. p is that of a normal distribution of gain*, two-sided, corrected by S. Holm, Scandinavian Journal
of Statistics 6 (1979) 65: over all methods and measures that are held against random maps, and over all claims.

A measure *decides* if the truth is ahead of both uniform and random maps, with intervals that exclude 0. Where it does
not, it says nothing about explainers, and no order is drawn from it. No figure is given of fewer than
`FEWEST` pictures.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import norm

from siam.comparison.cost import Cost
from siam.comparison.pictures import World, cases_of, learned_from
from siam.comparison.records import FIGURES, Extent, Record
from siam.evaluation import bootstrap
from siam.evaluation.scores import number
from siam.explainers import EXPLAINERS
from siam.explainers.faithfulness import STEPS
from siam.explainers.references import REFERENCES

FEWEST = 10  # pictures, for a figure to be given
LOW_IS_GOOD = ("deletion", "drop_", "kept_", "randomised", "relabelled", "passes")
NOT_JUDGED = ("chance", "passes", "randomised", "relabelled")  # figures that say nothing about which map is right
_CORRELATIONS = ("truth_rank", "removal")
_CONSTANT = ("uniform", "black")
_POWER = float(norm.ppf(0.975) + norm.ppf(0.8))
_LEVEL = 0.05


@dataclass(frozen=True)
class Claim:
    """An order of two explainers that a paper reports, and the measure that it is judged by here."""

    better: str
    worse: str
    figure: str
    source: str


CLAIMS = (
    Claim("sise", "rise", "ebpg", "SISE, on VOC 2007"),
    Claim("sise", "grad_cam", "ebpg", "SISE, on VOC 2007"),
    Claim("sise", "score_cam", "ebpg", "SISE, on VOC 2007"),
    Claim("lcam_fm", "grad_cam", "kept_15_grey", "L-CAM, on ImageNet"),
    Claim("lcam_img", "grad_cam", "kept_15_grey", "L-CAM, on ImageNet"),
    Claim("lcam_fm", "score_cam", "kept_15_grey", "L-CAM, on ImageNet"),
    Claim("lcam_img", "score_cam", "kept_15_grey", "L-CAM, on ImageNet"),
    Claim("vebi", "grad_cam", "iou_area", "VEBI, on an8Flower"),
    Claim("siam", "grad_cam", "pixel_ap", "SIAM: its map is the model"),
    Claim("siam", "occlusion", "pixel_ap", "SIAM: its map is the model"),
    Claim("siam", "rise", "pixel_ap", "SIAM: its map is the model"),
)


def low_is_good(figure: str) -> bool:
    """Return whether the better of two methods has the lower figure."""
    return figure.startswith(LOW_IS_GOOD)


class Table:
    """The figures of all records of a comparison, for paired differences.

    Attributes:
        networks: names of the networks.
        pictures: identifiers of the pictures.
        methods: names of the methods: the controls first.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        """Collect records, each with its "network"."""
        self.networks = list(dict.fromkeys(record["network"] for record in records))
        self.pictures = list(dict.fromkeys(record["identifier"] for record in records))
        here = dict.fromkeys(record["method"] for record in records)
        known = [name for name in (*REFERENCES, *EXPLAINERS) if name in here]
        self.methods = [*known, *(name for name in here if name not in known)]
        rows = {name: row for row, name in enumerate(self.networks)}
        columns = {name: column for column, name in enumerate(self.pictures)}
        shape = (len(self.networks), len(self.pictures))
        self._values: dict[tuple[str, str], np.ndarray] = {}
        for record in records:
            place = rows[record["network"]], columns[record["identifier"]]
            for figure in FIGURES:
                if record.get(figure) is not None:
                    key = record["method"], figure
                    self._values.setdefault(key, np.full(shape, np.nan))[place] = record[figure]

    def values(self, method: str, figure: str) -> np.ndarray | None:
        """Return a figure (S, N) for each network and picture, NaN where undefined; None if it is nowhere defined.

        A map that is the same everywhere ranks nothing, so its rank correlation with the truth counts as 0.
        """
        truth = self._values.get(("truth", figure))
        if method in _CONSTANT and figure in _CORRELATIONS and truth is not None:
            return np.where(np.isnan(truth), np.nan, 0.0)
        return self._values.get((method, figure))

    def gains(self, better: str, worse: str, figure: str) -> np.ndarray | None:
        """Return how much better one method is than another (S, N); None with fewer than `FEWEST` pictures."""
        one, other = self.values(better, figure), self.values(worse, figure)
        if one is None or other is None:
            return None
        gains = (other - one) if low_is_good(figure) else (one - other)
        return gains if (~np.isnan(gains)).any(axis=0).sum() >= FEWEST else None


def resampled_means(values: np.ndarray, seed: int = 0, resamples: int = bootstrap.RESAMPLES) -> np.ndarray:
    """Return the means (R,) of values (S, N) over resampled networks and, for each draw, resampled pictures."""
    random = np.random.default_rng(seed)
    networks, pictures = values.shape
    share = np.full(networks, 1 / networks), np.full(pictures, 1 / pictures)
    rows = random.multinomial(networks, share[0], resamples).astype(float)  # (R, S)
    columns = random.multinomial(pictures, share[1], resamples).astype(float)  # (R, N)
    known = ~np.isnan(values)
    sums = np.einsum("rs,sn,rn->r", rows, np.where(known, values, 0.0), columns, optimize=True)
    counts = np.einsum("rs,sn,rn->r", rows, known.astype(float), columns, optimize=True)
    return np.divide(sums, counts, out=np.full(resamples, np.nan), where=counts > 0)


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected by Holm's method, in the same order."""
    order = np.argsort(values, kind="stable")
    corrected, highest = np.empty(len(values)), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = highest
    return corrected.tolist()


def difference(gains: np.ndarray) -> dict[str, Any]:
    """Return "gain", "interval", "effect", "detectable", "p" and "n", as the module describes, of gains (S, N)."""
    means = resampled_means(gains)
    low, high = bootstrap.ends(means).tolist()
    gain, spread, error = float(np.nanmean(gains)), float(np.nanstd(gains, ddof=1)), float(np.nanstd(means, ddof=1))
    return {
        "gain": number(gain),
        "interval": [number(low), number(high)],
        "effect": number(gain / spread) if spread > 0 else None,
        "detectable": number(_POWER * error),
        "p": float(2 * norm.sf(abs(gain) / error)) if error > 0 else float(gain == 0),
        "n": int((~np.isnan(gains)).any(axis=0).sum()),
    }


def outcome(found: dict[str, Any], decides: bool) -> str:
    """Return "holds", "does not hold" or "cannot tell" for a difference whose p is corrected."""
    low, high = found["interval"]
    if not decides or found["p"] >= _LEVEL or low <= 0 <= high:
        return "cannot tell"
    return "holds" if found["gain"] > 0 else "does not hold"


def summary(records: Sequence[Record], costs: dict[str, Cost]) -> dict[str, Any]:
    """Return what a comparison shows, as `siam.evaluation.figures.ExplainerFigures` holds it.

    Args:
        records: the records of one comparison, each with its "network".
        costs: costs of explainers, which become the figures "seconds" and "megabytes", without an interval.
    """
    table = Table(records)
    methods = {name: _of_method(table, name) for name in table.methods}
    for name, cost in costs.items():
        known = {"seconds": cost.seconds, "megabytes": cost.megabytes}
        for key, value in known.items():
            if name in methods and value is not None:
                methods[name][key] = {"mean": round(value, 3), "interval": None, "n": 1}
    measures = _measures(table)
    _correct([of[figure]["over_random"] for of in methods.values() for figure in of if "over_random" in of[figure]])
    claims = _claims(table, measures)
    return {
        "networks": table.networks,
        "n": len(table.pictures),
        "measures": measures,
        "methods": methods,
        "claims": claims,
        "halves": halves(table),
    }


def halves(table: Table) -> dict[str, int]:
    """Compare the orders of all pairs of methods in two halves: other pictures and, if there are several, networks.

    Returns:
        "compared": pairs and measures in which both halves decide; "same": with the same outcome; "contradicted": with
        opposite ones. In the others, one half cannot tell.
    """
    found = [_orders(table, half) for half in (0, 1)]
    both = found[0].keys() & found[1].keys()
    told = [found[0][key] * found[1][key] for key in both]
    return {"compared": sum(map(abs, told)), "same": told.count(1), "contradicted": told.count(-1)}


def _orders(table: Table, half: int) -> dict[tuple[str, str, str], int]:
    """Return the sign of each order in one half, corrected over all, 0 where it cannot tell; of deciding measures."""
    networks = len(table.networks)
    rows = slice(None) if networks < 2 else slice(0, networks // 2) if half == 0 else slice(networks // 2, None)
    signs, found = {}, {}
    for figure in _judged():
        if not _decides(table, figure, rows, slice(half, None, 2)):
            continue
        for one, other in combinations(table.methods, 2):
            gains = table.gains(one, other, figure)
            part = None if gains is None else gains[rows, half::2]
            if part is None or (~np.isnan(part)).any(axis=0).sum() < FEWEST:
                continue
            found[one, other, figure] = _quick(part)
    corrected = holm([p for _gain, p in found.values()])
    for (key, (gain, _p)), p in zip(found.items(), corrected, strict=True):
        signs[key] = int(np.sign(gain)) if p < _LEVEL else 0
    return signs


def _quick(gains: np.ndarray) -> tuple[float, float]:
    error, gain = float(np.nanstd(resampled_means(gains, resamples=200))), float(np.nanmean(gains))
    return gain, float(2 * norm.sf(abs(gain) / error)) if error > 0 else float(gain == 0)


def _judged() -> list[str]:
    return [figure for figure in FIGURES if figure not in NOT_JUDGED]


def _decides(table: Table, figure: str, rows: slice, columns: slice) -> bool:
    for control in ("uniform", "random"):
        gains = table.gains("truth", control, figure)
        part = None if gains is None else gains[rows, columns]
        if part is None or (~np.isnan(part)).any(axis=0).sum() < FEWEST:
            return False
        if not bootstrap.ends(resampled_means(part))[0] > 0:
            return False
    return True


def _measures(table: Table) -> dict[str, Any]:
    """Return figure → "decides", and the truth's lead over uniform and random maps."""
    found = {}
    for figure in _judged():
        leads = {}
        for control in ("uniform", "random"):
            gains = table.gains("truth", control, figure)
            if gains is not None:
                leads[f"over_{control}"] = difference(gains)
        if leads:
            decides = len(leads) == 2 and all(lead["interval"][0] > 0 for lead in leads.values())
            found[figure] = {"decides": decides, **leads}
    return found


def _of_method(table: Table, name: str) -> dict[str, Any]:
    figures = {}
    for figure in FIGURES:
        values = table.values(name, figure)
        count = 0 if values is None else int((~np.isnan(values)).any(axis=0).sum())
        if values is None or count < FEWEST:
            continue
        low, high = bootstrap.ends(resampled_means(values)).tolist()
        figures[figure] = {"mean": number(np.nanmean(values)), "interval": [number(low), number(high)], "n": count}
        gains = table.gains(name, "random", figure)
        if name != "random" and figure not in NOT_JUDGED and gains is not None:
            figures[figure]["over_random"] = difference(gains)
    return figures


def _claims(table: Table, measures: dict[str, Any]) -> list[dict[str, Any]]:
    claims = []
    for claim in CLAIMS:
        gains = table.gains(claim.better, claim.worse, claim.figure)
        if gains is not None:
            claims.append({**vars(claim), **difference(gains)})
    _correct(claims)
    for claim in claims:
        claim["outcome"] = outcome(claim, measures.get(claim["figure"], {}).get("decides", False))
    return claims


def _correct(differences: Sequence[dict[str, Any]]) -> None:
    for found, p in zip(differences, holm([found["p"] for found in differences]), strict=True):
        found["p"] = float(f"{p:.3g}")


def protocol(worlds: Sequence[World], extent: Extent) -> str:
    """Describe in one sentence how explainers are compared, and on what; the worlds differ in the network alone."""
    world, cases = worlds[0], cases_of(worlds[0])
    height, width = cases[0].image.shape[2:]
    seeds = "one network" if len(worlds) == 1 else f"{len(worlds)} networks of different training seeds"
    size = f"photos of {min(height, width)} px" if world.kind == "photos" else f"pictures of {width} x {height} px"
    return (
        f"{_pictures(worlds)}; {seeds}; {size}; scores in points, not probabilities; curves of {STEPS} "
        f"steps; slow methods on the first {min(extent.slow, len(cases))} pictures; shuffled weights on the first "
        f"{min(extent.sanity, len(cases))}, of slow ones {min(extent.slow_sanity, len(cases))}; differences paired by "
        "picture, with 95 % bootstrap intervals over networks and pictures, corrected by Holm"
    )


def _pictures(worlds: Sequence[World]) -> str:
    """Say what the pictures are, what is explained, and what the truth is."""
    world, cases = worlds[0], cases_of(worlds[0])
    if world.kind == "photos":
        counts = Counter(case.identifier.rpartition(", ")[2] for case in cases)
        shown = ", ".join(f"{name} {counts[name]}" for name in sorted(counts))
        learned = {learned_from(of) for of in worlds}
        seen = (
            "whose outlines were used in training, which favours SIAM’s own map"
            if True in learned
            else "which may have been seen in training: a card does not say"
            if None in learned
            else "not seen in training"
        )
        return (
            f"{len(cases)} photos, {seen}; the presence of one attribute that people outlined in each ({shown}); "
            "truth: its outline, without the pixels that nobody labelled"
        )
    if world.kind == "flowers":
        return (
            f"{len(cases)} flowers that no network was trained on, the logit of each picture's own class; truth: the "
            "pixels of the part whose colour identifies the class"
        )
    explained = "SIAM" if world.network == "siam" else "the baseline"
    return (
        f"{len(cases)} rendered scenes that no network was trained on, what raises the score of {explained}; "
        "truth: the smallest region that holds half of what truly raises it"
    )
