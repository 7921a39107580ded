"""Fills what was captured into the next request: as text, and never so that it chooses where the request goes.

In a target, a value is quoted whole (RFC 3986 2.4). Dots are not, and clients take `..` as a step up (RFC 3986 5.2.4),
so that a path that climbs is refused.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from shared.errors import PermanentError
from shared.model.journey_problems import VARIABLE, host_part

_LONGEST = 16 * 1024
_CLIMBS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)


def text_of(value: Any) -> str | None:
    """Return a JSON value as the text that a request can hold, or `None` when it is not one printable line."""
    text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, int | float) else ""
    return text if 0 < len(text) <= _LONGEST and text.isprintable() else None


def filled(text: str, known: Mapping[str, str]) -> str:
    """Return a text with its variables filled in, all of which are known."""
    return VARIABLE.sub(lambda found: known[found[1]], text)


def filled_target(target: str, known: Mapping[str, str]) -> str:
    """Return a target with its variables filled in, quoted.

    Raises:
        PermanentError: a variable would choose the host, or make the path climb.
    """
    host = host_part(target)
    if VARIABLE.search(host):
        raise PermanentError("a variable stands in the host; expected a host that is written out")
    found = filled(target, {name: quote(value, safe="") for name, value in known.items()})
    path, _, _ = found.partition("?")
    if _CLIMBS.search(path.partition(f"//{host}")[2] if host else path):
        raise PermanentError("the path would climb by . or ..; expected one that leads straight down")
    return found


def filled_body(body: Any, known: Mapping[str, str]) -> Any:
    """Return a JSON value with the variables of its strings filled in."""
    if isinstance(body, str):
        return filled(body, known)
    if isinstance(body, list):
        return [filled_body(inner, known) for inner in body]
    if isinstance(body, dict):
        return {key: filled_body(inner, known) for key, inner in body.items()}
    return body
