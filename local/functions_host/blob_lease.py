"""A lock shared by all instances on one storage account: a blob with a short lease.

BlobLeaseDistributedLockManager.cs, SingletonManager.cs: `azure-webjobs-hosts/locks/{host id}/...`,
renewed at half its period. A process that dies leaves a lease that expires by itself.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobLeaseClient, ContainerClient

from local.functions_host.storage_clients import create_if_missing

logger = logging.getLogger("functions_host")

RETRY_AFTER_S = 1.0
# Renewing answers these when the blob is gone, somebody else holds the lease, or it was broken.
LOST_STATUSES = (404, 409, 412)


class BlobLease:
    def __init__(
        self, container: ContainerClient, name: str, period: timedelta, renewal: timedelta | None = None
    ) -> None:
        """`period` is from 15 to 60 s, as Azure demands; `renewal` is half of it unless given."""
        self._container = container
        self._blob = container.get_blob_client(f"locks/{name}")
        self._period_s = period.total_seconds()
        self._renewal_s = (renewal or period / 2).total_seconds()
        self._lease: BlobLeaseClient | None = None

    async def acquire(self) -> bool:
        """False when another instance holds it; raises AzureError when storage does not answer."""
        try:
            return await self._try_acquire()
        except ResourceNotFoundError:
            await self._create_blob()
            return await self._try_acquire()

    async def _try_acquire(self) -> bool:
        try:
            self._lease = await self._blob.acquire_lease(lease_duration=int(self._period_s))
        except ResourceExistsError:
            return False
        return True

    async def _create_blob(self) -> None:
        await create_if_missing(self._container)
        # Another instance may be faster, and even hold it; who gets the lease is decided next.
        with suppress(HttpResponseError):
            await self._blob.upload_blob(b"")

    async def renew_until_lost(self) -> None:
        """Returns when this instance can no longer be sure that it holds the lease."""
        assert self._lease is not None  # noqa: S101 - called while acquired
        clock = asyncio.get_running_loop().time
        renewed_at = clock()
        wait_s = self._renewal_s
        while clock() + wait_s < renewed_at + self._period_s:
            await asyncio.sleep(wait_s)
            asked_at = clock()
            try:
                await self._lease.renew()
            except AzureError as error:
                if isinstance(error, HttpResponseError) and error.status_code in LOST_STATUSES:
                    break
                wait_s = RETRY_AFTER_S
            else:
                renewed_at, wait_s = asked_at, self._renewal_s
        logger.warning(f"lease {self._blob.blob_name} is lost")

    async def release(self) -> None:
        if self._lease is None:
            return
        with suppress(HttpResponseError):  # no longer ours: there is nothing to give back
            await self._lease.release()
        self._lease = None
