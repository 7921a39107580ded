"""Variables of requests, `{name}`, and what is wrong with those of a journey before it is ever made.

A name stands for what an earlier request captured; `{known_good}` always stands for the build that must answer.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from shared.model.policy_verify import Exchange, GetCheck, JourneyCheck

KNOWN_GOOD = "known_good"
VARIABLE = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")
# What stands between the scheme and the path says whom a request goes to.
_HOST = re.compile(r"https?://([^/?#]*)")


def journey_problems(check: GetCheck | JourneyCheck) -> Iterator[str]:
    """Yield what is wrong with the variables of a check, as sentences."""
    known = {KNOWN_GOOD}
    for which, request in _requests(check):
        said = f"{which}{say_request(request)}"
        for name in sorted(variables_of(request) - known):
            yield f"{said}: {{{name}}} stands for nothing yet; expected one of: {', '.join(sorted(known))}"
        if _names_in(host_part(_target(request))):
            yield f"{said}: a variable stands in the host; expected a host that is written out"
        captured = set(request.capture) if isinstance(request, Exchange) else set()
        if KNOWN_GOOD in captured:
            yield f"{said}: captures {KNOWN_GOOD}, which is the build to go back to; expected another name"
        known |= captured


def variables_of(request: GetCheck | Exchange) -> set[str]:
    """Return the names that must be known before a request can be sent and its answer judged."""
    body = request.body if isinstance(request, Exchange) else None
    texts = (_target(request), *request.headers.values(), *_strings_in(body), *_strings_in([*request.expect.values()]))
    return {name for text in texts for name in _names_in(text)}


def host_part(target: str) -> str:
    """Return what says to whom a target goes, as it is written; empty for a path on the site."""
    found = _HOST.match(target)
    return found[1] if found else ""


def say_request(request: GetCheck | Exchange) -> str:
    """Return method and target for people: no query and no values, which may be secret."""
    method = request.method.upper() if isinstance(request, Exchange) else "GET"
    target = _target(request)
    path = re.split(r"[?#]", target.removeprefix("https://").removeprefix("http://"))[0]
    return f"{method} {path}"


def _requests(check: GetCheck | JourneyCheck) -> Iterator[tuple[str, GetCheck | Exchange]]:
    if isinstance(check, GetCheck):
        yield "", check
        return
    for part, requests in (("step", check.journey), ("clean-up", check.clean_up)):
        for number, request in enumerate(requests, start=1):
            yield f"{part} {number} of {len(requests)}, ", request


def _target(request: GetCheck | Exchange) -> str:
    return request.target if isinstance(request, Exchange) else request.get


def _names_in(text: str) -> Iterable[str]:
    return VARIABLE.findall(text)


def _strings_in(value: Any) -> Iterator[str]:
    """Yield the strings of a JSON value; the keys of objects are no place for variables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings_in(inner)
