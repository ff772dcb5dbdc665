"""The comparison: every explainer on the same pictures, one record per picture and explainer, averaged by the summary.

Records are appended to a file, one JSON object per line, as they are made; a run with the same settings continues where
the last one stopped. The controls of `siam.comparison.controls` are measured like explainers.

Figures of a record (`FIGURES`): those of `siam.comparison.agreement` against the mask, and "truth_rank" against the
signed truth where known; "removal"; those of `siam.explainers.faithfulness` and `siam.comparison.kept`; "randomised"
and "relabelled"; and "passes" through the backbone. All are None where they are undefined.

"removal", where pictures without each object are there: Spearman's correlation, over the objects of a picture, of the
sum of the map where the picture changes without the object with how far the score then falls. At least `OBJECTS`
objects are needed.

"randomised": the rank correlation with the same method's map of a network whose weights are shuffled, layer by layer.
"relabelled": that with the map of a network that was trained on shuffled labels (`against_relabelled`). A map that
explains the network must change (J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv:1810.03292).
Both are undefined if either map is constant.

Measures of a raised score (`RAISED`) are defined only for pictures that the network scores above the empty picture, of
the mean colour: where nothing raises the score, nothing can be lost.
"""

import copy
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor, nn
from tqdm import tqdm

from siam.comparison import kept
from siam.comparison.agreement import against_mask, rank_correlation
from siam.comparison.controls import control
from siam.comparison.pictures import Case, World, cases_of, identity
from siam.errors import DatasetError
from siam.explainers.attribution import attribute_photo
from siam.explainers.base import Explainer, enlarged, prepared, untouched, values_of
from siam.explainers.faithfulness import SHARES, STEPS, faithfulness, ranks
from siam.explainers.references import REFERENCES
from siam.explainers.registry import explainer
from siam.runtime.files import append, storage_errors
from siam.runtime.processes import in_parallel

_KEPT = tuple(f"{kind}_{share}_{fill}" for kind in ("kept", "rises") for fill in kept.FILLS for share in kept.SHARES)
RAISED = (
    *("deletion", "insertion"),
    *_KEPT,
    *(f"{kind}_{share}" for kind in ("drop", "increase") for share in SHARES),
)
_CHECKS = ("randomised", "relabelled")
FIGURES = ("ebpg", "pixel_ap", "iou_area", "chance", "truth_rank", "removal", *RAISED, *_CHECKS, "passes")
OBJECTS = 3  # fewest of a picture, for "removal"
_CHANGED = 0.02  # least mean change of a pixel's normalised channels where an object was

Methods = Mapping[str, Explainer | None]
Record = dict[str, Any]  # "identifier", "method", and figures: float, or None if undefined


@dataclass(frozen=True)
class Extent:
    """How much is compared.

    Attributes:
        sanity: number of pictures, from the first on, for which "randomised" is measured; it doubles their time.
        slow: number of pictures, from the first on, for slow methods (`Explainer.slow`).
        slow_sanity: number of pictures for which "randomised" is measured of slow methods.
    """

    sanity: int = 10
    slow: int = 60
    slow_sanity: int = 10

    def checked(self, name: str, made: Explainer | None) -> int:
        """Return for how many pictures a method's map is held against that of a network that knows nothing."""
        return self.slow_sanity if _slow(name, made) else self.sanity


def compare(world: World, methods: Methods, extent: Extent, path: Path, workers: int = 1) -> list[Record]:
    """Return the records of every explainer on every picture; records already in the file are not made again.

    Args:
        world: the pictures.
        methods: name → explainer, or None for one of the project's; the controls are added.
        extent: how many pictures some methods and measures get.
        path: the file of records; created if missing, otherwise it must be from the same network and settings.
        workers: processes, each with one thread; 1 runs in this process, with all threads.

    Raises:
        CheckpointError, DatasetError: as `cases_of`; the file was started with other settings; or OpenCV is missing.
        ValueError: an explainer cannot explain the network.
    """
    cases, settings = cases_of(world), settings_of(world, extent)
    done = {(record["identifier"], record["method"]) for record in _records_in(path, settings)}
    named = {**dict.fromkeys(REFERENCES), **methods}
    wanted = [
        (number, case.identifier, name, made)
        for number, case in enumerate(cases)
        for name, made in named.items()
        if number < extent.slow or not _slow(name, made)
    ]
    jobs = [
        (world, number, name, made, number < extent.checked(name, made), path)
        for number, key, name, made in wanted
        if (key, name) not in done
    ]
    _make(_work, jobs, len(wanted) - len(jobs), workers)
    found = {(record["identifier"], record["method"]): record for record in _records_in(path, settings)}
    return [found[key, name] for _number, key, name, _made in wanted]


