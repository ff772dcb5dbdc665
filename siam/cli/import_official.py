"""`import-official`: the networks that the authors of SIAM released, as a pair of ours."""

import argparse
import sys
from pathlib import Path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser("import-official", help="turn the .pt files that SIAM's authors released into a pair")
    parser.add_argument(
        "file",
        nargs="+",
        type=Path,
        metavar="FILE.pt",
        help="last_model_finetuned.pt or sunson_siam.pt, and son_baseline.pt if there is a baseline, in any order",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for networks and card")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the pair and say what it holds."""
    from siam.models.checkpoint import save
    from siam.models.official import import_official

    pair = import_official(options.file, options.out.resolve().name or "official")
    save(pair, options.out)
    holds = "SIAM alone" if pair.baseline is None else "SIAM and baseline"
    note = "; negative template values are kept behind a ReLU" if pair.siam.config.template_relu else ""
    sys.stdout.write(f"{options.out}: {holds}{note}\n")
    return 0
