"""`discover`: what SIAM cannot explain in a gallery, and an attribute made of it."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from siam.cli.arguments import add_colours, add_engine, fail, number
from siam.drawing.phrases import listing

if TYPE_CHECKING:
    from siam.discovery.candidates import Candidate, Discovery, Progress
    from siam.gallery.store import Gallery
    from siam.models.checkpoint import Pair

_MOST, _COUNT = 2000, 10  # `MOST` and `COUNT` of `siam.discovery.candidates`, which needs PyTorch
_METHODS = ("patterns", "channels", "dictionary", "components", "random")  # `siam.discovery.directions.METHODS`


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "discover",
        help="find what SIAM cannot explain in a gallery, and make an attribute of it",
        description="Look in the baseline's features for what no attribute tells and what explains where SIAM's scores "
        "differ from the crowd's, or else from the baseline's. Print the candidates, the most stable first: by how "
        "many points one standard deviation (SD) more of each raises or lowers the score, what it would add to "
        "Kendall's τ with the 95 %% interval, its stability from 0 to 1, and which attributes it is like. With --name, "
        "--answers and --save, make an attribute of one instead. What both networks saw in the photos is kept, so the "
        "next call is faster.",
    )
    parser.add_argument("gallery", type=Path, metavar="GALLERY", help="folder of a gallery or of an archive's scores")
    parser.add_argument(
        "--model",
        metavar="NAME|DIR|HUB",
        help="the pair that scored it: bundled, a folder or a Hub repository (default: the pair of the gallery's name)",
    )
    parser.add_argument(
        "--method", choices=_METHODS, default=_METHODS[0], help=f"how features are taken apart (default: {_METHODS[0]})"
    )
    parser.add_argument(
        "--count", type=number, default=_COUNT, metavar="N", help=f"candidates, at most (default: {_COUNT})"
    )
    parser.add_argument(
        "--most",
        type=number,
        default=_MOST,
        metavar="N",
        help=f"photos drawn from a larger gallery; from scores with features, those held in memory (default: {_MOST})",
    )
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="random seed (default: 0)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="also write candidates.csv, amounts.csv and a sheet of photos for each"
    )
    parser.add_argument(
        "--name",
        type=_named,
        metavar="CANDIDATE=WORD",
        help="make an attribute called WORD of a candidate: its number or its name, such as '2=evening light'",
    )
    parser.add_argument(
        "--answers", type=Path, metavar="FILE", help="which photos show WORD: labels.jsonl or attributes.csv of Label"
    )
    parser.add_argument("--by", default="", metavar="WHO", help="who answered, for the card of the new pair")
    parser.add_argument("--save", type=Path, metavar="DIR", help="folder of the new pair")
    add_colours(parser)
    add_engine(parser)
    parser.set_defaults(run=run)


def _seed(text: str) -> int:
    """Return `text` as a whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, not {text!r}")
    return int(text)


def _named(text: str) -> tuple[str, str]:
    """Return `text` as a candidate and its new name."""
    candidate, equals, word = (part.strip() for part in text.partition("="))
    if not (candidate and equals and word):
        raise argparse.ArgumentTypeError(f"expected a candidate and a word, such as '2=evening light', not {text!r}")
    return candidate, word


