"""What the app bound, read from the worker's function metadata.

The raw bindings are function.json entries (camel case, enums in capitals). Only what this host runs
is understood; anything else is refused by name, because a trigger that silently never fires is the
worst kind of local success.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from local.functions_host.app_settings import AppSettings
from local.functions_host.errors import ConfigurationError


@dataclass(frozen=True)
class HttpTrigger:
    kind: ClassVar[str] = "http"
    parameter: str
    route: str
    methods: frozenset[str]  # empty: every method
    auth_level: str  # anonymous, function, admin


@dataclass(frozen=True)
class TimerTrigger:
    kind: ClassVar[str] = "timer"
    parameter: str
    schedule: str
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True)
class QueueTrigger:
    kind: ClassVar[str] = "queue"
    parameter: str
    queue_name: str
    connection: str


@dataclass(frozen=True)
class HttpOutput:
    parameter: str


@dataclass(frozen=True)
class QueueOutput:
    parameter: str
    queue_name: str
    connection: str


type Trigger = HttpTrigger | TimerTrigger | QueueTrigger
type Output = HttpOutput | QueueOutput
type Binding = Trigger | Output
type RawBinding = dict[str, Any]


@dataclass(frozen=True)
class FunctionDefinition:
    name: str
    function_id: str
    trigger: Trigger
    outputs: tuple[Output, ...]
    disabled: bool


def define_function(metadata: Any, settings: AppSettings) -> FunctionDefinition:
    """`metadata` is what the worker answered: name, function_id, raw_bindings, retry_options."""
    if metadata.retry_options is not None:
        raise ConfigurationError(f"function {metadata.name}: a retry policy is not supported by the local host")
    try:
        bindings = [_parse(json.loads(raw), settings) for raw in metadata.raw_bindings]
    except ConfigurationError as error:
        raise ConfigurationError(f"function {metadata.name}: {error}") from None
    return FunctionDefinition(
        name=metadata.name,
        function_id=metadata.function_id,
        trigger=_only_trigger(metadata.name, bindings),
        outputs=tuple(b for b in bindings if isinstance(b, HttpOutput | QueueOutput)),
        disabled=settings.is_disabled(metadata.name),
    )


def _only_trigger(function: str, bindings: Sequence[Binding]) -> Trigger:
    triggers = [b for b in bindings if isinstance(b, HttpTrigger | TimerTrigger | QueueTrigger)]
    if len(triggers) != 1:
        raise ConfigurationError(f"function {function}: expected one trigger, found {len(triggers)}")
    return triggers[0]


def _parse(raw: RawBinding, settings: AppSettings) -> Binding:
    kind = (raw["type"], str(raw["direction"]).upper())
    parse = PARSERS.get(kind)
    if parse is None:
        raise ConfigurationError(
            f"the binding {raw['type']!r} (direction {kind[1].lower()}) is not supported by the local host"
        )
    return parse({key: settings.resolve(v) if isinstance(v, str) else v for key, v in raw.items()})


def _http_trigger(raw: RawBinding) -> HttpTrigger:
    return HttpTrigger(
        parameter=raw["name"],
        route=raw["route"],
        methods=frozenset(method.upper() for method in raw.get("methods", [])),
        auth_level=raw.get("authLevel", "function").lower(),
    )


def _timer_trigger(raw: RawBinding) -> TimerTrigger:
    return TimerTrigger(
        parameter=raw["name"],
        schedule=raw["schedule"],
        run_on_startup=raw.get("runOnStartup", False),
        use_monitor=raw.get("useMonitor", True),
    )


def _queue_trigger(raw: RawBinding) -> QueueTrigger:
    return QueueTrigger(
        parameter=raw["name"],
        queue_name=raw["queueName"].lower(),
        connection=raw.get("connection", ""),
    )


def _queue_output(raw: RawBinding) -> QueueOutput:
    return QueueOutput(
        parameter=raw["name"],
        queue_name=raw["queueName"].lower(),
        connection=raw.get("connection", ""),
    )


def _http_output(raw: RawBinding) -> HttpOutput:
    return HttpOutput(parameter=raw["name"])


PARSERS: dict[tuple[str, str], Callable[[RawBinding], Binding]] = {
    ("httpTrigger", "IN"): _http_trigger,
    ("timerTrigger", "IN"): _timer_trigger,
    ("queueTrigger", "IN"): _queue_trigger,
    ("http", "OUT"): _http_output,
    ("queue", "OUT"): _queue_output,
}
