"""`figure`: figures of photos for papers, as PDF, SVG or PNG of a width, with the captions to paste."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from siam.cli.arguments import add_change, add_colours, add_engine, fail
from siam.errors import SIAMError

if TYPE_CHECKING:
    from siam.drawing.printing import Form
    from siam.explanation.inference import Explanation
    from siam.reports.prints import Print

_KINDS = {
    "explanation": "the paper's layout",
    "waterfall": "from bias to score",
    "maps": "total maps over the photo",
    "difference": "two to four photos side by side",
}
_FORMS = ("pdf", "svg", "png")
_NOT_WRITTEN = (".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".eps", ".html", ".json", ".txt", ".docx")
_FEWEST, _MOST = 2, 4  # photos that a difference compares


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "figure",
        help="draw figures for papers and print their captions",
        description="Draw figures for papers: PDF, SVG or PNG of an exact width. Captions are printed.",
    )
    parser.add_argument("image", nargs="+", type=Path, metavar="IMAGE", help="one or more photos")
    kinds = "; ".join(f"{name}: {what}" for name, what in _KINDS.items())
    parser.add_argument(
        "--kind",
        type=_kind,
        default="explanation",
        metavar="KIND",
        help=f"what to draw; {kinds} (default: explanation)",
    )
    parser.add_argument(
        "--width",
        type=_width,
        default=180.0,
        metavar="WIDTH",
        help="of the figure, 40mm to 400mm, such as 85mm (one column), 180mm (a page), 8.5cm or 3.5in (default: 180mm)",
    )
    parser.add_argument(
        "--format",
        type=_form,
        metavar="FORMAT",
        help="pdf, svg or png, which has 300 dpi (default: as --out ends, else pdf)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="DIR|FILE",
        help="folder, or the file of a single figure (default: IMAGE-figure.pdf in the working folder)",
    )
    parser.add_argument(
        "--model",
        default="photo",
        metavar="NAME|DIR|HUB",
        help="bundled pair, folder or Hub repository (default: photo)",
    )
    add_change(parser)
    add_colours(parser)
    add_engine(parser)
    parser.set_defaults(run=run)


def _kind(text: str) -> str:
    if text not in _KINDS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(_KINDS)}, not {text!r}")
    return text


def _form(text: str) -> str:
    form = text.lower().removeprefix(".")
    if form not in _FORMS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(_FORMS)}, not {text!r}")
    return form


def _width(text: str) -> float:
    from siam.drawing.printing import millimetres

    try:
        return millimetres(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(options: argparse.Namespace) -> int:
    """Draw each figure in turn; a bad photo does not stop the others."""
    from siam.runtime.files import check_file, check_folder

    together = options.kind == "difference"
    count = len(options.image)
    if together and not _FEWEST <= count <= _MOST:
        photos = f"{count} photo{'s' * (count != 1)}"
        return fail(f"--kind difference compares {_FEWEST} to {_MOST} photos with the first; {photos} given")
    if options.change and not together:
        return fail("--change names what changed between photos; give --kind difference, too")
    suffix = "" if options.out.is_dir() else options.out.suffix.lower()
    ending = suffix.removeprefix(".") if suffix.removeprefix(".") in _FORMS else ""
    alone = bool(ending)
    if suffix in _NOT_WRITTEN:
        return fail(f"{options.out} cannot be written; give --out a folder or a file that ends in .pdf, .svg or .png")
    if alone and options.format not in (None, ending):
        return fail(f"{options.out} does not fit --format {options.format}; leave one of them out")
    if alone and count > 1 and not together:
        return fail(f"{options.out} is one file, but {count} photos need {count}; give --out a folder")
    form = cast("Form", options.format or ending or "pdf")
    whole = [Path("difference")] if together else options.image
    targets = [options.out] if alone else _targets(whole, options.out, options.kind, form)
    photos = {path.resolve() for path in options.image}
    if taken := [path for path in targets if path.resolve() in photos]:
        return fail(f"{taken[0]} is one of the photos; give --out another name")
    if alone:
        check_file(options.out)
    else:
        check_folder(options.out)
    return _draw(options, targets, form)


def _targets(photos: Sequence[Path], folder: Path, kind: str, form: str) -> list[Path]:
    """Return the path of each photo's figure, numbered where two would have the same."""
    ends = {"explanation": "-figure", "difference": ""}
    taken: set[str] = set()
    targets = []
    for photo in photos:
        stem = f"{photo.stem}{ends.get(kind, f'-{kind}')}"
        name, number = stem, 2
        while name.casefold() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.casefold())
        targets.append(folder / f"{name}.{form}")
    return targets


def _draw(options: argparse.Namespace, targets: Sequence[Path], form: "Form") -> int:
    """Explain the photos, write the figures and print their captions."""
    from siam.explanation.difference import distinct
    from siam.explanation.inference import explain
    from siam.images.preprocessing import least_side
    from siam.images.reading import read_image
    from siam.models.checkpoint import load
    from siam.reports.prints import difference_print, networks_text
    from siam.runtime.files import write_atomically

    pair = load(options.model)
    networks = networks_text(pair)

    def explained(path: Path) -> "Explanation":
        return explain(pair, read_image(path, least=least_side(*pair.configs)))

    def write(figure: "Print", target: Path) -> None:
        write_atomically(target, figure.file(options.width, form, networks))
        sys.stdout.write(f"{target}\n{figure.caption(networks)}\n")

    if options.kind == "difference":
        explanations = [explained(path) for path in options.image]
        names = distinct([path.name for path in options.image])
        write(difference_print(explanations, names, options.change), targets[0])
        return 0
    failed = False
    for path, target in zip(options.image, targets, strict=True):
        try:
            write(_of_one(options.kind, explained(path)), target)
        except SIAMError as error:
            fail(str(error))
            failed = True
    return 2 if failed else 0


def _of_one(kind: str, explanation: "Explanation") -> "Print":
    from siam.reports import prints

    drawn = {
        "explanation": prints.explanation_print,
        "waterfall": prints.waterfall_print,
        "maps": prints.maps_print,
    }[kind]
    return drawn(explanation)
