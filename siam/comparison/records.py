"""The comparison: every explainer on the same pictures, one record per picture and explainer, averaged by the summary.

Records are appended to a file, one JSON object per line, as they are made; a run with the same settings continues where
the last one stopped. References, which ignore the network, are measured too::

    random        noise, in cells the size of the last feature map's cells
    siam_random   the same noise, but judged by SIAM's score: the reference for SIAM's own figures
    centre        a Gaussian around the middle of the picture
    truth         the true mask itself, averaged over each of these cells

Figures of a record (`FIGURES`): those of `siam.comparison.agreement` against the mask, and "truth_rank" against the
signed truth where known; those of `siam.explainers.faithfulness`; "agreement", the rank correlation with SIAM's total
map; "randomised", the rank correlation with the same method's map of a network whose weights are shuffled, layer by
layer: a map that explains the network must change (J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018,
arXiv:1810.03292), and the figure is undefined if either map is constant, as SIAM's is when no attribute is left;
"passes" through the backbone.

Faithfulness is in points of the network that a map explains, above that network's score of a plain picture. Two
networks score a plain picture differently, so SIAM's figures are compared with "siam_random", all others with "random".
"""

import copy
import json
import multiprocessing
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from siam.comparison.agreement import against_mask, rank_correlation
from siam.comparison.pictures import Case, World, cases_of, identity
from siam.errors import DatasetError
from siam.evaluation.what_where_how.places import centre_prior
from siam.evaluation.what_where_how.scenes import pooled
from siam.explainers.attribution import Attribution, Network, attribute_photo
from siam.explainers.base import Target
from siam.explainers.faithfulness import SHARES, STEPS, faithfulness
from siam.explainers.references import REFERENCES
from siam.explainers.targets import score_up
from siam.runtime.files import write_atomically
from siam.runtime.processes import in_parallel

FIGURES = (
    *("ebpg", "pixel_ap", "iou_area", "chance", "truth_rank", "deletion", "insertion"),
    *(f"drop_{share}" for share in SHARES),
    *(f"increase_{share}" for share in SHARES),
    *("agreement", "randomised", "passes"),
)
_CELL = 32  # px, of the references

Record = dict[str, Any]  # "identifier", "method", and figures: float, or None if undefined


def compare(world: World, names: Sequence[str], sanity: int, path: Path, workers: int = 1) -> list[Record]:
    """Return the records of every explainer on every picture; records already in the file are not made again.

    Args:
        world: the pictures.
        names: names of explainers; the references are added.
        sanity: number of pictures, from the first on, for which "randomised" is measured; it doubles their time.
        path: the file of records; created if missing, otherwise it must be from the same networks and settings.
        workers: processes, each with one thread; 1 runs in this process, with all threads.

    Raises:
        CheckpointError, DatasetError: as `cases_of`; or the file was started with other settings.
        ValueError: an explainer cannot explain the network.
    """
    cases = cases_of(world)
    settings = {**asdict(world), "folder": world.folder.name, "sanity": sanity, "steps": STEPS}
    settings["networks"] = identity(cases[0])
    settings.pop("count")  # more pictures may follow
    done = {(record["identifier"], record["method"]) for record in _records_in(path, settings)}
    methods = [*names, *(name for name in REFERENCES if name != "siam_random" or cases[0].siam is not None)]
    jobs = [
        (world, number, name, number < sanity, path)
        for number, case in enumerate(cases)
        for name in methods
        if (case.identifier, name) not in done
    ]
    begun = len(cases) * len(methods) - len(jobs)
    steps = in_parallel(_work, jobs, workers) if workers > 1 else (_work(*job) for job in jobs)
    with tqdm(total=begun + len(jobs), initial=begun, desc="maps", unit="map", file=sys.stderr) as progress:
        for _step in steps:
            progress.update()
    chosen, wanted = {case.identifier for case in cases}, set(methods)
    return [
        record
        for record in _records_in(path, settings)
        if record["identifier"] in chosen and record["method"] in wanted
    ]


def _work(world: World, number: int, name: str, sane: bool, path: Path) -> None:
    """Make one record and append it to the file."""
    if multiprocessing.parent_process() is not None:
        torch.set_num_threads(1)
    record = _record(cases_of(world)[number], name, sane)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")  # one write, so that processes do not mix lines


def shuffled_weights(model: Network, seed: int = 0) -> Network:
    """Return a copy of a network with the weights of each layer shuffled."""
    generator = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        order = torch.randperm(parameter.numel(), generator=generator)
        values = parameter.detach().flatten()
        parameter.data = values[order.to(values.device)].view_as(parameter)
    return other


def _record(case: Case, name: str, sane: bool) -> Record:
    target = score_up()
    model = case.network(name)
    attribution = _attribution(model, case, name, target)
    faithful = faithfulness(model, case.image, attribution.map, target)
    figures = against_mask(attribution.map, case.mask)
    if case.density is not None:
        figures["truth_rank"] = rank_correlation(attribution.map, torch.from_numpy(case.density))
    figures |= {"deletion": faithful.deletion_area, "insertion": faithful.insertion_area}
    figures |= {f"drop_{share}": value for share, value in faithful.drop.items()}
    figures |= {f"increase_{share}": value for share, value in faithful.increase.items()}
    if case.siam is not None:
        with torch.no_grad():
            siam_map = case.siam(case.image.to(next(case.siam.parameters()).device)).total_map[0]
        figures["agreement"] = rank_correlation(attribution.map, siam_map)
    if sane:
        other = _attribution(shuffled_weights(model), case, name, target)
        figures["randomised"] = rank_correlation(attribution.map, other.map)
    figures["passes"] = float(attribution.passes)
    rounded = {key: None if value != value else round(value, 5) for key, value in figures.items()}
    return {"identifier": case.identifier, "method": name, **rounded}


def _attribution(model: Network, case: Case, name: str, target: Target) -> Attribution:
    if name not in REFERENCES:
        return attribute_photo(model, case.image, name, target)
    return Attribution(name, _reference(case, name), False, 0.0, 0, (case.image.shape[2], case.image.shape[3]))


def _reference(case: Case, name: str) -> Tensor:
    height, width = (max(1, side // _CELL) for side in case.image.shape[2:])
    if name in ("random", "siam_random"):
        generator = torch.Generator().manual_seed(zlib.crc32(case.identifier.encode()))
        return torch.rand(height, width, generator=generator)
    if name == "centre":
        return torch.from_numpy(centre_prior((height, width)))
    return torch.from_numpy(pooled(case.mask.astype("float32"), (height, width)))


def _records_in(path: Path, settings: dict[str, Any]) -> list[Record]:
    """Return the records of a file started with these settings, or start one."""
    lines = list(_lines(path))
    if not lines:
        write_atomically(path, (json.dumps({"settings": settings}) + "\n").encode())
        return []
    if lines[0].get("settings") != settings:
        raise DatasetError(
            f"{path} was started with {json.dumps(lines[0].get('settings'))}, not {json.dumps(settings)}: "
            "delete it, or use the same settings"
        )
    return lines[1:]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the complete lines of a file; a last line that was cut off is removed from it."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_atomically(path, whole.encode())
    for line in whole.splitlines():
        try:
            yield json.loads(line)
        except ValueError as error:
            raise DatasetError(f"{path} is damaged ({error}): delete it to start again") from error
