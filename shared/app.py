"""Gives the functions the app of this process, built on first use.

What the app stands on (the SDKs, the policies, the settings) is imported and read here and not before: a cold start
pays for what it runs, and an exception at import would keep every function from loading.
"""

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.wiring import App

_lock = Lock()


def app() -> "App":
    """Return the app of this process.

    Raises:
        SettingsError: a setting is missing or cannot be used.
        TransientError: the storage does not answer; the next call tries again.
    """
    with _lock:
        return _built()


@cache
def _built() -> "App":
    import os

    from shared.settings import read_settings
    from shared.wiring import build

    return build(read_settings(os.environ), os.environ)
