"""One file on its way from the client to storage: its row, its bytes, its size and its SHA-256."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from contracts.refusals import RefusalCode, Refused
from database.records import NewVideo
from ingest.batches import Batches
from ingest.rules import NO_BYTES
from storage.protocol import OriginalWriter, Storage


@dataclass(frozen=True)
class ReceivedFile:
    """A file of which every byte is written.

    Attributes:
        video: What its row was made from; the row is still ``uploading``.
        size_bytes: How many bytes there were.
        sha256: Of them, as 64 hexadecimal digits.
    """

    video: NewVideo
    size_bytes: int
    sha256: str


class IncomingFile:
    """Takes a file: the row first, then the bytes, written off the event loop in batches.

    Args:
        storage: Where the file goes.
        describe: Checks the file name and makes a row's content from it.
        insert: Inserts the row in ``uploading``.
        check_size: Raises ``Refused`` once the file is larger than accepted.
        arrived: Told how much of it is here; raises ``Refused`` where there is no room for more.

    Attributes:
        video: What the row is made from; set before it is inserted, so that it is known whatever happens then.
    """

    def __init__(
        self,
        storage: Storage,
        describe: Callable[[str], NewVideo],
        insert: Callable[[NewVideo], Awaitable[object]],
        check_size: Callable[[int], None],
        arrived: Callable[[int], Awaitable[None]],
    ) -> None:
        self._storage = storage
        self._describe = describe
        self._insert = insert
        self._check_size = check_size
        self._arrived = arrived
        self._writer: OriginalWriter | None = None
        self._batches: Batches | None = None
        self.video: NewVideo | None = None

    async def begin(self, filename: str) -> None:
        """Insert the row, then open the file. Raises ``Refused``, ``DatabaseUnavailable`` or ``StorageFailed``."""
        self.video = self._describe(filename)
        await self._insert(self.video)
        self._writer = await self._storage.create_original(self.video.original_key)
        self._batches = Batches(self._writer)

    async def write(self, piece: memoryview) -> None:
        """Take the next bytes. Raises ``Refused`` past the limit or the room, ``StorageFailed`` from the disk."""
        if self._batches is None:
            raise ValueError("The file has not begun.")
        self._check_size(self._batches.size_bytes + len(piece))
        await self._batches.write(piece)
        await self._arrived(self._batches.size_bytes)

    async def complete(self) -> ReceivedFile:
        """Write what is left. Raises ``Refused`` for an empty file, ``StorageFailed``."""
        if self.video is None or self._writer is None or self._batches is None or not self._batches.size_bytes:
            raise Refused(RefusalCode.FILE_EMPTY, NO_BYTES)
        await self._batches.flush()
        digest = self._writer.digest
        if digest is None:
            raise ValueError("The file was begun by another writer.")
        return ReceivedFile(self.video, self._batches.size_bytes, digest.hexdigest())

    async def commit(self) -> None:
        """Make the file durable and visible. Raises ``StorageFailed``."""
        if self._writer is not None:
            await self._writer.commit()

    async def discard(self) -> None:
        """Leave no byte of the file, also where it stands. Raises ``StorageFailed``."""
        await self.drop_part()
        if self.video is not None:
            await self._storage.delete(self.video.original_key)

    async def drop_part(self) -> None:
        """Leave nothing unfinished; a file that stands stays. Raises ``StorageFailed``."""
        if self._batches is not None:
            await self._batches.drop()  # closing the file under a thread that writes is worse
        if self._writer is not None:
            await self._writer.discard()
