"""The part of host.json that this host obeys, with Azure's defaults and limits.

https://learn.microsoft.com/azure/azure-functions/functions-host-json and SingletonOptions.cs,
QueuesOptions.cs. Keys it does not know are left alone, as Azure leaves them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.functions_host.errors import ConfigurationError
from local.functions_host.timespan import parse_timespan

MAX_BATCH_SIZE = 32
MIN_POLLING_INTERVAL = timedelta(milliseconds=100)
MIN_LEASE = timedelta(seconds=15)
MAX_LEASE = timedelta(seconds=60)
ENCODINGS = ("base64", "none")


@dataclass(frozen=True)
class QueueOptions:
    batch_size: int = 16
    new_batch_threshold: int = 8
    max_polling_interval: timedelta = timedelta(minutes=1)
    visibility_timeout: timedelta = timedelta(0)  # of a message whose run failed
    max_dequeue_count: int = 5
    message_encoding: str = "base64"


@dataclass(frozen=True)
class SingletonOptions:
    listener_lock_period: timedelta = timedelta(minutes=1)
    listener_lock_recovery_polling_interval: timedelta = timedelta(minutes=1)


@dataclass(frozen=True)
class HostConfiguration:
    route_prefix: str = "api"
    function_timeout: timedelta | None = timedelta(minutes=30)  # None: unlimited
    queues: QueueOptions = field(default_factory=QueueOptions)
    singleton: SingletonOptions = field(default_factory=SingletonOptions)


def read_host_json(app_dir: Path) -> HostConfiguration:
    path = app_dir / "host.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{path} is missing: a function app has one") from None
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from None
    return parse_host_json(document)


def parse_host_json(document: Mapping[str, Any]) -> HostConfiguration:
    extensions = document.get("extensions", {})
    http = _Section("extensions.http", extensions.get("http", {}))
    host = _Section("host.json", document)
    default = HostConfiguration()
    return HostConfiguration(
        route_prefix=http.read("routePrefix", default.route_prefix, _text).strip("/"),
        function_timeout=host.read("functionTimeout", default.function_timeout, _timeout),
        queues=_queue_options(_Section("extensions.queues", extensions.get("queues", {}))),
        singleton=_singleton_options(_Section("singleton", document.get("singleton", {}))),
    )


def _queue_options(section: "_Section") -> QueueOptions:
    default = QueueOptions()
    batch_size = section.read("batchSize", default.batch_size, _whole(1, MAX_BATCH_SIZE))
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=section.read("newBatchThreshold", batch_size // 2, _whole(0)),
        max_polling_interval=section.read(
            "maxPollingInterval", default.max_polling_interval, _duration(MIN_POLLING_INTERVAL)
        ),
        visibility_timeout=section.read("visibilityTimeout", default.visibility_timeout, _duration(timedelta(0))),
        max_dequeue_count=section.read("maxDequeueCount", default.max_dequeue_count, _whole(1)),
        message_encoding=section.read("messageEncoding", default.message_encoding, _encoding),
    )


def _singleton_options(section: "_Section") -> SingletonOptions:
    default = SingletonOptions()
    return SingletonOptions(
        listener_lock_period=section.read(
            "listenerLockPeriod", default.listener_lock_period, _duration(MIN_LEASE, MAX_LEASE)
        ),
        listener_lock_recovery_polling_interval=section.read(
            "listenerLockRecoveryPollingInterval",
            default.listener_lock_recovery_polling_interval,
            _duration(MIN_LEASE),
        ),
    )


@dataclass(frozen=True)
class _Section:
    name: str
    values: Mapping[str, Any]

    def read[T](self, key: str, default: T, parse: Callable[[Any], T]) -> T:
        if key not in self.values:
            return default
        try:
            return parse(self.values[key])
        except ConfigurationError as error:
            raise ConfigurationError(f"host.json: {self.name}.{key}: {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{value!r} is not a text")
    return value


def _encoding(value: Any) -> str:
    if str(value).lower() not in ENCODINGS:
        raise ConfigurationError(f"{value!r} is neither of {', '.join(ENCODINGS)}")
    return str(value).lower()


def _timeout(value: Any) -> timedelta | None:
    return None if value == "-1" else parse_timespan(_text(value))


def _whole(minimum: int, maximum: int | None = None) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        in_range = isinstance(value, int) and minimum <= value <= (value if maximum is None else maximum)
        if not in_range:
            raise ConfigurationError(f"{value!r} is not a whole number from {minimum} to {maximum or 'any'}")
        return int(value)

    return parse


def _duration(minimum: timedelta, maximum: timedelta = timedelta.max) -> Callable[[Any], timedelta]:
    def parse(value: Any) -> timedelta:
        duration = parse_timespan(_text(value))
        if not minimum <= duration <= maximum:
            limit = f"at least {minimum}" if maximum == timedelta.max else f"from {minimum} to {maximum}"
            raise ConfigurationError(f"{value!r} is out of range: {limit}")
        return duration

    return parse
