"""What `train` prints of a pair on words and photos of one's own: figures, warnings, and what to do next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from siam.drawing.phrases import words
from siam.models.recognition import TRAINING_PHOTOS
from siam.results.assessment import columns, figure


def warnings(attributes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each attribute that has too few examples to be believed, with what to do."""
    lines = []
    for name, of in attributes.items():
        shown, labelled = of["test_positives"], of["test_photos"]
        if labelled == 0:
            reason, remedy = "no photo is labelled", f"label at least {TRAINING_PHOTOS} photos that show it"
        elif shown == labelled:
            reason, remedy = f"all {labelled} labelled photos show it", "label photos that do not show it"
        elif shown < TRAINING_PHOTOS:
            count = "no labelled photo shows it" if shown == 0 else f"only {shown} of {labelled} photos show it"
            reason, remedy = count, f"label at least {TRAINING_PHOTOS} that do"
        elif labelled - shown < TRAINING_PHOTOS:
            reason = f"only {labelled - shown} of {labelled} photos do not show it"
            remedy = f"label at least {TRAINING_PHOTOS} that do not"
        else:
            continue
        lines.append(f"too few examples of “{words(name)}” to believe it: {reason}; {remedy}")
    return lines


def summary(card: Mapping[str, Any], out: Path, root: Path) -> str:
    """Return what `train` prints in the end: figures with intervals, warnings, and what to do next.

    Args:
        card: of the pair.
        out: its folder.
        root: that of the photos.
    """
    attributes, metrics = card["attributes"], card["metrics"]
    rows = [("attribute", "photos with it", "average precision", "95 %", "chance", "recognised")]
    for name, of in attributes.items():
        shown = f"{of['test_positives']} of {of['test_photos']}"
        precision, chance = figure(of["average_precision"], 2), figure(of["chance"], 2)
        rows.append((words(name), shown, precision, _range(of["interval"]), chance, of["belief"]))
    parts = [f"{out}: {card['summary']}", columns(rows)]
    for source in metrics["siam"]:
        scored = [(source, "Kendall's τ", "95 %", "RMSE", "95 %", "photos")]
        for key, label in (("siam", "SIAM"), ("baseline", "baseline"), ("difference", "SIAM − baseline")):
            of = metrics[key][source]
            tau, error = (figure(of[name], 2) for name in ("kendall_tau", "rmse"))
            ends = [_range(of[f"{name}_interval"]) for name in ("kendall_tau", "rmse")]
            scored.append((label, tau, ends[0], error, ends[1], str(of["n"])))
        parts.append(columns(scored))
    parts.append(f"All figures are for photos that the networks had not seen: {metrics['protocol']}.")
    if lines := warnings(attributes):
        parts.append("\n".join(f"warning: {line}" for line in lines))
    parts.append(
        "Next:\n"
        f"  siam app --model {out}\n"
        f"  siam explain {root}/PHOTO.jpg --model {out} --out report\n"
        f"  siam evaluate --data folder --root {root} --split all --model {out} --gallery galleries/{out.name}"
    )
    return "\n\n".join(parts) + "\n"


def _range(interval: list[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
