"""The page on reliability shows whatever is stored, and says what is missing."""

import json

import pytest

from docs import make_pages


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(make_pages, "RELIABILITY", tmp_path)
    return tmp_path


def stored(folder, name, content):
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def test_what_is_missing_is_said_with_its_command(folder):
    text = make_pages.reliability()
    for command in ("python -m tests.fuzz", "python -m tests.faults", "python -m benchmarks.visitors --store"):
        assert f"Not stored yet: run `{command}`." in text


def test_every_key_of_any_row_is_a_column_and_the_command_is_the_last(folder):
    rows = [{"what": "pictures", "command": "python -m tests.fuzz", "tried": 12000}, {"what": "tables", "read": 3}]
    stored(folder, "fuzz", {"date": "2026-11-29", "version": "0.1.0", "rows": rows})
    text = make_pages.reliability()
    assert "| what | tried | read | command |" in text
    assert "| pictures | 12,000 | – | `python -m tests.fuzz` |" in text and "| tables | – | 3 | – |" in text
    assert "2026-11-29, version 0.1.0" in text


def test_any_value_fits_into_a_cell(folder):
    row = {"flag": True, "share": 0.5, "names": ["a", "b"], "by_kind": {"png": 1}, "text": "one\ntwo | three"}
    stored(folder, "faults", {"rows": [row]})
    line = next(line for line in make_pages.reliability().splitlines() if line.startswith("| yes"))
    assert line.replace("\\|", "/") == "| yes | 0.50 | a, b | png 1 | one two / three |"


@pytest.mark.parametrize("content", [{}, {"rows": []}, {"rows": {"a": 1}}, {"rows": [1]}, [], {"date": "2026-11-29"}])
def test_a_file_without_rows_is_said(folder, content):
    stored(folder, "visitors", content)
    assert "`visitors.json` holds no rows." in make_pages.reliability()


def test_other_files_follow_under_their_own_names(folder):
    stored(folder, "long_runs", [{"what": "nights", "tried": 7}])
    text = make_pages.reliability()
    assert text.index("## Long runs") > text.index("## Many visitors") and "| nights | 7 |" in text
