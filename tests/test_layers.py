"""The rules of the layers: who may import what, how long things may be, and where sizes come from."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "ui/pages").glob("*.py"))
LIBRARY = sorted((ROOT / "siam").rglob("*.py"))
USER_INTERFACE = sorted((ROOT / "ui").rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_of(path):
    return str(path.relative_to(ROOT))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def imported(path):
    """Return the top-level packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def loaded_by(code):
    """Run code in a process of its own and return the names of the modules that were loaded."""
    code += "\nimport json, sys\nsys.stdout.write(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(answer.stdout))


def test_the_files_are_where_these_tests_look():
    names = {name_of(path) for path in [*PAGES, *LIBRARY, *USER_INTERFACE]}
    assert {"ui/pages/explain.py", "siam/model.py", "siam/datasets/oasis.py", "ui/photo.py"} <= names


def test_library_loads_neither_streamlit_nor_matplotlib():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in LIBRARY
        if path.name != "__main__.py"  # which runs the command line
    ]
    found = loaded_by("\n".join(f"import {name}" for name in names))
    assert set(names) <= found
    assert not found & {"streamlit", "matplotlib"}


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_library_imports_no_user_interface(path):
    assert not imported(path) & {"streamlit", "matplotlib", "ui", "app"}


def test_only_the_user_interface_imports_streamlit():
    users = {
        name_of(path)
        for path in ROOT.rglob("*.py")
        if not any(part.startswith(".") or part == "tests" for part in path.relative_to(ROOT).parts)
        if "streamlit" in imported(path)
    }
    assert {name.split("/")[0] for name in users} == {"app.py", "benchmarks", "ui"}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_is_a_short_script(path):
    assert lines(path) <= 60
    defined = [node for node in ast.walk(tree(path)) if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda))]
    assert defined == []
    assert not imported(path) & {"torch", "numpy"}
    assert ast.get_docstring(tree(path))


def test_the_router_is_short():
    assert lines(ROOT / "app.py") < 40


@pytest.mark.parametrize("path", [*LIBRARY, *USER_INTERFACE], ids=name_of)
def test_files_and_functions_stay_short(path):
    assert lines(path) <= 250
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree(path))
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno + 1 > 60
    }
    assert long == {}


@pytest.mark.parametrize("path", [*LIBRARY, *USER_INTERFACE], ids=name_of)
def test_the_number_of_attributes_comes_from_the_config(path):
    literals = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Constant) and node.value == 33]
    assert literals == []
