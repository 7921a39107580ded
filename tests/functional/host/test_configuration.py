"""host.json, durations, app settings, back-off and queue outputs: the small pure pieces."""

import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.app_settings import AppSettings
from local.functions_host.backoff import FIRST_S, PollingBackoff
from local.functions_host.errors import ConfigurationError
from local.functions_host.host_json import HostConfiguration, QueueOptions, parse_host_json
from local.functions_host.messages import TypedData
from local.functions_host.outputs import message_bodies
from local.functions_host.queue_encoding import decode, encode
from local.functions_host.timespan import parse_timespan


def test_defaults_are_azures() -> None:
    assert parse_host_json({"version": "2.0"}) == HostConfiguration()
    assert QueueOptions().batch_size == 16
    assert QueueOptions().max_polling_interval == timedelta(minutes=1)


def test_what_is_written_is_read() -> None:
    document = {
        "functionTimeout": "-1",
        "extensions": {
            "http": {"routePrefix": "/v1/"},
            "queues": {"batchSize": 5, "visibilityTimeout": "00:00:30", "messageEncoding": "None"},
        },
        "singleton": {"listenerLockPeriod": "00:00:15"},
    }
    read = parse_host_json(document)
    assert (read.route_prefix, read.function_timeout) == ("v1", None)
    assert read.queues == QueueOptions(
        batch_size=5,
        new_batch_threshold=2,
        visibility_timeout=timedelta(seconds=30),
        message_encoding="none",
    )
    assert read.singleton.listener_lock_period == timedelta(seconds=15)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("queues", "batchSize", 33),
        ("queues", "batchSize", "16"),
        ("queues", "maxPollingInterval", "00:00:00.050"),
        ("queues", "maxPollingInterval", "soon"),
        ("queues", "messageEncoding", "utf-16"),
        ("queues", "maxDequeueCount", 0),
        ("http", "routePrefix", None),
    ],
)
def test_bad_values_are_named(section: str, key: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"host\.json: extensions\.{section}\.{key}"):
        parse_host_json({"extensions": {section: {key: value}}})


@pytest.mark.parametrize("value", ["00:00:14", "00:01:01"])
def test_a_lease_is_15_to_60_seconds(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"singleton\.listenerLockPeriod"):
        parse_host_json({"singleton": {"listenerLockPeriod": value}})


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("00:00:05", timedelta(seconds=5)),
        ("1:30", timedelta(hours=1, minutes=30)),
        ("2.03:00:00.25", timedelta(days=2, hours=3, milliseconds=250)),
    ],
)
def test_timespans(text: str, duration: timedelta) -> None:
    assert parse_timespan(text) == duration


@pytest.mark.parametrize("text", ["", "5", "24:00:00", "00:60:00", "00:00:60", "-00:01:00"])
def test_what_is_not_a_timespan(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a duration"):
        parse_timespan(text)


def test_settings_are_resolved_within_a_text() -> None:
    settings = AppSettings({"A": "1", "B": "2"})
    assert settings.resolve("x-%A%-%B%-100") == "x-1-2-100"


@pytest.mark.parametrize(
    ("environment", "connection", "value"),
    [
        ({"AzureWebJobsStorage": "s"}, "", "s"),
        ({"AzureWebJobsStorage": "s"}, "Storage", "s"),
        ({"Other": "o"}, "Other", "o"),
        ({"Other": "o", "AzureWebJobsOther": "p"}, "Other", "p"),
    ],
)
def test_connections(environment: Mapping[str, str], connection: str, value: str) -> None:
    assert AppSettings(environment).connection_string(connection) == value


def test_a_missing_connection_is_named() -> None:
    with pytest.raises(ConfigurationError, match="connection 'Other' does not resolve"):
        AppSettings({}).connection_string("Other")


@given(st.integers(100, 600_000), st.integers(0, 2**32), st.integers(1, 200))
def test_backoff_grows_to_the_maximum_and_starts_over(maximum_ms: int, seed: int, polls: int) -> None:
    maximum_s = maximum_ms / 1000
    backoff = PollingBackoff(timedelta(milliseconds=maximum_ms), Random(seed))
    delays = [backoff.found_nothing() for _ in range(polls)]
    assert all(min(FIRST_S, maximum_s) <= delay <= maximum_s for delay in delays)
    assert all(later >= earlier * 0.99 for earlier, later in pairwise(delays))
    backoff.found_messages()
    assert backoff.found_nothing() <= FIRST_S * 1.2


@given(st.binary())
def test_base64_bodies_come_back(body: bytes) -> None:
    assert decode(encode(body, "base64"), "base64") == body


@pytest.mark.parametrize(
    ("value", "bodies"),
    [
        (TypedData(string="a"), [b"a"]),
        (TypedData(bytes=b"\x00\xff"), [b"\x00\xff"]),
        (TypedData(json='["a", {"b": 1}]'), [b"a", b'{"b": 1}']),
        (TypedData(json='{"b": 1}'), [b'{"b": 1}']),
        (TypedData(json="[]"), []),
    ],
)
def test_an_output_is_one_message_or_one_for_each_element(value: TypedData, bodies: list[bytes]) -> None:
    assert list(message_bodies(value)) == bodies


@pytest.mark.parametrize(
    "value",
    [TypedData(double=1.5), TypedData(json=json.dumps([{"id": "1", "body": "b"}]))],
)
def test_what_cannot_be_a_message_is_refused(value: TypedData) -> None:
    with pytest.raises(ValueError, match=r"queue|QueueMessage"):
        list(message_bodies(value))
