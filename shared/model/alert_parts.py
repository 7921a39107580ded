"""The parts of an alert that every schema has, each read from whichever place and spelling a payload uses."""

import re
from urllib.parse import unquote

from shared.model.alert_json import Node
from shared.model.alert_text import one_line, printable, shorten

_LONGEST_RULE = 260
_LONGEST_ID = 1024
_MOST_TARGETS = 50
_MOST_CRITERIA = 10
_MOST_DIMENSIONS = 20
_MOST_PROPERTIES = 40
_LONGEST_PROPERTY_NAME = 100
_LONGEST_PROPERTY = 500
_SEVERITY = re.compile(r"(?:sev)?\s*([0-4])", re.ASCII)
_SEVERITY_WORDS = {"critical": 0, "error": 1, "warning": 2, "informational": 3, "verbose": 4}
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def rule_name(place: Node, *, spare: str = "") -> str:
    """Return the rule's name; `spare` stands in where the payload has null, as cost alerts do.

    Raises:
        InvalidInput: there is neither.
    """
    named = spare if spare and not place.present else place.required_text("the name of an alert rule")
    return shorten(named, _LONGEST_RULE)


def spare_rule_name(essentials: Node, context: Node) -> str:
    """Return what the rule's ARM id ends with, or the budget's name, or who raised the alert: the first there is."""
    from_id = printable(unquote(essentials.at("alertRuleId").text.rpartition("/")[2]))
    return from_id or context.at("AlertData", "BudgetName").text or essentials.at("monitoringService").text


def identifier(place: Node) -> str:
    """Return an id whole: one that was cut could be taken for another.

    Raises:
        InvalidInput: there is none, or it is longer than any id of Azure.
    """
    found = place.required_text("an id")
    return found if len(found) <= _LONGEST_ID else place.refuse(f"an id of at most {_LONGEST_ID} characters")


def severity(place: Node) -> int | None:
    """Read `Sev3`, `3` or `Warning`; `None` for anything else."""
    written = place.word.lower()
    found = _SEVERITY.fullmatch(written)
    return int(found[1]) if found else _SEVERITY_WORDS.get(written)


def targets(place: Node) -> tuple[str, ...]:
    """Return ARM ids in lower case, each once, from a list or a single string. What is no id is left out."""
    written = (item.text.lower() for item in place.items(_MOST_TARGETS) or [place])
    return tuple(dict.fromkeys(_arm_id(text) for text in written if 0 < len(text) <= _LONGEST_ID))


def custom_properties(*places: Node) -> tuple[tuple[str, str], ...]:
    """Merge what the rule's owner wrote, later places first in rank. Azure writes null, `{}` or "None" for nothing."""
    pairs = {
        one_line(name, _LONGEST_PROPERTY_NAME): one_line(value.word, _LONGEST_PROPERTY)
        for place in places
        for name, value in place.members(_MOST_PROPERTIES)
    }
    return tuple(sorted((name, value) for name, value in pairs.items() if name and value))[:_MOST_PROPERTIES]


def dimension_values(condition: Node) -> list[str]:
    """Return every value that tells one time series of a metric rule from the others."""
    return [
        dimension.at("value").word
        for criterion in condition.at("allOf").items(_MOST_CRITERIA)
        for dimension in criterion.at("dimensions").items(_MOST_DIMENSIONS)
    ]


def _arm_id(written: str) -> str:
    return f"/subscriptions/{written}" if _GUID.fullmatch(written) else written
