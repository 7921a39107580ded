"""How often a connection waited for an answer: what distance multiplies, and a busy machine does not change."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from shared.adapters.postgres.server import session


@contextmanager
def waits() -> Iterator[Counter[str]]:
    """Count waits by side, `source` or `target`."""
    counted: Counter[str] = Counter()
    plain = session._Side.wait

    def wait(self: session._Side, *given: Any, **named: Any) -> Any:
        counted[self.called] += 1
        return plain(self, *given, **named)

    with patch.object(session._Side, "wait", wait):
        yield counted
