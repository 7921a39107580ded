"""Reads places of a JSON document that nobody has checked, without raising on what is missing or of the wrong type.

A `Node` knows its path, so that a refusal can say where. Azure writes the same key in differing case
(`alertRuleId`, `alertRuleID`), a time with or without a zone, with up to seven fractional digits, or as
`3/22/2019 1:36:31 PM`; all are UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import NoReturn

from shared.errors import InvalidInput
from shared.model.alert_text import one_line, printable, say_number
from shared.model.quantity import number_in

_LONGEST_QUOTE = 40
_MOST_SPELLINGS = 200  # objects of Azure have some thirty members; a search through more is a gift to an attacker
_AMERICAN_TIME = "%m/%d/%Y %I:%M:%S %p"
_JSON_KINDS: tuple[tuple[type, str], ...] = ((dict, "an object"), (list, "a list"), (bool, "a boolean"))


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a document. What is not there is a node too, with the value `None`."""

    value: object
    path: str = ""

    @property
    def present(self) -> bool:
        return self.value is not None

    def at(self, *keys: str) -> "Node":
        """Go down by key; case is ignored where the exact key is missing."""
        node = self
        for key in keys:
            found = _value_of(node.value, key) if isinstance(node.value, dict) else None
            node = Node(found, f"{node.path}.{key}" if node.path else key)
        return node

    def first(self, *keys: str) -> "Node":
        """Return the first of the keys that is there; when none is, the first."""
        nodes = [self.at(key) for key in keys]
        return next((node for node in nodes if node.present), nodes[0])

    def items(self, most: int) -> list["Node"]:
        """Return the elements of a list, at most so many; nothing when it is no list."""
        elements = self.value[:most] if isinstance(self.value, list) else []
        return [Node(element, f"{self.path}[{place}]") for place, element in enumerate(elements)]

    def members(self, most: int) -> list[tuple[str, "Node"]]:
        """Return the members of an object, at most so many; nothing when it is no object."""
        entries = islice(self.value.items(), most) if isinstance(self.value, dict) else ()
        return [(str(key), Node(value, f"{self.path}.{key}")) for key, value in entries]

    @property
    def text(self) -> str:
        """The string that is here, printable; empty when there is none."""
        return printable(self.value) if isinstance(self.value, str) else ""

    @property
    def number(self) -> float | None:
        """The finite number that is here or is spelled here."""
        return number_in(self.value)

    @property
    def word(self) -> str:
        """A string, number or boolean as text; empty for anything that has an inside."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return self.text or ("" if self.number is None else say_number(self.number))

    @property
    def time(self) -> datetime | None:
        """The moment that is written here, in UTC."""
        written = self.text
        readings = (_read_time(parse, written) for parse in _TIME_FORMATS)
        return next((reading for reading in readings if reading is not None), None)

    def required_object(self) -> "Node":
        """Return this node when it is an object.

        Raises:
            InvalidInput: it is something else.
        """
        return self if isinstance(self.value, dict) else self.refuse("an object")

    def required_text(self, expected: str) -> str:
        """Return the string that is here.

        Raises:
            InvalidInput: there is none, or nothing of it can be shown.
        """
        return self.text or self.refuse(expected)

    def required_time(self) -> datetime:
        """Return the moment that is written here.

        Raises:
            InvalidInput: nothing here can be read as a time.
        """
        return self.time or self.refuse("a time such as 2024-05-01T12:00:00Z")

    def refuse(self, expected: str) -> NoReturn:
        """Say what is here instead of what was expected.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput(f"{self._what}; expected {expected}", where=self.path or "$")

    @property
    def _what(self) -> str:
        if self.value is None:
            return "is missing or null"
        if isinstance(self.value, str):
            return f"is {one_line(self.value, _LONGEST_QUOTE)!r}"
        return "is " + next((name for kind, name in _JSON_KINDS if isinstance(self.value, kind)), "a number")


def _value_of(members: dict[str, object], key: str) -> object:
    if key in members:
        return members[key]
    wanted = key.casefold()
    spelled = islice(members.items(), _MOST_SPELLINGS)
    return next((value for name, value in spelled if name.casefold() == wanted), None)


def _read_time(parse: Callable[[str], datetime], written: str) -> datetime | None:
    try:
        moment = parse(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # year 1 and year 9999 have no room for every offset
        return None


def _read_american(written: str) -> datetime:
    return datetime.strptime(written, _AMERICAN_TIME).replace(tzinfo=UTC)


_TIME_FORMATS: tuple[Callable[[str], datetime], ...] = (datetime.fromisoformat, _read_american)
