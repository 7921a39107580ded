"""Asks both sides the same thing at once."""

from collections.abc import Callable
from concurrent.futures import Executor, wait
from dataclasses import dataclass

from psycopg import Connection

from shared.adapters.postgres.server.session import Rows


def together[A, B](pool: Executor, one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
    """Return what both give, the first of which is asked by a thread; when this ends, however it does, so have both."""
    asked = pool.submit(one)
    try:
        there = other()
    finally:
        wait([asked])
    return asked.result(), there


@dataclass(frozen=True, slots=True)
class Both:
    """Two connections, and a thread for one of them."""

    source: Connection[Rows]
    target: Connection[Rows]
    pool: Executor

    def ask[T](self, ask: Callable[[Connection[Rows], bool], T]) -> tuple[T, T]:
        """Return what the source and the target say; when this ends, however it does, neither is busy any more."""
        return together(self.pool, lambda: ask(self.source, True), lambda: ask(self.target, False))
