"""What is known of a pair's CSIB: its figures beside SIAM's and the baseline's, as rows and as text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from siam.drawing.phrases import number, signed
from siam.explanation.context import group_members, title
from siam.models.csib import BUDGETS, CSIB

NAMES = {
    "csib": "with context",
    "siam": "SIAM",
    "baseline": "baseline",
    "csib - siam": "with context − SIAM",
    "csib - baseline": "with context − baseline",
}
_PRINTED = 8  # groups


def figures(csib: CSIB) -> pd.DataFrame:
    """Return a row for each network, and for each difference: name, tau, rmse, with their intervals, and n.

    Empty for groups that were not judged.
    """
    rows = [
        {
            "name": NAMES[key],
            "tau": of["kendall_tau"],
            "tau_interval": of["kendall_tau_interval"],
            "rmse": of["rmse"],
            "rmse_interval": of["rmse_interval"],
            "n": of["n"],
        }
        for key, of in csib.about.get("figures", {}).items()
        if key in NAMES
    ]
    return pd.DataFrame(rows, columns=["name", "tau", "tau_interval", "rmse", "rmse_interval", "n"])


def budgets(csib: CSIB) -> pd.DataFrame:
    """Return the RMSE, in points, with 1 to 8 causes and with all: columns causes (text) and rmse."""
    names = [*map(str, BUDGETS), "all"]
    return pd.DataFrame(
        [{"causes": name, "rmse": error} for name, error in zip(names, csib.about.get("budgets", ()), strict=False)],
        columns=["causes", "rmse"],
    )


def verdict(csib: CSIB) -> str:
    """Say in one sentence what counting together bought, against SIAM; "" for groups that were not judged."""
    of: Mapping[str, Any] | None = csib.about.get("figures", {}).get("csib - siam")
    if of is None or of["kendall_tau"] is None or of["kendall_tau_interval"] is None:
        return ""
    low, high = of["kendall_tau_interval"]
    span = f"Kendall's τ {signed(of['kendall_tau'])}, 95 % interval {signed(low)} to {signed(high)}"
    if low > 0:
        return f"With context, the photos are ranked better than by SIAM ({span})."
    if high < 0:
        return f"With context, the photos are ranked worse than by SIAM ({span})."
    return f"With context, the photos are ranked neither better nor worse than by SIAM, as far as can be told ({span})."


def summary(csib: CSIB, out: Path) -> str:
    """Return what `train` prints in the end: figures with intervals, the largest groups, and what to do next."""
    from siam.results.assessment import columns  # imported here, since it needs PyTorch, which pages do not wait for

    about = csib.about
    rows: list[tuple[str, ...]] = [("", "Kendall's τ", "95 %", "RMSE", "95 %", "photos")]
    for key, of in about["figures"].items():
        text = _signed if " - " in key else _plain
        cells = [text(of[f"{name}{end}"]) for name in ("kendall_tau", "rmse") for end in ("", "_interval")]
        rows.append((NAMES[key], *cells, str(of["n"])))
    groups = [("most points", "members")]
    for group in range(min(_PRINTED, len(csib))):
        groups.append((signed(csib.most(group)), title(group_members(csib, group))))
    causes = "more than 8" if about["causes"] is None else about["causes"]
    parts = [
        f"{out}: {len(csib)} groups of attributes that count together",
        columns(rows),
        verdict(csib),
        f"All figures are for photos kept out, {about['folds']} folds. 90 % of the score's variance needs {causes} "
        f"causes. {about['same']:.0%} of a fold's largest groups are in the other folds, too.",
        columns(groups),
        f"Next:\n  siam explain PHOTO.jpg --model {out} --context",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _plain(value: float | list[float] | None) -> str:
    return " to ".join(number(of) for of in _listed(value))


def _signed(value: float | list[float] | None) -> str:
    return " to ".join(signed(of) for of in _listed(value))


def _listed(value: float | list[float] | None) -> list[float]:
    return [] if value is None else value if isinstance(value, list) else [value]