def against_relabelled(
    world: World, other: World, methods: Methods, extent: Extent, path: Path, workers: int = 1
) -> dict[tuple[str, str], float | None]:
    """Return "relabelled" by identifier and method, for as many pictures as `extent` checks.

    Args:
        world: the pictures, with the network that is explained.
        other: the same pictures, with a network of the same kind that was trained on shuffled labels.
        methods: as for `compare`; what learns from the network must be fitted to both.
        extent: how many pictures are checked.
        path: the file of these records, which goes on as that of `compare` does.
        workers: as for `compare`.

    Raises:
        CheckpointError, DatasetError, ValueError: as `compare`.
    """
    cases, settings = cases_of(world)[: extent.sanity], settings_of(world, extent)
    settings |= {"relabelled": identity(cases_of(other)[0])}
    named = {**dict.fromkeys(REFERENCES), **methods}
    done = {(record["identifier"], record["method"]) for record in _records_in(path, settings)}
    wanted = [
        (number, case.identifier, name, made)
        for number, case in enumerate(cases)
        for name, made in named.items()
        if number < extent.checked(name, made)
    ]
    jobs = [(world, other, number, name, made, path) for number, key, name, made in wanted if (key, name) not in done]
    _make(_check, jobs, len(wanted) - len(jobs), workers)
    keys = {(identifier, name) for _number, identifier, name, _made in wanted}
    found = {(record["identifier"], record["method"]): record["relabelled"] for record in _records_in(path, settings)}
    return {key: value for key, value in found.items() if key in keys}


def settings_of(world: World, extent: Extent) -> dict[str, Any]:
    """Return what records depend on, as JSON can hold it: records with other settings are not mixed."""
    free = ("count", "device", "weights")  # more pictures may follow, elsewhere; "identity" is of the weights
    settings = {name: value for name, value in asdict(world).items() if name not in free}
    settings |= {"folder": world.folder.name, "identity": identity(cases_of(world)[0])}
    return settings | {"sanity": extent.sanity, "slow_sanity": extent.slow_sanity, "steps": STEPS}


def _slow(name: str, made: Explainer | None) -> bool:
    return name not in REFERENCES and (made or explainer(name)).slow


def _make(work: Callable[..., None], jobs: Sequence[tuple[Any, ...]], begun: int, workers: int) -> None:
    """Do all jobs, in several processes if asked; `begun` of them were done before."""
    steps = in_parallel(work, jobs, workers) if workers > 1 else (work(*job) for job in jobs)
    with tqdm(total=begun + len(jobs), initial=begun, desc="maps", unit="map", file=sys.stderr) as progress:
        for _step in steps:
            progress.update()


def _work(world: World, number: int, name: str, made: Explainer | None, sane: bool, path: Path) -> None:
    """Make one record and append it to the file."""
    _one_thread()
    cases = cases_of(world)
    _append(path, _record(cases[number], cases[(number + 1) % len(cases)], name, made, sane))


def _check(world: World, other: World, number: int, name: str, made: Explainer | None, path: Path) -> None:
    """Append to the file how alike the maps of two networks are."""
    _one_thread()
    maps = [
        _map(cases[number], cases[(number + 1) % len(cases)], name, made)[0] for cases in map(cases_of, (world, other))
    ]
    alike = _rounded(relabelled=rank_correlation(*maps))
    _append(path, {"identifier": cases_of(world)[number].identifier, "method": name, **alike})


def _one_thread() -> None:
    if multiprocessing.parent_process() is not None:
        torch.set_num_threads(1)


def shuffled_weights(model: nn.Module, seed: int = 0) -> nn.Module:
    """Return a copy of a network with the weights of each layer shuffled."""
    generator = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        order = torch.randperm(parameter.numel(), generator=generator)
        values = parameter.detach().flatten()
        parameter.data = values[order.to(values.device)].view_as(parameter)
    return other


