"""Reads queue messages. One that cannot be read says why; the host tries again, then moves it to the poison queue."""

from typing import Any

import azure.functions as func
from pydantic import ValidationError

from shared.errors import InvalidInput
from shared.functions.bodies import SamplesMessage, parse
from shared.functions.problems import say_place


def ids(message: func.QueueMessage, *names: str) -> list[str]:
    """Return the ids that a doorbell message carries, in the order of their names.

    Raises:
        InvalidInput: it is no such message.
    """
    document = parse(message.get_body())
    given = document if isinstance(document, dict) else {}
    found = [value for name in names if isinstance(value := given.get(name), str) and value]
    if len(found) != len(names):
        raise InvalidInput(f"no ring; expected a JSON object with {', '.join(names)}", where=_where(message))
    return found


def one_of(message: func.QueueMessage, *names: str) -> tuple[str, str]:
    """Return which of the ids a doorbell message carries, and the id.

    Raises:
        InvalidInput: it carries none of them.
    """
    document = parse(message.get_body())
    given = document if isinstance(document, dict) else {}
    found = [(name, value) for name in names if isinstance(value := given.get(name), str) and value]
    if not found:
        raise InvalidInput(f"no ring; expected a JSON object with {' or '.join(names)}", where=_where(message))
    return found[0]


def samples(message: func.QueueMessage) -> SamplesMessage:
    """Return pushed samples.

    Raises:
        InvalidInput: naming the first field that is wrong.
    """
    document: Any = parse(message.get_body())
    try:
        return SamplesMessage.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise InvalidInput(f"{say_place(first['loc'])}: {first['msg']}", where=_where(message)) from None


def _where(message: func.QueueMessage) -> str:
    return f"queue message {message.id}"
