"""CSIB: groups of attributes that count together, on the presence of attributes that a SIAM sees.

::

    p_k = presence of attribute k, 0 to 1 (`SIAMOutput.attribute_scores`)
    q_g = exp(sum_k s_gk log(p_k + e)) - e,   s_g >= 0, sum_k s_gk = 1,   e = 0.001       a weighted geometric mean
    y   = base + sum_g w_g q_g

A group is on only as far as all its members are: if one of two equal members is absent, q is at most 0.03. In the
paper, e is 1e-8; but a presence of 1e-8 and one of 1e-4 both mean "not there", and q must not depend on which it is.
With negations, groups may also contain absences 1 - p_k, as members K to 2K - 1. base is the mean score of the training
photos; with a linear part, it is SIAM's score of the photo, and the groups say what is left. With k causes, only the k
terms w_g q_g that are largest by magnitude are added.

In the spatial variant, p_k, q_g and w_g belong to the cells of SIAM's g x g grid, p_k being presence within a cell, and
y = base + sum_g mean over the cells of w_g q_g. A group is then on only where its members are in the same cell.

D. Marcos, R. Fong, S. Lobry, R. Flamary, N. Courty, D. Tuia, "Contextual Semantic Interpretability", ACCV 2020,
arXiv:2009.08720. There, the network below the groups is trained with them; here, the groups read the maps of a SIAM,
which stay what they are. The spatial variant and the linear part are ours. N photos, K attributes, G groups.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from siam.errors import CheckpointError
from siam.runtime.files import Write, storage_errors, write_atomically

FILE = "csib.safetensors"
BUDGETS = tuple(range(1, 9))  # numbers of causes that the groups are trained to do with, beside all of them
TINY = 1e-3  # presence below it is noise
_LISTED = 0.1  # of a group's weight: members with less are not named
_ABOUT = "about"  # key of the file's metadata
_REMEDY = "copy it again, or train it again with a recipe whose method is context"


@dataclass(frozen=True, eq=False)
class CSIB:
    """Groups of attributes that count together.

    Attributes:
        attributes: the K names, in the order of the pair's config.
        groups: (G, K), or (G, 2K) with negations: shares s >= 0 of the members; each row sums to 1.
        weights: (G,), signed, in points; in the spatial variant (G, g, g).
        base: mean score of the training photos, in points; 0 with a linear part.
        linear: whether SIAM's score is the base.
        about: how it was trained and judged: JSON.
    """

    attributes: tuple[str, ...]
    groups: np.ndarray
    weights: np.ndarray
    base: float = 0.0
    linear: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise a ValueError if the arrays do not fit together, or a row is no set of shares."""
        count = len(self.attributes)
        groups, weights = self.groups, self.weights
        if groups.ndim != 2 or groups.shape[1] not in (count, 2 * count) or weights.shape[:1] != groups.shape[:1]:
            raise ValueError(
                f"groups have shape {groups.shape} and weights {weights.shape}; expected (G, {count}) or "
                f"(G, {2 * count}), and (G,) or (G, g, g)"
            )
        if weights.ndim not in (1, 3) or (weights.ndim == 3 and weights.shape[1] != weights.shape[2]):
            raise ValueError(f"weights have shape {weights.shape}; expected (G,) or (G, g, g)")
        if not (np.isfinite(groups).all() and np.isfinite(weights).all() and np.isfinite(self.base)):
            raise ValueError("groups, weights or base hold NaN or infinite values")
        if (groups < 0).any() or not np.allclose(groups.sum(axis=1), 1, atol=1e-4):
            raise ValueError("the shares of a group's members must be at least 0 and sum to 1")

    def __repr__(self) -> str:
        kind = f"{'with' if self.negations else 'without'} negations{', spatial' if self.grid else ''}"
        base = "SIAM's score" if self.linear else f"{self.base:.2f}"
        return f"CSIB({len(self)} groups of {len(self.attributes)} attributes, {kind}; base: {base})"

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def negations(self) -> bool:
        """Whether groups may contain the absence of an attribute."""
        return self.groups.shape[1] > len(self.attributes)

    @property
    def grid(self) -> int | None:
        """Cells along a side in the spatial variant, else None."""
        return self.weights.shape[1] if self.weights.ndim == 3 else None

    @property
    def digest(self) -> str:
        """A hash of all on which its scores depend."""
        values = [self.groups, self.weights, np.float32(self.base), np.float32(self.linear)]
        parts = [np.ascontiguousarray(of, dtype=np.float32).tobytes() for of in values]
        return sha256(b"".join([*(name.encode() for name in self.attributes), *parts])).hexdigest()

    def members(self, group: int) -> list[tuple[int, bool, float]]:
        """Return the members of a group that have at least a tenth of it, the largest share first.

        Returns:
            Of each: the attribute's index, whether its absence is meant, and its share.
        """
        shares, count = self.groups[group], len(self.attributes)
        ranked = np.argsort(-shares, kind="stable")
        return [(int(i) % count, bool(i >= count), float(shares[i])) for i in ranked if shares[i] >= _LISTED]

    def most(self, group: int) -> float:
        """Return the most points, signed, that a group adds: in the rated photos, or if these are unknown, fully on."""
        known = self.about.get("most")
        return float(np.mean(self.weights[group]) if known is None else known[group])

    def activations(self, presence: np.ndarray) -> np.ndarray:
        """Return q, from 0 to 1, of presence p.

        Args:
            presence: (..., K) for photos, or in the spatial variant (..., K, g, g) for their cells.

        Returns:
            (..., G), or (..., G, g, g).

        Raises:
            ValueError: `presence` has another number of attributes or cells.
        """
        cells = 2 if self.grid else 0
        wanted = (len(self.attributes), *[self.grid] * cells)
        if presence.shape[presence.ndim - 1 - cells :] != wanted:
            raise ValueError(f"presence has shape {presence.shape}; expected (..., {', '.join(map(str, wanted))})")
        last = presence if not cells else np.moveaxis(presence, -3, -1)  # (..., K)
        last = np.clip(last.astype(float), 0, 1)
        if self.negations:
            last = np.concatenate([last, 1 - last], axis=-1)
        q = np.exp(np.log(last + TINY) @ self.groups.T.astype(float)) - TINY
        q = np.maximum(q, 0)  # rounding
        return q if not cells else np.moveaxis(q, -1, -3)

    def cell_contributions(self, presence: np.ndarray) -> np.ndarray:
        """Return what each group adds in each cell (..., G, g, g), in points, in the spatial variant."""
        if self.grid is None:
            raise ValueError("this CSIB has no cells: its groups read the presence in the whole photo")
        return self.activations(presence) * self.weights / self.grid**2

    def contributions(self, presence: np.ndarray) -> np.ndarray:
        """Return what each group adds, w q (..., G), in points; `presence` as for `activations`."""
        if self.grid:
            return self.cell_contributions(presence).sum(axis=(-2, -1))
        return self.activations(presence) * self.weights

    def scores(
        self, presence: np.ndarray, siam: "np.ndarray | float | None" = None, causes: int | None = None
    ) -> np.ndarray:
        """Return scores (...), in points.

        Args:
            presence: as for `activations`.
            siam: (...) SIAM's scores, which a linear part needs.
            causes: how many groups, those of the largest magnitude, are added; None for all.

        Raises:
            ValueError: shapes do not fit, or SIAM's scores are missing.
        """
        return self.bases(siam) + strongest(self.contributions(presence), causes).sum(axis=-1)

    def bases(self, siam: "np.ndarray | float | None" = None) -> "np.ndarray | float":
        """Return the score without any group: `base`, or SIAM's where it is the linear part.

        Raises:
            ValueError: SIAM's scores are missing.
        """
        if not self.linear:
            return self.base
        if siam is None:
            raise ValueError("this CSIB adds its groups to SIAM's score: give that, too")
        return siam + self.base


