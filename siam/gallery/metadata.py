"""What a dataset knows about a gallery's photos: the crowd's votes, credits and, for rendered scenes, the truth."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from siam.datasets import layout
from siam.datasets.base import AttributePhotos, ScoredPhotos
from siam.datasets.human_masks import OutlinedPhotos
from siam.evaluation.assessment import Assessment
from siam.evaluation.what_where_how.errors import verdicts


def identifiers(files: Sequence[Path], root: Path) -> list[str]:
    """Return a unique label for each photo: the ID if its file is named after one, else its name in the dataset.

    Photos whose labels would be equal are labelled by their path below `root`.
    """
    whole = [path.relative_to(root).as_posix() for path in files]
    names = [name.removeprefix("images/") for name in whole]
    stems = [Path(name).stem for name in names]
    short = [stem if stem.isdecimal() and "/" not in name else name for stem, name in zip(stems, names, strict=True)]
    often = Counter(short)
    labels = [name if often[label] > 1 else label for name, label in zip(whole, short, strict=True)]
    return labels if len(set(labels)) == len(labels) else whole


def written(photos: AttributePhotos | ScoredPhotos | OutlinedPhotos, root: Path, places: np.ndarray) -> list[str]:
    """Return the names of some photos as their owner wrote them: in a table, or else on the disk."""
    names = photos.names if isinstance(photos, ScoredPhotos) else None
    return [photos.files[place].relative_to(root).as_posix() if names is None else names[place] for place in places]


def order(path: Path) -> tuple[int, str]:
    """Return a photo's sort key: its ID, or its name if it has none."""
    return (int(path.stem), "") if path.stem.isdecimal() else (0, path.as_posix())


def crowd(
    photos: AttributePhotos | ScoredPhotos | OutlinedPhotos, data: str, root: Path, places: np.ndarray
) -> list[dict[str, Any]]:
    """Return the crowd's ratings of some photos, where known, as columns of a gallery.

    Args:
        photos: of the dataset.
        data: name of its layout.
        root: its folder.
        places: (n,) indices of the photos.

    Raises:
        DatasetError: the table of votes is malformed.
    """
    if not isinstance(photos, ScoredPhotos):
        return [{} for _ in places]
    deviations = None if photos.variances is None else np.sqrt(photos.variances)
    votes = layout(data).votes(root)
    return [
        {
            "crowd_mean": float(photos.scores[place]),
            "crowd_sd": None if deviations is None or np.isnan(deviations[place]) else float(deviations[place]),
            "votes": votes.get(photos.files[place].stem),
            "vote_count": None if photos.votes is None else int(photos.votes[place]),
        }
        for place in places
    ]


def credits(data: str, root: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return author, title, licence, link and public picture ("image" with "sha256") of photos, where known.

    Raises:
        DatasetError: the table of credits is malformed.
    """
    known = layout(data).credits(root, files)
    return [known.get(path.name, {}) for path in files]


def truths(assessment: Assessment) -> list[dict[str, Any] | None]:
    """Return the truth of each judged photo, or None if it was not rendered.

    Contributions, labels and areas list only attributes for which they are not 0. "errors" holds the parts of SIAM's
    error in points and "verdict" says what went wrong, if network and scenes have the same scale.
    """
    scenes, errors = assessment.scenes, assessment.errors
    if scenes is None:
        return [None for _ in assessment.judged.files]
    records: list[dict[str, Any] | None] = []
    baseline = assessment.judged.predictions.baseline
    outcomes = verdicts(errors, None if baseline is None else baseline - scenes.quality) if errors else None
    parts = errors.parts() if errors else {}
    for n, truth in enumerate(scenes.truths):
        every = {name: getattr(truth, name) for name in ("contributions", "nuances", "labels", "areas")}
        records.append(
            {
                "place": truth.place,
                "light": truth.light,
                "quality": round(truth.quality, 5),
                "bias": truth.bias,
                **{name: {key: round(x, 5) for key, x in values.items() if x} for name, values in every.items()},
                "errors": {name: round(float(part[n]), 5) for name, part in parts.items()},
                "verdict": str(outcomes[n]) if outcomes else None,
            }
        )
    return records
