"""A lease that is held while no bytes flow: a disk makes a file durable, or a bucket makes one of its parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import DatabaseUnavailable
from database.upload_leases import UploadLeases
from ingest.rules import ResumableLimits

RENEWALS: Final = 3
"""So often is a lease renewed before it would end."""

_logger = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def renewed(leases: UploadLeases, video_id: UUID, lease: UUID, limits: ResumableLimits) -> AsyncIterator[None]:
    """Keep others out of the upload for as long as the block lasts."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(limits.lease_seconds / RENEWALS)
            try:
                await leases.renew(
                    video_id, lease, limits.lease_seconds, offset=None, expires_seconds=limits.expires_seconds
                )
            except DatabaseUnavailable as error:
                _logger.warning("lease of an upload not renewed", reason=str(error))

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
