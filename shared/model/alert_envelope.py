"""Takes an alert out of the envelopes that relays put around it.

An Automation webhook hands its runbook `{WebhookName, RequestBody, RequestHeader}` with the alert as a *string*; the
trigger of a Logic App hands on `{headers, body}`. Relays can be chained, so envelopes nest; how deep is bounded.
"""

import json
from dataclasses import dataclass

from shared.model.alert_json import Node

_MOST_ENVELOPES = 4


@dataclass(frozen=True, slots=True)
class _Envelope:
    name: str
    mark: str
    letter: str

    def holds(self, node: Node) -> bool:
        return node.at(self.mark).present and node.at(self.letter).present


_ENVELOPES = (
    _Envelope(name="automation", mark="WebhookName", letter="RequestBody"),
    _Envelope(name="logic-app", mark="headers", letter="body"),
)


def unwrap(node: Node) -> tuple[str, Node]:
    """Return the names of the envelopes as a prefix such as `wrapper:automation/`, and what was inside.

    Raises:
        InvalidInput: a letter is no JSON, or there are too many envelopes.
    """
    prefix = ""
    for _ in range(_MOST_ENVELOPES):
        envelope = _around(node)
        if envelope is None:
            return prefix, node
        prefix += f"wrapper:{envelope.name}/"
        node = _opened(node.at(envelope.letter))
    return (prefix, node) if _around(node) is None else node.refuse(f"at most {_MOST_ENVELOPES} envelopes")


def _around(node: Node) -> _Envelope | None:
    return next((envelope for envelope in _ENVELOPES if envelope.holds(node)), None)


def _opened(letter: Node) -> Node:
    if not isinstance(letter.value, str):
        return letter
    try:
        return Node(json.loads(letter.value), letter.path)
    except (ValueError, RecursionError):
        return letter.refuse("a JSON document that is not nested without end")
