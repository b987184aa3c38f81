"""Beside the other steps, for an upload that changed processes on its way: what its SHA-256 is."""

from dataclasses import dataclass

from temporalio import activity

from activities.heartbeat import heartbeats
from storage.hashing import sha256_of
from storage.protocol import Storage


@dataclass(frozen=True)
class HashOriginalInput:
    """Of what.

    Attributes:
        original_key: Storage key of the uploaded file.
    """

    original_key: str


@dataclass(frozen=True)
class HashOriginalResult:
    """What it is.

    Attributes:
        sha256: As 64 hexadecimal digits.
    """

    sha256: str


class HashOriginalActivities:
    """``hash_original`` with its dependencies."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @activity.defn
    async def hash_original(self, request: HashOriginalInput) -> HashOriginalResult:
        """Read the original from its beginning to its end. Reads only.

        Raises:
            OriginalMissing: It is not in storage.
            StorageFailed: It can't be read.
        """
        async with heartbeats():
            return HashOriginalResult(await sha256_of(self._storage, request.original_key))
