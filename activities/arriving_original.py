"""The original of an import on its way: what has arrived is kept every now and then, for the attempt after this one.

A killed worker costs what came since, and a server that was away nothing. What is needed to go on is in the row: how
much is durable, and by what its server names the content that it is the beginning of. Heartbeats would not do: those of
a step that has failed are gone when the workflow asks for it once more.
"""

import asyncio
from dataclasses import dataclass

import structlog

from activities.heartbeat import Heartbeat
from contracts.errors import LimitExceeded, OriginalMissing, StorageFailed
from contracts.refusals import QuotaExceeded
from contracts.sizes import size_text
from database.tables import Video
from database.upload_leases import UploadLeases
from fetching.transfer import Content
from ingest.room import Room
from storage.hashing import sha256_of
from storage.protocol import OriginalWriter, Storage

_logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class FetchRules:
    """What is fetched, and how much at a time.

    Attributes:
        max_bytes: Largest original.
        at_once: So many fetches this worker does side by side, half of them at most for one user; the rows of other
            videos are written by it too.
        spare_bytes: What is to stay free on a disk.
        kept_every_bytes: So often is what has arrived made durable, and as much less reserved.
        rested_left_seconds: An upload that expires within so long has no room reserved any more.
        let_go_seconds: How long a step that ends may take for making durable what has come, and as long for the rest.
    """

    max_bytes: int
    at_once: int
    spare_bytes: int = 0
    kept_every_bytes: int = 64 * 1024 * 1024
    rested_left_seconds: float = 0
    let_go_seconds: float = 10.0


class ArrivingOriginal:
    """The sink of a transfer: an original in storage, begun as often as the transfer begins.

    Args:
        storage: Where it goes.
        leases: Told how much of it is here.
        rules: How often, and what is to stay free.
        video: Whose it is.
        attempt: Which attempt of the row is served.
        heartbeat: Tells how far it is.
    """

    def __init__(
        self,
        storage: Storage,
        leases: UploadLeases,
        rules: FetchRules,
        *,
        video: Video,
        attempt: int,
        heartbeat: Heartbeat,
    ) -> None:
        self._storage = storage
        self._leases = leases
        self._room = Room(storage, leases, rules.spare_bytes, rules.rested_left_seconds)
        self._rules = rules
        self._known = video
        self._key = video.original_key
        self._video_id = video.id
        self._attempt = attempt
        self._heartbeat = heartbeat
        self._writer: OriginalWriter | None = None
        self._content = Content()
        self._kept_bytes = 0

    async def go_on(self) -> tuple[Content | None, int]:
        """Take up what is kept, where it is still there: of which content, and how many bytes.

        Raises:
            StorageFailed: It can't be said whether it is; it stays.
        """
        kept_bytes, whole_bytes = self._known.upload_offset, self._known.upload_length
        if kept_bytes == 0 or self._known.source_validator is None or kept_bytes == whole_bytes:
            return None, 0
        try:
            self._writer = await self._storage.continue_original(self._key, kept_bytes)
        except OriginalMissing:
            return None, 0
        self._content = Content(whole_bytes, self._known.source_validator)
        self._kept_bytes = kept_bytes
        self.tell(kept_bytes, whole_bytes)
        return self._content, kept_bytes

    async def begin(self, content: Content) -> None:
        """Begin the file; what was there of it goes, also what a worker left that was killed.

        Raises:
            StorageFailed: There is no room for it.
            StatusConflict: Nobody waits for it any more.
        """
        await self.discard()
        await self._reserve(content)
        await (await self._storage.create_original(self._key)).discard()
        self._writer = await self._storage.create_original(self._key)

    async def write(self, *pieces: bytes) -> None:
        """Append the pieces."""
        writer = self._opened()
        await writer.write(*pieces)
        if writer.size_bytes - self._kept_bytes >= self._rules.kept_every_bytes:
            await self._keep()

    def tell(self, received_bytes: int, whole_bytes: int | None) -> None:
        """Have the next heartbeat tell it."""
        self._heartbeat.advance(received_bytes, whole_bytes or 0)

    async def commit(self) -> str:
        """Make the file durable and visible; returns its SHA-256, for which one that was gone on with is read again."""
        writer = self._opened()
        digest = writer.digest
        await writer.commit()
        self._writer = None  # there is nothing to be kept or dropped any more
        return digest.hexdigest() if digest is not None else await sha256_of(self._storage, self._key)

    async def keep(self) -> None:
        """Have the next attempt go on from here, where its server can do that.

        Raises:
            StorageFailed: It can't be made durable; what was kept before is.
            StatusConflict: Nobody waits for it any more.
        """
        writer = self._writer
        if writer is not None and self._content.validator is not None and writer.size_bytes > self._kept_bytes:
            await self._keep()

    async def let_go(self, *, stays: bool, keep: bool = False) -> None:
        """End, as a step does that has failed or is to stop: how this goes takes the place of no reason for that.

        Args:
            stays: Whether another attempt goes on with what is here, where that can be; else nothing is left.
            keep: Whether all that has come is made durable before.
        """
        for work in ([self.keep] if keep else []) + [self.rest if stays else self.discard]:
            try:
                async with asyncio.timeout(self._rules.let_go_seconds):
                    await work()
            except Exception as error:  # noqa: BLE001  the caller has a failure to tell already
                _logger.warning("end of an import not kept, or left behind", reason=str(error) or type(error).__name__)

    async def rest(self) -> None:
        """Let go of a file that another attempt goes on with; nothing stays of one that can't be gone on with."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await (writer.discard() if self._content.validator is None else writer.close())

    async def discard(self) -> None:
        """Leave nothing of a file that was not committed."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.discard()

    async def _reserve(self, content: Content) -> None:
        """Have every other upload and import leave the room that this one needs."""
        left_bytes = await self._room.left_bytes(but_for=self._video_id)
        whole_bytes = content.whole_bytes
        if whole_bytes is not None and left_bytes is not None and whole_bytes > left_bytes:
            raise StorageFailed(
                f"The file has {size_text(whole_bytes)}, and {self._room.sentence_of(left_bytes)} Free space, or have "
                "videos deleted; the import goes on by itself then."
            )
        self._content = content
        await self._note(0)
        await self._check_room()

    async def _keep(self) -> None:
        """Make what is here durable, then tell the row."""
        writer = self._opened()
        await writer.keep()
        await self._note(writer.size_bytes)
        await self._check_room()

    async def _check_room(self) -> None:
        """Nothing can be reserved for a file whose length nobody tells: it is to leave others theirs while it comes."""
        if self._content.whole_bytes is None and await self._room.left_bytes(but_for=self._video_id) == 0:
            await self.discard()  # several of these would wait for each other's room
            raise StorageFailed(
                f"The server does not say how large the file is, and {self._room.sentence_of(0)} Free space, or have "
                "videos deleted; the import begins anew by itself then."
            )

    async def _note(self, here_bytes: int) -> None:
        self._kept_bytes = here_bytes
        content = self._content
        try:
            await self._leases.note_fetch(
                *(self._video_id, self._attempt),
                length=content.whole_bytes,
                offset=here_bytes,
                validator=content.validator,
            )
        except QuotaExceeded as error:
            raise LimitExceeded(error.detail) from error

    def _opened(self) -> OriginalWriter:
        if self._writer is None:
            raise ValueError("The original was not begun.")
        return self._writer
