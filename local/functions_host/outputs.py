"""Sending what a function put into its queue outputs.

Azure counts an invocation as succeeded only when its outputs are stored: a failure here fails it.
A list becomes one message per element (QueueAsyncCollector.cs); a missing queue is created.
"""

import json
from collections.abc import Iterator, Mapping

from azure.core.exceptions import AzureError

from local.functions_host.bindings import FunctionDefinition, QueueOutput
from local.functions_host.errors import FunctionFailed
from local.functions_host.messages import TypedData
from local.functions_host.queue_encoding import encode
from local.functions_host.storage_clients import StorageClients, send_creating
from local.functions_host.wakeups import Wakeups


class QueueOutputs:
    def __init__(self, clients: StorageClients, encoding: str, wakeups: Wakeups) -> None:
        self._clients = clients
        self._encoding = encoding
        self._wakeups = wakeups

    async def send(self, function: FunctionDefinition, values: Mapping[str, TypedData]) -> None:
        for output in function.outputs:
            value = values.get(output.parameter)
            if isinstance(output, QueueOutput) and value is not None:
                await self._send_all(output, value)

    async def _send_all(self, output: QueueOutput, value: TypedData) -> None:
        queue = self._clients.queue(output.connection, output.queue_name)
        try:
            for body in message_bodies(value):
                await send_creating(queue, encode(body, self._encoding))
        except (AzureError, ValueError) as error:
            raise FunctionFailed(f"output {output.parameter!r}: {error}", "") from error
        self._wakeups.wake(output.queue_name)


def message_bodies(value: TypedData) -> Iterator[bytes]:
    """One body per message; raises ValueError for what cannot be a message."""
    match value.WhichOneof("data"):
        case "string":
            yield value.string.encode("utf-8")
        case "bytes":
            yield value.bytes
        case "json":
            yield from _json_bodies(json.loads(value.json))
        case kind:
            raise ValueError(f"a {kind} cannot be sent to a queue")


def _json_bodies(value: object) -> Iterator[bytes]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and set(item) == {"id", "body"}:
            # How Azure serialises a func.QueueMessage on its way out is not documented: do not guess.
            raise ValueError("a func.QueueMessage is not supported as output: set its text")
        yield (item if isinstance(item, str) else json.dumps(item)).encode("utf-8")
