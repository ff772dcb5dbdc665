"""The code of tutorials and how-to guides runs, block after block, in a folder that holds what the page speaks of.

Blocks marked `python` share their names within a page. In blocks marked `bash`, `python -m siam` runs in this process,
and lines that install or serve something are checked for the files they name instead of being run.
"""

import re
import subprocess
from pathlib import Path

import pytest
from sybil import Document, Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from siam.cli.main import main
from tests.docs.blocks import DOCS, SIAM, commands, words_of
from tests.docs.folders import FOLDERS, WALKED
from tests.support.paths import ROOT

PAGES = sorted(
    str(path.relative_to(DOCS))
    for kind in ("tutorials", "how-to")
    for path in (DOCS / kind).glob("*.md")
    if path.name != "index.md"
)
NOT_RUN = (
    *("python3 -m venv", "pip install", "apt-get install", "streamlit run", "accelerate launch"),
    *("hf download", "source ", "export "),
)


def run_bash(example: Example) -> None:
    for command in commands(example.parsed):
        if command.startswith(SIAM):
            words = words_of(command)
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


def test_every_page_with_code_has_its_folder_or_its_own_test():
    assert PAGES and {*FOLDERS, *WALKED} == set(PAGES)
    assert not FOLDERS.keys() & WALKED.keys() and all((ROOT / test).is_file() for test in WALKED.values())


@pytest.mark.parametrize("page", FOLDERS)
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
