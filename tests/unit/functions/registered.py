"""What the host is told of. It may be asked for once in a process: the second time every name is taken."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import azure.functions as func

import function_app


@cache
def functions() -> tuple[Any, ...]:
    """Every function of the app, however it came about."""
    return tuple(function_app.app.get_functions())


def routes() -> Iterator[tuple[str, str]]:
    """Yield method and route of every function that HTTP calls."""
    for function in functions():
        trigger = function.get_trigger()
        if isinstance(trigger, func.decorators.http.HttpTrigger):
            yield from ((method.value, str(trigger.route)) for method in trigger.methods or ())
