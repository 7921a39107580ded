"""Asks both sides the same thing at once."""

from collections.abc import Callable
from concurrent.futures import Executor, wait
from dataclasses import dataclass

from psycopg import Connection

from shared.adapters.postgres.server.session import Rows


@dataclass(frozen=True, slots=True)
class Both:
    """Two connections, and a thread for one of them."""

    source: Connection[Rows]
    target: Connection[Rows]
    pool: Executor

    def ask[T](self, ask: Callable[[Connection[Rows], bool], T]) -> tuple[T, T]:
        """Return what the source and the target say; when this ends, however it does, neither is busy any more."""
        asked = self.pool.submit(ask, self.source, True)
        try:
            there = ask(self.target, False)
        finally:
            wait([asked])
        return asked.result(), there
