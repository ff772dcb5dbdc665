"""`push`: uploads a pair of networks to a Hugging Face Hub repository."""

import argparse
import sys


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "push",
        help="upload a pair to the Hugging Face Hub",
        description="Upload a pair of networks and its model card to a Hugging Face Hub repository, in one commit.",
    )
    parser.add_argument("networks", metavar="DIR|NAME", help="a folder with card.json, or a bundled pair")
    parser.add_argument("repository", metavar="USER/REPO", help="repository, created if missing")
    parser.add_argument(
        "--private", action="store_true", help="create a private repository; an existing public one is an error"
    )
    parser.add_argument("--revision", metavar="BRANCH", help="branch, created if missing (default: main)")
    parser.add_argument("--message", metavar="TEXT", help="commit message")
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
