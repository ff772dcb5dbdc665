"""`gallery`: scores a gallery again after the networks have changed."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

from siam.cli.arguments import add_engine, progress_bar


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands and their arguments."""
    parser = commands.add_parser(
        "gallery",
        help="score a gallery again after the networks have changed",
        description="Keep a gallery up to date.",
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    rescore = actions.add_parser(
        "rescore",
        help="score the photos of a gallery again; run again to resume",
        description="Score the photos of a gallery again and say how many scores changed. Photos, their order, "
        "ratings, credits and truths stay as they are. The gallery is replaced in one step at the end.",
    )
    rescore.add_argument("folder", type=Path, metavar="DIR", help="folder of the gallery")
    rescore.add_argument(
        "--model",
        metavar="NAME|DIR|HUB",
        help="bundled pair, folder or Hub repository (default: the pair of the gallery's name)",
    )
    rescore.add_argument(
        "--out", type=Path, metavar="NEW", help="write the gallery to another, new folder and leave DIR as it is"
    )
    add_engine(rescore)
    rescore.set_defaults(run=_rescore)


def _rescore(options: argparse.Namespace) -> int:
    from siam.gallery import store
    from siam.gallery.upkeep import folder_of_networks, made_with
    from siam.models import checkpoint
    from siam.runtime.files import check_folder

    about, _count = store.peek(options.folder)
    model = options.model or folder_of_networks(options.folder, about)
    check_folder(options.out or options.folder)
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    from siam.gallery.rescoring import rescore
    from siam.gallery.upkeep import networks_of

    pair = checkpoint.load(model)
    with progress_bar("scores", "photo") as progress:
        done = rescore(pair, nullcontext(), options.folder, options.out, progress)
    sys.stdout.write(f"{done.folder}: {done} (before: {made_with(about)}; now: {networks_of(pair)})\n")
    return 0
