"""`push`: a pair of networks into a Hugging Face Hub repository."""

import argparse
import sys


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser("push", help="put networks into a Hugging Face Hub repository")
    parser.add_argument("networks", metavar="DIR|NAME", help="a folder with card.json, or a bundled pair")
    parser.add_argument("repository", metavar="USER/REPO", help="made if missing")
    parser.add_argument("--private", action="store_true", help="make it private; one that is public is refused")
    parser.add_argument("--revision", metavar="BRANCH", help="a branch, made if missing; default the main one")
    parser.add_argument("--message", metavar="TEXT", help="of the commit")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Push the pair and print the address of the commit."""
    from siam.models.publishing import push

    address = push(
        options.networks,
        options.repository,
        private=options.private,
        revision=options.revision,
        message=options.message,
    )
    sys.stdout.write(f"{address}\n")
    return 0