def strongest(contributions: np.ndarray, causes: int | None) -> np.ndarray:
    """Return contributions (..., G) with 0 for all but the `causes` largest by magnitude (None: all stay)."""
    if causes is None or causes >= contributions.shape[-1]:
        return contributions
    if causes < 1:
        return np.zeros_like(contributions)
    order = np.argsort(-np.abs(contributions), axis=-1, kind="stable")[..., :causes]
    kept = np.zeros_like(contributions)
    np.put_along_axis(kept, order, np.take_along_axis(contributions, order, -1), -1)
    return kept


def keep(folder: Path, csib: CSIB | None, store: Write = write_atomically) -> None:
    """Store the CSIB of a pair in its folder, or remove what an earlier pair left, if there is none.

    Raises:
        StorageError: the file cannot be written or removed.
    """
    if csib is None:
        with storage_errors(folder / FILE):
            (folder / FILE).unlink(missing_ok=True)
        return
    tensors = {
        "groups": np.ascontiguousarray(csib.groups, dtype=np.float32),
        "weights": np.ascontiguousarray(csib.weights, dtype=np.float32),
        "base": np.array([csib.base], dtype=np.float32),
    }
    about = {"attributes": list(csib.attributes), "linear": csib.linear, "about": dict(csib.about)}
    store(folder / FILE, to_bytes(tensors, {_ABOUT: json.dumps(about, ensure_ascii=False, allow_nan=False)}))


