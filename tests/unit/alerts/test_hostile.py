"""Whatever is posted is read or refused; what was read is bounded and can be shown, stored and compared."""

import copy
import json
import unicodedata
from collections.abc import Iterator
from datetime import UTC
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.model.alert import Alert, AlertCondition, read_alert
from tests.unit.alerts.payloads import EVERY_SHAPE, RECEIVED_AT, common, log_search

pytestmark = pytest.mark.long

KEYS = [
    *("schemaId", "data", "essentials", "alertContext", "context", "activityLog", "AlertRuleName", "BudgetName"),
    *("WebhookName", "RequestBody", "headers", "body", "condition", "allOf", "metricName", "properties", "labels"),
    *("operationName", "SearchQuery", "ResultCount", "customProperties", "alertRule", "alertId", "threshold"),
]
UNSHOWABLE = "a\x00b\x1b[2J\r\n\u202e\u2028\ud800\udfff"

_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [10**400, -(10**400), float("nan"), float("inf"), -0.0, 1e308, "", "None", "NaN", "1e999", "x" * 5000]
    ),
    st.floats(),
    st.text(st.characters(exclude_categories=[]), max_size=30),
    st.just(UNSHOWABLE),
)
_json = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)
_many = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def read_or_refuse(document: object) -> Alert | None:
    """Return the alert, which is sound, or `None` when it was refused with a sentence that can be shown."""
    try:
        alert = read_alert(document, received_at=RECEIVED_AT)
    except InvalidInput as refusal:
        assert_showable(str(refusal), longest=400)
        return None
    assert_sound(alert)
    return alert


def assert_showable(text: str, *, longest: int) -> None:
    assert len(text) <= longest
    text.encode()  # fails on a lone surrogate
    assert not [
        character for character in text if character in "\u202e\u2028" or unicodedata.category(character) == "Cc"
    ]


def assert_sound(alert: Alert) -> None:
    for text, longest in ((alert.rule, 260), (alert.essence, 300), (alert.alert_id, 1300)):
        assert text
        assert_showable(text, longest=longest)
    for text in (alert.description, alert.signal_type, *alert.targets, *chain(*alert.custom_properties)):
        assert_showable(text, longest=1100)
    assert isinstance(alert.condition, AlertCondition)
    assert alert.severity in {None, 0, 1, 2, 3, 4}
    assert alert.fired_at.tzinfo is UTC
    assert len(alert.identity) == 64
    assert len(alert.targets) <= 50
    assert len(alert.custom_properties) <= 40


def places(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every way into the document."""
    yield way
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inner:
        yield from places(value, (*way, key))


def with_change(document: Any, way: tuple[Any, ...], value: object) -> Any:
    if not way:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    return changed


PLACES = [(name, way) for name, document in EVERY_SHAPE.items() for way in places(document)]


@_many
@given(_json)
def test_any_json_is_read_or_refused(document: object) -> None:
    read_or_refuse(document)


@_many
@given(st.sampled_from(PLACES), _json)
def test_a_good_alert_with_anything_in_one_place_is_read_or_refused(
    place: tuple[str, tuple[Any, ...]], value: object
) -> None:
    name, way = place
    read_or_refuse(with_change(EVERY_SHAPE[name], way, value))


@_many
@given(st.sampled_from(sorted(EVERY_SHAPE)), _json)
def test_any_letter_in_an_envelope_is_read_or_refused(name: str, value: object) -> None:
    letter = json.dumps([EVERY_SHAPE[name], value])
    for body in (letter[1:-1], letter, json.dumps(value)):
        read_or_refuse({"WebhookName": "w", "RequestBody": body})


@given(st.sampled_from([(name, way) for name, way in PLACES if len(way) > 2 and "alertContext" in way]), _leaves)
def test_an_odd_value_in_the_context_costs_a_detail_and_never_the_alert(
    place: tuple[str, tuple[Any, ...]], value: object
) -> None:
    name, way = place
    assert read_or_refuse(with_change(EVERY_SHAPE[name], way, value)) is not None


@pytest.mark.parametrize("name", EVERY_SHAPE)
def test_every_shape_is_sound_as_it_is(name: str) -> None:
    assert_sound(read_alert(EVERY_SHAPE[name], received_at=RECEIVED_AT))


def test_deep_nesting_is_not_followed() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for document in (deep, common({"condition": deep}), common(custom={"a": deep}), common(alertTargetIDs=deep)):
        read_or_refuse(document)


def test_huge_strings_are_cut() -> None:
    huge = "x" * 1_000_000
    alert = read_alert(
        common(log_search(metricMeasureColumn=huge), custom={huge: huge}, alertRule=huge, description=huge),
        received_at=RECEIVED_AT,
    )
    assert_sound(alert)
    assert alert.rule == "x" * 259 + "…"


def test_a_crowded_object_is_not_searched_for_other_spellings() -> None:
    document = common(**{f"key{number}": "" for number in range(1000)})  # type: ignore[arg-type]  # mypy sees `custom`
    essentials = document["data"]["essentials"]
    essentials["ALERTTARGETIDS"] = essentials.pop("alertTargetIDs")
    alert = read_alert(document, received_at=RECEIVED_AT)
    assert (alert.rule, alert.targets) == ("orders errors", ())


def test_what_people_see_holds_no_control_characters() -> None:
    alert = read_alert(common(alertRule=UNSHOWABLE, description=UNSHOWABLE), received_at=RECEIVED_AT)
    assert_sound(alert)
    assert alert.essence == "a b [2J"