def run(options: argparse.Namespace) -> int:
    """Print or write the candidates; with a name, make an attribute of one."""
    together = {"--name": options.name, "--answers": options.answers, "--save": options.save}
    missing = [option for option, value in together.items() if value is None]
    if missing and (len(missing) < len(together) or options.by):
        return fail(f"an attribute needs {listing([*together])}: give {listing(missing)}, too")
    from siam.gallery import store
    from siam.gallery.upkeep import folder_of_networks, networks_of, sentence
    from siam.runtime.files import check_folder

    gallery = store.read(options.gallery)
    model = options.model or folder_of_networks(options.gallery, gallery.about)
    for folder in (options.out, options.save):
        if folder is not None:
            check_folder(folder)
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    from siam.discovery.gallery import discover_in
    from siam.discovery.report import heading, line, write
    from siam.labelling.answers import word_of
    from siam.labelling.table import said_in
    from siam.models.checkpoint import load

    pair = load(model)
    if pair.name != gallery.about.model:
        return fail(
            f"{options.gallery} was scored by {gallery.about.model!r}, not by {pair.name!r}: give its own networks, or "
            "score it by these with siam gallery rescore"
        )
    if (told := sentence(gallery.about, networks_of(pair))) is not None:
        sys.stderr.write(f"note: {told}\n")
    word, said = "", {}
    if options.name is not None:
        word = word_of(options.name[1], pair.config.attributes)
        if word in pair.config.attributes:
            return fail(f"{word!r} is already an attribute of {pair.name!r}: choose another name")
        said = said_in(options.answers, word)
    with _progress() as progress:
        found = discover_in(
            pair,
            gallery,
            method=options.method,
            count=options.count,
            most=options.most,
            seed=options.seed,
            progress=progress,
        )
    if not word:
        sys.stdout.write(f"{heading(found)}\n")
        for place, candidate in enumerate(found.candidates, start=1):
            sys.stdout.write(f"{place}. {line(candidate)}\n")
    if options.out is not None:
        write(found, gallery, options.out)
        sys.stderr.write(f"{options.out}: candidates.csv, amounts.csv and {len(found.candidates)} sheets of photos\n")
    return _make(options, pair, gallery, found, word, said) if word else 0


def _make(
    options: argparse.Namespace,
    pair: "Pair",
    gallery: "Gallery",
    found: "Discovery",
    word: str,
    said: dict[str, bool | None],
) -> int:
    """Save a pair with one of the candidates as an attribute, and print how far it agrees."""
    from siam.archive import store as archive
    from siam.discovery.answers import placed
    from siam.discovery.naming import name, too_few
    from siam.discovery.report import agreement
    from siam.gallery.store import is_archive
    from siam.models.checkpoint import save

    candidate = _chosen(found, options.name[0])
    if candidate is None:
        known = f"its number, 1 to {len(found.candidates)}, or {', '.join(one.name for one in found.candidates)}"
        return fail(f"there is no candidate {options.name[0]!r}: give {known}")
    answers, others = placed(said, gallery, found)
    if (problem := too_few(answers)) is not None and others:
        return fail(
            f"{options.answers} speaks of {len(answers)} of the {len(found.rows)} photos and of {len(others)} others, "
            f"such as {others[0]!r}; {problem}: answer to photos of this gallery, or look at more with --most"
        )
    made = name(pair, found, candidate, answers, word, options.by, options.gallery.absolute().name)
    save(made.pair, options.save)
    present, absent = (sum(shows is of for shows in answers.values()) for of in (True, False))
    sys.stdout.write(
        f"{word}: attribute {len(made.pair.config.attributes)} of {made.pair.name}, made of {candidate.name} and "
        f"{present + absent} answers, {present} of them yes\n{agreement(made)}\n{options.save}: saved\n"
    )
    if is_archive(gallery.folder):
        again = archive.command(archive.about(gallery.folder), Path("DIR"), options.save.as_posix())
        sys.stdout.write(f"to score the archive with it, into a new folder: {again}\n")
    return 0


def _chosen(found: "Discovery", wanted: str) -> "Candidate | None":
    """Return the candidate with a number or a name, None if there is none."""
    names = {one.name: one for one in found.candidates}
    return {**names, **{str(place): one for place, one in enumerate(found.candidates, start=1)}}.get(wanted)


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Yield a callback that shows a share and a text as a bar on stderr."""
    from tqdm import tqdm

    with tqdm(total=1.0, bar_format="{desc}: {percentage:3.0f}% |{bar}|", file=sys.stderr) as bar:

        def progress(share: float, text: str) -> None:
            bar.set_description_str(text, refresh=False)
            bar.update(share - bar.n)

        yield progress
