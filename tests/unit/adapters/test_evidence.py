"""Whatever the outside answered, what is made of it can be written with a run, read again, and is not long."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.adapters.evidence import cut, picture, result
from shared.ports import CheckResult, RoadPicture

_HALF = "\ud800"
# Also what `st.text()` leaves out by itself: the halves of characters.
_texts = st.text(st.characters(categories=None, codec=None), max_size=300)
_numbers = st.integers() | st.floats() | st.just(10**400)
_scalars = st.none() | st.booleans() | _numbers | _texts
_things = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=12,
)


def written(value: RoadPicture | CheckResult) -> Any:
    """The value as a record writes it."""
    return json.loads(TypeAdapter(type(value)).dump_json(value))


@given(_texts, st.dictionaries(_texts, _things, max_size=3))
def test_whatever_is_shown_can_be_written_and_is_the_same_when_it_is_read(text: str, found: dict[str, Any]) -> None:
    seen = picture(established=False, why_not=text, shown=found)
    assert written(seen)["shown"] == seen.shown
    judged = result(passed=None, note=text, evidence=found)
    assert written(judged)["evidence"] == judged.evidence
    assert written(judged)["note"] == judged.note


@given(st.text(max_size=300), st.integers() | st.booleans() | st.none() | st.floats(-1e299, 1e299))
def test_what_can_be_written_stays_what_it_is_up_to_its_200th_character(text: str, value: Any) -> None:
    found = {"text": text, "list": [value, {"inner": value}]}
    assert picture(established=True, shown=found).shown == found | {"text": text[:200]}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (_HALF, "?"),
        (f"a{_HALF}b", "a?b"),
        ("\U0001f600", "\U0001f600"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ({_HALF: 1}, {"?": 1}),
        ({1: b"x"}, {"1": "b'x'"}),
        ("x" * 201, "x" * 200),
        (10**400, "1" + "0" * 199),
    ],
    ids=repr,
)
def test_what_cannot_be_written_is_told_by_something_like_it(value: Any, kept: Any) -> None:
    assert picture(established=False, shown={"seen": value}).shown == {"seen": kept}


def test_what_is_nested_deeper_than_a_record_is_written_ends() -> None:
    deep: Any = "the end"
    for _ in range(5_000):
        deep = [deep]
    shown = picture(established=False, shown={"seen": deep}).shown
    assert written(picture(established=False, shown=shown))["shown"] == shown
    assert json.dumps(shown).count("[") == 7


def test_a_sentence_may_be_longer_than_a_value_but_not_by_much() -> None:
    assert len(str(picture(established=False, why_not="x" * 5_000).why_not)) == 1_000
    assert picture(established=False).why_not is None
    assert cut("x" * 5_000) == "x" * 200
