"""Whether the clock of a storage agrees with ours: signed requests and addresses hold for so long by its clock."""

import secrets
from datetime import UTC, datetime
from typing import Final

from contracts.storage_keys import CHECKS_PREFIX
from storage.modified import modified_at
from storage.protocol import Storage
from threads.files import off_loop

MOST_SKEW_SECONDS: Final = 60.0
"""S3 refuses requests a quarter of an hour off; signed addresses that live for minutes suffer much earlier."""


async def skew_seconds(storage: Storage, key: str) -> float:
    """How far the storage's clock is behind ours, by the time that it gave a file just written."""
    return (datetime.now(UTC) - await modified_at(storage, key)).total_seconds()


async def clock_complaint(storage: Storage) -> str | None:
    """What is wrong with one of the two clocks, as a sentence; None where they agree.

    It is found by a file that is gone afterwards.

    Raises:
        StorageFailed: No file can be written.
    """
    key = f"{CHECKS_PREFIX}{secrets.token_hex(8)}"
    try:
        async with storage.create(key) as path:
            await off_loop(path.touch)
        skew = await skew_seconds(storage, key)
    finally:
        await storage.delete(key)
    if abs(skew) < MOST_SKEW_SECONDS:
        return None
    differs = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} this machine's"
    return (
        f"The clock of the storage is {differs}. Set both right (NTP): signed addresses end too early or too late, and "
        "from a quarter of an hour on every request is refused."
    )
