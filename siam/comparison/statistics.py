"""The summary of a comparison: means with bootstrap intervals, and whether the orders that papers report hold.

An order is judged by the paired difference of two methods on the same pictures: it "holds" if the interval of the
difference lies on the side that the paper reports, is "reversed" if it lies on the other, and "undecided" otherwise.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from siam.comparison.cost import Cost
from siam.comparison.pictures import World, cases_of
from siam.comparison.records import FIGURES, REFERENCES, Record
from siam.evaluation import bootstrap
from siam.evaluation.scores import number
from siam.explainers import EXPLAINERS
from siam.explainers.faithfulness import STEPS

# better, worse, figure, whether higher is better, who reports it
ORDERS = (
    ("sise", "rise", "ebpg", True, "SISE on VOC 2007"),
    ("sise", "grad_cam", "ebpg", True, "SISE on VOC 2007"),
    ("sise", "score_cam", "ebpg", True, "SISE on VOC 2007"),
    ("sise", "rise", "drop_100", False, "SISE on VOC 2007"),
    *(
        (head, other, "drop_15", False, "L-CAM on ImageNet")
        for head in ("lcam_img", "lcam_fm")
        for other in ("grad_cam", "grad_cam_pp", "score_cam")
    ),
)


def summary(records: Sequence[Record], costs: dict[str, Cost]) -> dict[str, Any]:
    """Return "methods": name → figure → "mean", "interval" and "n"; and "orders", as the module describes.

    Args:
        records: the records of one comparison.
        costs: costs of explainers, which become the figures "seconds" and "megabytes", without an interval.
    """
    here = {record["method"] for record in records}
    names = [
        name for name in (*EXPLAINERS, *sorted(here - EXPLAINERS.keys() - set(REFERENCES)), *REFERENCES) if name in here
    ]
    methods = {name: _of_method([record for record in records if record["method"] == name]) for name in names}
    for name, cost in costs.items():
        known = {"seconds": cost.seconds, "megabytes": cost.megabytes}
        for key, value in known.items():
            if name in methods and value is not None:
                methods[name][key] = {"mean": round(value, 3), "interval": None, "n": 1}
    return {
        "n": len({record["identifier"] for record in records}),
        "methods": methods,
        "orders": [order for claim in ORDERS if (order := _order(records, *claim)) is not None],
    }


def protocol(world: World, sanity: int) -> str:
    """Describe in one sentence how explainers are compared, and on what."""
    cases = cases_of(world)
    height, width = cases[0].image.shape[2:]
    what = (
        f"{len(cases)} flowers that no network was trained on, the logit of each picture's own class; truth: the "
        "pixels of the part whose colour identifies the class"
        if world.kind == "flowers"
        else f"{len(cases)} rendered scenes that no network was trained on, what raises the score; truth: the smallest "
        "region that holds half of what truly raises it"
    )
    return (
        f"{what}; pictures of {width} x {height} px; SIAM's maps explain SIAM, all others the baseline; drops, "
        "areas and increases use the score itself, in points, not a probability; "
        f"curves of {STEPS} steps, from RISE's blur; weights shuffled for the first {sanity} pictures; seconds and "
        "memory for one picture; means with 95 % bootstrap intervals"
    )


def _of_method(records: Sequence[Record]) -> dict[str, Any]:
    figures = {}
    for figure in FIGURES:
        values = np.array([record[figure] for record in records if record.get(figure) is not None])
        if len(values):
            figures[figure] = {"mean": number(values.mean()), "interval": _interval(values), "n": len(values)}
    return figures


def _interval(values: np.ndarray) -> list[float] | None:
    if len(values) < 2:
        return None
    low, high = bootstrap.interval(np.mean, values)
    return [round(float(low), 4), round(float(high), 4)]


def _order(
    records: Sequence[Record], better: str, worse: str, figure: str, high: bool, source: str
) -> dict[str, Any] | None:
    values = {(record["method"], record["identifier"]): record.get(figure) for record in records}
    pairs = [(value, values.get((worse, name))) for (method, name), value in values.items() if method == better]
    known = np.array([(one, other) for one, other in pairs if one is not None and other is not None])
    if len(known) < 2:
        return None
    gains = (known[:, 0] - known[:, 1]) * (1 if high else -1)
    low, upper = (round(float(end), 4) for end in bootstrap.interval(np.mean, gains))
    outcome = "holds" if low > 0 else "reversed" if upper < 0 else "undecided"
    return {
        "better": better,
        "worse": worse,
        "figure": figure,
        "reported_by": source,
        "gain": round(float(gains.mean()), 4),
        "interval": [low, upper],
        "outcome": outcome,
        "n": len(known),
    }
