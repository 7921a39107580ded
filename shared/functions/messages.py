"""Reads queue messages. One that cannot be read says why; the host tries again, then moves it to the poison queue."""

from typing import Any

import azure.functions as func
from pydantic import ValidationError

from shared.errors import InvalidInput
from shared.functions.bodies import SamplesMessage, parse
from shared.functions.problems import say_fields
from shared.model.command import Command, read_message


def ids(message: func.QueueMessage, *names: str) -> list[str]:
    """Return the ids that a doorbell message carries, in the order of their names.

    Raises:
        InvalidInput: it is no such message.
    """
    given = _texts(message)
    if not given.keys() >= set(names):
        raise InvalidInput(f"no ring; expected a JSON object with {', '.join(names)}", where=_where(message))
    return [given[name] for name in names]


def one_of(message: func.QueueMessage, *names: str) -> tuple[str, str]:
    """Return which of the ids a doorbell message carries, and the id.

    Raises:
        InvalidInput: it carries none of them.
    """
    given = _texts(message)
    for name in names:
        if name in given:
            return name, given[name]
    raise InvalidInput(f"no ring; expected a JSON object with {' or '.join(names)}", where=_where(message))


def samples(message: func.QueueMessage) -> SamplesMessage:
    """Return pushed samples.

    Raises:
        InvalidInput: naming the fields that are wrong.
    """
    document: Any = parse(message.get_body())
    try:
        return SamplesMessage.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(say_fields(error), where=_where(message)) from None


def command(message: func.QueueMessage) -> tuple[str, Command]:
    """Return the workload that a command is for, and the command.

    Raises:
        InvalidInput: naming the fields that are wrong.
    """
    document: Any = parse(message.get_body())
    try:
        return read_message(document)
    except ValidationError as error:
        raise InvalidInput(say_fields(error), where=_where(message)) from None


def _texts(message: func.QueueMessage) -> dict[str, str]:
    document = parse(message.get_body())
    given = document if isinstance(document, dict) else {}
    return {name: value for name, value in given.items() if isinstance(value, str) and value}


def _where(message: func.QueueMessage) -> str:
    return f"queue message {message.id}"
