"""How the processes of the rig are told to stop: by a signal, or by the end of their standard input."""

import asyncio
import os
import signal
import threading


def told_to_stop(*, with_stdin: bool = False) -> asyncio.Event:
    """Return an event of the running loop that SIGTERM and SIGINT set.

    Args:
        with_stdin: The end of standard input sets it as well: a starter that is killed cannot say goodbye, but the
            pipe that it held closes.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop, told), daemon=True).start()
    return told


def _watch_stdin(loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin: a daemon thread would hold its lock when the interpreter ends
        pass
    loop.call_soon_threadsafe(told.set)