def read(folder: Path, attributes: tuple[str, ...]) -> CSIB | None:
    """Return the CSIB of the pair in a folder; None without the file.

    Args:
        folder: of the pair.
        attributes: of the pair's config.

    Raises:
        CheckpointError: the file is damaged, or belongs to networks with other attributes.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, "np") as stored:
            tensors = {name: stored.get_tensor(name).astype(np.float64) for name in ("groups", "weights", "base")}
            about = json.loads((stored.metadata() or {})[_ABOUT])
        names, linear, further = tuple(about["attributes"]), about["linear"], about["about"]
        if tensors["base"].shape != (1,) or type(linear) is not bool or not isinstance(further, dict):
            raise ValueError("its metadata or its base is malformed")
        _check_judged(further, len(tensors["groups"]))
        csib = CSIB(names, tensors["groups"], tensors["weights"], float(tensors["base"][0]), linear, further)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable CSIB ({error}): {_REMEDY}") from error
    if csib.attributes != attributes:
        odd = next((name for name in csib.attributes if name not in attributes), "in another order")
        raise CheckpointError(
            f"{path} is for {len(csib.attributes)} attributes, but the networks have {len(attributes)} or name them "
            f"otherwise ({str(odd)[:40]}): {_REMEDY}"
        )
    return csib


def _check_judged(about: Mapping[str, Any], groups: int) -> None:
    """Raise a ValueError if what a file says of how its groups were judged is not what pages show; it may say nothing.

    Args:
        about: see `siam.gallery.context.judged`.
        groups: their number.
    """

    def is_number(of: Any) -> bool:
        return isinstance(of, int | float) and not isinstance(of, bool)

    def are_numbers(of: Any, count: int) -> bool:
        return isinstance(of, list) and len(of) == count and all(map(is_number, of))

    figures = about.get("figures", {})
    fine = isinstance(figures, dict) and all(isinstance(of, dict) for of in figures.values())
    for of in figures.values() if fine else ():
        for name in ("kendall_tau", "rmse"):
            value, interval = of.get(name), of.get(f"{name}_interval")
            fine = fine and name in of and f"{name}_interval" in of
            fine = fine and (value is None or is_number(value)) and (interval is None or are_numbers(interval, 2))
        fine = fine and type(of.get("n")) is int
    if figures:
        fine = fine and all(type(about.get(name)) is int for name in ("n", "folds"))
    fine = fine and all(about.get(name) is None or is_number(about[name]) for name in ("causes", "same"))
    for name, count in (("budgets", len(BUDGETS) + 1), ("most", groups)):
        fine = fine and (name not in about or are_numbers(about[name], count))
    if not (fine and all(isinstance(about.get(name, ""), str) for name in ("data", "command", "date"))):
        raise ValueError("what it says of its figures is malformed")
