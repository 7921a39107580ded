"""Values by dotted path, held against walking the document by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.json_paths import MISSING, mismatches, same, value_at

DOCUMENT = {"a": {"b": [{"c": None}, 7]}, "0": "zero", "flag": True, "one": 1}
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text("01a", max_size=2)
keys = st.text("ab01", min_size=1, max_size=2)
documents = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


def leaves(document: Any, path: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    inner: list[tuple[str, Any]] = []
    if isinstance(document, dict):
        inner = [leaf for key, value in document.items() for leaf in leaves(value, (*path, key))]
    elif isinstance(document, list):
        inner = [leaf for index, value in enumerate(document) for leaf in leaves(value, (*path, str(index)))]
    return inner + ([(".".join(path), document)] if path else [])


@given(documents)
def test_every_value_is_found_where_it_is(document: Any) -> None:
    for path, value in leaves(document):
        assert value_at(document, path) is value


@given(documents, st.lists(keys, min_size=1, max_size=3).map(".".join))
def test_nothing_is_found_elsewhere(document: Any, path: str) -> None:
    found = dict(leaves(document)).get(path, MISSING)
    if not any(step.isdecimal() and step != str(int(step)) for step in path.split(".")):  # `01` is also 1 in a list
        assert value_at(document, path) is found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b.0.c", None),
        ("a.b.1", 7),
        ("0", "zero"),
        ("a.b.2", MISSING),
        ("a.b.-1", MISSING),
        ("a.b.x", MISSING),
        ("a.b.²", MISSING),
        ("a.b." + "9" * 5000, MISSING),
        ("one.real", MISSING),
        ("0.0", MISSING),
        ("a..b", MISSING),
    ],
)
def test_steps(path: str, value: Any) -> None:
    assert value_at(DOCUMENT, path) == value


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        ("1", 1, False),
        (None, None, True),
        (MISSING, None, False),
        (["a"], "a", False),
    ],
)
def test_values_are_the_same_as_json_tells_them_apart(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_what_is_not_as_expected_is_told_with_what_was_found() -> None:
    expected = {"flag": True, "one": True, "a.b.1": 7, "a.x": None}
    assert mismatches(DOCUMENT, expected) == {"one": 1, "a.x": MISSING}
    assert mismatches("no object", {"a": 1}) == {"a": MISSING}
