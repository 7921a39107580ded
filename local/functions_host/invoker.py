"""Running one function once: the worker, then the outputs, then one line in the log."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from local.functions_host.errors import FunctionFailed
from local.functions_host.messages import TypedData
from local.functions_host.outputs import QueueOutputs
from local.functions_host.worker import Invocation, run_function

type Outputs = Mapping[str, TypedData]
type Invoke = Callable[[Invocation], Awaitable[Outputs]]

logger = logging.getLogger("functions_host")


class Invoker:
    def __init__(self, outputs: QueueOutputs, function_timeout: timedelta | None) -> None:
        self._outputs = outputs
        self._timeout = function_timeout
        self._background: set[asyncio.Task[None]] = set()
        self.running = 0

    async def invoke(self, invocation: Invocation) -> Outputs:
        """The function's outputs by parameter name; raises FunctionFailed."""
        started = time.monotonic()
        alarm = self._watch(invocation)
        self.running += 1
        try:
            values = await run_function(invocation)
            await self._outputs.send(invocation.function, values)
        except FunctionFailed as failure:
            _log(invocation, started, failure)
            raise
        finally:
            self.running -= 1
            if alarm is not None:
                alarm.cancel()
        _log(invocation, started, None)
        return values

    def start(self, invocation: Invocation) -> None:
        """Run without waiting; the log tells how it went."""
        task = asyncio.create_task(self._swallow(self.invoke(invocation)))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def drain(self) -> None:
        if self._background:
            await asyncio.wait(self._background)

    async def _swallow(self, run: Coroutine[Any, Any, Outputs]) -> None:
        with suppress(FunctionFailed):  # logged where it happened; nobody waits for the answer
            await run

    def _watch(self, invocation: Invocation) -> asyncio.TimerHandle | None:
        if self._timeout is None:
            return None
        text = f"function={invocation.function.name} id={invocation.id} still runs after functionTimeout"
        # Azure ends the worker process here; a local host that vanished would explain nothing.
        return asyncio.get_running_loop().call_later(self._timeout.total_seconds(), logger.error, text)


def _log(invocation: Invocation, started: float, failure: FunctionFailed | None) -> None:
    function = invocation.function
    outcome = "ok" if failure is None else "failed"
    elapsed_ms = (time.monotonic() - started) * 1000
    line = f"function={function.name} trigger={function.trigger.kind} {outcome} {elapsed_ms:.0f} ms"
    if failure is None:
        logger.info(line)
    else:
        logger.error(f"{line}: {failure}\n{failure.trace}".rstrip())
