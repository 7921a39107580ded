"""Clients of the storage accounts that the app's connections name, one service client each."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.functions_host.app_settings import DEFAULT_CONNECTION, AppSettings

HOSTS_CONTAINER = "azure-webjobs-hosts"
# The SDK's own first wait is 15 s, then more: a hiccup of the storage would stall a listener for a minute.
RETRY_S: Mapping[str, Any] = {"initial_backoff": 1, "increment_base": 1, "random_jitter_range": 1}


class StorageClients:
    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._queue_services: dict[str, QueueServiceClient] = {}
        self._blobs: BlobServiceClient | None = None

    def queue(self, connection: str, name: str) -> QueueClient:
        text = self._settings.connection_string(connection)
        if text not in self._queue_services:
            self._queue_services[text] = QueueServiceClient.from_connection_string(text, **RETRY_S)
        return self._queue_services[text].get_queue_client(name)

    def hosts_container(self) -> ContainerClient:
        """Where Azure keeps listener locks and timer status."""
        if self._blobs is None:
            text = self._settings.connection_string(DEFAULT_CONNECTION)
            self._blobs = BlobServiceClient.from_connection_string(text, **RETRY_S)
        return self._blobs.get_container_client(HOSTS_CONTAINER)

    async def close(self) -> None:
        clients: list[Any] = [*self._queue_services.values()]
        if self._blobs is not None:
            clients.append(self._blobs)
        await asyncio.gather(*(client.close() for client in clients))


async def create_if_missing(resource: QueueClient | ContainerClient) -> None:
    create = resource.create_queue if isinstance(resource, QueueClient) else resource.create_container
    with suppress(ResourceExistsError):
        await create()


async def send_creating(queue: QueueClient, text: str) -> None:
    """Send a message; a queue that is missing is created first."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        await create_if_missing(queue)
        await queue.send_message(text)
