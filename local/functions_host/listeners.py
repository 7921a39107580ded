"""Turns the app's timer and queue functions into listeners, with what storage must hold for them."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from azure.core.exceptions import AzureError

from local.functions_host.backoff import PollingBackoff
from local.functions_host.bindings import FunctionDefinition, QueueTrigger, TimerTrigger
from local.functions_host.blob_lease import BlobLease
from local.functions_host.errors import ConfigurationError, HostError
from local.functions_host.host_json import HostConfiguration
from local.functions_host.invoker import Invoke
from local.functions_host.message_processor import MessageProcessor
from local.functions_host.queue_listener import QueueListener, run_once, run_twice
from local.functions_host.schedule import parse_schedule
from local.functions_host.schedule_status import BlobScheduleMonitor
from local.functions_host.storage_clients import StorageClients, create_if_missing
from local.functions_host.timer_listener import TimerListener
from local.functions_host.wakeups import Wakeups


class Listener(Protocol):
    def stop(self) -> None: ...

    async def run(self) -> None: ...


@dataclass(frozen=True)
class ListenerFactory:
    host_id: str
    configuration: HostConfiguration
    clients: StorageClients
    wakeups: Wakeups
    invoke: Invoke
    deliver_twice: bool

    def build(self, functions: Sequence[FunctionDefinition]) -> list[Listener]:
        """One listener for each enabled function that is not called over HTTP."""
        listeners: list[Listener] = []
        for function in functions:
            match function:
                case FunctionDefinition(disabled=True):
                    continue
                case FunctionDefinition(trigger=TimerTrigger() as timer):
                    listeners.append(self._timer(function, timer))
                case FunctionDefinition(trigger=QueueTrigger() as queue):
                    listeners.append(self._queue(function, queue))
        return listeners

    async def create_storage(self, functions: Sequence[FunctionDefinition]) -> None:
        """The hosts container and the triggers' queues; raises HostError when storage is away."""
        queues = [
            self.clients.queue(function.trigger.connection, function.trigger.queue_name)
            for function in functions
            if isinstance(function.trigger, QueueTrigger) and not function.disabled
        ]
        try:
            await create_if_missing(self.clients.hosts_container())
            await asyncio.gather(*map(create_if_missing, queues))
        except AzureError as error:
            raise HostError(f"the storage account of the app settings does not answer: {error}") from error

    def _timer(self, function: FunctionDefinition, trigger: TimerTrigger) -> TimerListener:
        try:
            schedule = parse_schedule(trigger.schedule)
        except ConfigurationError as error:
            raise ConfigurationError(f"function {function.name}: {error}") from None
        container = self.clients.hosts_container()
        options = self.configuration.singleton
        monitored = trigger.use_monitor and not schedule.recurs_within_a_minute(datetime.now(UTC))
        lock = f"{self.host_id}/Host.Functions.{function.name}.Listener"
        return TimerListener(
            function=function,
            schedule=schedule,
            monitor=BlobScheduleMonitor(container, self.host_id, function.name) if monitored else None,
            run_on_startup=trigger.run_on_startup,
            lease=BlobLease(container, lock, options.listener_lock_period),
            recovery_polling_s=options.listener_lock_recovery_polling_interval.total_seconds(),
            invoke=self.invoke,
        )

    def _queue(self, function: FunctionDefinition, trigger: QueueTrigger) -> QueueListener:
        options = self.configuration.queues
        queue = self.clients.queue(trigger.connection, trigger.queue_name)
        poison_queue = self.clients.queue(trigger.connection, f"{trigger.queue_name}-poison")
        run = (run_twice if self.deliver_twice else run_once)(function, self.invoke)
        return QueueListener(
            queue=queue,
            process=MessageProcessor(queue, poison_queue, options, run).process,
            options=options,
            backoff=PollingBackoff(options.max_polling_interval, random.Random()),
            woken=self.wakeups.subscribe(trigger.queue_name),
        )