def _record(case: Case, following: Case, name: str, made: Explainer | None, sane: bool) -> Record:
    target, model = case.target, case.network
    (saliency, passes), (whole, empty) = _map(case, following, name, made), _levels(case)
    figures = against_mask(saliency, case.mask, case.known)
    if case.density is not None:
        figures["truth_rank"] = rank_correlation(saliency, torch.from_numpy(case.density))
    if len(case.without) >= OBJECTS:
        figures["removal"] = _removal(case, saliency)
    if whole > empty:
        faithful = faithfulness(model, case.image, saliency, target, mean=case.channel_mean, std=case.channel_std)
        figures |= {"deletion": faithful.deletion_area, "insertion": faithful.insertion_area}
        figures |= {f"drop_{share}": value for share, value in faithful.drop.items()}
        figures |= {f"increase_{share}": value for share, value in faithful.increase.items()}
        rank = ranks(enlarged(saliency, *case.image.shape[2:]))
        figures |= kept.kept(model, case.image, rank, whole, target, case.channel_mean, case.channel_std)
    figures["passes"] = float(passes)
    if sane:
        other = replace(case, network=shuffled_weights(model))
        figures["randomised"] = rank_correlation(saliency, _map(other, following, name, made)[0])
    return {"identifier": case.identifier, "method": name, **_rounded(**figures)}


def _map(case: Case, following: Case, name: str, made: Explainer | None) -> tuple[Tensor, int]:
    """Return the map (h, w) of an explainer or control, and how many passes it took."""
    if name in REFERENCES:
        return control(case, following, name), 0
    attribution = attribute_photo(case.network, case.image, made or explainer(name), case.target)
    return attribution.map, attribution.passes


def _rounded(**figures: float) -> dict[str, float | None]:
    return {key: None if value != value else round(value, 5) for key, value in figures.items()}


@lru_cache(maxsize=64)
def _levels(case: Case) -> tuple[float, float]:
    """Return the score of the picture and of the empty one, of the mean colour."""
    with untouched(case.network), torch.no_grad():
        image = prepared(case.network, case.image)
        whole, empty = values_of(case.target, case.network, torch.cat([image, torch.zeros_like(image)])).tolist()
    return whole, empty


@lru_cache(maxsize=64)
def _effects(case: Case) -> tuple[tuple[Tensor, float], ...]:
    """Return where the picture changes without each object (H, W), bool, and how far the score then falls."""
    found = []
    with untouched(case.network), torch.no_grad():
        for other in case.altered():
            changed = (other - case.image)[0].abs().mean(dim=0) > _CHANGED
            if changed.any():
                score = values_of(case.target, case.network, prepared(case.network, other))
                found.append((changed, _levels(case)[0] - float(score)))
    return tuple(found)


def _removal(case: Case, saliency: Tensor) -> float:
    """Return the rank correlation of the map inside each object with the score that it truly adds; NaN if undefined."""
    large = enlarged(saliency, *case.image.shape[2:])
    said, true = [float(large[changed].sum()) for changed, _ in _effects(case)], [fall for _, fall in _effects(case)]
    if len(said) < OBJECTS or np.ptp(said) == 0 or np.ptp(true) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(said), rankdata(true))[0, 1])


def _records_in(path: Path, settings: dict[str, Any]) -> list[Record]:
    """Return the records of a file started with these settings, each once, or start one.

    Nothing is ever rewritten, since another process may be adding to the file.
    """
    lines = list(_lines(path))
    begun = [line["settings"] for line in lines if "settings" in line]
    if not begun:
        _append(path, {"settings": settings})
    elif any(other != settings for other in begun):
        raise DatasetError(
            f"{path} was started with {json.dumps(begun[0])}, not {json.dumps(settings)}: "
            "delete it, or use the same settings"
        )
    records: dict[tuple[str, str], Record] = {}
    for line in lines:
        if "settings" not in line:
            records.setdefault((line["identifier"], line["method"]), line)
    return list(records.values())


def _append(path: Path, line: dict[str, Any]) -> None:
    """Add a line in one write, so that processes do not mix lines; one that was cut off is ended first."""
    append(path, (b"\n" if _cut(path) else b"") + json.dumps(line, allow_nan=False).encode() + b"\n")


def _cut(path: Path) -> bool:
    """Return whether the last line of a file was cut off, by a killed process."""
    with storage_errors(path), path.open("ab+") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file but for those that were cut off, by a killed process."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
        except ValueError as error:
            if line and not line.startswith("{"):
                raise DatasetError(f"{path} is damaged ({error}): delete it to start again") from error
            continue
        yield content
