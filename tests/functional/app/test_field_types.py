"""Every field of every body with values that are not of its kind: refused, and the reason names the field."""

from collections.abc import Iterator
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import pytest

from tests.functional.app.bodies import (
    ALERTS,
    CANCEL,
    CHANGES,
    COMMANDS,
    DRILLS,
    KNOWN_GOOD,
    PAUSE,
    PROMOTIONS,
    ROLLBACKS,
    SAMPLES,
    Route,
)
from tests.functional.app.http_client import JSON_MEDIA, Api
from tests.functional.app.problems import refusal
from tests.unit.alerts.test_refusals import INCOMPLETE, NO_ALERTS

pytestmark = pytest.mark.rig

NO_TEXT: tuple[Any, ...] = (None, True, 5, 1.5, [], {}, "", " \t ", "x" * 501)
NO_NAME: tuple[Any, ...] = (*NO_TEXT[1:], "watch", " W\u200batch")  # null: nobody is named
NO_BUILD: tuple[Any, ...] = (*NO_TEXT, "-b1", "b 1", "b1\n", "b/1", "b'1", "bü", "x" * 129)
NO_WHOLE_NUMBER: tuple[Any, ...] = (None, True, "3", [], {}, 0, -1, 1.5, 10**10, 10**100)
NO_NUMBER: tuple[Any, ...] = (None, True, "5", "NaN", [], {})
NO_TIME: tuple[Any, ...] = (
    None,
    True,
    5,
    1714564800,
    1.5,
    "",
    "now",
    "1714564800",
    "2024-05-01",
    [],
    {},
    "2024-02-30T00:00:00Z",
)
NAIVE_OR_WRONG = ("2024-05-01T12:00:00", "2024-05-01T25:00:00Z", "2024-05-01T12:00:00+25:00", "12:00:00Z")

type Place = tuple[str | int, ...]
FIELDS: tuple[tuple[Route, Place, tuple[Any, ...]], ...] = (
    (SAMPLES, ("samples",), (None, True, 5, "x", {}, [None], [[]], ["x"], [{}])),
    (SAMPLES, ("samples", 0, "signal"), NO_TEXT),
    (SAMPLES, ("samples", 0, "at"), NO_TIME + NAIVE_OR_WRONG),
    (SAMPLES, ("samples", 0, "value"), NO_NUMBER),
    (SAMPLES, ("samples", 0, "count"), NO_WHOLE_NUMBER),
    (SAMPLES, ("samples", 0, "id"), (None, True, 5, [], {}, "x" * 81)),
    (KNOWN_GOOD, ("build",), NO_BUILD),
    (KNOWN_GOOD, ("recorded_by",), NO_NAME),
    (CHANGES, ("build",), NO_BUILD),
    (CHANGES, ("known_good",), NO_BUILD[1:]),
    (CHANGES, ("kind",), (*NO_TEXT, "Deployment", "restart")),
    (ROLLBACKS, ("reason",), NO_TEXT),
    (ROLLBACKS, ("requested_by",), NO_NAME),
    (ROLLBACKS, ("confirm",), (*NO_TEXT, "order", "Orders", " orders", "orders\n")),
    (ROLLBACKS, ("strategy",), NO_TEXT[1:]),
    (DRILLS, ("level",), (None, True, "1", 1.5, 0, 5, -1, [], {}, 10**30)),
    (DRILLS, ("requested_by",), NO_NAME),
    (PROMOTIONS, ("build",), NO_BUILD),
    (PROMOTIONS, ("reason",), NO_TEXT[1:]),
    (PROMOTIONS, ("requested_by",), NO_NAME),
    (COMMANDS, ("command",), (*NO_TEXT, "Start", "restart", "x" * 3_000)),
    (ROLLBACKS, ("level",), (True, "1", 1.5, 0, 5, -1, [], {}, 10**30)),
    (CANCEL, ("reason",), NO_TEXT),
    (CANCEL, ("cancelled_by",), NO_NAME),
    (PAUSE, ("reason",), NO_TEXT),
    (PAUSE, ("by",), NO_NAME),
    (CHANGES, ("override",), NO_BUILD[1:]),
    (KNOWN_GOOD, ("override",), NO_BUILD[1:]),
)


def _cases() -> Iterator[Any]:
    for route, place, values in FIELDS:
        for value in values:
            shown = f"{route}-{place[-1]}-{value!r}"[:50]
            yield pytest.param(route, place, value, id=shown)


def with_field(document: dict[str, Any], place: Place, value: object) -> dict[str, Any]:
    """Return a copy of the document with another value at a place."""
    changed = deepcopy(document)
    inner: Any = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed


@pytest.mark.parametrize(("route", "place", "value"), list(_cases()))
def test_a_value_of_the_wrong_kind_is_refused_by_the_name_of_its_field(
    api: Api, route: Route, place: Place, value: object
) -> None:
    answer = api.send_json(route.method, route.path, with_field(route.good, place, value))
    assert refusal(answer, HTTPStatus.BAD_REQUEST).startswith(".".join(map(str, place)))


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"command": "error", "severity": "worst", "text": "x"}, "error.severity"),
        ({"command": "error", "severity": "low", "text": " "}, "error.text"),
        ({"command": "checkpoint", "confidence": 11}, "checkpoint.confidence"),
        ({"command": "checkpoint", "counts": {"rows": -1}}, "checkpoint.counts.rows"),
        ({"command": "start"}, "start.build"),
        ({"command": "pause", "build": "b1"}, "pause.build"),
        ({"command": "pause", "id": "no id"}, "pause.id"),
    ],
)
def test_a_command_is_refused_by_its_kind_and_field(api: Api, document: dict[str, Any], place: str) -> None:
    answer = api.send_json(COMMANDS.method, COMMANDS.path, document)
    assert refusal(answer, HTTPStatus.BAD_REQUEST).startswith(f"{place}: ")


@pytest.mark.parametrize("place", [(), ("samples", 0)], ids=["at the top", "in a sample"])
def test_an_unknown_field_is_refused_by_name(api: Api, place: Place) -> None:
    document = with_field(SAMPLES.good, (*place, "valeu"), 5)
    assert "valeu" in refusal(api.send_json(SAMPLES.method, SAMPLES.path, document), HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize("value", ["1e999", "-1e999", "1" + "0" * 400, "9" * 4_000])
def test_a_number_beyond_all_bounds_is_refused(api: Api, value: str) -> None:
    sample = '{"signal": "release.confidence", "at": "2024-05-01T12:00:00Z", "value": ' + value + "}"
    answer = api.send(SAMPLES.method, SAMPLES.path, f'{{"samples": [{sample}]}}'.encode(), JSON_MEDIA)
    assert "value" in refusal(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize("many", [1_001, 5_000])
def test_more_samples_than_a_request_may_hold_are_refused(api: Api, many: int) -> None:
    answer = api.send_json(SAMPLES.method, SAMPLES.path, {"samples": SAMPLES.good["samples"] * many})
    assert "samples" in refusal(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize(("document", "sentence"), NO_ALERTS + INCOMPLETE)
def test_an_alert_that_lacks_what_matters_is_refused_with_its_sentence(
    api: Api, document: object, sentence: str
) -> None:
    assert refusal(api.send_json(ALERTS.method, ALERTS.path, document), HTTPStatus.BAD_REQUEST) == sentence
