"""The bash of the documentation, command by command."""

import re
import shlex

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
SIAM = ("python -m siam ", "siam ")


def commands(block: str) -> list[str]:
    """Return the commands of a block of bash: continued lines joined, comments left out, here-documents whole."""
    found: list[str] = []
    lines = iter(block.splitlines())
    for line in lines:
        if mark := re.search(r"<<'(\w+)'$", line):
            found.append("\n".join([line, *iter(lines.__next__, mark[1]), mark[1]]))
            continue
        whole = line
        while whole.endswith("\\"):
            whole = whole[:-1] + next(lines)
        if command := re.sub(r"(^|\s)#.*", "", whole).strip():
            found.append(command)
    return found


def words_of(command: str) -> list[str]:
    """Return the arguments that a command gives to `siam`."""
    return shlex.split(command.removeprefix("python -m "))[1:]


def siam_commands(page: str) -> list[list[str]]:
    """Return the arguments of every command of `python -m siam` in a page's blocks of bash, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [words_of(command) for block in blocks for command in commands(block) if command.startswith(SIAM)]
