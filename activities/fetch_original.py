"""Before the first step of an import: its original, from the URL in its row to storage."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeat import Heartbeat, heartbeats
from activities.row_ids import row_id
from contracts.errors import StatusConflict, StorageFailed
from database.tables import Video
from database.upload_leases import UploadLeases
from database.videos import FetchedOriginal, Videos
from fetching.source import Sources
from fetching.source_url import SourceUrl
from fetching.transfer import Fetched, Transfer
from ingest.labels import extension_of, safe_filename, title_from
from ingest.room import Room
from storage.protocol import OriginalWriter, Storage

_NOTED_EVERY_BYTES: Final = 64 * 1024 * 1024
"""So often does the row learn how much is here, so that as much less is reserved."""


@dataclass(frozen=True)
class FetchOriginalInput:
    """Whose original.

    Attributes:
        video_id: Of the row, which has the URL and the original's key.
        attempt: Which attempt of the row this run serves.
    """

    video_id: str
    attempt: int


@dataclass(frozen=True)
class FetchRules:
    """What is fetched, and how much at a time.

    Attributes:
        max_bytes: Largest original.
        at_once: So many fetches this worker does side by side; the rows of other videos are written by it too.
        spare_bytes: What is to stay free on a disk.
    """

    max_bytes: int
    at_once: int
    spare_bytes: int = 0


class FetchOriginalActivities:
    """``fetch_original`` with its dependencies."""

    def __init__(
        self, videos: Videos, leases: UploadLeases, storage: Storage, sources: Sources, rules: FetchRules
    ) -> None:
        self._videos = videos
        self._leases = leases
        self._storage = storage
        self._sources = sources
        self._rules = rules
        self._under_way = 0

    @activity.defn
    async def fetch_original(self, request: FetchOriginalInput) -> None:
        """Fetch the original, and say in the row how large it is. One that is here already is a success.

        Raises:
            AddressRefused: Its URL leads to something that may not be asked.
            SourceNotFound: There is no such file, or it is not given out.
            SourceFailed: The server fails.
            SourceTooSlow: It took longer than it may.
            LimitExceeded: It is larger than accepted.
            InvalidMedia: It has no byte.
            StorageFailed: The disk refused, or has no room for it beside what else is on its way.
            StatusConflict: The row was retried or deleted meanwhile.
            VideoCancelled: A cancel was accepted meanwhile.
            DatabaseUnavailable: PostgreSQL does not answer.
        """
        video = await self._videos.get(row_id(request.video_id))
        if video is None or video.source_url is None:
            raise StatusConflict(f"Video {request.video_id} has nothing to fetch: it was deleted, or is no import.")
        if await self._is_here(video):
            return
        if self._under_way >= self._rules.at_once:
            raise ApplicationError(
                f"This worker fetches {self._rules.at_once} originals now, and no more at a time; this one waits.",
                type="waits_for_others",
            )
        self._under_way += 1
        try:
            await self._fetch(video, request.attempt)
        finally:
            self._under_way -= 1

    async def _is_here(self, video: Video) -> bool:
        """Whether all of it has arrived, and the row says so."""
        if video.content_sha256 is None:
            return False
        return await self._storage.size(video.original_key) == video.file_size_bytes

    async def _fetch(self, video: Video, attempt: int) -> None:
        url = SourceUrl.parse(video.source_url or "")
        async with heartbeats() as heartbeat:
            room = Room(self._storage, self._leases, self._rules.spare_bytes)
            original = _Original(self._storage, self._leases, room, video=video, attempt=attempt, heartbeat=heartbeat)
            try:
                fetched = await Transfer(self._sources, url, original, max_bytes=self._rules.max_bytes).run()
                await self._videos.claim(video.id, attempt)
                sha256 = await original.commit()
            except BaseException:
                await original.discard()
                raise
            try:
                await self._videos.finish_fetch(video.id, attempt, _described(video, fetched, sha256))
            except StatusConflict:
                await self._forget(video, attempt)
                raise

    async def _forget(self, video: Video, attempt: int) -> None:
        """Take the file away that nobody waits for; a newer attempt would."""
        now = await self._videos.get(video.id)
        if now is None or now.attempt == attempt:
            await self._storage.delete(video.original_key)


class _Original:
    """The sink of a transfer: an original in storage, begun as often as the transfer begins."""

    def __init__(
        self, storage: Storage, leases: UploadLeases, room: Room, *, video: Video, attempt: int, heartbeat: Heartbeat
    ) -> None:
        self._storage = storage
        self._leases = leases
        self._room = room
        self._video = video
        self._attempt = attempt
        self._heartbeat = heartbeat
        self._writer: OriginalWriter | None = None
        self._whole_bytes: int | None = None
        self._noted_bytes = 0

    async def begin(self, whole_bytes: int | None) -> None:
        """Begin the file; what was there of it goes, also what a worker left that was killed.

        Raises:
            StorageFailed: There is no room for it.
            StatusConflict: Nobody waits for it any more.
        """
        await self.discard()
        await self._reserve(whole_bytes)
        key = self._video.original_key
        await (await self._storage.create_original(key)).discard()
        self._writer = await self._storage.create_original(key)

    async def write(self, *pieces: bytes) -> None:
        """Append the pieces."""
        writer = self._opened()
        await writer.write(*pieces)
        if writer.size_bytes - self._noted_bytes >= _NOTED_EVERY_BYTES:
            await self._note(writer.size_bytes)

    async def _reserve(self, whole_bytes: int | None) -> None:
        """Have every other upload and import leave the room that this one needs."""
        left_bytes = await self._room.left_bytes(but_for=self._video.id)
        if whole_bytes is not None and left_bytes is not None and whole_bytes > left_bytes:
            raise StorageFailed(
                f"The file has {whole_bytes} bytes, and there is room for {left_bytes} beside the uploads that are on "
                "their way. Free space, or have videos deleted; the import goes on by itself then."
            )
        self._whole_bytes = whole_bytes
        await self._note(0)

    async def _note(self, here_bytes: int) -> None:
        self._noted_bytes = here_bytes
        await self._leases.note_fetch(self._video.id, self._attempt, length=self._whole_bytes, offset=here_bytes)

    def tell(self, received_bytes: int, whole_bytes: int | None) -> None:
        """Have the next heartbeat tell it."""
        self._heartbeat.advance(received_bytes, whole_bytes or 0)

    async def commit(self) -> str:
        """Make the file durable and visible; returns its SHA-256."""
        writer = self._opened()
        digest = writer.digest
        if digest is None:
            raise ValueError("The original was begun by another writer.")
        await writer.commit()
        return digest.hexdigest()

    async def discard(self) -> None:
        """Leave nothing of a file that was not committed."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.discard()

    def _opened(self) -> OriginalWriter:
        if self._writer is None:
            raise ValueError("The original was not begun.")
        return self._writer


def _described(video: Video, fetched: Fetched, sha256: str) -> FetchedOriginal:
    """What the row is told. A URL that names no video leaves the name to the server, and the title follows it."""
    known = video.original_filename
    named = safe_filename(fetched.filename)
    if named is None or extension_of(known) == PurePosixPath(video.original_key).suffix:
        return FetchedOriginal(fetched.size_bytes, sha256)
    title = title_from(named) if video.title == title_from(known) else None
    return FetchedOriginal(fetched.size_bytes, sha256, filename=named, title=title)
