"""Parameters of a KQL file: what it declares, and its text with a value for each.

A file begins with Kusto's own `declare query_parameters(...)`, so that every tool for KQL understands it. The query API
of Log Analytics takes a text and no parameters (Azure/azure-sdk-for-net#28092 quotes its team), so that the declaration
gives way to `let` statements before it is sent. Each value is read as the declared type and written as a literal of
that type: nothing that a policy says can become part of the query.
https://learn.microsoft.com/kusto/query/query-parameters-statement and .../scalar-data-types
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.model.quantity import number_in, parse_duration

KqlValue = str | int | float | bool

_TEXT = r"\"(?:[^\"\\\n]|\\[^\n])*\"|'(?:[^'\\\n]|\\[^\n])*'"
_STATEMENT = re.compile(
    rf"(?P<before>(?:\s|//[^\n]*\n)*)declare\s+query_parameters\s*\((?P<inner>(?:{_TEXT}|[^()\"'])*)\)\s*;"
)
_ENTRY = re.compile(
    rf"\s*(?P<name>[A-Za-z_]\w*)\s*:\s*(?P<type>[a-z]+)\s*(?:=\s*(?P<default>{_TEXT}|[^\s,\"'()]+)\s*)?(?:,|$)",
    re.ASCII,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_INT_BITS, _LONG_BITS = 31, 63
_STEP = ("step", "timespan")
_MINUTE = timedelta(minutes=1)
_NUMBERS = frozenset({"int", "long", "real"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query asks for. `default` is a literal as it stands in the file, or `None`: then it must be given."""

    name: str
    type: str
    default: str | None = None


def parameters_of(query: str) -> tuple[Parameter, ...]:
    """Return what a query declares; nothing when it declares nothing.

    Raises:
        ValueError: the declaration cannot be read.
    """
    found = _STATEMENT.match(query)
    if found is None:
        if re.search(r"^\s*declare\s", query, re.MULTILINE):
            raise ValueError("its `declare query_parameters(...);` is not the first statement, or cannot be read")
        return ()
    parameters = tuple(_entries(found["inner"]))
    names = [parameter.name for parameter in parameters]
    if len(set(names)) != len(names):
        raise ValueError("it declares a parameter twice")
    return parameters


def _entries(inner: str) -> Iterator[Parameter]:
    place = 0
    while inner[place:].strip():
        found = _ENTRY.match(inner, place)
        if found is None:
            raise ValueError(f"its declaration cannot be read at {inner[place:].strip()[:40]!r}")
        if found["type"] not in _LITERALS:
            raise ValueError(f"{found['name']} is of type {found['type']}; expected one of: {', '.join(_LITERALS)}")
        yield Parameter(found["name"], found["type"], found["default"])
        place = found.end()


def with_values(query: str, given: Mapping[str, KqlValue], known: Mapping[str, str] | None = None) -> str:
    """Return a query that can be sent.

    Args:
        query: The text of the file.
        given: What the policy says; each must be declared.
        known: What the app knows by itself, used where the query declares it and the policy says nothing.

    Raises:
        ValueError: a value is missing, is not declared, or is not of its type; the message says which and why.
    """
    parameters = parameters_of(query)
    stranger = next((name for name in given if name not in {one.name for one in parameters}), None)
    if stranger is not None:
        declared = ", ".join(one.name for one in parameters) or "nothing"
        raise ValueError(f"it takes no parameter {stranger!r}; it declares {declared}")
    values = {**(known or {}), **given}
    lets = "".join(f"let {one.name} = {_literal(one, values)};\n" for one in parameters)
    return _STATEMENT.sub(lambda found: found["before"] + lets, query, count=1) if parameters else query


def step_of(query: str, given: Mapping[str, KqlValue]) -> timedelta:
    """Return the width of the intervals that a query sums up: its parameter `step`, or a minute.

    Raises:
        ValueError: the declaration or the given value cannot be read.
    """
    default = next((one.default for one in parameters_of(query) if (one.name, one.type) == _STEP), None)
    written = given.get("step", default) if default is not None else None
    return parse_duration(written) if written is not None else _MINUTE


def _literal(parameter: Parameter, values: Mapping[str, KqlValue]) -> str:
    if parameter.name in values:
        try:
            return _LITERALS[parameter.type](values[parameter.name])
        except ValueError as error:
            raise ValueError(f"parameter {parameter.name} must be of type {parameter.type}: {error}") from None
    if parameter.default is None:
        raise ValueError(f"parameter {parameter.name} has no value; expected `with: {{{parameter.name}: ...}}`")
    cast = f"{parameter.type}({parameter.default})"  # a bare 3 would be a long
    return cast if parameter.type in _NUMBERS else parameter.default


def _text(value: KqlValue) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise ValueError(f"{value!r} is no text, or has control characters")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _whole(kind: str, bits: int) -> Callable[[KqlValue], str]:
    def literal(value: KqlValue) -> str:
        number = number_in(value)
        if number is None or not number.is_integer() or not -(2**bits) <= int(value) < 2**bits:
            raise ValueError(f"{value!r} is no whole number of that size")
        return f"{kind}({int(value)})"

    return literal


def _real(value: KqlValue) -> str:
    number = number_in(value)
    if number is None:
        raise ValueError(f"{value!r} is no number")
    return f"real({number!r})"


def _bool(value: KqlValue) -> str:
    literal = str(value).lower()
    if literal not in ("true", "false"):
        raise ValueError(f"{value!r} is neither true nor false")
    return literal


def _timespan(value: KqlValue) -> str:
    return f"{parse_duration(value).total_seconds():.6f}".rstrip("0").removesuffix(".") + "s"


_LITERALS: Mapping[str, Callable[[KqlValue], str]] = {
    "string": _text,
    "int": _whole("int", _INT_BITS),
    "long": _whole("long", _LONG_BITS),
    "real": _real,
    "bool": _bool,
    "timespan": _timespan,
}
