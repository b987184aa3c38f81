"""What an earlier attempt finished is not done again.

A record says what a finished file is. It is named by the file's content and written before the file stands under its
key, so a file that stands there is described by its own record, whichever of several attempts was the first to finish,
and one that has none is not whole.
"""

import hashlib
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from contracts.errors import StorageFailed, WorkMissing
from storage.filesystem import told_as_storage_failed
from storage.protocol import Storage
from threads.files import off_loop

Result = TypeVar("Result")


class DoneBefore(Generic[Result]):
    """Records of finished work files of one kind.

    Args:
        storage: Where files and records are.
        result_type: What is recorded; a dataclass.
    """

    def __init__(self, storage: Storage, result_type: type[Result]) -> None:
        self._storage = storage
        self._adapter = TypeAdapter(result_type)

    async def find(self, key: str) -> Result | None:
        """What was recorded of the file under ``key``; None if there is none. A damaged one is removed."""
        try:
            async with self._storage.fetch(key) as path:
                record_key = await off_loop(_record_key, key, path)
        except WorkMissing:
            return None
        try:
            async with self._storage.fetch(record_key) as record:
                return self._adapter.validate_json(await off_loop(record.read_bytes))
        except (WorkMissing, ValidationError):
            await self._storage.delete(key)
            await self._storage.delete(record_key)
            return None

    async def remember(self, key: str, path: Path, result: Result) -> None:
        """Record what the file at ``path`` is, before it stands under ``key``. Raises ``StorageFailed``."""
        async with self._storage.create(await off_loop(_record_key, key, path)) as record:
            with told_as_storage_failed("write", record.parent):
                await off_loop(record.write_bytes, self._adapter.dump_json(result))

    async def standing(self, key: str) -> Result:
        """What was recorded of the file that stands under ``key``, perhaps another attempt's.

        Raises:
            StorageFailed: It does not stand there any more, or is damaged already.
        """
        found = await self.find(key)
        if found is None:
            raise StorageFailed(f"{key} was written, but can't be read back as it was. The disk may be at fault.")
        return found


def _record_key(key: str, path: Path) -> str:
    with path.open("rb") as file:
        return f"{key}.{hashlib.file_digest(file, 'sha256').hexdigest()}.json"
