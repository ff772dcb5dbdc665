"""JSON from anywhere."""

import json

import pytest

from siam.runtime.parsing import is_number, parse_json


def test_json_comes_back_as_it_was():
    content = {"a": [1, 2.5, None, {"b": [[]]}], "c": "é"}
    assert parse_json(json.dumps(content)) == content
    assert parse_json(b"[NaN]", lambda _constant: None) == [None]
    assert parse_json("[" * 40 + "]" * 40)


@pytest.mark.parametrize("depth", [60, 900, 5000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")])
def test_what_is_nested_too_deeply_is_no_json_to_us(depth, opening, closing):
    with pytest.raises(ValueError, match="nested more than 50 levels deep"):
        parse_json(opening * depth + "1" + closing * depth)


def test_numbers_are_those_that_floats_can_hold():
    assert all(map(is_number, (0, -1, 2.5, 10**300)))
    assert not any(map(is_number, (10**400, -(10**400), float("nan"), float("inf"), True, None, "1", [])))
