"""What an answer must be like: judged in one sentence that never repeats what the answer or the policy holds."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from shared.adapters.checks.variables import filled, text_of
from shared.adapters.evidence import cut
from shared.adapters.outbound import Received
from shared.model.journey_problems import VARIABLE
from shared.model.json_paths import MISSING, same, value_at
from shared.model.policy_verify import Exchange

_LONGEST_BUILD = 80


def shortcoming(
    request: Exchange, answer: Received, build: str, known: Mapping[str, str], known_good: str
) -> str | None:
    """Return how an answer falls short of what it must be like, or `None`.

    Args:
        build: The build that answered; empty when none was named.
        known: What the variables stand for.
    """
    return next(_shortcomings(request, answer, build, known, known_good), None)


def _shortcomings(
    request: Exchange, answer: Received, build: str, known: Mapping[str, str], known_good: str
) -> Iterator[str]:
    if not any(low <= answer.status <= high for low, high in request.status):
        yield f"{answer.status}, expected {_say_statuses(request)}"
    if request.build and build != known_good:
        yield f"answered by {build or 'no build that is named'}, expected {known_good}"
    document = _document(answer) if request.expect or request.capture else None
    if document is MISSING:
        yield "the answer is no JSON that can be read"
    for path, wanted in request.expect.items():
        found = value_at(document, path)
        if not _is_so(found, wanted, known):
            yield f"{path} is missing" if found is MISSING else f"{path} is not what was expected"
    if request.within is not None and answer.latency_ms > request.within / timedelta(milliseconds=1):
        limit_ms = request.within / timedelta(milliseconds=1)
        yield f"took {answer.latency_ms:.0f} ms, expected at most {limit_ms:g} ms"
    for name in sorted(request.capture.keys() - captured(request, answer).keys()):
        yield f"{request.capture[name]} is missing, or not one line of text, so that {name} stands for nothing"


def captured(request: Exchange, answer: Received) -> dict[str, str]:
    """Return what an answer gives to later requests, whether or not it is as it must be."""
    document = _document(answer) if request.capture else MISSING
    found = {name: text_of(value_at(document, path)) for name, path in request.capture.items()}
    return {name: text for name, text in found.items() if text is not None}


def build_of(answer: Received, header: str) -> str:
    """Return the build that an answer names; its first characters when it is no name at all."""
    return cut(str(answer.headers.get(header, "")), _LONGEST_BUILD)


def _document(answer: Received) -> Any:
    try:
        return answer.json()
    except ValueError:
        return MISSING


def _is_so(found: Any, wanted: Any, known: Mapping[str, str]) -> bool:
    if isinstance(wanted, str) and VARIABLE.search(wanted):
        return text_of(found) == filled(wanted, known)  # a variable stands for text, whatever it was captured from
    return same(found, wanted)


def _say_statuses(request: Exchange) -> str:
    return " or ".join(str(low) if low == high else f"{low}-{high}" for low, high in request.status)
