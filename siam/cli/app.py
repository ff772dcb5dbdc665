"""`app`: opens the dashboard, from a checkout or once installed."""

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from siam.cli.arguments import fail
from siam.runtime.paths import DASHBOARD, GALLERY_VARIABLE, MODEL_VARIABLE

_HIGHEST_PORT = 65535


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "app",
        help="open the dashboard",
        description="Open the dashboard in the browser. It serves this machine alone; Ctrl+C ends it.",
    )
    parser.add_argument("--port", type=_port, default=8501, metavar="N", help="port (default: 8501)")
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="begin with the gallery in DIR")
    parser.add_argument("--model", metavar="NAME|DIR", help="begin with this pair, bundled or in a folder")
    parser.add_argument("--no-browser", action="store_true", help="open no browser, only say the address")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the dashboard until it is interrupted."""
    if find_spec("streamlit") is None:
        return fail("the dashboard needs Streamlit, which is not installed: pip install -r requirements.txt")
    try:
        variables = _begin_with(options.gallery, options.model)
    except ValueError as error:
        return fail(str(error))
    words = [sys.executable, "-m", "streamlit", "run", str(DASHBOARD / "app.py")]
    words += ["--server.address", "127.0.0.1", "--server.port", str(options.port)]
    words += ["--server.headless", str(options.no_browser).lower()]
    os.environ.update(variables)
    if os.name == "posix":
        os.execv(words[0], words)  # in place of this process, so that signals reach the server
    try:
        return subprocess.call(words)
    except KeyboardInterrupt:  # the server has heard it, too
        return 0


def _begin_with(gallery: Path | None, model: str | None) -> dict[str, str]:
    """Return the variables that tell the app with what to begin: a gallery is shown with the pair that scored it."""
    from siam.gallery import store
    from siam.models import card, checkpoint

    variables, bundled, scored_by = {}, checkpoint.bundled(), None
    if gallery is not None:
        scored_by = store.peek(gallery)[0].model
        variables[GALLERY_VARIABLE] = str(gallery.resolve())
        if model is None and scored_by not in bundled:
            raise ValueError(f"{gallery} was scored by {scored_by!r}, which is not bundled: also give --model DIR")
        model = model or scored_by
    if model is not None:
        folder = checkpoint.find(model)
        name = card.read(folder).get("name")
        if scored_by not in (None, name):
            raise ValueError(f"{gallery} was scored by {scored_by!r}, not by {name!r}: give --model of the former")
        variables[MODEL_VARIABLE] = model if model in bundled else str(folder.resolve())
    return variables


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to {_HIGHEST_PORT}, not {text!r}")
    return int(text)
