"""`import-official`: converts the networks that the authors of SIAM released to a pair of ours."""

import argparse
import sys
from pathlib import Path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "import-official",
        help="convert the .pt files released by SIAM's authors to a pair",
        description="Convert the .pt files released by SIAM's authors to a pair of networks.",
    )
    parser.add_argument(
        "file",
        nargs="+",
        type=Path,
        metavar="FILE.pt",
        help="last_model_finetuned.pt or sunson_siam.pt, and optionally son_baseline.pt, in any order",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the networks and their card")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the pair and say what it holds."""
    from siam.models.checkpoint import save
    from siam.models.official import import_official

    pair = import_official(options.file, options.out.resolve().name or "official")
    save(pair, options.out)
    holds = "SIAM alone" if pair.baseline is None else "SIAM and baseline"
    note = (
        "; the ReLU behind its templates is kept, since some of their values are negative"
        if pair.siam.config.template_relu
        else ""
    )
    sys.stdout.write(f"{options.out}: {holds}{note}\n")
    return 0
