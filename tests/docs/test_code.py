"""The code of tutorials and how-to guides runs, block after block, in a folder that holds what the page speaks of.

Blocks marked `python` share their names within a page. In blocks marked `bash`, `python -m siam` runs in this process,
and lines that install or serve something are checked for the files they name instead of being run.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from sybil import Document, Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from siam.cli.main import main
from tests.docs.folders import FOLDERS
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(str(path.relative_to(DOCS)) for kind in ("tutorials", "how-to") for path in (DOCS / kind).glob("*.md"))
SIAM = ("python -m siam ", "siam ")
NOT_RUN = ("python3 -m venv", "pip install", "apt-get install", "streamlit run", "accelerate launch", "source ")


def commands(block: str) -> list[str]:
    """Return the commands of a block of bash: continued lines joined, comments left out, here-documents whole."""
    found: list[str] = []
    end = None  # of the here-document that is being read
    for line in block.replace("\\\n", " ").splitlines():
        if end is not None:
            found[-1] += f"\n{line}"
            end = None if line == end else end
        elif command := re.sub(r"(^|\s)#.*", "", line).strip():
            found.append(command)
            here = re.search(r"<<'?(\w+)'?$", command)
            end = here[1] if here else None
    return found


def run_bash(example: Example) -> None:
    for command in commands(example.parsed):
        if command.startswith(SIAM):
            words = shlex.split(command.removeprefix("python -m "))[1:]
            files = [str(name) for word in words for name in (sorted(Path().glob(word)) if "*" in word else [word])]
            assert main([*files, *FOLDERS[example.namespace["page"]].further(words)]) == 0, command
        elif command.startswith(NOT_RUN):
            for name in re.findall(r"[\w/.-]+\.(?:txt|toml|py)\b", command):
                assert (ROOT / name).exists(), command
        else:
            subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True)


def document(page: str) -> Document:
    parsers = [PythonCodeBlockParser(), CodeBlockParser(language="bash", evaluator=run_bash)]
    return Sybil(parsers=parsers).parse(DOCS / page)


def test_every_page_with_code_has_its_folder():
    assert PAGES and set(FOLDERS) == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with FOLDERS[page].make(tmp_path, monkeypatch):
        for example in document(page).examples():
            example.namespace["page"] = page
            example.evaluate()


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_python_bash_or_text(page):
    fences = re.findall(r"^ *```(\S*)\n.*?^ *```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert set(fences) <= {"python", "bash", "text", "toml", "csv"}
