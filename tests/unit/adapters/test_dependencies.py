"""What a health document says of the dependencies that it names, in the shapes in which such documents are written."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.dependencies import down_in, sample_of
from shared.errors import PermanentError
from shared.model.policy_signals import ProbeSignal
from shared.model.signal import Outcome
from tests.fakes.clock import NOON

_LISTED = {
    "status": "degraded",
    "dependencies": [
        {"name": "database", "status": "healthy", "responseTime": 3, "lastCheck": "2026-01-01T00:00:00Z"},
        {"name": "mail", "status": "unhealthy", "error": "refused"},
    ],
}
_TWO = {"database": False, "mail": True}
SHARE = ProbeSignal.model_validate({"probe": "/health", "dependencies": "down"})
ONE = ProbeSignal.model_validate({"probe": "/health", "dependency": "database"})


@pytest.mark.parametrize(
    "document",
    [
        _LISTED,
        {"dependencies": {"database": {"status": "ok"}, "mail": {"status": "DOWN"}}},
        {"dependencies": {"database": "Degraded", "mail": "Unhealthy"}},
        {"dependencies": {"database": True, "mail": False}},
        {"entries": {"database": {"status": "Healthy"}, "mail": {"status": "Unhealthy"}}},
        {"components": {"database": {"status": "UP"}, "mail": {"status": "OUT_OF_SERVICE"}}},
    ],
)
def test_every_shape_says_who_is_down(document: Any) -> None:
    assert down_in(document) == _TWO


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"status": "healthy"}, "the answer names no dependencies; expected 1 to 200"),
        ({"dependencies": []}, "names no dependencies"),
        ({"dependencies": {}}, "names no dependencies"),
        ({"dependencies": "all fine"}, "names no dependencies"),
        ([], "names no dependencies"),
        (None, "names no dependencies"),
        ({"dependencies": [{"status": "healthy"}]}, "has a dependency without a name"),
        ({"dependencies": [{"name": 7, "status": "healthy"}]}, "has a dependency without a name"),
        ({"dependencies": ["database"]}, "has a dependency without a name"),
        ({"dependencies": [{"name": "a", "status": "up"}] * 2}, "names the dependency 'a' twice"),
        ({"dependencies": {"a": {"status": "so so"}}}, "the dependency 'a' has no status that is known"),
        ({"dependencies": {"a": {}}}, "the dependency 'a' has no status that is known"),
        ({"dependencies": {"a": None}}, "has no status that is known"),
        ({"dependencies": {"a": 1}}, "has no status that is known"),
        ({"dependencies": {str(n): "up" for n in range(201)}}, "names 201 dependencies; expected 1 to 200"),
    ],
)
def test_what_says_nothing_is_an_error_and_never_health(document: Any, sentence: str) -> None:
    with pytest.raises(PermanentError, match=re.escape(sentence)):
        down_in(document)


def test_a_share_stands_on_all_that_are_named() -> None:
    sample = sample_of(SHARE, down_in(_LISTED), NOON)
    assert (sample.value, sample.count) == (0.5, 2)


def test_one_dependency_is_1_or_0() -> None:
    assert sample_of(ONE, {"database": False, "mail": True}, NOON).value == 1
    assert sample_of(ONE, {"database": True, "mail": False}, NOON).value == 0


def test_a_dependency_that_is_not_named_is_an_error() -> None:
    sample = sample_of(ONE, {"mail": False, "search": False}, NOON)
    assert (sample.outcome, sample.note) == (
        Outcome.ERROR,
        "the answer names no dependency 'database'; it names: mail, search",
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["dependencies", "name", "status", "a"]), inner, max_size=3)
        ),
    )
)
def test_no_document_is_more_than_an_error(document: Any) -> None:
    try:
        found = down_in(document)
    except PermanentError:
        return
    assert found
