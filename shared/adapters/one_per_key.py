"""One of a thing for each key, built on first use and then kept: a client, a connection."""

from collections.abc import Callable
from threading import Lock


class OnePerKey[T]:
    """Safe to use from many threads; two that ask at once get the same one."""

    def __init__(self, build: Callable[[str], T]) -> None:
        self._build = build
        self._built: dict[str, T] = {}
        self._lock = Lock()

    def __getitem__(self, key: str) -> T:
        with self._lock:
            if key not in self._built:
                self._built[key] = self._build(key)
            return self._built[key]
