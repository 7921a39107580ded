"""Waits for what happens elsewhere."""

import time
from collections.abc import Callable

import pytest


def wait_until[T](probe: Callable[[], T | None], within_s: float = 60.0) -> T:
    """Return the first truthy answer; fails the test when there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        if answer := probe():
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not so within {within_s} s; last seen: {answer!r}")
        time.sleep(0.1)
