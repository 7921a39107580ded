"""The clients of the app's storage account: few repetitions, short time-outs, a connection for every thread."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import credential
from shared.adapters.azure_errors import translated

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport
    from azure.data.tables import TableClient
    from azure.storage.queue import QueueClient


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """Where it is, and as whom it is reached.

    Attributes:
        connection: Connection string; it counts more than `account`, which is reached with the app's identity.
        threads: How many may use a client at once.
    """

    connection: str | None
    account: str | None
    suffix: str
    client_id: str | None
    threads: int

    def table(self, name: str) -> "TableClient":
        """Return the client of a table, which is created if it is not there.

        Raises:
            TransientError, PermanentError: it cannot be opened.
        """
        from azure.data.tables import TableServiceClient

        # One repetition bridges a hiccup; more would hold threads while the storage is away, and starve the health
        # routes.
        options: dict[str, Any] = {"transport": self._transport(), "retry_total": 1, "retry_backoff_factor": 0.1}
        if self.connection:
            service = TableServiceClient.from_connection_string(self.connection, **options)
        else:
            service = TableServiceClient(self._endpoint("table"), credential=credential(self.client_id), **options)
        with translated("opening the table"):
            return service.create_table_if_not_exists(name)

    def queues(self) -> Callable[[str], "QueueClient"]:
        """Return a function that gives the client of a queue by its name, the same one each time."""
        from azure.storage.queue import LinearRetry, QueueServiceClient, TextBase64EncodePolicy

        # A ring that fails is only late: the watch rings again. The SDK's own patience, 80 s, would hold a worker up.
        options: dict[str, Any] = {
            "retry_policy": LinearRetry(backoff=1, retry_total=1),
            "connection_timeout": 3,
            "read_timeout": 5,
        }
        if self.connection:
            service = QueueServiceClient.from_connection_string(self.connection, **options)
        else:
            service = QueueServiceClient(self._endpoint("queue"), credential=credential(self.client_id), **options)
        return cache(lambda name: service.get_queue_client(name, message_encode_policy=TextBase64EncodePolicy()))

    def _endpoint(self, service: str) -> str:
        return f"https://{self.account}.{service}.{self.suffix}"

    def _transport(self) -> "RequestsTransport":
        """Return a transport with a connection for every thread; the default keeps ten and throws the others away."""
        from azure.core.pipeline.transport import RequestsTransport
        from requests import Session
        from requests.adapters import HTTPAdapter

        session = Session()
        adapter = HTTPAdapter(pool_maxsize=self.threads)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return RequestsTransport(session=session, session_owner=False, connection_timeout=5, read_timeout=10)
