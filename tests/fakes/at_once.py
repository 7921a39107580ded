"""A pool that does everything at once, in the thread that asks."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class AtOnce(Executor):
    """Runs a task where it is handed in."""

    def submit[T](self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # a pool keeps what a task raised with the task
            future.set_exception(error)
        return future
